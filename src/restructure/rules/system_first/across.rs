//! A RUN of a stage that does not need what the stage below it copies goes there, above the copy.
//!
//! Before:
//! ```dockerfile
//! FROM debian:12 AS base
//! COPY . /src
//! FROM base AS build
//! RUN apt-get update && apt-get install -y libpq-dev
//! ```
//! After:
//! ```dockerfile
//! FROM debian:12 AS base
//! RUN apt-get update && apt-get install -y libpq-dev
//! COPY . /src
//! FROM base AS build
//! ```
//! Only where nothing else is made of the stage below: else another image would hold the packages.

use super::super::super::base::is_official;
use super::super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::super::command::reads_variable;
use super::super::super::effect::Effect;
use super::super::super::layout::{Place, built_on, names_root, parent, places, reachable};
use super::super::super::view::View;
use super::border::{Joined, children, is_only_a_base, keeps_platform};
use super::ground::Ground;
use super::runs::of_run;
use crate::dockerfile::ast::{Instruction, Kind};
use std::collections::BTreeSet;

/// The RUNs of each stage that the target needs, in stages that only it is built on.
pub(super) fn across(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    stages
        .into_iter()
        .flat_map(|stage| of_stage(view, &all, stage).unwrap_or_default())
        .collect()
}

fn of_stage(view: &View<'_>, all: &[Vec<Place>], stage: usize) -> Option<Vec<Candidate>> {
    let mut stages = vec![stage];
    let mut last = stage;
    while let Some(above) = parent(view.dockerfile, last) {
        let is_alone = children(view.dockerfile, above) == [last];
        let may_cross = is_alone && keeps_platform(view.dockerfile, last, above);
        if !may_cross || !is_only_a_base(view, above) {
            break;
        }
        stages.insert(0, above);
        last = above;
    }
    let joined = Joined::new(view, all, &stages).filter(|_| stages.len() > 1)?;
    let ground = joined.ground(view);
    let own = joined.last_start()..joined.stage.instructions.len();
    let found = own.flat_map(|index| {
        let ways = of_run(&ground, index);
        let settled = ways.into_iter().filter_map(|way| joined.settled(view, way));
        settled.collect::<Vec<_>>()
    });
    Some(found.collect())
}

