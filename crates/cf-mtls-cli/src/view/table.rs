//! Tables that can be written before all of their rows are known.

use anstyle::Style;
use console::{Alignment, pad_str};
use textwrap::core::display_width;

use crate::terminal::width;

/// No column is cut to less than this.
const MIN_COLUMN_WIDTH: usize = 6;
/// A longer value moves the rest of its row, and no other row.
const MAX_COLUMN_WIDTH: usize = 300;
const GAP: usize = 2;
/// Before the lines that belong to the row above.
const INDENT: &str = "  ";

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    /// The style of the last cell.
    pub(crate) style: Style,
    /// Lines that belong below the row.
    pub(crate) details: String,
}

impl Row {
    pub(crate) fn new(cells: Vec<String>, style: Style) -> Self {
        Self { cells, style, details: String::new() }
    }
}

/// A table whose first column is never cut: ids are copied.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    headers: Vec<&'static str>,
    /// The column that is cut if the terminal is too narrow.
    elastic: usize,
    /// The columns of the terminal; `None` if nothing has to be cut.
    terminal: Option<usize>,
    /// The widest cell of each column so far.
    widths: Vec<usize>,
    begun: bool,
}

impl Table {
    pub(crate) fn new(headers: &[&'static str], elastic: usize, terminal: Option<usize>) -> Self {
        Self {
            headers: headers.to_vec(),
            elastic,
            terminal,
            widths: headers.iter().map(|header| header.len()).collect(),
            begun: false,
        }
    }

    /// Writes rows, and before the first ones the headers.
    pub(crate) fn write(&mut self, rows: &[Row]) -> String {
        self.measure(rows);
        let mut text = String::new();
        let widths = self.fitting_widths();
        if let (Some(widths), false) = (&widths, self.begun) {
            let headers = self.headers.iter().map(ToString::to_string).collect();
            let headers = self.line(&Row::new(headers, Style::new()), widths);
            let bold = Style::new().bold();
            text.push_str(&format!("{bold}{}{bold:#}\n", headers.trim_end()));
        }
        self.begun = true;
        for row in rows {
            text.push_str(&match &widths {
                Some(widths) => self.line(row, widths),
                None => self.record(row),
            });
            text.push_str(&row.details);
        }
        text
    }

    /// Makes the columns wide enough for rows, also for those that come later.
    pub(crate) fn measure(&mut self, rows: &[Row]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(&row.cells) {
                *width = display_width(cell).clamp(*width, MAX_COLUMN_WIDTH.max(*width));
            }
        }
    }

    /// The widths of the columns; `None` if they do not fit the terminal.
    fn fitting_widths(&self) -> Option<Vec<usize>> {
        let mut widths = self.widths.clone();
        let gaps = GAP * widths.len().saturating_sub(1);
        let total = gaps + widths.iter().sum::<usize>();
        let excess = total.saturating_sub(self.terminal.unwrap_or(total));
        let elastic = widths.get_mut(self.elastic)?;
        let minimum = MIN_COLUMN_WIDTH.min(*elastic);
        *elastic = elastic.checked_sub(excess).filter(|w| minimum <= *w)?;
        Some(widths)
    }

    /// A row on one line.
    fn line(&self, row: &Row, widths: &[usize]) -> String {
        // A pipe gets all of a later value; it moves the rest of its row.
        let tail = self.terminal.map(|_| "…");
        let cells = row.cells.iter().zip(widths);
        let cells = cells.map(|(cell, width)| pad_str(cell, *width, Alignment::Left, tail));
        let mut cells: Vec<_> = cells.collect();
        let (style, last) = (row.style, cells.pop().unwrap_or_default());
        cells.push(format!("{style}{}{style:#}", last.trim_end()).into());
        format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
    }

    /// The first cell of a row, and below it a line for each of the others.
    fn record(&self, row: &Row) -> String {
        let labels = self.headers.iter().skip(1);
        let width = labels.map(|label| label.len()).max().unwrap_or(0);
        let below = " ".repeat(INDENT.len() + width + GAP);
        let mut text = format!("{}\n", row.cells.first().map_or("", String::as_str));
        for (label, cell) in self.headers.iter().zip(&row.cells).skip(1) {
            let label = format!("{INDENT}{label:width$}{:GAP$}", "");
            text.push_str(&width::wrap(&label, &below, cell, self.terminal));
        }
        text
    }
}
