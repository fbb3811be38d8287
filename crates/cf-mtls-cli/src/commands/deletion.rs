//! Deletes certificates that are known, and tells what became of each.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cf_mtls::{CertificateId, Certificates, Error, ErrorKind};
use futures_util::stream::{self, StreamExt as _};

use crate::context::Context;
use crate::options::{Consent, Format};
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::json::{DeleteForm, Outcome};
use crate::report::output::{Output, Records};
use crate::terminal::confirm;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::terminal::width;
use crate::view::preview::{self, Doomed, Uses};
use crate::view::table::{Line, Sheet};
use crate::view::times;

/// Rows that a person still reads before a question.
pub(crate) const SHOWN: usize = 50;
/// The longest of the outcomes that are common.
const LONGEST_OUTCOME: &str = "failed (permission)";
const COLUMNS: &[&str] = &["ID", "NAME", "OUTCOME"];

pub(crate) struct Deletion<'a> {
    pub(crate) context: &'a Context,
    pub(crate) certificates: Certificates,
    pub(crate) if_exists: bool,
    pub(crate) consent: Consent,
}

impl Deletion<'_> {
    /// Shows it, asks, and does it. `missing` are those that were looked for in
    /// vain.
    pub(crate) async fn run(
        self,
        missing: Vec<(CertificateId, Error)>,
        doomed: Vec<Doomed>,
    ) -> Result<(), Failure> {
        let output = self.context.output;
        let single = missing.len() + doomed.len() == 1;
        if self.consent.dry_run {
            return self.rehearse(missing, &doomed, single);
        }
        if !doomed.is_empty() {
            if self.consent.shows_plan(output.quiet) {
                show(output, &doomed);
            }
            let question = match doomed.len() {
                1 => "Delete this certificate?".to_owned(),
                count => format!("Delete these {count} certificates?"),
            };
            confirm::ask(self.context, self.consent, &question).await?;
        }
        let progress = Progress::of(output.quiet, doomed.len(), "deleting");
        let mut tally = Tally::new(output, &progress, single, &doomed);
        for (id, error) in missing {
            tally.add(&id, None, self.judge(Err(error.into())))?;
        }
        let ids: Vec<CertificateId> = doomed.iter().map(|one| one.id.clone()).collect();
        let names: std::collections::HashMap<&CertificateId, Option<&str>> =
            doomed.iter().map(|one| (&one.id, name(one))).collect();
        let mut begun = std::collections::HashSet::new();
        let work = async {
            // A single one has its own deadline; many go on past it, so that
            // they can wait for the rate limit.
            if let [id] = ids.as_slice() {
                let result = self.certificates.delete(id).await.map(drop);
                begun.insert(id.clone());
                let outcome = self.judge(result.map_err(Failure::from));
                return tally.add(id, names.get(id).copied().flatten(), outcome);
            }
            let (interrupt, lost) = (self.context.interrupt.clone(), tally.lost.clone());
            let ids = stream::iter(ids.clone()).take_while(move |_| {
                let stops = interrupt.is_raised() || lost.load(Ordering::SeqCst);
                std::future::ready(!stops)
            });
            let mut outcomes = self.certificates.delete_many(ids);
            while let Some(outcome) = outcomes.next().await {
                progress.step();
                begun.insert(outcome.id.clone());
                let name = names.get(&outcome.id).copied().flatten();
                let judged = self.judge(outcome.result.map(drop).map_err(Failure::from));
                tally.add(&outcome.id, name, judged)?;
            }
            Ok(())
        };
        let client = self.certificates.client();
        let worked = self.context.interrupt.changing(client, work).await;
        progress.end();
        worked.transpose()?;
        for one in doomed.iter().filter(|one| !begun.contains(&one.id)) {
            tally.add(&one.id, name(one), Verdict::NotBegun)?;
        }
        tally.finish()
    }

    fn judge(&self, result: Result<(), Failure>) -> Verdict {
        match result {
            Ok(()) => Verdict::Deleted,
            Err(failure) if self.if_exists && failure.kind() == ErrorKind::NotFound.as_str() => {
                Verdict::Absent
            }
            Err(failure) => Verdict::Failed(failure),
        }
    }

    /// Tells what would be done, and ends as that would be expected to end.
    fn rehearse(
        &self,
        missing: Vec<(CertificateId, Error)>,
        doomed: &[Doomed],
        single: bool,
    ) -> Result<(), Failure> {
        let output = self.context.output;
        let mut tally = Tally::new(output, &Progress::none(), single, doomed);
        tally.rehearsal = true;
        for (id, error) in missing {
            tally.add(&id, None, self.judge(Err(error.into())))?;
        }
        for one in doomed {
            tally.rehearse(one)?;
        }
        if self.consent.shows_plan(output.quiet) {
            show(output, doomed);
        }
        tally.finish()
    }
}

