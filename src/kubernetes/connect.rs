//! From a kubeconfig to a client: contexts, impersonation, proxies, login plugins that keep off the terminal.

use std::path::Path;
use std::time::Duration;

use kube::Api;
use kube::Client;
use kube::Config;
use kube::client::ClientBuilder;
use kube::config::KubeConfigOptions;
use kube::config::Kubeconfig;
use kube::config::KubeconfigError;
use kube::core::ApiResource;

use super::answer::Checking;
use super::guard::Raw;
use super::kinds;
use super::proxy;
use super::user;
use super::user::CONNECTING;
use super::user::Plugin;
use super::user::one_line;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ClusterId;
use crate::domain::inventory::Kind;
use crate::login::Runner;
use crate::printable;

/// Seconds to wait for a TCP and TLS connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Seconds to wait for an answer that is no watch, unless the user says otherwise.
const REQUEST: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no kubeconfig could be read: {0}")]
    NoKubeconfig(String),
    #[error("no kubeconfig was found and this is no pod: set KUBECONFIG or --kubeconfig")]
    Nowhere,
    #[error("the kubeconfig has no context {wanted:?} (it has: {})", shown(.have))]
    NoContext { wanted: String, have: Vec<String> },
    #[error("the kubeconfig names no current context: use --context (it has: {})", shown(.0))]
    NoCurrentContext(Vec<String>),
    #[error(
        "the {of} {name:?} of the kubeconfig has a character in it that cannot be shown: give it another name"
    )]
    Unshown { of: &'static str, name: String },
}

fn shown(names: &[String]) -> String {
    names.iter().map(|it| printable::line(it)).collect::<Vec<_>>().join(", ")
}

/// A name that is printed with everything that is said: it must be seen as it is.
fn seen(of: &'static str, name: &str) -> Result<(), ConnectError> {
    match name.chars().any(printable::is_unsafe) {
        true => Err(ConnectError::Unshown { of, name: name.to_owned() }),
        false => Ok(()),
    }
}

/// The contexts of a kubeconfig, or the pod this runs in.
#[derive(Clone, Debug)]
pub struct Contexts {
    kubeconfig: Option<Kubeconfig>,
    direct: bool,
}

/// What a kubeconfig's login command says about AWS: `aws --profile P eks get-token --region R …`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecHints {
    /// By its arguments: it goes before keys of the environment.
    pub profile: Option<String>,
    /// By its environment: keys of the environment go before it.
    pub profile_of_environment: Option<String>,
    pub region: Option<String>,
    pub cluster_name: Option<String>,
}

/// Everything needed to connect, before any network.
#[derive(Clone, Debug)]
pub struct Access {
    pub(crate) id: ClusterId,
    /// Namespace of the context, or `default`.
    pub namespace: String,
    pub hints: ExecHints,
    kubeconfig: Option<Kubeconfig>,
    /// No proxy is used, whatever the environment says.
    direct: bool,
    impersonate: Option<String>,
    impersonate_groups: Vec<String>,
    request_timeout: Duration,
    runner: Runner,
    plugin: Plugin,
}

/// A connected cluster.
#[derive(Clone)]
pub struct Cluster {
    id: ClusterId,
    client: Client,
    request_timeout: Duration,
    eks_name: Option<String>,
    /// Where it is, and the proxy on the way: `https://10.0.0.1:6443 through the proxy http://10.0.0.2:3128`.
    place: String,
}

/// A server that is reached without TLS, and not on this machine.
pub(crate) fn is_plain(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://").filter(|it| it.0.eq_ignore_ascii_case("http")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |it| it.1);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    !is_loopback && host != "localhost" && !host.ends_with(".localhost")
}

impl Contexts {
    /// Reads the file given, else KUBECONFIG (a list), else `~/.kube/config`; else this is a pod.
    pub fn load(path: Option<&Path>) -> Result<Self, ConnectError> {
        let read = match path {
            Some(path) => Kubeconfig::read_from(path),
            None => listed_files().unwrap_or_else(Kubeconfig::read),
        };
        match read {
            Ok(kubeconfig) => Ok(Self { kubeconfig: Some(kubeconfig), direct: false }),
            Err(_) if path.is_none() && in_pod() => Ok(Self { kubeconfig: None, direct: false }),
            Err(error) if path.is_some() || std::env::var_os("KUBECONFIG").is_some() => {
                Err(ConnectError::NoKubeconfig(one_line(&error.to_string())))
            }
            Err(error) => match error {
                KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath => Err(ConnectError::Nowhere),
                other => Err(ConnectError::NoKubeconfig(one_line(&other.to_string()))),
            },
        }
    }

