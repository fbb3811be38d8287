//! Looks at the service again and again until it has applied a change.

use std::time::Duration;

use tokio::time::Instant;

use crate::options::ReleaseOptions;
use crate::step::Step;

/// Receives each step.
pub(crate) type OnStep<'a> = &'a mut (dyn FnMut(&Step) + Send);

/// The pauses between looks, within one timeout.
#[derive(Debug)]
pub(crate) struct Poll {
    begun: Instant,
    timeout: Duration,
    delay: Duration,
    max_delay: Duration,
}

impl Poll {
    pub(crate) fn new(options: &ReleaseOptions) -> Self {
        Self {
            begun: Instant::now(),
            timeout: options.wait_timeout,
            delay: options.first_delay,
            max_delay: options.max_delay,
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed())
    }

    /// Waits, longer each time; `false`, and at once, where the time is over.
    pub(crate) async fn wait(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        // The last look is at the very end.
        tokio::time::sleep(self.delay.min(left)).await;
        self.delay = self.delay.saturating_mul(2).min(self.max_delay);
        true
    }
}
