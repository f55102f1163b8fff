//! The program in a terminal: what it drew, as text and as bytes, and the keys it is given.

use std::io::Read;
use std::io::Write;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use portable_pty::Child;
use portable_pty::CommandBuilder;
use portable_pty::MasterPty;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

use super::support::PAUSE;
use super::support::Settings;
use super::support::run;
use super::support::until;

/// The usual size of a screen in these tests.
pub(crate) const WIDE: (u16, u16) = (160, 45);

pub(crate) const ESC: &str = "\x1b";
pub(crate) const PAGE_DOWN: &str = "\x1b[6~";
pub(crate) const ENTER: &str = "\r";
pub(crate) const CTRL_C: &str = "\x03";

/// The program in a terminal of its own. Dropping it ends the program.
pub(crate) struct Terminal {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    reader: Option<JoinHandle<()>>,
}

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

/// One picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) lines: Vec<String>,
    /// Cells drawn dim, line by line.
    dim: Vec<Vec<bool>>,
}

/// How the program left, and everything it wrote.
pub(crate) struct Left {
    pub(crate) code: u32,
    pub(crate) bytes: Vec<u8>,
    alternate: bool,
    cursor_hidden: bool,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    pub(crate) fn start(settings: &Settings, args: &[&str], (cols, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size((cols, rows))).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tgscope"));
        command.args(args);
        command.env_clear();
        command.cwd(settings.home());
        for (name, value) in &settings.variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(cells(rows), cells(cols), 0);
        let seen = Arc::new((Mutex::new(Seen { parser, bytes: Vec::new(), ended: false }), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let writes = seen.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                // A terminal whose last program is gone answers with an error.
                let n = output.read(&mut buffer).unwrap_or(0);
                let mut seen = writes.0.lock().unwrap();
                seen.parser.process(&buffer[..n]);
                seen.bytes.extend(&buffer[..n]);
                seen.ended = n == 0;
                writes.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Self { seen, master: pair.master, keys, child, reader: Some(reader) }
    }

    /// Waits until the picture is as asked for; gives when that was.
    pub(crate) fn until(&self, what: &str, seconds: u64, mut holds: impl FnMut(&Frame) -> bool) -> Instant {
        let end = Instant::now() + Duration::from_secs(seconds);
        let (seen, changed) = &*self.seen;
        let mut guard = seen.lock().unwrap();
        loop {
            let frame = Frame::of(&guard.parser);
            if holds(&frame) {
                return Instant::now();
            }
            if guard.ended || Instant::now() >= end {
                drop(guard);
                panic!("not on the screen within {seconds} s: {what}\n{}", frame.text());
            }
            guard = changed.wait_timeout(guard, PAUSE).unwrap().0;
        }
    }

    pub(crate) fn shows(&self, text: &str, seconds: u64) -> Instant {
        self.until(text, seconds, |frame| frame.has(text))
    }

    pub(crate) fn frame(&self) -> Frame {
        Frame::of(&self.seen.0.lock().unwrap().parser)
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&self, (cols, rows): (u16, u16)) {
        let mut seen = self.seen.0.lock().unwrap();
        seen.parser.screen_mut().set_size(cells(rows), cells(cols));
        // What was drawn for the old size proves nothing: the program draws all of it anew.
        seen.parser.process(b"\x1b[2J");
        self.master.resize(size((cols, rows))).unwrap();
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        run("kill", &[&format!("-{name}"), &self.child.process_id().unwrap().to_string()]);
    }

    /// Waits until the program has left by itself.
    pub(crate) fn left(mut self) -> Left {
        let code = until("the program leaves", 5, || self.child.try_wait().unwrap()).exit_code();
        self.reader.take().unwrap().join().unwrap();
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen();
        Left {
            code,
            bytes: seen.bytes.clone(),
            alternate: screen.alternate_screen(),
            cursor_hidden: screen.hide_cursor(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

impl Left {
    /// The alternate screen was entered and left, the cursor is back, nothing was said after a crash.
    pub(crate) fn assert_restored(&self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let (taken, given) = (text.find("\x1b[?1049h"), text.rfind("\x1b[?1049l"));
        assert!(taken.is_some() && taken < given, "the alternate screen is entered and left");
        assert!(!self.alternate && !self.cursor_hidden, "the terminal is as it was");
        assert!(text.rfind("\x1b[?25l") < text.rfind("\x1b[?25h"), "the cursor is shown again");
        assert!(!text.contains("panicked"), "no panic");
    }
}

impl Frame {
    fn of(parser: &vt100::Parser) -> Self {
        let screen = parser.screen();
        let (rows, cols) = screen.size();
        let mut lines = Vec::new();
        let mut dim = Vec::new();
        for row in 0..rows.get() {
            let cells = (0..cols.get()).map(|col| screen.cell(row, col));
            lines.push(
                cells
                    .clone()
                    .map(|it| it.map(vt100::Cell::contents).filter(|it| !it.is_empty()).unwrap_or(" "))
                    .collect(),
            );
            dim.push(cells.map(|it| it.is_some_and(vt100::Cell::dim)).collect());
        }
        Self { lines, dim }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|it| it.trim_end()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.lines.iter().any(|it| it.contains(text))
    }

    /// The first line that holds a text, trimmed.
    pub(crate) fn line(&self, text: &str) -> &str {
        self.lines.iter().find(|it| it.contains(text)).map_or("", |it| it.trim())
    }

    /// Whether a text is on the screen and drawn dim.
    pub(crate) fn is_dim(&self, text: &str) -> bool {
        self.lines.iter().zip(&self.dim).any(|(line, dim)| {
            line.find(text).is_some_and(|at| {
                let at = line[..at].chars().count();
                dim[at..at + text.chars().count()].iter().all(|it| *it)
            })
        })
    }

    /// Explanation that are broken over lines, as one text: what a box says.
    pub(crate) fn said(&self) -> String {
        let words = self.lines.iter().flat_map(|it| it.split_whitespace()).filter(|it| *it != "│");
        words.collect::<Vec<_>>().join(" ")
    }
}
