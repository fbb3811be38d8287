//! The width of the terminal, and text that fits it.

use std::io::IsTerminal;

/// The columns of the terminal on standard output; `None` if there is none.
pub(crate) fn stdout() -> Option<usize> {
    columns(std::io::stdout())
}

/// The columns of the terminal on standard error; `None` if there is none.
pub(crate) fn stderr() -> Option<usize> {
    columns(std::io::stderr())
}

/// `None` also for a terminal that does not say: nothing is cut on a guess.
#[cfg(unix)]
fn columns(stream: impl IsTerminal + std::os::fd::AsFd) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    // Some terminals report columns and no rows.
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (0 < size.ws_col).then_some(size.ws_col.into())
}

#[cfg(not(unix))]
fn columns(stream: impl IsTerminal + std::os::windows::io::AsHandle) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(columns, _)| columns.0.into())
}

/// A text on lines that fit, each after the first below the text of the first.
pub(crate) fn wrap(first: &str, below: &str, text: &str, columns: Option<usize>) -> String {
    let options = textwrap::Options::new(columns.unwrap_or(usize::MAX))
        .initial_indent(first)
        .subsequent_indent(below);
    textwrap::fill(text, options) + "\n"
}
