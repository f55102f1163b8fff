//! The JSON contract `tgscope/v1`. Fields are only ever added.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::facts::cluster::GuardingKind;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::TargetId;
use crate::domain::facts::time::Timestamp;
use crate::domain::inventory::Inventory;
use crate::domain::inventory::Kind;
use crate::domain::inventory::KnownGroup;
use crate::domain::inventory::Source;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::judgement::standing::Standing;
use crate::domain::judgement::unsettled::Unsettled;
use crate::domain::judgement::verdict::unreadable_targets;
use crate::domain::plan::manner::Manner;
use crate::domain::wording::around::Around;
use crate::domain::wording::board;
use crate::domain::wording::columns;
use crate::domain::wording::columns::Column;
use crate::domain::wording::columns::Side;
use crate::domain::wording::explanation::Explanation;
use crate::domain::wording::unsettled;
use crate::domain::wording::words;
use crate::report::schema;

/// Everything one look saw.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Always `tgscope/v1`.
    pub(crate) api_version: &'static str,
    /// When it was seen, RFC 3339.
    pub(crate) at: String,
    pub(crate) bindings: Vec<BindingDocument>,
    /// Groups of this cluster, or on a load balancer of a bound group, that no binding names.
    pub(crate) groups: Vec<GroupDocument>,
    /// What could not be read and concerns no single binding.
    pub(crate) failures: Vec<FailureDocument>,
}

/// One binding with its rows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BindingDocument {
    /// The kubeconfig context.
    pub(crate) cluster: String,
    /// `elbv2.k8s.aws/v1beta1` or `eks.amazonaws.com/v1`.
    pub(crate) api_version: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) service: String,
    /// The service's port, by number or name, as the binding has it.
    pub(crate) port: String,
    #[schemars(schema_with = "schema::verdict")]
    pub(crate) verdict: String,
    /// Why, in a sentence.
    pub(crate) summary: String,
    /// `null`: it cannot be known.
    pub(crate) settled: Option<bool>,
    /// What each means stands in the README.
    #[schemars(schema_with = "schema::unsettled")]
    pub(crate) unsettled_because: Vec<&'static str>,
    /// Endpoints the controller would register.
    pub(crate) wanted: u32,
    /// Wanted and healthy.
    pub(crate) in_service: u32,
    /// How much is in service is not known.
    #[serde(skip)]
    pub(super) is_unread: bool,
    pub(crate) problems: u32,
    /// When Kubernetes was last listed for this, RFC 3339; `null`: it was not.
    pub(crate) kubernetes_at: Option<String>,
    /// When the health of the targets was asked for, RFC 3339; `null`: it was not read.
    pub(crate) health_asked_at: Option<String>,
    pub(crate) controller: ControllerDocument,
    pub(crate) target_group: Option<TargetGroupDocument>,
    /// The role that the binding names, as which its group is read; left out where it is read as oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assumed_role: Option<String>,
    /// What it comes to, and what to do next.
    pub(crate) why: WhyDocument,
    pub(crate) rows: Vec<RowDocument>,
    pub(crate) failures: Vec<FailureDocument>,
}

/// What there is to say, for people: the words may change, the other fields are the contract.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhyDocument {
    pub(crate) said: String,
    pub(crate) facts: Vec<String>,
    pub(crate) next: Option<String>,
}

