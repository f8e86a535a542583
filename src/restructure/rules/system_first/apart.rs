//! What is copied into a directory of its own, and built there, goes above what is copied elsewhere and changes more
//! often.
//!
//! Before:
//! ```dockerfile
//! COPY . /go/src/app
//! RUN cd /go/src/app && go build -o /bin/app .
//! WORKDIR /ui
//! COPY ui ./
//! RUN npm ci && npm run build
//! ```
//! After:
//! ```dockerfile
//! WORKDIR /ui
//! COPY ui ./
//! RUN npm ci && npm run build
//! WORKDIR /go
//! COPY . /go/src/app
//! RUN cd /go/src/app && go build -o /bin/app .
//! ```
//! Where nothing above writes into that directory, and nothing of either side names the other's. The system's packages
//! between come along; a build that stands between and installs what it has built does not let it pass.

use super::super::super::candidate::{Candidate, Safety};
use super::super::super::command::{Group, seen};
use super::super::super::effect::{Effect, Files, destination};
use super::super::super::installs::{Action, Install, StageView, is_quiet};
use super::super::super::layout::{BASE, Place, absolute, is_within, overlap, places};
use super::super::super::mentions::mentions;
use super::super::super::system_places::{NOT_SYSTEM, OF_MANAGERS, SYSTEM_PLACES};
use super::super::super::touched::Touched;
use super::super::super::view::View;
use super::builds::stands_alone;
use super::directories::{move_with_directories, wherever_they_stand};
use super::fresh::{clones_newest, doubt_upgrades};
use super::ground::{Ground, along, is_transfer, passable};
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Ecosystems that keep what they install in one place, whoever it is for.
const SHARED: &[&str] = &["conda", "pip", "pip-tools", "pipenv", "poetry", "uv"];

/// Programs that work on the project in which they stand.
const BUILDERS: &[&str] = &[
    "bun", "bundle", "cargo", "composer", "dotnet", "go", "gradle", "hugo", "mix", "mvn", "ng",
    "node", "npm", "npx", "pnpm", "tsc", "vite", "webpack", "yarn",
];

/// For each RUN that builds in a directory of its own, the last first: what goes up with it, as high as it can.
pub(in super::super) fn built_apart(
    view: &View<'_>,
    stage: &Stage,
    own: &[Place],
) -> Vec<Candidate> {
    let ground = Ground::new(view, stage, own);
    let of = StageView::new(view, &places(view.dockerfile), stage.index);
    let builds: BTreeSet<usize> = (0..stage.instructions.len())
        .filter(|run| ground.builds.contains(run) || runs_builders(&stage.instructions[*run]))
        .collect();
    let groups = builds.iter().rev().filter_map(|&run| {
        let group = Apart::new((&ground, &of, &builds), run)?;
        group.candidate()
    });
    groups.collect()
}

/// What is built in a directory of its own.
struct Apart<'s, 'a> {
    ground: &'s Ground<'a>,
    of: &'s StageView<'a>,
    /// The RUNs that resolve dependencies or build.
    builds: &'s BTreeSet<usize>,
    /// Absolute.
    directory: String,
    /// Before which copy it can stand.
    to: usize,
    /// Its RUNs and copies, and what else has to come along.
    moved: BTreeSet<usize>,
    /// The RUNs and copies that it passes.
    passed: Vec<usize>,
    /// What each step of the stage does, where these build apart from the others.
    effects: Vec<Effect>,
}