fn name(one: &Doomed) -> Option<&str> {
    one.name.as_deref()
}

/// What will be deleted, for a person to read.
fn show(output: Output, doomed: &[Doomed]) {
    if doomed.is_empty() {
        return;
    }
    let shown = doomed.get(..SHOWN).unwrap_or(doomed);
    let mut text = preview::doomed(shown, width::stderr());
    if shown.len() < doomed.len() {
        text.push_str(&format!("and {} more\n", doomed.len() - shown.len()));
    }
    if doomed.iter().all(|one| one.uses.is_none()) {
        text.push_str(
            "With this many, usage is not looked up; the service refuses to delete those in use.\n",
        );
    }
    output.tell(text.trim_end());
}

/// How it ended for one.
enum Verdict {
    Deleted,
    Absent,
    NotBegun,
    Failed(Failure),
}

/// Tells each outcome as it comes, and sums them up.
struct Tally {
    output: Output,
    progress: Progress,
    records: Records,
    /// Outcomes cannot be told any more, so no more are begun.
    lost: Arc<AtomicBool>,
    single: bool,
    rehearsal: bool,
    exits: Vec<Exit>,
    not_begun: usize,
    last: Option<Failure>,
}

impl Tally {
    fn new(output: Output, progress: &Progress, single: bool, doomed: &[Doomed]) -> Self {
        let expected = doomed.iter().map(|one| {
            let name = name(one).map_or_else(|| "-".to_owned(), printable);
            vec![one.id.to_string(), name, LONGEST_OUTCOME.to_owned()]
        });
        let sheet = Sheet::new(COLUMNS, preview::NAME, width::stdout()).expecting(expected);
        Self {
            output,
            progress: progress.clone(),
            records: output.many(sheet).beside(progress).that_carries_on(),
            lost: Arc::default(),
            single,
            rehearsal: false,
            exits: Vec::new(),
            not_begun: 0,
            last: None,
        }
    }

    fn add(
        &mut self,
        id: &CertificateId,
        name: Option<&str>,
        verdict: Verdict,
    ) -> Result<(), Failure> {
        let (outcome, exit, failure) = match verdict {
            Verdict::Deleted => (Outcome::Deleted, Exit::Success, None),
            Verdict::Absent => (Outcome::Absent, Exit::Success, None),
            Verdict::NotBegun => (Outcome::NotBegun, Exit::Interrupted, None),
            Verdict::Failed(failure) if failure.exit() == Exit::Unknown => {
                (Outcome::Unknown, failure.exit(), Some(failure))
            }
            Verdict::Failed(failure) => (Outcome::Failed, failure.exit(), Some(failure)),
        };
        if outcome == Outcome::NotBegun {
            self.not_begun += 1;
        } else {
            self.exits.push(exit);
        }
        let form = DeleteForm {
            id,
            name,
            outcome,
            error: failure.as_ref(),
            certificate: None,
            used_by: None,
            reasons: None,
        };
        // A single failure is told as the error of the command.
        if !(self.single && failure.is_some() && self.output.is_table()) {
            self.records
                .push(&form, || row(id, name, outcome, failure.as_ref()))?;
            self.records.flush()?;
            self.lost.store(self.records.is_lost(), Ordering::SeqCst);
        }
        if let Some(failure) = failure {
            if !self.single && self.output.format == Format::Table {
                let message = printable(failure.message());
                self.progress.suspend(|| {
                    let _ = writeln!(anstream::stderr().lock(), "{}: {message}", outcome.as_str());
                });
            }
            self.last = Some(failure);
        }
        Ok(())
    }

