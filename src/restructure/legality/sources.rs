//! Every COPY still finds what it names.

use super::super::layout::{expand, places, selected, unquote};
use super::super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Source};
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
    let files = || view.files.iter().map(|(path, _)| path);
    sources(view)
        .filter(|(_, path)| !is_remote(path) && !RepoPath::new(path).is_root())
        .filter(|(_, path)| selected(files(), path).is_empty())
        .map(|(_, path)| path)
        .collect()
}

/// What ADD fetches from elsewhere, without a checksum that would tell it.
pub fn remote_sources(view: &View<'_>) -> BTreeSet<String> {
    sources(view)
        .filter(|(add, path)| is_remote(path) && add.flag("checksum").is_none())
        .map(|(_, path)| path)
        .collect()
}

fn is_remote(source: &str) -> bool {
    source.contains("://") || source.starts_with("git@")
}

/// The expanded sources of COPY and ADD that no stage or image gives.
fn sources<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Instruction, String)> {
    let all = places(view.dockerfile);
    let mut sources = Vec::new();
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
                if let Some(path) = expand(&unquote(written), &place.variables) {
                    sources.push((instruction, path));
                }
            }
        }
    }
    sources.into_iter()
}
