//! The newest tree, and what changed from build to build.

use super::past::has_git_dir;
use super::question::Question;
use crate::context::{GIT_DIR_CHANGING, IgnoreRules};
use crate::dockerfile::Dockerfile;
use crate::restructure::names_git_dir;
use crate::tree::{FileKind, FileStamp, RepoPath};
use std::collections::BTreeMap;

/// The newest tree, and what changed from build to build.
pub(super) struct Trees {
    pub(super) files: Vec<(RepoPath, FileStamp)>,
    pub(super) ignored: Vec<(RepoPath, FileStamp)>,
    pub(super) changes: Vec<Vec<RepoPath>>,
}

impl Trees {
    /// The checkout's `.git` is among them where `dockerfile` copies it: to other rules it would only be in the way.
    pub(super) fn of(question: &Question<'_>, dockerfile: &Dockerfile) -> Self {
        let git: Vec<RepoPath> = match has_git_dir(question.settings) && names_git_dir(dockerfile) {
            true => GIT_DIR_CHANGING.iter().map(RepoPath::new).collect(),
            false => Vec::new(),
        };
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
                let own = input.changes.iter().map(|c| &c.path);
                changes.push(own.chain(&git).cloned().collect());
            }
        }
        let newest = question.inputs.last().map(|input| FileStamp {
            kind: FileKind::Regular,
            id: input.commit.id,
        });
        tree.extend(git.into_iter().filter_map(|path| Some((path, newest?))));
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
