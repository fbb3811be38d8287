//! Standard output, which carries data and nothing else, and remarks on standard
//! error.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstyle::AnsiColor;
use serde::Serialize;
use serde_json::json;

use crate::options::Format;
use crate::report::failure::Failure;
use crate::terminal::text::{printable, printable_json};
use crate::view::table::{Row, Table};

/// The format of results, and whether remarks are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
}

impl Output {
    /// Writes a remark for people: not with `--quiet`, nor beside JSON, where
    /// standard error holds only the error.
    pub(crate) fn note(self, text: impl Display) {
        if self.is_table() && !self.quiet {
            self.show(text);
        }
    }

    /// Writes a warning for people, and keeps it for `warnings` of the JSON.
    pub(crate) fn warn(self, text: impl Display) {
        let (text, style) = (printable(&text.to_string()), AnsiColor::Yellow.on_default());
        self.note(format_args!("{style}warning:{style:#} {text}"));
        warnings().push(text);
    }

    /// Writes to standard error in any case.
    pub(crate) fn show(self, text: impl Display) {
        // There is no other place to report a failure.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    pub(crate) fn is_table(self) -> bool {
        self.format == Format::Table
    }

    pub(crate) fn write_value<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let is_pretty = match self.format {
            Format::Table => return write(&table()),
            format => format == Format::Json,
        };
        let warnings = std::mem::take(&mut *warnings());
        let text = match warnings.is_empty() {
            true => to_json(value, is_pretty)?,
            false => {
                let mut body = json!(value);
                body["warnings"] = json!(warnings);
                to_json(&body, is_pretty)?
            }
        };
        write(&(text + "\n"))
    }

    /// Begins a list of results, which are written as they arrive.
    pub(crate) fn list(self, table: Table) -> ListWriter {
        let format = self.format;
        ListWriter { format, table, rows: Vec::new(), text: String::new(), begun: false }
    }
}

pub(crate) struct ListWriter {
    format: Format,
    table: Table,
    rows: Vec<Row>,
    text: String,
    begun: bool,
}

impl ListWriter {
    /// Adds a result, which is written with the next [`flush`](Self::flush).
    pub(crate) fn push<T: Serialize>(
        &mut self,
        value: &T,
        row: impl FnOnce() -> Row,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.rows.push(row()),
            Format::Ndjson => self.text.push_str(&(to_json(value, false)? + "\n")),
            Format::Json => {
                let separator = if self.begun { ",\n  " } else { "[\n  " };
                self.text.push_str(separator);
                // JSON strings hold no line breaks, so this only indents.
                self.text.push_str(&to_json(value, true)?.replace('\n', "\n  "));
                self.begun = true;
            }
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if !self.rows.is_empty() {
            self.text.push_str(&self.table.write(&self.rows));
            self.rows.clear();
        }
        match std::mem::take(&mut self.text) {
            text if text.is_empty() => Ok(()),
            text => write(&text),
        }
    }

    /// Ends the list. One that is not ended is no valid JSON, so that it cannot be
    /// mistaken for a complete one.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        if self.format == Format::Json {
            let end = if self.begun { "\n]\n" } else { "[]\n" };
            self.text.push_str(end);
        }
        self.flush()
    }
}

/// The warnings that are not in any JSON yet.
fn warnings() -> MutexGuard<'static, Vec<String>> {
    static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());
    WARNINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn to_json<T: Serialize>(value: &T, is_pretty: bool) -> Result<String, Failure> {
    let json = match is_pretty {
        true => serde_json::to_string_pretty(value),
        false => serde_json::to_string(value),
    };
    let json = json.map_err(|error| Failure::output(&error.into()))?;
    Ok(printable_json(&json))
}

/// Writes text to standard output; a pipe gets it without styles.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::output(&error))
}
