//! Numbers and dates to words and back: durations, sizes, shares, plurals, without false precision.
//!
//! Never: decides what is shown. Dates are UTC. The home of jiff outside the history walk.

use jiff::Timestamp;
use jiff::civil::Date;

/// A point in time, or a span before some other one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateOrSpan {
    /// Seconds since 1970.
    Date(i64),
    /// Seconds.
    Span(i64),
}

/// Reads `2025-01-31`, `2025-01-31T12:00:00Z`, `@1700000000`, `90d`, `6 months`, `2 weeks ago`.
/// A month counts as 30 days, a year as 365.
pub fn parse_date_or_span(text: &str) -> Option<DateOrSpan> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok().map(DateOrSpan::Date);
    }
    if let Ok(date) = text.parse::<Date>() {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(DateOrSpan::Date(midnight.timestamp().as_second()));
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(DateOrSpan::Date(timestamp.as_second()));
    }
    let span = text.strip_suffix("ago").unwrap_or(text).trim();
    let digits = span.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = span[..digits].parse().ok()?;
    let seconds = match span[digits..]
        .trim_start_matches([' ', '.'])
        .trim_end_matches('s')
    {
        "h" | "hour" => 3_600,
        "d" | "day" => DAY,
        "w" | "week" => 7 * DAY,
        "month" | "mo" => 30 * DAY,
        "y" | "year" => 365 * DAY,
        _ => return None,
    };
    count.checked_mul(seconds).map(DateOrSpan::Span)
}

const DAY: i64 = 86_400;

/// Reads `250ms`, `30s`, `4m`, `1m30s`, `1h 2m`, `1.5m` as milliseconds.
pub fn parse_duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let factor = match &rest[..end] {
            "ms" => 1.0,
            "s" | "sec" => 1_000.0,
            "m" | "min" => 60_000.0,
            "h" => 3_600_000.0,
            _ => return None,
        };
        let milliseconds = number * factor;
        if !milliseconds.is_finite() || milliseconds > 1e15 {
            return None;
        }
        total = total.checked_add(milliseconds.round() as u64)?;
        rest = rest[end..].trim_start();
    }
    Some(total)
}

/// A day: `2025-01-31`; `an unknown day` where the time is outside the calendar.
pub fn date(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%d").to_string(),
        Err(_) => "an unknown day".to_owned(),
    }
}

/// A duration, to two figures that matter: `<0.1 s`, `0.4 s`, `12 s`, `4 min 10 s`, `2 h 10 min`, `30 h`, `11 days`.
pub fn duration(milliseconds: u64) -> String {
    let to = |unit: u64| (milliseconds + unit / 2) / unit;
    let (seconds, tens, minutes, ten_minutes) = (to(1_000), to(10_000), to(60_000), to(600_000));
    let parts = |whole: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{whole} {unit}"),
        rest => format!("{whole} {unit} {rest} {small}"),
    };
    match milliseconds {
        0 => "0 s".to_owned(),
        1..50 => "<0.1 s".to_owned(),
        50..9_950 => format!("{:.1} s", milliseconds as f64 / 1_000.0),
        _ if seconds < 60 => format!("{seconds} s"),
        _ if tens < 60 => parts(tens / 6, "min", tens % 6 * 10, "s"),
        _ if minutes < 60 => format!("{minutes} min"),
        _ if ten_minutes < 60 => parts(ten_minutes / 6, "h", ten_minutes % 6 * 10, "min"),
        _ if minutes < 48 * 60 => format!("{} h", to(3_600_000)),
        _ => count(to(86_400_000), "day", "days"),
    }
}

/// A signed change of a duration: `+12 s`, `−4 min 10 s`, `±0 s`.
pub fn duration_change(milliseconds: i64) -> String {
    match milliseconds {
        0 => "±0 s".to_owned(),
        1.. => format!("+{}", duration(milliseconds.unsigned_abs())),
        _ => format!("−{}", duration(milliseconds.unsigned_abs())),
    }
}

/// A size in powers of ten: `812 B`, `4.1 kB`, `63 MB`, `1.2 GB`.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 999.5 {
            break;
        }
        value /= 1_000.0;
        unit = next;
    }
    match unit {
        "B" => format!("{n} B"),
        _ if value < 9.95 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// A share as whole percent; never `0%` for something nor `100%` for not all.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = (200 * u128::from(part) + u128::from(whole)) / (2 * u128::from(whole));
    match percent {
        0 if part > 0 => "<1%".to_owned(),
        100.. if part < whole => ">99%".to_owned(),
        _ => format!("{percent}%"),
    }
}

