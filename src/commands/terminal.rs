//! What commands say and where: data to stdout, words to stderr, and whether somebody sits there to read them.

use std::io::IsTerminal;
use std::io::Write;

use anyhow::Context;

use crate::printable;

/// Whether somebody sits there to look and to type, at a terminal that can move its cursor.
pub(super) fn on_terminal() -> bool {
    !is_dumb() && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// The terminal only takes one line after the other.
pub(super) fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|it| it == "dumb")
}

/// Writes data to stdout, whatever others wrote in it made safe to print. A reader that left (`| head`) is no error; a full disk is.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(printable::text(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Writes words to stderr.
pub(super) fn complain(text: &str) {
    _ = writeln!(std::io::stderr(), "{}", printable::text(text));
}
