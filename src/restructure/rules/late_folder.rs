//! Folders that are copied together come each just above the first step that works in it.
//!
//! Before:
//! ```dockerfile
//! COPY web /app/web
//! COPY api /app/api
//! RUN cd /app/web && ./build
//! RUN cd /app/api && ./build
//! ```
//! After:
//! ```dockerfile
//! COPY web /app/web
//! RUN cd /app/web && ./build
//! COPY api /app/api
//! RUN cd /app/api && ./build
//! ```
//! A part of `late-copy`, for RUNs of which it is not known what they read, but in which folder they work: their
//! commands run in it, or name it. No file of that folder may name the other one, nor may a workspace hold both. Always
//! for review.

use super::super::candidate::{Candidate, Safety};
use super::super::command::seen;
use super::super::conflict::conflict;
use super::super::effect::{Effect, destination};
use super::super::installs::StageView;
use super::super::layout::{BASE, absolute, expand, is_within, mount_field};
use super::super::mentions::mentions;
use super::super::moving::move_after;
use super::super::sentence::abridged;
use super::super::system_places::is_read_by_name;
use super::narrow::is_workspace;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Folders of one stage that are looked at.
const MOST_FOLDERS: usize = 24;

/// The candidate of a stage of which `effects` are those of its instructions.
pub(super) fn candidate(of: &StageView<'_>, effects: &[Effect]) -> Option<Candidate> {
    let folders = folders(of);
    if folders.len() < 2 || is_workspace(of.view) {
        return None;
    }
    let ways: Vec<Way<'_>> = folders
        .iter()
        .filter_map(|folder| way(of, effects, &folders, folder))
        .collect();
    let first = ways.first()?;
    let line = |index: usize| of.stage.instructions[index].lines.first;
    let after = |index: usize| of.stage.instructions[index].lines.last;
    let mut by_last: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut passed = BTreeSet::new();
    for way in &ways {
        by_last
            .entry(way.last)
            .or_default()
            .insert(way.folder.index);
        passed.extend(way.passed.iter().copied());
    }
    let title = match ways.as_slice() {
        [_] => format!(
            "copy {} (line {}) after line {}",
            first.folder.name(),
            line(first.folder.index),
            after(first.last)
        ),
        all => format!(
            "copy {} each just above the first step that works there",
            names(all)
        ),
    };
    let mut candidate = Candidate::new("late-copy", title);
    candidate.edits = by_last
        .iter()
        .flat_map(|(last, moved)| move_after(of.view.text(), of.stage, moved, *last))
        .collect();
    let lines: Vec<String> = passed.iter().map(|i| line(*i).to_string()).collect();
    let (runs, read) = match lines.as_slice() {
        [one] => (format!("line {one}"), "reads"),
        many => (format!("lines {}", many.join(", ")), "read"),
    };
    candidate.safety = Safety::Review {
        reasons: vec![format!(
            "{runs} {} in other folders, in which no file names what is moved",
            if passed.len() == 1 { "works" } else { "work" }
        )],
        doubt: format!("check that {runs} {read} nothing of {}", names(&ways)),
    };
    let paths: BTreeSet<&RepoPath> = ways.iter().flat_map(|w| w.folder.files.values()).collect();
    candidate.rationale = format!(
        "What works in one folder runs again with each change to another that is copied above it; {} changed in {} of {} builds.",
        names(&ways),
        of.view.n_touching(|p| paths.contains(p)),
        of.view.n_builds()
    );
    candidate.lines = ways
        .iter()
        .map(|w| of.stage.instructions[w.folder.index].lines)
        .collect();
    Some(candidate)
}

/// A COPY of files of the context into a directory.
struct Folder<'a> {
    index: usize,
    /// The directory in the image, absolute.
    to: String,
    /// What it brings: path in the image to path in the context.
    files: &'a BTreeMap<String, RepoPath>,
}

impl Folder<'_> {
    fn name(&self) -> &str {
        &self.to
    }
}

/// How far a folder's COPY may go down.
struct Way<'a> {
    folder: &'a Folder<'a>,
    /// The RUNs that it passes and of which it is not known what they read.
    passed: Vec<usize>,
    last: usize,
}

fn names(ways: &[Way<'_>]) -> String {
    let names: Vec<&str> = ways.iter().map(|w| w.folder.name()).collect();
    abridged(&names, 2)
}

/// Copies of a stage into directories of their own, of which none lies within another.
fn folders<'a>(of: &'a StageView<'_>) -> Vec<Folder<'a>> {
    let all = of.stage.instructions.iter().enumerate();
    let all = all.filter_map(|(index, instruction)| {
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            return None;
        };
        let files = of.brings[index].as_ref().filter(|f| !f.is_empty())?;
        let to = destination(transfer, &of.places[index]).filter(|to| to != "/")?;
        let is_below = |path: &String| *path != to && is_within(path, &to) && is_read_by_name(path);
        let is_plain = instruction.keyword == "COPY" && instruction.heredocs.is_empty();
        (is_plain && files.keys().all(is_below)).then_some(Folder { index, to, files })
    });
    let all: Vec<Folder<'a>> = all.take(MOST_FOLDERS).collect();
    let is_apart = |n: usize| {
        let mut others = all.iter().enumerate().filter(|(m, _)| *m != n);
        let own = &all[n].to;
        others.all(|(_, o)| !is_within(&o.to, own) && !is_within(own, &o.to))
    };
    let apart: Vec<bool> = (0..all.len()).map(is_apart).collect();
    let all = all.into_iter().zip(apart);
    all.filter(|(_, apart)| *apart).map(|(f, _)| f).collect()
}

