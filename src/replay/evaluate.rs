//! One build against a cache: which vertices are found, which run.
//!
//! Follows the solver's order of questions (moby/buildkit solver/edge.go, solver/cachemanager.go): a vertex is looked
//! up by the keys of its inputs; where that finds nothing, by the content of what it reads, for which the stage that
//! is read must be there; what is not found runs, after its inputs. A key that is found without a result runs only
//! when somebody needs its files, and keeps its key.

use super::filters::Filters;
use super::prepared::Prepared;
use super::settings::NotHeld;
use crate::builder::{Effect, VertexInput, VertexSource};
use crate::cache::{InputKey, KeyId, Link, NOT_HELD, Store};
use crate::context::{ContentId, ContextTree, Node, Reading, digest_as};
use crate::tree::RepoPath;
use std::sync::Arc;

/// What became of one vertex.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// Its key, once known.
    pub(super) key: Option<KeyId>,
    /// The key was found in the cache before anything ran for it.
    pub(super) found: bool,
    /// It ran.
    pub(super) executed: bool,
    /// Why its outcome cannot be known.
    pub(super) unknown: Option<Arc<str>>,
    /// Its files cannot be known, whatever its outcome.
    pub(super) murky: bool,
    /// The build that made the record it was found under.
    pub(super) hit_build: Option<usize>,
    /// What it left, where somebody looked.
    pub(super) tree: Option<Node>,
}

/// What became of all vertices of one build.
#[derive(Clone, Debug)]
pub(super) struct Fates {
    /// By vertex.
    pub(super) list: Vec<Fate>,
    /// The digest of each input's content where it was needed, all vertices' inputs one after the other.
    pub(super) contents: Vec<Option<ContentId>>,
}

impl Fates {
    /// What input `i` of vertex `v` was read as, if it was.
    pub(super) fn content(&self, prepared: &Prepared, v: usize, i: usize) -> Option<ContentId> {
        self.contents[prepared.offsets[v] + i]
    }

    /// Forgets the trees, which hold on to the context of their build.
    pub(super) fn without_trees(mut self) -> Self {
        self.list.iter_mut().for_each(|fate| fate.tree = None);
        self
    }
}

/// Evaluates one build. `last`: the build before, if it was of the same plan and nothing has been forgotten since.
pub(super) fn evaluate(
    prepared: &Prepared,
    store: &mut Store,
    context: &ContextTree,
    filters: &Filters,
    build: usize,
    last: Option<&Fates>,
) -> Fates {
    let vertices = &prepared.plan.vertices;
    let n_inputs = vertices.iter().map(|v| v.inputs.len()).sum();
    let fates = Fates {
        list: vec![Fate::default(); vertices.len()],
        contents: vec![None; n_inputs],
    };
    let mut evaluation = Evaluation {
        prepared,
        store,
        context,
        filters,
        build,
        fates,
        last,
    };
    let asked = !evaluation.all_as_last_time();
    for vertex in (0..vertices.len()).filter(|&v| asked && prepared.needed[v]) {
        evaluation.look_up(vertex);
        if prepared.plan.in_order {
            evaluation.materialize(vertex);
        }
    }
    if let Some(target) = prepared.plan.target {
        evaluation.materialize(target);
    }
    if !prepared.plan.in_order {
        evaluation.show_directories_on_nothing();
    }
    evaluation.fates
}

/// The keys whose layers make up the target's image: its chain of bases, with what `--link` merges into it.
pub(super) fn image_chain(prepared: &Prepared, fates: &Fates) -> Vec<KeyId> {
    let mut chain = Vec::new();
    let mut next: Vec<usize> = prepared.plan.target.into_iter().collect();
    while let Some(v) = next.pop() {
        chain.extend(fates.list[v].key);
        let vertex = &prepared.plan.vertices[v];
        let bases = vertex
            .inputs
            .iter()
            .filter(|i| i.read.is_none() || is_base(vertex.inputs.as_slice(), i, &vertex.effect));
        next.extend(bases.filter_map(VertexInput::vertex));
    }
    chain
}

/// The first input of a RUN is its base even where a mount of the same stage makes it matched by content.
fn is_base(inputs: &[VertexInput], input: &VertexInput, effect: &Effect) -> bool {
    matches!(effect, Effect::Run)
        && inputs
            .first()
            .is_some_and(|first| std::ptr::eq(first, input))
        && input.paths == ContentId::of_bytes(b"")
}

