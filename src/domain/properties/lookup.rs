//! What is looked up is what a search through everything would find, whatever came and went in whatever order.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;

use proptest::prelude::*;

use crate::domain::facts::cluster::Event;
use crate::domain::facts::cluster::Pod;
use crate::domain::facts::cluster::Service;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;
use crate::domain::fixture::objects;
use crate::domain::inventory::Cluster;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::judgement::claims::Claims;
use crate::domain::judgement::desired;
use crate::domain::judgement::history::History;
use crate::domain::judgement::pass::Pass;
use crate::domain::judgement::report;
use crate::domain::judgement::row::Subject;

const AT: Timestamp = Timestamp(1_795_000_000_000);
const NAMESPACES: [&str; 3] = ["shop", "shop-2", "till"];
const NAMES: [&str; 3] = ["web", "web-1", "api"];

/// One thing that may be seen, by the places of its parts in the lists above.
#[derive(Clone, Debug)]
struct Step {
    cluster: u8,
    kind: u8,
    namespace: usize,
    name: usize,
    /// The service, group, address or label it is about.
    about: usize,
    /// What differs between two objects of a name beside that.
    other: usize,
    does: u8,
}

/// Mostly the first, so that things meet.
fn often<T: Copy + std::fmt::Debug + PartialOrd>(first: T, last: T) -> impl Strategy<Value = T>
where
    std::ops::RangeInclusive<T>: Strategy<Value = T>,
{
    prop_oneof![4 => Just(first), 1 => first..=last]
}

prop_compose! {
    fn step()(
        cluster in often(0, 1), kind in 0..6_u8, namespace in often(0, 2), name in 0..3_usize,
        about in 0..3_usize, other in 0..3_usize, does in 0..8_u8,
    ) -> Step {
        Step { cluster, kind, namespace, name, about, other, does }
    }
}

fn cluster(n: u8) -> ClusterId {
    ClusterId::new(&format!("c{n}"))
}

fn group(n: usize) -> TargetGroupArn {
    format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/g{n}/1").parse().unwrap()
}

fn address(n: usize) -> IpAddr {
    format!("10.0.0.{n}").parse().unwrap()
}

impl Step {
    fn name(&self) -> ObjectName {
        ObjectName::new(NAMESPACES[self.namespace], NAMES[self.name])
    }

    fn object(&self) -> Object {
        let name = self.name();
        let apps = [("app", "web"), ("app", "api"), ("tier", "front")];
        match self.kind {
            0 => {
                let mut pod = objects::pod("10.0.0.1", "ready", "a", AT);
                pod.labels = objects::labels(&[apps[self.about], ("tier", NAMES[self.other])]);
                pod.ips = vec![address(self.about), address(self.other)];
                Object::Pod(Pod { name, ..pod })
            }
            1 => {
                let pairs = [apps[self.about], ("tier", NAMES[self.other])];
                let selector = objects::labels(&pairs[..self.other.min(2)]);
                Object::Service(Service { name, selector, ..objects::service() })
            }
            2 => {
                let mut slice = objects::slice("any");
                slice.service = NAMES.get(self.about + self.other).map(|it| (*it).to_owned());
                let mut pod = objects::pod("10.0.0.1", "ready", "a", AT);
                pod.name = ObjectName::new(&name.namespace, NAMES[self.other]);
                pod.ips = vec![address(self.about)];
                slice.endpoints = vec![objects::endpoint(&pod)];
                slice.name = name;
                Object::Slice(slice)
            }
            3 => {
                let mut binding = objects::binding();
                binding.name = name;
                binding.service = NAMES[self.about].to_owned();
                binding.group = (self.other < 2).then(|| group(self.other));
                if self.does.is_multiple_of(2) {
                    binding.api = BindingApi::AutoMode;
                }
                binding.target_type = None;
                Object::Binding(Box::new(binding))
            }
            4 => Object::Event(Event {
                name,
                about: NAMES[self.about].to_owned(),
                warning: true,
                reason: "FailedDeployModel".into(),
                message: "".into(),
                at: None,
                count: 1,
            }),
            _ => {
                let mut workload = objects::deployment(1);
                workload.name = name;
                workload.kind =
                    [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet]
                        [self.other];
                Object::Workload(workload)
            }
        }
    }

