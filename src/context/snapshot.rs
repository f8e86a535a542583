//! The build context: all its files, and of these what the builder sees under the ignore rules.

use super::digest::ContentId;
use super::digest::hash;
use super::ignore::IgnoreRules;
use super::ignore::Matched;
use super::tree::Dir;
use super::tree::MAX_DEPTH;
use super::tree::Node;
use crate::tree::Change;
use crate::tree::RepoPath;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::sync::Arc;

/// Paths in a checkout's `.git` whose bytes differ from build to build, and some that do not: enough for ignore rules
/// to tell which part of it the builder sees.
pub const GIT_DIR_CHANGING: [&str; 6] = [
    ".git/FETCH_HEAD",
    ".git/HEAD",
    ".git/index",
    ".git/logs/HEAD",
    ".git/objects/pack",
    ".git/refs/heads/main",
];
const GIT_DIR_STABLE: [&str; 4] = [
    ".git/config",
    ".git/description",
    ".git/hooks/pre-commit",
    ".git/info/exclude",
];

/// Down to this depth, a directory of which the builder sees all is looked for, to edit it once for both trees.
const SHARED_DEPTH: usize = 16;

/// The build context as of one build.
#[derive(Debug)]
pub struct ContextTree {
    /// Every file, ignored or not.
    all: Node,
    /// What the builder sees.
    visible: Node,
    rules: IgnoreRules,
    /// What the rules say of directories met so far.
    directories: FxHashMap<Vec<u8>, Arc<Verdict>>,
    git_dir: Option<ContentId>,
    /// `.git` was not brought up to date, since the rules hide all of it that changes.
    git_dir_is_old: bool,
}

/// What the rules say of one directory.
#[derive(Debug, Default)]
struct Verdict {
    ignored: bool,
    matched: Matched,
}

/// One edit: a path (relative to the directory at hand from `at` on) and what is to be there.
struct Edit<'a> {
    path: &'a [u8],
    node: Option<Node>,
}

impl Default for ContextTree {
    fn default() -> Self {
        Self::new(IgnoreRules::default())
    }
}

impl ContextTree {
    /// An empty context.
    pub fn new(rules: IgnoreRules) -> Self {
        Self {
            all: Node::empty_dir(),
            visible: Node::empty_dir(),
            rules,
            directories: FxHashMap::default(),
            git_dir: None,
            git_dir_is_old: false,
        }
    }

    /// What the builder sees: a directory that is not itself ignored, even if all below it is; an ignored one only if
    /// something below it is taken back in (cache-semantics of BuildKit: fsutil's walk).
    pub fn root(&self) -> &Node {
        &self.visible
    }

    /// Every file, ignored or not; of `.git` perhaps an earlier state, where nobody sees what changes in it.
    pub fn all(&self) -> &Node {
        &self.all
    }

    /// Whether the rules in force hide a file.
    pub fn hides(&self, path: &RepoPath) -> bool {
        let bytes = path.as_bytes();
        let cut = bytes.iter().rposition(|&b| b == b'/').unwrap_or(0);
        match self.directories.get(&bytes[..cut]) {
            Some(parent) => self.rules.judge(bytes, &parent.matched),
            None => self.rules.is_ignored(path),
        }
    }

    /// Puts other rules in force and filters again.
    pub fn set_rules(&mut self, rules: IgnoreRules) {
        if self.git_dir_is_old {
            self.put_git_dir(&[]);
        }
        self.rules = rules;
        self.directories.clear();
        self.visible = if self.rules.is_empty() {
            self.all.clone()
        } else {
            let mut path = Vec::new();
            Node::Dir(Arc::new(self.filter(
                self.all.as_dir(),
                &mut path,
                &Matched::default(),
                0,
            )))
        };
    }

    /// The checkout's `.git`, known by a token (what `--git-dir included` puts into the context); the ignore rules apply
    /// to what is in it. `None` takes it out.
    pub fn set_git_dir(&mut self, token: Option<ContentId>) {
        if token == self.git_dir {
            return;
        }
        let is_update = token.is_some() && self.git_dir.is_some();
        self.git_dir = token;
        if is_update && !self.shows_git_dir() {
            self.git_dir_is_old = true;
        } else {
            self.put_git_dir(if is_update { &[] } else { &GIT_DIR_STABLE });
        }
    }

    /// Whether the builder sees anything of `.git` that changes.
    fn shows_git_dir(&self) -> bool {
        let sees = |path: &&str| self.visible.get_itself(&RepoPath::new(path)).is_some();
        self.visible
            .as_dir()
            .is_some_and(|root| root.child(b".git").is_some())
            && GIT_DIR_CHANGING.iter().any(sees)
    }

    /// Brings what changes in `.git` up to date, and `stable` too.
    fn put_git_dir(&mut self, stable: &[&str]) {
        self.git_dir_is_old = false;
        let token = self.git_dir;
        let node = |path: &str, changing: bool| {
            token.map(|token| {
                let token = if changing { token } else { hash(b'g', &[]) };
                Node::Opaque(token.below(path.as_bytes()))
            })
        };
        let changing = GIT_DIR_CHANGING.iter().map(|path| (path, true));
        let stable = stable.iter().map(|path| (path, false));
        let edits = changing.chain(stable).map(|(path, is)| Edit {
            path: path.as_bytes(),
            node: node(path, is),
        });
        self.edit(edits.collect());
    }

