//! Which way a pull request goes, and the line that says it.

use crate::report::comment_view::Change;
use crate::report::comment_view::CommentView;
use crate::report::comment_view::Compared;
use crate::report::comment_view::ImageView;
use crate::report::comment_view::Outcome;
use crate::report::comment_view::Passed;
use crate::report::direction::Direction;
use crate::report::format::duration_change;

/// Below this, a change of the mean is none: 50 ms.
pub(super) const NOTHING_MS: u64 = 50;

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The mean rebuild gets shorter.
    Faster,
    /// The mean rebuild gets longer.
    Slower,
    /// It stays.
    Same,
    /// Nothing could be compared.
    Unknown,
}

impl Verdict {
    /// One word, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Same => "same",
            Self::Unknown => "unknown",
        }
    }
}

/// The change of the mean rebuild over all images together, in milliseconds, and which way that is.
pub fn verdict(view: &CommentView) -> (Verdict, i64) {
    let verdict = match direction(view) {
        None | Some(Direction::Unclear) => Verdict::Unknown,
        Some(Direction::Same) => Verdict::Same,
        Some(Direction::Slower | Direction::SlowerOrSame) => Verdict::Slower,
        Some(Direction::Faster | Direction::FasterOrSame) => Verdict::Faster,
    };
    (verdict, readings(view).0)
}

/// By both readings of what git cannot tell; `None` where nothing could be compared.
pub(super) fn direction(view: &CommentView) -> Option<Direction> {
    view.images.iter().find_map(compared)?;
    let (run, cached) = readings(view);
    Some(Direction::of(run, cached))
}

/// The change over all images if what git cannot tell runs, and if it is cached.
fn readings(view: &CommentView) -> (i64, i64) {
    let all = view.images.iter().filter_map(compared);
    all.fold((0, 0), |(run, cached), c| {
        let other = delta(c.if_cached.unwrap_or(c.mean));
        (
            run.saturating_add(delta(c.mean)),
            cached.saturating_add(other),
        )
    })
}

/// Whether there is anything to say: some image's cost changes, or could not be told.
pub fn has_news(view: &CommentView) -> bool {
    view.images.iter().any(|image| match &image.outcome {
        Outcome::NotCompared(_) => true,
        Outcome::Compared(c) => !is_same(c),
    })
}

/// The one line, as plain text: for annotations and logs.
pub fn headline(view: &CommentView) -> String {
    worded(view, duration_change)
}

pub(super) fn worded(view: &CommentView, change_of: fn(i64) -> String) -> String {
    let n = view.images.iter().filter_map(compared).count();
    let of_all = if n > 1 {
        format!(" over {n} images")
    } else {
        String::new()
    };
    let direction = direction(view);
    let (change, cached) = readings(view);
    let sure = view
        .images
        .iter()
        .filter_map(compared)
        .all(|c| c.change_low.signum() * c.change_high.signum() >= 0);
    let probably = if sure { "" } else { "probably " };
    let per_month = match view.builds_per_month {
        Some(builds) => {
            let month = i64::try_from(i128::from(change) * i128::from(builds)).unwrap_or(i64::MAX);
            format!(", about {} a month", change_of(month))
        }
        None => String::new(),
    };
    let certain = |word: &str| {
        format!(
            "Image builds {probably}get {word}: {} per build{of_all}{per_month}",
            change_of(change)
        )
    };
    let range = |words: &str| {
        format!(
            "Image builds {words}: {} to {} per build{of_all}, by what changes outside of git",
            change_of(change.min(cached)),
            change_of(change.max(cached))
        )
    };
    match direction {
        None => "Image builds: the change could not be told".to_owned(),
        Some(Direction::Same) if !has_news(view) => {
            "Image builds: nothing changes for the cache".to_owned()
        }
        Some(Direction::Same) => match if_passed(view) {
            0 => format!("Image builds take about the same time{of_all}"),
            by => format!(
                "Image builds get {} where build arguments are new each time, and else stay the same{of_all}",
                if by < 0 { "faster" } else { "slower" }
            ),
        },
        Some(Direction::Slower) => certain("slower"),
        Some(Direction::Faster) => certain("faster"),
        Some(Direction::SlowerOrSame) => range("get slower or stay the same"),
        Some(Direction::FasterOrSame) => range("get faster or stay the same"),
        Some(Direction::Unclear) => range("get faster or slower, git cannot tell"),
    }
}

/// The change over all images were arguments passed; 0 where that is none.
fn if_passed(view: &CommentView) -> i64 {
    let all = || view.images.iter().filter_map(compared);
    let sum = |of: fn(&Passed) -> Change| {
        let changes = all().filter_map(|c| Some(delta(of(c.passed.as_ref()?))));
        Some(changes.sum::<i64>()).filter(|change| change.unsigned_abs() >= NOTHING_MS)
    };
    sum(|p| p.mean).or_else(|| sum(|p| p.again)).unwrap_or(0)
}

pub(super) fn compared(image: &ImageView) -> Option<&Compared> {
    match &image.outcome {
        Outcome::Compared(compared) => Some(compared),
        Outcome::NotCompared(_) => None,
    }
}

pub(super) fn is_same(c: &Compared) -> bool {
    let quiet = |change: Change| delta(change).unsigned_abs() < NOTHING_MS;
    let is_quiet = quiet(c.mean) && quiet(c.median) && quiet(c.p95);
    let passed = c.passed.as_ref();
    let others = [c.if_cached, passed.map(|p| p.mean), passed.map(|p| p.again)];
    is_quiet && others.into_iter().flatten().all(quiet) && c.n_faster == 0 && c.n_slower == 0
}

pub(super) fn delta(change: Change) -> i64 {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    signed(change.after).saturating_sub(signed(change.before))
}
