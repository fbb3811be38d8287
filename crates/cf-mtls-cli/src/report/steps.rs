//! Release and rotation: each step is reported, and they can be interrupted
//! between two.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cf_mtls::{Association, AssociationStatus, CertificateId, Client, ErrorKind};
use cf_mtls_lifecycle::{Error, Step};
use serde::Serialize;
use serde_json::json;

use crate::options::Format;
use crate::report::exit::{Exit, Kind};
use crate::report::failure::Failure;
use crate::report::output::Output;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::view::uses;

/// What was done so far, for the final report and for a second Ctrl-C. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    id: Option<CertificateId>,
    steps: Vec<Step>,
    /// Why a step could not be written.
    failure: Option<Failure>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steps(&self) -> Vec<Step> {
        self.entries().steps.clone()
    }

    /// The changes, in words; `None` if there are none.
    fn changes(&self) -> Option<String> {
        let entries = self.entries();
        let changes = entries.steps.iter().filter(|step| !step.is_wait());
        let changes: Vec<String> = changes.map(|step| printable(&step.to_string())).collect();
        (!changes.is_empty()).then(|| changes.join("; "))
    }

    /// Adds the certificate and the steps to a failure.
    fn annotate(&self, failure: Failure) -> Failure {
        let failure = failure.with_steps(&self.steps());
        match &self.entries().id {
            Some(id) => failure.about(id),
            None => failure,
        }
    }

    /// The failure after a second Ctrl-C.
    pub(crate) fn interrupted_twice(&self, is_change_in_progress: bool) -> Failure {
        let (exit, why) = match is_change_in_progress {
            true => (
                Exit::Unknown,
                "the outcome of the request in progress is unknown, so check before you try again",
            ),
            false => (Exit::Interrupted, "no request was in progress"),
        };
        let mut message = format!("interrupted twice; {why}");
        if let Some(done) = self.changes() {
            message.push_str(&format!("; done before: {done}"));
        }
        let failure = Failure::new(Kind::Interrupted, message).with_exit(exit);
        self.annotate(failure.with("may_have_taken_effect", is_change_in_progress))
    }
}

/// Reports the steps of a release or rotation while it runs.
pub(crate) struct StepReporter<'a> {
    pub(crate) output: Output,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) ledger: &'a Ledger,
    pub(crate) progress: Progress,
}

impl StepReporter<'_> {
    pub(crate) fn listener(&self) -> impl FnMut(&Step) + Send + '_ {
        let mut waiting_for: Option<String> = None;
        move |step| {
            let text = printable(&step.to_string());
            self.progress.set_label(&text);
            // A wait polls many times, and is reported when it changes. It goes on for a
            // moment after all is active, to be sure.
            let is_active = |one: &Association| one.status == AssociationStatus::Active;
            let is_over = matches!(step, Step::AwaitingActive { associations, .. }
                if !associations.is_empty() && associations.iter().all(is_active));
            if is_over || step.is_wait() && waiting_for.as_ref() == Some(&text) {
                return;
            }
            waiting_for = step.is_wait().then(|| text.clone());
            let written = self.progress.suspend(|| match self.output.format {
                Format::Ndjson => self.output.write_value(step, String::new),
                Format::Table => {
                    self.output.note(&text);
                    Ok(())
                }
                Format::Json => Ok(()),
            });
            let mut entries = self.ledger.entries();
            entries.steps.push(step.clone());
            if let Err(failure) = written {
                entries.failure.get_or_insert(failure);
            }
        }
    }

    /// Runs the job until it ends or is interrupted, and reports the result.
    pub(crate) async fn run<T: Serialize>(
        &self,
        client: &Client,
        id: &CertificateId,
        job: impl Future<Output = Result<T, Error>>,
        wait: Duration,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        self.ledger.entries().id = Some(id.clone());
        let begun = Instant::now();
        let outcome = self.interrupt.changing(client, job).await;
        self.progress.finish();
        let steps = self.ledger.steps();
        let result = match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => {
                let is_waited_for = matches!(error.kind(), ErrorKind::InUse | ErrorKind::Timeout);
                let todo = Some(uses::todo(error.holders())).filter(|todo| !todo.is_empty());
                let failure = Failure::from(error).with_steps(&steps);
                let failure = todo.into_iter().fold(failure, Failure::with_hint);
                let has_ended = is_waited_for && wait <= begun.elapsed();
                return Err(if has_ended { failure.with_kind(Kind::WaitEnded) } else { failure });
            }
            Err(_) => {
                let (was_sent, done) = match self.ledger.changes() {
                    Some(done) => (true, format!("done so far: {done}")),
                    None => (false, "nothing was changed".to_owned()),
                };
                let message = format!(
                    "interrupted: {done}; {id} is not deleted; run the same command again to \
                     continue"
                );
                let failure = Failure::new(Kind::Interrupted, message);
                let failure = failure.with("may_have_taken_effect", was_sent);
                return Err(self.ledger.annotate(failure));
            }
        };
        let written = match self.output.format {
            // The steps are the result.
            Format::Ndjson => self.ledger.entries().failure.take().map_or(Ok(()), Err),
            Format::Table | Format::Json => {
                let mut json = json!(result);
                json["steps"] = json!(steps);
                self.output.write_value(&json, || table(&result))
            }
        };
        match written {
            Err(failure) if !failure.is_closed_pipe() => {
                let done = self.ledger.changes().unwrap_or_default();
                Err(self.ledger.annotate(failure.with_done(done)))
            }
            // The change is done, even if nobody reads the result.
            _ => Ok(()),
        }
    }
}
