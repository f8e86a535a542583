//! A COPY takes what the following steps need, not everything.
//!
//! Before:
//! ```dockerfile
//! COPY . /src
//! WORKDIR /src/server
//! RUN npm ci && npm run build
//! ```
//! After:
//! ```dockerfile
//! COPY server /src/server
//! WORKDIR /src/server
//! RUN npm ci && npm run build
//! ```
//! For a stage whose files do not all reach the image: when every following step works in, names, and hands on only
//! some top-level directories, and nothing in those points outside, they are all that is copied.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::effect::destination;
use super::super::layout::{
    At, Place, absolute, is_within, parent, places, reachable, stage_named,
};
use super::super::mentions::mentions;
use super::super::view::View;
use super::Rule;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Stage};
use crate::shell;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "narrow-copy",
    summary: "narrow a broad COPY to what the following steps need",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for index in reachable(view.dockerfile, view.target) {
        let stage = &view.dockerfile.stages[index];
        // A stage that others are built on hands on everything.
        let is_base = index == view.target
            || view
                .dockerfile
                .stages
                .iter()
                .any(|s| parent(view.dockerfile, s.index) == Some(index));
        if is_base {
            continue;
        }
        for (n, instruction) in stage.instructions.iter().enumerate() {
            found.extend(narrowed(
                view,
                stage,
                &all,
                At {
                    stage: index,
                    index: n,
                },
                instruction,
            ));
        }
    }
    found
}

fn narrowed(
    view: &View<'_>,
    stage: &Stage,
    all: &[Vec<Place>],
    at: At,
    instruction: &Instruction,
) -> Option<Candidate> {
    let Kind::Copy(transfer) = &instruction.kind else {
        return None;
    };
    let place = &all[at.stage][at.index];
    let is_root = matches!(transfer.sources.as_slice(), [Source::Path(p)] if RepoPath::new(p).is_root() && !p.contains(['*', '$']));
    if !is_root
        || instruction.flag("from").is_some()
        || instruction.flag("exclude").is_some()
        || instruction.is_on("parents")
        || transfer.json
    {
        return None;
    }
    let root = destination(transfer, place)?;
    let needed = needed(view, stage, all, at, &root)?;
    let tops: BTreeSet<&[u8]> = view
        .files
        .iter()
        .filter_map(|(p, _)| p.names().next())
        .collect();
    if needed.is_empty() || needed.len() > 8 || needed.len() >= tops.len() {
        return None;
    }
    let is_needed = |p: &RepoPath| {
        p.names()
            .next()
            .is_some_and(|top| needed.iter().any(|n| n.as_bytes() == top))
    };
    if view.n_touching(|p| !is_needed(p)) == view.n_touching(|_| false) {
        return None;
    }
    let mut doubts = vec!["check that no step reads files elsewhere in the tree".to_owned()];
    let outside = mentions(view, &["../"], |p| is_needed(p) && is_build_file(p));
    doubts.extend(
        outside
            .found
            .first()
            .map(|(path, _)| format!("{path} points out of its directory")),
    );
    let flags: String = instruction
        .flags
        .iter()
        .map(|f| format!("{} ", &view.text()[f.span.range()]))
        .collect();
    let written = transfer.destination.trim_end_matches('/');
    let lines: Vec<String> = needed
        .iter()
        .map(|top| {
            if is_directory(view, top) {
                format!("COPY {flags}{top} {written}/{top}")
            } else {
                format!("COPY {flags}{top} {written}/")
            }
        })
        .collect();
    let names: Vec<&str> = needed.iter().map(String::as_str).collect();
    let mut candidate = Candidate::new(
        "narrow-copy",
        format!(
            "copy only {} in line {}",
            names.join(", "),
            instruction.lines.first
        ),
    );
    candidate.edits = vec![TextEdit::replace(
        Span::new(instruction.span.start, instruction.span.end),
        lines.join("\n"),
    )];
    candidate.safety = Safety::of(
        vec![format!(
            "all steps of the stage work in {}",
            names.join(", ")
        )],
        doubts,
    );
    candidate.rationale = format!(
        "The steps after line {} work in {} only, yet run again when any other file of the repository changes.",
        instruction.lines.first,
        names.join(", ")
    );
    candidate.lines = vec![instruction.lines];
    Some(candidate)
}

