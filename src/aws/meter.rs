//! Counts what really goes over the wire, attempts included: the budget belongs to the whole account.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use aws_sdk_elasticloadbalancingv2::config::ConfigBag;
use aws_sdk_elasticloadbalancingv2::config::Intercept;
use aws_sdk_elasticloadbalancingv2::config::RuntimeComponents;
use aws_sdk_elasticloadbalancingv2::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_elasticloadbalancingv2::error::BoxError;

/// Attempts sent since the start of the program.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
