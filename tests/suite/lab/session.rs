//! Whole sessions: scripted keys on a screen of its own size, the ordinary loop, the ordinary clients, and a
//! world whose clock is moved. Every wait is for something on the screen.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use crossterm::event::Event;
use crossterm::event::KeyCode;
use crossterm::event::KeyEvent;
use crossterm::event::KeyModifiers;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::backend::ClearType;
use ratatui::backend::TestBackend;
use ratatui::backend::WindowSize;
use ratatui::buffer::Cell;
use ratatui::layout::Position;
use ratatui::layout::Size;
use tgscope::app::opening::Opening;
use tgscope::audit::Log;
use tgscope::backend::Connection;
use tgscope::domain::facts::ids::ClusterId;
use tgscope::tui::Screen;
use tgscope::tui::Theme;
use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Still;
use crate::support::PATIENCE;

/// A screen two can look at: the loop that draws, and the test.
#[derive(Clone)]
pub(crate) struct Shown {
    screen: Arc<Mutex<TestBackend>>,
    drawn: Arc<Notify>,
}

impl Shown {
    pub(crate) fn text(&self) -> String {
        let screen = self.screen.lock().unwrap();
        let buffer = screen.buffer();
        let line = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(line).collect::<Vec<_>>().join("\n")
    }
}

macro_rules! delegate {
    ($($name:ident(&mut self $(, $argument:ident: $type:ty)*) -> $answer:ty;)*) => {
        $(fn $name(&mut self $(, $argument: $type)*) -> Result<$answer, Infallible> {
            self.screen.lock().unwrap().$name($($argument),*)
        })*
    };
}

impl Backend for Shown {
    type Error = Infallible;

    fn draw<'a, I: Iterator<Item = (u16, u16, &'a Cell)>>(&mut self, content: I) -> Result<(), Infallible> {
        self.screen.lock().unwrap().draw(content)
    }

    delegate! {
        hide_cursor(&mut self) -> ();
        show_cursor(&mut self) -> ();
        get_cursor_position(&mut self) -> Position;
        clear(&mut self) -> ();
        clear_region(&mut self, kind: ClearType) -> ();
        window_size(&mut self) -> WindowSize;
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.screen.lock().unwrap().set_cursor_position(position)
    }

    fn size(&self) -> Result<Size, Infallible> {
        self.screen.lock().unwrap().size()
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.drawn.notify_one();
        self.screen.lock().unwrap().flush()
    }
}

pub(crate) struct Session {
    pub(crate) world: Still,
    pub(crate) shown: Shown,
    keys: mpsc::UnboundedSender<std::io::Result<Event>>,
    running: JoinHandle<Result<(), Infallible>>,
}

impl Session {
    pub(crate) async fn open(scenario: &str) -> Self {
        Self::of(Still::start(scenario).await, scenario, Opening::default())
    }

    /// On a world of one's own, opened in another way.
    pub(crate) fn of(world: Still, name: &str, opening: Opening) -> Self {
        let connection = Connection { read_only: opening.read_only, ..world.connection() };
        Self::by(world, connection, name, opening)
    }

    /// By a connection of one's own.
    pub(crate) fn by(world: Still, connection: Connection, name: &str, opening: Opening) -> Self {
        Self::with(world, connection, (name, opening), Log::forgotten())
    }

    /// With an audit log of one's own.
    pub(crate) fn logged(world: Still, connection: Connection, log: Log) -> Self {
        Self::with(world, connection, ("rest", Opening::default()), log)
    }

