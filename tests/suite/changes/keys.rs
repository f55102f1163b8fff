//! Every change by its key, on the ordinary screen: the plan is read, accepted, and what it did is on the board.

use crossterm::event::KeyCode;
use tgscope::app::opening::Opening;
use tgscope::audit::Log;
use tgscope::backend::apply::Signal;
use tgscope::domain::facts::ids::ClusterId;
use tgscope::domain::plan::drain;
use tgscope::domain::plan::drain::Then;

use super::at_rest;
use crate::lab::Still;
use crate::lab::session::Session;

impl Session {
    /// Presses letters, one after the other.
    fn keys(&self, keys: &str) {
        for key in keys.chars() {
            self.press(match key {
                '⏎' => KeyCode::Enter,
                '⎋' => KeyCode::Esc,
                '↓' => KeyCode::Down,
                key => KeyCode::Char(key),
            });
        }
    }

    /// Opens a plan by a key. Where the board was only just opened, what the plan rests on may not be read yet: it says so,
    /// and is asked for once more.
    async fn plan(&self, key: &str) {
        for _ in 0..100 {
            self.keys(key);
            self.until(&["Plan ·"]).await;
            if !self.shown.text().contains("could not be read") {
                return;
            }
            self.keys("⎋");
            self.until_so("the end of the plan", |text| !text.contains("Plan ·")).await;
        }
        panic!("it was never read:\n{}", self.shown.text());
    }

