//! The cost model of a command: the user's profile, and what the repository's lockfiles tell about its size.

use super::error::CliError;
use super::load::Project;
use crate::cost::{CostModel, Profile, Scale, profile};
use crate::tree::RepoPath;
use std::fs;
use std::path::Path;

/// A repository with more lockfiles is counted by the first of them.
const MAX_LOCKFILES: usize = 100;

/// The model for a project, with the profile of `--profile` if one is given.
pub(super) fn cost_model(project: &Project, profile: Option<&Path>) -> Result<CostModel, CliError> {
    Ok(CostModel {
        profile: profile.map(read_profile).transpose()?.unwrap_or_default(),
        scale: scale(project),
        runner: project.settings.runner,
        cache_export: project.settings.cache_export,
        ..CostModel::default()
    })
}

fn read_profile(path: &Path) -> Result<Profile, CliError> {
    let name = path.display();
    let text = fs::read_to_string(path)
        .map_err(|e| CliError::usage(format!("--profile: cannot read {name}")).with_source(e))?;
    profile::parse(&text).map_err(|e| CliError::usage(format!("--profile: {name}")).with_source(e))
}

/// The sizes that the newest build's lockfiles tell.
fn scale(project: &Project) -> Scale {
    let mut scale = Scale::default();
    for path in project
        .newest_files()
        .into_iter()
        .filter(is_lockfile)
        .take(MAX_LOCKFILES)
    {
        if let Some(bytes) = project.read_newest(&path) {
            scale.add_lockfile(&path.to_string(), &String::from_utf8_lossy(&bytes));
        }
    }
    scale
}

/// Whether a file's name is that of a lockfile whose entries are counted.
pub(super) fn is_lockfile(path: &RepoPath) -> bool {
    let names: [&[u8]; 13] = [
        b"package-lock.json",
        b"npm-shrinkwrap.json",
        b"yarn.lock",
        b"pnpm-lock.yaml",
        b"bun.lock",
        b"poetry.lock",
        b"uv.lock",
        b"pdm.lock",
        b"Pipfile.lock",
        b"Cargo.lock",
        b"Gemfile.lock",
        b"composer.lock",
        b"go.sum",
    ];
    path.file_name().is_some_and(|name| {
        names.contains(&name) || name == b"mix.lock" || name.starts_with(b"requirements")
    })
}
