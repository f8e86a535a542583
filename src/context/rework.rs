//! Going through a tree to take entries out or to change what is known of them.

use super::digest::ContentId;
use super::tree::File;
use super::tree::Node;
use crate::tree::RepoPath;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It goes, with all below it.
    Remove,
    /// It goes if it is no directory with something in it.
    RemoveIfEmpty,
    /// It is another one, which follows from what it was and from this.
    Mix(ContentId),
    /// The same, whatever its executable bit was.
    MixMode(ContentId),
    /// It is executable.
    Executable,
}

/// What became of directories, by what was done where and what they were: most are the same from commit to commit.
#[derive(Debug, Default)]
pub struct Reworked {
    fates: FxHashMap<(ContentId, ContentId), Fate>,
    /// How many entries are in and below a directory.
    sizes: FxHashMap<ContentId, u64>,
}

/// A tree of more entries is not gone through: stages that copy one another twice make such of a few files.
const MAX_ENTRIES: u64 = 2_000_000;

/// More directories than this are not remembered.
const MAX_REMEMBERED: usize = 500_000;

/// Says what becomes of an entry: where it is below the one that the walk began with, how deep, and what it is once the
/// changes below it are made.
pub(super) type Decide<'d> = dyn FnMut(&RepoPath, usize, &Node) -> Vec<Change> + 'd;

impl Node {
    /// Goes through what is at `path` (the last name not followed) down to `depth` levels below it, what is in a directory
    /// before the directory itself. What is not known of the directories on the way follows from `token` then, which stands
    /// for all that is done. False, with nothing done, where nothing is known to be there.
    ///
    /// With what was `done` before, a directory that was seen in the same place is not gone through again; then `decide` is
    /// not asked of what is in it.
    pub fn rework(
        &mut self,
        path: &RepoPath,
        depth: usize,
        token: ContentId,
        done: Option<&mut Reworked>,
        decide: &mut Decide<'_>,
    ) -> bool {
        let Some((real, node)) = self.resolve(path, false) else {
            return false;
        };
        if matches!(node, Self::Opaque(_)) {
            return false;
        }
        let mut own = Reworked::default();
        let done = match done {
            Some(done) => done,
            None => &mut own,
        };
        if depth > 1 && size(&node, 0, &mut done.sizes) > MAX_ENTRIES {
            self.put(&real, Self::Opaque(node.digest().with(token)));
            return true;
        }
        let mut walk = Walk {
            depth,
            token,
            place: token.below(path.as_bytes()),
            done,
            decide,
        };
        let fate = walk.go(&node, &RepoPath::root(), 0);
        match (fate, real.file_name()) {
            (Fate::Same, _) => {}
            (Fate::Gone, Some(name)) => {
                let above = real.parent().unwrap_or_else(RepoPath::root);
                if let Some(Self::Dir(mut dir)) = self.get_itself(&above) {
                    Arc::make_mut(&mut dir).remove(name);
                    self.put(&above, Self::Dir(dir));
                }
            }
            (Fate::Gone, None) => *self = Self::empty_dir(),
            (Fate::Other(node), _) => self.put(&real, node),
        }
        true
    }
}

/// How many entries there are, with `n` that were counted before, in a tree whose directories may be shared; it stops where
/// there are more than [`MAX_ENTRIES`].
fn size(node: &Node, n: u64, sizes: &mut FxHashMap<ContentId, u64>) -> u64 {
    let Node::Dir(dir) = node else { return n + 1 };
    let key = dir.digest();
    if let Some(own) = sizes.get(&key) {
        return n.saturating_add(*own);
    }
    let mut all = n + 1;
    for (_, child) in dir.children() {
        if all > MAX_ENTRIES {
            break;
        }
        all = size(child, all, sizes);
    }
    // Where it stopped for what came before, its own size is not known.
    let own = all - n;
    let is_known = all <= MAX_ENTRIES || own > MAX_ENTRIES;
    if is_known && sizes.len() < MAX_REMEMBERED {
        sizes.insert(key, own);
    }
    all
}

struct Walk<'w, 'd> {
    depth: usize,
    token: ContentId,
    /// What is done, and where it began.
    place: ContentId,
    done: &'w mut Reworked,
    decide: &'w mut Decide<'d>,
}

/// What became of an entry.
#[derive(Clone, Debug)]
enum Fate {
    Same,
    Other(Node),
    Gone,
}

impl Walk<'_, '_> {
    fn go(&mut self, node: &Node, path: &RepoPath, depth: usize) -> Fate {
        if !matches!(node, Node::Dir(_)) || depth >= self.depth {
            return self.look(node, path, depth);
        }
        let key = (self.place.below(path.as_bytes()), node.digest());
        if let Some(fate) = self.done.fates.get(&key) {
            return fate.clone();
        }
        let fate = self.look(node, path, depth);
        if self.done.fates.len() < MAX_REMEMBERED {
            self.done.fates.insert(key, fate.clone());
        }
        fate
    }

