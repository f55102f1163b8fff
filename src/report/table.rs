//! Documents as aligned text: a line for each binding and, where one is looked at alone, its rows.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::document::BindingDocument;
use super::document::Document;
use super::document::FailureDocument;
use super::document::GroupDocument;
use super::document::RowDocument;
use super::document::WhyDocument;
use crate::limits::TEXT;
use crate::printable;

/// A document as people read it.
pub(crate) fn table(document: &Document, wide: bool) -> String {
    let mut text = String::new();
    if !document.bindings.is_empty() {
        text += &aligned(bindings(&document.bindings, wide));
    }
    if !document.groups.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &aligned(groups(&document.groups));
    }
    let all = || {
        document.bindings.iter().map(|it| &it.rows).chain(document.groups.iter().map(|it| &it.rows)).flatten()
    };
    let pointed: Vec<&RowDocument> = all().filter(|it| it.pointed_at == Some(true)).collect();
    if !pointed.is_empty() {
        text.push('\n');
        text += &aligned(row_lines(&pointed, wide));
        if let [row] = pointed.as_slice() {
            text += &row.why.as_ref().map(explained).unwrap_or_default();
        }
        return text;
    }
    let alone = match (document.bindings.as_slice(), document.groups.as_slice()) {
        ([binding], _) => Some(&binding.rows),
        ([], [group]) => Some(&group.rows),
        _ => None,
    };
    if let Some(rows) = alone.filter(|it| !it.is_empty()) {
        text.push('\n');
        text += &aligned(row_lines(&rows.iter().collect::<Vec<_>>(), wide));
    }
    text
}

/// `targetgroupbinding.elbv2.k8s.aws/NAME`, one a line; of several clusters with the context in front.
pub(super) fn names(document: &Document) -> String {
    let first = document.bindings.first().map(|it| &it.cluster);
    let several = document.bindings.iter().any(|it| Some(&it.cluster) != first);
    let name = |it: &BindingDocument| {
        let group = it.api_version.split('/').next().unwrap_or_default();
        let context = if several { format!("{} ", it.cluster) } else { String::new() };
        format!("{context}targetgroupbinding.{group}/{}\n", it.name)
    };
    let groups = document.groups.iter().map(|it| format!("targetgroup/{}\n", it.target_group.name));
    document.bindings.iter().map(name).chain(groups).collect()
}

fn bindings(bindings: &[BindingDocument], wide: bool) -> Vec<Vec<String>> {
    let mut titles =
        vec!["NAMESPACE", "NAME", "SERVICE", "TARGET GROUP", "VERDICT", "IN SERVICE", "SETTLED", "PROBLEMS"];
    let several = bindings.iter().any(|it| Some(&it.cluster) != bindings.first().map(|it| &it.cluster));
    if several {
        titles.insert(0, "CLUSTER");
    }
    if wide {
        titles.push("CONTROLLER");
        titles.extend((!several).then_some("CLUSTER"));
        titles.extend(["BECAUSE", "SUMMARY"]);
    }
    let mut lines = vec![titles.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for it in bindings {
        let mut line = vec![
            it.namespace.clone(),
            it.name.clone(),
            format!("{}:{}", it.service, it.port),
            it.target_group.as_ref().map_or_else(|| "–".to_owned(), |it| it.name.clone()),
            it.verdict.clone(),
            match it.is_unread {
                true => format!("?/{}", it.wanted),
                false => format!("{}/{}", it.in_service, it.wanted),
            },
            settled(it.settled).to_owned(),
            it.problems.to_string(),
        ];
        if several {
            line.insert(0, it.cluster.clone());
        }
        if wide {
            let version = it.controller.version.as_ref().map_or(String::new(), |it| format!(" {it}"));
            line.push(format!("{}{version}", it.controller.state));
            line.extend((!several).then(|| it.cluster.clone()));
            line.extend([it.unsettled_because.join(","), it.summary.clone()]);
        }
        lines.push(line);
    }
    lines
}

fn settled(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn groups(groups: &[GroupDocument]) -> Vec<Vec<String>> {
    let titles = ["UNBOUND TARGET GROUP", "TYPE", "PROTOCOL", "VERDICT", "SUMMARY"];
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    for it in groups {
        let group = &it.target_group;
        let protocol = group.protocol.clone().unwrap_or_else(|| "–".to_owned());
        lines.push(vec![
            group.name.clone(),
            group.target_type.unwrap_or("–").to_owned(),
            group.port.map_or(protocol.clone(), |port| format!("{protocol}:{port}")),
            it.verdict.clone(),
            it.summary.clone(),
        ]);
    }
    lines
}

/// Why a row stands so, a fact a line.
fn explained(why: &WhyDocument) -> String {
    let next = why.next.iter().map(|it| format!("next: {it}"));
    let lines = std::iter::once(why.said.clone()).chain(why.facts.iter().cloned()).chain(next);
    let lines: Vec<Vec<String>> = lines.map(|it| vec![it]).collect();
    format!("\n{}", aligned(lines))
}

fn row_lines(rows: &[&RowDocument], wide: bool) -> Vec<Vec<String>> {
    let titles = rows.first().map(|it| it.cells(wide).map(|it| it.0.to_owned()).collect());
    let lines = rows.iter().map(|it| it.cells(wide).map(|it| it.1.to_owned()).collect());
    titles.into_iter().chain(lines).collect()
}

/// A cell is one line, whatever others wrote in it. Columns as wide as their widest cell, three spaces apart, nothing after the last word of a line.
fn aligned(mut lines: Vec<Vec<String>>) -> String {
    for cell in lines.iter_mut().flatten() {
        if cell.len() > TEXT.bytes {
            cell.truncate(cell.floor_char_boundary(TEXT.bytes));
            cell.push('…');
        }
        if let Cow::Owned(clean) = printable::line(cell) {
            *cell = clean;
        }
    }
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| lines.iter().filter_map(|it| it.get(column)).map(|it| it.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut out = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            out += cell;
            out += &" ".repeat(width.saturating_sub(cell.width()) + 3);
        }
        text += out.trim_end();
        text.push('\n');
    }
    text
}

/// Failures as sentences for stderr: what several sources have in common is said once.
pub(crate) fn failure_lines<'a>(failures: impl Iterator<Item = &'a FailureDocument>) -> Vec<String> {
    let mut causes: Vec<(&str, Option<&str>, Vec<&str>)> = Vec::new();
    for it in failures {
        let cause = it.message.split_once(": ").map_or(it.message.as_str(), |(_, cause)| cause);
        let hint = it.hint.as_deref();
        match causes.iter_mut().find(|known| known.0 == cause && known.1 == hint) {
            Some(known) if known.2.contains(&it.source.as_str()) => {}
            Some(known) => known.2.push(&it.source),
            None => causes.push((cause, hint, vec![&it.source])),
        }
    }
    let line = |(cause, hint, sources): (&str, Option<&str>, Vec<&str>)| {
        let hint = hint.map_or(String::new(), |it| format!(" ({it})"));
        format!("{}: {cause}{hint}", sources.join(", "))
    };
    causes.into_iter().map(line).collect()
}
