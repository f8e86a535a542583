//! Every COPY still finds what it names.

use super::super::layout::{expand, places, selected, unquote};
use super::super::view::View;
use crate::dockerfile::ast::{Kind, Source};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Every literal source of COPY and ADD that was found before is found after, and every new one is found.
pub(super) fn sources_exist(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    let missing = missing_sources(before);
    match missing_sources(after)
        .into_iter()
        .find(|m| !missing.contains(m))
    {
        Some(source) => Err(format!("COPY names {source}, which is not in the context")),
        None => Ok(()),
    }
}

/// The literal sources of COPY and ADD that the context does not hold.
pub fn missing_sources(view: &View<'_>) -> BTreeSet<String> {
    let mut missing = unheld_sources(view);
    missing.retain(|path| !path.contains(PATTERN));
    missing
}

/// What makes a source a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

/// The sources of COPY and ADD, paths and patterns, of which the context holds no file.
pub fn unheld_sources(view: &View<'_>) -> BTreeSet<String> {
    let all = places(view.dockerfile);
    let mut unheld = BTreeSet::new();
    for stage in &view.dockerfile.stages {
        for (instruction, place) in stage.instructions.iter().zip(&all[stage.index]) {
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            if instruction.flag("from").is_some() {
                continue;
            }
            for source in &transfer.sources {
                let Source::Path(written) = source else {
                    continue;
                };
                let Some(path) = expand(&unquote(written), &place.variables) else {
                    continue;
                };
                let is_remote = path.contains("://") || path.starts_with("git@");
                let is_root = RepoPath::new(&path).is_root();
                if !is_remote
                    && !is_root
                    && selected(view.files.iter().map(|(p, _)| p), &path).is_empty()
                {
                    unheld.insert(path);
                }
            }
        }
    }
    unheld
}
