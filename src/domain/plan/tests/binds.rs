//! Plans of binds: what the controller's webhook would refuse, and what nobody else checks.

use super::*;
use crate::domain::plan::act::Act;

#[test]
fn a_bind_is_refused_in_the_webhooks_words() {
    let world = unbound(SERVING);
    says(
        bound(&world, |it| it.port = Some(crate::domain::facts::cluster::PortRef::Number(8080))),
        &["refused: unable to find port 8080 on service workshop/testapp", "the service has 80"],
    );
    let mut lambda = unbound(SERVING);
    lambda.group(|it| it.kind = GroupType::Lambda);
    says(bound(&lambda, |_| {}), &["refused: unsupported TargetType: lambda"]);
    let mut instances = unbound(SERVING);
    instances.group(|it| it.kind = GroupType::Instance);
    says(
        bound(&instances, |_| {}),
        &["refused: service type must be either 'NodePort' or 'LoadBalancer': workshop/testapp"],
    );
    let mut quic = unbound(SERVING);
    quic.group(|it| {
        it.kind = GroupType::Instance;
        it.protocol = Some("QUIC".into());
    });
    quic.service(|it| it.kind = ServiceType::NodePort);
    says(bound(&quic, |_| {}), &["refused: QUIC protocol is not supported for Instance target types."]);
    instances.service(|it| it.kind = ServiceType::NodePort);
    instances.service(|it| it.ports[0].node_port = Some(30080));
    says(bound(&instances, |_| {}), &["Binds service workshop/testapp"]);
    says(bound(&World::of(SERVING), |it| it.name = Some("testapptgb".to_owned())), &["is already bound"]);
    says(
        bound(&world, |it| it.service = fixture::named("nothing")),
        &["refused: service workshop/nothing does not exist"],
    );
}

#[test]
fn a_bind_says_what_nobody_else_checks() {
    let world = unbound(SERVING);
    says(
        bound(&world, |_| {}),
        &[
            "registers 2 endpoints and follows them",
            "The controller deregisters 1 target that is not of this service: 10.0.0.9:8080",
            "Without spec.networking",
        ],
    );
    let mut unrouted = unbound(SERVING);
    unrouted.group(|it| it.load_balancers.clear());
    unrouted.routes(Vec::new());
    says(bound(&unrouted, |_| {}), &["No listener or rule forwards to the group"]);
    let mut narrow = unbound(SERVING);
    narrow.load_balancer(|it| it.zones = vec!["us-west-2a".into()]);
    let zone = |it: &mut crate::domain::facts::cluster::SliceEndpoint| it.zone = Some("us-west-2b".into());
    narrow.endpoint("10.0.0.2", zone);
    says(bound(&narrow, |_| {}), &["is not enabled in us-west-2b"]);
    let shared = bound(&world, |it| it.multi_cluster = true).unwrap();
    assert_eq!(shared.counts[0].after.registered, 3, "nothing of others is removed");
    // The load balancer's security groups, where they could be read.
    let mut open = unbound(SERVING);
    open.load_balancer(|it| it.security_groups = vec!["sg-0a7".into()]);
    let plan = bound(&open, |it| it.networking = true).unwrap();
    let Act::Create { manifest, .. } = &plan.steps[0].act else { panic!("{:?}", plan.steps) };
    let openings: Vec<_> = manifest.openings().map(|(protocol, port)| (&**protocol, port)).collect();
    assert_eq!(
        (manifest.security_groups.as_slice(), openings),
        (&["sg-0a7".into()][..], vec![("TCP", 8080)])
    );
    open.load_balancer(|it| it.security_groups.clear());
    says(
        bound(&open, |it| it.networking = true),
        &["refused:", "no security group of the group's load balancer could be read"],
    );
}
