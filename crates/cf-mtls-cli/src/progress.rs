//! Progress on standard error, for terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;
use crate::safe_text::printable;

/// A bar, a spinner, or nothing at all.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Counts up to a number.
    pub(crate) fn of(output: Output, count: usize, verb: &str) -> Self {
        let bar = Self::bar(output);
        bar.set_length(count as u64);
        bar.set_message(verb.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos} of {len}, {eta} left")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows that something goes on.
    pub(crate) fn waiting(output: Output, what: &str) -> Self {
        let bar = Self::bar(output);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    fn bar(output: Output) -> ProgressBar {
        // Draws nothing where standard error is no terminal.
        let target = match output.quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        ProgressBar::with_draw_target(None, target)
    }

    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(printable(what));
    }

    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away while something else is written.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
