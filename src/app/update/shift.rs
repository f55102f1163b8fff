//! The way to other weights: which rule, which weights, what is read before the plan is shown; and back.

use crate::app::changes::Weighing;
use crate::app::form::Choice;
use crate::app::form::Form;
use crate::app::form::Item;
use crate::app::message::Effect;
use crate::app::state::Dialog;
use crate::app::state::State;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Place;
use crate::domain::inventory::routes::Routes;
use crate::domain::inventory::routes::routes;
use crate::domain::plan::Refusal;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::ChangeKind;
use crate::domain::plan::make::Marks;
use crate::domain::plan::make::Request;
use crate::domain::plan::weights::Weighed;

/// The rules that lead to the group on show and can be weighed; where it is one, its weights at once.
pub(super) fn places(state: &mut State) {
    let group = state.report().and_then(|it| it.group.clone());
    let Some(group) = group else {
        return super::changes::refuse(
            state,
            ChangeKind::Shift,
            &Refusal::plain("its target group is not known"),
        );
    };
    let all = routes::places(&state.inventory, &group);
    let several: Vec<_> = all.iter().filter(|(_, rule)| rule.forwards.len() > 1).collect();
    match several.as_slice() {
        [] => {
            let name = group.name();
            let why = match routes(&state.inventory, &group) {
                Routes::Unread => format!("what leads to {name} was not read yet"),
                Routes::Known(routes) if routes.is_empty() => format!("no rule leads to {name}"),
                Routes::Known(_) => {
                    format!("every rule that leads to {name} sends to it alone: there is nothing to divide")
                }
            };
            super::changes::refuse(state, ChangeKind::Shift, &Refusal::plain(&why));
        }
        [(place, rule)] => state.dialogs.push(Dialog::Form(numbers(place, &rule.forwards, Some(&group)))),
        several => {
            let items = several.iter().map(|(place, rule)| Item {
                text: place.name.clone(),
                note: routes::told(&rule.forwards),
                choice: Choice::Place(Box::new(place.clone()), rule.forwards.clone()),
                typed: false,
            });
            let title = format!("Weights of which rule that leads to {}?", group.name());
            let form = Form::new(&title, items.collect(), Vec::new());
            state.dialogs.push(Dialog::Form(form));
        }
    }
}

/// Shares that are asked for often, between two groups.
const STEPS: [u32; 7] = [100, 90, 75, 50, 25, 10, 0];

/// The list of weights for one rule; others can be typed. The group that is looked at stands first: a single number is
/// its own.
pub(super) fn numbers(place: &Place, now: &[Forward], group: Option<&TargetGroupArn>) -> Form {
    let (own, others): (Vec<&Forward>, Vec<&Forward>) = now.iter().partition(|it| Some(&it.group) == group);
    let now: &[Forward] = &own.into_iter().chain(others).cloned().collect::<Vec<_>>();
    let items = match now {
        [_, _] => STEPS.iter().map(|it| item(now, &[*it, 100 - it])).collect(),
        _ => {
            let one = |n: usize| (0..now.len()).map(|it| if it == n { 100 } else { 0 }).collect::<Vec<_>>();
            (0..now.len()).map(|n| item(now, &one(n))).collect()
        }
    };
    let groups: Vec<&str> = now.iter().map(|it| it.group.name()).collect();
    let weights: Vec<String> = now.iter().map(|it| it.weight.to_string()).collect();
    let title = format!("Weights of {}, now {}", groups.join(" and "), weights.join(" "));
    let chosen = vec![Choice::Place(Box::new(place.clone()), now.to_vec())];
    Form::new(&title, items, chosen)
}

fn item(now: &[Forward], weights: &[u32]) -> Item {
    let to: Vec<Forward> = now
        .iter()
        .zip(weights)
        .map(|(it, weight)| Forward { group: it.group.clone(), weight: *weight })
        .collect();
    let text: Vec<String> = weights.iter().map(ToString::to_string).collect();
    Item { text: text.join(" "), note: routes::shares(&to), choice: Choice::Weights(to), typed: false }
}

/// Numbers that were typed are a line of their own: one for each group, or one of two shares.
pub(super) fn typed(form: &mut Form) {
    let Some(Choice::Place(_, now)) = form.chosen.first() else { return };
    let now = now.clone();
    form.items.retain(|it| !it.typed);
    let words: Result<Vec<u32>, _> =
        form.filter.split([' ', '/', ',']).filter(|it| !it.is_empty()).map(str::parse).collect();
    let weights = match words.as_deref() {
        Ok([one]) if now.len() == 2 && *one <= 100 => vec![*one, 100 - one],
        Ok(some) if some.len() == now.len() => some.to_vec(),
        _ => return,
    };
    // Exactly what was typed stands first, also where it is one of the choices: Enter takes that and nothing like it.
    let mut line = item(&now, &weights);
    line.note.push_str(" · as typed");
    line.typed = true;
    form.items.insert(0, line);
}

/// Weights were chosen: what the plan rests on is read first.
pub(super) fn chosen(state: &mut State, place: Place, to: Vec<Forward>) -> Vec<Effect> {
    let groups = to.iter().map(|it| it.group.clone()).collect();
    begin(state, Weighing { place, to: Some(to) }, groups)
}

/// The last plan gave weights: what turning it round rests on is read first. `None`: it did not.
pub(super) fn undo(state: &mut State) -> Option<Vec<Effect>> {
    let done = state.changes.last()?;
    let (place, groups) = done.acts.iter().find_map(|it| match it {
        Act::Shift { place, to, .. } => Some((place.clone(), to.iter().map(|it| it.group.clone()).collect())),
        _ => None,
    })?;
    Some(begin(state, Weighing { place, to: None }, groups))
}

fn begin(state: &mut State, weighing: Weighing, groups: Vec<TargetGroupArn>) -> Vec<Effect> {
    let text = format!("reading {} and its groups", weighing.place.name);
    state.dialogs.push(Dialog::Reading { change: ChangeKind::Shift, text });
    let place = weighing.place.clone();
    state.changes.weighing = Some(weighing);
    vec![Effect::Weigh(Box::new(place), groups)]
}

/// What was asked for was read: the plan.
pub(super) fn weighed(state: &mut State, read: Weighed) {
    let waits = matches!(state.dialogs.last(), Some(Dialog::Reading { change: ChangeKind::Shift, .. }));
    let now = state.now;
    for change in read.changes {
        super::observe::observe(state, change, now);
    }
    super::observe::settle(state);
    let asked = state.changes.weighing.as_ref().is_some_and(|it| it.place == read.place);
    let Some(weighing) = state.changes.weighing.take_if(|_| waits && asked) else { return };
    state.dialogs.pop();
    let marks = Marks { tags: read.tags, unread: read.untagged };
    let request = match (weighing.to, state.changes.last()) {
        (Some(to), _) => {
            let weights = to.iter().map(|it| (it.group.clone(), it.weight)).collect();
            Request::Shift { place: weighing.place, weights, marks }
        }
        (None, Some(done)) => Request::Undo { done, marks },
        (None, None) => return,
    };
    super::changes::request_plan(state, &request);
}
