//! How this session reaches its clusters and AWS, as the flags that `kubectl` and `aws` take for the same: without them an
//! equivalent line would be about somebody else's world.

use serde::Deserialize;
use serde::Serialize;

/// Flags and their values, each a word of its own, unquoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// `--kubeconfig FILE`, `--as USER`, `--as-group GROUP`.
    pub kubectl: Vec<String>,
    /// `--endpoint-url URL`.
    pub aws: Vec<String>,
    /// `--profile NAME`: whom to be at AWS, unless by keys of a role.
    pub profile: Vec<String>,
    /// Roles that bindings name are not assumed.
    pub stays_itself: bool,
}

impl Manner {
    pub(crate) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
