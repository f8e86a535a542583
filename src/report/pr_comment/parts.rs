//! The parts of one image: its figures, the steps responsible, what merging does to caches, what could be better.

use super::figures::{arrow, bytes_change, change_of, durations, percent, points, shown};
use super::page::{Level, Place};
use super::verdict::{NOTHING_MS, delta};
use crate::report::comment_view::Compared;
use crate::report::comment_view::ImageView;
use crate::report::comment_view::Passed;
use crate::report::comment_view::StepChange;
use crate::report::comment_view::Suggestion;
use crate::report::comment_view::{Merge, MergeStep};
use crate::report::format::bytes;
use crate::report::format::count;
use crate::report::format::duration;
use crate::report::format::duration_change;
use crate::report::format::grouped;
use crate::report::format::share;
use crate::report::markup::block;
use crate::report::markup::code;
use crate::report::markup::path;
use crate::report::markup::prose;

/// Steps shown outright; the rest is folded.
pub(super) const SHOWN: usize = 3;

/// An instruction on a phone.
const STEP_CHARS: usize = 60;

pub(super) const NAME_CHARS: usize = 80;

pub(super) const SENTENCE_CHARS: usize = 600;

/// Delta first; narrow enough for a phone.
pub(super) fn table(c: &Compared) -> String {
    let mut rows = vec![
        "| | Change | Before → after |".to_owned(),
        "|---|--:|--:|".to_owned(),
    ];
    let mut row = |name: &str, change: String, values: String| {
        rows.push(format!("| {name} | {change} | {values} |"))
    };
    let percent = percent(c.mean)
        .map(|p| format!(" ({p})"))
        .unwrap_or_default();
    row(
        "Mean",
        format!("**{}**{percent}", change_of(c.mean)),
        durations(c.mean),
    );
    row("Median", change_of(c.median), durations(c.median));
    row("Slowest 5% from", change_of(c.p95), durations(c.p95));
    if let Some(cold) = c
        .cold
        .filter(|c| delta(*c).unsigned_abs() > NOTHING_MS.max(c.before / 100))
    {
        row("Empty cache", change_of(cold), durations(cold));
    }
    if c.hits_before.whole > 0 && c.hits_after.whole > 0 {
        let values = arrow(&shown(c.hits_before), &shown(c.hits_after));
        row("Hits", points(c.hits_before, c.hits_after), values);
    }
    for (name, change) in [("Data", c.moved), ("Image", c.image)] {
        if let Some(change) = change {
            row(
                name,
                bytes_change(change),
                arrow(&bytes(change.before), &bytes(change.after)),
            );
        }
    }
    rows.join("\n")
}

pub(super) fn builds(c: &Compared) -> String {
    let same = c
        .n_builds
        .saturating_sub(c.n_faster)
        .saturating_sub(c.n_slower);
    let band = match (c.change_low, c.change_high) {
        (low, high) if low == high => String::new(),
        (low, high) => format!(
            " By the estimates' band, the mean changes by {} to {}.",
            duration_change(low),
            duration_change(high)
        ),
    };
    let unknown = c.if_cached.map(|cached| {
        format!(
            " Of some steps git cannot tell whether they were cached: they count as run. Were all that git does not hold as it was, the mean would change by {}.",
            duration_change(delta(cached))
        )
    });
    format!(
        "Of {}, {} get faster, {} stay the same, {} get slower.{band}{}{}",
        count(c.n_builds, "replayed build", "replayed builds"),
        grouped(c.n_faster),
        grouped(same),
        grouped(c.n_slower),
        unknown.unwrap_or_default(),
        c.passed.as_ref().map(passed).unwrap_or_default(),
    )
}

/// What a pipeline that passes arguments would see.
fn passed(passed: &Passed) -> String {
    let shown = passed
        .names
        .iter()
        .take(SHOWN)
        .map(|name| code(name, NAME_CHARS));
    let more = match passed.names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let names: Vec<String> = shown.collect();
    format!(
        " Where {}{more} {} at each build, the mean changes by {} ({}); a build in which nothing else changes takes {}.",
        names.join(", "),
        if passed.names.len() == 1 {
            "is new"
        } else {
            "are new"
        },
        duration_change(delta(passed.mean)),
        durations(passed.mean),
        durations(passed.again)
    )
}

pub(super) fn steps(
    image: &ImageView,
    c: &Compared,
    place: &Place,
    level: Level,
) -> Option<String> {
    let told: Vec<&StepChange> = c
        .steps
        .iter()
        .filter(|s| s.change.unsigned_abs() >= NOTHING_MS || is_new(s))
        .collect();
    if told.is_empty() {
        return None;
    }
    let lines: Vec<String> = told
        .iter()
        .map(|s| step(image, s, c.n_builds, place))
        .collect();
    // The greatest changes come first; what hardly changes anything is not shown outright.
    let n_grave = told
        .iter()
        .filter(|s| s.change.unsigned_abs() >= NOTHING_MS)
        .count();
    let shown = n_grave.clamp(1, SHOWN);
    Some(list("**Responsible steps**", &lines, shown, "step", level))
}

fn is_new(s: &StepChange) -> bool {
    s.runs_before.is_none() != s.runs_after.is_none()
}

