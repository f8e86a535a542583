//! What a pull request does to the cache: base and head over the same builds, paired, and the build that merging
//! triggers, as the values that the comment shows.
//!
//! Both sides are pinned texts (Dockerfile and ignore file), so that two texts are compared and not two histories.
//!
//! Never: prints, reads the disk, words a comment.

use crate::builder::Builder;
use crate::cache::Lookup;
use crate::cache::MissReason;
use crate::caveat::Caveat;
use crate::cost::BuildCost;
use crate::cost::CostModel;
use crate::dockerfile;
use crate::graph::Step;
use crate::graph::StepId;
use crate::history::BuildInput;
use crate::replay::BuildOutcome;
use crate::replay::Built;
use crate::replay::Replay;
use crate::replay::Settings;
use crate::report::comment_view::Change;
use crate::report::comment_view::Compared;
use crate::report::comment_view::Merge;
use crate::report::comment_view::MergeStep;
use crate::report::comment_view::Share;
use crate::report::comment_view::StepChange;
use crate::report::comment_view::Suggestion;
use crate::report::format::clip;
use crate::score::align;
use crate::score::counted;
use crate::score::tally;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many steps are told, those that change most.
const MAX_STEPS: usize = 30;
/// So many files are named as a reason.
const MAX_PATHS: usize = 3;
/// A longer instruction is cut in a list.
const TEXT_CHARS: usize = 300;
/// A suggestion of more lines is shown as a patch.
const MAX_HUNK: usize = 12;

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The Dockerfile's text.
    pub dockerfile: String,
    /// The ignore file's text; empty for none.
    pub ignore: String,
}

/// What is asked.
pub struct Question<'a> {
    /// Settings of both replays; the texts are set here.
    pub settings: &'a Settings,
    /// The base.
    pub base: &'a Side,
    /// The head.
    pub head: &'a Side,
    /// The builds, oldest first; the first fills the cache and does not count.
    pub inputs: &'a [BuildInput],
    /// Prices.
    pub model: &'a CostModel,
}

/// Compares; otherwise a whole sentence that says why that cannot be done.
pub fn compare(question: &Question<'_>) -> Result<(Compared, Vec<Caveat>), String> {
    for (side, name) in [(question.base, "base"), (question.head, "head")] {
        if let Err(error) = dockerfile::parse(&side.dockerfile) {
            return Err(format!("The Dockerfile of the {name} is refused: {error}."));
        }
    }
    let model = &prepared(question.model, question.settings);
    let (before, mut caveats) = replayed(question, question.base);
    let (after, more) = replayed(question, question.head);
    caveats.extend(more);
    let pairs: Vec<(&BuildOutcome, &BuildOutcome)> = before
        .iter()
        .zip(&after)
        .skip(1)
        .filter(|(a, b)| a.result.is_ok() && b.result.is_ok())
        .collect();
    let one_sided = before
        .iter()
        .zip(&after)
        .skip(1)
        .filter(|(a, b)| a.result.is_ok() != b.result.is_ok())
        .count();
    if pairs.is_empty() {
        return Err(nothing_to_pair(&before, &after));
    }
    if one_sided > 0 {
        caveats.push(Caveat::general(format!(
            "{one_sided} of {} builds can be built with one of the two Dockerfiles only and are left out.",
            before.len() - 1
        )));
    }
    caveats.sort();
    caveats.dedup();
    let side = |pick: fn(&(&BuildOutcome, &BuildOutcome)) -> BuildOutcome| {
        Measured::of(pairs.iter().map(pick).collect(), model)
    };
    let (old, new) = (side(|p| p.0.clone()), side(|p| p.1.clone()));
    Ok((measured(&old, &new, model), caveats))
}

fn nothing_to_pair(before: &[BuildOutcome], after: &[BuildOutcome]) -> String {
    let why = |side: &[BuildOutcome]| {
        side.iter()
            .rev()
            .find_map(|b| b.result.as_ref().err().cloned())
    };
    match (before.len(), why(after).or_else(|| why(before))) {
        (0 | 1, _) => {
            "There are too few builds to compare: the history has fewer than two.".to_owned()
        }
        (_, Some(error)) => {
            format!("No build of the history can be built with both Dockerfiles: {error}.")
        }
        (_, None) => "No build of the history can be built with both Dockerfiles.".to_owned(),
    }
}

