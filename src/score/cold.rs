//! The same builds from an empty cache.
//!
//! Never: runs a replay.

use crate::cache::{Lookup, MissReason};
use crate::cost::{CostModel, EachCost};
use crate::replay::BuildOutcome;

/// What the newest of the builds costs from an empty cache, cache mounts and all.
pub(super) fn cost(builds: &[BuildOutcome], model: &CostModel) -> EachCost {
    let newest = builds.iter().rev().find(|b| b.result.is_ok());
    let model = model.before_first_build();
    let mut builds: Vec<BuildOutcome> = newest.into_iter().cloned().collect();
    builds
        .iter_mut()
        .filter_map(|b| b.result.as_mut().ok())
        .for_each(|b| b.lookups.fill(Lookup::Miss(MissReason::Cold)));
    model.each(&builds)
}
