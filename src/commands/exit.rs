//! How a command ends, as scripts see it.

use std::process::ExitCode;

/// How a command ended; scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// Findings, where they were asked for.
    Findings,
    /// An error, or read only in part.
    Error,
    /// Nobody accepted the plan, or it may not or can not be carried out.
    Refused,
    TimedOut,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Error => Self::from(2),
            Exit::Refused => Self::from(3),
            Exit::TimedOut => Self::from(4),
            Exit::Interrupted => Self::from(130),
        }
    }
}
