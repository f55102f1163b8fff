//! Refuses answers that were cut off: the SDK takes the end of a text for the end of its lists, and a group
//! would seem to have fewer targets than it has.

use aws_sdk_elasticloadbalancingv2::config::ConfigBag;
use aws_sdk_elasticloadbalancingv2::config::Intercept;
use aws_sdk_elasticloadbalancingv2::config::RuntimeComponents;
use aws_sdk_elasticloadbalancingv2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_elasticloadbalancingv2::error::BoxError;

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
        let body = response.body().bytes().unwrap_or_default().trim_ascii_end();
        match !response.status().is_success() || body.ends_with(b"Response>") {
            true => Ok(()),
            false => Err("the answer ends too early".into()),
        }
    }
}
