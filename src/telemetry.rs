//! The program's own log: a file a day in the state folder, never the terminal.

use std::path::Path;

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::RollingFileAppender;
use tracing_appender::rolling::Rotation;
use tracing_subscriber::EnvFilter;

/// Files kept.
const KEPT: usize = 7;
/// What is logged unless TGSCOPE_LOG says otherwise.
const FILTER: &str = "tgscope=info,kube=warn,aws_config=warn";

/// Starts the log. Keep the guard until the end: what is not written yet is written when it goes.
pub fn start(folder: &Path) -> anyhow::Result<WorkerGuard> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("tgscope.log")
        .max_log_files(KEPT)
        .build(folder)
        .with_context(|| format!("cannot write a log in {}", folder.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter = EnvFilter::try_from_env("TGSCOPE_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let subscriber =
        tracing_subscriber::fmt().with_writer(writer).with_env_filter(filter).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).context("a log was started before")?;
    Ok(guard)
}
