//! Jobs of many steps: told as they go, and interrupted between two of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cf_mtls::{CertificateId, Client, Error, ErrorKind, Step};
use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::options::Format;
use crate::report::failure::Failure;
use crate::report::ledger::{Ledger, is_wait};
use crate::report::output::Records;
use crate::terminal::progress::Progress;
use crate::terminal::text::printable;
use crate::view::table::{Line, Sheet};
use crate::view::times;

/// How long a job waits for the service.
#[derive(Args, Clone, Debug)]
pub(crate) struct Waiting {
    /// Maximum total time to wait for the service to pick up a change
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = times::positive_duration)]
    wait: Duration,
    /// First pause between checks; later pauses grow to at most five times this
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = times::positive_duration)]
    poll: Duration,
    /// Another service whose associations come from hostnames, besides API Shield
    #[arg(long, value_name = "NAME")]
    hostname_service: Vec<String>,
    /// Proceed even if some zones cannot be read
    #[arg(long)]
    ignore_unreadable_zones: bool,
}

/// Sets a release or a rotation up; they have no type in common.
macro_rules! set_up {
    ($waiting:expr, $job:expr) => {{
        let (waiting, mut job) = ($waiting, $job);
        job = job
            .with_longest_wait(waiting.wait)
            .with_poll_interval(waiting.poll, waiting.poll.saturating_mul(5));
        for name in &waiting.hostname_service {
            job = job.with_hostname_service(name);
        }
        if waiting.ignore_unreadable_zones {
            job = job.with_unreadable_zones_ignored();
        }
        job
    }};
}

impl Waiting {
    pub(crate) fn release(&self, job: cf_mtls::Release) -> cf_mtls::Release {
        set_up!(self, job)
    }

    pub(crate) fn rotate(&self, job: cf_mtls::Rotate) -> cf_mtls::Rotate {
        set_up!(self, job)
    }
}

/// A result, and the steps that led to it.
#[derive(Serialize)]
struct Done<'a, T> {
    #[serde(flatten)]
    result: &'a T,
    steps: &'a [Step],
}

/// What has been told of a job.
#[derive(Clone)]
pub(crate) struct Told {
    ledger: Ledger,
    /// A line for each step, in NDJSON.
    records: Option<Arc<Mutex<Records>>>,
    progress: Progress,
}

impl Told {
    pub(crate) fn new(context: &Context, what: &str) -> Self {
        let (output, progress) = (
            context.output,
            Progress::waiting(context.output.quiet, what),
        );
        let records = (output.format == Format::Ndjson).then(|| {
            let records = output.many(Sheet::new(&[], 0, None));
            // The job goes on, whoever reads.
            Arc::new(Mutex::new(records.beside(&progress).that_carries_on()))
        });
        Self {
            ledger: context.interrupt.ledger().clone(),
            records,
            progress,
        }
    }

    /// Takes the steps of a job.
    pub(crate) fn listener(&self, context: &Context) -> impl FnMut(&Step) + Send + 'static {
        let (this, output) = (self.clone(), context.output);
        let mut waiting_for: Option<String> = None;
        move |step| {
            let text = printable(&step.to_string());
            this.progress.say(&text);
            // A wait looks many times, and is told when something has changed.
            let news = !is_wait(step) || waiting_for.as_ref() != Some(&text);
            waiting_for = is_wait(step).then(|| text.clone());
            if news {
                if output.is_table() {
                    this.progress.suspend(|| output.note(&text));
                }
                if let Some(records) = &this.records {
                    let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
                    // What cannot be written is told in the end.
                    let _ = records
                        .push(step, Line::default)
                        .and_then(|()| records.flush());
                }
                this.ledger.add(step);
            }
        }
    }

    /// Runs the job to its end, or where it is interrupted to the end of the change
    /// under way.
    pub(crate) async fn run<T: Serialize>(
        &self,
        context: &Context,
        client: &Client,
        id: &CertificateId,
        job: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        self.ledger.begin(id);
        let outcome = context.interrupt.changing(client, job).await;
        self.progress.end();
        match outcome {
            Some(Ok(result)) => Ok(result),
            Some(Err(error)) => Err(Failure::from(error).with_steps(self.ledger.steps())),
            None => {
                let done = match self.ledger.changes() {
                    None => "nothing was changed".to_owned(),
                    Some(done) => format!("done so far: {done}"),
                };
                let message = format!(
                    "interrupted: {done}; {id} is not deleted; run the same command again to go on"
                );
                Err(self.ledger.enter(Failure::interrupted(message)))
            }
        }
    }

    /// Tells the result, with the steps. In NDJSON the steps have told it.
    pub(crate) fn finish<T: Serialize>(
        self,
        context: &Context,
        result: &T,
        table: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let steps = self.ledger.steps();
        let told = match &self.records {
            Some(records) => {
                let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
                records.outcome()
            }
            None => {
                let steps = &steps;
                context.output.one(&Done { result, steps }, table)
            }
        };
        match told {
            // It is done, whoever reads.
            Err(failure) if failure.is_closed_pipe() => Ok(()),
            Err(failure) => {
                let done = self.ledger.changes().unwrap_or_default();
                Err(self.ledger.enter(failure.after(done)))
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Whether it is not there, which may be what was wanted.
pub(crate) fn is_absent(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound
}
