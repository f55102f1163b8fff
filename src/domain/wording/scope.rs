//! What of a scope was not found or not looked at, in words that name it.

use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::selector::Selector;
use crate::domain::inventory::needs::TAGGED;
use crate::domain::judgement::scope::ScopeKind;
use crate::domain::judgement::scope::ScopeTarget;

/// That a look at everything found nothing. `namespace`: the one that was looked in; `None`: all.
pub(crate) fn nothing(namespace: Option<&str>, selector: Option<&Selector>) -> String {
    let place = place(namespace);
    match selector {
        Some(selector) => {
            format!("no TargetGroupBinding {place} matches -l {}", quoted(&selector.to_string()))
        }
        None => format!("no TargetGroupBinding {place}"),
    }
}

fn quoted(text: &str) -> String {
    if text.chars().any(|it| it == ' ' || it == '!') { format!("'{text}'") } else { text.to_owned() }
}

fn place(namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "in any namespace".to_owned(),
    }
}

/// That a namespace does not exist in any of the clusters that were looked in.
pub(crate) fn no_namespace(name: &str, clusters: &[ClusterId]) -> String {
    let clusters: Vec<&str> = clusters.iter().map(|it| &*it.0).collect();
    let context = if clusters.len() == 1 { "context" } else { "contexts" };
    format!("namespace {name} does not exist ({context} {})", clusters.join(", "))
}

/// `namespace`: the one that was looked in; `None`: all. `command`: one that what was typed looks like.
pub(crate) fn not_found(target: &ScopeTarget, namespace: Option<&str>, command: Option<&str>) -> String {
    let place = place(target.namespace.as_deref().or(namespace));
    let what = match &target.kind {
        ScopeKind::Binding(name, _) => format!("no TargetGroupBinding {name} {place}"),
        ScopeKind::Service(name) => format!("no TargetGroupBinding of service {name} {place}"),
        ScopeKind::Pod(name) => format!("no TargetGroupBinding {place} has pod {name}"),
        ScopeKind::Deployment(name) => {
            format!("no TargetGroupBinding {place} selects the pods of Deployment {name}")
        }
        ScopeKind::Node(name) => format!("no TargetGroupBinding {place} has an endpoint on node {name}"),
        ScopeKind::Group(name, None) => format!("no target group {name} in this account and region"),
        ScopeKind::Group(name, Some(hash)) => {
            format!("no target group {name}/{hash} in this account and region")
        }
        ScopeKind::Arn(arn) => format!("no target group {arn}"),
        ScopeKind::LoadBalancer(name) => {
            format!("no TargetGroupBinding {place} has a target group behind load balancer {name}")
        }
        ScopeKind::Host(name) => format!("no TargetGroupBinding {place} has a target group behind {name}"),
        ScopeKind::Address(..) | ScopeKind::Instance(_) => {
            let bare = ScopeTarget { namespace: None, kind: target.kind.clone() };
            format!("no TargetGroupBinding {place} has endpoint or target {bare}")
        }
    };
    match command {
        Some(command) => format!("{what}; did you mean the command `{command}`?"),
        None => what,
    }
}

/// That so many groups may be this cluster's without being listed.
pub(crate) fn unchecked(groups: usize) -> String {
    format!(
        "{groups} more target groups without a binding were not checked for this cluster's tag (limit {TAGGED})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_searched_for_is_repeated_where_nothing_matches() {
        let said = |selector: &str| nothing(Some("shop"), Some(&selector.parse().unwrap()));
        assert_eq!(said("app=nope"), "no TargetGroupBinding in namespace shop matches -l app=nope");
        assert_eq!(
            said("zone in (a,b)"),
            "no TargetGroupBinding in namespace shop matches -l 'zone in (a,b)'"
        );
        assert_eq!(nothing(None, None), "no TargetGroupBinding in any namespace");
    }

    #[test]
    fn what_was_not_found_is_named_with_the_place_that_was_looked_in() {
        let said = |text: &str, namespace| not_found(&text.parse().unwrap(), namespace, None);
        assert_eq!(said("web", Some("shop")), "no TargetGroupBinding web in namespace shop");
        assert_eq!(
            said("pay/svc/web", Some("shop")),
            "no TargetGroupBinding of service web in namespace pay"
        );
        assert_eq!(said("pod/web-1", None), "no TargetGroupBinding in any namespace has pod web-1");
        assert_eq!(said("tg/web", None), "no target group web in this account and region");
        assert_eq!(
            said("[fd00::1]:80", None),
            "no TargetGroupBinding in any namespace has endpoint or target [fd00::1]:80"
        );
        let typed = "gett".parse().unwrap();
        assert_eq!(
            not_found(&typed, Some("shop"), Some("get")),
            "no TargetGroupBinding gett in namespace shop; did you mean the command `get`?"
        );
    }
}
