//! The board as drawn, read back into rows: what a person sees in each column.

use std::collections::BTreeSet;

use serde_json::Value;

use super::pty::Frame;

/// One line of the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) pod: String,
    pub(crate) endpoint: String,
    pub(crate) ready: String,
    pub(crate) standing: String,
    pub(crate) target: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) selected: bool,
}

const NOTHING: &str = "–";

fn slice(line: &[char], from: usize, to: usize) -> String {
    line.get(from..to.min(line.len())).unwrap_or_default().iter().collect::<String>().trim().to_owned()
}

fn at(line: &[char], text: &str) -> Option<usize> {
    let text: Vec<char> = text.chars().collect();
    line.windows(text.len()).position(|it| it == text)
}

/// The rows of the board, top to bottom; empty while there is no board.
pub(crate) fn rows(frame: &Frame) -> Vec<Row> {
    let lines: Vec<Vec<char>> = frame.lines.iter().map(|it| it.chars().collect()).collect();
    let titles = lines.iter().position(|it| at(it, "POD ").is_some() && at(it, "TARGET ").is_some());
    let Some(top) = titles else { return Vec::new() };
    let head = &lines[top];
    let borders: Vec<usize> = head.iter().enumerate().filter(|it| *it.1 == '│').map(|it| it.0).collect();
    let [_, left, right, end] = borders[..] else { return Vec::new() };
    let start = |title: &str| at(head, title);
    // The last ones are there where the screen has room for them.
    let columns = [
        "POD ",
        "ENDPOINT ",
        "READY ",
        "NODE ",
        "RESTARTS ",
        "GATE ",
        "TARGET ",
        "ZONE ",
        "STATE ",
        "REASON / SINCE",
        "DESCRIPTION ",
    ];
    let starts: BTreeSet<usize> = columns.into_iter().filter_map(start).chain([left, right, end]).collect();
    let body = lines[top + 1..].iter().take_while(|it| it.first() == Some(&'│'));
    let row = |line: &Vec<char>| {
        let cell = |title: &str| {
            let Some(from) = start(title) else { return String::new() };
            let to = starts.range(from + 1..).next().copied().unwrap_or(end);
            slice(line, from, to)
        };
        let link = slice(line, left + 1, right);
        let selected = link.starts_with('>');
        let words = link.trim_start_matches('>').trim().split_once(' ').map_or("", |it| it.1);
        Row {
            pod: cell("POD "),
            endpoint: cell("ENDPOINT "),
            ready: cell("READY "),
            standing: words.trim().trim_end_matches(" *").to_owned(),
            target: cell("TARGET "),
            state: cell("STATE "),
            reason: cell("REASON / SINCE"),
            selected,
        }
    };
    body.map(row).filter(|it| !it.standing.is_empty()).collect()
}

/// Standings with how often each is on the board.
pub(crate) fn standings(frame: &Frame) -> Vec<String> {
    let mut found: Vec<String> = rows(frame).into_iter().map(|it| it.standing).collect();
    found.sort();
    found
}

/// The second line: verdict, counts, settled or not.
pub(crate) fn verdict(frame: &Frame) -> &str {
    frame.lines.get(1).map_or("", |it| it.trim())
}

pub(crate) fn settled(frame: &Frame) -> bool {
    verdict(frame).contains(" · settled ")
}

/// Pod, standing and state of each row, as the board has them.
pub(crate) fn drawn(frame: &Frame) -> BTreeSet<(String, String, String)> {
    // A pod that is gone is remembered by the board alone: one look knows none.
    let pod = |it: &Row| if it.pod.starts_with('(') { NOTHING.to_owned() } else { it.pod.clone() };
    let row = |it: Row| (pod(&it), it.standing.replace(' ', ""), it.state);
    rows(frame).into_iter().map(row).collect()
}

/// The same of one binding as `get -o json` has it.
pub(crate) fn told(binding: &Value) -> BTreeSet<(String, String, String)> {
    let text = |it: &Value| it.as_str().unwrap_or(NOTHING).to_owned();
    let row = |it: &Value| {
        let standing = text(&it["standing"]).replace('-', "");
        (text(&it["endpoint"]["pod"]), standing, text(&it["health"]["state"]))
    };
    binding["rows"].as_array().unwrap().iter().map(row).collect()
}
