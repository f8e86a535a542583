//! What a mount holds between two RUNs: the one that fills it must not be found in the cache where the other is not.
//!
//! A RUN that leaves its results in a cache mount or a tmpfs has an empty layer. As long as nothing stands between it and
//! the RUN that reads them, both run or neither does. A COPY or a value put between would have the second run alone, with
//! whatever the mount holds then, which on a fresh builder is nothing. Where it runs alone with each change of the source
//! as it is, a value more does no harm.

use super::installs::StageView;
use super::layout::places;
use super::rewritten::{positions, stage_after};
use super::view::View;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// Whether in `after` something stands between a RUN and one that reads what it left in a mount, that does not now.
pub(super) fn is_parted(view: &View<'_>, after: &Dockerfile) -> bool {
    let fills = |i: &Instruction| !targets(i).is_empty();
    if view.dockerfile.instructions().filter(|i| fills(i)).count() < 2 {
        return false;
    }
    let all = places(view.dockerfile);
    view.dockerfile.stages.iter().any(|stage| {
        let Some(then) = stage_after(stage, view.dockerfile, after) else {
            return false;
        };
        let of = StageView::new(view, &all, stage.index);
        let moved = positions(stage, then);
        let hidden = moved.iter().filter(|(n, _)| of.leaves_nothing(*n));
        hidden.into_iter().any(|&(first, at)| {
            let held = targets(&stage.instructions[first]);
            let reads = |n: usize| {
                let own = targets(&stage.instructions[n]);
                n > first && own.iter().any(|t| held.contains(t))
            };
            let readers = moved.iter().filter(|(n, m)| reads(*n) && *m > at);
            readers.into_iter().any(|&(second, later)| {
                let now = inputs(&stage.instructions[first + 1..second]);
                let new = inputs(&then.instructions[at + 1..later]);
                let has_copy = now.values().any(|i| copies_context(i));
                let is_known = |text: &str| now.contains_key(text);
                let mut added = new.iter().filter(|(text, _)| !is_known(text));
                added.any(|(_, i)| !has_copy || matches!(i.kind, Kind::Copy(_) | Kind::Add(_)))
            })
        })
    })
}

/// Where the cache mounts and tmpfs of a RUN stand, as written.
fn targets(instruction: &Instruction) -> BTreeSet<&str> {
    let mounts = instruction.flag_values("mount");
    mounts.filter_map(held_at).collect()
}

/// The target of a mount whose files are in no layer.
fn held_at(mount: &str) -> Option<&str> {
    let mut options = mount.split(',');
    if !options.any(|o| matches!(o, "type=cache" | "type=tmpfs")) {
        return None;
    }
    let names = ["target=", "dst=", "destination="];
    let value = |o| names.iter().find_map(|n| str::strip_prefix(o, n));
    Some(mount.split(',').find_map(value)?.trim_end_matches('/'))
}

/// Whether it takes files of the context: what stands below it runs without what stands above as often as they change.
fn copies_context(instruction: &Instruction) -> bool {
    matches!(instruction.kind, Kind::Copy(_) | Kind::Add(_)) && instruction.flag("from").is_none()
}

/// The instructions that change what a RUN below them is found by, by their texts.
fn inputs(instructions: &[Instruction]) -> BTreeMap<&str, &Instruction> {
    let counts = |i: &&Instruction| {
        matches!(
            i.kind,
            Kind::Copy(_) | Kind::Add(_) | Kind::Arg(_) | Kind::Env(_)
        )
    };
    let counted = instructions.iter().filter(counts);
    counted.map(|i| (i.original.as_str(), i)).collect()
}
