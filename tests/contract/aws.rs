//! What is expected of Elastic Load Balancing: one list of calls and answers, for moto and for the lab. What moto
//! is known to do otherwise is named with each call; the lab has no such excuse.

use std::collections::BTreeMap;

use crate::wire::Wire;

/// A call, and what its answer has to contain.
#[derive(Clone, Copy)]
struct Fact {
    name: &'static str,
    /// Parameters; `{tg}` and others are names of the world.
    call: &'static str,
    status: u16,
    has: &'static [&'static str],
    /// Why moto answers otherwise.
    moto: Option<&'static str>,
}

const fn fact(name: &'static str, call: &'static str, status: u16, has: &'static [&'static str]) -> Fact {
    Fact { name, call, status, has, moto: None }
}

const fn but_moto(fact: Fact, why: &'static str) -> Fact {
    Fact { moto: Some(why), ..fact }
}

const NO_LIMITS: &str = "it has no limits";
const NO_PAGES: &str = "groups and listeners are not paged";

const FACTS: &[Fact] = &[
    fact(
        "a group by name",
        "Action=DescribeTargetGroups&Names.member.1={tg-name}",
        200,
        &[
            "<TargetGroupArn>{tg}</TargetGroupArn>",
            "<Protocol>HTTP</Protocol>",
            "<HealthCheckPath>/</HealthCheckPath>",
            "<HttpCode>200</HttpCode>",
            "<TargetType>ip</TargetType>",
            "<LoadBalancerArns><member>{lb}</member>",
        ],
    ),
    fact(
        "a group by ARN",
        "Action=DescribeTargetGroups&TargetGroupArns.member.1={tg}",
        200,
        &["<TargetGroupName>{tg-name}</TargetGroupName>"],
    ),
    fact(
        "groups of a load balancer",
        "Action=DescribeTargetGroups&LoadBalancerArn={lb}",
        200,
        &["{tg-name}"],
    ),
    fact(
        "a name nobody has",
        "Action=DescribeTargetGroups&Names.member.1=nobody",
        400,
        &["<ErrorResponse", "<Type>Sender</Type>", "<Code>TargetGroupNotFound</Code>", "<RequestId>"],
    ),
    but_moto(
        fact(
            "twenty-one groups",
            "Action=DescribeTargetGroups&{21:TargetGroupArns}",
            400,
            &["<Code>ValidationError</Code>", "more than '20'"],
        ),
        NO_LIMITS,
    ),
    but_moto(
        fact(
            "a text that is no ARN",
            "Action=DescribeTargetHealth&TargetGroupArn=nonsense",
            400,
            &["<Code>ValidationError</Code>", "'nonsense' is not a valid target group ARN"],
        ),
        "it says TargetGroupNotFound",
    ),
    fact(
        "a group that is gone",
        "Action=DescribeTargetHealth&TargetGroupArn={gone}",
        400,
        &["<Code>TargetGroupNotFound</Code>"],
    ),
    but_moto(
        fact("a first page", "Action=DescribeTargetGroups&PageSize=1", 200, &["<NextMarker>"]),
        NO_PAGES,
    ),
    but_moto(
        fact(
            "a page too large",
            "Action=DescribeTargetGroups&PageSize=401",
            400,
            &["<Code>ValidationError</Code>", "less than or equal to 400"],
        ),
        NO_LIMITS,
    ),
    fact(
        "two ports of one address",
        "Action=RegisterTargets&TargetGroupArn={tg}&Targets.member.1.Id={address}&Targets.member.1.Port=8080&Targets.member.2.Id={address}&Targets.member.2.Port=9090",
        200,
        &["<RegisterTargetsResponse"],
    ),
    fact(
        "two targets",
        "Action=DescribeTargetHealth&TargetGroupArn={tg}",
        200,
        &[
            "<Id>{address}</Id><Port>8080</Port>",
            "<Id>{address}</Id><Port>9090</Port>",
            "<State>initial</State><Reason>Elb.RegistrationInProgress</Reason>",
        ],
    ),
    fact(
        "the port of the health check",
        "Action=DescribeTargetHealth&TargetGroupArn={tg}",
        200,
        &["<HealthCheckPort>8080</HealthCheckPort>", "<HealthCheckPort>9090</HealthCheckPort>"],
    ),
    fact(
        "one of two",
        "Action=DeregisterTargets&TargetGroupArn={tg}&Targets.member.1.Id={address}&Targets.member.1.Port=9090",
        200,
        &["<DeregisterTargetsResponse"],
    ),
    fact(
        "that the other stays",
        "Action=DescribeTargetHealth&TargetGroupArn={tg}&Targets.member.1.Id={address}&Targets.member.1.Port=8080",
        200,
        &["<State>initial</State>"],
    ),
    fact(
        "that it drains",
        "Action=DescribeTargetHealth&TargetGroupArn={tg}&Targets.member.1.Id={address}&Targets.member.1.Port=9090",
        200,
        &["<State>draining</State><Reason>Target.DeregistrationInProgress</Reason>"],
    ),
    but_moto(
        fact(
            "one never registered",
            "Action=DescribeTargetHealth&TargetGroupArn={tg}&Targets.member.1.Id={other}&Targets.member.1.Port=80",
            200,
            &["<State>unused</State><Reason>Target.NotRegistered</Reason>"],
        ),
        "it says unavailable",
    ),
    but_moto(
        fact(
            "a target that is not there",
            "Action=DeregisterTargets&TargetGroupArn={tg}&Targets.member.1.Id={other}&Targets.member.1.Port=80",
            200,
            &[],
        ),
        "it says InvalidTarget",
    ),
    but_moto(
        fact(
            "an address out of the world",
            "Action=RegisterTargets&TargetGroupArn={tg}&Targets.member.1.Id=8.8.8.8&Targets.member.1.Port=80",
            400,
            &["<Code>ValidationError</Code>"],
        ),
        "it takes any address",
    ),
    but_moto(
        fact(
            "an instance among addresses",
            "Action=RegisterTargets&TargetGroupArn={tg}&Targets.member.1.Id=i-0123456789abcdef0&Targets.member.1.Port=80",
            400,
            &["<Code>ValidationError</Code>"],
        ),
        "it takes instances in groups of addresses",
    ),
    but_moto(
        fact(
            "a group nothing leads to",
            "Action=RegisterTargets&TargetGroupArn={idle}&Targets.member.1.Id={address}&Targets.member.1.Port=8080",
            200,
            &[],
        ),
        "compared below",
    ),
    fact(
        "attributes",
        "Action=DescribeTargetGroupAttributes&TargetGroupArn={tg}",
        200,
        &["<Key>deregistration_delay.timeout_seconds</Key>", "<Key>stickiness.enabled</Key>"],
    ),
    but_moto(
        fact(
            "how many must be healthy",
            "Action=DescribeTargetGroupAttributes&TargetGroupArn={tg}",
            200,
            &[
                "<Key>target_group_health.unhealthy_state_routing.minimum_healthy_targets.count</Key><Value>1</Value>",
            ],
        ),
        "it knows seven attributes",
    ),
    but_moto(
        fact(
            "a changed attribute among all",
            "Action=ModifyTargetGroupAttributes&TargetGroupArn={tg}&Attributes.member.1.Key=deregistration_delay.timeout_seconds&Attributes.member.1.Value=30",
            200,
            &["<Value>30</Value>", "<Key>stickiness.enabled</Key>"],
        ),
        "it gives only what changed",
    ),
    but_moto(
        fact(
            "an attribute nobody knows",
            "Action=ModifyTargetGroupAttributes&TargetGroupArn={tg}&Attributes.member.1.Key=x&Attributes.member.1.Value=1",
            400,
            &["<Code>ValidationError</Code>"],
        ),
        "it takes any key",
    ),
    fact(
        "a load balancer",
        "Action=DescribeLoadBalancers&LoadBalancerArns.member.1={lb}",
        200,
        &["<Type>application</Type>", "<ZoneName>", "<DNSName>", "<State><Code>"],
    ),
    fact(
        "a load balancer that is gone",
        "Action=DescribeLoadBalancers&LoadBalancerArns.member.1={lb-gone}",
        400,
        &["<Code>LoadBalancerNotFound</Code>"],
    ),
    fact(
        "its attributes",
        "Action=DescribeLoadBalancerAttributes&LoadBalancerArn={lb}",
        200,
        &["<Key>deletion_protection.enabled</Key>"],
    ),
    fact(
        "its listeners",
        "Action=DescribeListeners&LoadBalancerArn={lb}",
        200,
        &["<Port>80</Port>", "<Protocol>HTTP</Protocol>", "<Type>forward</Type>", "{tg}"],
    ),
    fact(
        "listeners of one that is gone",
        "Action=DescribeListeners&LoadBalancerArn={lb-gone}",
        400,
        &["<Code>LoadBalancerNotFound</Code>"],
    ),
    fact(
        "its rules",
        "Action=DescribeRules&ListenerArn={listener}",
        200,
        &["<Priority>default</Priority>", "<IsDefault>true</IsDefault>"],
    ),
    but_moto(
        fact(
            "both forms of a forward",
            "Action=DescribeListeners&ListenerArns.member.1={listener}",
            200,
            &["<ForwardConfig>", "<Weight>1</Weight>"],
        ),
        "it gives what was sent",
    ),
    but_moto(
        fact(
            "the default rule, which cannot be changed",
            "Action=ModifyRule&RuleArn={default-rule}&Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn={tg}",
            400,
            &["<Code>OperationNotPermitted</Code>", "cannot be modified"],
        ),
        "it changes it",
    ),
    fact(
        "weights",
        "Action=ModifyListener&ListenerArn={listener}&DefaultActions.member.1.Type=forward&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn={tg}&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight=90&DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn={idle}&DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10",
        200,
        &["<Weight>90</Weight>", "<Weight>10</Weight>"],
    ),
    but_moto(
        fact(
            "that both lead there now",
            "Action=DescribeTargetGroups&TargetGroupArns.member.1={idle}",
            200,
            &["<LoadBalancerArns><member>{lb}</member>"],
        ),
        "a changed listener leaves it as it was",
    ),
    but_moto(
        fact(
            "a weight too large",
            "Action=ModifyListener&ListenerArn={listener}&DefaultActions.member.1.Type=forward&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn={tg}&DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight=1000",
            400,
            &["<Code>ValidationError</Code>"],
        ),
        NO_LIMITS,
    ),
    fact(
        "new tags",
        "Action=AddTags&ResourceArns.member.1={tg}&Tags.member.1.Key=team&Tags.member.1.Value=shop",
        200,
        &[],
    ),
    fact(
        "tags of two",
        "Action=DescribeTags&ResourceArns.member.1={tg}&ResourceArns.member.2={lb}",
        200,
        &["<ResourceArn>{tg}</ResourceArn>", "<Key>team</Key>", "<ResourceArn>{lb}</ResourceArn>"],
    ),
    but_moto(
        fact(
            "tags of twenty-one",
            "Action=DescribeTags&{21:ResourceArns}",
            400,
            &["<Code>ValidationError</Code>"],
        ),
        NO_LIMITS,
    ),
    but_moto(
        fact(
            "tags of one that is gone",
            "Action=DescribeTags&ResourceArns.member.1={tg}&ResourceArns.member.2={gone}",
            400,
            &["<Code>TargetGroupNotFound</Code>"],
        ),
        "it gives no tags",
    ),
    but_moto(
        fact("an action nobody knows", "Action=FrobnicateTargets", 400, &["<Code>InvalidAction</Code>"]),
        "it answers 404 or 501 of its own",
    ),
    fact(
        "who asks",
        "Action=GetCallerIdentity&Version=2011-06-15",
        200,
        &["<Account>", "<Arn>arn:aws:", "<GetCallerIdentityResult>"],
    ),
];