    /// Applies what changed since the last build. `link_targets`: the targets of the symlinks among the new entries, by
    /// position in `changes`. What the changes say of the state before is not relied upon.
    pub fn apply(&mut self, changes: &[Change], link_targets: &[(usize, Arc<[u8]>)]) {
        let mut targets: FxHashMap<usize, &Arc<[u8]>> = FxHashMap::default();
        targets.extend(link_targets.iter().map(|(at, target)| (*at, target)));
        let edits = changes
            .iter()
            .enumerate()
            .filter(|(_, change)| !change.path.is_root())
            .map(|(at, change)| Edit {
                path: change.path.as_bytes(),
                node: change
                    .new
                    .as_ref()
                    .map(|stamp| Node::of_stamp(stamp, targets.get(&at).copied())),
            });
        self.edit(edits.collect());
    }

    fn edit(&mut self, mut edits: Vec<Edit<'_>>) {
        edits.sort_by(|a, b| compare_by_names(a.path, b.path));
        let mut all = std::mem::replace(&mut self.all, Node::Opaque(ContentId(0)));
        if self.rules.is_empty() {
            // Both trees are the same one.
            self.visible = Node::Opaque(ContentId(0));
            edit_plain(all.make_dir(), &edits, 0, 0);
            self.visible = all.clone();
        } else {
            let mut visible = std::mem::replace(&mut self.visible, Node::Opaque(ContentId(0)));
            let root = Arc::default();
            self.edit_both(all.make_dir(), visible.make_dir(), &edits, 0, 0, &root);
            self.visible = visible;
        }
        self.all = all;
    }

