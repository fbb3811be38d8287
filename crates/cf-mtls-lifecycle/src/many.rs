//! Many results of one job, as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cf_mtls::{Certificate, CertificateId, Certificates, Deleted, Error};
use futures_core::Stream;
use futures_util::StreamExt as _;

/// How long a request of a job may wait for the rate limit, unless that is set:
/// three windows of the service.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The handle with which a job sends its requests.
pub(crate) fn patient(certificates: &Certificates) -> Certificates {
    let patience = certificates.patience().unwrap_or(DEFAULT_PATIENCE);
    certificates.clone().with_patience(patience)
}

/// The results of a job of many parts, each as it becomes known.
///
/// It is a [`Stream`], and has [`next`](Self::next) of its own. The job goes on
/// only while it is asked for results; to drop it is to stop.
#[must_use = "a job goes on only while it is asked for results"]
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

/// The outcome of one deletion among many.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeleteOutcome {
    /// The certificate.
    pub id: CertificateId,
    /// The result of [`Certificates::delete`].
    pub result: Result<Deleted, Error>,
}

/// The outcome of one read among many.
#[derive(Debug)]
#[non_exhaustive]
pub struct GetOutcome {
    /// The certificate that was asked for.
    pub id: CertificateId,
    /// The result of [`Certificates::get`].
    pub result: Result<Certificate, Error>,
}

pub(crate) fn delete_many(
    certificates: &Certificates,
    ids: impl Stream<Item = CertificateId> + Send + 'static,
) -> Outcomes<DeleteOutcome> {
    each(certificates, ids, |this, id| async move {
        let result = this.delete(&id).await;
        DeleteOutcome { id, result }
    })
}

pub(crate) fn get_many(
    certificates: &Certificates,
    ids: impl Stream<Item = CertificateId> + Send + 'static,
) -> Outcomes<GetOutcome> {
    each(certificates, ids, |this, id| async move {
        let result = this.get(&id).await;
        GetOutcome { id, result }
    })
}

/// The result for each id, as many at a time as the handle allows.
fn each<T: 'static, F: Future<Output = T> + Send + 'static>(
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
