//! What the standard headers of a response say.

use std::time::Duration;

use http::HeaderValue;

use crate::ResponseHead;

impl ResponseHead {
    /// How many requests the rate limit leaves, and until when, by `Ratelimit`.
    #[must_use]
    pub fn remaining(&self) -> Option<(u64, Duration)> {
        ratelimit(self.ratelimit())
    }

    /// How long the service asks to wait: the longest, if it does so more than once.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after().filter_map(retry_after).max()
    }
}

/// Reads lines of `"default";r=50;t=30`: the requests that remain, and the seconds
/// until the window ends. Of several policies, separated by commas or lines, the
/// tightest counts.
pub fn ratelimit<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> Option<(u64, Duration)> {
    let mut tightest: Option<(u64, Duration)> = None;
    for line in lines {
        let (mut remaining, mut seconds, mut rest) = (None, None, line.as_bytes());
        // Every response has it, so the bytes are walked once.
        loop {
            let end = rest.iter().position(|byte| matches!(byte, b',' | b';'));
            let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
            match part.trim_ascii() {
                [b'r', b'=', digits @ ..] => remaining = number(digits),
                [b't', b'=', digits @ ..] => seconds = number(digits),
                _ => {}
            }
            if !after.starts_with(b";")
                && let (Some(remaining), Some(seconds)) = (remaining.take(), seconds.take())
                && tightest.is_none_or(|(less, _)| remaining < less)
            {
                tightest = Some((remaining, Duration::from_secs(seconds)));
            }
            match after {
                [_, after @ ..] => rest = after,
                [] => break,
            }
        }
    }
    tightest
}

/// Digits only; no sign, and no more than fit.
fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| {
        let digit = Some(digit.wrapping_sub(b'0')).filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    let first = digits.first().map(|_| 0)?;
    digits.iter().try_fold(first, add)
}

/// Reads `Retry-After`: seconds, or an HTTP date in one of its three forms.
pub fn retry_after(value: &HeaderValue) -> Option<Duration> {
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
pub fn date(text: &str) -> Option<jiff::Timestamp> {
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
