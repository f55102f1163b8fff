//! The commands that write: one look, one plan, and only where it was accepted, its steps.

mod accept;
pub(super) mod choose;
mod run;
mod weights;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anyhow::bail;
use tokio::sync::watch;

use super::exit::Exit;
use super::reading;
use super::setup;
use super::setup::Setup;
use super::terminal::complain;
use crate::audit::Log;
use crate::backend;
use crate::backend::Connection;
use crate::backend::Look;
use crate::backend::Question;
use crate::backend::Reading;
use crate::backend::Scope;
use crate::cli::Cli;
use crate::cli::Command;
use crate::cli::changes::Accept;
use crate::cli::changes::Afterwards;
use crate::cli::changes::Bind;
use crate::cli::changes::Drain;
use crate::cli::changes::RowSelection;
use crate::cli::changes::Shift;
use crate::cli::changes::Undo;
use crate::cli::changes::Whole;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::plan_id::PlanIds;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::plan::Plan;
use crate::domain::plan::Refusal;
use crate::domain::plan::bind;
use crate::domain::plan::drain::Then;
use crate::domain::plan::make::Basis;
use crate::domain::plan::make::Request;
use crate::domain::plan::make::make;
use crate::domain::plan::manner::Manner;
use crate::report::plan::text;

/// One of the commands that write.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    Bind(&'a Bind),
    Unbind(&'a Whole),
    Resync(&'a Whole),
    Drain(&'a Drain),
    Deregister(&'a RowSelection),
    Register(&'a RowSelection),
    Sync(&'a Whole),
    Shift(&'a Shift),
    Undo(&'a Undo),
}

impl<'a> Wanted<'a> {
    /// `None`: the command writes nothing.
    pub(super) fn of(command: &'a Command) -> Option<Self> {
        match command {
            Command::Bind(it) => Some(Self::Bind(it)),
            Command::Unbind(it) => Some(Self::Unbind(it)),
            Command::Resync(it) => Some(Self::Resync(it)),
            Command::Drain(it) => Some(Self::Drain(it)),
            Command::Deregister(it) => Some(Self::Deregister(it)),
            Command::Register(it) => Some(Self::Register(it)),
            Command::Sync(it) => Some(Self::Sync(it)),
            Command::Shift(it) => Some(Self::Shift(it)),
            Command::Undo(it) => Some(Self::Undo(it)),
            Command::Get(_)
            | Command::Path(_)
            | Command::Probe(_)
            | Command::Routes(_)
            | Command::Demo(_)
            | Command::Doctor(_)
            | Command::Completion(_)
            | Command::Man(_) => None,
        }
    }

    fn accept(&self) -> &Accept {
        match self {
            Self::Bind(it) => &it.accept,
            Self::Unbind(it) | Self::Resync(it) | Self::Sync(it) => &it.accept,
            Self::Drain(it) => &it.selection.accept,
            Self::Shift(it) => &it.accept,
            Self::Deregister(it) | Self::Register(it) => &it.accept,
            Self::Undo(it) => &it.accept,
        }
    }

    fn target(&self) -> Option<&ScopeTarget> {
        match self {
            Self::Bind(it) => Some(&it.service),
            Self::Unbind(it) | Self::Resync(it) | Self::Sync(it) => Some(&it.scope),
            Self::Drain(it) => Some(&it.selection.scope),
            Self::Shift(it) => Some(&it.scope),
            Self::Deregister(it) | Self::Register(it) => Some(&it.scope),
            Self::Undo(_) => None,
        }
    }
}

pub(super) fn run(cli: &Cli, wanted: Wanted<'_>) -> anyhow::Result<Exit> {
    let setup = setup::setup(&cli.options, wanted.target())?;
    let log = accept::log(wanted.accept(), cli)?;
    setup::run(with(setup, wanted, log))
}

async fn with(setup: Setup, wanted: Wanted<'_>, log: Log) -> anyhow::Result<Exit> {
    let (planned, failures) = planned(&setup, wanted, &log).await?;
    for failure in failures {
        complain(&failure);
    }
    let plan = match planned {
        Ok(plan) => plan,
        Err(refusal) => {
            complain(&format!("tgscope: refused: {refusal}"));
            return Ok(Exit::Refused);
        }
    };
    if let Wanted::Bind(Bind { save: Some(path), .. }) = wanted {
        return choose::save(&plan, path);
    }
    run::plan(setup, plan, wanted.accept(), log).await
}

/// What a command that writes prints with `--dry-run`, by this connection.
pub async fn rehearsed(cli: &Cli, connection: Connection, scope: Scope, log: &Log) -> anyhow::Result<String> {
    let Some(wanted) = cli.command.as_ref().and_then(Wanted::of) else {
        bail!("this command changes nothing")
    };
    let manner = Manner::default();
    let setup = Setup {
        connection,
        scope,
        protected: BTreeSet::new(),
        probes_read_only: false,
        manner,
        exposed: BTreeMap::new(),
    };
    let (planned, _) = planned(&setup, wanted, log).await?;
    Ok(planned.map_or_else(|refusal| format!("refused: {refusal}\n"), |plan| text(&plan)))
}

/// One look and the plan it comes to, and what could not be read.
async fn planned(
    setup: &Setup,
    wanted: Wanted<'_>,
    log: &Log,
) -> anyhow::Result<(Result<Plan, Refusal>, BTreeSet<String>)> {
    let done = match wanted {
        Wanted::Undo(it) => match choose::done(log, it.plan.as_deref())? {
            Ok(done) => Some(done),
            Err(refusal) => return Ok((Err(refusal), BTreeSet::new())),
        },
        _ => None,
    };
    let of_undo = done.as_ref().map(|it| ScopeTarget::from(&it.subject));
    let target = wanted.target().or(of_undo.as_ref());
    let group = match wanted {
        Wanted::Bind(it) => Some(it.target_group.as_str()),
        _ => None,
    };
    // A binding that is to be made is looked for by its service, and what the group has is read beside it.
    let (told, _) = watch::channel(Reading::default());
    let question = Question { target, thorough: true, group, reading: Some(&told), ..Question::default() };
    let scope = match &done {
        Some(done) => setup.scope.of(&done.subject),
        None => setup.scope.clone(),
    };
    let look = Box::pin(backend::look(setup.connection.clone(), &scope, question));
    let mut look = reading::shown(look, &told).await;
    let failures = choose::failures(&look);
    let request = match (wanted, done) {
        (Wanted::Bind(it), _) => Request::Bind(wish(setup, it, &look)?),
        (Wanted::Shift(it), _) => weights::shift(setup, it, &mut look).await?,
        (_, Some(done)) => {
            let marks = weights::of_undo(setup.connection.clone(), &done, &mut look).await;
            Request::Undo { done, marks }
        }
        (wanted, None) => about_one_board(wanted, &scope, &look)?,
    };
    // A binding that is to be made and what is undone have their own subject.
    let report = match &request {
        Request::Bind(_) | Request::Undo { .. } => None,
        _ => Some(choose::report(&look, &scope, wanted.target())?),
    };
    let basis = Basis {
        inventory: &look.inventory,
        report,
        now: look.at,
        protected: &setup.protected,
        manner: &setup.manner,
    };
    Ok((make(&request, &basis, &mut PlanIds::new(setup::session())), failures))
}

/// What is asked for about one board.
fn about_one_board(wanted: Wanted<'_>, scope: &Scope, look: &Look) -> anyhow::Result<Request> {
    let report = choose::report(look, scope, wanted.target())?;
    Ok(match wanted {
        Wanted::Unbind(_) => Request::Unbind,
        Wanted::Resync(_) => Request::Resync,
        Wanted::Sync(_) => Request::Sync,
        Wanted::Deregister(it) => Request::Deregister(choose::keys(report, it)?),
        Wanted::Register(it) => Request::Register(choose::keys(report, it)?),
        Wanted::Drain(it) => {
            let then = match it.then {
                Afterwards::Delete => Then::Delete,
                Afterwards::PutBack => Then::PutBack,
                Afterwards::Keep => Then::Keep,
            };
            Request::Drain { rows: choose::rows(report, &it.selection)?, then }
        }
        Wanted::Bind(_) | Wanted::Shift(_) | Wanted::Undo(_) => bail!("this command is about no board"),
    })
}

/// What is to be bound, by what was typed.
fn wish(setup: &Setup, it: &Bind, look: &Look) -> anyhow::Result<bind::Wish> {
    let ScopeKind::Service(service) = &it.service.kind else {
        bail!("bind takes a service: [NAMESPACE/]svc/NAME");
    };
    let Some(namespace) = it.service.namespace.clone().or_else(|| setup.scope.namespace.clone()) else {
        bail!("which namespace is service {service} in? Use -n, or NAMESPACE/svc/NAME");
    };
    let Some(access) = setup.connection.clusters.first() else { bail!("no context") };
    let mut groups = look.inventory.groups.iter();
    let Some((group, _)) =
        groups.find(|(arn, known)| arn.is_called(&it.target_group) && known.group.is_some())
    else {
        bail!("no target group {} in this account and region", it.target_group);
    };
    let port = it
        .port
        .as_ref()
        .map(|text| text.parse().map_or_else(|_| PortRef::Name(text.as_str().into()), PortRef::Number));
    Ok(bind::Wish {
        cluster: access.id.clone(),
        service: crate::domain::facts::ids::ObjectName::new(&namespace, service),
        port,
        group: group.clone(),
        name: it.name.clone(),
        multi_cluster: it.multi_cluster,
        networking: it.networking,
    })
}
