//! Targets as the controller sees them: through a cache of five minutes in which healthy ones are not looked at
//! again.

use std::collections::BTreeMap;

use crate::lab::clock::Millis;
use crate::lab::elbv2::health;
use crate::lab::elbv2::model::Health;
use crate::lab::elbv2::model::Key;
use crate::lab::elbv2::model::State;
use crate::lab::elbv2::refused::Refused;
use crate::lab::fault::Side;
use crate::lab::fault::Wrong;
use crate::lab::kubernetes::store::Name;
use crate::lab::world::World;

/// Milliseconds a full list of targets is good for.
const LISTED: Millis = 300_000;
/// Targets of one call.
const CHUNK: usize = 200;

/// What the controller calls itself before AWS and Kubernetes.
const WHO: &str = "controller";

/// Makes a call as the controller; gives the error as the controller writes it.
fn call(world: &mut World, action: &str, arn: &str) -> Result<(), String> {
    let hit = world.faults.hit(Side::Aws, action, WHO, world.now);
    let refused = match hit.map(|it| it.wrong) {
        Some(Wrong::Throttled) => Refused::new("Throttling", "Rate exceeded"),
        Some(Wrong::Denied) => {
            let message = format!(
                "User: arn:aws:sts::{}:assumed-role/aws-load-balancer-controller/1 is not authorized to perform: elasticloadbalancing:{action} because no identity-based policy allows the elasticloadbalancing:{action} action",
                world.elb.account
            );
            Refused::new("AccessDenied", message).with_status(403)
        }
        Some(Wrong::Expired) => {
            Refused::new("ExpiredToken", "The security token included in the request is expired")
                .with_status(403)
        }
        Some(Wrong::Down | Wrong::Hang | Wrong::Html | Wrong::Gone) => {
            Refused::new("ServiceUnavailable", "Service Unavailable").with_status(503)
        }
        _ if !world.elb.groups.contains_key(arn) => {
            Refused::new("TargetGroupNotFound", "One or more target groups not found")
        }
        _ => return Ok(()),
    };
    Err(format!(
        "operation error Elastic Load Balancing v2: {action}, https response error StatusCode: {}, RequestID: {}, api error {}: {}",
        refused.status,
        world.elb.random.uid(),
        refused.code,
        refused.message
    ))
}

/// All targets the controller knows of, draining ones too.
pub(super) fn list(
    world: &mut World,
    kind: &'static str,
    name: &Name,
    arn: &str,
) -> Result<BTreeMap<Key, Health>, String> {
    let now = world.now;
    let cached = world.lbc.memory(kind, name).cache.clone().filter(|(listed, _)| now - listed < LISTED);
    let truth = |world: &World| {
        let targets = world.elb.groups.get(arn).map(|it| &it.targets);
        targets
            .into_iter()
            .flatten()
            .map(|(key, it)| (key.clone(), it.health.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let (listed, targets) = match cached {
        None => {
            call(world, "DescribeTargetHealth", arn)?;
            (now, truth(world))
        }
        Some((listed, mut targets)) => {
            if targets.values().any(|it| it.state != State::Healthy) {
                call(world, "DescribeTargetHealth", arn)?;
                let truth = truth(world);
                targets.retain(|key, it| it.state == State::Healthy || truth.contains_key(key));
                for (key, health) in targets.iter_mut().filter(|(_, it)| it.state != State::Healthy) {
                    if let Some(new) = truth.get(key) {
                        *health = new.clone();
                    }
                }
            }
            (listed, targets)
        }
    };
    world.lbc.memory(kind, name).cache = Some((listed, targets.clone()));
    Ok(targets)
}

pub(super) fn deregister(
    world: &mut World,
    kind: &'static str,
    name: &Name,
    arn: &str,
    keys: &[Key],
) -> Result<(), String> {
    for chunk in keys.chunks(CHUNK) {
        call(world, "DeregisterTargets", arn)?;
        for key in chunk {
            health::deregister(world, arn, key);
            remember(world, kind, name, (key, Health::draining()));
        }
    }
    Ok(())
}

pub(super) fn register(
    world: &mut World,
    kind: &'static str,
    name: &Name,
    arn: &str,
    keys: &[Key],
) -> Result<(), String> {
    for chunk in keys.chunks(CHUNK) {
        call(world, "RegisterTargets", arn)?;
        for key in chunk {
            let instance = world.elb.instances.get(&key.id).map(|it| it.zone.clone());
            let zone = instance.or_else(|| world.elb.zone_of(&key.id)).unwrap_or_else(|| "all".to_owned());
            health::register(world, arn, key, &zone);
            remember(world, kind, name, (key, Health::registering()));
        }
    }
    Ok(())
}

/// What the controller did itself it knows without asking.
fn remember(world: &mut World, kind: &'static str, name: &Name, (key, health): (&Key, Health)) {
    if let Some((_, targets)) = &mut world.lbc.memory(kind, name).cache {
        targets.insert(key.clone(), health);
    }
}
