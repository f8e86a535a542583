//! Mounts in place of layers: downloads and compiled code kept in cache mounts.
//!
//! Before:
//! ```dockerfile
//! COPY requirements.txt .
//! RUN pip install -r requirements.txt
//! ```
//! After (cache-mounts):
//! ```dockerfile
//! COPY requirements.txt .
//! RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
//! ```
//! A cache mount lives in the builder: it is proposed only where the builder's state survives between builds. Where the
//! downloads are read in place later (`~/.m2`, `/go/pkg/mod`), every later RUN of the stage gets the mount too, and the
//! stage must not be the image itself.

use super::super::archives;
use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command;
use super::super::compiler_caches;
use super::super::downloads::{self, Downloads};
use super::super::effect::{Files, effect};
use super::super::go_compiler::{GO_BUILD, is_run_to_compile, keeps_at_home, unseen_c};
use super::super::hidden::hides;
use super::super::installs::StageView;
use super::super::kept::{emptied, why_taken_out};
use super::super::layout::{Place, mount_field, overlap, places, reachable};
use super::super::lift::declare;
use super::super::lookers::LOOKERS;
use super::super::moving::with_flags;
use super::super::offline::needs_layers;
use super::super::taken::{is_copied_from, is_in_image};
use super::super::view::{Feature, View};
use super::Rule;

use crate::dockerfile::ast::Kind;
use crate::ecosystem::CacheDir;
use crate::shell::Seen;
use std::collections::{BTreeMap, BTreeSet};

/// Its line in [`super::ALL`].
pub(in super::super) const CACHES: Rule = Rule {
    id: "cache-mounts",
    summary: "downloads kept in a cache mount, where it survives",
    propose: caches,
};

/// What Go's compiler keeps, by itself.
const COMPILED_GO: CacheDir = CacheDir {
    path: "~/.cache/go-build",
    is_read_later: false,
    is_exclusive: false,
    is_compiled: true,
};

/// An ecosystem, and the user whose directory it is.
type Keeper<'a> = (&'static str, Option<&'a str>);

fn caches(view: &View<'_>) -> Vec<Candidate> {
    if !view.persistent || !view.has(Feature::Mount) {
        return Vec::new();
    }
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        let mut kept: BTreeMap<Keeper<'_>, Vec<(usize, CacheDir)>> = BTreeMap::new();
        for run in 0..of.stage.instructions.len() {
            for (ecosystem, dir) in of.cache_dirs(run) {
                // Each user has their own, unless it is read in place by all.
                let user = of.places[run]
                    .user
                    .as_deref()
                    .filter(|_| !dir.is_read_later);
                kept.entry((ecosystem, user)).or_default().push((run, dir));
            }
        }
        found.extend(kept.into_iter().filter_map(|((e, _), runs)| {
            cache(&of, &all, e, &runs).or_else(|| compiled_alone(&of, &all, e, &runs))
        }));
    }
    found.extend(compiler_caches::candidates(view, CACHES.id));
    found.extend(archives::candidates(view, CACHES.id));
    found
}

/// What Go's compiler keeps, where its modules can be in no mount.
fn compiled_alone(
    of: &StageView<'_>,
    all: &[Vec<Place>],
    ecosystem: &'static str,
    runs: &[(usize, CacheDir)],
) -> Option<Candidate> {
    let compiles = |(run, dir): &&(usize, CacheDir)| dir.is_read_later && keeps_at_home(of, *run);
    let runs = runs.iter().filter(compiles);
    let runs: Vec<(usize, CacheDir)> = runs.map(|(run, _)| (*run, COMPILED_GO)).collect();
    let is_go = ecosystem == "go" && !runs.is_empty();
    is_go.then(|| cache(of, all, ecosystem, &runs)).flatten()
}

/// Which RUNs get which mounts.
#[derive(Default)]
struct Given {
    /// RUNs that get one, or both.
    runs: Vec<usize>,
    /// Whether some get the ecosystem's own directory.
    own: bool,
    /// The RUNs that get what Go's compiler keeps on top.
    compiling: Vec<usize>,
    edits: Vec<TextEdit>,
    doubts: Vec<String>,
    taken_out: Vec<String>,
}

