//! `doctor`: can both sides be reached, as whom, and what may be done there.

use crate::backend::examine;
use crate::backend::examine::Examination;
use crate::cli::Cli;
use crate::cli::Doctor;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::plan::permissions;

use super::exit::Exit;
use super::setup;
use super::terminal::print;

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
    let reached = examined.clusters.iter().all(|it| it.user.is_ok()) && examined.aws.caller.is_ok();
    Ok(if reached { Exit::Done } else { Exit::Error })
}

/// The examination as text: per side who and where, then every permission.
pub fn told(examined: &Examination, namespace: Option<&str>) -> String {
    let mut lines = vec![format!("tgscope {}", env!("CARGO_PKG_VERSION"))];
    for side in &examined.clusters {
        lines.push(String::new());
        lines.push(format!("Kubernetes · context {} · {}", side.id, namespace.unwrap_or("all namespaces")));
        match &side.user {
            Ok(user) => lines.push(format!("  reached as {user}")),
            Err(failure) => {
                lines.push(format!("  NOT reached: {failure}"));
                lines.extend(failure.hint.iter().map(|it| format!("  next: {it}")));
                continue;
            }
        }
        for need in permissions::KUBERNETES {
            let verbs: Vec<_> = need.verbs().collect();
            let refused: Vec<String> = verbs
                .iter()
                .filter(|it| side.allowed.get(it) == Some(&false))
                .map(ToString::to_string)
                .collect();
            let unknown = verbs.iter().any(|it| !side.allowed.contains_key(it));
            let what = format!("{} {}", need.verbs.join(","), need.resources.join(","));
            let what = if need.group.is_empty() { what } else { format!("{what} ({})", need.group) };
            lines.push(match (refused.is_empty(), unknown) {
                (true, false) => format!("  yes      {what}"),
                (true, true) => format!("  unknown  {what}"),
                (false, _) => format!("  NO       {what} · without: {}", need.without),
            });
        }
    }
    lines.push(String::new());
    let aws = &examined.aws;
    let place = aws.region.clone().unwrap_or_else(|| "no region".to_owned());
    let profile = aws.profile.as_ref().map_or_else(String::new, |it| format!(" · profile {it}"));
    let endpoint = aws.endpoint.as_ref().map_or_else(String::new, |it| format!(" · endpoint {it}"));
    lines.push(format!("AWS · {place}{profile}{endpoint}"));
    match &aws.caller {
        Ok(caller) => lines.push(format!("  reached as {}", caller.arn)),
        Err(failure) => {
            lines.push(format!("  NOT reached: {failure}"));
            lines.extend(failure.hint.iter().map(|it| format!("  next: {it}")));
        }
    }
    let answers = aws.answers.iter().filter(|_| aws.caller.is_ok());
    for (action, (_, answer)) in permissions::AWS.iter().zip(answers) {
        lines.push(match answer {
            Some(Ok(())) => format!("  yes      {}", action.operation),
            Some(Err(failure)) if failure.kind != ErrorKind::Denied => {
                format!("  unknown  {} · could not be asked: {}", action.operation, failure.message)
            }
            Some(Err(failure)) => {
                format!("  NO       {} · without: {} · {}", action.operation, action.without, failure.message)
            }
            None if action.changes.is_empty() => {
                format!("  unknown  {} · nothing there to ask about", action.operation)
            }
            None => {
                format!(
                    "  unknown  {} · AWS tells when it is done · for: {}",
                    action.operation, action.without
                )
            }
        });
    }
    lines.push(String::new());
    lines.push(
        "The roles and the policy that allow all of it: tgscope doctor --rbac, tgscope doctor --iam"
            .to_owned(),
    );
    lines.join("\n") + "\n"
}
