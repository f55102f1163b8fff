//! What every command needs first: contexts, configuration, identity, as one connection.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use anyhow::Context;
use clap::CommandFactory;

use crate::aws::Settings;
use crate::backend::Buckets;
use crate::backend::Budget;
use crate::backend::Clock;
use crate::backend::Connection;
use crate::backend::Scope;
use crate::cli::Cli;
use crate::cli::Options;
use crate::config;
use crate::domain::facts::cluster::WorkloadKind;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::ObjectName;
use crate::domain::inventory::Inventory;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;
use crate::domain::plan::manner::Manner;
use crate::kubernetes::Contexts;
use crate::login::Runner;
use crate::printable;

/// What to connect to and what to look at.
pub(super) struct Setup {
    pub(super) connection: Connection,
    pub(super) scope: Scope,
    /// Contexts whose name is to be typed before anything is written there.
    pub(super) protected: BTreeSet<ClusterId>,
    /// Pods may be asked what a health check asks although nothing may be written.
    pub(super) probes_read_only: bool,
    /// The flags that plain `kubectl` and `aws` need to do the same.
    pub(super) manner: Manner,
    /// Clusters whose identity is not made sure of, and why.
    pub(super) exposed: BTreeMap<ClusterId, &'static str>,
}

/// Reads files and flags; connects to nothing.
pub(super) fn setup(options: &Options, target: Option<&ScopeTarget>) -> anyhow::Result<Setup> {
    let config = config::load().context("configuration")?;
    let contexts = Contexts::load(options.kubeconfig.as_deref())?;
    let names: Vec<Option<&str>> = match options.context.is_empty() {
        true => vec![None],
        false => options.context.iter().map(|it| Some(it.as_str())).collect(),
    };
    let mut clusters = Vec::new();
    for name in names {
        let access = contexts.access(name)?.impersonating(options.as_user.clone(), options.as_group.clone());
        clusters.push(access.within(options.request_timeout).with_runner(Runner::own()));
    }
    let first = clusters.first().context("no context")?;
    let entry = config.contexts.get(&*first.id.0).cloned().unwrap_or_default();
    let aws = Settings {
        profile: config::first([
            options.profile.as_ref(),
            entry.profile.as_ref(),
            first.hints.profile.as_ref(),
        ]),
        hint: first.hints.profile_of_environment.clone(),
        region: config::first([options.region.as_ref(), entry.region.as_ref(), first.hints.region.as_ref()]),
        endpoint: options.endpoint_url.clone(),
        stays_itself: options.no_assume_role || !config.aws.assume_roles,
        keys: None,
        runner: Runner::own(),
    };
    let of = |access: &crate::kubernetes::Access| config.contexts.get(&*access.id.0);
    // One context that must not be written to makes all of a session read only: a plan may touch several.
    let read_only = options.read_only || clusters.iter().filter_map(of).any(|it| it.read_only);
    let scope = scope(options, target, &first.namespace);
    let budget = Buckets::new(Budget { per_second: config.aws.calls_per_second, burst: config.aws.burst });
    let protected =
        clusters.iter().filter(|it| of(it).is_some_and(|it| it.protected)).map(|it| it.id.clone()).collect();
    let manner = manner(options, &aws);
    let exposed = clusters.iter().filter_map(|it| Some((it.id.clone(), it.exposure()?))).collect();
    let connection = Connection { clusters, aws, budget, read_only, clock: Clock::wall() };
    let probes_read_only = config.probe.when_read_only;
    Ok(Setup { connection, scope, protected, probes_read_only, manner, exposed })
}

/// What was said by flags here, by the configuration or by the kubeconfig, as the flags of `kubectl` and `aws`. What the
/// environment says they read themselves.
fn manner(options: &Options, aws: &Settings) -> Manner {
    let flag = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
    let kubeconfig = options.kubeconfig.iter().flat_map(|it| flag("--kubeconfig", &it.display().to_string()));
    let user = options.as_user.iter().flat_map(|it| flag("--as", it));
    let groups = options.as_group.iter().flat_map(|it| flag("--as-group", it));
    // Keys in the environment outrank what the login's environment names.
    let hint = aws.hint.as_ref().filter(|_| std::env::var_os("AWS_ACCESS_KEY_ID").is_none());
    let profile = aws.profile.as_ref().or(hint).into_iter().flat_map(|it| flag("--profile", it)).collect();
    let endpoint = aws.endpoint.iter().flat_map(|it| flag("--endpoint-url", &printable::url(it)));
    let kubectl = kubeconfig.chain(user).chain(groups).collect();
    Manner { kubectl, aws: endpoint.collect(), profile, stays_itself: aws.stays_itself }
}

