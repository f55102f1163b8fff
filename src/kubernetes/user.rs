//! What a kubeconfig says of a server and how to log in, made so that the client library takes it as kubectl does; and of
//! a login that failed, how.

use std::error::Error;
use std::io;
use std::time::Duration;

use kube::client::AuthError;
use kube::config::AuthInfo;
use kube::config::Cluster;
use kube::config::ExecConfig;
use kube::config::ExecInteractiveMode;
use secrecy::ExposeSecret;
use secrecy::SecretString;

use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::failure::causes;
use crate::limits;
use crate::login;
use crate::login::Runner;

/// The operation of a failure before there is a connection.
pub(super) const CONNECTING: &str = "connect to the cluster";

/// What to do about a login command that failed.
const BY_HAND: &str = "run it yourself to see what it says; for EKS, aws sso login first";

/// A login command as the kubeconfig has it, for words.
#[derive(Clone, Debug, Default)]
pub(super) struct Plugin {
    pub(super) command: Option<String>,
    /// How to install it, as the kubeconfig says.
    pub(super) install_hint: Option<String>,
}

impl From<&ExecConfig> for Plugin {
    fn from(exec: &ExecConfig) -> Self {
        Self { command: exec.command.clone(), install_hint: exec.install_hint.clone() }
    }
}

/// A server without a scheme, which the client library does not take: HTTPS where anything of TLS is said, as in kubectl.
pub(super) fn complete(cluster: &mut Cluster) {
    let with_tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true);
    if let Some(server) = cluster.server.as_mut().filter(|it| !it.is_empty() && !it.contains("://")) {
        let scheme = if with_tls { "https" } else { "http" };
        *server = format!("{scheme}://{server}");
    }
}

/// A user as the client library takes it: no white space around a token, and a login command that stays off the terminal.
pub(super) async fn settle(user: &mut AuthInfo, runner: &Runner, limit: Duration) -> Result<(), Failure> {
    if let Some(token) = &user.token {
        user.token = Some(clean(token.expose_secret(), "the token of the kubeconfig's user")?);
    }
    // One that an editor left a line break in is read once; the library reads the others again by itself.
    if let Some(file) = user.token_file.as_ref().filter(|_| user.token.is_none())
        && let Ok(text) = tokio::fs::read_to_string(file).await
        && text.trim() != text
    {
        user.token = Some(clean(&text, &format!("the token in {file}"))?);
    }
    if let Some(exec) = &mut user.exec {
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
        apart(exec, runner, limit);
    }
    Ok(())
}

/// The library would panic over a token that no header can hold.
fn clean(token: &str, what: &str) -> Result<SecretString, Failure> {
    let token = token.trim();
    match token.chars().all(|it| it.is_ascii_graphic() || it == ' ') {
        true => Ok(SecretString::from(token.to_owned())),
        false => {
            let text = format!("{what} holds a line break or another character that no token has");
            Err(Failure::new(CONNECTING, ErrorKind::NoCredentials, &text)
                .with_hint("correct it, or log in again"))
        }
    }
}

/// Runs a login command in a session of its own.
fn apart(exec: &mut ExecConfig, runner: &Runner, limit: Duration) {
    let (Some([program, argument, seconds]), Some(command)) = (runner.words(limit), &exec.command) else {
        return;
    };
    let mut args = vec![argument, seconds, command.clone()];
    args.append(exec.args.get_or_insert_default());
    (exec.command, exec.args) = (Some(program), Some(args));
}

/// Why a login failed; `None`: the error is about something else. Of what a login command says only the last line is told
/// that it complains of: what it prints may hold secrets.
pub(super) fn refused(operation: &str, plugin: &Plugin, error: &(dyn Error + 'static)) -> Option<Failure> {
    let error = causes(error).find_map(|it| it.downcast_ref::<AuthError>())?;
    let say = |text: &str| Failure::new(operation, ErrorKind::NoCredentials, text);
    let name = plugin.command.as_ref().map_or_else(String::new, |it| format!(" {it}"));
    let of_command = |text: &str| say(&format!("the kubeconfig's login command{name} {text}"));
    let missing = || {
        let hint = plugin.install_hint.as_ref().map(|it| one_line(it));
        of_command("is not found").with_hint(hint.as_deref().unwrap_or("is it installed, and in PATH?"))
    };
    Some(match error {
        AuthError::AuthExecRun { out, .. } => match out.status.code() {
            Some(login::NOT_FOUND) => missing(),
            Some(login::ENDLESS) => {
                of_command("does not end").with_hint("run it yourself; it may be waiting for a person")
            }
            Some(login::TOO_MUCH) => {
                of_command(&format!("printed more than {}", limits::LOGIN.size())).with_hint(BY_HAND)
            }
            Some(code) => {
                let last = login::last_line(&String::from_utf8_lossy(&out.stderr));
                let said = if last.is_empty() { String::new() } else { format!(": {last}") };
                of_command(&format!("failed with exit code {code}{said}")).with_hint(BY_HAND)
            }
            None => of_command("was killed").with_hint(BY_HAND),
        },
        AuthError::AuthExecStart(cause) if cause.kind() == io::ErrorKind::NotFound => missing(),
        AuthError::AuthExecStart(cause) => {
            of_command(&format!("cannot be started: {cause}")).with_hint("see the kubeconfig")
        }
        AuthError::AuthExecParse(_)
        | AuthError::ExecPluginFailed
        | AuthError::MalformedTokenExpirationDate(_) => {
            of_command("printed no credentials (ExecCredential)").with_hint(BY_HAND)
        }
        AuthError::ReadTokenFile(cause, path) => {
            say(&format!("the token file {} cannot be read: {cause}", path.display()))
                .with_hint("is it there, and readable for you?")
        }
        AuthError::AuthExec(text) => say(text).with_hint("see the kubeconfig's user"),
        _ => say("the kubeconfig's login failed").with_hint("log in to the cluster again"),
    })
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
