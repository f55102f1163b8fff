//! The lines a person moves through: what is on show of the list or of a board, and in which order.

use crate::app::state::Board;
use crate::app::state::Sort;
use crate::app::state::State;
use crate::app::state::View;
use crate::app::state::name;
use crate::domain::facts::ids::RowKey;
use crate::domain::judgement::report::Report;
use crate::domain::judgement::row::EndpointSide;
use crate::domain::judgement::row::Row;
use crate::domain::judgement::row::Subject;
use crate::domain::wording::columns;
use crate::domain::wording::columns::ColumnId;

/// The lines of a view, in order.
pub(crate) enum Lines<'a> {
    Subjects(Vec<&'a Subject>),
    Rows(Vec<&'a Row>),
}

/// What a line is, whatever its place.
pub(crate) enum Line {
    Subject(Subject),
    Row(RowKey),
}

impl Lines<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Subjects(them) => them.len(),
            Self::Rows(them) => them.len(),
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<Line> {
        match self {
            Self::Subjects(them) => them.get(at).map(|it| Line::Subject((*it).clone())),
            Self::Rows(them) => them.get(at).map(|it| Line::Row(it.key.clone())),
        }
    }

    /// Where the selected line is among them.
    pub(crate) fn selected(&self, state: &State) -> Option<usize> {
        match self {
            Self::Subjects(them) => {
                let listed = state.listed.as_ref()?;
                them.iter().position(|it| *it == listed)
            }
            Self::Rows(them) => {
                let selected = state.selected.as_ref()?;
                them.iter().position(|it| it.key == *selected)
            }
        }
    }
}

impl State {
    /// The rows on show, in order.
    pub(crate) fn rows(&self) -> Vec<&Row> {
        let Some(board) = self.board() else { return Vec::new() };
        let context = self.context(&board.report);
        let mut rows: Vec<&Row> = self.rows_shown(&board.report, context).collect();
        match self.sort {
            Sort::Worst => {}
            Sort::Name => rows.sort_by_cached_key(|row| columns::cell(ColumnId::Pod, row, &context)),
            Sort::Address => rows.sort_by(|a, b| a.key.cmp(&b.key)),
            Sort::Zone => rows.sort_by_cached_key(|row| columns::cell(ColumnId::Zone, row, &context)),
        }
        if self.reversed {
            rows.reverse();
        }
        rows
    }

