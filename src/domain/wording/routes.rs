//! Routes in words: the tree line by line, and the way of one request through it.

use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::routing::Step;
use crate::domain::judgement::routing;
use crate::domain::judgement::routing::Request;
use crate::domain::judgement::tree::BalancerMark;
use crate::domain::judgement::tree::BalancerNode;
use crate::domain::judgement::tree::GroupNode;
use crate::domain::judgement::tree::ListenerNode;
use crate::domain::judgement::tree::RuleMark;
use crate::domain::judgement::tree::RuleNode;
use crate::domain::judgement::tree::Tree;

/// How a line of the tree stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Plain,
    /// The name of a load balancer or listener.
    Title,
    /// Worth a look.
    Warning,
    Dim,
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeLine {
    pub(crate) depth: usize,
    pub(crate) weight: Weight,
    pub(crate) text: String,
}

impl TreeLine {
    /// As a line of a text.
    pub(crate) fn indented(&self) -> String {
        format!("{}{}\n", "  ".repeat(self.depth), self.text)
    }
}

fn line(depth: usize, weight: Weight, text: impl Into<String>) -> TreeLine {
    TreeLine { depth, weight, text: text.into() }
}

/// The tree, one thing a line.
pub(crate) fn lines(tree: &Tree) -> Vec<TreeLine> {
    let mut all = Vec::new();
    for it in &tree.load_balancers {
        balancer(it, &mut all);
    }
    if tree.load_balancers.is_empty() && tree.unused.is_empty() {
        all.push(line(0, Weight::Dim, "no load balancer was read yet"));
    }
    for it in &tree.unused {
        let text = format!("{}: used nowhere: no listener or rule sends to it{}", it.arn.name(), counted(it));
        all.push(line(0, Weight::Warning, text));
    }
    all
}

fn balancer(it: &BalancerNode, all: &mut Vec<TreeLine>) {
    let mut facts = vec![it.kind.text().to_owned()];
    if let Some(known) = &it.known {
        facts.extend(known.scheme.iter().map(ToString::to_string));
        facts.extend(known.state.iter().map(ToString::to_string));
        let zones: Vec<&str> = known.zones.iter().map(|it| &**it).collect();
        facts.extend((!zones.is_empty()).then(|| zones.join(" ")));
        facts.extend(known.dns.iter().map(ToString::to_string));
    }
    all.push(line(0, Weight::Title, format!("{} · {}", it.name, facts.join(" · "))));
    all.extend(it.maker.iter().map(|it| line(1, Weight::Dim, it.text())));
    all.extend(it.marks.iter().map(|it| line(1, Weight::Warning, balancer_mark(it))));
    match &it.listeners {
        None => all.push(line(1, Weight::Dim, "its listeners were not read")),
        Some(listeners) if listeners.is_empty() => {
            all.push(line(1, Weight::Warning, "no listener leads here"))
        }
        Some(listeners) => {
            for it in listeners {
                listener(it, all);
            }
        }
    }
}

fn balancer_mark(it: &BalancerMark) -> String {
    match it {
        BalancerMark::State(state) => format!("! its state is {state}"),
        BalancerMark::ZoneOff(zone) => format!("! targets are in {zone}, where it has no subnet"),
        BalancerMark::Shifted(zone) => format!("! a zonal shift keeps new traffic away from {zone}"),
        BalancerMark::ZoneEmpty(zone) => format!("! no healthy target in {zone}"),
    }
}

fn listener(it: &ListenerNode, all: &mut Vec<TreeLine>) {
    let port = it.port.map_or_else(|| "?".to_owned(), |it| it.to_string());
    let others = match it.others {
        0 => String::new(),
        1 => " (1 rule leads elsewhere)".to_owned(),
        n => format!(" ({n} rules lead elsewhere)"),
    };
    let protocol = it.protocol.as_deref().unwrap_or("?");
    all.push(line(1, Weight::Title, format!("{protocol}:{port}{others}")));
    all.extend(it.maker.iter().map(|it| line(2, Weight::Dim, it.text())));
    for it in &it.rules {
        rule(it, all);
    }
}

fn rule(it: &RuleNode, all: &mut Vec<TreeLine>) {
    let sticky =
        it.rule.sticky.map_or(String::new(), |it| format!(" · clients stay with their group for {it} s"));
    all.push(line(2, Weight::Plain, format!("{}{sticky}", described(&it.rule))));
    all.extend(it.maker.iter().map(|it| line(3, Weight::Dim, it.text())));
    all.extend(it.marks.iter().map(|it| line(3, Weight::Warning, rule_mark(it))));
    for node in &it.groups {
        let weight = if node.weight_for_nothing { Weight::Warning } else { Weight::Plain };
        all.push(line(3, weight, group(node)));
    }
}

