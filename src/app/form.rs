//! Choices from a list with a filter: what to bind, which weights, and the palette of all actions.

use super::action::Action;
use super::action::Safety;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::inventory::routes::Place;

/// What a choice stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Service(ClusterId, ObjectName),
    Group(TargetGroupArn),
    Port(PortRef),
    Action(Action),
    /// A rule with the weights it has.
    Place(Box<Place>, Vec<Forward>),
    /// The weights it is to get.
    Weights(Vec<Forward>),
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) text: String,
    /// Said beside it, dimmed.
    pub(crate) note: String,
    pub(crate) choice: Choice,
    /// It is what was typed, not one of the choices there were before.
    pub(crate) typed: bool,
}

impl Item {
    /// How well what was typed names it, best first; `None`: it does not.
    fn rank(&self, typed: &str, words: &[String]) -> Option<u8> {
        let text = self.text.to_lowercase();
        let (aliases, by_name): (&[&str], _) = match &self.choice {
            // What changes something is not to be chosen by accident: it is found by its names alone.
            Choice::Action(it) => (it.aliases(), it.row().is_some_and(|it| it.safety == Safety::Writes)),
            _ => (&[], false),
        };
        let names = || std::iter::once(text.as_str()).chain(aliases.iter().copied());
        let has = |text: &str| words.iter().all(|word| text.contains(word));
        if typed.is_empty() {
            return Some(0);
        }
        if names().any(|it| it == typed) {
            Some(0)
        } else if names().any(|it| it.starts_with(typed)) {
            Some(1)
        } else if names().any(has) {
            Some(2)
        } else {
            (!by_name && has(&format!("{text} {}", self.note.to_lowercase()))).then_some(3)
        }
    }
}

/// A list to choose from. What is typed narrows it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) title: String,
    pub(crate) items: Vec<Item>,
    pub(crate) filter: String,
    /// Which of the lines on show.
    pub(crate) at: usize,
    /// What was chosen before, on the way to a plan.
    pub(crate) chosen: Vec<Choice>,
}

impl Form {
    pub(crate) fn new(title: &str, items: Vec<Item>, chosen: Vec<Choice>) -> Self {
        Self { title: title.to_owned(), items, filter: String::new(), at: 0, chosen }
    }

    /// The lines on show: every word typed is somewhere in them. What is called so comes first.
    pub(crate) fn shown(&self) -> Vec<&Item> {
        let text = self.filter.trim().to_lowercase();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let typed = self.items.iter().find(|it| it.typed);
        let other = |it: &&Item| !it.typed && typed.is_none_or(|typed| typed.choice != it.choice);
        let ranked = self.items.iter().filter(other).filter_map(|it| Some((it.rank(&text, &words)?, it)));
        let mut ranked: Vec<(u8, &Item)> = ranked.collect();
        // Stable: what is named as well stays in its order.
        ranked.sort_by_key(|it| it.0);
        typed.into_iter().chain(ranked.into_iter().map(|it| it.1)).collect()
    }

    pub(crate) fn choice(&self) -> Option<Choice> {
        self.shown().get(self.at).map(|it| it.choice.clone())
    }

    pub(crate) fn step(&mut self, by: isize) {
        let last = self.shown().len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut String)) {
        edit(&mut self.filter);
        self.at = 0;
    }
}
