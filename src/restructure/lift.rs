//! Lifting an install above the source: which COPYs are in its way, what has to come along, what must be copied first,
//! and the edits that do it.

use super::candidate::{Candidate, Replaced, Safety, TextEdit};
use super::installs::{Action, Install, StageView, relative};
use super::layout::{absolute, is_within, mentioned, parent, places, reachable, stage_named};
use super::moving::{block_of, without_blank_twin};
use super::view::{Feature, View};
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// One install that can be lifted, with all that goes with it.
pub(super) struct Lift<'s, 'a> {
    pub(super) of: &'s StageView<'a>,
    pub(super) install: Install,
    /// The first instruction that brings what the install does not read; the install goes above it.
    pub(super) first: usize,
    /// All such instructions before the install.
    pub(super) polluters: Vec<usize>,
    /// Instructions between that go above with it.
    along: BTreeSet<usize>,
    /// Those of them that read what is copied first.
    needy: BTreeSet<usize>,
    /// Those of them that are said again where they stood: a COPY that stays would undo what they do (`chmod +x mvnw`).
    twice: BTreeSet<usize>,
    /// Instructions between that stay, `first` among them.
    stay: BTreeSet<usize>,
    /// Files that must be copied before it: to path in the image, from path in the context, by which instruction.
    pub(super) missing: Vec<(String, RepoPath, usize)>,
    /// Where it runs at its new place; a `cd` makes up for a WORKDIR that stays.
    cwd: String,
    reasons: Vec<String>,
    doubts: Vec<String>,
}

/// What kind of mistake a lift mends; each is a rule of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The manifests come only with the source.
    Broad,
    /// As [`Self::Broad`], with manifests in several directories.
    Workspace,
    /// All manifests are copied first, but nothing is installed before the source comes.
    DeadSplit,
    /// Files that the install does not read stand above it beside all that it does.
    Intruder,
}

/// Every lift of the stages that the target needs.
pub(super) fn lifts<T>(
    view: &View<'_>,
    mut with: impl FnMut(&Lift<'_, '_>) -> Option<T>,
) -> Vec<T> {
    let all = places(view.dockerfile);
    let stages: Vec<StageView<'_>> = (0..view.dockerfile.stages.len())
        .map(|stage| StageView::new(view, &all, stage))
        .collect();
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

fn lift<'s, 'a>(
    stages: &'s [StageView<'a>],
    of: &'s StageView<'a>,
    install: &Install,
) -> Option<Lift<'s, 'a>> {
    let polluters: Vec<usize> = (0..install.run)
        .filter(|&i| is_in_the_way(of, install, i))
        .collect();
    let first = *polluters.first()?;
    let brings_source = polluters.iter().any(|&i| of.brings[i].is_some());
    // What goes into a mount is in no layer, however seldom that one changes.
    if !brings_source || install.is_hidden || is_done_above(stages, of, install) {
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
        missing: Vec::new(),
        cwd: of.cwd(first).to_owned(),
        reasons: install.reasons.clone(),
        doubts: install.doubts.clone(),
        install: install.clone(),
    };
    for index in first + 1..lift.install.run {
        lift.sort(index)?;
    }
    lift.judge_absent()?;
    lift.collect_missing();
    lift.check_overwritten();
    Some(lift)
}

/// Whether instruction `i` brings something that the install does not read.
fn is_in_the_way(of: &StageView<'_>, install: &Install, i: usize) -> bool {
    if let Some(files) = &of.brings[i] {
        return files.keys().any(|to| !install.reads.contains(to));
    }
    let instruction = &of.stage.instructions[i];
    let (Kind::Copy(transfer), Some(from)) = (&instruction.kind, instruction.flag("from")) else {
        return false;
    };
    let is_stage = stage_named(of.view.dockerfile, of.stage.index, from).is_some();
    let to = super::effect::destination(transfer, &of.places[i]);
    // At the root, not all that lies below is the project's.
    let is_foreign = |to: &str| install.dir == "/" && is_for_programs(to);
    is_stage
        && to
            .is_some_and(|to| is_within(&to, &install.dir) && to != install.dir && !is_foreign(&to))
}

/// Whether an earlier RUN, here or in a stage below, already resolves the same (or is the one to lift).
fn is_done_above(stages: &[StageView<'_>], of: &StageView<'_>, install: &Install) -> bool {
    let is_prefetch = matches!(install.action, Action::Prefetch(_));
    let is_same = |done: &Install| {
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
                || replaces(&install.ecosystems, &done.ecosystems))
    };
    let is_done = |of: &StageView<'_>, run: usize| {
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
            let seen = super::command::seen(instruction).unwrap_or_default();
            let words = first_words(&install.shown);
            binds && seen.iter().any(|s| s.words.iter().take(2).eq(words.iter()))
        };
        of.installs(run).iter().any(is_same) || (is_prefetch && (builds() || is_bound()))
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

