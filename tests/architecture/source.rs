//! The files of the project, and which modules the lines of one name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

pub(super) fn sources() -> Vec<(PathBuf, String)> {
    let files = files_of("src");
    assert!(files.len() > 10, "the sources were not found");
    files
}

/// The Rust files of a folder of the project, with their texts.
pub(super) fn files_of(folder: &str) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|it| it == "rs") => {
                    let text = fs::read_to_string(&path).unwrap();
                    files.push((path, text));
                }
                false => {}
            }
        }
    }
    files.sort();
    files
}

/// The top module a file belongs to: `src/domain/ids.rs` → `domain`.
pub(super) fn module_of(path: &Path) -> String {
    module_path(path).swap_remove(0)
}

/// Lines with their numbers, without comments; tests may use what they like.
pub(super) fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line));
    lines
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .map(|(n, line)| (n, line.split("//").next().unwrap_or_default()))
}

/// Every module of the crate that has a file.
pub(super) struct Modules(BTreeSet<Vec<String>>);

impl Modules {
    pub(super) fn read() -> Self {
        Self(sources().iter().map(|(path, _)| module_path(path)).collect())
    }

    /// Modules with a file of their own that a line of a module names, but for itself.
    pub(super) fn used(&self, module: &[String], line: &str) -> BTreeSet<Vec<String>> {
        let mut found = self.children_named(module, line);
        for start in ["crate", "super", "self"] {
            for (at, _) in line.match_indices(start) {
                let before = line[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                let path: String = line[at..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
                    .collect();
                // `pub(super)` and `pub(in crate::…)` use nobody.
                if !path.contains("::") || line[..at].ends_with("pub(in ") {
                    continue;
                }
                let mut parts = path.split("::").map(str::to_owned);
                let mut full = match parts.next().as_deref() {
                    Some("crate") => Vec::new(),
                    Some("super") => module[..module.len().saturating_sub(1)].to_vec(),
                    Some("self") => module.to_vec(),
                    _ => continue,
                };
                for part in parts {
                    match part.as_str() {
                        "super" => drop(full.pop()),
                        _ => full.push(part),
                    }
                }
                while !full.is_empty() && !self.0.contains(&full) {
                    full.pop();
                }
                if !full.is_empty() && full != module {
                    found.insert(full);
                }
            }
        }
        found
    }

    /// The children of a module that its own file names without `self`: `dialog::typed(state)`.
    fn children_named(&self, module: &[String], line: &str) -> BTreeSet<Vec<String>> {
        let words = line.match_indices("::").filter_map(|(at, _)| {
            let start = line[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |it| it + 1);
            let first_of_path = !line[..start].ends_with(':');
            first_of_path.then(|| line[start..at].to_owned())
        });
        let children = words.map(|word| [module, &[word]].concat());
        children.filter(|it| self.0.contains(it)).collect()
    }
}

/// `src/domain/facts/ids.rs` → `domain`, `facts`, `ids`.
pub(super) fn module_path(path: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path.strip_prefix(root).unwrap().with_extension("");
    inside.iter().map(|it| it.to_str().unwrap().to_owned()).collect()
}
