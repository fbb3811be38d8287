//! Tables that can be written before all of their rows are known.

use anstyle::Style;
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Row, Table, Width, presets,
};

/// Narrower than this no column is cut.
const NARROWEST: u16 = 6;
const GAP: u16 = 2;
/// What belongs to a row and stands below it.
pub(crate) const INDENT: &str = "  ";
/// How much wider than the first rows the later ones may be.
const GROWTH: u16 = 24;

/// A row. The last cell may have a style of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) cells: Vec<String>,
    pub(crate) style: Style,
}

/// The columns of a table. The first one is never cut: ids are copied.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    headers: &'static [&'static str],
    /// The column that gives way where a terminal is too narrow.
    elastic: usize,
    /// The columns of the terminal; `None` where nothing has to be cut.
    room: Option<u16>,
    /// As wide as the columns have been so far.
    widths: Vec<u16>,
    begun: bool,
    grows: bool,
}

/// A part of a table. Each text ends its last line.
pub(crate) struct Parts {
    /// The headers, before the first rows.
    pub(crate) head: String,
    pub(crate) rows: Vec<String>,
}

/// How rows are laid out in the room that there is.
enum Layout {
    /// A line each.
    Rows(Vec<u16>),
    /// The first cell, and the others in a line below it.
    Folded(Vec<u16>),
    /// The first cell, and each of the others in a line below it.
    Stacked,
}

impl Sheet {
    pub(crate) fn new(headers: &'static [&'static str], elastic: usize, room: Option<u16>) -> Self {
        Self {
            headers,
            elastic,
            room,
            widths: Vec::new(),
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
        self.measure(lines);
        self
    }

    /// Writes rows. The first call writes the headers; so a list can be shown
    /// while it is read.
    pub(crate) fn write(&mut self, lines: &[Line]) -> String {
        let parts = self.parts(lines);
        parts.head + &parts.rows.concat()
    }

    /// Like [`write`](Self::write), for who has more to say of each row.
    pub(crate) fn parts(&mut self, lines: &[Line]) -> Parts {
        self.measure(lines.iter().map(|line| line.cells.clone()));
        let layout = self.layout();
        let mut parts = match layout {
            Layout::Rows(widths) => self.rows(&widths, lines),
            Layout::Folded(widths) => self.folded(&widths, lines),
            Layout::Stacked => self.stacked(lines),
        };
        if self.begun {
            parts.head.clear();
        }
        self.begun = true;
        parts
    }

    /// Columns become wider by what comes later, and never narrower.
    fn measure(&mut self, lines: impl IntoIterator<Item = Vec<String>>) {
        let mut table = Table::new();
        table.add_row(self.headers.to_vec());
        for cells in lines {
            table.add_row(cells);
        }
        let widths = table.column_max_content_widths();
        self.widths.resize(widths.len(), 0);
        for (width, now) in self.widths.iter_mut().zip(widths) {
            *width = now.max(*width);
        }
    }

    fn layout(&mut self) -> Layout {
        let Some(room) = self.room else {
            return Layout::Rows(self.widths.clone());
        };
        let grows = self.grows && !self.begun;
        let indent = u16::try_from(INDENT.len()).unwrap_or(0);
        let rest = self.widths.get(1..).unwrap_or_default();
        if let Some(widths) = fit(&self.widths, self.elastic, room, grows) {
            if let (true, Some(width)) = (grows, widths.get(self.elastic)) {
                self.widths[self.elastic] = *width;
            }
            Layout::Rows(widths)
        } else if let Some(elastic) = self.elastic.checked_sub(1)
            && let Some(widths) = fit(rest, elastic, room.saturating_sub(indent), grows)
        {
            if let (true, Some(width)) = (grows, widths.get(elastic)) {
                self.widths[self.elastic] = *width;
            }
            Layout::Folded(widths)
        } else {
            Layout::Stacked
        }
    }

    fn rows(&self, widths: &[u16], lines: &[Line]) -> Parts {
        let mut rows = self.grid(0, widths, lines).into_iter();
        Parts {
            head: bold(&rows.next().unwrap_or_default()) + "\n",
            rows: rows
                .zip(lines)
                .map(|(row, line)| styled(&row, line) + "\n")
                .collect(),
        }
    }

    fn folded(&self, widths: &[u16], lines: &[Line]) -> Parts {
        let mut rows = self.grid(1, widths, lines).into_iter();
        let head = bold(&rows.next().unwrap_or_default());
        let first = bold(self.headers.first().copied().unwrap_or_default());
        Parts {
            head: format!("{first}\n{INDENT}{head}\n"),
            rows: rows
                .zip(lines)
                .map(|(row, line)| {
                    let first = line.cells.first().map_or("", String::as_str);
                    format!("{first}\n{INDENT}{}\n", styled(&row, line))
                })
                .collect(),
        }
    }

    fn stacked(&self, lines: &[Line]) -> Parts {
        let labels = self.headers.get(1..).unwrap_or_default();
        let widest = labels.iter().map(|label| label.len()).max().unwrap_or(0);
        let taken = INDENT.len() + widest + usize::from(GAP);
        let room = self.room.unwrap_or(u16::MAX);
        let left = room.saturating_sub(u16::try_from(taken).unwrap_or(u16::MAX));
        let row = |line: &Line| {
            let mut cells = line.cells.iter();
            let mut text = wrapped(cells.next().map_or("", String::as_str), room).join("\n") + "\n";
            for (index, (label, cell)) in labels.iter().zip(cells).enumerate() {
                let style = match index + 1 == labels.len() {
                    true => line.style,
                    false => Style::new(),
                };
                let mut label = bold(&format!("{label:widest$}"));
                for part in wrapped(cell, left.max(NARROWEST)) {
                    text.push_str(&format!("{INDENT}{label}  {style}{part}{style:#}\n"));
                    label = " ".repeat(widest);
                }
            }
            text
        };
        Parts {
            head: String::new(),
            rows: lines.iter().map(row).collect(),
        }
    }

    /// The headers and rows from a column on, a line each.
    fn grid(&self, from: usize, widths: &[u16], lines: &[Line]) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_truncation_indicator("…");
        table.add_row(self.headers.get(from..).unwrap_or_default().to_vec());
        for line in lines {
            let mut row = Row::from(line.cells.get(from..).unwrap_or_default().to_vec());
            if self.room.is_some() {
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
            column.set_constraint(match self.room {
                Some(_) => ColumnConstraint::Absolute(width),
                // A pipe gets everything; a longer value pushes its row out.
                None => ColumnConstraint::LowerBoundary(width),
            });
        }
        table.lines().map(|row| row.trim_end().to_owned()).collect()
    }
}