/// A group no binding names.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupDocument {
    #[schemars(schema_with = "schema::verdict")]
    pub(crate) verdict: String,
    pub(crate) summary: String,
    pub(crate) target_group: TargetGroupDocument,
    pub(crate) rows: Vec<RowDocument>,
    pub(crate) failures: Vec<FailureDocument>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ControllerDocument {
    /// Whether it is there.
    #[schemars(schema_with = "schema::presence")]
    pub(crate) state: &'static str,
    /// What it does about this binding: idle (its checkpoint equals the endpoints, so it does not read the targets), behind
    /// (the endpoints have changed since), reconciling, failing, or unknown.
    #[schemars(schema_with = "schema::activity")]
    pub(crate) activity: &'static str,
    /// Since when, RFC 3339, where its marks tell.
    pub(crate) since: Option<String>,
    /// What it fails with.
    pub(crate) last_error: Option<String>,
    pub(crate) version: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetGroupDocument {
    pub(crate) arn: String,
    pub(crate) name: String,
    /// `null` while unread.
    #[schemars(schema_with = "schema::target_type")]
    pub(crate) target_type: Option<&'static str>,
    pub(crate) protocol: Option<String>,
    pub(crate) port: Option<u16>,
}

/// One endpoint, target or both.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RowDocument {
    pub(crate) target: Option<TargetDocument>,
    pub(crate) endpoint: Option<EndpointDocument>,
    /// Would the controller register it? `null`: what it depends on could not be read.
    pub(crate) wanted: Option<bool>,
    pub(crate) health: Option<HealthDocument>,
    #[schemars(schema_with = "schema::standing")]
    pub(crate) standing: String,
    /// Its endpoint changed after the health was asked for: this is how it stood before.
    pub(crate) outdated: bool,
    #[schemars(schema_with = "schema::flags")]
    pub(crate) flags: Vec<&'static str>,
    /// Whose it is, or what is missing for a judgement.
    pub(crate) note: Option<String>,
    pub(crate) problem: bool,
    /// Why it stands so; `null`: it is in service, and there is nothing to say.
    pub(crate) why: Option<WhyDocument>,
    /// Since when it stands so, if that was seen.
    pub(crate) since: Option<String>,
    /// It is the row that was asked for; left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointed_at: Option<bool>,
    #[serde(skip)]
    #[schemars(skip)]
    cells: Vec<(bool, &'static str, String)>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetDocument {
    /// An address, an instance id, or what else AWS has.
    pub(crate) id: String,
    /// 0: it has none.
    pub(crate) port: u16,
    pub(crate) zone: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointDocument {
    pub(crate) pod: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) node: Option<String>,
    /// Instance targets: the service's pods on the node.
    pub(crate) pods: Vec<String>,
    pub(crate) ready: Option<bool>,
    pub(crate) serving: Option<bool>,
    pub(crate) terminating: Option<bool>,
    /// Why the pod is not ready, in Kubernetes' words.
    pub(crate) waiting_reason: Option<String>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HealthDocument {
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailureDocument {
    /// What was read: `pods`, `targets`, …
    pub(crate) source: String,
    #[schemars(schema_with = "schema::failure")]
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// RFC 3339 in UTC, to the millisecond.
pub(crate) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |it| it.to_string())
}

impl Document {
    /// `manner`: the flags that lines to run need; `target`: what was pointed at.
    pub fn new(
        inventory: &Inventory,
        reports: &[Report],
        (manner, target, now): (&Manner, Option<&ScopeTarget>, Timestamp),
    ) -> Self {
        let look = Look { inventory, manner, target, now };
        let mut bindings = Vec::new();
        let mut groups = Vec::new();
        for report in reports {
            match &report.subject {
                Subject::Binding(_) => bindings.extend(binding(&look, report)),
                Subject::Group(_) => groups.extend(group_document(&look, report)),
            }
        }
        Self { api_version: "tgscope/v1", at: time(now), bindings, groups, failures: general(inventory) }
    }

    /// Something needed for an answer could not be read.
    pub(crate) fn partial(&self) -> bool {
        let rows_failed = self.bindings.iter().any(|it| !it.failures.is_empty());
        rows_failed || self.groups.iter().any(|it| !it.failures.is_empty()) || !self.failures.is_empty()
    }
}

impl RowDocument {
    /// Title and text of each column, the wide ones too if wished.
    pub(super) fn cells(&self, wide: bool) -> impl Iterator<Item = (&'static str, &str)> {
        self.cells.iter().filter(move |it| wide || !it.0).map(|it| (it.1, it.2.as_str()))
    }
}

/// What a document is made from.
struct Look<'a> {
    inventory: &'a Inventory,
    manner: &'a Manner,
    target: Option<&'a ScopeTarget>,
    now: Timestamp,
}

impl<'a> Look<'a> {
    fn group(&self, report: &Report) -> Option<&'a KnownGroup> {
        self.inventory.groups.get(report.group.as_ref()?)
    }
}

