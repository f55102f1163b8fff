//! What was asked for when the screen was opened, and whether it was found.

use std::collections::BTreeSet;

use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::selector::Selector;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Source;
use crate::domain::judgement::scope::ScopeTarget;

/// What was asked for on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Contexts, for the header until something was read.
    pub contexts: Vec<ClusterId>,
    /// `None`: all namespaces.
    pub namespace: Option<String>,
    pub selector: Option<Selector>,
    pub pointed: Option<ScopeTarget>,
    /// A command that what was pointed at looks like.
    pub command: Option<String>,
    /// The world is made up: which, and how fast its time runs.
    pub demo: Option<String>,
    /// Nothing may be written.
    pub read_only: bool,
    /// Contexts whose name is to be typed before anything is written there.
    pub protected: BTreeSet<ClusterId>,
    /// Random: tells the plans of this session from those of any other.
    pub session: u32,
    /// A shell waits behind the screen and can continue it.
    pub job_control: bool,
}

impl Opening {
    /// What the scope points at, where everything was read: if no board is that, there is none.
    pub(super) fn looked_for(&self, inventory: &Inventory) -> Option<&ScopeTarget> {
        let target = self.pointed.as_ref()?;
        let answered = inventory.sources.values().all(|it| it.read.is_some() || it.failed.is_some());
        let looked = !target.kind.is_of_aws() || inventory.sources.contains_key(&Source::Groups);
        (answered && looked && !inventory.sources.is_empty()).then_some(target)
    }
}
