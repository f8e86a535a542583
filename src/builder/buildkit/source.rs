//! Where files come from: a stage, an image, a heredoc, a download.

use super::planner::{Planner, Stage};
use crate::builder::vertex::{Effect, Vertex, VertexSource};
use crate::graph::{BUILD_PLATFORM, Lowered, MountFrom};

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
            MountFrom::Stage(index) => VertexSource::end(&self.ends, *index),
            MountFrom::Image(image) => {
                let vertex = Vertex::image(image, BUILD_PLATFORM);
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
        let key = format!("mkfile {:?}", (name, bytes, mode));
        let vertex = Vertex::on(None, &key, Effect::File(name.to_owned(), bytes.to_owned()));
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
        let key = format!("remote {:?}", (url, checksum));
        let effect = Effect::File(name.to_owned(), checksum.to_owned());
        let vertex = Vertex {
            unknown,
            ..Vertex::on(None, &key, effect)
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
