//! Which parts of a chain can be taken out of it.

use super::super::conflict::conflict;
use super::super::effect::Effect;
use super::super::layout::{expand, mentioned, overlap};
use super::super::run_text::saying;
use super::removed::Removed;
use super::settle::places;
use super::state::Kind;
use super::unit::{Chain, Unit};
use crate::dockerfile::ast;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// What is known of the place that parts of a chain are to stand at.
pub(in crate::restructure) struct There<'q> {
    /// Whether something with this effect may stand there.
    pub(in crate::restructure) may: &'q mut dyn FnMut(&Effect) -> bool,
    /// Whether these pieces of the chain only resolve dependencies or build.
    pub(in crate::restructure) is_build: &'q dyn Fn((usize, usize)) -> bool,
    /// Whether commands, of which the last have this effect, go by nothing that a build leaves, nor it by them.
    pub(in crate::restructure) is_alone: &'q dyn Fn(&Effect, &[Seen]) -> bool,
}

/// A chain in two: what goes above, and what is left.
pub(in crate::restructure) struct Slice<'c, 'a> {
    pub(super) chain: &'c Chain<'a>,
    /// The parts that go, without those that only set something for them.
    pub(super) taken: BTreeSet<usize>,
    /// All that the RUN above says.
    pub(super) above: BTreeSet<usize>,
    /// All that the RUN still says.
    pub(super) below: BTreeSet<usize>,
    /// What the RUN above says at its end: clean-up that the one below does with more.
    pub(super) tail: Vec<String>,
    /// What was not shown.
    pub(in crate::restructure) doubts: Vec<String>,
    /// Whether the two layers may hold more than the one of before.
    pub(super) grows: bool,
    /// Whether a part goes that stood behind one that builds.
    pub(in crate::restructure) passes_build: bool,
}

impl<'a> Chain<'a> {
    /// The parts that may stand there, where they install or fetch something and leave all others as they are.
    pub(in crate::restructure) fn slice(&self, there: &mut There<'_>) -> Option<Slice<'_, 'a>> {
        let mut taken = self.taken(there, &|_| false);
        let kept = |taken: &BTreeSet<usize>, n: &usize| !taken.contains(n);
        let all = || 0..self.units.len();
        // What is taken out again must not stay in a layer of its own.
        let left = all().filter(|n| kept(&taken, n));
        let left: Vec<&Unit> = left.map(|n| &self.units[n]).collect();
        if left.iter().any(|unit| unit.removes_packages()) {
            let removed = Removed::by(self, &left);
            taken = self.taken(there, &|unit: &Unit| removed.holds(unit));
        }
        let taken = self.with_gain(&taken);
        let passes_build = taken.iter().any(|&t| {
            let before = (0..t).filter(|n| kept(&taken, n));
            let mut works = before.filter(|&n| self.units[n].kind == Kind::Work);
            works.any(|n| conflict(&self.units[n].effect, &self.units[t].effect).is_some())
        });
        self.settled(taken, BTreeSet::new(), passes_build)
    }

    /// How many parts install or fetch something.
    pub(in crate::restructure) fn n_gains(&self) -> usize {
        self.units.iter().filter(|u| u.is_gain()).count()
    }

    /// The parts that may stand there and go by none that stay.
    fn taken(&self, there: &mut There<'_>, is_barred: &dyn Fn(&Unit) -> bool) -> BTreeSet<usize> {
        let mut taken = BTreeSet::new();
        let mut kept: Vec<&Unit> = Vec::new();
        let mut said: Vec<Seen> = Vec::new();
        for (n, unit) in self.units.iter().enumerate() {
            match unit.kind {
                Kind::Closed => break,
                Kind::Work => {}
                _ => continue,
            }
            let mut commands = said.clone();
            commands.extend(unit.seen.iter().cloned());
            let is_free = |other: &&Unit| {
                conflict(&other.effect, &unit.effect).is_none()
                    || (there.is_build)(other.pieces) && (there.is_alone)(&unit.effect, &commands)
            };
            let is_brought = kept.iter().any(|other| self.brings_programs(other, unit));
            let takes_out = unit.removes_packages() && !kept.is_empty();
            let is_free = kept.iter().all(is_free) && !takes_out && !is_brought && !is_barred(unit);
            if is_free && (there.may)(&unit.effect) {
                taken.insert(n);
                said = commands;
            } else {
                kept.push(unit);
            }
        }
        taken
    }

