//! Images that float are named by the version that the project itself asks for.
//!
//! Before:
//! ```dockerfile
//! FROM golang:latest
//! ```
//! After, with `go 1.22` in `go.mod`:
//! ```dockerfile
//! FROM golang:1.22
//! ```
//! Only where the tree says which version; an image that floats and whose version nothing says is a finding, not a
//! proposal. What a floating tag costs does not show in a git history, so a replay cannot credit this.

use super::super::candidate::{Candidate, Replaced, Safety, TextEdit};
use super::super::layout::parent;
use super::super::view::View;
use super::Rule;
use crate::tree::RepoPath;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "pin",
    summary: "pin floating base and tool images to the version the project names",
    propose,
};

/// Whether an image reference names no version: no tag and no digest, or `latest`.
pub(in crate::restructure) fn floats(image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    !image.contains('@')
        && !image.contains('$')
        && image != "scratch"
        && (!last.contains(':') || last.ends_with(":latest"))
}

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let mut found = Vec::new();
    for stage in &view.dockerfile.stages {
        let base = stage.base();
        if !floats(&base.image) || parent(view.dockerfile, stage.index).is_some() {
            continue;
        }
        let name = base.image.split(':').next().unwrap_or_default();
        let Some((version, path)) = version_of(view, name) else {
            continue;
        };
        let line = stage.from.lines.first;
        let pinned = format!("{name}:{version}");
        let mut candidate = Candidate::new("pin", format!("use {pinned} in line {line}"));
        candidate.edits = vec![TextEdit::replace(base.image_span, pinned.clone())];
        let after = stage.from.original.replacen(&base.image, &pinned, 1);
        candidate.replaced = vec![Replaced {
            before: vec![stage.from.original.clone()],
            after: vec![after],
        }];
        candidate.safety = Safety::Review {
            reasons: vec![format!("{path} asks for {version}")],
            doubt: format!("check that {pinned} is what the image is meant to hold"),
        };
        candidate.rationale = format!(
            "{} is another image every few weeks, and all of line {line}'s stage runs again with it.",
            base.image
        );
        candidate.lines = vec![stage.from.lines];
        found.push(candidate);
    }
    found
}

/// The version that a file of the tree asks for, of the tool that the image holds.
fn version_of(view: &View<'_>, image: &str) -> Option<(String, &'static str)> {
    let short = image.strip_prefix("docker.io/").unwrap_or(image);
    let first_line = |path: &'static str| {
        let text = view.read_text(&RepoPath::from(path))?;
        Some((
            numeric(text.lines().next()?.trim().trim_start_matches('v'))?,
            path,
        ))
    };
    match short.strip_prefix("library/").unwrap_or(short) {
        "node" => first_line(".nvmrc").or_else(|| first_line(".node-version")),
        "python" => first_line(".python-version"),
        "ruby" => first_line(".ruby-version"),
        "golang" => {
            let text = view.read_text(&RepoPath::from("go.mod"))?;
            let line = text.lines().find_map(|l| l.trim().strip_prefix("go "))?;
            Some((numeric(line.trim())?, "go.mod"))
        }
        "rust" => {
            let text = view.read_text(&RepoPath::from("rust-toolchain.toml"))?;
            let line = text
                .lines()
                .find_map(|l| l.trim().strip_prefix("channel"))?;
            Some((
                numeric(line.trim_start_matches([' ', '=']).trim_matches('"'))?,
                "rust-toolchain.toml",
            ))
        }
        _ => None,
    }
}

/// `text` if it is a version number.
fn numeric(text: &str) -> Option<String> {
    let is_version = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && text.starts_with(|c: char| c.is_ascii_digit());
    is_version.then(|| text.to_owned())
}
