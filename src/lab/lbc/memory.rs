//! What the controller is and what it remembers of each binding.

use std::collections::BTreeMap;

use crate::lab::clock::Millis;
use crate::lab::elbv2::model::Health;
use crate::lab::elbv2::model::Key;
use crate::lab::kubernetes::store::Name;

/// A version as three numbers.
pub(in crate::lab) type Version = (u32, u32, u32);

/// What the controller is and remembers. All of it is lost when it starts anew.
#[derive(Debug)]
pub(in crate::lab) struct Lbc {
    /// It has a Deployment, or runs outside the cluster (Auto Mode).
    pub(in crate::lab) installed: bool,
    pub(in crate::lab) auto_mode: bool,
    pub(in crate::lab) version: Version,
    pub(in crate::lab) cluster_name: String,
    /// Milliseconds it takes longer than it should.
    pub(in crate::lab) slow: Millis,
    /// Why its security-group step fails, for bindings that ask for one.
    pub(in crate::lab) network_error: Option<String>,
    pub(in crate::lab) running: bool,
    memory: BTreeMap<(&'static str, Name), Memory>,
}

impl Default for Lbc {
    fn default() -> Self {
        Self {
            installed: false,
            auto_mode: false,
            version: (3, 5, 0),
            cluster_name: "eksworkshop".to_owned(),
            slow: 0,
            network_error: None,
            running: false,
            memory: BTreeMap::new(),
        }
    }
}

/// What it remembers of a binding.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Memory {
    /// Targets as it knows them, and when it last listed them all.
    pub(super) cache: Option<(Millis, BTreeMap<Key, Health>)>,
    /// Until when a skipped reconcile is not worth a second look.
    pub(super) processed: Option<Millis>,
    /// A full look is due then.
    pub(super) deferred: Option<Millis>,
    pub(super) failures: u32,
}

impl Lbc {
    pub(super) fn memory(&mut self, kind: &'static str, name: &Name) -> &mut Memory {
        self.memory.entry((kind, name.clone())).or_default()
    }

    /// It starts anew, and knows of these bindings no more than that they are there.
    pub(super) fn start(&mut self, bindings: &[(&'static str, Name)]) {
        self.memory = bindings.iter().map(|it| (it.clone(), Memory::default())).collect();
    }

    pub(super) fn forget(&mut self, kind: &'static str, name: &Name) {
        self.memory.remove(&(kind, name.clone()));
    }

    /// Whether it keeps checkpoints at all.
    pub(super) fn checkpoints(&self) -> bool {
        self.version >= (2, 9, 1)
    }
}
