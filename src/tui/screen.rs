//! The live screen: takes the terminal, draws, then connects; ends on a key or a signal.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::EventStream;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::run;
use super::run::Outside;
use super::terminal::Guard;
use super::theme::Theme;
use super::view;
use crate::app::Effect;
use crate::app::Epoch;
use crate::app::Message;
use crate::app::State;
use crate::app::action::Action;
use crate::app::message::AwsSide;
use crate::app::state::Opening;
use crate::backend;
use crate::backend::Connection;
use crate::backend::Observed;
use crate::backend::Scope;
use crate::backend::clock;
use crate::domain::follow::Follow;

/// Messages that may wait for the loop.
const QUEUE: usize = 256;
const TICK: Duration = Duration::from_secs(1);

/// Everything the screen is started with.
pub struct Screen {
    pub connection: Connection,
    pub scope: Scope,
    pub opening: Opening,
    /// Where a crash leaves its report.
    pub folder: Option<PathBuf>,
}

impl Screen {
    /// Shows the screen until somebody leaves. The first frame is drawn before any connection is made.
    pub async fn show(self) -> std::io::Result<()> {
        let theme = match std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty()) {
            true => Theme::none(),
            false => Theme::colours(),
        };
        let mut guard = Guard::take(self.folder)?;
        let mut state = State::new(self.opening, clock::now());
        let size = guard.terminal.size()?;
        state.size = (size.width, size.height);
        guard.terminal.draw(|frame| view::render(&state, &theme, frame.area(), frame.buffer_mut()))?;
        state.dirty = false;

        let (sender, messages) = mpsc::channel(QUEUE);
        let (follow, followed) = watch::channel(Follow::default());
        let (observed, changes) = mpsc::channel(QUEUE);
        let (side, aws) = oneshot::channel();
        // Dropping the sets ends every task in them.
        let _looking = backend::observe(self.connection, &self.scope, &followed, &observed, side);
        let _feeding = feed(&sender, changes, aws);
        let perform = move |effect| match effect {
            Effect::Follow(wish) => drop(follow.send_replace(wish)),
            Effect::Quit => {}
        };
        let outside = Outside { keys: EventStream::new(), messages, perform, theme };
        run::run(&mut guard.terminal, &mut state, outside).await
    }
}

/// The tasks that turn what happens outside into messages: what was seen, time, signals.
fn feed(
    sender: &mpsc::Sender<Message>,
    mut changes: mpsc::Receiver<Observed>,
    aws: oneshot::Receiver<backend::AwsSide>,
) -> JoinSet<()> {
    let epoch = Epoch::default();
    let mut tasks = JoinSet::new();
    let to_loop = sender.clone();
    tasks.spawn(async move {
        while let Some(Observed { at, change }) = changes.recv().await {
            if to_loop.send(Message::Observed(epoch, at, Box::new(change))).await.is_err() {
                return;
            }
        }
    });
    let to_loop = sender.clone();
    tasks.spawn(async move {
        let mut known: Option<backend::AwsSide> = None;
        let mut aws = Some(aws);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tick.tick().await;
            if let Some(mut waiting) = aws.take() {
                match waiting.try_recv() {
                    Ok(side) => {
                        let side_of = AwsSide {
                            endpoint: side.endpoint.clone(),
                            region: side.region.clone(),
                            profile: side.profile.clone(),
                        };
                        known = Some(side);
                        if to_loop.send(Message::Aws(epoch, side_of)).await.is_err() {
                            return;
                        }
                    }
                    Err(oneshot::error::TryRecvError::Empty) => aws = Some(waiting),
                    Err(oneshot::error::TryRecvError::Closed) => {}
                }
            }
            let calls = known.as_ref().map_or(0, backend::AwsSide::calls);
            if to_loop.send(Message::Tick(clock::now(), calls)).await.is_err() {
                return;
            }
        }
    });
    let to_loop = sender.clone();
    tasks.spawn(async move {
        terminated().await;
        _ = to_loop.send(Message::Act(Action::Quit)).await;
    });
    tasks
}

/// Waits for a signal that ends the program.
async fn terminated() {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let (Ok(mut term), Ok(mut hup), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = hup.recv() => {}
        _ = int.recv() => {}
    }
}
