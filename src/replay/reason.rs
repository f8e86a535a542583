//! Why a step missed: held against the same step of the build before.

use super::align::align;
use super::evaluate::{Fates, Prepared};
use crate::builder::{Effect, VertexInput, VertexSource};
use crate::cache::{Lookup, MissReason};
use crate::context::{ContextTree, covers};
use crate::graph::StepId;
use crate::tree::RepoPath;
use std::sync::Arc;

/// At most so many paths are named.
const MAX_PATHS: usize = 20;

/// The last build that took place.
pub(super) struct Reference {
    pub(super) prepared: Arc<Prepared>,
    pub(super) fates: Fates,
}

/// What a build is explained by.
pub(super) struct Evidence<'a> {
    pub(super) prepared: &'a Arc<Prepared>,
    pub(super) fates: &'a Fates,
    pub(super) reference: Option<&'a Reference>,
    pub(super) context: &'a ContextTree,
    /// Context paths that may look different since the reference, in order.
    pub(super) changed: &'a dyn Fn() -> Vec<RepoPath>,
    /// Whether the cache may have been left behind in part by an export.
    pub(super) exported: bool,
}

/// The lookups of all vertices, in order.
pub(super) fn explain(evidence: &Evidence<'_>) -> Vec<Lookup> {
    let pairs = evidence.reference.map(|reference| {
        if Arc::ptr_eq(&reference.prepared, evidence.prepared) {
            None
        } else {
            Some(align(
                &reference.prepared.plan.steps,
                &evidence.prepared.plan.steps,
            ))
        }
    });
    let mut lookups: Vec<Lookup> = Vec::with_capacity(evidence.fates.list.len());
    let mut changed = None;
    for v in 0..evidence.fates.list.len() {
        let old = match &pairs {
            None => None,
            Some(None) => Some(v),
            Some(Some(pairs)) => pairs[v],
        };
        let lookup = explain_one(evidence, v, old, &lookups, &mut changed);
        lookups.push(lookup);
    }
    lookups
}

fn explain_one(
    evidence: &Evidence<'_>,
    v: usize,
    old: Option<usize>,
    before: &[Lookup],
    changed: &mut Option<Vec<RepoPath>>,
) -> Lookup {
    let fate = &evidence.fates.list[v];
    if let Some(why) = &fate.unknown {
        return Lookup::Unknown { why: why.clone() };
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
    Lookup::Miss(miss(evidence, reference, v, old, before, changed))
}

fn miss(
    evidence: &Evidence<'_>,
    reference: &Reference,
    v: usize,
    old: Option<usize>,
    before: &[Lookup],
    changed: &mut Option<Vec<RepoPath>>,
) -> MissReason {
    let prepared = evidence.prepared;
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
    if let Some(reason) = other_base(evidence, reference, v, old) {
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
    let (now, then) = (prepared.plan.step(v), reference.prepared.plan.step(old));
    let value = |list: &[(String, String)], what: &str| {
        list.iter().find(|(w, _)| w == what).map(|(_, v)| v.clone())
    };
    let changed = now
        .definition
        .iter()
        .find(|(what, new)| value(&then.definition, what).as_ref() != Some(new));
    if let Some((what, new)) = changed {
        let old = value(&then.definition, what).unwrap_or_default();
        return MissReason::Definition {
            what: what.clone(),
            old,
            new: new.clone(),
        };
    }
    let gone = then
        .definition
        .iter()
        .find(|(what, _)| value(&now.definition, what).is_none());
    if let Some((what, old)) = gone {
        return MissReason::Definition {
            what: what.clone(),
            old: old.clone(),
            new: String::new(),
        };
    }
    let order = |step: &crate::graph::Step| {
        step.definition
            .iter()
            .map(|(what, _)| what.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    MissReason::Definition {
        what: "order".to_owned(),
        old: order(then),
        new: order(now),
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
                let all = changed.get_or_insert_with(evidence.changed);
                let hits: Vec<&RepoPath> = all
                    .iter()
                    .filter(|p| covers(evidence.context.root(), selectors, p))
                    .collect();
                let other_source = old_input.is_none_or(|o| o.paths != input.paths);
                if hits.is_empty() && other_source {
                    return Some(definition(prepared, reference, v, old));
                }
                return Some(MissReason::Content {
                    n_paths: hits.len(),
                    paths: hits.into_iter().take(MAX_PATHS).cloned().collect(),
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
fn other_base(
    evidence: &Evidence<'_>,
    reference: &Reference,
    v: usize,
    old: usize,
) -> Option<MissReason> {
    let base = |p: &Prepared, v: usize| {
        p.plan.vertices[v]
            .inputs
            .iter()
            .find(|i| i.read.is_none())
            .and_then(VertexInput::vertex)
    };
    let now = base(evidence.prepared, v)?;
    let then = base(&reference.prepared, old)?;
    if evidence.fates.list[now].key == reference.fates.list[then].key {
        return None;
    }
    if let (Some(old), Effect::Image(new)) = (
        image_of(reference, then),
        &evidence.prepared.plan.vertices[now].effect,
    ) {
        return Some(MissReason::Base {
            old,
            new: new.clone(),
        });
    }
    let removed = reference.prepared.plan.step(then).text.clone();
    Some(MissReason::Definition {
        what: "instruction".to_owned(),
        old: removed,
        new: String::new(),
    })
}
