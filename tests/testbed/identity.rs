//! Identities as people have them, beside botocore: the same principal in the same region, or a refusal that says more.

use std::process::Command;

use super::support::Settings;
use super::support::attempt;
use super::support::bed;
use super::support::run;

/// What a set-up comes to.
#[derive(Clone, Copy)]
enum Comes {
    /// To the principal and region that botocore has.
    Alike,
    /// To a refusal, as in botocore, that says this.
    Refused(&'static str),
    /// Botocore gives up where we go on, or the other way round; what we say, and why that is right.
    Otherwise(&'static str),
}

/// A name, the files, the environment beside them, a profile by flag, and what it comes to. `KEY`, `SECRET` and the like are
/// put in.
struct SetUp {
    name: &'static str,
    config: &'static str,
    credentials: &'static str,
    environment: &'static [(&'static str, &'static str)],
    flag: Option<&'static str>,
    comes: Comes,
}

const fn of(name: &'static str, config: &'static str, comes: Comes) -> SetUp {
    SetUp { name, config, credentials: "", environment: &[], flag: None, comes }
}

impl SetUp {
    const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    const fn with(self, environment: &'static [(&'static str, &'static str)]) -> Self {
        Self { environment, ..self }
    }

    const fn and(self, credentials: &'static str) -> Self {
        Self { credentials, ..self }
    }
}

use Comes::Alike;
use Comes::Otherwise;
use Comes::Refused;

const KEYS: &str = "aws_access_key_id = JANE_KEY\naws_secret_access_key = JANE_SECRET\n";
const ENVIRONMENT: &[(&str, &str)] =
    &[("AWS_ACCESS_KEY_ID", "JOE_KEY"), ("AWS_SECRET_ACCESS_KEY", "JOE_SECRET")];

/// `KEYS` stands for Jane's key and secret.
const TABLE: &[SetUp] = &[
    of("nothing at all", "", Refused("there are no keys in the environment")),
    of("keys of the environment", "", Alike).with(ENVIRONMENT),
    of("the default profile of the configuration", "[default]\nregion = eu-west-1\nKEYS", Alike),
    of("the default profile of the credentials file", "[default]\nregion = eu-west-1\n", Alike).and("[default]\nKEYS"),
    of("credentials go before the configuration", "[default]\nregion = eu-west-1\naws_access_key_id = JOE_KEY\naws_secret_access_key = JOE_SECRET\n", Alike)
        .and("[default]\nKEYS"),
    of("keys of the environment before a profile that the environment names", "[profile ops]\nregion = eu-west-1\nKEYS", Alike)
        .with(&[("AWS_ACCESS_KEY_ID", "JOE_KEY"), ("AWS_SECRET_ACCESS_KEY", "JOE_SECRET"), ("AWS_PROFILE", "ops")]),
    of("a profile by flag before keys of the environment", "[profile ops]\nregion = eu-west-1\nKEYS", Alike)
        .flag("ops")
        .with(ENVIRONMENT),
    of("AWS_PROFILE", "[profile ops]\nregion = eu-west-1\nKEYS", Alike).with(&[("AWS_PROFILE", "ops")]),
    of("AWS_DEFAULT_PROFILE", "[profile ops]\nregion = eu-west-1\nKEYS", Alike).with(&[("AWS_DEFAULT_PROFILE", "ops")]),
    // The SDK leaves such a profile out.
    of("a profile with a blank in its name", "[profile \"my ops\"]\nregion = eu-west-1\nKEYS", Otherwise("names with blanks are not read")).flag("my ops"),
    of("a profile that does not exist", "[default]\nKEYS", Refused("nobody")).flag("nobody"),
    of("a profile of the environment that does not exist", "[default]\nKEYS", Refused("nobody"))
        .with(&[("AWS_PROFILE", "nobody")]),
    of("half a key", "[default]\nregion = eu-west-1\naws_access_key_id = AKIA\n", Refused("aws_secret_access_key")),
    of("a role by the keys of another profile", "[profile base]\nKEYS[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\n", Alike)
        .flag("ops"),
    of("the same by the environment", "[profile base]\nKEYS[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\n", Alike)
        .with(&[("AWS_PROFILE", "ops")]),
    of("a role of a role", "[profile base]\nKEYS[profile middle]\nrole_arn = ROLE/middle\nsource_profile = base\n[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/last\nsource_profile = middle\n", Alike)
        .flag("ops"),
    of("a role by its own keys", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = ops\nKEYS", Alike).flag("ops"),
    of("a role by keys of the environment", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\ncredential_source = Environment\n", Alike)
        .flag("ops")
        .with(ENVIRONMENT),
    of("a role with session name, external id and duration", "[profile base]\nKEYS[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\nrole_session_name = tester\nexternal_id = xyz\nduration_seconds = 900\n", Alike)
        .flag("ops"),
    of("a role whose source is in the credentials file", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\n", Alike)
        .flag("ops")
        .and("[base]\nKEYS"),
    of("a role whose source does not exist", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = gone\n", Refused("gone")).flag("ops"),
    of("roles in a circle", "[profile a]\nrole_arn = ROLE/a\nsource_profile = b\n[profile b]\nrole_arn = ROLE/b\nsource_profile = a\n", Refused("profile")).flag("a"),
    of("a role that names no source", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\n", Refused("ops")).flag("ops"),
    of("a role that asks for MFA", "[profile base]\nKEYS[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/jane\n", Refused("wants a code of arn:aws:iam::123456789012:mfa/jane")).flag("ops"),
    of("web identity of the environment", "", Alike)
        .with(&[("AWS_WEB_IDENTITY_TOKEN_FILE", "HOME/token"), ("AWS_ROLE_ARN", "ROLE/pod"), ("AWS_ROLE_SESSION_NAME", "pod")]),
    of("web identity of a profile", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/pod\nweb_identity_token_file = HOME/token\nrole_session_name = pod\n", Alike).flag("ops"),
    of("web identity without its token", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/pod\nweb_identity_token_file = HOME/none\n", Refused("HOME/none")).flag("ops"),
    of("a credential_process", "[profile ops]\nregion = eu-west-1\ncredential_process = HOME/process good\n", Alike).flag("ops"),
    of("a credential_process of the credentials file", "[profile ops]\nregion = eu-west-1\n", Alike)
        .flag("ops")
        .and("[ops]\ncredential_process = HOME/process good\n"),
    of("a role by a credential_process", "[profile base]\ncredential_process = HOME/process good\n[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\n", Alike)
        .flag("ops"),
    of("a credential_process that fails", "[profile ops]\nregion = eu-west-1\ncredential_process = HOME/process bad\n", Refused("no luck today")).flag("ops"),
    of("a credential_process that prints anything", "[profile ops]\nregion = eu-west-1\ncredential_process = HOME/process noise\n", Refused("credential_process")).flag("ops"),
    of("a credential_process that is not there", "[profile ops]\nregion = eu-west-1\ncredential_process = HOME/nothing\n", Refused("HOME/nothing")).flag("ops"),
    of("SSO with a session, not logged in", "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n[profile ops]\nregion = eu-west-1\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = reader\n", Refused("aws sso login")).flag("ops"),
    of("SSO of the old form, not logged in", "[profile ops]\nregion = eu-west-1\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\nsso_account_id = 123456789012\nsso_role_name = reader\n", Refused("aws sso login --profile ops")).flag("ops"),
    of("a role by SSO, not logged in", "[profile base]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\nsso_account_id = 123456789012\nsso_role_name = reader\n[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\nsource_profile = base\n", Refused("aws sso login --profile base")).flag("ops"),
    of("a role by the machine, where there is none", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\ncredential_source = Ec2InstanceMetadata\n", Refused("no instance gives credentials")).flag("ops"),
    of("a role by a container, where there is none", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\ncredential_source = EcsContainer\n", Refused("container")).flag("ops"),
    of("a source nobody knows", "[profile ops]\nregion = eu-west-1\nrole_arn = ROLE/reader\ncredential_source = Moon\n", Refused("Moon")).flag("ops"),
    of("a profile of `aws login`, not logged in", "[profile ops]\nregion = eu-west-1\nlogin_session = arn:aws:iam::123456789012:user/jane\n", Otherwise("aws login")).flag("ops"),
];

/// A principal without the name of its session, which everybody chooses.
fn principal(arn: &str) -> String {
    match arn.split(":assumed-role/").collect::<Vec<_>>().as_slice() {
        [account, role] => format!("{account}:assumed-role/{}", role.split('/').next().unwrap_or_default()),
        _ => arn.to_owned(),
    }
}

/// A user with a key of its own.
fn user(name: &str) -> (String, String) {
    run("aws", &["iam", "create-user", "--user-name", name]);
    let key = run("aws", &["--output", "json", "iam", "create-access-key", "--user-name", name]);
    let key: serde_json::Value = serde_json::from_str(&key).unwrap();
    let text = |field: &str| key["AccessKey"][field].as_str().unwrap().to_owned();
    (text("AccessKeyId"), text("SecretAccessKey"))
}

const PROCESS: &str = "#!/bin/sh\ncase $1 in\n\
    good) printf '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"}' JANE_KEY JANE_SECRET ;;\n\
    bad) echo 'no luck today' >&2; exit 3 ;;\n\
    noise) echo hello ;;\nesac\n";

#[test]
fn everybody_is_who_the_aws_cli_says_in_the_same_region_or_is_told_more_of_why_not() {
    let _ = bed();
    let ((jane, jane_secret), (joe, joe_secret)) = (user("identity-jane"), user("identity-joe"));
    let python = std::env::var("TGSCOPE_TESTBED_PYTHON").unwrap();
    let script = format!("{}/tests/testbed/identity.py", env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for it in TABLE {
        let mut settings = Settings::new();
        let home = settings.home().to_string_lossy().into_owned();
        let filled = |text: &str| {
            text.replace("KEYS", KEYS)
                .replace("JANE_KEY", &jane)
                .replace("JANE_SECRET", &jane_secret)
                .replace("JOE_KEY", &joe)
                .replace("JOE_SECRET", &joe_secret)
                .replace("HOME", &home)
                .replace("ROLE", "arn:aws:iam::123456789012:role")
        };
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"] {
            settings = settings.without(name);
        }
        if it.config.is_empty() {
            settings = settings.with("AWS_REGION", "eu-west-1").with("AWS_DEFAULT_REGION", "eu-west-1");
        }
        let config = settings.file("aws-config", &filled(it.config));
        let credentials = settings.file("aws-credentials", &filled(it.credentials));
        settings.file("token", "a-token");
        let process = settings.file("process", &filled(PROCESS));
        run("chmod", &["+x", &process]);
        settings = settings.with("AWS_CONFIG_FILE", config).with("AWS_SHARED_CREDENTIALS_FILE", credentials);
        for (name, value) in it.environment {
            settings = settings.with(name, filled(value));
        }
        let mut theirs = Command::new(&python);
        theirs.arg(&script).args(it.flag).env_clear().envs(&settings.variables).current_dir(settings.home());
        let (code, said, complained) = attempt(&mut theirs, None);
        let flags: Vec<&str> = it.flag.iter().flat_map(|it| ["--profile", it]).collect();
        let (_, ours, errors) = settings.tgscope(&[&["doctor"], flags.as_slice()].concat());
        let aws = ours.split("AWS · ").nth(1).unwrap_or_default();
        let region = aws.split([' ', '\n']).next().unwrap_or_default();
        let who = aws.split("reached as ").nth(1).and_then(|it| it.lines().next()).unwrap_or_default();
        let shown = format!("{}: botocore: {said}{complained}ours: {aws}{errors}", it.name);
        match it.comes {
            Alike => {
                let lines: Vec<&str> = said.lines().collect();
                let expected = (lines.first().map(|it| principal(it)), lines.get(1).copied());
                if code != 0 || expected != (Some(principal(who)), Some(region)) {
                    wrong.push(shown);
                }
            }
            Refused(text) => {
                let says = aws.contains(&filled(text)) && aws.contains("NOT reached");
                let debugs = aws.contains("HTTPS_PROXY") || aws.contains("Error {") || aws.contains("Some(");
                if code == 0 || !says || debugs {
                    wrong.push(shown);
                }
            }
            Otherwise(text) => {
                if !aws.contains(text) || !aws.contains("NOT reached") {
                    wrong.push(shown);
                }
            }
        }
    }
    println!("{} set-ups beside botocore", TABLE.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}
