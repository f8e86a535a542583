//! The RUNs of a stage that resolve dependencies: what they read, who brings it, and what of them can stand above the
//! source.
//!
//! Paths are those in the image, relative to the project's place there (`/app`), so that `../lib` and members of a
//! workspace are found wherever COPY has put them.
//!
//! Never: proposes anything, judges what stands between an install and the source.

mod branch;
mod builds;
mod chosen;
mod compiled;
mod given;
mod handled;
mod leftover;
mod machine;
mod middle;
mod movable;
mod place;
mod prefetch;
mod prepared;
mod programs;
mod read;
mod stage;
mod taken_along;
mod written;

pub(super) use builds::Reading;
pub(super) use place::is_system_directory;
pub(super) use place::mounts;
pub(super) use place::relative;
pub(super) use prefetch::says_it_takes_out;
pub(super) use read::is_quiet;
pub(super) use stage::StageView;
pub(super) use written::writes_sources;

use crate::dockerfile::Span;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// One file of the image that came from the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brought {
    /// Its path in the context.
    pub(super) from: RepoPath,
    /// The instruction that brought it; `None` when an earlier stage did.
    pub(super) by: Option<usize>,
}

/// One RUN that resolves dependencies with files of the context.
#[derive(Clone, Debug)]
pub(super) struct Install {
    /// The RUN's position in the stage.
    pub(super) run: usize,
    /// Ecosystem names, in order, each once.
    pub(super) ecosystems: Vec<&'static str>,
    /// What can stand above the source.
    pub(super) action: Action,
    /// Absolute paths in the image that it reads.
    pub(super) reads: BTreeSet<String>,
    /// Absolute directories that it reads whole.
    pub(super) dirs: BTreeSet<String>,
    /// What was shown, and what was not.
    pub(super) reasons: Vec<String>,
    /// See [`Needs::doubts`].
    pub(super) doubts: Vec<String>,
    /// See [`Needs::absent`].
    pub(super) absent: Vec<String>,
    /// Absolute paths of what it reads and no context holds: another instruction makes that.
    pub(super) made: BTreeSet<String>,
    /// The command, for a title.
    pub(super) shown: String,
    /// Where it runs, absolute.
    pub(super) dir: String,
    /// The programs that it runs: names, and absolute paths of those that are given by path.
    pub(super) programs: BTreeSet<String>,
    /// Files beside the project that its shell takes settings from (`. /opt/venv/bin/activate`), as written.
    pub(super) settings: BTreeSet<String>,
    /// True when a mount lies over what it makes: its layer holds nothing of that.
    pub(super) is_hidden: bool,
    /// The command that goes before, where it is another one; else empty.
    pub(super) line: String,
    /// What the RUN itself is given besides, and at which byte of the Dockerfile's text.
    pub(super) inserted: Option<(usize, String)>,
    /// What the RUN itself does without then; bytes in the Dockerfile's text.
    pub(super) dropped: Vec<Span>,
}

/// What of a RUN can stand above the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// All of it.
    Whole,
    /// A chain's first part; bytes in the Dockerfile's text.
    Cut {
        /// End of what goes.
        head_end: usize,
        /// Start of what stays.
        tail_start: usize,
        /// Commands to be said again before what stays: `cd web`, `set -e`.
        carried: Vec<String>,
        /// A command to be run after what goes, if any: it resolves what a command that stays would.
        then: Option<String>,
    },
    /// Some parts of a chain, from behind others that stay; bytes in the Dockerfile's text.
    Middle {
        /// What goes.
        head: Span,
        /// Commands to be said before it: `cd web`, `set -e`.
        lead: Vec<String>,
        /// What is taken out of the chain: that, with what joins it to the part before.
        gone: Span,
    },
    /// Another command that resolves the same; the RUN itself stays.
    Prefetch(String),
}