    /// From a kubeconfig in memory; its servers are reached without any proxy.
    pub fn from_text(yaml: &str) -> Result<Self, ConnectError> {
        let kubeconfig = Kubeconfig::from_yaml(yaml)
            .map_err(|it| ConnectError::NoKubeconfig(one_line(&it.to_string())))?;
        Ok(Self { kubeconfig: Some(kubeconfig), direct: true })
    }

    /// Names of the contexts.
    pub fn names(&self) -> Vec<String> {
        self.kubeconfig.iter().flat_map(|it| &it.contexts).map(|it| it.name.clone()).collect()
    }

    /// The context named, or the current one.
    pub fn access(&self, context: Option<&str>) -> Result<Access, ConnectError> {
        let Some(kubeconfig) = &self.kubeconfig else {
            return Ok(Access {
                id: ClusterId::new("in-cluster"),
                namespace: pod_namespace(),
                hints: ExecHints::default(),
                kubeconfig: None,
                direct: self.direct,
                impersonate: None,
                impersonate_groups: Vec::new(),
                request_timeout: REQUEST,
                runner: Runner::default(),
                plugin: Plugin::default(),
            });
        };
        let wanted = context
            .map(str::to_owned)
            .or_else(|| kubeconfig.current_context.clone())
            .filter(|it| !it.is_empty());
        let Some(wanted) = wanted else { return Err(ConnectError::NoCurrentContext(self.names())) };
        let entry =
            kubeconfig.contexts.iter().find(|it| it.name == wanted).and_then(|it| it.context.as_ref());
        let Some(entry) = entry else { return Err(ConnectError::NoContext { wanted, have: self.names() }) };
        seen("context", &wanted)?;
        seen("namespace", entry.namespace.as_deref().unwrap_or_default())?;
        let user = kubeconfig.auth_infos.iter().find(|it| Some(&it.name) == entry.user.as_ref());
        let exec = user.and_then(|it| it.auth_info.as_ref()).and_then(|it| it.exec.as_ref());
        let hints = exec
            .map(|it| hints(it.args.as_deref().unwrap_or_default(), it.env.as_deref().unwrap_or_default()));
        Ok(Access {
            id: ClusterId::new(&wanted),
            namespace: entry
                .namespace
                .clone()
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| "default".to_owned()),
            hints: hints.unwrap_or_default(),
            kubeconfig: Some(kubeconfig.clone()),
            direct: self.direct,
            impersonate: None,
            impersonate_groups: Vec::new(),
            request_timeout: REQUEST,
            runner: Runner::default(),
            plugin: exec.map(Plugin::from).unwrap_or_default(),
        })
    }
}

