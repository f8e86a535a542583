//! The few COPY lines that bring a set of files: whole directories, divided only where that keeps out what changes.

use super::super::view::View;
use crate::context::IgnoreRules;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// More lines than this are no longer read by anybody: in place of all of the context, of one directory.
const MOST_LINES: (usize, usize) = (10, 6);
/// So many single files are named in one line.
const MOST_NAMES: usize = 12;

/// What a COPY is narrowed to.
#[derive(Clone)]
pub(super) struct Cover {
    /// The directory that was copied.
    source: RepoPath,
    items: Vec<Item>,
    /// For each build the paths below the source that it changed and the builder sees.
    changed: Vec<Vec<RepoPath>>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// A directory with all below.
    Tree(RepoPath),
    /// Files of one directory, by name or as `*.go`.
    Files(RepoPath, BTreeSet<String>),
}

impl Cover {
    /// The lines for the files `needed` among those below `source`: whole directories, and directories divided where that
    /// keeps out what changes. `None` where they are too many, or no better than all.
    pub(super) fn of(
        view: &View<'_>,
        source: &RepoPath,
        all: BTreeSet<&RepoPath>,
        needed: &BTreeSet<&RepoPath>,
    ) -> Option<Vec<Self>> {
        let text = view.ignore.map_or("", |(_, text)| text);
        let rules = IgnoreRules::parse(text.as_bytes()).unwrap_or_default();
        let is_seen = |p: &&RepoPath| p.strip_prefix(source).is_some() && !rules.is_ignored(p);
        let seen = |paths: &Vec<RepoPath>| paths.iter().filter(is_seen).cloned().collect();
        let cover = Self {
            source: source.clone(),
            items: divided(source, needed)?,
            changed: view.changes.iter().map(seen).collect(),
        };
        let unneeded: Vec<&RepoPath> = all.difference(needed).copied().collect();
        let leaves_some = unneeded.iter().any(|p| !cover.covers(p));
        if needed.is_empty() || cover.items.len() > cover.most_lines() || !leaves_some {
            return None;
        }
        let fine = cover.divided(needed, &unneeded);
        let is_other = fine.items != cover.items;
        Some(
            std::iter::once(cover)
                .chain(is_other.then_some(fine))
                .collect(),
        )
    }

    /// With those directories divided that keep out most, as long as that is worth the lines.
    fn divided(&self, needed: &BTreeSet<&RepoPath>, unneeded: &[&RepoPath]) -> Self {
        let least = (self.changed.len() / 50).max(2);
        let mut now = self.clone();
        loop {
            let heat = now.heat();
            let try_one = |n: usize| {
                let Item::Tree(dir) = &now.items[n] else {
                    return None;
                };
                // One that is read whole stays whole, whatever is added to it.
                if !unneeded.iter().any(|p| p.strip_prefix(dir).is_some()) {
                    return None;
                }
                let mut items = now.items.clone();
                items.splice(n..=n, divided(dir, needed)?);
                let cooler = heat_of(&items, &now.changed);
                let is_worth_it = cooler + least <= heat && items.len() <= self.most_lines();
                is_worth_it.then_some((cooler, items))
            };
            let all = (0..now.items.len()).filter_map(try_one);
            match all.min_by_key(|(heat, _)| *heat) {
                Some((_, items)) => now.items = items,
                None => return now,
            }
        }
    }

    fn most_lines(&self) -> usize {
        if self.source.is_root() {
            MOST_LINES.0
        } else {
            MOST_LINES.1
        }
    }

    /// In how many builds something changed that is copied.
    fn heat(&self) -> usize {
        heat_of(&self.items, &self.changed)
    }

    /// In how many builds something was changed that is no longer copied, and nothing that is.
    pub(super) fn left_out(&self) -> usize {
        self.changed
            .iter()
            .filter(|paths| !paths.is_empty())
            .count()
            - self.heat()
    }

    fn covers(&self, path: &RepoPath) -> bool {
        self.items.iter().any(|item| item.covers(path))
    }

    /// What is copied, for a title.
    pub(super) fn names(&self) -> String {
        let each = |item: &Item| match item {
            Item::Tree(dir) => vec![dir.to_string()],
            Item::Files(dir, names) => names
                .iter()
                .map(|n| dir.join(n.as_bytes()).to_string())
                .collect(),
        };
        let all: Vec<String> = self.items.iter().flat_map(each).collect();
        match all.as_slice() {
            [first @ .., _, _] if first.len() > 4 => {
                format!("{} and {} more", first[..4].join(", "), all.len() - 4)
            }
            _ => all.join(", "),
        }
    }

    /// The lines, with what stands before the sources and where the old one copied to.
    pub(super) fn lines(&self, keyword: &str, flags: &str, destination: &str) -> Vec<String> {
        let written = destination.trim_end_matches('/');
        let to = |dir: &RepoPath| match dir.strip_prefix(&self.source) {
            Some(below) if !below.is_root() => format!("{written}/{below}"),
            _ => written.to_owned(),
        };
        let line = |item: &Item| match item {
            Item::Tree(dir) => format!("{keyword} {flags}{dir} {}", to(dir)),
            Item::Files(dir, names) => {
                let from: Vec<String> = names
                    .iter()
                    .map(|n| dir.join(n.as_bytes()).to_string())
                    .collect();
                format!("{keyword} {flags}{} {}/", from.join(" "), to(dir))
            }
        };
        self.items.iter().map(line).collect()
    }
}

impl Item {
    fn covers(&self, path: &RepoPath) -> bool {
        match self {
            Self::Tree(dir) => path.strip_prefix(dir).is_some(),
            Self::Files(dir, names) => {
                let name = path.file_name().unwrap_or_default();
                path.parent().as_ref() == Some(dir)
                    && (names.iter().any(|n| n.as_bytes() == name)
                        || (names.contains(GO_FILES) && name.ends_with(b".go")))
            }
        }
    }
}

/// In how many builds something changed that `items` cover.
fn heat_of(items: &[Item], changed: &[Vec<RepoPath>]) -> usize {
    let is_touched =
        |paths: &&Vec<RepoPath>| paths.iter().any(|p| items.iter().any(|i| i.covers(p)));
    changed.iter().filter(is_touched).count()
}

/// Stands for all Go files of a directory.
const GO_FILES: &str = "*.go";

/// What is needed in `dir`, as its files and its directories; `None` where names would have to be quoted, or are many.
fn divided(dir: &RepoPath, needed: &BTreeSet<&RepoPath>) -> Option<Vec<Item>> {
    let mut files = BTreeSet::new();
    let mut trees: BTreeMap<String, Item> = BTreeMap::new();
    for path in needed {
        let Some(below) = path.strip_prefix(dir) else {
            continue;
        };
        let mut names = below.names();
        let first = std::str::from_utf8(names.next()?).ok()?;
        let is_odd = |c: char| c.is_whitespace() || "*?[]\\\"'$#".contains(c);
        if first.contains(is_odd) || first.starts_with('-') {
            return None;
        }
        if names.next().is_some() {
            let tree = Item::Tree(dir.join(first.as_bytes()));
            trees.insert(first.to_owned(), tree);
        } else if first.ends_with(".go") {
            files.insert(GO_FILES.to_owned());
        } else {
            files.insert(first.to_owned());
        }
    }
    let own = (!files.is_empty()).then(|| Item::Files(dir.clone(), files.clone()));
    let items: Vec<Item> = own.into_iter().chain(trees.into_values()).collect();
    (files.len() <= MOST_NAMES && !items.is_empty()).then_some(items)
}