fn cache(
    of: &StageView<'_>,
    all: &[Vec<Place>],
    ecosystem: &'static str,
    runs: &[(usize, CacheDir)],
) -> Option<Candidate> {
    let view = of.view;
    let (first, dir) = runs.first()?;
    // What is compiled is made anew where it is missing.
    if !dir.is_compiled && needs_layers(of, all, ecosystem) {
        return None;
    }
    let Downloads {
        target,
        owner,
        doubts,
    } = downloads::of(of, *first, ecosystem, dir)?;
    let mut mounted: Vec<usize> = runs.iter().map(|(run, _)| *run).collect();
    let mut doubts = doubts;
    if dir.is_read_later {
        if is_copied_from(view, of.stage.index, &target) {
            return None;
        }
        let later = (*first..of.stage.instructions.len())
            .filter(|i| matches!(of.stage.instructions[*i].kind, Kind::Run(_)));
        mounted.extend(later.filter(|&i| may_read(of, i, ecosystem, &target)));
        mounted.sort_unstable();
        mounted.dedup();
    }
    doubts.extend(left_out_of_the_image(of, ecosystem, dir, &target)?);
    if hides(of, all, (ecosystem, dir), &mounted, &target) {
        return None;
    }
    let given = given(of, (ecosystem, dir), &mounted, (&target, owner))?;
    // Where all that fetches has its mount, nothing is gained by more.
    if !runs.iter().any(|(run, _)| given.runs.contains(run)) {
        return None;
    }
    doubts.extend(given.doubts.iter().cloned());
    if ecosystem == "go" {
        let compiling = match dir.is_compiled {
            true => &given.runs,
            false => &given.compiling,
        };
        doubts.extend(unseen_c(of, compiling));
    }
    doubts.sort();
    doubts.dedup();
    let mut candidate = told(of, (ecosystem, dir), &target, &given);
    let mut reasons = candidate.safety.reasons().to_vec();
    reasons.extend(why_taken_out(given.taken_out));
    candidate.edits = given.edits;
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    candidate.vouched = candidate
        .replaced
        .iter()
        .flat_map(|r| r.before.clone())
        .collect();
    Some(candidate)
}

/// What is to be checked where the stage is the image, which then lacks what is at `target`; `None` where a container
/// may need it.
fn left_out_of_the_image(
    of: &StageView<'_>,
    ecosystem: &str,
    dir: &CacheDir,
    target: &str,
) -> Option<Option<String>> {
    let view = of.view;
    let is_needed = dir.is_read_later || ecosystem == "go" && dir.is_compiled;
    if !is_needed || !is_in_image(view, of.stage.index) {
        return Some(None);
    }
    if ecosystem != "go" {
        return None;
    }
    (!is_run_to_compile(view)).then(|| Some(format!(
        "the image no longer holds what go keeps in {target}: check that nothing is compiled in its containers, nor in what is built on it"
    )))
}

/// The mounts of each RUN of `mounted`, where it has none; `None` where some cannot get theirs, and where none is
/// missing.
fn given(
    of: &StageView<'_>,
    (ecosystem, dir): (&str, &CacheDir),
    mounted: &[usize],
    (target, owner): (&str, &str),
) -> Option<Given> {
    let view = of.view;
    let instruction = |run: usize| &of.stage.instructions[run];
    let named = |run: &usize| {
        let mounts = instruction(*run).flag_values("mount");
        mounts.filter(|m| is_at(m, target)).collect::<Vec<&str>>()
    };
    let written: BTreeSet<&str> = mounted.iter().flat_map(named).collect();
    let sharing = if dir.is_exclusive {
        ",sharing=locked"
    } else {
        ""
    };
    let usual = format!("type=cache,target={target}{sharing}{owner}");
    let is_copied = |m: &str| !m.contains('$') && !m.split(',').any(is_read_only);
    // Others are given the very directory that is there already; what is read in place must be one.
    let mount = match written.into_iter().collect::<Vec<_>>().as_slice() {
        [] => usual,
        [one] if is_copied(one) => (*one).to_owned(),
        _ if !dir.is_read_later => usual,
        _ => return None,
    };
    let mut given = Given::default();
    for &run in mounted {
        let instruction = instruction(run);
        let compiles = ecosystem == "go"
            && !dir.is_compiled
            && keeps_at_home(of, run)
            && !archives::has_mount(instruction, &[GO_BUILD]);
        let mut flags = String::new();
        if !instruction.flag_values("mount").any(|m| is_at(m, target)) {
            let mut others = instruction.flag_values("mount");
            let has_other = archives::has_mount(instruction, &[target])
                || others.any(|m| m.contains("type=cache") && may_be_for((ecosystem, dir), m));
            let emptied = emptied(view, instruction, ecosystem, target)
                .filter(|e| !has_other && (e.edits.is_empty() || !dir.is_read_later));
            let Some(emptied) = emptied else {
                // Downloads that are read in place are needed in every step.
                if dir.is_read_later {
                    return None;
                }
                continue;
            };
            flags = format!(" --mount={mount}");
            given.own = true;
            given.edits.extend(emptied.edits);
            given.doubts.extend(emptied.doubts);
            given.taken_out.extend(emptied.words);
        }
        if compiles {
            flags = format!("{flags} --mount=type=cache,target={GO_BUILD}");
            given.compiling.push(run);
        }
        if !flags.is_empty() {
            given.edits.push(with_flags(view, instruction, &flags));
            given.runs.push(run);
        }
    }
    (!given.runs.is_empty()).then_some(given)
}

