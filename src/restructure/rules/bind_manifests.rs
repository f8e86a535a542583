//! Manifests bound for an install in place of copied: it spares the layers of what a later COPY brings again.
//!
//! Before:
//! ```dockerfile
//! COPY requirements.txt .
//! RUN pip install -r requirements.txt
//! COPY . .
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=bind,source=requirements.txt,target=requirements.txt pip install -r requirements.txt
//! COPY . .
//! ```
//! For installs that write to none of them.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::installs::{Install, StageView, relative};
use super::super::layout::reachable;
use super::super::lift::declare;
use super::super::moving::{block, with_flags, without_blank_twin};
use super::super::view::{Feature, View};
use super::Rule;
use super::bind_narrow::narrowed;

use crate::dockerfile::Span;
use crate::dockerfile::ast::Instruction;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "bind-manifests",
    summary: "manifests bound for the install in place of copied, or of the whole source",
    propose,
};

/// Longer lists of mounts are not worth reading.
pub(super) const MOST_BINDS: usize = 6;

fn propose(view: &View<'_>) -> Vec<Candidate> {
    if !view.has(Feature::Mount) {
        return Vec::new();
    }
    let stages = StageView::all(view);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = &stages[stage];
        let whole = of.whole_installs();
        found.extend(whole.filter_map(|install| bound(of, install)));
        let runs = 0..of.stage.instructions.len();
        found.extend(runs.filter_map(|run| narrowed(&stages, stage, run)));
    }
    found
}

/// The COPYs directly above an install, of nothing but what it reads, as mounts of that RUN.
fn bound(of: &StageView<'_>, install: &Install) -> Option<Candidate> {
    let instructions = &of.stage.instructions;
    let run = &instructions[install.run];
    if !writes_no_manifest(install, &run.original) {
        return None;
    }
    let is_pure = |&i: &usize| {
        let files = of.brings[i].as_ref();
        files.is_some_and(|f| !f.is_empty() && f.keys().all(|to| install.reads.contains(to)))
            && instructions[i].flags.iter().all(|f| f.name == "link")
    };
    let copies: Vec<usize> = (0..install.run).rev().take_while(is_pure).collect();
    let bound: BTreeMap<&String, &RepoPath> = copies
        .iter()
        .filter_map(|&i| of.brings[i].as_ref())
        .flatten()
        .collect();
    // What the install reads must not partly come from elsewhere, and the image must get the files later.
    let comes_later = |to: &String, from: &RepoPath| {
        of.brings
            .iter()
            .skip(install.run + 1)
            .flatten()
            .any(|f| f.get(to) == Some(from))
    };
    if bound.is_empty()
        || bound.len() > MOST_BINDS
        || bound.len() != install.reads.len()
        || !bound.iter().all(|(to, from)| comes_later(to, from))
    {
        return None;
    }
    let cwd = of.cwd(install.run);
    let mounts: Option<Vec<String>> = bound
        .iter()
        .map(|(to, from)| bind(to, &from.to_string(), cwd))
        .collect();
    let line = run.lines.first;
    let mut candidate = Candidate::new(
        RULE.id,
        format!("bind the manifests of line {line} in place of copying them"),
    );
    let text = of.view.text();
    candidate.edits = copies
        .iter()
        .map(|&i| {
            TextEdit::delete(without_blank_twin(
                text,
                block_without_comments(text, &instructions[i]),
            ))
        })
        .collect();
    let flags = mounts?
        .iter()
        .fold(String::new(), |all, m| format!("{all} {m}"));
    candidate.edits.push(with_flags(of.view, run, &flags));
    candidate.lines = copies
        .iter()
        .rev()
        .map(|&i| instructions[i].lines)
        .chain([run.lines])
        .collect();
    candidate.rationale = format!(
        "A later COPY brings the same files: for line {line} they need no layer of their own."
    );
    candidate.safety = Safety::of(
        vec![
            "every file that the install reads is bound at the path where it was copied".to_owned(),
            "the install writes to none of them".to_owned(),
        ],
        install.doubts.clone(),
    );
    declare(&mut candidate, of.view)?;
    candidate.vouched = vec![run.original.clone()];
    Some(candidate)
}

/// An instruction's lines; comments above it stay.
fn block_without_comments(text: &str, instruction: &Instruction) -> Span {
    block(text, instruction.span.start, instruction)
}

/// `--mount=type=bind,…` of one file; `None` for a name that the flag cannot hold.
pub(super) fn bind(to: &str, from: &str, cwd: &str) -> Option<String> {
    let target = relative(to, cwd).unwrap_or_else(|| to.to_owned());
    let plain = |s: &str| !s.is_empty() && !s.contains([',', ' ', '"', '$', '\\']);
    (plain(from) && plain(&target))
        .then(|| format!("--mount=type=bind,source={from},target={target}"))
}

/// Installs that leave manifest and lockfile as they are: a bound file cannot be written.
fn writes_no_manifest(install: &Install, run: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|w| run.contains(w));
    install.dirs.is_empty()
        && install.ecosystems.iter().all(|e| match *e {
            "npm" => says(&["npm ci", "npm clean-install"]),
            "yarn" | "pnpm" | "bun" => says(&["--frozen-lockfile", "--immutable", "pnpm fetch"]),
            "pip" | "pip-tools" | "poetry" | "pipenv" => true,
            "uv" => says(&["--frozen", "--locked", "uv pip"]),
            _ => false,
        })
}
