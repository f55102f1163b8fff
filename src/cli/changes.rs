//! The command line of what writes; no logic.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;

use crate::domain::judgement::scope::ScopeTarget;

/// How a write is to be treated.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Accept {
    /// Write nothing: print the plan (client), or have the API server check it too (server)
    #[arg(long, value_name = "WHERE", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRun>,

    /// Accept the plan without asking
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// The name that has to be typed to accept the plan, if it asks for one; needs --yes, or --dry-run
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,

    /// Format of the plan and of its result
    #[arg(short, long, value_enum, default_value_t = PlanOutput::Text)]
    pub(crate) output: PlanOutput,

    /// Stop waiting after this long, for example 10m; what has been written stays
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::duration::duration)]
    pub(crate) timeout: Option<Duration>,

    /// Where the audit log goes: a file, or stderr
    #[arg(long, value_name = "PATH|stderr", env = "TGSCOPE_AUDIT_LOG")]
    pub(crate) audit_log: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanOutput {
    #[default]
    Text,
    Json,
    Yaml,
}

/// A binding or group, and which of its rows.
#[derive(Clone, Debug, Args)]
pub(crate) struct RowSelection {
    /// The binding or group: [NAMESPACE/]KIND/NAME, or an ARN; a pod or an address names its row too
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: ScopeTarget,

    /// Rows: IP:PORT, IP, instance id, or name of the pod or node
    #[arg(value_name = "ROW")]
    pub(crate) rows: Vec<String>,

    #[command(flatten)]
    pub(crate) accept: Accept,
}

/// A binding or group as a whole.
#[derive(Clone, Debug, Args)]
pub(crate) struct Whole {
    /// The binding or group: [NAMESPACE/]KIND/NAME, or an ARN
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: ScopeTarget,

    #[command(flatten)]
    pub(crate) accept: Accept,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    pub(crate) selection: RowSelection,

    /// What to do with the pod once it has drained
    #[arg(long, value_enum, default_value_t = Afterwards::Delete)]
    pub(crate) then: Afterwards,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Afterwards {
    /// Evict it, as far as disruption budgets allow: its replacement is already running
    #[default]
    Delete,
    /// Put its label back: its ReplicaSet then deletes the pod that is one too many
    PutBack,
    /// Leave it running, detached
    Keep,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Bind {
    /// The service: [NAMESPACE/]svc/NAME
    #[arg(value_name = "SERVICE")]
    pub(crate) service: ScopeTarget,

    /// The target group, by name or ARN
    #[arg(long, value_name = "NAME|ARN")]
    pub(crate) target_group: String,

    /// The service's port, by number or name; needed if it has several
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,

    /// Name of the binding [default: SERVICE-tgb]
    #[arg(long)]
    pub(crate) name: Option<String>,

    /// Other clusters or bindings register in the same group
    #[arg(long)]
    pub(crate) multi_cluster: bool,

    /// Write spec.networking, which admits traffic from the load balancer's security groups
    #[arg(long)]
    pub(crate) networking: bool,

    /// Write the binding to this file instead of creating it
    #[arg(long, value_name = "PATH", conflicts_with = "yes")]
    pub(crate) save: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) accept: Accept,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Shift {
    /// A binding or group that the rule forwards to: [NAMESPACE/]KIND/NAME, or an ARN
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: ScopeTarget,

    /// Weights from 0 to 999, each group by name or ARN; groups not named keep theirs
    #[arg(value_name = "GROUP=WEIGHT", required = true)]
    pub(crate) weights: Vec<String>,

    /// The rule, if several forward there: 443:default, 443:10, or its ARN
    #[arg(long, value_name = "PORT:PRIORITY")]
    pub(crate) rule: Option<String>,

    #[command(flatten)]
    pub(crate) accept: Accept,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Undo {
    /// Id of the plan to undo, from the audit log [default: the last one]
    #[arg(value_name = "PLAN")]
    pub(crate) plan: Option<String>,

    #[command(flatten)]
    pub(crate) accept: Accept,
}