/// `10  host a.example, path /api/* → authenticate-oidc, forward`
pub(crate) fn described(rule: &Rule) -> String {
    let conditions = match (rule.conditions.is_empty(), rule.is_default()) {
        (true, true) => String::new(),
        (true, false) => " every request".to_owned(),
        (false, _) => format!(" {}", rule.conditions.join(", ")),
    };
    let steps: Vec<String> = rule.steps.iter().map(Step::text).collect();
    let steps = if steps.is_empty() { String::new() } else { format!(" → {}", steps.join(", ")) };
    format!("{}{conditions}{steps}", rule.priority)
}

fn rule_mark(it: &RuleMark) -> String {
    match it {
        RuleMark::Shadowed(by) => format!("! never reached: rule {by} takes all of its requests first"),
        RuleMark::Empty => "! no group of it has a registered target".to_owned(),
        RuleMark::Weightless => "! every group has weight 0".to_owned(),
    }
}

/// `90 %`, `0.5 %`, `nothing`.
pub(crate) fn share(hundredths: u32) -> String {
    match (hundredths / 100, hundredths % 100) {
        (0, 0) => "nothing".to_owned(),
        (whole, 0) => format!("{whole} %"),
        (whole, part) => format!("{whole}.{part:02} %").replace("0 %", " %"),
    }
}

fn counted(it: &GroupNode) -> String {
    let counts = it
        .counts
        .map_or(String::new(), |(healthy, registered)| format!(" · {healthy} of {registered} healthy"));
    let verdict = it.verdict.map_or(String::new(), |it| format!(" · {}", it.text()));
    let binding = it.binding.as_ref().map_or(String::new(), |it| format!(" · {it}"));
    let maker = it.maker.as_ref().map_or(String::new(), |it| format!(" · {}", it.text()));
    format!("{counts}{verdict}{binding}{maker}")
}

fn group(it: &GroupNode) -> String {
    let share = it
        .share
        .map_or(String::new(), |hundredths| format!(" · weight {} · {}", it.weight, share(hundredths)));
    let nothing = if it.weight_for_nothing { " ! gets requests, and nothing is in service" } else { "" };
    format!("{}{share}{}{nothing}", it.arn.name(), counted(it))
}

/// A tree for people, indented.
pub(crate) fn text(tree: &Tree) -> String {
    lines(tree).iter().map(TreeLine::indented).collect()
}

/// The way of a request through one load balancer, line by line; `None`: it has no listener for it.
pub(crate) fn way(node: &BalancerNode, request: &Request) -> Option<Vec<TreeLine>> {
    let dns = node.known.as_ref().and_then(|it| it.dns.as_deref());
    let mut all = vec![line(
        0,
        Weight::Title,
        match dns {
            Some(dns) => format!("{} · {dns}", node.name),
            None => node.name.clone(),
        },
    )];
    let Some(listeners) = &node.listeners else {
        all.push(line(1, Weight::Warning, "its listeners were not read"));
        return Some(all);
    };
    let listener = listeners.iter().find(|it| it.port == Some(request.port))?;
    let protocol = listener.protocol.as_deref().unwrap_or("?");
    all.push(line(1, Weight::Title, format!("{protocol}:{}", request.port)));
    let speaks = if request.scheme == "https" { "HTTPS" } else { "HTTP" };
    if node.kind == LoadBalancerKind::Application && protocol != speaks {
        let text = format!("! the listener speaks {protocol}, the request {speaks}");
        all.push(line(2, Weight::Warning, text));
        return Some(all);
    }
    let rules: Vec<Rule> = listener.rules.iter().map(|it| it.rule.clone()).collect();
    let arrival = routing::arrive(&rules, request);
    for (rule, what) in &arrival.perhaps {
        all.push(line(2, Weight::Warning, format!("? {} comes first, depending on {what}", described(rule))));
    }
    let Some(taken) = arrival.rule else {
        all.push(line(2, Weight::Warning, "! no rule takes it"));
        return Some(all);
    };
    let found = listener.rules.iter().find(|it| it.rule == *taken);
    all.push(line(2, Weight::Plain, format!("✓ {}", described(taken))));
    if let Some(Step::Redirect(to)) = taken.steps.last() {
        all.push(line(
            3,
            Weight::Plain,
            format!("the client is sent to {}", routing::redirected(to, request)),
        ));
    }
    if !taken.transforms.is_empty() {
        all.push(match routing::rewritten(&taken.transforms, request) {
            Ok(sent) => line(3, Weight::Plain, format!("the target sees {}", sent.url())),
            Err(expression) => line(
                3,
                Weight::Warning,
                format!("? the target sees what {expression} makes of it, which is not known here"),
            ),
        });
    }
    for it in found.into_iter().flat_map(|it| &it.groups) {
        let weight = if it.weight_for_nothing { Weight::Warning } else { Weight::Plain };
        all.push(line(3, weight, group(it)));
    }
    Some(all)
}

/// What nobody can tell from a URL alone.
pub(crate) fn not_known(request: &Request, by_name: bool) -> Vec<String> {
    let mut all = Vec::new();
    if !by_name {
        all.push(format!("which load balancer {} resolves to", request.host));
    }
    all.push("what a web application firewall, a login or a cookie for stickiness does with it".to_owned());
    all
}
