//! What a pull request does to the cache: base and head over the same builds, paired, and the build that merging
//! triggers, as the values that the comment shows.
//!
//! Both sides are pinned texts (Dockerfile and ignore file), so that two texts are compared and not two histories.
//!
//! Never: prints, reads the disk, words a comment.

use crate::analyze::NewArguments;
use crate::builder::Builder;
use crate::cache::Lookup;
use crate::cache::MissReason;
use crate::caveat::Caveat;
use crate::cost::CostModel;
use crate::dockerfile;
use crate::graph::StepId;
use crate::history::BuildInput;
use crate::replay::BuildOutcome;
use crate::replay::NotHeld;
use crate::replay::Settings;
use crate::report::comment_view::Change;
use crate::report::comment_view::Compared;
use crate::report::comment_view::Merge;
use crate::report::comment_view::MergeStep;
use crate::report::comment_view::Passed;
use crate::report::comment_view::Share;
use crate::report::comment_view::StepChange;
use crate::report::comment_view::Suggestion;
use crate::report::format::clip;
use crate::restructure::informed::Blob;
use crate::restructure::informed::Informed;
use crate::score;
use crate::score::Comparison;
use crate::score::Tally;
use crate::score::counted;

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
    /// The same builds in the head's layout.
    pub head_inputs: &'a [BuildInput],
    /// Bytes of a blob of the history.
    pub blob: &'a Blob<'a>,
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
    let model = prepared(question.model, question.settings);
    let (replayed, mut comparison) = compared(question, &model, &NewArguments::default());
    comparison.passed = passed(question, &model, &comparison);
    let [
        Replayed {
            builds: before,
            mut caveats,
            ..
        },
        Replayed {
            builds: after,
            caveats: more,
            ..
        },
    ] = replayed;
    if comparison.pairs.is_empty() {
        return Err(nothing_to_pair(&before, &after));
    }
    caveats.extend(more);
    let one_sided = comparison.n_lost + comparison.n_gained;
    caveats.extend(left_out(before.len(), one_sided, comparison.n_neither));
    caveats.sort();
    caveats.dedup();
    Ok((shown(&comparison), caveats))
}

