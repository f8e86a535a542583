//! Values between an install and its new place: which ones it goes by, or what goes along with it.

use super::super::environment::{Reading, reading};
use super::super::installs::Action;
use super::super::layout::{mentioned, places};
use super::super::mentions::says;
use super::super::rules::changes;
use super::Lift;
use crate::dockerfile::ast::{Instruction, Kind, Pair};
use crate::ecosystem::READ_BY_TOOLS;
use std::collections::BTreeSet;

impl Lift<'_, '_> {
    /// Has the values go along that what goes along names.
    pub(super) fn take_variables(&mut self) {
        let instructions = &self.of.stage.instructions;
        let is_wanted = |along: &BTreeSet<usize>, index: usize| {
            let names = instructions[index].sets();
            let mut later = along.range(index + 1..);
            later.any(|&i| {
                let wanted = mentioned(&instructions[i].original);
                names.iter().any(|n| wanted.contains(*n))
            })
        };
        while let Some(index) = {
            let mut left = self.stay.iter().rev();
            left.find(|i| is_wanted(&self.along, **i)).copied()
        } {
            self.doubt_variables(index);
            self.stay.remove(&index);
            self.along.insert(index);
        }
    }

    /// Values that go up past a RUN that stays.
    pub(super) fn doubt_variables(&mut self, index: usize) {
        let instructions = &self.of.stage.instructions;
        let mut above = self.stay.range(..index);
        if above.any(|&i| matches!(instructions[i].kind, Kind::Run(_))) {
            self.doubts.push(format!(
                "the variables of line {} then hold for the RUNs above it too",
                instructions[index].lines.first
            ));
        }
    }

    /// Whether the install may go by a variable that this instruction sets.
    pub(super) fn is_variable_needed(&self, instruction: &Instruction) -> bool {
        let mut wanted = mentioned(&self.of.stage.instructions[self.install.run].original);
        let later = self.of.stage.instructions[self.first..self.install.run]
            .iter()
            .filter(|i| matches!(i.kind, Kind::Env(_) | Kind::Workdir(_)) && !self.is_left(i));
        wanted.extend(later.flat_map(|i| mentioned(&i.original)));
        let is_tool = |n: &&str| READ_BY_TOOLS.iter().any(|p| n.starts_with(p));
        let is_named = |n: &&str| wanted.contains(*n);
        let is_plain = |p: &Pair| mentioned(&p.value).is_empty();
        let is_constant =
            matches!(&instruction.kind, Kind::Env(pairs) if pairs.iter().all(is_plain));
        is_constant || instruction.sets().iter().any(|n| is_tool(n) || is_named(n))
    }

    /// Whether an ENV only hands on what each build is given anew, and nothing shows that the install reads it: above it
    /// would run at each build.
    fn is_left(&self, instruction: &Instruction) -> bool {
        let Kind::Env(pairs) = &instruction.kind else {
            return false;
        };
        let view = self.of.view;
        let is_given = |p: &Pair| {
            mentioned(&p.value).contains(&p.name)
                && changes(view, &p.name)
                && !self.may_read(&p.name)
        };
        pairs.iter().all(is_given)
    }

    /// Whether the install may read a variable that it does not name: a program of it, or a manifest that it resolves.
    fn may_read(&self, name: &str) -> bool {
        let (view, install) = (self.of.view, &self.install);
        if !matches!(install.action, Action::Prefetch(_)) {
            let at = (self.of.stage.index, install.run);
            let names = BTreeSet::from([name.to_owned()]);
            return reading(view, &places(view.dockerfile), at, &names) != Reading::None;
        }
        let image = self.of.image_at(install.run);
        let brought = install.reads.iter().filter_map(|to| image.get(to));
        let mut texts = brought.map(|b| (view.read)(&b.from));
        texts.any(|text| text.is_none_or(|t| says(&t, name)))
    }
}
