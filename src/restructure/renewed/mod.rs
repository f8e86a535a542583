//! Which arguments the repository's own files give another value at each commit: `--build-arg SHA=$(git rev-parse HEAD)` in
//! a script, `SHA=${{ github.sha }}` in a workflow's step, for the Dockerfile in question.
//!
//! Stricter than [`super::passed`], which takes every value that is worked out for one of the moment: here it has to be
//! seen that the command builds this Dockerfile, and that what it passes is no other commit's.
//!
//! Never: takes a version, a branch or a day for new at each commit; runs anything.

mod builds;
mod told;
mod value;

pub use told::{given, not_given};

use super::layout::mentioned;
use super::passed::{building, is_about_images};
use super::rules::is_cache_bust;
use super::view::View;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::tree::RepoPath;
use builds::{Built, builds};
use std::cell::LazyCell;
use std::collections::BTreeSet;
use value::is_new;

/// An argument that is given another value at each commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The argument.
    pub name: String,
    /// The first file, in order, that passes it so.
    pub by: RepoPath,
}

/// A file, and what it says of builds of this Dockerfile.
struct Told<'t> {
    path: &'t RepoPath,
    text: &'t str,
    builds: Vec<Built>,
}

/// What is asked about.
pub struct Asked<'a> {
    /// The Dockerfile.
    pub dockerfile: &'a Dockerfile,
    /// Its path in the repository.
    pub path: &'a RepoPath,
    /// The context's directory in the repository.
    pub context: &'a RepoPath,
    /// The files that people build images with ([`super::passed::may_build`]), by their paths in the repository, in order,
    /// with their first bytes.
    pub files: &'a dyn Fn() -> &'a [(RepoPath, Vec<u8>)],
    /// Whether somebody passes an argument a value already.
    pub is_passed: &'a dyn Fn(&str) -> bool,
}

/// As [`renewed_in`], of what a view shows.
pub fn renewed(view: &View<'_>) -> Vec<Renewed> {
    let read = LazyCell::new(|| building(view));
    renewed_in(&Asked {
        dockerfile: view.dockerfile,
        path: view.path,
        context: view.context,
        files: &|| read.as_slice(),
        is_passed: &|name| view.build_args.iter().any(|(n, _)| n == name),
    })
}

/// The arguments of the Dockerfile that are, in its order. None that somebody passed a value of, that is there to make
/// steps run again, or by which images or files are chosen.
pub fn renewed_in(asked: &Asked<'_>) -> Vec<Renewed> {
    let names = names(asked);
    if names.is_empty() {
        return Vec::new();
    }
    let inner = asked.path.strip_prefix(asked.context);
    let all: Vec<(RepoPath, String)> = (asked.files)()
        .iter()
        .map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned()))
        .collect();
    let told = all.iter().filter_map(|(path, text)| {
        let mut own = builds(text, asked.path, asked.context);
        // From within the context, paths begin there.
        let is_inside = !asked.context.is_root() && path.strip_prefix(asked.context).is_some();
        if let Some(inner) = inner.as_ref().filter(|_| is_inside && own.is_empty()) {
            own = builds(text, inner, &RepoPath::root());
        }
        (!own.is_empty()).then_some(Told {
            path,
            text,
            builds: own,
        })
    });
    let told: Vec<Told<'_>> = told.collect();
    let found = names.into_iter().filter_map(|name| {
        let mut passing = told.iter().filter(|file| passes(file, &name, &all));
        let first = passing.next()?;
        // A workflow that builds the image without it has the more builds.
        let is_open = is_about_images(first.path)
            || passing.any(|file| is_about_images(file.path))
            || !told.iter().any(|file| is_about_images(file.path));
        is_open.then(|| Renewed {
            name,
            by: first.path.clone(),
        })
    });
    found.collect()
}

/// Whether a build in the file gives `name` a value that is new at each commit.
fn passes(file: &Told<'_>, name: &str, all_files: &[(RepoPath, String)]) -> bool {
    let all = file.builds.iter().flat_map(|built| &built.arguments);
    let mut values = all.filter(|(n, _)| n == name).map(|(_, value)| value);
    values.any(|value| is_new(file.path, file.text, value, all_files))
}

/// The arguments that may be.
fn names(asked: &Asked<'_>) -> Vec<String> {
    let chooses = |kind: &Kind| matches!(kind, Kind::Copy(_) | Kind::Add(_));
    let chosen: BTreeSet<String> = asked
        .dockerfile
        .stages
        .iter()
        .map(|stage| &stage.from)
        .chain(asked.dockerfile.instructions().filter(|i| chooses(&i.kind)))
        .flat_map(|i| mentioned(&i.original))
        .collect();
    let declared = asked.dockerfile.instructions();
    let names = declared
        .flat_map(Instruction::arguments)
        .map(|item| &item.name);
    let mut seen = BTreeSet::new();
    let is_open = |name: &&String| {
        !chosen.contains(*name) && !is_cache_bust(name) && !(asked.is_passed)(name)
    };
    names
        .filter(is_open)
        .filter(|name| seen.insert((*name).clone()))
        .cloned()
        .collect()
}
