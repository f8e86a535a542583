//! A chain in its parts.

use super::super::command::{Group, group, installs, removes};
use super::super::effect::{Effect, Files, effect};
use super::super::layout::{Place, is_within, mentioned, overlap};
use super::super::run_text::saying;
use super::super::touched::{Touched, tells_what_was_brought};
use super::super::view::View;
use super::settle::places;
use super::state::{Kind, kind_of};
use crate::dockerfile::ast::Instruction;
use crate::shell;
use crate::shell::{Command, Connector, Script, Seen};
use std::collections::BTreeSet;

/// More parts than any chain that a person reads.
const MAX_UNITS: usize = 100;

/// The shell text of one RUN in its parts.
pub(in crate::restructure) struct Chain<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) instruction: &'a Instruction,
    pub(super) place: &'a Place,
    pub(super) text: &'a str,
    pub(super) script: Script,
    pub(super) units: Vec<Unit>,
}

/// A part of a chain that cannot be cut any further: `a || b` is one.
pub(super) struct Unit {
    /// First and last piece of [`Script::pieces`].
    pub(super) pieces: (usize, usize),
    pub(super) kind: Kind,
    pub(super) seen: Vec<Seen>,
    /// What it does, after those of `with`.
    pub(super) effect: Effect,
    /// The parts before it whose state it needs, all of them [`Kind::Cd`], [`Kind::Set`] or [`Kind::Value`].
    pub(super) with: BTreeSet<usize>,
}

impl<'a> Chain<'a> {
    /// The parts of a RUN; `None` where it is no shell text, where something runs in the background, and where there is
    /// nothing to cut.
    pub(in crate::restructure) fn of(
        view: &'a View<'a>,
        instruction: &'a Instruction,
        place: &'a Place,
    ) -> Option<Self> {
        let text = instruction.shell_text()?;
        let script = shell::parse(text);
        let is_odd = |p: &shell::Piece| {
            !matches!(
                p.connector,
                Connector::Start | Connector::And | Connector::Then | Connector::Or
            )
        };
        let ends_odd = text.trim_end().ends_with('&');
        if !script.is_complete || !instruction.heredocs.is_empty() || ends_odd {
            return None;
        }
        if script.pieces.iter().any(is_odd) {
            return None;
        }
        let mut spans: Vec<(usize, usize)> = Vec::new();
        let mut start = 0;
        for (n, piece) in script.pieces.iter().enumerate() {
            match piece.connector {
                Connector::Then => start = spans.len(),
                Connector::Or => {
                    let first = spans.get(start).map_or(n, |s| s.0);
                    spans.truncate(start);
                    spans.push((first, n));
                    continue;
                }
                _ => {}
            }
            spans.push((n, n));
        }
        if !(2..=MAX_UNITS).contains(&spans.len()) {
            return None;
        }
        let mut chain = Self {
            view,
            instruction,
            place,
            text,
            script,
            units: Vec::new(),
        };
        let seen = chain.script.seen();
        for pieces in spans {
            let mut unit = chain.unit(pieces, &seen);
            if let Files::Commands(touched) = &mut unit.effect.files {
                touched.reads.retain(|r| !chain.wrote(r));
            }
            chain.units.push(unit);
        }
        chain.close_over_loops();
        Some(chain)
    }

    /// Whether a part so far has made what is at `path`.
    fn wrote(&self, path: &str) -> bool {
        self.units.iter().any(|unit| match &unit.effect.files {
            Files::Commands(touched) => touched.wrote.iter().any(|w| is_within(path, w)),
            _ => false,
        })
    }

