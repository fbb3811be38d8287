//! The simulated clock, and the two forms of dates in responses.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::sleep;

/// Time as the simulator sees it: what really passed, plus what a test added.
///
/// Inside the simulator a moment is the [`Duration`] since its start, which
/// cannot go backwards; calendar dates are made from it only for responses.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Timestamp,
    started: Instant,
    stands_still: bool,
    added_nanos: AtomicU64,
    advanced: Notify,
    waiting: AtomicUsize,
}

impl Clock {
    pub(crate) fn new(origin: SystemTime, stands_still: bool) -> Self {
        Self {
            origin: calendar(origin),
            started: Instant::now(),
            stands_still,
            added_nanos: AtomicU64::new(0),
            advanced: Notify::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(crate) fn advance(&self, by: Duration) {
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        // Saturates, because a clock that wraps would send tests to the past.
        let add = |old: u64| Some(old.saturating_add(nanos));
        let _ = self.added_nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.advanced.notify_waiters();
    }

    /// Advances, and lets first happen what was waiting for that.
    pub(crate) async fn step(&self, by: Duration) {
        self.advance(by);
        if 0 < self.waiting.load(Ordering::Relaxed) {
            yield_now().await;
        }
    }

    /// Waits until a moment has come.
    pub(crate) async fn reach(&self, moment: Duration) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        loop {
            let advanced = self.advanced.notified();
            let left = moment.saturating_sub(self.moment());
            if left.is_zero() {
                break;
            }
            let pass = async {
                match self.stands_still {
                    true => std::future::pending().await,
                    false => sleep(left).await,
                }
            };
            tokio::select! {
                () = advanced => {}
                () = pass => {}
            }
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// The moment: how long the simulator has run in its own time.
    pub(crate) fn moment(&self) -> Duration {
        let real = if self.stands_still { Duration::ZERO } else { self.started.elapsed() };
        real + Duration::from_nanos(self.added_nanos.load(Ordering::Relaxed))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.origin.checked_add(self.moment()).unwrap_or(self.origin)
    }

    pub(crate) fn system_time(&self) -> SystemTime {
        // Fails for dates that a system time cannot hold; `calendar` made them.
        SystemTime::try_from(self.now()).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// A system time as a calendar date; dates beyond the year 9999 become 1970.
pub(crate) fn calendar(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2122-10-29T16:59:47Z`, the form of `expires_on`.
pub(crate) fn seconds(at: Timestamp) -> String {
    if at == Timestamp::MAX {
        // The calendar ends a day before RFC 5280's date for "never".
        return "9999-12-31T23:59:59Z".to_owned();
    }
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2022-11-22T17:32:30.467938Z`, the form of `uploaded_on`.
pub(crate) fn microseconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_two_forms_of_the_service() {
        let table = [
            (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
            (1_669_138_350_467_938_000, "2022-11-22T17:32:30Z", "2022-11-22T17:32:30.467938Z"),
            (1_000, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000001Z"),
        ];
        for (nanos, short, long) in table {
            let at = calendar(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos));
            assert_eq!(seconds(at), short);
            assert_eq!(microseconds(at), long);
        }
    }

    #[test]
    fn stands_still_unless_advanced() {
        let clock = Clock::new(SystemTime::UNIX_EPOCH, true);
        assert_eq!(clock.moment(), Duration::ZERO);
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.moment(), Duration::from_secs(90));
        assert_eq!(seconds(clock.now()), "1970-01-01T00:01:30Z");
        clock.advance(Duration::MAX);
        assert!(clock.moment() > Duration::from_secs(90), "saturates instead of wrapping");
    }
}