    fn with(world: Still, connection: Connection, (name, opening): (&str, Opening), log: Log) -> Self {
        let screen = Arc::new(Mutex::new(TestBackend::new(120, 30)));
        let shown = Shown { screen, drawn: Arc::default() };
        let (keys, typed) = mpsc::unbounded_channel();
        let typed = futures::stream::unfold(typed, |mut it| async move { Some((it.recv().await?, it)) });
        let opening = Opening {
            contexts: vec![ClusterId::new("demo")],
            namespace: Some(world.namespace.clone()),
            selector: None,
            target: world.open.clone(),
            demo: Some(name.to_owned()),
            ..opening
        };
        let scope = world.scope();
        let screen = Screen { connection, scope, opening, log, folder: None };
        let mut terminal = Terminal::new(shown.clone()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the program of the test; it is waited for")]
        let running =
            tokio::spawn(async move { screen.run(&mut terminal, Box::pin(typed), Theme::none()).await });
        Self { world, shown, keys, running }
    }

    /// Waits for the next frame.
    pub(crate) async fn frame(&self) {
        let waited = tokio::time::timeout(PATIENCE, self.shown.drawn.notified());
        assert!(waited.await.is_ok(), "nothing is drawn any more:\n{}", self.shown.text());
    }

    /// Waits until all of these stand on the screen.
    pub(crate) async fn until(&self, all: &[&str]) {
        self.until_so(&format!("{all:?}"), |text| all.iter().all(|it| text.contains(it))).await;
    }

    /// Waits until what is on the screen is so.
    pub(crate) async fn until_so(&self, what: &str, so: impl Fn(&str) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !so(&self.shown.text()) {
                self.shown.drawn.notified().await;
            }
        });
        assert!(waited.await.is_ok(), "{what} never came:\n{}", self.shown.text());
    }

    /// Moves the time on at once, and waits until all of these stand on the screen.
    pub(crate) async fn pass(&self, seconds: u64, all: &[&str]) {
        self.world.seconds(seconds);
        self.until(all).await;
    }

    pub(crate) fn press(&self, code: KeyCode) {
        self.keys.send(Ok(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))).unwrap();
    }

    pub(crate) fn act(&self, step: &str) {
        self.world.lab.act(step).unwrap();
    }

    /// Leaves by the key, and waits until the loop has ended.
    pub(crate) async fn quit(self) {
        self.press(KeyCode::Char('q'));
        tokio::time::timeout(PATIENCE, self.running).await.unwrap().unwrap().unwrap();
    }
}

macro_rules! sessions {
    ($($name:ident($session:ident, $scenario:literal) $story:block)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let $session = Session::open($scenario).await;
            $story
            $session.quit().await;
        })*
    };
}