/// `1 build`, `1,204 builds`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// A whole number with commas between thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let mut out = digits[..head].to_owned();
    for chunk in digits.as_bytes()[head..].chunks(3) {
        if !out.is_empty() {
            out.push(',');
        }
        out.extend(chunk.iter().map(|&b| char::from(b)));
    }
    out
}

/// A list in words, at most `most` items: `a, b, c and 12 more`.
pub fn list(items: &[String], total: usize, most: usize) -> String {
    let shown = items.len().min(most);
    let rest = total.saturating_sub(shown);
    let mut out = items[..shown].join(", ");
    if rest > 0 {
        let more = format!("{} more", grouped(rest as u64));
        out = if out.is_empty() {
            more
        } else {
            format!("{out} and {more}")
        };
    }
    out
}

/// Cuts a text to `width` characters, with an ellipsis for what is left out; control characters become blanks.
pub fn clip(text: &str, width: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= width {
        return text.chars().map(clean).collect();
    }
    let mut out: String = text
        .chars()
        .take(width.saturating_sub(1))
        .map(clean)
        .collect();
    // A text that was already cut there keeps one ellipsis.
    out.truncate(
        out.trim_end_matches(|c: char| c.is_whitespace() || c == '…')
            .len(),
    );
    out.push('…');
    out
}

/// A text of an instruction on one line: runs of blanks become one.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whole days between two times, at least one.
pub fn days(from: i64, to: i64) -> u64 {
    (to.saturating_sub(from) / DAY).max(1).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_two_figures() {
        for (ms, want) in [
            (0, "0 s"),
            (20, "<0.1 s"),
            (420, "0.4 s"),
            (9_940, "9.9 s"),
            (9_960, "10 s"),
            (59_400, "59 s"),
            (59_600, "1 min"),
            (250_000, "4 min 10 s"),
            (1_500_000, "25 min"),
            (3_590_000, "1 h"),
            (108_000_000, "30 h"),
            (7_500_000, "2 h 10 min"),
            (950_400_000, "11 days"),
        ] {
            assert_eq!(duration(ms), want, "{ms}");
        }
        assert_eq!(duration_change(-12_000), "−12 s");
    }

    #[test]
    fn durations_are_read() {
        for (text, want) in [
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("1h 2m", Some(3_720_000)),
            ("1.5m", Some(90_000)),
            ("250ms", Some(250)),
            ("", None),
            ("5", None),
            ("5x", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(parse_duration(text), want, "{text}");
        }
    }

    #[test]
    fn dates_and_spans_are_read() {
        for (text, want) in [
            ("1970-01-02", Some(DateOrSpan::Date(86_400))),
            ("1970-01-01T00:01:00Z", Some(DateOrSpan::Date(60))),
            ("@5", Some(DateOrSpan::Date(5))),
            ("90d", Some(DateOrSpan::Span(90 * 86_400))),
            ("6 months", Some(DateOrSpan::Span(180 * 86_400))),
            ("2 weeks ago", Some(DateOrSpan::Span(14 * 86_400))),
            ("3.months.ago", None),
            ("yesterday", None),
            ("", None),
            ("12", None),
            ("9223372036854775807y", None),
        ] {
            assert_eq!(parse_date_or_span(text), want, "{text}");
        }
    }

    #[test]
    fn shares_do_not_lie_at_the_ends() {
        for (part, whole, want) in [
            (0, 10, "0%"),
            (1, 1000, "<1%"),
            (999, 1000, ">99%"),
            (1000, 1000, "100%"),
            (1, 3, "33%"),
            (0, 0, "–"),
        ] {
            assert_eq!(share(part, whole), want);
        }
    }

    #[test]
    fn sizes_counts_and_lists() {
        assert_eq!(
            [bytes(812), bytes(4_100), bytes(62_700_000), bytes(999_600)],
            ["812 B", "4.1 kB", "63 MB", "1.0 MB"]
        );
        assert_eq!(count(1, "build", "builds"), "1 build");
        assert_eq!(count(1_234_567, "build", "builds"), "1,234,567 builds");
        let items: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(list(&items, 3, 5), "a, b, c");
        assert_eq!(list(&items, 14, 2), "a, b and 12 more");
        assert_eq!(list(&[], 4, 2), "4 more");
    }

    #[test]
    fn clipping_counts_characters_and_removes_controls() {
        assert_eq!(clip("añb\tc", 5), "añb c");
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("ab cdef", 4), "ab…");
        assert_eq!(clip("ab/… (12)", 5), "ab/…");
    }

    #[test]
    fn dates_outside_the_calendar_do_not_panic() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(i64::MAX), "an unknown day");
        assert_eq!(days(i64::MIN, i64::MAX), (i64::MAX as u64) / 86_400);
        assert_eq!(days(10, 5), 1);
    }
}
