//! How one tree is laid out in terms of another: the files that moved, that came and that went; and a history given that
//! layout, so that two layouts can be built over the same commits.
//!
//! Never: decides what a builder would do; reads a file's bytes.

use super::input::BuildInput;
use super::moves;
use super::moves::Moves;
use super::moves::OneSided;
use super::moves::ancestors;
use crate::tree::Change;
use crate::tree::FileStamp;
use crate::tree::RepoPath;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A file and, of a symlink, its target.
type Entry = (FileStamp, Option<Arc<[u8]>>);

/// The difference of two layouts. Paths are as the inputs it was made from have them.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    moved: BTreeMap<RepoPath, RepoPath>,
    /// Folders of which nothing is left: files that the history alone knows move with them.
    folders: BTreeMap<RepoPath, RepoPath>,
    removed: BTreeSet<RepoPath>,
    added: BTreeMap<RepoPath, Entry>,
    /// Paths at which files arrive.
    arrivals: BTreeSet<RepoPath>,
    n_rewritten: usize,
}

impl Layout {
    /// From two builds: the first with its whole tree as changes, the second with what differs from the first.
    /// `alike`: whether two files of the same name, one gone and one new, are one file that was rewritten.
    pub fn between(
        base: &BuildInput,
        head: &BuildInput,
        alike: &mut dyn FnMut(&RepoPath, &RepoPath) -> bool,
    ) -> Self {
        let (mut gone, mut new) = (OneSided::new(), OneSided::new());
        for change in &head.changes {
            match (change.old, change.new) {
                (Some(old), None) => drop(gone.insert(change.path.clone(), old)),
                (None, Some(stamp)) => drop(new.insert(change.path.clone(), stamp)),
                _ => {}
            }
        }
        let all_gone: BTreeSet<RepoPath> = gone.keys().cloned().collect();
        let Moves {
            files,
            folders,
            n_rewritten,
        } = moves::find(&mut gone, &mut new, alike);
        let targets = targets(head);
        let stays = base
            .changes
            .iter()
            .map(|c| &c.path)
            .filter(|p| !all_gone.contains(p));
        let inhabited: BTreeSet<RepoPath> = match folders.is_empty() {
            true => BTreeSet::new(),
            false => stays
                .chain(files.values())
                .chain(new.keys())
                .flat_map(ancestors)
                .collect(),
        };
        Self {
            folders: folders
                .into_iter()
                .filter(|(from, _)| !inhabited.contains(from))
                .collect(),
            removed: gone.into_keys().collect(),
            arrivals: files.values().cloned().collect(),
            moved: files,
            added: new
                .into_iter()
                .map(|(path, stamp)| {
                    let target = targets.get(&path).cloned();
                    (path, (stamp, target))
                })
                .collect(),
            n_rewritten,
        }
    }

    /// Whether the layouts are the same.
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty() && self.removed.is_empty() && self.added.is_empty()
    }

    /// Files that moved: from where to where.
    pub fn moved(&self) -> &BTreeMap<RepoPath, RepoPath> {
        &self.moved
    }

    /// How many of those were rewritten as well.
    pub fn n_rewritten(&self) -> usize {
        self.n_rewritten
    }

    /// Files that the second alone has.
    pub fn added(&self) -> impl ExactSizeIterator<Item = &RepoPath> {
        self.added.keys()
    }

    /// Files that the first alone has.
    pub fn removed(&self) -> impl ExactSizeIterator<Item = &RepoPath> {
        self.removed.iter()
    }

    /// Where a folder of the first is in the second: elsewhere only if nothing of it is left.
    pub fn folder(&self, folder: &RepoPath) -> RepoPath {
        let own = self.folders.get(folder).cloned();
        own.unwrap_or_else(|| self.with_folder(folder).unwrap_or_else(|| folder.clone()))
    }

    /// Where a file of the first is in the second; `None` where it is gone.
    pub fn file(&self, file: &RepoPath) -> Option<RepoPath> {
        if self.removed.contains(file) {
            return None;
        }
        let moved = self.moved.get(file).cloned();
        Some(moved.unwrap_or_else(|| self.with_folder(file).unwrap_or_else(|| file.clone())))
    }

    /// Where a path goes with the folder that it is in.
    fn with_folder(&self, path: &RepoPath) -> Option<RepoPath> {
        if self.folders.is_empty() {
            return None;
        }
        ancestors(path).find_map(|above| {
            let to = self.folders.get(&above)?;
            Some(to.join(path.strip_prefix(&above)?.as_bytes()))
        })
    }

    /// The builds with this layout, in order.
    pub fn relaid(&self, inputs: &[BuildInput]) -> Vec<BuildInput> {
        let mut relay = Relay::new(self);
        inputs.iter().map(|input| relay.next(input)).collect()
    }
}

