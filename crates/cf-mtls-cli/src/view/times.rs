//! Durations and dates, as people write them.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil};

/// Certificates that expire earlier are marked.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Reads `30s`, `5m` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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

/// Reads `30d`, `8w` or `1y`, to be counted in the calendar.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    read(text, "30s, 5m, 12h, 30d or 1y")
}

fn read(text: &str, examples: &str) -> Result<Span, String> {
    match text.trim().parse::<Span>() {
        Ok(span) if span.is_negative() => Err("it is negative".to_owned()),
        Ok(span) => Ok(span),
        Err(_) => Err(format!("expected a duration such as {examples}")),
    }
}

/// `span` after `now`.
pub(crate) fn after(now: Timestamp, span: Span) -> Result<Timestamp, String> {
    let zoned = now.to_zoned_datetime(TimeZone::UTC).checked_add(span);
    let zoned = zoned.map_err(|_| "it is beyond the calendar".to_owned())?;
    Ok(zoned.timestamp())
}

/// Reads `2027-01-31` (midnight UTC), or a time with an offset.
pub(crate) fn date(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let bad = |_| "expected a date such as 2027-01-31 or 2027-01-31T12:00:00Z".to_owned();
    let date: civil::Date = text.parse().map_err(bad)?;
    let zoned = date.to_zoned_datetime(TimeZone::UTC);
    Ok(zoned
        .map_err(|_| "it is beyond the calendar".to_owned())?
        .timestamp())
}

/// How soon a certificate expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    Expired,
    Soon,
    Fine,
}

pub(crate) fn urgency(end: Timestamp, now: Timestamp) -> Urgency {
    let left = end.duration_since(now);
    if !left.is_positive() {
        Urgency::Expired
    } else if left < SOON {
        Urgency::Soon
    } else {
        Urgency::Fine
    }
}

/// `in 12 days`, or `expired 3 hours ago`.
pub(crate) fn expiry(end: Timestamp, now: Timestamp) -> String {
    let left = end.duration_since(now);
    let about = about(left.unsigned_abs());
    match left.is_positive() {
        true => format!("in {about}"),
        false => format!("expired {about} ago"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        let table = [
            ("30s", Some(30)),
            ("5m", Some(300)),
            ("1h 30m", Some(5400)),
            ("2d", Some(172_800)),
            ("1 week", Some(604_800)),
            ("0s", Some(0)),
            ("30", None),
            ("", None),
            ("-5s", None),
            ("soon", None),
        ];
        for (text, want) in table {
            let got = duration(text).ok().map(|duration| duration.as_secs());
            assert_eq!(got, want, "{text:?}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_duration() {
        let table = [
            ("-5s", "it is negative"),
            ("30", "expected a duration such as 30s, 5m, 12h, 30d or 1y"),
            ("", "expected a duration such as 30s, 5m, 12h, 30d or 1y"),
        ];
        for (text, want) in table {
            assert_eq!(span(text).unwrap_err(), want, "{text:?}");
        }
        let year = duration("1y").unwrap_err();
        assert!(year.ends_with("use days, hours, minutes or seconds"));
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let beyond = after(now, span("19000y").unwrap()).unwrap_err();
        assert_eq!(beyond, "it is beyond the calendar");
    }

    #[test]
    fn writes_an_expiry() {
        use Urgency::{Expired, Fine, Soon};
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let table = [
            ("2026-03-01T00:00:00Z", "expired 0 seconds ago", Expired),
            ("2026-02-26T00:00:00Z", "expired 3 days ago", Expired),
            ("2026-03-01T00:01:00Z", "in 1 minute", Soon),
            ("2026-03-02T12:00:00Z", "in 36 hours", Soon),
            ("2026-03-13T12:00:00Z", "in 12 days", Soon),
            ("2026-04-13T00:00:00Z", "in 43 days", Fine),
            ("2122-10-29T16:59:47Z", "in 96 years", Fine),
        ];
        for (end, text, urgent) in table {
            let end = end.parse().unwrap();
            let got = (expiry(end, now), urgency(end, now));
            assert_eq!(got, (text.to_owned(), urgent));
        }
    }

    #[test]
    fn reads_dates_and_spans_in_the_calendar() {
        let moment = |text: &str| date(text).map(|moment| moment.to_string());
        assert_eq!(moment("2027-01-31").unwrap(), "2027-01-31T00:00:00Z");
        assert_eq!(
            moment("2027-01-31T12:00:00+02:00").unwrap(),
            "2027-01-31T10:00:00Z"
        );
        assert!(moment("31.1.2027").is_err());
        let now = "2024-02-29T00:00:00Z".parse().unwrap();
        let end = after(now, span("1y").unwrap()).unwrap();
        assert_eq!(end.to_string(), "2025-02-28T00:00:00Z");
    }
}
