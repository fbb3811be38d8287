//! Reads and deletes many certificates.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use cf_mtls::{CertificateId, Certificates, Error, ErrorKind};
use futures_core::Stream;
use futures_util::{FutureExt as _, StreamExt as _};
use tracing::Instrument as _;

/// Three windows of the rate limit.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The handle for the requests of a job.
pub(crate) fn patient(certificates: &Certificates) -> Certificates {
    let patience = certificates.patience().unwrap_or(DEFAULT_PATIENCE);
    certificates.clone().with_patience(patience)
}

/// Runs a job in a span, with the operations in it, and an event at its end.
pub(crate) async fn in_span<T>(
    job: &'static str,
    id: &CertificateId,
    run: impl Future<Output = Result<T, crate::Error>>,
) -> Result<T, crate::Error> {
    let id_text = id.as_str();
    let span = tracing::info_span!("cf_mtls", otel.name = job, cloudflare.certificate.id = id_text);
    let run = async {
        let result = run.await;
        match &result {
            Ok(_) => tracing::info!("job finished"),
            Err(error) => tracing::info!(error.type = error.kind().as_str(), "job failed"),
        }
        result.map_err(|error| error.during(job, id))
    };
    run.instrument(span).await
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome<T> {
    /// The certificate.
    pub id: CertificateId,
    /// The result of the operation.
    pub result: Result<T, Error>,
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
