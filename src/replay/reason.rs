//! Why a step missed: held against the same step of the build before.

use super::align::align;
use super::evaluate::Fates;
use super::prepared::Prepared;
use crate::builder::{Effect, VertexInput, VertexSource};
use crate::cache::{Lookup, MissReason};
use crate::context::{ContextTree, covered};
use crate::graph::StepId;
use crate::tree::RepoPath;
use std::collections::BTreeSet;
use std::sync::Arc;

/// At most so many paths are named.
const MAX_PATHS: usize = 20;

/// An earlier build that took place.
pub(super) struct Reference {
    pub(super) prepared: Arc<Prepared>,
    pub(super) fates: Fates,
    /// Context paths that may look different since.
    changed: BTreeSet<RepoPath>,
}

impl Reference {
    pub(super) fn new(prepared: Arc<Prepared>, fates: Fates) -> Self {
        Self {
            prepared,
            fates,
            changed: BTreeSet::new(),
        }
    }

    /// Another build changed these.
    pub(super) fn add_changed(&mut self, paths: &[RepoPath]) {
        self.changed.extend(paths.iter().cloned());
    }

    /// What may look different once `paths` have changed too, in order.
    pub(super) fn changed_with(&self, paths: &[RepoPath]) -> Vec<RepoPath> {
        let mut all: Vec<RepoPath> = self.changed.iter().chain(paths).cloned().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What of the changed paths is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Without what the ignore rules hide.
    LeftOut,
    /// All: a hidden file still makes the folder that it is in.
    Included,
}

/// What a build is explained by.
pub(super) struct Evidence<'a> {
    pub(super) prepared: &'a Arc<Prepared>,
    pub(super) fates: &'a Fates,
    pub(super) reference: Option<&'a Reference>,
    /// Whether the reference was built for the same target.
    pub(super) is_same_target: bool,
    pub(super) context: &'a ContextTree,
    /// Context paths that may look different since the reference, in order.
    pub(super) changed: &'a dyn Fn(Hidden) -> Vec<RepoPath>,
    /// Whether the cache may have been left behind in part by an export.
    pub(super) exported: bool,
}

/// The lookups of all vertices, in order.
pub(super) fn explain(evidence: &Evidence<'_>) -> Vec<Lookup> {
    let pairs = pairs(evidence);
    let mut lookups: Vec<Lookup> = Vec::with_capacity(evidence.fates.list.len());
    let mut changed = None;
    for v in 0..evidence.fates.list.len() {
        let lookup = explain_one(evidence, v, &pairs, &lookups, &mut changed);
        lookups.push(lookup);
    }
    lookups
}

/// The step of the reference that each vertex is held against.
fn pairs(evidence: &Evidence<'_>) -> Vec<Option<usize>> {
    let n = evidence.fates.list.len();
    let Some(reference) = evidence.reference else {
        return vec![None; n];
    };
    if Arc::ptr_eq(&reference.prepared, evidence.prepared) {
        return (0..n).map(Some).collect();
    }
    let (then, now) = (
        &reference.prepared.plan.steps,
        &evidence.prepared.plan.steps,
    );
    let mut pairs = align(then, now);
    if !evidence.is_same_target {
        // Another target's last stage is no earlier form of this one's.
        for (pair, step) in pairs.iter_mut().zip(&now.steps) {
            *pair = pair.filter(|&o| then.steps[o].stage == step.stage);
        }
    }
    pairs
}

fn explain_one(
    evidence: &Evidence<'_>,
    v: usize,
    pairs: &[Option<usize>],
    before: &[Lookup],
    changed: &mut Option<Vec<RepoPath>>,
) -> Lookup {
    let fate = &evidence.fates.list[v];
    if let Some(why) = &fate.unknown {
        return Lookup::Unknown {
            why: why.to_string(),
        };
    }
    if !fate.executed {
        return Lookup::Hit {
            build: fate.hit_build,
        };
    }
    let vertex = &evidence.prepared.plan.vertices[v];
    if fate.found {
        // Its key was there, its bytes were not. An image is always to be had.
        return match vertex.effect {
            Effect::Image(_) => Lookup::Hit {
                build: fate.hit_build,
            },
            Effect::Mkdir(_) if vertex.inputs.is_empty() => Lookup::Miss(MissReason::Cold),
            _ => Lookup::Miss(MissReason::NotExported),
        };
    }
    let Some(reference) = evidence.reference else {
        return Lookup::Miss(MissReason::Cold);
    };
    Lookup::Miss(miss(evidence, reference, v, pairs, before, changed))
}

