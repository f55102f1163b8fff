//! Choices from a list with a filter: what to bind, which weights, and the palette of all actions.

use super::action::Action;
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

    /// The lines on show: every word typed is somewhere in them.
    pub(crate) fn shown(&self) -> Vec<&Item> {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let has = |it: &&Item| {
            let text = format!("{} {}", it.text, it.note).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let typed = self.items.iter().find(|it| it.typed);
        let other = |it: &&Item| !it.typed && typed.is_none_or(|typed| typed.choice != it.choice);
        typed.into_iter().chain(self.items.iter().filter(other).filter(has)).collect()
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
