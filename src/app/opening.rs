//! What was asked for when the screen was opened, and whether it was found.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::selector::Selector;
use crate::domain::inventory::Freshness;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Source;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::plan::manner::Manner;

/// What was asked for on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Contexts, for the header until something was read.
    pub contexts: Vec<ClusterId>,
    /// `None`: all namespaces.
    pub namespace: Option<String>,
    pub selector: Option<Selector>,
    pub target: Option<ScopeTarget>,
    /// A command that what was pointed at looks like.
    pub command: Option<String>,
    /// The world is made up: which, and how fast its time runs.
    pub demo: Option<String>,
    /// Nothing may be written.
    pub read_only: bool,
    /// Health checks may be tried all the same.
    pub probes_read_only: bool,
    /// Contexts whose name is to be typed before anything is written there.
    pub protected: BTreeSet<ClusterId>,
    /// Clusters whose identity is not made sure of, and why.
    pub exposed: BTreeMap<ClusterId, &'static str>,
    /// Flags for the equivalent commands of plans.
    pub manner: Manner,
    /// Random: tells the plans of this session from those of any other.
    pub session: u32,
    /// A shell waits behind the screen and can continue it.
    pub job_control: bool,
}

impl Opening {
    /// What the scope points at, where everything that could be it was read: if no board is that, there is none.
    pub(super) fn looked_for(&self, inventory: &Inventory) -> Option<&ScopeTarget> {
        let target = self.target.as_ref()?;
        let read = |it: &Freshness| it.read.is_some() && it.failed.is_none();
        let all = |source: &Source| inventory.freshness(source).is_some_and(read);
        let mut listed = inventory.sources.iter().filter(|(it, _)| may_hold(it));
        let of_aws = match &target.kind {
            ScopeKind::LoadBalancer(_) | ScopeKind::Host(_) => {
                let groups = inventory.groups.values().filter_map(|it| it.group.as_ref());
                let mut hung_on = groups.flat_map(|it| it.load_balancers.iter().cloned());
                all(&Source::Groups) && hung_on.all(|it| all(&Source::LoadBalancer(it)))
            }
            ScopeKind::Address(..) | ScopeKind::Instance(_) => {
                let groups = inventory.bindings().filter_map(|(_, it)| it.group.clone());
                groups.map(Source::Targets).all(|it| all(&it))
            }
            ScopeKind::Group(..) | ScopeKind::Arn(_) => all(&Source::Groups),
            _ => true,
        };
        let mut sources = inventory.sources.keys();
        let asked = sources.any(|it| matches!(it, Source::Kubernetes(_, Kind::Bindings(_))));
        (of_aws && asked && listed.all(|(_, it)| read(it))).then_some(target)
    }
}

/// Whether what is pointed at may be in what this gives.
fn may_hold(source: &Source) -> bool {
    let Source::Kubernetes(_, kind) = source else { return false };
    matches!(
        kind,
        Kind::Bindings(_) | Kind::Services | Kind::Slices | Kind::Pods | Kind::Nodes | Kind::Workloads(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::failure::ErrorKind;
    use crate::domain::facts::failure::Failure;
    use crate::domain::fixture;
    use crate::domain::fixture::World;
    use crate::domain::inventory::Observation;

    fn is_missed(text: &str, edit: impl FnOnce(&mut World)) -> bool {
        let mut world = World::of("10.0.0.1 ready | 10.0.0.1 healthy");
        edit(&mut world);
        let opening = Opening { target: Some(text.parse().unwrap()), ..Opening::default() };
        opening.looked_for(&world.inventory).is_some()
    }

    #[test]
    fn nothing_is_missed_before_everything_that_could_be_it_was_read() {
        let failed = |source| {
            |it: &mut World| {
                it.apply(Observation::Failed(source, Failure::new("list", ErrorKind::Denied, "not allowed")));
            }
        };
        let bindings = fixture::kubernetes(Kind::Bindings(fixture::API));
        for (text, source) in [
            ("gett", bindings),
            ("10.9.9.9", Source::Targets(fixture::arn())),
            ("lb/other", Source::LoadBalancer(fixture::load_balancer_arn())),
            ("tg/other", Source::Groups),
        ] {
            assert!(is_missed(text, |_| {}), "{text}");
            assert!(!is_missed(text, failed(source.clone())), "{text} may be in what could not be read");
            assert!(!is_missed(text, |it| drop(it.inventory.sources.remove(&source))), "{text}");
        }
        assert!(is_missed("gett", failed(fixture::kubernetes(Kind::Events))), "no event is a binding");
    }
}
