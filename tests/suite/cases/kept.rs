//! All that `get` says of each case, kept beside its data: verdict, codes, standings, sentences and next steps, read by a
//! person before they were accepted.

use std::path::Path;

use super::LOOK;
use super::says;

/// The folders of the cases, in order.
fn cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut all: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

#[test]
fn a_case_is_told_in_these_words() {
    let cases = cases();
    assert!(cases.len() > 40, "only {} cases", cases.len());
    for case in cases {
        let told = says(&case, LOOK);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(format!("../../cases/{case}"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!("told", told));
    }
}
