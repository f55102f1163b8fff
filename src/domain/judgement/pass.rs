//! One pass of judging: an inventory at one time, with what several judgements need of it worked out once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::domain::facts::cluster::Binding;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::case::Case;
use crate::domain::judgement::claims::Claims;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Resolution;
use crate::domain::judgement::row::Subject;

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