impl Joined {
    /// What is known of its instructions where borders count: an ARG is not seen beyond one, and who runs what is held
    /// against the place that a RUN goes to.
    pub(super) fn ground<'a>(&'a self, view: &'a View<'a>) -> Ground<'a> {
        let mut ground = Ground::with_builds(view, &self.stage, &self.places, self.builds.clone());
        let start = self.last_start();
        let above = &self.stage.instructions[..start];
        let is_unseen = |(index, instruction): (usize, &Instruction)| {
            let is_said_above = || above.iter().any(|a| a.original == instruction.original);
            matches!(instruction.kind, Kind::Arg(_)) && (index < start || is_said_above())
        };
        let all = || self.stage.instructions.iter().enumerate();
        let unseen: BTreeSet<usize> = all().filter(|i| is_unseen(*i)).map(|(i, _)| i).collect();
        let adjust = |effects: &mut Vec<Effect>| {
            for (index, effect) in effects.iter_mut().enumerate() {
                if unseen.contains(&index) {
                    effect.sets.clear();
                }
                if index >= start && self.stage.instructions[index].keyword == "RUN" {
                    effect.reads.user = false;
                }
            }
        };
        adjust(&mut ground.effects);
        if let Some(rooted) = &mut ground.rooted {
            adjust(rooted);
        }
        ground
    }

    /// The candidate as it is where it crosses a border and may.
    fn settled(&self, view: &View<'_>, mut candidate: Candidate) -> Option<Candidate> {
        let line = candidate.lines.first()?.first;
        let mut all = self.stage.instructions.iter();
        let to = all.position(|i| i.lines.first == line)?;
        if to >= self.last_start() {
            return None;
        }
        let moved: BTreeSet<usize> = self.edited(&candidate.edits).collect();
        let doubts = self.may_stand(view, &moved, to)?;
        self.keep_arguments(view, &mut candidate, &moved);
        let (_, stage) = self.part_of(to);
        let name = view.dockerfile.stages[stage].name.as_deref()?;
        candidate.title = format!("{} in stage {name}", candidate.title);
        let reason =
            format!("nothing but this is made of stage {name}, and no file builds it by itself");
        let (mut reasons, doubt) = (
            candidate.safety.reasons().to_vec(),
            candidate.safety.doubt().map(str::to_owned),
        );
        reasons.push(reason);
        candidate.safety = Safety::of(reasons, doubt.into_iter().chain(doubts).collect());
        Some(candidate)
    }

    /// The instructions that edits take something from.
    fn edited<'e>(&'e self, edits: &'e [TextEdit]) -> impl Iterator<Item = usize> + 'e {
        let all = self.stage.instructions.iter().enumerate();
        let is_met = |i: &Instruction| {
            edits
                .iter()
                .any(|e| e.span.start < i.span.end && i.span.start < e.span.end)
        };
        all.filter(move |(_, i)| is_met(i)).map(|(index, _)| index)
    }

    /// What is to be checked where the instructions `moved` of the last stage may stand before `to` of another; `None`
    /// where they may not: they are of another kind, another user runs them there, or an ARG is seen at one place only.
    pub(super) fn may_stand(
        &self,
        view: &View<'_>,
        moved: &BTreeSet<usize>,
        to: usize,
    ) -> Option<Vec<String>> {
        let steps = &self.stage.instructions;
        let start = self.last_start();
        let is_fit = |i: &usize| matches!(steps[*i].keyword, "ARG" | "ENV" | "RUN") && *i >= start;
        if !moved.iter().all(is_fit) {
            return None;
        }
        let mut doubts = Vec::new();
        let there = self.places[to].user.as_deref();
        for &run in moved.iter().filter(|i| steps[**i].keyword == "RUN") {
            match (there, self.places[run].user.as_deref()) {
                (one, other) if one == other => {}
                (Some(one), Some(other)) if names_root(one) && names_root(other) => {}
                (None, Some(user)) if names_root(user) => {
                    let first = built_on(view.dockerfile, self.stage.index).last()?;
                    let image = &view.dockerfile.stages[first].base().image;
                    if !is_official(image) {
                        doubts = vec![format!("the user of {image} is taken to be root")];
                    }
                }
                _ => return None,
            }
        }
        let is_kept = self.arguments_hold(view, moved, to) && self.is_unseen(view, moved, to);
        is_kept.then_some(doubts)
    }

    /// Whether no step that is passed can tell which variables `moved` set.
    fn is_unseen(&self, view: &View<'_>, moved: &BTreeSet<usize>, to: usize) -> bool {
        let all = Ground::with_builds(view, &self.stage, &self.places, BTreeSet::new()).effects;
        let mut names = moved.iter().flat_map(|&m| &all[m].sets);
        let passed = all.get(to..self.last_start()).unwrap_or_default();
        names.all(|name| {
            name == "DEBIAN_FRONTEND" || !passed.iter().any(|effect| may_read(effect, name))
        })
    }

    /// Whether the ARGs that `moved` may read are the same before `to` as where they stand.
    fn arguments_hold(&self, view: &View<'_>, moved: &BTreeSet<usize>, to: usize) -> bool {
        let start = self.last_start();
        let all = Ground::with_builds(view, &self.stage, &self.places, BTreeSet::new()).effects;
        let is_read = |name: &str| moved.iter().any(|&m| may_read(&all[m], name));
        let (above, _) = self.part_of(to);
        let there: Vec<(&str, &Instruction)> = self.arguments(above..to).collect();
        let last = moved.last().copied().unwrap_or(start);
        let here: Vec<(&str, &Instruction)> = self.arguments(start..last).collect();
        let is_in = |list: &[(&str, &Instruction)], one: &(&str, &Instruction)| {
            list.iter()
                .any(|(name, i)| *name == one.0 && i.original == one.1.original)
        };
        let is_moved = |one: &Instruction| {
            moved
                .iter()
                .any(|&m| self.stage.instructions[m].span == one.span)
        };
        let sets_above = |name: &str| all[..start].iter().any(|e| e.sets.contains(name));
        there.iter().all(|one| !is_read(one.0) || is_in(&here, one))
            && here.iter().all(|one| {
                if is_moved(one.1) {
                    !sets_above(one.0)
                } else {
                    !is_read(one.0) || is_in(&there, one)
                }
            })
    }

    /// An ARG that moves along stays where it was too, where what remains may read it.
    fn keep_arguments(&self, view: &View<'_>, candidate: &mut Candidate, moved: &BTreeSet<usize>) {
        let all = Ground::with_builds(view, &self.stage, &self.places, BTreeSet::new()).effects;
        for &index in moved {
            let instruction = &self.stage.instructions[index];
            if instruction.keyword != "ARG" {
                continue;
            }
            let names = &all[index].sets;
            let is_needed = (index + 1..all.len())
                .filter(|i| !moved.contains(i))
                .any(|i| names.iter().any(|name| may_read(&all[i], name)));
            if is_needed {
                let own = instruction.span;
                candidate
                    .edits
                    .retain(|e| !(e.span.start <= own.start && own.end <= e.span.end));
            }
        }
    }
}

/// Whether the value of `name` may reach an instruction.
pub(super) fn may_read(effect: &Effect, name: &str) -> bool {
    let by_group = match &effect.groups {
        None => true,
        Some(groups) => groups.iter().any(|g| reads_variable(*g, name)),
    };
    by_group || effect.mentions.contains(name)
}
