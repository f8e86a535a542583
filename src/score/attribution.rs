//! Cost lost, laid at what caused it: files, directories, arguments, images.
//!
//! Never: counts the first build of a cache, in which nothing is lost.

use super::metric::{Millis, counted};
use crate::cache::{Lookup, MissReason};
use crate::graph::StepId;
use crate::replay::Built;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// What made steps run again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A file.
    Path(RepoPath),
    /// A directory: all files below it that do not stand alone in the same table.
    Folder(RepoPath),
    /// Files beyond those that a reason lists.
    MoreFiles,
    /// A part of an instruction: `argument VERSION`, `command`, …
    Definition(String),
    /// Another base image.
    Base(String),
    /// The cache export left it out.
    NotExported,
    /// The record was removed.
    Evicted,
    /// Never built before.
    Cold,
    /// Not to be known from git, and why.
    Unknown(String),
}

/// What one cause cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// The cause.
    pub cause: Cause,
    /// Builds in which it was among the causes.
    pub builds: u64,
    /// Builds in which nothing else was.
    pub alone: u64,
    /// Time of the steps that ran, shared equally among the causes of each.
    pub cost: Millis,
}

/// The root of a step's miss: itself, or the step it follows from.
pub fn root_of(built: &Built, id: StepId) -> StepId {
    let mut at = id;
    // Inputs come first, so each step back goes to a smaller id; a malformed chain ends where it is.
    while let Lookup::Miss(MissReason::Input { step }) = &built.lookups[at.0] {
        if step.0 >= at.0 {
            break;
        }
        at = *step;
    }
    at
}

/// The causes of a root miss with their parts of the whole, in parts of `n`.
pub fn causes(lookup: &Lookup) -> Vec<(Cause, u64, u64)> {
    match lookup {
        Lookup::Hit { .. } | Lookup::Miss(MissReason::Input { .. }) => Vec::new(),
        Lookup::Unknown { why } => vec![(Cause::Unknown(why.clone()), 1, 1)],
        Lookup::Miss(MissReason::Cold) => vec![(Cause::Cold, 1, 1)],
        Lookup::Miss(MissReason::Definition { what, .. }) => {
            vec![(Cause::Definition(what.clone()), 1, 1)]
        }
        Lookup::Miss(MissReason::Base { new, .. }) => vec![(Cause::Base(new.clone()), 1, 1)],
        Lookup::Miss(MissReason::NotExported) => vec![(Cause::NotExported, 1, 1)],
        Lookup::Miss(MissReason::Evicted) => vec![(Cause::Evicted, 1, 1)],
        Lookup::Miss(MissReason::Content { paths, n_paths }) => {
            let n = (*n_paths).max(paths.len()).max(1) as u64;
            let rest = n - paths.len() as u64;
            let listed = paths.iter().map(|path| (Cause::Path(path.clone()), 1, n));
            listed
                .chain((rest > 0).then_some((Cause::MoreFiles, rest, n)))
                .collect()
        }
    }
}

/// A growing account of causes.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<Cause, Entry>,
    /// For each build entered, how many causes it had.
    sizes: Vec<usize>,
}

/// What one cause did.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// Positions in [`Ledger::sizes`].
    builds: Vec<usize>,
    cost: Millis,
}

impl Ledger {
    /// Enters one build: the steps that ran with their prices.
    pub fn add_build(&mut self, built: &Built, prices: &[Millis]) {
        let mut here: BTreeMap<Cause, Millis> = BTreeMap::new();
        for id in
            counted(&built.steps).filter(|id| !matches!(built.lookups[id.0], Lookup::Hit { .. }))
        {
            for (cause, part, whole) in causes(&built.lookups[root_of(built, id).0]) {
                *here.entry(cause).or_default() += prices[id.0].share(part, whole);
            }
        }
        self.enter(here);
    }

    /// Enters one step of one build.
    pub fn add_step(&mut self, built: &Built, id: StepId, price: Millis) {
        let found = causes(&built.lookups[root_of(built, id).0]);
        let shared = |(cause, part, whole)| (cause, price.share(part, whole));
        self.enter(found.into_iter().map(shared).collect());
    }

    fn enter(&mut self, here: BTreeMap<Cause, Millis>) {
        let build = self.sizes.len();
        self.sizes.push(here.len());
        for (cause, cost) in here {
            let entry = self.entries.entry(cause).or_default();
            entry.builds.push(build);
            entry.cost += cost;
        }
    }

    /// The league table: dearest first, paths gathered into directories where no single file stands out.
    pub fn league(&self) -> Vec<Blame> {
        let mut table: Vec<Blame> = Vec::new();
        let mut tree = Folder::default();
        for (cause, entry) in &self.entries {
            match cause {
                Cause::Path(path) => tree.insert(path, entry),
                _ => table.push(self.blame(cause.clone(), &[entry])),
            }
        }
        self.gather(tree, &RepoPath::root(), &mut table);
        table.sort_by(|a, b| {
            (b.cost, b.builds)
                .cmp(&(a.cost, a.builds))
                .then_with(|| a.cause.cmp(&b.cause))
        });
        table
    }

