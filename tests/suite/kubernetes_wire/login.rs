//! Kubeconfigs, one or several, and their login commands: what they print goes nowhere, how they fail is told.

use std::path::Path;
use std::time::Duration;

use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::facts::failure::Failure;
use tgscope::domain::inventory::Kind;
use tgscope::kubernetes::ConnectError;
use tgscope::kubernetes::Contexts;
use tgscope::kubernetes::ExecHints;

use super::page;
use crate::support::Server;
use crate::support::kubeconfig;
use crate::support::program;
use crate::support::said;

const CREDENTIAL: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"from-exec"}}"#;

/// A user that logs in by a shell script.
fn login(folder: &Path, script: &str) -> String {
    let path = folder.join("login.sh");
    std::fs::write(&path, script).unwrap();
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: /bin/sh, args: [{}, --profile, ops, --region=eu-west-1, --cluster-name, prod]}}}}",
        path.display()
    )
}

async fn connected(script: &str, timeout: Duration) -> (Server, Result<(), Failure>) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| page(&[], 1, ""));
    let path = kubeconfig(folder.path(), &server.url(), &login(folder.path(), script));
    let access = Contexts::load(Some(&path)).unwrap().access(None).unwrap().within(Some(timeout));
    let read = match access.connect().await {
        Ok(cluster) => cluster.list(Kind::Pods, None).await.map(|_| ()),
        Err(failure) => Err(failure),
    };
    (server, read)
}

#[tokio::test]
async fn the_token_of_a_login_command_is_used() {
    let script = format!("echo noise >&2\necho '{CREDENTIAL}'\n");
    let (server, read) = connected(&script, Duration::from_secs(20)).await;
    assert_eq!(read, Ok(()));
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer from-exec"));
}

#[tokio::test]
async fn a_login_command_that_fails_is_told_by_the_last_line_it_complains_of() {
    let nothing = "printed no credentials (ExecCredential)";
    for (script, says) in [
        (
            "echo secret-token; echo secret-step >&2; printf '\\033[2Jnot logged in\\n\\n' >&2; exit 3\n",
            "failed with exit code 3: [2Jnot logged in",
        ),
        ("echo secret-token\n", nothing),
        ("true\n", nothing),
        ("exec no-such-command\n", "is not found"),
    ] {
        let (server, read) = connected(script, Duration::from_secs(20)).await;
        let failure = read.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::NoCredentials, "{script:?}");
        let said = format!("connect to the cluster: the kubeconfig's login command /bin/sh {says}");
        assert_eq!(failure.to_string(), said);
        let hint = failure.hint.as_ref().unwrap();
        assert!(hint.contains("run it yourself") || hint.contains("installed"), "{hint}");
        assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
        assert_eq!(server.seen().len(), 0);
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_renewed_is_told_by_its_last_line() {
    let expired =
        CREDENTIAL.replace("\"token\"", "\"expirationTimestamp\":\"2020-01-01T00:00:00Z\",\"token\"");
    let script = format!(
        "test -e \"$0.once\" && echo the session is over >&2 && echo secret-token && exit 1\ntouch \"$0.once\"\necho '{expired}'\n"
    );
    let (server, read) = connected(&script, Duration::from_secs(20)).await;
    let failure = read.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (
            ErrorKind::NoCredentials,
            "the kubeconfig's login command failed with exit code 1: the session is over"
        )
    );
    assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_login_command_never_gets_to_read_the_terminal() {
    // It would wait here for somebody to type.
    let script = format!("read answer\necho '{CREDENTIAL}'\n");
    let (_, read) = connected(&script, Duration::from_secs(20)).await;
    assert_eq!(read, Ok(()));
}

#[test]
fn a_login_command_writes_nothing_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo LOUD >&2\necho LOUD\nyes LOUD | head -c 3000000 >&2\necho the last line >&2\nexit 1\n";
    kubeconfig(folder.path(), "http://127.0.0.1:9", &login(folder.path(), script));
    let output = program(folder.path(), &["get", "--kubeconfig", "kubeconfig.yaml", "--region", "eu-west-1"])
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let (code, stdout, stderr) = said(&output);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(!stdout.contains("LOUD") && !stderr.contains("LOUD"), "{stdout}{stderr}");
    assert!(
        stderr.contains("the kubeconfig's login command /bin/sh failed with exit code 1: the last line"),
        "{stderr}"
    );
    assert!(stderr.matches("exit code 1").count() < 3, "{stderr}");
}

