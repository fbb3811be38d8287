//! How long an operation may take.

use std::time::Duration;

use tokio::time::Instant;

use super::retry::Retry;

/// A deadline that the clock can represent.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What bounds an operation.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) attempt_timeout: Duration,
    /// For everything that the operation does.
    pub(crate) deadline: Duration,
    /// Beyond that, for waits that the service asks for, and nothing else.
    pub(crate) patience: Option<Duration>,
    pub(crate) retry: Retry,
    /// How long others may need to replace a list of hostnames that they have read.
    pub(crate) settle_time: Duration,
    pub(crate) visibility_timeout: Duration,
    pub(crate) concurrency: usize,
    /// Requests of the rate limit that are left to others.
    pub(crate) rate_limit_reserve: u64,
    /// Whether it finds out the effect of a write: one request is sent even if the
    /// rate limit is used up.
    pub(crate) is_look: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(20),
            deadline: Duration::from_secs(60),
            patience: None,
            retry: Retry::default(),
            settle_time: Duration::from_secs(1),
            visibility_timeout: Duration::from_secs(90),
            concurrency: 8,
            rate_limit_reserve: 0,
            is_look: false,
        }
    }
}

impl Limits {
    pub(crate) fn total(&self) -> Duration {
        let patience = self.patience.unwrap_or_default();
        self.deadline.saturating_add(patience)
    }

    /// For another request of the same operation, after some time.
    pub(crate) fn after(mut self, elapsed: Duration) -> Self {
        let left = self.total().saturating_sub(elapsed);
        self.deadline = self.deadline.min(left);
        self.patience = Some(left - self.deadline);
        self
    }

    /// With at most `left` for an operation, but time for one attempt.
    pub(crate) fn within(mut self, left: Duration) -> Self {
        self.deadline = self.deadline.min(left.max(self.attempt_timeout));
        self.patience = self.patience.map(|patience| patience.min(left));
        self
    }
}

/// When an operation has to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    end: Instant,
    /// The time before the end that attempts leave, to find out their effect.
    reserve: Duration,
    /// What is left for waits that the service asks for. A wait that uses it moves the end.
    patience: Duration,
}

impl Deadline {
    /// That of a write keeps a quarter of the time to find out its effect.
    pub(crate) fn new(limits: &Limits, is_write: bool) -> Self {
        let total = limits.deadline.min(FOREVER);
        Self {
            end: Instant::now() + total,
            reserve: if is_write { total / 4 } else { Duration::ZERO },
            patience: limits.patience.unwrap_or_default(),
        }
    }

    /// The time that is left for attempts.
    pub(crate) fn left_for_attempts(&self, now: Instant) -> Duration {
        self.attempts_end().saturating_duration_since(now)
    }

    /// Whether there is time for a wait, of which `requested` is at the service's request.
    pub(crate) fn allows(&self, wait: Duration, requested: Duration) -> bool {
        let end = self.attempts_end().checked_add(requested.min(self.patience));
        let over = Instant::now().checked_add(wait);
        over.is_some_and(|over| end.is_none_or(|end| over < end))
    }

    /// Uses patience for a wait at the service's request.
    pub(crate) fn spend(&mut self, requested: Duration) {
        let spent = requested.min(self.patience);
        self.patience -= spent;
        self.end = self.end.checked_add(spent).unwrap_or(self.end);
    }

    /// The limits of finding out the effect of a write in the time that is left.
    pub(crate) fn rest_of(&self, limits: &Limits) -> Limits {
        Limits {
            deadline: self.end.saturating_duration_since(Instant::now()),
            patience: Some(self.patience),
            rate_limit_reserve: 0,
            ..limits.clone()
        }
    }

    fn attempts_end(&self) -> Instant {
        self.end.checked_sub(self.reserve).unwrap_or(self.end)
    }
}

/// The setters of everything that has limits, and the field in which they are.
macro_rules! limit_setters {
    ($whose:literal, $($limits:ident).+) => {
        setters! {
            #[doc = concat!("Bounds the time of one attempt of ", $whose, ", from the connection to the end of the response (20 seconds unless set).")]
            with_attempt_timeout(self, timeout: std::time::Duration) {
                self.$($limits).+.attempt_timeout = timeout
            }

            #[doc = concat!("Bounds the time of ", $whose, " as a whole: attempts, waits, and finding out the effect of a write (60 seconds unless set).")]
            with_deadline(self, deadline: std::time::Duration) {
                self.$($limits).+.deadline = deadline
            }

            #[doc = concat!("Sets how long ", $whose, " may wait beyond its deadline at the service's request, which is the end of the rate limit's window or a `Retry-After` (not at all unless set). A longer wait is not begun, and is [`ErrorKind::RateLimited`](crate::ErrorKind::RateLimited). A wait for a response never exceeds the deadline.")]
            with_patience(self, patience: std::time::Duration) {
                self.$($limits).+.patience = Some(patience)
            }

            #[doc = concat!("Leaves this number of requests of each window of the rate limit to the same user's other tools: ", $whose, " waits for the next window, or fails, when no more remain (0 unless set; the service allows 1,200 in five minutes, so 60 is a reserve of 5 %). Finding out the effect of a write may use them. It has to be smaller than the window.")]
            with_rate_limit_reserve(self, requests: u64) {
                self.$($limits).+.rate_limit_reserve = requests
            }

            /// Sets how long a change of hostnames waits at least before it reads the list again
            /// (1 second unless set).
            with_settling(self, time: std::time::Duration) { self.$($limits).+.settle_time = time }

            /// Sets how long a change of hostnames waits, beyond the deadline, until reads show it
            /// (90 seconds unless set). Zero returns after the response to the change, and does not
            /// notice that another client changed the list at the same time.
            with_visibility_timeout(self, timeout: std::time::Duration) {
                self.$($limits).+.visibility_timeout = timeout
            }

            /// Sets how many requests a job over many certificates or zones may send at a time (8
            /// unless set).
            with_concurrency(self, max: usize) { self.$($limits).+.concurrency = max.max(1) }

            #[doc = concat!("Sets how often ", $whose, " is retried, and the delays between attempts.")]
            with_retry(self, retry: $crate::Retry) { self.$($limits).+.retry = retry }
        }
    };
}

pub(crate) use limit_setters;
