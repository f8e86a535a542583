//! The Dockerfile and the ignore file of a commit, which proposals are about.

use super::error::{CliError, Kind};
use super::load::Project;
use crate::builder::ignore_files;
use crate::restructure::search::Draft;
use crate::tree::{ObjectId, RepoPath};

/// The texts to improve.
pub(super) struct Texts {
    pub(super) now: Draft,
    /// The ignore file's path in the repository.
    pub(super) ignore_path: Option<RepoPath>,
}

impl Texts {
    pub(super) fn of_commit(project: &Project, commit: &ObjectId) -> Result<Self, CliError> {
        let settings = &project.settings;
        let path = RepoPath::new(&settings.dockerfile);
        let dockerfile = match &settings.pin {
            Some(text) => text.clone(),
            None => project.text_at(commit, &path)?.ok_or_else(|| {
                CliError::new(
                    Kind::Dockerfile,
                    format!("there is no {path} at the newest build's commit"),
                )
                .with_help(project.other_dockerfiles())
            })?,
        };
        for candidate in ignore_files(settings.builder, &path, &RepoPath::new(&settings.context)) {
            if let Some(text) = project.text_at(commit, &candidate)? {
                return Ok(Self {
                    now: Draft {
                        dockerfile,
                        ignore: Some(text),
                    },
                    ignore_path: Some(candidate),
                });
            }
        }
        Ok(Self {
            now: Draft {
                dockerfile,
                ignore: None,
            },
            ignore_path: None,
        })
    }
}