/// The way of `folder` down to the first step that may read it, past one at least of which only the folder is known.
fn way<'a>(
    of: &StageView<'_>,
    effects: &[Effect],
    all: &[Folder<'_>],
    folder: &'a Folder<'a>,
) -> Option<Way<'a>> {
    let paths: BTreeSet<&RepoPath> = folder.files.values().collect();
    if of.view.n_touching(|p| paths.contains(p)) == 0 {
        return None;
    }
    let mut passed = Vec::new();
    let mut last = None;
    for index in folder.index + 1..of.stage.instructions.len() {
        let instruction = &of.stage.instructions[index];
        let is_run = matches!(instruction.kind, Kind::Run(_));
        if is_run && effects[index].groups.is_none() {
            let works = works_in(of, index, all);
            let is_elsewhere = works.is_some_and(|works| {
                !works.is_empty()
                    && !works.contains(&folder.index)
                    && !is_named(of, all, &works, folder)
            });
            if !is_elsewhere {
                break;
            }
            passed.push(index);
        } else if conflict(&effects[folder.index], &effects[index]).is_some() {
            break;
        }
        if is_run {
            last = Some(index);
        }
    }
    let last = last.filter(|_| !passed.is_empty())?;
    Some(Way {
        folder,
        passed,
        last,
    })
}

/// The folders, by their COPYs, that each command of RUN `index` works in or names; `None` where a command may work
/// anywhere.
fn works_in(of: &StageView<'_>, index: usize, all: &[Folder<'_>]) -> Option<BTreeSet<usize>> {
    let instruction = &of.stage.instructions[index];
    let place = &of.places[index];
    let brings = |mount: &str| {
        mount_field(mount, "type") != Some("cache")
            || mount_field(mount, "target").is_none_or(|to| {
                all.iter()
                    .any(|f| is_within(to, &f.to) || is_within(&f.to, to))
            })
    };
    if instruction.flag_values("mount").any(brings) {
        return None;
    }
    let here = place.cwd.as_deref().unwrap_or(BASE);
    let mut found = BTreeSet::new();
    for command in seen(instruction)? {
        let at = match command.directory.as_deref()? {
            "" => here.to_owned(),
            dir => absolute(Some(here), dir)?,
        };
        let own: BTreeSet<usize> = all
            .iter()
            .filter(|f| is_within(&at, &f.to) || meets(&command, &at, f, place))
            .map(|f| f.index)
            .collect();
        let goes = matches!(command.name(), "cd" | "set" | "echo" | "export");
        if own.is_empty() && !goes {
            return named_whole(instruction, all).filter(|_| is_one_program(instruction));
        }
        found.extend(own);
    }
    found.extend(named_whole(instruction, all).into_iter().flatten());
    Some(found)
}

/// Whether a word of `command`, run in `at`, names the folder, something in it, or a directory that it is in.
fn meets(
    command: &Seen,
    at: &str,
    folder: &Folder<'_>,
    place: &super::super::layout::Place,
) -> bool {
    command.args().iter().any(|word| {
        let word = word.split_once('=').map_or(word.as_str(), |(_, w)| w);
        let Some(word) = expand(word, &place.variables) else {
            return true;
        };
        let is_path = !word.starts_with('-') && (word.contains('/') || word.starts_with('.'));
        let to = is_path.then(|| absolute(Some(at), &word)).flatten();
        to.is_some_and(|to| is_within(&to, &folder.to) || (to != at && is_within(&folder.to, &to)))
    })
}

/// The folders whose absolute path the text of a RUN holds; `None` without one.
fn named_whole(instruction: &Instruction, all: &[Folder<'_>]) -> Option<BTreeSet<usize>> {
    let named = all.iter().filter(|f| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let mut found = instruction.original.match_indices(f.to.as_str());
        found.any(|(at, _)| ends(&instruction.original[at + f.to.len()..]))
    });
    let named: BTreeSet<usize> = named.map(|f| f.index).collect();
    (!named.is_empty()).then_some(named)
}

/// Whether a RUN is one program, called by its path, and nothing else.
fn is_one_program(instruction: &Instruction) -> bool {
    seen(instruction).is_some_and(|all| all.len() == 1 && all[0].directory.as_deref() == Some(""))
}

/// Whether a file of the folders `works` names `other`: by its absolute path, or as a neighbour.
fn is_named(
    of: &StageView<'_>,
    all: &[Folder<'_>],
    works: &BTreeSet<usize>,
    other: &Folder<'_>,
) -> bool {
    all.iter().filter(|f| works.contains(&f.index)).any(|f| {
        let own: BTreeSet<&RepoPath> = f.files.values().collect();
        let tail = below_both(&other.to, &f.to);
        let (slash, backslash) = (
            format!("../{tail}"),
            format!("..\\{}", tail.replace('/', "\\")),
        );
        let words = [other.to.as_str(), &slash, &backslash];
        let found = mentions(of.view, &words, |p| own.contains(p));
        !found.is_complete || !found.found.is_empty()
    })
}

/// What is left of `path` below the last directory that it shares with `other`.
fn below_both<'p>(path: &'p str, other: &str) -> &'p str {
    let mut shared = 0;
    for (at, _) in path.match_indices('/') {
        if other.get(..=at) == path.get(..=at) {
            shared = at + 1;
        }
    }
    &path[shared..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_begins_where_paths_part() {
        assert_eq!(below_both("/opt/b/helpers", "/opt/a/helpers"), "b/helpers");
        assert_eq!(below_both("/app/web", "/app/webpack"), "web");
        assert_eq!(below_both("/web", "/api"), "web");
    }
}