impl Access {
    /// What the kubeconfig leaves out to be sure that this is the cluster it says; `None`: nothing. On the loopback nobody
    /// stands in between.
    pub(crate) fn exposure(&self) -> Option<&'static str> {
        let kubeconfig = self.kubeconfig.as_ref()?;
        let entry = kubeconfig.contexts.iter().find(|it| it.name == *self.id.0)?.context.as_ref()?;
        let named = kubeconfig.clusters.iter().find(|it| it.name == entry.cluster)?;
        let cluster = named.cluster.as_ref()?;
        let server = cluster.server.as_deref().unwrap_or_default();
        if is_plain(server) {
            return Some("plain http");
        }
        cluster.insecure_skip_tls_verify.unwrap_or_default().then_some("certificate not checked")
    }

    /// Acts as another user and groups (`--as`, `--as-group`).
    #[must_use]
    pub fn impersonating(mut self, user: Option<String>, groups: Vec<String>) -> Self {
        self.impersonate = user;
        self.impersonate_groups = groups;
        self
    }

    /// Seconds to wait for an answer that is no watch.
    #[must_use]
    pub fn within(mut self, timeout: Option<Duration>) -> Self {
        self.request_timeout = timeout.unwrap_or(REQUEST);
        self
    }

    /// Login commands are run by this.
    #[must_use]
    pub fn with_runner(mut self, runner: Runner) -> Self {
        self.runner = runner;
        self
    }

    /// Builds the client. The kubeconfig's login command runs here for the first time, off the runtime's
    /// threads, and never gets the terminal.
    pub async fn connect(self) -> Result<Cluster, Failure> {
        let limit = self.login_limit();
        let mut config = self.config().await?;
        config.connect_timeout = Some(CONNECT);
        // Its retries go on for minutes without a word; lists and watches wait and ask again by themselves.
        config.default_retry = false;
        config.auth_info.impersonate = self.impersonate.or(config.auth_info.impersonate);
        if !self.impersonate_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(self.impersonate_groups);
        }
        if self.direct {
            config.proxy_url = None;
        }
        let told = |url: &str| printable::url(url).trim_end_matches('/').to_owned();
        let proxy =
            config.proxy_url.as_ref().map(|it| format!(" through the proxy {}", told(&it.to_string())));
        let place = told(&config.cluster_url.to_string()) + &proxy.unwrap_or_default();
        let login = tokio::task::spawn_blocking(move || {
            Ok(ClientBuilder::try_from(config)?.with_layer(&Checking).build())
        });
        // The runner ends it at its limit; without one it is left alone a little later.
        let client = match tokio::time::timeout(limit + Duration::from_secs(1), login).await {
            Err(_) => {
                return Err(Failure::new(
                    CONNECTING,
                    ErrorKind::NoCredentials,
                    "the kubeconfig's login command does not end",
                )
                .with_hint("run it yourself; it may be waiting for a person"));
            }
            Ok(Err(error)) => {
                return Err(Failure::new(CONNECTING, ErrorKind::Unreachable, &error.to_string()));
            }
            Ok(Ok(client)) => client.map_err(|it| {
                let refused = user::refused(CONNECTING, &self.plugin, &it);
                refused.unwrap_or_else(|| super::error::named("connect to", "the cluster", &it))
            })?,
        };
        Ok(Cluster {
            id: self.id,
            client,
            request_timeout: self.request_timeout,
            eks_name: self.hints.cluster_name,
            place,
        })
    }

    /// How long the login command may take.
    fn login_limit(&self) -> Duration {
        self.request_timeout.max(CONNECT)
    }

    /// What the client library is to know, with what it reads otherwise than kubectl set right.
    async fn config(&self) -> Result<Config, Failure> {
        let failed = |text: &str| Failure::new(CONNECTING, ErrorKind::Unreachable, text);
        let Some(mut kubeconfig) = self.kubeconfig.clone() else {
            return Config::incluster().map_err(|it| failed(&it.to_string()));
        };
        let context = kubeconfig.contexts.iter().find(|it| *it.name == *self.id.0);
        let (cluster, user) = context
            .and_then(|it| it.context.as_ref())
            .map(|it| (it.cluster.clone(), it.user.clone()))
            .unwrap_or_default();
        let mut own = None;
        for it in kubeconfig.clusters.iter_mut().filter(|it| it.name == cluster) {
            if let Some(cluster) = &mut it.cluster {
                user::complete(cluster);
                own = cluster.proxy_url.take();
            }
        }
        for it in kubeconfig.auth_infos.iter_mut().filter(|it| Some(&it.name) == user.as_ref()) {
            if let Some(user) = &mut it.auth_info {
                user::settle(user, &self.runner, self.login_limit()).await?;
            }
        }
        let options = KubeConfigOptions { context: Some(self.id.0.to_string()), cluster: None, user: None };
        let read = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = read.map_err(|it| failed(&one_line(&it.to_string())))?;
        config.proxy_url = proxy::of(own.as_deref(), &config.cluster_url, |it| std::env::var(it).ok())
            .map_err(|it| failed(&it))?;
        Ok(config)
    }
}

impl Cluster {
    pub(crate) fn id(&self) -> &ClusterId {
        &self.id
    }

    /// Its name in EKS, as the login command has it.
    pub(super) fn cluster_name(&self) -> Option<&str> {
        self.eks_name.as_deref()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// A call that failed, with the address where it is about the way there.
    pub(super) fn failed(&self, verb: &str, resource: &str, error: &kube::Error) -> Failure {
        self.at(super::error::named(verb, resource, error))
    }

    /// Nothing came for as long as a person has patience.
    pub(super) fn silent(&self, operation: &str, patience: Duration) -> Failure {
        self.at(super::error::silence(operation, patience))
    }

    pub(super) fn at(&self, failure: Failure) -> Failure {
        super::error::at(&self.place, failure)
    }

    pub(super) fn api(&self, kind: Kind, namespace: Option<&str>) -> Api<Raw> {
        let namespace = namespace.filter(|_| kinds::namespaced(kind));
        self.api_of(&kinds::resource(kind), namespace)
    }

    pub(super) fn api_of(&self, resource: &ApiResource, namespace: Option<&str>) -> Api<Raw> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }
}

