//! What of a RUN itself can stand above the source: all of it, or the first part of its chain.

use super::super::command::{is_of_system, removes};
use super::super::layout::mentioned;
use super::super::taken::is_in_image;
use super::read::{Read, is_carried, is_quiet, short};
use super::stage::StageView;
use super::{Action, Install};
use crate::ecosystem::{self, Answer, Needs, Role};
use crate::shell;
use crate::shell::{Connector, Nesting, Seen};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

impl StageView<'_> {
    /// The install that RUN `run` is as a whole, with what its mounts bring of the context in its place.
    pub(in crate::restructure) fn bound_install(&self, run: usize) -> Option<Install> {
        let read = self.read_with_mounts(run)?;
        read.movable().filter(|i| i.action == Action::Whole)
    }
}

impl Read<'_> {
    /// What a piece resolves; `None` when it does anything else that is not shown to be harmless.
    pub(super) fn resolves(&self, piece: usize) -> Option<Vec<(ecosystem::Plan, &Seen)>> {
        let found = self.resolves_by_name(piece);
        found.or_else(|| self.is_apart(piece).then(Vec::new))
    }

    fn resolves_by_name(&self, piece: usize) -> Option<Vec<(ecosystem::Plan, &Seen)>> {
        if !self.is_plain(piece) {
            return None;
        }
        let tests = |needs| ecosystem::Plan {
            ecosystem: "",
            role: Role::Install,
            needs,
        };
        let mut plans = Vec::new();
        for seen in self.seen_of(piece) {
            let is_free =
                is_quiet(seen) || self.with_call(seen, ecosystem::reads_no_project) == Some(true);
            if is_free && !self.names_the_project(seen) {
                continue;
            }
            let mut asked = Needs::default();
            self.note_asked(seen, &mut asked);
            if !asked.files.is_empty() || !asked.doubts.is_empty() {
                plans.push((tests(asked), seen));
            }
            if let Some(needs) = self.tested(seen) {
                plans.push((tests(needs), seen));
                continue;
            }
            // What it has left there itself.
            let is_apart =
                self.makes_environment(seen) || (seen.name() == "rm" && self.handles_others(seen));
            if self.removes_own(seen) || is_apart || self.settings(seen).is_some() {
                continue;
            }
            match self.ask(seen)? {
                Answer::Plan(plan) if plan.role == Role::Install => plans.push((plan, seen)),
                // A branch for another lockfile, which is not there, is never taken.
                Answer::Whole { .. } if seen.conditional && seen.branch.is_some() => {}
                _ => return None,
            }
        }
        Some(plans)
    }

    /// Adds what is asked of files in the words of a command (`$([ -f Package.resolved ] && echo …)`), and what cannot be
    /// told of the words that it comes to.
    pub(super) fn note_asked(&self, seen: &Seen, needs: &mut Needs) {
        let Some(command) = self.script.commands.get(seen.command) else {
            return;
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-=,".contains(c);
        let is_flag =
            |word: &&str| word.is_empty() || (word.starts_with('-') && word.chars().all(is_plain));
        self.note_chosen(seen, needs);
        for inner in &command.substitutions {
            if let Some(found) = self.tested(&as_seen_where(seen, inner)) {
                needs.merge(found);
            }
            let is_said = matches!(inner.name(), "echo" | "printf");
            let is_word = command.words.iter().any(|w| w.text.starts_with("$("));
            if is_said && is_word && !inner.args().iter().all(is_flag) {
                let args = inner.args();
                let named = args.iter().flat_map(|a| a.split_whitespace());
                self.with_call(seen, |call| {
                    for word in named {
                        needs.file(&call.files, &call.dir.join(word.as_bytes()));
                    }
                });
                let line = self.of.stage.instructions[self.run].lines.first;
                needs.doubt(format!(
                    "check that `{}` in line {line} names no file",
                    inner.args().join(" ")
                ));
            }
        }
    }

    /// The files that `[ -f yarn.lock ]` looks at, and the manifest that Corepack takes a version from.
    pub(super) fn tested(&self, seen: &Seen) -> Option<Needs> {
        let mut needs = Needs::default();
        if seen.name() == "corepack" && matches!(seen.subcommand(), "prepare" | "install") {
            self.with_call(seen, |call| {
                let mut above = std::iter::successors(Some(call.dir.clone()), RepoPath::parent);
                above.find(|d| needs.file(&call.files, &d.join(b"package.json")));
            })?;
            return Some(needs);
        }
        if !matches!(seen.name(), "[" | "test" | "[[" | "ls") {
            return None;
        }
        self.with_call(seen, |call| {
            for word in call
                .args()
                .iter()
                .filter(|w| !w.starts_with('-') && !w.contains('$'))
            {
                needs.file(&call.files, &call.dir.join(word.as_bytes()));
            }
        })?;
        Some(needs)
    }

    /// The longest first part of the chain that resolves and reads nothing else; all of it, perhaps.
    pub(super) fn movable(&self) -> Option<Install> {
        self.movable_from(0)
    }

    /// As [`Self::movable`], of the chain from piece `start` on.
    pub(super) fn movable_from(&self, start: usize) -> Option<Install> {
        let pieces = &self.script.pieces;
        let mut plans = Vec::new();
        let (mut n_head, mut n_kept) = (start, start);
        let mut has_or = false;
        for (n, piece) in pieces.iter().enumerate().skip(start) {
            let hangs_together = n > start
                && matches!(
                    piece.connector,
                    Connector::Or | Connector::Background | Connector::Pipe
                );
            let found = self.resolves(n);
            if hangs_together && (found.is_none() || piece.connector != Connector::Or) {
                // What may be skipped, and what it is an answer to, stay together.
                return None;
            }
            has_or |= hangs_together;
            let Some(found) = found else { break };
            let carries = self.seen_of(n).all(is_carried)
                || (found.is_empty() && self.seen_of(n).all(is_quiet));
            n_head = n + 1;
            if !carries {
                n_kept = n + 1;
            }
            plans.extend(found);
        }
        if plans.iter().all(|(plan, _)| plan.ecosystem.is_empty()) {
            return None;
        }
        let is_whole = n_head == pieces.len() && start == 0;
        // `npm ci || npm install`: all of it goes, or none.
        if has_or && !is_whole {
            return None;
        }
        let action = match start {
            0 if is_whole => Action::Whole,
            0 => self.cut(n_kept)?,
            _ => self.taken_out(start, n_kept)?,
        };
        let dir = plans
            .iter()
            .find(|(p, _)| !p.ecosystem.is_empty())
            .and_then(|(_, s)| self.place_of(s))?;
        let main = plans
            .iter()
            .find(|(p, _)| !p.ecosystem.is_empty())
            .map(|(_, s)| *s)?;
        // A list of requirements that nothing installs is no work worth keeping.
        if plans
            .iter()
            .all(|(p, s)| p.ecosystem.is_empty() || s.subcommand() == "export")
        {
            return None;
        }
        let shown = if main.conditional {
            format!(
                "the install of line {}",
                self.of.stage.instructions[self.run].lines.first
            )
        } else {
            short(&self.as_written(main))
        };
        let names = plans.iter().map(|(p, _)| p.ecosystem);
        let mut ecosystems: Vec<&'static str> = Vec::new();
        names.filter(|n| !n.is_empty()).for_each(|n| {
            if !ecosystems.contains(&n) {
                ecosystems.push(n)
            }
        });
        let mut needs = Needs::default();
        for (plan, seen) in plans.iter().cloned() {
            let mut own = plan.needs;
            if seen.conditional {
                own.doubts.retain(|d| !d.contains("no lockfile"));
            }
            needs.merge(own);
        }
        // Above the command that writes its manifest there is none.
        if self.is_written_before(start, &needs.files) {
            return None;
        }
        let installs = |n: usize| {
            self.seen_of(n)
                .any(|s| self.with_call(s, ecosystem::is_system_install) == Some(true))
        };
        let removed_below = (n_kept..pieces.len()).any(|n| self.seen_of(n).any(removes));
        let undoes = (n_kept..pieces.len()).any(|n| self.seen_of(n).any(takes_packages_out));
        let brings = removed_below && (start..n_kept).any(installs);
        let mut action = action;
        let mut dropped = Vec::new();
        let mut is_taken_along = false;
        if let Action::Cut { then, carried, .. } = &mut action
            && brings
            && let Some(along) = self.taken_along(start..n_kept, None)
        {
            is_taken_along = true;
            *then = Some(along.removals.join(" && "));
            let left = (n_kept..pieces.len()).map(|n| self.text_of(&pieces[n]));
            let left = left.filter(|text| !along.removals.iter().any(|r| r == text));
            let wanted: BTreeSet<String> = left.flat_map(mentioned).collect();
            carried.retain(|said| is_wanted(said, &wanted));
            dropped = along.gone;
            needs.doubt(along.doubt);
        }
        let is_larger =
            brings && !is_taken_along || undoes && is_in_image(self.of.view, self.of.stage.index);
        if !is_whole && is_larger {
            needs.doubt(self.stays_above());
        }
        let keeps_none = main.args().iter().any(|w| w.starts_with("--no-cache"));
        if !is_whole && !keeps_none {
            let of: Vec<&str> = plans.iter().map(|(p, _)| p.ecosystem).collect();
            let left = self.left_above(&of, n_kept..pieces.len());
            let twice = self.twice_above(&of, &dir, n_kept..pieces.len());
            left.into_iter().chain(twice).for_each(|d| needs.doubt(d));
        }
        if !is_whole && self.goes_on(n_kept) {
            let line = self.of.stage.instructions[self.run].lines.first;
            needs.doubt(format!(
                "line {line} goes on where one of its commands fails; check that the build may stop there"
            ));
        }
        let mut install = self.install(action, ecosystems, needs, shown, dir);
        install.dropped = dropped;
        install.is_hidden = plans.iter().any(|(_, seen)| self.is_hidden(seen));
        // All that goes along has to find its program: `npm install -g corepack` before the install.
        let runs = |seen: &&Seen| !is_quiet(seen) && !is_of_system(seen.name());
        let all = (start..n_kept)
            .flat_map(|n| self.seen_of(n))
            .filter(|s| runs(s));
        install.programs = all.flat_map(|seen| self.programs_of(seen)).collect();
        let head = (0..n_head).flat_map(|n| self.seen_of(n));
        install.settings = head.filter_map(|s| self.settings(s)).cloned().collect();
        Some(install)
    }

    /// Whether the chain goes on where a piece before piece `at` fails (`a; b`): two RUNs do not.
    pub(super) fn goes_on(&self, at: usize) -> bool {
        let stops = |s: &Seen| {
            let says = |a: &String| a == "errexit" || a.starts_with('-') && a.contains('e');
            s.name() == "set" && s.args().iter().any(says)
        };
        let mut before = (0..at).take_while(|&n| !self.seen_of(n).any(stops));
        before.any(|n| {
            let next = self.script.pieces.get(n + 1);
            let is_lax = next.is_some_and(|p| p.connector == Connector::Then);
            is_lax && !self.seen_of(n).all(is_carried)
        })
    }

    /// The chain cut before piece `at`.
    pub(super) fn cut(&self, at: usize) -> Option<Action> {
        let pieces = &self.script.pieces;
        let (head, tail) = (pieces.get(at.checked_sub(1)?)?, pieces.get(at)?);
        if pieces[at + 1..]
            .iter()
            .any(|p| p.connector == Connector::Or)
        {
            return None;
        }
        let mut carried = Vec::new();
        for (n, piece) in pieces[..at].iter().enumerate() {
            let leaves: Vec<&Seen> = self.seen_of(n).filter(|s| is_carried(s)).collect();
            if leaves.is_empty() {
                continue;
            }
            let in_subshell = self
                .script
                .commands_of(piece)
                .iter()
                .all(|c| c.nesting.contains(&Nesting::Subshell));
            if in_subshell {
                continue;
            }
            if leaves.len() != self.seen_of(n).count() {
                return None;
            }
            carried.push(self.text_of(piece).to_owned());
        }
        Some(Action::Cut {
            head_end: self.start + head.span.end,
            tail_start: self.start + tail.span.start,
            carried,
            then: None,
        })
    }
}

/// Whether what is said again of the shell's state is more than the value of a variable that is not among `wanted`.
fn is_wanted(said: &str, wanted: &BTreeSet<String>) -> bool {
    let script = shell::parse(said);
    let is_bare = |c: &shell::Command| c.words.is_empty();
    let mut set = script.commands.iter().flat_map(|c| &c.assignments);
    !script.commands.iter().all(is_bare) || set.any(|a| wanted.contains(&a.name))
}

/// A command inside `$(…)` where the one around it runs.
fn as_seen_where(seen: &Seen, inner: &shell::Command) -> Seen {
    Seen {
        words: inner.words.iter().map(|w| w.text.clone()).collect(),
        ..seen.clone()
    }
}

/// Whether a command takes packages of a project out again, as they were laid down: `rm -rf node_modules`.
fn takes_packages_out(seen: &Seen) -> bool {
    const LAID: [&str; 5] = [".venv", "node_modules", "target", "vendor", "venv"];
    let last = |word: &String| {
        let word = word.trim_end_matches(['*', '/']);
        LAID.contains(&word.rsplit('/').next().unwrap_or(word))
    };
    seen.name() == "rm" && seen.args().iter().any(last)
}
