//! What enters a cache key, per builder.
//!
//! Never: reads the history.

mod build_args;
pub mod buildah;
pub mod buildkit;
pub mod classic;
pub mod kaniko;
mod key;
mod sequential;
mod vertex;

pub use vertex::CopyEffect;
pub use vertex::Effect;
pub use vertex::Plan;
pub use vertex::Vertex;
pub use vertex::VertexInput;
pub use vertex::VertexSource;

use crate::context;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::Error;
use crate::graph::Lowering;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// The program modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Builder {
    /// BuildKit with its Dockerfile frontend (moby/buildkit 73ed682, August 2026).
    BuildKit,
    /// The builder before BuildKit (Docker Engine 20.10, `DOCKER_BUILDKIT=0`).
    Classic,
    /// Buildah `bud --layers` (1.28).
    Buildah,
    /// kaniko, read from source (236ba56), not checked against a run.
    Kaniko,
}

/// The vertices of a lowered Dockerfile, as this builder makes and keys them.
///
/// # Errors
/// What this builder refuses though BuildKit takes it.
pub fn plan(
    builder: Builder,
    dockerfile: &Dockerfile,
    build_args: &BTreeMap<String, String>,
    lowering: &Lowering,
) -> Result<Plan, Error> {
    match builder {
        Builder::BuildKit => Ok(buildkit::plan(lowering)),
        Builder::Classic => classic::plan(dockerfile, build_args, lowering),
        Builder::Buildah => buildah::plan(dockerfile, build_args, lowering),
        Builder::Kaniko => Ok(kaniko::plan(dockerfile, build_args, lowering)),
    }
}

/// Whether stages that the target does not need are built as well.
pub fn builds_all_stages(builder: Builder) -> bool {
    match builder {
        Builder::Classic | Builder::Kaniko => true,
        Builder::BuildKit | Builder::Buildah => false,
    }
}

/// What a fresh runner finds of the caches of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// An export of the last build, which overwrites the one before.
    LastBuild,
    /// One image for each step ever built (Buildah's `--cache-to`, kaniko's `--cache-repo`).
    AllBuilds,
    /// Nothing.
    Nothing,
}

/// What this builder's way of carrying a cache to the next runner keeps.
pub fn carried(builder: Builder) -> Carried {
    match builder {
        Builder::BuildKit => Carried::LastBuild,
        Builder::Classic => Carried::Nothing,
        Builder::Buildah | Builder::Kaniko => Carried::AllBuilds,
    }
}

/// The ignore files that the builder looks for, the one that goes first first.
pub fn ignore_files(builder: Builder, dockerfile: &RepoPath, context: &RepoPath) -> Vec<RepoPath> {
    match builder {
        Builder::BuildKit | Builder::Kaniko => context::ignore_files(dockerfile, context),
        Builder::Classic => context::ignore_files_of_classic(context),
        Builder::Buildah => context::ignore_files_of_buildah(dockerfile, context),
    }
}
