//! Which installs can be lifted: those with something in their way that no earlier step has done.

use super::super::effect::destination;
use super::super::installs::{Action, Install, StageView, is_quiet};
use super::super::layout::{is_within, parent, reachable, stage_named};
use super::super::view::View;
use super::Lift;
use super::again::said_again;
use super::beside::needs_no_packages;
use super::runs::removes_packages;
use super::sort::{is_for_programs, is_found_by_programs};
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Every lift of the stages that the target needs.
pub(in crate::restructure) fn lifts<T>(
    view: &View<'_>,
    mut with: impl FnMut(&Lift<'_, '_>) -> Option<T>,
) -> Vec<T> {
    let stages = StageView::all(view);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = &stages[stage];
        for run in 0..of.stage.instructions.len() {
            for install in of.installs(run) {
                found.extend(lift(&stages, of, install).and_then(|l| with(&l)));
            }
        }
    }
    found
}

/// The lift of one install of a stage; `stages` are those of the whole file.
pub(in crate::restructure) fn lift<'s, 'a>(
    stages: &'s [StageView<'a>],
    of: &'s StageView<'a>,
    install: &Install,
) -> Option<Lift<'s, 'a>> {
    let polluters = polluters(of, install);
    let first = *polluters.first()?;
    let brings_source = polluters.iter().any(|&i| of.brings[i].is_some());
    // What goes into a mount is in no layer, however seldom that one changes.
    let is_made = install
        .made
        .iter()
        .all(|path| is_copied(of, install.run, path));
    if !brings_source || !is_made || install.is_hidden || is_done_above(stages, of, install) {
        return None;
    }
    let mut lift = Lift {
        of,
        first,
        polluters,
        along: BTreeSet::new(),
        needy: BTreeSet::new(),
        twice: BTreeSet::new(),
        stay: BTreeSet::from([first]),
        late: BTreeSet::new(),
        missing: Vec::new(),
        cwd: of.cwd(first).to_owned(),
        reasons: install.reasons.clone(),
        doubts: install.doubts.clone(),
        install: install.clone(),
    };
    lift.doubt_found(first);
    for index in first + 1..lift.install.run {
        lift.sort(index)?;
    }
    lift.take_variables();
    // What stays may need the packages that are then gone.
    let may_need = |i: &usize| {
        let instruction = &of.stage.instructions[*i];
        let seen = super::super::command::seen(instruction).unwrap_or_default();
        matches!(instruction.kind, Kind::Run(_)) && !needs_no_packages(&seen)
    };
    let takes_out = install.action == Action::Whole
        && removes_packages(&of.stage.instructions[install.run])
        && lift.stay.iter().any(may_need);
    if takes_out || lift.leaves_path_empty() {
        return None;
    }
    lift.judge_absent()?;
    lift.collect_missing();
    lift.check_overwritten();
    lift.late = lift.late_arguments();
    Some(lift)
}

/// What is in the way of the install. Manifests of another install stay where they are as long as there is worse: which
/// of two installs goes first is the next question.
fn polluters(of: &StageView<'_>, install: &Install) -> Vec<usize> {
    let mut all: Vec<usize> = (0..install.run)
        .filter(|&i| is_in_the_way(of, install, i))
        .collect();
    let manifests = all.iter().take_while(|&&i| is_of_another(of, install, i));
    let manifests = manifests.count();
    if manifests < all.len() {
        all.drain(..manifests);
    }
    let settled = all
        .windows(2)
        .take_while(|pair| is_settled(of, install, (pair[0], pair[1])));
    all.drain(..settled.count());
    all
}

/// Whether what instruction `i` brings lies elsewhere and hardly changes beside what `next` brings, and a RUN stands
/// between: to pass that would gain little and cost a doubt.
fn is_settled(of: &StageView<'_>, install: &Install, (i, next): (usize, usize)) -> bool {
    let (Some(own), Some(others)) = (&of.brings[i], &of.brings[next]) else {
        return false;
    };
    let heat = |files: &BTreeMap<String, RepoPath>| {
        let files: BTreeSet<&RepoPath> = files.values().collect();
        of.view.n_touching(|p| files.contains(p))
    };
    let is_run = |i: &Instruction| matches!(i.kind, Kind::Run(_));
    let is_here = |to: &String| is_within(to, &install.dir);
    of.stage.instructions[i..next].iter().any(is_run)
        && !own.keys().any(is_here)
        && heat(own).saturating_mul(3) < heat(others)
}

/// Whether instruction `i` brings only what installs before this one read.
fn is_of_another(of: &StageView<'_>, install: &Install, i: usize) -> bool {
    let Some(files) = &of.brings[i] else {
        return false;
    };
    let mut others = (i + 1..install.run).flat_map(|run| of.installs(run));
    others.any(|other| files.keys().all(|to| other.reads.contains(to)))
}

/// Whether instruction `i` brings something that the install does not read.
pub(super) fn is_in_the_way(of: &StageView<'_>, install: &Install, i: usize) -> bool {
    if let Some(files) = &of.brings[i] {
        let is_needed = |to: &String| install.reads.contains(to) || is_found_by_programs(to);
        return !files.keys().all(is_needed);
    }
    let instruction = &of.stage.instructions[i];
    let (Kind::Copy(transfer), Some(from)) = (&instruction.kind, instruction.flag("from")) else {
        return false;
    };
    let is_stage = stage_named(of.view.dockerfile, of.stage.index, from).is_some();
    if install.made.iter().any(|path| copies(of, i, path)) {
        return false;
    }
    let to = destination(transfer, &of.places[i]);
    // At the root, not all that lies below is the project's.
    let is_foreign = |to: &str| install.dir == "/" && is_for_programs(to);
    is_stage
        && to
            .is_some_and(|to| is_within(&to, &install.dir) && to != install.dir && !is_foreign(&to))
}

