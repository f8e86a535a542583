//! Which flags an instruction takes, and what their values may be.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/instructions (bflag.go, parse.go, commands_run*.go).

use super::distance;
use super::error::shown;
use super::mount;
use super::node::Fault;
use super::words::Word;
use std::collections::BTreeSet;

/// How a flag takes its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Take {
    /// Bare, or `=true` or `=false`.
    Switch,
    /// `=value`, once.
    Value,
    /// `=value`, any number of times.
    Values,
}

/// The flags of an instruction; `None` when BuildKit never looks at them (they are dropped silently).
fn table(keyword: &str) -> Option<&'static [(&'static str, Take)]> {
    use Take::{Switch, Value, Values};
    Some(match keyword {
        "ADD" => &[
            ("chown", Value),
            ("chmod", Value),
            ("link", Switch),
            ("keep-git-dir", Switch),
            ("checksum", Value),
            ("unpack", Switch),
            ("exclude", Values),
        ],
        "COPY" => &[
            ("chown", Value),
            ("from", Value),
            ("chmod", Value),
            ("link", Switch),
            ("exclude", Values),
            ("parents", Switch),
        ],
        "FROM" => &[("platform", Value)],
        "HEALTHCHECK" => &[
            ("interval", Value),
            ("timeout", Value),
            ("start-period", Value),
            ("start-interval", Value),
            ("retries", Value),
        ],
        "RUN" => &[
            ("mount", Values),
            ("network", Value),
            ("security", Value),
            ("device", Values),
        ],
        "ARG" | "STOPSIGNAL" => return None,
        _ => &[],
    })
}

/// A flag's name and value.
pub(super) fn name_and_value(word: &Word) -> (&str, Option<&str>) {
    let text = word.text.strip_prefix("--").unwrap_or(&word.text);
    text.split_once('=')
        .map_or((text, None), |(name, value)| (name, Some(value)))
}

/// Refuses flags that the instruction does not take, or not so.
pub(super) fn check(keyword: &str, flags: &[Word]) -> Result<(), Fault> {
    let Some(table) = table(keyword) else {
        return Ok(());
    };
    let mut seen = BTreeSet::new();
    for word in flags {
        let (name, value) = name_and_value(word);
        let fault = |message: String| Fault::new(&word.range, message);
        let Some(&(name, take)) = table.iter().find(|(known, _)| *known == name) else {
            return Err(
                fault(format!("unknown flag --{} of {keyword}", shown(name)))
                    .help(known_flags(keyword, name, table)),
            );
        };
        if !seen.insert(name) && take != Take::Values {
            return Err(fault(format!("the flag --{name} is given twice")));
        }
        match (take, value) {
            (Take::Switch, None) => {}
            (Take::Value | Take::Values, Some(_)) => {}
            (Take::Switch, Some(value))
                if ["true", "false"]
                    .iter()
                    .any(|v| v.eq_ignore_ascii_case(value)) => {}
            (Take::Switch, Some("")) | (Take::Value | Take::Values, None) => {
                return Err(fault(format!("the flag --{name} has no value"))
                    .help(format!("write --{name}=VALUE, without blanks around `=`")));
            }
            (Take::Switch, Some(value)) => {
                return Err(fault(format!(
                    "the flag --{name} is `{}`, but only true and false are allowed",
                    shown(value)
                )));
            }
        }
    }
    Ok(())
}

fn known_flags(keyword: &str, name: &str, table: &[(&str, Take)]) -> String {
    if let Some(near) = distance::nearest(name, table.iter().map(|(known, _)| *known)) {
        return format!("did you mean --{near}?");
    }
    if table.is_empty() {
        return format!("{keyword} takes no flags; put -- before an argument that begins with --");
    }
    let all: Vec<String> = table
        .iter()
        .map(|(known, _)| format!("--{known}"))
        .collect();
    format!("{keyword} takes {}", all.join(", "))
}