    /// Whether one part may put a program of the other where PATH leads to.
    fn brings_programs(&self, one: &Unit, other: &Unit) -> bool {
        let system = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];
        let all = self.view.dockerfile.instructions();
        let pairs = all.filter_map(|i| match &i.kind {
            ast::Kind::Env(pairs) => Some(pairs),
            _ => None,
        });
        let paths = pairs.flatten().filter(|p| p.name == "PATH");
        let dirs = paths.flat_map(|p| p.value.trim_matches('"').split(':'));
        let dirs = dirs.filter_map(|dir| expand(dir, &self.place.variables));
        let mut own = dirs.filter(|d| d.starts_with('/') && !system.contains(&d.as_str()));
        let made = places(&one.effect);
        other.runs_programs() && own.any(|dir| made.iter().any(|p| overlap(p, &dir)))
    }

    /// Those of the parts that install or fetch something, with what belongs to it: what stands before them may be what
    /// they go by.
    fn with_gain(&self, taken: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut with: BTreeSet<usize> = taken.clone();
        with.retain(|&n| self.units[n].is_gain());
        let Some(&last) = with.last() else {
            return with;
        };
        with.extend(taken.range(..last));
        loop {
            let belongs = |n: &usize| {
                with.iter().any(|w| {
                    let (one, other) = (*n.min(w), *n.max(w));
                    conflict(&self.units[one].effect, &self.units[other].effect).is_some()
                        || self.share_a_place(one, other)
                })
            };
            let more = taken.difference(&with).copied().filter(belongs);
            let more: Vec<usize> = more.collect();
            if more.is_empty() {
                return with;
            }
            with.extend(more);
        }
    }
}

impl Chain<'_> {
    /// Whether two parts name a variable that a command gave its value: `D="$(mktemp -d)"`.
    fn share_a_place(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.units[one], &self.units[other]);
        let named = |unit: &Unit| mentioned(&self.text[self.span(unit.pieces)]);
        let mut both = one.with.intersection(&other.with);
        both.any(|&n| match &self.units[n].kind {
            Kind::Value { names, asks, .. } => {
                *asks && !names.is_disjoint(&named(one)) && !names.is_disjoint(&named(other))
            }
            _ => false,
        })
    }
}

impl Slice<'_, '_> {
    /// What the RUN above does.
    pub(in crate::restructure) fn effect(&self) -> Effect {
        self.chain.effect_of(&self.said())
    }

    /// The shell text above, on one line.
    pub(super) fn said(&self) -> String {
        let above = self.above.iter().map(|&n| self.chain.text_of(n));
        let all: Vec<&str> = above.chain(self.tail.iter().map(String::as_str)).collect();
        all.join(" && ")
    }

    /// The RUN above as an instruction.
    pub(in crate::restructure) fn run(&self) -> ast::Instruction {
        saying(self.chain.instruction, &self.said())
    }

    /// The RUN that is left, as an instruction.
    pub(in crate::restructure) fn rest(&self) -> ast::Instruction {
        let below = self.below.iter().map(|&n| self.chain.text_of(n));
        let all: Vec<&str> = below.collect();
        saying(self.chain.instruction, &all.join(" && "))
    }

    /// How many parts go that install or fetch something.
    pub(in crate::restructure) fn n_gains(&self) -> usize {
        let units = self.taken.iter().map(|&n| &self.chain.units[n]);
        units.filter(|u| u.is_gain()).count()
    }

    /// The commands above.
    pub(in crate::restructure) fn seen(&self) -> Vec<Seen> {
        let units = self.taken.iter().map(|&n| &self.chain.units[n]);
        units.flat_map(|u| u.seen.iter().cloned()).collect()
    }
}
