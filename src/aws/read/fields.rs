//! Single fields of the SDK's types.

use std::sync::Arc;

pub(super) fn text(value: Option<&str>) -> Option<Arc<str>> {
    value.filter(|it| !it.is_empty()).map(Into::into)
}

pub(super) fn seconds(value: Option<i32>) -> u32 {
    value.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}
