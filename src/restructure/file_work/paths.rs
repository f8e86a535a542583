//! The paths that a command names, and what of the tree they stand for.

use crate::context::{ContentId, Node};
use crate::shell::{Word, fits};
use crate::tree::RepoPath;

/// A pattern stands for no more paths than this.
const MAX_FOUND: usize = 100_000;

/// A path that a command names, or a pattern of such.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// From the root.
    path: RepoPath,
    /// As it is written.
    text: String,
    /// Where the command runs.
    dir: RepoPath,
}

impl Named {
    /// What a word names from `dir`; `None` where a shell may make something else of it.
    pub(super) fn of(word: &Word, dir: &RepoPath) -> Option<Self> {
        let text = word.text.as_str();
        let is_pattern = text.contains(['*', '?']);
        let is_odd = text.contains(['[', '{', '\\']) || text.starts_with('~') || text.is_empty();
        if is_odd || (is_pattern && word.quoted) {
            return None;
        }
        Some(Self {
            path: from(dir, text),
            text: text.to_owned(),
            dir: dir.clone(),
        })
    }

    /// A path from the root.
    pub(super) fn at(path: RepoPath) -> Self {
        Self {
            text: format!("/{path}"),
            path,
            dir: RepoPath::root(),
        }
    }

    pub(super) fn path(&self) -> &RepoPath {
        &self.path
    }

    pub(super) fn is_pattern(&self) -> bool {
        self.text.contains(['*', '?'])
    }

    /// Whether it can only be a directory.
    pub(super) fn is_directory(&self) -> bool {
        self.text.ends_with('/') || matches!(self.text.as_str(), "." | "..")
    }

    /// Whether it names what is in a directory (`a/.`).
    pub(super) fn is_contents(&self) -> bool {
        self.text.ends_with("/.") || self.text == "."
    }

    /// How the command writes one of the paths that it stands for: `cp --parents` makes its directories.
    pub(super) fn as_written(&self, path: &RepoPath) -> RepoPath {
        match self.text.starts_with('/') {
            true => path.clone(),
            false => path.strip_prefix(&self.dir).unwrap_or_else(|| path.clone()),
        }
    }

    /// The paths of `tree` that it stands for: itself, or what fits the pattern. What a directory may hold besides follows
    /// from `token` then.
    pub(super) fn in_tree(&self, tree: &mut Node, token: ContentId) -> Vec<RepoPath> {
        if !self.is_pattern() {
            return vec![self.path.clone()];
        }
        let mut found = vec![RepoPath::root()];
        for name in self.path.names() {
            let name = String::from_utf8_lossy(name).into_owned();
            if !name.contains(['*', '?']) {
                found = found
                    .iter()
                    .map(|path| path.join(name.as_bytes()))
                    .collect();
                continue;
            }
            let mut next = Vec::new();
            for path in found {
                stir(tree, &path, token);
                let Some(Node::Dir(dir)) = tree.get(&path) else {
                    continue;
                };
                let like = |child: &[u8]| {
                    let child = String::from_utf8_lossy(child);
                    (name.starts_with('.') || !child.starts_with('.')) && fits(&child, &name)
                };
                let children = dir.children().filter(|(child, _)| like(child));
                next.extend(children.map(|(child, _)| path.join(child)));
            }
            next.truncate(MAX_FOUND);
            found = next;
        }
        found
    }
}

/// A path from the root that is written from `dir`.
pub(super) fn from(dir: &RepoPath, text: &str) -> RepoPath {
    match text.starts_with('/') {
        true => RepoPath::new(text),
        false => dir.join(text.as_bytes()),
    }
}

/// What is not known at `path` follows from `token` then: the nearest directory that is known may hold it.
pub(super) fn stir(tree: &mut Node, path: &RepoPath, token: ContentId) {
    let mut at = Some(path.clone());
    while let Some(path) = at {
        if let Some(Node::Dir(_)) = tree.get_itself(&path) {
            tree.rework(&path, 1, token, None, &mut |_, _, _| Vec::new());
            return;
        }
        at = path.parent();
    }
}
