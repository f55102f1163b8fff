//! What lies on top of a view while something is changed: the plan, how far it is, why there is none, lists to choose
//! from, the audit log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Clear;
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr;

use super::overlay;
use super::overlay::Lines;
use super::text;
use crate::app::State;
use crate::app::changes::Planned;
use crate::app::changes::Run;
use crate::app::foot;
use crate::app::foot::Hint;
use crate::app::form::Form;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::plan_id::PlanId;
use crate::domain::facts::probe::Probed;
use crate::domain::facts::time::age;
use crate::domain::plan::Plan;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::log::Entry;
use crate::domain::plan::log::LogStage;
use crate::domain::plan::log::Unfinished;
use crate::domain::plan::log::context_of;
use crate::domain::plan::log::place_of;
use crate::domain::plan::progress::Stage;
use crate::domain::plan::rehearsal::Rehearsed;
use crate::domain::wording::outcome;
use crate::domain::wording::outcome::Outcome;
use crate::domain::wording::probe;
use crate::report::plan;
use crate::report::plan::Tone;
use crate::tui::theme::Theme;

pub(super) fn planned(state: &State, planned: &Planned, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut lines: Lines =
        plan::lines(&planned.plan).into_iter().map(|(tone, text)| (text, style(theme, tone))).collect();
    let hints = foot::hints(state);
    let (choices, keys): (Vec<&Hint>, Vec<&Hint>) = hints.iter().partition(|it| it.choice);
    // Where the foot is no place for all of it, the choices stand where the name is asked for: below the effect.
    let typed = plan::typed(&planned.plan);
    let promised = if state.was_read() { 0 } else { PROMISED };
    let narrow = overlay::foot(None, &hints).width() + promised + COUNT > overlay::room(area);
    let apart = !choices.is_empty() && (typed.is_some() || narrow);
    if apart {
        lines.insert(1, (format!("  also: {}", overlay::joined(choices)), theme.dim));
    }
    if let Some(why) = typed {
        lines.insert(1, (format!("! {why}"), theme.bad));
    }
    for (index, answer) in planned.rehearsed.iter().enumerate() {
        lines.push(match answer {
            Rehearsed::Accepted(said) => (format!("dry run {}. {said}", index + 1), theme.good),
            Rehearsed::Refused(why) => (format!("dry run {}. refused: {why}", index + 1), theme.bad),
        });
    }
    let commands = plan::commands(&planned.plan);
    if !commands.is_empty() {
        lines.push((String::new(), theme.plain));
        lines.extend(commands.into_iter().map(|it| (it, theme.dim)));
    }
    let title = match state.opening.contexts.len() {
        0 | 1 => format!("Plan · {}", planned.plan.change.word()),
        _ => format!("Plan · {} · {}", planned.plan.change.word(), state.called(&planned.plan.subject)),
    };
    let field = planned.plan.typed.as_ref().map(|it| match &planned.objection {
        Some(objection) => format!("{objection} · type: {}▏", planned.typed),
        None => format!("type {}: {}▏", it.name, planned.typed),
    });
    let shown: Vec<&Hint> = if apart { keys } else { hints.iter().collect() };
    let bottom = overlay::foot(field.as_deref(), shown);
    overlay::framed(&title, theme, (lines, planned.scroll), &bottom, (area, buffer));
}

/// Cells that the count of the lines below takes at the foot.
const COUNT: usize = 7;
/// Cells of the hint that comes once the plan can be accepted: nothing moves then.
const PROMISED: usize = 11;

fn style(theme: &Theme, tone: Tone) -> Style {
    match tone {
        Tone::Effect | Tone::Step => theme.title,
        Tone::Plain => theme.plain,
        Tone::Guard => theme.dim,
        Tone::Warning => theme.warn,
    }
}

