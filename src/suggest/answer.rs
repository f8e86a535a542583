//! What is answered: the recommended set, and what else was proposed.

use crate::caveat::Caveat;
use crate::cost::Band;
use crate::restructure::finding::Finding;
use crate::restructure::search::{Draft, Dropped, Proposal, Unwanted};
use crate::tree::RepoPath;

/// The answer.
#[derive(Clone, Debug)]
pub struct Suggestions {
    /// The Dockerfile's path in the repository.
    pub dockerfile: RepoPath,
    /// The ignore file's path in the repository: the one in effect, or the one to make.
    pub ignore: RepoPath,
    /// The texts as they are.
    pub now: Draft,
    /// The texts with the recommended set applied.
    pub then: Draft,
    /// Builds replayed, those that could be built, and the times of the first and last.
    pub builds: (usize, usize, i64, i64),
    /// Milliseconds a build takes on average: as it is, with the recommended set, and at best, each step running only for
    /// what it reads, in doubt for what it may read.
    pub mean: (Band, Band, Band),
    /// The best again, in doubt only for what steps of its kind do read: never more than the other.
    pub best_bold: Band,
    /// What the recommended set saves per build.
    pub saving: Saving,
    /// The recommended set, in the best order.
    pub order: Vec<Suggestion>,
    /// Proposals that pay alone and no longer do on top of the recommended set.
    pub instead: Vec<Suggestion>,
    /// Proposals that save a little on top of the recommended set, or would under a condition that something in the
    /// repository speaks for.
    pub small: Vec<Suggestion>,
    /// Proposals that do not pay on this history.
    pub idle: Vec<Suggestion>,
    /// What was proposed and dropped by the check.
    pub dropped: Vec<Dropped>,
    /// What was proposed and somebody does not want.
    pub unwanted: Vec<Unwanted>,
    /// What is wrong, in words.
    pub findings: Vec<Finding>,
    /// The directory that it seems to be built from, where that is another one than the context: nothing is recommended then.
    pub elsewhere: Option<RepoPath>,
    /// What was assumed.
    pub caveats: Vec<Caveat>,
}

/// One proposal with what it is worth.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The proposal, on the text as it is; for one that only became possible later, on the text before it.
    pub proposal: Proposal,
    /// What it saves alone; `None` when it was only possible on top of others.
    pub alone: Option<Saving>,
    /// What it saves on top of those before it in the best order.
    pub on_top: Option<Saving>,
    /// The texts on which it does that, and with it; where it is not possible alone its lines count in the first.
    pub placed: Option<(Draft, Draft)>,
    /// Why it is not in the recommended set; empty when it is.
    pub why_not: String,
    /// Why builds get slower with it, where more than a few do.
    pub slower: Option<Slower>,
    /// What it would save under a condition that the history does not show.
    pub conditional: Option<Conditional>,
}

/// Why builds get slower with a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slower {
    /// How many do.
    pub builds: usize,
    /// By how much on average, in milliseconds, in the world of medians.
    pub by: i64,
    /// What of it takes most.
    pub by_what: SlowerBy,
}

/// What takes longer in a build; lines are those of the changed text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlowerBy {
    /// A step that the text as it is does not have: its line and text.
    Added(usize, String),
    /// A step that was cached.
    Again(usize, String),
    /// A step that ran before as well and takes longer.
    Longer(usize, String),
    /// Layers that are new, to be written and moved.
    Layers,
    /// Nothing by itself: steps wait for one another.
    Waiting,
}

/// A saving under a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    /// The condition.
    pub condition: Condition,
    /// What such a build takes before the change, in milliseconds, in the world of medians.
    pub rebuild: i64,
    /// What the change saves of it.
    pub per_build: i64,
}

/// What git does not show of builds, and may well be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Each build passes its own value of arguments.
    Passed {
        /// The arguments' names.
        names: Vec<String>,
        /// A file of the tree that passes one of them with a value of its own each time.
        by: Option<RepoPath>,
    },
    /// Each commit is built with several values of an argument, one after the other in one cache.
    InTurn {
        /// The argument's name.
        name: String,
        /// The values, sorted.
        values: Vec<String>,
        /// A file of the tree that builds it so.
        by: RepoPath,
    },
    /// Each build brings its own version of files that no commit holds, and ADD fetches another one each time.
    Brought {
        /// The files as COPY and ADD name them: paths, patterns and URLs.
        paths: Vec<String>,
    },
    /// Each build is for another platform than the builder's own, whose programs are emulated.
    Emulated {
        /// The platform.
        platform: String,
        /// A file of the tree that builds for it.
        by: Option<RepoPath>,
    },
}

impl Condition {
    /// Whether something in the repository speaks for it: a file that passes the argument, a COPY of what is not there.
    pub fn is_likely(&self) -> bool {
        match self {
            Self::Passed { by, .. } | Self::Emulated { by, .. } => by.is_some(),
            Self::InTurn { .. } | Self::Brought { .. } => true,
        }
    }

    /// How many builds of each commit there are.
    pub fn n_builds(&self) -> usize {
        match self {
            Self::InTurn { values, .. } => values.len().max(1),
            Self::Passed { .. } | Self::Brought { .. } | Self::Emulated { .. } => 1,
        }
    }
}

/// What a text saves against another over the same builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Milliseconds per build, with the band of the draws: low, median, high.
    pub per_build: (i64, i64, i64),
    /// The same per month at this history's pace; `None` for a history of less than a day.
    pub per_month: Option<(i64, i64, i64)>,
    /// Builds that get faster, get slower, and were compared.
    pub builds: (usize, usize, usize),
    /// Builds that only the old text can build, for instance for want of a file that it does not name.
    pub lost: usize,
    /// Compressed bytes per build moved less (pulled, pushed, cached); negative for more.
    pub bytes_per_build: i64,
    /// Milliseconds that the first build takes less, from an empty cache, in the world of medians; negative for more.
    pub cold: i64,
}
