//! How often what a COPY brings changed over the history.

use super::super::layout::{Place, delivered, places, reachable, stage_named};
use super::super::past::{Name, names_in};
use super::super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::tree::RepoPath;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The copies of a stage, and how hot each is: found once, when it is first asked for.
pub(super) struct Heats<'a> {
    view: &'a View<'a>,
    stage: &'a Stage,
    places: &'a [Place],
    of_copies: Vec<OnceCell<Option<usize>>>,
    /// By the name of what is copied from.
    of_givers: RefCell<BTreeMap<&'a str, Option<usize>>>,
}

impl<'a> Heats<'a> {
    pub(super) fn new(view: &'a View<'a>, stage: &'a Stage, places: &'a [Place]) -> Self {
        Self {
            view,
            stage,
            places,
            of_copies: vec![OnceCell::new(); stage.instructions.len()],
            of_givers: RefCell::default(),
        }
    }

    /// In how many builds what the copy at `index` brings changed; `None` when git does not tell (a URL).
    pub(super) fn of(&self, index: usize) -> Option<usize> {
        *self.of_copies[index].get_or_init(|| {
            let instruction = &self.stage.instructions[index];
            let own = own_heat(self.view, instruction, &self.places[index]);
            own.or_else(|| self.of_giver(instruction.flag("from")?))
        })
    }

    fn of_giver(&self, name: &'a str) -> Option<usize> {
        let find = || stage_heat(self.view, self.stage.index, name);
        let mut known = self.of_givers.borrow_mut();
        *known.entry(name).or_insert_with(find)
    }
}

/// In how many builds a copy's files changed; `None` when git does not tell (another stage, a URL).
fn own_heat(view: &View<'_>, instruction: &Instruction, place: &Place) -> Option<usize> {
    let paths = files_of(view, instruction, place)?;
    Some(view.n_touching(|p| paths.contains(p)))
}

/// The context's files that a copy brings; `None` when git does not tell.
fn files_of(
    view: &View<'_>,
    instruction: &Instruction,
    place: &Place,
) -> Option<BTreeSet<RepoPath>> {
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
        return None;
    };
    // A destination that the base image decides does not matter here.
    let place = Place {
        cwd: place.cwd.clone().or_else(|| Some("/".to_owned())),
        ..place.clone()
    };
    let files = delivered(view, instruction, transfer, &place)?;
    Some(files.into_values().collect())
}

/// In how many builds something changed that the stage or image copied from is made of: the files that it, and what it
/// stands on or copies from, take from the context, and the image's own version.
fn stage_heat(view: &View<'_>, of: usize, name: &str) -> Option<usize> {
    let Some(from) = stage_named(view.dockerfile, of, name) else {
        let at = name
            .rfind([':', '@'])
            .filter(|at| !name[*at..].contains('/'));
        let image = Name::Image(name[..at?].to_owned());
        return Some(view.bumps.get(&image).copied().unwrap_or_default());
    };
    let all = places(view.dockerfile);
    let mut paths: BTreeSet<RepoPath> = BTreeSet::new();
    let mut bumps = 0;
    for index in reachable(view.dockerfile, from) {
        let stage = &view.dockerfile.stages[index];
        bumps += stage_bumps(view, stage);
        for (instruction, place) in stage.instructions.iter().zip(&all[index]) {
            match &instruction.kind {
                Kind::Copy(_) | Kind::Add(_) if instruction.flag("from").is_none() => {
                    paths.extend(files_of(view, instruction, place)?);
                }
                // What a mount binds may be anything.
                Kind::Run(_) if instruction.flag_values("mount").any(|m| m.contains("bind")) => {
                    return None;
                }
                _ => {}
            }
        }
    }
    Some(bumps.max(view.n_touching(|p| paths.contains(p))))
}

/// In how many builds the stage's own base or a value or version that it names became another one.
fn stage_bumps(view: &View<'_>, stage: &Stage) -> usize {
    let image = &stage.base().image;
    let is_base = |name: &Name| match name {
        Name::Image(repository) => image
            .strip_prefix(repository.as_str())
            .is_some_and(|rest| rest.starts_with([':', '@'])),
        _ => false,
    };
    let of_base = view.bumps.iter().filter(|(name, _)| is_base(name));
    let of_base: usize = of_base.map(|(_, n)| n).sum();
    let own = stage.instructions.iter();
    own.map(|i| bumps_of(view, i)).sum::<usize>() + of_base
}

/// In how many builds the Dockerfile itself gave a version that an ARG, ENV, RUN or ADD writes out another value.
pub(super) fn bumps_of(view: &View<'_>, instruction: &Instruction) -> usize {
    if matches!(instruction.kind, Kind::Copy(_)) {
        return 0;
    }
    let names = names_in(view.text(), instruction);
    let mut counts = names.iter().filter_map(|name| view.bumps.get(name));
    counts.by_ref().copied().max().unwrap_or_default()
}
