//! The rate limit: a fixed window of time.

use std::time::Duration;

/// How many requests a window of time allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) quota: u64,
    pub(crate) window: Duration,
}

/// The counter behind `Ratelimit`: a fixed window that opens with the first
/// request and, once exceeded, refuses everything until it ends.
#[derive(Debug)]
pub(crate) struct RateLimit {
    policy: Policy,
    opened: Option<Duration>,
    used: u64,
}

/// What the rate limit headers of a response say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WindowState {
    pub(crate) allowed: bool,
    pub(crate) quota: u64,
    pub(crate) remaining: u64,
    pub(crate) window_secs: u64,
    pub(crate) reset_secs: u64,
}

impl RateLimit {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, opened: None, used: 0 }
    }

    /// Counts a request.
    pub(crate) fn take(&mut self, now: Duration) -> WindowState {
        self.settle(now);
        self.opened.get_or_insert(now);
        self.used = self.used.saturating_add(1);
        self.standing(now)
    }

    /// Where the window stands, without counting anything.
    pub(crate) fn look(&mut self, now: Duration) -> WindowState {
        self.settle(now);
        self.standing(now)
    }

    fn settle(&mut self, now: Duration) {
        if self.opened.is_some_and(|opened| opened + self.policy.window <= now) {
            self.opened = None;
            self.used = 0;
        }
    }

    fn standing(&self, now: Duration) -> WindowState {
        let end = self.opened.unwrap_or(now) + self.policy.window;
        WindowState {
            allowed: self.used <= self.policy.quota,
            quota: self.policy.quota,
            remaining: self.policy.quota.saturating_sub(self.used),
            window_secs: whole_seconds(self.policy.window),
            reset_secs: whole_seconds(end.saturating_sub(now)),
        }
    }
}

/// Rounded up: a client that waits this long must find the window open.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_from_the_first_excess_until_the_window_ends() {
        let mut limit = RateLimit::new(Policy { quota: 2, window: Duration::from_secs(10) });
        // (moment in ms, allowed, remaining, seconds to reset)
        let table = [
            (1_000, true, 1, 10),
            (1_500, true, 0, 10),
            (2_000, false, 0, 9),
            (10_999, false, 0, 1),
            (11_000, true, 1, 10),
        ];
        for (at, allowed, remaining, reset) in table {
            let standing = limit.take(Duration::from_millis(at));
            let got = (standing.allowed, standing.remaining, standing.reset_secs);
            assert_eq!(got, (allowed, remaining, reset), "at {at} ms");
        }
    }

    #[test]
    fn looking_counts_nothing() {
        let mut limit = RateLimit::new(Policy { quota: 1, window: Duration::from_secs(1) });
        for _ in 0..5 {
            assert_eq!(limit.look(Duration::ZERO).remaining, 1);
        }
        assert!(limit.take(Duration::ZERO).allowed);
    }
}