    fn unit(&self, pieces: (usize, usize), all: &[Seen]) -> Unit {
        let commands = self.commands(pieces);
        let (from, to) = (
            self.script.pieces[pieces.0].commands.0,
            self.script.pieces[pieces.1].commands.1,
        );
        let own = all.iter().filter(|s| (from..to).contains(&s.command));
        let mut unit = Unit {
            pieces,
            kind: kind_of(commands),
            seen: own.cloned().collect(),
            effect: Effect::default(),
            with: BTreeSet::new(),
        };
        if unit.kind == Kind::Work {
            unit.with = self.values_for(&self.text[self.span(pieces)]);
            let alone = self.effect_with(&unit);
            if alone.reads.cwd {
                unit.with.extend(self.way());
            }
            unit.effect = self.effect_with(&unit);
            if unit.effect.groups.is_none() {
                let known = self.asked(&unit).or_else(|| self.built(&unit));
                unit.effect = known.unwrap_or(unit.effect);
            }
            // What runs below would be run by another shell.
            let is_shell = |p: &String| overlap(p, "/bin/sh") && p != "/";
            if places(&unit.effect).iter().any(is_shell) {
                unit.kind = Kind::Closed;
            }
        }
        unit
    }

    /// What a part does that only asks programs for their versions which parts before it have brought: it has to stand
    /// below those.
    fn asked(&self, unit: &Unit) -> Option<Effect> {
        let mut touched = Touched {
            needs_system: true,
            ..Touched::default()
        };
        let is_shown = |c: &Command| {
            let mut to = c.redirections.iter().map(|r| r.target.as_str());
            c.substitutions.is_empty() && to.all(|t| matches!(t, "/dev/null" | "1" | "2"))
        };
        if unit.seen.is_empty() || !self.commands(unit.pieces).iter().all(is_shown) {
            return None;
        }
        for seen in &unit.seen {
            let mut before = self.units.iter();
            let by = before.find(|u| tells_what_was_brought(&u.seen, seen))?;
            let Files::Commands(brought) = &by.effect.files else {
                return None;
            };
            touched.places.extend(brought.places.iter().cloned());
            touched.global |= brought.global;
        }
        let mut effect = self.effect_of(":");
        effect.groups = Some(BTreeSet::from([Group::Words]));
        (effect.runs_system, effect.runs_known) = (false, false);
        effect.files = Files::Commands(touched);
        Some(effect)
    }

    /// What a part does that builds in a directory which parts before it have fetched: with what those do.
    fn built(&self, unit: &Unit) -> Option<Effect> {
        let is_fetch = |u: &Unit| {
            let mut seen = u.seen.iter();
            u.kind == Kind::Work && seen.any(|s| matches!(s.name(), "git" | "tar" | "unzip"))
        };
        let mut said = unit.with.clone();
        for (n, fetch) in self.units.iter().enumerate().filter(|(_, u)| is_fetch(u)) {
            said.insert(n);
            said.extend(&fetch.with);
        }
        let before = said.iter().map(|&n| self.text_of(n));
        let all: Vec<&str> = before.chain([&self.text[self.span(unit.pieces)]]).collect();
        let effect = self.effect_of(&all.join(" && "));
        effect.groups.is_some().then_some(effect)
    }

    /// The settings of the shell that hold after the parts so far, and the values that `text` names or that commands
    /// may read.
    fn values_for(&self, text: &str) -> BTreeSet<usize> {
        let mut wanted = mentioned(text);
        let mut with = BTreeSet::new();
        for (n, unit) in self.units.iter().enumerate().rev() {
            let is_needed = match &unit.kind {
                Kind::Set => true,
                Kind::Value {
                    names, exported, ..
                } => *exported || names.iter().any(|n| wanted.contains(n)),
                _ => false,
            };
            if is_needed {
                wanted.extend(mentioned(self.text_of(n)));
                with.insert(n);
            }
        }
        with
    }

    /// The `cd`s by which the parts so far have come to where they are.
    fn way(&self) -> BTreeSet<usize> {
        let mut way = BTreeSet::new();
        for (n, unit) in self.units.iter().enumerate().rev() {
            if let Kind::Cd { absolute } = unit.kind {
                way.insert(n);
                if absolute {
                    break;
                }
            }
        }
        let own: Vec<usize> = way.iter().copied().collect();
        for n in own {
            way.extend(self.values_for_unit(n));
        }
        way
    }

