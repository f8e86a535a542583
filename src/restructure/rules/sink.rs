//! Values that change from build to build are set as late as possible.
//!
//! Before:
//! ```dockerfile
//! ARG GIT_COMMIT
//! ENV GIT_COMMIT=$GIT_COMMIT
//! RUN apt-get update && apt-get install -y curl
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y curl
//! ARG GIT_COMMIT
//! ENV GIT_COMMIT=$GIT_COMMIT
//! ```
//! Applies to arguments that are passed with changing values, to those whose name says that they will be (a commit,
//! a date, a build number, a version), to those that the repository's own files pass, and to what the Dockerfile itself
//! gave other values over this history. They move down past everything that does not read them: a RUN that is known not
//! to, or whose text does not mention the name while no file that it can come upon does either. A RUN that only writes
//! one somewhere goes with it. One that is there to make steps run again (`CACHEBUST`) stays where it is.

use super::super::candidate::{Candidate, Safety};
use super::super::command::seen;
use super::super::effect::{Effect, Files, conflict};
use super::super::layout::{Place, mentioned, places, reachable};
use super::super::mentions::mentions;
use super::super::moving::{block_of, effects};
use super::super::named::{called_with, named};
use super::super::passed::{is_about_images, passed_by};
use super::super::past::Name;
use super::super::present::present;
use super::super::system_places::is_read_by_name;
use super::super::view::View;
use super::Rule;
use super::changing::{argument_changes, changes, is_cache_bust, is_passed};
use crate::dockerfile::ast::{ArgItem, Instruction, Kind, Stage};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "sink-values",
    summary: "ARG, ENV and LABEL that change go below what does not read them",
    propose,
};

/// A stage, and what is known of its instructions before one is moved.
struct Ground<'a> {
    view: &'a View<'a>,
    /// Of all stages.
    places: &'a [Vec<Place>],
    stage: &'a Stage,
    /// What each instruction reads and writes.
    effects: &'a [Effect],
}

impl Ground<'_> {
    /// Whether the RUN at `index` only makes or changes files that its words name, in no time (`echo $VERSION > /version`):
    /// one that fetches would do so again with each file copied above it.
    fn goes_along(&self, index: usize) -> bool {
        // What fetches anew is worth more than the value's place.
        let seen = seen(&self.stage.instructions[index]).unwrap_or_default();
        let fetches = |s: &Seen| matches!(s.name(), "curl" | "git" | "tar" | "unzip" | "wget");
        if seen.iter().any(fetches) {
            return false;
        }
        match &self.effects[index].files {
            Files::Commands(touched) => {
                self.effects[index].groups.is_some()
                    && !touched.system
                    && !touched.global
                    && !touched.needs_system
            }
            _ => false,
        }
    }

    /// Whether the RUN at `index`, of which it is not known what it reads, names nothing that the RUNs `above` touch.
    fn leaves_alone(
        &self,
        index: usize,
        above: &BTreeSet<usize>,
        doubts: &mut Vec<String>,
    ) -> bool {
        let instruction = &self.stage.instructions[index];
        let is_unknown =
            matches!(instruction.kind, Kind::Run(_)) && self.effects[index].groups.is_none();
        let touched = above.iter().filter_map(|&m| match &self.effects[m].files {
            Files::Commands(touched) => Some(&touched.places),
            _ => None,
        });
        let paths: BTreeSet<&str> = touched.flatten().map(String::as_str).collect();
        let at = (self.stage.index, index);
        let names_none = || {
            named(self.view, self.places, at, &paths, &BTreeSet::new())
                .is_some_and(|named| named.is_empty())
        };
        if !is_unknown || !paths.iter().all(|p| is_read_by_name(p)) || !names_none() {
            return false;
        }
        let list: Vec<&str> = paths.into_iter().collect();
        doubts.push(format!(
            "check that the RUN in line {} does not read {}",
            instruction.lines.first,
            list.join(" or ")
        ));
        true
    }
}

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for index in reachable(view.dockerfile, view.target) {
        let stage = &view.dockerfile.stages[index];
        let effects = effects(view, stage, &all[index]);
        let ground = Ground {
            view,
            places: &all,
            stage,
            effects: &effects,
        };
        let passed = |item: &ArgItem| argument_changes(view, item);
        let named = |name: &str| changes(view, name);
        found.extend(of_stage(&ground, &passed, &named, DIFFERS));
        // What the builder itself gives another value for each platform, where the steps are the same for all.
        if runs_here_for_all(stage) {
            let is_it = |item: &ArgItem| OF_TARGET.contains(&item.name.as_str());
            found.extend(of_stage(&ground, &is_it, &|_| false, BY_PLATFORM));
        }
        // What the repository's own files pass, whatever it is called.
        let arguments = stage.instructions.iter().filter_map(|i| match &i.kind {
            Kind::Arg(items) => items.first().filter(|_| items.len() == 1),
            _ => None,
        });
        for item in arguments {
            let is_other = !argument_changes(view, item)
                && !is_passed(view, &item.name)
                && !is_cache_bust(&item.name)
                && !of_platform(&item.name)
                && bumps(view, &item.name) == 0;
            let how = if passed_by(view, &item.name).is_some() {
                DIFFERS
            } else if is_asked_for(view, item) {
                ASKED_FOR
            } else {
                continue;
            };
            if is_other {
                let is_it = |i: &ArgItem| i.name == item.name;
                found.extend(of_stage(&ground, &is_it, &|_| false, how));
            }
        }
        // What the Dockerfile itself gave another value in the course of time, one by one: their readers differ.
        let mut seen = BTreeSet::new();
        for (name, _) in stage.instructions.iter().flat_map(literals) {
            if seen.insert(name) && bumps(view, name) > 0 && !is_cache_bust(name) {
                let is_it = |item: &ArgItem| item.name == name;
                found.extend(of_stage(&ground, &is_it, &|_| false, DIFFERS));
            }
        }
    }
    found
}

