//! What stays the same for all builds of one plan with one cache.

use super::filters;
use super::filters::FileWork;
use super::filters::Filters;
use super::marks;
use super::settings::NotHeld;
use super::settings::RunOutputs;
use super::trees::working_directory;
use crate::builder::{Plan, VertexInput};
use crate::cache::{OpId, Store};
use crate::graph::Step;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What stays the same for all builds of one plan with one cache.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    /// Interned keys of the vertices.
    pub(super) ops: Vec<OpId>,
    /// Interned paths of each vertex's inputs.
    pub(super) paths: Vec<Vec<OpId>>,
    /// What each RUN leaves when it runs again.
    pub(super) outputs: Vec<RunOutputs>,
    /// Whether the settings say of this very step what it leaves.
    pub(super) told: Vec<bool>,
    /// For each RUN: the paths that later steps read from its file system.
    pub(super) marks: Vec<Vec<String>>,
    /// Vertices that the target needs.
    pub(super) needed: Vec<bool>,
    /// Where each vertex's inputs begin in [`Fates::contents`].
    pub(super) offsets: Vec<usize>,
    /// The inputs that needed vertices read from the context: vertex, input.
    pub(super) context_inputs: Vec<(usize, usize)>,
    /// Whether all that is needed is looked up, and by what is known before anything runs.
    pub(super) is_regular: bool,
    pub(super) not_held: NotHeld,
}

impl Prepared {
    pub(super) fn new(
        plan: Plan,
        store: &mut Store,
        outputs: Vec<RunOutputs>,
        told: Vec<bool>,
        not_held: NotHeld,
    ) -> Self {
        let ops = plan
            .vertices
            .iter()
            .map(|v| store.intern(v.key.0))
            .collect();
        let paths = plan
            .vertices
            .iter()
            .map(|v| v.inputs.iter().map(|i| store.intern(i.paths.0)).collect())
            .collect();
        let edges: Vec<Vec<usize>> = plan
            .vertices
            .iter()
            .map(|v| v.inputs.iter().filter_map(VertexInput::vertex).collect())
            .collect();
        let needed = plan.target.map_or_else(
            || vec![plan.in_order; edges.len()],
            |t| {
                crate::graph::dag::reachable(&edges, t)
                    .iter()
                    .map(|n| *n || plan.in_order)
                    .collect()
            },
        );
        let starts = plan.vertices.iter().scan(0, |next, v| {
            let start = *next;
            *next += v.inputs.len();
            Some(start)
        });
        let offsets = starts.collect();
        let marks = marks::paths(&plan);
        let context_inputs = (0..plan.vertices.len())
            .filter(|&v| needed[v])
            .flat_map(|v| plan.vertices[v].context_inputs().map(move |i| (v, i)))
            .collect();
        let is_regular = !plan.in_order && plan.vertices.iter().all(|v| v.unknown.is_none());
        Self {
            ops,
            paths,
            outputs,
            told,
            marks,
            needed,
            offsets,
            context_inputs,
            is_regular,
            not_held,
            plan,
        }
    }

    /// The files that a RUN writes, if it is one of `filters` and nothing else is said of it. Into a mount it would write
    /// nothing that stays.
    pub(super) fn filter<'f>(
        &self,
        v: usize,
        filters: &'f Filters,
    ) -> Option<&'f BTreeMap<String, filters::Output>> {
        let step = self.plan.step(v);
        let files = filters.of(&step.command)?;
        let dir = working_directory(step);
        let is_beside_all = |flag: &str| {
            let at = |name: &String| folder(dir.as_deref(), name);
            is_beside(flag, dir.as_deref())
                && files
                    .keys()
                    .all(|name| is_beside(flag, at(name).as_deref()))
        };
        (flags(step).all(is_beside_all) && !self.told[v]).then_some(files)
    }

    /// What a RUN does to the files of its stage, if that is all that it does, `filters` know it and nothing else is said of
    /// it. What is mounted is none of them.
    pub(super) fn work(&self, v: usize, filters: &Filters) -> Option<Arc<dyn FileWork>> {
        let is_open = self.outputs[v] == RunOutputs::Changing && !self.told[v];
        if !is_open || self.marks[v].is_empty() {
            return None;
        }
        let step = self.plan.step(v);
        if !flags(step).all(|flag| is_beside(flag, None)) {
            return None;
        }
        filters.work(&step.command, &working_directory(step)?)
    }

    /// The operation of a vertex.
    pub(super) fn op(&self, v: usize) -> OpId {
        self.ops[v]
    }
}

/// The flags of a RUN.
fn flags(step: &Step) -> impl Iterator<Item = &str> {
    let words = step.text.split_whitespace().skip(1);
    words.take_while(|word| word.starts_with("--"))
}

/// The directory of a file that is named from `dir` or from the root.
fn folder(dir: Option<&str>, name: &str) -> Option<String> {
    let above = name.rsplit_once('/').map_or("", |(above, _)| above);
    match name.starts_with('/') {
        true => Some(format!("{above}/")),
        false => Some(format!("{}/{above}", dir?)),
    }
}

/// Whether a flag of a RUN leaves what it writes into `dir`, where it works, as it is: a cache mount elsewhere. No mount does
/// where that is not known.
fn is_beside(flag: &str, dir: Option<&str>) -> bool {
    let Some(options) = flag.strip_prefix("--mount=") else {
        return flag.starts_with("--network=");
    };
    let value = |names: &[&str]| {
        let mut all = options.split(',').filter_map(|o| o.split_once('='));
        all.find(|(name, _)| names.contains(name)).map(|(_, v)| v)
    };
    let target = value(&["target", "dst", "destination"]);
    let (Some("cache"), Some(target), Some(dir)) = (value(&["type"]), target, dir) else {
        return false;
    };
    let names = |path: &str| -> Vec<String> {
        let names = path.split('/').filter(|n| !n.is_empty());
        names.map(str::to_owned).collect()
    };
    let is_plain = target.starts_with('/') && !target.contains("..");
    is_plain && !names(dir).starts_with(&names(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root_or_from_where_it_runs() {
        let check = |dir: Option<&str>, name: &str, flag: &str, expected: bool| {
            let at = folder(dir, name);
            assert_eq!(is_beside(flag, at.as_deref()), expected, "{name} {flag}");
        };
        check(
            Some("/app"),
            "/tmp/r.json",
            "--mount=type=cache,target=/tmp",
            false,
        );
        check(
            Some("/app"),
            "/tmp/r.json",
            "--mount=type=cache,target=/app",
            true,
        );
        check(
            Some("/app"),
            "out/r.json",
            "--mount=type=cache,target=/app/out",
            false,
        );
        check(
            Some("/app"),
            "r.json",
            "--mount=type=cache,target=/app/out",
            true,
        );
        check(None, "r.json", "--mount=type=cache,target=/x", false);
        check(None, "/r.json", "--mount=type=cache,target=/x", true);
    }

    #[test]
    fn a_mount_elsewhere_leaves_what_is_written() {
        let check = |flag: &str, expected: bool| {
            assert_eq!(is_beside(flag, Some("/app/src")), expected, "{flag}");
        };
        check("--mount=type=cache,target=/usr/local/cargo/registry", true);
        check("--mount=type=cache,dst=/app/src/target", true);
        check("--mount=type=cache,target=/app", false);
        check("--mount=type=cache,target=/app/src", false);
        check("--mount=type=cache,target=src", false);
        check("--mount=type=bind,target=/x", false);
        check("--network=none", true);
        check("--security=insecure", false);
    }
}
