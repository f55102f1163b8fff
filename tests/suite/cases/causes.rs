//! What is found by what was read beside the failing row itself: the code of an answer, a port, a scheme, a sidecar, the
//! selector, the nodes, another cluster, the controller's last word.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::Case;
use super::LOOK;
use super::check;
use super::fake::World;

const CASES: &[Case] = &[
    (
        "gate-of-vanished-binding",
        LOOK,
        &["there is no such binding: nobody sets it", "next: restart the workload, whose pods got the gate"],
        &[],
    ),
    (
        "named-port-differs",
        LOOK,
        &["the service's targetPort is a name that no container of the pod declares"],
        &["in no EndpointSlice"],
    ),
    (
        "ipv6-group-ipv4-pods",
        LOOK,
        &["it has no endpoint of the binding's address family (spec.ipAddressType)"],
        &["in no EndpointSlice"],
    ),
    (
        "health-port-fixed",
        LOOK,
        &[
            "The group checks every target at port 9090, not at the one it gets requests on (8080).",
            "next: does something listen on 9090? Else set the health check's port to traffic-port",
        ],
        &["is the service's target port wrong"],
    ),
    (
        "nlb-timeout-clientip",
        LOOK,
        &[
            "No connection for the health check comes about.",
            "Client addresses are preserved: the pod's security group has to allow the clients' addresses too.",
            "from its security group or, where it has none, from its subnets?",
        ],
        &["HTTP/1.1"],
    ),
    (
        "istio-mtls",
        LOOK,
        &["Istio's sidecar answers the pod's probe (HTTP 15020 /app-health/", "PERMISSIVE"],
        &["is the service's target port wrong"],
    ),
    (
        "two-clusters",
        LOOK,
        &[
            "An orphan target that takes the requests",
            "find out who before it goes (CloudTrail: RegisterTargets)",
            "multiClusterTargetGroup on both bindings",
        ],
        &["X deregisters the target now"],
    ),
    (
        "redirect-301",
        LOOK,
        &["next: / redirects, perhaps to https: set the health check's path to /healthz"],
        &["5xx"],
    ),
    ("404", LOOK, &["next: there is no /: set the health check's path to /healthz"], &["5xx"]),
    (
        "400-tls-pod",
        LOOK,
        &["next: the port speaks TLS, as its readiness probe does: set the health check's protocol to HTTPS"],
        &["404"],
    ),
    (
        "https-group-plain-pod",
        LOOK,
        &["next: the port speaks plain HTTP, as its readiness probe does"],
        &["does it expect the protocol"],
    ),
    (
        "grpc-code",
        LOOK,
        &["gRPC: 12 is UNIMPLEMENTED.", "the program does not serve grpc.health.v1.Health"],
        &["for instance"],
    ),
    (
        "sg-tag",
        LOOK,
        &[
            "The controller cannot add its security-group rule: FailedNetworkReconcile: expected exactly one",
            "next: fix what the controller complains of: the rule is missing until then",
        ],
        &["does the pod's security group"],
    ),
    ("too-many-targets", LOOK, &["TooManyTargets", "problems 1"], &["R registers"]),
    (
        "selector-typo",
        LOOK,
        &[
            "service web selects app=webb, which no pod has; the pods of Deployment web have app=web",
            "problems 1",
            "next: correct the selector of the service",
        ],
        &[],
    ),
    (
        "externalname",
        LOOK,
        &["service web is of type ExternalName, which has no endpoints", "problems 1"],
        &[],
    ),
    ("fargate-instance", LOOK, &["every node is of Fargate", "next: use a target group of type ip"], &[]),
    (
        "no-provider-id",
        LOOK,
        &["providerID is not specified for node: node-b", "problems 1", "every change of this binding fails"],
        &[],
    ),
    (
        "quota",
        LOOK,
        &[
            "2 of 2 in service; Deployment web: FailedCreate",
            "exceeded quota",
            "problems 1",
            "next: mend what keeps the workload from making pods",
        ],
        &[],
    ),
    (
        "other-account",
        LOOK,
        &[
            "web: unknown",
            "your credentials are of account 999988887777, the group is of account 111122223333",
        ],
        &["does not exist any more", "unbind (B)"],
    ),
    (
        "two-bindings-one-group",
        LOOK,
        &[
            "web: serving, settled false, problems 1",
            "binding shop/web2 is on the same group, and its controller deregisters what is not its own",
            "next: set multiClusterTargetGroup on every binding of this group, or give each its own group",
        ],
        &[],
    ),
    (
        "webhook-no-endpoints",
        LOOK,
        &["r is refused while no endpoint is behind the controller's webhook; R registers the target now"],
        &["r forces"],
    ),
    (
        "local-node-with-pod",
        LOOK,
        &["does the node's security group allow tcp/31080"],
        &["the pod's security group"],
    ),
];

#[test]
fn the_cause_is_named_by_what_was_read_beside_the_row() {
    check(CASES);
}

#[test]
fn a_role_of_a_binding_is_assumed_once_and_never_against_the_word() {
    for (arguments, assumed) in [(LOOK, 1), (&["get", "-A", "-o", "json", "--no-assume-role"][..], 0)] {
        let (world, seen) = (World::read("foreign-role"), Arc::new(AtomicUsize::new(0)));
        let count = seen.clone();
        super::asked(
            move |request| {
                let assumes = request.parameter("Action").as_deref() == Some("AssumeRole");
                count.fetch_add(usize::from(assumes), Ordering::Relaxed);
                world.answer(request)
            },
            arguments,
        );
        assert_eq!(seen.load(Ordering::Relaxed), assumed, "{arguments:?}");
    }
}

#[test]
fn whatever_was_typed_wrong_is_answered_by_what_there_is() {
    for (typed, meant) in
        [("svc/wbe", "svc/web"), ("pod/web-5f7c9-aaaab", "pod/web-5f7c9-aaaaa"), ("tg/wbe", "tg/web")]
    {
        let said = super::says("baseline", &["get", typed]);
        assert!(said.contains(&format!("did you mean {meant}?")), "{said}");
        assert!(said.ends_with("exit 2"), "{said}");
    }
    let said = super::says("baseline", &["get", "svc/nothing-like-it"]);
    assert!(!said.contains("did you mean"), "{said}");
}
