//! Stage by stage from instructions to vertices; equal ones become one.

use super::copy::owner;
use super::names::{Object, Shown};
use crate::builder::vertex::{Effect, Plan, Vertex, VertexInput, VertexSource};
use crate::context::ContentId;
use crate::dockerfile::ast::Kind;
use crate::graph::{Action, BUILD_PLATFORM, Base, Definition, Lowered, LoweredStage, Lowering};
use crate::graph::{State, Step, StepId};
use crate::replay::Steps;
use rustc_hash::FxBuildHasher;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The vertices of a lowered Dockerfile.
pub fn plan(lowering: &Lowering) -> Plan {
    let mut planner = Planner {
        lowering,
        vertices: Vec::new(),
        fulls: Vec::new(),
        known: FxHashMap::default(),
        env: None,
        ends: BTreeMap::new(),
        objects: Vec::new(),
        end_objects: BTreeMap::new(),
    };
    for stage in &lowering.stages {
        planner.stage(stage);
    }
    planner.finish()
}

/// Instructions on their way to vertices.
pub(super) struct Planner<'a> {
    pub(super) lowering: &'a Lowering<'a>,
    pub(super) vertices: Vec<Vertex>,
    /// What tells each vertex apart beside what is in it: what is not in the key (the directory of a COPY source).
    pub(super) fulls: Vec<String>,
    /// Vertices by a hash of everything in the operation, the names of its inputs included: equal ones are one.
    pub(super) known: FxHashMap<u64, Vec<usize>>,
    /// Last vertex of each stage, by position in the file; `None` for the empty file system.
    pub(super) ends: BTreeMap<usize, Option<usize>>,
    /// The environment met last, and what stands for it.
    pub(super) env: Option<(Arc<State>, ContentId)>,
    /// Every instruction's own vertex before equal ones became one: what decides under which name it is shown.
    pub(super) objects: Vec<Object>,
    /// Last object of each stage.
    pub(super) end_objects: BTreeMap<usize, Option<usize>>,
}

/// A stage being planned.
pub(super) struct Stage<'a> {
    pub(super) lowered: &'a LoweredStage<'a>,
    pub(super) printed: Option<String>,
    pub(super) platform: String,
    pub(super) total: usize,
    pub(super) index: usize,
    /// The vertex that the next one is built on; `None` for the empty file system.
    pub(super) current: Option<usize>,
    /// The same as an object.
    pub(super) object: Option<usize>,
    /// Set where the base cannot be known.
    pub(super) unknown: Option<String>,
}

impl<'a> Planner<'a> {
    pub(super) fn stage(&mut self, lowered: &'a LoweredStage<'a>) {
        let mut stage = Stage {
            lowered,
            printed: self.lowering.named.then(|| {
                lowered
                    .name
                    .clone()
                    .unwrap_or_else(|| format!("stage-{}", lowered.index))
            }),
            platform: lowered
                .platform
                .clone()
                .unwrap_or_else(|| BUILD_PLATFORM.to_owned()),
            total: count(lowered),
            index: 0,
            current: None,
            object: None,
            unknown: None,
        };
        match &lowered.base {
            Base::Scratch => {}
            Base::Stage(parent) => {
                stage.current = self.ends.get(parent).copied().flatten();
                stage.object = self.end_objects.get(parent).copied().flatten();
            }
            Base::Image(image) => self.image_stage(&mut stage, image),
            Base::Unknown(why) => {
                stage.unknown = Some(why.clone());
                self.image_stage(&mut stage, &lowered.from.original);
            }
        }
        for instruction in &lowered.instructions {
            match &instruction.action {
                Action::Run(run) => self.run(&mut stage, instruction, run),
                Action::Copy(copy) => self.copy(&mut stage, instruction, copy),
                Action::Workdir(path) => self.workdir(&mut stage, instruction, path),
                Action::Meta(_) => {}
            }
        }
        self.ends.insert(lowered.index, stage.current);
        self.end_objects.insert(lowered.index, stage.object);
    }

    pub(super) fn image_stage(&mut self, stage: &mut Stage<'_>, image: &str) {
        stage.index = 1;
        let from = &stage.lowered.from;
        let shown = Shown {
            index: 1,
            instruction: "FROM".to_owned(),
            text: format!("FROM {image}"),
            command: String::new(),
            lines: from.lines,
            definition: Definition::Parts(vec![
                ("image".to_owned(), image.to_owned()),
                ("platform".to_owned(), stage.platform.clone()),
            ]),
        };
        let vertex = Vertex {
            unknown: stage.unknown.clone(),
            ..Vertex::image(image, &stage.platform)
        };
        self.advance(stage, shown, vertex, "", &[]);
    }