    /// The rows of a board that are not filtered out.
    fn rows_shown<'a>(
        &'a self,
        report: &'a Report,
        context: columns::Context,
    ) -> impl Iterator<Item = &'a Row> {
        let filter = Filter::of(&self.filter);
        let rows = report.rows.iter().filter(|row| row.problem || !self.problems_only);
        rows.filter(move |row| filter.lets(|it| row_says(row, &context, it)))
    }

    /// The subjects of the list, in order.
    pub(crate) fn subjects(&self) -> Vec<&Subject> {
        let mut boards: Vec<(&Subject, &Board)> = self.boards_shown().collect();
        match self.sort {
            // Equally bad ones stand in the order of their names.
            Sort::Worst => boards.sort_by_cached_key(|it| (it.1.report.severity(), natural(&name(it.0)))),
            Sort::Name | Sort::Zone => boards.sort_by_cached_key(|it| natural(&name(it.0))),
            Sort::Address => boards.sort_by_cached_key(|it| natural(it.1.group_name().unwrap_or_default())),
        }
        if self.reversed {
            boards.reverse();
        }
        boards.into_iter().map(|it| it.0).collect()
    }

    /// The boards of the list that are not filtered out.
    fn boards_shown(&self) -> impl Iterator<Item = (&Subject, &Board)> {
        let filter = Filter::of(&self.filter);
        let target = self.opening.target.as_ref().filter(|_| self.narrowed);
        let pointed_at = self
            .boards
            .iter()
            .filter(move |(_, it)| target.is_none_or(|target| target.selects(&self.inventory, &it.report)));
        let boards = pointed_at.filter(|(_, it)| {
            !self.problems_only || it.report.counts.problems > 0 || it.report.settled.value == Some(false)
        });
        boards.filter(move |(subject, it)| filter.lets(|text| self.describes(subject, &it.report, text)))
    }

    fn describes(&self, subject: &Subject, report: &Report, text: &str) -> bool {
        let service = match subject {
            Subject::Binding(it) => self.inventory.binding(it).map(|it| it.service.clone()),
            Subject::Group(_) => None,
        };
        let parts = [
            name(subject),
            service.unwrap_or_default(),
            report.group.as_ref().map(|it| it.name().to_owned()).unwrap_or_default(),
            report.verdict.word.text().to_owned(),
            report.verdict.sentence.clone(),
        ];
        parts.iter().any(|it| it.to_lowercase().contains(text))
            || report.rows.iter().any(|row| is_called(row, text))
    }

    /// The lines a person moves through.
    pub(crate) fn lines(&self) -> Lines<'_> {
        match &self.view {
            View::Bindings => Lines::Subjects(self.subjects()),
            View::Board(_) => Lines::Rows(self.rows()),
        }
    }

    /// There is a line to move to.
    pub(crate) fn has_lines(&self) -> bool {
        match &self.view {
            View::Bindings => self.boards_shown().next().is_some(),
            View::Board(_) => self
                .board()
                .is_some_and(|it| self.rows_shown(&it.report, self.context(&it.report)).next().is_some()),
        }
    }

    /// Where the selected line is among the lines.
    pub(crate) fn line_at(&self) -> Option<usize> {
        self.has_selection().then(|| self.lines().selected(self)).flatten()
    }
}

/// A run of digits, or of anything else, of a name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    /// The number without zeros in front, by its length first; then how long it was with them.
    Number(usize, String, usize),
    Text(String),
}

/// By what people order names: `web-2` before `web-10`.
fn natural(name: &str) -> Vec<Run> {
    let runs = name.as_bytes().chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit());
    let run = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        match text.starts_with(|it: char| it.is_ascii_digit()) {
            true => {
                let number = text.trim_start_matches('0').to_owned();
                Run::Number(number.len(), number, text.len())
            }
            false => Run::Text(text),
        }
    };
    runs.map(run).collect()
}

/// What was typed to leave only some lines.
struct Filter {
    /// Lines that do not say it are shown.
    inverted: bool,
    text: String,
}

impl Filter {
    fn of(typed: &str) -> Self {
        let (inverted, text) = match typed.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, typed),
        };
        Self { inverted, text: text.to_lowercase() }
    }

    /// Whether a line is shown, by whether it says the text.
    fn lets(&self, says: impl FnOnce(&str) -> bool) -> bool {
        self.text.is_empty() || says(&self.text) != self.inverted
    }
}

/// A row says a text in one of its cells, or one of the pods behind it is called so.
fn row_says(row: &Row, context: &columns::Context, text: &str) -> bool {
    let says = |it: &str| it.to_lowercase().contains(text);
    columns::COLUMNS.iter().any(|column| says(&(column.text)(row, context))) || is_called(row, text)
}

/// The address of a row, or a pod or node behind it, has a text in it. Of a list every row is asked: only what is cheap.
fn is_called(row: &Row, text: &str) -> bool {
    let says = |it: &str| it.to_ascii_lowercase().contains(text);
    let side_says = |it: &EndpointSide| {
        it.pod.as_deref().is_some_and(says)
            || it.node.as_deref().is_some_and(says)
            || it.pods.iter().any(|it| says(it))
    };
    says(&row.key.to_string()) || row.endpoint.iter().chain(&row.others).any(side_says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_numbers_stand_as_people_count() {
        let mut names = ["web-10", "web-2", "web", "web-1", "api-100", "web-02", "web-1b"];
        names.sort_by_cached_key(|it| natural(it));
        assert_eq!(names, ["api-100", "web", "web-1", "web-1b", "web-2", "web-02", "web-10"]);
    }
}
