//! A network path as text for people and as data for programs.

use serde::Serialize;

use crate::domain::judgement::path::FromLoadBalancer;
use crate::domain::judgement::path::GroupName;
use crate::domain::judgement::path::Hop;
use crate::domain::judgement::path::HopKind;
use crate::domain::judgement::path::HopVerdict;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::path::PathVerdict;
use crate::domain::judgement::path::Purpose;
use crate::domain::plan::manner::Manner;
use crate::domain::wording::path as words;
use crate::domain::wording::path::Mark;
use crate::domain::wording::path::Piece;
use crate::printable;

/// `-o json` of `path`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathDocument {
    api_version: &'static str,
    target: String,
    /// `open`, `blocked` or `unknown`.
    verdict: &'static str,
    summary: String,
    load_balancers: Vec<LoadBalancerDocument>,
    interface: Option<InterfaceDocument>,
    not_evaluated: Vec<String>,
    /// The `aws` line that adds the missing rule.
    repair: Option<String>,
    /// The same rule as the binding's `spec.networking`, in YAML.
    networking: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LoadBalancerDocument {
    name: String,
    security_groups: Vec<GroupDocument>,
    hops: Vec<HopDocument>,
}

#[derive(Debug, Serialize)]
struct GroupDocument {
    id: String,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HopDocument {
    /// `egress`, `zone`, `vpc` or `ingress`.
    kind: &'static str,
    protocol: Option<&'static str>,
    port: Option<u16>,
    purposes: Vec<&'static str>,
    /// `allowed`, `blocked`, `unknown` or `noted`.
    verdict: &'static str,
    /// Ids of the rules that let it through.
    rules: Vec<String>,
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceDocument {
    id: String,
    instance: Option<String>,
    subnet: Option<String>,
    zone: Option<String>,
    security_groups: Vec<GroupDocument>,
}

fn groups(all: &[GroupName]) -> Vec<GroupDocument> {
    let one = |it: &GroupName| GroupDocument {
        id: it.id.to_string(),
        name: it.name.as_ref().map(ToString::to_string),
    };
    all.iter().map(one).collect()
}

fn purpose(it: Purpose) -> &'static str {
    match it {
        Purpose::Traffic => "traffic",
        Purpose::HealthCheck => "health-check",
        Purpose::Control => "target-control",
    }
}

fn hop(it: &Hop) -> HopDocument {
    let (kind, port) = match &it.kind {
        HopKind::Egress(port) => ("egress", Some(port)),
        HopKind::Ingress(port) => ("ingress", Some(port)),
        HopKind::Zone(_) => ("zone", None),
        HopKind::Vpc => ("vpc", None),
    };
    let rules = match &it.verdict {
        HopVerdict::Allowed(by) => by.iter().map(|it| it.rule.to_string()).collect(),
        _ => Vec::new(),
    };
    HopDocument {
        kind,
        protocol: port.map(|it| it.protocol.text()),
        port: port.map(|it| it.port),
        purposes: port.into_iter().flat_map(|it| &it.purposes).map(|it| purpose(*it)).collect(),
        verdict: match &it.verdict {
            HopVerdict::Allowed(_) | HopVerdict::Open | HopVerdict::NoGroups => "allowed",
            HopVerdict::Blocked(_) | HopVerdict::ZoneOff => "blocked",
            HopVerdict::Unknown(_) => "unknown",
            HopVerdict::OtherVpc(..) => "noted",
        },
        rules,
        text: words::hop(it).text,
    }
}

impl PathDocument {
    pub(crate) fn new(path: &NetworkPath, manner: &Manner) -> Self {
        let interface = path.interface.as_ref().ok().map(|it| InterfaceDocument {
            id: it.id.to_string(),
            instance: it.instance.as_ref().map(ToString::to_string),
            subnet: it.subnet.as_ref().map(ToString::to_string),
            zone: it.zone.as_ref().map(ToString::to_string),
            security_groups: groups(&it.groups),
        });
        let of = |it: &FromLoadBalancer| LoadBalancerDocument {
            name: it.name.clone(),
            security_groups: groups(&it.groups),
            hops: it.hops.iter().map(hop).collect(),
        };
        Self {
            api_version: "tgscope/v1",
            target: path.target.to_string(),
            verdict: match path.verdict() {
                PathVerdict::Open => "open",
                PathVerdict::Blocked(..) => "blocked",
                PathVerdict::Unknown(_) => "unknown",
            },
            summary: words::verdict(path).text,
            load_balancers: path.ways.iter().map(of).collect(),
            interface,
            not_evaluated: words::not_evaluated(path),
            repair: path.missing().and_then(|it| words::repair(it, &path.region, manner)),
            networking: path.missing().and_then(words::networking),
        }
    }
}

/// The same for people.
pub(crate) fn text(path: &NetworkPath, manner: &Manner) -> String {
    let glyph = |mark| match mark {
        Mark::Place => "",
        Mark::Open => "  ok       ",
        Mark::Blocked => "  BLOCKED  ",
        Mark::Unknown => "  unknown  ",
        Mark::Note => "  note     ",
    };
    let line = |it| match it {
        Piece::Verdict(it) => format!("{}.", it.text),
        Piece::Line(it) => format!("{}{}", glyph(it.mark), it.text),
        Piece::Fact(text) | Piece::Next(text) | Piece::Aside(text) | Piece::Block(text) => text,
        Piece::Gap => String::new(),
    };
    let lines = words::page(path, manner).into_iter().map(line);
    lines.map(|it| printable::line(&it).into_owned() + "\n").collect()
}
