//! Where files come from: a stage, an image, a heredoc, a download.

use super::planner::{PLATFORM, Planner, Stage};
use crate::builder::key::digest;
use crate::builder::vertex::{Effect, Vertex, VertexSource};
use crate::context::ContentId;
use crate::graph::{Lowered, MountFrom};

impl Planner<'_> {
    /// The vertex that files are taken from.
    pub(super) fn source(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        from: &MountFrom,
    ) -> Option<VertexSource> {
        match from {
            MountFrom::Context => Some(VertexSource::Context),
            MountFrom::Scratch => None,
            MountFrom::Stage(index) => self
                .ends
                .get(index)
                .copied()
                .flatten()
                .map(VertexSource::Vertex),
            MountFrom::Image(image) => {
                let vertex = Vertex {
                    key: image_key(image, PLATFORM),
                    inputs: Vec::new(),
                    effect: Effect::Image(image.clone()),
                    unknown: None,
                };
                Some(VertexSource::Vertex(self.hidden(
                    stage,
                    instruction,
                    &format!("FROM {image}"),
                    vertex,
                )))
            }
        }
    }

    pub(super) fn inline(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        name: &str,
        bytes: &str,
        mode: &str,
    ) -> VertexSource {
        let vertex = Vertex {
            key: digest(&format!("mkfile {:?}", (name, bytes, mode))),
            inputs: Vec::new(),
            effect: Effect::File(name.to_owned(), bytes.to_owned()),
            unknown: None,
        };
        VertexSource::Vertex(self.hidden(
            stage,
            instruction,
            "[internal] preparing inline document",
            vertex,
        ))
    }

    pub(super) fn remote(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        url: &str,
        name: &str,
        checksum: &str,
    ) -> VertexSource {
        let unknown = checksum
            .is_empty()
            .then(|| format!("git does not hold what {url} answers; add --checksum to pin it"));
        let vertex = Vertex {
            key: digest(&format!("remote {:?}", (url, checksum))),
            inputs: Vec::new(),
            effect: Effect::File(name.to_owned(), checksum.to_owned()),
            unknown,
        };
        VertexSource::Vertex(self.hidden(stage, instruction, url, vertex))
    }
}

pub(super) fn stage_of(from: &MountFrom) -> Option<usize> {
    match from {
        MountFrom::Stage(index) => Some(*index),
        MountFrom::Context | MountFrom::Image(_) | MountFrom::Scratch => None,
    }
}

/// An image is known by its layers; without a registry its reference stands for them, a digest if it has one.
pub(in crate::builder) fn image_key(image: &str, platform: &str) -> ContentId {
    let identity = image.rsplit_once('@').map_or(image, |(_, digest)| digest);
    digest(&format!("image {:?}", (identity, platform)))
}