/// Whether installs of these ecosystems leave what their own lists say and nothing else: of two in one place, the second
/// takes the place of the first. Others (pip, Go, Mix) add to what is there.
fn replaces(one: &[&str], other: &[&str]) -> bool {
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

fn first_words(line: &str) -> Vec<&str> {
    line.split_whitespace().take(2).collect()
}

/// Variables that installers and the programs they start go by, by prefix.
pub(super) const READ_BY_TOOLS: &[&str] = &[
    "npm_",
    "NPM_",
    "NODE_",
    "YARN_",
    "PNPM_",
    "COREPACK_",
    "BUN_",
    "PRISMA_",
    "PUPPETEER_",
    "PLAYWRIGHT_",
    "CYPRESS_",
    "ELECTRON_",
    "SHARP_",
    "HUSKY",
    "PIP_",
    "PYTHON",
    "POETRY_",
    "UV_",
    "PIPENV_",
    "VIRTUAL_ENV",
    "CONDA_",
    "MAMBA_",
    "SETUPTOOLS_",
    "GO",
    "CGO_",
    "CARGO_",
    "RUST",
    "MAVEN_",
    "M2_",
    "JAVA_",
    "GRADLE_",
    "BUNDLE_",
    "GEM_",
    "RAILS_",
    "RACK_",
    "RUBY",
    "COMPOSER_",
    "APP_ENV",
    "DOTNET_",
    "NUGET_",
    "MIX_",
    "HEX_",
    "SBT_",
    "SWIFT",
    "PUB_",
    "FLUTTER_",
    "DENO_",
    "CONAN_",
    "HTTP_",
    "HTTPS_",
    "http",
    "NO_PROXY",
    "no_proxy",
    "FTP_",
    "ALL_PROXY",
    "PATH",
    "HOME",
    "CI",
    "DEBIAN_FRONTEND",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "CC",
    "CXX",
    "LD_",
    "PKG_",
    "SSL_",
    "GIT_SSL",
    "GIT_SSH",
    "TARGET",
    "BUILDPLATFORM",
    "LANG",
    "LC_",
    "TZ",
    "SASS_",
    "MAKE",
    "OPENSSL",
    "TOKEN",
    "GITHUB_TOKEN",
    "NEXT_TELEMETRY",
];

impl Lift<'_, '_> {
    /// Decides whether instruction `index`, which stands between, goes along or stays; `None` when neither can be.
    fn sort(&mut self, index: usize) -> Option<()> {
        let instruction = &self.of.stage.instructions[index];
        let stays_run = self
            .stay
            .iter()
            .any(|&i| matches!(self.of.stage.instructions[i].kind, Kind::Run(_)));
        let goes = match &instruction.kind {
            Kind::Run(_) => self.sort_run(index, stays_run)?,
            Kind::Copy(_) | Kind::Add(_) => self.sort_copy(index)?,
            Kind::Env(_) | Kind::Arg(_) => {
                let goes = self.is_variable_needed(instruction);
                if goes && stays_run {
                    self.doubts.push(format!(
                        "the variables of line {} then hold for the RUNs above it too",
                        instruction.lines.first
                    ));
                }
                goes
            }
            Kind::Workdir(_) => {
                let free = |i: &usize| match &self.of.stage.instructions[*i].kind {
                    Kind::Copy(t) | Kind::Add(t) => t.destination.starts_with('/'),
                    Kind::Run(_) | Kind::Workdir(_) => false,
                    _ => true,
                };
                let goes = self.stay.iter().all(free);
                if goes {
                    self.cwd = self.of.cwd(index + 1).to_owned();
                }
                goes
            }
            // Who runs what must not change.
            Kind::User(_) | Kind::Shell(_) => {
                if stays_run {
                    return None;
                }
                true
            }
            _ => false,
        };
        if goes {
            &mut self.along
        } else {
            &mut self.stay
        }
        .insert(index);
        Some(())
    }

    fn sort_run(&mut self, index: usize, stays_run: bool) -> Option<bool> {
        let line = self.of.stage.instructions[index].lines.first;
        let what = &self.install.shown;
        let mut there = self.install.reads.clone();
        there.extend(self.of.image_at(self.first).into_keys());
        // A file that it works on may be what a RUN that stays has made.
        let may_lack = stays_run && self.of.works_on_files(index);
        if self.of.reads_no_project(index, &there) && !may_lack {
            let above = self.of.image_at(self.first).into_keys().collect();
            if !self.of.reads_no_project(index, &above) {
                self.needy.insert(index);
            }
            let touched = self.of.touched(index);
            let brought = self
                .polluters
                .iter()
                .filter_map(|&i| self.of.brings[i].as_ref());
            if brought
                .flat_map(BTreeMap::keys)
                .any(|to| touched.contains(to))
            {
                self.needy.insert(index);
                self.twice.insert(index);
            }
            self.reasons.push(format!(
                "line {line} reads nothing of the project but what is copied with it"
            ));
            return Some(true);
        }
        if self.brings_program(index) || self.is_undone_by(index) {
            return None;
        }
        if let Some(needed) = self.first_part(index) {
            let line = format!("line {line} resolves for it and goes with it");
            self.install.reads.extend(needed.reads);
            self.install.dirs.extend(needed.dirs);
            self.doubts.extend(needed.doubts);
            self.reasons.extend(needed.reasons);
            self.reasons.push(line);
            self.needy.insert(index);
            return Some(true);
        }
        match self.of.builds_with(index) {
            Some(others) if others.iter().all(|o| !self.install.ecosystems.contains(o)) => {
                self.reasons.push(format!(
                    "line {line} builds with {} and leaves nothing that {what} reads",
                    others.join(" and ")
                ));
            }
            Some(_) if matches!(self.install.action, Action::Prefetch(_)) => {}
            _ => self.doubts.push(format!(
                "line {line} runs before {what} and may prepare something for it"
            )),
        }
        Some(false)
    }

    /// RUN `index` as an install of the same ecosystem in the same place, whose results this one may go on from:
    /// `mix deps.get` before `mix deps.compile`.
    fn first_part(&self, index: usize) -> Option<Install> {
        let own = &self.install;
        let is_part = |i: &&Install| {
            let shares = i.ecosystems.iter().all(|e| own.ecosystems.contains(e));
            i.action == Action::Whole && shares && i.dir == own.dir
        };
        let found = self.of.installs(index).iter().find(is_part)?;
        (!found.is_hidden && found.absent.is_empty()).then(|| found.clone())
    }

    /// Whether the RUN takes away what the install has made, or puts the result of another install in its place: then
    /// the install has to stay below it. Where the install itself stays, nothing is lost.
    fn is_undone_by(&self, index: usize) -> bool {
        if matches!(self.install.action, Action::Prefetch(_)) {
            return false;
        }
        let others = self.of.builds_with(index).unwrap_or_default();
        let is_same = |other: &&'static str| replaces(&self.install.ecosystems, &[*other]);
        others.iter().any(is_same) || self.removes_what_is_made(index)
    }

    /// Whether the RUN removes a directory of packages where the install runs, or all that lies there.
    fn removes_what_is_made(&self, index: usize) -> bool {
        let made = [
            ".venv",
            "_build",
            "deps",
            "node_modules",
            "target",
            "vendor",
            "venv",
        ];
        let cwd = self.of.cwd(index);
        let seen = super::command::seen(&self.of.stage.instructions[index]).unwrap_or_default();
        let goes = |seen: &Seen| {
            let words = seen.args().iter().filter(|a| !a.starts_with('-'));
            let mut words = words.map(|w| w.trim_end_matches('/'));
            match seen.name() {
                "rm" => words.any(|w| {
                    let here = seen
                        .directory
                        .as_deref()
                        .and_then(|d| absolute(Some(cwd), d));
                    let path = absolute(here.as_deref(), w.trim_end_matches('*'));
                    let last = w.rsplit('/').next().unwrap_or(w);
                    path.is_none_or(|p| {
                        is_within(&self.install.dir, &p)
                            || (made.contains(&last) && is_within(&p, &self.install.dir))
                    })
                }),
                "npm" | "pnpm" | "yarn" => words.next() == Some("prune"),
                _ => false,
            }
        };
        seen.iter().any(goes)
    }

    /// Whether the RUN names the program that the install runs, as what it brings: `mv dep /usr/bin/dep`,
    /// `pip install poetry`.
    fn brings_program(&self, index: usize) -> bool {
        let program = self.install.shown.split_whitespace().next();
        let program = program
            .and_then(|p| p.rsplit('/').next())
            .unwrap_or_default();
        let names_it = |word: &String| {
            let name = word.rsplit('/').next().unwrap_or(word);
            let name = name.split(['=', '@', '<', '>', '~']).next();
            name == Some(program) || (program == "bundle" && name == Some("bundler"))
        };
        let commands = super::command::seen(&self.of.stage.instructions[index]);
        commands.into_iter().flatten().any(|seen| {
            let is_bringer = !matches!(seen.name(), "echo" | "printf" | "which" | "command");
            seen.name() != program && is_bringer && seen.args().iter().any(names_it)
        })
    }

    fn sort_copy(&mut self, index: usize) -> Option<bool> {
        let instruction = &self.of.stage.instructions[index];
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            return Some(false);
        };
        let passes_workdir = self
            .stay
            .iter()
            .any(|&i| matches!(self.of.stage.instructions[i].kind, Kind::Workdir(_)));
        let is_anchored = transfer.destination.starts_with('/') || !passes_workdir;
        if let Some(files) = &self.of.brings[index] {
            return Some(
                is_anchored
                    && !files.is_empty()
                    && files.keys().all(|to| self.install.reads.contains(to)),
            );
        }
        let to = super::effect::destination(transfer, &self.of.places[index]);
        let hits = to
            .as_ref()
            .is_some_and(|to| self.install.reads.contains(to));
        if hits {
            return None;
        }
        if let Some(from) = instruction.flag("from") {
            let is_stage =
                stage_named(self.of.view.dockerfile, self.of.stage.index, from).is_some();
            let into_project = to
                .as_ref()
                .is_some_and(|to| is_within(to, &self.install.dir));
            // What a stage makes of the source changes with it; a program or a library is what the install may need.
            let is_made =
                to.as_ref().is_some_and(|to| !is_for_programs(to)) && self.is_made_of_source(from);
            // What an image brings among the project's own files goes over them, and they over it.
            let is_mixed = !is_stage && to.as_ref() == Some(&self.install.dir);
            if is_mixed {
                self.doubts.push(format!(
                    "what line {} brings is not known",
                    instruction.lines.first
                ));
                return Some(false);
            }
            return Some(is_anchored && !(is_stage && (into_project || is_made)));
        }
        let inline = !instruction.heredocs.is_empty();
        if !inline {
            self.doubts.push(format!(
                "what line {} brings is not known",
                instruction.lines.first
            ));
        }
        Some(false)
    }

    /// Whether the stage called `from`, or one that it is built on, copies files of the context.
    fn is_made_of_source(&self, from: &str) -> bool {
        let dockerfile = self.of.view.dockerfile;
        let first = stage_named(dockerfile, self.of.stage.index, from);
        let chain = std::iter::successors(first, |s| parent(dockerfile, *s));
        let copies = |i: &Instruction| {
            matches!(i.kind, Kind::Copy(_) | Kind::Add(_)) && i.flag("from").is_none()
        };
        chain
            .into_iter()
            .any(|s| dockerfile.stages[s].instructions.iter().any(copies))
    }

    /// Whether the install may go by a variable that this instruction sets.
    fn is_variable_needed(&self, instruction: &Instruction) -> bool {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut values = BTreeSet::new();
        match &instruction.kind {
            Kind::Arg(items) => {
                names.extend(items.iter().map(|i| i.name.as_str()));
                values.extend(
                    items
                        .iter()
                        .filter_map(|i| i.default.as_deref())
                        .flat_map(mentioned),
                );
            }
            Kind::Env(pairs) => {
                names.extend(pairs.iter().map(|p| p.name.as_str()));
                values.extend(pairs.iter().flat_map(|p| mentioned(&p.value)));
            }
            _ => {}
        }
        let mut wanted = mentioned(&self.of.stage.instructions[self.install.run].original);
        let later = self.of.stage.instructions[self.first..self.install.run]
            .iter()
            .filter(|i| matches!(i.kind, Kind::Env(_) | Kind::Workdir(_)));
        wanted.extend(later.flat_map(|i| mentioned(&i.original)));
        let is_tool = |n: &&str| READ_BY_TOOLS.iter().any(|p| n.starts_with(p));
        let is_named = |n: &&str| wanted.contains(*n);
        let is_constant = matches!(instruction.kind, Kind::Env(_)) && values.is_empty();
        is_constant || names.iter().any(|n| is_tool(n) || is_named(n))
    }

    /// Files named that are not there: the same command misses them as before, unless a step that it now passes makes
    /// them; another command may stumble over them.
    fn judge_absent(&mut self) -> Option<()> {
        if self.install.absent.is_empty() {
            return Some(());
        }
        if matches!(self.install.action, Action::Prefetch(_)) {
            self.doubts.extend(self.install.absent.iter().cloned());
            return Some(());
        }
        let may_make = |&i: &usize| {
            let instruction = &self.of.stage.instructions[i];
            match &instruction.kind {
                Kind::Run(_) => true,
                Kind::Copy(_) | Kind::Add(_) => self.of.brings[i].is_none(),
                _ => false,
            }
        };
        (!self.stay.iter().any(may_make)).then_some(())
    }

    /// What the install reads and only instructions that stay have brought.
    fn collect_missing(&mut self) {
        let image = self.of.image_at(self.install.run);
        for to in &self.install.reads {
            let Some(brought) = image.get(to) else {
                continue;
            };
            let Some(by) = brought.by else { continue };
            if by >= self.first && !self.along.contains(&by) {
                self.missing.push((to.clone(), brought.from.clone(), by));
            }
        }
    }

    /// Files that a later COPY would put over what has been installed.
    fn check_overwritten(&mut self) {
        let places = [
            "/node_modules/",
            "/vendor/bundle/",
            "/.venv/",
            "/target/release/",
        ];
        let hit = self
            .polluters
            .iter()
            .filter_map(|&i| self.of.brings[i].as_ref())
            .flat_map(BTreeMap::keys);
        if let Some(to) = hit
            .into_iter()
            .find(|to| places.iter().any(|p| to.contains(p)) && !self.install.reads.contains(*to))
        {
            self.doubts.push(format!(
                "the context holds {to}, which is then put over what was installed"
            ));
        }
    }

    /// Which mistake this is.
    pub(super) fn shape(&self) -> Shape {
        let is_named = self.polluters.iter().all(|&i| self.brings_named_files(i));
        let is_shared =
            |(_, _, by): &(String, RepoPath, usize)| self.without_missing(*by).is_some();
        if is_named && self.missing.iter().all(is_shared) {
            return Shape::Intruder;
        }
        if self.missing.is_empty() {
            return if is_named {
                Shape::Intruder
            } else {
                Shape::DeadSplit
            };
        }
        let dirs: BTreeSet<&str> = self
            .missing
            .iter()
            .filter(|(to, ..)| !self.is_in_whole_dir(to))
            .filter_map(|(to, ..)| to.rsplit_once('/').map(|(d, _)| d))
            .collect();
        // What a program reads lies anywhere; manifests of the same kind are members of something.
        if dirs.len() > 2 && !self.install.ecosystems.contains(&"pip") {
            Shape::Workspace
        } else {
            Shape::Broad
        }
    }

    /// True when a COPY brings files that it names one by one.
    fn brings_named_files(&self, index: usize) -> bool {
        let instruction = &self.of.stage.instructions[index];
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            return false;
        };
        let files = &self.of.view.files;
        transfer.sources.iter().all(|source| match source {
            Source::Path(path) => files
                .binary_search_by(|(p, _)| p.cmp(&RepoPath::new(path)))
                .is_ok(),
            Source::Heredoc(_) => true,
        })
    }

    fn is_in_whole_dir(&self, to: &str) -> bool {
        self.install.dirs.iter().any(|d| is_within(to, d))
    }

    /// The candidate, with the COPYs `copies` (lines without line breaks) before it.
    pub(super) fn candidate(
        &self,
        rule: &'static str,
        copies: &[String],
        mounts: &[String],
    ) -> Option<Candidate> {
        let view = self.of.view;
        let line = self.of.stage.instructions[self.install.run].lines;
        let above = self.of.stage.instructions[self.first].lines;
        let mut candidate = Candidate::new(rule, self.title(above.first));
        candidate.edits = self.edits(copies, mounts)?;
        candidate.lines = vec![above, line];
        candidate.rationale = self.rationale();
        candidate.safety = Safety::of(self.reasons.clone(), self.doubts.clone());
        candidate.vouched = self
            .along
            .iter()
            .chain([&self.install.run])
            .map(|&i| self.of.stage.instructions[i].original.clone())
            .collect();
        declare(&mut candidate, view)?;
        Some(candidate)
    }

    fn title(&self, above: usize) -> String {
        let names = file_list(in_order(self.missing.iter().map(|(_, from, _)| from)).into_iter());
        match (&self.install.action, names.is_empty()) {
            (Action::Prefetch(_), true) => {
                format!("run {} before line {above}", self.install.shown)
            }
            (Action::Prefetch(_), false) => format!(
                "copy {names} and run {} before line {above}",
                self.install.shown
            ),
            (_, true) => format!("move {} above line {above}", self.install.shown),
            (_, false) => format!(
                "copy {names} and run {} before line {above}",
                self.install.shown
            ),
        }
    }

    fn rationale(&self) -> String {
        let view = self.of.view;
        let from = |i: usize| {
            self.of.brings[i]
                .iter()
                .flatten()
                .map(|(_, from)| from)
                .collect::<Vec<_>>()
        };
        let brought: BTreeSet<&RepoPath> = self.polluters.iter().flat_map(|&i| from(i)).collect();
        let image = self.of.image_at(self.install.run);
        let read: Vec<&RepoPath> = in_order(
            self.install
                .reads
                .iter()
                .filter_map(|to| image.get(to))
                .map(|b| &b.from),
        );
        let run = self.of.stage.instructions[self.install.run].lines.first;
        let above = self.of.stage.instructions[self.first].lines.first;
        let (all, own) = (
            view.n_touching(|p| brought.contains(p) || read.contains(&p)),
            view.n_touching(|p| read.contains(&p)),
        );
        let files = file_list(read.iter().copied());
        let mut said = match self.install.action {
            Action::Prefetch(_) => format!(
                "Line {run} fetches its dependencies again with every change to what line {above} copies, yet they follow from {files}."
            ),
            _ => format!(
                "Line {run} runs again with every change to what line {above} copies, yet {} reads only {files}.",
                self.install.shown
            ),
        };
        if view.n_builds() > 0 {
            let _ = write!(
                said,
                " Of {} builds {all} changed the former, {own} the latter.",
                view.n_builds()
            );
        }
        if self
            .install
            .ecosystems
            .iter()
            .any(|e| matches!(*e, "npm" | "yarn" | "pnpm" | "bun"))
        {
            said.push_str(" Keep node_modules in the ignore file: a copy of it in the context would be put over the installed one.");
        }
        said
    }

    /// The COPYs of what is missing, one for each directory.
    pub(super) fn copy_lines(&self) -> Option<Vec<String>> {
        let mut lines = Vec::new();
        let mut done: BTreeSet<&String> = BTreeSet::new();
        for dir in &self.install.dirs {
            let inside: Vec<&(String, RepoPath, usize)> = self
                .missing
                .iter()
                .filter(|(to, ..)| is_within(to, dir))
                .collect();
            let Some((to, from, by)) = inside.first() else {
                continue;
            };
            let Some(source) = context_dir(to, from, dir) else {
                continue;
            };
            let whole = self
                .of
                .view
                .files
                .iter()
                .filter(|(p, _)| p.strip_prefix(&source).is_some())
                .count();
            if source.is_root()
                || whole != inside.len()
                || inside.iter().any(|(_, _, b)| b != by)
                || inside.iter().any(|(to, ..)| done.contains(to))
            {
                continue;
            }
            done.extend(inside.iter().map(|(to, ..)| to));
            let to = format!("{}/", self.destination(dir).trim_end_matches('/'));
            lines.push(self.line(&[source.to_string()], &to, *by, "")?);
        }
        let mut groups: BTreeMap<(String, usize), Vec<String>> = BTreeMap::new();
        for (to, from, by) in self.missing.iter().filter(|(to, ..)| !done.contains(to)) {
            let (dir, name) = to.rsplit_once('/')?;
            if from.file_name() == Some(name.as_bytes()) {
                groups
                    .entry((dir.to_owned(), *by))
                    .or_default()
                    .push(from.to_string());
            } else {
                lines.push(self.line(&[from.to_string()], &self.destination(to), *by, "")?);
            }
        }
        let mut ordered = Vec::new();
        for ((dir, by), mut sources) in groups {
            sources.sort_by_key(|s| is_lock(s));
            let dir = if dir.is_empty() { "/".to_owned() } else { dir };
            let to = self.destination(&dir);
            ordered.push(self.line(&sources, &format!("{}/", to.trim_end_matches('/')), by, "")?);
        }
        ordered.extend(lines);
        Some(ordered)
    }

    /// One `COPY --parents` of everything that is missing, members by pattern; `None` where the syntax has it not, or
    /// the files do not keep their directories.
    pub(super) fn parents_line(&self) -> Option<String> {
        if !self.of.view.has(Feature::Parents) {
            return None;
        }
        let (to, from, by) = self.missing.first()?;
        let base = to
            .strip_suffix(&from.to_string())?
            .trim_end_matches('/')
            .to_owned();
        let keeps =
            |(to, from, b): &(String, RepoPath, usize)| b == by && *to == format!("{base}/{from}");
        if !self.missing.iter().all(keeps) {
            return None;
        }
        let wanted: BTreeSet<&RepoPath> = self.missing.iter().map(|(_, from, _)| from).collect();
        let mut sources: BTreeSet<String> = BTreeSet::new();
        let mut covered: BTreeSet<&RepoPath> = BTreeSet::new();
        for (_, from, _) in &self.missing {
            if covered.contains(from) {
                continue;
            }
            let pattern = sibling_pattern(from);
            let matched = pattern
                .as_ref()
                .map(|p| super::layout::selected(self.of.view.files.iter().map(|(f, _)| f), p))
                .unwrap_or_default();
            // A pattern must not bring what nobody reads.
            if matched.len() > 1 && matched.iter().all(|m| wanted.contains(m)) {
                covered.extend(matched);
                sources.extend(pattern);
            } else {
                sources.insert(from.to_string());
            }
        }
        let to = self.destination(if base.is_empty() { "/" } else { &base });
        let sources: Vec<String> = sources.into_iter().collect();
        self.line(
            &sources,
            &format!("{}/", to.trim_end_matches('/')),
            *by,
            " --parents",
        )
    }

    /// Bind mounts of what is missing, for the RUN itself; `None` where it writes beside them.
    pub(super) fn destination(&self, to: &str) -> String {
        match relative(to, &self.cwd) {
            Some(rest) if rest.is_empty() => ".".to_owned(),
            // From the root, the plain path is the same and clearer.
            Some(_) if self.cwd == "/" => to.to_owned(),
            Some(rest) => format!("./{rest}"),
            None => to.to_owned(),
        }
    }

    /// `COPY flags sources to`, in the JSON form where a path needs it.
    fn line(&self, sources: &[String], to: &str, by: usize, more: &str) -> Option<String> {
        let original = &self.of.stage.instructions[by];
        let mut flags = String::from(more);
        for flag in original
            .flags
            .iter()
            .filter(|f| matches!(f.name.as_str(), "chown" | "chmod" | "link"))
        {
            flags.push(' ');
            flags.push_str(self.of.view.text().get(flag.span.range())?);
        }
        let is_pattern = more.contains("parents");
        let odd = |s: &String| {
            s.contains(['$', '\\', '"', '[', '`'])
                || s.starts_with("--")
                || (!is_pattern && s.contains(['*', '?']))
        };
        if sources.iter().any(odd) || to.contains(['$', '\\', '"', '[', '`']) {
            return None;
        }
        if sources.iter().any(|s| s.contains(' ')) || to.contains(' ') {
            let all: Vec<String> = sources
                .iter()
                .map(String::as_str)
                .chain([to])
                .map(|s| format!("\"{s}\""))
                .collect();
            return Some(format!("COPY{flags} [{}]", all.join(", ")));
        }
        Some(format!("COPY{flags} {} {to}", sources.join(" ")))
    }

    /// The edits: what goes above, what is left.
    fn edits(&self, copies: &[String], mounts: &[String]) -> Option<Vec<TextEdit>> {
        let text = self.of.view.text();
        let stage = self.of.stage;
        let run = &stage.instructions[self.install.run];
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let block = |i: usize| block_of(text, stage, i);
        let ended = |piece: &str| {
            if piece.ends_with('\n') {
                piece.to_owned()
            } else {
                format!("{piece}{line_break}")
            }
        };
        let mut head = copies
            .iter()
            .fold(String::new(), |all, line| all + line + line_break);
        let run_block = block(self.install.run);
        let is_moved_whole = self.install.action == Action::Whole;
        head.push_str(&ended(
            &self
                .lifted(run, run_block, mounts)?
                .replace('\n', line_break)
                .replace("\r\r\n", "\r\n"),
        ));
        let mut edits = Vec::new();
        let rest: BTreeMap<usize, String> = match copies {
            [] => BTreeMap::new(),
            _ => self
                .stay
                .iter()
                .filter_map(|&i| Some((i, self.without_missing(i)?)))
                .collect(),
        };
        let only_copies = self
            .stay
            .iter()
            .all(|&i| matches!(stage.instructions[i].kind, Kind::Copy(_) | Kind::Add(_)));
        let is_tied = !copies.is_empty() || !self.twice.is_empty();
        let needy = self.needy.first().filter(|_| is_tied);
        let (at, below) = if let Some(&needy) = needy {
            // What is copied stands above the first that reads it; from there on nothing may change the directory.
            let (before, after): (BTreeSet<usize>, BTreeSet<usize>) =
                self.along.iter().partition(|i| **i < needy);
            let moves = |i: &usize| matches!(stage.instructions[*i].kind, Kind::Workdir(_));
            if after.iter().any(moves) || !rest.is_empty() {
                return None;
            }
            let n_copied = copies.iter().map(|l| l.len() + line_break.len()).sum();
            let none = BTreeMap::new();
            let later = self.cut_out(&after, &none, &mut edits);
            head.insert_str(n_copied, &later);
            head.insert_str(0, &self.cut_out(&before, &none, &mut edits));
            (block(self.first).start, String::new())
        } else if only_copies && self.stay.len() <= self.along.len() {
            // Shorter to say: the COPYs go below.
            let mut below = String::new();
            below.push_str(&self.cut_out(&self.stay, &rest, &mut edits));
            (run_block.start, below)
        } else {
            let none = BTreeMap::new();
            head.insert_str(0, &self.cut_out(&self.along, &none, &mut edits));
            let mut at = block(self.first).start;
            for (&i, line) in &rest {
                let span = stage.instructions[i].span;
                let is_first = span.start == at;
                let lead = if is_first { head.as_str() } else { "" };
                edits.push(TextEdit::replace(span, format!("{lead}{line}")));
                if is_first {
                    head.clear();
                    at = span.end;
                }
            }
            (at, String::new())
        };
        if at == run_block.start && is_moved_whole {
            edits.push(TextEdit::replace(run_block, format!("{head}{below}")));
            return Some(edits);
        }
        if !head.is_empty() || !below.is_empty() {
            edits.push(TextEdit::insert(at, format!("{head}{below}")));
        }
        if let Some((at, text)) = &self.install.inserted {
            edits.push(TextEdit::insert(*at, text.clone()));
        }
        match &self.install.action {
            Action::Whole => edits.push(TextEdit::delete(without_blank_twin(text, run_block))),
            Action::Cut {
                tail_start,
                carried,
                ..
            } => {
                let kept = carried
                    .iter()
                    .fold(String::new(), |all, c| format!("{all}{c} && "));
                let flags = run_flags(text, run)?;
                let gap = gap_comments(text, &self.install.action);
                if let [body] = run.heredocs.as_slice() {
                    let lead = text.get(run.span.start..body.span.start)?;
                    let kept: String = carried.iter().map(|c| format!("{c}\n")).collect();
                    edits.push(TextEdit::replace(
                        Span::new(run.span.start, *tail_start),
                        format!("{lead}{kept}{gap}"),
                    ));
                } else if gap.is_empty() {
                    edits.push(TextEdit::replace(
                        Span::new(run.span.start, *tail_start),
                        format!("RUN{flags} {kept}"),
                    ));
                } else {
                    edits.push(TextEdit::replace(
                        Span::new(run.span.start, *tail_start),
                        format!("{gap}RUN{flags} {kept}"),
                    ));
                }
            }
            Action::Prefetch(_) => {}
        }
        Some(edits)
    }

    /// A COPY that names its files one by one, without those that are copied before; `None` for any other, and where
    /// nothing changes.
    fn without_missing(&self, i: usize) -> Option<String> {
        let instruction = &self.of.stage.instructions[i];
        let Kind::Copy(transfer) = &instruction.kind else {
            return None;
        };
        let is_known = |name: &str| matches!(name, "chown" | "chmod" | "link");
        let is_plain = !transfer.json
            && instruction.flags.iter().all(|f| is_known(&f.name))
            && instruction.lines.first == instruction.lines.last;
        if !is_plain || !self.brings_named_files(i) {
            return None;
        }
        let is_missing = |path: &String| {
            let path = RepoPath::new(path);
            let mut all = self.missing.iter();
            all.any(|(_, from, by)| *by == i && *from == path)
        };
        let sources = transfer.sources.iter().map(|source| match source {
            Source::Path(path) => Some(path.clone()),
            Source::Heredoc(_) => None,
        });
        let sources: Vec<String> = sources.collect::<Option<_>>()?;
        let left: Vec<String> = sources.iter().filter(|s| !is_missing(s)).cloned().collect();
        if left.is_empty() || left.len() == sources.len() {
            return None;
        }
        self.line(&left, &transfer.destination, i, "")
    }

    /// The blocks of `indices` one after the other, those in `instead` with another instruction, and the edits that take
    /// them away, neighbours in one.
    fn cut_out(
        &self,
        indices: &BTreeSet<usize>,
        instead: &BTreeMap<usize, String>,
        edits: &mut Vec<TextEdit>,
    ) -> String {
        let text = self.of.view.text();
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut taken = String::new();
        let mut spans: Vec<Span> = Vec::new();
        for &i in indices {
            let span = block_of(text, self.of.stage, i);
            match instead.get(&i) {
                Some(line) => {
                    let own = self.of.stage.instructions[i].span;
                    taken.push_str(&text[span.start..own.start]);
                    taken.push_str(line);
                    taken.push_str(&text[own.end..span.end]);
                }
                None => taken.push_str(&text[span.range()]),
            }
            if !taken.ends_with('\n') {
                taken.push_str(line_break);
            }
            if self.twice.contains(&i) {
                continue;
            }
            match spans.last_mut() {
                Some(last) if text[last.end..span.start].trim().is_empty() => last.end = span.end,
                _ => spans.push(span),
            }
        }
        edits.extend(
            spans
                .into_iter()
                .map(|s| TextEdit::delete(without_blank_twin(text, s))),
        );
        taken
    }

    /// The text of the RUN at its new place.
    fn lifted(&self, run: &Instruction, block: Span, mounts: &[String]) -> Option<String> {
        let text = self.of.view.text();
        let flags = mounts
            .iter()
            .fold(run_flags(text, run)?, |all, m| format!("{all} {m}"));
        let here = self.of.cwd(self.install.run);
        let way = if self.cwd == here {
            None
        } else {
            Some(
                relative(here, &self.cwd)
                    .filter(|r| !r.is_empty() && self.cwd != "/")
                    .unwrap_or_else(|| here.to_owned()),
            )
        };
        let cd = way.map(|w| format!("cd {w} && ")).unwrap_or_default();
        match &self.install.action {
            Action::Whole if cd.is_empty() && mounts.is_empty() => {
                Some(text.get(block.range())?.to_owned())
            }
            Action::Whole => {
                if !run.heredocs.is_empty() {
                    return None;
                }
                let after = run.flags.last().map_or(run.span.start + 3, |f| f.span.end);
                let comments = text.get(block.start..run.span.start)?;
                Some(format!(
                    "{comments}RUN{flags} {cd}{}",
                    text.get(after..run.span.end)?.trim_start()
                ))
            }
            Action::Cut { head_end, then, .. } if !run.heredocs.is_empty() => {
                let [body] = run.heredocs.as_slice() else {
                    return None;
                };
                // Mounts go to the first line, which is as written.
                let lead = text.get(run.span.start..body.span.start)?;
                let lead = lead.strip_prefix("RUN").filter(|_| mounts.is_empty())?;
                let cd = if cd.is_empty() {
                    String::new()
                } else {
                    format!("{}\n", cd.trim_end_matches(" && "))
                };
                let then: String = then.iter().map(|t| format!("{t}\n")).collect();
                let head = text.get(body.span.start..*head_end)?.trim_end();
                Some(format!("RUN{lead}{cd}{head}\n{then}{}", body.name))
            }
            Action::Cut { head_end, then, .. } => {
                let after = run.flags.last().map_or(run.span.start + 3, |f| f.span.end);
                let then = then.iter().map(|t| format!(" && {t}")).collect::<String>();
                Some(format!(
                    "RUN{flags} {cd}{}{then}",
                    text.get(after..*head_end)?.trim_start()
                ))
            }
            Action::Prefetch(line) => {
                let escape = self.of.view.dockerfile.escape;
                Some(format!(
                    "RUN{flags} {cd}{}",
                    line.replace("\\\n", &format!("{escape}\n"))
                ))
            }
        }
    }
}

