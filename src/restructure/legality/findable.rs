//! What the RUNs of a rewritten Dockerfile still find: none comes above the COPY of a file that it names or, resolving
//! dependencies, reads.

use super::super::effect::{Files, effect};
use super::super::installs::StageView;
use super::super::layout::{Place, is_within, places};
use super::super::rewritten::{positions, stage_after};
use super::super::through;
use super::super::view::View;
use crate::dockerfile::ast::Stage;

/// The first RUN that would not find a file, as a whole sentence.
pub(super) fn check(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    named_files_are_there(before, after)?;
    installs_find_their_files(before, after)
}

/// A RUN that stood below the COPY of a file it names still finds the file.
fn named_files_are_there(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    let (old, new) = (places(before.dockerfile), places(after.dockerfile));
    for stage in &before.dockerfile.stages {
        let Some(then) = stage_after(stage, before.dockerfile, after.dockerfile) else {
            continue;
        };
        let brought = |view: &View<'_>, stage: &Stage, all: &[Vec<Place>], n: usize| {
            let (instruction, place) = (&stage.instructions[n], &all[stage.index][n]);
            through::brought(view, all, stage.index, instruction, place)
        };
        let moved = positions(stage, then);
        for (i, &(first, at)) in moved.iter().enumerate() {
            let Some(files) = brought(before, stage, &old, first) else {
                continue;
            };
            for &(second, later) in moved[i + 1..].iter().filter(|(_, later)| *later < at) {
                let run = &stage.instructions[second];
                let Files::Commands(touched) = effect(before, run, &old[stage.index][second]).files
                else {
                    continue;
                };
                let mut named = touched.places.iter().filter(|p| files.contains_key(*p));
                let is_there = |to: &String| {
                    (0..later)
                        .filter_map(|n| brought(after, then, &new, n))
                        .any(|files| files.contains_key(to))
                };
                if let Some(to) = named.find(|to| !is_there(to)) {
                    return Err(format!(
                        "line {} names {to}, which would be copied only below it",
                        run.lines.first
                    ));
                }
            }
        }
    }
    Ok(())
}

/// A kept RUN that resolves dependencies still finds what it reads: nothing of it is copied only below.
fn installs_find_their_files(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    let (old, new) = (places(before.dockerfile), places(after.dockerfile));
    for stage in &before.dockerfile.stages {
        let Some(then) = stage_after(stage, before.dockerfile, after.dockerfile) else {
            continue;
        };
        let (these, those) = (stage.instructions.iter(), then.instructions.iter());
        if these.map(|i| &i.original).eq(those.map(|i| &i.original)) {
            continue;
        }
        let (was, is) = (
            StageView::new(before, &old, stage.index),
            StageView::new(after, &new, then.index),
        );
        for (run, at) in positions(stage, then) {
            let installs = was.installs(run);
            if installs.is_empty() {
                continue;
            }
            let reads = installs.iter().flat_map(|i| &i.reads);
            let (found, there) = (was.image_at(run), is.image_at(at));
            let comes_later = |to: &&String| {
                let later = is.brings.iter().skip(at).flatten();
                found.contains_key(*to)
                    && !there.contains_key(*to)
                    && later.into_iter().any(|files| files.contains_key(*to))
            };
            // What another stage brings is not known by name.
            let is_unseen = |to: &&String| {
                let mut copies = is.copies(at).filter(|(_, files)| files.is_none());
                copies.any(|(dir, _)| dir.is_none_or(|dir| is_within(to, &dir)))
            };
            if let Some(to) = reads.filter(comes_later).find(|to| !is_unseen(to)) {
                return Err(format!(
                    "line {} reads {to}, which would be copied only below it",
                    stage.instructions[run].lines.first
                ));
            }
        }
    }
    Ok(())
}
