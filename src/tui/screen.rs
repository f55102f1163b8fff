//! The live screen: takes the terminal, draws, then connects; ends on a key or a signal.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crossterm::event::Event;
use crossterm::event::EventStream;
use futures::Stream;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::perform::Performer;
use super::run;
use super::run::Outside;
use super::run::Switch;
use super::terminal;
use super::terminal::Guard;
use super::theme::Theme;
use super::view;
use crate::app::AwsSide;
use crate::app::Message;
use crate::app::State;
use crate::app::opening::Opening;
use crate::audit::Log;
use crate::backend;
use crate::backend::Clock;
use crate::backend::Connection;
use crate::backend::Observed;
use crate::backend::Scope;
use crate::domain::inventory::follow::Follow;

/// Messages that may wait for the loop.
const QUEUE: usize = 256;
/// Milliseconds between two ticks.
const TICK: i64 = 1_000;

/// Everything the screen is started with.
pub struct Screen {
    pub connection: Connection,
    pub scope: Scope,
    pub opening: Opening,
    /// Where what is written is written down.
    pub log: Log,
    /// Where a crash leaves its report.
    pub folder: Option<PathBuf>,
}

impl Screen {
    /// Takes the terminal and shows the screen on it until somebody leaves.
    pub(crate) async fn show(mut self) -> std::io::Result<()> {
        let theme = Theme::of_environment(|it| std::env::var(it).ok());
        let mut guard = Guard::take(self.folder.take())?;
        let switch = Switch { stop: terminal::stop, retake: terminal::retake };
        self.with(&mut guard.terminal, EventStream::new(), switch, theme).await
    }

    /// Shows the screen on a terminal until somebody leaves or the keys end.
    pub async fn run<B: Backend, K: Stream<Item = std::io::Result<Event>> + Unpin>(
        self,
        terminal: &mut Terminal<B>,
        keys: K,
        theme: Theme,
    ) -> Result<(), B::Error> {
        self.with(terminal, keys, Switch::NONE, theme).await
    }

    /// The first frame is drawn before any connection is made.
    async fn with<B: Backend, K: Stream<Item = std::io::Result<Event>> + Unpin>(
        self,
        terminal: &mut Terminal<B>,
        keys: K,
        switch: Switch,
        theme: Theme,
    ) -> Result<(), B::Error> {
        let clock = self.connection.clock.clone();
        let mut state = State::new(self.opening, clock.now());
        let size = terminal.size()?;
        state.size = (size.width, size.height);
        terminal.draw(|frame| {
            view::render(&state, &theme, frame.area(), frame.buffer_mut());
        })?;
        state.dirty = false;

        let (sender, mut messages) = mpsc::channel(QUEUE);
        let (follow, followed) = watch::channel(Follow::default());
        let (observed, changes) = mpsc::channel(QUEUE);
        let (side, aws) = oneshot::channel();
        // Dropping the sets ends every task in them.
        let looking = backend::observe(self.connection.clone(), &self.scope, &followed, &observed, side);
        let mut feeding = feed(&sender, changes, aws, clock);
        if state.opening.job_control {
            feeding.spawn(stops(sender.clone()));
        }
        let mut performer = Performer {
            connection: self.connection,
            scope: self.scope,
            log: self.log,
            sender,
            follow,
            running: JoinSet::new(),
            signals: BTreeMap::new(),
        };
        performer.look_back();
        let perform = |effect| performer.perform(effect);
        let outside = Outside { keys, messages: &mut messages, perform, terminal: switch, theme };
        let ended = run::run(terminal, &mut state, outside).await;
        drop((looking, feeding));
        performer.leave(messages).await;
        ended
    }
}

/// The tasks that turn what happens outside into messages: what was seen, time, signals.
fn feed(
    sender: &mpsc::Sender<Message>,
    mut changes: mpsc::Receiver<Observed>,
    aws: oneshot::Receiver<backend::AwsSide>,
    clock: Clock,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let to_loop = sender.clone();
    tasks.spawn(async move {
        while let Some(Observed { at, change }) = changes.recv().await {
            if to_loop.send(Message::Observed(at, Box::new(change))).await.is_err() {
                return;
            }
        }
    });
    let to_loop = sender.clone();
    tasks.spawn(async move {
        let mut known: Option<backend::AwsSide> = None;
        let mut aws = aws;
        let mut tick = tokio::time::interval(clock.wait(TICK));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut asks = true;
        loop {
            // Known at once: whatever AWS answers comes from there.
            let side = tokio::select! {
                side = &mut aws, if asks => {
                    asks = false;
                    side.ok()
                }
                _ = tick.tick() => None,
            };
            if let Some(side) = side {
                let told = AwsSide {
                    endpoint: side.endpoint.clone(),
                    region: side.region.clone(),
                    profile: side.profile.clone(),
                };
                known = Some(side);
                if to_loop.send(Message::Aws(told)).await.is_err() {
                    return;
                }
            }
            let calls = known.as_ref().map_or(0, backend::AwsSide::calls);
            if to_loop.send(Message::Tick(clock.now(), calls)).await.is_err() {
                return;
            }
        }
    });
    let to_loop = sender.clone();
    let ended = terminated();
    tasks.spawn(async move {
        ended.await;
        _ = to_loop.send(Message::Leave).await;
    });
    tasks
}

/// Tells the loop that somebody stops the program, and that it was continued. Where no shell would continue it, nobody
/// listens: the system ignores what would only stop it for ever.
fn stops(to_loop: mpsc::Sender<Message>) -> impl Future<Output = ()> + Send {
    use rustix::process::Signal;
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let listen = |it: Signal| signal(SignalKind::from_raw(it.as_raw()));
    let signals = (listen(Signal::TSTP), listen(Signal::CONT));
    async move {
        let (Ok(mut stop), Ok(mut go_on)) = signals else { return };
        loop {
            let message = tokio::select! {
                _ = stop.recv() => Message::Stop,
                _ = go_on.recv() => Message::Continued,
            };
            if to_loop.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// Waits for a signal that ends the program; listens for it from the call on.
pub(crate) fn terminated() -> impl Future<Output = ()> + Send {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let signals =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut hup), Ok(mut int)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = term.recv() => {}
            _ = hup.recv() => {}
            _ = int.recv() => {}
        }
    }
}
