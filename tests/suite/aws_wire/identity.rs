//! Who is asked as: every form of profile, however it is named, and what is said of the step that fails.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tgscope::aws::Session;
use tgscope::aws::Settings;
use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::facts::time::Timestamp;

use super::arn;
use crate::support::Answer;
use crate::support::Request;
use crate::support::Server;
use crate::support::answer;
use crate::support::kubeconfig;
use crate::support::program;
use crate::support::said;
use crate::world;
use crate::world::GROUP;
use crate::world::refused;
use crate::world::xml;

/// Where tokens of IAM Identity Center are kept: by session and, in the older form, by address.
const TOKENS: [&str; 2] =
    ["ee0bfd2552fbd840c02cc48b6e823320543c450f.json", "f7c9b39d0b4c7a7d82c79307585f77e1c5e74378.json"];

/// `[profile base]` and what stands on it.
const PROFILES: &str = "\
[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n\
[profile ops]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = base\n\
[profile far]\nrole_arn = arn:aws:iam::111122223333:role/far\nsource_profile = ops\nexternal_id = x\n\
[profile closed]\nrole_arn = arn:aws:iam::111122223333:role/closed\nsource_profile = base\n\
[profile behind-closed]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = closed\n\
[profile own]\nrole_arn = arn:aws:iam::111122223333:role/own\nsource_profile = own\naws_access_key_id = AKIAX\naws_secret_access_key = s\n\
[profile environment]\nrole_arn = arn:aws:iam::111122223333:role/environment\ncredential_source = Environment\n\
[profile odd-source]\nrole_arn = arn:aws:iam::111122223333:role/odd\ncredential_source = Nowhere\n\
[profile mfa]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = base\nmfa_serial = arn:aws:iam::111122223333:mfa/mia\n\
[profile ring]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = ring2\n\
[profile ring2]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = ring\n\
[profile lost]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = gone\n\
[profile alone]\nrole_arn = arn:aws:iam::111122223333:role/ops\n\
[profile half]\naws_access_key_id = AKIAHALF\n\
[profile token]\nrole_arn = arn:aws:iam::111122223333:role/token\nweb_identity_token_file = FOLDER/token\n\
[profile no-token]\nrole_arn = arn:aws:iam::111122223333:role/token\nweb_identity_token_file = FOLDER/nothing\n\
[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = sso\n\
[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n\
[profile old-sso]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = old\n\
[profile no-session]\nsso_session = other\nsso_account_id = 111122223333\nsso_role_name = sso\n\
[profile login]\nlogin_session = arn:aws:iam::111122223333:user/mia\n\
[profile process]\ncredential_process = FOLDER/gives AKIAPROCESS\n\
[profile on-process]\nrole_arn = arn:aws:iam::111122223333:role/upon\nsource_profile = process\n\
[profile missing]\ncredential_process = FOLDER/no-such-command\n\
[profile fails]\ncredential_process = FOLDER/fails\n\
[profile talks]\ncredential_process = echo LOUD\n";

/// STS and IAM Identity Center give keys that tell the role; everything else is the world of the other tests.
fn outside(request: &Request) -> Answer {
    let keys = |role: &str| format!("AKIA{}", role.rsplit('/').next().unwrap_or_default().to_uppercase());
    if request.path().starts_with("/federation/credentials") {
        let role = request.target.split("role_name=").nth(1).unwrap().split('&').next().unwrap();
        let body = format!(
            r#"{{"roleCredentials":{{"accessKeyId":"{}","secretAccessKey":"s","sessionToken":"t","expiration":32503680000000}}}}"#,
            keys(role)
        );
        return answer(200, body);
    }
    match request.parameter("Action").as_deref() {
        Some(action @ ("AssumeRole" | "AssumeRoleWithWebIdentity")) => {
            let role = request.parameter("RoleArn").unwrap();
            if role.ends_with("/closed") {
                let who =
                    "User: arn:aws:iam::111122223333:user/mia is not authorized to perform: sts:AssumeRole";
                return refused(403, "AccessDenied", &format!("{who} on resource: {role}"));
            }
            let end = "<Expiration>2999-01-01T00:00:00Z</Expiration>";
            let key = keys(&role);
            xml(
                action,
                &format!(
                    "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>{end}</Credentials>"
                ),
            )
        }
        _ => world::whole(request),
    }
}

