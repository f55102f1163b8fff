//! The layers of ARCHITECTURE.md, checked: which module may use which module and which crate, how long a file may be,
//! and where a task may be spawned. Reads the source as text; links nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails says so by panicking"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "architecture/source.rs"]
mod source;

use source::Modules;
use source::code_lines;
use source::files_of;
use source::module_of;
use source::module_path;
use source::sources;

/// A module, the modules of this crate it may use, and the outside crates it may use. Bottom-up: a module
/// may only use modules above it in this list, so that a cycle cannot be written.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("limits", &[], &[]),
    ("domain", &["limits"], &["base64", "ipnet", "regex", "serde", "sha2", "shlex", "thiserror"]),
    ("printable", &[], &["proptest", "serde_json", "unicode_width"]),
    ("login", &["limits"], &["rustix", "serde_json", "tempfile"]),
    (
        "kubernetes",
        &["domain", "limits", "login", "printable"],
        &[
            "base64",
            "bytes",
            "futures",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "jiff",
            "k8s_openapi",
            "kube",
            "secrecy",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "thiserror",
            "tokio",
            "tower",
            "tracing",
        ],
    ),
    (
        "aws",
        &["domain", "limits", "login", "printable"],
        &[
            "aws_config",
            "aws_credential_types",
            "aws_runtime",
            "aws_sdk_elasticloadbalancingv2",
            "aws_sdk_sts",
            "aws_smithy_http_client",
            "aws_smithy_runtime",
            "aws_smithy_runtime_api",
            "aws_smithy_types",
            "aws_types",
            "form_urlencoded",
            "futures",
            "http_body_util",
            "ipnet",
            "jiff",
            "quick_xml",
            "serde",
            "serde_json",
            "shlex",
            "thiserror",
            "tokio",
            "tracing",
        ],
    ),
    (
        "report",
        &["domain", "limits", "printable"],
        &["schemars", "serde", "serde_json", "serde_saphyr", "thiserror", "unicode_width", "jiff"],
    ),
    ("app", &["domain"], &["serde"]),
    ("config", &["domain"], &["etcetera", "serde", "thiserror", "toml"]),
    ("files", &[], &["rustix", "thiserror"]),
    (
        "telemetry",
        &["files", "printable"],
        &["anyhow", "rustix", "tracing", "tracing_appender", "tracing_subscriber"],
    ),
    // Its tests write files.
    ("audit", &["domain", "files", "limits", "printable"], &["serde_json", "sha2", "tempfile", "thiserror"]),
    (
        "backend",
        &["audit", "aws", "domain", "kubernetes"],
        &["futures", "governor", "jiff", "thiserror", "tokio", "tracing"],
    ),
    (
        "tui",
        &["app", "audit", "backend", "domain", "files", "limits", "printable", "report"],
        &[
            "crossterm",
            "futures",
            "ratatui",
            "rustix",
            "textwrap",
            "tokio",
            "tracing",
            "unicode_truncate",
            "unicode_width",
        ],
    ),
    // A whole outside, which shares no code with what looks at it: a mistake of ours cannot hide there.
    (
        "lab",
        &[],
        &[
            "base64",
            "bytes",
            "form_urlencoded",
            "futures",
            "http_body_util",
            "hyper",
            "hyper_util",
            "jiff",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "toml",
        ],
    ),
    ("cli", &["domain"], &["clap", "clap_complete", "jiff"]),
    (
        "commands",
        &[
            "app",
            "audit",
            "aws",
            "backend",
            "cli",
            "config",
            "domain",
            "files",
            "kubernetes",
            "lab",
            "login",
            "printable",
            "report",
            "telemetry",
            "tui",
        ],
        &[
            "anyhow",
            "clap",
            "clap_complete",
            "clap_mangen",
            "rustix",
            "serde_json",
            "strsim",
            "tempfile",
            "tokio",
            "tracing",
        ],
    ),
    ("lib", &[], &[]),
    ("main", &["commands"], &["tgscope"]),
];

/// The storeys of a module, bottom-up: a file may use its own storey and those above it in this list.
const STOREYS: &[(&str, &[&str])] = &[("domain", &["facts", "inventory", "judgement", "plan", "wording"])];

