//! Which files went where between two trees: by their bytes, by the folders of those, by likeness under one name.
//!
//! Never: reads a file's bytes; whoever asks says which two are alike.

use crate::tree::FileStamp;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// So many pairs of equal files are weighed against each other; more are paired in order.
const MAX_PAIRS: usize = 10_000;
/// So many pairs of files of one name are looked into.
const MAX_LIKE: usize = 64;

/// A file that is on one side only.
pub(super) type OneSided = BTreeMap<RepoPath, FileStamp>;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// From where to where.
    pub(super) files: BTreeMap<RepoPath, RepoPath>,
    /// For each folder that files were moved out of, where most of what was below it went.
    pub(super) folders: BTreeMap<RepoPath, RepoPath>,
    /// How many of the files were rewritten as well.
    pub(super) n_rewritten: usize,
}

/// Pairs what is gone with what is new; what is paired leaves the two lists. `alike`: whether two files of the same name
/// and of other bytes are one file, rewritten.
pub(super) fn find(
    gone: &mut OneSided,
    new: &mut OneSided,
    alike: &mut dyn FnMut(&RepoPath, &RepoPath) -> bool,
) -> Moves {
    let mut moves = Moves::default();
    for (from, to) in equal(gone, new) {
        gone.remove(&from);
        new.remove(&to);
        moves.files.insert(from, to);
    }
    moves.folders = folders(&moves.files);
    let mut rewritten = in_folders(gone, new, &moves.folders);
    for (from, to) in &rewritten {
        gone.remove(from);
        new.remove(to);
    }
    for (from, to) in of_one_name(gone, new, alike) {
        gone.remove(&from);
        new.remove(&to);
        rewritten.push((from, to));
    }
    moves.n_rewritten = rewritten.len();
    moves.files.extend(rewritten);
    moves
}

/// Files of the same bytes, those first whose paths end alike.
fn equal(gone: &OneSided, new: &OneSided) -> Vec<(RepoPath, RepoPath)> {
    let mut groups: BTreeMap<ObjectId, (Vec<&RepoPath>, Vec<&RepoPath>)> = BTreeMap::new();
    for (path, stamp) in gone {
        groups.entry(stamp.id).or_default().0.push(path);
    }
    for (path, stamp) in new {
        if let Some(group) = groups.get_mut(&stamp.id) {
            group.1.push(path);
        }
    }
    let mut pairs = Vec::new();
    for (from, to) in groups.into_values() {
        if from.len().saturating_mul(to.len()) > MAX_PAIRS {
            pairs.extend(from.into_iter().cloned().zip(to.into_iter().cloned()));
        } else {
            pairs.extend(nearest(&from, &to));
        }
    }
    pairs
}

fn nearest(from: &[&RepoPath], to: &[&RepoPath]) -> Vec<(RepoPath, RepoPath)> {
    let mut all: Vec<(usize, &RepoPath, &RepoPath)> = from
        .iter()
        .flat_map(|a| to.iter().map(|b| (common_end(a, b), *a, *b)))
        .collect();
    all.sort_by(|x, y| y.0.cmp(&x.0).then_with(|| (x.1, x.2).cmp(&(y.1, y.2))));
    let mut taken: (BTreeSet<&RepoPath>, BTreeSet<&RepoPath>) = Default::default();
    let mut pairs = Vec::new();
    for (_, a, b) in all {
        if !taken.0.contains(a) && !taken.1.contains(b) {
            taken.0.insert(a);
            taken.1.insert(b);
            pairs.push((a.clone(), b.clone()));
        }
    }
    pairs
}

/// How many names two paths have in common at their end.
fn common_end(a: &RepoPath, b: &RepoPath) -> usize {
    let pairs = a.names().rev().zip(b.names().rev());
    pairs.take_while(|(x, y)| x == y).count()
}

/// Where the files of each folder went: the place that most of them agree on.
fn folders(files: &BTreeMap<RepoPath, RepoPath>) -> BTreeMap<RepoPath, RepoPath> {
    let mut votes: BTreeMap<RepoPath, BTreeMap<RepoPath, usize>> = BTreeMap::new();
    for (from, to) in files {
        let mut at = (from.parent(), to.parent());
        for _ in 0..common_end(from, to) {
            let (Some(a), Some(b)) = at else { break };
            *votes
                .entry(a.clone())
                .or_default()
                .entry(b.clone())
                .or_default() += 1;
            at = (a.parent(), b.parent());
        }
    }
    let most = |to: BTreeMap<RepoPath, usize>| {
        let best = to.into_iter().rev().max_by_key(|(_, n)| *n);
        best.map(|(folder, _)| folder)
    };
    let chosen = votes.into_iter().map(|(from, to)| (from, most(to)));
    chosen
        .filter_map(|(from, to)| Some((from, to?)))
        .filter(|(from, to)| from != to)
        .collect()
}

/// Files that went where their folder went, with other bytes.
fn in_folders(
    gone: &OneSided,
    new: &OneSided,
    folders: &BTreeMap<RepoPath, RepoPath>,
) -> Vec<(RepoPath, RepoPath)> {
    let mut taken = BTreeSet::new();
    let mut pairs = Vec::new();
    for from in gone.keys() {
        let to = ancestors(from)
            .filter_map(|above| Some((folders.get(&above)?, from.strip_prefix(&above)?)))
            .map(|(folder, rest)| folder.join(rest.as_bytes()))
            .find(|to| new.contains_key(to));
        if let Some(to) = to.filter(|to| taken.insert(to.clone())) {
            pairs.push((from.clone(), to));
        }
    }
    pairs
}