/// A home with these profiles, logged in to IAM Identity Center, with commands that give credentials and that do not.
fn home(server: &Server, user: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    kubeconfig(path, &server.url(), user);
    std::fs::write(path.join("profiles"), PROFILES.replace("FOLDER", path.to_str().unwrap())).unwrap();
    std::fs::write(path.join("token"), "a.web.token\n").unwrap();
    let cache = path.join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = r#"{"accessToken":"t","expiresAt":"2999-01-01T00:00:00Z","region":"eu-west-1","startUrl":"https://corp.example/start"}"#;
    for name in TOKENS {
        std::fs::write(cache.join(name), token).unwrap();
    }
    let gives = r#"#!/bin/sh
echo x >> "$(dirname "$0")/runs"
echo "{\"Version\":1,\"AccessKeyId\":\"$1\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\"}"
"#;
    for (name, text) in
        [("gives", gives), ("fails", "#!/bin/sh\necho first >&2\necho the vault is sealed >&2\nexit 3\n")]
    {
        std::fs::write(path.join(name), text).unwrap();
        std::fs::set_permissions(path.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn get(server: &Server, folder: &Path, arguments: &[&str]) -> Command {
    let mut all = vec!["get", GROUP, "-o", "json", "--kubeconfig", "kubeconfig.yaml"];
    all.extend(arguments);
    let mut command = program(folder, &all);
    command.env("HOME", folder).env("AWS_CONFIG_FILE", "profiles").env("AWS_SHARED_CREDENTIALS_FILE", "none");
    command.env("AWS_ENDPOINT_URL", server.url()).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// The access keys of the calls to load balancing.
fn keys(server: &Server) -> String {
    let calls = server.seen();
    let describes =
        calls.iter().filter(|it| it.parameter("Action").is_some_and(|it| it.starts_with("Describe")));
    let key = |it: &Request| {
        let signature = it.header("authorization").unwrap_or_default();
        signature.split("Credential=").nth(1).unwrap_or_default().split('/').next().unwrap().to_owned()
    };
    describes.map(key).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" and ")
}

const TOKEN: &str = "{token: t}";

/// A login command for EKS with these words and variables.
fn login(words: &str, variables: &str) -> String {
    let prints = r#"'echo "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}"'"#;
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: /bin/sh, args: [-c, {prints}, aws, {words}], env: [{variables}]}}}}"
    )
}

#[test]
fn every_form_of_profile_comes_to_its_credentials() {
    for (profile, key) in [
        ("base", "AKIABASE"),
        ("ops", "AKIAOPS"),
        ("far", "AKIAFAR"),
        ("own", "AKIAOWN"),
        ("token", "AKIATOKEN"),
        ("sso", "AKIASSO"),
        ("old-sso", "AKIAOLD"),
        ("process", "AKIAPROCESS"),
        ("on-process", "AKIAUPON"),
    ] {
        let server = Server::start(outside);
        let folder = home(&server, TOKEN);
        let (code, stdout, stderr) =
            said(&get(&server, folder.path(), &["--profile", profile]).output().unwrap());
        assert_eq!(code, Some(0), "{profile}: {stdout}{stderr}");
        assert_eq!(keys(&server), key, "{profile}");
    }
}

#[test]
fn a_profile_is_the_same_however_it_is_named_and_keys_of_the_environment_go_before_a_hint() {
    let flag = login("--profile, ops", "");
    let variable = login("eks", "{name: AWS_PROFILE, value: ops}");
    let with_keys = &[("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"), ("AWS_SECRET_ACCESS_KEY", "s")][..];
    let named = &[("AWS_PROFILE", "ops")][..];
    let both = &[with_keys, named].concat()[..];
    let config = &[("TGSCOPE_CONFIG", "config.toml")][..];
    for (what, user, arguments, variables, key) in [
        ("flag", TOKEN, &["--profile", "ops"][..], &[][..], "AKIAOPS"),
        ("flag and keys", TOKEN, &["--profile", "ops"], with_keys, "AKIAOPS"),
        ("variable", TOKEN, &[], named, "AKIAOPS"),
        ("variable and keys", TOKEN, &[], both, "AKIAENVIRONMENT"),
        ("configuration", TOKEN, &[], config, "AKIAOPS"),
        ("words of the login", &flag, &[], &[], "AKIAOPS"),
        ("words of the login and keys", &flag, &[], with_keys, "AKIAOPS"),
        ("variable of the login", &variable, &[], &[], "AKIAOPS"),
        ("variable of the login and keys", &variable, &[], with_keys, "AKIAENVIRONMENT"),
        ("keys for a role", TOKEN, &["--profile", "environment"], with_keys, "AKIAENVIRONMENT"),
    ] {
        let server = Server::start(outside);
        let folder = home(&server, user);
        std::fs::write(folder.path().join("config.toml"), "[contexts.here]\nprofile = \"ops\"\n").unwrap();
        let mut command = get(&server, folder.path(), arguments);
        let (code, stdout, stderr) = said(&command.envs(variables.iter().copied()).output().unwrap());
        assert_eq!(code, Some(0), "{what}: {stdout}{stderr}");
        assert_eq!(keys(&server), key, "{what}");
    }
}

