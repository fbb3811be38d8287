//! Tables that can be written before all of their rows are known.

use anstyle::Style;
use textwrap::core::display_width;

/// No column is cut to less than this.
const MIN_COLUMN_WIDTH: usize = 6;
const GAP: usize = 2;
/// Before the lines that belong to the row above.
const INDENT: &str = "  ";

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
    terminal: Option<usize>,
    /// The widest cell of each column so far.
    widths: Vec<usize>,
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
        terminal: Option<usize>,
    ) -> Self {
        Self {
            headers,
            elastic,
            terminal,
            widths: headers.iter().map(|header| header.len()).collect(),
            begun: false,
        }
    }

    /// Makes the columns wide enough for rows that come later.
    pub(crate) fn sized_for(mut self, rows: &[Row]) -> Self {
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
        self.measure(rows);
        let is_first = !std::mem::replace(&mut self.begun, true);
        match self.fitting_widths() {
            Some(widths) => {
                let headers = self.headers.iter().map(ToString::to_string);
                let headers = self.line(&headers.collect::<Vec<_>>().into(), &widths);
                let bold = Style::new().bold();
                let header = format!("{bold}{}{bold:#}\n", headers.trim_end());
                Rendered {
                    header: if is_first { header } else { String::new() },
                    rows: rows.iter().map(|row| self.line(row, &widths)).collect(),
                }
            }
            None => Rendered {
                header: String::new(),
                rows: rows.iter().map(|row| self.record(row)).collect(),
            },
        }
    }

    fn measure(&mut self, rows: &[Row]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(&row.cells) {
                *width = display_width(cell).max(*width);
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
        let mut line = String::new();
        let mut cells = row.cells.iter().zip(widths).peekable();
        while let Some((cell, width)) = cells.next() {
            // A pipe gets all of a later value; it moves the rest of its row.
            let cell = match self.terminal {
                Some(_) => cut(cell, *width),
                None => cell.clone(),
            };
            if cells.peek().is_none() {
                let style = row.style;
                line.push_str(&format!("{style}{cell}{style:#}"));
            } else {
                let padding = width.saturating_sub(display_width(&cell)) + GAP;
                line.push_str(&format!("{cell}{:padding$}", ""));
            }
        }
        format!("{}\n", line.trim_end())
    }

    /// The first cell of a row, and below it a line for each of the others.
    fn record(&self, row: &Row) -> String {
        let labels = self.headers.iter().skip(1);
        let width = labels.map(|label| label.len()).max().unwrap_or(0);
        let below = " ".repeat(INDENT.len() + width + GAP);
        let mut text = format!("{}\n", row.cells.first().map_or("", String::as_str));
        for (label, cell) in self.headers.iter().zip(&row.cells).skip(1) {
            let label = format!("{INDENT}{label:width$}{:GAP$}", "");
            let options = textwrap::Options::new(self.terminal.unwrap_or(usize::MAX))
                .initial_indent(&label)
                .subsequent_indent(&below);
            text.push_str(&textwrap::fill(cell, options));
            text.push('\n');
        }
        text
    }
}

/// A text that is at most this wide.
fn cut(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        cut.push(c);
        if width <= display_width(&cut) {
            cut.pop();
            break;
        }
    }
    cut + "…"
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

    fn table(terminal: Option<usize>) -> Table {
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
