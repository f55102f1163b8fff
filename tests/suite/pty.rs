//! The program in a terminal of its own, by its own demo: how many keys it takes, counted from the launch.

mod bytes;

use std::io::Read;
use std::io::Write;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use portable_pty::Child;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

use crate::kubernetes_wire::refusal;
use crate::support::PATIENCE;
use crate::support::Server;
use crate::support::kubeconfig;

/// A program in a terminal. Dropping it ends it.
pub(crate) struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    written: Arc<Mutex<Vec<u8>>>,
    keys: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Keys pressed since the count began.
    pressed: usize,
    home: Option<tempfile::TempDir>,
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Terminal {
    fn demo(arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tgscope"));
        command.arg("demo");
        command.args(arguments);
        command.env_clear();
        Self::at_home(command)
    }

    /// A command in a home of its own.
    pub(crate) fn at_home(command: CommandBuilder) -> Self {
        Self::called(command, "xterm-256color")
    }

    /// The same at a terminal of another name.
    fn called(mut command: CommandBuilder, name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        command.env("HOME", home.path());
        command.env("TERM", name);
        command.cwd(home.path());
        let mut it = Self::of(command);
        it.home = Some(home);
        it
    }

    pub(crate) fn of(mut command: CommandBuilder) -> Self {
        let pair = native_pty_system().openpty(size(160, 45)).unwrap();
        if command.get_env("TERM").is_none() {
            command.env("TERM", "xterm-256color");
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(45), cells(160), 0)));
        let (mut reader, seen) = (pair.master.try_clone_reader().unwrap(), screen.clone());
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let log = written.clone();
        let keys = pair.master.take_writer().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                log.lock().unwrap().extend_from_slice(&bytes[..n]);
                seen.lock().unwrap().process(&bytes[..n]);
            }
        });
        Self { screen, written, keys, master: pair.master, child, pressed: 0, home: None }
    }

    /// The exit code, once it has ended.
    pub(crate) fn ended(&mut self) -> u32 {
        self.child.wait().unwrap().exit_code()
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// The lines on the screen, each with its runs of cells that are not plain.
    pub(crate) fn lines(&self) -> Vec<(String, Vec<(String, String)>)> {
        let seen = self.screen.lock().unwrap();
        let screen = seen.screen();
        let (rows, cols) = screen.size();
        let styled = |row, col| {
            let cell = screen.cell(row, col).unwrap();
            let colour = match cell.fgcolor() {
                vt100::Color::Default => None,
                other => Some(format!("{other:?}").to_lowercase()),
            };
            let marks = [(cell.bold(), "bold"), (cell.dim(), "dim"), (cell.inverse(), "reversed")];
            let marks = marks.into_iter().filter(|it| it.0).map(|it| it.1.to_owned());
            colour.into_iter().chain(marks).collect::<Vec<_>>().join(" ")
        };
        let line = |row| {
            let (mut text, mut runs) = (String::new(), Vec::<(String, String)>::new());
            for col in 0..cols.get() {
                let symbol = screen.cell(row, col).map(|it| it.contents()).unwrap_or_default();
                let symbol = if symbol.is_empty() { " " } else { symbol };
                text += symbol;
                let style = styled(row, col);
                match runs.last_mut() {
                    Some((same, words)) if *same == style => *words += symbol,
                    _ => runs.push((style, symbol.to_owned())),
                }
            }
            runs.retain(|(style, words)| {
                !style.is_empty() && !words.trim_matches(['│', '─', ' ']).is_empty()
            });
            (text, runs)
        };
        (0..rows.get()).map(line).collect()
    }

    /// Everything that was written to the terminal so far.
    pub(crate) fn written(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }

    /// Looks until it is so, with a generous limit.
    pub(crate) fn until_so(&self, what: &str, so: impl Fn(&str) -> bool) {
        const PAUSE: Duration = Duration::from_millis(25);
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if so(&self.text()) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("{what} never came:\n{}", self.text());
    }

    pub(crate) fn until(&self, all: &[&str]) {
        self.until_so(&format!("{all:?}"), |text| all.iter().all(|it| text.contains(it)));
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.pressed += keys.chars().count();
        write!(self.keys, "{keys}").unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(size(cols, rows)).unwrap();
    }

    /// The keys since the last count.
    fn count(&mut self) -> usize {
        std::mem::take(&mut self.pressed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn a_pod_is_drained_by_three_keys_and_that_is_undone_by_two() {
    let mut it = Terminal::demo(&["drift"]);
    it.until(&["SERVING  3 of 3", "settled"]);
    it.press("jD");
    it.until(&["Plan · drain", "y accept"]);
    it.press("y");
    it.until(&["drain · under way", "✓ 1."]);
    assert_eq!(it.count(), 3);
    it.press("u");
    it.until(&["Plan · undo", "y accept"]);
    it.press("y");
    it.until(&["undo · done"]);
    assert_eq!(it.count(), 2);
}

#[test]
fn a_service_is_bound_by_eight_keys_at_most() {
    let mut it = Terminal::demo(&["drift"]);
    it.until(&["SERVING  3 of 3", "settled"]);
    it.press("B");
    it.until(&["type testapptgb", "Enter accept"]);
    it.press("testapptgb\r");
    it.until(&["unbind · done"]);
    it.press("\x1b");
    it.until_so("the board", |text| !text.contains("unbind · done"));
    it.count();
    it.press("b\r\r");
    it.until(&["Plan · bind", "y accept"]);
    it.press("y");
    it.until(&["bind · done"]);
    assert!(it.count() <= 8);
}

#[test]
fn two_orphans_are_deregistered_by_four_keys() {
    let mut it = Terminal::demo(&["two-writers", "--speed", "5"]);
    it.until(&["192.168.77.7:8080", "192.168.77.8:8080", "! orphan"]);
    it.press("  X");
    it.until(&["Plan · deregister", "y accept"]);
    it.press("y");
    it.until(&["✓ 1.", "2 of 2 targets out of rotation"]);
    assert_eq!(it.count(), 4);
}

#[test]
fn a_stuck_deletion_is_explained_by_two_keys_at_most() {
    let mut it = Terminal::demo(&["stuck-finalizer", "--speed", "10"]);
    it.until(&["Being deleted for", "cleanup fails"]);
    // The board says it without any key; all of it is a key away.
    it.press("d");
    it.until(&["Details", "elbv2.k8s.aws/resources", "DeregisterTargets"]);
    assert!(it.count() <= 2);
}

#[test]
fn a_look_that_takes_long_says_how_far_it_is() {
    let seen = Arc::new(AtomicBool::new(false));
    let answers = seen.clone();
    let server = Server::start(move |_| {
        // Not before it was seen that it is waited for.
        while !answers.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        refusal(403, "Forbidden", "forbidden")
    });
    let folder = tempfile::tempdir().unwrap();
    let config = kubeconfig(folder.path(), &server.url(), "{token: t}");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tgscope"));
    command.args(["get", "-A"]);
    command.env_clear();
    command.env("KUBECONFIG", config);
    let mut terminal = Terminal::at_home(command);
    terminal.until(&["reading Kubernetes"]);
    seen.store(true, Ordering::Relaxed);
    assert_ne!(terminal.ended(), 0);
    terminal.until_so("the end of the line", |text| {
        !text.contains("reading Kubernetes") && text.contains("forbidden")
    });
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines() {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tgscope"));
    command.args(["demo", "workshop"]);
    command.env_clear();
    let mut terminal = Terminal::called(command, "dumb");
    assert_eq!(terminal.ended(), 0);
    terminal.until_so("the table", |text| text.contains("testapptgb") && !text.contains("Why"));
}