fn binding(look: &Look<'_>, report: &Report) -> Option<BindingDocument> {
    let inventory = look.inventory;
    let Subject::Binding(reference) = &report.subject else { return None };
    let found = inventory.binding(reference)?;
    Some(BindingDocument {
        cluster: reference.cluster.to_string(),
        api_version: reference.api.version(),
        namespace: reference.namespace.clone(),
        name: reference.name.clone(),
        service: found.service.clone(),
        port: found.port.to_string(),
        verdict: report.verdict.word.code(),
        summary: report.verdict.sentence.clone(),
        settled: report.settled.value,
        unsettled_because: report.settled.because.iter().map(|it| it.code()).collect(),
        wanted: report.counts.wanted,
        in_service: report.counts.in_service,
        is_unread: report.is_unread(),
        problems: report.counts.problems,
        kubernetes_at: listed(inventory, reference).map(time),
        health_asked_at: report.asked.map(time),
        controller: ControllerDocument {
            state: report.controller.presence.word(),
            activity: report.controller.activity.word(),
            since: report.controller.activity.since().map(time),
            last_error: report.controller.activity.error().map(str::to_owned),
            version: report.controller.version.as_ref().map(ToString::to_string),
        },
        target_group: target_group(inventory, report),
        why: why(board::of_report(report, (look.group(report), look.manner), look.now)),
        rows: rows(look, report),
        assumed_role: found.role().map(|it| it.0).filter(|_| !look.manner.stays_itself),
        failures: failures(inventory, report),
    })
}

/// When what the endpoints are made of was last listed: the oldest of it.
fn listed(inventory: &Inventory, reference: &BindingRef) -> Option<Timestamp> {
    let kinds = [Kind::Services, Kind::Slices, Kind::Pods, Kind::Bindings(reference.api)];
    let read = |kind| inventory.freshness(&Source::Kubernetes(reference.cluster.clone(), kind))?.read;
    kinds.into_iter().filter_map(read).min()
}

fn group_document(look: &Look<'_>, report: &Report) -> Option<GroupDocument> {
    let inventory = look.inventory;
    Some(GroupDocument {
        verdict: report.verdict.word.code(),
        summary: report.verdict.sentence.clone(),
        target_group: target_group(inventory, report)?,
        rows: rows(look, report),
        failures: failures(inventory, report),
    })
}

fn target_group(inventory: &Inventory, report: &Report) -> Option<TargetGroupDocument> {
    let arn = report.group.as_ref()?;
    let group = inventory.groups.get(arn).and_then(|it| it.group.as_ref());
    Some(TargetGroupDocument {
        arn: arn.to_string(),
        name: arn.name().to_owned(),
        target_type: group.map(|it| it.kind.text()),
        protocol: group.and_then(|it| it.protocol.as_ref()).map(ToString::to_string),
        port: group.and_then(|it| it.port),
    })
}

fn rows(look: &Look<'_>, report: &Report) -> Vec<RowDocument> {
    let group = look.group(report);
    let context = columns::Context {
        now: look.now,
        deregistration_delay: group.and_then(|it| it.attributes.as_ref()).map(|it| it.deregistration_delay()),
        registration_allowance: group.and_then(|it| it.group.as_ref()).map(|it| it.registration_allowance()),
    };
    let around = Around::of(report, group, look.manner);
    let pointed = |it: &Row| look.target.and_then(|target| target.points_at(it));
    report.rows.iter().map(|it| row(it, pointed(it), (&context, &around))).collect()
}

fn why(it: Explanation) -> WhyDocument {
    WhyDocument { said: it.headline, facts: it.facts, next: it.next }
}