pub(super) fn run(
    state: &State,
    theme: &Theme,
    (id, scroll): (&PlanId, u16),
    area: Rect,
    buffer: &mut Buffer,
) {
    let Some(run) = state.changes.runs.iter().find(|it| it.plan.id == *id) else { return };
    let mut lines: Lines = vec![(run.plan.effect.clone(), theme.title), (about(&run.plan), theme.dim)];
    for (index, step) in run.plan.steps.iter().enumerate() {
        let (glyph, colour, said) = match run.stages.get(&index) {
            None if run.ended.is_some() => ("-", theme.dim, "not begun".to_owned()),
            None => ("·", theme.dim, String::new()),
            Some((stage, since)) => {
                let for_ = age(state.now.since(*since));
                let words = match (stage, stage.said()) {
                    (Stage::Awaiting(said), _) => match left(state, run, index) {
                        Some(seconds) => format!("{said}, at most {} left", age(seconds)),
                        None => format!("{said}, for {for_}"),
                    },
                    (stage, "") => stage.word().to_owned(),
                    (stage, said) => format!("{}: {said}", stage.word()),
                };
                (glyph(stage), colour(theme, stage), words)
            }
        };
        lines.push((format!("{glyph} {}. {}", index + 1, step.act.sentence()), colour));
        if !said.is_empty() {
            lines.push((format!("     {said}"), theme.plain));
        }
    }
    if let Some(offer) = offer(state, run) {
        lines.push((String::new(), theme.plain));
        lines.push((format!("next: {offer}"), theme.plain));
    }
    let title = match run.ended {
        None => format!("{} · under way", run.plan.change.word()),
        Some(_) if run.succeeded() => format!("{} · done", run.plan.change.word()),
        Some(_) => format!("{} · not done", run.plan.change.word()),
    };
    let bottom = overlay::foot(None, &foot::hints(state));
    overlay::framed(&title, theme, (lines, scroll), &bottom, (area, buffer));
}

/// Seconds until the targets a step waits for have drained at the latest: the delay counts from when they left.
fn left(state: &State, run: &Run, index: usize) -> Option<i64> {
    let Act::AwaitGone { group, .. } = &run.plan.steps.get(index)?.act else { return None };
    let delay = state.inventory.groups.get(group)?.attributes.as_ref()?.deregistration_delay();
    let leaves = |act: &Act| matches!(act, Act::AwaitLeaving { group: of, .. } | Act::Deregister { group: of, .. } if of == group);
    let before = run.plan.steps.iter().take(index);
    let left = before.enumerate().rfind(|(_, it)| leaves(&it.act))?.0;
    let (_, since) = run.stages.get(&left)?;
    Some((i64::from(delay) - state.now.since(*since)).max(0))
}

fn glyph(stage: &Stage) -> &'static str {
    match stage {
        Stage::Checking | Stage::Writing | Stage::Awaiting(_) => "…",
        Stage::Done(_) => "✓",
        Stage::Refused(_) | Stage::Failed(_) => "✗",
        Stage::Unverified(_) => "?",
        Stage::Cancelled => "-",
    }
}

fn colour(theme: &Theme, stage: &Stage) -> Style {
    match stage {
        Stage::Checking | Stage::Writing | Stage::Awaiting(_) => theme.moving,
        Stage::Done(_) => theme.good,
        Stage::Refused(_) | Stage::Failed(_) | Stage::Unverified(_) => theme.bad,
        Stage::Cancelled => theme.dim,
    }
}

/// What a person can do about a plan that did not come to its end.
fn offer(state: &State, run: &Run) -> Option<String> {
    run.ended?;
    let (_, stage, _) = run.at()?;
    let looked = run.stages.get(&0).map_or(run.plan.made, |it| it.1);
    let (change, undoable, since) = (run.plan.change, run.is_undoable(), state.now.since(looked));
    outcome::next_step(Outcome { change, stage, undoable, since })
}

pub(super) fn refusal(
    state: &State,
    theme: &Theme,
    (change, why, idle): (ChangeKind, &str, bool),
    area: Rect,
    buffer: &mut Buffer,
) {
    let lines = vec![(why.to_owned(), theme.plain)];
    let what = if idle { "nothing to do" } else { "not possible" };
    small(
        &format!("{} · {what}", change.word()),
        theme,
        lines,
        &overlay::foot(None, &foot::hints(state)),
        (area, buffer),
    );
}

