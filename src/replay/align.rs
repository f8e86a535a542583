//! Which step of one Dockerfile version is which of another, to say what an edit changed: by meaning, not by line.
//!
//! Every edited line has an earlier form here, however unlike it is; what a comparison pairs has to be alike.

use super::outcome::Steps;
use crate::graph::Step;

/// For each step of `new`, its counterpart in `old`.
///
/// Stages are paired by name, then by position. Within a stage the longest common run of equal steps is kept in order;
/// what lies between is paired in order where the keyword is the same.
pub fn align(old: &Steps, new: &Steps) -> Vec<Option<usize>> {
    let mut pairs = vec![None; new.steps.len()];
    for stage in stages(new) {
        let Some(counterpart) = counterpart(old, new, stage) else {
            continue;
        };
        let ours: Vec<usize> = of_stage(new, stage);
        let theirs: Vec<usize> = of_stage(old, counterpart);
        pair(old, new, &theirs, &ours, &mut pairs);
    }
    pairs
}

fn stages(steps: &Steps) -> Vec<usize> {
    let mut stages: Vec<usize> = steps.steps.iter().map(|s| s.stage_index).collect();
    stages.sort_unstable();
    stages.dedup();
    stages
}

fn of_stage(steps: &Steps, stage: usize) -> Vec<usize> {
    (0..steps.steps.len())
        .filter(|&i| steps.steps[i].stage_index == stage)
        .collect()
}

/// A stage's name as printed, unless it is one that BuildKit made up.
fn name(steps: &Steps, stage: usize) -> Option<&str> {
    let step = steps.steps.iter().find(|s| s.stage_index == stage)?;
    step.stage.as_deref().filter(|n| !n.starts_with("stage-"))
}

fn counterpart(old: &Steps, new: &Steps, stage: usize) -> Option<usize> {
    let by_name =
        name(new, stage).and_then(|n| stages(old).into_iter().find(|&s| name(old, s) == Some(n)));
    let is_last = stages(new).last() == Some(&stage);
    let by_place = || match is_last {
        true => stages(old).last().copied(),
        false => stages(old).into_iter().find(|&s| s == stage),
    };
    by_name.or_else(by_place)
}

/// Longest common subsequence over equal texts, bounded: very long stages are paired position by position.
fn pair(old: &Steps, new: &Steps, theirs: &[usize], ours: &[usize], pairs: &mut [Option<usize>]) {
    const LIMIT: usize = 600;
    if ours.len() > LIMIT || theirs.len() > LIMIT {
        for (o, t) in ours.iter().zip(theirs) {
            pairs[*o] = similar(&old.steps[*t], &new.steps[*o]).then_some(*t);
        }
        return;
    }
    let equal = |t: usize, o: usize| {
        let (a, b) = (&old.steps[theirs[t]], &new.steps[ours[o]]);
        a.instruction == b.instruction && a.text == b.text
    };
    let mut best = vec![vec![0usize; ours.len() + 1]; theirs.len() + 1];
    for t in (0..theirs.len()).rev() {
        for o in (0..ours.len()).rev() {
            best[t][o] = if equal(t, o) {
                best[t + 1][o + 1] + 1
            } else {
                best[t + 1][o].max(best[t][o + 1])
            };
        }
    }
    let (mut t, mut o) = (0, 0);
    let (mut gap_t, mut gap_o) = (Vec::new(), Vec::new());
    loop {
        if t < theirs.len() && o < ours.len() && equal(t, o) && best[t][o] == best[t + 1][o + 1] + 1
        {
            pair_gap(old, new, &mut gap_t, &mut gap_o, pairs);
            pairs[ours[o]] = Some(theirs[t]);
            t += 1;
            o += 1;
        } else if t < theirs.len() && (o == ours.len() || best[t + 1][o] >= best[t][o + 1]) {
            gap_t.push(theirs[t]);
            t += 1;
        } else if o < ours.len() {
            gap_o.push(ours[o]);
            o += 1;
        } else {
            pair_gap(old, new, &mut gap_t, &mut gap_o, pairs);
            return;
        }
    }
}

/// What changed between two equal steps: paired in order where the keyword is the same.
fn pair_gap(
    old: &Steps,
    new: &Steps,
    theirs: &mut Vec<usize>,
    ours: &mut Vec<usize>,
    pairs: &mut [Option<usize>],
) {
    let mut from = 0;
    for o in ours.drain(..) {
        if let Some(at) =
            (from..theirs.len()).find(|&i| similar(&old.steps[theirs[i]], &new.steps[o]))
        {
            pairs[o] = Some(theirs[at]);
            from = at + 1;
        }
    }
    theirs.clear();
}

fn similar(old: &Step, new: &Step) -> bool {
    let keyword = |s: &Step| {
        if s.instruction == "ADD" {
            "COPY".to_owned()
        } else {
            s.instruction.clone()
        }
    };
    keyword(old) == keyword(new) && (old.index == 0) == (new.index == 0)
}