/// What a person is told of the mounts, with what shows that they are safe.
fn told(
    of: &StageView<'_>,
    (ecosystem, dir): (&'static str, &CacheDir),
    target: &str,
    given: &Given,
) -> Candidate {
    let lines: Vec<String> = given
        .runs
        .iter()
        .map(|&i| of.stage.instructions[i].lines.first.to_string())
        .collect();
    let compiles = !given.compiling.is_empty();
    let (held, does) = if dir.is_compiled {
        ("compiled code", "compiles")
    } else {
        ("downloads", "downloads")
    };
    let (what, does, places) = match (given.own, compiles) {
        (true, true) => (
            "downloads and compiled code in cache mounts".to_owned(),
            "downloads and compiles",
            format!("cache mounts at {target} and {GO_BUILD} keep"),
        ),
        (false, true) => (
            "compiled code in a cache mount".to_owned(),
            "compiles",
            format!("a cache mount at {GO_BUILD} keeps"),
        ),
        _ => (
            format!("{held} in a cache mount"),
            does,
            format!("a cache mount at {target} keeps"),
        ),
    };
    let many = if lines.len() == 1 { "line" } else { "lines" };
    let mut candidate = Candidate::new(
        CACHES.id,
        format!("keep {ecosystem}'s {what} ({many} {})", lines.join(", ")),
    );
    candidate.lines = given
        .runs
        .iter()
        .map(|&i| of.stage.instructions[i].lines)
        .collect();
    candidate.rationale = format!(
        "When line {} must run again, {ecosystem} {does} everything anew; {places} what it had. It helps only where the builder's own state survives.",
        lines[0]
    );
    let mut reasons = Vec::new();
    if given.own {
        reasons.push(held_there(ecosystem, held, target));
    }
    if compiles {
        reasons.push(format!(
            "{GO_BUILD} holds what go finds by the content of all that went into it"
        ));
    }
    if given.own && dir.is_read_later && !is_in_image(of.view, of.stage.index) {
        reasons.push(format!(
            "no image and no later stage takes files from {target}"
        ));
    }
    candidate.safety = Safety::of(reasons, Vec::new());
    candidate
}

/// What is at `target`, for a reason.
fn held_there(ecosystem: &str, held: &str, target: &str) -> String {
    let beside = match ecosystem {
        "gradle" => "the wrapper's distribution, caches and locks",
        "maven" => "what its own `install` puts there",
        _ => return format!("{target} holds {held} alone, which {ecosystem} checks before use"),
    };
    format!(
        "{target} holds {held} and, beside them, {beside}, all of which {ecosystem} checks before use; builds wait for one another there"
    )
}

/// Whether an option of a mount keeps what it holds from being written.
fn is_read_only(option: &str) -> bool {
    option.starts_with("ro") || option.starts_with("readonly")
}

/// Whether a mount, as written, is a cache mount at `target` itself.
fn is_at(mount: &str, target: &str) -> bool {
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n));
    mount.contains("type=cache") && at.is_some_and(|at| at.trim_end_matches('/') == target)
}

/// Whether a cache mount that somebody wrote may hold what is kept in `dir`, wherever that was told to go.
fn may_be_for((ecosystem, dir): (&str, &CacheDir), mount: &str) -> bool {
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n));
    let at = at.unwrap_or_default().trim_end_matches('/');
    // Of Go's two directories each has its usual name.
    let other = if dir.is_compiled {
        "/pkg/mod"
    } else {
        "/go-build"
    };
    if archives::is_ours(mount) || ecosystem == "go" && at.ends_with(other) {
        return false;
    }
    let words = [ecosystem, "$", "cache", "store"];
    words
        .iter()
        .any(|w| mount.replace("type=cache", "").contains(w))
}

/// Whether the RUN at `run` may read what is below `target`.
fn may_read(of: &StageView<'_>, run: usize, ecosystem: &str, target: &str) -> bool {
    let instruction = &of.stage.instructions[run];
    let is_elsewhere = match effect(of.view, instruction, &of.places[run]).files {
        Files::Commands(touched) => !touched.meets(target),
        _ => false,
    };
    let looks =
        |s: &Seen| LOOKERS.contains(&s.name()) && !s.args().iter().any(|w| overlap(w, target));
    let only_looks = command::seen(instruction).is_some_and(|all| all.iter().all(looks));
    // What builds with others alone looks for their packages.
    let is_others = of
        .builds_with(run)
        .is_some_and(|names| !names.is_empty() && !names.contains(&ecosystem));
    !is_elsewhere && !only_looks && !is_others && !of.reads_no_project(run, &BTreeSet::new())
}
