//! One pass of judging: an inventory at one time, with what several judgements need of it worked out once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::claims::Claims;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Resolution;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;

/// How many other bindings of a group are asked whether they leave one's targets alone.
const RIVALS: usize = 20;

/// Keeps only what bindings share: a binding alone on its group is resolved for itself and forgotten.
pub(crate) struct Pass<'a> {
    inventory: &'a Inventory,
    now: Timestamp,
    resolved: RefCell<BTreeMap<BindingRef, Rc<Resolution>>>,
    claims: RefCell<BTreeMap<TargetGroupArn, Rc<Claims>>>,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        Self { inventory, now, resolved: RefCell::default(), claims: RefCell::default() }
    }

    /// `None`: the binding does not exist.
    pub(crate) fn case<'s>(&self, subject: &'s Subject) -> Option<Case<'s>>
    where
        'a: 's,
    {
        Case::with(self.inventory, subject, self.now, |reference, binding| {
            self.resolution(reference, binding)
        })
    }

    /// What the bindings on the group of a case want.
    pub(crate) fn claims(&self, case: &Case<'_>) -> Rc<Claims> {
        let Some(group) = case.arn.as_ref().filter(|_| case.rivals().next().is_some()) else {
            return Rc::default();
        };
        if let Some(known) = self.claims.borrow().get(group) {
            return known.clone();
        }
        let resolve = |reference: &BindingRef, binding: &Binding| self.resolution(reference, binding);
        let claims = Rc::new(Claims::of(self.inventory, group, resolve));
        self.claims.borrow_mut().insert(group.clone(), claims.clone());
        claims
    }

    /// Another binding of the group whose controller deregisters what this one wants: it is not multi-cluster, and its own
    /// service has not all of these endpoints. Where many share a group, the first of them are asked.
    pub(crate) fn fought_by(&self, case: &Case<'_>, rows: &[Row]) -> Option<BindingRef> {
        let kept =
            || rows.iter().filter(|it| it.wanted == Some(true) && it.live()).filter_map(|it| it.key.target());
        let rivals = case.rivals().filter(|(_, it)| !it.multi_cluster && it.deleted.is_none());
        let fights = |reference: &BindingRef, binding: &Binding| {
            let resolution = self.resolution(reference, binding);
            // Where not all is known of what it wants, it is not accused.
            let known = resolution.backend == Backend::Found
                && resolution.endpoints.iter().all(|it| it.wanted.is_some());
            let wanted: BTreeSet<&TargetKey> = resolution.wanted().map(|it| &it.key).collect();
            known && kept().any(|it| !wanted.contains(it))
        };
        rivals.take(RIVALS).find(|(reference, binding)| fights(reference, binding)).map(|it| it.0)
    }

    fn resolution(&self, reference: &BindingRef, binding: &Binding) -> Rc<Resolution> {
        if let Some(known) = self.resolved.borrow().get(reference) {
            return known.clone();
        }
        let resolution = Rc::new(desired::resolve(self.inventory, reference, binding));
        let shared = binding.group.as_ref().is_some_and(|it| self.inventory.on_group(it).nth(1).is_some());
        if shared {
            self.resolved.borrow_mut().insert(reference.clone(), resolution.clone());
        }
        resolution
    }
}