/// Whether programs and libraries that commands find by themselves may be at `path`.
fn is_for_programs(path: &str) -> bool {
    let places = [
        "/bin", "/etc", "/go", "/home", "/lib", "/lib64", "/opt", "/root", "/sbin", "/usr", "/var",
    ];
    let is_source = is_within(path, "/usr/src") || is_within(path, "/var/www");
    path == "/" || (!is_source && places.iter().any(|p| is_within(path, p)))
}

/// The flags of a RUN as written, with the blank before them.
fn run_flags(text: &str, run: &Instruction) -> Option<String> {
    let Some(last) = run.flags.last() else {
        return Some(String::new());
    };
    Some(text.get(run.span.start + 3..last.span.end)?.to_owned())
}

/// Comment lines between the two parts of a cut chain: they speak of the second.
fn gap_comments(text: &str, action: &Action) -> String {
    let Action::Cut {
        head_end,
        tail_start,
        ..
    } = action
    else {
        return String::new();
    };
    let lines = text[*head_end..*tail_start]
        .lines()
        .map(str::trim)
        .filter(|l| l.starts_with('#'));
    lines.fold(String::new(), |all, l| all + l + "\n")
}

/// The context's directory that stands at image directory `dir`, given one file below it.
fn context_dir(to: &str, from: &RepoPath, dir: &str) -> Option<RepoPath> {
    let rest = to.strip_prefix(dir)?.trim_start_matches('/');
    let from = from.to_string();
    let up = from.strip_suffix(rest)?;
    Some(RepoPath::new(up))
}

