//! The way through the lists: from a service, a group and a port to the plan that binds them; from the palette to an
//! action.

use super::changes;
use crate::app::action::Action;
use crate::app::action::TABLE;
use crate::app::form::Choice;
use crate::app::form::Form;
use crate::app::form::Item;
use crate::app::offered;
use crate::app::state::Dialog;
use crate::app::state::State;
use crate::app::state::View;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::ids::ObjectName;
use crate::domain::judgement::row::Subject;
use crate::domain::plan::bind::Wish;

/// All actions, with their keys and why some cannot be done now.
pub(super) fn palette(state: &mut State) {
    let items = TABLE
        .iter()
        .filter(|it| !matches!(it.action, Action::Palette))
        .map(|row| {
            let keys: Vec<String> = row.keys.iter().map(ToString::to_string).collect();
            let why = offered::refusal(row.action, state)
                .map_or_else(String::new, |it| format!(" · not now: {it}"));
            Item {
                text: row.name.to_owned(),
                note: format!("{:<10} {}{why}", keys.join(" "), row.help),
                choice: Choice::Action(row.action),
                typed: false,
            }
        })
        .collect();
    state.dialogs.push(Dialog::Form(Form::new("Actions", items, Vec::new())));
}

/// The first list of a bind: services; the group is that of the board, where it is one without a binding.
pub(super) fn bind(state: &mut State) {
    let subject = match &state.view {
        View::Board(subject) => Some(subject),
        View::Bindings => state.listed.as_ref(),
    };
    let group = match subject {
        Some(Subject::Group(arn)) => Some(Choice::Group(arn.clone())),
        _ => None,
    };
    let mut items = Vec::new();
    for (id, cluster) in &state.inventory.clusters {
        for service in cluster.services.values().filter(|it| !it.ports.is_empty()) {
            let bound = cluster.bindings.values().filter(|it| it.service_name() == service.name);
            let bound: Vec<&str> = bound.map(|it| it.name.name.as_str()).collect();
            let ports: Vec<String> = service.ports.iter().map(|it| it.port.to_string()).collect();
            let said =
                if bound.is_empty() { String::new() } else { format!(" · bound by {}", bound.join(", ")) };
            items.push((
                !bound.is_empty(),
                Item {
                    text: service.name.to_string(),
                    note: format!("port {}{said}", ports.join(", ")),
                    choice: Choice::Service(id.clone(), service.name.clone()),
                    typed: false,
                },
            ));
        }
    }
    // What is not bound yet is what is looked for.
    items.sort_by(|a, b| (a.0, &a.1.text).cmp(&(b.0, &b.1.text)));
    let items: Vec<Item> = items.into_iter().map(|it| it.1).collect();
    let title = match &group {
        Some(Choice::Group(arn)) => format!("Bind which service to {}?", arn.name()),
        _ => "Bind which service?".to_owned(),
    };
    state.dialogs.push(Dialog::Form(Form::new(&title, items, group.into_iter().collect())));
}

/// The next list of a bind that is not chosen yet, or its plan.
pub(super) fn next(state: &mut State, chosen: Vec<Choice>) {
    let service = chosen.iter().find_map(|it| match it {
        Choice::Service(cluster, name) => Some((cluster.clone(), name.clone())),
        _ => None,
    });
    let group = chosen.iter().find_map(|it| match it {
        Choice::Group(arn) => Some(arn.clone()),
        _ => None,
    });
    let port = chosen.iter().find_map(|it| match it {
        Choice::Port(port) => Some(port.clone()),
        _ => None,
    });
    let Some((cluster, service)) = service else { return };
    let Some(group) = group else { return groups(state, &service, chosen) };
    let ports = ports(state, &cluster, &service);
    if port.is_none() && ports.len() > 1 {
        let title = format!("Which port of {service}?");
        state.dialogs.push(Dialog::Form(Form::new(&title, ports, chosen)));
        return;
    }
    let wish = Wish { cluster, service, port, group, name: None, multi_cluster: false, networking: false };
    changes::binds(state, wish);
}

/// The groups of the region, those nobody binds first.
fn groups(state: &mut State, service: &ObjectName, chosen: Vec<Choice>) {
    let mut items = Vec::new();
    for (arn, known) in &state.inventory.groups {
        let Some(group) = &known.group else { continue };
        let bound = state.inventory.bindings().filter(|(_, it)| it.group.as_ref() == Some(arn));
        let bound: Vec<String> = bound.map(|(it, _)| it.to_string()).collect();
        let at = match (&group.protocol, group.port) {
            (Some(protocol), Some(port)) => format!("{protocol}:{port}"),
            _ => String::new(),
        };
        let hangs = if group.load_balancers.is_empty() { " · on no load balancer" } else { "" };
        let said =
            if bound.is_empty() { String::new() } else { format!(" · bound by {}", bound.join(", ")) };
        items.push((
            !bound.is_empty(),
            Item {
                text: group.name.clone(),
                note: format!("{} {at}{hangs}{said}", group.kind.text()),
                choice: Choice::Group(arn.clone()),
                typed: false,
            },
        ));
    }
    items.sort_by(|a, b| (a.0, &a.1.text).cmp(&(b.0, &b.1.text)));
    let items = items.into_iter().map(|it| it.1).collect();
    let title = format!("Bind {service} to which target group?");
    state.dialogs.push(Dialog::Form(Form::new(&title, items, chosen)));
}

fn ports(state: &State, cluster: &crate::domain::facts::ids::ClusterId, name: &ObjectName) -> Vec<Item> {
    let service = state.inventory.cluster(cluster).and_then(|it| it.services.get(name));
    let ports = service.map(|it| it.ports.as_slice()).unwrap_or_default();
    let item = |it: &crate::domain::facts::cluster::ServicePort| Item {
        text: it.port.to_string(),
        note: it.name.as_deref().unwrap_or_default().to_owned(),
        choice: Choice::Port(PortRef::Number(it.port)),
        typed: false,
    };
    ports.iter().map(item).collect()
}
