//! The changes in tests: what each says it will do, what it does, and what it refuses.

mod cli;
mod golden;
mod keys;
mod logged;
mod order;
mod races;
mod random;

use std::time::Duration;

use tgscope::audit::Log;
use tgscope::backend::Connection;
use tgscope::backend::Question;
use tgscope::backend::Scope;
use tgscope::backend::apply::Job;
use tgscope::backend::apply::Signal;
use tgscope::backend::apply::apply;
use tgscope::backend::look;
use tgscope::domain::judgement::report::Report;
use tgscope::domain::plan::Plan;
use tgscope::domain::plan::Refusal;
use tgscope::domain::plan::known::Known;
use tgscope::domain::plan::progress::Progress;
use tgscope::domain::plan::progress::Stage;
use tgscope::lab::Scenario;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::lab::Still;
use crate::support::PATIENCE;

/// A plan that is being carried out, in a world whose time one moves.
struct Carried {
    work: JoinHandle<Vec<Stage>>,
    told: mpsc::Receiver<Progress>,
    signal: watch::Sender<Signal>,
    log: Log,
}

impl Still {
    /// The plan a planner makes of what is to be seen now on the board the scenario opens.
    async fn plan(&self, make: impl FnOnce(&Known<'_>) -> Result<Plan, Refusal>) -> Plan {
        self.planned(make).await.unwrap()
    }

    async fn planned(&self, make: impl FnOnce(&Known<'_>) -> Result<Plan, Refusal>) -> Result<Plan, Refusal> {
        self.planned_by(self.connection(), make).await
    }

    async fn planned_by(
        &self,
        connection: Connection,
        make: impl FnOnce(&Known<'_>) -> Result<Plan, Refusal>,
    ) -> Result<Plan, Refusal> {
        let question = Question { target: self.open.as_ref(), thorough: true, ..Question::default() };
        let look = look(connection, &self.scope(), question).await;
        let report = look.reports.first().unwrap();
        make(&Known { inventory: &look.inventory, report, now: look.at })
    }

    async fn report(&self) -> Report {
        self.look().await.reports.into_iter().next().unwrap()
    }

    fn carry_out(&self, plan: Plan) -> Carried {
        self.carry_out_by(plan, Log::forgotten())
    }

    fn carry_out_by(&self, plan: Plan, log: Log) -> Carried {
        self.carry_out_with(plan, log, self.connection())
    }

    fn carry_out_with(&self, plan: Plan, log: Log, connection: Connection) -> Carried {
        let (signal, signalled) = watch::channel(Signal::Go);
        let (tell, told) = mpsc::channel(1_000);
        let job = Job { plan, scope: self.scope(), log: log.clone() };
        #[expect(clippy::disallowed_methods, reason = "the writer of the test; it is waited for")]
        let work = tokio::spawn(apply(connection, job, signalled, tell));
        Carried { work, told, signal, log }
    }
}

impl Carried {
    /// Waits until a step stands so.
    async fn until(&mut self, step: usize, word: &str) -> Stage {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let progress = self.told.recv().await.expect("the plan ended before");
                if progress.step == step && progress.stage.word() == word {
                    return progress.stage;
                }
            }
        });
        waited.await.unwrap_or_else(|_| panic!("step {step} was never {word}"))
    }

    /// The same, while time passes a second for each look that is waited for.
    async fn reach(&mut self, world: &Still, step: usize, word: &str) -> Stage {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                tokio::select! {
                    told = self.told.recv() => {
                        let progress = told.expect("the plan ended before");
                        if progress.step == step && progress.stage.word() == word {
                            return progress.stage;
                        }
                    }
                    () = tokio::time::sleep(Duration::from_millis(20)) => world.seconds(1),
                }
            }
        });
        waited.await.unwrap_or_else(|_| panic!("step {step} was never {word}"))
    }

    /// How every step ended, while time passes a second for each look that is waited for.
    async fn end(self, world: &Still) -> Vec<Stage> {
        let Self { mut work, told, signal, .. } = self;
        let ended = tokio::time::timeout(PATIENCE, async {
            loop {
                tokio::select! {
                    ended = &mut work => return ended.unwrap(),
                    () = tokio::time::sleep(Duration::from_millis(20)) => world.seconds(1),
                }
            }
        });
        let ended = ended.await.expect("the plan never ended");
        drop((told, signal));
        ended
    }
}

/// The world of the drift scenario, where nothing happens by itself.
fn at_rest() -> Scenario {
    let path = format!("{}/assets/scenarios/drift.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (world, _) = text.split_once("[[step]]").unwrap();
    Scenario::parse("rest", world).unwrap()
}

fn words(stages: &[Stage]) -> Vec<&'static str> {
    stages.iter().map(Stage::word).collect()
}

fn scope_of(world: &Still) -> Scope {
    world.scope()
}
