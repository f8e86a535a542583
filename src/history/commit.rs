//! Commits and their changes as plain data.
//!
//! Never: knows git's storage.

use crate::tree::{FileStamp, ObjectId, RepoPath};

/// One commit of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The commit's id.
    pub id: ObjectId,
    /// First parent, if any (a shallow clone's last commit has none).
    pub parent: Option<ObjectId>,
    /// Committer time, seconds since 1970, UTC. May run backwards along the history.
    pub time: i64,
    /// First line of the message, lossy UTF-8.
    pub subject: String,
    /// Author name, lossy UTF-8.
    pub author: String,
}

/// One path that differs between two builds' trees. A rename is a removal and an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path relative to the build context.
    pub path: RepoPath,
    /// Before; `None` when added.
    pub old: Option<FileStamp>,
    /// After; `None` when removed.
    pub new: Option<FileStamp>,
}
