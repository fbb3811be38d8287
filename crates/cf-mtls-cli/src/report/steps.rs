//! Release and rotation: each step is reported, and they can be interrupted
//! between two.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cf_mtls::{CertificateId, Client};
use cf_mtls_lifecycle::{Error, Step};
use serde::Serialize;

use crate::options::Format;
use crate::report::exit::{Exit, Kind};
use crate::report::failure::Failure;
use crate::report::output::{ListWriter, Output};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::view::table::{Row, Table};

/// What was done so far, for the final report and for a second Ctrl-C. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    id: Option<CertificateId>,
    steps: Vec<Step>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.0)
    }

    fn steps(&self) -> Vec<Step> {
        self.entries().steps.clone()
    }

    /// The changes, in words; `None` if there are none.
    fn changes(&self) -> Option<String> {
        let entries = self.entries();
        let changes = entries.steps.iter().filter(|step| !is_wait(step));
        let changes: Vec<String> = changes.map(|step| printable(&step.to_string())).collect();
        (!changes.is_empty()).then(|| changes.join("; "))
    }

    /// Adds the certificate and the steps to a failure.
    fn annotate(&self, failure: Failure) -> Failure {
        let failure = failure.with_steps(self.steps());
        match &self.entries().id {
            Some(id) => failure.about(id),
            None => failure,
        }
    }

    /// The failure after a second Ctrl-C.
    pub(crate) fn interrupted_twice(&self, is_change_in_progress: bool) -> Failure {
        let (exit, mut message) = match is_change_in_progress {
            true => (
                Exit::Unknown,
                "interrupted twice; the outcome of the request in progress is unknown, so check \
                 before you try again"
                    .to_owned(),
            ),
            false => (
                Exit::Interrupted,
                "interrupted twice; no request was in progress".to_owned(),
            ),
        };
        if let Some(done) = self.changes() {
            message.push_str(&format!("; done before: {done}"));
        }
        self.annotate(Failure::new(Kind::Interrupted, message).with_exit(exit))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a step changes nothing.
fn is_wait(step: &Step) -> bool {
    matches!(
        step,
        Step::AwaitingActive { .. } | Step::AwaitingRelease { .. } | Step::StillRefused { .. }
    )
}

/// A result with its steps, in JSON.
#[derive(Serialize)]
struct WithSteps<'a, T> {
    #[serde(flatten)]
    result: &'a T,
    steps: &'a [Step],
}

/// Reports the steps of a release or rotation while it runs.
pub(crate) struct StepReporter<'a> {
    output: Output,
    interrupt: &'a Interrupt,
    ledger: &'a Ledger,
    /// Writes each step as a line of NDJSON.
    writer: Option<Mutex<ListWriter>>,
    progress: Progress,
}

impl<'a> StepReporter<'a> {
    pub(crate) fn new(
        output: Output,
        interrupt: &'a Interrupt,
        ledger: &'a Ledger,
        label: &str,
    ) -> Self {
        let progress = Progress::spinner(output.quiet, label);
        let writer = (output.format == Format::Ndjson).then(|| {
            let writer = output.list(Table::new(&[], 0, None));
            Mutex::new(writer.with_progress(&progress).ignoring_write_errors())
        });
        Self {
            output,
            interrupt,
            ledger,
            writer,
            progress,
        }
    }

    /// A listener that reports each step.
    pub(crate) fn listener(&self) -> impl FnMut(&Step) + Send + '_ {
        let mut waiting_for: Option<String> = None;
        move |step| {
            let text = printable(&step.to_string());
            self.progress.set_label(&text);
            // A wait polls many times, and is reported when it changes.
            if is_wait(step) && waiting_for.as_ref() == Some(&text) {
                return;
            }
            waiting_for = is_wait(step).then(|| text.clone());
            if self.output.is_table() {
                self.progress.suspend(|| self.output.note(&text));
            }
            if let Some(writer) = &self.writer {
                let mut writer = lock(writer);
                // The writer keeps its failure until it is finished.
                let _ = writer
                    .push(step, Row::default)
                    .and_then(|()| writer.flush());
            }
            self.ledger.entries().steps.push(step.clone());
        }
    }

    /// Runs the job until it ends or is interrupted, and reports the result.
    pub(crate) async fn run<T: Serialize>(
        &self,
        client: &Client,
        id: &CertificateId,
        job: impl Future<Output = Result<T, Error>>,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        self.ledger.entries().id = Some(id.clone());
        let outcome = self.interrupt.changing(client, job).await;
        self.progress.finish();
        let steps = self.ledger.steps();
        let result = match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => return Err(Failure::from(error).with_steps(steps)),
            Err(_) => {
                let done = match self.ledger.changes() {
                    None => "nothing was changed".to_owned(),
                    Some(done) => format!("done so far: {done}"),
                };
                let message = format!(
                    "interrupted: {done}; {id} is not deleted; run the same command again to \
                     continue"
                );
                let failure = Failure::new(Kind::Interrupted, message);
                return Err(self.ledger.annotate(failure));
            }
        };
        let written = match &self.writer {
            // In NDJSON the steps are the result.
            Some(writer) => lock(writer).finish(),
            None => {
                let (result, steps) = (&result, &steps[..]);
                let value = WithSteps { result, steps };
                self.output.write_value(&value, || table(result))
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
