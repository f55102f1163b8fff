//! No text of either side steers a terminal: not on stdout or stderr, not on the screen, not in the log.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use super::fake::World;
use super::frames::Watched;
use super::run;
use crate::fuzz::few;

/// What no output may hold, put into any text of either side.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{200b}\u{e0041}\r\n\ttab";

/// Outputs of both kinds, and a plan.
const OUTPUTS: &[&[&str]] = &[
    &["get", "-A"],
    &["get", "-A", "-o", "wide"],
    &["get", "-A", "-o", "json"],
    &["get", "-A", "-o", "yaml"],
    &["get", "-A", "-o", "name"],
    &["resync", "shop/tgb/web", "--dry-run=client"],
    &["drain", "shop/tgb/web", "web-5f7c9-aaaaa", "--dry-run=client", "-o", "json"],
    &["doctor"],
];

/// Without what two looks differ in.
fn timeless(document: Value) -> Value {
    match document {
        Value::Object(map) => {
            let is_time =
                |key: &str| ["at", "since"].contains(&key) || key.ends_with("At") || key.ends_with("Since");
            map.into_iter().filter(|(key, _)| !is_time(key)).map(|(key, it)| (key, timeless(it))).collect()
        }
        Value::Array(all) => all.into_iter().map(timeless).collect(),
        it => it,
    }
}

/// What steers a terminal, or hides something.
fn is_hostile(it: char) -> bool {
    (it.is_control() && it != '\n')
        || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{e0000}'..='\u{e007f}')
}

fn found_in(text: &str) -> Vec<char> {
    text.chars().filter(|it| is_hostile(*it)).collect()
}

#[test]
fn no_text_of_either_side_steers_the_terminal() {
    for case in
        ["baseline", "quoted-port", "empty-external-id", "gate-of-another-group", "proxy-protocol-health"]
    {
        let (places, hostile) = World::read(case).with_texts(HOSTILE);
        assert!(places > 10, "{case}: only {places} texts");
        let world = Arc::new(hostile);
        for arguments in OUTPUTS {
            let (_, stdout, stderr) = run(world.clone(), arguments);
            let said = stdout + &stderr;
            let found = found_in(&said);
            assert!(found.is_empty(), "{case} {arguments:?}: {found:?} in {said:?}");
            let begun = said.lines().find(|it| it.trim_start().starts_with("tab"));
            assert!(begun.is_none(), "{case} {arguments:?}: a line of somebody else's: {begun:?}");
        }
        let values = |format: &str| run(world.clone(), &["get", "-A", "-o", format]).1;
        let json: Value = serde_json::from_str(&values("json")).unwrap();
        let yaml: Value = serde_saphyr::from_str(&values("yaml")).unwrap();
        assert_eq!(timeless(yaml), timeless(json), "{case}: a value was changed");
    }
}

proptest! {
    #![proptest_config(few(6))]

    #[test]
    fn random_texts_do_not_either(text in "(?s).{0,24}|[\\PC\u{0}-\u{9f}\u{200b}-\u{202e}]{1,24}") {
        let (_, hostile) = World::read("proxy-protocol-health").with_texts(&text);
        let world = Arc::new(hostile);
        for arguments in OUTPUTS {
            let (_, stdout, stderr) = run(world.clone(), arguments);
            let found = found_in(&(stdout + &stderr));
            prop_assert!(found.is_empty(), "{:?}: {:?}", arguments, found);
        }
    }
}

#[test]
fn the_screen_and_the_log_show_texts_and_obey_none() {
    let (_, hostile) = World::read("empty-external-id").with_texts(HOSTILE);
    let mut watched = Watched::of(hostile, "shop/tgb/web");
    let terminal = &mut watched.terminal;
    // One line with all of it on show, whatever came into it.
    terminal.until(&["Why · shop/web", "owned"]);
    for key in ["d", "\u{1b}", "j", "d", "\u{1b}", "z", "0"] {
        terminal.press(key);
    }
    terminal.until(&["Bindings · "]);
    let (written, shown) = (terminal.written(), terminal.text());
    let title = b"\x1b]0;";
    assert!(!written.windows(title.len()).any(|it| it == title), "it sets the title of the terminal");
    assert!(found_in(&shown).is_empty(), "{:?} in {shown}", found_in(&shown));
    terminal.press("q");
    assert_eq!(terminal.ended(), 0);
    let logs = logs(watched.folder.path());
    assert!(!logs.is_empty(), "nothing was logged");
    let found: Vec<char> = found_in(&logs).into_iter().filter(|it| *it != '\t').collect();
    assert!(found.is_empty(), "{found:?}");
}

/// Every log below a folder.
fn logs(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for it in std::fs::read_dir(folder).unwrap() {
        let path = it.unwrap().path();
        match path.is_dir() {
            true => text += &logs(&path),
            false if path.to_string_lossy().contains("log") => {
                text += &std::fs::read_to_string(path).unwrap()
            }
            false => {}
        }
    }
    text
}
