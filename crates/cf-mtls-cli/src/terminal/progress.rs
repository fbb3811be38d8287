//! Progress on standard error, for terminals only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::text::printable;
use crate::terminal::width;

/// A bar, a spinner, or nothing at all.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Counts up to a number.
    pub(crate) fn of(quiet: bool, count: usize, verb: &str) -> Self {
        // What stands beside it takes up to forty columns.
        let room = width::stderr().unwrap_or(80).saturating_sub(40);
        let template = format!(
            "{{msg}} {{bar:{}}} {{pos}} of {{len}}, {{eta}} left",
            room.clamp(4, 30)
        );
        let bar = Self::bar(quiet, &template, verb);
        bar.set_length(count as u64);
        Self(bar)
    }

    /// Shows that something goes on.
    pub(crate) fn waiting(quiet: bool, what: &str) -> Self {
        let bar = Self::bar(quiet, "{spinner} {wide_msg} {elapsed}", what);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Labelled before it is drawn for the first time.
    fn bar(quiet: bool, template: &str, what: &str) -> ProgressBar {
        // Draws nothing where standard error is no terminal.
        let target = match quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(None, target).with_message(what.to_owned());
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
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
