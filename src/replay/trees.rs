//! The file systems that vertices leave, made where somebody looks, as far as git can tell.

use super::evaluate::Evaluation;
use super::filters;
use super::marks;
use super::settings::RunOutputs;
use crate::builder::{Effect, VertexInput, VertexSource};
use crate::context::{ContentId, Node, Selector, copy_into};
use crate::graph::Step;
use crate::tree::RepoPath;

impl Evaluation<'_> {
    /// The file system that a vertex leaves, as far as it can be known.
    pub(super) fn tree(&mut self, v: usize) -> Node {
        for vertex in self.trees_below(v) {
            let tree = self.build_tree(vertex);
            self.fates.list[vertex].tree = Some(tree);
        }
        self.fates.list[v]
            .tree
            .clone()
            .expect("the tree was just built")
    }

    /// The vertices whose trees `v`'s is made of and that are not made yet, inputs first.
    fn trees_below(&self, v: usize) -> Vec<usize> {
        let mut wanted = std::collections::BTreeSet::new();
        let mut next = vec![v];
        while let Some(v) = next.pop() {
            if self.fates.list[v].tree.is_some() || !wanted.insert(v) {
                continue;
            }
            let vertex = &self.prepared.plan.vertices[v];
            match (&vertex.effect, self.prepared.outputs[v]) {
                (Effect::Image(_) | Effect::File(..), _) => {}
                (Effect::Run | Effect::Mkdir(_) | Effect::Nothing | Effect::Setting, _) => {
                    next.extend(vertex.inputs.first().and_then(VertexInput::vertex))
                }
                (Effect::Copy(_) | Effect::Merge, _) => {
                    next.extend(vertex.inputs.iter().filter_map(VertexInput::vertex))
                }
            }
        }
        wanted.into_iter().collect()
    }

    fn build_tree(&self, v: usize) -> Node {
        let vertex = &self.prepared.plan.vertices[v];
        let input = |i: usize| {
            let source = vertex.inputs.get(i).and_then(VertexInput::vertex);
            source
                .and_then(|s| self.fates.list[s].tree.clone())
                .unwrap_or_else(Node::empty_dir)
        };
        match &vertex.effect {
            Effect::Image(image) => image_tree(image),
            Effect::File(name, bytes) => {
                let mut tree = Node::empty_dir();
                tree.put(&RepoPath::new(name), Node::of_bytes(bytes.as_bytes()));
                tree
            }
            Effect::Nothing | Effect::Setting => input(0),
            Effect::Mkdir(path) => {
                let mut tree = input(0);
                tree.make_dirs(&RepoPath::new(path));
                tree
            }
            Effect::Run => {
                let outputs = self.prepared.outputs[v];
                let token = match outputs {
                    RunOutputs::Stable => "run".to_owned(),
                    RunOutputs::Changing => format!(
                        "run {}",
                        self.fates.list[v]
                            .key
                            .map_or(0, |k| self.store.record(k).execution)
                    ),
                };
                let mut tree = input(0);
                let (token, paths) = (
                    ContentId::of_bytes(token.as_bytes()),
                    &self.prepared.marks[v],
                );
                let known = self.prepared.filter(v, self.filters).and_then(|files| {
                    let dir = working_directory(self.prepared.plan.step(v));
                    filters::apply(&tree, paths, files, dir.as_deref(), token)
                });
                if let Some(filtered) = known {
                    return filtered;
                }
                let work = self.prepared.work(v, self.filters);
                if let Some(worked) =
                    work.and_then(|work| self.filters.worked(work.as_ref(), &tree))
                {
                    return worked;
                }
                marks::apply(&mut tree, paths, token, outputs);
                tree
            }
            Effect::Merge => {
                let mut tree = input(0);
                tree.merge(&RepoPath::root(), &input(1));
                tree
            }
            Effect::Copy(copy) => {
                let mut tree = if copy.based {
                    input(0)
                } else {
                    Node::empty_dir()
                };
                for group in copy.sources.chunk_by(|a, b| a.0 == b.0) {
                    let source = match vertex.inputs[group[0].0].source {
                        VertexSource::Context => self.context.root().clone(),
                        VertexSource::Vertex(_) => input(group[0].0),
                    };
                    let selectors: Vec<Selector> = group.iter().map(|(_, s)| s.clone()).collect();
                    // A source that is not there was refused when its content was read.
                    let _ = copy_into(
                        &mut tree,
                        &copy.destination,
                        &source,
                        &selectors,
                        &copy.options,
                    );
                }
                tree
            }
        }
    }
}

/// Where a RUN runs, as far as the builder's steps tell.
pub(super) fn working_directory(step: &Step) -> Option<String> {
    let parts = step.definition.parts();
    let found = parts.iter().find(|(what, _)| what == "working directory");
    found.map(|(_, dir)| dir.clone())
}

/// An image's files are not in git. A file at one path is taken to be the same in every image, as a caveat says;
/// the image as a whole is not.
fn image_tree(image: &str) -> Node {
    let mut tree = Node::backed_dir(ContentId::of_bytes(b"image"));
    tree.put(&RepoPath::new(".image"), Node::of_bytes(image.as_bytes()));
    tree
}
