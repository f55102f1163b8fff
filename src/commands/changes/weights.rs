//! Which rule, and which weights, by what was typed; and what that rests on, read beside the look.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::backend::Connection;
use crate::backend::Look;
use crate::backend::weigh::weigh;
use crate::cli::changes::Shift;
use crate::commands::setup::Setup;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::routes;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::act::Act;
use crate::domain::plan::make::Marks;
use crate::domain::plan::make::Request;
use crate::domain::plan::undo::Done;

/// `GROUP=WEIGHT`, the group by name or ARN.
fn pair(text: &str) -> anyhow::Result<(&str, u32)> {
    let parts = text.rsplit_once('=').and_then(|(group, weight)| Some((group, weight.parse().ok()?)));
    match parts {
        Some((group, weight)) if !group.is_empty() => Ok((group, weight)),
        _ => bail!("{text} is no weight: give GROUP=WEIGHT, the weight a number from 0 to 999"),
    }
}

/// What `shift` asks for.
pub(super) async fn shift(setup: &Setup, it: &Shift, look: &mut Look) -> anyhow::Result<Request> {
    let group = super::choose::report(look, &setup.scope, Some(&it.scope))?.group.clone();
    let Some(group) = group else { bail!("the binding names no target group yet") };
    let wanted = it.weights.iter().map(|it| pair(it)).collect::<anyhow::Result<Vec<_>>>()?;
    let (place, rule) = one(&routes::places(&look.inventory, &group), it, &wanted, group.name())?;
    let mut asked = BTreeMap::new();
    for (text, weight) in wanted {
        let Some(found) = rule.forwards.iter().find(|it| it.group.is_called(text)) else {
            bail!(
                "{} does not forward to {text}; it forwards to {}",
                place.name,
                routes::told(&rule.forwards)
            )
        };
        if asked.insert(found.group.clone(), weight).is_some() {
            bail!("{text} is given twice");
        }
    }
    let groups: Vec<TargetGroupArn> = rule.forwards.iter().map(|it| it.group.clone()).collect();
    let marks = read(setup.connection.clone(), &place, &groups, look).await;
    Ok(Request::Shift { place, weights: asked, marks })
}

/// The rule that is meant: the one that was named, or the only one that sends to all the groups that were.
fn one(
    all: &[(Place, Rule)],
    it: &Shift,
    wanted: &[(&str, u32)],
    name: &str,
) -> anyhow::Result<(Place, Rule)> {
    let sends = |rule: &Rule, text: &str| rule.forwards.iter().any(|it| it.group.is_called(text));
    let fits = |place: &Place, rule: &Rule| match &it.rule {
        Some(short) => place.short == *short || place.rule.as_ref().is_some_and(|it| it.as_str() == short),
        None => wanted.iter().all(|(text, _)| sends(rule, text)),
    };
    let found: Vec<&(Place, Rule)> = all.iter().filter(|(place, rule)| fits(place, rule)).collect();
    let listed = || {
        let names =
            all.iter().map(|(place, rule)| format!("{} ({})", place.short, routes::told(&rule.forwards)));
        names.collect::<Vec<_>>().join("; ")
    };
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        _ if all.is_empty() => bail!("no rule that could be read forwards to {name}"),
        [] => bail!("no such rule forwards to {name}; these do: {}", listed()),
        _ => bail!("several rules forward to {name}, name one with --rule: {}", listed()),
    }
}

/// What an undo rests on beside the look, where it is about weights.
pub(super) async fn of_undo(connection: Connection, done: &Done, look: &mut Look) -> Marks {
    let shifted = done.acts.iter().find_map(|it| match it {
        Act::Shift { place, to, .. } => Some((place, to)),
        _ => None,
    });
    let Some((place, to)) = shifted else { return Marks::default() };
    let groups: Vec<TargetGroupArn> = to.iter().map(|it| it.group.clone()).collect();
    read(connection, place, &groups, look).await
}

async fn read(connection: Connection, place: &Place, groups: &[TargetGroupArn], look: &mut Look) -> Marks {
    let weighed = weigh(connection, place, groups).await;
    for change in weighed.changes {
        look.inventory.apply(change, look.at);
    }
    Marks { tags: weighed.tags, unread: weighed.untagged }
}
