//! The checkout's `.git`, which no two builds have in common.

use super::broad::{Broad, reaches_image};
use crate::restructure::candidate::{Candidate, Safety};
use crate::restructure::git::asked::{git_readers, has_git, names_git};
use crate::restructure::ignore_file::with_lines;
use crate::restructure::view::View;

pub(super) fn git_directory(view: &View<'_>, broad: &[Broad<'_>]) -> Option<Candidate> {
    if !has_git(view) || names_git(view) {
        return None;
    }
    let mut doubts = git_readers(view)?;
    let mut reaching = broad.iter().filter_map(|b| {
        let takes = reaches_image(view, b, None)?;
        Some((b.instruction.lines.first, takes))
    });
    if let Some((line, takes)) = reaching.next() {
        doubts.push(format!(
            "line {line} {takes} `.git` into the image; check that nothing reads it at run time"
        ));
    }
    let reasons = vec![
        "no RUN calls git and no script that one names, and no manifest names a tool that is known to ask it"
            .to_owned(),
    ];
    let mut candidate = with_lines(view, "ignore", &[".git".to_owned()])?;
    candidate.title = "ignore .git".to_owned();
    let line = broad[0].instruction.lines.first;
    candidate.rationale = format!(
        "`.git` changes with every commit, so line {line} and all that follows run again at every commit, whatever it changed."
    );
    candidate.safety = Safety::of(reasons, doubts);
    candidate.lines = broad.iter().map(|b| b.instruction.lines).collect();
    Some(candidate)
}