fn is_directory(view: &View<'_>, top: &str) -> bool {
    !view.has_file(&RepoPath::new(top))
}

/// Files in which a relative path leads a build elsewhere.
fn is_build_file(path: &RepoPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    [
        "package.json",
        "go.mod",
        "Cargo.toml",
        "pyproject.toml",
        "setup.py",
        "pom.xml",
        "settings.gradle",
        "settings.gradle.kts",
        "build.gradle",
        "build.gradle.kts",
        "composer.json",
        "Gemfile",
        "Makefile",
        "mix.exs",
        "tsconfig.json",
    ]
    .contains(&name)
        || name.ends_with(".csproj")
        || name.contains(".config.")
        || name.starts_with("tsconfig")
}

/// The top-level names below `root` that the stage's following steps work in or name, and that other stages take;
/// `None` when a step works at the root itself, or where it works is not known.
fn needed(
    view: &View<'_>,
    stage: &Stage,
    all: &[Vec<Place>],
    at: At,
    root: &str,
) -> Option<BTreeSet<String>> {
    let mut tops = BTreeSet::new();
    for (instruction, place) in stage
        .instructions
        .iter()
        .zip(&all[at.stage])
        .skip(at.index + 1)
    {
        let Kind::Run(run) = &instruction.kind else {
            continue;
        };
        let Command::Shell(text) = &run.command else {
            return None;
        };
        if !instruction.heredocs.is_empty() {
            return None;
        }
        let cwd = place.cwd.as_deref()?;
        for seen in shell::parse(text).seen() {
            if seen.name().is_empty() || seen.name() == "cd" {
                continue;
            }
            let here = absolute(Some(cwd), seen.directory.as_deref()?)?;
            if is_within(&here, root) {
                tops.insert(top_below(&here, root)?);
            } else if is_within(root, &here) {
                return None;
            }
            for word in seen.args() {
                let word = word
                    .split_once('=')
                    .map_or(word.as_str(), |(_, value)| value);
                if word.contains("../") || word.contains('$') {
                    return None;
                }
                if let Some(path) = absolute(None, word).filter(|p| is_within(p, root)) {
                    tops.insert(top_below(&path, root)?);
                }
            }
        }
    }
    for next in &view.dockerfile.stages {
        for instruction in &next.instructions {
            let from_mounts = instruction
                .flag_values("mount")
                .filter_map(|m| super::super::layout::mount_field(m, "from"));
            if from_mounts
                .into_iter()
                .any(|n| stage_named(view.dockerfile, next.index, n) == Some(at.stage))
            {
                return None;
            }
            let (Kind::Copy(t) | Kind::Add(t)) = &instruction.kind else {
                continue;
            };
            if instruction
                .flag("from")
                .and_then(|n| stage_named(view.dockerfile, next.index, n))
                != Some(at.stage)
            {
                continue;
            }
            for source in &t.sources {
                let Source::Path(path) = source else { continue };
                let path = absolute(Some("/"), path)?;
                if path.contains('$') {
                    return None;
                }
                if is_within(&path, root) {
                    tops.insert(top_below(&path, root)?);
                } else if is_within(root, &path) {
                    return None;
                }
            }
        }
    }
    let exists = |top: &String| {
        view.files
            .iter()
            .any(|(p, _)| p.names().next() == Some(top.as_bytes()))
    };
    tops.retain(exists);
    Some(tops)
}

/// The first name of `path` below `root`; `None` for the root itself or a pattern.
fn top_below(path: &str, root: &str) -> Option<String> {
    let rest = if root == "/" {
        path.strip_prefix('/')?
    } else {
        path.strip_prefix(root)?.strip_prefix('/')?
    };
    let top = rest
        .split('/')
        .next()
        .filter(|t| !t.is_empty() && !t.contains(['*', '?', '[', '$', ' ']))?;
    Some(top.to_owned())
}