/// A name of a world, and what it is there.
pub(crate) type Names = BTreeMap<&'static str, String>;

fn fill(text: &str, names: &Names) -> String {
    let mut text = text.to_owned();
    for list in ["TargetGroupArns", "ResourceArns"] {
        let all: Vec<String> = (1..=21).map(|n| format!("{list}.member.{n}={}", names["tg"])).collect();
        text = text.replace(&format!("{{21:{list}}}"), &all.join("&"));
    }
    names.iter().fold(text, |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
}

/// The text of the first tag of a name.
pub(crate) fn tag(xml: &str, name: &str) -> String {
    let after = xml.split(&format!("<{name}>")).nth(1).unwrap_or_default();
    after.split('<').next().unwrap_or_default().to_owned()
}

/// Finds out the ARNs of a world by its names.
pub(crate) async fn names(
    wire: &Wire,
    (group, idle, load_balancer): (&str, &str, &str),
    addresses: (&str, &str),
) -> Names {
    let arn = |name: String| async move {
        tag(
            &wire.query(&format!("Action=DescribeTargetGroups&Names.member.1={name}")).await.1,
            "TargetGroupArn",
        )
    };
    let (tg, idle) = (arn(group.to_owned()).await, arn(idle.to_owned()).await);
    let lb = tag(
        &wire.query(&format!("Action=DescribeLoadBalancers&Names.member.1={load_balancer}")).await.1,
        "LoadBalancerArn",
    );
    let listener =
        tag(&wire.query(&format!("Action=DescribeListeners&LoadBalancerArn={lb}")).await.1, "ListenerArn");
    let rules = wire.query(&format!("Action=DescribeRules&ListenerArn={listener}")).await.1;
    let default = tag(&rules, "RuleArn");
    let gone = format!("{}/0000000000000000", tg.rsplit_once('/').unwrap().0);
    let lb_gone = format!("{}/0000000000000000", lb.rsplit_once('/').unwrap().0);
    BTreeMap::from([
        ("tg", tg),
        ("tg-name", group.to_owned()),
        ("idle", idle),
        ("lb", lb),
        ("lb-gone", lb_gone),
        ("gone", gone),
        ("listener", listener),
        ("default-rule", default),
        ("address", addresses.0.to_owned()),
        ("other", addresses.1.to_owned()),
    ])
}

/// What an AWS does otherwise, each with the call it was; and what it was excused from.
pub(crate) async fn broken(wire: &Wire, names: &Names, moto: bool) -> (Vec<String>, Vec<String>) {
    let (mut broken, mut excused) = (Vec::new(), Vec::new());
    for fact in FACTS {
        let (status, text) = wire.query(&fill(fact.call, names)).await;
        let missing = fact.has.iter().map(|it| fill(it, names)).find(|it| !text.contains(it.as_str()));
        let wrong = match (status == fact.status, missing) {
            (false, _) => Some(format!("status {status}: {text}")),
            (true, Some(missing)) => Some(format!("no {missing} in {text}")),
            (true, None) => None,
        };
        match (wrong, fact.moto) {
            (Some(_), Some(why)) if moto => excused.push(format!("{}: {why}", fact.name)),
            (Some(wrong), _) => broken.push(format!("{}: {wrong}", fact.name)),
            (None, _) => {}
        }
    }
    (broken, excused)
}
