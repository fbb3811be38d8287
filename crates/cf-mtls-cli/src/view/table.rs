//! Tables that can be written before all of their rows are known.

use anstyle::Style;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width, presets};

/// No column is cut to less than this.
const MIN_COLUMN_WIDTH: u16 = 6;
const GAP: u16 = 2;
/// Before the lines that belong to the row above.
pub(crate) const INDENT: &str = "  ";

/// A row. The style is that of its last cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) style: Style,
}

impl From<Vec<String>> for Row {
    fn from(cells: Vec<String>) -> Self {
        let style = Style::new();
        Self { cells, style }
    }
}

/// A table whose first column is never cut: ids are copied.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    headers: &'static [&'static str],
    /// The column that is cut if the terminal is too narrow.
    elastic: usize,
    /// The columns of the terminal; `None` if nothing has to be cut.
    terminal: Option<u16>,
    /// The widest cell of each column so far.
    widths: Vec<u16>,
    begun: bool,
}

/// Rows as text; each text ends with a line break.
pub(crate) struct Rendered {
    /// The headers, with the first rows only.
    pub(crate) header: String,
    pub(crate) rows: Vec<String>,
}

impl Table {
    pub(crate) fn new(
        headers: &'static [&'static str],
        elastic: usize,
        terminal: Option<u16>,
    ) -> Self {
        Self {
            headers,
            elastic,
            terminal,
            widths: Vec::new(),
            begun: false,
        }
    }

    /// Makes the columns wide enough for rows that come later.
    pub(crate) fn sized_for(mut self, rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        self.measure(rows);
        self
    }

    /// Writes rows, and before the first ones the headers.
    pub(crate) fn write(&mut self, rows: &[Row]) -> String {
        let rendered = self.render(rows);
        rendered.header + &rendered.rows.concat()
    }

    /// Like [`write`](Self::write), with each row apart.
    pub(crate) fn render(&mut self, rows: &[Row]) -> Rendered {
        self.measure(rows.iter().map(|row| row.cells.clone()));
        let mut rendered = match self.fitting_widths() {
            Some(widths) => self.as_lines(&widths, rows),
            None => self.as_records(rows),
        };
        if std::mem::replace(&mut self.begun, true) {
            rendered.header.clear();
        }
        rendered
    }

    fn measure(&mut self, rows: impl IntoIterator<Item = Vec<String>>) {
        let mut table = comfy_table::Table::new();
        table.add_row(self.headers.to_vec());
        for cells in rows {
            table.add_row(cells);
        }
        let widths = table.column_max_content_widths();
        self.widths.resize(widths.len(), 0);
        for (width, new) in self.widths.iter_mut().zip(widths) {
            *width = new.max(*width);
        }
    }

    /// The widths of the columns; `None` if they do not fit the terminal.
    fn fitting_widths(&self) -> Option<Vec<u16>> {
        let mut widths = self.widths.clone();
        let Some(terminal) = self.terminal else {
            return Some(widths);
        };
        let gaps = GAP.checked_mul(u16::try_from(widths.len()).ok()?)?;
        let total = widths.iter().try_fold(gaps, |sum, w| sum.checked_add(*w))?;
        let excess = (total - GAP.min(total)).saturating_sub(terminal);
        let elastic = widths.get_mut(self.elastic)?;
        let minimum = MIN_COLUMN_WIDTH.min(*elastic);
        *elastic = elastic.checked_sub(excess).filter(|w| minimum <= *w)?;
        Some(widths)
    }

    /// A line for each row.
    fn as_lines(&self, widths: &[u16], rows: &[Row]) -> Rendered {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_truncation_indicator("…");
        table.add_row(self.headers.to_vec());
        for row in rows {
            let mut row = comfy_table::Row::from(row.cells.clone());
            if self.terminal.is_some() {
                row.max_height(1);
            }
            table.add_row(row);
        }
        table.set_content_arrangement(ContentArrangement::Disabled);
        let last = widths.len().saturating_sub(1);
        for (index, (column, width)) in table.column_iter_mut().zip(widths).enumerate() {
            let gap = if index == last { 0 } else { GAP };
            column.set_padding((0, gap));
            column.set_cell_alignment(CellAlignment::Left);
            let width = Width::Fixed(width.saturating_add(gap));
            column.set_constraint(match self.terminal {
                Some(_) => ColumnConstraint::Absolute(width),
                // In a pipe a longer value moves the rest of its row.
                None => ColumnConstraint::LowerBoundary(width),
            });
        }
        let mut lines = table.lines().map(|line| line.trim_end().to_owned());
        Rendered {
            header: bold(&lines.next().unwrap_or_default()) + "\n",
            rows: lines
                .zip(rows)
                .map(|(line, row)| styled(&line, row) + "\n")
                .collect(),
        }
    }

    /// The first cell of each row, and below it a line for each of the others.
    fn as_records(&self, rows: &[Row]) -> Rendered {
        let labels = self.headers.get(1..).unwrap_or_default();
        let label_width = labels.iter().map(|label| label.len()).max().unwrap_or(0);
        let before = u16::try_from(INDENT.len() + label_width).unwrap_or(u16::MAX);
        let terminal = self.terminal.unwrap_or(u16::MAX);
        let width = terminal.saturating_sub(before.saturating_add(GAP));
        let record = |row: &Row| {
            let mut cells = row.cells.iter();
            let id = cells.next().map_or("", String::as_str);
            let mut text = wrapped(id, terminal).join("\n") + "\n";
            for (index, (label, cell)) in labels.iter().zip(cells).enumerate() {
                let style = match index + 1 == labels.len() {
                    true => row.style,
                    false => Style::new(),
                };
                let mut label = bold(&format!("{label:label_width$}"));
                for part in wrapped(cell, width.max(MIN_COLUMN_WIDTH)) {
                    text.push_str(&format!("{INDENT}{label}  {style}{part}{style:#}\n"));
                    label = " ".repeat(label_width);
                }
            }
            text
        };
        Rendered {
            header: String::new(),
            rows: rows.iter().map(record).collect(),
        }
    }
}

