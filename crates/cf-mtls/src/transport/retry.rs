//! When to repeat, and how long to wait before.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::retry::budget::{Budget as _, TpsBudget};
use tower::util::rng::{HasherRng, Rng as _};

/// How often a request is tried, and how long to wait between attempts.
///
/// What may be repeated at all is not a matter of taste, and is not set here:
/// see the [table of the crate](crate#when-the-network-fails).
#[derive(Clone)]
pub struct Retry {
    attempts: u32,
    delay: Arc<dyn Fn(u32) -> Duration + Send + Sync>,
}

impl Retry {
    /// Never repeats.
    #[must_use]
    pub fn off() -> Self {
        Self::exponential(1, Duration::ZERO, Duration::ZERO)
    }

    /// At most `attempts` attempts in all. The wait before each repetition is
    /// random, between zero and a bound that starts at `base`, doubles each
    /// time, and never passes `most` (exponential backoff with full jitter).
    #[must_use]
    pub fn exponential(attempts: u32, base: Duration, most: Duration) -> Self {
        Self::with_delays(attempts, move |repetition| {
            let doubled = base.saturating_mul(1u32.checked_shl(repetition - 1).unwrap_or(u32::MAX));
            doubled.min(most).mul_f64(HasherRng::default().next_f64())
        })
    }

    /// At most `attempts` attempts in all, waiting `delay(n)` before the n-th
    /// repetition, counted from 1. Longer where the service asks for it.
    #[must_use]
    pub fn with_delays(
        attempts: u32,
        delay: impl Fn(u32) -> Duration + Send + Sync + 'static,
    ) -> Self {
        Self {
            attempts: attempts.max(1),
            delay: Arc::new(delay),
        }
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn delay(&self, repetition: u32) -> Duration {
        (self.delay)(repetition.max(1))
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
        f.debug_struct("Retry")
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Keeps a crowd of repetitions from multiplying the load: one repetition for
/// each five requests, and one a second beside, over the last ten seconds.
/// Shared by all clones of a client.
pub(crate) struct Budget(TpsBudget);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(TpsBudget::new(Duration::from_secs(10), 1, 0.2))
    }

    /// Notes a request that was sent for the first time.
    pub(crate) fn deposit(&self) {
        self.0.deposit();
    }

    /// Whether there is room for a repetition, which is then taken.
    pub(crate) fn withdraw(&self) -> bool {
        self.0.withdraw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_up_to_the_bound() {
        let retry = Retry::exponential(40, Duration::from_millis(100), Duration::from_secs(1));
        let bounds = [
            (1, 100),
            (2, 200),
            (3, 400),
            (4, 800),
            (5, 1000),
            (39, 1000),
        ];
        for (repetition, bound) in bounds {
            let delays: Vec<_> = (0..200).map(|_| retry.delay(repetition)).collect();
            let bound = Duration::from_millis(bound);
            assert!(delays.iter().all(|delay| *delay <= bound), "{repetition}");
            // Full jitter: all of the range is used, not its end only.
            assert!(
                delays.iter().any(|delay| *delay < bound / 4),
                "{repetition}"
            );
            assert!(
                delays.iter().any(|delay| bound * 3 / 4 < *delay),
                "{repetition}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_of_failures_runs_out_of_repetitions() {
        let budget = Budget::new();
        (0..100).for_each(|_| budget.deposit());
        let granted = (0..100).filter(|_| budget.withdraw()).count();
        assert!(
            (20..=30).contains(&granted),
            "{granted} repetitions of 100 requests"
        );
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(budget.withdraw(), "the budget fills again");
    }
}