impl<'s, 'a> Apart<'s, 'a> {
    /// That which RUN `index` is the last of.
    fn new(
        (ground, of, builds): (&'s Ground<'a>, &'s StageView<'a>, &'s BTreeSet<usize>),
        index: usize,
    ) -> Option<Self> {
        let directory = works_in(ground, index)?;
        let effects = apart(ground, builds, &directory);
        let steps = &ground.stage.instructions;
        let does = |i: &usize| is_transfer(&steps[*i]) || steps[*i].keyword == "RUN";
        let mut tops = passable(ground, index).into_iter();
        let (to, moved) = tops.find_map(|to| {
            let moved = along(ground, &effects, index, to)?;
            moved.iter().all(does).then_some((to, moved))
        })?;
        let left = (to..index).filter(|i| !moved.contains(i) && does(i));
        let group = Self {
            passed: left.collect(),
            ground,
            of,
            builds,
            directory,
            to,
            moved,
            effects,
        };
        let mut moved = group.moved.iter().map(|&i| &steps[i]);
        let is_copied = moved.clone().any(is_transfer);
        let is_fit = is_copied
            && !moved.any(clones_newest)
            && group.brings_tools_alone()
            && group.is_strange()?;
        is_fit.then_some(group)
    }

    /// Whether the RUNs that come along install what is then there, and take nothing away that what they pass has left.
    fn brings_tools_alone(&self) -> bool {
        let is_kept = |word: &String| {
            let places = OF_MANAGERS.iter().chain(&["/tmp", "/var/tmp"]);
            !word.starts_with('-') && !places.into_iter().any(|p| is_within(word, p))
        };
        let takes = |s: &Seen| s.name() == "rm" && s.args().iter().any(is_kept);
        self.tools().iter().all(|&run| {
            let commands = seen(&self.ground.stage.instructions[run]).unwrap_or_default();
            stands_alone(self.ground, run) && !commands.iter().any(takes)
        })
    }

    /// The RUNs that come along.
    fn tools(&self) -> Vec<usize> {
        let steps = &self.ground.stage.instructions;
        let is_one = |i: &usize| steps[*i].keyword == "RUN" && !self.builds.contains(i);
        self.moved.iter().copied().filter(is_one).collect()
    }

    /// Whether neither what is built here nor what it passes names the other's directories, and both leave nothing that
    /// the other takes unasked.
    fn is_strange(&self) -> Option<bool> {
        let steps = &self.ground.stage.instructions;
        let passed_builds = self.builds_of(self.passed.iter());
        let mut others = Vec::new();
        for &index in &self.passed {
            match &steps[index].kind {
                Kind::Copy(transfer) | Kind::Add(transfer) => {
                    others.push(destination(transfer, &self.ground.places[index])?);
                }
                _ if passed_builds.contains(&index) => {
                    others.push(works_in(self.ground, index)?);
                }
                _ => {}
            }
        }
        let is_apart = others.iter().all(|dir| !overlap(dir, &self.directory));
        let names = |index: &usize, dir: &String| steps[*index].original.contains(dir.as_str());
        let is_named = self
            .moved
            .iter()
            .any(|i| others.iter().any(|d| names(i, d)))
            || passed_builds.iter().any(|i| names(i, &self.directory));
        let hands_on = |index: &usize| {
            let commands = seen(&steps[*index]).unwrap_or_default();
            commands.iter().any(installs_what_it_builds)
        };
        let installs = passed_builds.iter().any(hands_on);
        Some(
            is_apart
                && !is_named
                && !installs
                && self.shares_nothing(&passed_builds)
                && self.names_nothing(&others),
        )
    }

    /// Whether the builds on both sides are known, and keep what they install in places of their own.
    fn shares_nothing(&self, passed: &[usize]) -> bool {
        let steps = &self.ground.stage.instructions;
        let with = |runs: Vec<usize>| -> Option<Vec<&'static str>> {
            let each = runs.into_iter().map(|run| {
                let own = || runs_builders(&steps[run]).then(Vec::new);
                self.of.builds_with(run).or_else(own)
            });
            Some(each.collect::<Option<Vec<_>>>()?.concat())
        };
        let own = with(self.builds_of(self.moved.iter()));
        // A recipe of a Makefile may do more than what is known of it: it may run what was built above.
        let Some(own) = own else {
            return passed.is_empty();
        };
        let is_shared = |name: &&'static str| SHARED.contains(name);
        let takes = own.iter().any(is_shared);
        let others = with(passed.to_vec());
        !takes || others.is_some_and(|names| !names.iter().any(is_shared))
    }

