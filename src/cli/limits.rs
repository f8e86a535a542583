//! The limits that the user set on the mean rebuild, and what is said of those that are not met.
//!
//! A verdict may rest on steps of which git cannot tell whether they were cached. A limit is broken where it is broken
//! either way; where the two readings disagree it is undecided, which is said, and fails only if the user asks for that.

use super::error::{CliError, Kind};
use super::output::note;
use super::settings;
use super::settings::SlowerLimit;
use crate::report::format::duration;

/// What the user will not have.
#[derive(Debug, Default)]
pub(super) struct Limits {
    slower: Option<SlowerLimit>,
    longest: Option<u64>,
    fail_if_unknown: bool,
}

/// A mean rebuild before and after, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Means {
    pub(super) before: u64,
    pub(super) after: u64,
}

/// What became of the limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// A sentence for each that is not met.
    pub(super) broken: Vec<String>,
    /// A sentence for each of which git cannot tell.
    pub(super) undecided: Vec<String>,
}

impl Limits {
    /// From the options' texts.
    pub(super) fn new(
        slower: Option<&str>,
        longest: Option<&str>,
        fail_if_unknown: bool,
    ) -> Result<Self, CliError> {
        let longest = longest.map(|text| settings::duration("--max-rebuild", text));
        Ok(Self {
            slower: slower.map(settings::slower_limit).transpose()?,
            longest: longest.transpose()?,
            fail_if_unknown,
        })
    }

    /// Holds one image against them. `cached`: the means had nothing changed of what git does not hold, where that
    /// makes a difference.
    pub(super) fn check(&self, subject: &str, run: Means, cached: Option<Means>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut judge = |is_broken: &dyn Fn(Means) -> bool,
                         what: &dyn Fn(Means) -> String,
                         limit: &str| {
            let (ran, other) = (is_broken(run), cached.map(is_broken));
            match other {
                Some(other) if other != ran => outcome.undecided.push(format!(
                    "Git cannot tell whether a limit is met: {subject} {} if what git does not hold changes each time, and {} if it never does; {limit}.",
                    what(run),
                    what(cached.unwrap_or(run)),
                )),
                None | Some(_) if ran => {
                    let either = if other.is_some() { ", whatever changes outside of git" } else { "" };
                    outcome.broken.push(format!("{} {}{either}; {limit}.", sentence(subject), what(run)));
                }
                None | Some(_) => {}
            }
        };
        if let Some(limit) = self.slower {
            let allowed = |m: Means| allowed(limit, m.before);
            let is_broken = |m: Means| m.after.saturating_sub(m.before) > allowed(m);
            judge(
                &is_broken,
                &change,
                &format!("--fail-if-slower allows {}", duration(allowed(run))),
            );
        }
        if let Some(most) = self.longest {
            let takes = |m: Means| format!("takes {} on average", duration(m.after));
            judge(
                &|m| m.after > most,
                &takes,
                &format!("--max-rebuild allows {}", duration(most)),
            );
        }
        outcome
    }

    /// Says what is undecided; the error of what is not met.
    pub(super) fn settle(&self, outcome: &Outcome) -> Result<(), CliError> {
        let mut broken = outcome.broken.clone();
        for sentence in &outcome.undecided {
            if self.fail_if_unknown {
                broken.push(sentence.clone());
            } else {
                note(&format!("note: {sentence} --fail-if-unknown would fail."));
            }
        }
        if broken.is_empty() {
            return Ok(());
        }
        let text = broken.join(" ");
        let message = text.trim_end_matches('.').to_owned();
        Err(CliError::new(Kind::Threshold, message))
    }
}

/// How much slower a mean may get, in milliseconds.
fn allowed(limit: SlowerLimit, before: u64) -> u64 {
    match limit {
        SlowerLimit::Milliseconds(ms) => ms,
        SlowerLimit::Percent(percent) => (before as f64 * percent / 100.0) as u64,
    }
}

fn change(m: Means) -> String {
    if m.after > m.before {
        let by = duration(m.after - m.before);
        format!(
            "gets slower by {by} ({} instead of {})",
            duration(m.after),
            duration(m.before)
        )
    } else {
        format!(
            "gets no slower ({} instead of {})",
            duration(m.after),
            duration(m.before)
        )
    }
}

fn sentence(subject: &str) -> String {
    // A name is left as it is written.
    match subject.strip_prefix("a ") {
        Some(rest) => format!("A {rest}"),
        None => subject.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(before: u64, after: u64) -> Means {
        Means { before, after }
    }

    #[test]
    fn limits_are_broken_only_beyond_them() {
        for (old, new, slower, rebuild, want) in [
            (100, 105, Some("5%"), None, 0),
            (100, 106, Some("5%"), None, 1),
            (100, 50, Some("0%"), None, 0),
            (1_000, 31_001, Some("30s"), None, 1),
            (1_000, 31_000, Some("30s"), None, 0),
            (0, 241_000, None, Some("4m"), 1),
            (0, 240_000, None, Some("4m"), 0),
            (0, 300_000, Some("1s"), Some("4m"), 2),
            (0, 10, None, None, 0),
        ] {
            let outcome = Limits::new(slower, rebuild, false).unwrap().check(
                "a build",
                means(old, new),
                None,
            );
            let found = (outcome.broken.len(), outcome.undecided.len());
            assert_eq!(found, (want, 0), "{old} {new} {slower:?} {rebuild:?}");
        }
    }

    #[test]
    fn what_rests_on_unknown_steps_is_said_and_fails_only_on_demand() {
        let check = |run, cached, strict, broken: usize, undecided: usize, fails: bool| {
            let limits = Limits::new(Some("5%"), None, strict).unwrap();
            let outcome = limits.check("api", run, Some(cached));
            let found = (outcome.broken.len(), outcome.undecided.len());
            assert_eq!(found, (broken, undecided), "{run:?} {cached:?}");
            assert_eq!(
                limits.settle(&outcome).is_err(),
                fails,
                "{run:?} {cached:?}"
            );
            outcome
        };
        let outcome = check(
            means(100_000, 130_000),
            means(90_000, 90_000),
            false,
            0,
            1,
            false,
        );
        assert_eq!(
            outcome.undecided[0],
            "Git cannot tell whether a limit is met: api gets slower by 30 s (2 min 10 s instead of 1 min 40 s) if what git does not hold changes each time, and gets no slower (1 min 30 s instead of 1 min 30 s) if it never does; --fail-if-slower allows 5.0 s."
        );
        check(means(100, 130), means(90, 90), true, 0, 1, true);
        check(means(100, 100), means(80, 100), false, 0, 1, false);
        check(means(100, 130), means(90, 120), false, 1, 0, true);
        check(means(100, 100), means(90, 90), true, 0, 0, false);
    }
}
