//! What a replay yields: one outcome per build, in order.

use crate::cache::Lookup;
use crate::dockerfile;
use crate::graph::{Step, StepId};
use crate::tree::ObjectId;
use std::sync::Arc;

/// The steps of one Dockerfile version under one set of arguments; shared by all builds that use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// All steps, inputs first. Those with `index` 0 are not shown by the builder.
    pub steps: Vec<Step>,
    /// Steps in the order in which they are shown.
    pub shown: Vec<StepId>,
}

/// One simulated build.
#[derive(Clone, Debug)]
pub struct BuildOutcome {
    /// The commit built.
    pub commit: ObjectId,
    /// Committer time (or the `time` of a `--builds` line), seconds since 1970.
    pub time: i64,
    /// The steps and what became of each, or why there was no build.
    pub result: Result<Built, dockerfile::Error>,
}

/// The steps of a build and their lookups.
#[derive(Clone, Debug)]
pub struct Built {
    /// The steps.
    pub steps: Arc<Steps>,
    /// One lookup per step of `steps.steps`, same order.
    pub lookups: Vec<Lookup>,
}

/// A whole replay.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The builds, in order.
    pub builds: Vec<BuildOutcome>,
    /// What the model assumed or could not know.
    pub caveats: Vec<crate::caveat::Caveat>,
}
