//! The service's rate limit, as its responses describe it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cf_mtls_api::ResponseHead;
use http::HeaderValue;
use tokio::time::Instant;

/// Longer than any window of the service. After that, a request may find out
/// whether a header still holds.
const MAX_WINDOW: Duration = Duration::from_secs(10 * 60);

/// The service sends whole seconds, so the end of one window varies by up to one
/// between responses, and by the time that they travel.
const SLACK: Duration = Duration::from_secs(2);

/// What is known of the rate limit. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct RateLimit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    window: Option<Window>,
    /// Requests that the last response may not have counted yet.
    in_flight: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    remaining: u64,
    ends: Instant,
}

/// Permission to send one request. Dropped when the rate limit knows its response,
/// or there is none.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a RateLimit);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl RateLimit {
    /// Permits one request, or returns when the window ends.
    pub(crate) fn take(&self, now: Instant) -> Result<Permit<'_>, Instant> {
        let mut state = self.state();
        match state.window {
            Some(known) if now < known.ends && known.remaining <= state.in_flight => {
                return Err(known.ends);
            }
            _ => {}
        }
        state.in_flight += 1;
        Ok(Permit(self))
    }

    /// Permits one request, whatever remains.
    pub(crate) fn take_regardless(&self) -> Permit<'_> {
        self.state().in_flight += 1;
        Permit(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from a response.
    pub(crate) fn observe(&self, head: &ResponseHead, retry_after: Option<Duration>, now: Instant) {
        let is_limited = head.status == http::StatusCode::TOO_MANY_REQUESTS;
        let closed = retry_after.filter(|wait| is_limited && !wait.is_zero());
        let closed = closed.map(|wait| (0, wait));
        if let Some((remaining, wait)) = closed.or_else(|| parse(head.ratelimit())) {
            self.learn(remaining, wait, now);
        }
    }

    fn learn(&self, remaining: u64, wait: Duration, now: Instant) {
        let Some(ends) = now.checked_add(wait.min(MAX_WINDOW)) else {
            return;
        };
        let mut state = self.state();
        let mut window = Window { remaining, ends };
        if let Some(known) = state.window
            && now < known.ends
            && (known.remaining == 0 || ends <= known.ends + SLACK)
        {
            // Responses arrive out of order, and within a window the count only falls:
            // the lowest one holds until the window ends.
            window.remaining = remaining.min(known.remaining);
            window.ends = match window.remaining {
                0 => ends.max(known.ends),
                _ => known.ends,
            };
        }
        state.window = Some(window);
    }
}

/// Reads lines of `"default";r=50;t=30`: the requests that remain, and the seconds
/// until the window ends. Of several policies, separated by commas or lines, the
/// tightest counts.
pub(crate) fn parse<'a>(
    lines: impl IntoIterator<Item = &'a HeaderValue>,
) -> Option<(u64, Duration)> {
    let mut tightest: Option<(u64, Duration)> = None;
    // Every response has it, so the bytes are walked once.
    let lines = lines.into_iter();
    for policy in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
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
    let is_number = digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok()?.parse().ok().filter(|_| is_number)
}

/// Reads `Retry-After`: seconds, or an HTTP date in one of its three forms.
pub(crate) fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a long wait, too.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let wait = date(text)?.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// Reads an HTTP date in the form of today, or in one of the two older forms
/// that a recipient has to understand. One too far off for a timestamp is the last.
pub(crate) fn date(text: &str) -> Option<jiff::Timestamp> {
    const FORMS: [&str; 3] =
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    if let Ok(date) = jiff::fmt::rfc2822::parse(text) {
        return Some(date.timestamp());
    }
    let civil = |form| jiff::civil::DateTime::strptime(form, text).ok();
    let date = FORMS.into_iter().find_map(civil)?;
    let utc = jiff::tz::Offset::UTC.to_timestamp(date);
    Some(utc.unwrap_or(jiff::Timestamp::MAX))
}
