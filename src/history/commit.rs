//! Commits as plain data.
//!
//! Never: knows git's storage.

use crate::tree::ObjectId;

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
