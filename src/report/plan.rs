//! A plan as text and as data: the same lines in the dialog, from `--dry-run=client` and from a write without `--yes`.

use serde::Serialize;

use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::counts::Count;
use crate::domain::plan::counts::Number;
use crate::domain::plan::equivalents;
use crate::domain::plan::eviction::Eviction;
use crate::domain::plan::manifest::Manifest;
use crate::printable;
use crate::report::RenderError;
use crate::report::yaml;

/// What a line is, for whoever colours it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Effect,
    Plain,
    Step,
    Guard,
    Warning,
}

/// The plan as lines, none of them ending in a line break. The first is its effect.
pub(crate) fn lines(plan: &Plan) -> Vec<(Tone, String)> {
    let mut lines = vec![(Tone::Effect, plan.effect.clone())];
    lines.extend(counts(&plan.counts).map(|it| (Tone::Plain, it)));
    for warning in &plan.warnings {
        lines.push((Tone::Warning, format!("! {warning}")));
    }
    for (index, step) in plan.steps.iter().enumerate() {
        lines.push((Tone::Step, format!("{}. {}", index + 1, step.act.sentence())));
        let guards: Vec<String> = step.guards.iter().map(|it| it.words()).collect();
        if !guards.is_empty() {
            lines.push((Tone::Guard, format!("   only if {}", few(&guards))));
        }
    }
    for follows in &plan.follows {
        lines.push((Tone::Plain, format!("> {follows}")));
    }
    for lasting in &plan.lasting {
        lines.push((Tone::Plain, format!("Cannot be undone: {lasting}.")));
    }
    lines
}

/// The equivalent commands, each followed by the fields that are sent.
pub(crate) fn commands(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &plan.steps {
        lines.extend(equivalents::lines(&step.act, &plan.manner).into_iter().map(prompted));
        let object = match &step.act {
            Act::Create { manifest, .. } => Some(object_yaml(manifest)),
            Act::EvictPod { name, uid, .. } => serde_json::to_string(&Eviction::of(name, uid)).ok(),
            _ => None,
        };
        if let (Some(object), Some(line)) = (object, lines.last_mut()) {
            // The object follows at once, so that all of it can be pasted.
            line.push_str(" <<'END'");
            lines.extend(object.lines().map(str::to_owned));
            lines.push("END".to_owned());
        }
        lines.extend(equivalents::fields(&step.act).map(|it| format!("  sends {it}")));
    }
    lines
}

/// A line to paste; what is a comment stays one.
fn prompted(line: String) -> String {
    if line.starts_with('#') { line } else { format!("$ {line}") }
}

/// The object a plan creates.
pub(crate) fn manifest(plan: &Plan) -> Option<&Manifest> {
    plan.steps.iter().find_map(|it| match &it.act {
        Act::Create { manifest, .. } => Some(&**manifest),
        _ => None,
    })
}

/// The object as YAML, for `kubectl create -f -` and for a repository. Strings that YAML 1.1 or 1.2 would read as
/// anything else are quoted.
pub(crate) fn object_yaml(manifest: &Manifest) -> String {
    // An ARN on a line of its own reads badly, and is pasted badly.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    // Strings and numbers are always YAML; were they not, nobody would mistake this for an object.
    serde_saphyr::to_string_with_options(&manifest.object(), options)
        .unwrap_or_else(|error| format!("# {error}\n"))
}

/// Which name has to be typed, and why.
pub(crate) fn typed(plan: &Plan) -> Option<String> {
    let typed = plan.typed.as_ref()?;
    Some(format!("type {} to accept: {}", typed.name, typed.because.join("; ")))
}

fn few(all: &[String]) -> String {
    match all.split_at_checked(5) {
        Some((first, rest)) if !rest.is_empty() => format!("{}; and {} more", first.join("; "), rest.len()),
        _ => all.join("; "),
    }
}

/// `healthy 3 of 3 → 2 of 2 · 1a 2 of 2 → 1 of 1`; nothing where nothing is counted.
fn counts(counts: &[Count]) -> Option<String> {
    let number = |it: &Number| format!("{} of {}", it.healthy, it.registered);
    let line = |it: &Count| {
        let place = it.zone.as_deref().map_or("healthy", crate::domain::wording::columns::short_zone);
        match it.before == it.after {
            true => format!("{place} {}", number(&it.before)),
            false => format!("{place} {} → {}", number(&it.before), number(&it.after)),
        }
    };
    let parts: Vec<String> = counts.iter().map(line).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// A plan as data, for `-o json` and `-o yaml`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    plan: &'a Plan,
    commands: Vec<String>,
}

impl<'a> PlanDocument<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self { api_version: "tgscope/v1", kind: "Plan", plan, commands: commands(plan) }
    }

    pub(crate) fn json(&self) -> Result<String, RenderError> {
        Ok(printable::json(&serde_json::to_string_pretty(self)?).into_owned() + "\n")
    }

    pub(crate) fn yaml(&self) -> Result<String, RenderError> {
        yaml(self)
    }
}

/// The plan as text, with its last newline.
pub(crate) fn text(plan: &Plan) -> String {
    let mut lines: Vec<String> = lines(plan).into_iter().map(|it| it.1).collect();
    lines.extend(typed(plan).map(|it| format!("! {it}")));
    lines.extend(commands(plan));
    lines.iter().map(|it| printable::line(it)).collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests;