/// The namespaces to look at, where a context has one of its own.
pub(super) fn scope(options: &Options, target: Option<&ScopeTarget>, of_context: &str) -> Scope {
    let named = target.and_then(|it| it.namespace.clone()).or_else(|| options.namespace.clone());
    // Somebody who comes with a target group, an address or a load balancer does not know the namespace.
    let anywhere = target.is_some_and(|it| it.kind.is_of_aws());
    let namespace = match options.all_namespaces || (anywhere && named.is_none()) {
        true => None,
        false => Some(named.unwrap_or_else(|| of_context.to_owned())),
    };
    Scope { namespace }
}

/// The command that a name on the command line looks like.
pub(super) fn command_like(target: &ScopeTarget) -> Option<String> {
    let ScopeTarget { namespace: None, kind: ScopeKind::Binding(typed, _) } = target else { return None };
    let command = Cli::command();
    let names = command.get_subcommands().map(|it| (likeness(it.get_name(), typed), it.get_name()));
    let nearest = names.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (nearest.0 >= ALIKE).then(|| nearest.1.to_owned())
}

/// From here on two names look like each other, of 1 for the same name.
const ALIKE: f64 = 0.85;

/// How much two names look like each other, of 1 for the same name. One slip of the finger is never too much.
fn likeness(one: &str, other: &str) -> f64 {
    let slip = if strsim::osa_distance(one, other) <= 1 { ALIKE } else { 0.0 };
    strsim::jaro_winkler(one, other).max(slip)
}

/// What was read whose name looks most like one that is not on show, as one would type it, and whether that is its very
/// name.
pub(super) fn named_like(
    target: &ScopeTarget,
    namespace: Option<&str>,
    inventory: &Inventory,
) -> Option<(String, bool)> {
    let clusters = || inventory.clusters.values();
    let (kind, typed, names): (&str, &str, Vec<&ObjectName>) = match &target.kind {
        ScopeKind::Binding(typed, _) => {
            ("", typed, clusters().flat_map(|it| it.bindings.keys()).map(|it| &it.1).collect())
        }
        ScopeKind::Service(typed) => ("svc/", typed, clusters().flat_map(|it| it.services.keys()).collect()),
        ScopeKind::Pod(typed) => ("pod/", typed, clusters().flat_map(|it| it.pods.keys()).collect()),
        ScopeKind::Deployment(typed) => {
            let all = clusters().flat_map(|it| it.workloads.keys());
            ("deploy/", typed, all.filter(|it| it.0 == WorkloadKind::Deployment).map(|it| &it.1).collect())
        }
        ScopeKind::Group(typed, None) => {
            let bound = inventory.bindings().filter_map(|(_, it)| it.group.as_ref());
            let all = inventory.groups.keys().chain(bound);
            let scored = all.map(|it| (likeness(it.name(), typed), it.name()));
            let (likeness, nearest) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
            return (likeness >= ALIKE).then(|| (format!("tg/{nearest}"), nearest == typed));
        }
        _ => return None,
    };
    let scored = names.into_iter().map(|it| (likeness(&it.name, typed), it));
    let (likeness, nearest) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let is_here = target.namespace.is_none() && namespace == Some(&*nearest.namespace);
    let place = if is_here { String::new() } else { format!("{}/", nearest.namespace) };
    (likeness >= ALIKE).then(|| (format!("{place}{kind}{}", nearest.name), nearest.name == *typed))
}

/// A runtime of two threads: one may decode a long list while the other answers.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Runs a command to its end. A login command that hangs must not keep the program.
pub(super) fn run<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = runtime()?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}

/// Tells this session from any other, for the names of its plans.
pub(super) fn session() -> u32 {
    use std::hash::BuildHasher;
    // Keyed with random numbers of the system.
    let number = std::hash::RandomState::new().hash_one(std::process::id());
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default()
}
