//! Tables that can be written before all of their rows are known.

use anstyle::Style;
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width, presets,
};

/// Narrower than this no column is cut.
const NARROWEST: u16 = 8;
const GAP: u16 = 2;

/// A row. The last cell may have a style of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) cells: Vec<String>,
    pub(crate) style: Style,
}

/// The columns of a table.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    headers: &'static [&'static str],
    /// The column that gives way where a terminal is too narrow.
    elastic: usize,
    /// The columns of the terminal; `None` where nothing has to be cut.
    room: Option<u16>,
    widths: Option<Vec<u16>>,
    begun: bool,
    grows: bool,
}

impl Sheet {
    pub(crate) fn new(headers: &'static [&'static str], elastic: usize, room: Option<u16>) -> Self {
        Self {
            headers,
            elastic,
            room,
            widths: None,
            begun: false,
            grows: false,
        }
    }

    /// Leaves some room for rows that come later, and may be wider.
    pub(crate) fn that_grows(mut self) -> Self {
        self.grows = true;
        self
    }

    /// Decides on the widths by rows that will come like these.
    pub(crate) fn expecting(mut self, lines: impl IntoIterator<Item = Vec<String>>) -> Self {
        let mut table = Table::new();
        table.add_row(self.headers.to_vec());
        for cells in lines {
            table.add_row(cells);
        }
        self.widths = Some(self.decide(&table));
        self
    }

    /// Writes rows. The first call decides on the widths and writes
    /// the headers; so a list can be shown while it is read.
    pub(crate) fn write(&mut self, lines: &[Line]) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_truncation_indicator("…");
        let first = !self.begun;
        self.begun = true;
        if first {
            table.add_row(self.headers.to_vec());
        }
        for line in lines {
            let mut row = Row::from(line.cells.clone());
            if self.room.is_some() {
                row.max_height(1);
            }
            table.add_row(row);
        }
        let widths = match &self.widths {
            Some(widths) => widths.clone(),
            None => self.decide(&table),
        };
        table.set_content_arrangement(ContentArrangement::Disabled);
        let last = widths.len().saturating_sub(1);
        for (index, (column, width)) in table.column_iter_mut().zip(&widths).enumerate() {
            column.set_padding((0, if index == last { 0 } else { GAP }));
            column.set_cell_alignment(CellAlignment::Left);
            let width = width + if index == last { 0 } else { GAP };
            column.set_constraint(match self.room {
                Some(_) => ColumnConstraint::Absolute(Width::Fixed(width)),
                // A pipe gets everything; a longer value pushes its row out.
                None => ColumnConstraint::LowerBoundary(Width::Fixed(width)),
            });
        }
        self.widths = Some(widths);
        let mut text = String::new();
        let bold = Style::new().bold();
        for (index, row) in table.lines().enumerate() {
            let row = row.trim_end();
            let own = if first {
                index.checked_sub(1)
            } else {
                Some(index)
            };
            match own.and_then(|index| lines.get(index)) {
                None => text.push_str(&format!("{bold}{row}{bold:#}")),
                Some(line) => text.push_str(&styled(row, line)),
            }
            text.push('\n');
        }
        text
    }

    /// As wide as the content is, and no wider than the terminal.
    fn decide(&self, table: &Table) -> Vec<u16> {
        let mut widths = table.column_max_content_widths();
        if let Some(room) = self.room {
            let gaps = GAP.saturating_mul(u16::try_from(widths.len()).unwrap_or(u16::MAX)) - GAP;
            let sum = |widths: &[u16]| {
                widths
                    .iter()
                    .fold(gaps, |sum, width| sum.saturating_add(*width))
            };
            let over = sum(&widths).saturating_sub(room);
            if let Some(width) = widths.get_mut(self.elastic) {
                *width = width.saturating_sub(over).max(NARROWEST.min(*width));
            }
            let spare = room.saturating_sub(sum(&widths));
            if self.grows
                && let Some(width) = widths.get_mut(self.elastic)
            {
                *width = width.saturating_add(spare.min(24));
            }
        }
        widths
    }
}

fn styled(row: &str, line: &Line) -> String {
    let style = line.style;
    match line.cells.last() {
        Some(cell) if !cell.is_empty() && style != Style::new() && row.ends_with(cell.as_str()) => {
            let head = &row[..row.len() - cell.len()];
            format!("{head}{style}{cell}{style:#}")
        }
        _ => row.to_owned(),
    }
}

/// How wide the terminal on standard output is; `None` if there is none.
pub(crate) fn stdout_width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

/// How wide the terminal on standard error is; `None` if there is none.
pub(crate) fn stderr_width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stderr()).map(|(width, _)| width.0)
}
