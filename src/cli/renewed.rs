//! Arguments that the repository's own files pass anew at each commit, where builds are given none.
//!
//! `analyze`, `compare` and `replay` replay the builds that they are told of, with what these are passed: one command's
//! hits are another's. Only `suggest`, which asks what a change is worth, gives builds values of its own.

use super::load::Project;
use crate::dockerfile;
use crate::replay::Settings;
use crate::restructure::passed::building_of;
use crate::restructure::renewed::{Asked, Renewed, renewed_in};
use crate::tree::RepoPath;
use std::cell::LazyCell;

/// Those of the Dockerfiles `texts` together, each once. They are built as those at `paths` are, from the context that
/// the settings name.
pub(super) fn renewed(
    project: &Project,
    settings: &Settings,
    paths: &[RepoPath],
    texts: &[&str],
) -> Vec<Renewed> {
    let context = RepoPath::new(&settings.context);
    let read = LazyCell::new(|| building(project));
    let is_passed = |name: &str| {
        let mut requests = project.builds.iter().map(|(_, request)| request);
        settings.build_args.contains_key(name) || requests.any(|r| r.build_args.contains_key(name))
    };
    let parsed = texts.iter().filter_map(|text| dockerfile::parse(text).ok());
    let mut found: Vec<Renewed> = Vec::new();
    for parsed in parsed {
        for path in paths {
            let asked = Asked {
                dockerfile: &parsed.dockerfile,
                path,
                context: &context,
                files: &|| read.as_slice(),
                is_passed: &is_passed,
            };
            for one in renewed_in(&asked) {
                if found.iter().all(|f| f.name != one.name) {
                    found.push(one);
                }
            }
        }
    }
    found
}

/// The files of the newest build's tree that people build images with, each with its first bytes.
fn building(project: &Project) -> Vec<(RepoPath, Vec<u8>)> {
    let Some((newest, _)) = project.builds.last() else {
        return Vec::new();
    };
    let files = project.files_below(&RepoPath::root());
    building_of(files.iter(), &|path| project.bytes_at(newest, path).ok()?)
}
