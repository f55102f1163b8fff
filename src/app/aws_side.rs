//! What is known of the AWS side before anything was read from it.

/// Where calls to AWS go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSide {
    /// When it is not AWS's own.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub profile: Option<String>,
}
