//! Reads and deletes many certificates.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, Error, ErrorKind};
use futures_core::Stream;
use futures_util::{FutureExt as _, StreamExt, stream};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// Three windows of the rate limit.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The handle for the requests of a job.
pub(crate) fn patient(certificates: &Certificates) -> Certificates {
    let patience = certificates.patience().unwrap_or(DEFAULT_PATIENCE);
    certificates.clone().with_patience(patience)
}

/// The span of a job, with the operations in it.
fn span(job: &'static str, id: Option<&CertificateId>) -> Span {
    tracing::info_span!(
        "cf_mtls",
        otel.name = %job,
        otel.status_code = Empty,
        error.type = Empty,
        cloudflare.certificate.id = id.map(CertificateId::as_str),
    )
}

/// Reports how a job ended: a change for everybody, reads for debugging.
fn report(is_change: bool, error: Option<&crate::Error>) {
    let kind = error.map(|error| error.kind().as_str());
    let span = Span::current();
    span.record("otel.status_code", if error.is_some() { "ERROR" } else { "OK" });
    span.record("error.type", kind);
    match is_change {
        true => tracing::info!(error.type = kind, "job ended"),
        false => tracing::debug!(error.type = kind, "job ended"),
    }
}

/// Runs a job, or its plan (`plan release`), in a span. Without an id, it only reads.
pub(crate) async fn in_span<T>(
    job: &'static str,
    id: Option<&CertificateId>,
    run: impl Future<Output = Result<T, crate::Error>>,
) -> Result<T, crate::Error> {
    let planned = job.strip_prefix("plan ");
    let run = run.map(|result| {
        report(planned.is_none() && id.is_some(), result.as_ref().err());
        result.map_err(|error| match id {
            Some(id) => error.during(planned.unwrap_or(job), id),
            None => error,
        })
    });
    run.instrument(span(job, id)).await
}

/// Results as they become known.
///
/// It is a [`Stream`], and has [`next`](Self::next) and [`collect`](Self::collect).
/// Requests are sent only while results are requested; dropping it stops them.
#[must_use = "nothing is sent until results are requested"]
pub struct Outcomes<T> {
    stream: Pin<Box<dyn Stream<Item = T> + Send>>,
    /// `None` after the end.
    span: Option<Span>,
    /// `None` where there is no job.
    is_change: Option<bool>,
}

impl<T> Outcomes<T> {
    /// The next result; `None` when there are no more.
    pub async fn next(&mut self) -> Option<T> {
        StreamExt::next(self).await
    }

    /// All results.
    pub async fn collect(self) -> Vec<T> {
        StreamExt::collect(self).await
    }

    pub(crate) fn new(job: &'static str, stream: impl Stream<Item = T> + Send + 'static) -> Self {
        let (span, is_change) = (Some(span(job, None)), Some(job.starts_with("delete")));
        Self { stream: Box::pin(stream), span, is_change }
    }
}

impl<T> Stream for Outcomes<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(span) = self.span.clone() else { return Poll::Ready(None) };
        span.in_scope(|| {
            let polled = self.stream.as_mut().poll_next(context);
            if matches!(polled, Poll::Ready(None)) {
                self.is_change.inspect(|is_change| report(*is_change, None));
                self.span = None;
            }
            polled
        })
    }
}

/// Results that are known already, such as for a fake. Nothing is sent.
impl<T: Send + 'static> FromIterator<T> for Outcomes<T> {
    fn from_iter<I: IntoIterator<Item = T>>(results: I) -> Self {
        let stream = stream::iter(results.into_iter().collect::<Vec<T>>()).boxed();
        Self { stream, span: Some(Span::none()), is_change: None }
    }
}

record! {
    /// The outcome for one certificate among many.
    pub struct Outcome<T> {
        /// The certificate.
        pub id: CertificateId,
        /// The result of the operation.
        pub result: Result<T, Error>,
    }
}

/// The ids, each once, in the order given.
pub(crate) fn unique(ids: impl IntoIterator<Item: Borrow<CertificateId>>) -> Vec<CertificateId> {
    let mut seen = HashSet::new();
    let ids = ids.into_iter().map(|id| id.borrow().clone());
    ids.filter(|id| seen.insert(id.clone())).collect()
}

/// As many outages in a row, or one failed authentication, stop a job that would only
/// hammer at the service.
const MAX_OUTAGES: usize = 10;

/// Counts outages in a row. Once there are too many, the count remains.
fn count_outages(outages: &AtomicUsize, error: Option<&Error>) {
    use ErrorKind::{Connection, InvalidResponse, RateLimited, ServiceUnavailable, Timeout};

    let count = outages.load(Ordering::SeqCst);
    let count = match error.map(|error| (error.kind(), error.attempts())) {
        _ if MAX_OUTAGES <= count => count,
        Some((ErrorKind::Authentication, _)) => MAX_OUTAGES,
        Some((RateLimited, 0)) => count, // not sent
        Some((Connection | InvalidResponse | RateLimited | ServiceUnavailable | Timeout, _)) => {
            count + 1
        }
        _ => 0,
    };
    outages.store(count, Ordering::SeqCst);
}

/// The result for each id, as many at a time as the handle allows, until there are too
/// many outages.
pub(crate) fn each<T: 'static, F: Future<Output = Result<T, Error>> + Send + 'static>(
    job: &'static str,
    certificates: &Certificates,
    ids: impl Stream<Item = CertificateId> + Send + 'static,
    run: impl Fn(Certificates, CertificateId) -> F + Send + 'static,
) -> Outcomes<Outcome<T>> {
    let this = patient(certificates);
    let max = this.concurrency();
    let outages = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&outages);
    let is_useful = move |_: &CertificateId| ready(outages.load(Ordering::SeqCst) < MAX_OUTAGES);
    let begun = ids.take_while(is_useful).map(move |id| {
        let (counted, result) = (Arc::clone(&counted), run(this.clone(), id.clone()));
        result.map(move |result| {
            count_outages(&counted, result.as_ref().err());
            Outcome { id, result }
        })
    });
    Outcomes::new(job, begun.buffer_unordered(max))
}

impl<T> fmt::Debug for Outcomes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}
