//! What a RUN that ran again leaves in the files that later steps read.
//!
//! What a process writes is not in git. Under `--run-outputs changing` it leaves fresh bytes in whatever later steps
//! read from its stage: a file that is read is another file, a directory has something new in it. All else stays what
//! earlier steps made it, and a later COPY of the very file makes it known again. Under `stable` it makes what is not
//! there yet, the same bytes each time.

use super::settings::RunOutputs;
use crate::builder::{Effect, Plan, VertexInput};
use crate::context::{ContentId, Node};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// The file that stands for what a RUN added to a directory; git and builders can have none of that name.
const ADDED: &[u8] = b"\0run";

/// More paths than this of one stage are taken to be all of it.
const MAX_PATHS: usize = 512;

/// For each vertex that is a RUN: the paths that are read from what is built on it.
pub(super) fn paths(plan: &Plan) -> Vec<Vec<String>> {
    let n = plan.vertices.len();
    let mut wanted: Vec<BTreeSet<String>> = vec![BTreeSet::new(); n];
    for input in plan.vertices.iter().flat_map(|v| &v.inputs) {
        if let (Some(read), Some(source)) = (&input.read, input.vertex()) {
            wanted[source].extend(read.iter().map(|s| without_wildcards(&s.path)));
        }
    }
    // Inputs come first, so what is read from a vertex is complete when its turn comes from behind.
    for v in (0..n).rev() {
        if wanted[v].len() > MAX_PATHS {
            wanted[v] = BTreeSet::from([String::new()]);
        }
        let base = plan.vertices[v]
            .inputs
            .first()
            .and_then(VertexInput::vertex);
        if let (Some(base), false) = (base, wanted[v].is_empty()) {
            let inherited = wanted[v].clone();
            wanted[base].extend(inherited);
        }
    }
    let is_run = |v: usize| matches!(plan.vertices[v].effect, Effect::Run);
    let list = |(v, paths): (usize, BTreeSet<String>)| {
        if is_run(v) {
            paths.into_iter().collect()
        } else {
            Vec::new()
        }
    };
    wanted.into_iter().enumerate().map(list).collect()
}

/// A file that the pattern matches: the one that a RUN would have made for it.
fn without_wildcards(path: &str) -> String {
    let mut out = String::new();
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' => out.push('x'),
            '[' => {
                out.push('x');
                chars.by_ref().take_while(|&c| c != ']').for_each(drop);
            }
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// Leaves bytes known by `token` at `paths`; with [`RunOutputs::Stable`] only where nothing is yet.
pub(super) fn apply(tree: &mut Node, paths: &[String], token: ContentId, outputs: RunOutputs) {
    for path in paths {
        let mut at = RepoPath::new(path);
        let is_directory = match tree.get(&at) {
            Some(Node::Dir(_)) => true,
            Some(Node::File(_) | Node::Link(_)) => false,
            Some(Node::Opaque(_)) | None => looks_like_directory(path, paths),
        };
        if is_directory {
            at = at.join(ADDED);
        }
        let is_there = matches!(tree.get(&at), Some(Node::File(_) | Node::Link(_)));
        if outputs == RunOutputs::Changing || !is_there {
            tree.put(&at, Node::Opaque(token.below(path.as_bytes())));
        }
    }
}

/// A path of which nothing is known: a directory if something below it is read too, or if its name has neither an
/// ending nor a place among programs.
fn looks_like_directory(path: &str, paths: &[String]) -> bool {
    let prefix = format!("{path}/");
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_program = path
        .rsplit('/')
        .nth(1)
        .is_some_and(|parent| matches!(parent, "bin" | "sbin"));
    path.is_empty()
        || paths.iter().any(|p| p.starts_with(&prefix))
        || !(is_program || name.contains('.'))
}