/// Symlink targets by path.
fn targets(input: &BuildInput) -> BTreeMap<&RepoPath, Arc<[u8]>> {
    let pairs = input.link_targets.iter();
    pairs
        .filter_map(|(at, target)| Some((&input.changes.get(*at)?.path, target.clone())))
        .collect()
}

/// Gives one build after the other the second layout: moved files have their history under their new names, added files
/// are there from the first build on as the second tree has them, files that are gone never were.
pub struct Relay<'a> {
    layout: &'a Layout,
    is_first: bool,
    arrived: BTreeMap<RepoPath, Arrived>,
}

/// What claims a path; the first that is there has it.
#[derive(Default)]
struct Arrived {
    moved: Option<Entry>,
    /// The history's own file of this name.
    own: Option<Entry>,
    added: Option<Entry>,
}

impl Arrived {
    fn shown(&self) -> Option<&Entry> {
        self.moved
            .as_ref()
            .or(self.own.as_ref())
            .or(self.added.as_ref())
    }
}

impl<'a> Relay<'a> {
    /// At the beginning of a history.
    pub fn new(layout: &'a Layout) -> Self {
        Self {
            layout,
            is_first: true,
            arrived: BTreeMap::new(),
        }
    }

    /// The next build; its changes must be relative to the build given before.
    pub fn next(&mut self, input: &BuildInput) -> BuildInput {
        if self.layout.is_empty() {
            return input.clone();
        }
        let targets = targets(input);
        let mut out = Vec::with_capacity(input.changes.len());
        let mut before: BTreeMap<RepoPath, Option<Entry>> = BTreeMap::new();
        if std::mem::take(&mut self.is_first) {
            for (path, entry) in &self.layout.added {
                before.insert(path.clone(), None);
                self.arrived.entry(path.clone()).or_default().added = Some(entry.clone());
            }
        }
        for change in &input.changes {
            let Some(to) = self.layout.file(&change.path) else {
                continue;
            };
            let target = targets.get(&change.path).cloned();
            let is_here = to == change.path;
            if is_here && !self.is_arrival(&to) {
                out.push((change.clone(), target));
                continue;
            }
            let slot = self.arrived.entry(to.clone()).or_default();
            before.entry(to).or_insert_with(|| slot.shown().cloned());
            let entry = change.new.map(|stamp| (stamp, target));
            if is_here {
                slot.own = entry;
            } else {
                slot.moved = entry;
            }
        }
        for (path, old) in before {
            let new = self.arrived.get(&path).and_then(Arrived::shown);
            if old.as_ref() != new {
                let target = new.and_then(|(_, target)| target.clone());
                let (old, new) = (old.map(|(stamp, _)| stamp), new.map(|(stamp, _)| *stamp));
                out.push((Change { path, old, new }, target));
            }
        }
        with_changes(input, out)
    }

    /// Whether files of other names may arrive at a path.
    fn is_arrival(&self, path: &RepoPath) -> bool {
        self.arrived.contains_key(path)
            || self.layout.arrivals.contains(path)
            || self
                .layout
                .folders
                .values()
                .any(|to| path.strip_prefix(to).is_some())
    }
}

