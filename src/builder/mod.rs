//! What enters a cache key, per builder.
//!
//! Never: reads the history.

pub mod buildkit;
mod vertex;

pub use vertex::CopyEffect;
pub use vertex::Effect;
pub use vertex::Plan;
pub use vertex::Vertex;
pub use vertex::VertexInput;
pub use vertex::VertexSource;

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
