//! What holds in every world: rows are a total join, order does not matter, a repaired binding settles, and
//! what is unread never makes an orphan.

mod lookup;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::domain::facts::cluster::Status;
use crate::domain::facts::elb::HealthState;
use crate::domain::facts::elb::Target;
use crate::domain::facts::ids::RowKey;
use crate::domain::fixture::API;
use crate::domain::fixture::GATE_OF_BINDING;
use crate::domain::fixture::World;
use crate::domain::fixture::arn;
use crate::domain::fixture::cluster;
use crate::domain::fixture::kubernetes;
use crate::domain::fixture::load_balancer_arn;
use crate::domain::fixture::objects;
use crate::domain::fixture::reference;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::judgement::desired;
use crate::domain::judgement::desired::Resolution;
use crate::domain::judgement::history::History;
use crate::domain::judgement::report;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::standing::VerdictKind;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::check::check;
use crate::domain::plan::known::Known;
use crate::domain::plan::targets::sync;

/// Conditions of pods; the first four are those of a workload at rest.
const CONDITIONS: [&str; 9] = [
    "ready",
    "gated",
    "terminating",
    "finished",
    "unready",
    "crashing",
    "pulling",
    "starting",
    "unscheduled",
];
const AT_REST: usize = 4;
/// States of targets; the first six can be met on a target that nobody wants and that still can be repaired.
const STATES: [&str; 11] = [
    "healthy a",
    "healthy b",
    "unhealthy Timeout a",
    "initial RegistrationInProgress b",
    "draining DeregistrationInProgress a",
    "unhealthy.draining b",
    "unused NotInUse a",
    "unused IpUnusable a",
    "unused NotRegistered -",
    "unavailable InternalError b",
    "resting a",
];
const REPAIRABLE: usize = 6;

#[derive(Clone, Debug)]
struct Plan {
    /// By the last number of the address: condition and node.
    pods: BTreeMap<u8, (usize, bool)>,
    targets: BTreeMap<u8, usize>,
    nodes: [Option<Status>; 2],
    /// The binding is multi-cluster, and the `ConfigMap` lists these.
    listed: Option<BTreeSet<u8>>,
    /// Whether pods are in one of two slices or in both.
    spread: u8,
}

fn status() -> impl Strategy<Value = Option<Status>> {
    prop_oneof![4 => Just(Some(Status::True)), 1 => Just(Some(Status::False)), 1 => Just(Some(Status::Unknown)), 1 => Just(None)]
}

prop_compose! {
    fn plan()(
        pods in prop::collection::btree_map(1..12_u8, (0..CONDITIONS.len(), any::<bool>()), 0..8),
        targets in prop::collection::btree_map(1..16_u8, 0..STATES.len(), 0..10),
        nodes in [status(), status()],
        listed in prop::option::of(prop::collection::btree_set(1..16_u8, 0..10)),
        spread in 0..3_u8,
    ) -> Plan {
        Plan { pods, targets, nodes, listed, spread }
    }
}

impl Plan {
    /// At least one pod is ready, workloads and nodes are at rest, and nothing is beyond repair.
    fn at_rest(mut self) -> Self {
        self.nodes = [Some(Status::True); 2];
        self.pods.values_mut().for_each(|(condition, _)| *condition %= AT_REST);
        self.pods.insert(11, (0, false));
        let wanted = |number: &u8| self.pods.get(number).is_some_and(|(condition, _)| *condition < 2);
        for (number, state) in &mut self.targets {
            *state %= if wanted(number) { STATES.len() } else { REPAIRABLE };
        }
        self
    }

    fn world(&self) -> World {
        let mut world = World::new();
        for (letter, ready) in ["a", "b"].into_iter().zip(self.nodes) {
            world.node(letter, |it| it.ready = ready);
        }
        for (number, (condition, node)) in &self.pods {
            let condition = CONDITIONS[*condition];
            let address = !matches!(condition, "pulling" | "starting" | "unscheduled");
            let name = if address { format!("10.0.0.{number}") } else { format!("p{number}") };
            world.pod(&format!("{name} {condition} {}", if *node { "a" } else { "b" }));
        }
        let first = world.cluster().slices.values().next().unwrap().endpoints.clone();
        if self.spread > 0 {
            let half = if self.spread == 1 { first.len() / 2 } else { first.len() };
            world.slice("testapp-1", |it| it.endpoints.truncate(half));
            let from = if self.spread == 1 { half } else { 0 };
            world.slice("testapp-2", |it| it.endpoints = first[from..].to_vec());
        }
        if let Some(listed) = &self.listed {
            let listed: Vec<String> = listed.iter().map(|it| format!("10.0.0.{it}:8080")).collect();
            world.binding(|it| it.multi_cluster = true);
            world.ledger(Some(&listed.iter().map(String::as_str).collect::<Vec<_>>()));
        }
        let targets =
            self.targets.iter().map(|(number, state)| format!("10.0.0.{number} {}", STATES[*state]));
        world.answer(&targets.collect::<Vec<_>>().join(", "));
        world
    }
}

