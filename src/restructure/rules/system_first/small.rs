//! RUNs that are worth a move only together.

use super::super::super::candidate::Candidate;
use super::super::super::moving::{move_before, with_needed};
use super::RULE;
use super::fresh::is_release;
use super::ground::{Goal, Ground, highest, is_light, is_work};
use super::runs::{judge, listed};
use crate::dockerfile::ast::Kind;
use crate::shell;
use std::collections::BTreeSet;

/// RUNs that make directories, links and the like, which none would move for its own sake, moved up together, with the
/// releases that they work on: for each copy that some of them can all stand above, one candidate.
pub(super) fn small_runs(ground: &Ground<'_>) -> Vec<Candidate> {
    let steps = &ground.stage.instructions;
    let is_small = |i: &usize| {
        let text = steps[*i].shell_text();
        ground.effects[*i].groups.is_some()
            && text.is_some_and(|text| !is_work(text) && leaves_something(text))
    };
    let goals = (0..steps.len()).filter(is_small);
    let goals: Vec<(usize, Goal)> = goals
        .filter_map(|i| Some((i, highest(ground, &ground.effects, i)?)))
        .filter(|(i, (_, along))| {
            let comes = |a: usize| {
                let step = &steps[a];
                is_light(step) || is_small(&a) || is_release(step, &ground.places[a])
            };
            along.iter().all(|&a| a == *i || comes(a))
        })
        .collect();
    let groups = together(goals.into_iter().map(|(i, (to, _))| (i, to)));
    let all = groups.iter().filter_map(|(to, runs)| {
        let needed = runs.iter().map(|&i| with_needed(&ground.effects, i, *to));
        let along: BTreeSet<usize> = needed.filter_map(Result::ok).flatten().collect();
        moved(ground, *to, &along)
    });
    all.collect()
}

/// RUNs by the copy that all of a group can stand above. Each comes with the highest copy that it can pass itself; a
/// RUN that stands above the copy of a group is none of it.
fn together(goals: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, Vec<usize>)> {
    let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
    for (run, highest) in goals {
        match groups.last_mut() {
            Some((to, runs)) if highest.max(*to) < runs[0] => {
                *to = highest.max(*to);
                runs.push(run);
            }
            _ => groups.push((highest, vec![run])),
        }
    }
    groups
}

/// The candidate that has the small RUNs among `along` stand before `to`.
fn moved(ground: &Ground<'_>, to: usize, along: &BTreeSet<usize>) -> Option<Candidate> {
    let steps = &ground.stage.instructions;
    let is_run = |i: &usize| matches!(steps[*i].kind, Kind::Run(_));
    let runs: Vec<usize> = along.iter().copied().filter(is_run).collect();
    let is_fetched = |i: &usize| matches!(steps[*i].kind, Kind::Add(_));
    let fetched: Vec<usize> = along.iter().copied().filter(is_fetched).collect();
    let moved = listed("ADD", &fetched, ground) + &listed("RUN", &runs, ground);
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "move {} above the COPY in line {}",
            moved.strip_prefix(" and ").unwrap_or(&moved),
            ground.line(to)
        ),
    );
    candidate.edits = move_before(ground.view.text(), ground.stage, along, to);
    judge(
        &mut candidate,
        ground.stage,
        (*runs.last()?, to),
        Vec::new(),
    );
    candidate.lines = runs.iter().map(|&i| steps[i].lines).collect();
    Some(candidate)
}

/// Whether a RUN makes, changes or checks a file: `RUN true` between two COPYs is there to part their layers.
fn leaves_something(text: &str) -> bool {
    let makers = [
        "chgrp",
        "chmod",
        "chown",
        "cp",
        "git",
        "install",
        "ln",
        "mkdir",
        "mv",
        "rm",
        "sed",
        "sha256sum",
        "sha512sum",
        "tee",
        "touch",
        "venv",
        "virtualenv",
    ];
    let script = shell::parse(text);
    let writes = script.commands.iter().any(|c| !c.redirections.is_empty());
    writes || script.seen().iter().any(|s| makers.contains(&s.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_above_a_copy_that_stands_above_them() {
        let check = |goals: &[(usize, usize)], expected: &[(usize, &[usize])]| {
            let found = together(goals.iter().copied());
            let found: Vec<_> = found.iter().map(|(to, runs)| (*to, &runs[..])).collect();
            assert_eq!(found, expected, "{goals:?}");
        };
        check(&[], &[]);
        check(&[(3, 1)], &[(1, &[3])]);
        check(&[(3, 1), (4, 2)], &[(2, &[3, 4])]);
        check(&[(3, 1), (6, 5)], &[(1, &[3]), (5, &[6])]);
        check(&[(3, 1), (6, 5), (8, 2)], &[(1, &[3]), (5, &[6, 8])]);
    }
}
