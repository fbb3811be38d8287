//! Looks at the service again and again until it has applied a change.

use std::time::Duration;

use tokio::time::Instant;

use crate::options::ReleaseOptions;
use crate::step::Step;

/// How long reads of hostnames may be older than the associations, and how long the service
/// may refuse a deletion after the last use has ended: 75 s and about a minute were seen.
pub(crate) const MAX_LAG: Duration = Duration::from_secs(90);

/// Receives each step.
pub(crate) type OnStep<'a> = &'a mut (dyn FnMut(&Step) + Send);

/// The pauses between looks, within one timeout.
pub(crate) struct Poll<'a> {
    options: &'a ReleaseOptions,
    begun: Instant,
    delay: Duration,
}

impl<'a> Poll<'a> {
    pub(crate) fn new(options: &'a ReleaseOptions) -> Self {
        Self { options, begun: Instant::now(), delay: options.first_delay }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.options.wait_timeout.saturating_sub(self.elapsed())
    }

    /// Waits, longer each time; `false`, and at once, where the time is over.
    pub(crate) async fn wait(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        // The last look is at the very end.
        tokio::time::sleep(self.delay.min(left)).await;
        self.delay = self.delay.saturating_mul(2).min(self.options.max_delay);
        true
    }
}
