//! Which endpoint is asked and as whom: flags, configuration, kubeconfig, environment and profiles in order.

use std::path::Path;
use std::process::Command;

use crate::support::Request;
use crate::support::Server;
use crate::support::kubeconfig;
use crate::support::nowhere;
use crate::support::program;
use crate::support::said;
use crate::world;
use crate::world::GROUP;

const CREDENTIALS: &str = "\
[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n\
[ops]\naws_access_key_id = AKIAOPS\naws_secret_access_key = s\n\
[dev]\naws_access_key_id = AKIADEV\naws_secret_access_key = s\n";

/// The folder of a user with three profiles, and both outsides.
struct Home {
    folder: tempfile::TempDir,
    server: Server,
}

impl Home {
    /// `user` is the user of the kubeconfig, `profiles` the file of profiles; `URL` there is the server.
    fn new(user: &str, profiles: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(world::whole);
        kubeconfig(folder.path(), &server.url(), user);
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("credentials", CREDENTIALS);
        write("profiles", &profiles.replace("URL", &server.url()));
        Self { folder, server }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Looks at the group, with these further arguments.
    fn get(&self, arguments: &[&str]) -> Command {
        let all: Vec<&str> = ["get", GROUP, "-o", "json", "--kubeconfig", "kubeconfig.yaml"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let mut command = program(self.path(), &all);
        command.env("AWS_SHARED_CREDENTIALS_FILE", "credentials").env("AWS_CONFIG_FILE", "profiles");
        command
    }

    /// The calls to load balancing that arrived.
    fn calls(&self) -> Vec<Request> {
        let load_balancing = |it: &Request| {
            it.method == "POST" && it.parameter("Action").is_some_and(|it| it.starts_with("Describe"))
        };
        self.server.seen().into_iter().filter(load_balancing).collect()
    }

    /// The access key of every call; all calls are made as the same.
    fn key(&self) -> String {
        let key = |it: &Request| {
            let signature = it.header("authorization").unwrap_or_default();
            signature.split("Credential=").nth(1).unwrap_or_default().split('/').next().unwrap().to_owned()
        };
        let mut keys: Vec<String> = self.calls().iter().map(key).collect();
        keys.dedup();
        keys.join(" and ")
    }
}

fn run(command: &mut Command) -> String {
    let (code, stdout, stderr) = said(&command.output().unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    stdout
}

const TOKEN: &str = "{token: t}";
/// A login command for EKS that gives a token.
const LOGIN: &str = r#"{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: /bin/sh, args: [-c, 'echo "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}"', aws, --profile, ops, --region, eu-north-1]}}"#;

#[test]
fn a_profile_that_is_asked_for_wins_over_keys_of_the_environment() {
    let home = Home::new(TOKEN, "");
    let environment = |command: &mut Command| {
        command.env("AWS_ENDPOINT_URL", home.server.url());
        run(command.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "s"));
    };
    environment(&mut home.get(&["--profile", "dev"]));
    assert_eq!(home.key(), "AKIADEV");
    let home = Home::new(TOKEN, "");
    let mut command = home.get(&[]);
    command.env("AWS_ENDPOINT_URL", home.server.url());
    run(command.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "s"));
    assert_eq!(home.key(), "AKIAENVIRONMENT");
}

#[test]
fn the_login_command_of_the_kubeconfig_says_who_to_be() {
    let home = Home::new(LOGIN, "");
    run(home.get(&[]).env("AWS_ENDPOINT_URL", home.server.url()));
    assert_eq!(home.key(), "AKIAOPS");
    let identity = home.server.seen().into_iter().find(|it| it.body.contains("GetCallerIdentity")).unwrap();
    assert!(identity.header("authorization").unwrap().contains("/eu-north-1/sts/"));
    assert!(home.calls()[0].header("authorization").unwrap().contains("/eu-west-1/"));
}

#[test]
fn the_configuration_of_a_context_wins_over_its_login_command_and_flags_win_over_both() {
    let config = "[contexts.here]\nprofile = \"dev\"\nregion = \"eu-south-1\"\n";
    for (arguments, key, region) in [
        (&[][..], "AKIADEV", "eu-south-1"),
        (&["--profile", "default", "--region", "us-east-2"][..], "AKIADEFAULT", "us-east-2"),
    ] {
        let home = Home::new(LOGIN, "");
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        run(home
            .get(arguments)
            .env("AWS_ENDPOINT_URL", home.server.url())
            .env("TGSCOPE_CONFIG", "config.toml"));
        assert_eq!(home.key(), key);
        let identity =
            home.server.seen().into_iter().find(|it| it.body.contains("GetCallerIdentity")).unwrap();
        assert!(identity.header("authorization").unwrap().contains(&format!("/{region}/sts/")));
    }
}

#[test]
fn a_profile_may_name_the_endpoint_of_the_service_as_the_aws_cli_reads_it() {
    let profiles = "[default]\nservices = private\nregion = eu-west-1\n[services private]\n\
        elastic_load_balancing_v2 =\n  endpoint_url = URL\nsts =\n  endpoint_url = URL\n";
    let home = Home::new(TOKEN, profiles);
    run(&mut home.get(&[]));
    assert!(!home.calls().is_empty());
    let home = Home::new(TOKEN, "[default]\nendpoint_url = URL\n");
    run(&mut home.get(&[]));
    assert!(!home.calls().is_empty());
}

#[test]
fn the_endpoint_of_the_service_wins_over_that_of_all_services_and_the_flag_over_both() {
    let home = Home::new(TOKEN, "");
    let mut command = home.get(&[]);
    command.env("AWS_ENDPOINT_URL", nowhere()).env("AWS_ENDPOINT_URL_STS", home.server.url());
    run(command.env("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", home.server.url()));
    assert!(!home.calls().is_empty());
    let home = Home::new(TOKEN, "[default]\nendpoint_url = http://127.0.0.1:9\n");
    let mut command = home.get(&["--endpoint-url", &home.server.url()]);
    command.env("AWS_ENDPOINT_URL", nowhere()).env("AWS_ENDPOINT_URL_STS", nowhere());
    command.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    run(command.env("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2", nowhere()));
    assert!(!home.calls().is_empty());
}

#[test]
fn configured_endpoints_can_be_ignored() {
    let profiles = "[default]\nservices = private\n[services private]\nelastic_load_balancing_v2 =\n  endpoint_url = URL\n";
    let home = Home::new(TOKEN, profiles);
    // What is meant for AWS itself goes to this proxy, and no further.
    let proxy = Server::start(|_| crate::support::answer(403, "no"));
    let mut command = home.get(&[]);
    command.env("AWS_ENDPOINT_URL", home.server.url()).env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    let output = command.env("HTTPS_PROXY", proxy.url()).env("NO_PROXY", "127.0.0.1").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(home.calls().len(), 0);
    let asked: Vec<Request> = proxy.seen();
    assert!(
        asked.iter().any(|it| it.target == "elasticloadbalancing.eu-west-1.amazonaws.com:443"),
        "{asked:?}"
    );
}

#[test]
fn a_configuration_with_an_unknown_key_ends_the_program_and_names_the_line() {
    let home = Home::new(TOKEN, "");
    std::fs::write(home.path().join("config.toml"), "[aws]\nburst = 5\nspeed = 3\n").unwrap();
    let (code, stdout, stderr) = said(&home.get(&[]).env("TGSCOPE_CONFIG", "config.toml").output().unwrap());
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("config.toml: line 3: ") && stderr.contains("speed"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_profile_that_is_not_there_is_told_with_those_that_are() {
    let home = Home::new(TOKEN, "");
    let output =
        home.get(&["--profile", "prod"]).env("AWS_ENDPOINT_URL", home.server.url()).output().unwrap();
    let (code, _, stderr) = said(&output);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("profile prod: there is no such profile (there are: default, dev, ops)"),
        "{stderr}"
    );
    assert_eq!(home.calls().len(), 0);
}
