//! The newest tree, and what changed from build to build.

use super::question::Question;
use crate::context::IgnoreRules;
use crate::tree::{FileStamp, RepoPath};
use std::collections::BTreeMap;

/// The newest tree, and what changed from build to build.
pub(super) struct Trees {
    pub(super) files: Vec<(RepoPath, FileStamp)>,
    pub(super) ignored: Vec<(RepoPath, FileStamp)>,
    pub(super) changes: Vec<Vec<RepoPath>>,
}

impl Trees {
    pub(super) fn of(question: &Question<'_>) -> Self {
        let mut tree: BTreeMap<RepoPath, FileStamp> = BTreeMap::new();
        let mut changes = Vec::new();
        for (n, input) in question.inputs.iter().enumerate() {
            for change in &input.changes {
                match change.new {
                    Some(stamp) => tree.insert(change.path.clone(), stamp),
                    None => tree.remove(&change.path),
                };
            }
            if n > 0 {
                changes.push(input.changes.iter().map(|c| c.path.clone()).collect());
            }
        }
        let text = question
            .ignore
            .as_ref()
            .map_or("", |(_, text)| text.as_str());
        let rules = IgnoreRules::parse(text.as_bytes()).unwrap_or_default();
        let (ignored, files) = tree
            .into_iter()
            .partition(|(path, _)| rules.is_ignored(path));
        Self {
            files,
            ignored,
            changes,
        }
    }
}
