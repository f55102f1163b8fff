//! Colours by role. The terminal's own sixteen colours and background, so that light and dark both work;
//! nothing is said by colour alone.

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::domain::facts::elb::HealthState;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    pub(crate) good: Style,
    pub(crate) bad: Style,
    pub(crate) warn: Style,
    pub(crate) moving: Style,
    /// What is there but does not matter now.
    pub(crate) dim: Style,
    pub(crate) title: Style,
    pub(crate) selected: Style,
    pub(crate) plain: Style,
    /// The terminal shows no other characters.
    pub(crate) ascii: bool,
}

impl Theme {
    pub fn colours() -> Self {
        // What is said is never dim because the line it is written on is.
        let clear = Style::new().remove_modifier(Modifier::DIM);
        let of = |colour| clear.fg(colour);
        Self {
            good: of(Color::Green),
            bad: of(Color::Red).add_modifier(Modifier::BOLD),
            warn: of(Color::Yellow),
            moving: of(Color::Cyan),
            dim: Style::new().add_modifier(Modifier::DIM),
            title: clear.add_modifier(Modifier::BOLD),
            // One bar of one colour, whatever it lies on.
            selected: Style::new()
                .fg(Color::Reset)
                .add_modifier(Modifier::REVERSED)
                .remove_modifier(Modifier::DIM | Modifier::BOLD),
            plain: Style::new(),
            ascii: false,
        }
    }

    /// No colours at all, as NO_COLOR asks.
    pub fn none() -> Self {
        let bold = Style::new().add_modifier(Modifier::BOLD).remove_modifier(Modifier::DIM);
        let plain = Style::new();
        Self { good: plain, bad: bold, warn: bold, moving: plain, ..Self::colours() }
    }

    /// As the environment asks: no colours (NO_COLOR), nothing but ASCII where the locale is no UTF-8.
    pub(crate) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|it| !it.is_empty());
        let colours = match set("NO_COLOR") {
            Some(_) => Self::none(),
            None => Self::colours(),
        };
        // The first that is set decides, as in every program of the system.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let is_utf8 = |it: &String| it.to_ascii_lowercase().replace('-', "").contains("utf8");
        Self { ascii: locale.is_some_and(|it| !is_utf8(&it)), ..colours }
    }

    pub(crate) fn standing(&self, standing: Standing, problem: bool) -> Style {
        match standing {
            Standing::InService if problem => self.warn,
            Standing::InService => self.good,
            Standing::Contested | Standing::Dead | Standing::Failing => self.bad,
            Standing::Orphan | Standing::Idle | Standing::Unregistered | Standing::Lingering if problem => {
                self.bad
            }
            Standing::Orphan
            | Standing::Idle
            | Standing::Unregistered
            | Standing::Lingering
            | Standing::Unknown => self.warn,
            Standing::Waiting | Standing::Registering if problem => self.bad,
            Standing::Registering | Standing::Waiting | Standing::Draining => self.moving,
            Standing::Passive | Standing::Elsewhere => self.dim,
        }
    }

    pub(crate) fn health(&self, state: &HealthState) -> Style {
        match state {
            HealthState::Healthy => self.good,
            HealthState::Unhealthy | HealthState::UnhealthyDraining => self.bad,
            HealthState::Initial | HealthState::Draining => self.moving,
            HealthState::Unused | HealthState::Unavailable | HealthState::Unknown(_) => self.warn,
        }
    }

    pub(crate) fn verdict(&self, word: VerdictKind, neutral: bool) -> Style {
        match word {
            _ if neutral => self.dim,
            VerdictKind::Serving => self.good,
            VerdictKind::Rolling => self.moving,
            VerdictKind::Degraded | VerdictKind::NotRouted => self.warn,
            VerdictKind::FailOpen | VerdictKind::Empty | VerdictKind::Down => self.bad,
            VerdictKind::Unknown => self.dim,
        }
    }
}