    /// Applies edits below one directory to both trees. `at`: where the names of this directory begin in the paths.
    fn edit_both(
        &mut self,
        all: &mut Dir,
        visible: &mut Dir,
        edits: &[Edit<'_>],
        at: usize,
        depth: usize,
        verdict: &Arc<Verdict>,
    ) {
        for Group { name, here, below } in groups(edits, at) {
            if matches!(here, Some(Edit { node: None, .. })) {
                remove_file(all, name);
                remove_file(visible, name);
            }
            if !below.is_empty() && depth < MAX_DEPTH {
                let path = &below[0].path[..at + name.len()];
                let inner = self.verdict(path, verdict);
                all.edit(name, |all_slot| {
                    visible.edit(name, |visible_slot| {
                        let at = at + name.len() + 1;
                        self.edit_slots(all_slot, visible_slot, below, at, depth + 1, &inner);
                    });
                });
            }
            if let Some(Edit {
                path,
                node: Some(node),
            }) = here
            {
                let known = all
                    .child(name)
                    .filter(|old| old.as_dir().is_none())
                    .map(|_| visible.child(name).is_some());
                let is_visible = known.unwrap_or_else(|| !self.rules.judge(path, &verdict.matched));
                all.insert(name, node.clone());
                if is_visible {
                    visible.insert(name, node.clone());
                } else {
                    visible.remove(name);
                }
            }
        }
    }

    /// Applies edits below one name to both trees.
    fn edit_slots(
        &mut self,
        all: &mut Option<Node>,
        visible: &mut Option<Node>,
        edits: &[Edit<'_>],
        at: usize,
        depth: usize,
        verdict: &Arc<Verdict>,
    ) {
        let shared = match (&*all, &*visible) {
            (None, None) => true,
            (Some(Node::Dir(all)), Some(Node::Dir(visible))) => Arc::ptr_eq(all, visible),
            _ => false,
        };
        let known = all.as_ref().and_then(Node::as_dir);
        if shared && depth <= SHARED_DEPTH && self.shows_all(known, edits, at, depth, verdict) {
            *all = None;
            edit_slot(visible, edits, at, depth);
            all.clone_from(visible);
            return;
        }
        let (all_dir, visible_dir) = (open(all), open(visible));
        self.edit_both(all_dir, visible_dir, edits, at, depth, verdict);
        if all_dir.is_empty() || (verdict.ignored && visible_dir.is_empty()) {
            *visible = None;
        }
        if all_dir.is_empty() {
            *all = None;
        }
    }

    /// Whether the builder sees everything that edits leave below one directory, `dir` (which it sees all of).
    fn shows_all(
        &mut self,
        dir: Option<&Dir>,
        edits: &[Edit<'_>],
        at: usize,
        depth: usize,
        verdict: &Arc<Verdict>,
    ) -> bool {
        if verdict.ignored {
            return false;
        }
        for Group { name, here, below } in groups(edits, at) {
            let end = at + name.len();
            let child = dir.and_then(|dir| dir.child(name));
            let is_known = child.is_some_and(|child| child.as_dir().is_none());
            let hides = |edit: &Edit<'_>| {
                edit.node.is_some() && !is_known && self.rules.judge(edit.path, &verdict.matched)
            };
            if here.is_some_and(hides) {
                return false;
            }
            if !below.is_empty() && depth < MAX_DEPTH {
                let inner = self.verdict(&below[0].path[..end], verdict);
                let child = child.and_then(Node::as_dir);
                if !self.shows_all(child, below, end + 1, depth + 1, &inner) {
                    return false;
                }
            }
        }
        true
    }

    /// What the rules say of the directory `path`, given what they say of the one it is in.
    fn verdict(&mut self, path: &[u8], above: &Arc<Verdict>) -> Arc<Verdict> {
        if let Some(known) = self.directories.get(path) {
            return Arc::clone(known);
        }
        let (ignored, matched) = self.rules.enter(path, &above.matched);
        let verdict = Arc::new(Verdict { ignored, matched });
        self.directories.insert(path.to_vec(), Arc::clone(&verdict));
        verdict
    }

    /// The visible part of a directory.
    fn filter(&self, all: Option<&Dir>, path: &mut Vec<u8>, above: &Matched, depth: usize) -> Dir {
        let mut out = Dir::default();
        let Some(all) = all else { return out };
        for (name, child) in all.children() {
            let length = path.len();
            if length > 0 {
                path.push(b'/');
            }
            path.extend(&name[..]);
            match child {
                Node::Dir(dir) if dir.remainder().is_none() && depth < MAX_DEPTH => {
                    let (ignored, matched) = self.rules.enter(path, above);
                    let inner = self.filter(Some(dir), path, &matched, depth + 1);
                    if !ignored || !inner.is_empty() {
                        let node = if inner == **dir {
                            child.clone()
                        } else {
                            Node::Dir(Arc::new(inner))
                        };
                        out.insert(name, node);
                    }
                }
                _ => {
                    if !self.rules.judge(path, above) {
                        out.insert(name, child.clone());
                    }
                }
            }
            path.truncate(length);
        }
        out
    }
}

/// The edits of a tree without rules.
fn edit_plain(dir: &mut Dir, edits: &[Edit<'_>], at: usize, depth: usize) {
    for Group { name, here, below } in groups(edits, at) {
        if matches!(here, Some(Edit { node: None, .. })) {
            remove_file(dir, name);
        }
        if !below.is_empty() && depth < MAX_DEPTH {
            dir.edit(name, |slot| {
                edit_slot(slot, below, at + name.len() + 1, depth + 1)
            });
        }
        if let Some(Edit {
            node: Some(node), ..
        }) = here
        {
            dir.insert(name, node.clone());
        }
    }
}

/// The same below one name.
fn edit_slot(slot: &mut Option<Node>, edits: &[Edit<'_>], at: usize, depth: usize) {
    let inner = open(slot);
    edit_plain(inner, edits, at, depth);
    if inner.is_empty() {
        *slot = None;
    }
}

/// The edits of one name.
struct Group<'e, 'a> {
    name: &'a [u8],
    /// Of what has this name itself, the last.
    here: Option<&'e Edit<'a>>,
    below: &'e [Edit<'a>],
}

/// Sorted edits by their name at `at`.
fn groups<'e, 'a>(edits: &'e [Edit<'a>], at: usize) -> impl Iterator<Item = Group<'e, 'a>> {
    let same_name = move |a: &Edit<'_>, b: &Edit<'_>| name_at(a.path, at) == name_at(b.path, at);
    edits.chunk_by(same_name).map(move |group| {
        let name = name_at(group[0].path, at);
        let is_here = |edit: &Edit<'_>| edit.path.len() == at + name.len();
        let (here, below) = group.split_at(group.partition_point(is_here));
        Group {
            name,
            here: here.last(),
            below,
        }
    })
}

fn name_at(path: &[u8], at: usize) -> &[u8] {
    let rest = path.get(at..).unwrap_or_default();
    rest.split(|&b| b == b'/').next().unwrap_or_default()
}

/// By names, so that all that is below a path comes right behind it; equal paths stay in their order.
fn compare_by_names(a: &[u8], b: &[u8]) -> Ordering {
    match a.iter().zip(b).find(|(x, y)| x != y) {
        None => a.len().cmp(&b.len()),
        Some((b'/', _)) => Ordering::Less,
        Some((_, b'/')) => Ordering::Greater,
        Some((x, y)) => x.cmp(y),
    }
}

/// The directory in a slot; anything else there gives way.
fn open(slot: &mut Option<Node>) -> &mut Dir {
    slot.get_or_insert_with(Node::empty_dir).make_dir()
}

/// Takes out what a removal means: a file; a directory goes when its last file goes. A submodule is one entry too.
fn remove_file(dir: &mut Dir, name: &[u8]) {
    let is_file = match dir.child(name) {
        Some(Node::Dir(inner)) => inner.remainder().is_some(),
        Some(Node::File(_) | Node::Link(_) | Node::Opaque(_)) => true,
        None => false,
    };
    if is_file {
        dir.remove(name);
    }
}
