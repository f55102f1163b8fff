//! Who keeps an object or a resource as something else says: the marks and tags that tools leave.

use std::collections::BTreeMap;

use super::selector::Labels;

/// Marks of tools that keep objects as a repository says, and their names.
const GITOPS: [(&str, &str); 6] = [
    ("argocd.argoproj.io/", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/", "Flux"),
    ("helm.toolkit.fluxcd.io/", "Flux"),
    ("meta.helm.sh/", "Helm"),
    ("app.kubernetes.io/managed-by", "Helm"),
    ("helm.sh/", "Helm"),
];

/// The tool that keeps an object as a repository says, by its labels or its annotations.
pub(crate) fn kept_by(labels: &Labels) -> Option<&'static str> {
    labels
        .iter()
        .find_map(|(key, value)| {
            GITOPS.iter().find(|(prefix, tool)| {
                key.starts_with(prefix) && (*prefix != "app.kubernetes.io/managed-by" || value == *tool)
            })
        })
        .map(|(_, tool)| *tool)
}

/// Whether a finalizer of a binding is a controller's: of either, it is called by its group and this.
pub(crate) fn is_controllers(finalizer: &str) -> bool {
    finalizer.ends_with("/resources")
}

/// Tools that leave a tag of their own on what they make.
const TOOLS: [(&str, &str); 4] = [
    ("crossplane-", "Crossplane"),
    ("services.k8s.aws/", "an ACK controller"),
    ("pulumi:", "Pulumi"),
    ("terraform", "Terraform"),
];

pub(crate) fn kept_by_tags(tags: &BTreeMap<String, String>) -> Option<(&str, &'static str)> {
    tags.iter().find_map(|(key, value)| {
        let tool = TOOLS.iter().find(|(prefix, _)| {
            key.to_lowercase().starts_with(prefix)
                || (key.eq_ignore_ascii_case("managed-by") || key.eq_ignore_ascii_case("managedby"))
                    && value.to_lowercase().starts_with(prefix.trim_end_matches(['-', ':', '/']))
        });
        tool.map(|(_, tool)| (key.as_str(), *tool))
    })
}

/// The tag without which EKS Auto Mode may not register in a group; its value is the cluster's name.
pub(crate) const AUTO_MODE_TAG: &str = "eks:eks-cluster-name";
