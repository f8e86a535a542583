//! Where the stages and the instructions of a Dockerfile stand in the rewritten one.

use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::Stage;
use std::collections::BTreeSet;

/// The stage of the rewritten text that `stage` has become.
pub(super) fn stage_after<'d>(
    stage: &Stage,
    before: &Dockerfile,
    after: &'d Dockerfile,
) -> Option<&'d Stage> {
    match &stage.name {
        Some(name) => after.stages.iter().find(|s| s.name.as_ref() == Some(name)),
        None if before.stages.len() == after.stages.len() => after.stages.get(stage.index),
        None => after
            .stages
            .iter()
            .find(|s| s.from.original == stage.from.original),
    }
}

/// The instructions that stand in both, with their positions before and after; equal texts in the order they stand.
pub(super) fn positions(before: &Stage, after: &Stage) -> Vec<(usize, usize)> {
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    for (n, instruction) in before.instructions.iter().enumerate() {
        let same = |m: &usize| {
            after.instructions[*m].original == instruction.original && !taken.contains(m)
        };
        if let Some(m) = (0..after.instructions.len()).find(same) {
            taken.insert(m);
            pairs.push((n, m));
        }
    }
    pairs
}
