//! The tables of a comparison: figures, steps, commits.

use crate::report::format::{bytes, clip, date, duration, duration_change, list, one_line, share};
use crate::report::table::{Column, Table};
use crate::score::{Change, Comparison, EQUAL_MS, Pair, Side, StepChange, StepSide};

/// So many steps are listed for people.
const MAX_STEPS: usize = 10;

/// So many commits are listed for people.
const MAX_COMMITS: usize = 5;

pub(super) fn figures(comparison: &Comparison) -> Table {
    let columns = vec![
        Column::text("", 16),
        Column::number("before"),
        Column::number("after"),
        Column::number("change"),
        Column::text("likely", 20),
    ];
    let (old, new) = (&comparison.old, &comparison.new);
    let time = |name: &str, old: u64, new: u64, change: Change| {
        let band = format!(
            "{} to {}",
            duration_change(change.low),
            duration_change(change.high)
        );
        vec![
            name.to_owned(),
            duration(old),
            duration(new),
            duration_change(change.median),
            band,
        ]
    };
    let ratio = |side: &Side| share(side.tally.hits, side.tally.hits + side.tally.misses());
    let plain = |name: &str, old: String, new: String, change: String| {
        vec![name.to_owned(), old, new, change, String::new()]
    };
    let rows = vec![
        time(
            "mean build",
            old.mean.median,
            new.mean.median,
            comparison.mean,
        ),
        time("median build", old.median, new.median, comparison.median),
        time("slowest 5% from", old.p95, new.p95, comparison.p95),
        time("empty cache", old.cold, new.cold, comparison.cold),
        plain("cache hits", ratio(old), ratio(new), String::new()),
        plain(
            "bytes moved",
            bytes(old.moved_bytes),
            bytes(new.moved_bytes),
            byte_change(old.moved_bytes, new.moved_bytes),
        ),
        plain(
            if new.image.n_estimated > 0 {
                "image, estimated"
            } else {
                "image"
            },
            bytes(old.image.unpacked),
            bytes(new.image.unpacked),
            byte_change(old.image.unpacked, new.image.unpacked),
        ),
    ];
    Table { columns, rows }
}

fn byte_change(old: u64, new: u64) -> String {
    match new.cmp(&old) {
        std::cmp::Ordering::Less => format!("−{}", bytes(old - new)),
        std::cmp::Ordering::Equal => "±0 B".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", bytes(new - old)),
    }
}

/// The steps whose share of a build changes, and those that one side alone has.
pub(super) fn steps(comparison: &Comparison) -> Table {
    let columns = vec![
        Column::number("line before"),
        Column::number("after"),
        Column::code("step", 30),
        Column::number("ran before"),
        Column::number("after"),
        Column::number("a build"),
    ];
    let n = comparison.pairs.len() as u64;
    let matters = |s: &&StepChange| {
        s.change != 0 || s.old.is_none() != s.new.is_none() || runs(&s.old) != runs(&s.new)
    };
    let line =
        |side: &Option<StepSide>| side.as_ref().map_or("–".to_owned(), |s| s.line.to_string());
    let ran =
        |side: &Option<StepSide>| side.as_ref().map_or("–".to_owned(), |s| share(s.runs, n));
    let row = |s: &StepChange| {
        vec![
            line(&s.old),
            line(&s.new),
            step_text(s),
            ran(&s.old),
            ran(&s.new),
            duration_change(s.change),
        ]
    };
    Table {
        columns,
        rows: comparison
            .steps
            .iter()
            .filter(matters)
            .take(MAX_STEPS)
            .map(row)
            .collect(),
    }
}

fn runs(side: &Option<StepSide>) -> Option<u64> {
    side.as_ref().map(|s| s.runs)
}

/// As it is now, or as it was where it is gone.
fn step_text(step: &StepChange) -> String {
    let side = step.new.as_ref().or(step.old.as_ref());
    side.map_or(String::new(), |s| match &s.stage {
        Some(stage) => format!("[{stage}] {}", one_line(&s.text)),
        None => one_line(&s.text),
    })
}

pub(super) fn commits(comparison: &Comparison) -> Table {
    let columns = vec![
        Column::text("commit", 10),
        Column::text("day", 10),
        Column::number("before"),
        Column::number("after"),
        Column::number("change"),
        Column::text("run on one side only", 24),
    ];
    let mut pairs: Vec<&Pair> = comparison
        .pairs
        .iter()
        .filter(|p| p.change().unsigned_abs() > EQUAL_MS)
        .collect();
    pairs.sort_by_key(|p| std::cmp::Reverse(p.change().unsigned_abs()));
    let row = |p: &Pair| {
        let names: Vec<String> = p
            .differ
            .iter()
            .map(|&i| short_step(&comparison.steps[i]))
            .collect();
        vec![
            p.commit.to_string().chars().take(10).collect(),
            date(p.time),
            duration(p.old_ms),
            duration(p.new_ms),
            duration_change(p.change()),
            list(&names, names.len(), 2),
        ]
    };
    Table {
        columns,
        rows: pairs.into_iter().take(MAX_COMMITS).map(row).collect(),
    }
}

/// `RUN npm ci (line 12)`, cut.
fn short_step(step: &StepChange) -> String {
    let side = step.new.as_ref().or(step.old.as_ref());
    side.map_or(String::new(), |s| {
        format!("{} (line {})", clip(&one_line(&s.text), 24), s.line)
    })
}
