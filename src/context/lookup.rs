//! Paths in a tree, followed through symlinks.

use super::tree::Node;
use crate::tree::RepoPath;
use std::collections::VecDeque;

/// More symlinks than this on one path are taken for a loop, as the kernel and BuildKit do.
const MAX_LINKS: usize = 255;

/// Longer ways than this, with all symlinks written out, lead nowhere.
const MAX_NAMES: usize = 100_000;

impl Node {
    /// What is at `path`, symlinks followed, the last one too. Absolute targets start at this tree's root.
    pub fn get(&self, path: &RepoPath) -> Option<Self> {
        self.resolve(path, true).map(|(_, node)| node)
    }

    /// What is at `path`, symlinks on the way followed, the last name taken as it is.
    pub fn get_itself(&self, path: &RepoPath) -> Option<Self> {
        self.resolve(path, false).map(|(_, node)| node)
    }

    /// What is at a path that leads through known directories only, as nearly all do.
    fn straight(&self, path: &RepoPath) -> Option<&Self> {
        path.names().try_fold(self, |node, name| {
            let dir = node.as_dir().filter(|dir| !dir.is_overlaid())?;
            dir.child(name)
        })
    }

    /// Where `path` leads and what is there.
    pub fn resolve(&self, path: &RepoPath, follow_last: bool) -> Option<(RepoPath, Self)> {
        match self.straight(path) {
            Some(Self::Link(_)) if follow_last => {}
            Some(node) => return Some((path.clone(), node.clone())),
            None => {}
        }
        let mut names: VecDeque<Vec<u8>> = path.names().map(<[u8]>::to_vec).collect();
        let mut way: Vec<(Vec<u8>, Self)> = Vec::new();
        let mut n_links = 0;
        let mut n_names = 0;
        while let Some(name) = names.pop_front() {
            n_names += 1;
            if n_names > MAX_NAMES {
                return None;
            }
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    way.pop();
                    continue;
                }
                _ => {}
            }
            let next = match way.last().map_or(self, |(_, node)| node) {
                Self::Dir(dir) => dir.entry(&name)?,
                Self::Opaque(token) => Self::Opaque(token.below(&name)),
                Self::File(_) | Self::Link(_) => return None,
            };
            let Self::Link(link) = &next else {
                way.push((name, next));
                continue;
            };
            if names.is_empty() && !follow_last {
                way.push((name, next));
                continue;
            }
            n_links += 1;
            if n_links > MAX_LINKS || names.len() > MAX_NAMES {
                return None;
            }
            if link.target.first() == Some(&b'/') {
                way.clear();
            }
            for part in link.target.rsplit(|&b| b == b'/') {
                names.push_front(part.to_vec());
            }
        }
        let real = way
            .iter()
            .map(|(name, _)| name.as_slice())
            .collect::<Vec<_>>()
            .join(&b'/');
        let node = way.pop().map_or_else(|| self.clone(), |(_, node)| node);
        Some((RepoPath::new(real), node))
    }

    /// Where a write to `path` goes: symlinks among the parts that exist are followed, the rest is as written.
    pub(super) fn real_path(&self, path: &RepoPath) -> RepoPath {
        if let Some((real, _)) = self.resolve(path, true) {
            return real;
        }
        let names: Vec<&[u8]> = path.names().collect();
        // The longest part that leads somewhere; found from the front so that a long path costs one walk per link.
        let mut real = RepoPath::root();
        for (at, name) in names.iter().enumerate() {
            match self.resolve(&real.join(name), true) {
                Some((next, _)) => real = next,
                None => return real.join(&names[at..].join(&b'/')),
            }
        }
        real
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Link;
    use super::*;

    fn tree() -> Node {
        let mut root = Node::empty_dir();
        root.put(&"data/x".into(), Node::of_bytes(b"x"));
        for (path, target) in [
            ("link", "data/x"),
            ("abs", "/data"),
            ("data/up", "../data/x"),
            ("loop", "loop"),
            ("a", "b/b"),
            ("b", "a/a"),
            ("gone", "nowhere/at/all"),
            ("out", "../../../data/x"),
        ] {
            root.put(
                &path.into(),
                Node::Link(Link {
                    target: target.as_bytes().into(),
                    attributes: 0,
                }),
            );
        }
        root
    }

    #[test]
    fn symlinks_are_followed_within_the_tree() {
        let root = tree();
        let x = Some(Node::of_bytes(b"x"));
        for path in ["data/x", "link", "abs/x", "data/up", "abs/up", "out"] {
            assert_eq!(root.get(&path.into()), x, "{path}");
        }
        assert!(matches!(
            root.get_itself(&"link".into()),
            Some(Node::Link(_))
        ));
        assert_eq!(root.get_itself(&"abs/x".into()), x);
    }

    #[test]
    fn loops_and_dead_ends_are_absent() {
        let root = tree();
        for path in ["loop", "a", "b", "gone", "link/x", "nothing"] {
            assert_eq!(root.get(&path.into()), None, "{path}");
        }
    }

    #[test]
    fn writes_go_through_symlinks() {
        let mut root = tree();
        root.put(&"abs/new/y".into(), Node::of_bytes(b"y"));
        assert_eq!(
            root.get_itself(&"data/new/y".into()),
            Some(Node::of_bytes(b"y"))
        );
        assert!(matches!(
            root.get_itself(&"abs".into()),
            Some(Node::Link(_))
        ));
    }
}
