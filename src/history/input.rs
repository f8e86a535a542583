//! What one build is given: a commit, the files that are read as text, and how the tree changed.
//!
//! Never: knows git's storage or a Dockerfile's meaning.

use super::commit::Commit;
use crate::tree::Change;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One build of the replay, with its tree as a difference to the build before it.
#[derive(Clone, Debug)]
pub struct BuildInput {
    /// The commit that is built.
    pub commit: Commit,
    /// What this build asks for beyond the run's settings.
    pub request: Request,
    /// The watched files' bytes, in the order in which they were asked for (symlinks followed); `Ok(None)` where the
    /// commit has no such file, `Err` with a whole sentence where it has one that cannot be read (a partial clone).
    pub watched: Vec<Result<Option<Arc<[u8]>>, String>>,
    /// Paths below the context that differ from the previous build's tree; from the empty tree at the first build.
    pub changes: Vec<Change>,
    /// Targets of the symlinks among `changes`' new entries, by position in `changes`.
    pub link_targets: Vec<(usize, Arc<[u8]>)>,
}

/// One line of `--builds`: overrides of the run's settings for one build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `--build-arg` values; `None`: named without a value (taken from an environment that is not known).
    pub build_args: BTreeMap<String, Option<String>>,
    /// `--target`.
    pub target: Option<String>,
    /// Seconds since 1970 in place of the commit's time.
    pub time: Option<i64>,
    /// Branch, for cache scopes.
    pub branch: Option<String>,
}

impl BuildInput {
    /// The build's time: the request's, else the commit's.
    pub fn time(&self) -> i64 {
        self.request.time.unwrap_or(self.commit.time)
    }
}