    /// Adds a vertex, or finds the equal one. `full` is what tells operations apart that have one cache key (the
    /// directory of a COPY source); `inputs` are the objects it is built on and reads.
    pub(super) fn add(
        &mut self,
        stage: &Stage<'_>,
        shown: Shown,
        vertex: Vertex,
        full: &str,
        inputs: Vec<usize>,
    ) -> usize {
        let step = Step {
            stage: stage.printed.clone(),
            stage_index: stage.lowered.index,
            index: shown.index,
            total: stage.total,
            lines: shown.lines,
            instruction: shown.instruction,
            text: shown.text,
            command: shown.command,
            inputs: vertex.inputs.iter().map(VertexInput::of_step).collect(),
            definition: shown.definition,
        };
        let vertex = self.place(vertex, full);
        self.objects.push(Object {
            vertex,
            step: Some(step),
            inputs,
        });
        vertex
    }

    /// The position of this vertex or of the equal one.
    pub(super) fn place(&mut self, vertex: Vertex, full: &str) -> usize {
        let sources = |vertex: &Vertex| -> Vec<VertexSource> {
            vertex.inputs.iter().map(|input| input.source).collect()
        };
        let hash = FxBuildHasher.hash_one((vertex.key, sources(&vertex), full));
        let alike = self.known.entry(hash).or_default();
        let is_equal = |&&v: &&usize| {
            let other = &self.vertices[v];
            other.key == vertex.key
                && other.unknown == vertex.unknown
                && self.fulls[v] == full
                && sources(other) == sources(&vertex)
        };
        if let Some(&known) = alike.iter().find(is_equal) {
            return known;
        }
        alike.push(self.vertices.len());
        self.vertices.push(vertex);
        self.fulls.push(full.to_owned());
        self.vertices.len() - 1
    }

    /// Adds the stage's next vertex.
    pub(super) fn advance(
        &mut self,
        stage: &mut Stage<'_>,
        shown: Shown,
        vertex: Vertex,
        full: &str,
        reads: &[usize],
    ) {
        let read = reads
            .iter()
            .filter_map(|s| self.end_objects.get(s).copied().flatten());
        let inputs = stage.object.into_iter().chain(read).collect();
        stage.current = Some(self.add(stage, shown, vertex, full, inputs));
        stage.object = Some(self.objects.len() - 1);
    }

    pub(super) fn workdir(&mut self, stage: &mut Stage<'_>, instruction: &Lowered, path: &str) {
        if path == "/" {
            return;
        }
        let state = &instruction.before;
        let definition = vec![
            ("path".to_owned(), path.to_owned()),
            ("user".to_owned(), state.user.clone()),
            (
                "argument SOURCE_DATE_EPOCH".to_owned(),
                state.epoch.clone().unwrap_or_default(),
            ),
        ];
        let key = format!("mkdir {:?}", (path, owner(&state.user), &state.epoch));
        let shown = self.shown(stage, instruction, definition);
        let vertex = Vertex {
            unknown: stage.unknown.clone(),
            ..Vertex::on(stage.current, &key, Effect::Mkdir(path.to_owned()))
        };
        self.advance(stage, shown, vertex, "", &[]);
    }

    pub(super) fn finish(mut self) -> Plan {
        let steps = self.name_steps();
        let target = self.ends.get(&self.lowering.target).copied().flatten();
        let edges: Vec<Vec<usize>> = self
            .vertices
            .iter()
            .map(|v| v.inputs.iter().filter_map(VertexInput::vertex).collect())
            .collect();
        let needed = target.map_or_else(
            || vec![false; edges.len()],
            |t| crate::graph::dag::reachable(&edges, t),
        );
        let shown = (0..steps.len())
            .filter(|&i| needed[i] && steps[i].index > 0)
            .map(StepId)
            .collect();
        Plan {
            steps: Arc::new(Steps { steps, shown }),
            vertices: self.vertices,
            target,
            in_order: false,
        }
    }
}

impl VertexInput {
    /// The vertex it comes from, if it is one.
    pub fn vertex(&self) -> Option<usize> {
        match self.source {
            VertexSource::Vertex(v) => Some(v),
            VertexSource::Context => None,
        }
    }
}

/// `N` of `[i/N]`: FROM an image, RUN, COPY, ADD, WORKDIR (`/` too), and every ONBUILD trigger.
fn count(stage: &LoweredStage) -> usize {
    let counted = |i: &&Lowered| {
        i.trigger
            || matches!(
                i.instruction.kind,
                Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_)
            )
    };
    let from = usize::from(matches!(stage.base, Base::Image(_) | Base::Unknown(_)));
    from + stage.instructions.iter().filter(counted).count()
}
