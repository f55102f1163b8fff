//! What each command prints with `--dry-run`, with a controller, without one, and while it is down: read word by word
//! before it is accepted.

use std::fmt::Write;

use clap::Parser;
use tgscope::audit::Log;
use tgscope::cli::Cli;
use tgscope::commands::changes::rehearsed;

use super::scope_of;
use crate::lab::Still;

const COMMANDS: &[&str] = &[
    "bind svc/testapp --target-group eksworkshoptg",
    "bind svc/testapp --target-group standby",
    "bind svc/testapp --target-group standby --multi-cluster --name second",
    "unbind tgb/testapptgb",
    "resync tgb/testapptgb",
    "drain tgb/testapptgb FIRST",
    "drain tgb/testapptgb FIRST --then put-back",
    "deregister tgb/testapptgb FIRST",
    "deregister tgb/testapptgb FIRST SECOND THIRD",
    "deregister tgb/testapptgb 192.168.9.9:8080",
    "register tgb/testapptgb FIRST",
    "register tgb/testapptgb MISSING",
    "sync tgb/testapptgb",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_say_who_gets_how_much_and_who_may_turn_them_round() {
    let world = Still::start("blue-green").await;
    let mut told = String::new();
    for command in [
        "shift tgb/green green=10 --rule 80:default",
        "shift tgb/green green=10",
        "shift tgb/green blue=0 green=0 --rule 80:default",
        "shift tgb/blue blue=1 --rule 80:20",
        "shift tgb/blue red=1 --rule 80:10",
        "shift tgb/blue blue=many --rule 80:10",
    ] {
        let cli = Cli::try_parse_from(std::iter::once("tgscope").chain(command.split(' '))).unwrap();
        let said = rehearsed(&cli, world.connection(), scope_of(&world), &Log::forgotten()).await;
        let said = said.unwrap_or_else(|error| format!("error: {error}\n"));
        _ = writeln!(told, "=== tgscope {command} --dry-run\n{said}");
    }
    insta::assert_snapshot!("dry_run_shift", told);
}

async fn printed(world: &Still) -> String {
    let report = world.report().await;
    let keys: Vec<String> =
        report.rows.iter().filter(|it| it.endpoint.is_some()).map(|it| it.key.to_string()).collect();
    let mut serving: Vec<String> = report
        .rows
        .iter()
        .filter(|it| it.standing.word() == "in service")
        .map(|it| it.key.to_string())
        .collect();
    serving.resize(3, keys.first().cloned().unwrap_or_default());
    let missing = report.rows.iter().find(|it| it.standing.word() == "unregistered");
    let missing = missing.map_or_else(|| "192.168.1.99:8080".to_owned(), |it| it.key.to_string());
    let mut told = String::new();
    for command in COMMANDS {
        let typed = command
            .replace("FIRST", &serving[0])
            .replace("SECOND", &serving[1])
            .replace("THIRD", &serving[2])
            .replace("MISSING", &missing);
        let cli = Cli::try_parse_from(std::iter::once("tgscope").chain(typed.split(' '))).unwrap();
        let said = rehearsed(&cli, world.connection(), scope_of(world), &Log::forgotten()).await;
        let said = said.unwrap_or_else(|error| format!("error: {error}\n"));
        _ = writeln!(told, "=== tgscope {command} --dry-run\n{said}");
    }
    told
}

/// A world with another group nobody binds.
fn with_standby(scenario: &str) -> tgscope::lab::Scenario {
    let text =
        std::fs::read_to_string(format!("{}/assets/scenarios/{scenario}.toml", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    let text = format!("{text}\n[[group]]\nname = \"standby\"\n");
    tgscope::lab::Scenario::parse(scenario, &text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_controller_every_plan_says_what_it_will_do() {
    let world = Still::of(with_standby("drift")).await;
    world.seconds(35);
    insta::assert_snapshot!("dry_run_controller_present", printed(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_controller_every_plan_says_what_it_will_do() {
    let world = Still::of(with_standby("no-controller")).await;
    world.seconds(40);
    insta::assert_snapshot!("dry_run_controller_absent", printed(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_controller_is_down_every_plan_says_so() {
    let world = Still::of(with_standby("drift")).await;
    world.seconds(35);
    world.lab.act("controller-down = true").unwrap();
    world.seconds(90);
    insta::assert_snapshot!("dry_run_controller_down", printed(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_undo_will_do_is_what_was_done_turned_round() {
    use tgscope::domain::facts::ids::RowKey;
    use tgscope::domain::plan::drain;
    use tgscope::domain::plan::drain::Then;
    use tgscope::domain::plan::targets;
    let mut told = String::new();
    let undo = Cli::try_parse_from(["tgscope", "undo"]).unwrap();
    let world = Still::of(super::at_rest()).await;
    let key = world.report().await.rows[0].key.clone();
    let RowKey::Target(target) = key.clone() else { panic!("{key:?}") };
    let plans = [
        world.plan(|it| targets::deregister(it, &[target.clone()].into())).await,
        world.plan(|it| drain::drain(it, std::slice::from_ref(&key), Then::Keep)).await,
    ];
    for mut plan in plans {
        plan.steps.truncate(1);
        let change = plan.change.word();
        let carried = world.carry_out(plan);
        let log = carried.log.clone();
        carried.end(&world).await;
        let said = rehearsed(&undo, world.connection(), scope_of(&world), &log).await.unwrap();
        _ = writeln!(told, "=== after {change}: tgscope undo --dry-run\n{said}");
    }
    insta::assert_snapshot!("dry_run_undo", told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tells_both_sides_and_every_permission() {
    use tgscope::backend::examine::examine;
    use tgscope::commands::doctor::told;
    let world = Still::of(super::at_rest()).await;
    let mut all = String::new();
    for (context, key) in [("demo", tgscope::lab::ADMIN_KEY), ("demo-viewer", tgscope::lab::VIEWER_KEY)] {
        let examined = examine(world.connection_by(context, key), &world.scope()).await;
        _ = writeln!(all, "{}", told(&examined, Some("workshop")));
    }
    world.lab.act("fault = { on = \"*\", wrong = \"expired\" }").unwrap();
    let examined = examine(world.connection(), &world.scope()).await;
    _ = writeln!(all, "{}", told(&examined, Some("workshop")));
    let addresses = without_port(&all);
    insta::assert_snapshot!("doctor", addresses);
}

/// The lab's port is another one in every run.
fn without_port(text: &str) -> String {
    let line = |it: &str| match it.split_once("http://127.0.0.1:") {
        Some((before, _)) => format!("{before}http://127.0.0.1:PORT"),
        None => it.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
