//! Refuses answers that were cut off: the SDK takes the end of a text for the end of its lists, and a group
//! would seem to have fewer targets than it has.

use aws_sdk_elasticloadbalancingv2::config::ConfigBag;
use aws_sdk_elasticloadbalancingv2::config::Intercept;
use aws_sdk_elasticloadbalancingv2::config::RuntimeComponents;
use aws_sdk_elasticloadbalancingv2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_elasticloadbalancingv2::error::BoxError;

/// What came instead of a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Cut(&'static str);

/// Looks at how an answer ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        // What could not be read to its end has an error of its own.
        let Some(body) = response.body().bytes() else { return Ok(()) };
        let body = body.trim_ascii_end();
        match !response.status().is_success() || body.ends_with(b"Response>") {
            true => Ok(()),
            false if body.is_empty() => Err(Cut("an empty answer").into()),
            false if !body.starts_with(b"<") || body.starts_with(b"<html") || body.starts_with(b"<!") => {
                Err(Cut("an answer that is no AWS answer").into())
            }
            false => Err(Cut("an answer that ends too early").into()),
        }
    }
}