pub(super) fn reading(
    state: &State,
    theme: &Theme,
    (change, text): (ChangeKind, &str),
    area: Rect,
    buffer: &mut Buffer,
) {
    small(
        change.word(),
        theme,
        vec![(text.to_owned(), theme.plain)],
        &overlay::foot(None, &foot::hints(state)),
        (area, buffer),
    );
}

pub(super) fn probe(
    state: &State,
    theme: &Theme,
    (row, probed): (&RowKey, Option<&Probed>),
    area: Rect,
    buffer: &mut Buffer,
) {
    let lines = match probed {
        None => vec![("Asking the pod through the API server.".to_owned(), theme.plain)],
        Some(it) => {
            let words = probe::told(it, state.path().as_ref(), &state.opening.manner);
            let style = match it.passes() {
                Some(true) => theme.good,
                Some(false) => theme.bad,
                None => theme.warn,
            };
            let facts = words.facts.into_iter().map(|it| (it, theme.plain));
            let next = words.next.map(|it| (format!("next: {it}"), theme.title));
            std::iter::once((words.headline, style)).chain(facts).chain(next).collect()
        }
    };
    let title = format!("Health check of {row}");
    small(&title, theme, lines, &overlay::foot(None, &foot::hints(state)), (area, buffer));
}

pub(super) fn leaving(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let mut lines: Lines = vec![("Under way:".to_owned(), theme.plain)];
    lines.extend(state.changes.running().map(|it| (format!("  {}", it.plan.effect), theme.title)));
    let what = "What was written stays written; nothing more is done. The next start offers to resume it.";
    lines.push((what.to_owned(), theme.plain));
    small("Leave?", theme, lines, &overlay::foot(None, &foot::hints(state)), (area, buffer));
}

pub(super) fn unfinished(state: &State, theme: &Theme, open: &[Unfinished], area: Rect, buffer: &mut Buffer) {
    let Some(first) = open.first() else { return };
    let at = first.plan.steps.get(first.next).map_or_else(String::new, |it| it.act.sentence());
    let mut lines: Lines = vec![
        (format!("Unfinished change from {}:", first.begun), theme.plain),
        (format!("  {}", first.plan.effect), theme.title),
        (format!("  {}", about(&first.plan)), theme.dim),
        (format!("{} of {} steps are done. Next: {at}.", first.next, first.plan.steps.len()), theme.plain),
    ];
    if first.uncertain {
        lines.push(("Its outcome was not recorded; that is checked before resuming.".to_owned(), theme.warn));
    }
    if open.len() > 1 {
        lines.push((format!("And {} more.", open.len() - 1), theme.plain));
    }
    lines.extend(state.changes.notes.iter().map(|it| (format!("! {it}"), theme.warn)));
    small("Unfinished change", theme, lines, &overlay::foot(None, &foot::hints(state)), (area, buffer));
}

/// A box no larger than what it says.
fn small(title: &str, theme: &Theme, lines: Lines, bottom: &str, (area, buffer): (Rect, &mut Buffer)) {
    let width = area.width.saturating_sub(4).min(76);
    let room = usize::from(width.saturating_sub(4));
    let broken: Lines = lines
        .into_iter()
        .flat_map(|(line, style)| text::wrap(&line, room).into_iter().map(move |it| (it, style)))
        .collect();
    let height = u16::try_from(broken.len()).unwrap_or(area.height).saturating_add(2).min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, buffer);
    let block = Block::bordered()
        .title(Span::styled(format!(" {title} "), theme.title))
        .title_bottom(Line::from(Span::styled(bottom.to_owned(), theme.dim)).right_aligned());
    let inside = block.inner(place);
    block.render(place, buffer);
    for (n, (line, style)) in broken.into_iter().take(usize::from(inside.height)).enumerate() {
        buffer.set_stringn(inside.x + 1, inside.y + u16::try_from(n).unwrap_or(0), line, room, style);
    }
}