/// `packages/*/package.json` for `packages/a/package.json`.
fn sibling_pattern(path: &RepoPath) -> Option<String> {
    let names: Vec<String> = path
        .names()
        .map(|n| String::from_utf8_lossy(n).into_owned())
        .collect();
    let [up @ .., _, file] = names.as_slice() else {
        return None;
    };
    (!up.is_empty()).then(|| format!("{}/*/{file}", up.join("/")))
}

/// Manifests before what is made from them.
fn in_order<'p>(paths: impl Iterator<Item = &'p RepoPath>) -> Vec<&'p RepoPath> {
    let mut all: Vec<&RepoPath> = paths.collect();
    all.sort_by_key(|p| is_lock(&p.to_string()));
    all
}

fn is_lock(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains("lock") || name.ends_with(".sum")
}

/// Up to three names, and how many more.
pub(super) fn file_list<'p>(paths: impl Iterator<Item = &'p RepoPath>) -> String {
    let all: Vec<String> = paths.map(ToString::to_string).collect();
    match all.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// Declares the RUNs that the edits put in and take away, as the parser reads them.
pub(super) fn declare(candidate: &mut Candidate, view: &View<'_>) -> Option<()> {
    let rewritten = candidate.rewritten(view.text())?;
    let after = crate::dockerfile::parse(&rewritten).ok()?.dockerfile;
    let runs = |d: &crate::dockerfile::Dockerfile| {
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        for instruction in d
            .instructions()
            .filter(|i| i.keyword == "RUN" || i.keyword == "FROM")
        {
            *counts.entry(instruction.original.clone()).or_default() += 1;
        }
        counts
    };
    let (old, new) = (runs(view.dockerfile), runs(&after));
    let mut change = Replaced::default();
    let times =
        |text: &String, n: i64| std::iter::repeat_n(text.clone(), usize::try_from(n).unwrap_or(0));
    for (text, n) in &old {
        change
            .before
            .extend(times(text, n - new.get(text).copied().unwrap_or(0)));
    }
    for (text, n) in &new {
        change
            .after
            .extend(times(text, n - old.get(text).copied().unwrap_or(0)));
    }
    if !(change.before.is_empty() && change.after.is_empty()) {
        candidate.replaced.push(change);
    }
    Some(())
}
