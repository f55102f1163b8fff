//! The program's own log: a file a day in the state folder, never the terminal.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use rustix::fs::Mode;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::RollingFileAppender;
use tracing_appender::rolling::Rotation;
use tracing_subscriber::EnvFilter;

use crate::files;
use crate::files::Access;
use crate::printable;

/// What the names of log files begin with; the date follows.
const PREFIX: &str = "tgscope.log";
/// Files kept.
const KEPT: usize = 7;
/// What is logged unless TGSCOPE_LOG says otherwise.
const FILTER: &str = "tgscope=info,kube=warn,aws_config=warn";

/// Starts the log. Keep the guard until the end: what is not written yet is written when it goes.
pub(crate) fn start(folder: &Path) -> anyhow::Result<WorkerGuard> {
    files::own_folder(folder)?;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // It may be the one that is gone on with: a link would lead what is logged elsewhere.
            files::open(&entry.path(), Access::Read)?;
        }
    }
    // What is made here is for its owner alone from the start; the library takes no mode.
    let before = rustix::process::umask(Mode::from_bits_retain(0o077));
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .max_log_files(KEPT)
        .build(folder)
        .with_context(|| format!("cannot write a log in {}", folder.display()));
    rustix::process::umask(before);
    let file = file?;
    let (writer, guard) = tracing_appender::non_blocking(Printable(file));
    let filter = EnvFilter::try_from_env("TGSCOPE_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let subscriber =
        tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).context("a log was started before")?;
    Ok(guard)
}

/// Writes lines with what others wrote in them made safe to print. The library writes whole lines.
struct Printable<W>(W);

impl<W: Write> Write for Printable<W> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.write_all(printable::text(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_log_that_is_a_link_is_not_written() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, home.path().join("tgscope.log.2026-01-15")).unwrap();
        let said = start(home.path()).map(drop).unwrap_err().to_string();
        assert!(said.contains("tgscope.log.2026-01-15 is a symbolic link"), "{said}");
        assert!(!elsewhere.exists());
    }

    #[test]
    fn the_log_is_a_dated_file_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("state/tgscope");
        let guard = start(&folder).unwrap();
        tracing::info!("started");
        drop(guard);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
        let [file] = files.as_slice() else { panic!("{files:?}") };
        assert!(file.file_name().unwrap().to_str().unwrap().starts_with("tgscope.log.20"));
        assert_eq!(mode(file), 0o600);
        assert!(std::fs::read_to_string(file).unwrap().contains("started"));
    }
}