fn step(image: &ImageView, s: &StepChange, n_builds: u64, place: &Place) -> String {
    let ran = |n: u64| share(n, n_builds);
    let when = match (s.runs_before, s.runs_after) {
        (Some(before), Some(after)) if before == after => {
            format!("runs in {} of builds, as before", ran(after))
        }
        (Some(before), Some(after)) => {
            format!("runs in {} of builds, was {}", ran(after), ran(before))
        }
        (None, Some(after)) => format!("new, runs in {} of builds", ran(after)),
        (Some(before), None) => format!("gone, ran in {} of builds", ran(before)),
        (None, None) => "not replayed".to_owned(),
    };
    // A step that is gone has no line at the head to link to.
    let place = if s.runs_after.is_some() {
        located(image, s.line, place)
    } else {
        code(&at(image, s.line), NAME_CHARS)
    };
    format!(
        "**{}** {} ({place}): {when}",
        duration_change(s.change),
        code(&s.text, STEP_CHARS)
    )
}

pub(super) fn merge(image: &ImageView, m: &Merge, place: &Place, level: Level) -> String {
    if m.steps.is_empty() {
        return "**Merging this** runs nothing again: every step comes from the cache.".to_owned();
    }
    let (n, all) = (m.steps.len() as u64, m.n_steps.max(m.steps.len() as u64));
    let title = format!(
        "**Merging this** runs {} of {} again, about {}",
        grouped(n),
        count(all, "step", "steps"),
        duration(m.cost)
    );
    let line = |s: &MergeStep| {
        let why = if s.because.is_empty() {
            "follows from above".to_owned()
        } else {
            prose(&s.because, 120)
        };
        format!(
            "{} ({}): {why}",
            code(&s.text, STEP_CHARS),
            located(image, s.line, place)
        )
    };
    list(
        &title,
        &m.steps.iter().map(line).collect::<Vec<_>>(),
        SHOWN,
        "step",
        level,
    )
}

pub(super) fn suggestion(image: &ImageView, s: &Suggestion, place: &Place, level: Level) -> String {
    let saves = if s.saved >= NOTHING_MS {
        format!(" It saves about {} per build.", duration(s.saved))
    } else {
        String::new()
    };
    let title = format!(
        "**One suggestion**: {}{saves}",
        sentence(&prose(&s.title, 200))
    );
    let by_hand = format!(
        "See it with {}.",
        code(
            &format!("stratigraph suggest -f {}", image.dockerfile),
            NAME_CHARS
        )
    );
    if level >= Level::NoPatch {
        return format!("{title} {by_hand}");
    }
    match (&s.lines, &s.replacement, &s.diff) {
        (Some((first, last)), Some(replacement), _) => {
            let lines = if first == last {
                format!("Line {first}")
            } else {
                format!("Lines {first} to {last}")
            };
            let where_ = located_range(image, *first, *last, place);
            format!(
                "{title}\n\n{lines} of {where_} would read:\n\n{}",
                block("suggestion", replacement)
            )
        }
        (_, _, Some(diff)) => format!(
            "{title}\n\n{}",
            folded("The change as a patch", &block("diff", diff))
        ),
        _ => format!("{title} {by_hand}"),
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// A title and lines, of which more than a few are folded.
pub(super) fn list(
    title: &str,
    lines: &[String],
    shown: usize,
    noun: &str,
    level: Level,
) -> String {
    let bullets = |some: &[String]| {
        some.iter()
            .map(|l| format!("- {l}"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (shown, rest) = lines.split_at(lines.len().min(shown));
    let mut out = format!("{title}\n\n{}", bullets(shown));
    if !rest.is_empty() && level < Level::NoLists {
        let more = count(
            rest.len() as u64,
            &format!("more {noun}"),
            &format!("more {noun}s"),
        );
        out = format!("{out}\n\n{}", folded(&more, &bullets(rest)));
    } else if !rest.is_empty() {
        out = format!("{out}\n- and {} more", rest.len());
    }
    out
}

/// Blank lines around the inner part make it Markdown again.
pub(super) fn folded(title: &str, inner: &str) -> String {
    format!("<details>\n<summary>{title}</summary>\n\n{inner}\n\n</details>")
}

fn at(image: &ImageView, line: usize) -> String {
    if line == 0 {
        image.dockerfile.clone()
    } else {
        format!("{}:{line}", image.dockerfile)
    }
}

fn located(image: &ImageView, line: usize, place: &Place) -> String {
    let label = code(&at(image, line), NAME_CHARS);
    match &place.files {
        Some(prefix) if line > 0 && is_plain(&image.dockerfile) => {
            format!("[{label}]({prefix}{}#L{line})", path(&image.dockerfile))
        }
        _ => label,
    }
}

fn located_range(image: &ImageView, first: usize, last: usize, place: &Place) -> String {
    let label = code(&image.dockerfile, NAME_CHARS);
    match &place.files {
        Some(prefix) if is_plain(&image.dockerfile) => format!(
            "[{label}]({prefix}{}#L{first}-L{last})",
            path(&image.dockerfile)
        ),
        _ => label,
    }
}

/// Whether a path is without signs that Markdown readers might take for the end of a link.
fn is_plain(path: &str) -> bool {
    path.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
}
