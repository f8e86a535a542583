//! What is asked, and what of it threads share.

use super::past::Past;
use crate::cost::CostModel;
use crate::history::BuildInput;
use crate::replay::{NotHeld, Settings};
use crate::restructure::Accepted;
use crate::tree::{ObjectId, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked.
pub struct Question<'a> {
    /// Settings of the replay; `pin` and `pin_ignore` are set here.
    pub settings: &'a Settings,
    /// The Dockerfile to improve.
    pub dockerfile: String,
    /// The ignore file in effect, by its path in the repository.
    pub ignore: Option<(RepoPath, String)>,
    /// The builds, oldest first.
    pub inputs: &'a [BuildInput],
    /// Bytes of a file of the newest tree, by its path below the context.
    pub read: &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>,
    /// Files of the newest tree outside of the context that may build images ([`crate::restructure::passed::may_build`]),
    /// with their bytes, by their paths in the repository.
    pub outside: &'a [(RepoPath, Vec<u8>)],
    /// Bytes of a blob of the history; `None` where it is not at hand (a partial clone).
    pub blob: &'a dyn Fn(&ObjectId) -> Option<Vec<u8>>,
    /// Rules and findings that are accepted as they are.
    pub accepted: &'a [Accepted],
    /// Prices.
    pub cost: &'a CostModel,
    /// Replays at once, at least 1.
    pub threads: usize,
    /// Called when a replay is done, by the thread that did it.
    pub replayed: &'a (dyn Fn() + Sync),
}

/// The parts of a question that every replay needs, and that threads share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'q> {
    /// Settings of the replay.
    pub(super) settings: &'q Settings,
    /// What is taken of what git does not hold, such as what ADD fetches.
    pub(super) not_held: NotHeld,
    /// The builds, oldest first.
    pub(super) inputs: &'q [BuildInput],
    /// How many builds of each commit follow one another.
    pub(super) of_each: usize,
    /// Whether builds are given values of their own here, as long as one another's: what a step does is then the same under
    /// each of them, and takes as long.
    pub(super) renews: bool,
    /// Prices.
    pub(super) cost: &'q CostModel,
    /// The versions of each build.
    pub(super) past: &'q Past,
}

impl Question<'_> {
    /// The arguments that are passed, and whether they differ from build to build.
    pub(super) fn build_args(&self) -> Vec<(String, bool)> {
        let mut values: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
        for (name, value) in &self.settings.build_args {
            values
                .entry(name.clone())
                .or_default()
                .insert(value.clone());
        }
        for input in self.inputs {
            for (name, value) in &input.request.build_args {
                values
                    .entry(name.clone())
                    .or_default()
                    .insert(value.clone());
            }
        }
        values
            .into_iter()
            .map(|(name, seen)| (name, seen.len() > 1))
            .collect()
    }

    /// Times of the earliest and the latest build.
    pub(super) fn span(&self) -> (i64, i64) {
        let times = || self.inputs.iter().map(BuildInput::time);
        (times().min().unwrap_or(0), times().max().unwrap_or(0))
    }
}
