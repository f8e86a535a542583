//! Where two kept instructions changed places, their order does not matter.

use super::super::candidate::Candidate;
use super::super::conflict::conflict;
use super::super::effect::{Effect, effect};
use super::super::layout::places;
use super::super::rewritten::{positions, stage_after};
use super::super::view::View;
use crate::dockerfile::ast::Instruction;

/// Kept instructions whose order changed may change it.
pub(super) fn order(
    before: &View<'_>,
    after: &View<'_>,
    candidate: &Candidate,
) -> Result<(), String> {
    let unread = &candidate.unread;
    let vouched = |i: &Instruction| candidate.vouched.contains(&i.original);
    let all = places(before.dockerfile);
    for stage in &before.dockerfile.stages {
        let Some(then) = stage_after(stage, before.dockerfile, after.dockerfile) else {
            continue;
        };
        let moved = positions(stage, then);
        for (i, &(first, at)) in moved.iter().enumerate() {
            for &(second, later) in &moved[i + 1..] {
                let is_shown =
                    vouched(&stage.instructions[first]) || vouched(&stage.instructions[second]);
                if later > at || is_shown {
                    continue;
                }
                let of = |n: usize| effect(before, &stage.instructions[n], &all[stage.index][n]);
                let (mut one, mut other) = (of(first), of(second));
                let is_read = |by: &Effect, name: &String| {
                    !unread.contains(name) || by.mentions.contains(name) || by.sets.contains(name)
                };
                one.sets.retain(|name| is_read(&other, name));
                other.sets.retain(|name| is_read(&one, name));
                if let Some(why) = conflict(&one, &other) {
                    let line = |n: usize| stage.instructions[n].lines.first;
                    return Err(format!(
                        "lines {} and {} change places though {why}",
                        line(first),
                        line(second)
                    ));
                }
            }
        }
    }
    Ok(())
}