/// The lines of a text in a column, broken between words where possible.
pub(crate) fn wrapped(text: &str, width: u16) -> Vec<String> {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING);
    table.add_row([text]);
    for column in table.column_iter_mut() {
        column.set_padding((0, 0));
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
    }
    table.lines().map(|row| row.trim_end().to_owned()).collect()
}

fn bold(text: &str) -> String {
    let bold = Style::new().bold();
    format!("{bold}{text}{bold:#}")
}

/// A line with the style of its last cell.
fn styled(line: &str, row: &Row) -> String {
    let style = row.style;
    let last = row.cells.last().filter(|_| style != Style::new());
    match last.and_then(|cell| Some((line.strip_suffix(cell.as_str())?, cell))) {
        Some((head, cell)) => format!("{head}{style}{cell}{style:#}"),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, name: &str, expires: &str) -> Row {
        [id, name, expires].map(str::to_owned).to_vec().into()
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn table(terminal: Option<u16>) -> Table {
        Table::new(&["ID", "NAME", "EXPIRES"], 1, terminal)
    }

    #[test]
    fn rows_fit_the_terminal() {
        let rows = [
            row("0123456789", "a long name of it", "in 2 days"),
            row("0", "b", "-"),
        ];
        let cases = [
            (
                None,
                "ID          NAME               EXPIRES\n\
                 0123456789  a long name of it  in 2 days\n\
                 0           b                  -\n",
            ),
            (
                Some(34),
                "ID          NAME         EXPIRES\n\
                 0123456789  a long nam…  in 2 days\n\
                 0           b            -\n",
            ),
            (
                Some(18),
                "0123456789\n  NAME     a long\n           name of\n           it\n  EXPIRES  in 2\n           days\n\
                 0\n  NAME     b\n  EXPIRES  -\n",
            ),
        ];
        for (terminal, want) in cases {
            let text = plain(&table(terminal).write(&rows));
            assert_eq!(text, want, "{terminal:?}");
        }
    }

    #[test]
    fn later_rows_may_be_wider_and_are_not_cut() {
        let mut table = table(Some(40));
        let text = table.write(&[row("1", "a", "soon")])
            + &table.write(&[row("123456", "a long one", "expired 3 days ago")])
            + &table.write(&[row("1", "a", "soon")]);
        assert_eq!(
            plain(&text),
            "ID  NAME  EXPIRES\n\
             1   a     soon\n\
             123456  a long one  expired 3 days ago\n\
             1       a           soon\n"
        );
    }
}
