//! All findings of a Dockerfile: the context's, then those of each stage that the target needs.

use super::super::installs::StageView;
use super::super::layout::{Place, places, reachable};
use super::super::view::View;
use super::context::context_findings;
use super::copied::{Copied, copied};
use super::dependencies::{dead_split, installs_below};
use super::images::floating_images;
use super::kind::Finding;
use super::system::{system_below, tools_below};
use super::values::early_value;

/// All findings, by line.
pub fn findings(view: &View<'_>) -> Vec<Finding> {
    let all = places(view.dockerfile);
    let mut found = context_findings(view);
    for index in reachable(view.dockerfile, view.target) {
        let read = StageView::new(view, &all, index);
        found.extend(of_stage(view, &read, &all[index]));
    }
    found.sort();
    found.dedup();
    found
}

fn of_stage(view: &View<'_>, read: &StageView<'_>, places: &[Place]) -> Vec<Finding> {
    let stage = read.stage;
    let copies: Vec<Copied> = stage
        .instructions
        .iter()
        .zip(places)
        .enumerate()
        .filter_map(|(n, (i, p))| copied(view, n, i, p))
        .collect();
    let mut found = Vec::new();
    found.extend(installs_below(view, read, &copies));
    found.extend(dead_split(view, read, &copies));
    found.extend(system_below(view, stage, places, &copies));
    found.extend(tools_below(view, read, &copies));
    found.extend(early_value(view, stage));
    found.extend(floating_images(view, stage));
    found
}
