//! Steps: what a builder shows as one line of its progress, and what each one reads.
//!
//! Never: knows a cache.

use super::definition::Definition;
use crate::context::Selector;
use crate::dockerfile::Lines;
use std::sync::Arc;

/// Index of a step in its graph; steps are stored in an order in which inputs come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub usize);

/// What a step reads. Images, heredocs and downloads are steps too, which are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Another step's file system.
    Step(StepId),
    /// The build context.
    Context,
}

/// One input of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it comes from.
    pub origin: Origin,
    /// `None`: built on (matched by definition alone). `Some`: read, matched by the content of the selection too.
    pub selectors: Option<Arc<[Selector]>>,
}

/// One line of the builder's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The stage as the builder prints it: `build`, `stage-1`, `linux/amd64 build`; `None` where it prints none.
    pub stage: Option<String>,
    /// The stage's position in the Dockerfile, from 0.
    pub stage_index: usize,
    /// The `n` of the builder's `n/m`; 0 for a step the builder does not show.
    pub index: usize,
    /// The `m` of the builder's `n/m`.
    pub total: usize,
    /// Lines of the instruction in the Dockerfile.
    pub lines: Lines,
    /// Keyword in capitals: `FROM`, `RUN`, `COPY`, …; an ONBUILD trigger has its own keyword.
    pub instruction: String,
    /// The instruction as the builder shows it, variables expanded.
    pub text: String,
    /// For RUN: the shell text or the arguments joined by blanks, as run; empty otherwise.
    pub command: String,
    /// What it is built on and what it reads; the first is the base where there is one.
    pub inputs: Vec<Input>,
    /// What the instruction itself contributes to the cache key.
    pub definition: Definition,
}
