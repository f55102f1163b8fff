//! The lab's AWS: Elastic Load Balancing, as much of STS as says who somebody is, and the network of EC2, over the Query API.

pub(super) mod describe;
pub(super) mod health;
pub(super) mod model;
mod modify;
pub(super) mod refused;
pub(super) mod xml;

use std::time::Duration;

use self::refused::Refused;
use self::xml::Parameters;
use self::xml::Xml;
use super::clock::stamp;
use super::ec2;
use super::engine;
use super::fault::Side;
use super::fault::Wrong;
use super::server::Ask;
use super::server::Reply;
use super::shared::Shared;
use super::world::World;

/// Access keys and who they belong to: the first part of the user's name decides what they may do.
pub const ADMIN_KEY: &str = "AKIALABADMIN00000000";
pub const VIEWER_KEY: &str = "AKIALABVIEWER0000000";
/// The secret of every key; signatures are not checked.
pub const SECRET: &str = "lab";

/// Whose call it is: each writes its answers in its own way.
#[derive(Clone, Copy)]
enum Service {
    Elb,
    Sts,
    Ec2,
}

impl Service {
    fn answer(self, action: &str, inner: &Xml, request: &str) -> Reply {
        match self {
            Self::Ec2 => xml::answer_of_ec2(action, inner, request),
            Self::Elb | Self::Sts => xml::answer(action, inner, request, matches!(self, Self::Sts)),
        }
    }

    fn refusal(self, it: &Refused, request: &str) -> Reply {
        match self {
            Self::Ec2 => xml::refusal_of_ec2(it, request),
            Self::Elb | Self::Sts => xml::refusal(it, request, matches!(self, Self::Sts)),
        }
    }
}

/// Answers a call.
pub(super) fn answer(shared: &Shared, ask: &Ask) -> Reply {
    engine::within(shared, |world| dispatch(world, ask))
}

/// The user an access key of the Authorization header belongs to; `None`: nobody's.
fn caller(ask: &Ask) -> Option<&'static str> {
    let key = ask.header("authorization")?.split("Credential=").nth(1)?.split('/').next()?;
    match key {
        VIEWER_KEY => Some("viewer"),
        _ => Some("admin"),
    }
}

fn dispatch(world: &mut World, ask: &Ask) -> Reply {
    let parameters = Parameters::parse(&ask.body, &ask.query);
    let action = parameters.text("Action").to_owned();
    let service = match parameters.text("Version") {
        ec2::VERSION => Service::Ec2,
        _ if matches!(action.as_str(), "GetCallerIdentity" | "AssumeRole") => Service::Sts,
        _ => Service::Elb,
    };
    let request = world.elb.random.uid();
    let Some(user) = caller(ask) else {
        let refused = Refused::new("MissingAuthenticationToken", "Request is missing Authentication Token");
        return service.refusal(&refused.with_status(403), &request);
    };
    let hit = world.faults.hit(Side::Aws, &action, user, world.now);
    let refuse = |code, message: &str, status| {
        service.refusal(&Refused::new(code, message).with_status(status), &request)
    };
    match hit.map(|it| it.wrong) {
        Some(Wrong::Down) => return Reply::Cut,
        Some(Wrong::Hang) => return Reply::Hang,
        Some(Wrong::Html) => {
            return Reply::text(
                500,
                "text/html",
                "<html><body><h1>500 Internal Server Error</h1></body></html>",
            );
        }
        Some(Wrong::Throttled) if matches!(service, Service::Ec2) => {
            return refuse("RequestLimitExceeded", "Request limit exceeded.", 503);
        }
        Some(Wrong::Throttled) => return refuse("Throttling", "Rate exceeded", 400),
        Some(Wrong::Expired) => {
            return refuse("ExpiredToken", "The security token included in the request is expired", 403);
        }
        Some(Wrong::Denied) => {
            let refused = match service {
                Service::Ec2 => ec2::denied(&user_arn(world, user), &action),
                Service::Elb | Service::Sts => denied(world, user, &action),
            };
            return service.refusal(&refused, &request);
        }
        Some(Wrong::Gone) => return refuse("ServiceUnavailable", "Service Unavailable", 503),
        _ => {}
    }
    let unknown_state = hit.is_some_and(|it| it.wrong == Wrong::UnknownState);
    let done = match service {
        Service::Ec2 => ec2::perform(world, (&action, user), &parameters),
        Service::Elb | Service::Sts => perform(world, (&action, user), &parameters, unknown_state),
    };
    let reply = match done {
        Ok(inner) => service.answer(&action, &inner, &request),
        Err(refused) => service.refusal(&refused, &request),
    };
    match hit {
        Some(it) if it.wrong == Wrong::Slow => {
            Reply::Late(Duration::from_millis(it.latency), Box::new(reply))
        }
        _ => reply,
    }
}

