//! The packages of the image, installed once more after a build that needed others, get a stage of their own.
//!
//! Before:
//! ```dockerfile
//! FROM node:22 AS build
//! WORKDIR /app
//! COPY package.json yarn.lock ./
//! RUN yarn install
//! COPY . .
//! RUN yarn build
//! RUN rm -rf node_modules && yarn install --production
//! FROM node:22
//! COPY --from=build /app/node_modules /app/node_modules
//! COPY --from=build /app/dist /app/dist
//! ```
//! After:
//! ```dockerfile
//! FROM node:22 AS build-base
//! WORKDIR /app
//! COPY package.json yarn.lock ./
//! RUN yarn install
//!
//! FROM build-base AS packages
//! RUN rm -rf node_modules && yarn install --production
//!
//! FROM build-base AS build
//! COPY . .
//! RUN yarn build
//! FROM node:22
//! COPY --from=packages /app/node_modules /app/node_modules
//! COPY --from=build /app/dist /app/dist
//! ```
//! Only where `node_modules` is all that others take of what the install makes. It then stands beside the build, and does
//! not run again for the source.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::installs::{Action, Install, StageView, is_quiet, relative};
use super::super::layout::{
    absolute, expand, is_taken, is_within, mount_field, parent, reachable, stage_named, unquote,
};
use super::super::lift::declare;
use super::super::moving::{block, block_of, end_before, without_blank_twin};
use super::super::targets::built_alone;
use super::super::view::View;
use super::own_pruned::pruned;
use super::own_stage::RULE;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Flag, Instruction, Kind, Source, Stage};
use crate::shell::Seen;
use std::fmt::Write as _;

/// For each stage that the target takes files from, at most one candidate.
pub(super) fn packages(view: &View<'_>) -> Vec<Candidate> {
    let stages = StageView::all(view);
    let needed = reachable(view.dockerfile, view.target);
    let others = needed.into_iter().filter(|&s| s != view.target);
    let one = |stage: usize| {
        let of = &stages[stage];
        candidate(&stages, of).or_else(|| pruned(&stages, of))
    };
    others.filter_map(one).collect()
}

/// What goes into the new stage.
struct Part<'s> {
    install: &'s Install,
    /// RUNs at the end of the stage: the install's, and those that clear its place before it or patch what it has made.
    runs: Vec<usize>,
    /// The first instruction that it does not need; what stands before is for both.
    split: usize,
}

