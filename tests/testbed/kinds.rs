//! What the API server may store and serve: a binding that cannot be read, and both kinds of binding at once.

use std::process::Command;

use serde_json::Value;
use serde_json::json;

use super::board;
use super::pty::Terminal;
use super::pty::WIDE;
use super::support::attempt;
use super::support::bed;
use super::support::kubectl;
use super::support::until;
use super::world::World;

const CRD: &str = "targetgroupbindings.elbv2.k8s.aws";
const PORT_SCHEMA: &str =
    "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/serviceRef/properties/port";

fn manifest(name: &str) -> String {
    format!("{}/tests/testbed/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Lets a binding's port be anything, until dropped.
struct AnyPort<'a> {
    world: &'a World,
}

impl<'a> AnyPort<'a> {
    fn allow(world: &'a World) -> Self {
        let schema = json!({"x-kubernetes-preserve-unknown-fields": true});
        let patch = json!([{"op": "replace", "path": PORT_SCHEMA, "value": schema}]);
        kubectl(&["patch", "crd", CRD, "--type=json", "-p", &patch.to_string()]);
        Self { world }
    }
}

impl Drop for AnyPort<'_> {
    fn drop(&mut self) {
        // The strict schema must find nothing that breaks it.
        self.world.kubectl(&["delete", CRD, "odd", "--ignore-not-found"]);
        kubectl(&["replace", "-f", &manifest("crd.yaml")]);
    }
}

#[test]
fn a_binding_that_cannot_be_read_costs_only_itself() {
    let bed = bed();
    let world = World::serving(&bed, "odd", 1);
    let board = world.settled_board(1);
    let any = AnyPort::allow(&world);
    let odd = json!({
        "apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding",
        "metadata": {"name": "odd", "namespace": world.namespace},
        "spec": {"serviceRef": {"name": "web", "port": {"a": 1}}, "targetGroupARN": world.arn},
    });
    until("the wider schema holds", 20, || {
        let args = ["create", "--validate=false", "-f", "-"];
        let (code, ..) = attempt(Command::new("kubectl").args(args), Some(&odd.to_string()));
        (code == 0).then_some(())
    });
    let (code, document) = world.get();
    assert_eq!(code, 2, "{document:#}");
    let names: Vec<&Value> = document["bindings"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["web"], "{document:#}");
    assert_eq!(document["bindings"][0]["verdict"], "serving");
    let failures = document["failures"].as_array().unwrap();
    let named = format!("{}/odd", world.namespace);
    let failure = failures.iter().find(|it| it["kind"] == "unreadable").unwrap();
    assert!(failure["message"].as_str().unwrap().contains(&named), "{failure}");
    assert_eq!(failure["source"], "bindings");

    // Told by the watch, and by the list of a screen that starts now.
    let late = world.board();
    for screen in [&board, &late] {
        screen.until("the row and the unreadable one", 15, |it| {
            board::standings(it) == ["in service"] && it.said().contains(&named)
        });
    }
    drop(any);
    for screen in [&board, &late] {
        screen.until("it is gone", 15, |it| {
            board::standings(it) == ["in service"] && !it.said().contains(&named)
        });
    }
}

/// The kind of Auto Mode, served until dropped.
struct AutoMode;

impl AutoMode {
    fn serve() -> Self {
        kubectl(&["apply", "-f", &manifest("crd-eks.yaml")]);
        until("the kind is served", 20, || {
            let (code, ..) = attempt(
                Command::new("kubectl").args(["get", "targetgroupbindings.eks.amazonaws.com", "-A"]),
                None,
            );
            (code == 0).then_some(())
        });
        Self
    }
}

impl Drop for AutoMode {
    fn drop(&mut self) {
        kubectl(&["delete", "-f", &manifest("crd-eks.yaml")]);
    }
}

#[test]
fn bindings_of_both_api_groups_are_told_apart() {
    let bed = bed();
    let world = World::with_pods(&bed, "auto", 1);
    world.kubectl(&["delete", CRD, "web"]);
    let _served = AutoMode::serve();
    let labels = json!({"app": "web"});
    world.bind_as("eks.amazonaws.com/v1", "web", &labels);
    world.register(&world.pods());
    let binding = until("it is served", 15, || {
        let binding = world.binding();
        (binding["settled"] == true).then_some(binding)
    });
    assert_eq!(binding["apiVersion"], "eks.amazonaws.com/v1");
    let (code, names, _) = world.settings.tgscope(&["get", "-n", &world.namespace, "-o", "name"]);
    assert_eq!(code, 0);
    assert!(names.contains("targetgroupbinding.eks.amazonaws.com/web\n"), "{names}");
    let mut board = world.settled_board(1);
    board.keys("d");
    board.shows(&format!("eks.amazonaws.com/v1 {}/web", world.namespace), 5);

    // Both on one group: each controller would deregister what is the other's.
    world.bind();
    let target = |scope: &str| {
        let (code, document) = world.settings.get(&["-n", &world.namespace, scope]);
        assert_eq!(code, 0, "{document:#}");
        let versions = document["bindings"].as_array().unwrap().iter().map(|it| it["apiVersion"].clone());
        versions.collect::<Vec<_>>()
    };
    assert_eq!(target("tgb.eks.amazonaws.com/web"), ["eks.amazonaws.com/v1"]);
    assert_eq!(target("tgb.elbv2.k8s.aws/web"), ["elbv2.k8s.aws/v1beta1"]);
    let list = Terminal::start(&world.settings, &["-n", &world.namespace], WIDE);
    list.until("both", 10, |it| it.has("web (Auto Mode)") && it.text().matches("web:80").count() == 2);
}