/// The files of KUBECONFIG as one, the first to say something winning. Like kubectl, and unlike the
/// library, it passes over files that do not exist and an empty current context. `None`: there is no such file.
fn listed_files() -> Option<Result<Kubeconfig, KubeconfigError>> {
    let list = std::env::var_os("KUBECONFIG")?;
    let files = std::env::split_paths(&list).filter(|it| it.exists()).map(|path| {
        let mut file = Kubeconfig::read_from(path)?;
        file.current_context = file.current_context.filter(|it| !it.is_empty());
        Ok(file)
    });
    files.reduce(|first, next| first?.merge(next?))
}

/// Profile, region and cluster name from the arguments and environment of a login command.
fn hints(args: &[String], env: &[std::collections::HashMap<String, String>]) -> ExecHints {
    let flag = |name: &str| {
        let joined = format!("{name}=");
        let after = args.iter().position(|it| it == name).and_then(|index| args.get(index + 1)).cloned();
        after.or_else(|| args.iter().find_map(|it| it.strip_prefix(&joined)).map(str::to_owned))
    };
    let variable = |name: &str| {
        env.iter()
            .find(|it| it.get("name").is_some_and(|it| it == name))
            .and_then(|it| it.get("value"))
            .cloned()
    };
    ExecHints {
        profile: flag("--profile"),
        profile_of_environment: variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE")),
        region: flag("--region")
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION")),
        // `aws eks get-token --cluster-name`, aws-iam-authenticator's `-i`.
        cluster_name: flag("--cluster-name").or_else(|| flag("-i")),
    }
}

fn in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

fn pod_namespace() -> String {
    std::fs::read_to_string("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
        .map_or_else(|_| "default".to_owned(), |it| it.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_commands_tell_profile_region_and_cluster() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let env = |name: &str, value: &str| {
            std::collections::HashMap::from([
                ("name".to_owned(), name.to_owned()),
                ("value".to_owned(), value.to_owned()),
            ])
        };
        let found = hints(
            &args("--region eu-west-1 eks get-token --cluster-name prod"),
            &[env("AWS_PROFILE", "ops")],
        );
        let expected = ExecHints {
            profile: None,
            profile_of_environment: Some("ops".to_owned()),
            region: Some("eu-west-1".to_owned()),
            cluster_name: Some("prod".to_owned()),
        };
        assert_eq!(found, expected);
        let found = hints(
            &args("eks get-token --profile=dev --cluster-name=test"),
            &[env("AWS_REGION", "eu-north-1")],
        );
        assert_eq!(found.profile.as_deref(), Some("dev"));
        assert_eq!(found.region.as_deref(), Some("eu-north-1"));
        assert_eq!(found.cluster_name.as_deref(), Some("test"));
        assert_eq!(hints(&args("token -i prod"), &[]).cluster_name.as_deref(), Some("prod"));
    }

    #[test]
    fn what_is_left_out_to_be_sure_of_a_cluster_is_told() {
        let of = |cluster: &str| {
            let yaml = format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts: [{{name: here, context: {{cluster: c, user: u}}}}]\n\
                 users: [{{name: u, user: {{token: t}}}}]\nclusters: [{{name: c, cluster: {{{cluster}}}}}]\n"
            );
            Contexts::from_text(&yaml).unwrap().access(None).unwrap().exposure()
        };
        for (cluster, told) in [
            ("server: 'https://10.0.0.1'", None),
            ("server: 'https://10.0.0.1', insecure-skip-tls-verify: false", None),
            ("server: 'https://10.0.0.1', insecure-skip-tls-verify: true", Some("certificate not checked")),
            ("server: 'http://10.0.0.1:8080'", Some("plain http")),
            // Nobody stands in between on the loopback.
            ("server: 'http://127.0.0.1:8080'", None),
        ] {
            assert_eq!(of(cluster), told, "{cluster}");
        }
    }
}
