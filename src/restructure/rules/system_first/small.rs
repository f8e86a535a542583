//! RUNs that are worth a move only together.

use super::super::super::candidate::Candidate;
use super::super::super::moving::{move_before, with_needed};
use super::RULE;
use super::ground::{Goal, Ground, highest, is_light, is_work};
use super::runs::{judge, listed};
use crate::dockerfile::ast::{Command, Kind};
use crate::shell;
use std::collections::BTreeSet;

/// RUNs that make directories, links and the like, which none would move for its own sake, moved up together.
pub(super) fn small_runs(ground: &Ground<'_>) -> Option<Candidate> {
    let steps = &ground.stage.instructions;
    let is_small = |i: &usize| match &steps[*i].kind {
        Kind::Run(run) => match &run.command {
            Command::Shell(text) => {
                ground.effects[*i].groups.is_some() && !is_work(text) && leaves_something(text)
            }
            Command::Exec(_) => false,
        },
        _ => false,
    };
    let goals = (0..steps.len()).filter(is_small);
    let goals: Vec<(usize, Goal)> = goals
        .filter_map(|i| Some((i, highest(ground, &ground.effects, i)?)))
        .filter(|(i, (_, along))| {
            along
                .iter()
                .all(|a| a == i || is_light(&steps[*a]) || is_small(a))
        })
        .collect();
    let to = goals.iter().map(|(_, (to, _))| *to).max()?;
    let along: BTreeSet<usize> = goals
        .iter()
        .filter_map(|(i, _)| with_needed(&ground.effects, *i, to).ok())
        .flatten()
        .collect();
    let runs: Vec<usize> = along.iter().copied().filter(is_small).collect();
    let moved = listed("RUN", &runs, ground);
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "move {} above the COPY in line {}",
            moved.strip_prefix(" and ").unwrap_or(&moved),
            ground.line(to)
        ),
    );
    candidate.edits = move_before(ground.view.text(), ground.stage, &along, to);
    judge(
        &mut candidate,
        ground.stage,
        (*runs.last()?, to),
        Vec::new(),
    );
    candidate.lines = runs.iter().map(|&i| steps[i].lines).collect();
    Some(candidate)
}

/// Whether a RUN makes or changes a file: `RUN true` between two COPYs is there to part their layers.
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
        "tee",
        "touch",
        "venv",
        "virtualenv",
    ];
    let script = shell::parse(text);
    let writes = script.commands.iter().any(|c| !c.redirections.is_empty());
    writes || script.seen().iter().any(|s| makers.contains(&s.name()))
}
