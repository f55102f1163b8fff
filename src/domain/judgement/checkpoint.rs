//! The endpoint half of the controller's checkpoint annotation, recomputed: when it equals the annotation,
//! the controller has seen these endpoints and sleeps.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use sha2::Sha256;

use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::desired::Resolution;

/// `base64url(sha256(…))` of the wanted endpoints as the controller writes them: sorted, comma-joined
/// `id:port:creation time in milliseconds`. `None` while a creation time or a judgement is unread.
pub fn endpoint_half(resolution: &Resolution) -> Option<String> {
    let resolved = !matches!(resolution.backend, Backend::Unread(_) | Backend::Broken(_));
    if !resolved || resolution.endpoints.iter().any(|it| it.wanted.is_none()) {
        return None;
    }
    let mut ids = Vec::new();
    for endpoint in resolution.wanted() {
        ids.push(format!("{}:{}", endpoint.key.identifier(), endpoint.created?.0));
    }
    ids.sort();
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(ids.join(",").as_bytes())))
}

/// The endpoint half of an annotation: the part before the slash. `None` for the empty one and for a
/// marker somebody wrote.
pub fn half_of(annotation: &str) -> Option<&str> {
    let (endpoints, _) = annotation.split_once('/')?;
    (endpoints.len() == 43).then_some(endpoints)
}

#[cfg(test)]
mod tests;
