//! How long an operation may take, and how often it is tried.

use std::time::Duration;

use super::retry::Retry;

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) attempt_timeout: Duration,
    pub(crate) time: Time,
    pub(crate) retry: Retry,
}

/// The time that an operation has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// For everything that it does.
    pub(crate) deadline: Duration,
    /// Beyond that, for waits that the service asks for, and nothing else.
    pub(crate) patience: Option<Duration>,
}

impl Time {
    pub(crate) fn total(self) -> Duration {
        self.deadline
            .saturating_add(self.patience.unwrap_or_default())
    }

    /// What another request of the same operation has after some time.
    pub(crate) fn after(self, elapsed: Duration) -> Self {
        let left = self.total().saturating_sub(elapsed);
        let deadline = self.deadline.min(left);
        Self {
            deadline,
            patience: Some(left - deadline),
        }
    }
}

impl Limits {
    /// The same, with no more time than `left` for each operation, but enough for
    /// an attempt.
    pub(crate) fn shortened(&mut self, left: Duration) {
        let Time { deadline, patience } = self.time;
        self.time = Time {
            deadline: deadline.min(left.max(self.attempt_timeout)),
            patience: patience.map(|patience| patience.min(left)),
        };
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(20),
            time: Time {
                deadline: Duration::from_secs(60),
                patience: None,
            },
            retry: Retry::default(),
        }
    }
}

/// The setters of everything that has limits, which it gives as `limits_mut`.
macro_rules! limit_setters {
    ($whose:literal) => {
        #[doc = concat!("Bounds the time of one attempt of ", $whose, ", from the connection to the end of the response (20 seconds unless set).")]
        pub fn with_attempt_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.limits_mut().attempt_timeout = timeout;
            self
        }

        #[doc = concat!("Bounds the time of ", $whose, " as a whole, with all attempts, waits, and looks at the outcome (60 seconds unless set).")]
        pub fn with_deadline(mut self, deadline: std::time::Duration) -> Self {
            self.limits_mut().time.deadline = deadline;
            self
        }

        #[doc = concat!("Sets how long ", $whose, " may wait beyond its deadline where the service asks for it: for the end of the rate limit's window, or for the time of a `Retry-After` (not at all unless set). A wait that would take longer is [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited) at once. Waits for a response never exceed the deadline.")]
        pub fn with_patience(mut self, patience: std::time::Duration) -> Self {
            self.limits_mut().time.patience = Some(patience);
            self
        }

        #[doc = concat!("Sets how often to try ", $whose, ", and how long to wait between attempts.")]
        pub fn with_retry(mut self, retry: $crate::Retry) -> Self {
            self.limits_mut().retry = retry;
            self
        }
    };
}

pub(crate) use limit_setters;
