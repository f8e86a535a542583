//! A stage before one of its instructions is moved, and how high one can go.

use super::super::super::candidate::Candidate;
use super::super::super::command::{Group, group};
use super::super::super::effect::Effect;
use super::super::super::layout::{BASE, Place, places, reachable};
use super::super::super::moving::{effects, with_needed};
use super::super::super::view::View;
use super::super::heat::Heats;
use super::builds::builds;
use super::fresh::{is_release, renews};
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::shell;
use std::collections::BTreeSet;

/// The candidates that `propose` finds in each stage that the target needs.
pub(in super::super) fn on_stages(
    view: &View<'_>,
    propose: fn(&View<'_>, &Stage, &[Place]) -> Vec<Candidate>,
) -> Vec<Candidate> {
    let places = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    stages
        .into_iter()
        .flat_map(|s| propose(view, &view.dockerfile.stages[s], &places[s]))
        .collect()
}

/// Whether an instruction brings files that change from commit to commit.
pub(in super::super) fn is_transfer(instruction: &Instruction) -> bool {
    matches!(instruction.kind, Kind::Copy(_) | Kind::Add(_))
}

/// A stage, and what is known of its instructions before one is moved.
pub(super) struct Ground<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) stage: &'a Stage,
    pub(super) places: &'a [Place],
    /// What each instruction reads and writes.
    pub(super) effects: Vec<Effect>,
    /// As `effects`, with a directory of its own for the image's that is not known; `None` where it is.
    pub(super) rooted: Option<Vec<Effect>>,
    /// The RUNs that are made of commands which resolve dependencies or build.
    pub(super) builds: BTreeSet<usize>,
    /// Those of them that run scripts which the stage copies, where they are looked into.
    pub(super) scripts: BTreeSet<usize>,
    heats: Heats<'a>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(view: &'a View<'a>, stage: &'a Stage, places: &'a [Place]) -> Self {
        Self::with_builds(view, stage, places, builds(view, stage))
    }

    /// Where `builds` are known already.
    pub(super) fn with_builds(
        view: &'a View<'a>,
        stage: &'a Stage,
        places: &'a [Place],
        builds: BTreeSet<usize>,
    ) -> Self {
        let is_known = places.first().is_none_or(|p| p.cwd.is_some());
        let rooted = || {
            let place = |p: &Place| Place {
                cwd: p.cwd.clone().or_else(|| Some(BASE.to_owned())),
                ..p.clone()
            };
            let places: Vec<Place> = places.iter().map(place).collect();
            effects(view, stage, &places)
        };
        Self {
            view,
            stage,
            places,
            effects: effects(view, stage, places),
            rooted: (!is_known).then(rooted),
            builds,
            scripts: BTreeSet::new(),
            heats: Heats::new(view, stage, places),
        }
    }

    pub(super) fn line(&self, index: usize) -> usize {
        self.stage.instructions[index].lines.first
    }

    /// Whether what copy `one` brings changes much more seldom than what copy `other` does.
    fn is_colder(&self, one: usize, other: usize) -> bool {
        match (self.heat(one), self.heat(other)) {
            (Some(own), Some(than)) => own.saturating_mul(3) < than,
            _ => false,
        }
    }

    /// In how many builds what copy `index` brings changed, where git tells.
    pub(super) fn heat(&self, index: usize) -> Option<usize> {
        self.heats.of(index)
    }
}

/// Whether an instruction only sets something for those below it.
pub(super) fn is_light(instruction: &Instruction) -> bool {
    matches!(
        instruction.kind,
        Kind::Arg(_) | Kind::Env(_) | Kind::Workdir(_) | Kind::User(_) | Kind::Shell(_)
    )
}

/// Whether a RUN does something that is worth not doing again: installs or fetches.
pub(super) fn is_work(text: &str) -> bool {
    let fetches = [
        "curl",
        "git",
        "wget",
        "tar",
        "unzip",
        "update-ca-certificates",
        "locale-gen",
    ];
    shell::parse(text)
        .seen()
        .iter()
        .any(|s| !matches!(group(s), Some(Group::Words)) || fetches.contains(&s.name()))
}

/// The instruction to stand before, and all that moves there.
pub(super) type Goal = (usize, BTreeSet<usize>);

/// The first copy above `index` that it can pass, with all that must move along.
pub(super) fn highest(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Option<Goal> {
    let mut copies = passable(ground, index).into_iter();
    copies.find_map(|to| Some((to, along(ground, effects, index, to)?)))
}

/// The copies above `index` that something could stand above, the highest first.
pub(super) fn passable(ground: &Ground<'_>, index: usize) -> Vec<usize> {
    let steps = &ground.stage.instructions;
    let floor = (0..index)
        .rev()
        .find(|&i| renews(&steps[i], &ground.places[i]))
        .map_or(0, |i| i + 1);
    (floor..index).filter(|i| changes(ground, *i)).collect()
}

/// All that must move along where the instruction at `index` is to stand above copy `to`; `None` where it cannot.
pub(super) fn along(
    ground: &Ground<'_>,
    effects: &[Effect],
    index: usize,
    to: usize,
) -> Option<BTreeSet<usize>> {
    let along = with_needed(effects, index, to).ok()?;
    // A copy that has to come along is paid for again with each of its changes.
    let may_come = |i: &usize| !changes(ground, *i) || ground.is_colder(*i, to);
    along.iter().all(may_come).then_some(along)
}

fn changes(ground: &Ground<'_>, index: usize) -> bool {
    let step = &ground.stage.instructions[index];
    is_transfer(step) && !is_release(step, &ground.places[index])
}
