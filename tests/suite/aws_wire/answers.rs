//! What is asked of AWS, and what is read of its answers.

use tgscope::domain::facts::elb::Target;
use tgscope::domain::facts::ids::ListenerArn;
use tgscope::domain::facts::ids::LoadBalancerArn;
use tgscope::domain::facts::ids::TargetGroupArn;
use tgscope::domain::facts::time::Timestamp;

use super::arn;
use super::client;
use super::session;
use crate::support::Answer;
use crate::support::Server;
use crate::support::runs_elsewhere;
use crate::world::GROUP;
use crate::world::group;
use crate::world::health;
use crate::world::refused;
use crate::world::xml;

const ASKED: Timestamp = Timestamp(5);

const STATES: [&str; 8] =
    ["initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable", "resting"];
const REASONS: [&str; 14] = [
    "",
    "Elb.RegistrationInProgress",
    "Elb.InitialHealthChecking",
    "Elb.InternalError",
    "Target.ResponseCodeMismatch",
    "Target.Timeout",
    "Target.FailedHealthChecks",
    "Target.NotRegistered",
    "Target.NotInUse",
    "Target.DeregistrationInProgress",
    "Target.InvalidState",
    "Target.IpUnusable",
    "Target.HealthCheckDisabled",
    "Target.SomethingNew",
];