fn miss(
    evidence: &Evidence<'_>,
    reference: &Reference,
    v: usize,
    pairs: &[Option<usize>],
    before: &[Lookup],
    changed: &mut Option<Vec<RepoPath>>,
) -> MissReason {
    let prepared = evidence.prepared;
    let old = pairs[v];
    let vertex = &prepared.plan.vertices[v];
    if let Effect::Image(image) = &vertex.effect {
        let previous = old.and_then(|o| image_of(reference, o));
        return MissReason::Base {
            old: previous.unwrap_or_default(),
            new: image.clone(),
        };
    }
    if let Some(reason) = from_base(evidence, reference, v, old, before) {
        return reason;
    }
    let Some(old) = old else {
        return new_step(prepared, v);
    };
    if prepared.op(v) != reference.prepared.op(old) {
        return definition(prepared, reference, v, old);
    }
    if let Some(reason) = content(evidence, reference, v, old, before, changed) {
        return reason;
    }
    if let Some(reason) = other_base(evidence, reference, v, pairs, before, changed) {
        return reason;
    }
    if evidence.exported {
        MissReason::NotExported
    } else {
        MissReason::Cold
    }
}

/// The step is built on one that ran anew.
fn from_base(
    evidence: &Evidence<'_>,
    reference: &Reference,
    v: usize,
    old: Option<usize>,
    before: &[Lookup],
) -> Option<MissReason> {
    let bases = evidence.prepared.plan.vertices[v]
        .inputs
        .iter()
        .filter(|i| i.read.is_none());
    for base in bases.filter_map(VertexInput::vertex) {
        let fate = &evidence.fates.list[base];
        if !fate.executed || fate.found {
            continue;
        }
        if let Effect::Image(new) = &evidence.prepared.plan.vertices[base].effect {
            let old_base = old
                .and_then(|o| reference.prepared.plan.vertices[o].inputs.first())
                .and_then(VertexInput::vertex);
            let old = old_base
                .and_then(|o| image_of(reference, o))
                .unwrap_or_default();
            if old == *new {
                // A fresh builder that has not even the image: the image is not what changed.
                continue;
            }
            return Some(MissReason::Base {
                old,
                new: new.clone(),
            });
        }
        return Some(MissReason::Input {
            step: root(before, base),
        });
    }
    None
}

/// The root miss that `v`'s miss goes back to.
fn root(before: &[Lookup], v: usize) -> StepId {
    match &before[v] {
        Lookup::Miss(MissReason::Input { step }) => *step,
        _ => StepId(v),
    }
}

fn image_of(reference: &Reference, v: usize) -> Option<String> {
    match &reference.prepared.plan.vertices[v].effect {
        Effect::Image(image) => Some(image.clone()),
        _ => None,
    }
}

fn new_step(prepared: &Prepared, v: usize) -> MissReason {
    MissReason::Definition {
        what: "instruction".to_owned(),
        old: String::new(),
        new: prepared.plan.step(v).text.clone(),
    }
}

