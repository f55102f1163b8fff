//! `routes`: how requests reach target groups, and which rule takes a URL.

use anyhow::bail;
use tokio::sync::watch;

use super::changes::choose;
use super::exit::Exit;
use super::reading;
use super::setup;
use super::setup::Setup;
use super::terminal::complain;
use super::terminal::print;
use crate::backend;
use crate::backend::Look;
use crate::backend::Question;
use crate::backend::Reading;
use crate::cli::Cli;
use crate::cli::Routes;
use crate::cli::TreeOutput;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::selector::Selector;
use crate::domain::judgement::routing::Request;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::judgement::tree;
use crate::domain::judgement::tree::Tree;
use crate::domain::judgement::tree::Wanted;
use crate::domain::wording::routes;
use crate::domain::wording::routes::TreeLine;
use crate::domain::wording::scope::not_found;
use crate::printable;
use crate::report::printed;
use crate::report::routes::RoutesDocument;

/// What was typed.
struct Asked {
    scope: Option<ScopeTarget>,
    request: Option<Request>,
}

pub(super) fn run(cli: &Cli, routes: &Routes) -> anyhow::Result<Exit> {
    let asked = asked(routes)?;
    let setup = setup::setup(&cli.options, asked.scope.as_ref())?;
    setup::run(show(setup, cli.options.selector.as_ref(), routes, &asked))
}

fn asked(routes: &Routes) -> anyhow::Result<Asked> {
    let mut asked = Asked { scope: None, request: None };
    for word in &routes.what {
        match word.contains("://") {
            true if asked.request.is_some() => bail!("two URLs: give one"),
            true => asked.request = Some(Request::of(word)?),
            false if asked.scope.is_some() => bail!("two scopes: give one, and a URL"),
            false => asked.scope = Some(word.parse()?),
        }
    }
    let Some(request) = &mut asked.request else {
        if routes.method.is_some() || routes.source.is_some() || !routes.headers.is_empty() {
            bail!("--method, --header and --source are about a URL, and none was given");
        }
        return Ok(asked);
    };
    request.method = routes.method.as_ref().map(|it| it.to_uppercase());
    request.source = routes.source;
    for header in &routes.headers {
        match header.split_once(':') {
            Some((name, value)) => request.headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => bail!("not a header: {header:?} (expected NAME: VALUE)"),
        }
    }
    request.headers_are_all = !routes.headers.is_empty();
    Ok(asked)
}

async fn show(
    setup: Setup,
    selector: Option<&Selector>,
    routes: &Routes,
    asked: &Asked,
) -> anyhow::Result<Exit> {
    let (told, _) = watch::channel(Reading::default());
    let question = Question {
        selector,
        target: asked.scope.as_ref(),
        siblings: true,
        reading: Some(&told),
        ..Question::default()
    };
    let look = Box::pin(backend::look(setup.connection, &setup.scope, question));
    let look = reading::shown(look, &told).await;
    let failures = choose::failures(&look);
    for line in &failures {
        complain(line);
    }
    if let Some(target) = asked.scope.as_ref().filter(|_| look.reports.is_empty()) {
        bail!("{}", not_found(target, setup.scope.namespace.as_deref(), None));
    }
    let tree = tree::tree(&look.inventory, &look.reports, &wanted(&look, asked));
    let exit = if failures.is_empty() { Exit::Done } else { Exit::Error };
    let Some(request) = &asked.request else {
        match routes.output {
            TreeOutput::Tree => print(&printable::text(&routes::text(&tree)))?,
            format => print(&printed(&RoutesDocument::new(&tree), format == TreeOutput::Json)?)?,
        }
        return Ok(exit);
    };
    let (lines, is_found) = follow(&tree, request);
    print(&printable::text(&lines))?;
    Ok(if is_found { exit } else { Exit::Findings })
}

/// Everything of the load balancers where they are what was pointed at, or where a URL is followed; else what leads to the
/// groups that were found.
fn wanted(look: &Look, asked: &Asked) -> Wanted {
    let groups = look.reports.iter().filter_map(|it| it.group.clone()).collect();
    let all = || look.inventory.load_balancers.values();
    let arns = |it: Vec<&LoadBalancer>| it.into_iter().map(|it| it.arn.clone()).collect();
    let is_called = |it: &LoadBalancer, name: &str| it.name == name || it.dns.as_deref() == Some(name);
    match asked.scope.as_ref().map(|it| &it.kind) {
        Some(ScopeKind::LoadBalancer(name) | ScopeKind::Host(name)) => {
            Wanted { groups, load_balancers: arns(all().filter(|it| is_called(it, name)).collect()) }
        }
        None => Wanted { groups, load_balancers: arns(all().collect()) },
        Some(_) if asked.request.is_some() => Wanted::around(&look.inventory, groups),
        Some(_) => Wanted { groups, ..Wanted::default() },
    }
}

/// The way of a request through every load balancer that may get it, and whether one takes it.
fn follow(tree: &Tree, request: &Request) -> (String, bool) {
    let is_named = |it: &&tree::BalancerNode| {
        let dns = it.known.as_ref().and_then(|it| it.dns.as_deref());
        dns.is_some_and(|it| it.eq_ignore_ascii_case(&request.host))
    };
    let named: Vec<_> = tree.load_balancers.iter().filter(is_named).collect();
    let by_name = !named.is_empty();
    let candidates = if by_name { named } else { tree.load_balancers.iter().collect() };
    let ways: Vec<Vec<TreeLine>> = candidates.iter().filter_map(|it| routes::way(it, request)).collect();
    let mut text: String = ways.iter().flatten().map(TreeLine::indented).collect();
    if ways.is_empty() {
        text = format!("no load balancer that was read has a listener on port {}\n", request.port);
    }
    let unknown = routes::not_known(request, by_name).join("; ");
    (format!("{}\n{text}Not known: {unknown}.\n", request.url()), !ways.is_empty())
}
