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
use super::super::command::seen;
use super::super::installs::{Action, StageView};
use super::super::layout::{BASE, is_within, reachable};
use super::super::lift::{Lift, declare, lift};
use super::super::moving::{block_of, line_end};
use super::super::passed::passed_by;
use super::super::recipe::PREPARE;
use super::super::taken::is_in_image;
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

/// The name of a stage that had none.
const BUILDER: &str = "builder";

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let stages = StageView::all(view);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = &stages[stage];
        let mut runs = 0..of.stage.instructions.len();
        found.extend(runs.find_map(|run| candidate(&stages, of, run)));
    }
    found
}

fn candidate(stages: &[StageView<'_>], of: &StageView<'_>, run: usize) -> Option<Candidate> {
    let (view, stage) = (of.view, of.stage);
    let (recipe, install) = of.recipe(run)?;
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
    // At the root, the tool would look for manifests in the whole image.
    if install.dir == "/" || is_within(&install.dir, BASE) {
        return None;
    }
    let lift = lift(stages, of, &install).filter(|l| l.missing.is_empty())?;
    let first = lift.first;
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "build the dependencies of line {} with cargo-chef",
            stage.instructions[run].lines.first
        ),
    );
    candidate.edits = edits(&lift, &recipe)?;
    candidate.lines = vec![
        stage.instructions[first].lines,
        stage.instructions[run].lines,
    ];
    candidate.rationale = rationale(of, &recipe, first, stands_in) + &lift.told_late();
    candidate.unread = lift.late_names().into_iter().collect();
    let mut reasons = recipe.reasons;
    reasons.push("cargo-chef finds every manifest, .cargo/config.toml and the lockfile in what the planner copies, and builds with the options of the build itself".to_owned());
    let mut doubts = recipe.doubts;
    doubts.extend(lift.doubts().iter().cloned());
    doubts.extend(given_anew(&lift));
    doubts.push(format!(
        "cargo-chef is fetched from crates.io and built with the toolchain of {}: check that it may be, and name a version that this toolchain builds",
        stage.base().image
    ));
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// What is to be checked where an argument above the source has another value at each build: what is cooked below it is
/// then found for none.
fn given_anew(lift: &Lift<'_, '_>) -> Option<String> {
    let of = lift.of;
    let above = of.stage.instructions[..lift.first].iter().enumerate();
    let mut above = above.filter(|(n, _)| !lift.is_late(*n));
    let (line, name, by) = above.find_map(|(_, instruction)| {
        let Kind::Arg(items) = &instruction.kind else {
            return None;
        };
        let mut items = items.iter();
        let found = items.find_map(|i| Some((&i.name, passed_by(of.view, &i.name)?)));
        found.map(|(name, by)| (instruction.lines.first, name, by))
    })?;
    Some(format!(
        "{by} seems to pass another {name} at each build, and cargo chef cook then runs each time: check whether line {line} can stand below it"
    ))
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

/// Whether the stage can be cut in two before its first COPY of source, with the names that are left.
fn fits(of: &StageView<'_>, run: usize) -> bool {
    let (view, stage) = (of.view, of.stage);
    let dockerfile = view.dockerfile;
    // What the image is made of must not get the recipe.
    let is_image = is_in_image(view, stage.index);
    let own = stage.name.is_none().then_some(BUILDER);
    let is_taken = dockerfile.stages.iter().any(|s| {
        let name = s.name.as_deref();
        matches!(name, Some("chef" | "planner")) || (name.is_some() && name == own)
    });
    let mounts_by_number = |i: &Instruction| {
        i.flag_values("mount").any(|m| {
            m.split(',')
                .filter_map(|part| part.strip_prefix("from="))
                .any(is_number)
        })
    };
    let cooks =
        |i: &Instruction| i.original.contains("cargo chef") || i.original.contains("cargo-chef");
    // A cache mount on the target directory, or the tool itself, does the same already.
    let is_cached = of.leaves_nothing(run);
    let plain_user = !stage.instructions[..run]
        .iter()
        .any(|i| matches!(i.kind, Kind::User(_) | Kind::Shell(_)));
    !is_image
        && !is_taken
        && !is_cached
        && plain_user
        && !dockerfile.instructions().any(mounts_by_number)
        && !dockerfile.instructions().any(cooks)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn edits(lift: &Lift<'_, '_>, recipe: &Recipe) -> Option<Vec<TextEdit>> {
    let of = lift.of;
    let (text, stage) = (of.view.text(), of.stage);
    let name = stage.name.as_deref().unwrap_or(BUILDER);
    let dir = lift.install.dir.trim_end_matches('/');
    let from = text.get(stage.from.span.start..stage.base().image_span.end)?;
    let mut edits = vec![TextEdit::replace(
        stage.from.span,
        format!("{from} AS chef"),
    )];
    let mut between = String::new();
    let tool = "RUN cargo install cargo-chef --locked\n";
    // Where the toolchain comes with the image, the tool is above all else but Alpine's packages; where a RUN brings it,
    // below that.
    if brings_cargo(&stage.base().image) {
        let above = above_tool(of, lift.first);
        let at = line_end(text, above.map_or(stage.from.span.end, |i| i.span.end));
        edits.push(TextEdit::insert(at, tool.to_owned()));
    } else {
        between.push_str(tool);
    }
    let here = of.cwd(lift.first);
    let place = |cwd: &str| match cwd == dir {
        true => Some(String::new()),
        false => Some(format!("{}/", place_from(dir, cwd)?)),
    };
    if let Some(file) = &recipe.toolchain {
        let (to, cd) = match place(here)? {
            to if to.is_empty() => ("./".to_owned(), String::new()),
            to => (to.clone(), format!("cd {} && ", to.trim_end_matches('/'))),
        };
        let _ = writeln!(between, "COPY {file} {to}\nRUN {cd}cargo --version");
    }
    between.push_str("\nFROM chef AS planner\n");
    between.push_str(&planned(lift)?);
    let _ = write!(between, "RUN {PREPARE}\n\nFROM chef AS {name}\n");
    let at = block_of(text, stage, lift.first).start;
    let is_after_blank = ["\n\n", "\n\r\n"].iter().any(|b| text[..at].ends_with(b));
    if is_after_blank && between.starts_with('\n') {
        between.remove(0);
    }
    edits.push(TextEdit::insert(at, between));
    let copy = format!(
        "COPY --from=planner {dir}/recipe.json {}recipe.json",
        place(lift.cwd())?
    );
    edits.extend(lift.edits(&[copy], &[])?);
    edits.extend(renumbered(lift)?);
    Some(edits)
}

/// The last of the RUNs at the head of the stage, above `first`, that install Alpine's packages: its images of Rust may
/// lack what a program is linked with (`crti.o` of musl-dev), so that the tool is built below those.
fn above_tool<'a>(of: &StageView<'a>, first: usize) -> Option<&'a Instruction> {
    let is_alpine = of.stage.base().image.contains("alpine");
    let head = of.stage.instructions.iter().take(first);
    let installs = |i: &&Instruction| {
        let all = seen(i).filter(|_| matches!(i.kind, Kind::Run(_)));
        all.is_some_and(|all| all.iter().all(|s| s.name() == "apk"))
    };
    head.take_while(installs).last().filter(|_| is_alpine)
}

