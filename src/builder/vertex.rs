//! A build as a builder sees it: vertices with what enters their key, what they read and what they leave behind.
//!
//! Each profile turns a [`crate::graph::Lowering`] into a [`Plan`]; the replay evaluates any plan in the same way.

use super::key::digest;
use crate::context::ContentId;
use crate::context::CopyOptions;
use crate::context::Reading;
use crate::context::Selector;
use crate::graph::{Input, Origin, Step, StepId};
use crate::replay::Steps;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything a replay needs of one Dockerfile under one set of arguments.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is shown; `steps.steps[i]` belongs to `vertices[i]`.
    pub steps: Arc<Steps>,
    /// The vertices, inputs first.
    pub vertices: Vec<Vertex>,
    /// What is built: the target stage's last vertex. `None` when there is none (an empty stage on scratch).
    pub target: Option<usize>,
    /// Every vertex is looked up in order and runs at once if it is not found, needed or not (builders without a graph).
    pub in_order: bool,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Vertex {
    /// What the operation contributes to its cache key, by its digest: equal texts are equal keys.
    pub key: ContentId,
    /// What it is built on and what it reads.
    pub inputs: Vec<VertexInput>,
    /// What it leaves behind.
    pub effect: Effect,
    /// Why its result cannot be known from git, if so.
    pub unknown: Option<String>,
}

/// One input of a vertex.
#[derive(Clone, Debug)]
pub struct VertexInput {
    /// Where it comes from.
    pub source: VertexSource,
    /// `None`: matched by its key alone. `Some`: matched by the content of these selectors too.
    pub read: Option<Arc<[Selector]>>,
    /// The paths read, by their digest, which stand beside the input's key where it is matched by key.
    pub paths: ContentId,
    /// How the content is digested.
    pub reading: Reading,
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VertexSource {
    /// Another vertex, by position.
    Vertex(usize),
    /// The build context, which has no key of its own: it always matches by content.
    Context,
}

/// What a vertex leaves behind, for those who read its files.
#[derive(Clone, Debug)]
pub enum Effect {
    /// An image.
    Image(String),
    /// One file with these bytes (a heredoc, a pinned download).
    File(String, String),
    /// A directory, made on top of the base.
    Mkdir(String),
    /// Files copied on top of the base.
    Copy(CopyEffect),
    /// Whatever the process leaves on top of the base.
    Run,
    /// The second input's files on top of the first's (`--link`).
    Merge,
    /// The base's files unchanged (an instruction that only changes the image's config).
    Nothing,
    /// No files, and never looked up: it takes place at every build (the classic builder's ARG before FROM).
    Setting,
}

/// Where copied files land.
#[derive(Clone, Debug)]
pub struct CopyEffect {
    /// For each source in written order: which input it is taken from, and which part of it.
    pub sources: Vec<(usize, Selector)>,
    /// Absolute destination, a trailing slash kept.
    pub destination: String,
    /// What changes the copied files besides where they land.
    pub options: CopyOptions,
    /// Whether input 0 is the base (false for `--link` and on scratch).
    pub based: bool,
}

impl VertexInput {
    /// What a vertex is built on: its files as they are.
    pub(super) fn base(vertex: usize) -> Self {
        Self {
            source: VertexSource::Vertex(vertex),
            read: None,
            paths: digest(""),
            reading: Reading::default(),
        }
    }

    /// The same as an input of the step.
    pub(super) fn of_step(&self) -> Input {
        let origin = match self.source {
            VertexSource::Context => Origin::Context,
            VertexSource::Vertex(v) => Origin::Step(StepId(v)),
        };
        Input {
            origin,
            selectors: self.read.clone(),
        }
    }
}

impl Vertex {
    /// An operation whose key is the digest of `key`, built on `base` (`None`: on the empty file system).
    pub(super) fn on(base: Option<usize>, key: &str, effect: Effect) -> Self {
        Self {
            key: digest(key),
            inputs: base.into_iter().map(VertexInput::base).collect(),
            effect,
            unknown: None,
        }
    }

    /// The layers of an image. Without a registry its reference stands for them, a digest if it has one.
    pub(super) fn image(image: &str, platform: &str) -> Self {
        let identity = image.rsplit_once('@').map_or(image, |(_, digest)| digest);
        let key = format!("image {:?}", (identity, platform));
        Self::on(None, &key, Effect::Image(image.to_owned()))
    }

    /// The inputs that are read from the build context, by position.
    pub fn context_inputs(&self) -> impl Iterator<Item = usize> {
        let is_context = |i: &usize| self.inputs[*i].source == VertexSource::Context;
        (0..self.inputs.len()).filter(is_context)
    }
}

impl VertexSource {
    /// The last vertex of a stage; `None` for the empty file system.
    pub(super) fn end(ends: &BTreeMap<usize, Option<usize>>, stage: usize) -> Option<Self> {
        ends.get(&stage).copied().flatten().map(Self::Vertex)
    }
}

impl Plan {
    /// The step of a vertex.
    pub fn step(&self, vertex: usize) -> &Step {
        &self.steps.steps[vertex]
    }
}
