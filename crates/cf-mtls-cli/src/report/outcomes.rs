//! The table of outcomes that `delete` and `prune` write, also in a dry run.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use cf_mtls::{Certificate, CertificateId, ErrorKind};
use cf_mtls_lifecycle::Reason;
use jiff::Timestamp;
use serde::Serialize;

use crate::report::exit::{Exit, Kind};
use crate::report::failure::Failure;
use crate::report::output::{ListWriter, Output};
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Target, Uses};
use crate::view::table::{Row, Table};
use crate::view::times;

const COLUMNS: &[&str] = &["ID", "NAME", "OUTCOME"];
const DETAILED_COLUMNS: &[&str] = &["ID", "NAME", "KIND", "OUTCOME", "WHY", "EXPIRES"];
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
    fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Absent => "absent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotBegun => "not begun",
            Self::WouldDelete => "would delete",
            Self::WouldBeRefused => "would be refused",
        }
    }
}

/// An outcome in JSON. Its fields are documented: some may be added, none is
/// removed or changes its meaning.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a CertificateId,
    name: Option<&'a str>,
    outcome: Outcome,
    error: Option<&'a Failure>,
    /// These are for dry runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'a Certificate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<&'a Uses>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<&'a [Reason]>,
}

/// What an outcome table is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    /// One certificate, whose failure is the error of the command.
    pub(crate) is_single: bool,
    pub(crate) dry_run: bool,
    /// Shows what the preview would show.
    pub(crate) is_detailed: bool,
}

/// Writes each outcome as it becomes known, and sums them up.
pub(crate) struct OutcomeTable {
    output: Output,
    progress: Progress,
    purpose: Purpose,
    writer: ListWriter,
    /// Outcomes can no longer be written, so no more deletions should begin.
    is_lost: Arc<AtomicBool>,
    exits: Vec<Exit>,
    deleted: usize,
    not_begun: usize,
    in_use: usize,
    last: Option<Failure>,
}

impl OutcomeTable {
    pub(crate) fn new(
        output: Output,
        progress: &Progress,
        purpose: Purpose,
        targets: &[Target],
    ) -> Self {
        let table = if purpose.is_detailed {
            Table::new(DETAILED_COLUMNS, preview::NAME, width::stdout())
        } else {
            let rows = targets.iter().map(|target| {
                let name = preview::text(target.name());
                vec![target.id.to_string(), name, WIDE_OUTCOME.to_owned()]
            });
            Table::new(COLUMNS, preview::NAME, width::stdout()).sized_for(rows)
        };
        let mut writer = output.list(table).with_progress(progress);
        if !purpose.dry_run {
            writer = writer.ignoring_write_errors();
        }
        Self {
            output,
            progress: progress.clone(),
            purpose,
            writer,
            is_lost: Arc::default(),
            exits: Vec::new(),
            deleted: 0,
            not_begun: 0,
            in_use: 0,
            last: None,
        }
    }