    /// Lets seconds go by, one at a time, until all of these stand on the screen.
    async fn live(&self, all: &[&str]) {
        for _ in 0..600 {
            if all.iter().all(|it| self.shown.text().contains(it)) {
                return;
            }
            self.world.seconds(1);
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{all:?} never came:\n{}", self.shown.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_drained_by_three_keys_and_put_back_by_two() {
    let session = Session::open("drift").await;
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.keys("j");
    session.plan("D").await;
    session.until(&["Plan · drain", "remove label app=testapp", "evict pod", "y accept"]).await;
    session.keys("y");
    session.live(&["drain · under way", "✓ 1.", "✓ 2.", "✓ 3.", "is draining, at most"]).await;
    // Hidden, it goes on, and the pod stays on the board.
    session.keys("⎋");
    session.until(&["detached", "↓ draining", "drain 4/5 waiting"]).await;
    session.keys("p");
    session.until(&["drain · under way"]).await;
    // Somebody thinks better of it: the label comes back, and with it the endpoint.
    session.keys("c");
    session.live(&["drain · not done", "cancelled"]).await;
    session.keys("u");
    session.until(&["Plan · undo", "y accept"]).await;
    session.keys("y");
    session.live(&["undo · done", "add label app=testapp"]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_pod_is_deleted_at_the_end() {
    let session = Session::open("drift").await;
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.keys("j");
    session.plan("D").await;
    session.until(&["Plan · drain", "y accept"]).await;
    session.keys("y");
    session
        .live(&["drain · done", "✓ 3. wait until 3 endpoints are in service again", "✓ 5. evict pod"])
        .await;
    session.keys("⎋");
    session.live(&["SERVING  3 of 3"]).await;
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_orphans_go_by_four_keys() {
    let session = Session::open("two-writers").await;
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.pass(25, &["! orphan", "192.168.77.7:8080", "192.168.77.8:8080"]).await;
    session.keys("  X");
    session.until(&["Plan · deregister", "2 targets", "Nothing registers them again", "y accept"]).await;
    session.keys("y");
    session.live(&["✓ 1.", "is draining"]).await;
    // Whoever leaves while something is under way is asked.
    session.keys("⎋q");
    session.until(&["Leave?", "Deregisters 2 targets"]).await;
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sleeping_controller_is_made_to_look() {
    let session = Session::open("drift").await;
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.pass(20, &["+ unregistered"]).await;
    session.keys("r");
    session
        .until(&["Plan · resync", "checkpoint annotation", "It may trust a list of targets", "y accept"])
        .await;
    session.keys("y");
    // Its list of targets is younger than five minutes: it overwrites the marker and registers nothing.
    session.live(&["✓ 1.", "resync · not done", "repeat the resync", "r resync again", "R register"]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_are_typed_given_and_taken_back() {
    let session = Session::open("blue-green").await;
    session.until(&["SERVING  2 of 2", "settled", "shop ▸ HTTP:80"]).await;
    session.keys("W");
    session.until(&["Weights of which rule", "blue 100, green 0", "blue 1, green 1"]).await;
    session.keys("default⏎");
    session.until(&["Weights of green and blue, now 0 100", "75 25"]).await;
    // Other numbers than those on the list.
    session.keys("5⏎");
    session
        .until(&["Plan · shift", "95 % to blue, 5 % to green", "CloudFormation stack shop-alb", "y accept"])
        .await;
    session.keys("y");
    session.live(&["shift · done", "the weights are blue 95, green 5"]).await;
    session.keys("u");
    session.until(&["Plan · undo", "send 100 % to blue, nothing to green", "y accept"]).await;
    session.keys("y");
    session.live(&["undo · done", "the weights are blue 100, green 0"]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_endpoint_is_registered_by_key() {
    let session = Session::open("drift").await;
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.pass(20, &["+ unregistered"]).await;
    session.keys("jR");
    session.until(&["Plan · register", "The controller keeps new targets registered", "y accept"]).await;
    session.keys("y");
    session.live(&["register · done"]).await;
    session.keys("⎋");
    session.live(&["SERVING  3 of 3"]).await;
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_controller_one_key_brings_the_group_in_step() {
    let session = Session::open("no-controller").await;
    session.pass(40, &["! orphan", "+ unregistered"]).await;
    session.keys("S");
    session.until(&["Plan · sync", "Registers 1 endpoint", "then deregisters 1 target", "y accept"]).await;
    session.keys("y");
    session.live(&["sync · done"]).await;
    session.keys("⎋");
    session.live(&["SERVING  3 of 3"]).await;
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unbinding_the_last_healthy_targets_needs_the_name_typed() {
    let session = Session::open("drift").await;
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.keys("B");
    session
        .until(&["Plan · unbind", "type testapptgb", "no healthy target would be left", "Enter accept"])
        .await;
    session.keys("y⏎");
    session.until(&["that is not testapptgb"]).await;
    session.press(KeyCode::Backspace);
    session.keys("testapptgb⏎");
    session.live(&["unbind · done", "is gone"]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_bound_by_a_few_keys() {
    let session = Session::of(Still::of(at_rest()).await, "rest", Opening::default());
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.keys("B");
    session.until(&["type testapptgb", "Enter accept"]).await;
    session.keys("testapptgb⏎");
    session.live(&["unbind · done"]).await;
    session.keys("⎋b");
    session.until(&["Bind which service", "workshop/testapp"]).await;
    session.keys("testapp⏎");
    session.until(&["to which target group", "eksworkshoptg"]).await;
    session.keys("⏎");
    session.until(&["Plan · bind", "registers 3 endpoints", "y accept"]).await;
    session.keys("w");
    session.until(&["turn networking off"]).await;
    session.keys("wd");
    session.until(&["turn networking on", "dry run 1. the API server would accept it", "y accept"]).await;
    session.keys("y");
    session.live(&["bind · done"]).await;
    session.keys("⎋");
    session.live(&["SERVING  3 of 3"]).await;
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_log_is_said_at_the_start_and_in_the_audit_view() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    std::fs::write(&path, b"\xff\n{}\n").unwrap();
    let world = Still::of(at_rest()).await;
    let connection = world.connection();
    let session = Session::logged(world, connection, Log::file(path));
    session.until(&["SERVING  3 of 3", "2 lines of "]).await;
    session.keys("A");
    session.until(&["Audit log", "! 2 lines of "]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_palette_finds_a_change_by_its_name() {
    let session = Session::of(Still::of(at_rest()).await, "rest", Opening::default());
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.keys(":resy");
    session.until(&["Actions", "resync"]).await;
    session.keys("⏎");
    session.until(&["Plan · resync"]).await;
    session.keys("n");
    session.keys("jD");
    session.until(&["Plan · drain", "y accept"]).await;
    session.keys("y");
    session.live(&["✓ 1."]).await;
    session.keys("⎋A");
    session.until(&["Audit log", "begin", "done: remove label", "user/admin"]).await;
    // It goes on for as long as the pod drains.
    session.keys("⎋q");
    session.until(&["Leave?"]).await;
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_screen_offers_nothing_that_writes() {
    let opening = Opening { read_only: true, ..Opening::default() };
    let world = Still::start("drift").await;
    let session = Session::of(world, "drift", opening);
    session.until(&["READ ONLY", "SERVING  3 of 3"]).await;
    session.keys("j");
    for key in ["b", "B", "r", "D", "X", "R", "S"] {
        session.keys(key);
        session.until(&["read only: nothing is written"]).await;
        session.pass(6, &["q quit"]).await;
    }
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_context_asks_for_its_name() {
    let protected = [ClusterId::new("demo")].into();
    let opening = Opening { protected, ..Opening::default() };
    let session = Session::of(Still::start("drift").await, "drift", opening);
    session.until(&["PROTECTED", "SERVING  3 of 3"]).await;
    session.keys("r");
    session.until(&["Plan · resync", "type demo", "the context demo is protected", "Enter accept"]).await;
    session.keys("demo⏎");
    session.live(&["resync · done"]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_sees_everything_and_is_told_what_each_change_needs() {
    let world = Still::start("drift").await;
    let connection = world.connection_by("demo-viewer", tgscope::lab::VIEWER_KEY);
    let session = Session::by(world, connection, "drift", Opening::default());
    session.until(&["SERVING  3 of 3", "settled"]).await;
    session.pass(20, &["+ unregistered"]).await;
    session.keys("j");
    for (key, needs) in [
        ("b", "bind needs create targetgroupbindings.elbv2.k8s.aws"),
        ("B", "unbind needs delete targetgroupbindings.elbv2.k8s.aws"),
        ("r", "resync needs patch targetgroupbindings.elbv2.k8s.aws"),
        ("D", "drain needs patch pods"),
    ] {
        session.keys(key);
        session.until(&[needs]).await;
        session.pass(6, &["q quit"]).await;
    }
    // AWS only tells when it is asked to do it.
    session.keys("R");
    session.until(&["Plan · register", "y accept"]).await;
    session.keys("y");
    session.live(&["register · not done", "needs elasticloadbalancing:RegisterTargets"]).await;
    session.keys("⎋");
    session.quit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_session_began_is_offered_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let log = || Log::file(folder.path().join("audit.jsonl"));
    let world = Still::of(at_rest()).await;
    let row = world.report().await.rows[0].key.clone();
    let plan = world.plan(|it| drain::drain(it, &[row], Then::Delete)).await;
    let mut carried = world.carry_out_by(plan, log());
    carried.until(0, "done").await;
    world.seconds(10);
    carried.reach(&world, 3, "waiting").await;
    carried.signal.send_replace(Signal::Leave);
    carried.end(&world).await;

    let connection = world.connection();
    let session = Session::logged(world, connection, log());
    session.until(&["Unfinished change", "3 of 5 steps are done", "g resume"]).await;
    session.keys("g");
    session.until(&["Plan · drain", "Resumes the change from 2026-01-15", "y accept"]).await;
    session.keys("y");
    session.live(&["drain · done", "✓ 2. evict pod"]).await;
    session.keys("⎋");
    session.quit().await;
    let entries = log().entries().unwrap();
    assert_eq!(tgscope::domain::plan::log::unfinished(&entries), []);
}
