//! What the builders without a graph share: they go line by line, each step built on the one before.

use super::buildkit::{destination, selector};
use super::key::digest;
use super::vertex::{CopyEffect, Effect, Plan, Vertex, VertexInput, VertexSource};
use crate::context::{CopyOptions, Reading};
use crate::graph::{
    Base, CopyAction, CopySource, Definition, Lowered, LoweredStage, Lowering, MountFrom, Step,
    StepId,
};
use crate::replay::Steps;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a step is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The stage as printed.
    pub(super) stage: Option<String>,
    /// The stage's position in the file.
    pub(super) stage_index: usize,
    /// `n` of `n/m`; 0 for what is not shown.
    pub(super) index: usize,
    /// `m` of `n/m`.
    pub(super) total: usize,
}

/// Steps in the making.
pub(super) struct Sequence<'a> {
    lowering: &'a Lowering<'a>,
    vertices: Vec<Vertex>,
    steps: Vec<Step>,
    /// Last vertex of each stage, by position in the file; `None` for the empty file system.
    ends: BTreeMap<usize, Option<usize>>,
}

impl<'a> Sequence<'a> {
    /// Nothing yet.
    pub(super) fn new(lowering: &'a Lowering<'a>) -> Self {
        Self {
            lowering,
            vertices: Vec::new(),
            steps: Vec::new(),
            ends: BTreeMap::new(),
        }
    }

    /// An instruction as a step without definition and inputs.
    pub(super) fn step(place: Place, instruction: &crate::dockerfile::ast::Instruction) -> Step {
        Step {
            stage: place.stage,
            stage_index: place.stage_index,
            index: place.index,
            total: place.total,
            lines: instruction.lines,
            instruction: instruction.keyword.to_owned(),
            text: instruction.original.clone(),
            command: String::new(),
            inputs: Vec::new(),
            definition: Definition::default(),
        }
    }

    /// Adds a step with its vertex.
    pub(super) fn add(&mut self, mut step: Step, vertex: Vertex) -> usize {
        step.inputs = vertex.inputs.iter().map(VertexInput::of_step).collect();
        self.vertices.push(vertex);
        self.steps.push(step);
        self.vertices.len() - 1
    }

    /// FROM: adds its step and returns what the stage's first instruction is built on.
    pub(super) fn from(&mut self, place: Place, stage: &LoweredStage) -> Option<usize> {
        let mut step = Self::step(place, stage.from);
        let platform = stage.platform.clone().unwrap_or_default();
        match &stage.base {
            Base::Image(name) => {
                step.definition = vec![("image".to_owned(), name.clone())].into();
                Some(self.add(step, Vertex::image(name, &platform)))
            }
            Base::Unknown(why) => {
                let vertex = Vertex {
                    unknown: Some(why.clone()),
                    ..Vertex::image(&stage.from.original, &platform)
                };
                Some(self.add(step, vertex))
            }
            // The stage's own layers are what the next step is built on; this one is only shown.
            Base::Stage(parent) => {
                let end = self.ends.get(parent).copied().flatten();
                self.add(step, Vertex::on(end, "from", Effect::Nothing));
                end
            }
            Base::Scratch => {
                self.add(step, Vertex::on(None, "scratch", Effect::Nothing));
                None
            }
        }
    }

    /// COPY or ADD: `key` is completed by what is not in the files.
    pub(super) fn copy(
        &mut self,
        current: Option<usize>,
        lowered: &Lowered,
        copy: &CopyAction,
        mut key: String,
        reading: Reading,
    ) -> Vertex {
        let mut inputs: Vec<VertexInput> = current.into_iter().map(VertexInput::base).collect();
        let mut selectors = Vec::new();
        let mut unknown = None;
        for source in &copy.sources {
            match source {
                CopySource::Path(path) => selectors.push(selector(path, copy)),
                CopySource::Inline(name, body) => key = format!("{key} {:?}", (name, body)),
                CopySource::Http(url) | CopySource::Git(url) => {
                    unknown = Some(format!("git does not hold what {url} answers"))
                }
            }
        }
        let slot = inputs.len();
        if let (Some(source), false) = (self.source(lowered, &copy.from), selectors.is_empty()) {
            let paths: Vec<&str> = selectors.iter().map(|s| s.path.as_str()).collect();
            inputs.push(VertexInput {
                source,
                paths: digest(&paths.join("\n")),
                read: Some(selectors.as_slice().into()),
                reading,
            });
        }
        let flag = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        let effect = Effect::Copy(CopyEffect {
            sources: if slot < inputs.len() {
                selectors.into_iter().map(|s| (slot, s)).collect()
            } else {
                Vec::new()
            },
            destination: destination(&lowered.before.cwd, &copy.destination),
            options: CopyOptions {
                chmod: flag(&copy.chmod),
                chown: flag(&copy.chown),
                unpack: copy.add,
            },
            based: current.is_some(),
        });
        Vertex {
            key: digest(&key),
            inputs,
            effect,
            unknown,
        }
    }

    /// What files are taken from; an image gets a vertex of its own that is not shown.
    fn source(&mut self, lowered: &Lowered, from: &MountFrom) -> Option<VertexSource> {
        match from {
            MountFrom::Context => Some(VertexSource::Context),
            MountFrom::Scratch => None,
            MountFrom::Stage(index) => VertexSource::end(&self.ends, *index),
            MountFrom::Image(image) => {
                let mut step = Self::step(Place::default(), lowered.instruction);
                step.text = format!("FROM {image}");
                Some(VertexSource::Vertex(
                    self.add(step, Vertex::image(image, "")),
                ))
            }
        }
    }

    /// A stage is done.
    pub(super) fn end(&mut self, stage: &LoweredStage, current: Option<usize>) {
        self.ends.insert(stage.index, current);
    }

    /// The whole.
    pub(super) fn finish(self) -> Plan {
        let target = self.ends.get(&self.lowering.target).copied().flatten();
        let shown = (0..self.steps.len())
            .filter(|&i| self.steps[i].index > 0)
            .map(StepId)
            .collect();
        Plan {
            steps: Arc::new(Steps {
                steps: self.steps,
                shown,
            }),
            vertices: self.vertices,
            target,
            in_order: true,
        }
    }
}