/// The checks of RUN's values that BuildKit makes while it reads; all else of a mount is checked when it is expanded.
pub(super) fn check_run(flags: &[Word]) -> Result<(), Fault> {
    let of = |wanted: &'static str| {
        flags
            .iter()
            .filter_map(move |word| match name_and_value(word) {
                (name, Some(value)) if name == wanted => Some((word, value)),
                _ => None,
            })
    };
    for (word, value) in of("device") {
        mount::check_device(value).map_err(|r| Fault::new(&word.range, r.message))?;
    }
    for (word, value) in of("mount") {
        mount::check(value).map_err(|r| Fault::new(&word.range, r.message))?;
    }
    for (word, value) in of("network") {
        if !["default", "none", "host"].contains(&value) {
            return Err(Fault::new(
                &word.range,
                format!("invalid network mode `{}`", shown(value)),
            )
            .help("the modes are default, none and host"));
        }
    }
    for (word, value) in of("security") {
        if !["insecure", "sandbox"].contains(&value) {
            return Err(Fault::new(
                &word.range,
                format!("invalid security mode `{}`", shown(value)),
            )
            .help("the modes are sandbox and insecure"));
        }
    }
    Ok(())
}

/// HEALTHCHECK's durations and retries.
pub(super) fn check_health(flags: &[Word]) -> Result<(), Fault> {
    for name in [
        "interval",
        "timeout",
        "start-period",
        "start-interval",
        "retries",
    ] {
        for word in flags {
            let (_, Some(value)) = name_and_value(word) else {
                continue;
            };
            if name_and_value(word).0 != name || value.is_empty() {
                continue;
            }
            let wrong = match name {
                "retries" => match value.parse::<i32>() {
                    Ok(n) if n < 0 => Some("--retries cannot be negative".to_owned()),
                    Ok(_) => None,
                    Err(_) => Some(format!(
                        "--retries is `{}`, which is no whole number",
                        shown(value)
                    )),
                },
                _ => match nanoseconds(value) {
                    None => Some(format!(
                        "--{name} is `{}`, which is no duration such as 30s or 1m30s",
                        shown(value)
                    )),
                    Some(0) => None,
                    Some(n) if n < 1_000_000 => Some(format!("--{name} cannot be less than 1ms")),
                    Some(_) => None,
                },
            };
            if let Some(message) = wrong {
                return Err(Fault::new(&word.range, message));
            }
        }
    }
    Ok(())
}

/// A Go duration (`1h2m3.5s`) in nanoseconds, as `time.ParseDuration` reads it; `None` when it is none or overflows.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(unit_at);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let unit: i128 = match &after[..unit_end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse::<i64>().ok()?.into()
        };
        total += whole * unit;
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            total += fraction.parse::<i128>().ok()? * unit
                / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
        }
        if total > i64::MAX.into() {
            return None;
        }
        rest = &after[unit_end..];
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(flags: &[&str]) -> Vec<Word> {
        flags
            .iter()
            .map(|f| Word {
                text: (*f).to_owned(),
                range: 0..0,
            })
            .collect()
    }

    #[track_caller]
    fn check_flags(keyword: &str, flags: &[&str], refused: Option<&str>) {
        let found = check(keyword, &words(flags)).err().map(|f| f.message);
        match refused {
            None => assert_eq!(found, None, "{keyword} {flags:?}"),
            Some(part) => assert!(
                found.as_deref().is_some_and(|m| m.contains(part)),
                "{keyword} {flags:?}: {found:?}"
            ),
        }
    }

    #[test]
    fn flags_by_instruction() {
        check_flags(
            "COPY",
            &[
                "--link",
                "--parents=TRUE",
                "--exclude=a",
                "--exclude=b",
                "--from=",
            ],
            None,
        );
        check_flags("COPY", &["--nope"], Some("unknown flag --nope"));
        check_flags("COPY", &["--from"], Some("no value"));
        check_flags("COPY", &["--link="], Some("no value"));
        check_flags("COPY", &["--link=1"], Some("only true and false"));
        check_flags("COPY", &["--from=a", "--from=b"], Some("twice"));
        check_flags("ADD", &["--from=a"], Some("unknown flag"));
        check_flags("ENV", &["--x"], Some("unknown flag"));
        check_flags("ARG", &["--x"], None);
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("30s", Some(30_000_000_000)),
            ("1h2m3.5s", Some(3_723_500_000_000)),
            ("0", Some(0)),
            (".5ms", Some(500_000)),
            ("-1s", Some(-1_000_000_000)),
            ("30", None),
            ("s", None),
            ("1x", None),
            ("1..5s", None),
            ("999999999999h", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
        assert!(check_health(&words(&["--interval=1us"])).is_err());
        assert!(check_health(&words(&["--retries=-1"])).is_err());
        assert!(check_health(&words(&["--retries=+3", "--timeout="])).is_ok());
    }
}