/// As wide as the content is, and no wider than the room; `None` where that
/// cannot be.
fn fit(widths: &[u16], elastic: usize, room: u16, grows: bool) -> Option<Vec<u16>> {
    let mut widths = widths.to_vec();
    let gaps = u16::try_from(widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let sum = |widths: &[u16]| {
        let gaps = gaps.saturating_mul(GAP);
        widths
            .iter()
            .fold(gaps, |sum, width| sum.saturating_add(*width))
    };
    let over = sum(&widths).saturating_sub(room);
    let spare = room.saturating_sub(sum(&widths));
    let width = widths.get_mut(elastic)?;
    *width = width.saturating_sub(over).max(NARROWEST.min(*width));
    if grows {
        *width = width.saturating_add(spare.min(GROWTH));
    }
    (sum(&widths) <= room).then_some(widths)
}

/// The lines of a text in a column, broken where words end if they do.
pub(crate) fn wrapped(text: &str, width: u16) -> Vec<String> {
    let mut table = Table::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, name: &str, expires: &str) -> Line {
        Line {
            cells: [id, name, expires].map(str::to_owned).to_vec(),
            ..Line::default()
        }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn sheet(room: Option<u16>) -> Sheet {
        Sheet::new(&["ID", "NAME", "EXPIRES"], 1, room)
    }

    #[test]
    fn rows_are_laid_out_in_the_room_that_there_is() {
        let lines = [
            line("0123456789", "a long name of it", "in 2 days"),
            line("0", "b", "-"),
        ];
        let table = [
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
                Some(28),
                "ID\n  NAME             EXPIRES\n\
                 0123456789\n  a long name of…  in 2 days\n\
                 0\n  b                -\n",
            ),
            (
                Some(18),
                "0123456789\n  NAME     a long\n           name of\n           it\n  EXPIRES  in 2\n           days\n\
                 0\n  NAME     b\n  EXPIRES  -\n",
            ),
        ];
        for (room, want) in table {
            let text = plain(&sheet(room).write(&lines));
            assert_eq!(text, want, "{room:?}");
        }
    }

    #[test]
    fn later_rows_may_be_wider_and_are_not_cut_for_it() {
        let mut sheet = sheet(Some(40)).that_grows();
        let text = sheet.write(&[line("1", "a", "soon")])
            + &sheet.write(&[line("123456", "a longer one", "expired 399 days ago")])
            + &sheet.write(&[line("1", "a", "soon")]);
        assert_eq!(
            plain(&text),
            "ID  NAME                         EXPIRES\n\
             1   a                            soon\n\
             123456  a longer…   expired 399 days ago\n\
             1       a           soon\n"
        );
    }
}
