//! Reads and deletes many certificates.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, Error};
use futures_core::Stream;
use futures_util::StreamExt as _;

/// Three windows of the rate limit.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The handle for the requests of a job.
pub(crate) fn patient(certificates: &Certificates) -> Certificates {
    let patience = certificates.patience().unwrap_or(DEFAULT_PATIENCE);
    certificates.clone().with_patience(patience)
}

/// Results as they become known.
///
/// It is a [`Stream`], and has [`next`](Self::next). Requests are sent only while
/// results are requested; dropping it stops them.
#[must_use = "nothing is sent until results are requested"]
pub struct Outcomes<T>(Pin<Box<dyn Stream<Item = T> + Send>>);

impl<T> Outcomes<T> {
    /// The next result; `None` when there are no more.
    pub async fn next(&mut self) -> Option<T> {
        std::future::poll_fn(|context| self.0.as_mut().poll_next(context)).await
    }

    pub(crate) fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

/// The outcome for one certificate among many.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// The certificate.
    pub id: CertificateId,
    /// The result of the operation.
    pub result: Result<T, Error>,
}

/// The result for each id, as many at a time as the handle allows.
pub(crate) fn each<T: 'static, F: Future<Output = T> + Send + 'static>(
    certificates: &Certificates,
    ids: impl Stream<Item = CertificateId> + Send + 'static,
    run: impl Fn(Certificates, CertificateId) -> F + Send + 'static,
) -> Outcomes<T> {
    let this = patient(certificates);
    let max = this.concurrency();
    let begun = ids.map(move |id| run(this.clone(), id));
    Outcomes::new(begun.buffer_unordered(max))
}

impl<T> Stream for Outcomes<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Outcomes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}
