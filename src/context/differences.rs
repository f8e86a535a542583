//! Which paths of two trees differ.

use super::tree::{Dir, MAX_DEPTH, Node};
use crate::tree::RepoPath;

impl Node {
    /// The files that are in one tree only or differ between the two, in order. Equal directories are not looked into.
    pub fn differences(&self, other: &Self) -> Vec<RepoPath> {
        let mut found = Vec::new();
        compare(Some(self), Some(other), &RepoPath::root(), 0, &mut found);
        found
    }
}

fn compare(
    old: Option<&Node>,
    new: Option<&Node>,
    path: &RepoPath,
    depth: usize,
    found: &mut Vec<RepoPath>,
) {
    if old.map(Node::digest) == new.map(Node::digest) || depth > MAX_DEPTH {
        return;
    }
    let (old_dir, new_dir) = (old.and_then(Node::as_dir), new.and_then(Node::as_dir));
    let is_file = |node: Option<&Node>| node.is_some_and(|n| n.as_dir().is_none());
    if is_file(old) || is_file(new) || both_empty(old_dir, new_dir) {
        found.push(path.clone());
    }
    let names = |dir: Option<&Dir>| {
        dir.into_iter()
            .flat_map(Dir::children)
            .map(|(n, _)| n.clone())
            .collect::<Vec<_>>()
    };
    let mut all = names(old_dir);
    all.extend(names(new_dir));
    all.sort_unstable();
    all.dedup();
    for name in all {
        let child = |dir: Option<&Dir>| dir.and_then(|d| d.child(&name).cloned());
        compare(
            child(old_dir).as_ref(),
            child(new_dir).as_ref(),
            &path.join(&name),
            depth + 1,
            found,
        );
    }
}

/// A directory that appears or vanishes with nothing in it is a difference of its own.
fn both_empty(old: Option<&Dir>, new: Option<&Dir>) -> bool {
    old.is_none_or(Dir::is_empty) && new.is_none_or(Dir::is_empty)
}