    /// Several entries as one cause.
    fn blame(&self, cause: Cause, entries: &[&Entry]) -> Blame {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for build in entries.iter().flat_map(|e| &e.builds) {
            *counts.entry(*build).or_default() += 1;
        }
        Blame {
            cause,
            builds: counts.len() as u64,
            alone: counts
                .iter()
                .filter(|&(&build, &n)| n == self.sizes[build])
                .count() as u64,
            cost: entries.iter().map(|e| e.cost).sum(),
        }
    }

    /// Files that cost a fifth of what their directory costs stand alone, as do directories that cost a third; the rest
    /// is the directory itself. At the root everything stands alone.
    fn gather(&self, folder: Folder<'_>, path: &RepoPath, table: &mut Vec<Blame>) {
        let whole = folder.cost.median.max(1);
        let mut rest: Vec<(&RepoPath, &Entry)> = Vec::new();
        for (file, entry) in folder.files {
            if path.is_root() || entry.cost.median >= whole.div_ceil(5) {
                table.push(self.blame(Cause::Path(file.clone()), &[entry]));
            } else {
                rest.push((file, entry));
            }
        }
        for (name, below) in folder.folders {
            if path.is_root() || below.cost.median >= whole.div_ceil(3) {
                self.gather(below, &path.join(name), table);
            } else {
                below.flatten(&mut rest);
            }
        }
        match rest.as_slice() {
            [] => {}
            [(file, entry)] => table.push(self.blame(Cause::Path((*file).clone()), &[entry])),
            _ => {
                let entries: Vec<&Entry> = rest.iter().map(|(_, entry)| *entry).collect();
                table.push(self.blame(Cause::Folder(path.clone()), &entries));
            }
        }
    }
}

/// Deeper directories are not told apart.
const DEEPEST: usize = 32;

/// A directory with what its files cost.
#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a [u8], Self>,
    files: Vec<(&'a RepoPath, &'a Entry)>,
    cost: Millis,
}

impl<'a> Folder<'a> {
    fn insert(&mut self, path: &'a RepoPath, entry: &'a Entry) {
        let mut at = self;
        at.cost += entry.cost;
        let depth = path.names().count().saturating_sub(1).min(DEEPEST);
        for name in path.names().take(depth) {
            at = at.folders.entry(name).or_default();
            at.cost += entry.cost;
        }
        at.files.push((path, entry));
    }

    fn flatten(self, into: &mut Vec<(&'a RepoPath, &'a Entry)>) {
        let mut stack = vec![self];
        while let Some(folder) = stack.pop() {
            into.extend(folder.files);
            stack.extend(folder.folders.into_values());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::steps;
    use std::sync::Arc;

    const SECOND: Millis = Millis {
        median: 1_000,
        low: 500,
        high: 2_000,
    };

    fn content(paths: &[&str]) -> Lookup {
        let paths: Vec<_> = paths.iter().map(RepoPath::new).collect();
        Lookup::Miss(MissReason::Content {
            n_paths: paths.len(),
            paths,
        })
    }

    fn built(lookups: Vec<Lookup>) -> Built {
        Built {
            steps: Arc::new(steps(&["FROM a", "COPY . .", "RUN x"])),
            lookups,
        }
    }

    fn follows(step: usize) -> Lookup {
        Lookup::Miss(MissReason::Input { step: StepId(step) })
    }

    const HIT: Lookup = Lookup::Hit { build: None };

    fn league(builds: &[Vec<Lookup>]) -> Vec<(String, u64, u64, u64)> {
        let mut ledger = Ledger::default();
        for lookups in builds {
            ledger.add_build(&built(lookups.clone()), &[SECOND; 3]);
        }
        let row = |b: Blame| match b.cause {
            Cause::Path(path) | Cause::Folder(path) => {
                (path.to_string(), b.builds, b.alone, b.cost.median)
            }
            other => (format!("{other:?}"), b.builds, b.alone, b.cost.median),
        };
        ledger.league().into_iter().map(row).collect()
    }

    #[test]
    fn consequences_are_laid_at_the_root_and_shared() {
        let got = league(&[
            vec![HIT, content(&["a", "b"]), follows(1)],
            vec![HIT, content(&["a"]), follows(1)],
            vec![HIT, HIT, HIT],
        ]);
        assert_eq!(
            got,
            [("a".to_owned(), 2, 1, 3_000), ("b".to_owned(), 1, 0, 1_000)]
        );
    }

    #[test]
    fn many_small_files_become_their_directory() {
        let files: Vec<String> = (0..10).map(|i| format!("src/f{i}")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let got = league(&[
            vec![HIT, content(&files), follows(1)],
            vec![HIT, content(&["src/f0"]), follows(1)],
        ]);
        assert_eq!(got[0], ("src/f0".to_owned(), 2, 1, 2_200));
        assert_eq!((got[1].0.as_str(), got[1].3), ("src", 1_800));
        let got = league(&[vec![HIT, content(&files), follows(1)]]);
        assert_eq!(got, [("src".to_owned(), 1, 1, 2_000)]);
    }

    #[test]
    fn what_a_reason_does_not_list_is_not_lost() {
        let reason = Lookup::Miss(MissReason::Content {
            paths: vec![RepoPath::new("a")],
            n_paths: 4,
        });
        let got = league(&[vec![HIT, reason, follows(1)]]);
        assert_eq!(
            got,
            [
                ("MoreFiles".to_owned(), 1, 0, 1_500),
                ("a".to_owned(), 1, 0, 500)
            ]
        );
    }
}
