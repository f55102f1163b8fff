//! What is known of the AWS side before anything was read from it.

/// Where calls to AWS go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSide {
    /// When it is not AWS's own.
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
}
