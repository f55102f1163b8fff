//! The `kubectl` and `aws` commands equivalent to a plan, and the fields that it sends.

use crate::domain::facts::elb::Forward;
use crate::domain::facts::elb::Rule;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ClusterId;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::ids::TargetKey;
use crate::domain::inventory::routes::Place;
use crate::domain::plan::act::Act;
use crate::domain::plan::act::Arriving;
use crate::domain::plan::act::Labelled;
use crate::domain::plan::act::Role;
use crate::domain::plan::manner::Manner;

/// ELBv2 takes at most this many targets in one call (its documentation leaves it open; the controller sends so many).
pub(crate) const BATCH: usize = 200;

/// The commands equivalent to one step, each pasteable into a shell; several where it takes several calls.
pub(crate) fn lines(act: &Act, manner: &Manner) -> Vec<String> {
    let line = |words: Vec<String>| vec![joined(&words)];
    match act {
        Act::Register { group, role, targets } => {
            of_elbv2("register-targets", (group, role), targets, manner)
        }
        Act::Deregister { group, role, targets } => {
            of_elbv2("deregister-targets", (group, role), targets, manner)
        }
        Act::Mark { binding, marker, .. } => line(of_kubectl(
            manner,
            (&binding.cluster, &binding.namespace),
            &[
                "annotate",
                resource(binding.api),
                &binding.name,
                &format!("elbv2.k8s.aws/checkpoint={marker}"),
                "--overwrite",
            ],
        )),
        Act::Create { cluster, manifest } => {
            line(of_kubectl(manner, (cluster, &manifest.name.namespace), &["create", "-f", "-"]))
        }
        Act::DeleteBinding { binding, .. } => line(of_kubectl(
            manner,
            (&binding.cluster, &binding.namespace),
            &["delete", resource(binding.api), &binding.name],
        )),
        Act::EvictPod { cluster, name, .. } => {
            let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", name.namespace, name.name);
            line(of_kubectl(manner, (cluster, &name.namespace), &["create", "--raw", &path, "-f", "-"]))
        }
        Act::Label { cluster, object, key, to, .. } => {
            let (namespace, kind, name) = match object {
                Labelled::Pod(name, _) => (name.namespace.as_str(), "pod", name.name.as_str()),
                Labelled::Node(name) => ("", "node", name.as_str()),
            };
            let change = to.as_ref().map_or_else(|| format!("{key}-"), |to| format!("{key}={to}"));
            line(of_kubectl(manner, (cluster, namespace), &["label", kind, name, &change]))
        }
        Act::AwaitGone { group, targets } => {
            let few = targets.iter().take(BATCH).map(target);
            let words = ["wait", "target-deregistered", "--region", group.region(), "--target-group-arn"];
            let words =
                words.map(str::to_owned).into_iter().chain([group.to_string(), "--targets".to_owned()]);
            line(aws(manner, words.chain(few)))
        }
        Act::Shift { place, from, to } => line(modify(place, from, to, manner)),
        Act::AwaitLeaving { .. } | Act::AwaitReplaced { .. } | Act::AwaitInStep { .. } => Vec::new(),
    }
}

/// Words as a shell reads them back.
pub(crate) fn joined<T: AsRef<str>>(words: &[T]) -> String {
    // Only a NUL cannot be quoted, and no API takes one.
    let words: Vec<String> = words.iter().map(|it| it.as_ref().replace('\0', "")).collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default()
}

fn of_kubectl(manner: &Manner, (cluster, namespace): (&ClusterId, &str), rest: &[&str]) -> Vec<String> {
    let mut words = vec!["kubectl".to_owned()];
    words.extend(manner.kubectl.iter().cloned());
    words.extend(["--context".to_owned(), cluster.0.to_string()]);
    if !namespace.is_empty() {
        words.extend(["-n".to_owned(), namespace.to_owned()]);
    }
    words.extend(rest.iter().map(|it| (*it).to_owned()));
    words
}

/// A `kubectl` line about a namespace.
pub(crate) fn kubectl(manner: &Manner, place: (&ClusterId, &str), rest: &[&str]) -> String {
    joined(&of_kubectl(manner, place, rest))
}

/// An `aws` line of a service, by a person's own profile and endpoint.
pub(crate) fn aws_line(manner: &Manner, service: &str, rest: &[&str]) -> String {
    joined(&of_aws(service, &[&manner.profile, &manner.aws], rest.iter().map(|it| (*it).to_owned())))
}

fn aws(manner: &Manner, rest: impl IntoIterator<Item = String>) -> Vec<String> {
    of_aws("elbv2", &[&manner.profile, &manner.aws], rest)
}

