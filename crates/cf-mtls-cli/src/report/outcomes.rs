//! The table of outcomes that `delete` and `prune` write, also in a dry run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use cf_mtls::ErrorKind;
use cf_mtls::text::list;
use cf_mtls_lifecycle::Blocker;
use serde::Serialize;
use serde_json::{Value, json};

use crate::report::exit::{Exit, Kind};
use crate::report::failure::Failure;
use crate::report::output::{ListWriter, Output};
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Target};
use crate::view::table::{Row, Table};
use crate::view::{times, uses};

const COLUMNS: &[&str] = &["ID", "NAME", "OUTCOME"];
/// Columns are at least as wide as this outcome.
const WIDE_OUTCOME: &str = "failed (permission)";

/// How the deletion of a certificate ended, or would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Deleted,
    /// It did not exist, which is success with `--if-exists`.
    Absent,
    Failed,
    /// It may have been deleted.
    Unknown,
    /// Not begun, because of an interruption.
    NotBegun,
    WouldDelete,
    WouldBeRefused,
}

impl Outcome {
    fn label(self) -> String {
        json!(self).as_str().unwrap_or_default().replace('_', " ")
    }
}

/// Writes each outcome as it becomes known, and sums them up.
pub(crate) struct OutcomeTable {
    output: Output,
    dry_run: bool,
    /// The failure of a single deletion is the error of the command.
    is_single: bool,
    progress: Progress,
    writer: ListWriter,
    /// The first failure to write, after which nothing more is written.
    written: Result<(), Failure>,
    /// Outcomes can no longer be written, so no more deletions should begin.
    pub(crate) is_lost: Arc<AtomicBool>,
    outcomes: Vec<Outcome>,
    exits: Vec<Exit>,
    last: Option<Failure>,
}

impl OutcomeTable {
    /// `count` is the number of all outcomes, and `targets` are those to delete.
    pub(crate) fn new(
        output: Output,
        dry_run: bool,
        count: usize,
        targets: &[Target],
        progress: &Progress,
    ) -> Self {
        let rows = targets.iter().map(|target| {
            let name = preview::text(target.name());
            let cells = vec![target.id.to_string(), name, WIDE_OUTCOME.to_owned()];
            Row::new(cells, Style::new())
        });
        let mut table = Table::new(COLUMNS, preview::NAME, width::stdout());
        table.measure(&rows.collect::<Vec<_>>());
        Self {
            output,
            dry_run,
            is_single: count == 1,
            progress: progress.clone(),
            writer: output.list(table),
            written: Ok(()),
            is_lost: Arc::default(),
            outcomes: Vec::new(),
            exits: Vec::new(),
            last: None,
        }
    }

