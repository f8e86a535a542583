//! RUNs where there is no shell to run them: they fail, before and after whatever is done to them.

use super::base::has_no_shell;
use super::candidate::Candidate;
use super::effect::destination;
use super::layout::{Place, built_on, image, is_within, places};
use super::rewritten::{positions, stage_after};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind};

/// Where a COPY may bring a shell to.
const FOR_PROGRAMS: [&str; 5] = ["/bin", "/busybox", "/lib", "/sbin", "/usr"];

/// Whether the candidate, which makes `after` of `before`, edits or moves a RUN that has no shell.
pub(super) fn lacks_shell(before: &Dockerfile, after: &Dockerfile, candidate: &Candidate) -> bool {
    let all = places(before);
    before.stages.iter().any(|stage| {
        let mut runs = stage.instructions.iter().enumerate();
        let is_edited = |run: &Instruction| {
            let (start, end) = (run.span.start, run.span.end);
            let mut edits = candidate.edits.iter();
            edits.any(|e| e.span.start < end && start < e.span.end.max(e.span.start + 1))
        };
        let moved = stage_after(stage, before, after).map(|then| positions(stage, then));
        let is_moved = |n: usize| {
            let moved = moved.iter().flatten();
            let own = moved.clone().find(|(of, _)| *of == n);
            own.is_some_and(|own| {
                let mut others = moved.clone();
                others.any(|other| (other.0 < own.0) != (other.1 < own.1))
            })
        };
        !may_have_one(before, &all, stage.index)
            && runs.any(|(n, run)| is_for_shell(run) && (is_edited(run) || is_moved(n)))
    })
}

fn is_for_shell(instruction: &Instruction) -> bool {
    instruction.shell_text().is_some()
}

/// Whether a stage may have a shell: by the image that it is built on in the end, or by what is copied into it.
fn may_have_one(dockerfile: &Dockerfile, all: &[Vec<Place>], stage: usize) -> bool {
    let root = built_on(dockerfile, stage).last().unwrap_or(stage);
    if !has_no_shell(&image(dockerfile, root)) {
        return true;
    }
    built_on(dockerfile, stage).any(|index| {
        let steps = dockerfile.stages[index].instructions.iter();
        let mut steps = steps.zip(&all[index]);
        steps.any(|(step, place)| match &step.kind {
            Kind::Copy(transfer) | Kind::Add(transfer) => {
                let to = destination(transfer, place);
                to.is_none_or(|to| to == "/" || FOR_PROGRAMS.iter().any(|d| is_within(&to, d)))
            }
            Kind::Shell(_) => true,
            _ => false,
        })
    })
}