fn resolution(world: &World) -> Resolution {
    let binding = world.inventory.binding(&reference()).unwrap();
    desired::resolve(&world.inventory, &reference(), binding)
}

fn targets(world: &World) -> Vec<Target> {
    world.inventory.groups[&arn()].targets.clone().unwrap().targets
}

/// Everything a world holds, each thing once, and the empty lists that must come first.
fn contents(world: &World) -> (Vec<Observation>, Vec<Observation>) {
    let (known, groups) = (world.cluster(), &world.inventory.groups[&arn()]);
    let lists = world.log.iter().filter(|(change, _)| matches!(change, Observation::Listed { .. }));
    let objects = (known.pods.values().cloned().map(Object::Pod))
        .chain(known.services.values().cloned().map(Object::Service))
        .chain(known.slices.values().cloned().map(Object::Slice))
        .chain(known.nodes.values().cloned().map(Object::Node))
        .chain(known.workloads.values().cloned().map(Object::Workload))
        .chain(known.bindings.values().cloned().map(|it| Object::Binding(Box::new(it))));
    let mut changes: Vec<Observation> =
        objects.map(|object| Observation::Applied { cluster: cluster(), object }).collect();
    for (name, ledger) in known.ledgers.clone() {
        changes.push(Observation::Ledger { cluster: cluster(), name, ledger });
    }
    changes.extend([
        Observation::Signs { cluster: cluster(), signs: known.signs.clone() },
        Observation::Groups(groups.group.clone().into_iter().collect()),
        Observation::Attributes(arn(), groups.attributes.clone().unwrap()),
        Observation::LoadBalancers(world.inventory.load_balancers.values().cloned().collect()),
        Observation::Routes(load_balancer_arn(), vec![objects::listener(1)]),
        Observation::Targets(arn(), groups.targets.clone().unwrap()),
    ]);
    (lists.map(|(change, _)| change.clone()).collect(), changes)
}

/// Does what a person or the controller would: registers what is missing, deregisters what is left over,
/// waits until the wanted targets are healthy and the gates follow.
fn repair(world: &mut World, plan: &Plan, drains: bool) {
    let rows = world.report().rows;
    let mut answer: BTreeMap<_, _> = targets(world).into_iter().map(|it| (it.key.clone(), it)).collect();
    for row in &rows {
        let RowKey::Target(key) = &row.key else { continue };
        match row.standing {
            Standing::Unregistered => {
                let target = objects::target(&format!("{} initial", key.id));
                answer.insert(key.clone(), target);
            }
            Standing::Lingering | Standing::Orphan if drains => {
                answer.get_mut(key).unwrap().health.state = HealthState::Draining;
            }
            Standing::Lingering | Standing::Orphan => _ = answer.remove(key),
            _ => {}
        }
    }
    for row in rows.iter().filter(|it| it.wanted == Some(true)) {
        let RowKey::Target(key) = &row.key else { continue };
        let health = &mut answer.get_mut(key).unwrap().health;
        (health.state, health.reason, health.description) = (HealthState::Healthy, None, None);
    }
    for (number, (condition, _)) in &plan.pods {
        if CONDITIONS[*condition] == "gated" {
            world.edit_pod(&format!("10.0.0.{number}"), |it| {
                let gate = it.conditions.iter_mut().find(|it| &*it.kind == GATE_OF_BINDING);
                gate.unwrap().status = Status::True;
            });
        }
    }
    world.ask(|targets| *targets = answer.into_values().collect());
}

fn orphans(world: &World) -> BTreeSet<RowKey> {
    let rows = world.report().rows;
    rows.into_iter().filter(|it| it.standing == Standing::Orphan).map(|it| it.key).collect()
}