    /// Whether no settings and no manifests that are copied here lead to the directories `others`, or out of this one.
    fn names_nothing(&self, others: &[String]) -> bool {
        let mut words: Vec<&str> = others.iter().map(String::as_str).collect();
        words.push("../");
        let brought = self
            .moved
            .iter()
            .filter_map(|&i| self.of.brings[i].as_ref());
        let here = brought.flatten().filter(|(to, _)| {
            let above = to.rsplit_once('/').map(|(above, _)| above);
            above == Some(self.directory.as_str())
        });
        let here: BTreeSet<&RepoPath> = here.map(|(_, from)| from).collect();
        let found = mentions(self.ground.view, &words, |path| {
            here.contains(path) && !is_lock(path)
        });
        found.found.is_empty() && found.is_complete
    }

    fn builds_of<'i>(&self, of: impl Iterator<Item = &'i usize>) -> Vec<usize> {
        of.copied().filter(|i| self.builds.contains(i)).collect()
    }

    fn candidate(&self) -> Option<Candidate> {
        let (ground, steps) = (self.ground, &self.ground.stage.instructions);
        let mut candidate = Candidate::new(
            "cold-first",
            format!(
                "move the steps in {} ({}) above the COPY in line {}",
                self.directory,
                self.lines(self.moved.iter()),
                ground.line(self.to)
            ),
        );
        candidate.edits = move_with_directories(ground, &self.effects, (&self.moved, self.to))?;
        let (reasons, mut doubts) = self.shown().unwrap_or_else(|| {
            let verb = if self.passed.len() > 1 {
                "bring or make"
            } else {
                "brings"
            };
            let doubt = format!(
                "check that the steps in {} need nothing of what {} {verb}",
                self.directory,
                self.lines(self.passed.iter())
            );
            (Vec::new(), vec![doubt])
        });
        let mut all = vec![format!(
            "nothing from line {} on is put into {} but by these steps",
            ground.line(self.to),
            self.directory
        )];
        all.extend(reasons);
        let (tools, passed) = (self.tools(), self.builds_of(self.passed.iter()));
        if !tools.is_empty() && !passed.is_empty() {
            doubts.push(format!(
                "check that what {} installs does not disturb what {} builds after it",
                self.lines(tools.iter()),
                self.lines(passed.iter())
            ));
        }
        candidate.safety = Safety::of(all, doubts);
        let copies = self.moved.iter().filter(|i| is_transfer(&steps[**i]));
        let own = copies.filter_map(|&i| ground.heat(i)).max()?;
        candidate.rationale = format!(
            "They run again whenever what line {} copies changes, in {} of {} builds; what is copied for them changed in {own}.",
            ground.line(self.to),
            ground.heat(self.to)?,
            ground.view.n_builds(),
        );
        let last = self.moved.last()?;
        candidate.lines = vec![steps[self.to].lines, steps[*last].lines];
        // Each step is told anew in which directory it stands.
        let is_told = |i: &usize| matches!(steps[*i].kind, Kind::Workdir(_));
        let told = (0..steps.len()).filter(is_told);
        let vouched = self.moved.iter().copied().chain(told);
        candidate.vouched = vouched.map(|i| steps[i].original.clone()).collect();
        doubt_upgrades(ground.view, &mut candidate);
        Some(candidate)
    }

    /// What shows that the steps need nothing of what they pass, and what is to be checked, where all that is built here
    /// is installs of which it is known what they read.
    fn shown(&self) -> Option<(Vec<String>, Vec<String>)> {
        let (mut reasons, mut doubts) = (Vec::new(), Vec::new());
        let mut own: BTreeSet<&str> = BTreeSet::new();
        for run in self.builds_of(self.moved.iter()) {
            let is_whole = |i: &&Install| {
                i.action == Action::Whole && i.absent.is_empty() && i.made.is_empty()
            };
            let install = self.of.installs(run).iter().find(is_whole)?;
            let image = self.of.image_at(run);
            let stands = |by: usize| by < self.to || self.moved.contains(&by);
            let is_there = |to: &String| image.get(to).is_some_and(|b| b.by.is_none_or(stands));
            if !install.reads.iter().all(is_there) {
                return None;
            }
            reasons.extend(install.reasons.iter().cloned());
            doubts.extend(install.doubts.iter().cloned());
            own.extend(&install.ecosystems);
        }
        for run in self.builds_of(self.passed.iter()) {
            let line = self.ground.line(run);
            let with = self.of.builds_with(run)?;
            if with.is_empty() || with.iter().any(|name| own.contains(name)) {
                return None;
            }
            reasons.push(format!(
                "line {line} builds with {} and leaves nothing that the steps in {} read",
                with.join(" and "),
                self.directory
            ));
        }
        Some((reasons, doubts))
    }

    /// `line 4`, `lines 4, 6`.
    fn lines<'i>(&self, of: impl Iterator<Item = &'i usize>) -> String {
        let all: Vec<String> = of.map(|&i| self.ground.line(i).to_string()).collect();
        match all.as_slice() {
            [one] => format!("line {one}"),
            all => format!("lines {}", all.join(", ")),
        }
    }
}

