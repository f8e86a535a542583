//! An install behind commands of its chain that stay: what of them it goes by.

use super::super::command::{Group, OF_THE_SHELL, compiles, group, removes};
use super::super::layout::{absolute, is_within, overlap};
use super::super::touched::touched;
use super::read::{Read, is_carried, is_quiet};
use super::{Action, Install};
use crate::dockerfile::Span;
use crate::shell;
use crate::shell::{Connector, Seen};

/// Where installs put packages.
const PRODUCTS: &[&str] = &["node_modules", "site-packages", "vendor", "venv"];

/// Whether a package is there to compile with.
fn is_compiler(package: &str) -> bool {
    package.ends_with("-dev") || package.ends_with("-devel") || compiles(package)
}

impl Read<'_> {
    /// An install that stands behind commands which stay, where it goes by none of them.
    pub(super) fn middle(&self) -> Option<Install> {
        let pieces = &self.script.pieces;
        let is_plain = pieces.iter().skip(1).all(|p| p.connector == Connector::And);
        let instruction = &self.of.stage.instructions[self.run];
        if !is_plain || !instruction.heredocs.is_empty() || self.text.is_empty() {
            return None;
        }
        let stays = (0..pieces.len()).position(|n| self.resolves(n).is_none())?;
        let start = (stays + 1..pieces.len()).find(|&n| {
            let found = self.resolves(n);
            found.is_some_and(|plans| plans.iter().any(|(p, _)| !p.ecosystem.is_empty()))
        })?;
        // What stands before it and stays behind nothing goes with it: `poetry config …`.
        let mut before = (stays + 1..start).rev();
        let free = before.by_ref().take_while(|&n| self.resolves(n).is_some());
        let start = free.last().unwrap_or(start);
        let mut install = self.movable_from(start)?;
        let mut is_shown = true;
        for n in 0..start {
            is_shown &= self.is_let_by(n, &install)?;
        }
        let line = instruction.lines.first;
        if !is_shown {
            let doubt =
                format!("check that the install needs nothing of what line {line} does before it");
            install.doubts.push(doubt);
        }
        Some(install)
    }

    /// Whether it is shown that the install does not go by piece `n`, which stays above it; `None` where it does, or the
    /// piece would work on what it makes.
    fn is_let_by(&self, n: usize, install: &Install) -> Option<bool> {
        let piece = &self.script.pieces[n];
        let text = self.text_of(piece);
        let names = install.reads.iter().filter_map(|p| p.rsplit('/').next());
        let mut names = names.chain(PRODUCTS.iter().copied());
        if names.any(|name| text.contains(name)) {
            return None;
        }
        let main = install.shown.split_whitespace().next();
        let is_bound = |s: &Seen| {
            let is_same = main == Some(s.name()) || install.programs.contains(s.name());
            let fetches = matches!(s.name(), "curl" | "wget" | "sh" | "bash" | "eval");
            let works_on_all = matches!(s.name(), "chgrp" | "chmod" | "chown" | "mv" | "rm")
                && self.reaches(s, &install.dir);
            // What the shell keeps is said again where it is simple.
            let is_kept = OF_THE_SHELL.contains(&s.name()) && !is_carried(s);
            is_same
                || is_kept
                || fetches
                || works_on_all
                || group(s).is_some_and(|g| g != Group::Words)
                || self.ask(s).is_some()
                || self.brings(s, &install.programs)
                || self.takes_from_elsewhere(s, &install.reads)
        };
        if self.seen_of(n).any(is_bound) {
            return None;
        }
        if self.is_plain(n) && self.seen_of(n).all(|s| is_carried(s) || is_quiet(s)) {
            return Some(true);
        }
        // Compilers by an installer that is not known, and what is taken out again behind the install.
        let is_removed = |arg: &String| {
            self.seen
                .iter()
                .any(|s| removes(s) && s.args().contains(arg))
        };
        let named = |s: &Seen| {
            let mut args = s.args().iter().filter(|arg| !arg.starts_with('-'));
            args.any(|arg| is_compiler(arg) || is_removed(arg))
        };
        if self.seen_of(n).any(named) {
            return None;
        }
        let script = shell::parse(text);
        let here = self.seen_of(n).next().and_then(|s| self.place_of(s));
        let known = &self.of.places[self.run].variables;
        let touched = touched(&script, here.as_deref(), known);
        let is_outside = |p: &String| !overlap(p, &install.dir);
        Some(touched.is_some_and(|t| t.places.iter().all(is_outside)))
    }

    /// Whether a word of a command is absolute directory `dir`, one above it, or not known.
    fn reaches(&self, seen: &Seen, dir: &str) -> bool {
        let here = self.place_of(seen);
        let words = seen.args().iter().filter(|a| !a.starts_with('-'));
        let mut words = words.map(|w| w.split('*').next().unwrap_or_default());
        words.any(|w| {
            let to = absolute(here.as_deref(), w.trim_end_matches('/'));
            w.contains(['$', '`', '~']) || to.is_none_or(|to| is_within(dir, &to))
        })
    }

    /// Pieces `start` up to `end` taken out of the chain, with what the shell has kept from those before.
    pub(super) fn taken_out(&self, start: usize, end: usize) -> Option<Action> {
        let pieces = &self.script.pieces;
        let mut lead = Vec::new();
        for n in 0..end {
            let kept: Vec<&Seen> = self.seen_of(n).filter(|s| is_carried(s)).collect();
            if kept.is_empty() {
                continue;
            }
            let is_simple = |s: &&Seen| matches!(s.name(), "" | "cd" | "set" | "export");
            let asks = |c: &shell::Command| !c.substitutions.is_empty();
            let is_fixed = !self.script.commands_of(&pieces[n]).iter().any(asks);
            let is_alone = kept.len() == self.seen_of(n).count() && kept.iter().all(is_simple);
            // What is kept from then on would be missing below.
            if !is_alone || !is_fixed || n >= start && end < pieces.len() {
                return None;
            }
            if n < start {
                lead.push(self.text_of(&pieces[n]).to_owned());
            }
        }
        let (first, last) = (pieces[start].span.start, pieces[end - 1].span.end);
        let before = pieces[start - 1].span.end;
        if self.text.get(before..first)?.contains('#') {
            return None;
        }
        let at = |from: usize, to: usize| Span::new(self.start + from, self.start + to);
        Some(Action::Middle {
            head: at(first, last),
            lead,
            gone: at(before, last),
        })
    }
}
