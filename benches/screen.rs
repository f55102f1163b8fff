//! Figures of the live screen, against the servers the environment names: time to the first frame and to the
//! first useful one, from key to frame, memory after a while and processor time over a still minute.
//!
//!     tests/testbed/run -- tests/testbed/many 20 50 cargo bench --bench screen
//!
//! or, with the environment of `tgscope demo large --serve`:
//!
//!     cargo bench --bench screen -- -n large --board tgb/web-42 --shows web-42-
//!
//! Takes `-n NAMESPACE` (default `big`), `--seconds N` (default 60), `--board NAME` and `--shows TEXT`, the text that
//! makes a frame useful.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark measures and says so"
)]

use std::io::Read;
use std::io::Write;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use portable_pty::CommandBuilder;
use portable_pty::PtySize;
use portable_pty::native_pty_system;

const ROWS: NonZeroU16 = NonZeroU16::new(45).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(160).unwrap();

type Shared = Arc<(Mutex<vt100::Parser>, Condvar)>;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|it| it == name).and_then(|at| args.get(at + 1)).cloned();
    let namespace = value("-n").unwrap_or_else(|| "big".to_owned());
    let seconds: u64 = value("--seconds").and_then(|it| it.parse().ok()).unwrap_or(60);
    if std::env::var_os("KUBECONFIG").is_none() {
        println!("skipped: KUBECONFIG names no cluster");
        return;
    }
    let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tgscope"));
    command.args(["-n", &namespace]);
    if let Some(board) = value("--board") {
        command.arg(board);
    }
    command.env("TERM", "xterm-256color");
    let state = tempfile::tempdir().unwrap();
    command.env("XDG_STATE_HOME", state.path());
    let started = Instant::now();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let screen: Shared = Arc::new((Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0)), Condvar::new()));
    let mut reader = pair.master.try_clone_reader().unwrap();
    let written = screen.clone();
    let reading = std::thread::spawn(move || {
        let mut bytes = vec![0; 65536];
        while let Ok(n @ 1..) = reader.read(&mut bytes) {
            written.0.lock().unwrap().process(&bytes[..n]);
            written.1.notify_all();
        }
    });
    let mut keys = pair.master.take_writer().unwrap();

    let first = until(&screen, started, |text| text.contains("tgscope"));
    let shows =
        value("--shows").map_or_else(|| vec!["testapp".to_owned(), "app-01".to_owned()], |it| vec![it]);
    let useful = until(&screen, started, |text| shows.iter().any(|it| text.contains(it.as_str())));
    let whole = until(&screen, started, |text| !text.contains("reading…") && !text.contains("connecting"));
    println!("first frame             {:>7.0} ms", first * 1e3);
    println!("first useful frame      {:>7.0} ms", useful * 1e3);
    println!("everything read         {:>7.0} ms", whole * 1e3);

    let pid = child.process_id().unwrap();
    std::thread::sleep(Duration::from_secs(5));
    let mut waits: Vec<f64> = (0..40)
        .map(|n| {
            let before = contents(&screen);
            let pressed = Instant::now();
            keys.write_all(if n % 2 == 0 { b"?" } else { b"\x1b" }).unwrap();
            keys.flush().unwrap();
            until(&screen, pressed, |text| (text.contains("Next line")) != before.contains("Next line"))
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    println!("key to frame, median    {:>7.1} ms", waits[waits.len() / 2] * 1e3);
    println!("key to frame, worst     {:>7.1} ms", waits[waits.len() - 1] * 1e3);

    // Moving through lines on a still screen, until the memory has settled.
    let settle = Duration::from_mins(1).saturating_sub(started.elapsed());
    std::thread::sleep(settle.min(Duration::from_secs(seconds)));
    println!("resident after {:>3} s    {:>7.1} MB", started.elapsed().as_secs(), resident(pid));
    let (before, from) = (processor(pid), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let spent = processor(pid) - before;
    println!("processor in {:>3.0} s       {spent:>7.2} s", from.elapsed().as_secs_f64());
    println!("resident at the end     {:>7.1} MB", resident(pid));

    keys.write_all(b"q").unwrap();
    keys.flush().unwrap();
    println!("exit                    {:?}", child.wait().unwrap().exit_code());
    drop(keys);
    drop(pair.master);
    reading.join().unwrap();
}

fn contents(screen: &Shared) -> String {
    screen.0.lock().unwrap().screen().contents()
}

/// Seconds from `since` until the screen shows what is awaited.
fn until(screen: &Shared, since: Instant, shows: impl Fn(&str) -> bool) -> f64 {
    let mut parser = screen.0.lock().unwrap();
    while !shows(&parser.screen().contents()) {
        let (next, timeout) = screen.1.wait_timeout(parser, Duration::from_mins(1)).unwrap();
        assert!(!timeout.timed_out(), "not shown within 60 s:\n{}", next.screen().contents());
        parser = next;
    }
    since.elapsed().as_secs_f64()
}

/// Resident memory in MB.
fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Processor time used so far, in seconds; the kernel counts in hundredths.
fn processor(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
