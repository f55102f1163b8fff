//! The checkpoint annotation: by which the controller knows that it has seen these endpoints and this spec.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

use super::endpoints::Endpoint;
use crate::lab::json::at;

pub(super) const CHECKPOINT: &str = "elbv2.k8s.aws/checkpoint";
pub(super) const TIMESTAMP: &str = "elbv2.k8s.aws/checkpoint-timestamp";

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

pub(super) fn of(endpoints: &[Endpoint], binding: &Value) -> String {
    let mut ids: Vec<String> =
        endpoints.iter().map(|it| format!("{}:{}", it.key.identifier(), it.created)).collect();
    ids.sort();
    format!("{}/{}", hash(&ids.join(",")), hash(&spec(at(binding, "spec"))))
}

/// The fields of a spec, in the order the controller writes them.
const FIELDS: [&str; 12] = [
    "targetGroupARN",
    "targetGroupName",
    "multiClusterTargetGroup",
    "targetType",
    "targetGroupProtocol",
    "serviceRef",
    "networking",
    "nodeSelector",
    "ipAddressType",
    "vpcID",
    "iamRoleArnToAssume",
    "assumeRoleExternalId",
];

fn spec(spec: &Value) -> String {
    let field = |name: &&str| {
        let value = spec.get(*name).filter(|it| !it.is_null() && **it != Value::Bool(false))?;
        Some(format!("{name:?}:{value}"))
    };
    let fields: Vec<String> = FIELDS.iter().filter_map(field).collect();
    format!("{{{}}}", fields.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The spec and the annotation were written by the real controller (version 3.5) on a real API server.
    #[test]
    fn the_hash_of_a_spec_is_the_controllers() {
        let binding = json!({"spec": {"ipAddressType": "ipv4", "serviceRef": {"name": "app", "port": 80},
            "targetGroupARN": "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/tg-r-workshop/9d26d73be24d0d8d",
            "targetGroupProtocol": "HTTP", "targetType": "ip", "vpcID": "vpc-2fc305d3aa512ca41"}});
        let nothing = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(of(&[], &binding), format!("{nothing}/uMwfuE5GsFg5mJTpqN9ep5q8S4PT6lxCDtkqNBenN2E"));
    }
}