/// The folders that a path is in, the deepest first.
pub(super) fn ancestors(path: &RepoPath) -> impl Iterator<Item = RepoPath> {
    std::iter::successors(path.parent(), RepoPath::parent)
}

fn of_one_name(
    gone: &OneSided,
    new: &OneSided,
    alike: &mut dyn FnMut(&RepoPath, &RepoPath) -> bool,
) -> Vec<(RepoPath, RepoPath)> {
    let mut names: BTreeMap<&[u8], (Vec<&RepoPath>, Vec<&RepoPath>)> = BTreeMap::new();
    for path in gone.keys() {
        names
            .entry(path.file_name().unwrap_or_default())
            .or_default()
            .0
            .push(path);
    }
    for path in new.keys() {
        names
            .entry(path.file_name().unwrap_or_default())
            .or_default()
            .1
            .push(path);
    }
    let mut pairs = Vec::new();
    for (from, mut to) in names.into_values() {
        if from.len().saturating_mul(to.len()) > MAX_LIKE {
            continue;
        }
        for a in from {
            to.sort_by_key(|b| std::cmp::Reverse(common_end(a, b)));
            if let Some(at) = to.iter().position(|b| alike(a, b)) {
                pairs.push((a.clone(), to.remove(at).clone()));
            }
        }
    }
    pairs
}

/// Whether a text is another one rewritten: half of the lines of the longer one, or more, are in both. Git asks the same
/// of a rename.
pub fn alike(old: &[u8], new: &[u8]) -> bool {
    let lines = |text: &[u8]| {
        let mut counts: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let lines = text.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
        for line in lines.filter(|line| !line.is_empty()) {
            *counts.entry(line.to_vec()).or_default() += 1;
        }
        counts
    };
    let (old, new) = (lines(old), lines(new));
    let both: usize = old
        .iter()
        .filter_map(|(line, n)| Some(*new.get(line)?.min(n)))
        .sum();
    let longer = old.values().sum::<usize>().max(new.values().sum());
    longer > 0 && both * 2 >= longer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::FileKind;

    fn side(files: &[(&str, u8)]) -> OneSided {
        let stamp = |n| FileStamp {
            kind: FileKind::Regular,
            id: ObjectId::from_bytes(&[n; 20]).unwrap(),
        };
        files
            .iter()
            .map(|(path, n)| (RepoPath::new(path), stamp(*n)))
            .collect()
    }

    #[track_caller]
    fn check(gone: &[(&str, u8)], new: &[(&str, u8)], want: &[(&str, &str)], n_rewritten: usize) {
        let (mut gone, mut new) = (side(gone), side(new));
        // Alike: the numbers differ by one.
        let ids = |side: &OneSided, path: &RepoPath| side[path].id.as_bytes()[0];
        let (then, now) = (gone.clone(), new.clone());
        let mut alike = |a: &RepoPath, b: &RepoPath| ids(&then, a).abs_diff(ids(&now, b)) == 1;
        let moves = find(&mut gone, &mut new, &mut alike);
        let found: Vec<(String, String)> = moves
            .files
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect();
        let want: Vec<(String, String)> = want
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect();
        assert_eq!((found, moves.n_rewritten), (want, n_rewritten));
    }

    #[test]
    fn equal_bytes_are_one_file_wherever_they_went() {
        check(
            &[("a/x", 1), ("b", 2)],
            &[("c/x", 1), ("d", 2)],
            &[("a/x", "c/x"), ("b", "d")],
            0,
        );
        check(&[("a", 1)], &[("b", 3)], &[], 0);
        check(&[], &[("b", 3)], &[], 0);
    }

    #[test]
    fn among_equal_files_paths_that_end_alike_go_together() {
        check(
            &[("old/p/i", 1), ("old/q/i", 1), ("old/i", 1)],
            &[("new/i", 1), ("new/p/i", 1), ("new/q/i", 1)],
            &[
                ("old/i", "new/i"),
                ("old/p/i", "new/p/i"),
                ("old/q/i", "new/q/i"),
            ],
            0,
        );
    }

    #[test]
    fn a_rewritten_file_goes_with_its_folder() {
        check(
            &[("web/a", 1), ("web/lib/b", 2), ("web/c", 3)],
            &[("app/web/a", 1), ("app/web/lib/b", 2), ("app/web/c", 9)],
            &[
                ("web/a", "app/web/a"),
                ("web/c", "app/web/c"),
                ("web/lib/b", "app/web/lib/b"),
            ],
            1,
        );
        // Up to the root.
        check(
            &[("web/a", 1), ("web/c", 3)],
            &[("a", 1), ("c", 9)],
            &[("web/a", "a"), ("web/c", "c")],
            1,
        );
    }

    #[test]
    fn a_rewritten_file_of_the_same_name_must_be_alike() {
        check(
            &[("package.json", 1)],
            &[("web/package.json", 2)],
            &[("package.json", "web/package.json")],
            1,
        );
        check(&[("package.json", 1)], &[("web/package.json", 7)], &[], 0);
        check(
            &[("a/m", 1), ("b/m", 4)],
            &[("c/m", 5), ("d/m", 2)],
            &[("a/m", "d/m"), ("b/m", "c/m")],
            2,
        );
    }

    #[test]
    fn half_of_the_lines_make_a_file_the_same() {
        for (old, new, want) in [
            ("a\nb\nc\nd", "a\nb\n  c\nx", true),
            ("a\nb", "a\nx", true),
            ("a\nb", "a\nx\ny", false),
            ("", "", false),
            ("a\na\na", "a", false),
            ("\n\n\n", "\n\n", false),
        ] {
            assert_eq!(
                alike(old.as_bytes(), new.as_bytes()),
                want,
                "{old:?} {new:?}"
            );
        }
    }
}
