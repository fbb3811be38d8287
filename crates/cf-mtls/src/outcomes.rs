//! Many results of one job, as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cf_mtls_api::CertificateId;
use futures_core::Stream;
use futures_util::StreamExt as _;

use crate::certificates::Certificates;

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

    /// What becomes of each id, as many at a time as the limits allow.
    pub(crate) fn of_each<F: Future<Output = T> + Send + 'static>(
        certificates: &Certificates,
        ids: impl Stream<Item = CertificateId> + Send + 'static,
        each: impl Fn(Certificates, CertificateId) -> F + Send + 'static,
    ) -> Self
    where
        T: 'static,
    {
        let this = certificates.patient();
        let most = this.limits().concurrency;
        let begun = ids.map(move |id| each(this.clone(), id));
        Self::new(begun.buffer_unordered(most))
    }

    pub(crate) fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
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
