//! Taking off what a CI puts around a line: time stamps, group and section markers, colours, carriage returns.

use super::time::parse_time;

/// Longer lines are cut: no builder prints such, and a hostile one must not fill the memory twice over.
const MAX_LINE: usize = 1 << 20;

/// One line of a builder's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Without line break, colours, stamps and markers.
    pub(super) text: String,
    /// When the CI saw it, milliseconds since 1970.
    pub(super) time: Option<i64>,
}

/// The lines of a log. A carriage return ends a line too: what it overwrote on a terminal was printed before it.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line> + '_ {
    text.split('\n').flat_map(|raw| {
        let raw = cut(raw).trim_start_matches('\u{feff}');
        let (time, rest) = stamp(raw);
        let rest = rest.to_owned();
        let mut lines: Vec<Line> = rest
            .split('\r')
            .map(|piece| Line {
                text: plain(piece),
                time,
            })
            .filter(|l| !l.text.is_empty())
            .collect();
        // Sections of GitLab carry the second at which they begin and end.
        for line in &mut lines {
            if let Some(seconds) = section(&line.text) {
                line.time = line.time.or(seconds.checked_mul(1000));
                line.text.clear();
            }
        }
        lines
    })
}

/// At most [`MAX_LINE`] bytes, whole characters.
fn cut(raw: &str) -> &str {
    let mut end = raw.len().min(MAX_LINE);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    &raw[..end]
}

/// The time stamp a CI put in front, and the rest of the line.
fn stamp(raw: &str) -> (Option<i64>, &str) {
    // `gh run view --log`: job, step and line between tabs.
    let after_tabs = raw
        .splitn(3, '\t')
        .nth(2)
        .filter(|r| leading_time(r).is_some());
    let line = after_tabs.unwrap_or(raw);
    // Jenkins and others put it in brackets.
    let bracketed = line
        .strip_prefix('[')
        .and_then(|r| r.split_once("] "))
        .filter(|(t, _)| parse_time(t).is_some());
    if let Some((time, rest)) = bracketed {
        return (parse_time(time), rest);
    }
    match leading_time(line) {
        Some((time, rest)) => (Some(time), stream_mark(rest)),
        None => (None, line),
    }
}

fn leading_time(line: &str) -> Option<(i64, &str)> {
    if !line.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let end = line.find(' ').unwrap_or(line.len());
    let time = parse_time(&line[..end])?;
    Some((time, line.get(end + 1..).unwrap_or("")))
}

/// GitLab marks the stream behind its stamps: `01O `, `01E+`.
fn stream_mark(rest: &str) -> &str {
    let b = rest.as_bytes();
    let is_mark = b.len() >= 4
        && b[0].is_ascii_hexdigit()
        && b[1].is_ascii_hexdigit()
        && matches!(b[2], b'O' | b'E')
        && matches!(b[3], b' ' | b'+');
    if is_mark { &rest[4..] } else { rest }
}

/// Without escape sequences, other control characters, and the markers of groups.
fn plain(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    let mut chars = piece.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // Up to the letter that ends the sequence.
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // Up to the bell or the string terminator.
                Some(']') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\t' => out.push('\t'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    for marker in [
        "##[group]",
        "##[endgroup]",
        "::group::",
        "::endgroup::",
        "##[error]",
        "##[command]",
    ] {
        if let Some(rest) = out.strip_prefix(marker) {
            return rest.to_owned();
        }
    }
    out
}

fn section(text: &str) -> Option<i64> {
    let rest = text
        .strip_prefix("section_start:")
        .or_else(|| text.strip_prefix("section_end:"))?;
    rest.split(':')
        .next()?
        .parse()
        .ok()
        .filter(|s| (0..100_000_000_000).contains(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: &str) {
        let shown: Vec<String> = lines(raw)
            .map(|l| l.time.map_or(l.text.clone(), |t| format!("{t}|{}", l.text)))
            .collect();
        assert_eq!(shown.join("\n"), expected, "{raw:?}");
    }

    #[test]
    fn what_a_ci_adds_is_taken_off() {
        check("#1 DONE 0.1s\r\n", "#1 DONE 0.1s");
        check("\u{1b}[36m#1\u{1b}[0m DONE", "#1 DONE");
        check(
            "\u{feff}2026-11-22T00:03:21.1234567Z #1 DONE",
            "1795305801123|#1 DONE",
        );
        check(
            "build\tdocker build\t2026-11-22T00:03:21.5Z ##[group]#1 x",
            "1795305801500|#1 x",
        );
        check("2026-11-22T00:03:21.5Z 01O #1 x", "1795305801500|#1 x");
        check(
            "[2026-11-22T00:03:21.500Z] Step 1/2 : FROM a",
            "1795305801500|Step 1/2 : FROM a",
        );
        check(
            "section_start:1795305801:build[collapsed=true]\r\u{1b}[0K#1 x",
            "1795305801000|\n#1 x",
        );
        check("10%\r20%\r100%", "10%\n20%\n100%");
        check("\u{1b}]0;title\u{7}a\u{1b}]8;;x\u{1b}\\b", "ab");
        check("2026 was a year", "2026 was a year");
        check("", "");
    }
}