    fn observation(&self) -> Observation {
        let (cluster, object) = (cluster(self.cluster), self.object());
        match self.does {
            0..5 => Observation::Applied { cluster, object },
            5 | 6 => Observation::Removed { cluster, key: object.key() },
            _ => Observation::Listed {
                cluster,
                kind: object.key().0,
                namespace: (self.about > 0).then(|| NAMESPACES[self.namespace].to_owned()),
                objects: vec![object],
            },
        }
    }
}

/// The bindings that a search would say hang on a pod, service or slice that is the one on one side and the other on
/// the other side.
fn hanging_on(id: &ClusterId, known: &Cluster, object: &Object) -> BTreeSet<BindingRef> {
    let bindings = known.bindings.iter().filter(|(_, binding)| match object {
        Object::Pod(pod) => known.services.get(&binding.service_name()).is_some_and(|it| it.selects(pod)),
        Object::Service(it) => binding.service_name() == it.name,
        Object::Slice(slice) => {
            slice.service.as_ref() == Some(&binding.service) && slice.name.namespace == binding.name.namespace
        }
        Object::Event(it) => it.about == binding.name.name && it.name.namespace == binding.name.namespace,
        _ => false,
    });
    bindings.map(|((api, name), _)| BindingRef::of(id, *api, name)).collect()
}

fn object_of(known: &Cluster, (kind, name): &(Kind, ObjectName)) -> Option<Object> {
    match kind {
        Kind::Pods => known.pods.get(name).cloned().map(Object::Pod),
        Kind::Services => known.services.get(name).cloned().map(Object::Service),
        Kind::Slices => known.slices.get(name).cloned().map(Object::Slice),
        Kind::Events => known.events.get(name).cloned().map(Object::Event),
        _ => None,
    }
}

fn names<'a, T>(of: impl Iterator<Item = T>, name: impl Fn(T) -> &'a ObjectName) -> Vec<ObjectName> {
    of.map(|it| name(it).clone()).collect()
}

/// Everything that can be looked up in a cluster is what a search finds, in the same order.
fn agrees(known: &Cluster) -> Result<(), TestCaseError> {
    for service in known.services.values() {
        let found = names(known.selected(service), |it| &it.name);
        let scan = names(known.pods.values().filter(|it| service.selects(it)), |it| &it.name);
        prop_assert_eq!(found, scan, "pods of {}", service.name);
    }
    for n in 0..3 {
        let found = names(known.pods_at(address(n)), |it| &it.name);
        let scan = names(known.pods.values().filter(|it| it.ips.contains(&address(n))), |it| &it.name);
        prop_assert_eq!(found, scan, "pods at {}", address(n));
    }
    for namespace in NAMESPACES {
        let inside = |name: &ObjectName| name.namespace == namespace;
        let scan = names(known.pods.values().filter(|it| inside(&it.name)), |it| &it.name);
        prop_assert_eq!(names(known.pods_in(namespace), |it| &it.name), scan);
        let scan = names(known.workloads.values().filter(|it| inside(&it.name)), |it| &it.name);
        prop_assert_eq!(names(known.workloads_in(namespace), |it| &it.name), scan);
        for name in NAMES {
            let both = ObjectName::new(namespace, name);
            let of_service = |it: &Option<String>| it.as_deref() == Some(name);
            let scan = known.slices.values().filter(|it| inside(&it.name) && of_service(&it.service));
            prop_assert_eq!(names(known.slices_of(&both), |it| &it.name), names(scan, |it| &it.name));
            let scan = known.events.values().filter(|it| inside(&it.name) && it.about == name);
            prop_assert_eq!(names(known.events_about(&both), |it| &it.name), names(scan, |it| &it.name));
        }
    }
    Ok(())
}

/// The bindings on a group, as a search finds them.
fn search(inventory: &Inventory, group: &TargetGroupArn) -> Vec<BindingRef> {
    let on = inventory.bindings().filter(|(_, it)| it.group.as_ref() == Some(group));
    on.map(|(it, _)| it).collect()
}