fn candidate(stages: &[StageView<'_>], of: &StageView<'_>) -> Option<Candidate> {
    let view = of.view;
    let part = part(stages, of)?;
    let takers = takers(of, part.install)?;
    // With all the rest, they would be missing there.
    if takers.iter().any(|t| t.above.is_some()) {
        return None;
    }
    let name = of.stage.name.as_deref()?;
    if built_alone(view, name).is_some() {
        return None;
    }
    let own = free_name(view, &["packages".to_owned(), format!("{name}-packages")])?;
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "install the packages of the image (line {}) in a stage of their own",
            of.stage.instructions[part.install.run].lines.first
        ),
    );
    let border = Border {
        split: part.split,
        run: part.runs[0],
    };
    candidate.edits = edits(of, &border, &own, cut_out(of, &part.runs)?)?;
    let taken_from = |t: &Taker<'_>| TextEdit::replace(t.flag.span, format!("--from={own}"));
    candidate.edits.extend(takers.iter().map(taken_from));
    candidate.changes_image = true;
    candidate.lines = vec![of.stage.instructions[part.install.run].lines];
    let reads = |p: &_| {
        let image = of.image_at(part.install.run);
        part.install
            .reads
            .iter()
            .any(|to| image.get(to).is_some_and(|b| b.from == *p))
    };
    candidate.rationale = format!(
        "Line {} runs again with every change to the source, though what it installs follows from manifests alone, which {} of {} builds changed. In a stage of its own it stands beside the build.",
        of.stage.instructions[part.install.run].lines.first,
        view.n_touching(reads),
        view.n_builds()
    );
    let doubt = (!clears(of, &part)).then(|| {
        format!(
            "check that the build leaves nothing in {}/node_modules that the image needs",
            part.install.dir
        )
    });
    let reason = format!(
        "of what stage {name} makes there, others take {}/node_modules and nothing else",
        part.install.dir
    );
    let between = (part.split..part.runs[0]).filter(|&n| !only_builds(&of.stage.instructions[n]));
    let between = between.map(|n| {
        format!(
            "check that line {} prepares nothing for the install",
            of.stage.instructions[n].lines.first
        )
    });
    let doubts = doubt
        .into_iter()
        .chain(between)
        .chain(part.install.doubts.clone());
    candidate.safety = Safety::of(vec![reason], doubts.collect());
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn part<'s>(stages: &[StageView<'_>], of: &'s StageView<'_>) -> Option<Part<'s>> {
    let steps = &of.stage.instructions;
    let last = steps.iter().rposition(|i| !patches(i))?;
    let install = of.installs(last).iter().find(|i| is_of_node(i))?;
    let is_clean = |i: &Instruction| removes_packages(i, of, install);
    let first = (0..last).rev().find(|&n| !is_clean(&steps[n]))? + 1;
    let split = (0..first).find(|&n| !is_shared(of, install, n))?;
    // Who builds needs more than the image does: another install stands before.
    let is_same = |of: &StageView<'_>, n: usize| {
        of.installs(n)
            .iter()
            .any(|i| is_of_node(i) && i.dir == install.dir)
    };
    let below = std::iter::successors(parent(of.view.dockerfile, of.stage.index), |s| {
        parent(of.view.dockerfile, *s)
    });
    let is_second = (0..first).any(|n| is_same(of, n))
        || below
            .into_iter()
            .any(|s| (0..stages[s].stage.instructions.len()).any(|n| is_same(&stages[s], n)));
    let works = (split..first).any(|n| steps[n].keyword == "RUN");
    let is_blocked = |i: &Instruction| {
        matches!(
            i.kind,
            Kind::User(_) | Kind::Shell(_) | Kind::Onbuild(_) | Kind::Arg(_) | Kind::Env(_)
        )
    };
    // An ARG above the border is not seen below it, and what is set between the two may decide what is installed.
    let has_values = steps[split..=last].iter().any(is_blocked)
        || steps[..split]
            .iter()
            .any(|i| matches!(i.kind, Kind::Arg(_)));
    let (there, here) = (of.image_at(split), of.image_at(last));
    let is_same_file = |to: &String| {
        let from = there.get(to).map(|brought| &brought.from);
        from.is_some() && from == here.get(to).map(|brought| &brought.from)
    };
    let is_prepared = (split..first).any(|n| prepares(of, install, n));
    let fits = is_second
        && works
        && !has_values
        && !is_prepared
        && !install.is_hidden
        && install.absent.is_empty();
    (fits && install.reads.iter().all(is_same_file)).then(|| Part {
        install,
        runs: (first..steps.len()).collect(),
        split,
    })
}

/// Whether RUN `n` brings a program that the install runs, or speaks of a file that it reads or of how it is set up.
pub(super) fn prepares(of: &StageView<'_>, install: &Install, n: usize) -> bool {
    let instruction = &of.stage.instructions[n];
    if !matches!(instruction.kind, Kind::Run(_)) {
        return false;
    }
    let text = &instruction.original;
    let names = install.reads.iter().filter_map(|to| to.rsplit('/').next());
    let is_set_up = |s: &Seen| {
        matches!(
            s.subcommand(),
            "config" | "set" | "pkg" | "version" | "add" | "install" | "link" | "remove"
        ) && install
            .programs
            .iter()
            .any(|p| p.rsplit('/').next() == Some(s.name()))
    };
    of.brings_program(n, &install.programs)
        || names.into_iter().any(|name| text.contains(name))
        || [".npmrc", ".yarnrc"].iter().any(|w| text.contains(w))
        || seen(instruction).is_none_or(|all| all.iter().any(is_set_up))
}

/// Whether a RUN only runs scripts of the project, as builds are.
pub(super) fn only_builds(instruction: &Instruction) -> bool {
    let runs = |s: &Seen| {
        is_quiet(s)
            || matches!(
                s.name(),
                "npm" | "npx" | "yarn" | "pnpm" | "bun" | "rails" | "rake"
            )
    };
    !matches!(instruction.kind, Kind::Run(_))
        || seen(instruction).is_some_and(|all| all.iter().all(runs))
}

pub(super) fn is_of_node(install: &Install) -> bool {
    let is_node = |e: &&str| matches!(*e, "npm" | "yarn" | "pnpm" | "bun");
    install.action == Action::Whole && install.ecosystems.iter().all(is_node)
}

/// Whether a RUN does nothing but apply the project's patches to what is installed.
fn patches(instruction: &Instruction) -> bool {
    seen(instruction).is_some_and(|all| {
        !all.is_empty()
            && all
                .iter()
                .all(|s| s.words.iter().any(|w| w == "patch-package") && s.words.len() <= 3)
    })
}