/// What BuildKit sets to the platform that the image is made for.
pub const OF_TARGET: &[&str] = &["TARGETARCH", "TARGETOS", "TARGETPLATFORM", "TARGETVARIANT"];

/// How values come to differ, after their names and before "and a RUN below …".
const DIFFERS: &str = "differs from build to build";
const ASKED_FOR: &str = "has no value of its own, so that each build passes the one it wants,";
const BY_PLATFORM: &str = "differs from platform to platform of one build";

/// Whether the steps of a stage run on the builder's platform, whichever the image is made for.
fn runs_here_for_all(stage: &Stage) -> bool {
    let platform = stage.from.flag("platform");
    platform.is_some_and(|p| p.trim_matches(['$', '{', '}']) == "BUILDPLATFORM")
}

/// Whether an argument has no default, here or above all stages, and something goes by its value.
fn is_asked_for(view: &View<'_>, item: &ArgItem) -> bool {
    let globals = view
        .dockerfile
        .globals
        .iter()
        .filter_map(|i| match &i.kind {
            Kind::Arg(items) => Some(items),
            _ => None,
        });
    let has_default = globals
        .flatten()
        .any(|g| g.name == item.name && g.default.is_some());
    let reads = |i: &Instruction| {
        !matches!(i.kind, Kind::Arg(_)) && mentioned(&i.original).contains(&item.name)
    };
    item.default.is_none() && !has_default && view.dockerfile.instructions().any(reads)
}

