//! What the bindings on one group want, worked out once for all of them: whose a target is depends on it.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Resolution;

/// Claims of every binding on a group.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    bindings: Vec<BindingRef>,
    owners: BTreeMap<TargetKey, Latest>,
    /// Bindings whose endpoints are not known.
    unread: Latest,
}

/// The last two bindings of which something is so, by their place: enough to name one that is not the asker.
#[derive(Clone, Copy, Debug, Default)]
struct Latest {
    last: Option<usize>,
    before: Option<usize>,
}

impl Latest {
    fn add(&mut self, binding: usize) {
        if self.last != Some(binding) {
            self.before = self.last.replace(binding);
        }
    }
}

impl Claims {
    pub(crate) fn of(
        inventory: &Inventory,
        group: &TargetGroupArn,
        resolve: impl Fn(&BindingRef, &Binding) -> Rc<Resolution>,
    ) -> Self {
        let mut claims = Self::default();
        for (at, (reference, binding)) in inventory.on_group(group).enumerate() {
            let cluster = inventory.cluster(&reference.cluster);
            if cluster.is_some_and(|it| it.covers(Kind::Services, &reference.namespace)) {
                let resolution = resolve(&reference, binding);
                if matches!(resolution.backend, Backend::Unread(_) | Backend::Broken(_)) {
                    claims.unread.add(at);
                }
                for endpoint in resolution.endpoints.iter().filter(|it| it.wanted != Some(false)) {
                    match claims.owners.get_mut(&endpoint.key) {
                        Some(owners) => owners.add(at),
                        None => {
                            let first = Latest { last: Some(at), before: None };
                            claims.owners.insert(endpoint.key.clone(), first);
                        }
                    }
                }
            } else {
                claims.unread.add(at);
            }
            claims.bindings.push(reference);
        }
        claims
    }

    /// Another binding than ours that wants a target.
    pub(crate) fn owner(&self, target: &TargetKey, ours: Option<&BindingRef>) -> Option<&BindingRef> {
        self.other(*self.owners.get(target)?, ours)
    }

    /// Another binding than ours whose endpoints are not known.
    pub(crate) fn unread(&self, ours: Option<&BindingRef>) -> Option<&BindingRef> {
        self.other(self.unread, ours)
    }

    fn other(&self, latest: Latest, ours: Option<&BindingRef>) -> Option<&BindingRef> {
        let those = [latest.last, latest.before].into_iter().flatten();
        those.filter_map(|at| self.bindings.get(at)).find(|it| Some(*it) != ours)
    }
}
