//! `doctor`: can both sides be reached, as whom, and what may be done there.

use super::exit::Exit;
use super::setup;
use super::terminal::complain;
use super::terminal::print;
use crate::backend::examine;
use crate::backend::examine::ClusterSide;
use crate::backend::examine::Examination;
use crate::cli::Cli;
use crate::cli::Doctor;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::plan::permissions;
use crate::domain::plan::permissions::AwsPermission;
use crate::domain::plan::permissions::Need;
use crate::printable;

const RBAC: &str = include_str!("../../assets/rbac.yaml");
const IAM: &str = include_str!("../../assets/iam-policy.json");

pub(super) fn run(cli: &Cli, doctor: &Doctor) -> anyhow::Result<Exit> {
    if doctor.rbac {
        print(RBAC)?;
    }
    if doctor.iam {
        print(IAM)?;
    }
    if doctor.rbac || doctor.iam {
        return Ok(Exit::Done);
    }
    let setup = setup::setup(&cli.options, None)?;
    let runtime = setup::runtime()?;
    let examined = runtime.block_on(examine::examine(setup.connection, &setup.scope));
    runtime.shutdown_background();
    print(&told(&examined, setup.scope.namespace.as_deref()))?;
    for (cluster, how) in &setup.exposed {
        complain(&format!(
            "context {cluster}: {how}: whoever stands in between can read and change everything"
        ));
    }
    let reached = examined.clusters.iter().all(|it| it.user.is_ok()) && examined.aws.caller.is_ok();
    Ok(if reached { Exit::Done } else { Exit::Error })
}

/// The examination as text: per side who and where, then every permission.
pub fn told(examined: &Examination, namespace: Option<&str>) -> String {
    let mut lines = vec![format!("tgscope {}", env!("CARGO_PKG_VERSION"))];
    for side in &examined.clusters {
        lines.push(String::new());
        lines.push(format!("Kubernetes · context {} · {}", side.id, namespace.unwrap_or("all namespaces")));
        let reached = side.user.as_ref().map(ToString::to_string);
        if reach(&mut lines, reached) {
            lines.extend(permissions::KUBERNETES.iter().map(|it| kubernetes(side, it)));
        }
    }
    lines.push(String::new());
    let aws = &examined.aws;
    let place = aws.region.clone().unwrap_or_else(|| "no region".to_owned());
    let profile = aws.profile.as_ref().map_or_else(String::new, |it| format!(" · profile {it}"));
    let endpoint = aws.endpoint.as_ref().map_or_else(String::new, |it| format!(" · endpoint {it}"));
    lines.push(format!("AWS · {place}{profile}{endpoint}"));
    if reach(&mut lines, aws.caller.as_ref().map(|it| it.arn.clone())) {
        let answers = permissions::AWS.iter().zip(&aws.answers);
        lines.extend(answers.map(|(action, (_, answer))| operation(action, answer.as_ref())));
    }
    lines.push(String::new());
    lines.push(
        "For roles and a policy that allow all of it: tgscope doctor --rbac, tgscope doctor --iam".to_owned(),
    );
    lines.join("\n") + "\n"
}

/// As whom a side was reached, or why it was not.
fn reach(lines: &mut Vec<String>, reached: Result<String, &Failure>) -> bool {
    match reached {
        Ok(who) => {
            lines.push(format!("  reached as {}", printable::line(&who)));
            true
        }
        Err(failure) => {
            lines.push(format!("  NOT reached: {failure}"));
            lines.extend(failure.hint.iter().map(|it| format!("  next: {it}")));
            false
        }
    }
}

/// Whether the API server allows what the program needs.
fn kubernetes(side: &ClusterSide, need: &Need) -> String {
    let refused = need.verbs().any(|it| side.allowed.get(&it) == Some(&false));
    let unknown = need.verbs().any(|it| !side.allowed.contains_key(&it));
    let what = format!("{} {}", need.verbs.join(","), need.resources.join(","));
    let what = if need.group.is_empty() { what } else { format!("{what} ({})", need.group) };
    match (refused, unknown) {
        (false, false) => format!("  yes      {what}"),
        (false, true) => format!("  unknown  {what}"),
        (true, _) => format!("  NO       {what} · without: {}", need.without),
    }
}

/// Whether AWS allows an operation. `None`: it was not asked.
fn operation(action: &AwsPermission, answer: Option<&Result<(), Failure>>) -> String {
    let AwsPermission { operation, without, .. } = action;
    match answer {
        Some(Ok(())) => format!("  yes      {operation}"),
        Some(Err(failure)) if failure.kind != ErrorKind::Denied => {
            format!("  unknown  {operation} · cannot be checked: {}", failure.message)
        }
        Some(Err(failure)) => format!("  NO       {operation} · without: {without} · {}", failure.message),
        None if action.changes.is_empty() => format!("  unknown  {operation} · nothing to check it with"),
        None => format!("  unknown  {operation} · known only when tried · for: {without}"),
    }
}
