//! Who in the tree refers to a name that is to be left out, and whether a build would come upon it.

use super::folders::in_folder;
use super::seldom_read::CLASSES;
use crate::restructure::manifests::is_manifest;
use crate::restructure::mentions::{Mentions, mentions};
use crate::restructure::view::View;
use crate::tree::RepoPath;

/// Who refers to a name.
pub(super) enum Referred {
    No,
    ByManifest,
    /// In this file, by this word.
    Elsewhere(RepoPath, String),
}

/// What a file that refers to `name` by `word` is said to mention: for one in a folder, perhaps that.
fn said(name: &str, word: &str) -> String {
    let is_whole = !name.contains('/') || name.ends_with(&format!("/{word}"));
    let said = if is_whole { name } else { word };
    said.trim_matches(['"', '\'']).to_owned()
}

/// Settings of what looks at the source and builds nothing: linters, formatters, lists of what to ignore.
fn is_for_people_alone(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    let linters: [&[u8]; 10] = [
        b".codeclimate",
        b".codecov",
        b".eslint",
        b".flake8",
        b".golangci",
        b".hadolint",
        b".prettier",
        b".pylintrc",
        b".rubocop",
        b".stylelint",
    ];
    (name.starts_with(b".") && name.ends_with(b"ignore"))
        || linters.iter().any(|l| name.starts_with(l))
}

/// Whether a file is no part of the program: documentation, locks, what is for tests that are not run.
pub(super) fn is_prose(path: &RepoPath, tests_run: bool) -> bool {
    let text = path.to_string().to_lowercase();
    let first = text.split('/').next().unwrap_or_default().to_owned();
    CLASSES
        .iter()
        .filter(|c| !(tests_run && c.is_of_tests()))
        .any(|c| c.has(&first))
        || text.ends_with(".md")
        || text.ends_with(".rst")
        || text.ends_with(".lock")
        || text.ends_with("lock.json")
        || text.ends_with("-lock.yaml")
        || is_for_people_alone(path)
}

/// What a file says that reads what stands at a top-level name, or at a path in a folder.
pub(super) fn words_of(view: &View<'_>, first: &str) -> Vec<String> {
    if let Some((folder, name)) = first.rsplit_once('/') {
        return in_folder(folder, name);
    }
    if view.has_file(&RepoPath::new(first)) {
        return vec![first.to_owned()];
    }
    vec![
        format!("{first}/"),
        format!("\"{first}\""),
        format!("'{first}'"),
        format!("/{first}\""),
    ]
}

/// Whether files that are part of the program refer to a top-level name.
pub(super) fn referred(view: &View<'_>, first: &str, tests_run: bool) -> Referred {
    let top = RepoPath::new(first);
    let words = words_of(view, first);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Mentions { found, .. } = mentions(view, &words, |p| {
        !is_prose(p, tests_run) && p.strip_prefix(&top).is_none()
    });
    match found
        .iter()
        .find(|(p, _)| is_manifest(p) && !p.to_string().ends_with(".sh"))
        .or(found.first())
    {
        None => Referred::No,
        Some((path, _)) if is_manifest(path) => Referred::ByManifest,
        Some((path, word)) => Referred::Elsewhere(path.clone(), said(first, word)),
    }
}