proptest! {
    #[test]
    fn every_endpoint_and_every_target_is_in_exactly_one_row(plan in plan()) {
        let world = plan.world();
        let (rows, resolution) = (world.report().rows, resolution(&world));
        let keys: BTreeSet<&RowKey> = rows.iter().map(|it| &it.key).collect();
        prop_assert_eq!(keys.len(), rows.len());
        for target in targets(&world) {
            let holding = rows.iter().filter(|it| it.target.as_ref() == Some(&target));
            prop_assert_eq!(holding.count(), 1);
        }
        prop_assert_eq!(rows.iter().filter(|it| it.target.is_some()).count(), plan.targets.len());
        let sides: usize =
            rows.iter().map(|it| usize::from(it.endpoint.is_some()) + it.others.len()).sum();
        prop_assert_eq!(sides, resolution.endpoints.len() + resolution.loose_pods.len());
        for endpoint in &resolution.endpoints {
            let key = RowKey::Target(endpoint.key.clone());
            prop_assert!(rows.iter().any(|it| it.key == key && it.endpoint.is_some()));
        }
    }

    #[test]
    fn the_order_in_which_objects_are_seen_does_not_matter(
        plan in plan(),
        order in prop::collection::vec(any::<u32>(), 64),
    ) {
        let world = plan.world();
        let (lists, changes) = contents(&world);
        let mut shuffled: Vec<(u32, Observation)> =
            order.into_iter().cycle().zip(changes.clone()).collect();
        shuffled.sort_by_key(|(rank, _)| *rank);
        let judged = |changes: Vec<Observation>| {
            let mut inventory = Inventory::default();
            for change in lists.iter().cloned().chain(changes) {
                inventory.apply(change, world.now);
            }
            report::judge(&inventory, &Subject::Binding(reference()), &History::default(), world.now)
        };
        let expected = judged(changes);
        prop_assert!(expected.is_some());
        prop_assert_eq!(judged(shuffled.into_iter().map(|(_, it)| it).collect()), expected);
    }

    #[test]
    fn a_binding_that_is_repaired_settles(plan in plan(), drains in any::<bool>()) {
        let plan = plan.at_rest();
        let mut world = plan.world();
        repair(&mut world, &plan, drains);
        let report = world.report();
        prop_assert_eq!((report.settled.value, &report.settled.because), (Some(true), &Vec::new()));
        prop_assert_eq!(report.counts.in_service, report.counts.wanted);
    }

    #[test]
    fn a_settled_binding_has_every_wanted_row_in_service(plan in plan()) {
        let report = plan.world().report();
        let served = report.rows.iter().all(|it| it.wanted != Some(true) || it.standing == Standing::InService);
        prop_assert!(served || report.settled.value != Some(true));
        prop_assert_eq!(report.settled.value == Some(true), report.settled.because.is_empty());
        prop_assert!(report.word() != VerdictKind::Serving || report.counts.in_service == report.counts.wanted);
    }

    #[test]
    fn an_unread_source_never_makes_an_orphan_nor_settles(plan in plan(), index in 0..5_usize) {
        let kinds = [Kind::Pods, Kind::Services, Kind::Slices, Kind::Nodes, Kind::Ledgers];
        let mut world = plan.world();
        let before = (orphans(&world), world.report().settled.value);
        world.unread(&kubernetes(kinds[index]));
        let after = (orphans(&world), world.report().settled.value);
        prop_assert!(after.0.is_subset(&before.0), "{:?} orphans {:?}, before {:?}", kinds[index], after.0, before.0);
        prop_assert!(after.1 != Some(true) || before.1 == Some(true));
        prop_assert!(world.inventory.binding(&reference()).is_some_and(|it| it.api == API));
    }

    #[test]
    fn looking_twice_changes_nothing(plan in plan()) {
        let mut world = plan.world();
        let first = world.look();
        let second = world.look();
        let standings = |it: &report::Report| -> Vec<_> {
            it.rows.iter().map(|row| (row.key.clone(), row.standing, row.problem)).collect()
        };
        prop_assert_eq!(standings(&first), standings(&second));
        prop_assert_eq!(first.verdict, second.verdict);
    }

    #[test]
    fn a_sync_leaves_nothing_to_be_done_or_says_why(plan in plan()) {
        let mut world = plan.world();
        let report = world.report();
        let known = Known { inventory: &world.inventory, report: &report, now: world.now };
        let Ok(planned) = sync(&known) else { return Ok(()) };
        for step in &planned.steps {
            for guard in &step.guards {
                prop_assert_eq!(check(guard, Some(&report), &world.inventory), Ok(()), "its own guard");
            }
        }
        world.ask(|targets| {
            for step in &planned.steps {
                match &step.act {
                    Act::Register { targets: new, .. } => {
                        targets.retain(|it| !new.iter().any(|new| new.key == it.key));
                        let arriving = |it: &Arriving| Target { key: it.key.clone(), ..objects::target("10.0.0.1 initial") };
                        targets.extend(new.iter().map(arriving));
                    }
                    Act::Deregister { targets: old, .. } => {
                        targets.retain(|it| !old.iter().any(|old| old.key == it.key));
                    }
                    other => panic!("{other:?}"),
                }
            }
        });
        let left = world.report().rows;
        for standing in [Standing::Unregistered, Standing::Lingering, Standing::Orphan] {
            prop_assert!(left.iter().all(|it| it.standing != standing), "{standing:?}");
        }
        // What is others', and what could not be judged, is as it was.
        for row in report.rows.iter().filter(|it| matches!(it.standing, Standing::Elsewhere | Standing::Contested | Standing::Unknown)) {
            let now = left.iter().find(|it| it.key == row.key);
            prop_assert_eq!(now.map(|it| &it.target), Some(&row.target));
        }
    }
}