/// BuildKit runs independent steps side by side, the others one after the other.
fn prepared(model: &CostModel, settings: &Settings) -> CostModel {
    CostModel {
        runner: settings.runner,
        cache_export: settings.cache_export,
        parallelism: usize::from(settings.builder != Builder::BuildKit),
        ..model.clone()
    }
}

fn replayed(question: &Question<'_>, side: &Side) -> (Vec<BuildOutcome>, Vec<Caveat>) {
    let mut replay = Replay::new(Settings {
        pin: Some(side.dockerfile.clone()),
        pin_ignore: Some(side.ignore.clone()),
        ..question.settings.clone()
    });
    let builds = question
        .inputs
        .iter()
        .map(|input| replay.build(input))
        .collect();
    (builds, replay.caveats().to_vec())
}

/// The paired builds of one side with their costs.
struct Measured {
    builds: Vec<BuildOutcome>,
    costs: Vec<BuildCost>,
}

impl Measured {
    fn of(builds: Vec<BuildOutcome>, model: &CostModel) -> Self {
        let mut known: BTreeMap<(usize, Vec<u8>), BuildCost> = BTreeMap::new();
        let cost = |built: &Built| {
            // Equal steps are shared; builds in which the same of them ran cost the same.
            let key = (
                Arc::as_ptr(&built.steps) as usize,
                built.lookups.iter().map(weight).collect(),
            );
            *known.entry(key).or_insert_with(|| model.build(built))
        };
        let costs = builds
            .iter()
            .filter_map(|b| b.result.as_ref().ok())
            .map(cost)
            .collect();
        Self { builds, costs }
    }

    fn built(&self) -> impl DoubleEndedIterator<Item = &Built> {
        self.builds.iter().filter_map(|b| b.result.as_ref().ok())
    }

    fn walls(&self) -> Vec<u64> {
        let mut walls: Vec<u64> = self.costs.iter().map(|c| c.wall_ms).collect();
        walls.sort_unstable();
        walls
    }

    fn mean(&self, of: fn(&BuildCost) -> u64) -> u64 {
        let sum: u128 = self.costs.iter().map(|c| u128::from(of(c))).sum();
        u64::try_from(sum / self.costs.len().max(1) as u128).unwrap_or(u64::MAX)
    }

    fn hits(&self) -> Share {
        self.built()
            .map(tally)
            .fold(Share::default(), |sum, tally| Share {
                part: sum.part + tally.hits,
                whole: sum.whole + tally.all(),
            })
    }

    /// In how many builds each step of the newest version ran, by its place.
    fn runs(&self) -> BTreeMap<Place, u64> {
        let mut runs = BTreeMap::new();
        for built in self.built() {
            for id in counted(&built.steps) {
                let ran = !matches!(built.lookups[id.0], Lookup::Hit { .. });
                *runs.entry(place(&built.steps.steps[id.0])).or_default() += u64::from(ran);
            }
        }
        runs
    }
}

/// A step's place in one Dockerfile text.
type Place = (usize, usize, usize);

fn place(step: &Step) -> Place {
    (step.stage_index, step.index, step.lines.first)
}

/// What of a lookup matters to a build's cost.
fn weight(lookup: &Lookup) -> u8 {
    match lookup {
        Lookup::Hit { .. } => 0,
        Lookup::Unknown { .. } => 1,
        Lookup::Miss(MissReason::Cold) => 2,
        Lookup::Miss(MissReason::Base { .. }) => 3,
        Lookup::Miss(_) => 4,
    }
}

fn measured(old: &Measured, new: &Measured, model: &CostModel) -> Compared {
    let (walls, new_walls) = (old.walls(), new.walls());
    let paired = old
        .costs
        .iter()
        .zip(&new.costs)
        .map(|(a, b)| (a.wall_ms, b.wall_ms));
    let n = walls.len() as u64;
    let moved = |c: &BuildCost| {
        c.pulled_bytes
            .saturating_add(c.pushed_bytes)
            .saturating_add(c.cached_bytes)
    };
    let (change_low, change_high) = band(old, new, model, n);
    let change = |before, after| Change { before, after };
    let moved = change(old.mean(moved), new.mean(moved));
    Compared {
        n_builds: n,
        n_faster: paired.clone().filter(|(a, b)| b < a).count() as u64,
        n_slower: paired.filter(|(a, b)| b > a).count() as u64,
        mean: change(old.mean(|c| c.wall_ms), new.mean(|c| c.wall_ms)),
        median: change(quantile(&walls, 50), quantile(&new_walls, 50)),
        p95: change(quantile(&walls, 95), quantile(&new_walls, 95)),
        change_low,
        change_high,
        hits_before: old.hits(),
        hits_after: new.hits(),
        moved: (moved.before > 0 || moved.after > 0).then_some(moved),
        image: image(old, new, model),
        steps: steps(old, new, model, n),
        merge: None,
        suggestion: None,
    }
}