fn of_aws(service: &str, flags: &[&[String]], rest: impl IntoIterator<Item = String>) -> Vec<String> {
    ["aws", service].map(str::to_owned).into_iter().chain(flags.concat()).chain(rest).collect()
}

/// What a step sends to the API server, where it patches an object, or deletes or evicts one under a precondition.
pub(crate) fn fields(act: &Act) -> Option<String> {
    let sent = match act {
        Act::Mark { marker, .. } => format!("metadata.annotations[elbv2.k8s.aws/checkpoint]: {marker:?}"),
        Act::Label { key, to, .. } => {
            let value = to.as_ref().map_or_else(|| "null".to_owned(), |it| format!("{it:?}"));
            format!("metadata.labels[{key}]: {value}")
        }
        Act::DeleteBinding { uid, .. } => return Some(format!("preconditions.uid: {}", uid.0)),
        _ => return None,
    };
    Some(format!("{sent}, with the resourceVersion read just before"))
}

fn resource(api: BindingApi) -> &'static str {
    match api {
        BindingApi::LoadBalancerController => "targetgroupbindings.elbv2.k8s.aws",
        BindingApi::AutoMode => "targetgroupbindings.eks.amazonaws.com",
    }
}

/// A line for each batch; by a role of the binding one has to be that role first.
fn of_elbv2(
    call: &str,
    (group, role): (&TargetGroupArn, &Role),
    targets: &[Arriving],
    manner: &Manner,
) -> Vec<String> {
    let described = |it: &Arriving| {
        let zone = it.zone.as_ref().map_or_else(String::new, |it| format!(",AvailabilityZone={it}"));
        format!("{}{zone}", target(&it.key))
    };
    let role = role.as_ref().filter(|_| !manner.stays_itself);
    // A profile goes before the keys of a role: it belongs to the line that gets those.
    let flags: &[&[String]] = if role.is_some() { &[&manner.aws] } else { &[&manner.profile, &manner.aws] };
    let call = |batch: &[Arriving]| {
        let words = [call, "--region", group.region(), "--target-group-arn"].map(str::to_owned);
        let words = words.into_iter().chain([group.to_string(), "--targets".to_owned()]);
        joined(&of_aws("elbv2", flags, words.chain(batch.iter().map(described))))
    };
    let first = role.map(|(role, external)| {
        let words = ["assume-role", "--role-arn", role, "--role-session-name", "tgscope"].map(str::to_owned);
        let external = external.iter().flat_map(|it| ["--external-id".to_owned(), it.clone()]);
        let line = joined(&of_aws("sts", &[&manner.profile], words.into_iter().chain(external)));
        format!("# with the credentials of: {line}")
    });
    first.into_iter().chain(targets.chunks(BATCH).map(call)).collect()
}

/// Only the groups and weights: other actions of the rule have to be sent with them.
fn modify(place: &Place, from: &Rule, to: &[Forward], manner: &Manner) -> Vec<String> {
    let groups: Vec<String> =
        to.iter().map(|it| format!("{{TargetGroupArn={},Weight={}}}", it.group, it.weight)).collect();
    let sticky = from.sticky.map_or_else(String::new, |it| {
        format!(",TargetGroupStickinessConfig={{Enabled=true,DurationSeconds={it}}}")
    });
    let action = format!("Type=forward,ForwardConfig={{TargetGroups=[{}]{sticky}}}", groups.join(","));
    let region = place.load_balancer.region();
    let (call, what, arn, actions) = match &place.rule {
        None => ("modify-listener", "--listener-arn", place.listener.as_str(), "--default-actions"),
        Some(rule) => ("modify-rule", "--rule-arn", rule.as_str(), "--actions"),
    };
    aws(manner, [call, "--region", region, what, arn, actions, &action].map(str::to_owned))
}

