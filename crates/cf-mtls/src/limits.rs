//! How long an operation may take, and how often it is tried.

use std::time::Duration;

use crate::retry::Retry;

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) attempt_timeout: Duration,
    pub(crate) time: Time,
    pub(crate) retry: Retry,
    /// How many requests a job of many has under way at a time.
    pub(crate) concurrency: usize,
    /// How long a request of such a job may wait where the service asks for it.
    pub(crate) patience: Duration,
    /// Fails where the rate limit has no room: what is to be sent would go stale.
    pub(crate) at_once: bool,
    /// How long others may take to replace a list that they have read.
    pub(crate) settling: Duration,
}

/// The time that an operation has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// For everything that it does.
    pub(crate) deadline: Duration,
    /// Beyond that, for waits that the service asks for, and nothing else.
    pub(crate) waits: Duration,
}

impl Time {
    pub(crate) fn total(self) -> Duration {
        self.deadline.saturating_add(self.waits)
    }

    /// What another request of the same operation has after some time.
    pub(crate) fn after(self, elapsed: Duration) -> Self {
        let left = self.total().saturating_sub(elapsed);
        let deadline = self.deadline.min(left);
        Self {
            deadline,
            waits: left - deadline,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(20),
            time: Time {
                deadline: Duration::from_secs(60),
                waits: Duration::ZERO,
            },
            retry: Retry::default(),
            concurrency: 8,
            // Three windows of the service.
            patience: Duration::from_secs(15 * 60),
            at_once: false,
            settling: Duration::from_secs(1),
        }
    }
}

/// The setters of everything that has limits.
macro_rules! limit_setters {
    ($whose:literal) => {
        #[doc = concat!("Bounds the time of one attempt of ", $whose, ", from the connection to the end of the answer (20 seconds unless set).")]
        pub fn with_attempt_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.limits.attempt_timeout = timeout;
            self
        }

        #[doc = concat!("Bounds the time of ", $whose, " as a whole, with all attempts, waits, and looks at what became of it (60 seconds unless set).")]
        pub fn with_deadline(mut self, deadline: std::time::Duration) -> Self {
            self.limits.time.deadline = deadline;
            self
        }

        #[doc = concat!("Says how often to try ", $whose, ", and how long to wait between attempts.")]
        pub fn with_retry(mut self, retry: $crate::Retry) -> Self {
            self.limits.retry = retry;
            self
        }
    };
}

pub(crate) use limit_setters;
