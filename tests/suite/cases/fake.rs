//! Both outsides of a case answered from its files: lists and objects of Kubernetes, and the Query API of AWS.

use std::path::Path;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::Value;
use serde_json::json;

use crate::support::After;
use crate::support::Answer;
use crate::support::Request;
use crate::support::answer;
use crate::world::refused;
use crate::world::xml;

/// Kinds that belong to no namespace.
const OF_CLUSTER: [&str; 5] = [
    "Node",
    "Namespace",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "CustomResourceDefinition",
];

pub(crate) struct World {
    objects: Vec<Value>,
    aws: Value,
    served: Vec<String>,
}

fn stamp(seconds: f64) -> String {
    #[expect(clippy::disallowed_methods, reason = "the program under test goes by the wall clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are meant")]
    let at = jiff::Timestamp::from_second((now + seconds) as i64).unwrap();
    at.to_string()
}

/// `$now-30` becomes a time, `$unix-30` a number of seconds.
fn filled(value: Value) -> Value {
    let offset = |text: &str| text.parse().unwrap_or(0.0);
    match value {
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, filled(value))).collect(),
        Value::Array(all) => all.into_iter().map(filled).collect(),
        Value::String(text) => match (text.strip_prefix("$now"), text.strip_prefix("$unix")) {
            (Some(rest), _) => json!(stamp(offset(rest))),
            (_, Some(rest)) => {
                let at: jiff::Timestamp = stamp(offset(rest)).parse().unwrap();
                json!(at.as_second().to_string())
            }
            _ => json!(text),
        },
        other => other,
    }
}

impl World {
    pub(crate) fn read(case: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
        let read = |name: &str| -> Option<Value> {
            serde_json::from_str(&std::fs::read_to_string(folder.join(name)).ok()?).ok()
        };
        let mut objects: Vec<Value> = match filled(read("objects.json").unwrap()) {
            Value::Array(all) => all,
            list => list["items"].as_array().unwrap().clone(),
        };
        for (n, object) in objects.iter_mut().enumerate() {
            let is_namespaced = !OF_CLUSTER.contains(&object["kind"].as_str().unwrap());
            let meta = object["metadata"].as_object_mut().unwrap();
            meta.entry("uid").or_insert_with(|| json!(format!("00000000-0000-0000-0000-{n:012}")));
            meta.entry("resourceVersion").or_insert_with(|| json!(n.to_string()));
            meta.entry("creationTimestamp").or_insert_with(|| json!(stamp(-3600.0)));
            if is_namespaced {
                meta.entry("namespace").or_insert_with(|| json!("default"));
            }
        }
        let served = read("kube.json").and_then(|it| serde_json::from_value(it["served"].clone()).ok());
        let served = served.unwrap_or_else(|| vec!["elbv2.k8s.aws/v1beta1".to_owned()]);
        Self { objects, aws: read("aws.json").unwrap(), served }
    }

    /// The same with something behind every text that anybody may choose, and how many those are.
    pub(super) fn with_texts(mut self, behind: &str) -> (usize, Self) {
        let mut places = 0;
        for it in &mut self.objects {
            places += append(it, "", behind);
        }
        // XML holds few control characters, not even written as numbers.
        let held: String = behind.chars().filter(|it| *it >= ' ' || "\t\r\n".contains(*it)).collect();
        places += append(&mut self.aws, "", &held);
        (places, self)
    }

    pub(crate) fn answer(&self, request: &Request) -> Answer {
        match (request.method.as_str(), request.path()) {
            ("POST", "/") => self.aws(request),
            ("POST", _) => {
                let mut review: Value = serde_json::from_str(&request.body).unwrap_or_default();
                review["status"] = json!({"allowed": true});
                answer(201, review.to_string())
            }
            _ => self.kubernetes(request),
        }
    }