pub(super) fn form(state: &State, form: &Form, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let width = area.width.saturating_sub(4).min(100);
    let height = area.height.saturating_sub(4);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + 2, width, height };
    Clear.render(place, buffer);
    let typing = state.dialogs.last().and_then(foot::typing);
    let bottom = overlay::foot(typing, &foot::hints(state));
    let block = Block::bordered()
        .title(Span::styled(format!(" {} ", form.title), theme.title))
        .title_bottom(Line::from(Span::styled(bottom, theme.dim)).right_aligned());
    let inside = block.inner(place);
    block.render(place, buffer);
    let room = usize::from(inside.width.saturating_sub(2));
    buffer.set_stringn(inside.x + 1, inside.y, format!("/ {}▏", form.filter), room, theme.title);
    let shown = form.shown();
    let rows = usize::from(inside.height.saturating_sub(1));
    let names = shown.iter().map(|it| it.text.chars().count()).max().unwrap_or(0).min(room / 2);
    let top = super::place::top(shown.len(), Some(form.at), rows);
    if shown.is_empty() {
        buffer.set_stringn(inside.x + 1, inside.y + 1, "nothing to choose", room, theme.dim);
    }
    for (n, item) in shown.iter().skip(top).take(rows).enumerate() {
        let y = inside.y + 1 + u16::try_from(n).unwrap_or(0);
        let name = text::end(&item.text, names);
        buffer.set_stringn(inside.x + 1, y, format!("{name:<names$}"), names, theme.plain);
        let rest = room.saturating_sub(names + 2);
        let x = inside.x + 1 + u16::try_from(names + 2).unwrap_or(0);
        buffer.set_stringn(x, y, text::end(&item.note, rest), rest, theme.dim);
        if top + n == form.at {
            buffer.set_style(Rect { y, height: 1, ..inside }, theme.selected);
        }
    }
}

pub(super) fn audit(state: &State, theme: &Theme, scroll: u16, area: Rect, buffer: &mut Buffer) {
    let mut lines: Lines = Vec::new();
    match &state.changes.log {
        None => lines.push(("reading the audit log …".to_owned(), theme.dim)),
        Some(log) => {
            lines.extend(log.notes.iter().map(|it| (format!("! {it}"), theme.warn)));
            lines.extend(log.entries.iter().rev().flat_map(|it| logged(it, theme)));
        }
    }
    if lines.is_empty() {
        lines.push(("nothing was written yet".to_owned(), theme.dim));
    }
    overlay::framed(
        "Audit log, newest first",
        theme,
        (lines, scroll),
        &overlay::foot(None, &foot::hints(state)),
        (area, buffer),
    );
}

/// A line of the log: what, what was read, and of which plan, where and as whom.
fn logged(entry: &Entry, theme: &Theme) -> Lines {
    let style = match entry.stage {
        LogStage::Done => theme.good,
        LogStage::Begin | LogStage::Waiting => theme.dim,
        LogStage::Refused | LogStage::Failed | LogStage::NotVerified | LogStage::Cancelled => theme.bad,
    };
    let (change, stage, sentence) = (entry.change.word(), entry.stage, entry.request.sentence());
    let what = format!("{} {change} {}/{} {stage}: {sentence}", entry.time, entry.step, entry.of);
    let mut lines = vec![(what, style)];
    let read = entry.after.as_deref().or(entry.before.as_deref()).unwrap_or_default();
    if !read.is_empty() {
        lines.push((format!("    {read}"), theme.plain));
    }
    let place = (entry.context.as_deref(), entry.account.as_deref().zip(entry.region.as_deref()));
    let who = entry.aws_identity.as_ref().or(entry.kubernetes_user.as_ref());
    let who = who.map_or_else(String::new, |it| format!(" · {it}"));
    lines.push((format!("    {}{who}", whereabouts(&entry.plan, place)), theme.dim));
    lines
}

/// Which plan it is and what it is about: `plan ID · context CONTEXT · account ACCOUNT REGION`, as far as it is known.
fn whereabouts(id: &PlanId, (context, place): (Option<&str>, Option<(&str, &str)>)) -> String {
    let context = context.map_or_else(String::new, |it| format!(" · context {it}"));
    let place = place.map_or_else(String::new, |(account, region)| format!(" · account {account} {region}"));
    format!("plan {id}{context}{place}")
}

/// The same of a plan.
fn about(plan: &Plan) -> String {
    let place = place_of(plan);
    let place = place.as_ref().map(|(account, region)| (account.as_str(), region.as_str()));
    whereabouts(&plan.id, (context_of(plan).as_deref(), place))
}