sessions! {
    pods_become_targets_while_one_looks(session, "workshop") {
        session.until(&["DEMO workshop", "SERVING  3 of 3", "settled"]).await;
        session.pass(17, &["· waiting", "creating"]).await;
        session.pass(4, &["ROLLING  3 of 5", "… registering"]).await;
        session.pass(20, &["SERVING  5 of 5", "settled"]).await;
    }

    a_restart_drains_the_old_ones(session, "workshop") {
        session.until(&["SERVING  3 of 3"]).await;
        session.pass(62, &["· waiting"]).await;
        session.pass(10, &["↓ draining", "ROLLING"]).await;
        session.pass(20, &["SERVING  5 of 5", "↓ draining"]).await;
    }

    details_and_list_are_a_key_away(session, "outage") {
        session.until(&["FAIL-OPEN", "✗ failing"]).await;
        session.press(KeyCode::Char('j'));
        session.press(KeyCode::Char('d'));
        session.until(&["Target.Timeout", "Request timed out"]).await;
        session.press(KeyCode::Esc);
        session.press(KeyCode::Char('0'));
        session.until(&["Bindings", "eksworkshoptg", "fail-open"]).await;
    }

    the_network_of_a_row_is_a_key_away(session, "outage") {
        session.until(&["FAIL-OPEN", "has no rule for tcp/8080"]).await;
        session.press(KeyCode::Char('3'));
        session.until(&["Network · testapp-", "into the target, tcp/8080 (traffic and health check): blocked"]).await;
        session.until(&["Not evaluated: network ACLs", "branch interface eni-"]).await;
        session.press(KeyCode::Esc);
        session.until(&["Pods · testapp", "Why · "]).await;
    }

    one_key_tells_that_the_port_is_wrong(session, "wrong-port") {
        session.until(&["FAIL-OPEN", "✗ failing"]).await;
        session.press(KeyCode::Char('t'));
        session.until(&["Connection refused on 8080; the container listens on 9090", "It is the program"]).await;
        session.press(KeyCode::Esc);
        session.until(&["Tried ", "Connection refused on 8080"]).await;
    }

    one_key_tells_that_the_path_is_wrong(session, "wrong-path") {
        session.until(&["FAIL-OPEN", "✗ failing"]).await;
        session.press(KeyCode::Char('t'));
        session.until(&["The pod answers 404 in", "the matcher wants 200", "404 page not found"]).await;
        session.until(&["next: give the check a path that the program has"]).await;
        session.press(KeyCode::Esc);
    }

    a_probe_and_the_path_together_say_that_it_is_the_network(session, "outage") {
        session.until(&["has no rule for tcp/8080"]).await;
        session.press(KeyCode::Char('t'));
        session.until(&["the matcher wants 200: the check", "It is the network"]).await;
        session.press(KeyCode::Esc);
    }

    an_outage_ends_when_somebody_opens_the_way(session, "outage") {
        session.until(&["FAIL-OPEN", "✗ failing"]).await;
        // Which rule is missing stands there without a key pressed; whoever adds it ends it.
        session.until(&["(pods) has no rule for tcp/8080 from sg-", "(eksworkshopalbsg)"]).await;
        session.until(&["next: aws ec2 authorize-security-group-ingress"]).await;
        session.act("open = { group = \"eksworkshoptg\" }");
        session.pass(60, &["SERVING  3 of 3"]).await;
    }

    a_crash_loop_waits_and_the_old_pods_serve(session, "crashloop") {
        session.until(&["SERVING  3 of 3", "settled"]).await;
        session.pass(30, &["CrashLoop", "SERVING  3 of 3", "not settled"]).await;
        session.pass(140, &["ImagePull"]).await;
        session.pass(130, &["SERVING  3 of 3 · 1a 2/2 · 1b 1/1 · settled"]).await;
    }

    throttled_targets_grow_old_and_it_is_said(session, "throttling") {
        session.until(&["SERVING  3 of 3"]).await;
        session.pass(21, &["throttled"]).await;
        session.pass(100, &["SERVING  3 of 3"]).await;
    }

    kubernetes_stays_live_while_credentials_are_expired(session, "expired-credentials") {
        session.until(&["SERVING  3 of 3"]).await;
        session.pass(31, &["expired", "creating"]).await;
        session.pass(90, &["SERVING  3 of 3"]).await;
    }

    a_watch_that_is_too_old_starts_anew(session, "workshop") {
        session.until(&["SERVING  3 of 3"]).await;
        session.act("forget = true\nfault = { on = \"kubernetes\", wrong = \"cut\" }");
        session.act("scale = { app = \"testapp\", replicas = 4 }");
        session.pass(3, &["· waiting"]).await;
    }

    a_server_that_is_gone_greys_kubernetes_and_comes_back(session, "workshop") {
        session.until(&["SERVING  3 of 3"]).await;
        session.act("fault = { on = \"kubernetes\", wrong = \"down\" }");
        session.until(&["k8s stale"]).await;
        session.act("mend = \"kubernetes\"\nscale = { app = \"testapp\", replicas = 2 }");
        session.until(&["k8s live"]).await;
        session.pass(5, &["2 of 2"]).await;
    }

    a_frozen_picture_asks_nothing(session, "workshop") {
        session.until(&["SERVING  3 of 3"]).await;
        session.press(KeyCode::Char('f'));
        session.until(&["FROZEN"]).await;
        session.world.lab.advance(Duration::from_secs(30));
        assert!(session.shown.text().contains("3 of 3"), "the picture moved");
        session.press(KeyCode::Char('f'));
        session.until(&["5 of 5"]).await;
    }
}
