//! Which step of one Dockerfile version is which step of another: by meaning, not by line.
//!
//! Never: looks at a cache. Stages are matched by name, then by position; inside a stage steps keep their order; what is
//! left over is matched by equal text wherever it went.

use crate::graph::{Step, StepId};
use crate::replay::Steps;
use std::collections::{BTreeMap, BTreeSet};

/// Similarity (0 to 1000) below which two steps are not the same step.
const SAME: u32 = 400;
/// Larger tables are not filled in; only equal texts are matched there.
const LARGEST_TABLE: usize = 1_000_000;

/// For each step of `old` the step of `new` that means the same.
pub fn align(old: &Steps, new: &Steps) -> Vec<Option<StepId>> {
    let mut pairs: Vec<Option<StepId>> = vec![None; old.steps.len()];
    for (old_stage, new_stage) in stage_pairs(old, new) {
        for (a, b) in in_order(old, &old_stage, new, &new_stage) {
            pairs[a.0] = Some(b);
        }
    }
    match_moved(old, new, &mut pairs);
    pairs
}

/// A stage: its name as printed and its steps in order.
type Stage = (Option<String>, Vec<StepId>);

fn stages(steps: &Steps) -> Vec<Stage> {
    let mut by_index: BTreeMap<usize, Stage> = BTreeMap::new();
    for &id in &steps.shown {
        let step = &steps.steps[id.0];
        let stage = by_index
            .entry(step.stage_index)
            .or_insert_with(|| (step.stage.clone(), Vec::new()));
        stage.1.push(id);
    }
    by_index.into_values().collect()
}

/// Stages of the same name, then the rest by what they contain, last with last: the target is the last one in most files.
fn stage_pairs(old: &Steps, new: &Steps) -> Vec<(Vec<StepId>, Vec<StepId>)> {
    let mut left = stages(old);
    let mut right = stages(new);
    let mut pairs = Vec::new();
    left.retain(|(name, steps)| {
        let given = name.as_deref().filter(|n| !n.contains("stage-"));
        let twin = given.and_then(|name| {
            right
                .iter()
                .position(|(other, _)| other.as_deref() == Some(name))
        });
        let Some(at) = twin else { return true };
        pairs.push((steps.clone(), right.remove(at).1));
        false
    });
    while let (Some((_, a)), false) = (left.pop(), right.is_empty()) {
        let likeness = |b: &[StepId]| {
            a.iter()
                .filter(|&&x| b.iter().any(|&y| equal(old, x, new, y)))
                .count()
        };
        let last = right.len() - 1;
        let best = (0..=last)
            .rev()
            .max_by_key(|&i| (likeness(&right[i].1), usize::from(i == last)))
            .unwrap_or(last);
        pairs.push((a, right.remove(best).1));
    }
    pairs
}

fn equal(old: &Steps, a: StepId, new: &Steps, b: StepId) -> bool {
    old.steps[a.0].text == new.steps[b.0].text
}

/// The best matching of two sequences that keeps their order.
fn in_order(old: &Steps, left: &[StepId], new: &Steps, right: &[StepId]) -> Vec<(StepId, StepId)> {
    if left.len().saturating_mul(right.len()) > LARGEST_TABLE {
        return Vec::new();
    }
    let width = right.len() + 1;
    let mut best = vec![0_u32; (left.len() + 1) * width];
    // A step whose own text stands on the other side is that one, wherever it went, and no step that looks like it.
    let texts = |steps: &Steps, ids: &[StepId]| -> BTreeSet<String> {
        ids.iter()
            .map(|id| steps.steps[id.0].text.clone())
            .collect()
    };
    let (of_old, of_new) = (texts(old, left), texts(new, right));
    let like = |i: usize, j: usize| {
        let (a, b) = (&old.steps[left[i].0], &new.steps[right[j].0]);
        let has_twin = of_new.contains(&a.text) || of_old.contains(&b.text);
        if a.text != b.text && has_twin {
            0
        } else {
            similarity(a, b)
        }
    };
    let likes: Vec<u32> = (0..left.len())
        .flat_map(|i| (0..right.len()).map(move |j| (i, j)))
        .map(|(i, j)| like(i, j))
        .collect();
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            let skip = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            let pair = match likes[i * right.len() + j] {
                like if like >= SAME => like + best[(i + 1) * width + j + 1],
                _ => 0,
            };
            best[i * width + j] = skip.max(pair);
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < left.len() && j < right.len() {
        let here = best[i * width + j];
        if here == best[(i + 1) * width + j] {
            i += 1;
        } else if here == best[i * width + j + 1] {
            j += 1;
        } else {
            pairs.push((left[i], right[j]));
            i += 1;
            j += 1;
        }
    }
    pairs
}