/// The nearest-rank quantile of sorted values.
fn quantile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// The mean's change, draw by draw: both sides in the same world, so that what is the same on both cancels out.
fn band(old: &Measured, new: &Measured, model: &CostModel, n: u64) -> (i64, i64) {
    let (before, after) = (model.total(&old.builds), model.total(&new.builds));
    let change = |a: u64, b: u64| (signed(b) - signed(a)) / signed(n).max(1);
    let median = change(before.sum.wall_ms, after.sum.wall_ms);
    let mut draws: Vec<i64> = before
        .wall_draws
        .iter()
        .zip(&after.wall_draws)
        .map(|(a, b)| change(*a, *b))
        .collect();
    draws.sort_unstable();
    let at = |percent: usize| {
        draws
            .get(draws.len().saturating_sub(1) * percent / 100)
            .copied()
            .unwrap_or(median)
    };
    (at(10).min(median), at(90).max(median))
}

/// The final images' sizes, told only where they differ.
fn image(old: &Measured, new: &Measured, model: &CostModel) -> Option<Change> {
    let size = |side: &Measured| {
        side.built()
            .next_back()
            .map(|b| model.image(&b.steps).unpacked)
    };
    let (before, after) = (size(old)?, size(new)?);
    (before != after).then_some(Change { before, after })
}

/// The steps that differ, the greatest change first; aligned by meaning, not by line.
fn steps(old: &Measured, new: &Measured, model: &CostModel, n: u64) -> Vec<StepChange> {
    let (Some(before), Some(after)) = (old.built().next_back(), new.built().next_back()) else {
        return Vec::new();
    };
    let (old_runs, new_runs) = (old.runs(), new.runs());
    let pairs = align(&before.steps, &after.steps);
    let cost = |step: &Step, runs: u64| signed(model.step(step).median_ms.saturating_mul(runs));
    let mut found = Vec::new();
    let mut taken: BTreeSet<StepId> = BTreeSet::new();
    for id in counted(&before.steps) {
        let step = &before.steps.steps[id.0];
        let ran = old_runs.get(&place(step)).copied().unwrap_or(0);
        let twin = pairs[id.0].map(|twin| (twin, &after.steps.steps[twin.0]));
        let runs = twin.map(|(_, s)| new_runs.get(&place(s)).copied().unwrap_or(0));
        taken.extend(twin.map(|(twin, _)| twin));
        let now = twin.zip(runs).map_or(0, |((_, s), runs)| cost(s, runs));
        let shown = twin.map_or(step, |(_, s)| s);
        found.push(change_of(
            shown,
            (now - cost(step, ran)) / signed(n).max(1),
            Some(ran),
            runs,
        ));
    }
    for id in counted(&after.steps).filter(|id| !taken.contains(id)) {
        let step = &after.steps.steps[id.0];
        let runs = new_runs.get(&place(step)).copied().unwrap_or(0);
        found.push(change_of(
            step,
            cost(step, runs) / signed(n).max(1),
            None,
            Some(runs),
        ));
    }
    found.retain(|s| s.change != 0 || s.runs_before.is_none() != s.runs_after.is_none());
    found.sort_by(|a, b| {
        b.change
            .abs()
            .cmp(&a.change.abs())
            .then_with(|| a.line.cmp(&b.line))
    });
    found.truncate(MAX_STEPS);
    found
}