/// Files that use each other in a ring, by their modules. Each is here for a reason that ARCHITECTURE.md gives.
const RINGS: &[&[&str]] = &[];

const LONGEST_FILE: usize = 500;

/// Crates a path may start with without being a dependency.
const BUILT_IN: [&str; 6] = ["std", "core", "alloc", "crate", "self", "super"];

#[test]
fn modules_use_only_the_layers_below() {
    let known = dependencies();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(&(module, modules, crates)) = LAYERS.iter().find(|(name, ..)| *name == module_of(&path))
        else {
            wrong.push(format!(
                "{}: module {} is in no layer; add it to LAYERS",
                path.display(),
                module_of(&path)
            ));
            continue;
        };
        for (n, line) in code_lines(&text) {
            for name in modules_named(line) {
                if name != module && !modules.contains(&name.as_str()) {
                    wrong.push(format!("{}:{n}: {module} must not use crate::{name}", path.display()));
                }
            }
            for name in crates_named(line, &known) {
                if !crates.contains(&name.as_str()) {
                    wrong.push(format!("{}:{n}: {module} must not use the crate {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_layers_have_no_cycle() {
    for (index, (module, modules, _)) in LAYERS.iter().enumerate() {
        for below in *modules {
            let at = LAYERS.iter().position(|(name, ..)| name == below);
            assert!(at.is_some_and(|at| at < index), "{module} uses {below}, which does not stand before it");
        }
    }
}

#[test]
fn storeys_use_only_those_below() {
    let modules = Modules::read();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_path(&path);
        let Some((home, storeys)) =
            STOREYS.iter().find(|(home, _)| module.first().is_some_and(|it| it == home))
        else {
            continue;
        };
        let storey = |of: &[String]| {
            let inside = of.first().is_some_and(|it| it == home);
            of.get(1).filter(|_| inside).and_then(|it| storeys.iter().position(|storey| storey == it))
        };
        let is_test_help = module.get(1).is_some_and(|it| TEST_HELP.contains(&it.as_str()));
        if module.len() > 1 && storey(&module).is_none() && !is_test_help {
            wrong.push(format!("{}: lies in no storey of {home}", path.display()));
        }
        let Some(own) = storey(&module) else { continue };
        for (n, line) in code_lines(&text) {
            for used in modules.used(&module, line) {
                let up = storey(&used).filter(|it| *it > own);
                if let Some(up) = up {
                    wrong.push(format!(
                        "{}:{n}: {home}::{} lies below {home}::{} and must not use it",
                        path.display(),
                        storeys[own],
                        storeys[up]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_use_each_other_in_no_ring_but_those_named() {
    let modules = Modules::read();
    let mut arrows: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for (path, text) in sources() {
        let module = module_path(&path);
        let used = code_lines(&text).flat_map(|(_, line)| modules.used(&module, line)).collect();
        arrows.insert(module, used);
    }
    let reached: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> =
        arrows.keys().map(|from| (from, reached_from(from, &arrows))).collect();
    let mut rings = BTreeSet::new();
    for (from, to) in &reached {
        let ring: BTreeSet<String> =
            to.iter().filter(|it| reached[**it].contains(*from)).map(|it| it.join("::")).collect();
        if ring.len() > 1 {
            rings.insert(ring);
        }
    }
    let named: BTreeSet<BTreeSet<String>> =
        RINGS.iter().map(|ring| ring.iter().map(|it| (*it).to_owned()).collect()).collect();
    let told = |them: &BTreeSet<BTreeSet<String>>| -> Vec<String> {
        them.iter().map(|it| it.iter().cloned().collect::<Vec<_>>().join(", ")).collect()
    };
    assert_eq!(told(&rings), told(&named), "a ring that RINGS does not name, or one that is gone");
}

/// Every module that can be reached by arrows from one, itself only where a ring leads back to it.
fn reached_from<'a>(
    from: &'a Vec<String>,
    arrows: &'a BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
) -> BTreeSet<&'a Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        for used in arrows.get(module).into_iter().flatten() {
            if arrows.contains_key(used) && reached.insert(used) {
                next.push(used);
            }
        }
    }
    reached
}

/// Helpers of tests in the source tree; they may use everything, and nothing else uses them.
const TEST_HELP: [&str; 2] = ["fixture", "properties"];

/// Calls that change something outside, and the only places that may name them: where they are, and the one writer.
const WRITES: &[(&str, &[&str])] = &[
    // A rehearsal lets the API server check it, and changes nothing.
    (".carry_out(", &["src/backend/apply/attempt.rs", "src/backend/apply/rehearse.rs"]),
    (".register_batch(", &["src/backend/apply/batch.rs"]),
    (".deregister_batch(", &["src/backend/apply/batch.rs"]),
    (".shift(", &["src/backend/apply/batch.rs"]),
    (".register_targets(", &["src/aws/write.rs"]),
    (".deregister_targets(", &["src/aws/write.rs"]),
    (".modify_rule(", &["src/aws/write.rs"]),
    (".modify_listener(", &["src/aws/write.rs"]),
    (".patch(", &["src/kubernetes/write.rs"]),
    (".delete(", &["src/kubernetes/write.rs"]),
    // Reviews are asked for by a create; they change nothing.
    (".create(", &["src/kubernetes/write.rs", "src/kubernetes/access.rs"]),
    (".create_subresource", &["src/kubernetes/write.rs"]),
];

#[test]
fn only_the_writer_writes() {
    let mut wrong = Vec::new();
    for (path, text) in
        sources().into_iter().filter(|it| !["lab", "tui"].contains(&module_of(&it.0).as_str()))
    {
        for (n, line) in code_lines(&text) {
            for (call, places) in WRITES.iter().filter(|(call, _)| line.contains(call)) {
                if !line.contains("OpenOptions") && !places.iter().any(|it| path.ends_with(it)) {
                    wrong.push(format!("{}:{n}: only {} may call {call}", path.display(), places.join(", ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn imports_can_be_searched() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (n, line) in code_lines(&text) {
            let line = line.trim_start();
            if line.starts_with("use crate::{") || line.contains("super::super") {
                wrong.push(format!("{}:{n}: write one `use crate::module::…` a line", path.display()));
            }
            if line.starts_with("pub use crate::") {
                wrong.push(format!("{}:{n}: no re-export across layers", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_file_is_too_long_and_each_says_what_it_owns() {
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(files_of) {
        let n_lines = text.lines().count();
        assert!(n_lines <= LONGEST_FILE, "{} has {n_lines} lines: it is two ideas", path.display());
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//!"), "{} does not begin with what it owns", path.display());
    }
}

#[test]
fn nothing_is_printed_but_by_reports_and_commands() {
    for (path, text) in sources() {
        if ["report", "commands", "main"].contains(&module_of(&path).as_str()) {
            continue;
        }
        for (n, line) in code_lines(&text) {
            for word in ["println!", "eprintln!", "print!(", "eprint!(", "io::stdout", "io::stderr"] {
                let allowed = word == "io::stdout" && path.ends_with("tui/terminal.rs");
                assert!(
                    allowed || !line.contains(word),
                    "{}:{n}: {word} outside report and commands",
                    path.display()
                );
            }
        }
    }
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Modules named by `crate::module` or, in the binary, `tgscope::module`.
fn modules_named(line: &str) -> BTreeSet<String> {
    let after = |prefix: &str| {
        line.match_indices(prefix).map(|(at, it)| word(&line[at + it.len()..])).collect::<Vec<_>>()
    };
    after("crate::").into_iter().chain(after("tgscope::")).filter(|it| !it.is_empty()).collect()
}

/// Outside crates at the start of a path anywhere in the line.
fn crates_named(line: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in line.match_indices("::") {
        let before = &line[..at];
        let name: String = before.chars().rev().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let name: String = name.chars().rev().collect();
        let inner = before[..before.len() - name.len()].ends_with("::");
        if !inner && known.contains(&name) && !BUILT_IN.contains(&name.as_str()) {
            found.insert(name);
        }
    }
    found
}

/// Names of the dependencies as paths write them.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let inside = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let names = inside.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim().replace('-', "_"));
    names.filter(|it| !it.starts_with('#')).chain(["tgscope".to_owned()]).collect()
}
