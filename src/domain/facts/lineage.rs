//! Who made a thing, by the labels and tags it carries, and where it is to be changed so that the change stays.

use std::collections::BTreeMap;

use super::ownership::kept_by_tags;

/// Who made something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// The AWS Load Balancer Controller, or that of EKS Auto Mode, from an object of a cluster.
    Controller(FromObject),
    /// A controller of this cluster, from nobody knows which object.
    Cluster(String),
    /// A stack of CloudFormation.
    Stack(String),
    /// A tool that leaves a tag of this name.
    Tool { name: &'static str, tag: String },
}

/// The object something was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FromObject {
    /// `Ingress`, `Service`, `Gateway`.
    pub(crate) kind: &'static str,
    /// `None`: of a group of Ingresses, whose name it has.
    pub(crate) namespace: Option<String>,
    /// Empty: not said.
    pub(crate) name: String,
    /// By EKS Auto Mode.
    pub(crate) auto: bool,
    /// What it is of that object, as the controller's tag says: `shop/web:80`, `443:1`.
    pub(crate) resource: Option<String>,
}

/// Beginnings of labels and tags, and what they are made from. Labels and tags of the AWS Load Balancer Controller begin
/// alike (`pkg/deploy/tracking`), those of EKS Auto Mode by its own group.
const PREFIXES: [(&str, &str, bool); 7] = [
    ("ingress.k8s.aws/", "Ingress", false),
    ("service.k8s.aws/", "Service", false),
    ("gateway.k8s.aws.alb/", "Gateway", false),
    ("gateway.k8s.aws.nlb/", "Gateway", false),
    ("ingress.eks.amazonaws.com/", "Ingress", true),
    ("service.eks.amazonaws.com/", "Service", true),
    ("gateway.eks.amazonaws.com/", "Gateway", true),
];

fn from_object(marks: &BTreeMap<String, String>) -> Option<FromObject> {
    PREFIXES.iter().find_map(|(prefix, kind, auto)| {
        let of = |name: &str| marks.get(&format!("{prefix}{name}"));
        // A label holds namespace and name apart, since it may hold no slash; a tag holds both.
        let (namespace, name) = match (of("stack-namespace"), of("stack-name"), of("stack")) {
            (Some(namespace), Some(name), _) => (Some(namespace.clone()), name.clone()),
            (_, _, Some(stack)) => match stack.split_once('/') {
                Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
                None => (None, stack.clone()),
            },
            // Of which object it was is not said, or not in whole.
            (namespace, name, None) if namespace.or(name).is_some() => {
                (namespace.cloned(), name.cloned().unwrap_or_default())
            }
            _ => return None,
        };
        let resource = of("resource").cloned();
        Some(FromObject { kind, namespace, name, auto: *auto, resource })
    })
}

/// By the labels of a binding; `None`: a person, or something that leaves no label.
pub(crate) fn of_labels(labels: &BTreeMap<String, String>) -> Option<Maker> {
    from_object(labels).map(Maker::Controller)
}

/// By the tags of something in AWS; `None`: a person, or something that leaves no tag.
pub(crate) fn of_tags(tags: &BTreeMap<String, String>) -> Option<Maker> {
    if let Some(from) = from_object(tags) {
        return Some(Maker::Controller(from));
    }
    if let Some(stack) = tags.get("aws:cloudformation:stack-name") {
        return Some(Maker::Stack(stack.clone()));
    }
    if let Some((tag, name)) = kept_by_tags(tags) {
        return Some(Maker::Tool { name, tag: tag.to_owned() });
    }
    let cluster = tags.get("elbv2.k8s.aws/cluster").or_else(|| tags.get("eks:eks-cluster-name"));
    cluster.map(|it| Maker::Cluster(it.clone()))
}

impl FromObject {
    /// `Ingress shop/web`, `Ingress group shop`.
    pub(crate) fn called(&self) -> String {
        match &self.namespace {
            _ if self.name.is_empty() => self.kind.to_owned(),
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} group {}", self.kind, self.name),
        }
    }
}

impl Maker {
    /// `made by the controller for Ingress shop/web`, `of CloudFormation stack alb`.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Controller(from) => {
                let controller = if from.auto { "EKS Auto Mode" } else { "the controller" };
                format!("made by {controller} for {}", from.called())
            }
            Self::Cluster(name) => format!("made by the controller of cluster {name}"),
            Self::Stack(name) => format!("of CloudFormation stack {name}"),
            Self::Tool { name, tag } => format!("kept by {name} (tag {tag})"),
        }
    }

    /// What to change for a change to stay.
    pub(crate) fn change(&self) -> String {
        match self {
            Self::Controller(from) => {
                let place = match from.name.is_empty() {
                    true => format!("in that {}", from.kind),
                    false => "there".to_owned(),
                };
                format!("change it {place}, or the controller puts back what that says")
            }
            Self::Cluster(name) => format!("change it in the Ingress, Service or Gateway of cluster {name}"),
            Self::Stack(_) => {
                "change it in the template of that stack, or its next update puts back what that says"
                    .to_owned()
            }
            Self::Tool { name, .. } => {
                format!("change it where {name} has it, or its next run puts that back")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_and_tags_say_who_made_it() {
        for (tags, text) in [
            (
                marks(&[
                    ("ingress.k8s.aws/stack", "shop/web"),
                    ("ingress.k8s.aws/resource", "shop/web-web:80"),
                    ("elbv2.k8s.aws/cluster", "prod"),
                ]),
                "made by the controller for Ingress shop/web",
            ),
            (marks(&[("ingress.k8s.aws/stack", "front")]), "made by the controller for Ingress group front"),
            (
                marks(&[("ingress.k8s.aws/stack-namespace", "shop"), ("ingress.k8s.aws/stack-name", "web")]),
                "made by the controller for Ingress shop/web",
            ),
            (marks(&[("service.k8s.aws/stack", "shop/nlb")]), "made by the controller for Service shop/nlb"),
            (
                marks(&[("gateway.k8s.aws.alb/stack", "infra/edge")]),
                "made by the controller for Gateway infra/edge",
            ),
            (
                marks(&[("service.eks.amazonaws.com/stack", "shop/nlb")]),
                "made by EKS Auto Mode for Service shop/nlb",
            ),
            (
                marks(&[("aws:cloudformation:stack-name", "eksworkshop-alb"), ("Name", "x")]),
                "of CloudFormation stack eksworkshop-alb",
            ),
            (marks(&[("ManagedBy", "Terraform")]), "kept by Terraform (tag ManagedBy)"),
            (marks(&[("elbv2.k8s.aws/cluster", "prod")]), "made by the controller of cluster prod"),
        ] {
            assert_eq!(of_tags(&tags).map(|it| it.text()).as_deref(), Some(text), "{tags:?}");
        }
        assert_eq!(of_tags(&marks(&[("Name", "web")])), None);
        assert_eq!(of_labels(&marks(&[("app", "web")])), None);
    }
}