/// The first part of the definition that differs; the order of the environment when all parts are equal.
fn definition(prepared: &Prepared, reference: &Reference, v: usize, old: usize) -> MissReason {
    let now = prepared.plan.step(v).definition.parts();
    let then = reference.prepared.plan.step(old).definition.parts();
    let value = |list: &[(String, String)], what: &str| {
        list.iter().find(|(w, _)| w == what).map(|(_, v)| v.clone())
    };
    let changed = now
        .iter()
        .find(|(what, new)| value(&then, what).as_ref() != Some(new));
    if let Some((what, new)) = changed {
        let old = value(&then, what);
        // An empty value is a value: it must not look like none.
        let is_empty = new.is_empty() && old.is_none();
        let new = if is_empty {
            "(empty)".to_owned()
        } else {
            new.clone()
        };
        return MissReason::Definition {
            what: what.clone(),
            old: old.unwrap_or_default(),
            new,
        };
    }
    let gone = then.iter().find(|(what, _)| value(&now, what).is_none());
    if let Some((what, old)) = gone {
        return MissReason::Definition {
            what: what.clone(),
            old: old.clone(),
            new: String::new(),
        };
    }
    let order = |parts: &[(String, String)]| {
        parts
            .iter()
            .map(|(what, _)| what.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    MissReason::Definition {
        what: "order".to_owned(),
        old: order(&then),
        new: order(&now),
    }
}

/// What is read has other bytes.
fn content(
    evidence: &Evidence<'_>,
    reference: &Reference,
    v: usize,
    old: usize,
    before: &[Lookup],
    changed: &mut Option<Vec<RepoPath>>,
) -> Option<MissReason> {
    let prepared = evidence.prepared;
    let inputs = &prepared.plan.vertices[v].inputs;
    let old_inputs = &reference.prepared.plan.vertices[old].inputs;
    let mut rest = None;
    for (i, input) in inputs.iter().enumerate() {
        let Some(selectors) = &input.read else {
            continue;
        };
        let old_input = old_inputs.get(i);
        let then = old_input.and_then(|_| reference.fates.content(&reference.prepared, old, i));
        let now = evidence.fates.content(prepared, v, i);
        match input.source {
            VertexSource::Context => {
                if then.is_some() && then == now {
                    continue;
                }
                let root = evidence.context.root();
                let all = changed.get_or_insert_with(|| (evidence.changed)(Hidden::LeftOut));
                let mut hits: Vec<RepoPath> =
                    covered(root, selectors, all).into_iter().cloned().collect();
                if hits.is_empty() {
                    let all = (evidence.changed)(Hidden::Included);
                    hits = covered(root, selectors, &all)
                        .into_iter()
                        .cloned()
                        .collect();
                }
                let other_source = old_input.is_none_or(|o| o.paths != input.paths);
                if hits.is_empty() && other_source {
                    return Some(definition(prepared, reference, v, old));
                }
                return Some(MissReason::Content {
                    n_paths: hits.len(),
                    paths: hits.into_iter().take(MAX_PATHS).collect(),
                });
            }
            VertexSource::Vertex(source) => {
                if evidence.fates.list[source].executed
                    && !evidence.fates.list[source].found
                    && then != now
                {
                    return Some(match &prepared.plan.vertices[source].effect {
                        // A heredoc's bytes are part of the instruction.
                        Effect::File(..) => definition(prepared, reference, v, old),
                        Effect::Image(_) => MissReason::Base {
                            old: old_input
                                .and_then(VertexInput::vertex)
                                .and_then(|o| image_of(reference, o))
                                .unwrap_or_default(),
                            new: prepared
                                .plan
                                .step(source)
                                .text
                                .trim_start_matches("FROM ")
                                .to_owned(),
                        },
                        _ => MissReason::Input {
                            step: nearest_miss(before, prepared, source),
                        },
                    });
                }
                if then != now {
                    rest = Some(definition(prepared, reference, v, old));
                }
            }
        }
    }
    rest
}

/// The root of the nearest miss in the stage that is read: the last vertex may have run only because one before did.
fn nearest_miss(before: &[Lookup], prepared: &Prepared, source: usize) -> StepId {
    let mut v = source;
    loop {
        if let Lookup::Miss(_) = &before[v] {
            return root(before, v);
        }
        match prepared.plan.vertices[v]
            .inputs
            .first()
            .and_then(VertexInput::vertex)
        {
            Some(base) => v = base,
            None => return StepId(source),
        }
    }
}

/// Nothing of the step itself changed, and what it is built on was found: it is built on something else than before.
/// What that is stands further down, where the two chains begin to differ; some other build has paid for it.
fn other_base(
    evidence: &Evidence<'_>,
    reference: &Reference,
    v: usize,
    pairs: &[Option<usize>],
    before: &[Lookup],
    changed: &mut Option<Vec<RepoPath>>,
) -> Option<MissReason> {
    let prepared = evidence.prepared;
    let base = |p: &Prepared, v: usize| {
        p.plan.vertices[v]
            .inputs
            .iter()
            .find(|i| i.read.is_none())
            .and_then(VertexInput::vertex)
    };
    let (mut now, mut then) = (base(prepared, v)?, base(&reference.prepared, pairs[v]?)?);
    loop {
        if evidence.fates.list[now].key == reference.fates.list[then].key {
            return None;
        }
        if let (Some(old), Effect::Image(new)) = (
            image_of(reference, then),
            &prepared.plan.vertices[now].effect,
        ) {
            return (old != *new).then(|| MissReason::Base {
                old,
                new: new.clone(),
            });
        }
        if pairs[now] != Some(then) {
            let is_new = pairs[now].is_none();
            let text = |p: &Prepared, v: usize| p.plan.step(v).text.clone();
            let (old, new) = if is_new {
                (String::new(), text(prepared, now))
            } else {
                (text(&reference.prepared, then), String::new())
            };
            return Some(MissReason::Definition {
                what: "instruction".to_owned(),
                old,
                new,
            });
        }
        if prepared.op(now) != reference.prepared.op(then) {
            return Some(definition(prepared, reference, now, then));
        }
        if let Some(reason) = content(evidence, reference, now, then, before, changed) {
            return Some(reason);
        }
        (now, then) = (base(prepared, now)?, base(&reference.prepared, then)?);
    }
}
