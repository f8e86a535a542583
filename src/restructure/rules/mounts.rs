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
use super::super::candidate::{Candidate, Safety};
use super::super::command;
use super::super::installs::StageView;
use super::super::layout::{At, Place, places, reachable};
use super::super::lift::declare;
use super::super::mounts::cargo_target;
use super::super::mounts::compiler_caches;
use super::super::mounts::downloads::{self, Downloads};
use super::super::mounts::given::{given, may_read};
use super::super::mounts::go_anew;
use super::super::mounts::go_compiler::{is_run_to_compile, keeps_at_home, tests_kept, unseen_c};
use super::super::mounts::hidden::hides;
use super::super::mounts::hidden_cooks;
use super::super::mounts::kept::why_taken_out;
use super::super::mounts::kin::Kin;
use super::super::mounts::offline::needs_layers;
use super::super::mounts::own_builds;
use super::super::mounts::own_wheels;
use super::super::mounts::settings::unread;
use super::super::mounts::told::{also_given, told};
use super::super::mounts::virtualenvs;
use super::super::mounts::worked_on::{is_handed_over, is_worked_on};
use super::super::taken::{gives, is_copied_from, is_in_image};
use super::super::tools::clones;
use super::super::view::{Feature, View};
use super::Rule;

use crate::dockerfile::ast::Instruction;
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
    told: None,
};

/// An ecosystem, the user whose directory it is, and the place that the command is told.
type Keeper<'a> = (&'static str, Option<&'a str>, Option<&'a str>);

fn caches(view: &View<'_>) -> Vec<Candidate> {
    if !view.persistent || !view.has(Feature::Mount) {
        return Vec::new();
    }
    let all = places(view.dockerfile);
    let stages = StageView::all(view);
    let mut found = Vec::new();
    // What stages built on one another are given together, by the first of them.
    let mut together: BTreeMap<(&str, usize), bool> = BTreeMap::new();
    let mut followed: BTreeSet<(&str, usize)> = BTreeSet::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = &stages[stage];
        for ((ecosystem, ..), runs) in kept_in(of) {
            if followed.contains(&(ecosystem, stage)) {
                continue;
            }
            let is_read_later = runs.iter().any(|(_, dir)| dir.is_read_later);
            let kin = Kin::of(&stages, stage, ecosystem).filter(|_| is_read_later);
            if let Some(kin) = kin {
                let key = (ecosystem, kin.first().stage.index);
                let is_given = *together.entry(key).or_insert_with(|| {
                    let candidate = cache(&kin, &all, ecosystem, &kin.keeping(ecosystem));
                    let is_given = candidate.is_some();
                    found.extend(candidate);
                    is_given
                });
                if is_given {
                    continue;
                }
            }
            let kin = Kin::with_followers(&stages, of, ecosystem);
            let candidate = cache(&kin, &all, ecosystem, &runs);
            if candidate.is_some() {
                followed.extend(kin.stages().skip(1).map(|s| (ecosystem, s.stage.index)));
            }
            found.extend(candidate.or_else(|| compiled_alone(&kin, &all, ecosystem, &runs)));
        }
    }
    found.extend(hidden_cooks::candidates(view, CACHES.id));
    found.extend(compiler_caches::candidates(view, CACHES.id));
    found.extend(archives::candidates(view, CACHES.id));
    found.extend(cargo_target::candidates(view, CACHES.id));
    found.extend(go_anew::candidates(view, CACHES.id));
    found
}

/// The RUNs of a stage that keep something, and what.
fn kept_in<'o>(of: &'o StageView<'_>) -> BTreeMap<Keeper<'o>, Vec<(At, CacheDir)>> {
    let stage = of.stage.index;
    let mut kept: BTreeMap<Keeper<'_>, Vec<(At, CacheDir)>> = BTreeMap::new();
    for index in 0..of.stage.instructions.len() {
        for (ecosystem, dir) in of.cache_dirs(index) {
            // Each user has their own, unless it is read in place by all.
            let user = of.places[index]
                .user
                .as_deref()
                .filter(|_| !dir.is_read_later);
            let told = dir.told.as_deref().filter(|_| !dir.is_read_later);
            let at = At { stage, index };
            kept.entry((ecosystem, user, told))
                .or_default()
                .push((at, dir.clone()));
        }
    }
    kept
}