/// Builds that could not be paired, so that the counts add up.
fn left_out(all: usize, one_sided: u64, neither: u64) -> Option<Caveat> {
    let with = |(n, which): (u64, &str)| (n > 0).then(|| format!("{n} with {which}"));
    let parts: Vec<String> = [
        (one_sided, "only one of the two Dockerfiles"),
        (neither, "neither"),
    ]
    .into_iter()
    .filter_map(with)
    .collect();
    (!parts.is_empty()).then(|| {
        Caveat::general(format!(
            "Of {all} builds, {} could be built: they are left out.",
            parts.join(" and ")
        ))
    })
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

/// One side's builds and what was assumed.
struct Replayed {
    builds: Vec<BuildOutcome>,
    /// The newest build once more, with other arguments.
    again: Option<BuildOutcome>,
    caveats: Vec<Caveat>,
}

/// Both sides with new values for these arguments at each build; where git cannot tell, in both readings.
fn compared(
    question: &Question<'_>,
    model: &CostModel,
    arguments: &NewArguments,
) -> ([Replayed; 2], Comparison) {
    let both = |not_held| {
        [
            (question.base, question.inputs),
            (question.head, question.head_inputs),
        ]
        .map(|(side, inputs)| replayed(question, side, inputs, arguments, not_held))
    };
    let sides = both(NotHeld::Unknown);
    let is_unknown = sides.iter().any(|side| score::has_unknown(&side.builds));
    let again = is_unknown.then(|| both(NotHeld::Unchanged));
    let unchanged = again
        .as_ref()
        .map(|[old, new]| (&old.builds[..], &new.builds[..]));
    let comparison = score::compare(&sides[0].builds, &sides[1].builds, unchanged, model);
    (sides, comparison)
}

fn replayed(
    question: &Question<'_>,
    side: &Side,
    inputs: &[BuildInput],
    arguments: &NewArguments,
    not_held: NotHeld,
) -> Replayed {
    let settings = Settings {
        pin: Some(side.dockerfile.clone()),
        pin_ignore: Some(side.ignore.clone()),
        not_held,
        ..question.settings.clone()
    };
    let mut replay = Informed::new(settings, question.blob);
    let given = |(n, input)| match arguments.is_empty() {
        true => replay.build(input),
        false => replay.build(&arguments.given(input, n)),
    };
    let builds = inputs.iter().enumerate().map(given).collect();
    let newest = inputs.last().filter(|_| !arguments.is_empty());
    let again = newest.map(|input| replay.build(&arguments.again(input, inputs.len())));
    Replayed {
        builds,
        again,
        caveats: replay.caveats().to_vec(),
    }
}

/// The same builds with new values for arguments that a pipeline is likely to pass.
fn passed(question: &Question<'_>, model: &CostModel, plain: &Comparison) -> Option<score::Passed> {
    let texts = [question.base, question.head].map(|side| side.dockerfile.as_str());
    let arguments = NewArguments::of(question.settings, &texts);
    if arguments.is_empty() {
        return None;
    }
    let ([old, new], with) = compared(question, model, &arguments);
    let names = arguments.names().cloned().collect();
    let (old, new) = (old.again?, new.again?);
    score::Passed::new(names, &with, (&old, &new), plain, model)
}

fn shown(comparison: &Comparison) -> Compared {
    let (old, new) = (&comparison.old, &comparison.new);
    let change = |before, after| Change { before, after };
    // Of the steps whose answer is known, as everywhere.
    let hits = |tally: &Tally| Share {
        part: tally.hits,
        whole: tally.hits + tally.misses(),
    };
    let (moved, image) = (
        change(old.moved_bytes, new.moved_bytes),
        change(old.image.unpacked, new.image.unpacked),
    );
    Compared {
        n_builds: comparison.pairs.len() as u64,
        n_faster: comparison.n_faster,
        n_slower: comparison.n_slower,
        mean: change(old.mean.median, new.mean.median),
        if_cached: Some(change(old.mean_if_cached, new.mean_if_cached))
            .filter(|c| *c != change(old.mean.median, new.mean.median)),
        cold: Some(change(old.cold, new.cold)),
        passed: comparison.passed.as_ref().map(|p| Passed {
            names: p
                .names
                .iter()
                .take(MAX_STEPS)
                .map(|n| clip(n, TEXT_CHARS))
                .collect(),
            mean: change(p.means.old, p.means.new),
            again: change(p.again.0, p.again.1),
        }),
        median: change(old.median, new.median),
        p95: change(old.p95, new.p95),
        change_low: comparison.mean.low,
        change_high: comparison.mean.high,
        hits_before: hits(&old.tally),
        hits_after: hits(&new.tally),
        moved: (moved.before > 0 || moved.after > 0).then_some(moved),
        // The size is an estimate; told only where it differs.
        image: (image.before != image.after).then_some(image),
        steps: comparison
            .steps
            .iter()
            .filter(|s| differs(s))
            .take(MAX_STEPS)
            .map(step)
            .collect(),
        merge: None,
        suggestion: None,
        findings: Vec::new(),
    }
}

fn differs(step: &score::StepChange) -> bool {
    step.change != 0 || step.old.is_none() != step.new.is_none()
}

fn step(step: &score::StepChange) -> StepChange {
    let side = step.new.as_ref().or(step.old.as_ref());
    StepChange {
        text: side.map_or_else(String::new, |s| clip(&s.text, TEXT_CHARS)),
        line: side.map_or(0, |s| s.line),
        change: step.change,
        runs_before: step.old.as_ref().map(|s| s.runs),
        runs_after: step.new.as_ref().map(|s| s.runs),
    }
}

/// What merging triggers: the base's history as committed, then the head built on its cache (the last input).
pub fn merge(
    settings: &Settings,
    model: &CostModel,
    blob: &Blob<'_>,
    inputs: impl IntoIterator<Item = BuildInput>,
) -> Option<Merge> {
    let mut replay = Informed::new(settings.clone(), blob);
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
}
