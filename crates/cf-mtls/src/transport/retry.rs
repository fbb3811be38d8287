//! How often to retry, and how long to wait before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::retry::budget::TpsBudget;
use tower::util::rng::{HasherRng, Rng as _};

/// How often a request is sent, and how long to wait between attempts.
///
/// Which failures are retried at all is fixed: see the
/// [table of the crate](crate#when-the-network-fails).
///
/// ```
/// use std::time::Duration;
/// use cf_mtls::Retry;
///
/// let patient = Retry::exponential(6, Duration::from_secs(1), Duration::from_secs(60));
/// let for_a_test = Retry::with_delays(3, |_| Duration::ZERO);
/// ```
#[derive(Clone)]
pub struct Retry {
    attempts: u32,
    delay: Arc<dyn Fn(u32) -> Duration + Send + Sync>,
}

impl Retry {
    /// Never retries.
    #[must_use]
    pub fn off() -> Self {
        Self::exponential(1, Duration::ZERO, Duration::ZERO)
    }

    /// At most `attempts` attempts in all. The delay before each retry is random,
    /// between zero and a bound that starts at `base`, doubles each time, and never
    /// exceeds `max` (exponential backoff with full jitter).
    #[must_use]
    pub fn exponential(attempts: u32, base: Duration, max: Duration) -> Self {
        Self::with_delays(attempts, move |retry| {
            let doubled = base.saturating_mul(1u32.checked_shl(retry - 1).unwrap_or(u32::MAX));
            doubled.min(max).mul_f64(HasherRng::default().next_f64())
        })
    }

    /// At most `attempts` attempts in all, with `delay(n)` before the n-th retry,
    /// counted from 1, or longer if the service asks for it.
    #[must_use]
    pub fn with_delays(
        attempts: u32,
        delay: impl Fn(u32) -> Duration + Send + Sync + 'static,
    ) -> Self {
        Self { attempts: attempts.max(1), delay: Arc::new(delay) }
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn delay(&self, retry: u32) -> Duration {
        (self.delay)(retry.max(1))
    }
}

/// Four attempts, waiting up to 0.5, 1 and 2 seconds between them.
impl Default for Retry {
    fn default() -> Self {
        Self::exponential(4, Duration::from_millis(500), Duration::from_secs(8))
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("attempts", &self.attempts).finish_non_exhaustive()
    }
}

/// Looks for the outcome of an attempt: several, since reads may lag behind writes.
#[derive(Debug, Default)]
pub(crate) struct Looks(u32);

impl Looks {
    pub(crate) fn is_first(&self) -> bool {
        self.0 == 0
    }

    const MAX: u32 = 6;

    /// How long to wait for reads to catch up. `None` without another look, or time for it.
    pub(crate) fn next_delay(&mut self, retry: &Retry, left: Duration) -> Option<Duration> {
        self.0 += 1;
        let delay = retry.delay(self.0).saturating_mul(3);
        (self.0 < Self::MAX && 1 < retry.attempts() && delay < left).then_some(delay)
    }
}

/// Keeps retries from multiplying the load: over ten seconds, one for each five
/// requests, and one a second beside. Shared by all clones of a client.
pub(crate) fn budget() -> TpsBudget {
    TpsBudget::new(Duration::from_secs(10), 1, 0.2)
}
