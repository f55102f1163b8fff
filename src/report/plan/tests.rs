//! The YAML of a binding is the object that is sent, whatever its names look like.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::object_yaml;
use crate::domain::facts::cluster::PortRef;
use crate::domain::facts::cluster::TargetType;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::plan::manifest::Manifest;

/// Names that YAML 1.1 or 1.2 reads as something else than text where they are not quoted.
const TREACHEROUS: [&str; 22] = [
    "null",
    "~",
    "true",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "1e3",
    "0x1f",
    "0o17",
    "017",
    "0b11",
    "12",
    "1.5",
    "1_000",
    "1:30",
    "2026-01-02",
    ".inf",
    ".nan",
    "-",
];

fn manifest(name: &str, port: PortRef) -> Manifest {
    Manifest {
        api: BindingApi::LoadBalancerController,
        name: ObjectName::new(name, name),
        service: name.to_owned(),
        port,
        group: "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/0123456789abcdef"
            .parse()
            .unwrap(),
        target_type: TargetType::Ip,
        multi_cluster: true,
        security_groups: vec![name.into()],
        ports: vec![80, 8080],
        protocols: vec!["TCP".into(), "UDP".into()],
    }
}

fn read_back(manifest: &Manifest) -> Value {
    let text = object_yaml(manifest);
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![proptest::sample::select(&TREACHEROUS[..]).prop_map(str::to_owned), "[a-z0-9:_.~#-]{1,12}"]
}

proptest! {
    #[test]
    fn the_yaml_of_a_binding_parses_to_the_object_that_is_sent(
        name in name(),
        port in prop_oneof![any::<u16>().prop_map(PortRef::Number), name().prop_map(|it| PortRef::Name(it.into()))],
    ) {
        let manifest = manifest(&name, port);
        prop_assert_eq!(read_back(&manifest), serde_json::to_value(manifest.object()).unwrap());
    }
}

#[test]
fn what_another_yaml_would_read_as_a_number_or_a_truth_is_quoted() {
    for name in TREACHEROUS {
        let text = object_yaml(&manifest(name, PortRef::Name(name.into())));
        let quoted = |key: &str| {
            let line =
                text.lines().find_map(|it| it.trim().trim_start_matches("- ").strip_prefix(key)).unwrap();
            line.starts_with('"') || line.starts_with('\'')
        };
        for key in ["name: ", "namespace: ", "port: ", "groupID: "] {
            assert!(quoted(key), "{key}{name}\n{text}");
        }
    }
}

#[test]
fn a_binding_has_every_field_the_controller_reads() {
    let spec = &read_back(&manifest("web", PortRef::Number(80)))["spec"];
    assert_eq!(spec["serviceRef"], json!({"name": "web", "port": 80}));
    assert_eq!(spec["multiClusterTargetGroup"], json!(true));
    let ingress = &spec["networking"]["ingress"][0];
    assert_eq!(ingress["from"], json!([{"securityGroup": {"groupID": "web"}}]));
    let open = |protocol: &str, port: u16| json!({"protocol": protocol, "port": port});
    let ports = [open("TCP", 80), open("UDP", 80), open("TCP", 8080), open("UDP", 8080)];
    assert_eq!(ingress["ports"], json!(ports));
}