pub(super) struct Evaluation<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) store: &'a mut Store,
    pub(super) context: &'a ContextTree,
    pub(super) filters: &'a Filters,
    pub(super) build: usize,
    pub(super) fates: Fates,
    pub(super) last: Option<&'a Fates>,
}

impl Evaluation<'_> {
    /// WORKDIR on the empty file system has no input to be looked up by: it is announced as done while its key is
    /// made, and as cached only where a step on it must run and its record is loaded (as FROM is).
    fn show_directories_on_nothing(&mut self) {
        let vertices = &self.prepared.plan.vertices;
        for v in (0..vertices.len()).filter(|&v| {
            vertices[v].inputs.is_empty() && matches!(vertices[v].effect, Effect::Mkdir(_))
        }) {
            let runs = |u: usize| {
                self.fates.list[u].executed
                    && vertices[u].inputs.iter().any(|i| i.vertex() == Some(v))
            };
            let loaded = !self.fates.list[v].executed && (0..vertices.len()).any(runs);
            self.fates.list[v].executed = !loaded;
        }
    }

    /// Whether the context reads as in the build before, when everything had its key and nothing was in doubt: then
    /// every vertex is found as it was.
    fn all_as_last_time(&mut self) -> bool {
        let prepared = self.prepared;
        let Some(last) = self.last.filter(|_| prepared.is_regular) else {
            return false;
        };
        let is_known = |v: usize| last.list[v].key.is_some() && last.list[v].unknown.is_none();
        let needed = || (0..last.list.len()).filter(|&v| prepared.needed[v]);
        let same = needed().all(is_known)
            && prepared.context_inputs.iter().all(|&(v, i)| {
                self.read_content(v, i).is_ok()
                    && self.fates.content(prepared, v, i) == last.content(prepared, v, i)
            });
        if same {
            self.fates.contents.clone_from(&last.contents);
            needed().for_each(|v| self.found_again(v, last.list[v].key));
        }
        same
    }

    /// Its record is the one under the key of the build before.
    fn found_again(&mut self, v: usize, key: Option<KeyId>) {
        let fate = &mut self.fates.list[v];
        fate.key = key;
        fate.found = true;
        fate.hit_build = key.map(|key| self.store.record(key).build);
    }

    /// Finds the vertex's key, if the cache knows it. Inputs have been looked up before.
    fn look_up(&mut self, v: usize) {
        if matches!(self.prepared.plan.vertices[v].effect, Effect::Setting) {
            return;
        }
        let vertex = &self.prepared.plan.vertices[v];
        let mut unknown = self.why_unknown(v);
        for (i, input) in vertex.inputs.iter().enumerate() {
            if input.source == VertexSource::Context
                && let Err(why) = self.read_content(v, i)
            {
                unknown = unknown.or(Some(why.into()));
            }
        }
        if unknown.is_some() {
            // What is built on a step that runs anew runs too, whatever else it reads.
            let murky = self.misses_anyway(v);
            let fate = &mut self.fates.list[v];
            fate.unknown = unknown.filter(|_| !murky);
            fate.murky = true;
            return;
        }
        if self.as_last_time(v) || self.find(v) {
            return;
        }
        // Content of stages is asked for only where the other inputs leave a chance.
        let hopeless = vertex.inputs.iter().enumerate().any(|(i, input)| {
            let is_stage_read = input.read.is_some() && input.vertex().is_some();
            !is_stage_read && self.ways(v, i).next().is_none()
        });
        if hopeless {
            return;
        }
        for (i, input) in vertex.inputs.iter().enumerate() {
            if let (Some(_), Some(source)) = (&input.read, input.vertex()) {
                self.materialize(source);
                if let Err(why) = self.read_content(v, i) {
                    let fate = &mut self.fates.list[v];
                    fate.unknown = Some(why.into());
                    fate.murky = true;
                    return;
                }
            }
        }
        self.find(v);
    }

    /// Whether everything the vertex is known by is as in the build before; then so is its record.
    fn as_last_time(&mut self, v: usize) -> bool {
        let Some(last) = self.last else { return false };
        let Some(key) = last.list[v].key else {
            return false;
        };
        let same = self.prepared.plan.vertices[v]
            .inputs
            .iter()
            .enumerate()
            .all(|(i, input)| match input.source {
                VertexSource::Context => {
                    self.fates.content(self.prepared, v, i) == last.content(self.prepared, v, i)
                }
                VertexSource::Vertex(s) => self.fates.list[s]
                    .key
                    .is_some_and(|k| last.list[s].key == Some(k)),
            });
        if same {
            self.found_again(v, Some(key));
            let inputs = self.prepared.offsets[v]
                ..self.prepared.offsets[v] + self.prepared.plan.vertices[v].inputs.len();
            self.fates.contents[inputs.clone()].copy_from_slice(&last.contents[inputs]);
        }
        same
    }

    fn why_unknown(&self, v: usize) -> Option<Arc<str>> {
        let vertex = &self.prepared.plan.vertices[v];
        let of_input = |input: &VertexInput| {
            let fate = &self.fates.list[input.vertex()?];
            let murky = || {
                (fate.murky && input.read.is_some())
                    .then(|| "it reads files that git does not hold".into())
            };
            fate.unknown.clone().or_else(murky)
        };
        vertex
            .unknown
            .as_deref()
            .map(Arc::from)
            .or_else(|| vertex.inputs.iter().find_map(of_input))
    }

    /// Whether the vertex is built on one that is known to run anew.
    fn misses_anyway(&self, v: usize) -> bool {
        let vertex = &self.prepared.plan.vertices[v];
        let bases = vertex
            .inputs
            .iter()
            .filter(|i| i.read.is_none())
            .filter_map(VertexInput::vertex);
        vertex.unknown.is_none()
            && bases
                .map(|b| &self.fates.list[b])
                .any(|fate| fate.unknown.is_none() && fate.key.is_none())
    }

    /// Looks the vertex up by everything that is known of its inputs; a find adds the ways that were missing.
    fn find(&mut self, v: usize) -> bool {
        let (n_inputs, ways) = self.all_ways(v);
        let Some(id) = self.store.find(n_inputs, &ways) else {
            return false;
        };
        for link in ways {
            self.store.link(link, id);
        }
        let record = self.store.record(id);
        let fate = &mut self.fates.list[v];
        fate.key = Some(id);
        fate.found = true;
        fate.hit_build = Some(record.build);
        true
    }

    /// How many inputs there are to be known by (what has none counts as one), and how they are known so far.
    fn all_ways(&self, v: usize) -> (usize, Vec<Link>) {
        let n_inputs = self.prepared.plan.vertices[v].inputs.len();
        if n_inputs == 0 {
            let link = Link {
                op: self.prepared.ops[v],
                index: 0,
                input: InputKey::Nothing,
            };
            return (1, vec![link]);
        }
        (
            n_inputs,
            (0..n_inputs).flat_map(|i| self.ways(v, i)).collect(),
        )
    }

    /// How input `i` of `v` is known so far.
    fn ways(&self, v: usize, i: usize) -> impl Iterator<Item = Link> {
        let op = self.prepared.ops[v];
        let index = u32::try_from(i).unwrap_or(u32::MAX);
        let input = &self.prepared.plan.vertices[v].inputs[i];
        let key = input
            .vertex()
            .and_then(|source| self.fates.list[source].key);
        let by_key = key.map(|k| InputKey::Key(k, self.prepared.paths[v][i]));
        let by_content = self
            .fates
            .content(self.prepared, v, i)
            .map(|c| InputKey::content(c.0));
        by_key
            .into_iter()
            .chain(by_content)
            .map(move |input| Link { op, index, input })
    }

    /// Makes the vertex's files available: from its record, or by running it and what it needs.
    fn materialize(&mut self, v: usize) {
        for vertex in self.missing_below(v) {
            self.execute(vertex);
        }
    }

    /// What must run for `v` to be there, inputs first. No recursion: files have stages by the thousand.
    fn missing_below(&self, v: usize) -> Vec<usize> {
        if self.is_there(v) {
            return Vec::new();
        }
        let mut seen = vec![false; v + 1];
        let mut missing = vec![false; v + 1];
        let mut next = vec![v];
        while let Some(v) = next.pop() {
            if self.is_there(v) || std::mem::replace(&mut seen[v], true) {
                continue;
            }
            let is_unknown = self.fates.list[v].unknown.is_some();
            missing[v] = !is_unknown;
            let inputs = self.prepared.plan.vertices[v]
                .inputs
                .iter()
                .filter_map(VertexInput::vertex);
            // Of a step that may or may not run, what it needs runs only where it has changed itself.
            next.extend(inputs.filter(|&i| !is_unknown || self.fates.list[i].key.is_none()));
        }
        (0..=v).filter(|&v| missing[v]).collect()
    }

    fn is_there(&self, v: usize) -> bool {
        let fate = &self.fates.list[v];
        fate.executed || fate.key.is_some_and(|k| self.store.record(k).has_result)
    }

    /// Runs a vertex whose inputs are there.
    fn execute(&mut self, v: usize) {
        // While its inputs ran their keys may have become those of equal work of this very build.
        let learned = self.fates.list[v].key.is_none()
            && self.prepared.plan.vertices[v]
                .inputs
                .iter()
                .any(|i| i.vertex().is_some_and(|s| self.fates.list[s].executed));
        if learned && self.find(v) && self.is_there(v) {
            return;
        }
        let base_murky = |e: &Self| {
            e.prepared.plan.vertices[v]
                .inputs
                .iter()
                .filter_map(VertexInput::vertex)
                .any(|i| e.fates.list[i].murky)
        };
        self.fates.list[v].murky |= base_murky(self);
        for i in 0..self.prepared.plan.vertices[v].inputs.len() {
            // What cannot be read leaves the record without that way to it: it is not found again.
            let unreadable = self.input_is_murky(v, i) || self.read_content(v, i).is_err();
            self.fates.list[v].murky |= unreadable;
        }
        let (n_inputs, ways) = self.all_ways(v);
        let id = self.fates.list[v]
            .key
            .or_else(|| self.store.find(n_inputs, &ways))
            .unwrap_or_else(|| self.store.create());
        for link in ways {
            self.store.link(link, id);
        }
        self.store.save(id, self.build);
        let fate = &mut self.fates.list[v];
        fate.key = Some(id);
        fate.executed = true;
        fate.hit_build = None;
    }

    fn input_is_murky(&self, v: usize, i: usize) -> bool {
        let input = &self.prepared.plan.vertices[v].inputs[i];
        let of = |s: usize| self.fates.list[s].murky || self.fates.list[s].unknown.is_some();
        input.read.is_some() && input.vertex().is_some_and(of)
    }

    /// How input `i` is digested: Buildah gives a lone file the destination's name unless that is a directory.
    fn reading(&mut self, v: usize, i: usize) -> Reading {
        let vertex = &self.prepared.plan.vertices[v];
        let (
            Reading::Arrival {
                keeps_names: false,
                mode,
            },
            Effect::Copy(copy),
        ) = (vertex.inputs[i].reading, &vertex.effect)
        else {
            return vertex.inputs[i].reading;
        };
        let destination = RepoPath::new(&copy.destination);
        let base = vertex
            .inputs
            .first()
            .filter(|_| copy.based)
            .and_then(VertexInput::vertex);
        let keeps_names = base
            .is_some_and(|base| matches!(self.tree(base).get(&destination), Some(Node::Dir(_))));
        Reading::Arrival { keeps_names, mode }
    }

    /// Digests what input `i` reads, if it reads.
    fn read_content(&mut self, v: usize, i: usize) -> Result<(), String> {
        let input = &self.prepared.plan.vertices[v].inputs[i];
        let Some(selectors) = &input.read else {
            return Ok(());
        };
        if self.fates.content(self.prepared, v, i).is_some() {
            return Ok(());
        }
        let reading = self.reading(v, i);
        let found = match input.source {
            VertexSource::Context => digest_as(reading, self.context.root(), true, selectors)
                .map_err(|e| missing_in_context(&e.to_string())),
            VertexSource::Vertex(source) => {
                let tree = self.tree(source);
                digest_as(reading, &tree, false, selectors).map_err(|e| e.to_string())
            }
        };
        let content = match self.prepared.not_held {
            NotHeld::Unknown => found?,
            NotHeld::Unchanged => found.unwrap_or(ContentId::of_bytes(b"as it was")),
        };
        self.fates.contents[self.prepared.offsets[v] + i] = Some(content);
        Ok(())
    }
}

fn missing_in_context(why: &str) -> String {
    format!("{NOT_HELD}: {why}")
}
