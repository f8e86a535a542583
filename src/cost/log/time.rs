//! Times and durations as builders and CIs print them.

/// `2026-11-22T00:03:21.66593378Z`, also with an offset or a blank in place of `T`, as milliseconds since 1970.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    if b.len() < 19 || b.len() > 48 || !text.is_ascii() {
        return None;
    }
    let is_shaped = b[4] == b'-'
        && b[7] == b'-'
        && matches!(b[10], b'T' | b' ' | b't')
        && b[13] == b':'
        && b[16] == b':';
    if !is_shaped {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .bytes()
            .all(|c| c.is_ascii_digit())
            .then(|| text[from..to].parse::<i64>().ok())
            .flatten()
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let mut rest = &text[19..];
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        ms = format!("{:0<3}", &fraction[..digits])
            .get(..3)?
            .parse()
            .ok()?;
        rest = &fraction[digits..];
    }
    let offset = match rest {
        "" | "Z" | "z" => 0,
        _ => {
            let sign = if rest.starts_with('-') { -1 } else { 1 };
            let digits: String = rest
                .strip_prefix(['+', '-'])?
                .chars()
                .filter(|c| *c != ':')
                .collect();
            if digits.len() != 4 || !digits.bytes().all(|c| c.is_ascii_digit()) {
                return None;
            }
            sign * (digits[..2].parse::<i64>().ok()? * 60 + digits[2..].parse::<i64>().ok()?)
        }
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
    Some(seconds * 1000 + ms)
}

/// Days from 1970-01-01 in the Gregorian calendar, counted from March so that the leap day ends a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `1.2s`, `0.05s`, `350ms`, `2m3.5s` in milliseconds.
pub(super) fn parse_duration(text: &str) -> Option<u64> {
    let mut total = 0f64;
    let mut rest = text;
    if rest.is_empty() || rest.len() > 32 {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (scale, len) = [
            ("ms", 1.0),
            ("µs", 0.001),
            ("us", 0.001),
            ("ns", 1e-6),
            ("s", 1000.0),
            ("m", 60_000.0),
            ("h", 3_600_000.0),
        ]
        .into_iter()
        .find(|(unit, _)| rest.starts_with(unit))
        .map(|(unit, scale)| (scale, unit.len()))?;
        total += number * scale;
        rest = &rest[len..];
    }
    (total < 1e12).then_some(total.round() as u64)
}

/// `1.66MB`, `123B`, `12kB`, `3.5 GB`, `1.2GiB` in bytes (decimal units, as docker prints).
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .bytes()
        .take_while(|b| b.is_ascii_digit() || *b == b'.')
        .count();
    let number: f64 = text.get(..digits)?.parse().ok()?;
    let scale = match text[digits..].trim() {
        "" | "B" => 1.0,
        "kB" | "KB" | "k" => 1e3,
        "MB" | "M" => 1e6,
        "GB" | "G" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number * scale;
    (bytes < 1e16).then_some(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(parse_time("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            parse_time("2026-11-22T00:03:21.66593378Z"),
            Some(1_795_305_801_665)
        );
        assert_eq!(
            parse_time("2026-11-22 01:03:21.5+01:00"),
            Some(1_795_305_801_500)
        );
        assert_eq!(
            parse_time("2024-02-29T23:59:59-0030"),
            Some(1_709_252_999_000)
        );
        for wrong in [
            "",
            "2026-11-22",
            "2026-13-22T00:03:21Z",
            "2026-11-22T00:03:21+1",
            "2026-11-22T00:03:2\u{e9}",
        ] {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_and_sizes() {
        assert_eq!(parse_duration("1.2s"), Some(1200));
        assert_eq!(parse_duration("350ms"), Some(350));
        assert_eq!(parse_duration("2m3.5s"), Some(123_500));
        assert_eq!(parse_duration("1.2"), None);
        assert_eq!(parse_duration("..s"), None);
        assert_eq!(parse_size("1.66MB"), Some(1_660_000));
        assert_eq!(parse_size("123B"), Some(123));
        assert_eq!(parse_size("2 GiB"), Some(2_147_483_648));
        assert_eq!(parse_size("x"), None);
    }
}
