//! The dependencies of a Rust workspace are built from a recipe, in a layer that its source does not touch.
//!
//! Before:
//! ```dockerfile
//! FROM rust:1.82 AS build
//! WORKDIR /src
//! COPY . .
//! RUN cargo build --release
//! ```
//! After:
//! ```dockerfile
//! FROM rust:1.82 AS chef
//! RUN cargo install cargo-chef --locked
//! WORKDIR /src
//!
//! FROM chef AS planner
//! COPY . .
//! RUN cargo chef prepare --recipe-path recipe.json
//!
//! FROM chef AS build
//! COPY --from=planner /src/recipe.json recipe.json
//! RUN cargo chef cook --release --recipe-path recipe.json
//! COPY . .
//! RUN cargo build --release
//! ```
//! One package needs no tool: a stand-in for each of its targets does (`deps-first`). For a workspace the recipe is the
//! shorter text, and a new member changes nothing in it.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::filter::PREPARE;
use super::super::installs::{Action, StageView};
use super::super::layout::{parent, places, reachable};
use super::super::lift::declare;
use super::super::moving::block_of;
use super::super::view::View;
use super::Rule;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::ecosystem::Recipe;
use std::fmt::Write as _;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "cargo-chef",
    summary: "a Rust workspace's dependencies built from a recipe of cargo-chef",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    let mut found = Vec::new();
    for stage in stages {
        let of = StageView::new(view, &all, stage);
        found.extend((0..of.stage.instructions.len()).find_map(|run| candidate(&of, run)));
    }
    found
}

fn candidate(of: &StageView<'_>, run: usize) -> Option<Candidate> {
    let (view, stage) = (of.view, of.stage);
    let (recipe, dir) = of.recipe(run)?;
    if recipe.n_crates < 2 && recipe.n_targets < 2 || !fits(of, run) {
        return None;
    }
    // A stand-in for each target is shorter where one package is all.
    let stands_in = of
        .installs(run)
        .iter()
        .any(|i| matches!(i.action, Action::Prefetch(_)));
    if stands_in && recipe.n_crates < 2 {
        return None;
    }
    let sources: Vec<usize> = (0..run).filter(|&i| brings(of, i)).collect();
    let first = *sources.first()?;
    // At the root, the tool would look for manifests in the whole image.
    if of.cwd(first) != dir || of.cwd(run) != dir || dir == "/" {
        return None;
    }
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "build the dependencies of line {} with cargo-chef",
            stage.instructions[run].lines.first
        ),
    );
    candidate.edits = edits(of, &recipe, &sources, &dir)?;
    candidate.lines = vec![
        stage.instructions[first].lines,
        stage.instructions[run].lines,
    ];
    candidate.rationale = rationale(of, &recipe, first, stands_in);
    let mut reasons = recipe.reasons;
    reasons.push("cargo-chef finds every manifest, .cargo/config.toml and the lockfile in what the planner copies, and builds with the options of the build itself".to_owned());
    let mut doubts = recipe.doubts;
    doubts.push(
        "cargo-chef is fetched from crates.io and built: check that it may be, and name its version"
            .to_owned(),
    );
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn rationale(of: &StageView<'_>, recipe: &Recipe, first: usize, stands_in: bool) -> String {
    let view = of.view;
    let is_manifest =
        |p: &crate::tree::RepoPath| matches!(p.file_name(), Some(b"Cargo.toml" | b"Cargo.lock"));
    let n = view.n_builds();
    let mut said = format!(
        "All dependencies are built again with every change to what line {} copies; of {n} builds {} changed a Cargo.toml or Cargo.lock.",
        of.stage.instructions[first].lines.first,
        view.n_touching(is_manifest)
    );
    let why = if stands_in {
        "a new one needs no line in the Dockerfile, as stand-ins for their targets would"
    } else {
        "that is too many for stand-ins written by hand"
    };
    let _ = write!(
        said,
        " The workspace has {} packages with {} targets: {why}.",
        recipe.n_crates, recipe.n_targets
    );
    said
}

/// Whether instruction `i` brings files of the context.
fn brings(of: &StageView<'_>, i: usize) -> bool {
    of.brings[i].as_ref().is_some_and(|files| !files.is_empty())
}

/// Whether the stage can be cut in two before its first COPY of source, with the names that are left.
fn fits(of: &StageView<'_>, run: usize) -> bool {
    let (view, stage) = (of.view, of.stage);
    let dockerfile = view.dockerfile;
    // What the image is made of must not get the recipe.
    let mut image = std::iter::successors(Some(view.target), |s| parent(dockerfile, *s));
    let is_image = image.any(|s| s == stage.index);
    let is_taken = dockerfile
        .stages
        .iter()
        .any(|s| matches!(s.name.as_deref(), Some("chef" | "planner")));
    let by_number = |i: &Instruction| {
        i.flag("from")
            .is_some_and(|f| f.bytes().all(|b| b.is_ascii_digit()))
    };
    let cooks =
        |i: &Instruction| i.original.contains("cargo chef") || i.original.contains("cargo-chef");
    // A cache mount on the target directory, or the tool itself, does the same already.
    let is_cached = of.leaves_nothing(run);
    let earlier_build = stage.instructions[..run]
        .iter()
        .any(|i| i.keyword == "RUN" && i.original.contains("cargo build"));
    let plain_user = !stage.instructions[..run]
        .iter()
        .any(|i| matches!(i.kind, Kind::User(_) | Kind::Shell(_)));
    !is_image
        && !is_taken
        && !is_cached
        && !earlier_build
        && plain_user
        && stage.name.is_some()
        && !dockerfile.instructions().any(by_number)
        && !dockerfile.instructions().any(cooks)
}

fn edits(
    of: &StageView<'_>,
    recipe: &Recipe,
    sources: &[usize],
    dir: &str,
) -> Option<Vec<TextEdit>> {
    let (text, stage) = (of.view.text(), of.stage);
    let name = stage.name.as_deref()?;
    let from = text.get(stage.from.span.start..stage.base().image_span.end)?;
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |i| at + i + 1);
    let mut between = String::new();
    if let Some(file) = &recipe.toolchain {
        let _ = writeln!(between, "COPY {file} ./\nRUN cargo --version");
    }
    between.push_str("\nFROM chef AS planner\n");
    for &i in sources {
        let _ = writeln!(between, "{}", text.get(stage.instructions[i].span.range())?);
    }
    let dir = dir.trim_end_matches('/');
    let _ = write!(
        between,
        "RUN {PREPARE}\n\nFROM chef AS {name}\nCOPY --from=planner {dir}/recipe.json recipe.json\nRUN {}\n",
        recipe.cook
    );
    Some(vec![
        TextEdit::replace(stage.from.span, format!("{from} AS chef")),
        TextEdit::insert(
            line_end(stage.from.span.end),
            "RUN cargo install cargo-chef --locked\n".to_owned(),
        ),
        TextEdit::insert(block_of(text, stage, *sources.first()?).start, between),
    ])
}
