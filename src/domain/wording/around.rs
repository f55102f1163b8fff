//! What the words about a row rest on beside the row, and the lines to run that belong to its cluster.

use std::collections::BTreeMap;

use crate::domain::facts::elb::Attributes;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::ids::BindingRef;
use crate::domain::facts::ids::RowKey;
use crate::domain::inventory::KnownGroup;
use crate::domain::judgement::controller::Controller;
use crate::domain::judgement::desired::Backend;
use crate::domain::judgement::path::NetworkPath;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::Subject;
use crate::domain::judgement::verdict::Misfit;
use crate::domain::plan::equivalents::joined;
use crate::domain::plan::equivalents::kubectl;
use crate::domain::plan::manner::Manner;

/// What the words about a row rest on beside the row.
#[derive(Clone, Copy)]
pub(crate) struct Around<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) controller: &'a Controller,
    pub(crate) backend: &'a Backend,
    pub(crate) misfit: Option<Misfit>,
    pub(crate) group: Option<&'a TargetGroup>,
    pub(crate) attributes: Option<&'a Attributes>,
    /// Nothing that is wanted is in service, and something else is healthy.
    pub(crate) only_others_serve: bool,
    pub(crate) group_is_gone: bool,
    /// The network paths of rows whose checks may not arrive.
    pub(crate) paths: &'a BTreeMap<RowKey, NetworkPath>,
    /// The controller keeps no security-group rule for the binding.
    pub(crate) no_networking: bool,
    pub(super) manner: &'a Manner,
}

impl<'a> Around<'a> {
    /// `manner`: the flags that lines to run need.
    pub(crate) fn of(report: &'a Report, group: Option<&'a KnownGroup>, manner: &'a Manner) -> Self {
        Self {
            subject: &report.subject,
            controller: &report.controller,
            backend: &report.backend,
            misfit: report.misfit,
            group: group.and_then(|it| it.group.as_ref()),
            attributes: group.and_then(|it| it.attributes.as_ref()),
            only_others_serve: report.counts.wanted > 0
                && report.counts.in_service == 0
                && report.counts.healthy > 0,
            group_is_gone: report.group_is_gone,
            no_networking: report.no_networking,
            paths: &report.paths,
            manner,
        }
    }

    /// A line that shows the node of an endpoint.
    pub(super) fn of_node(&self, side: &EndpointSide) -> String {
        self.line(|_| "", &["describe", "node", side.node.as_deref().unwrap_or("NODE")])
    }

    /// A `kubectl` line for the namespace of the binding.
    pub(super) fn kubectl(&self, rest: &[&str]) -> String {
        self.line(|it| it.namespace.as_str(), rest)
    }

    fn line(&self, namespace: impl Fn(&BindingRef) -> &str, rest: &[&str]) -> String {
        match self.subject {
            Subject::Binding(it) => kubectl(self.manner, (&it.cluster, namespace(it)), rest),
            Subject::Group(_) => joined(&[&["kubectl"], rest].concat()),
        }
    }
}
