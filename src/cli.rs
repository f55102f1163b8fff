//! The command line as types; no logic.

pub(crate) mod changes;
mod duration;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::domain::facts::selector::Selector;
use crate::domain::judgement::scope::ScopeTarget;

/// Puts the pods and endpoints of a Kubernetes service beside the targets of the AWS target group they became.
///
/// Without a command: the live screen on a terminal, `get` otherwise.
#[derive(Clone, Debug, Parser)]
#[command(name = "tgscope", version, args_conflicts_with_subcommands = false, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// What to open: [NAMESPACE/]KIND/NAME with kind tgb, svc, pod, deploy, node, tg or lb; an ARN, an address, an instance id
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: Option<ScopeTarget>,

    /// Where the screen's audit log goes, instead of audit.jsonl in the state folder
    #[arg(long, value_name = "PATH|stderr", env = "TGSCOPE_AUDIT_LOG")]
    pub(crate) audit_log: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Namespace
    #[arg(short, long, global = true, env = "TGSCOPE_NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// All namespaces
    #[arg(short = 'A', long, global = true)]
    pub(crate) all_namespaces: bool,

    /// Label selector for bindings
    #[arg(short = 'l', long, global = true, value_name = "SELECTOR")]
    pub(crate) selector: Option<Selector>,

    /// Kubeconfig context; may be given more than once
    #[arg(long, global = true, value_name = "NAME", env = "TGSCOPE_CONTEXT", value_delimiter = '\0')]
    pub(crate) context: Vec<String>,

    /// Kubeconfig file
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Kubernetes user to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) as_user: Option<String>,

    /// Kubernetes group to impersonate; may be given more than once
    #[arg(long, global = true, value_name = "GROUP", requires = "as_user")]
    pub(crate) as_group: Vec<String>,

    /// Timeout of a request, for example 30s
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::duration)]
    pub(crate) request_timeout: Option<Duration>,

    /// Never write anything
    #[arg(long, global = true, env = "TGSCOPE_READ_ONLY", value_parser = clap::builder::FalseyValueParser::new(), num_args = 0, default_missing_value = "true", default_value = "false")]
    pub(crate) read_only: bool,

    /// AWS profile
    #[arg(long, global = true, value_name = "NAME", env = "TGSCOPE_PROFILE")]
    pub(crate) profile: Option<String>,

    /// AWS region of calls that are not about a certain target group
    #[arg(long, global = true, value_name = "NAME", env = "TGSCOPE_REGION")]
    pub(crate) region: Option<String>,

    /// Do not assume the roles that bindings name (iamRoleArnToAssume)
    #[arg(long, global = true)]
    pub(crate) no_assume_role: bool,

    /// AWS endpoint to use instead of AWS's own
    #[arg(long, global = true, value_name = "URL", env = "TGSCOPE_ENDPOINT_URL")]
    pub(crate) endpoint_url: Option<String>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Print bindings once, with their endpoints, targets and verdict
    Get(Get),

    /// Show how requests reach target groups: load balancers, listeners, rules and weights; or which rule takes a URL
    Routes(Routes),

    /// Show the network path from the load balancer to a target, hop by hop, and the security-group rule that is missing
    Path(OneRow),

    /// Ask a pod what its target group's health check asks, through the API server: is it the program or the network?
    Probe(OneRow),

    /// Bind a service to a target group: the controller registers its endpoints and follows them
    Bind(changes::Bind),

    /// Delete a binding: its targets are deregistered
    Unbind(changes::Whole),

    /// Force the controller to reconcile a binding
    Resync(changes::Whole),

    /// Take pods out of rotation and wait until they have drained; for instance targets, a node
    Drain(changes::Drain),

    /// Deregister targets, in this group only
    Deregister(changes::RowSelection),

    /// Register endpoints that are wanted and missing
    Register(changes::RowSelection),

    /// Register what is missing and deregister what no endpoint wants, once
    Sync(changes::Whole),
    /// Change the weights of a rule's target groups
    Shift(changes::Shift),

    /// Undo the last change, if possible
    Undo(changes::Undo),

    /// Check whether both sides can be reached, as whom, and with which permissions
    Doctor(Doctor),

    /// Start a simulated cluster and AWS account on this machine and open the program on it
    Demo(Demo),

    /// Print a completion script for a shell, for example: source <(tgscope completion bash)
    Completion(Completion),

    /// Print the manual page of the program or of a command, for example: man <(tgscope man get)
    Man(Man),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Man {
    /// The command
    pub(crate) command: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Get {
    /// What to print: [NAMESPACE/]KIND/NAME with kind tgb, svc, pod, deploy, node, tg or lb; an ARN, an address, an instance id
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: Option<ScopeTarget>,

    /// Format
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,

    /// Exit with 1 if anything found is not as it should be
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Routes {
    /// A binding or group to which they lead, lb/NAME for everything of a load balancer; and a URL to follow
    #[arg(value_name = "SCOPE|URL", num_args = 0..=2)]
    pub(crate) what: Vec<String>,

    /// Method of the request
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// A header of the request, NAME: VALUE; with one or more of them no other is sent
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,

    /// Address the request comes from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source: Option<std::net::IpAddr>,

    /// Format
    #[arg(short, long, value_enum, default_value_t = TreeOutput::Tree)]
    pub(crate) output: TreeOutput,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TreeOutput {
    #[default]
    Tree,
    Json,
    Yaml,
}

/// One row of a board.
#[derive(Clone, Debug, Args)]
pub(crate) struct OneRow {
    /// A binding or group, [NAMESPACE/]KIND/NAME or an ARN, and a row of it: IP:PORT, instance id, or pod. A pod or an address alone is both
    #[arg(value_name = "[SCOPE] ROW", required = true, num_args = 1..=2)]
    pub(crate) row: Vec<String>,

    /// Format
    #[arg(short, long, value_enum, default_value_t = TextOutput::Text)]
    pub(crate) output: TextOutput,

    /// Exit with 1 if anything found is not as it should be
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// Formats of what is no list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextOutput {
    #[default]
    Text,
    Json,
    Yaml,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Doctor {
    /// Print only the Kubernetes roles that allow all of it, for kubectl apply -f -
    #[arg(long)]
    pub(crate) rbac: bool,

    /// Print only the IAM policy that allows all of it
    #[arg(long)]
    pub(crate) iam: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Demo {
    /// Scenario to play; see --list
    #[arg(value_name = "SCENARIO", default_value = "workshop")]
    pub(crate) scenario: String,

    /// How many times faster than real time it runs
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,

    /// List the scenarios, one line each
    #[arg(long)]
    pub(crate) list: bool,

    /// Serve the simulation for kubectl, aws and others until interrupted, and print the environment to use
    #[arg(long)]
    pub(crate) serve: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|it| (0.1..=1000.0).contains(it));
    speed.ok_or_else(|| format!("not a speed: {text:?} (a number from 0.1 to 1000)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_scope_and_a_command_are_told_apart() {
        let parse = |text: &str| Cli::try_parse_from(text.split(' '));
        let cli = parse("tgscope -n shop svc/web").unwrap();
        assert!(cli.command.is_none() && cli.scope.is_some());
        assert_eq!(cli.options.namespace.as_deref(), Some("shop"));
        let cli = parse("tgscope get tgb/web -o json -A").unwrap();
        let Some(Command::Get(get)) = cli.command else { panic!("no command") };
        assert_eq!((get.output, cli.options.all_namespaces), (Output::Json, true));
        assert!(parse("tgscope get cm/web").is_err());
        assert!(parse("tgscope --request-timeout soon").is_err());
        let endless = parse("tgscope --request-timeout 2562047788015215h").unwrap_err().to_string();
        assert!(endless.contains("is too long: at most 8760h"), "{endless}");
        let cli = parse("tgscope demo outage --speed 5").unwrap();
        let Some(Command::Demo(demo)) = cli.command else { panic!("no command") };
        assert_eq!((demo.scenario.as_str(), demo.serve), ("outage", false));
        assert!(parse("tgscope demo --speed 0").is_err());
        let cli = parse("tgscope --context a --context b --request-timeout 1m").unwrap();
        assert_eq!(cli.options.context, ["a", "b"]);
        assert_eq!(cli.options.request_timeout, Some(Duration::from_mins(1)));
    }
}
