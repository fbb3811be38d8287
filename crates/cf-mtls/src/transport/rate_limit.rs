//! The service's rate limit, as its answers tell it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cf_mtls_api::Answer;
use http::HeaderValue;
use tokio::time::Instant;

/// Longer than any window of the service: after this, one request may find out
/// whether what a header said still holds.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The service tells whole seconds, so the end of one window differs by up to
/// one from answer to answer, and by the way that an answer takes.
const SLACK: Duration = Duration::from_secs(2);

/// What is known of the rate limit. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct RateLimit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    window: Option<Window>,
    /// Requests that the last answer may not have counted yet.
    under_way: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    remaining: u64,
    ends: Instant,
}

/// Leave to send one request. Dropped when its answer has been learnt from, or
/// will not come.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a RateLimit);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way = state.under_way.saturating_sub(1);
    }
}

impl RateLimit {
    /// Gives leave for one request, or says when there will be more.
    pub(crate) fn take(&self, now: Instant) -> Result<Permit<'_>, Instant> {
        let mut state = self.state();
        match state.window {
            Some(known) if now < known.ends && known.remaining <= state.under_way => {
                return Err(known.ends);
            }
            _ => {}
        }
        state.under_way += 1;
        Ok(Permit(self))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from an answer.
    pub(crate) fn observe(&self, answer: &Answer, retry_after: Option<Duration>, now: Instant) {
        let told = if answer.status == http::StatusCode::TOO_MANY_REQUESTS {
            retry_after.map(|wait| (0, wait))
        } else {
            None
        };
        self.learn(told.or_else(|| parse(answer.ratelimit()?)), now);
    }

    fn learn(&self, told: Option<(u64, Duration)>, now: Instant) {
        let Some((remaining, wait)) = told else {
            return;
        };
        let Some(ends) = now.checked_add(wait.min(LONGEST)) else {
            return;
        };
        let mut state = self.state();
        let mut window = Window { remaining, ends };
        if let Some(known) = state.window
            && now < known.ends
            && (known.remaining == 0 || ends <= known.ends + SLACK)
        {
            // Answers arrive out of order, and within a window the count only
            // falls: the least that was told holds until the window ends.
            window.remaining = remaining.min(known.remaining);
            window.ends = match window.remaining {
                0 => ends.max(known.ends),
                _ => known.ends,
            };
        }
        state.window = Some(window);
    }
}

/// Reads `"default";r=50;t=30`: what remains, and the seconds until it is more.
/// Of several policies, separated by commas, the tightest counts.
pub(crate) fn parse(value: &HeaderValue) -> Option<(u64, Duration)> {
    let mut tightest: Option<(u64, Duration)> = None;
    // Every answer is read, so the bytes are walked once.
    for policy in value.as_bytes().split(|byte| *byte == b',') {
        let (mut remaining, mut seconds) = (None, None);
        for part in policy.split(|byte| *byte == b';').skip(1) {
            match part.trim_ascii() {
                [b'r', b'=', digits @ ..] => remaining = number(digits),
                [b't', b'=', digits @ ..] => seconds = number(digits),
                _ => {}
            }
        }
        if let (Some(remaining), Some(seconds)) = (remaining, seconds)
            && tightest.is_none_or(|(less, _)| remaining < less)
        {
            tightest = Some((remaining, Duration::from_secs(seconds)));
        }
    }
    tightest
}

/// Digits only; no sign, and no more than fit.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Reads `Retry-After`: seconds, or an HTTP date in one of its three forms.
pub(crate) fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a long wait all the same.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let wait = date(text)?.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// Reads an HTTP date in the form of today, or in one of the two older forms
/// that a recipient has to understand.
fn date(text: &str) -> Option<jiff::Timestamp> {
    const OLDER: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    if let Ok(date) = jiff::fmt::rfc2822::parse(text) {
        return Some(date.timestamp());
    }
    let utc = |date: jiff::civil::DateTime| jiff::tz::Offset::UTC.to_timestamp(date).ok();
    let older = |form| jiff::civil::DateTime::strptime(form, text).ok();
    OLDER.into_iter().find_map(older).and_then(utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_remains() {
        let seconds = Duration::from_secs;
        let table = [
            ("\"default\";r=50;t=30", Some((50, seconds(30)))),
            ("default; t=30 ; r=0", Some((0, seconds(30)))),
            ("\"a\";r=9;t=1, \"b\";r=3;t=20", Some((3, seconds(20)))),
            ("\"default\";r=50", None),
            ("\"default\";r=-1;t=30", None),
            ("\"default\";r=99999999999999999999999;t=1", None),
            ("", None),
            (";;;===,,", None),
        ];
        for (text, want) in table {
            assert_eq!(
                parse(&HeaderValue::from_str(text).unwrap()),
                want,
                "{text:?}"
            );
        }
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let wait = |text: &str| retry_after(&HeaderValue::from_str(text).unwrap());
        assert_eq!(wait("30"), Some(Duration::from_secs(30)));
        assert_eq!(
            wait("99999999999999999999999"),
            Some(Duration::from_secs(u64::MAX))
        );
        for past in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(wait(past), Some(Duration::ZERO), "{past}");
        }
        for text in ["", "-5", "1.5", "soon", "Mon, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wait(text), None, "{text:?}");
        }
        let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(600);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&later)
            .unwrap();
        let wait = wait(&date).unwrap();
        assert!(
            (590..=600).contains(&wait.as_secs()),
            "{date} gives {wait:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_the_window_when_nothing_remains() {
        let limit = RateLimit::default();
        let now = Instant::now();
        let learn = |remaining: &str, now| {
            let ratelimit = format!("\"default\";r={remaining};t=30");
            limit.learn(parse(&HeaderValue::from_str(&ratelimit).unwrap()), now);
        };
        let free = |now| limit.take(now).is_ok();
        assert!(free(now), "nothing is known at first");
        learn("2", now);
        let first = limit.take(now).unwrap();
        let second = limit.take(now).unwrap();
        let end = now + Duration::from_secs(30);
        assert_eq!(limit.take(now).unwrap_err(), end, "two are under way");
        drop(first);
        assert!(free(now), "one of them did not count after all");
        learn("0", now);
        drop(second);
        assert_eq!(limit.take(now).unwrap_err(), end);
        learn("7", now);
        assert!(!free(now), "an answer from before opens nothing");
        assert!(free(end), "the window has ended");
        learn("2", end);
        learn("4", end);
        let under_way = [limit.take(end).unwrap(), limit.take(end).unwrap()];
        assert!(!free(end), "an answer that was overtaken adds nothing");
        drop(under_way);
        let later = end + Duration::from_secs(5);
        learn("4", later);
        let under_way = [limit.take(later).unwrap(), limit.take(later).unwrap()];
        assert!(free(later), "a later end is another window");
        drop(under_way);
    }
}