/// What Go's compiler keeps, where its modules can be in no mount.
fn compiled_alone(
    kin: &Kin<'_, '_>,
    all: &[Vec<Place>],
    ecosystem: &'static str,
    runs: &[(At, CacheDir)],
) -> Option<Candidate> {
    let compiles =
        |(run, dir): &&(At, CacheDir)| dir.is_read_later && keeps_at_home(kin.first(), run.index);
    let runs = runs.iter().filter(compiles);
    let runs: Vec<(At, CacheDir)> = runs.map(|(run, _)| (*run, COMPILED_GO)).collect();
    let is_go = ecosystem == "go" && !runs.is_empty();
    is_go.then(|| cache(kin, all, ecosystem, &runs)).flatten()
}

fn cache(
    kin: &Kin<'_, '_>,
    all: &[Vec<Place>],
    ecosystem: &'static str,
    runs: &[(At, CacheDir)],
) -> Option<Candidate> {
    let view = kin.first().view;
    let (first, dir) = runs.first()?;
    // What is compiled is made anew where it is missing.
    if !dir.is_compiled && needs_layers(kin.first(), all, ecosystem) {
        return None;
    }
    let Downloads {
        target,
        owner,
        mut doubts,
    } = kept_at(kin, ecosystem, runs)?;
    let is_changed = |at: At| {
        let place = all.get(at.stage).and_then(|p| p.get(at.index));
        let run = kin.instruction(at).zip(place);
        run.is_some_and(|(run, place)| {
            is_worked_on(run, place, &target, dir.is_read_later)
                || dir.is_read_later && dir.told.is_some() && is_handed_over(run, place, &target)
        })
    };
    let is_alone = |at: At| kin.instruction(at).is_some_and(puts_an_archive);
    if kin.runs().any(|at| is_changed(at) || is_alone(at)) {
        return None;
    }
    let mut mounted: BTreeSet<At> = runs.iter().map(|(run, _)| *run).collect();
    if dir.is_read_later {
        if kin.stages().any(|s| is_taken_from(kin, s, &target)) {
            return None;
        }
        let later = kin.runs().filter(|at| at > first);
        let reads = |at: &At| {
            let of = kin.stage(*at);
            of.is_some_and(|of| may_read(of, at.index, ecosystem, &target))
        };
        mounted.extend(later.filter(reads));
    }
    // What finds the downloads of an install in its layer has to find them in the mount.
    let again = match dir.is_read_later || dir.is_compiled {
        true => Vec::new(),
        false => kin.fetching_again(ecosystem, *first),
    };
    mounted.extend(again.iter().copied());
    doubts.extend(left_out_of_images(kin, ecosystem, dir, &target)?);
    doubts.extend(downloads::brought_by_image(kin.first(), &target));
    let mut stages = kin.stages();
    if stages.any(|of| hides(of, all, (ecosystem, dir), &mounted, &target)) {
        return None;
    }
    let given = given(kin, (ecosystem, dir), &mounted, (&target, &owner))?;
    let has_one = |at: &At| {
        let step = kin.instruction(*at);
        given.runs.contains(at) || step.is_some_and(|s| archives::has_mount(s, &[&target]))
    };
    if !again.iter().all(has_one) {
        return None;
    }
    // Where all that fetches has its mount, nothing is gained by more.
    if !runs.iter().any(|(run, _)| given.runs.contains(run)) {
        return None;
    }
    doubts.extend(given.doubts.iter().cloned());
    if ecosystem == "maven" {
        doubts.extend(unread(kin, given.runs.iter().copied(), &target));
        doubts.extend(installed(kin, &mounted, &target));
    }
    if ecosystem == "pip" {
        let own = given.runs.iter().filter_map(|at| kin.instruction(*at));
        doubts.extend(own.filter_map(own_wheels::doubt));
    }
    if ecosystem == "pnpm" {
        let steps = kin.runs();
        let steps = steps.filter_map(|at| kin.instruction(at));
        doubts.extend(own_builds::doubts(kin.first(), first.index, steps)?);
    }
    if ecosystem == "poetry" {
        for at in &given.runs {
            let of = kin.stage(*at)?;
            doubts.extend(virtualenvs::doubts(of, at.index, &target)?);
        }
    }
    if ecosystem == "go" {
        let compiling = match dir.is_compiled {
            true => &given.runs,
            false => &given.compiling,
        };
        for of in kin.stages() {
            let own = compiling.iter().filter(|at| at.stage == of.stage.index);
            let own: Vec<usize> = own.map(|at| at.index).collect();
            doubts.extend(unseen_c(of, &own));
            if reachable(view.dockerfile, view.target).contains(&of.stage.index) {
                doubts.extend(own.iter().filter_map(|run| tests_kept(of, *run)));
            }
        }
    }
    doubts.sort();
    doubts.dedup();
    let mut candidate = told(CACHES.id, kin, (ecosystem, dir), &target, &given);
    candidate.rationale += &also_given(kin, runs, &given);
    let mut reasons = candidate.safety.reasons().to_vec();
    reasons.extend(why_taken_out(given.taken_out));
    reasons.extend(given.anew.then(|| go_anew::REASON.to_owned()));
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

/// Whether a RUN puts something beside the downloads that later ones find nowhere else: an archive that no server has,
/// tools.
fn puts_an_archive(run: &Instruction) -> bool {
    let puts = |s: &Seen| {
        let is_tools =
            s.name() == "dotnet" && s.args().starts_with(&["tool".into(), "restore".into()]);
        is_tools
            || s.args()
                .iter()
                .any(|w| w.ends_with("install-file") || w.ends_with("publishToMavenLocal"))
    };
    command::seen(run).is_some_and(|all| all.iter().any(puts))
}

/// What is to be checked where one RUN puts modules of its own beside the downloads, and another may take them from
/// there: another build's, or none where the layer of the first is cached and the mount is empty.
fn installed(kin: &Kin<'_, '_>, mounted: &BTreeSet<At>, target: &str) -> Option<String> {
    let files = kin.first().view.files.iter();
    let poms = files.filter(|(path, _)| path.file_name() == Some(b"pom.xml"));
    let calls = |seen: &Seen| matches!(seen.name(), "mvn" | "mvnd" | "mvnw");
    let installs = |seen: &Seen| calls(seen) && seen.args().iter().any(|w| w == "install");
    let says = |at: &At, is_it: &dyn Fn(&Seen) -> bool| {
        let seen = kin.instruction(*at).and_then(command::seen);
        seen.is_some_and(|all| all.iter().any(is_it))
    };
    let first = mounted.iter().find(|at| says(at, &installs))?;
    let is_read = mounted.iter().any(|at| at > first && says(at, &calls));
    let line = kin.instruction(*first)?.lines.first;
    let is_of_another = says(first, &clones);
    (is_read && (is_of_another || poms.count() > 1)).then(|| {
        format!(
            "line {line} installs modules of its own into {target}: check that no later line needs them from there, where another build may have left its own, or none is"
        )
    })
}

/// Where all of `runs` keep what they fetch; `None` where that is not one place.
fn kept_at(kin: &Kin<'_, '_>, ecosystem: &str, runs: &[(At, CacheDir)]) -> Option<Downloads> {
    let mut found: Option<Downloads> = None;
    for (run, dir) in runs {
        let own = downloads::of(kin.stage(*run)?, run.index, ecosystem, dir)?;
        found = Some(match found {
            None => own,
            Some(mut known) if (&known.target, &known.owner) == (&own.target, &own.owner) => {
                known.doubts.extend(own.doubts);
                known
            }
            Some(_) => return None,
        });
    }
    found
}

/// Whether something at `target` is taken out of a stage, or is there for one that is not among these.
fn is_taken_from(kin: &Kin<'_, '_>, of: &StageView<'_>, target: &str) -> bool {
    match kin.stages().count() {
        1 => is_copied_from(of.view, of.stage.index, target),
        _ => gives(of.view, of.stage.index, target),
    }
}

/// What is to be checked where a stage is an image, which then lacks what is at `target`; `None` where a container may
/// need it.
fn left_out_of_images(
    kin: &Kin<'_, '_>,
    ecosystem: &str,
    dir: &CacheDir,
    target: &str,
) -> Option<Vec<String>> {
    let view = kin.first().view;
    let is_needed = dir.is_read_later || ecosystem == "go" && dir.is_compiled;
    if !is_needed {
        return Some(Vec::new());
    }
    let mut doubts = Vec::new();
    if kin.stages().any(|s| is_in_image(view, s.stage.index)) {
        if ecosystem != "go" || is_run_to_compile(view) {
            return None;
        }
        doubts.push(format!(
            "the image no longer holds what go keeps in {target}: check that nothing is compiled in its containers, nor in what is built on it"
        ));
    }
    for other in kin.other_images() {
        if ecosystem != "go" {
            return None;
        }
        doubts.push(format!(
            "an image of the stage in line {} no longer holds what go keeps in {target}: check that nothing is compiled in its containers",
            other.stage.from.lines.first
        ));
    }
    Some(doubts)
}
