//! The check: what a candidate makes of a text is held against the text before.

use super::super::candidate::Candidate;
use super::super::view::View;
use super::configuration::{configuration, kept_configuration};
use super::findable;
use super::image::image_files;
use super::order::order;
use super::sources::sources_exist;
use super::steps::{comments, promised};
use crate::context::IgnoreRules;
use crate::dockerfile::Dockerfile;
use crate::tree::{FileStamp, RepoPath};

/// Checks `candidate` on `view`; the rewritten Dockerfile, or the first violation as a whole sentence.
pub fn check(view: &View<'_>, candidate: &Candidate) -> Result<Dockerfile, String> {
    let text = candidate
        .rewritten(view.text())
        .ok_or("the edits do not fit the text")?;
    let after = crate::dockerfile::parse(&text)
        .map_err(|e| format!("the rewritten text does not parse: {e}"))?
        .dockerfile;
    if candidate.ignore.is_none() && text == view.text() {
        return Err("nothing changes".to_owned());
    }
    comments(view.text(), &text)?;
    promised(view.dockerfile, &after, candidate)?;
    let files = visible_after(view, candidate);
    let target = target_after(view, &after, candidate)?;
    let then = View {
        dockerfile: &after,
        files: &files,
        target,
        ..*view
    };
    if candidate.changes_image {
        let restarts = candidate.restarts && !candidate.safety.is_safe();
        kept_configuration(view, &then, restarts)?;
    } else {
        configuration(view, &then)?;
        image_files(view, &then, candidate)?;
    }
    sources_exist(view, &then)?;
    findable::check(view, &then)?;
    if candidate.safety.is_safe() {
        order(view, &then, candidate)?;
    }
    Ok(after)
}

/// The files the builder would see under the candidate's ignore file.
pub fn visible_after(view: &View<'_>, candidate: &Candidate) -> Vec<(RepoPath, FileStamp)> {
    let Some(new) = &candidate.ignore else {
        return view.files.to_vec();
    };
    let Ok(rules) = IgnoreRules::parse(new.text.as_bytes()) else {
        return view.files.to_vec();
    };
    let mut files: Vec<_> = view
        .files
        .iter()
        .chain(view.ignored)
        .filter(|(p, _)| !rules.is_ignored(p))
        .cloned()
        .collect();
    files.sort();
    files
}

/// The target's index in the rewritten file: by name, else the last if it was the last, else the same count.
fn target_after(
    view: &View<'_>,
    after: &Dockerfile,
    candidate: &Candidate,
) -> Result<usize, String> {
    let before = view.dockerfile;
    let stage = before
        .stages
        .get(view.target)
        .ok_or("the target is not in the Dockerfile")?;
    let named = stage
        .name
        .as_ref()
        .and_then(|n| after.stages.iter().position(|s| s.name.as_ref() == Some(n)));
    let last = (view.target + 1 == before.stages.len()).then(|| after.stages.len() - 1);
    let same = (after.stages.len() == before.stages.len()).then_some(view.target);
    named
        .or(last)
        .or(same)
        .ok_or_else(|| format!("{} loses the target stage", candidate.rule))
}
