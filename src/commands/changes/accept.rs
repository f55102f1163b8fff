//! Whether a plan is accepted, by a flag or by somebody at the terminal, and where the audit log goes.

use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Write;

use anyhow::Context;
use rustix::termios::QueueSelector;
use rustix::termios::tcflush;

use crate::audit::Log;
use crate::cli::Cli;
use crate::cli::changes::Accept;
use crate::commands::terminal::complain;
use crate::config;
use crate::domain::plan::Plan;
use crate::printable;
use crate::report::plan::text;

/// The log of the command line, else `audit.jsonl` in the state folder.
pub(super) fn log(accept: &Accept, cli: &Cli) -> anyhow::Result<Log> {
    match accept.audit_log.as_ref().or(cli.audit_log.as_ref()) {
        Some(path) if path.as_os_str() == "stderr" => {
            Ok(Log::words(|line| std::io::stderr().write_all(line.as_bytes())))
        }
        Some(path) => Ok(Log::file(path.clone())),
        None => {
            let folder = config::state_folder()
                .context("no state folder for the audit log: set HOME, or name a file with --audit-log")?;
            Ok(Log::in_folder(&folder))
        }
    }
}

/// What was decided about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Yes,
    /// Nobody accepted it; why.
    No(String),
}

/// Looks at the flags, then asks whoever sits there. The plan was printed before; where that went elsewhere, it is shown
/// before the question.
pub(super) fn decide(plan: &Plan, accept: &Accept) -> anyhow::Result<Decision> {
    let wanted = plan.typed.as_ref().map(|it| it.name.as_str());
    if accept.yes {
        return Ok(match wanted {
            Some(name) if accept.confirm.as_deref() != Some(name) => {
                Decision::No(format!("--yes is not enough here: add --confirm {name}"))
            }
            _ => Decision::Yes,
        });
    }
    if accept.confirm.is_some() {
        return Ok(Decision::No("--confirm accepts nothing by itself: add --yes".to_owned()));
    }
    let there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !there {
        return Ok(Decision::No("not accepted: add --yes".to_owned()));
    }
    if !std::io::stdout().is_terminal() {
        complain(text(plan).trim_end());
    }
    let question = match wanted {
        Some(name) => format!("Type {} to accept: ", printable::line(name)),
        None => "Accept? [y/N] ".to_owned(),
    };
    // What was typed before the question is no answer to it.
    tcflush(std::io::stdin(), QueueSelector::IFlush).context("cannot empty the input of the terminal")?;
    let mut stderr = std::io::stderr();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    let answer = answer.trim();
    let accepted = match wanted {
        Some(name) => answer == name,
        None => matches!(answer, "y" | "Y" | "yes"),
    };
    Ok(if accepted { Decision::Yes } else { Decision::No("not accepted".to_owned()) })
}
