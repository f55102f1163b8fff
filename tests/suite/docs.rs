//! What the documents say, generated from the tables of the code. `UPDATE_DOCS=1` writes, else a difference fails.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use tgscope::app::action::Family;
use tgscope::app::action::TABLE;
use tgscope::app::dialog;
use tgscope::domain::judgement::standing::Standing;
use tgscope::domain::plan::permissions;
use tgscope::domain::wording::glossary::GLOSSARY;
use tgscope::limits::LIMITS;
use tgscope::report;
use tgscope::report::document;

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Writes a file when asked to, else compares.
fn hold(name: &str, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(name), text).unwrap();
    }
    let found = std::fs::read_to_string(path(name)).unwrap_or_default();
    assert!(found == text, "{name} is not what the code says: UPDATE_DOCS=1 cargo test --test suite docs");
}

/// The README with the text between `<!-- name -->` and `<!-- /name -->` replaced.
fn with(readme: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = readme.find(&begin).unwrap_or_else(|| panic!("the README has no {begin}")) + begin.len();
    let to = readme.find(&end).unwrap_or_else(|| panic!("the README has no {end}"));
    format!("{}{text}{}", &readme[..from], &readme[to..])
}

fn table(titles: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ").replace("||", "\\|\\|"));
    let titles: Vec<String> = titles.iter().map(|it| (*it).to_owned()).collect();
    let rule = format!("|{}\n", " --- |".repeat(titles.len()));
    rows.fold(line(&titles) + &rule, |text, row| text + &line(&row))
}

#[test]
fn the_tables_of_the_readme_are_those_of_the_code() {
    let mut keys = String::new();
    for family in Family::ALL {
        let rows = TABLE.iter().filter(|it| it.family == family).map(|row| {
            let names: Vec<String> = row.keys.iter().map(|key| format!("`{key}`")).collect();
            vec![names.join(" "), row.help.to_owned()]
        });
        writeln!(keys, "{}", table(&[family.title(), ""], rows)).unwrap();
    }
    writeln!(keys, "While a dialog is open it takes every key but `ctrl-c` and `ctrl-z`.\n").unwrap();
    for (title, rows) in dialog::sections() {
        let spelled = |it: String| it.split(' ').map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" ");
        let rows = rows.into_iter().map(|(names, help)| vec![spelled(names), help.to_owned()]);
        writeln!(keys, "{}", table(&[title, ""], rows)).unwrap();
    }
    let standings = table(
        &["", "standing", "what it means"],
        Standing::ALL
            .iter()
            .map(|it| vec![format!("`{}`", it.glyph()), it.word().to_owned(), it.meaning().to_owned()]),
    );
    let codes = table(
        &["code", "what it means"],
        document::codes().into_iter().map(|(code, text)| vec![format!("`{code}`"), text]),
    );
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    let readme = with(&readme, "keys", &keys);
    let readme = with(&readme, "standings", &standings);
    let readme = with(&readme, "codes", &codes);
    let demos = tgscope::lab::Scenario::all().unwrap();
    let demos = table(
        &["demo", "what happens"],
        demos.into_iter().map(|it| vec![format!("`{}`", it.name), it.summary]),
    );
    let readme = with(&readme, "demos", &demos);
    let words = GLOSSARY.iter().map(|it| vec![format!("`{}`", it.0), it.1.to_owned()]);
    let readme = with(&readme, "words", &table(&["on the screen", "what it means"], words));
    let limits = LIMITS.iter().map(|it| vec![it.of.to_owned(), it.size(), it.beyond.to_owned()]);
    let readme = with(&readme, "limits", &table(&["what is taken of", "at most", "beyond it"], limits));
    hold("README.md", &readme);
}

#[test]
fn the_schema_is_that_of_the_documents_printed() {
    hold("assets/tgscope.schema.json", &report::schema().unwrap());
}

