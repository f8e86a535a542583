//! What is shown to be read by no step of any Dockerfile, whatever it is called.

use super::broad::{Broad, broad_in, takes_root};
use super::wanted::{is_kept_by_user, is_named};
use crate::dockerfile::parse;
use crate::restructure::candidate::{Candidate, Safety};
use crate::restructure::git::asked::{has_git, names_in_copies};
use crate::restructure::ignore_file::{escaped, with_lines};
use crate::restructure::layout::places;
use crate::restructure::mentions::holds;
use crate::restructure::other_dockerfiles::others;
use crate::restructure::rules::narrow_shown;
use crate::restructure::sentence::abridged;
use crate::restructure::view::View;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// More names than this are no longer read by anybody.
const MOST_UNREAD: usize = 12;

/// What no step reads where that can be shown of all of them, whatever it is called.
pub(super) fn unread(view: &View<'_>, broad: &[Broad<'_>]) -> Option<Candidate> {
    let all = places(view.dockerfile);
    let mut read: BTreeSet<RepoPath> = BTreeSet::new();
    for b in broad {
        read.extend(narrow_shown::read_of_all(view, &all, b.at)?);
    }
    // Stages that are not built here may be built elsewhere.
    let has_others = broad_in(view, 0..view.dockerfile.stages.len()).len() > broad.len();
    if has_others {
        return None;
    }
    let named = names_in_copies(view);
    // Beside `.git` what is left out counts as deleted: go would call the program modified.
    if has_git(view) || named.iter().any(|n| n.contains('$')) {
        return None;
    }
    let texts = other_dockerfiles(view)?;
    let is_read = |first: &str| {
        let below = |p: &RepoPath| p.names().next() == Some(first.as_bytes());
        read.iter().any(below)
            || is_named(&named, first)
            || texts.iter().any(|t| holds(t, first.as_bytes()))
            || is_kept_by_user(view, first)
    };
    let tops: BTreeSet<&str> = view
        .files
        .iter()
        .filter_map(|(p, _)| std::str::from_utf8(p.names().next()?).ok())
        .collect();
    let names: Vec<String> = tops
        .into_iter()
        .filter(|first| {
            let top = RepoPath::new(first);
            view.n_touching(|p| p.strip_prefix(&top).is_some()) > 0 && !is_read(first)
        })
        .map(str::to_owned)
        .collect();
    if names.is_empty() || names.len() > MOST_UNREAD {
        return None;
    }
    let lines: Vec<String> = names.iter().map(|n| escaped(n)).collect();
    let mut candidate = with_lines(view, "ignore", &lines)?;
    candidate.title = format!("ignore what no step reads: {}", abridged(&names, 3));
    let paths: Vec<RepoPath> = names.iter().map(RepoPath::new).collect();
    candidate.rationale = format!(
        "{} of {} builds changed these files, which no step reads; each time line {} and what follows ran again.",
        view.n_touching(|p| paths.iter().any(|top| p.strip_prefix(top).is_some())),
        view.n_builds(),
        broad[0].instruction.lines.first
    );
    candidate.safety = Safety::of(
        vec![
            "the imports that the build follows lead to none of them, and no other step reads them"
                .to_owned(),
        ],
        vec!["check that the build needs no file that is not in git, and that nothing else is built with this ignore file".to_owned()],
    );
    candidate.lines = broad.iter().map(|b| b.instruction.lines).collect();
    Some(candidate)
}

/// The texts of the other Dockerfiles of the tree, which may be built with the same ignore file; `None` where one of them
/// may take everything, or cannot be read.
fn other_dockerfiles(view: &View<'_>) -> Option<Vec<Vec<u8>>> {
    let mut texts = Vec::new();
    for path in others(view) {
        let bytes = (view.read)(path)?;
        let parsed = parse(std::str::from_utf8(&bytes).ok()?).ok()?;
        let takes_all = parsed.dockerfile.instructions().any(takes_root);
        if takes_all {
            return None;
        }
        texts.push(bytes);
    }
    Some(texts)
}
