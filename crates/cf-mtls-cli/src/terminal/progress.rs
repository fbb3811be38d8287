//! Progress on standard error, if that is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle, WeakProgressBar};

use crate::terminal::text::printable;

/// The last one that was shown.
static CURRENT: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Whether there is a terminal to show progress on.
pub(crate) fn is_possible() -> bool {
    std::io::stderr().is_terminal()
}

/// Writes a remark from below the commands, whatever progress is shown.
pub(crate) fn remark(text: &str) {
    let write = || drop(writeln!(anstream::stderr(), "{text}"));
    let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match current.and_then(|bar| bar.upgrade()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// A bar, a spinner, or nothing.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts up to a number.
    pub(crate) fn bar(quiet: bool, count: usize, label: &str) -> Self {
        let bar = Self::labelled(quiet, "{msg} {wide_bar} {pos} of {len}, {eta} left", label);
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
        let place = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, place)
            .with_message(label.to_owned())
            .with_finish(ProgressFinish::AndClear);
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
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
