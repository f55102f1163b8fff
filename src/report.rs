//! What commands print: the JSON contract, tables, names. Takes judgements, gives text.

pub mod document;
pub mod plan;
mod table;

pub use self::document::Document;
pub use self::table::failure_lines;
pub use self::table::table;

/// Formats of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

/// A document in a format, with its last newline.
pub fn render(document: &Document, format: Format) -> Result<String, String> {
    let line_end = |mut text: String| {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    };
    match format {
        Format::Json => serde_json::to_string_pretty(document).map(line_end).map_err(|it| it.to_string()),
        Format::Yaml => serde_saphyr::to_string(document).map(line_end).map_err(|it| it.to_string()),
        Format::Name => Ok(document.names()),
        Format::Table => Ok(table(document, false)),
        Format::Wide => Ok(table(document, true)),
    }
}

/// Any data as YAML.
pub fn yaml(data: &impl serde::Serialize) -> Result<String, String> {
    serde_saphyr::to_string(data).map_err(|it| it.to_string())
}

/// The JSON Schema of the contract.
pub fn schema() -> Result<String, String> {
    let schema = schemars::schema_for!(Document);
    serde_json::to_string_pretty(&schema).map(|it| it + "\n").map_err(|it| it.to_string())
}
