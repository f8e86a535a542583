//! The candidates: which RUNs get which mounts, and what is to be said of it.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::kept::{Emptied, why_taken_out};
use super::super::layout::{Place, built_on, places, reachable};
use super::super::lift::declare;
use super::super::view::View;
use super::found::{Reading, Run, read};
use super::{apk, apt, dnf};
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
                self.doubts.extend(run.doubt_of_scripts(&self.targets));
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

/// Every system package manager's candidates for `rule`.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let places = places(view.dockerfile);
    let needed = reachable(view.dockerfile, view.target);
    let root = |stage: usize| built_on(view.dockerfile, stage).last().unwrap_or(stage);
    let mut found = Vec::new();
    for &first in needed.iter().filter(|s| root(**s) == **s) {
        let family = Family {
            view,
            stages: needed
                .iter()
                .copied()
                .filter(|s| root(*s) == first)
                .collect(),
            places: &places,
        };
        let all = [apt::kept(&family), apk::kept(&family), dnf::kept(&family)];
        let all = all.into_iter().flatten();
        found.extend(all.filter_map(|kept| candidate(view, rule, kept)));
    }
    found
}

fn candidate(view: &View<'_>, rule: &'static str, kept: Kept<'_>) -> Option<Candidate> {
    let Kept { name, targets, .. } = kept;
    let lines: Vec<String> = kept.lines.iter().map(|l| l.first.to_string()).collect();
    let many = |n: usize| if n == 1 { "" } else { "s" };
    let n_lines = lines.len();
    let mut candidate = Candidate::new(
        rule,
        format!(
            "keep {name}'s downloads in {} (line{} {})",
            if targets.len() == 1 {
                "a cache mount"
            } else {
                "cache mounts"
            },
            many(n_lines),
            lines.join(", ")
        ),
    );
    candidate.edits = kept.edits;
    candidate.lines = kept.lines;
    candidate.rationale = format!(
        "When line {} must run again, {name} downloads every package anew; {} at {} keep{} what it had. {} It helps only where the builder's own state survives.",
        lines.first()?,
        if targets.len() == 1 {
            "a cache mount"
        } else {
            "cache mounts"
        },
        targets.join(" and "),
        if targets.len() == 1 { "s" } else { "" },
        kept.still,
    );
    let mut reasons = kept.reasons;
    reasons.extend(why_taken_out(kept.taken_out));
    let mut doubts: Vec<String> = Vec::new();
    for doubt in kept.doubts {
        if !doubts.contains(&doubt) {
            doubts.push(doubt);
        }
    }
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}
