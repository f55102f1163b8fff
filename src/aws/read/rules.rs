//! Rules of listeners: what they look at, change and do.

use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types;

use super::fields::seconds;
use super::fields::text;
use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::RuleArn;
use crate::domain::facts::routing::Condition;
use crate::domain::facts::routing::Patterns;
use crate::domain::facts::routing::Redirect;
use crate::domain::facts::routing::Step;
use crate::domain::facts::routing::Transform;

/// The default action of a listener, as a rule.
pub(super) fn default(actions: &[types::Action]) -> Rule {
    Rule {
        arn: None,
        priority: "default".into(),
        conditions: Vec::new(),
        matches: Vec::new(),
        transforms: Vec::new(),
        steps: steps(actions),
        forwards: forwards(actions),
        sticky: sticky(actions),
        kinds: kinds(actions),
    }
}

pub(in crate::aws) fn rule(it: &types::Rule) -> Rule {
    let matches: Vec<Condition> = it.conditions().iter().map(condition).collect();
    let transforms: Vec<Transform> = it.transforms().iter().filter_map(transform).collect();
    Rule {
        arn: it.rule_arn().map(|it| RuleArn(it.into())),
        priority: it.priority().unwrap_or("default").into(),
        conditions: matches
            .iter()
            .map(Condition::text)
            .chain(transforms.iter().map(Transform::text))
            .collect(),
        matches,
        transforms,
        ..default(it.actions())
    }
}

fn transform(it: &types::RuleTransform) -> Option<Transform> {
    let (url, rewrites) = match (it.host_header_rewrite_config(), it.url_rewrite_config()) {
        (Some(host), _) => (false, host.rewrites()),
        (None, Some(url)) => (true, url.rewrites()),
        (None, None) => return None,
    };
    let one = |it: &types::RewriteConfig| {
        (it.regex().unwrap_or_default().to_owned(), it.replace().unwrap_or_default().to_owned())
    };
    Some(Transform { url, rewrites: rewrites.iter().map(one).collect() })
}

/// What is done, in its order.
fn steps(actions: &[types::Action]) -> Vec<Step> {
    let mut all: Vec<&types::Action> = actions.iter().collect();
    all.sort_by_key(|it| it.order());
    let step = |it: &&types::Action| {
        let kind = it.r#type().map(types::ActionTypeEnum::as_str)?;
        Some(match (kind, it.fixed_response_config(), it.redirect_config()) {
            ("forward", ..) => Step::Forward,
            ("fixed-response", Some(fixed), _) => Step::Fixed(fixed.status_code().unwrap_or("?").into()),
            ("redirect", _, Some(to)) => Step::Redirect(redirect(to)),
            ("authenticate-oidc" | "authenticate-cognito" | "jwt-validation", ..) => Step::Check(kind.into()),
            (other, ..) => Step::Other(other.into()),
        })
    };
    all.iter().filter_map(step).collect()
}

fn redirect(it: &types::RedirectActionConfig) -> Redirect {
    Redirect {
        status: text(it.status_code().map(types::RedirectActionStatusCodeEnum::as_str)),
        protocol: text(it.protocol()),
        host: text(it.host()),
        port: text(it.port()),
        path: text(it.path()),
        query: it.query().map(Into::into),
    }
}

/// Where actions send requests. AWS gives a single group both as its ARN and as a list of one; others give
/// only one of the two.
pub(super) fn forwards(actions: &[types::Action]) -> Vec<Forward> {
    let mut found = Vec::new();
    for action in actions {
        let listed =
            action.forward_config().map(types::ForwardActionConfig::target_groups).unwrap_or_default();
        let read = |it: &types::TargetGroupTuple| {
            let group = it.target_group_arn()?.parse().ok()?;
            Some(Forward { group, weight: seconds(Some(it.weight().unwrap_or(1))) })
        };
        found.extend(listed.iter().filter_map(read));
        if listed.is_empty() {
            let single = action.target_group_arn().and_then(|it| it.parse().ok());
            found.extend(single.map(|group| Forward { group, weight: 1 }));
        }
    }
    found
}

/// Seconds for which a client stays with the group it got first.
fn sticky(actions: &[types::Action]) -> Option<u32> {
    let configs = actions.iter().filter_map(|it| it.forward_config()?.target_group_stickiness_config());
    let mut on = configs.filter(|it| it.enabled() == Some(true));
    on.next().map(|it| seconds(it.duration_seconds()))
}

fn kinds(actions: &[types::Action]) -> Vec<Arc<str>> {
    actions.iter().filter_map(|it| text(it.r#type().map(types::ActionTypeEnum::as_str))).collect()
}

pub(super) fn condition(it: &types::RuleCondition) -> Condition {
    let patterns = |values: &[String], expressions: &[String]| Patterns {
        values: values.to_vec(),
        expressions: expressions.to_vec(),
    };
    match it.field() {
        Some("host-header") => Condition::Host(match it.host_header_config() {
            Some(host) => patterns(host.values(), host.regex_values()),
            None => patterns(it.values(), &[]),
        }),
        Some("path-pattern") => Condition::Path(match it.path_pattern_config() {
            Some(path) => patterns(path.values(), path.regex_values()),
            None => patterns(it.values(), &[]),
        }),
        Some("http-request-method") => {
            Condition::Method(it.http_request_method_config().map_or(it.values(), |it| it.values()).to_vec())
        }
        Some("source-ip") => {
            let source = it.source_ip_config();
            // Of network load balancers: which family of addresses a client comes with.
            match source.and_then(|it| it.ip_address_type()) {
                Some(family) => Condition::Family(family.as_str().to_owned()),
                None => Condition::Source(source.map_or(it.values(), |it| it.values()).to_vec()),
            }
        }
        Some("http-header") => {
            let header = it.http_header_config();
            let name = header.and_then(|it| it.http_header_name()).unwrap_or_default();
            let values = header.map(|it| patterns(it.values(), it.regex_values())).unwrap_or_default();
            Condition::Header(name.to_owned(), values)
        }
        Some("query-string") => {
            let pairs = it.query_string_config().map(|it| it.values()).unwrap_or_default();
            let pair = |it: &types::QueryStringKeyValuePair| {
                (it.key().map(str::to_owned), it.value().unwrap_or_default().to_owned())
            };
            Condition::Query(pairs.iter().map(pair).collect())
        }
        other => Condition::Other(format!("{} {}", other.unwrap_or("condition"), it.values().join("|"))),
    }
}
