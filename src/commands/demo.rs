//! `demo`: a world of its own on loopback, and the ordinary program on it, or other programs.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap::parser::ValueSource;

use super::exit::Exit;
use super::get;
use super::setup;
use super::setup::Setup;
use super::terminal::complain;
use super::terminal::on_terminal;
use super::terminal::print;
use crate::app::opening::Opening;
use crate::audit::Log;
use crate::aws::Settings;
use crate::backend::Buckets;
use crate::backend::Budget;
use crate::backend::Clock;
use crate::backend::Connection;
use crate::cli::Cli;
use crate::cli::Demo;
use crate::cli::Get;
use crate::cli::Options;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::plan::manner::Manner;
use crate::kubernetes::Contexts;
use crate::lab;
use crate::lab::Lab;
use crate::lab::Scenario;
use crate::tui;
use crate::tui::Screen;
use crate::tui::terminated;

pub(super) fn run(cli: &Cli, demo: &Demo) -> anyhow::Result<Exit> {
    if demo.list {
        print(&listed(&Scenario::all()?))?;
        return Ok(Exit::Done);
    }
    let scenario = Scenario::built_in(&demo.scenario)?;
    setup::run(start(cli, demo, scenario))
}

/// The scenarios, one line each.
fn listed(scenarios: &[Scenario]) -> String {
    let width = scenarios.iter().map(|it| it.name.len()).max().unwrap_or(0);
    let line = |it: &Scenario| format!("{:width$}  {}\n", it.name, it.summary);
    scenarios.iter().map(line).collect::<Vec<_>>().concat()
}

async fn start(cli: &Cli, demo: &Demo, scenario: Scenario) -> anyhow::Result<Exit> {
    let clock = lab::Clock::new(Clock::wall().now().0, demo.speed);
    let target: Option<ScopeTarget> = match &scenario.open {
        Some(text) => Some(text.parse().map_err(|it| anyhow::anyhow!("scenario {}: {it}", scenario.name))?),
        None => None,
    };
    let name = scenario.name.clone();
    if scenario.quiet {
        complain(&format!("starting scenario {name:?}; this takes a few seconds"));
    }
    let lab = Lab::start(scenario, clock.clone()).await.context("cannot listen on the loopback")?;
    if demo.serve {
        return serve(&lab).await;
    }
    let setup = connect(&lab, &clock, cli, target.as_ref())?;
    if !on_terminal() {
        return get::look(setup, cli, &Get::default(), target.as_ref()).await;
    }
    let opening = Opening {
        contexts: setup.connection.clusters.iter().map(|it| it.id.clone()).collect(),
        namespace: setup.scope.namespace.clone(),
        selector: cli.options.selector.clone(),
        command: target.as_ref().and_then(setup::command_like),
        target,
        demo: Some(label(&name, demo.speed)),
        read_only: setup.connection.read_only,
        probes_read_only: true,
        protected: BTreeSet::new(),
        manner: Manner::default(),
        exposed: BTreeMap::new(),
        session: setup::session(),
        job_control: tui::job_control(),
    };
    // No folder: a demo leaves nothing behind, not even a log.
    let log = Log::forgotten();
    let screen = Screen { connection: setup.connection, scope: setup.scope, opening, log, folder: None };
    screen.show().await?;
    Ok(Exit::Done)
}

/// The options without what the user's environment says: that is about other clusters.
fn own(options: &Options) -> Options {
    let typed = |name: &str| {
        let matches = Cli::command().get_matches();
        let of_demo = matches.subcommand_matches("demo");
        of_demo.and_then(|it| it.value_source(name)) == Some(ValueSource::CommandLine)
    };
    let namespace = options.namespace.clone().filter(|_| typed("namespace"));
    Options { namespace, ..options.clone() }
}

/// What the header says.
#[expect(clippy::float_cmp, reason = "exactly what was asked for")]
fn label(scenario: &str, speed: f64) -> String {
    match speed == 1.0 {
        true => scenario.to_owned(),
        false => format!("{scenario} \u{d7}{speed}"),
    }
}

/// The ordinary connection, with the lab's addresses, keys and time.
fn connect(lab: &Lab, clock: &lab::Clock, cli: &Cli, target: Option<&ScopeTarget>) -> anyhow::Result<Setup> {
    let access = Contexts::from_text(&lab.kubeconfig())?.access(None)?.within(cli.options.request_timeout);
    let scope = setup::scope(&own(&cli.options), target, &access.namespace);
    let aws = Settings {
        region: Some(lab.region()),
        endpoint: Some(lab.aws_url()),
        keys: Some((lab::ADMIN_KEY.to_owned(), lab::SECRET.to_owned())),
        ..Settings::default()
    };
    let (told, speed) = (clock.clone(), clock.speed());
    // Time that runs faster asks more often.
    let budget = Buckets::new(Budget::default().times(speed));
    let clock = Clock::told(move || told.now(), speed);
    let read_only = cli.options.read_only;
    let connection = Connection { clusters: vec![access], aws, budget, read_only, clock };
    Ok(Setup {
        connection,
        scope,
        protected: BTreeSet::new(),
        probes_read_only: true,
        manner: Manner::default(),
        exposed: BTreeMap::new(),
    })
}

/// Serves other programs until a signal; leaves nothing behind.
async fn serve(lab: &Lab) -> anyhow::Result<Exit> {
    let ended = terminated();
    let folder = tempfile::Builder::new().prefix("tgscope-demo.").tempdir().context("no temporary folder")?;
    let kubeconfig = folder.path().join("kubeconfig");
    crate::files::replace(&kubeconfig, &lab.kubeconfig()).context("cannot write the kubeconfig")?;
    print(&environment(lab, &kubeconfig))?;
    ended.await;
    folder.close().context("cannot remove the temporary folder")?;
    Ok(Exit::Done)
}

fn environment(lab: &Lab, kubeconfig: &Path) -> String {
    let (region, kubeconfig) = (lab.region(), kubeconfig.display().to_string());
    let variables = [
        ("KUBECONFIG", kubeconfig),
        ("AWS_ENDPOINT_URL", lab.aws_url()),
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ACCESS_KEY_ID", lab::ADMIN_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", lab::SECRET.to_owned()),
    ];
    let lines = variables.map(|(name, value)| format!("export {name}='{value}'\n"));
    format!("{}# ready\n", lines.concat())
}
