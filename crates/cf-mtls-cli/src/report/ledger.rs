//! What a job has done so far, for whoever has to tell it: its own end, or a
//! second Ctrl-C that does not wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cf_mtls::{CertificateId, Step};

use crate::report::failure::Failure;
use crate::terminal::text::printable;

/// Shared by all of its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    id: Option<CertificateId>,
    steps: Vec<Step>,
}

impl Ledger {
    /// A job begins, which is about this certificate.
    pub(crate) fn begin(&self, id: &CertificateId) {
        self.entries().id = Some(id.clone());
    }

    pub(crate) fn add(&self, step: &Step) {
        self.entries().steps.push(step.clone());
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.entries().steps.clone()
    }

    /// The changes, for a person; `None` where there are none.
    pub(crate) fn changes(&self) -> Option<String> {
        let entries = self.entries();
        let changes = entries.steps.iter().filter(|step| !is_wait(step));
        let changes: Vec<String> = changes.map(|step| printable(&step.to_string())).collect();
        (!changes.is_empty()).then(|| changes.join("; "))
    }

    /// Says in a failure what it is about, and what had been done before.
    pub(crate) fn enter(&self, failure: Failure) -> Failure {
        let failure = failure.with_steps(self.steps());
        match &self.entries().id {
            Some(id) => failure.about(id),
            None => failure,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a step is a look, and changes nothing.
pub(crate) fn is_wait(step: &Step) -> bool {
    matches!(
        step,
        Step::AwaitingActive { .. } | Step::AwaitingRelease { .. } | Step::StillRefused { .. }
    )
}
