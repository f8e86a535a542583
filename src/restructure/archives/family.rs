//! The stages on one base image, and what a package manager gets in their RUNs.

use super::super::candidate::TextEdit;
use super::super::layout::Place;
use super::super::mounts::kept::Emptied;
use super::super::view::View;
use super::found::{Reading, Run, read};
use crate::dockerfile::Lines;
use crate::dockerfile::ast::Instruction;

/// What a package manager gets in the RUNs of one base image and all that is built on it.
pub(super) struct Kept<'a> {
    /// Its name.
    pub(super) name: &'static str,
    /// Where its mounts stand.
    pub(super) targets: Vec<&'a str>,
    /// The RUNs that get them.
    pub(super) lines: Vec<Lines>,
    pub(super) edits: Vec<TextEdit>,
    /// What goes, as it is written.
    pub(super) taken_out: Vec<String>,
    /// What shows that nothing else changes.
    pub(super) reasons: Vec<String>,
    /// What is to be checked.
    pub(super) doubts: Vec<String>,
    /// What is asked of the network all the same; a whole sentence.
    pub(super) still: &'static str,
}

impl<'a> Kept<'a> {
    /// What the package manager `name` would get at `targets`: nothing yet.
    pub(super) fn new(name: &'static str, targets: Vec<&'a str>, still: &'static str) -> Self {
        Self {
            name,
            targets,
            lines: Vec::new(),
            edits: Vec::new(),
            taken_out: Vec::new(),
            reasons: Vec::new(),
            doubts: Vec::new(),
            still,
        }
    }

    /// With each RUN of `family` in which `programs` plainly work and which `change` says how to edit; each stands for
    /// itself. `None` where there is none, or where an instruction has such mounts already.
    pub(super) fn with_each_run(
        mut self,
        family: &Family<'_, '_>,
        programs: &[&str],
        has_mounts: impl Fn(&Instruction) -> bool,
        change: impl Fn(&Run<'_>) -> Option<Emptied>,
    ) -> Option<Self> {
        let view = family.view;
        for &stage in &family.stages {
            let instructions = &view.dockerfile.stages[stage].instructions;
            for (index, instruction) in instructions.iter().enumerate() {
                if has_mounts(instruction) {
                    return None;
                }
                let place = family.places.get(stage)?.get(index)?;
                let Reading::Plain(run) = read(view, instruction, place, programs) else {
                    continue;
                };
                let Some(changed) = change(&run) else {
                    continue;
                };
                self.edits.extend(changed.edits);
                self.taken_out.extend(changed.words);
                self.doubts.extend(changed.doubts);
                self.doubts
                    .extend(run.doubt_of_scripts(view, &self.targets));
                self.lines.push(run.instruction.lines);
            }
        }
        (!self.lines.is_empty()).then_some(self)
    }
}

/// The stages that the target needs and that stand on one image, in order.
pub(super) struct Family<'v, 'a> {
    pub(super) view: &'v View<'a>,
    pub(super) stages: Vec<usize>,
    pub(super) places: &'v [Vec<Place>],
}