fn change_of(
    step: &Step,
    change: i64,
    runs_before: Option<u64>,
    runs_after: Option<u64>,
) -> StepChange {
    StepChange {
        text: clip(&step.text, TEXT_CHARS),
        line: step.lines.first,
        change,
        runs_before,
        runs_after,
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What merging triggers: the base's history as committed, then the head built on its cache (the last input).
pub fn merge(
    settings: &Settings,
    model: &CostModel,
    inputs: impl IntoIterator<Item = BuildInput>,
) -> Option<Merge> {
    let mut replay = Replay::new(settings.clone());
    let mut last = None;
    for input in inputs {
        last = Some(replay.build(&input));
    }
    let built = last?.result.ok()?;
    let ran = |id: &StepId| !matches!(built.lookups[id.0], Lookup::Hit { .. });
    let all: Vec<StepId> = counted(&built.steps).collect();
    let told = |id: &StepId| {
        let step = &built.steps.steps[id.0];
        MergeStep {
            text: clip(&step.text, TEXT_CHARS),
            line: step.lines.first,
            because: clip(&because(&built.lookups[id.0]), TEXT_CHARS),
        }
    };
    Some(Merge {
        n_steps: all.len() as u64,
        cost: prepared(model, settings).build(&built).wall_ms,
        steps: all
            .iter()
            .filter(|id| ran(id))
            .take(3 * MAX_STEPS)
            .map(told)
            .collect(),
    })
}

fn because(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Hit { .. } | Lookup::Miss(MissReason::Input { .. }) => String::new(),
        Lookup::Unknown { why } => why.trim_end_matches('.').to_owned(),
        Lookup::Miss(MissReason::Cold) => "new".to_owned(),
        Lookup::Miss(MissReason::Definition { what, .. }) => format!("its {what} changed"),
        Lookup::Miss(MissReason::Base { .. }) => "another base image".to_owned(),
        Lookup::Miss(MissReason::NotExported) => "not in the exported cache".to_owned(),
        Lookup::Miss(MissReason::Evicted) => "removed from the cache".to_owned(),
        Lookup::Miss(MissReason::Content { paths, n_paths }) => {
            let named: Vec<String> = paths
                .iter()
                .take(MAX_PATHS)
                .map(ToString::to_string)
                .collect();
            let rest = (*n_paths).max(paths.len()) - named.len();
            let more = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            format!("changed: {}{more}", named.join(", "))
        }
    }
}

/// A proposal as the comment shows it: lines and their replacement where one hunk says it all, else the patch.
pub fn suggestion(
    id: &str,
    title: &str,
    saved: u64,
    old: &str,
    new: &str,
    patch: &str,
    is_whole: bool,
) -> Suggestion {
    let mut shown = Suggestion {
        id: id.to_owned(),
        title: sentence(title),
        saved,
        ..Suggestion::default()
    };
    match hunk(old, new).filter(|_| is_whole) {
        Some((lines, replacement)) => {
            (shown.lines, shown.replacement) = (Some(lines), Some(replacement))
        }
        None => shown.diff = Some(patch.to_owned()),
    }
    shown
}

fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The lines that differ, from the first to the last, if they are few: (first, last) in `old`, and what `new` has there.
fn hunk(old: &str, new: &str) -> Option<((usize, usize), String)> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count()
        .min(room);
    let (mut first, mut last, mut end) = (head, old.len() - tail, new.len() - tail);
    if first == last {
        // Lines only come in: a suggestion needs a line to stand in for.
        match first {
            0 => (last, end) = (last + 1, end + 1),
            _ => first -= 1,
        }
    }
    let fits = last <= old.len()
        && end <= new.len()
        && last - first <= MAX_HUNK
        && end - first <= MAX_HUNK;
    (fits && first < last && old != new).then(|| ((first + 1, last), new[first..end].join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_replaces_the_lines_that_differ() {
        let check = |old: &str, new: &str, expected: Option<((usize, usize), &str)>| {
            let found = hunk(old, new);
            assert_eq!(
                found.as_ref().map(|(l, r)| (*l, r.as_str())),
                expected,
                "{old:?} {new:?}"
            );
        };
        check("a\nb\nc", "a\nX\nc", Some(((2, 2), "X")));
        check("a\nb\nc", "a\nX\nb\nc", Some(((1, 1), "a\nX")));
        check("a\nb", "X\na\nb", Some(((1, 1), "X\na")));
        check("a\nb\nc", "a\nc", Some(((2, 2), "")));
        check("a\nb\nc\nd", "a\nc\nb\nd", Some(((2, 3), "c\nb")));
        check("a", "a", None);
        check("", "a", None);
        check("a\na", "a\na\na", Some(((2, 2), "a\na")));
    }

    #[test]
    fn quantiles_are_ranks() {
        assert_eq!(
            (
                quantile(&[1, 2, 3, 4], 50),
                quantile(&[1, 2, 3, 4], 95),
                quantile(&[], 50)
            ),
            (2, 4, 0)
        );
    }
}
