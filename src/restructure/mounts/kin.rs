//! Stages that share what a RUN keeps in their layers: the one that has it first, and all that are built on it.

use super::super::installs::StageView;
use super::super::layout::{At, built_on, mount_field, stage_named};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::ecosystem::CacheDir;
use std::collections::BTreeSet;

/// Such stages, the first of them first; or one alone.
pub(in crate::restructure) struct Kin<'s, 'a> {
    stages: Vec<&'s StageView<'a>>,
}

impl<'s, 'a> Kin<'s, 'a> {
    /// A stage with those built on it that may fetch with `ecosystem` without an install of their own, or none but such
    /// as look for what the stage has fetched (`pnpm deploy`).
    pub(in crate::restructure) fn with_followers(
        all: &'s [StageView<'a>],
        stage: &'s StageView<'a>,
        ecosystem: &str,
    ) -> Self {
        let follows = |s: &&StageView<'_>| {
            let runs = 0..s.stage.instructions.len();
            let installs = |run| s.cache_dirs(run).iter().any(|(e, _)| *e == ecosystem);
            let mut below = built_on(stage.view.dockerfile, s.stage.index).skip(1);
            below.any(|b| b == stage.stage.index)
                && runs.clone().any(|run| s.fetches_again(run, ecosystem))
                && runs
                    .clone()
                    .all(|run| !installs(run) || s.fetches_again(run, ecosystem))
        };
        let followers = all.iter().filter(follows);
        Self {
            stages: std::iter::once(stage).chain(followers).collect(),
        }
    }

    /// The stages that share what `ecosystem` keeps and reads in place in `stage`; `None` where none but it does.
    pub(in crate::restructure) fn of(
        all: &'s [StageView<'a>],
        stage: usize,
        ecosystem: &str,
    ) -> Option<Self> {
        let dockerfile = all.get(stage)?.view.dockerfile;
        let keeps = |s: &usize| all[*s].keeps_to_read(ecosystem).next().is_some();
        let first = built_on(dockerfile, stage).filter(keeps).last()?;
        let is_of_it = |s: &&StageView<'_>| built_on(dockerfile, s.stage.index).any(|b| b == first);
        let stages: Vec<&StageView<'_>> = all.iter().filter(is_of_it).collect();
        (stages.len() > 1).then_some(Self { stages })
    }

    /// The one that the others are built on.
    pub(in crate::restructure) fn first(&self) -> &'s StageView<'a> {
        self.stages[0]
    }

    pub(in crate::restructure) fn stages(&self) -> impl Iterator<Item = &'s StageView<'a>> {
        self.stages.iter().copied()
    }

    /// The stage at this position of the file, where it is one of these.
    pub(in crate::restructure) fn stage(&self, at: At) -> Option<&'s StageView<'a>> {
        self.stages().find(|s| s.stage.index == at.stage)
    }

    pub(in crate::restructure) fn instruction(&self, at: At) -> Option<&'a Instruction> {
        self.stage(at)?.stage.instructions.get(at.index)
    }

    /// All RUNs, in order.
    pub(in crate::restructure) fn runs(&self) -> impl Iterator<Item = At> {
        self.stages().flat_map(|s| {
            let steps = s.stage.instructions.iter().enumerate();
            let runs = steps.filter(|(_, i)| matches!(i.kind, Kind::Run(_)));
            let stage = s.stage.index;
            runs.map(move |(index, _)| At { stage, index })
        })
    }

    /// The RUNs that keep what `ecosystem` reads in place, in order.
    pub(in crate::restructure) fn keeping(&self, ecosystem: &str) -> Vec<(At, CacheDir)> {
        let each = self.stages();
        let runs = each.flat_map(|s| {
            let stage = s.stage.index;
            let kept = s.keeps_to_read(ecosystem);
            kept.map(move |(index, dir)| (At { stage, index }, dir))
        });
        runs.collect()
    }

    /// The RUNs that may fetch with `ecosystem` besides the installs, for the user of the one at `first`.
    pub(in crate::restructure) fn fetching_again(&self, ecosystem: &str, first: At) -> Vec<At> {
        let user = |at: At| Some(&self.stage(at)?.places.get(at.index)?.user);
        let fetches = |at: &At| {
            let of = self.stage(*at);
            of.is_some_and(|of| of.fetches_again(at.index, ecosystem))
        };
        let all = self.runs().filter(fetches);
        all.filter(|at| user(*at) == user(first)).collect()
    }

    /// The stages that an image other than the target may be: no other one takes from them. With their names.
    pub(in crate::restructure) fn other_images(&self) -> Vec<&'s StageView<'a>> {
        let view = self.first().view;
        let taken = taken_from(view.dockerfile);
        let is_image =
            |s: &&StageView<'_>| s.stage.index != view.target && !taken.contains(&s.stage.index);
        self.stages().filter(is_image).collect()
    }
}

impl<'a> StageView<'a> {
    /// The RUNs that keep what `ecosystem` reads in place.
    fn keeps_to_read(&self, ecosystem: &str) -> impl Iterator<Item = (usize, CacheDir)> {
        let runs = 0..self.stage.instructions.len();
        runs.filter_map(move |run| {
            let mut dirs = self.cache_dirs(run).iter().cloned();
            let own = dirs.find(|(e, dir)| *e == ecosystem && dir.is_read_later);
            own.map(|(_, dir)| (run, dir))
        })
    }
}

/// The stages that others are built on, copy from or mount.
fn taken_from(dockerfile: &Dockerfile) -> BTreeSet<usize> {
    let mut taken = BTreeSet::new();
    for stage in &dockerfile.stages {
        taken.extend(built_on(dockerfile, stage.index).skip(1));
        for step in &stage.instructions {
            let mounts = step
                .flag_values("mount")
                .filter_map(|m| mount_field(m, "from"));
            let named = step.flag("from").into_iter().chain(mounts);
            taken.extend(named.filter_map(|n| stage_named(dockerfile, stage.index, n)));
        }
    }
    taken
}
