//! What an analysis finds: the facts that reports word.
//!
//! Never: a sentence.

use super::ground::Ground;
use crate::caveat::Caveat;
use crate::cost::{BuildCost, LayerFact, Source, TotalCost};
use crate::dockerfile;
use crate::graph::{Step, StepId};
use crate::history::Commit;
use crate::replay::{Built, Settings, Steps};
use crate::restructure::finding::Finding;
use crate::score::{Blame, Millis, Reads, Tally};
use crate::tree::RepoPath;
use std::sync::Arc;

/// What a history does to the build cache, and what that costs.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// What was asked for.
    pub settings: Settings,
    /// The builds in order.
    pub builds: Vec<Build>,
    /// The distinct sets of steps, in order of first appearance.
    pub versions: Vec<Version>,
    /// Number of distinct Dockerfile texts.
    pub n_dockerfiles: usize,
    /// The version of the newest build that is buildable.
    pub current: Option<usize>,
    /// Sums over all builds after the first.
    pub totals: Totals,
    /// The steps of the current version with what became of them over the whole history.
    pub steps: Vec<StepFacts>,
    /// What caused the time, dearest first.
    pub league: Vec<Blame>,
    /// What is wrong with the current Dockerfile's order, by line.
    pub findings: Vec<Finding>,
    /// What proposals are made from; `None` where the newest Dockerfile cannot be read.
    pub ground: Option<Ground>,
    /// How often files of the context changed, most often first: at most [`MAX_CHURN`].
    pub churn: Vec<(RepoPath, u64)>,
    /// What the model assumed, skipped or could not know.
    pub caveats: Vec<Caveat>,
}

/// So many of the most often changed files are kept.
pub const MAX_CHURN: usize = 100;

/// One simulated build.
#[derive(Clone, Debug)]
pub struct Build {
    /// The commit.
    pub commit: Commit,
    /// Seconds since 1970.
    pub time: i64,
    /// What happened, or why there was no build.
    pub result: Result<BuiltFacts, dockerfile::Error>,
}

/// A build that took place.
#[derive(Clone, Debug)]
pub struct BuiltFacts {
    /// Position in [`Analysis::versions`].
    pub version: usize,
    /// The steps and their lookups.
    pub built: Built,
    /// Hits and misses of the steps that count.
    pub tally: Tally,
    /// What it costs.
    pub cost: BuildCost,
}

/// The steps of one Dockerfile version under one set of arguments.
#[derive(Clone, Debug)]
pub struct Version {
    /// The steps.
    pub steps: Arc<Steps>,
    /// How long each takes when it runs.
    pub prices: Vec<Millis>,
    /// What each reads.
    pub reads: Vec<Reads>,
    /// The step of the current version that means the same.
    pub to_current: Vec<Option<StepId>>,
}

/// Sums over builds. The first build fills the empty cache and is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Builds replayed, the first one included.
    pub n_builds: u64,
    /// Builds that count: buildable, and not the first.
    pub n_counted: u64,
    /// Commits whose Dockerfile is absent or refused.
    pub n_unbuildable: u64,
    /// Times of the earliest and the latest build.
    pub span: Option<(i64, i64)>,
    /// Hits and misses.
    pub tally: Tally,
    /// What all counted builds cost.
    pub cost: TotalCost,
    /// What they would cost with nothing cached.
    pub cold: TotalCost,
    /// What they would cost if each step ran only for what it reads, in doubt for what it may read.
    pub best: TotalCost,
    /// The same, in doubt only for what steps of its kind do read: never more.
    pub best_bold: TotalCost,
}

/// One step over the whole history.
#[derive(Clone, Debug)]
pub struct StepFacts {
    /// Position in the current version.
    pub id: StepId,
    /// The step as it is now.
    pub step: Step,
    /// How long one run takes.
    pub price: Millis,
    /// Where that is known from.
    pub source: Source,
    /// Milliseconds of `price` that rest on assumptions.
    pub assumed_ms: u64,
    /// The layer it leaves behind.
    pub layer: LayerFact,
    /// What became of it; fewer builds than in all where the step is younger.
    pub tally: Tally,
    /// Time spent in it.
    pub cost: Millis,
    /// What caused that time, dearest first.
    pub causes: Vec<Blame>,
}
