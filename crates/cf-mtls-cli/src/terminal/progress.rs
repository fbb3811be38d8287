//! Progress on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::text::printable;
use crate::terminal::width;

/// A bar, a spinner, or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Counts up to a number.
    pub(crate) fn bar(quiet: bool, count: usize, label: &str) -> Self {
        // The rest of the line takes up to forty columns.
        let columns = width::stderr().unwrap_or(80).saturating_sub(40);
        let template =
            format!("{{msg}} {{bar:{}}} {{pos}} of {{len}}, {{eta}} left", columns.clamp(4, 30));
        let bar = Self::labelled(quiet, &template, label);
        bar.set_length(count as u64);
        Self(bar)
    }

    /// Turns until it is finished.
    pub(crate) fn spinner(quiet: bool, label: &str) -> Self {
        let bar = Self::labelled(quiet, "{spinner} {wide_msg} {elapsed}", label);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// The label is set before the first frame is drawn.
    fn labelled(quiet: bool, template: &str, label: &str) -> ProgressBar {
        // Draws nothing if standard error is no terminal.
        let target = match quiet {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(None, target).with_message(label.to_owned());
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    pub(crate) fn set_label(&self, label: &str) {
        self.0.set_message(printable(label));
    }

    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }

    /// Hides it while something else is written.
    pub(crate) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