    pub(crate) fn add(&mut self, target: &Target, result: Result<Outcome, Failure>) {
        let (outcome, failure) = match result {
            Ok(outcome) => (outcome, None),
            Err(failure) => match failure.exit() {
                Exit::Unknown => (Outcome::Unknown, Some(failure)),
                Exit::InUse | Exit::Invalid if self.dry_run => {
                    (Outcome::WouldBeRefused, Some(failure))
                }
                _ => (Outcome::Failed, Some(failure)),
            },
        };
        self.outcomes.push(outcome);
        if outcome != Outcome::NotBegun {
            let exit = failure.as_ref().map_or(Exit::Success, Failure::exit);
            self.exits.push(exit);
        }
        // What a dry run expects is no error yet.
        let error = failure.as_ref();
        let error = error.filter(|_| outcome != Outcome::WouldBeRefused);
        // Its fields are documented: some may be added, none is removed.
        let mut entry = json!({
            "id": target.id, "name": target.name(), "outcome": outcome, "error": error,
        });
        if self.dry_run {
            let fields = [
                ("certificate", json!(target.certificate)),
                ("used_by", json!(target.uses.as_ref().map(uses::to_json))),
                ("reasons", json!(target.reasons)),
            ];
            for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_null()) {
                entry[field] = value;
            }
        }
        let row = || {
            let kind = error.map_or(String::new(), |error| format!(" ({})", error.kind().name()));
            let style = error.map_or(Style::new(), |_| AnsiColor::Red.on_default());
            let outcome = outcome.label() + &kind;
            Row::new(vec![target.id.to_string(), preview::text(target.name()), outcome], style)
        };
        let is_table = self.output.is_table();
        if !(self.is_single && error.is_some() && is_table) {
            self.write(&entry, row);
        }
        if let (Some(error), false, true) = (error, self.is_single, is_table) {
            let (outcome, message) = (outcome.label(), printable(error.message()));
            let hint = error.hint().map_or(String::new(), |hint| format!("; {hint}"));
            self.progress.suspend(|| self.output.show(format_args!("{outcome}: {message}{hint}")));
        }
        self.last = failure.or(self.last.take());
    }

    /// Adds a name that no certificate has.
    pub(crate) fn add_absent(&mut self, name: &str) {
        let outcome = Outcome::Absent;
        self.outcomes.push(outcome);
        self.exits.push(Exit::Success);
        let entry = json!({ "id": null, "name": name, "outcome": outcome, "error": null });
        let cells = vec!["-".to_owned(), printable(name), outcome.label()];
        self.write(&entry, || Row::new(cells, Style::new()));
    }

    /// Writes an outcome, unless an earlier one could not be written.
    fn write(&mut self, entry: &Value, row: impl FnOnce() -> Row) {
        if self.written.is_ok() {
            let writer = &mut self.writer;
            let write = || writer.push(entry, row).and_then(|()| writer.flush());
            self.written = self.progress.suspend(write);
            // A closed pipe loses nothing: its reader has seen enough.
            let is_lost = self.written.as_ref().is_err_and(|failure| !failure.is_closed_pipe());
            self.is_lost.store(is_lost, Ordering::SeqCst);
        }
    }

    /// Ends the table. The error sums up what was not deleted.
    pub(crate) fn finish(mut self, is_interrupted: bool) -> Result<(), Failure> {
        let count = |outcome| self.outcomes.iter().filter(|one| **one == outcome).count();
        let [deleted, not_begun, expected] =
            [Outcome::Deleted, Outcome::NotBegun, Outcome::WouldDelete].map(count);
        let written = match self.written.and_then(|()| self.writer.finish()) {
            Err(failure) if failure.is_closed_pipe() => Ok(()),
            written => written,
        };
        let total = times::counted(self.outcomes.len() as u64, "certificate");
        let failed = self.exits.iter().filter(|exit| **exit != Exit::Success);
        let failed = failed.count();
        if self.dry_run {
            written?;
            if !self.outcomes.is_empty() {
                self.output.note(format!("dry run: {expected} of {total} would be deleted"));
            }
        } else {
            let summary =
                format!("deleted {deleted} of {total}; {failed} failed, {not_begun} not begun");
            match written {
                // The failure of a single deletion matters more.
                Err(failure) if self.last.is_none() || !self.is_single => {
                    return Err(failure.with_done(summary));
                }
                _ if 0 < not_begun => {
                    // Without an interruption, the failures stopped it.
                    return Err(match self.last.filter(|_| !is_interrupted) {
                        Some(last) => {
                            let message = format!("stopped: {summary}; {}", last.message());
                            Failure::new(last.kind(), message)
                        }
                        None => Failure::new(Kind::Interrupted, format!("interrupted: {summary}")),
                    });
                }
                _ => {}
            }
        }
        let Some(last) = self.last else { return Ok(()) };
        if self.is_single {
            return Err(last);
        }
        let how = if self.dry_run { "would not be deleted" } else { "not deleted" };
        let message = format!("{failed} of {total} {how}; see the outcomes");
        Err(match self.exits.iter().all(|exit| *exit == last.exit()) {
            true => Failure::new(last.kind(), message).with_exit(last.exit()),
            false => Failure::new(Kind::SomeFailed, message),
        })
    }
}

/// The result that is expected of a deletion.
pub(crate) fn expected(target: &Target) -> Result<Outcome, Failure> {
    const MAX_USES: usize = 3;

    if let Some(error) = &target.error {
        return Err(error.clone().into());
    }
    let (id, certificate) = (&target.id, target.certificate.as_ref());
    if let Some(why) = certificate.and_then(Blocker::managed).filter(|_| target.is_managed()) {
        let message =
            format!("certificate {id} cannot be deleted here: {why}; nothing was changed");
        return Err(Failure::invalid_input(message).about(id));
    }
    let Some(usage) = target.uses.as_ref().filter(|_| target.is_in_use()) else {
        return Ok(Outcome::WouldDelete);
    };
    let by = list(&uses::lines(usage), MAX_USES, "; ");
    let message = format!(
        "certificate {id} is in use by {by}: the service would refuse to delete it; nothing was \
         changed"
    );
    Err(Failure::new(ErrorKind::InUse, message).with_uses(id, Some(usage)))
}