    fn kubernetes(&self, request: &Request) -> Answer {
        let parts: Vec<&str> = request.path().trim_matches('/').split('/').collect();
        let (api, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            _ => {
                return answer(
                    200,
                    json!({"major": "1", "minor": "31", "gitVersion": "v1.31.2"}).to_string(),
                );
            }
        };
        let nothing = || {
            answer(
                404,
                json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"})
                    .to_string(),
            )
        };
        let of_api = self.objects.iter().filter(|it| it["apiVersion"] == json!(api));
        if rest.is_empty() {
            let mut kinds: Vec<String> = of_api.map(|it| it["kind"].as_str().unwrap().to_owned()).collect();
            if self.served.contains(&api) {
                kinds.push("TargetGroupBinding".to_owned());
            }
            let resources: Vec<Value> = kinds
                .iter()
                .map(|it| json!({"name": plural(it), "singularName": "", "namespaced": true, "kind": it, "verbs": ["list"]}))
                .collect();
            return match resources.is_empty() {
                true => nothing(),
                false => answer(
                    200,
                    json!({"kind": "APIResourceList", "groupVersion": api, "resources": resources})
                        .to_string(),
                ),
            };
        }
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let labels = request.parameter("labelSelector");
        let has_labels = |it: &Value| {
            labels
                .iter()
                .flat_map(|it| it.split(','))
                .filter_map(|it| it.split_once('='))
                .all(|(key, value)| it["metadata"]["labels"][key] == json!(value.trim_start_matches('=')))
        };
        let about = request.parameter("fieldSelector");
        let about = about.as_deref().and_then(|it| it.strip_prefix("involvedObject.kind="));
        let found: Vec<&Value> = of_api
            .filter(|it| plural(it["kind"].as_str().unwrap()) == rest[0])
            .filter(|it| namespace.is_none_or(|wanted| it["metadata"]["namespace"] == json!(wanted)))
            .filter(|it| has_labels(it))
            .filter(|it| about.is_none_or(|kind| it["involvedObject"]["kind"] == json!(kind)))
            .collect();
        match rest.get(1) {
            Some(name) => match found.iter().find(|it| it["metadata"]["name"] == json!(name)) {
                Some(object) => answer(200, object.to_string()),
                None => nothing(),
            },
            None if request.parameter("watch").is_some() => watched(request, &api, &found),
            None => answer(200, json!({"metadata": {"resourceVersion": "1000"}, "items": found}).to_string()),
        }
    }

