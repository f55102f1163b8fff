//! Frames as pictures for the README: text in cells, so that any viewer shows them as a terminal would.

use std::fmt::Write;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::style::Color;
use ratatui::style::Modifier;

/// Pixels of a cell.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const FONT: &str = "DejaVu Sans Mono,Menlo,Consolas,monospace";

/// Writes a picture when UPDATE_DOCS asks for it, else compares.
pub(super) fn hold(name: &str, buffer: &Buffer) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
    let svg = svg(buffer);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &svg).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == svg, "{name} is not what the screen shows: UPDATE_DOCS=1 cargo test --lib picture");
}

#[expect(clippy::cast_precision_loss, reason = "a screen has few cells")]
fn svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let (width, height) = (f32::from(area.width) * WIDTH + 24.0, f32::from(area.height) * HEIGHT + 24.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"{FONT}\" font-size=\"14\">\n\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let style = buffer[(x, y)].style();
            let from = x;
            let mut text = String::new();
            while x < area.width && buffer[(x, y)].style() == style {
                text += buffer[(x, y)].symbol();
                x += 1;
            }
            let reversed = style.add_modifier.contains(Modifier::REVERSED);
            if text.trim().is_empty() && !reversed {
                continue;
            }
            let (left, top) = (12.0 + f32::from(from) * WIDTH, 12.0 + f32::from(y) * HEIGHT);
            let length = text.chars().count() as f32 * WIDTH;
            let colour = colour(style.fg);
            if reversed {
                writeln!(svg, "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{HEIGHT}\" fill=\"{colour}\"/>").unwrap();
            }
            let fill = if reversed { "#16181d" } else { colour };
            let weight =
                if style.add_modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
            let dim = if style.add_modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let base = top + 13.5;
            writeln!(
                svg,
                "<text x=\"{left:.1}\" y=\"{base:.1}\" textLength=\"{length:.1}\" xml:space=\"preserve\" fill=\"{fill}\"{weight}{dim}>{text}</text>"
            )
            .unwrap();
        }
    }
    svg + "</svg>\n"
}

fn colour(colour: Option<Color>) -> &'static str {
    match colour {
        Some(Color::Green) => "#7ec97f",
        Some(Color::Red) => "#f0716d",
        Some(Color::Yellow) => "#e5c07b",
        Some(Color::Cyan) => "#67c1d6",
        _ => "#d7dae0",
    }
}