/// The variables that an ARG or ENV gives a value that stands there.
fn literals(instruction: &Instruction) -> Vec<(&str, &str)> {
    match &instruction.kind {
        Kind::Arg(items) => items
            .iter()
            .filter_map(|i| Some((i.name.as_str(), i.default.as_deref()?)))
            .collect(),
        Kind::Env(pairs) => pairs
            .iter()
            .map(|p| (p.name.as_str(), p.value.as_str()))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the builder itself gives the argument its value.
fn of_platform(name: &str) -> bool {
    [
        "TARGET",
        "BUILDPLATFORM",
        "BUILDOS",
        "BUILDARCH",
        "BUILDVARIANT",
        "BUILDKIT_",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// In how many builds the Dockerfile itself gave `name` another value.
fn bumps(view: &View<'_>, name: &str) -> usize {
    let name = Name::Variable(name.to_owned());
    view.bumps.get(&name).copied().unwrap_or_default()
}

/// Sinks the values of a stage that `is_changing` or, computed from others, `is_called` names, together, as far as all
/// of them go.
fn of_stage(
    ground: &Ground<'_>,
    is_changing: &dyn Fn(&ArgItem) -> bool,
    is_called: &dyn Fn(&str) -> bool,
    how: &str,
) -> Option<Candidate> {
    let (view, stage, effects) = (ground.view, ground.stage, ground.effects);
    let mut moved: BTreeSet<usize> = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        let changing = match &instruction.kind {
            // An argument with a literal default that is not passed does not change.
            Kind::Arg(items) => items.len() == 1 && items.iter().any(is_changing),
            Kind::Env(pairs) => pairs.iter().any(|p| {
                let as_argument = ArgItem {
                    name: p.name.clone(),
                    default: Some(p.value.clone()),
                };
                effects[index].mentions.iter().any(|m| names.contains(m))
                    || (p.value.contains('$') && is_called(&p.name))
                    || (bumps(view, &p.name) > 0 && is_changing(&as_argument))
            }),
            Kind::Label(_) => effects[index].mentions.iter().any(|m| names.contains(m)),
            _ => false,
        };
        if changing {
            moved.insert(index);
            names.extend(effects[index].sets.iter().cloned());
        }
    }
    if names.is_empty() {
        return None;
    }
    let mut doubts = Vec::new();
    let unread = |index: usize, doubts: &mut Vec<String>| is_unread(ground, index, &names, doubts);
    // The lowest place: before the first instruction that reads one of the values.
    let first = *moved.first()?;
    let mut to = first;
    // RUNs that read one and go down with it.
    let mut readers = BTreeSet::new();
    for index in first..stage.instructions.len() {
        if moved.contains(&index) {
            continue;
        }
        let meets = |which: &BTreeSet<usize>| {
            let mut above = which.iter().filter(|m| **m < index);
            above.any(|&m| conflict(&effects[m], &effects[index]).is_some())
        };
        if meets(&moved) && !unread(index, &mut doubts) {
            if !ground.goes_along(index) {
                break;
            }
            readers.insert(index);
            continue;
        }
        if meets(&readers) && !ground.leaves_alone(index, &readers, &mut doubts) {
            break;
        }
        to = index;
    }
    to = above_stale_clone(stage, effects, &names, (first, to));
    moved.retain(|m| *m <= to);
    readers.retain(|m| *m < to);
    moved.extend(&readers);
    let passes_step = (first..=to).any(|i| {
        !moved.contains(&i)
            && matches!(
                stage.instructions[i].kind,
                Kind::Run(_) | Kind::Copy(_) | Kind::Add(_) | Kind::Workdir(_)
            )
    });
    let runs_below = (first..=to)
        .any(|i| !moved.contains(&i) && matches!(stage.instructions[i].kind, Kind::Run(_)));
    if !passes_step || !runs_below {
        return None;
    }
    Some(candidate(view, stage, &moved, to, &names, doubts, how))
}

/// The place above the first RUN that clones a repository as it is now, where git later goes to what one of `names` says:
/// the clone has to be as new as that.
fn above_stale_clone(
    stage: &Stage,
    effects: &[Effect],
    names: &BTreeSet<String>,
    (first, to): (usize, usize),
) -> usize {
    let git = |index: usize, verbs: &[&str]| {
        let seen = seen(&stage.instructions[index]).unwrap_or_default();
        let mut all = seen.iter();
        all.any(|s| s.name() == "git" && verbs.contains(&s.subcommand()))
    };
    let goes_there = |index: &usize| {
        let mut said = effects[*index].mentions.iter();
        said.any(|m| names.contains(m)) && git(*index, &["checkout", "reset", "switch"])
    };
    if !(first..stage.instructions.len()).any(|i| goes_there(&i)) {
        return to;
    }
    let clone = (first..=to).find(|&i| git(i, &["clone", "fetch", "pull"]));
    clone.map_or(to, |clone| clone.saturating_sub(1))
}

/// Whether the RUN at `index` reads none of `names`, as far as its text and the files that it can come upon show.
fn is_unread(
    ground: &Ground<'_>,
    index: usize,
    names: &BTreeSet<String>,
    doubts: &mut Vec<String>,
) -> bool {
    let (view, stage) = (ground.view, ground.stage);
    let instruction = &stage.instructions[index];
    let copied = view.dockerfile.instructions();
    let copied = copied.filter(|i| matches!(i.kind, Kind::Copy(_) | Kind::Add(_)));
    let texts = copied
        .chain([instruction])
        .flat_map(|i| i.heredocs.iter().map(|h| h.content.as_str()))
        .chain([instruction.original.as_str()]);
    let holds = |text: &str| {
        let mut names = names.iter();
        names.any(|n| super::super::mentions::holds(text.as_bytes(), n.as_bytes()))
    };
    if !matches!(instruction.kind, Kind::Run(_)) || texts.into_iter().any(holds) {
        return false;
    }
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let present = present(view, ground.places, stage.index, index);
    let text = instruction.with_bodies();
    let calls = |there| called_with(view, there, &text, &words).is_some();
    if present.as_ref().is_some_and(calls) {
        return false;
    }
    let is_there = |p: &RepoPath| present.as_ref().is_none_or(|all| all.contains(p));
    let found = mentions(view, &words, |p| {
        *p != *view.path && !is_about_images(p) && is_there(p)
    });
    if let Some((path, word)) = found.found.iter().find(|(p, _)| !is_prose(p)) {
        // A generic name such as VERSION is everywhere; a specific one that a file mentions is likely read.
        let specific = word.contains('_');
        let doubt = format!(
            "{path} mentions {word}; check that the RUN in line {} does not read it",
            instruction.lines.first
        );
        if specific || doubts.len() > 2 {
            return false;
        }
        if !doubts.iter().any(|d| d.starts_with(&path.to_string())) {
            doubts.push(doubt);
        }
    }
    if !found.is_complete && doubts.is_empty() {
        doubts.push(format!(
            "the tree could not be read whole; check that the RUN in line {} does not read {}",
            instruction.lines.first,
            words.join(" or ")
        ));
    }
    true
}

/// Files that no step reads as what they are: prose, settings of forges, other Dockerfiles.
fn is_prose(path: &RepoPath) -> bool {
    let text = path.to_string().to_lowercase();
    let name = text.rsplit('/').next().unwrap_or(&text);
    text.ends_with(".md")
        || text.ends_with(".rst")
        || text.starts_with(".github/")
        || text.starts_with(".gitlab")
        || text.ends_with(".dockerignore")
        || text.ends_with("dockerfile")
        || name.starts_with("dockerfile")
        || text.starts_with("docs/")
}

fn candidate(
    view: &View<'_>,
    stage: &Stage,
    moved: &BTreeSet<usize>,
    to: usize,
    names: &BTreeSet<String>,
    doubts: Vec<String>,
    how: &str,
) -> Candidate {
    let line = |i: usize| stage.instructions[i].lines.first;
    let first = moved.first().copied().unwrap_or_default();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let list = match all.as_slice() {
        [one, two, three, rest @ ..] if rest.len() > 1 => {
            format!("{one}, {two}, {three} and {} more", rest.len())
        }
        all => all.join(", "),
    };
    let is_run = |i: &usize| matches!(stage.instructions[*i].kind, Kind::Run(_));
    let readers: Vec<String> = moved
        .iter()
        .copied()
        .filter(is_run)
        .map(|i| line(i).to_string())
        .collect();
    let (with, other) = match readers.as_slice() {
        [] => (String::new(), ""),
        [one] => (
            format!(" and the RUN in line {one} that reads it"),
            "other ",
        ),
        all => (
            format!(" and the RUNs in lines {} that read it", all.join(", ")),
            "other ",
        ),
    };
    let mut candidate = Candidate::new(
        "sink-values",
        format!(
            "set {list} (line {}){with} after line {}",
            line(first),
            stage.instructions[to].lines.last
        ),
    );
    let text = view.text();
    let at = block_of(text, stage, to).end;
    let mut carried = String::new();
    if !text[..at].ends_with('\n') {
        carried.push('\n');
    }
    for &index in moved {
        let span = block_of(text, stage, index);
        carried.push_str(&text[span.range()]);
        candidate
            .edits
            .push(super::super::candidate::TextEdit::delete(
                super::super::moving::without_blank_twin(text, span),
            ));
    }
    candidate
        .edits
        .push(super::super::candidate::TextEdit::insert(at, carried));
    candidate.unread = names.iter().cloned().collect();
    let reasons = vec![format!(
        "no {other}instruction between line {} and line {} mentions {list}",
        line(first),
        line(to)
    )];
    candidate.safety = Safety::of(reasons, doubts);
    let bumped: usize = names
        .iter()
        .map(|n| bumps(view, n))
        .max()
        .unwrap_or_default();
    let how = if bumped > 0 {
        format!("changed in {bumped} of {} builds", view.n_builds())
    } else {
        how.to_owned()
    };
    candidate.rationale = format!(
        "{list} {how}, and a RUN below its declaration runs again with each new value whether it reads it or not."
    );
    candidate.lines = moved.iter().map(|&i| stage.instructions[i].lines).collect();
    candidate
}