fn row(
    it: &Row,
    pointed_at: Option<bool>,
    (context, around): (&columns::Context, &Around<'_>),
) -> RowDocument {
    let plain = it.standing == Standing::InService && it.flags.is_empty() && it.outdated.is_none();
    let sides = [Side::Endpoint, Side::Link, Side::Target];
    let shown = sides.into_iter().flat_map(|side| columns::of(side, true));
    let cell = |column: &Column| (column.wide, column.title, (column.text)(it, context));
    RowDocument {
        pointed_at,
        target: it.target.as_ref().map(|target| TargetDocument {
            id: match &target.key.id {
                TargetId::Ip(ip) => ip.to_string(),
                TargetId::Instance(id) | TargetId::Other(id) => id.to_string(),
            },
            port: target.key.port,
            zone: target.zone.as_ref().map(ToString::to_string),
        }),
        endpoint: it.endpoint.as_ref().map(|side| EndpointDocument {
            pod: side.pod.clone(),
            uid: side.uid.as_ref().map(|it| it.0.to_string()),
            node: side.node.as_ref().map(ToString::to_string),
            pods: side.pods.clone(),
            ready: side.ready,
            serving: side.serving,
            terminating: side.terminating,
            waiting_reason: side.wait.as_ref().map(|it| it.code.to_string()),
        }),
        wanted: it.wanted,
        health: it.target.as_ref().map(|target| HealthDocument {
            state: target.health.state.text().to_owned(),
            reason: target.health.reason.as_ref().map(|it| it.text().to_owned()),
            description: target.health.description.as_ref().map(ToString::to_string),
        }),
        standing: it.standing.code(),
        outdated: it.outdated.is_some(),
        flags: it.flags.iter().map(|it| it.code()).collect(),
        note: it.note.clone(),
        problem: it.problem,
        why: (!plain).then(|| why(words::of_row(it, around))),
        since: it.since.map(time),
        cells: shown.map(cell).collect(),
    }
}

fn failure(source: &str, failure: &Failure) -> FailureDocument {
    FailureDocument {
        source: source.to_owned(),
        kind: failure.kind.code(),
        message: failure.to_string(),
        hint: failure.hint.clone(),
    }
}

/// What a source is called in failures.
pub(crate) fn source_name(source: &Source) -> String {
    match source {
        Source::Kubernetes(_, kind) => match kind {
            Kind::Pods => "pods",
            Kind::Services => "services",
            Kind::Slices => "endpointslices",
            Kind::Nodes => "nodes",
            Kind::Workloads(_) => "workloads",
            Kind::Bindings(_) => "bindings",
            Kind::Ledgers => "configmaps",
            Kind::Events => "events",
            Kind::Guarding(GuardingKind::NetworkPolicy) => "networkpolicies",
            Kind::Guarding(GuardingKind::DisruptionBudget) => "poddisruptionbudgets",
            Kind::Controller => "controller",
        }
        .to_owned(),
        Source::Caller => "identity".to_owned(),
        Source::Groups | Source::Group(_) => "groups".to_owned(),
        Source::Targets(_) => "targets".to_owned(),
        Source::Attributes(_) => "attributes".to_owned(),
        Source::LoadBalancer(_) => "load-balancers".to_owned(),
        Source::Routes(_) => "routes".to_owned(),
        Source::Tags(_) => "tags".to_owned(),
        Source::Network(_) => "network".to_owned(),
    }
}

/// Failures of the sources of one report alone.
fn failures(inventory: &Inventory, report: &Report) -> Vec<FailureDocument> {
    let mut found = Vec::new();
    let group = report.group.as_ref().and_then(|it| inventory.groups.get(it));
    if let Some(n) = group.and_then(|it| it.targets.as_ref()).map(|it| it.unreadable).filter(|it| *it > 0) {
        let text = unreadable_targets(n);
        found.push(failure("targets", &Failure::new("DescribeTargetHealth", ErrorKind::Unreadable, &text)));
    }
    for (source, freshness) in &inventory.sources {
        let about = match source {
            Source::Targets(arn) | Source::Group(arn) | Source::Attributes(arn) => {
                report.group.as_ref() == Some(arn)
            }
            _ => false,
        };
        // That a group does not exist is an answer; and what the list of all groups says of it is good enough.
        let listed = || matches!(source, Source::Group(_)) && group.is_some_and(|it| it.group.is_some());
        let answered = |it: &Failure| it.kind == ErrorKind::NotFound || listed();
        if let (true, Some((_, it))) = (about, freshness.failed.as_ref().filter(|(_, it)| !answered(it))) {
            found.push(failure(&source_name(source), it));
        }
    }
    found
}

/// What nobody needs to be permitted: an answer says what it does without.
fn is_spare(source: &Source, kind: ErrorKind) -> bool {
    let spare =
        matches!(source, Source::Kubernetes(_, Kind::Events | Kind::Workloads(WorkloadKind::Rollout)));
    spare && matches!(kind, ErrorKind::Denied | ErrorKind::NotFound)
}

/// Failures that concern everything, and single objects that could not be understood.
fn general(inventory: &Inventory) -> Vec<FailureDocument> {
    let mut found = Vec::new();
    for (source, freshness) in &inventory.sources {
        let name = source_name(source);
        if matches!(source, Source::Targets(_) | Source::Group(_) | Source::Attributes(_)) {
            continue;
        }
        if let Some((_, it)) = freshness.failed.as_ref().filter(|(_, it)| !is_spare(source, it.kind)) {
            found.push(failure(&name, it));
        }
        for (object, problem) in &freshness.skipped {
            found.push(FailureDocument {
                source: name.clone(),
                kind: ErrorKind::Unreadable.code(),
                message: format!("{object}: {problem}"),
                hint: None,
            });
        }
    }
    found.dedup();
    found
}

/// Codes of `unsettledBecause` with their meaning, for the README.
pub fn codes() -> Vec<(String, String)> {
    Unsettled::all().map(|it| (it.code().to_owned(), unsettled::meaning(it))).collect()
}