#[test]
fn a_login_command_says_who_to_be_at_aws() {
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(folder.path(), "http://127.0.0.1:9", &login(folder.path(), ""));
    let access = Contexts::load(Some(&path)).unwrap().access(None).unwrap();
    let expected = ExecHints {
        profile: Some("ops".to_owned()),
        profile_of_environment: None,
        region: Some("eu-west-1".to_owned()),
        cluster_name: Some("prod".to_owned()),
    };
    assert_eq!(access.hints, expected);
    assert_eq!(access.namespace.as_str(), "shop");
}

#[test]
fn a_context_that_is_missing_is_an_error_that_names_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(folder.path(), "http://127.0.0.1:9", "{token: t}");
    let contexts = Contexts::load(Some(&path)).unwrap();
    assert_eq!(contexts.names(), ["here"]);
    let error = contexts.access(Some("there")).unwrap_err();
    assert_eq!(error.to_string(), "the kubeconfig has no context \"there\" (it has: here)");
    let text =
        std::fs::read_to_string(&path).unwrap().replace("current-context: here", "current-context: \"\"");
    std::fs::write(&path, text).unwrap();
    let error = Contexts::load(Some(&path)).unwrap().access(None).unwrap_err();
    assert!(matches!(&error, ConnectError::NoCurrentContext(have) if have == &["here"]), "{error}");
}