/// Whether a RUN does nothing but take away the packages that are there.
fn removes_packages(instruction: &Instruction, of: &StageView<'_>, install: &Install) -> bool {
    let packages = format!("{}/node_modules", install.dir.trim_end_matches('/'));
    let here = of
        .stage
        .instructions
        .iter()
        .position(|i| i.span == instruction.span);
    let is_one = |s: &Seen| {
        let mut words = s.args().iter().filter(|a| !a.starts_with('-')).peekable();
        let dir = here.and_then(|n| absolute(Some(of.cwd(n)), s.directory.as_deref()?));
        s.name() == "rm"
            && words.peek().is_some()
            && words.all(|w| absolute(dir.as_deref(), w).as_deref() == Some(&packages))
    };
    seen(instruction).is_some_and(|all| !all.is_empty() && all.iter().all(is_one))
}

/// Whether the packages that the build has used are gone before the install.
fn clears(of: &StageView<'_>, part: &Part<'_>) -> bool {
    let steps = &of.stage.instructions;
    let before = part.runs[0]..part.install.run;
    let empties = |s: &Seen| s.name() == "npm" && matches!(s.subcommand(), "ci" | "clean-install");
    before.clone().next().is_some()
        || seen(&steps[part.install.run]).is_some_and(|all| all.iter().any(empties))
}

/// Whether what instruction `n` does is for the install as much as for the build.
pub(super) fn is_shared(of: &StageView<'_>, install: &Install, n: usize) -> bool {
    let instruction = &of.stage.instructions[n];
    match &instruction.kind {
        Kind::Copy(_) | Kind::Add(_) => match (&of.brings[n], instruction.flag("from")) {
            (Some(files), _) => {
                !files.is_empty() && files.keys().all(|to| install.reads.contains(to))
            }
            (None, Some(from)) => stage_named(of.view.dockerfile, of.stage.index, from).is_none(),
            (None, None) => false,
        },
        Kind::Run(_) => {
            let there = of.image_at(n).into_keys().collect();
            of.installs(n).iter().any(|i| i.action == Action::Whole)
                || of.reads_no_project(n, &there)
        }
        _ => true,
    }
}

/// Who takes the installed packages from the stage.
pub(super) struct Taker<'a> {
    pub(super) stage: &'a Stage,
    pub(super) index: usize,
    /// Its `--from`.
    pub(super) flag: &'a Flag,
    /// Where they lie in what it takes, if it takes more: `node_modules` of `/app`.
    pub(super) above: Option<String>,
}

/// Those who take the installed packages from the stage. `None` where somebody takes a part of what the install makes,
/// or goes on from the stage.
pub(super) fn takers<'a>(of: &StageView<'a>, install: &Install) -> Option<Vec<Taker<'a>>> {
    let view = of.view;
    let packages = format!("{}/node_modules", install.dir.trim_end_matches('/'));
    let manifests = install
        .reads
        .iter()
        .filter_map(|to| to.strip_suffix("/package.json"));
    let members: Vec<&str> = manifests.filter(|dir| *dir != install.dir).collect();
    let all = super::super::layout::places(view.dockerfile);
    let mut found = Vec::new();
    for stage in &view.dockerfile.stages {
        let is_own =
            |name: &str| stage_named(view.dockerfile, stage.index, name) == Some(of.stage.index);
        if parent(view.dockerfile, stage.index) == Some(of.stage.index) {
            return None;
        }
        let steps = stage.instructions.iter().zip(&all[stage.index]);
        for (index, (instruction, place)) in steps.enumerate() {
            if instruction
                .flag_values("mount")
                .filter_map(|m| mount_field(m, "from"))
                .any(is_own)
            {
                return None;
            }
            let Some(flag) = instruction.flags.iter().find(|f| f.name == "from") else {
                continue;
            };
            let from = flag.value.as_deref()?;
            if from.bytes().all(|b| b.is_ascii_digit()) || from.contains('$') {
                return None;
            }
            let (Kind::Copy(transfer), true) = (&instruction.kind, is_own(from)) else {
                continue;
            };
            let mut taken = Vec::new();
            for source in &transfer.sources {
                let Source::Path(path) = source else {
                    return None;
                };
                let path = expand(&unquote(path), &place.variables)?;
                let path = path.split(['*', '?', '[']).next().unwrap_or_default();
                taken.push(absolute(Some("/"), path)?);
            }
            let is_pattern =
                |s: &Source| matches!(s, Source::Path(p) if p.contains(['*', '?', '[']));
            let above = match taken.as_slice() {
                _ if transfer.sources.iter().any(is_pattern) => None,
                all if all.iter().all(|path| *path == packages) => Some(None),
                [one] if is_within(&packages, one) => relative(&packages, one).map(Some),
                _ => None,
            };
            if let Some(above) = above {
                found.push(Taker {
                    stage,
                    index,
                    flag,
                    above,
                });
                continue;
            }
            let meets = |path: &String| {
                is_within(path, &packages)
                    || is_within(&packages, path)
                    || members.iter().any(|m| {
                        is_within(m, path) || is_within(path, &format!("{m}/node_modules"))
                    })
            };
            if taken.iter().any(meets) {
                return None;
            }
        }
    }
    (!found.is_empty()).then_some(found)
}