/// Whether a RUN is made of builders.
fn runs_builders(instruction: &Instruction) -> bool {
    let commands = seen(instruction).unwrap_or_default();
    let mut works = commands.iter().filter(|s| !is_quiet(s)).peekable();
    works.peek().is_some() && works.all(|s| BUILDERS.contains(&s.name()))
}

/// Where all commands of RUN `index` work: a directory of an application's, absolute.
fn works_in(ground: &Ground<'_>, index: usize) -> Option<String> {
    let instruction = &ground.stage.instructions[index];
    let is_cache = |mount: &str| mount.contains("type=cache");
    if !instruction.flag_values("mount").all(is_cache) {
        return None;
    }
    let commands = seen(instruction)?;
    let leads_away = |word: &String| {
        let options = ["-C", "--cwd", "--dir", "--manifest-path", "--prefix"];
        word == ".." || word.contains("../") || options.iter().any(|o| word.starts_with(o))
    };
    let mut common: Option<String> = None;
    for seen in commands.iter().filter(|s| !is_quiet(s)) {
        let cwd = ground.places[index].cwd.as_deref();
        let here = absolute(cwd, seen.directory.as_deref()?)?;
        if seen.words.iter().any(leads_away) {
            return None;
        }
        common = match common {
            Some(above) if is_within(&here, &above) => Some(above),
            Some(below) if !is_within(&below, &here) => return None,
            _ => Some(here),
        };
    }
    let is_in = |path: &str, places: &[&str]| places.iter().any(|p| is_within(path, p));
    let is_own = |path: &String| {
        path != "/" && path != BASE && (!is_in(path, SYSTEM_PLACES) || is_in(path, NOT_SYSTEM))
    };
    common.filter(is_own)
}

/// The effects of all steps, where builds touch the directory that they stand in if that is `directory`, and others
/// nothing that matters to it.
fn apart(ground: &Ground<'_>, builds: &BTreeSet<usize>, directory: &str) -> Vec<Effect> {
    let mut effects = wherever_they_stand(ground.stage, &ground.effects);
    for &run in builds {
        let is_here = works_in(ground, run).is_some_and(|dir| is_within(&dir, directory));
        (effects[run].files, effects[run].groups) = match is_here {
            true => (
                in_directory(directory),
                Some(BTreeSet::from([Group::Build])),
            ),
            false => (Files::Nothing, Some(BTreeSet::new())),
        };
    }
    effects
}

/// What a build in `directory` touches.
fn in_directory(directory: &str) -> Files {
    Files::Commands(Touched {
        places: BTreeSet::from([directory.to_owned()]),
        global: true,
        needs_system: true,
        needs_packages: true,
        builds: true,
        ..Touched::default()
    })
}

/// Whether a command leaves what it has built where other builds find it.
fn installs_what_it_builds(seen: &Seen) -> bool {
    let is_said = |word: &str| seen.args().iter().any(|a| a == word);
    match seen.name() {
        // What the manifest lists, for the project alone.
        "bundle" | "composer" | "pdm" | "pipenv" | "poetry" => false,
        "bun" | "npm" | "pnpm" | "yarn" => {
            is_said("link") || is_said("-g") || is_said("--global") || is_said("global")
        }
        _ => seen
            .args()
            .iter()
            .any(|a| a.contains("install") || a.contains("publish")),
    }
}

/// Whether a file holds what was resolved.
fn is_lock(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.ends_with(b".sum") || name.windows(4).any(|part| part == b"lock")
}