#[test]
fn the_step_that_fails_is_named_with_what_to_do() {
    for (profile, says) in [
        ("nobody", "profile nobody: there is no such profile (there are: alone, base, "),
        (
            "closed",
            "profile closed: role arn:aws:iam::111122223333:role/closed refused: User: arn:aws:iam::111122223333:user/mia is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/closed (its trust policy",
        ),
        ("behind-closed", "profile closed: role arn:aws:iam::111122223333:role/closed refused: "),
        (
            "odd-source",
            "profile odd-source: credential_source \"Nowhere\" is unknown (use Environment, EcsContainer or Ec2InstanceMetadata)",
        ),
        (
            "environment",
            "profile environment: its credential_source is Environment, but AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
        ),
        (
            "mfa",
            "profile mfa: role arn:aws:iam::111122223333:role/ops wants a code of arn:aws:iam::111122223333:mfa/mia, and tgscope asks for none (eval \"$(aws configure export-credentials --profile mfa --format env)\")",
        ),
        ("ring", "profile ring: its source profiles form a ring: ring → ring2 → ring"),
        ("lost", "profile lost: its source_profile gone does not exist"),
        ("alone", "profile alone: it has a role_arn, but does not say whose credentials assume the role"),
        (
            "half",
            "profile half: it has one of aws_access_key_id and aws_secret_access_key, but not the other",
        ),
        ("no-token", "profile no-token: its web_identity_token_file "),
        ("no-session", "profile no-session: its sso_session other does not exist"),
        (
            "sso",
            "profile sso: not logged in to IAM Identity Center (session corp) (aws sso login --profile sso)",
        ),
        (
            "old-sso",
            "profile old-sso: not logged in to IAM Identity Center (https://corp.example/start) (aws sso login --profile old-sso)",
        ),
        (
            "login",
            "profile login: not logged in as arn:aws:iam::111122223333:user/mia (aws login --profile login)",
        ),
        ("missing", "profile missing: the command of its credential_process, "),
        ("fails", "profile fails: its credential_process failed with exit code 3: the vault is sealed"),
        ("talks", "profile talks: its credential_process printed no credentials"),
    ] {
        let server = Server::start(outside);
        let folder = home(&server, TOKEN);
        std::fs::remove_dir_all(folder.path().join(".aws")).unwrap();
        let (code, _, stderr) = said(&get(&server, folder.path(), &["--profile", profile]).output().unwrap());
        assert_eq!(code, Some(2), "{profile}: {stderr}");
        assert!(stderr.contains(says), "{profile}: {stderr}");
        // The same at every call, and nothing of what is no network fault is blamed on the network.
        let lines: BTreeSet<&str> =
            stderr.lines().filter_map(|it| it.split_once(": ")).map(|it| it.1).collect();
        assert_eq!(lines.len(), 1, "{profile}: {stderr}");
        assert!(!stderr.contains("HTTPS_PROXY") && !stderr.contains("LOUD"), "{profile}: {stderr}");
        assert_eq!(keys(&server), "", "{profile}");
    }
}

#[test]
fn a_login_command_is_run_once_for_many_calls() {
    let server = Server::start(outside);
    let folder = home(&server, TOKEN);
    said(&get(&server, folder.path(), &["--profile", "process"]).output().unwrap());
    assert_eq!(std::fs::read_to_string(folder.path().join("runs")).unwrap(), "x\n");
    assert!(server.seen().len() > 3);
}

#[tokio::test]
async fn a_role_of_a_binding_that_is_only_for_the_controller_is_a_refusal_and_no_network_fault() {
    let server = Server::start(outside);
    let settings = Settings {
        endpoint: Some(server.url()),
        keys: Some(("AKIAOWN".to_owned(), "s".to_owned())),
        ..Settings::default()
    };
    let session = Session::open(settings).await;
    let role = "arn:aws:iam::444455556666:role/closed";
    let asked = Timestamp(1_000);
    for _ in 0..2 {
        let failure = session.of(&arn(), Some((role, None))).targets(&arn(), asked).await.unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Denied);
        assert!(failure.message.starts_with(&format!("role {role} refused: User: ")), "{failure:?}");
        let hint = failure.hint.unwrap();
        assert!(
            hint.contains("the controller may be allowed") && hint.contains("account 444455556666"),
            "{hint}"
        );
    }
    // Asked once: it is not tried again for each call.
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn whoever_never_answers_is_given_up_and_named() {
    let server = Server::start(|request| match request.path().starts_with("/federation") {
        true => Answer::Never,
        false => outside(request),
    });
    let folder = home(&server, TOKEN);
    let (code, _, stderr) = said(&get(&server, folder.path(), &["--profile", "sso"]).output().unwrap());
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("profile sso: no answer with credentials within 15 s"), "{stderr}");
    assert_eq!(keys(&server), "");
}

#[test]
fn credentials_that_end_soon_are_not_asked_for_at_every_call() {
    let server = Server::start(outside);
    let folder = home(&server, TOKEN);
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(90);
    let script = std::fs::read_to_string(folder.path().join("gives")).unwrap();
    let short =
        script.replace("\\\"Version\\\":1", &format!("\\\"Version\\\":1,\\\"Expiration\\\":\\\"{soon}\\\""));
    assert_ne!(short, script);
    std::fs::write(folder.path().join("gives"), short).unwrap();
    let (code, stdout, stderr) =
        said(&get(&server, folder.path(), &["--profile", "process"]).output().unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert_eq!(std::fs::read_to_string(folder.path().join("runs")).unwrap(), "x\n");
}
