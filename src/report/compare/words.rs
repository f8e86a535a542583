//! What is compared, and what the comparison says in sentences.

use crate::caveat::Caveat;
use crate::cost::{EMULATION, World};
use crate::graph::BUILD_PLATFORM;
use crate::replay::Settings;
use crate::report::direction::Direction;
use crate::report::format::{count, date, duration, duration_change, grouped, list, share};
use crate::score::{Change, Comparison, EQUAL_MS, Means, Side};

/// What is compared and what came of it.
pub struct Compared<'a> {
    /// The sides' names.
    pub names: (&'a str, &'a str),
    /// The repository's name.
    pub repository: &'a str,
    /// Settings that both sides share.
    pub settings: &'a Settings,
    /// The result.
    pub comparison: &'a Comparison,
    /// What was assumed.
    pub caveats: &'a [Caveat],
    /// Limits of the user's that are not met, in words.
    pub broken: &'a [String],
    /// Limits of which git cannot tell, in words.
    pub undecided: &'a [String],
}

/// The result in one line.
pub(super) fn headline(compared: &Compared<'_>) -> String {
    let comparison = compared.comparison;
    let (old, new) = (comparison.old.mean.median, comparison.new.mean.median);
    if comparison.pairs.is_empty() {
        return "No build can be compared".to_owned();
    }
    let (by, if_cached) = (comparison.mean.median, comparison.mean_if_cached.median);
    let range = || {
        format!(
            "{} to {} a build on average, by what changes outside of git",
            duration_change(if_cached.min(by)),
            duration_change(if_cached.max(by)),
        )
    };
    match Direction::of(by, if_cached) {
        Direction::Same => same(comparison),
        Direction::Faster => told("Faster", "Slightly faster", old, new, by),
        Direction::Slower => told("Slower", "Slightly slower", old, new, by),
        Direction::FasterOrSame => format!("Faster or the same: {}", range()),
        Direction::SlowerOrSame => format!("Slower or the same: {}", range()),
        Direction::Unclear => format!("Git cannot tell which is faster: {}", range()),
    }
}

/// `Faster: 20 s a build on average instead of 30 s (−10 s, −33%)`.
fn told(word: &str, slight: &str, old: u64, new: u64, by: i64) -> String {
    let (after, before) = (duration(new), duration(old));
    // Less than one in a hundred would read as the same twice.
    if by.unsigned_abs() < old / 100 {
        return format!(
            "{slight}: {after} a build on average ({})",
            duration_change(by)
        );
    }
    format!(
        "{word}: {after} a build on average instead of {before} ({}, {})",
        duration_change(by),
        percent(old, new)
    )
}

/// Where the mean says nothing: what a pipeline's arguments or an empty cache would make of it.
fn same(comparison: &Comparison) -> String {
    let plain = format!(
        "{} a build on average",
        duration(comparison.new.mean.median)
    );
    let passed = comparison.passed.as_ref();
    let passed = passed.and_then(|p| only_where(&is_new(&p.names), &p.means));
    let emulated = comparison.emulated.as_ref();
    let elsewhere = "it is built for another platform than the builder's own";
    let emulated = emulated.and_then(|e| only_where(elsewhere, &e.means));
    if let Some(told) = passed.or(emulated) {
        return told;
    }
    if let Some(passed) = &comparison.passed {
        let (old, new) = passed.again;
        let by = difference(old, new);
        return format!(
            "The same: {plain}; {} where nothing but {} changes: {} instead of {} ({})",
            Direction::of(by, by).word(),
            list(&passed.names, passed.names.len(), 3),
            duration(new),
            duration(old),
            duration_change(by)
        );
    }
    let (old, new) = (comparison.old.cold, comparison.new.cold);
    let by = comparison.cold.median;
    // The figures of two different files differ by a little in any case.
    if by.unsigned_abs() <= EQUAL_MS.max(old / 100) {
        return format!("The same: {plain}");
    }
    format!(
        "The same: {plain}; from an empty cache {}: {} instead of {} ({})",
        Direction::of(by, by).word(),
        duration(new),
        duration(old),
        duration_change(by)
    )
}

/// The result where it is one under a condition alone.
fn only_where(condition: &str, means: &Means) -> Option<String> {
    let direction = Direction::of(means.change.median, means.if_cached.median);
    if direction == Direction::Same {
        return None;
    }
    let mut word = direction.word().to_owned();
    word[..1].make_ascii_uppercase();
    Some(format!(
        "{word} where {condition}: {} a build on average instead of {} ({}); the same where not",
        duration(means.new),
        duration(means.old),
        duration_change(means.change.median),
    ))
}

fn difference(old: u64, new: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(new).saturating_sub(signed(old))
}

/// `GIT_COMMIT has another value at each build`.
fn is_new(names: &[String]) -> String {
    let list = list(names, names.len(), 3);
    match names {
        [_] => format!("{list} has another value at each build"),
        _ => format!("{list} have other values at each build"),
    }
}

