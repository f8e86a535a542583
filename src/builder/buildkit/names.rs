//! Which step a vertex is shown as.

use super::planner::{Planner, Stage};
use crate::builder::vertex::Vertex;
use crate::dockerfile::Lines;
use crate::graph::{Action, Definition, Lowered, Step};

/// One instruction's vertex before equal ones became one.
pub(super) struct Object {
    pub(super) vertex: usize,
    /// Taken by the vertex that is shown under it.
    pub(super) step: Option<Step>,
    /// What it is built on and what it reads, as objects, in the order of its inputs.
    pub(super) inputs: Vec<usize>,
}

/// What a new vertex is shown as.
pub(super) struct Shown {
    pub(super) index: usize,
    pub(super) instruction: String,
    pub(super) text: String,
    pub(super) command: String,
    pub(super) lines: Lines,
    pub(super) definition: Definition,
}

impl Planner<'_> {
    /// The step of each vertex. Equal vertices are shown once, under the name that is marshalled last: inputs before
    /// what reads them, from the target (client/llb/state.go `marshal`, `mergeMetadata`).
    pub(super) fn name_steps(&mut self) -> Vec<Step> {
        let mut named: Vec<Option<usize>> = vec![None; self.vertices.len()];
        let is_shown = |object: &Object| object.step.as_ref().is_some_and(|s| s.index > 0);
        for (n, object) in self.objects.iter().enumerate() {
            named[object.vertex].get_or_insert(n);
        }
        let target = self
            .end_objects
            .get(&self.lowering.target)
            .copied()
            .flatten();
        let mut seen = vec![false; self.objects.len()];
        let mut stack: Vec<(usize, usize)> = target.map(|t| (t, 0)).into_iter().collect();
        while let Some((object, next)) = stack.pop() {
            match self.objects[object].inputs.get(next).copied() {
                Some(input) => {
                    stack.push((object, next + 1));
                    if !std::mem::replace(&mut seen[input], true) {
                        stack.push((input, 0));
                    }
                }
                None if is_shown(&self.objects[object]) => {
                    named[self.objects[object].vertex] = Some(object)
                }
                None => {}
            }
        }
        let objects = named
            .into_iter()
            .map(|n| n.expect("every vertex was made for an object"));
        objects
            .map(|n| {
                self.objects[n]
                    .step
                    .take()
                    .expect("an object belongs to one vertex")
            })
            .collect()
    }

    /// A vertex that is not shown: an image that is copied from, a heredoc, a download.
    pub(super) fn hidden(
        &mut self,
        stage: &Stage<'_>,
        instruction: &Lowered,
        text: &str,
        vertex: Vertex,
    ) -> usize {
        self.add(stage, hidden(instruction, text), vertex, "", Vec::new())
    }

    pub(super) fn shown(
        &self,
        stage: &mut Stage<'_>,
        instruction: &Lowered,
        definition: impl Into<Definition>,
    ) -> Shown {
        stage.index += 1;
        let own = &instruction.instruction;
        Shown {
            index: stage.index,
            instruction: own.keyword.to_owned(),
            text: if instruction.trigger {
                format!("ONBUILD {}", instruction.text)
            } else {
                instruction.text.clone()
            },
            command: match &instruction.action {
                Action::Run(run) => run.command_text(),
                _ => String::new(),
            },
            // A trigger is shown at the FROM that sets it off.
            lines: if instruction.trigger {
                stage.lowered.from.lines
            } else {
                own.lines
            },
            definition: definition.into(),
        }
    }
}

pub(super) fn hidden(instruction: &Lowered, text: &str) -> Shown {
    Shown {
        index: 0,
        instruction: instruction.instruction.keyword.to_owned(),
        text: text.to_owned(),
        command: String::new(),
        lines: instruction.instruction.lines,
        definition: Definition::Parts(vec![("source".to_owned(), text.to_owned())]),
    }
}