/// Steps that moved to another place or stage: equal texts among what is left, in order.
fn match_moved(old: &Steps, new: &Steps, pairs: &mut [Option<StepId>]) {
    let taken: Vec<StepId> = pairs.iter().flatten().copied().collect();
    let mut free: BTreeMap<&str, Vec<StepId>> = BTreeMap::new();
    for &id in new.shown.iter().rev().filter(|id| !taken.contains(id)) {
        free.entry(new.steps[id.0].text.as_str())
            .or_default()
            .push(id);
    }
    for &id in old.shown.iter() {
        if pairs[id.0].is_none() {
            pairs[id.0] = free
                .get_mut(old.steps[id.0].text.as_str())
                .and_then(Vec::pop);
        }
    }
}

/// How alike two steps are, 0 to 1000.
fn similarity(a: &Step, b: &Step) -> u32 {
    if a.instruction != b.instruction {
        // ADD and COPY of the same files do the same.
        let transfers = |s: &Step| matches!(s.instruction.as_str(), "COPY" | "ADD");
        if !(transfers(a) && transfers(b)) {
            return 0;
        }
    }
    if a.text == b.text {
        return 1000;
    }
    let alike = word_likeness(&a.text, &b.text);
    match a.instruction.as_str() {
        // A stage has one FROM, whatever its image.
        "FROM" => alike.max(500),
        _ => alike,
    }
}

/// Twice the words in common over all words, the keyword left out, 0 to 999.
fn word_likeness(a: &str, b: &str) -> u32 {
    let words = |text: &str| {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let separators =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '=' | ';' | '[' | ']');
        for word in text
            .split(separators)
            .filter(|w| !w.is_empty())
            .skip(1)
            .take(2_000)
        {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        counts
    };
    let (a, b) = (words(a), words(b));
    let total: u32 = a.values().sum::<u32>() + b.values().sum::<u32>();
    let common: u32 = a
        .iter()
        .map(|(word, n)| n.min(b.get(word).unwrap_or(&0)))
        .sum();
    (2_000 * common)
        .checked_div(total)
        .map_or(0, |alike| alike.min(999))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::steps;

    fn check(old: &[&str], new: &[&str], want: &[Option<usize>]) {
        let got: Vec<_> = align(&steps(old), &steps(new))
            .into_iter()
            .map(|id| id.map(|id| id.0))
            .collect();
        assert_eq!(got, want, "{old:?} {new:?}");
    }

    #[test]
    fn equal_files_align_step_by_step() {
        let file = ["FROM a", "RUN x", "COPY . .", "RUN x"];
        check(&file, &file, &[Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn an_inserted_step_shifts_the_others() {
        check(
            &["FROM a", "COPY . .", "RUN npm ci"],
            &["FROM a", "RUN apk add git", "COPY . .", "RUN npm ci"],
            &[Some(0), Some(2), Some(3)],
        );
    }

    #[test]
    fn an_edited_command_is_still_the_same_step() {
        check(
            &["FROM a", "RUN npm install --silent"],
            &["FROM b", "RUN npm install"],
            &[Some(0), Some(1)],
        );
        check(
            &["FROM a", "RUN npm install"],
            &["FROM a", "RUN cargo build"],
            &[Some(0), None],
        );
    }

    #[test]
    fn a_moved_step_is_found_by_its_text() {
        check(
            &["FROM a", "COPY . .", "RUN apt-get update"],
            &["FROM a", "RUN apt-get update", "COPY . ."],
            &[Some(0), Some(2), Some(1)],
        );
    }

    #[test]
    fn stages_are_matched_by_name() {
        check(
            &["web> FROM a", "web> RUN x", "api> FROM b", "api> RUN x"],
            &["api> FROM b", "api> RUN x", "web> FROM a", "web> RUN x"],
            &[Some(2), Some(3), Some(0), Some(1)],
        );
    }
}