    fn look(&mut self, node: &Node, path: &RepoPath, depth: usize) -> Fate {
        let mut new = node.clone();
        let mut changed = false;
        if let (Node::Dir(old), Node::Dir(dir)) = (node, &mut new)
            && depth < self.depth
        {
            for (name, child) in old.children() {
                match self.go(child, &path.join(name), depth + 1) {
                    Fate::Same => {}
                    Fate::Other(child) => {
                        changed = true;
                        Arc::make_mut(dir).insert(name, child);
                    }
                    Fate::Gone => {
                        changed = true;
                        Arc::make_mut(dir).remove(name);
                    }
                }
            }
            if dir.remainder().is_some() {
                changed = true;
                Arc::make_mut(dir).add_backing(self.token);
            }
        }
        for change in (self.decide)(path, depth, &new) {
            match change {
                Change::Remove => return Fate::Gone,
                Change::RemoveIfEmpty => {
                    if new.as_dir().is_none_or(|dir| dir.is_empty()) {
                        return Fate::Gone;
                    }
                }
                Change::Mix(token) => changed |= mix(&mut new, token, false),
                Change::MixMode(token) => changed |= mix(&mut new, token, true),
                Change::Executable => {
                    if let Node::File(file) = &mut new {
                        changed |= !file.executable;
                        file.executable = true;
                    }
                }
            }
        }
        match changed {
            true => Fate::Other(new),
            false => Fate::Same,
        }
    }
}

/// Makes another entry of this one; whether it did. A symlink has no mode, and no bytes but its target.
fn mix(node: &mut Node, token: ContentId, sets_mode: bool) -> bool {
    match node {
        Node::File(file) => {
            *file = File {
                content: file.content.with(token),
                executable: file.executable && !sets_mode,
                ..*file
            };
        }
        Node::Dir(dir) => {
            let dir = Arc::make_mut(dir);
            dir.mix_attributes(token);
        }
        Node::Opaque(old) => *old = old.with(token),
        Node::Link(_) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Node {
        let mut tree = Node::empty_dir();
        for path in ["a/b/x.js", "a/b/package.json", "a/c/y.js", "d/package.json"] {
            tree.put(&RepoPath::new(path), Node::of_bytes(path.as_bytes()));
        }
        tree
    }

    #[test]
    fn what_is_taken_out_leaves_the_tree_that_never_had_it() {
        let mut done = tree();
        let is_other = |path: &RepoPath, node: &Node| {
            matches!(node, Node::File(_)) && path.file_name() != Some(b"package.json")
        };
        let mut decide = |path: &RepoPath, _: usize, node: &Node| match is_other(path, node) {
            true => vec![Change::Remove],
            false => vec![],
        };
        let token = ContentId::of_bytes(b"find");
        let mut known = Reworked::default();
        let mut again = tree();
        assert!(done.rework(
            &"a".into(),
            usize::MAX,
            token,
            Some(&mut known),
            &mut decide
        ));
        let mut unasked = |_: &RepoPath, _: usize, _: &Node| panic!("it is known");
        assert!(again.rework(
            &"a".into(),
            usize::MAX,
            token,
            Some(&mut known),
            &mut unasked
        ));
        assert_eq!(again.digest(), done.digest());
        let mut expected = Node::empty_dir();
        for path in ["a/b/package.json", "d/package.json"] {
            expected.put(&RepoPath::new(path), Node::of_bytes(path.as_bytes()));
        }
        expected.make_dirs(&"a/c".into());
        assert_eq!(done.digest(), expected.digest());
        assert!(!done.rework(&"nowhere".into(), usize::MAX, token, None, &mut decide));
    }

    #[test]
    fn a_tree_that_is_shared_over_and_over_is_not_gone_through() {
        let mut tree = tree();
        for _ in 0..60 {
            let below = tree.clone();
            let mut twice = Node::empty_dir();
            twice.put(&"l".into(), below.clone());
            twice.put(&"r".into(), below);
            tree = twice;
        }
        let token = ContentId::of_bytes(b"chmod");
        let before = tree.digest();
        let mut all = |_: &RepoPath, _: usize, _: &Node| vec![Change::Mix(token)];
        assert!(tree.rework(&"l".into(), usize::MAX, token, None, &mut all));
        assert_ne!(tree.digest(), before);
        assert!(matches!(tree.get(&"l".into()), Some(Node::Opaque(_))));
    }

    #[test]
    fn its_entries_are_counted_no_further_than_they_may_be() {
        let mut tree = tree();
        let mut known = FxHashMap::default();
        let id = |n: usize| ContentId::of_bytes(&n.to_le_bytes());
        let mut full: FxHashMap<ContentId, u64> = (0..MAX_REMEMBERED).map(|n| (id(n), 1)).collect();
        assert_eq!(size(&tree, 0, &mut known), 9);
        assert_eq!(size(&tree, 0, &mut full), 9);
        for n in 0..60 {
            let below = tree.clone();
            tree = Node::empty_dir();
            tree.put(&"l".into(), below.clone());
            tree.put(&"r".into(), below);
            let is_over = 9 * (1u64 << (n + 1)) + (1 << (n + 1)) - 1 > MAX_ENTRIES;
            assert_eq!(size(&tree, 0, &mut known) > MAX_ENTRIES, is_over, "{n}");
        }
        // All of it would never end.
        assert!(size(&tree, 0, &mut full) > MAX_ENTRIES);
    }

    #[test]
    fn equal_trees_stay_equal_and_others_do_not_become_so() {
        let token = ContentId::of_bytes(b"chmod");
        let of = |text: &[u8], executable| {
            let mut tree = tree();
            let file = Node::File(File {
                content: ContentId::of_bytes(text),
                executable,
                attributes: 0,
            });
            tree.put(&"a/run.sh".into(), file);
            tree.rework(&"a".into(), usize::MAX, token, None, &mut |_, _, _| {
                vec![Change::MixMode(token)]
            });
            tree.digest()
        };
        assert_eq!(of(b"1", true), of(b"1", false));
        assert_ne!(of(b"1", true), of(b"2", true));
    }
}
