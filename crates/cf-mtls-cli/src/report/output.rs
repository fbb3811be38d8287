//! Standard output, which carries data and nothing else.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::options::Format;
use crate::report::failure::Failure;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable_json;
use crate::view::table::{Line, Sheet};

/// Rows that are held back at most, to be written together.
const CHUNK: usize = 500;

/// Where results go, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
}

impl Output {
    /// A remark to a person.
    pub(crate) fn note(self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// What may be wrong, and does not stop anything.
    pub(crate) fn warn(self, text: impl std::fmt::Display) {
        let style = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
        self.tell(format_args!("{style}warning:{style:#} {text}"));
    }

    /// What a person has to know.
    pub(crate) fn tell(self, text: impl std::fmt::Display) {
        // Standard error that cannot be written leaves nobody to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    pub(crate) fn is_table(self) -> bool {
        self.format == Format::Table
    }

    /// One result.
    pub(crate) fn one<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => write(&table()),
            Format::Json => write(&(pretty(value)? + "\n")),
            Format::Ndjson => write(&(compact(value)? + "\n")),
        }
    }

    /// Many results, as they come.
    pub(crate) fn many(self, sheet: Sheet) -> Records {
        Records {
            format: self.format,
            sheet,
            lines: Vec::new(),
            text: String::new(),
            begun: false,
            carries_on: false,
            broken: None,
            progress: Progress::none(),
        }
    }
}

/// A list on its way out.
pub(crate) struct Records {
    format: Format,
    sheet: Sheet,
    lines: Vec<Line>,
    text: String,
    begun: bool,
    carries_on: bool,
    /// Why nothing more is written.
    broken: Option<Failure>,
    progress: Progress,
}

impl Records {
    /// Is no failure when it cannot be written: what is done is done all the
    /// same. [`finish`](Self::finish) tells, unless nobody reads any more.
    pub(crate) fn that_carries_on(mut self) -> Self {
        self.carries_on = true;
        self
    }

    /// Whether what is told gets lost, although somebody may want it.
    pub(crate) fn is_lost(&self) -> bool {
        let lost = |failure: &Failure| !failure.is_closed_pipe();
        self.broken.as_ref().is_some_and(lost)
    }

    /// Keeps out of the way of a progress bar.
    pub(crate) fn beside(mut self, progress: &Progress) -> Self {
        self.progress = progress.clone();
        self
    }

    /// Adds a result. It is written with the next [`flush`](Self::flush).
    pub(crate) fn push<T: Serialize>(
        &mut self,
        value: &T,
        line: impl FnOnce() -> Line,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.lines.push(line()),
            Format::Ndjson => {
                self.text.push_str(&compact(value)?);
                self.text.push('\n');
                self.begun = true;
            }
            Format::Json => {
                self.text
                    .push_str(if self.begun { ",\n  " } else { "[\n  " });
                // Strings hold no line ends in JSON, so this indents and no more.
                self.text.push_str(&pretty(value)?.replace('\n', "\n  "));
                self.begun = true;
            }
        }
        if CHUNK <= self.lines.len() || (1 << 16) <= self.text.len() {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is there.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if !self.lines.is_empty() {
            self.text.push_str(&self.sheet.write(&self.lines));
            self.lines.clear();
            self.begun = true;
        }
        if self.broken.is_some() || self.text.is_empty() {
            self.text.clear();
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        match self.progress.suspend(|| write(&text)) {
            Err(failure) if self.carries_on => {
                self.broken = Some(failure);
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Ends the list. A list that is not ended is no JSON, so that nobody takes
    /// it for whole.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        if self.format == Format::Json {
            self.text
                .push_str(if self.begun { "\n]\n" } else { "[]\n" });
        }
        self.flush()?;
        self.outcome()
    }

    /// Whether all could be written, as far as somebody still reads.
    pub(crate) fn outcome(&mut self) -> Result<(), Failure> {
        match self.broken.take() {
            Some(failure) if !failure.is_closed_pipe() => Err(failure),
            _ => Ok(()),
        }
    }
}

fn pretty<T: Serialize>(value: &T) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(unwritable)?;
    Ok(printable_json(&json))
}

fn compact<T: Serialize>(value: &T) -> Result<String, Failure> {
    let json = serde_json::to_string(value).map_err(unwritable)?;
    Ok(printable_json(&json))
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::output(&io::Error::other(error))
}

/// Writes text, whose styles end at a pipe.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| Failure::output(&error))
}
