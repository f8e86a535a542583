//! What a COPY or ADD takes from the context, and how often that changes.

use super::super::git::asked::has_git;
use super::super::layout::{Place, delivered};
use super::super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Source, Transfer};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// A COPY or ADD from the context.
pub(super) struct Copied<'a> {
    pub(super) index: usize,
    pub(super) instruction: &'a Instruction,
    pub(super) files: BTreeSet<RepoPath>,
    pub(super) is_broad: bool,
    /// Whether it copies the checkout's `.git`, which no two builds have in common.
    pub(super) takes_git: bool,
    /// In how many builds one of its files changed.
    pub(super) heat: usize,
}

pub(super) fn copied<'a>(
    view: &View<'_>,
    index: usize,
    instruction: &'a Instruction,
    place: &Place,
) -> Option<Copied<'a>> {
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
        return None;
    };
    if instruction.flag("from").is_some() {
        return None;
    }
    let place = Place {
        cwd: place.cwd.clone().or_else(|| Some("/".to_owned())),
        ..place.clone()
    };
    let files: BTreeSet<RepoPath> = delivered(view, instruction, transfer, &place)?
        .into_values()
        .collect();
    let takes_git = takes_root(transfer) && has_git(view);
    let mut copied = Copied {
        index,
        instruction,
        is_broad: takes_root(transfer) || (files.len() > 20 && !files.iter().all(is_vendored)),
        takes_git,
        files,
        heat: 0,
    };
    copied.heat = heat(view, std::slice::from_ref(&copied));
    Some(copied)
}

/// In how many builds a file of any of these changed.
pub(super) fn heat(view: &View<'_>, copies: &[Copied<'_>]) -> usize {
    if copies.iter().any(|c| c.takes_git) {
        return view.n_builds();
    }
    view.n_touching(|p| copies.iter().any(|c| c.files.contains(p)))
}

/// Whether a path lies in a directory of other people's sources, which an install may well need.
pub(super) fn is_vendored(path: &RepoPath) -> bool {
    path.names().any(|n| {
        [
            &b"vendor"[..],
            b"third_party",
            b"patches",
            b".yarn",
            b".mvn",
        ]
        .contains(&n)
    })
}

pub(super) fn takes_root(transfer: &Transfer) -> bool {
    transfer
        .sources
        .iter()
        .any(|s| matches!(s, Source::Path(p) if RepoPath::new(p).is_root()))
}