fn user_arn(world: &World, user: &str) -> String {
    format!("arn:aws:iam::{}:user/{user}", world.elb.account)
}

fn denied(world: &World, user: &str, action: &str) -> Refused {
    let message = format!(
        "User: {} is not authorized to perform: elasticloadbalancing:{action} because no identity-based policy allows the elasticloadbalancing:{action} action",
        user_arn(world, user)
    );
    Refused::new("AccessDenied", message).with_status(403)
}

fn perform(
    world: &mut World,
    (action, user): (&str, &str),
    parameters: &Parameters,
    unknown_state: bool,
) -> Result<Xml, Refused> {
    let reads = action.starts_with("Describe") || action == "GetCallerIdentity";
    if user == "viewer" && !reads {
        return Err(denied(world, user, action));
    }
    match action {
        "DescribeTargetGroups" => describe::groups(&world.elb, parameters),
        "DescribeTargetHealth" => describe::health(&world.elb, parameters, unknown_state),
        "DescribeTargetGroupAttributes" => describe::attributes(&world.elb, parameters),
        "DescribeLoadBalancers" => describe::load_balancers(&world.elb, parameters),
        "DescribeLoadBalancerAttributes" => describe::load_balancer_attributes(&world.elb, parameters),
        "DescribeListeners" => describe::listeners(&world.elb, parameters),
        "DescribeRules" => describe::rules(&world.elb, parameters),
        "DescribeTags" => describe::tags(&world.elb, parameters),
        "DescribeAccountLimits" => Ok(describe::limits()),
        "RegisterTargets" => modify::register(world, parameters),
        "DeregisterTargets" => modify::deregister(world, parameters),
        "ModifyTargetGroupAttributes" => modify::group_attributes(world, parameters),
        "ModifyTargetGroup" => modify::group(world, parameters),
        "ModifyListener" => modify::listener(world, parameters),
        "ModifyRule" => modify::rule(world, parameters),
        "AddTags" => modify::add_tags(world, parameters),
        "RemoveTags" => modify::remove_tags(world, parameters),
        "GetCallerIdentity" => {
            let mut xml = Xml::default();
            let id = format!("AIDALAB{}", user.to_ascii_uppercase());
            xml.tag("Arn", user_arn(world, user)).tag("UserId", id).tag("Account", &world.elb.account);
            Ok(xml)
        }
        "AssumeRole" => Ok(assume(world, parameters)),
        _ => {
            let message =
                format!("Could not find operation {action} for version {}", parameters.text("Version"));
            Err(Refused::new("InvalidAction", message))
        }
    }
}

/// Everybody may be everybody here: the credentials are the administrator's, for an hour.
fn assume(world: &World, parameters: &Parameters) -> Xml {
    let role = parameters.text("RoleArn");
    let session = parameters.text("RoleSessionName");
    let mut xml = Xml::default();
    xml.inside("Credentials", |xml| {
        xml.tag("AccessKeyId", ADMIN_KEY).tag("SecretAccessKey", SECRET).tag("SessionToken", "lab");
        xml.tag("Expiration", stamp(world.now + 3_600_000));
    });
    xml.inside("AssumedRoleUser", |xml| {
        let arn = role.replacen(":iam:", ":sts:", 1).replacen(":role/", ":assumed-role/", 1);
        xml.tag("AssumedRoleId", format!("AROALAB:{session}")).tag("Arn", format!("{arn}/{session}"));
    });
    xml
}
