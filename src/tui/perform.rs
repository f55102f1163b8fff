//! Effects carried out beside the loop: each accepted plan is a task that is owned here and ends with the screen, not
//! in the middle of a call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::task::JoinSet;

use super::terminal;
use crate::app::Effect;
use crate::app::Message;
use crate::audit::Log;
use crate::backend::Connection;
use crate::backend::Scope;
use crate::backend::apply;
use crate::backend::apply::Job;
use crate::backend::apply::Signal;
use crate::backend::probe;
use crate::backend::weigh;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::inventory::follow::Follow;
use crate::domain::plan::Plan;
use crate::report::plan::object_yaml;

/// News of one plan that may wait for the loop.
const QUEUE: usize = 64;
/// How long a call that is under way may keep the screen from leaving.
const GRACE: Duration = Duration::from_secs(20);

/// What effects need.
pub(super) struct Performer {
    pub(super) connection: Connection,
    pub(super) scope: Scope,
    pub(super) log: Log,
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) follow: watch::Sender<Follow>,
    pub(super) running: JoinSet<()>,
    pub(super) signals: BTreeMap<PlanId, watch::Sender<Signal>>,
}

impl Performer {
    /// Does what an effect asks for, without waiting.
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Follow(wish) => drop(self.follow.send_replace(*wish)),
            Effect::Apply(plan) => self.apply(*plan),
            Effect::Rehearse(plan) => {
                let (connection, scope) = (self.connection.clone(), self.scope.clone());
                let sender = self.sender.clone();
                self.running.spawn(async move {
                    let id = plan.id.clone();
                    let answers = apply::rehearse(connection, *plan, scope).await;
                    _ = sender.send(Message::Rehearsed(id, answers)).await;
                });
            }
            Effect::Weigh(place, groups) => {
                let (connection, sender) = (self.connection.clone(), self.sender.clone());
                self.running.spawn(async move {
                    let read = weigh::weigh(connection, &place, &groups).await;
                    _ = sender.send(Message::Weighed(Box::new(read))).await;
                });
            }
            Effect::Probe(request) => {
                let (connection, sender) = (self.connection.clone(), self.sender.clone());
                self.running.spawn(async move {
                    let probed = probe::probe(connection, *request).await;
                    _ = sender.send(Message::Probed(Box::new(probed))).await;
                });
            }
            Effect::Cancel(plan) => {
                if let Some(signal) = self.signals.get(&plan) {
                    signal.send_replace(Signal::Cancel);
                }
            }
            Effect::ReadLog => {
                let (log, sender) = (self.log.clone(), self.sender.clone());
                self.running.spawn(async move {
                    // A task that panicked read nothing; the report of that is in the crash file.
                    if let Ok(excerpt) = tokio::task::spawn_blocking(move || log.excerpt()).await {
                        _ = sender.send(Message::Log(excerpt)).await;
                    }
                });
            }
            Effect::Forget(open) => {
                let (log, sender) = (self.log.clone(), self.sender.clone());
                let now = self.connection.clock.now();
                self.running.spawn(async move {
                    let forgotten =
                        tokio::task::spawn_blocking(move || log.forget(&open, apply::written(now))).await;
                    if let Ok(Err(why)) = forgotten {
                        _ = sender.send(Message::NotForgotten(why.to_string())).await;
                    }
                });
            }
            Effect::Save(manifest) => {
                let (name, text) = (format!("{}.yaml", manifest.name.name), object_yaml(&manifest));
                let sender = self.sender.clone();
                self.running.spawn(async move {
                    let written = tokio::task::spawn_blocking(move || save(&name, &text)).await;
                    let ended =
                        |it: JoinError| Failure::new("write the file", ErrorKind::Other, &it.to_string());
                    let said = written.unwrap_or_else(|it| Err(ended(it)));
                    _ = sender.send(Message::Saved(said)).await;
                });
            }
            Effect::Suspend => terminal::suspend(),
            // The loop's own.
            Effect::Quit | Effect::Stop | Effect::Retake => {}
        }
    }

    /// Looks in the log for what another session began and did not end.
    pub(super) fn look_back(&mut self) {
        let (log, sender) = (self.log.clone(), self.sender.clone());
        self.running.spawn(async move {
            if let Ok(past) = tokio::task::spawn_blocking(move || log.past()).await {
                _ = sender.send(Message::Past(Box::new(past))).await;
            }
        });
    }

    fn apply(&mut self, plan: Plan) {
        let (signal, signalled) = watch::channel(Signal::Go);
        self.signals.insert(plan.id.clone(), signal);
        let (tell, mut told) = mpsc::channel(QUEUE);
        let job = Job { plan, scope: self.scope.clone(), log: self.log.clone() };
        let connection = self.connection.clone();
        let sender = self.sender.clone();
        self.running.spawn(async move {
            let work = apply::apply(connection, job, signalled, tell);
            let news = async {
                while let Some(progress) = told.recv().await {
                    _ = sender.send(Message::Progress(progress)).await;
                }
            };
            tokio::join!(work, news);
        });
    }

    /// Ends what runs: at once where it waits, after the answer where a call is under way.
    pub(super) async fn leave(mut self, messages: mpsc::Receiver<Message>) {
        // Nobody reads news any more; nobody must wait for a reader.
        drop(messages);
        for signal in self.signals.values() {
            signal.send_replace(Signal::Leave);
        }
        _ = tokio::time::timeout(GRACE, async { while self.running.join_next().await.is_some() {} }).await;
    }
}

/// Writes a file that does not exist yet.
fn save(name: &str, text: &str) -> Result<PathBuf, Failure> {
    use std::io::Write;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(name);
    let written = file.and_then(|mut it| it.write_all(text.as_bytes()));
    written
        .map(|()| std::path::absolute(name).unwrap_or_else(|_| name.into()))
        .map_err(|it| Failure::new(name, ErrorKind::Other, &it.to_string()))
}