/// Whether a COPY from another stage brings the file at `path`, which no RUN before `run` makes or changes.
fn is_copied(of: &StageView<'_>, run: usize, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let says = |i: &Instruction| {
        let is_run = matches!(i.kind, Kind::Run(_));
        let text = i.with_bodies();
        is_run && (text.contains(name) || text.contains("chef prepare"))
    };
    let mut above = of.stage.instructions[..run].iter();
    !above.any(says) && (0..run).any(|i| copies(of, i, path))
}

/// Whether instruction `i` copies one file from a stage to `path`.
pub(super) fn copies(of: &StageView<'_>, i: usize, path: &str) -> bool {
    let instruction = &of.stage.instructions[i];
    let (Kind::Copy(transfer), Some(from)) = (&instruction.kind, instruction.flag("from")) else {
        return false;
    };
    let [Source::Path(source)] = transfer.sources.as_slice() else {
        return false;
    };
    let name = source.rsplit('/').next().unwrap_or(source);
    let to = destination(transfer, &of.places[i]);
    let is_plain = !source.contains(['*', '?', '[', '$']) && !matches!(name, "" | "." | "..");
    let is_it = |to: String| to == path || format!("{}/{name}", to.trim_end_matches('/')) == path;
    is_plain
        && stage_named(of.view.dockerfile, of.stage.index, from).is_some()
        && to.is_some_and(is_it)
}

/// Whether an earlier RUN, here or in a stage below, already resolves the same (or is the one to lift).
pub(super) fn is_done_above(
    stages: &[StageView<'_>],
    of: &StageView<'_>,
    install: &Install,
) -> bool {
    let is_prefetch = matches!(install.action, Action::Prefetch(_));
    let own = of.stage.index;
    let is_same = |of: &StageView<'_>, done: &Install| {
        let shares = done
            .ecosystems
            .iter()
            .any(|e| install.ecosystems.contains(e));
        let resolves_same = || {
            first_words(&done.shown) == first_words(&install.shown)
                && install.reads.is_subset(&done.reads)
        };
        done.dir == install.dir
            && ((shares && (is_prefetch || resolves_same()))
                || replaces(&install.ecosystems, &done.ecosystems)
                    && (of.stage.index != own || !said_again(of, done, install)))
    };
    let tasks = [" build", " cook ", " deps.compile"];
    let compiles = tasks.iter().any(|task| install.line.contains(task));
    let is_done = |of: &StageView<'_>, run: usize| {
        if compiles && only_downloads(of, run) {
            return false;
        }
        let builds = || {
            of.builds_with(run)
                .is_some_and(|names| names.iter().any(|n| install.ecosystems.contains(n)))
        };
        // What mounts bring is not followed; the same command with them has the same done.
        let is_bound = || {
            let instruction = &of.stage.instructions[run];
            let binds = instruction
                .flag_values("mount")
                .any(|m| m.contains("type=bind"));
            let seen = super::super::command::seen(instruction).unwrap_or_default();
            let words = first_words(&install.shown);
            binds && seen.iter().any(|s| s.words.iter().take(2).eq(words.iter()))
        };
        of.installs(run).iter().any(|done| is_same(of, done))
            || (is_prefetch && (builds() || is_bound()))
    };
    let dockerfile = of.view.dockerfile;
    let mut below = std::iter::successors(parent(dockerfile, of.stage.index), |s| {
        parent(dockerfile, *s)
    });
    (0..install.run).any(|run| is_done(of, run))
        || below.any(|s| {
            stages
                .get(s)
                .is_some_and(|of| (0..of.stage.instructions.len()).any(|run| is_done(of, run)))
        })
}

/// Whether RUN `run` fetches dependencies and compiles none of them, whatever it does beside.
fn only_downloads(of: &StageView<'_>, run: usize) -> bool {
    let seen = super::super::command::seen(&of.stage.instructions[run]).unwrap_or_default();
    let fetches = |s: &Seen| {
        matches!(
            (s.name(), s.subcommand()),
            ("cargo", "fetch") | ("mix", "deps.get")
        )
    };
    let is_beside = |s: &Seen| match s.name() {
        "mix" => s.subcommand().starts_with("local."),
        "apk" | "apt-get" | "npm" | "pnpm" | "yarn" => true,
        _ => is_quiet(s),
    };
    seen.iter().any(fetches) && seen.iter().all(|s| fetches(s) || is_beside(s))
}

/// Whether installs of these ecosystems leave what their own lists say and nothing else: of two in one place, the second
/// takes the place of the first. Others (pip, Go, Mix) add to what is there.
pub(super) fn replaces(one: &[&str], other: &[&str]) -> bool {
    let family = |name: &&str| match *name {
        "npm" | "yarn" | "pnpm" | "bun" => Some("node"),
        "pip-tools" | "poetry" | "pipenv" => Some("venv"),
        "bundler" => Some("bundler"),
        "composer" => Some("composer"),
        _ => None,
    };
    let of: BTreeSet<&str> = one.iter().filter_map(family).collect();
    other.iter().filter_map(family).any(|f| of.contains(f))
}

pub(super) fn first_words(line: &str) -> Vec<&str> {
    line.split_whitespace().take(2).collect()
}