#[test]
fn a_context_or_namespace_that_cannot_be_seen_is_refused_by_its_name_made_visible() {
    let folder = tempfile::tempdir().unwrap();
    let path = kubeconfig(folder.path(), "http://127.0.0.1:9", "{token: t}");
    let plain = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, plain.replace("here", r#""de\e[7mmo\nsettled""#)).unwrap();
    let contexts = Contexts::load(Some(&path)).unwrap();
    let error = contexts.access(None).unwrap_err().to_string();
    assert!(
        error.starts_with(r#"the context "de\u{1b}[7mmo\nsettled" of the kubeconfig has a character"#),
        "{error}"
    );
    let error = contexts.access(Some("there")).unwrap_err().to_string();
    assert!(error.contains(r"(it has: de\u{1b}[7mmo\u{a}settled)"), "{error}");
    std::fs::write(&path, plain.replace("namespace: shop", r#"namespace: "sh\nop""#)).unwrap();
    let error = Contexts::load(Some(&path)).unwrap().access(None).map(|it| it.namespace).unwrap_err();
    assert!(error.to_string().starts_with(r#"the namespace "sh\nop" of"#), "{error}");
}

#[test]
fn a_kubeconfig_that_cannot_be_read_is_an_error_on_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.yaml");
    for text in ["a: [", "contexts: 5\n", "- x\n"] {
        std::fs::write(&path, text).unwrap();
        let error = Contexts::load(Some(&path)).unwrap_err().to_string();
        assert!(error.starts_with("no kubeconfig could be read: ") && !error.contains('\n'), "{error}");
    }
    let error = Contexts::load(Some(&folder.path().join("none.yaml"))).unwrap_err().to_string();
    assert!(error.contains("none.yaml"), "{error}");
}

#[test]
fn several_kubeconfigs_are_read_as_one_and_the_first_wins() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| page(&[], 1, ""));
    let contexts = "apiVersion: v1\nkind: Config\ncurrent-context: there\ncontexts:\n- {name: there, context: {cluster: c, user: u}}\n- {name: third, context: {cluster: c, user: u}}\n";
    std::fs::write(folder.path().join("contexts.yaml"), contexts).unwrap();
    kubeconfig(folder.path(), &server.url(), "{token: t}");
    let run = |context: &[&str]| {
        let arguments: Vec<&str> = ["get", "--region", "eu-west-1"].iter().chain(context).copied().collect();
        let mut command = program(folder.path(), &arguments);
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        said(&command.env("KUBECONFIG", "contexts.yaml:kubeconfig.yaml:missing.yaml").output().unwrap())
    };
    let (_, _, stderr) = run(&[]);
    assert!(!stderr.contains("kubeconfig"), "{stderr}");
    let request = server.seen().first().cloned().unwrap();
    assert_eq!(request.header("authorization"), Some("Bearer t"));
    let pods = server.seen().into_iter().find(|it| it.path().ends_with("/pods")).unwrap();
    assert_eq!(pods.path(), "/api/v1/namespaces/default/pods");
    let (code, _, stderr) = run(&["--context", "fourth"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("no context \"fourth\" (it has: there, third, here)"), "{stderr}");
}

#[tokio::test]
async fn a_login_command_that_hangs_is_given_up() {
    // Connecting is given five seconds at least.
    let (_, read) = connected("exec sleep 8\n", Duration::from_millis(100)).await;
    let failure = read.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (ErrorKind::NoCredentials, "the kubeconfig's login command does not end")
    );
    assert!(failure.hint.unwrap().contains("run it yourself"));
}

/// Reads with a kubeconfig whose user and context are changed by `edit`; gives what was asked, and what was said.
fn read_with(user: &str, edit: impl Fn(String) -> String) -> (Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| page(&[], 1, ""));
    let user = user.replace("FOLDER", folder.path().to_str().unwrap());
    std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
    let path = kubeconfig(folder.path(), &server.url(), &user);
    let text = edit(std::fs::read_to_string(&path).unwrap());
    std::fs::write(&path, text).unwrap();
    let mut command =
        program(folder.path(), &["get", "--kubeconfig", "kubeconfig.yaml", "--region", "eu-west-1"]);
    // Nobody is there: what is on loopback needs no proxy.
    command.env("HTTP_PROXY", "http://127.0.0.1:9").env("HTTPS_PROXY", "http://127.0.0.1:9");
    let (_, _, stderr) = said(&command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9").output().unwrap());
    (server, stderr)
}

#[test]
fn a_kubeconfig_is_taken_as_kubectl_takes_it() {
    let forever =
        CREDENTIAL.replace("\"token\"", "\"expirationTimestamp\":\"9999-12-31T23:59:59Z\",\"token\"");
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: echo, args: ['{forever}']}}}}"
    );
    let pretty = CREDENTIAL.replace(',', ",\\r\\n\\t");
    let pretty = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: printf, args: ['{pretty}']}}}}"
    );
    let as_it_is = |it: String| it;
    let edits: [(&str, &str, &dyn Fn(String) -> String, &str); 6] = [
        ("a login that prints tabs and line breaks", &pretty, &as_it_is, "Bearer from-exec"),
        ("a token with a line break", "{token: \"t\\n\"}", &as_it_is, "Bearer t"),
        ("a file with a line break", "{tokenFile: FOLDER/token}", &as_it_is, "Bearer from-file"),
        ("a token that holds for ever", &exec, &as_it_is, "Bearer from-exec"),
        ("no scheme", "{token: t}", &|it| it.replace("http://", ""), "Bearer t"),
        (
            "an empty namespace",
            "{token: t}",
            &|it| it.replace("namespace: shop", "namespace: ''"),
            "Bearer t",
        ),
    ];
    for (what, user, edit, authorization) in edits {
        let (server, stderr) = read_with(user, edit);
        let seen = server.seen();
        let request = seen.first().unwrap_or_else(|| panic!("{what}: {stderr}"));
        assert_eq!(request.header("authorization"), Some(authorization), "{what}");
        let namespace = if what == "an empty namespace" { "default" } else { "shop" };
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        assert!(seen.iter().any(|it| it.path() == pods), "{what}: {stderr}");
    }
}

#[test]
fn a_login_that_cannot_work_says_what_to_do() {
    let exec = |rest: &str| format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, {rest}}}}}");
    for (user, says) in [
        ("{token: \"a\\nb\"}", "the token of the kubeconfig's user holds a line break"),
        ("{tokenFile: FOLDER/none}", "/none cannot be read: No such file or directory"),
        (
            &*exec("command: no-such-plugin, installHint: install it from example.com"),
            "the kubeconfig's login command no-such-plugin is not found (install it from example.com)",
        ),
        (
            &*exec("command: /bin/sh, args: [-c, 'exit 7']"),
            "failed with exit code 7 (run it yourself to see what it says",
        ),
    ] {
        let (server, stderr) = read_with(user, |it| it);
        assert!(stderr.contains(says), "{user}: {stderr}");
        assert!(server.seen().is_empty());
    }
}
