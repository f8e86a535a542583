//! Lifting an install above the source: which COPYs are in its way, what has to come along, what must be copied first,
//! and the edits that do it.
//!
//! Never: chooses which mistake is a rule's business, scores.

mod again;
mod beside;
mod copies;
mod edits;
mod found;
mod late;
mod lists;
mod manifest_written;
mod missing;
mod proposal;
mod runs;
mod sort;
mod untracked;
mod variables;

pub(super) use found::lift;
pub(super) use found::lifts;
pub(super) use proposal::declare;

use super::installs::{Install, StageView};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// One install that can be lifted, with all that goes with it.
pub(super) struct Lift<'s, 'a> {
    pub(super) of: &'s StageView<'a>,
    pub(super) install: Install,
    /// The first instruction that brings what the install does not read; the install goes above it.
    pub(super) first: usize,
    /// All such instructions before the install.
    pub(super) polluters: Vec<usize>,
    /// Instructions between that go above with it.
    along: BTreeSet<usize>,
    /// Those of them that read what is copied first.
    needy: BTreeSet<usize>,
    /// Those of them that are said again where they stood: a COPY that stays would undo what they do (`chmod +x mvnw`).
    twice: BTreeSet<usize>,
    /// Instructions between that stay, `first` among them.
    stay: BTreeSet<usize>,
    /// Arguments above `first` that are new at each build, and go below the install.
    late: BTreeSet<usize>,
    /// Files that must be copied before it: to path in the image, from path in the context, by which instruction.
    pub(super) missing: Vec<(String, RepoPath, usize)>,
    /// Where it runs at its new place; a `cd` makes up for a WORKDIR that stays.
    cwd: String,
    reasons: Vec<String>,
    doubts: Vec<String>,
}

/// What kind of mistake a lift mends; each is a rule of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The manifests come only with the source.
    Broad,
    /// As [`Self::Broad`], with manifests in several directories.
    Workspace,
    /// All manifests are copied first, but nothing is installed before the source comes.
    DeadSplit,
    /// Files that the install does not read stand above it beside all that it does.
    Intruder,
}