/// Everything that was seen, once all kinds were read.
fn inventory(steps: &[Step]) -> Inventory {
    let mut inventory = Inventory::default();
    for kind in [Kind::Services, Kind::Slices, Kind::Pods, Kind::Nodes] {
        for n in 0..2 {
            let list =
                Observation::Listed { cluster: cluster(n), kind, namespace: None, objects: Vec::new() };
            inventory.apply(list, AT);
        }
    }
    // Several bindings want the same targets where their service, its slices and pods are there.
    let there = (0..4).flat_map(|kind| (0..3).map(move |name| (kind, name)));
    let there = there.map(|(kind, name)| Step {
        cluster: 0,
        kind,
        namespace: 0,
        name,
        about: usize::from(kind == 3),
        other: 1,
        does: 0,
    });
    for step in there.chain(steps.iter().filter(|it| it.does < 7).cloned()) {
        inventory.apply(step.observation(), AT);
    }
    for n in 0..2 {
        let targets = (0..4).map(|it| objects::target(&format!("10.0.0.{it} healthy"))).collect();
        inventory.apply(Observation::Targets(group(n), Targets { targets, asked: AT, unreadable: 0 }), AT);
    }
    inventory
}

proptest! {
    #[test]
    fn what_is_looked_up_is_what_a_search_finds(steps in prop::collection::vec(step(), 0..120)) {
        let mut inventory = Inventory::default();
        for step in &steps {
            inventory.apply(step.observation(), AT);
            for known in inventory.clusters.values() {
                agrees(known)?;
            }
            for n in 0..3 {
                let found: Vec<BindingRef> = inventory.on_group(&group(n)).map(|(it, _)| it).collect();
                prop_assert_eq!(inventory.is_bound(&group(n)), !found.is_empty());
                prop_assert_eq!(found, search(&inventory, &group(n)));
            }
        }
    }

    #[test]
    fn a_change_touches_the_bindings_that_hang_on_it(steps in prop::collection::vec(step(), 0..120)) {
        let mut inventory = Inventory::default();
        for step in steps.iter().filter(|it| it.does < 7) {
            let (id, key) = (cluster(step.cluster), step.object().key());
            let before = inventory.cluster(&id).cloned().unwrap_or_default();
            let touched = inventory.apply(step.observation(), AT);
            let known = inventory.cluster(&id).cloned().unwrap_or_default();
            let (old, new) = (object_of(&before, &key), object_of(&known, &key));
            if old == new || matches!(step.kind, 3 | 5) {
                continue;
            }
            let hang = [old, new].into_iter().flatten().flat_map(|it| hanging_on(&id, &known, &it));
            prop_assert_eq!(touched.bindings, hang.collect());
        }
    }

    #[test]
    fn another_owner_is_the_last_one_that_wants_the_target(steps in prop::collection::vec(step(), 0..120)) {
        let inventory = inventory(&steps);
        let resolve = |reference: &BindingRef, binding: &_| Rc::new(desired::resolve(&inventory, reference, binding));
        for n in 0..2 {
            let claims = Claims::of(&inventory, &group(n), resolve);
            let all = search(&inventory, &group(n));
            for ours in all.iter().map(Some).chain([None]) {
                let others = all.iter().filter(|it| Some(*it) != ours);
                for target in (0..4).map(|it| objects::target(&format!("10.0.0.{it} healthy")).key) {
                    let wants = |it: &&BindingRef| {
                        let found = desired::resolve(&inventory, it, inventory.binding(it).unwrap());
                        found.endpoints.iter().any(|it| it.key == target && it.wanted != Some(false))
                    };
                    let scan = others.clone().rfind(wants);
                    prop_assert_eq!(claims.owner(&target, ours), scan);
                }
            }
        }
    }

    #[test]
    fn judged_together_is_judged_alone(steps in prop::collection::vec(step(), 0..120)) {
        let inventory = inventory(&steps);
        let (pass, history) = (Pass::new(&inventory, AT), History::of_one_look());
        let subjects = inventory.bindings().map(|(it, _)| Subject::Binding(it));
        for subject in subjects.chain((0..2).map(|n| Subject::Group(group(n)))) {
            let alone = report::judge(&inventory, &subject, &history, AT);
            prop_assert_eq!(report::judge_in(&pass, &subject, &history), alone);
        }
    }
}
