//! Commands that work on the files they name and on nothing else: which files those are.

use super::super::layout::{absolute, expand, is_within, mentioned, overlap};
use super::super::touched::{as_seen, touched};
use super::read::{Read, is_carried};
use crate::dockerfile::ast::Kind;
use crate::ecosystem;
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Whether a command touches nothing but the files it names.
pub(super) fn handles_files(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "chgrp"
            | "chmod"
            | "chown"
            | "cp"
            | "gunzip"
            | "ln"
            | "mv"
            | "rm"
            | "sha256sum"
            | "strip"
            | "tar"
            | "touch"
            | "unzip"
    )
}

/// The files that such a command is given: its words without options, a mode or an owner.
fn operands(seen: &Seen) -> impl Iterator<Item = &String> {
    let takes_mode = matches!(seen.name(), "chmod" | "chown" | "chgrp");
    let words = seen.args().iter().filter(|a| !a.starts_with('-'));
    words.skip(usize::from(takes_mode))
}

impl Read<'_> {
    /// Whether a command that touches nothing but the files it names names none of the context's.
    pub(super) fn handles_others(&self, seen: &Seen) -> bool {
        handles_files(seen) && self.names_others(seen)
    }

    /// Whether a command makes an environment of its own where no file of the context stands: `python -m venv /app/venv`.
    pub(super) fn makes_environment(&self, seen: &Seen) -> bool {
        matches!(seen.name(), "nodeenv" | "venv" | "virtualenv")
            && self.with_call(seen, ecosystem::reads_no_project) == Some(true)
            && self.names_others(seen)
    }

    /// Whether a piece is made of known commands that touch neither the project nor what a COPY brings, and leave nothing
    /// in the shell: `curl … | tar -xz -C /opt`.
    pub(super) fn is_apart(&self, piece: usize) -> bool {
        let piece = &self.script.pieces[piece];
        let script = shell::parse(self.text_of(piece));
        let first = self.seen.iter().find(|s| s.command >= piece.commands.0);
        let here = first.and_then(|s| self.place_of(s));
        let known = &self.of.places[self.run].variables;
        let Some(touched) = touched(&script, here.as_deref(), known) else {
            return false;
        };
        let leaves = |c: &shell::Command| is_carried(&as_seen(c)) || c.name() == "exit";
        let own = here.as_deref().unwrap_or(&self.root);
        let is_apart = |place: &String| {
            let mut copies = self.of.copies(self.run);
            let is_copied = copies.any(|(to, _)| to.is_none_or(|to| overlap(&to, place)));
            !is_copied && !overlap(place, own) && !overlap(place, &self.root)
        };
        let in_root = |p: &RepoPath| absolute(Some(&self.root), &p.to_string());
        let mut brought = self.origins.keys().filter_map(in_root);
        !script.commands.iter().any(leaves)
            && !touched.builds
            && touched.places.iter().all(is_apart)
            && !brought.any(|file| touched.meets(&file))
    }

    /// Whether a command names files, and none of the context's.
    fn names_others(&self, seen: &Seen) -> bool {
        let known = &self.of.places[self.run].variables;
        let in_root = |p: &RepoPath| absolute(Some(&self.root), &p.to_string());
        let brought = |place: &str| {
            let own = self.origins.keys().filter_map(in_root);
            own.chain(self.elsewhere.iter().cloned())
                .any(|f| is_within(&f, place))
                || self.is_copied_unseen(place)
        };
        let Some(here) = self.place_of(seen) else {
            return false;
        };
        let is_other = |word: &String| {
            if word.starts_with('$') && mentioned(word).iter().all(|n| !known.contains_key(n)) {
                // A variable of the base image does not lead to the project.
                return true;
            }
            let Some(word) = expand(word, known).filter(|w| !w.contains(['$', '`', '~'])) else {
                return false;
            };
            // What a pattern names lies in the directory before it.
            let place = match word.find(['*', '?', '[']) {
                Some(at) => word[..at].rsplit_once('/').map(|(dir, _)| dir),
                None => Some(word.as_str()),
            };
            let place = place.and_then(|place| absolute(Some(&here), place));
            place.is_some_and(|place| !brought(&place))
        };
        let mut named = operands(seen).peekable();
        named.peek().is_some() && named.all(is_other)
    }

    /// Whether what a command names lies where no COPY writes, or an earlier RUN names it: what git does not hold a COPY
    /// may bring all the same.
    pub(super) fn are_made(&self, seen: &Seen) -> bool {
        let before = &self.of.stage.instructions[..self.run];
        let named = |word: &str| {
            let name = word.rsplit('/').next().unwrap_or(word);
            let runs = before.iter().filter(|i| matches!(i.kind, Kind::Run(_)));
            !name.is_empty() && runs.clone().any(|i| i.original.contains(name))
        };
        let is_copied_to = |word: &str| {
            let here = self.place_of(seen);
            let path = here.and_then(|here| absolute(Some(&here), word));
            path.is_none_or(|path| {
                let mut copies = self.of.copies(self.run);
                copies.any(|(to, _)| to.is_none_or(|to| is_within(&path, &to)))
            })
        };
        operands(seen).all(|word| word.starts_with('$') || named(word) || !is_copied_to(word))
    }

    /// Whether an earlier COPY, of files that are not known, may have brought what is at absolute `path` or below.
    fn is_copied_unseen(&self, path: &str) -> bool {
        self.of.copies(self.run).any(|(to, files)| {
            let is_seen = files.is_some_and(|f| !f.is_empty());
            !is_seen && to.is_none_or(|to| overlap(path, &to))
        })
    }

    /// Whether a command takes away nothing but what the RUN itself has written.
    pub(super) fn removes_own(&self, seen: &Seen) -> bool {
        let mut named = operands(seen).peekable();
        let is_own = |word: &String| {
            let path = self.path_of(seen, word);
            path.is_some_and(|p| self.made.contains(&p))
        };
        seen.name() == "rm" && named.peek().is_some() && named.all(is_own)
    }

    /// The files, absolute, whose modes or line ends the commands change.
    pub(super) fn touched(&self) -> BTreeSet<String> {
        let named = self.seen.iter().filter(|s| changes(s)).flat_map(|seen| {
            let here = self.place_of(seen);
            operands(seen).filter_map(move |a| absolute(here.as_deref(), a))
        });
        named.collect()
    }

    /// Whether a piece changes modes or line ends of `allowed` files and nothing else.
    pub(super) fn touches_only(&self, piece: usize, allowed: &BTreeSet<String>) -> bool {
        self.seen_of(piece).all(|seen| {
            let here = self.place_of(seen);
            let is_allowed = |a: &String| {
                absolute(here.as_deref(), a).is_some_and(|path| allowed.contains(&path))
            };
            here.is_some() && changes(seen) && operands(seen).all(is_allowed)
        })
    }
}

/// Whether a command changes modes or line ends of the files it names.
fn changes(seen: &Seen) -> bool {
    matches!(seen.name(), "chmod" | "dos2unix")
}