fn described(members: &str) -> Answer {
    xml("DescribeTargetHealth", &format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"))
}

#[tokio::test]
async fn every_state_with_every_reason_comes_through() {
    if runs_elsewhere("aws_wire::answers::every_state_with_every_reason_comes_through") {
        return;
    }
    let pairs: Vec<_> = STATES.iter().flat_map(|state| REASONS.iter().map(move |it| (*state, *it))).collect();
    let ports = 1_u16..;
    let members: String = pairs
        .iter()
        .zip(ports)
        .map(|((state, reason), port)| health("10.0.0.1", port, state, reason))
        .collect();
    let server = Server::in_turn([described(&members)]);
    let read = client(&server).await.targets(&arn(), ASKED).await.unwrap();
    let texts = |it: &Target| {
        let reason = it.health.reason.as_ref().map_or(String::new(), |it| it.text().to_owned());
        (it.health.state.text().to_owned(), reason)
    };
    let found: Vec<_> = read.targets.iter().map(texts).collect();
    let found: Vec<_> = found.iter().map(|(state, reason)| (state.as_str(), reason.as_str())).collect();
    assert_eq!(found, pairs);
    assert_eq!((read.unreadable, read.asked), (0, ASKED));
}

#[tokio::test]
async fn everything_about_a_target_is_asked_for_and_read() {
    if runs_elsewhere("aws_wire::answers::everything_about_a_target_is_asked_for_and_read") {
        return;
    }
    let member = "<member><Target><Id>10.0.0.1</Id><Port>8080</Port><AvailabilityZone>eu-west-1a</AvailabilityZone></Target>\
        <HealthCheckPort>9090</HealthCheckPort>\
        <TargetHealth><State>unhealthy</State><Reason>Target.ResponseCodeMismatch</Reason><Description>codes: [503] &lt;x&gt;</Description></TargetHealth>\
        <AnomalyDetection><Result>anomalous</Result><MitigationInEffect>no</MitigationInEffect></AnomalyDetection>\
        <AdministrativeOverride><State>zonal_shift_active</State><Reason>AdministrativeOverride.ZonalShiftActive</Reason></AdministrativeOverride></member>";
    let server = Server::in_turn([described(member)]);
    let read = client(&server).await.targets(&arn(), ASKED).await.unwrap();
    let it = &read.targets[0];
    assert_eq!((it.zone.as_deref(), it.health_port.as_deref()), (Some("eu-west-1a"), Some("9090")));
    assert_eq!(it.health.description.as_deref(), Some("codes: [503] <x>"));
    assert!(it.anomalous && it.shifted.is_some());
    let request = &server.seen()[0];
    assert_eq!(request.parameter("Action").as_deref(), Some("DescribeTargetHealth"));
    assert_eq!(request.parameter("TargetGroupArn").as_deref(), Some(GROUP));
    assert_eq!(request.parameter("Include.member.1").as_deref(), Some("All"));
    let signature = request.header("authorization").unwrap();
    assert!(signature.contains("AKIAENVIRONMENT/") && signature.contains("/eu-west-1/elasticloadbalancing/"));
}

#[tokio::test]
async fn targets_without_identity_are_counted_and_the_others_read() {
    if runs_elsewhere("aws_wire::answers::targets_without_identity_are_counted_and_the_others_read") {
        return;
    }
    let odd = "<member><Target><Port>80</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member>\
        <member><TargetHealth><State>healthy</State></TargetHealth></member>\
        <member/>";
    let many: String =
        (0..1000).map(|n| health(&format!("10.0.{}.{}", n / 250, n % 250), 80, "healthy", "")).collect();
    let server = Server::in_turn([described(&format!("{odd}{many}")), described("")]);
    let client = client(&server).await;
    let read = client.targets(&arn(), ASKED).await.unwrap();
    assert_eq!((read.targets.len(), read.unreadable), (1000, 3));
    let none = client.targets(&arn(), ASKED).await.unwrap();
    assert_eq!((none.targets.len(), none.unreadable), (0, 0));
}

#[tokio::test]
async fn pages_are_followed_to_the_last() {
    if runs_elsewhere("aws_wire::answers::pages_are_followed_to_the_last") {
        return;
    }
    let listeners = |n: u32, next: &str| {
        let one = format!("<Listeners><member><ListenerArn>l/{n}</ListenerArn></member></Listeners>");
        xml("DescribeListeners", &format!("{one}<NextMarker>{next}</NextMarker>"))
    };
    let rules = |next: &str| {
        let one = "<Rules><member><Priority>1</Priority></member></Rules>";
        xml("DescribeRules", &format!("{one}<NextMarker>{next}</NextMarker>"))
    };
    let groups = |next: &str| {
        let one = format!("<TargetGroups>{}</TargetGroups>", group(GROUP));
        xml("DescribeTargetGroups", &format!("{one}{next}"))
    };
    let server = Server::in_turn([
        listeners(1, "a&amp;b=="),
        listeners(2, ""),
        rules("c"),
        rules(""),
        groups("<NextMarker>d</NextMarker>"),
        groups(""),
    ]);
    let client = client(&server).await;
    let mut arns = Vec::new();
    let mut from = None;
    loop {
        let (page, next) = client.listeners(&LoadBalancerArn("lb".into()), from).await.unwrap();
        arns.extend(page.iter().map(|it| it.arn.as_str().to_owned()));
        from = next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(arns, ["l/1", "l/2"]);
    let (first, next) = client.rules(&ListenerArn("l/1".into()), None).await.unwrap();
    let (second, end) = client.rules(&ListenerArn("l/1".into()), next).await.unwrap();
    assert_eq!((first.len() + second.len(), end), (2, None));
    let (first, next) = client.page_of_groups(None).await.unwrap();
    assert_eq!((first.len(), next.as_deref()), (1, Some("d")));
    let (_, next) = client.page_of_groups(next).await.unwrap();
    assert_eq!(next, None);
    let markers: Vec<_> = server.seen().iter().map(|it| it.parameter("Marker")).collect();
    let expected = [None, Some("a&b=="), None, Some("c"), None, Some("d")];
    assert_eq!(markers, expected.map(|it| it.map(str::to_owned)));
}

#[tokio::test]
async fn twenty_groups_go_into_one_call() {
    if runs_elsewhere("aws_wire::answers::twenty_groups_go_into_one_call") {
        return;
    }
    let arns: Vec<TargetGroupArn> =
        (0..20).map(|n| GROUP.replace("/web/", &format!("/web{n}/")).parse().unwrap()).collect();
    let members: String = arns.iter().map(|it| group(it.as_str())).collect();
    let server =
        Server::in_turn([xml("DescribeTargetGroups", &format!("<TargetGroups>{members}</TargetGroups>"))]);
    let read = client(&server).await.groups(&arns).await.unwrap();
    assert_eq!(read.iter().map(|it| it.arn.clone()).collect::<Vec<_>>(), arns);
    let request = &server.seen()[0];
    assert_eq!(request.parameter("TargetGroupArns.member.20").as_deref(), Some(arns[19].as_str()));
    assert_eq!(tgscope::aws::AT_ONCE, 20);
}

#[tokio::test]
async fn a_poll_is_sent_once_and_a_patient_caller_asks_again() {
    if runs_elsewhere("aws_wire::answers::a_poll_is_sent_once_and_a_patient_caller_asks_again") {
        return;
    }
    let server = Server::in_turn([
        refused(400, "Throttling", "Rate exceeded"),
        refused(500, "InternalFailure", "later"),
        described(&health("10.0.0.1", 80, "healthy", "")),
    ]);
    let session = session(&server.url()).await;
    let client = session.of(&arn(), None);
    assert!(client.targets(&arn(), ASKED).await.is_err());
    assert_eq!((server.seen().len(), session.meter().total()), (1, 1));
    assert_eq!(client.patient().targets(&arn(), ASKED).await.unwrap().targets.len(), 1);
    assert_eq!((server.seen().len(), session.meter().total()), (3, 3));
}

#[tokio::test]
async fn a_role_is_assumed_for_the_groups_that_ask_for_it() {
    if runs_elsewhere("aws_wire::answers::a_role_is_assumed_for_the_groups_that_ask_for_it") {
        return;
    }
    let assumed = xml(
        "AssumeRole",
        "<Credentials><AccessKeyId>AKIAASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>",
    );
    let server = Server::start(move |it| match it.parameter("Action").as_deref() {
        Some("AssumeRole") => assumed.clone(),
        _ => described(""),
    });
    let session = session(&server.url()).await;
    let role = Some(("arn:aws:iam::1:role/other", Some("external")));
    for _ in 0..2 {
        session.of(&arn(), role).targets(&arn(), ASKED).await.unwrap();
    }
    session.of(&arn(), None).targets(&arn(), ASKED).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].parameter("RoleArn").as_deref(), Some("arn:aws:iam::1:role/other"));
    assert_eq!(seen[0].parameter("ExternalId").as_deref(), Some("external"));
    let keys: Vec<bool> =
        seen[1..].iter().map(|it| it.header("authorization").unwrap().contains("AKIAASSUMED/")).collect();
    assert_eq!(keys, [true, true, false]);
}