#[test]
fn the_policy_allows_just_what_is_called() {
    let policy: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path("assets/iam-policy.json")).unwrap()).unwrap();
    let allowed: BTreeSet<String> = policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["Action"].as_array().unwrap())
        .map(|it| it.as_str().unwrap().split_once(':').unwrap().1.to_owned())
        .collect();
    let calls = std::fs::read_to_string(path("src/aws/calls.rs")).unwrap();
    let writes = std::fs::read_to_string(path("src/aws/write.rs")).unwrap();
    let named = |it: &str| {
        let name = it.split_once("Operation::")?.1.split(|c: char| !c.is_alphanumeric()).next()?;
        Some(name.to_owned())
    };
    let mut called: BTreeSet<String> = calls.split("ask!(").skip(1).filter_map(named).collect();
    called.extend(writes.split("ask!(").skip(1).filter_map(named));
    let network = std::fs::read_to_string(path("src/aws/ec2.rs")).unwrap();
    let name = |it: &str| it.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned);
    called.extend(network.split("Operation::").skip(1).filter_map(name).filter(|it| it != "self"));
    assert!(called.len() >= 10, "the calls were not found");
    assert_eq!(allowed, called);
    let listed: BTreeSet<String> = permissions::AWS.iter().map(|it| it.operation.name().to_owned()).collect();
    assert_eq!(allowed, listed, "the table of permissions says otherwise");
}

/// Verbs on resources that roles of a file allow, in the words of the table.
fn verbs(rbac: &str) -> BTreeSet<String> {
    let list = |line: &str| -> Vec<String> {
        let inside = line.split('[').nth(1).unwrap().trim_end_matches(']');
        inside.split(',').map(|it| it.trim().trim_matches('"').to_owned()).collect()
    };
    let mut found = BTreeSet::new();
    let (mut groups, mut resources) = (Vec::new(), Vec::new());
    for line in rbac.lines().filter(|it| it.contains('[')) {
        match line.trim().trim_start_matches("- ").split(':').next().unwrap() {
            "apiGroups" => groups = list(line),
            "resources" => resources = list(line),
            "verbs" => {
                for group in groups.iter().filter(|it| *it != "eks.amazonaws.com") {
                    for (resource, verb) in
                        resources.iter().flat_map(|it| list(line).into_iter().map(move |verb| (it, verb)))
                    {
                        let dot = if group.is_empty() { "" } else { "." };
                        found.insert(format!("{verb} {resource}{dot}{group}"));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_roles_allow_just_what_the_table_of_permissions_has() {
    let allowed = verbs(&std::fs::read_to_string(path("assets/rbac.yaml")).unwrap());
    let listed: BTreeSet<String> =
        permissions::KUBERNETES.iter().flat_map(|it| it.verbs()).map(|it| it.to_string()).collect();
    assert_eq!(allowed, listed);
}

#[test]
fn no_document_speaks_of_what_is_not_there() {
    let readme = std::fs::read_to_string(path("README.md")).unwrap();
    for word in readme.split(|c: char| c.is_whitespace() || "()`\"<>".contains(c)) {
        let is_file = ["assets/", "tests/", "src/", ".ci/", "benches/"].iter().any(|it| word.starts_with(it));
        if is_file && !word.contains('*') {
            let word = word.trim_end_matches(['.', ',', ':', ';']);
            assert!(path(word).exists(), "README names {word}, which does not exist");
        }
    }
}

/// Every key of a scenario stands in the page that explains them.
#[test]
fn the_page_on_scenarios_names_every_key() {
    let read =
        |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (page, source) = (read("assets/scenarios/README.md"), read("src/lab/scenario.rs"));
    let tables = source.split("tables! {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields = tables.lines().filter_map(|line| {
        let (name, _) = line.trim().split_once(": ")?;
        (!name.contains([' ', '/', '#', '"'])).then(|| name.trim_start_matches("Scale { ").replace('_', "-"))
    });
    // In the file they are called otherwise.
    let renamed = |it: &str| match it {
        "name" | "nodes" | "images" | "groups" | "load-balancers" | "apps" | "steps" | "listeners"
        | "rules" => None,
        "target-type" | "kind" => Some("type".to_owned()),
        "lasts" => Some("for".to_owned()),
        other => Some(other.to_owned()),
    };
    let fields: Vec<String> = fields.filter_map(|it| renamed(&it)).collect();
    assert!(fields.len() > 60, "{fields:?}");
    for field in fields {
        let named = [
            format!("`{field}`"),
            format!("`{field} "),
            format!(" {field} "),
            format!(" {field},"),
            format!("{field} }}"),
        ];
        assert!(named.iter().any(|it| page.contains(it.as_str())), "the page does not explain {field}");
    }
}
