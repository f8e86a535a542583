//! The packages of the image, left over once a build's chain has taken the others out, get a stage of their own.
//!
//! Before:
//! ```dockerfile
//! FROM node:22 AS build
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci
//! COPY . .
//! RUN npm run build && npm prune --omit=dev
//! FROM node:22-slim
//! WORKDIR /app
//! COPY --from=build /app /app
//! ```
//! After:
//! ```dockerfile
//! FROM node:22 AS build-base
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci
//!
//! FROM build-base AS packages
//! RUN npm prune --omit=dev
//!
//! FROM build-base AS build
//! COPY . .
//! RUN npm run build && rm -rf node_modules
//! FROM node:22-slim
//! WORKDIR /app
//! COPY --from=packages /app/node_modules /app/node_modules
//! COPY --from=build /app /app
//! ```
//! A part of `own-stage`, beside `own_packages`: the command itself is kept, and runs on what the same install has made.
//! Where another stage has made that, the new one goes on from it.
//!
//! Never: writes the command anew, passes over a sign that the build works on the packages.

mod command;
mod edits;
mod ground;
mod signs;

use super::super::candidate::{Candidate, Safety};
use super::super::installs::StageView;
use super::super::lift::declare;
use super::super::targets::built_alone;
use super::own_packages::{
    Border, Taker, cut_out, edits, free_name, is_of_node, is_shared, only_builds, prepares, takers,
};
use super::own_stage::RULE;
use command::Prune;
use ground::Ground;

/// The candidate of a stage that others take files from.
pub(in crate::restructure::rules) fn pruned(
    stages: &[StageView<'_>],
    of: &StageView<'_>,
) -> Option<Candidate> {
    let view = of.view;
    let name = of.stage.name.as_deref()?;
    let prune = Prune::only(of)?;
    let ground = Ground::of(stages, of, &prune)?;
    if built_alone(view, name).is_some()
        || !ground.is_same(of, &prune)
        || !command::is_last(of, &prune)
    {
        return None;
    }
    let takers = takers(of, ground.install)?;
    let own = free_name(view, &["packages".to_owned(), format!("{name}-packages")])?;
    let line = of.stage.instructions[prune.run].lines.first;
    let mut candidate = Candidate::new(
        RULE.id,
        format!("install the packages of the image (line {line}) in a stage of their own"),
    );
    candidate.edits = ground.edits(of, &prune, &own, &takers)?;
    candidate.changes_image = true;
    candidate.lines = vec![of.stage.instructions[prune.run].lines];
    let image = ground.of.image_at(ground.install.run);
    let reads = ground.install.reads.iter();
    let reads = |p: &_| {
        reads
            .clone()
            .any(|to| image.get(to).is_some_and(|b| b.from == *p))
    };
    candidate.rationale = format!(
        "Line {line} takes packages out again after each build, though what is left follows from manifests alone, which {} of {} builds changed. In a stage of its own that stands beside the build.",
        view.n_touching(reads),
        view.n_builds()
    );
    let left = (!prune.clears).then(|| {
        format!(
            "check that the build leaves nothing in {}/node_modules that the image needs",
            ground.install.dir
        )
    });
    let others = ground.between.clone().filter(|&n| n != prune.run);
    let others = others.filter(|&n| !only_builds(&of.stage.instructions[n]));
    let others = others.map(|n| {
        let line = of.stage.instructions[n].lines.first;
        format!("check that line {line} prepares nothing for the install")
    });
    candidate.safety = Safety::of(
        vec![format!(
            "it runs as it is, on what the same install makes of the same manifests, and others take {}/node_modules of it",
            ground.install.dir
        )],
        left.into_iter().chain(others).collect(),
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}
