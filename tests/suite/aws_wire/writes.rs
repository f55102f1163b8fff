//! What the writes send: never a target without its port, the QUIC server id where it is part of it, so many at once
//! as one call takes.

use tgscope::aws::Session;
use tgscope::aws::Settings;
use tgscope::domain::ids::TargetGroupArn;
use tgscope::domain::ids::TargetId;
use tgscope::domain::ids::TargetKey;
use tgscope::domain::plan::Arriving;

use crate::support::Server;
use crate::support::answer;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:702463714165:targetgroup/web/0123456789abcdef";

fn done(action: &str) -> String {
    format!(
        "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><{action}Result/><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>"
    )
}

#[tokio::test]
async fn a_target_is_sent_whole() {
    let server = Server::start(|request| {
        let action = request.parameter("Action").unwrap_or_default();
        answer(200, done(&action))
    });
    let settings = Settings {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(server.url()),
        keys: Some(("AKIA".to_owned(), "s".to_owned())),
        ..Settings::default()
    };
    let arn: TargetGroupArn = ARN.parse().unwrap();
    let client = Session::open(settings).await.of(&arn, None);
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