    fn rehearse(&mut self, one: &Doomed) -> Result<(), Failure> {
        let refused = one.uses.as_ref().filter(|uses| uses.any());
        let (outcome, exit) = match refused {
            None => (Outcome::WouldDelete, Exit::Success),
            Some(_) => (Outcome::WouldBeRefused, Exit::InUse),
        };
        self.exits.push(exit);
        let form = DeleteForm {
            id: &one.id,
            name: name(one),
            outcome,
            error: None,
            certificate: one.certificate.as_ref(),
            used_by: one.uses.as_ref(),
            reasons: None,
        };
        if let Some(uses) = refused {
            self.last = Some(refusal(&one.id, uses));
        }
        self.records
            .push(&form, || row(&one.id, name(one), outcome, None))
    }

    fn finish(self) -> Result<(), Failure> {
        let told = self.records.finish();
        let of = self.exits.len() + self.not_begun;
        let count = |exit: Exit| self.exits.iter().filter(|other| **other == exit).count();
        let gone = count(Exit::Success);
        let failed = self.exits.len() - gone;
        let summary = format!(
            "of {} {gone} gone, {failed} failed, {} not begun",
            times::counted(of as u64, "certificate"),
            self.not_begun
        );
        match told {
            Err(failure) if self.rehearsal => return Err(failure),
            // What became of a single one matters more.
            Err(failure) if self.last.is_none() || !self.single => {
                return Err(failure.after(summary));
            }
            _ if 0 < self.not_begun => {
                return Err(Failure::interrupted(format!("interrupted: {summary}")));
            }
            _ => {}
        }
        let Some(last) = self.last else { return Ok(()) };
        if self.single {
            let hint =
                (last.exit() == Exit::InUse).then(|| last.error().and_then(Error::certificate_id));
            let hint = hint.flatten().map(release_hint);
            return Err(match hint {
                Some(hint) => last.with_hint(hint),
                None => last,
            });
        }
        let exit = Exit::of_many(self.exits);
        Err(match self.rehearsal {
            true => not_all(exit, "would not be", of - gone, of, &last),
            false => not_all(exit, "were not", of - gone, of, &last),
        })
    }
}

/// What the service would say of a certificate in use.
pub(crate) fn refusal(id: &CertificateId, uses: &Uses) -> Failure {
    const TOLD: usize = 3;
    let lines = uses.lines();
    let mut by = lines.get(..TOLD).unwrap_or(&lines).join("; ");
    if let Some(more @ 1..) = lines.len().checked_sub(TOLD) {
        by.push_str(&format!("; and {more} more"));
    }
    let message = format!(
        "certificate {id} is in use by {by}: the service would refuse to delete it; nothing was \
         changed"
    );
    Failure::new(Exit::InUse, ErrorKind::InUse.as_str(), message)
        .about(id)
        .with_associations(&uses.services)
        .with_hint(release_hint(id))
}

/// What to end with where some of several are not deleted.
pub(crate) fn not_all(exit: Exit, verb: &str, failed: usize, of: usize, last: &Failure) -> Failure {
    let message = format!("{failed} of {of} certificates {verb} deleted; see above");
    let kind = match exit {
        Exit::SomeFailed => "some_failed",
        // All of them ended alike.
        _ => last.kind(),
    };
    Failure::new(exit, kind, message)
}

fn release_hint(id: &CertificateId) -> String {
    format!("to detach its hostnames and delete it, run `cf-mtls release {id}`")
}

fn row(
    id: &CertificateId,
    name: Option<&str>,
    outcome: Outcome,
    failure: Option<&Failure>,
) -> Line {
    let mut text = outcome.as_str().to_owned();
    if let Some(failure) = failure {
        text.push_str(&format!(" ({})", failure.kind()));
    }
    Line {
        cells: vec![
            id.to_string(),
            name.map_or_else(|| "-".to_owned(), printable),
            text,
        ],
        style: match outcome {
            Outcome::Failed | Outcome::Unknown => {
                anstyle::Style::new().fg_color(Some(anstyle::AnsiColor::Red.into()))
            }
            _ => anstyle::Style::new(),
        },
    }
}
