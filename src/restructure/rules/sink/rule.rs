//! The rule: for each stage the values that go down together, for all stages those of one name.

use super::children::into_children;
use super::ground::Ground;
use super::groups::{BUMPED, BY_PLATFORM, groups, together};
use super::place::{into_run, of_stage};
use super::proposal::candidate;
use super::stages::{Sinking, at_once};
use crate::restructure::candidate::Candidate;
use crate::restructure::layout::{places, reachable};
use crate::restructure::moving::effects;
use crate::restructure::rules::Rule;
use crate::restructure::view::View;

/// Its line in [`crate::restructure::rules::ALL`].
pub(in crate::restructure::rules) const RULE: Rule = Rule {
    id: "sink-values",
    summary: "ARG, ENV and LABEL that change go below what does not read them",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    let mut above = Vec::new();
    for index in reachable(view.dockerfile, view.target) {
        let stage = &view.dockerfile.stages[index];
        let effects = effects(view, stage, &all[index]);
        let ground = Ground {
            view,
            places: &all,
            stage,
            effects: &effects,
        };
        above.extend(into_children(&ground));
        for group in together(&ground, groups(view, stage)) {
            let (safe, far) = of_stage(&ground, &group);
            let cut = into_run(&ground, &group).filter(|_| group.how != BY_PLATFORM);
            let how = (!matches!(group.how, BUMPED | BY_PLATFORM)).then_some(group.how);
            let all = safe.into_iter().chain(far).chain(cut);
            found.extend(all.filter_map(|sunk| {
                Some(Sinking {
                    stage: index,
                    how: how.filter(|_| sunk.cut.is_none()),
                    line: ground.first_line(&sunk),
                    candidate: candidate(&ground, &sunk, group.how)?,
                    names: sunk.names,
                })
            }));
        }
    }
    let mut all = at_once(found);
    all.extend(above);
    all
}