fn target(key: &TargetKey) -> String {
    let server = key.quic_server_id.as_ref().map_or_else(String::new, |it| format!(",QuicServerId={it}"));
    format!("Id={},Port={}{server}", key.id, key.port)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::facts::ids::BindingRef;
    use crate::domain::facts::ids::ObjectName;
    use crate::domain::facts::ids::Uid;

    /// The arguments that a shell makes of a line.
    fn read_back(line: &str) -> Vec<String> {
        let script = format!("show() {{ for it; do printf '%s\\0' \"$it\"; done; }}; show {line}");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    fn mark(context: &str) -> Act {
        let binding = BindingRef {
            cluster: ClusterId::new(context),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
            api: BindingApi::LoadBalancerController,
        };
        Act::Mark { binding, uid: Uid::new("u"), marker: "tgscope/1".to_owned(), answered: true }
    }

    proptest! {
        #![proptest_config(crate::domain::fixture::few(48))]
        #[test]
        fn a_line_pastes_back_into_its_arguments(context in "[^\0]{0,24}", user in "[^\0]{1,12}") {
            let manner = Manner { kubectl: vec!["--as".to_owned(), user.clone()], ..Manner::default() };
            let [line] = lines(&mark(&context), &manner).try_into().unwrap();
            let words = read_back(&line);
            let expected = ["kubectl", "--as", &user, "--context", &context, "-n", "shop", "annotate",
                "targetgroupbindings.elbv2.k8s.aws", "web", "elbv2.k8s.aws/checkpoint=tgscope/1", "--overwrite"];
            prop_assert_eq!(words, expected.map(str::to_owned).to_vec());
        }
    }

    proptest! {
        #![proptest_config(crate::domain::fixture::few(24))]
        #[test]
        fn whatever_others_wrote_stays_within_one_argument(texts in prop::collection::vec("[^\0]{1,16}", 8)) {
            let [context, namespace, name, key, value, role, external, profile] = texts.as_slice() else {
                panic!("eight texts")
            };
            let cluster = ClusterId::new(context);
            let named = ObjectName::new(namespace, name);
            let role = Some((role.clone(), Some(external.clone())));
            let (group, uid) = (crate::domain::fixture::arn(), Uid::new("u"));
            let targets = vec![Arriving { key: crate::domain::fixture::key("10.0.0.1:80"), zone: None, pod: None }];
            let binding = BindingRef {
                cluster: cluster.clone(),
                namespace: namespace.clone(),
                name: name.clone(),
                api: BindingApi::LoadBalancerController,
            };
            let pod = Labelled::Pod(named.clone(), uid.clone());
            let (from, to) = (None, Some(value.clone()));
            let acts = [
                (Act::Register { group: group.clone(), role: role.clone(), targets: targets.clone() }, vec![]),
                (Act::Deregister { group, role, targets }, vec![]),
                (Act::DeleteBinding { binding, uid: uid.clone(), held: false }, vec![context, namespace, name]),
                (Act::EvictPod { cluster: cluster.clone(), name: named, uid }, vec![context, namespace, name]),
                (Act::Label { cluster, object: pod, key: key.clone(), from, to }, vec![context, namespace, name, key, value]),
            ];
            let manner = Manner { profile: vec!["--profile".to_owned(), profile.clone()], ..Manner::default() };
            for (act, said) in &acts {
                for line in lines(act, &manner) {
                    // What is no command is one to be made first, after what says so.
                    let line = line.strip_prefix("# with the credentials of: ").unwrap_or(&line);
                    let words = read_back(line);
                    prop_assert!(matches!(words.first().map(String::as_str), Some("kubectl" | "aws")), "{}", line);
                    if line.starts_with("aws sts") {
                        for text in [external, profile] {
                            prop_assert!(words.contains(text), "{} in {:?}", text, words);
                        }
                        continue;
                    }
                    for text in said {
                        prop_assert!(words.iter().any(|it| it.contains(text.as_str())), "{} in {:?}", text, words);
                    }
                }
            }
        }
    }

    #[test]
    fn a_context_cannot_run_anything() {
        let [line] = lines(&mark("a;touch X #"), &Manner::default()).try_into().unwrap();
        assert!(line.starts_with("kubectl --context 'a;touch X #' -n shop annotate"), "{line}");
    }

    #[test]
    fn a_role_of_the_binding_is_said_before_the_call() {
        let group: TargetGroupArn = crate::domain::fixture::arn();
        let role = Some(("arn:aws:iam::444455556666:role/lbc".to_owned(), Some("x y".to_owned())));
        let act = Act::Deregister { group, role, targets: Vec::new() };
        let said = lines(&act, &Manner::default());
        assert_eq!(
            said.first().unwrap(),
            "# with the credentials of: aws sts assume-role --role-arn arn:aws:iam::444455556666:role/lbc --role-session-name tgscope --external-id 'x y'"
        );
        let target = Arriving { key: crate::domain::fixture::key("10.0.0.1:80"), zone: None, pod: None };
        let Act::Deregister { group, role, .. } = act else { panic!() };
        let act = Act::Deregister { group, role, targets: vec![target] };
        let profile = ["--profile", "ops"].map(str::to_owned).to_vec();
        let manner = Manner { profile, ..Manner::default() };
        let [first, call] = lines(&act, &manner).try_into().unwrap();
        assert!(first.starts_with("# with the credentials of: aws sts --profile ops assume-role"), "{first}");
        assert!(
            call.starts_with("aws elbv2 deregister-targets"),
            "a profile goes before the role's keys: {call}"
        );
        let [call] = lines(&act, &Manner { stays_itself: true, ..manner }).try_into().unwrap();
        assert!(call.starts_with("aws elbv2 --profile ops deregister-targets"), "{call}");
    }
}