    fn values_for_unit(&self, n: usize) -> BTreeSet<usize> {
        let mut with = self.values_for(self.text_of(n));
        with.retain(|w| *w < n);
        with
    }

    fn effect_with(&self, unit: &Unit) -> Effect {
        let before = unit.with.iter().map(|&n| self.text_of(n));
        let all: Vec<&str> = before.chain([&self.text[self.span(unit.pieces)]]).collect();
        self.effect_of(&all.join(" && "))
    }

    /// What the RUN would do if it said `text`.
    pub(super) fn effect_of(&self, text: &str) -> Effect {
        effect(self.view, &saying(self.instruction, text), self.place)
    }

    /// Whether a part unpacks an archive from elsewhere into `/`.
    pub(in crate::restructure) fn unpacks_to_root(&self) -> bool {
        let unpacks = |u: &Unit| matches!(&u.effect.files, Files::Commands(t) if t.unpacks_to_root);
        self.units.iter().any(unpacks)
    }

    pub(super) fn commands(&self, pieces: (usize, usize)) -> &[Command] {
        let (from, to) = (
            self.script.pieces[pieces.0].commands.0,
            self.script.pieces[pieces.1].commands.1,
        );
        self.script.commands.get(from..to).unwrap_or_default()
    }

    pub(super) fn span(&self, pieces: (usize, usize)) -> std::ops::Range<usize> {
        self.script.pieces[pieces.0].span.start..self.script.pieces[pieces.1].span.end
    }

    /// The text of part `n`.
    pub(super) fn text_of(&self, n: usize) -> &str {
        &self.text[self.span(self.units[n].pieces)]
    }

    /// What stands before part `n`: `;` rather than `&&`.
    pub(super) fn goes_on_before(&self, n: usize) -> bool {
        self.script.pieces[self.units[n].pieces.0].connector == Connector::Then
    }

    /// The variable of a loop holds after it: where another part names it, it is followed no further.
    fn close_over_loops(&mut self) {
        let names = |n: usize| -> Vec<String> {
            let commands = self.commands(self.units[n].pieces).iter();
            let of_loops = commands.filter_map(|c| c.over.first());
            of_loops.map(|w| w.text.clone()).collect()
        };
        let all = 0..self.units.len();
        let is_named = |n: &usize| {
            let own = names(*n);
            let mut others = (0..self.units.len()).filter(|o| o != n);
            others.any(|o| {
                let wanted = mentioned(self.text_of(o));
                own.iter().any(|name| wanted.contains(name))
            })
        };
        let closed: Vec<usize> = all.filter(is_named).collect();
        for n in closed {
            self.units[n].kind = Kind::Closed;
        }
    }
}

impl Unit {
    /// Whether it puts in packages, or fetches something.
    pub(super) fn is_gain(&self) -> bool {
        self.installs_system() || self.installs_tools() || self.fetches()
    }

    pub(super) fn installs_system(&self) -> bool {
        let is_one = |s: &Seen| {
            let is_update = matches!(s.subcommand(), "update" | "upgrade" | "makecache");
            group(s) == Some(Group::System) && installs(s) && !is_update
        };
        self.seen.iter().any(is_one)
    }

    pub(super) fn installs_tools(&self) -> bool {
        let builds = |g: &BTreeSet<Group>| g.contains(&Group::Global) || g.contains(&Group::Build);
        self.effect.groups.as_ref().is_some_and(builds)
    }

    fn fetches(&self) -> bool {
        let is_fetch = |s: &Seen| matches!(s.name(), "curl" | "git" | "wget");
        self.seen.iter().any(is_fetch)
    }

    /// Whether it runs programs that are not in every image.
    pub(super) fn runs_programs(&self) -> bool {
        match &self.effect.files {
            Files::Commands(touched) => touched.needs_system || self.installs_tools(),
            _ => true,
        }
    }

    pub(super) fn removes_packages(&self) -> bool {
        self.seen.iter().any(removes)
    }
}
