//! Installs that read the source: for lifecycle scripts of the project's own, or to build the project itself.

use super::installs::StageView;
use super::layout::{is_within, reachable};
use super::view::View;
use crate::dockerfile::ast::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// The words of the commands that resolve dependencies and are shown to need the source for it, wherever they stand.
/// Nothing is said of those above which files stand that are not known: of another stage, or of an archive.
pub fn installs_from_source(view: &View<'_>) -> BTreeSet<Vec<String>> {
    let mut found: BTreeMap<Vec<String>, bool> = BTreeMap::new();
    let stages = StageView::all(view);
    for stage in reachable(view.dockerfile, view.target) {
        let of = &stages[stage];
        for (run, instruction) in of.stage.instructions.iter().enumerate() {
            if !matches!(instruction.kind, Kind::Run(_)) {
                continue;
            }
            let is_told = is_told(of, run);
            for (words, needs) in of.needing_source(run) {
                let known = found.entry(words).or_insert(true);
                *known &= needs && is_told;
            }
        }
    }
    found.retain(|_, needs| *needs);
    found.into_keys().collect()
}

/// Whether all that stands where RUN `run` works came from the context.
fn is_told(of: &StageView<'_>, run: usize) -> bool {
    let here = of.cwd(run);
    let is_there = |to: &Option<String>| to.as_ref().is_none_or(|to| is_within(to, here));
    of.copies(run)
        .all(|(to, files)| files.is_some_and(|f| !f.is_empty()) || !is_there(&to))
}
