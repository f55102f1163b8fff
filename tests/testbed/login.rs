//! Kubeconfigs as people have them, beside kubectl: the same user, or a refusal that says more.

use std::process::Command;

use super::support::Settings;
use super::support::attempt;
use super::support::bed;
use super::support::run;

/// A name; what is put instead of what in the kubeconfig of the test bed; flags; and either the user that both are, or what
/// we say where neither is anybody.
type SetUp = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
    Result<&'static str, &'static str>,
);

const TOKEN: &str = "user: {token: testbed-viewer}";

const TABLE: &[SetUp] = &[
    ("a token", &[], &[], Ok("viewer")),
    // Blanks around a token are taken off here; kubectl sends them, and the server does not know it then.
    ("a file with a token", &[(TOKEN, "user: {tokenFile: HOME/token}")], &[], Ok("viewer")),
    (
        "a file with a token and a line break",
        &[(TOKEN, "user: {tokenFile: HOME/broken-token}")],
        &[],
        Ok("viewer"),
    ),
    ("a file that is not there", &[(TOKEN, "user: {tokenFile: HOME/none}")], &[], Err("HOME/none")),
    (
        "a login command",
        &[(
            TOKEN,
            "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: HOME/login, args: [good], interactiveMode: Never}}",
        )],
        &[],
        Ok("viewer"),
    ),
    (
        "a login whose end is far away",
        &[(
            TOKEN,
            "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: HOME/login, args: [far], interactiveMode: Never}}",
        )],
        &[],
        Ok("viewer"),
    ),
    (
        "a login command that fails",
        &[(
            TOKEN,
            "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: HOME/login, args: [bad], interactiveMode: Never}}",
        )],
        &[],
        Err("exit code 3"),
    ),
    (
        "a login command that is not there",
        &[(
            TOKEN,
            "user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-login, installHint: install it from here, interactiveMode: Never}}",
        )],
        &[],
        Err("install it from here"),
    ),
    ("a token nobody knows", &[(TOKEN, "user: {token: nobody}")], &[], Err("Unauthorized")),
    ("an empty namespace", &[("namespace: workshop", "namespace: \"\"")], &[], Ok("viewer")),
    (
        "the loopback goes past a proxy of the environment",
        &[],
        &["HTTPS_PROXY=http://127.0.0.1:1"],
        Ok("viewer"),
    ),
    (
        "a proxy of the kubeconfig always counts",
        &[("    server:", "    proxy-url: http://127.0.0.1:1\n    server:")],
        &[],
        Err("127.0.0.1:1"),
    ),
    (
        "a server that nobody is at",
        &[("https://127.0.0.1:", "https://127.0.0.1:1#")],
        &[],
        Err("127.0.0.1:1"),
    ),
    (
        "a certificate of somebody else",
        &[("certificate-authority-data:", "tls-server-name: other.example\n    certificate-authority-data:")],
        &[],
        Err("certificate"),
    ),
];

const LOGIN: &str = "#!/bin/sh\nout() { printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
    \"status\":{\"token\":\"testbed-viewer\"%s}}' \"$1\"; }\ncase $1 in\n\
    good) out '' ;;\nfar) out ',\"expirationTimestamp\":\"9999-12-31T23:59:59Z\"' ;;\nbad) echo 'log in first' >&2; exit 3 ;;\nesac\n";

#[test]
fn everybody_is_who_kubectl_says_or_is_told_more_of_why_not() {
    let bed = bed();
    let known = std::fs::read_to_string(bed.folder.join("viewer.kubeconfig")).unwrap();
    let mut wrong = Vec::new();
    for (name, replaced, environment, expected) in TABLE {
        let mut settings = Settings::new();
        let home = settings.home().to_string_lossy().into_owned();
        let mut text = known.clone();
        for (what, by) in *replaced {
            assert!(text.contains(what), "{name}: {what}");
            text = text.replace(what, by);
        }
        // A port behind the sign is what is left of the real one.
        let text: String =
            text.lines().map(|it| it.split('#').next().unwrap_or_default().to_owned() + "\n").collect();
        let config = settings.file("kubeconfig", &text.replace("HOME", &home));
        settings.file("token", "testbed-viewer");
        settings.file("broken-token", "testbed-viewer\n");
        let login = settings.file("login", LOGIN);
        run("chmod", &["+x", &login]);
        settings = settings.with("KUBECONFIG", &config).without("NO_PROXY").without("no_proxy");
        for it in *environment {
            let (name, value) = it.split_once('=').unwrap();
            settings = settings.with(name, value);
        }
        let mut theirs = Command::new("kubectl");
        theirs.args(["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", "--request-timeout=5s"]);
        let (code, user, complained) = attempt(theirs.env_clear().envs(&settings.variables), None);
        let (_, ours, errors) = settings.tgscope(&["doctor", "--request-timeout", "5s"]);
        let side = ours.split("AWS · ").next().unwrap_or_default();
        let shown = format!("{name}: kubectl {code}: {user}{complained}ours: {side}{errors}");
        let alike = match expected {
            Ok(part) => code == 0 && user.contains(part) && side.contains(&format!("reached as {user}")),
            Err(part) => {
                code != 0 && side.contains("NOT reached") && side.contains(&part.replace("HOME", &home))
            }
        };
        if !alike {
            wrong.push(shown);
        }
    }
    println!("{} set-ups beside kubectl", TABLE.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}
