//! Routes as data for programs.

use serde::Serialize;

use crate::domain::facts::routing::Step;
use crate::domain::judgement::tree::BalancerMark;
use crate::domain::judgement::tree::BalancerNode;
use crate::domain::judgement::tree::GroupNode;
use crate::domain::judgement::tree::ListenerNode;
use crate::domain::judgement::tree::RuleMark;
use crate::domain::judgement::tree::RuleNode;
use crate::domain::judgement::tree::Tree;

/// `-o json` of `routes`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoutesDocument {
    api_version: &'static str,
    load_balancers: Vec<BalancerDocument>,
    /// Groups that no rule sends to.
    unused: Vec<GroupDocument>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BalancerDocument {
    arn: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    scheme: Option<String>,
    state: Option<String>,
    dns_name: Option<String>,
    zones: Vec<String>,
    /// `zone-off ZONE`, `shifted ZONE`, `zone-empty ZONE`, `state STATE`.
    marks: Vec<String>,
    /// `null`: not read.
    listeners: Option<Vec<ListenerDocument>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListenerDocument {
    protocol: Option<String>,
    port: Option<u16>,
    rules: Vec<RuleDocument>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDocument {
    arn: Option<String>,
    priority: String,
    conditions: Vec<String>,
    transforms: Vec<String>,
    actions: Vec<String>,
    stickiness_seconds: Option<u32>,
    groups: Vec<GroupDocument>,
    /// `shadowed-by PRIORITY`, `empty`, `weightless`.
    marks: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupDocument {
    arn: String,
    weight: u32,
    /// In percent; `null`: it is alone.
    share: Option<f64>,
    healthy: Option<u32>,
    registered: Option<u32>,
    verdict: Option<&'static str>,
    binding: Option<String>,
}

fn group(it: &GroupNode) -> GroupDocument {
    GroupDocument {
        arn: it.arn.to_string(),
        weight: it.weight,
        share: it.share.map(|it| f64::from(it) / 100.0),
        healthy: it.counts.map(|it| it.0),
        registered: it.counts.map(|it| it.1),
        verdict: it.verdict.map(|it| it.text()),
        binding: it.binding.as_ref().map(ToString::to_string),
    }
}

fn rule(it: &RuleNode) -> RuleDocument {
    RuleDocument {
        arn: it.rule.arn.as_ref().map(|it| it.as_str().to_owned()),
        priority: it.rule.priority.to_string(),
        conditions: it.rule.matches.iter().map(|it| it.text()).collect(),
        transforms: it.rule.transforms.iter().map(|it| it.text()).collect(),
        actions: it.rule.steps.iter().map(Step::text).collect(),
        stickiness_seconds: it.rule.sticky,
        groups: it.groups.iter().map(group).collect(),
        marks: it.marks.iter().map(rule_mark).collect(),
    }
}

fn rule_mark(it: &RuleMark) -> String {
    match it {
        RuleMark::Shadowed(by) => format!("shadowed-by {by}"),
        RuleMark::Empty => "empty".to_owned(),
        RuleMark::Weightless => "weightless".to_owned(),
    }
}

fn mark(it: &BalancerMark) -> String {
    match it {
        BalancerMark::State(state) => format!("state {state}"),
        BalancerMark::ZoneOff(zone) => format!("zone-off {zone}"),
        BalancerMark::Shifted(zone) => format!("shifted {zone}"),
        BalancerMark::ZoneEmpty(zone) => format!("zone-empty {zone}"),
    }
}

fn listener(it: &ListenerNode) -> ListenerDocument {
    ListenerDocument {
        protocol: it.protocol.as_ref().map(ToString::to_string),
        port: it.port,
        rules: it.rules.iter().map(rule).collect(),
    }
}

fn balancer(it: &BalancerNode) -> BalancerDocument {
    let known = it.known.as_ref();
    BalancerDocument {
        arn: it.arn.as_str().to_owned(),
        name: it.name.clone(),
        kind: it.kind.text(),
        scheme: known.and_then(|it| it.scheme.as_ref()).map(ToString::to_string),
        state: known.and_then(|it| it.state.as_ref()).map(ToString::to_string),
        dns_name: known.and_then(|it| it.dns.as_ref()).map(ToString::to_string),
        zones: known.into_iter().flat_map(|it| &it.zones).map(ToString::to_string).collect(),
        marks: it.marks.iter().map(mark).collect(),
        listeners: it.listeners.as_ref().map(|all| all.iter().map(listener).collect()),
    }
}

impl RoutesDocument {
    pub(crate) fn new(tree: &Tree) -> Self {
        Self {
            api_version: "tgscope/v1",
            load_balancers: tree.load_balancers.iter().map(balancer).collect(),
            unused: tree.unused.iter().map(group).collect(),
        }
    }
}