    /// Becomes true when outcomes can no longer be written.
    pub(crate) fn is_lost(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_lost)
    }

    /// Adds the outcome of a deletion.
    pub(crate) fn add(
        &mut self,
        id: &CertificateId,
        name: Option<&str>,
        result: Result<Outcome, Failure>,
    ) -> Result<(), Failure> {
        let (outcome, failure) = match result {
            Ok(outcome) => (outcome, None),
            Err(failure) if failure.exit() == Exit::Unknown => (Outcome::Unknown, Some(failure)),
            Err(failure) => (Outcome::Failed, Some(failure)),
        };
        match (outcome, &failure) {
            (Outcome::NotBegun, _) => self.not_begun += 1,
            (_, Some(failure)) => self.exits.push(failure.exit()),
            (_, None) => self.exits.push(Exit::Success),
        }
        self.deleted += usize::from(outcome == Outcome::Deleted);
        let is_error_of_command = self.purpose.is_single && failure.is_some();
        if !(is_error_of_command && self.output.is_table()) {
            self.write(&Entry {
                id,
                name,
                outcome,
                error: failure.as_ref(),
                certificate: None,
                used_by: None,
                reasons: None,
            })?;
            self.writer.flush()?;
            self.is_lost
                .store(self.writer.has_failed(), Ordering::SeqCst);
        }
        if let Some(failure) = failure {
            if !self.purpose.is_single && self.output.is_table() {
                let (outcome, message) = (outcome.as_str(), printable(failure.message()));
                self.progress.suspend(|| {
                    let _ = writeln!(anstream::stderr().lock(), "{outcome}: {message}");
                });
            }
            self.last = Some(failure);
        }
        Ok(())
    }

    /// Adds what a dry run expects.
    pub(crate) fn add_expected(&mut self, target: &Target) -> Result<(), Failure> {
        let uses = target.uses.as_ref().filter(|uses| !uses.is_empty());
        let outcome = match uses {
            None => {
                self.exits.push(Exit::Success);
                Outcome::WouldDelete
            }
            Some(uses) => {
                self.exits.push(Exit::InUse);
                self.in_use += 1;
                self.last = Some(refusal(&target.id, uses));
                Outcome::WouldBeRefused
            }
        };
        self.write(&Entry {
            id: &target.id,
            name: target.name(),
            outcome,
            error: None,
            certificate: target.certificate.as_ref(),
            used_by: target.uses.as_ref(),
            reasons: target.reasons.as_deref(),
        })
    }

    fn write(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        let is_detailed = self.purpose.is_detailed;
        self.writer.push(entry, || row(entry, is_detailed))
    }

    /// Ends the table. The error sums up what was not deleted.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let written = self.writer.finish();
        let total = self.exits.len() + self.not_begun;
        let failed = self.exits.iter().filter(|exit| **exit != Exit::Success);
        let failed = failed.count();
        if self.purpose.dry_run {
            written?;
            if self.output.is_table() {
                self.note_expected(total - failed, failed);
            }
        } else {
            let summary = format!(
                "deleted {} of {}; {failed} failed, {} not begun",
                self.deleted,
                times::counted(total as u64, "certificate"),
                self.not_begun
            );
            match written {
                // The failure of a single deletion matters more.
                Err(failure) if self.last.is_none() || !self.purpose.is_single => {
                    return Err(failure.with_done(summary));
                }
                _ if 0 < self.not_begun => {
                    let message = format!("interrupted: {summary}");
                    return Err(Failure::new(Kind::Interrupted, message));
                }
                _ => {}
            }
        }
        let Some(last) = self.last else { return Ok(()) };
        if self.purpose.is_single {
            let hint = last.certificate_id().map(release_hint);
            return Err(match hint.filter(|_| last.exit() == Exit::InUse) {
                Some(hint) => last.with_hint(hint),
                None => last,
            });
        }
        let verb = match (self.purpose.dry_run, failed) {
            (true, _) => "would not be",
            (false, 1) => "was not",
            (false, _) => "were not",
        };
        let message = format!("{failed} of {total} certificates {verb} deleted; see above");
        let exit = Exit::of_many(self.exits);
        let kind = match exit {
            Exit::SomeFailed => Kind::SomeFailed,
            _ => last.kind(),
        };
        Err(Failure::new(kind, message).with_exit(exit))
    }

    fn note_expected(&self, deleted: usize, failed: usize) {
        let deleted = times::counted(deleted as u64, "certificate");
        let mut note = format!("dry run: {deleted} would be deleted");
        if 0 < self.in_use {
            let verb = if self.in_use == 1 { "is" } else { "are" };
            note.push_str(&format!(", {} {verb} in use", self.in_use));
        }
        let unreadable = failed - self.in_use;
        if 0 < unreadable {
            note.push_str(&format!(", {unreadable} could not be read"));
        }
        self.output.note(note);
    }
}

fn row(entry: &Entry<'_>, is_detailed: bool) -> Row {
    let (id, name) = (entry.id.to_string(), preview::text(entry.name));
    let mut outcome = entry.outcome.as_str().to_owned();
    if let Some(failure) = entry.error {
        outcome.push_str(&format!(" ({})", failure.kind().as_str()));
    }
    if !is_detailed {
        let style = match entry.error {
            Some(_) => AnsiColor::Red.on_default(),
            None => Style::new(),
        };
        let cells = vec![id, name, outcome];
        return Row { cells, style };
    }
    let now = Timestamp::now();
    let (expires, style) = entry
        .certificate
        .map_or(("-".to_owned(), Style::new()), |certificate| {
            preview::expiry(certificate, now)
        });
    let kind = entry.certificate.map_or("-", preview::kind).to_owned();
    let why: Vec<&str> = entry.reasons.unwrap_or_default().iter().map(word).collect();
    let why = preview::text(Some(&why.join(", ")));
    Row {
        cells: vec![id, name, kind, outcome, why, expires],
        style,
    }
}

/// A criterion as one word; the other columns say the rest.
fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Expired { .. } => "expired",
        Reason::ExpiresBefore { .. } => "expires",
        Reason::UploadedBefore { .. } => "old",
        Reason::NamePrefix { .. } => "name",
        Reason::Unused => "unused",
        _ => "other",
    }
}

/// The failure that the service is expected to return.
fn refusal(id: &CertificateId, uses: &Uses) -> Failure {
    const MAX_USES: usize = 3;
    let lines = uses.lines();
    let mut by = lines.get(..MAX_USES).unwrap_or(&lines).join("; ");
    if let Some(more @ 1..) = lines.len().checked_sub(MAX_USES) {
        by.push_str(&format!("; and {more} more"));
    }
    let message = format!(
        "certificate {id} is in use by {by}: the service would refuse to delete it; nothing was \
         changed"
    );
    Failure::new(ErrorKind::InUse, message)
        .about(id)
        .with_associations(&uses.services)
}

fn release_hint(id: &CertificateId) -> String {
    format!("to detach its hostnames and delete it, run `cf-mtls release {id}`")
}