pub(super) fn free_name(view: &View<'_>, wanted: &[String]) -> Option<String> {
    let is_free = |n: &&String| !is_taken(view.dockerfile, n);
    wanted.iter().find(is_free).cloned()
}

/// Where a stage is parted: what stands before `split` is for both, `run` is the first that goes.
pub(super) struct Border {
    pub(super) split: usize,
    pub(super) run: usize,
}

/// The edits that put `taken`, whose lines the edits with it take away, into a stage called `own`.
pub(super) fn edits(
    of: &StageView<'_>,
    border: &Border,
    own: &str,
    (taken, mut edits): (String, Vec<TextEdit>),
) -> Option<Vec<TextEdit>> {
    let (view, stage) = (of.view, of.stage);
    let text = view.text();
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let from_end = stage.from.span.start + text.get(stage.from.span.range())?.trim_end().len();
    // Where the name stands, or would stand, in the text.
    let (at, name) = match &stage.name {
        Some(_) => {
            let at = name_at(of)?;
            (at, text.get(at..from_end)?)
        }
        None => (from_end, ""),
    };
    let as_name = |new: &str| match name {
        "" => format!(" AS {new}"),
        _ => new.to_owned(),
    };
    let here = of.cwd(border.run);
    let directory = match here == of.cwd(border.split) {
        true => String::new(),
        false => format!("WORKDIR {here}{line_break}"),
    };
    let above = &stage.instructions[..border.split];
    let is_work = |i: &Instruction| matches!(i.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_));
    let said = |instructions: &mut dyn Iterator<Item = &Instruction>| -> Option<String> {
        let mut lines = String::new();
        for instruction in instructions {
            let _ = write!(lines, "{}{line_break}", text.get(instruction.span.range())?);
        }
        Some(lines)
    };
    let (place, lines) = if above.iter().any(is_work) {
        // A name that a FROM takes is a repository's, too, and those have no capitals.
        let both = match name {
            "" => "base".to_owned(),
            _ => format!("{}-base", name.to_ascii_lowercase()),
        };
        let both = free_name(view, &[both])?;
        let platform = stage.base().platform.as_deref();
        let platform = platform.map_or_else(String::new, |p| format!("--platform={p} "));
        let from = format!("FROM {platform}{both}");
        // What a stage's ARG declares ends with it.
        let arguments = said(&mut above.iter().filter(|i| matches!(i.kind, Kind::Arg(_))))?;
        edits.push(TextEdit::replace(Span::new(at, from_end), as_name(&both)));
        let place = block_of(text, stage, border.split).start;
        let has_blank = text[..place].ends_with(&format!("\n{line_break}"));
        let blank = if has_blank { "" } else { line_break };
        let new =
            format!("{blank}{from} AS {own}{line_break}{arguments}{directory}{taken}{line_break}");
        let rest = match name {
            "" => String::new(),
            _ => format!(" AS {name}"),
        };
        (place, format!("{new}{from}{rest}{line_break}{arguments}"))
    } else {
        let first = &text[stage.from.span.start..at];
        let above = said(&mut above.iter())?;
        let lines = format!(
            "{first}{}{line_break}{above}{directory}{taken}{line_break}",
            as_name(own)
        );
        let place = block(text, end_before(view, stage.index), &stage.from).start;
        (place, lines)
    };
    edits.push(TextEdit::insert(place, lines));
    Some(edits)
}

/// The lines of these instructions with their comments, and the edits that take them away.
pub(super) fn cut_out(of: &StageView<'_>, indices: &[usize]) -> Option<(String, Vec<TextEdit>)> {
    let text = of.view.text();
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let (mut taken, mut edits) = (String::new(), Vec::new());
    for &index in indices {
        let own = block_of(text, of.stage, index);
        taken.push_str(text.get(own.range())?);
        if !taken.ends_with('\n') {
            taken.push_str(line_break);
        }
        edits.push(TextEdit::delete(without_blank_twin(text, own)));
    }
    Some((taken, edits))
}

/// Where in the text the stage is given its name.
fn name_at(of: &StageView<'_>) -> Option<usize> {
    let from = of.stage.from.span;
    let written = of.view.text().get(from.range())?.to_ascii_lowercase();
    let at = written.rfind(" as ")? + 4;
    let is_it = written[at..].trim_end() == of.stage.name.as_deref()?;
    is_it.then_some(from.start + at)
}