/// `dir` as written from `cwd`.
fn place_from(dir: &str, cwd: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./+@".contains(c);
    if !dir.chars().all(is_plain) {
        return None;
    }
    match super::super::installs::relative(dir, cwd) {
        Some(rest) if cwd != "/" => Some(format!("./{rest}")),
        _ => Some(dir.to_owned()),
    }
}

/// What the planner copies, as the build does, and where it stands then.
fn planned(lift: &Lift<'_, '_>) -> Option<String> {
    let of = lift.of;
    let (text, instructions) = (of.view.text(), &of.stage.instructions);
    let between = || lift.first..lift.install.run;
    let brings = |i: &usize| {
        of.brings[*i]
            .as_ref()
            .is_some_and(|files| !files.is_empty())
    };
    let last = between().rfind(brings)?;
    let has_variables = between()
        .filter(brings)
        .any(|i| instructions[i].original.contains('$'));
    // Nothing is run in between.
    let is_brought_again = |i: usize| {
        let has_all = |j: usize| {
            let (Some(own), Some(later)) = (&of.brings[i], &of.brings[j]) else {
                return false;
            };
            own.iter().all(|(to, from)| later.get(to) == Some(from))
        };
        (i + 1..=last).any(has_all)
    };
    let mut planned = String::new();
    let here = instructions.iter().enumerate().take(last + 1);
    for (i, instruction) in here.skip(lift.first) {
        let goes = match instruction.kind {
            Kind::Copy(_) | Kind::Add(_) => brings(&i) && !is_brought_again(i),
            Kind::Workdir(_) => true,
            Kind::Env(_) | Kind::Arg(_) => has_variables,
            _ => false,
        };
        if goes {
            let _ = writeln!(planned, "{}", text.get(instruction.span.range())?);
        }
    }
    if of.cwd(last + 1) != lift.install.dir {
        let _ = writeln!(planned, "WORKDIR {}", lift.install.dir);
    }
    Some(planned)
}

/// Two stages more stand before those that are named by number.
fn renumbered(lift: &Lift<'_, '_>) -> Option<Vec<TextEdit>> {
    let dockerfile = lift.of.view.dockerfile;
    let own = lift.of.stage.index;
    let mut edits = Vec::new();
    for instruction in dockerfile.instructions() {
        let flag = instruction.flags.iter().find(|f| f.name == "from");
        let number = instruction.flag("from").filter(|n| is_number(n));
        let (Some(flag), Some(number)) = (flag, number) else {
            continue;
        };
        let number: usize = number.parse().ok()?;
        if number < own {
            continue;
        }
        let stage = dockerfile.stages.get(number)?;
        let name = match stage.name.clone() {
            Some(name) => name,
            None if number == own => BUILDER.to_owned(),
            None => (number + 2).to_string(),
        };
        edits.push(TextEdit::replace(flag.span, format!("--from={name}")));
    }
    Some(edits)
}

/// Whether an image is one of those that are made for building with Cargo.
fn brings_cargo(image: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or(image);
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split(['-', '_'])
        .any(|part| matches!(part, "rust" | "cargo"))
}
