//! What the writes send: never a target without its port, the QUIC server id where it is part of it, so many at once
//! as one call takes; weights of a rule with everything else that its action has.

use tgscope::aws::LoadBalancing;
use tgscope::aws::Session;
use tgscope::aws::Settings;
use tgscope::domain::facts::elb::Forward;
use tgscope::domain::facts::elb::Rule;
use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::facts::ids::TargetGroupArn;
use tgscope::domain::facts::ids::TargetId;
use tgscope::domain::facts::ids::TargetKey;
use tgscope::domain::inventory::routes::Place;
use tgscope::domain::plan::act::Arriving;

use crate::support::Server;
use crate::support::answer;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:702463714165:targetgroup/web/0123456789abcdef";

fn done(action: &str) -> String {
    format!(
        "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><{action}Result/><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )
}

async fn client(server: &Server) -> LoadBalancing {
    let settings = Settings {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(server.url()),
        keys: Some(("AKIA".to_owned(), "s".to_owned())),
        ..Settings::default()
    };
    Session::open(settings).await.client("eu-west-1", None)
}

#[tokio::test]
async fn a_target_is_sent_whole() {
    let server = Server::start(|request| {
        let action = request.parameter("Action").unwrap_or_default();
        answer(200, done(&action))
    });
    let arn: TargetGroupArn = ARN.parse().unwrap();
    let client = client(&server).await;
    let quic =
        TargetKey { quic_server_id: Some("0xab".into()), ..TargetKey::new(TargetId::read("10.0.0.1"), 8443) };
    let outside = TargetKey::new(TargetId::read("192.168.0.1"), 80);
    let targets = [
        Arriving { key: quic, zone: None, pod: None },
        Arriving { key: outside, zone: Some("all".into()), pod: None },
    ];
    client.register_batch(&arn, &targets).await.unwrap();
    client.deregister_batch(&arn, &targets).await.unwrap();
    let seen = server.seen();
    let [register, deregister] = seen.as_slice() else { panic!("{} calls", seen.len()) };
    let sent = |it: &crate::support::Request| {
        ["Id", "Port", "QuicServerId", "AvailabilityZone"]
            .map(|name| {
                let of = |n: u8| it.parameter(&format!("Targets.member.{n}.{name}")).unwrap_or_default();
                format!("{name}: {} {}", of(1), of(2))
            })
            .join(", ")
    };
    assert_eq!(register.parameter("Action").as_deref(), Some("RegisterTargets"));
    assert_eq!(
        sent(register),
        "Id: 10.0.0.1 192.168.0.1, Port: 8443 80, QuicServerId: 0xab , AvailabilityZone:  all"
    );
    // A zone is no part of what identifies a target.
    assert_eq!(deregister.parameter("Action").as_deref(), Some("DeregisterTargets"));
    assert_eq!(
        sent(deregister),
        "Id: 10.0.0.1 192.168.0.1, Port: 8443 80, QuicServerId: 0xab , AvailabilityZone:  "
    );
}

const RULE: &str = "arn:aws:elasticloadbalancing:eu-west-1:702463714165:listener-rule/app/alb/1/2/3";
const GREEN: &str = "arn:aws:elasticloadbalancing:eu-west-1:702463714165:targetgroup/green/0123456789abcdef";

/// A rule that lets people log in and then divides them between two groups, and keeps each with its group.
fn rule(action: &str, blue: u32) -> String {
    format!(
        "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><{action}Result><Rules><member>
        <RuleArn>{RULE}</RuleArn><Priority>10</Priority><Conditions><member><Field>path-pattern</Field><PathPatternConfig><Values><member>/a</member></Values></PathPatternConfig></member></Conditions>
        <Actions><member><Type>authenticate-oidc</Type><Order>1</Order><AuthenticateOidcConfig><Issuer>https://id.example</Issuer><AuthorizationEndpoint>https://id.example/a</AuthorizationEndpoint><TokenEndpoint>https://id.example/t</TokenEndpoint><UserInfoEndpoint>https://id.example/u</UserInfoEndpoint><ClientId>tgscope</ClientId><Scope>openid</Scope></AuthenticateOidcConfig></member>
        <member><Type>forward</Type><Order>2</Order><ForwardConfig><TargetGroups><member><TargetGroupArn>{ARN}</TargetGroupArn><Weight>{blue}</Weight></member><member><TargetGroupArn>{GREEN}</TargetGroupArn><Weight>0</Weight></member></TargetGroups><TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>600</DurationSeconds></TargetGroupStickinessConfig></ForwardConfig></member></Actions>
        <IsDefault>false</IsDefault></member></Rules></{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )
}

fn forwards(blue: u32, green: u32) -> Vec<Forward> {
    let of = |arn: &str, weight| Forward { group: arn.parse().unwrap(), weight };
    vec![of(ARN, blue), of(GREEN, green)]
}

#[tokio::test]
async fn weights_are_sent_with_the_whole_action_and_only_if_it_is_as_it_was() {
    let server = Server::start(|request| {
        let action = request.parameter("Action").unwrap_or_default();
        answer(200, rule(&action, 100))
    });
    let client = client(&server).await;
    let place = Place {
        load_balancer: tgscope::domain::facts::ids::LoadBalancerArn(
            "arn:aws:elasticloadbalancing:eu-west-1:702463714165:loadbalancer/app/alb/1".into(),
        ),
        listener: tgscope::domain::facts::ids::ListenerArn(
            "arn:aws:elasticloadbalancing:eu-west-1:702463714165:listener/app/alb/1/2".into(),
        ),
        rule: Some(tgscope::domain::facts::ids::RuleArn(RULE.into())),
        name: "alb ▸ HTTPS:443 ▸ 10".to_owned(),
        short: "443:10".to_owned(),
    };
    let from = client.action(&place).await.unwrap().rules.remove(0);
    assert_eq!(from.sticky, Some(600));
    assert_eq!(from.kinds.iter().map(|it| &**it).collect::<Vec<_>>(), ["authenticate-oidc", "forward"]);
    assert_eq!(from.forwards, forwards(100, 0));

    client.shift(&place, &from, &forwards(90, 10)).await.unwrap();
    let sent = server.seen().pop().unwrap();
    let of = |name: &str| sent.parameter(&format!("Actions.member.{name}")).unwrap_or_default();
    assert_eq!(sent.parameter("Action").as_deref(), Some("ModifyRule"));
    assert_eq!(sent.parameter("RuleArn").as_deref(), Some(RULE));
    for (name, value) in [
        ("1.Type", "authenticate-oidc"),
        ("1.Order", "1"),
        ("1.AuthenticateOidcConfig.ClientId", "tgscope"),
        ("1.AuthenticateOidcConfig.Scope", "openid"),
        // AWS never gives the secret back; it keeps the one it has.
        ("1.AuthenticateOidcConfig.ClientSecret", ""),
        ("1.AuthenticateOidcConfig.UseExistingClientSecret", "true"),
        ("2.Type", "forward"),
        ("2.Order", "2"),
        // Beside several groups there must be no single one.
        ("2.TargetGroupArn", ""),
        ("2.ForwardConfig.TargetGroups.member.1.TargetGroupArn", ARN),
        ("2.ForwardConfig.TargetGroups.member.1.Weight", "90"),
        ("2.ForwardConfig.TargetGroups.member.2.TargetGroupArn", GREEN),
        ("2.ForwardConfig.TargetGroups.member.2.Weight", "10"),
        ("2.ForwardConfig.TargetGroupStickinessConfig.Enabled", "true"),
        ("2.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds", "600"),
    ] {
        assert_eq!(of(name), value, "{name}");
    }

    // Everything of the action counts, also what is no weight.
    let calls = server.seen().len();
    for other in [
        Rule { forwards: forwards(99, 0), ..from.clone() },
        Rule { sticky: None, ..from.clone() },
        Rule { kinds: vec!["forward".into()], ..from.clone() },
        Rule { conditions: vec!["path /b".to_owned()], ..from.clone() },
    ] {
        let failure = client.shift(&place, &other, &forwards(90, 10)).await.unwrap_err();
        assert!(
            failure.kind == ErrorKind::Conflict && failure.message.contains("changed meanwhile"),
            "{failure}"
        );
    }
    let after: Vec<_> =
        server.seen().into_iter().skip(calls).filter_map(|it| it.parameter("Action")).collect();
    assert_eq!(after, ["DescribeRules"; 4], "nothing was written");
}