    fn aws(&self, request: &Request) -> Answer {
        let action = request.parameter("Action").unwrap();
        let wanted = |list: &str| -> Vec<String> {
            (1..).map_while(|n| request.parameter(&format!("{list}.member.{n}"))).collect()
        };
        let all = |key: &str| self.aws[key].as_array().cloned().unwrap_or_default();
        let by_name = |key: &str, arn: &str| self.aws[key][arn.split('/').nth(1).unwrap_or_default()].clone();
        let error = &self.aws["errors"][&action];
        if !error.is_null() {
            let text = |key: &str| error[key].as_str().unwrap_or_default();
            let status = error["status"].as_u64().and_then(|it| u16::try_from(it).ok()).unwrap_or(400);
            return refused(status, text("code"), text("message"));
        }
        let is_among = |wanted: &[String], it: &Value| {
            wanted.is_empty() || wanted.iter().any(|wanted| it.as_str() == Some(wanted))
        };
        let pairs = |map: Value| -> Value {
            let pairs = map.as_object().cloned().unwrap_or_default();
            pairs.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
        };
        let group = request.parameter("TargetGroupArn").unwrap_or_default();
        let groups = all("targetGroups");
        let is_there = |arn: &str| groups.iter().any(|it| it["TargetGroupArn"] == json!(arn));
        let result = match action.as_str() {
            "GetCallerIdentity" => json!({
                "Arn": self.aws["callerArn"].as_str().unwrap_or("arn:aws:iam::111122223333:user/someone"),
                "Account": self.aws["account"].as_str().unwrap_or("111122223333"),
            }),
            "AssumeRole" => json!({
                "Credentials": {"AccessKeyId": "ASIAROLE", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": stamp(3600.0)},
                "AssumedRoleUser": {"Arn": request.parameter("RoleArn"), "AssumedRoleId": "AROA:x"},
            }),
            "DescribeTargetGroups" => {
                let (arns, names) = (wanted("TargetGroupArns"), wanted("Names"));
                if let Some(missing) = arns.iter().find(|it| !is_there(it)) {
                    return refused(
                        400,
                        "TargetGroupNotFound",
                        &format!("Target groups '{missing}' not found"),
                    );
                }
                let found = groups.iter().filter(|it| {
                    is_among(&arns, &it["TargetGroupArn"]) && is_among(&names, &it["TargetGroupName"])
                });
                json!({"TargetGroups": found.collect::<Vec<_>>()})
            }
            "DescribeTargetHealth" if !is_there(&group) => {
                return refused(400, "TargetGroupNotFound", &format!("Target groups '{group}' not found"));
            }
            "DescribeTargetHealth" => json!({"TargetHealthDescriptions": by_name("targetHealth", &group)}),
            "DescribeTargetGroupAttributes" => json!({"Attributes": pairs(by_name("attributes", &group))}),
            "DescribeLoadBalancers" => {
                let arns = wanted("LoadBalancerArns");
                let found =
                    all("loadBalancers").into_iter().filter(|it| is_among(&arns, &it["LoadBalancerArn"]));
                json!({"LoadBalancers": found.collect::<Vec<_>>()})
            }
            "DescribeLoadBalancerAttributes" => {
                let arn = request.parameter("LoadBalancerArn").unwrap();
                let name = arn.split('/').nth(2).unwrap_or_default();
                json!({"Attributes": pairs(self.aws["loadBalancerAttributes"][name].clone())})
            }
            "DescribeListeners" => {
                let of = json!(request.parameter("LoadBalancerArn"));
                let found = all("listeners").into_iter().filter(|it| it["LoadBalancerArn"] == of);
                json!({"Listeners": found.collect::<Vec<_>>()})
            }
            "DescribeRules" => {
                let arn = request.parameter("ListenerArn").unwrap();
                match self.aws["rules"][&arn].clone() {
                    Value::Null => {
                        let listener =
                            all("listeners").into_iter().find(|it| it["ListenerArn"] == json!(arn));
                        let actions = listener.map(|it| it["DefaultActions"].clone());
                        json!({"Rules": [{"RuleArn": format!("{arn}/d"), "Priority": "default", "Actions": actions, "IsDefault": true}]})
                    }
                    rules => json!({"Rules": rules}),
                }
            }
            "DescribeTags" => {
                let tags = |arn: &String| match &self.aws["tags"][arn] {
                    Value::Null => by_name("tags", arn),
                    tags => tags.clone(),
                };
                let told = wanted("ResourceArns")
                    .iter()
                    .map(|it| json!({"ResourceArn": it, "Tags": pairs(tags(it))}))
                    .collect::<Vec<_>>();
                json!({"TagDescriptions": told})
            }
            other => return refused(400, "InvalidAction", other),
        };
        xml(&action, &rendered(&result))
    }
}

/// All that is there, where that is asked for, and then nothing: nothing lives here.
fn watched(request: &Request, api: &str, found: &[&Value]) -> Answer {
    let mut lines = Vec::new();
    if request.parameter("sendInitialEvents").is_some() {
        // As API servers write it: the type first.
        let event = |kind: &str, it: &Value| format!(r#"{{"type":"{kind}","object":{it}}}"#);
        lines.extend(found.iter().map(|it| event("ADDED", it)));
        let ends = json!({"resourceVersion": "1000", "annotations": {"k8s.io/initial-events-end": "true"}});
        lines.push(event("BOOKMARK", &json!({"apiVersion": api, "kind": "Any", "metadata": ends})));
    }
    Answer::Stream(lines, After::Hold)
}

/// Fields whose text somebody chooses freely, and that nothing here is found by.
const FREE: [&str; 17] = [
    "message",
    "Message",
    "reason",
    "Reason",
    "description",
    "Description",
    "zone",
    "AvailabilityZone",
    "ZoneName",
    "DNSName",
    "HealthCheckPath",
    "HttpCode",
    "LoadBalancerName",
    "app",
    "port",
    "conditionType",
    "Arn",
];

/// Appends to each free text; gives how many there were.
fn append(value: &mut Value, key: &str, behind: &str) -> usize {
    match value {
        Value::Object(map) => map.iter_mut().map(|(key, it)| append(it, key, behind)).sum(),
        Value::Array(all) => all.iter_mut().map(|it| append(it, key, behind)).sum(),
        Value::String(text) if FREE.contains(&key) => {
            text.push_str(behind);
            1
        }
        _ => 0,
    }
}

fn plural(kind: &str) -> String {
    match kind {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        _ => format!("{}{}", kind.to_lowercase(), if kind.ends_with('s') { "es" } else { "s" }),
    }
}

fn rendered(value: &Value) -> String {
    let element = |(key, it): (&str, &Value)| ["<", key, ">", &rendered(it), "</", key, ">"].concat();
    match value {
        Value::Null => String::new(),
        Value::Object(map) => map.iter().map(|(key, it)| element((key, it))).collect(),
        Value::Array(all) => all.iter().map(|it| element(("member", it))).collect(),
        Value::String(text) => {
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;")
        }
        other => other.to_string(),
    }
}
