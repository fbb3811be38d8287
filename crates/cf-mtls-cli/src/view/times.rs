//! Durations and dates, as people write them.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, civil};

const SPANS: &str = "30s, 5m, 12h, 30d or 1y";

/// Reads `30s`, `5m` or `1h 30m`, and a number alone as seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.trim().parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let span = read(text, "30s, 5m, 12h or 30d")?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "months and years differ in length; use days, hours, minutes or seconds")?;
    Duration::try_from(duration).map_err(|_| "it is negative".to_owned())
}

/// Reads a duration that is not zero.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it is zero".to_owned()),
        duration => Ok(duration),
    }
}

/// Reads `30d`, `8w` or `1y`, and counts from now in the calendar.
pub(crate) fn ahead(text: &str) -> Result<Timestamp, String> {
    from_now(read(text, SPANS)?)
}

/// Likewise, into the past.
pub(crate) fn ago(text: &str) -> Result<Timestamp, String> {
    from_now(read(text, SPANS)?.negate())
}

fn from_now(span: Span) -> Result<Timestamp, String> {
    let moment = Timestamp::now().to_zoned_datetime(TimeZone::UTC).checked_add(span);
    moment.map(|it| it.timestamp()).map_err(|_| "it is beyond the calendar".to_owned())
}

fn read(text: &str, examples: &str) -> Result<Span, String> {
    match text.trim().parse::<Span>() {
        Ok(span) if span.is_negative() => Err("it is negative".to_owned()),
        Ok(span) => Ok(span),
        Err(_) => Err(format!("expected a duration such as {examples}")),
    }
}

/// Reads `2027-01-31` or `2027-01-31 12:00`, which are in UTC, or a time with an
/// offset. What lies beyond the calendar becomes its end.
pub(crate) fn date(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    // The name of a time zone would be ignored.
    let utc = text.parse::<civil::DateTime>().ok();
    let Some(utc) = utc.filter(|_| !text.contains('[')) else {
        return Err("expected a date such as 2027-01-31 or 2027-01-31T12:00:00Z".to_owned());
    };
    let zoned = utc.to_zoned_datetime(TimeZone::UTC);
    Ok(zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

/// `in 12 days`, or `expired 3 hours ago`.
pub(crate) fn expiry(end: Timestamp, now: Timestamp) -> String {
    if end == Timestamp::MAX {
        return "never".to_owned();
    }
    let left = end.duration_since(now);
    let about = about(left.unsigned_abs());
    if left.is_positive() { format!("in {about}") } else { format!("expired {about} ago") }
}

fn about(duration: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    let seconds = duration.as_secs();
    // Rounded down: nothing seems to last longer than it does.
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..=172_799 => (seconds / HOUR, "hour"),
        172_800..63_072_000 => (seconds / DAY, "day"),
        _ => (seconds / YEAR, "year"),
    };
    counted(count, unit)
}

/// `1 zone`, or `2 zones`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