/// The build of a context below the one that the input was read for.
pub fn below(input: &BuildInput, context: &RepoPath) -> BuildInput {
    if context.is_root() {
        return input.clone();
    }
    let targets = targets(input);
    let changes = input.changes.iter().filter_map(|change| {
        let path = change.path.strip_prefix(context).filter(|p| !p.is_root())?;
        let target = targets.get(&change.path).cloned();
        Some((
            Change {
                path,
                ..change.clone()
            },
            target,
        ))
    });
    let changes = changes.collect();
    with_changes(input, changes)
}

fn with_changes(input: &BuildInput, changes: Vec<(Change, Option<Arc<[u8]>>)>) -> BuildInput {
    let targets = changes.iter().enumerate();
    let link_targets = targets
        .filter_map(|(at, (_, target))| Some((at, target.clone()?)))
        .collect();
    BuildInput {
        commit: input.commit.clone(),
        request: input.request.clone(),
        watched: input.watched.clone(),
        changes: changes.into_iter().map(|(change, _)| change).collect(),
        link_targets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Commit;
    use crate::history::Request;
    use crate::tree::FileKind;
    use crate::tree::ObjectId;

    type Tree<'a> = &'a [(&'a str, u8)];

    fn map(tree: Tree<'_>) -> BTreeMap<RepoPath, FileStamp> {
        let stamp = |n| FileStamp {
            kind: FileKind::Regular,
            id: ObjectId::from_bytes(&[n; 20]).unwrap(),
        };
        tree.iter()
            .map(|(path, n)| (RepoPath::new(path), stamp(*n)))
            .collect()
    }

    fn inputs(trees: &[Tree<'_>]) -> Vec<BuildInput> {
        let mut before = BTreeMap::new();
        let mut builds = Vec::new();
        for tree in trees {
            let now = map(tree);
            let paths: BTreeSet<RepoPath> = before.keys().chain(now.keys()).cloned().collect();
            let changes = paths.into_iter().map(|path| Change {
                old: before.get(&path).copied(),
                new: now.get(&path).copied(),
                path,
            });
            let changes = changes.filter(|c| c.old != c.new).collect();
            builds.push(BuildInput {
                commit: Commit {
                    id: ObjectId::from_bytes(&[1; 20]).unwrap(),
                    parent: None,
                    time: 0,
                    subject: String::new(),
                    author: String::new(),
                },
                request: Request::default(),
                watched: Vec::new(),
                changes,
                link_targets: Vec::new(),
            });
            before = now;
        }
        builds
    }

    fn shown(tree: &BTreeMap<RepoPath, FileStamp>) -> Vec<(String, u8)> {
        tree.iter()
            .map(|(path, s)| (path.to_string(), s.id.as_bytes()[0]))
            .collect()
    }

    /// What the history's trees look like in the layout of `head`.
    #[track_caller]
    fn check(base: Tree<'_>, head: Tree<'_>, history: &[Tree<'_>], want: &[Tree<'_>]) {
        let ends = inputs(&[base, head]);
        let layout = Layout::between(&ends[0], &ends[1], &mut |_, _| false);
        let mut relay = Relay::new(&layout);
        let mut tree = BTreeMap::new();
        for (input, want) in inputs(history).iter().zip(want) {
            for change in relay.next(input).changes {
                assert_eq!(tree.get(&change.path).copied(), change.old, "{change:?}");
                match change.new {
                    Some(stamp) => drop(tree.insert(change.path, stamp)),
                    None => drop(tree.remove(&change.path)),
                }
            }
            assert_eq!(shown(&tree), shown(&map(want)));
        }
    }

    #[test]
    fn the_same_layout_changes_nothing() {
        let trees: [Tree<'_>; 2] = [&[("a", 1)], &[("a", 2), ("b", 3)]];
        check(&[("a", 2), ("b", 3)], &[("a", 9), ("b", 3)], &trees, &trees);
    }

    #[test]
    fn moved_files_keep_their_history() {
        check(
            &[("package.json", 5), ("src/a", 3)],
            &[("web/package.json", 5), ("web/src/a", 3)],
            &[
                &[("package.json", 4), ("src/a", 1), ("src/old", 9)],
                &[("package.json", 5), ("src/a", 3)],
            ],
            &[
                &[
                    ("web/package.json", 4),
                    ("web/src/a", 1),
                    ("web/src/old", 9),
                ],
                &[("web/package.json", 5), ("web/src/a", 3)],
            ],
        );
    }

    #[test]
    fn added_files_are_there_and_removed_ones_are_not() {
        check(
            &[("a", 1), ("gone", 2)],
            &[("a", 1), ("new", 7)],
            &[
                &[("gone", 1)],
                &[("a", 1), ("gone", 2)],
                &[("a", 1), ("new", 3)],
                &[("a", 2)],
            ],
            &[
                &[("new", 7)],
                &[("a", 1), ("new", 7)],
                &[("a", 1), ("new", 3)],
                &[("a", 2), ("new", 7)],
            ],
        );
    }

    #[test]
    fn a_folder_that_keeps_files_keeps_those_of_the_past() {
        check(
            &[("d/a", 1), ("d/b", 2)],
            &[("e/a", 1), ("d/b", 2)],
            &[&[("d/a", 3), ("d/b", 4), ("d/old", 5)]],
            &[&[("e/a", 3), ("d/b", 4), ("d/old", 5)]],
        );
    }

    #[test]
    fn what_swaps_names_swaps_histories() {
        check(
            &[("a", 1), ("b", 2)],
            &[("a", 2), ("b", 1)],
            &[&[("a", 8), ("b", 9)]],
            // In place by git's lights: both were rewritten.
            &[&[("a", 8), ("b", 9)]],
        );
        check(
            &[("p", 1)],
            &[("q", 1)],
            // The move back of a move: the old name's history is the file's own.
            &[
                &[("q", 3)],
                &[("p", 3)],
                &[("p", 1), ("q", 6)],
                &[("q", 6)],
                &[],
            ],
            &[&[("q", 3)], &[("q", 3)], &[("q", 1)], &[("q", 6)], &[]],
        );
    }

    #[test]
    fn the_base_itself_becomes_the_head_but_for_rewritten_files() {
        let base: Tree<'_> = &[("a", 1), ("d/x", 2), ("d/y", 3), ("z", 4)];
        let head: Tree<'_> = &[("a", 1), ("n", 6), ("e/f/x", 2), ("e/f/y", 3)];
        check(base, head, &[base], &[head]);
    }

    #[test]
    fn a_context_below_sees_its_part() {
        let ends = inputs(&[
            &[("web/a", 1), ("lib/b", 2)],
            &[("web/a", 1), ("web/lib/b", 2)],
        ]);
        let layout = Layout::between(&ends[0], &ends[1], &mut |_, _| false);
        let relaid = layout.relaid(&ends[..1]);
        let paths = |input: &BuildInput| {
            input
                .changes
                .iter()
                .map(|c| c.path.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(paths(&below(&ends[0], &"web".into())), ["a"]);
        assert_eq!(paths(&below(&relaid[0], &"web".into())), ["a", "lib/b"]);
    }

    #[test]
    fn a_moved_context_is_found() {
        let ends = inputs(&[
            &[("web/a", 1), ("web/s/b", 2)],
            &[("apps/web/a", 1), ("apps/web/s/b", 2)],
        ]);
        let layout = Layout::between(&ends[0], &ends[1], &mut |_, _| false);
        assert_eq!(layout.folder(&"web".into()), "apps/web".into());
        assert_eq!(layout.folder(&"web/s".into()), "apps/web/s".into());
        assert_eq!(layout.folder(&RepoPath::root()), RepoPath::root());
        assert_eq!(
            layout.file(&"web/Dockerfile".into()),
            Some("apps/web/Dockerfile".into())
        );
    }
}
