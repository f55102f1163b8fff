//! What commands print: the JSON contract, tables, names. Takes judgements, gives text.

pub mod document;
pub(crate) mod path;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod routes;
use std::borrow::Cow;

mod schema;
mod table;

use crate::printable;

pub use self::document::Document;
pub(crate) use self::table::failure_lines;
pub(crate) use self::table::table;

/// Formats of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

/// Data that cannot be written in a format.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot be written as YAML: {0}")]
    Yaml(#[from] serde_saphyr::SerializeError),
}

/// A document in a format, with its last newline.
pub(crate) fn render(document: &Document, format: Format) -> Result<String, RenderError> {
    let line_end = |mut text: String| {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    };
    match format {
        Format::Json => Ok(line_end(printable::json(&serde_json::to_string_pretty(document)?).into_owned())),
        Format::Yaml => yaml(document).map(line_end),
        Format::Name => Ok(table::names(document)),
        Format::Table => Ok(table(document, false)),
        Format::Wide => Ok(table(document, true)),
    }
}

/// Any data as JSON, or as YAML.
pub(crate) fn printed(data: &impl serde::Serialize, as_json: bool) -> Result<String, RenderError> {
    match as_json {
        true => Ok(printable::json(&serde_json::to_string_pretty(data)?).into_owned() + "\n"),
        false => yaml(data).map(|it| it.trim_end().to_owned() + "\n"),
    }
}

/// Any data as YAML. Where a text in it is not safe to print it is in the flow style, in which every character can be
/// escaped: the values stay as they are.
pub(crate) fn yaml(data: &impl serde::Serialize) -> Result<String, RenderError> {
    let block = serde_saphyr::to_string(data)?;
    match printable::text(&block) {
        Cow::Borrowed(_) => Ok(block),
        Cow::Owned(_) => Ok(printable::yaml(&serde_json::to_string_pretty(data)?).into_owned()),
    }
}

/// The JSON Schema of the contract.
pub fn schema() -> Result<String, RenderError> {
    let schema = schemars::schema_for!(Document);
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}
