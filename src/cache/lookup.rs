//! The answer of a cache lookup, and why a step missed.
//!
//! Never: a formatted sentence; that is `report`'s.

use crate::graph::StepId;
use crate::tree::RepoPath;

/// What the builder would do with one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It would print CACHED.
    Hit {
        /// Position in the replay of the build that made the record.
        build: Option<usize>,
    },
    /// It would run.
    Miss(MissReason),
    /// Not to be known from git.
    Unknown {
        /// Why, a whole sentence.
        why: String,
    },
}

/// How [`Lookup::Unknown`] says that the tree has not what a step copies, before the reason.
pub const NOT_HELD: &str = "git does not hold what is copied";

impl Lookup {
    /// True when the tree has not what is copied by this step or by one above it: made outside of git, or simply gone.
    pub fn lacks_source(&self) -> bool {
        matches!(self, Self::Unknown { why } if why.starts_with(NOT_HELD))
    }
}

/// Why a step missed. All but [`MissReason::Input`] are root misses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissReason {
    /// Never built with this cache.
    Cold,
    /// The instruction, its variables or its flags changed.
    Definition {
        /// Which part: `argument NAME`, `command`, `destination`, …
        what: String,
        /// Before; empty when the part is new.
        old: String,
        /// Now; empty when the part is gone.
        new: String,
    },
    /// Files changed.
    Content {
        /// The first paths in order, at most 20.
        paths: Vec<RepoPath>,
        /// How many there are in all.
        n_paths: usize,
    },
    /// Another base image.
    Base {
        /// Before.
        old: String,
        /// Now.
        new: String,
    },
    /// An earlier step missed.
    Input {
        /// The step it follows from, the nearest root.
        step: StepId,
    },
    /// The cache export left the result out.
    NotExported,
    /// The record was removed for space or age.
    Evicted,
}

impl MissReason {
    /// True for every reason but a consequence of another miss.
    pub fn is_root(&self) -> bool {
        !matches!(self, Self::Input { .. })
    }
}
