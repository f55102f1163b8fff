//! The configuration file, and where files live. The file is never created; an unknown key is an error that
//! names its line.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use serde::Deserialize;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {message}")]
    Invalid { path: PathBuf, message: String },
    #[error("no home folder is known: set HOME or TGSCOPE_CONFIG")]
    NoHome,
}

/// The file, as written; everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    pub(crate) aws: Aws,
    pub(crate) probe: Probe,
    /// By the name of the kubeconfig context.
    pub(crate) contexts: BTreeMap<String, Context>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Aws {
    /// Calls a second that may be made for each account and region.
    pub(crate) calls_per_second: u32,
    /// Calls at once after a rest.
    pub(crate) burst: u32,
    /// Roles that bindings name are assumed to read and write their groups.
    pub(crate) assume_roles: bool,
}

/// When pods may be asked what a health check asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Probe {
    /// Also where nothing may be written: a probe is a request to a program, and programs differ in what they do with one.
    pub(crate) when_read_only: bool,
}

impl Default for Aws {
    fn default() -> Self {
        Self { calls_per_second: 2, burst: 10, assume_roles: true }
    }
}

/// What holds for one kubeconfig context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Context {
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<String>,
    /// Nothing may be written there.
    pub(crate) read_only: bool,
    /// What is to be written there needs the context's name typed.
    pub(crate) protected: bool,
}

/// Reads the file at TGSCOPE_CONFIG, else `tgscope/config.toml` in the user's configuration folder.
pub(crate) fn load() -> Result<Config, ConfigError> {
    if let Some(path) = std::env::var_os("TGSCOPE_CONFIG").filter(|it| !it.is_empty()) {
        return read(Path::new(&path));
    }
    let path = etcetera::base_strategy::Xdg::new()
        .map_err(|_| ConfigError::NoHome)?
        .config_dir()
        .join("tgscope/config.toml");
    match read(&path) {
        Err(ConfigError::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(Config::default())
        }
        other => other,
    }
}

fn read(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(&text).map_err(|message| ConfigError::Invalid { path: path.to_owned(), message })
}

fn parse(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|it| text.get(..it.start).unwrap_or_default().matches('\n').count() + 1);
        let line = line.map_or(String::new(), |it| format!("line {it}: "));
        format!("{line}{}", error.message())
    })?;
    match config.aws {
        Aws { calls_per_second: 0, .. } => Err("aws.calls-per-second must be at least 1".to_owned()),
        Aws { burst: 0, .. } => Err("aws.burst must be at least 1".to_owned()),
        _ => Ok(config),
    }
}

/// Where the log lives: `tgscope` in the user's state folder.
pub(crate) fn state_folder() -> Result<PathBuf, ConfigError> {
    let folders = etcetera::base_strategy::Xdg::new().map_err(|_| ConfigError::NoHome)?;
    let state = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
    Ok(state.join("tgscope"))
}

/// Where profile and region come from, first to last: the command line, the context's entry in the file,
/// the kubeconfig's login command; `None` leaves it to the SDK's own chain.
pub(crate) fn first(choices: [Option<&String>; 3]) -> Option<String> {
    choices.into_iter().flatten().find(|it| !it.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_may_be_left_out_and_a_context_may_be_named_by_an_arn() {
        assert_eq!(parse(""), Ok(Config::default()));
        let config =
            parse("[contexts.\"arn:aws:eks:eu-west-1:1:cluster/prod\"]\nprofile = \"ops\"\n").unwrap();
        assert_eq!(config.contexts["arn:aws:eks:eu-west-1:1:cluster/prod"].profile.as_deref(), Some("ops"));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let error = parse("[aws]\nburst = 5\n\n[aws.extra]\n").unwrap_err();
        assert!(error.starts_with("line 4: ") && error.contains("extra"), "{error}");
        let error = parse("[aws]\ncalls_per_second = 5\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("calls_per_second"), "{error}");
        assert_eq!(parse("[aws]\nburst = 0\n").unwrap_err(), "aws.burst must be at least 1");
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_kubeconfig() {
        let (flag, file, exec) = ("flag".to_owned(), "file".to_owned(), "exec".to_owned());
        assert_eq!(first([Some(&flag), Some(&file), Some(&exec)]).as_deref(), Some("flag"));
        assert_eq!(first([None, Some(&file), Some(&exec)]).as_deref(), Some("file"));
        assert_eq!(first([None, None, Some(&exec)]).as_deref(), Some("exec"));
        assert_eq!(first([None, None, None]), None);
    }
}