/// `−35%`, `+120%`.
fn percent(old: u64, new: u64) -> String {
    let sign = if new < old { "−" } else { "+" };
    match old {
        0 => "from nothing".to_owned(),
        _ => format!("{sign}{}", share(new.abs_diff(old), old)),
    }
}

pub(super) fn sentences(compared: &Compared<'_>) -> Vec<String> {
    let comparison = compared.comparison;
    let times = || comparison.pairs.iter().map(|p| p.time);
    let span = match times().min().zip(times().max()) {
        Some((from, to)) => format!(", {} to {}", date(from), date(to)),
        None => String::new(),
    };
    let n = comparison.pairs.len() as u64;
    let mut lines = vec![format!(
        "{} (before) and {} (after), over {} of {}{span}.",
        short(compared.names.0),
        short(compared.names.1),
        count(n, "build", "builds"),
        compared.repository
    )];
    if n > 0 {
        let equal = n - comparison.n_faster - comparison.n_slower;
        lines.push(format!(
            "{} ({}) get faster, {} stay the same, {} ({}) get slower.",
            grouped(comparison.n_faster),
            share(comparison.n_faster, n),
            grouped(equal),
            grouped(comparison.n_slower),
            share(comparison.n_slower, n)
        ));
    }
    let unknown = (comparison.old.tally.unknown, comparison.new.tally.unknown);
    if unknown != (0, 0) {
        lines.push(format!(
            "Git cannot tell what became of {} (before) and {} (after): they are taken to run. Were all that git does not hold as it was, the mean would change by {}.",
            count(unknown.0, "step", "steps"),
            count(unknown.1, "step", "steps"),
            duration_change(comparison.mean_if_cached.median)
        ));
    }
    if comparison.n_lost > 0 {
        lines.push(format!(
            "{} can be built before and not after.",
            count(comparison.n_lost, "commit", "commits")
        ));
    }
    if comparison.n_gained > 0 {
        lines.push(format!(
            "{} can be built after and not before.",
            count(comparison.n_gained, "commit", "commits")
        ));
    }
    if let Some(passed) = &comparison.passed {
        lines.push(format!(
            "Git does not say what builds are passed: where {}, a build takes {} instead of {} ({}); one in which nothing else changes, {} instead of {}.",
            is_new(&passed.names),
            duration(passed.means.new),
            duration(passed.means.old),
            duration_change(passed.means.change.median),
            duration(passed.again.1),
            duration(passed.again.0)
        ));
    }
    if let Some(emulated) = &comparison.emulated {
        lines.push(format!(
            "For {} on a machine of {BUILD_PLATFORM}, which emulates the other's programs ({EMULATION}), a build takes {} instead of {} ({}).",
            emulated.platform,
            duration(emulated.means.new),
            duration(emulated.means.old),
            duration_change(emulated.means.change.median),
        ));
    }
    lines.extend(compared.broken.iter().chain(compared.undecided).cloned());
    lines
}

/// A name with whole commit ids cut to ten figures.
fn short(name: &str) -> String {
    let is_id = |word: &str| word.len() >= 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut out = String::new();
    for word in name.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let (id, rest) = word.split_at(
            word.find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(word.len()),
        );
        out.push_str(if is_id(id) { &id[..10] } else { id });
        out.push_str(rest);
    }
    out
}

/// In how many of the drawn worlds the mean's change points the same way.
fn held(comparison: &Comparison) -> String {
    let Some(permille) = comparison.mean.held_permille else {
        return String::new();
    };
    let share = match permille {
        1000 => "all".to_owned(),
        995.. => "more than 99% of".to_owned(),
        _ => format!("{}% of", (permille + 5) / 10),
    };
    let n_draws = World::all().count();
    format!(": in {share} {n_draws} draws from the bands the mean changes in the same direction")
}

pub(super) fn caveats(compared: &Compared<'_>) -> Vec<String> {
    let mut lines = vec![
        compared.comparison.basis.clone(),
        format!(
            "Both sides are taken under the same conditions, so their difference is surer than either{}.",
            held(compared.comparison)
        ),
    ];
    lines.extend(compared.caveats.iter().map(ToString::to_string));
    lines
}

/// Said in place of tables that would hold nothing but zeros.
pub(super) const NOTHING_DIFFERS: &str = "No figure differs: times, cache hits, bytes moved and the image's size are those of before, build by build.";

/// Whether no figure of the two sides differs.
pub(super) fn nothing_differs(comparison: &Comparison) -> bool {
    let (old, new) = (&comparison.old, &comparison.new);
    let changes = [
        comparison.mean,
        comparison.mean_if_cached,
        comparison.median,
        comparison.p95,
        comparison.cold,
    ];
    let counts = |side: &Side| (side.tally.hits, side.tally.misses(), side.moved_bytes);
    changes.iter().all(|c| *c == Change::default())
        && comparison
            .pairs
            .iter()
            .all(|pair| pair.old_ms == pair.new_ms)
        && comparison.steps.iter().all(|step| step.change == 0)
        && counts(old) == counts(new)
        && old.image.unpacked == new.image.unpacked
        && comparison.passed.is_none()
        && comparison.emulated.is_none()
}
