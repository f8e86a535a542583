//! One stage as its installs see it: which instruction brings which file of the context, and where.

use super::super::command::group;
use super::super::effect::destination;
use super::super::layout::{BASE, Place, is_within, laid, parent, places, stage_named};
use super::super::through::brought;
use super::super::touched::is_among;
use super::super::touched::touched_beside;
use super::super::view::View;
use super::handled::handles_files;
use super::machine::is_for_another_machine;
use super::place::relative;
use super::read::{Read, is_quiet, short};
use super::{Action, Brought, Install};
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::ecosystem::{self, Answer, Role};
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a stage's instructions are and where they stand.
pub(in crate::restructure) struct StageView<'a> {
    pub(in crate::restructure) view: &'a View<'a>,
    pub(in crate::restructure) stage: &'a Stage,
    pub(in crate::restructure) places: Vec<Place>,
    /// Per instruction: the files it brings from the context, by absolute path; `None` when it is no such COPY.
    pub(in crate::restructure) brings: Vec<Option<BTreeMap<String, RepoPath>>>,
    /// What earlier stages of the chain have brought.
    pub(super) inherited: BTreeMap<String, Brought>,
    /// Answers already found, by instruction.
    known: Vec<OnceCell<Vec<Install>>>,
    kept: Vec<OnceCell<Vec<(&'static str, ecosystem::CacheDir)>>>,
    /// Per instruction: what it brings of the context out of another stage, by absolute path; once it was asked for.
    handed: OnceCell<Vec<BTreeMap<String, RepoPath>>>,
}

impl<'a> StageView<'a> {
    /// Reads every stage of the file.
    pub(in crate::restructure) fn all(view: &'a View<'a>) -> Vec<Self> {
        let all = places(view.dockerfile);
        let stages = 0..view.dockerfile.stages.len();
        stages.map(|stage| Self::new(view, &all, stage)).collect()
    }

    /// Reads stage `stage`.
    pub(in crate::restructure) fn new(
        view: &'a View<'a>,
        all: &[Vec<Place>],
        stage: usize,
    ) -> Self {
        let own = &view.dockerfile.stages[stage];
        let places = rooted(view, all, stage);
        let brings = brings(view, all, own, &places);
        let mut inherited = BTreeMap::new();
        let mut chain = Vec::new();
        let mut next = parent(view.dockerfile, stage);
        while let Some(above) = next {
            chain.push(above);
            next = parent(view.dockerfile, above);
        }
        for above in chain.into_iter().rev() {
            let stage = &view.dockerfile.stages[above];
            for files in self::brings(view, all, stage, &rooted(view, all, above))
                .into_iter()
                .flatten()
            {
                inherited.extend(
                    files
                        .into_iter()
                        .map(|(to, from)| (to, Brought { from, by: None })),
                );
            }
        }
        Self {
            view,
            stage: own,
            places,
            brings,
            inherited,
            known: vec![OnceCell::new(); own.instructions.len()],
            kept: vec![OnceCell::new(); own.instructions.len()],
            handed: OnceCell::new(),
        }
    }

    /// The image's files from the context before instruction `at`, by absolute path.
    pub(in crate::restructure) fn image_at(&self, at: usize) -> BTreeMap<String, Brought> {
        let mut image = self.inherited.clone();
        for (index, files) in self.brings.iter().enumerate().take(at) {
            for (to, from) in files.iter().flatten() {
                image.insert(
                    to.clone(),
                    Brought {
                        from: from.clone(),
                        by: Some(index),
                    },
                );
            }
        }
        image
    }

    /// The files of the context that COPYs before instruction `at` bring out of other stages, by absolute path.
    pub(super) fn handed(&self, at: usize) -> BTreeMap<String, Brought> {
        let all = self.handed.get_or_init(|| self.find_handed());
        let before = all.iter().take(at).flatten();
        let by_stage = |(to, from): (&String, &RepoPath)| {
            let from = from.clone();
            (to.clone(), Brought { from, by: None })
        };
        before.map(by_stage).collect()
    }

    fn find_handed(&self) -> Vec<BTreeMap<String, RepoPath>> {
        let dockerfile = self.view.dockerfile;
        let all = places(dockerfile);
        let mut givers: BTreeMap<usize, Vec<(RepoPath, RepoPath)>> = BTreeMap::new();
        let mut handed = Vec::new();
        for (instruction, place) in self.stage.instructions.iter().zip(&self.places) {
            let mut found = None;
            let giver = instruction.flag("from");
            let giver = giver.and_then(|from| stage_named(dockerfile, self.stage.index, from));
            if let (Kind::Copy(transfer), Some(giver)) = (&instruction.kind, giver) {
                let held = givers.entry(giver).or_insert_with(|| {
                    let image = Self::new(self.view, &all, giver).image_at(usize::MAX);
                    let held = image.into_iter();
                    held.map(|(path, brought)| (RepoPath::new(&path), brought.from))
                        .collect()
                });
                let held = |_: &RepoPath| held.iter().map(|(path, from)| (path, from)).collect();
                found = laid(&held, instruction, transfer, place);
            }
            handed.push(found.unwrap_or_default());
        }
        handed
    }

    /// The working directory before instruction `at`.
    pub(in crate::restructure) fn cwd(&self, at: usize) -> &str {
        self.places
            .get(at)
            .and_then(|p| p.cwd.as_deref())
            .unwrap_or("/")
    }

    /// Every way in which RUN `run` resolves dependencies.
    pub(in crate::restructure) fn installs(&self, run: usize) -> &[Install] {
        let Some(cell) = self.known.get(run) else {
            return &[];
        };
        cell.get_or_init(|| self.find_installs(run, &self.stage.instructions[run]))
    }

    /// The COPYs and ADDs before instruction `at`: where each goes, absolute, and the files of the context that it brings,
    /// both where they are known.
    pub(in crate::restructure) fn copies(
        &self,
        at: usize,
    ) -> impl Iterator<Item = (Option<String>, Option<&BTreeMap<String, RepoPath>>)> {
        let all = self.stage.instructions.iter().enumerate().take(at);
        all.filter_map(|(n, instruction)| match &instruction.kind {
            Kind::Copy(transfer) | Kind::Add(transfer) => {
                let to = destination(transfer, &self.places[n]);
                Some((to, self.brings[n].as_ref()))
            }
            _ => None,
        })
    }

    /// Every RUN of the stage that is nothing but an install, by each way in which it is one.
    pub(in crate::restructure) fn whole_installs(&self) -> impl Iterator<Item = &Install> {
        let runs = 0..self.stage.instructions.len();
        runs.flat_map(|run| self.installs(run))
            .filter(|install| install.action == Action::Whole)
    }

    /// RUN `run`, read.
    fn read(&self, run: usize) -> Option<Read<'_>> {
        Read::new(self, run, self.stage.instructions.get(run)?)
    }

    /// As [`Self::read`], with what mounts bring of the context in its place.
    pub(super) fn read_with_mounts(&self, run: usize) -> Option<Read<'_>> {
        Read::despite_mounts(self, run, self.stage.instructions.get(run)?)
    }

    fn find_installs(&self, run: usize, instruction: &Instruction) -> Vec<Install> {
        let Some(read) = Read::new(self, run, instruction) else {
            return Vec::new();
        };
        let mut found: Vec<Install> = read
            .movable()
            .or_else(|| read.middle())
            .into_iter()
            .collect();
        found.extend(read.prefetches());
        found
    }

    /// The commands of RUN `run` that resolve dependencies, by their words, and whether each does so on the way, as a part
    /// of building.
    pub(in crate::restructure) fn resolvers(&self, run: usize) -> Vec<(Vec<String>, bool)> {
        let Some(read) = self.read(run) else {
            return Vec::new();
        };
        let one = |seen: &Seen| match read.ask(seen)? {
            Answer::Plan(plan) => Some((seen.words.clone(), plan.role != Role::Install)),
            Answer::Whole { .. } => None,
        };
        read.seen.iter().filter_map(one).collect()
    }

    /// The commands of RUN `run` that resolve dependencies, by their words, and whether each is known to need the source:
    /// as they build the project on the way, or as a package's own scripts do.
    pub(in crate::restructure) fn needing_source(&self, run: usize) -> Vec<(Vec<String>, bool)> {
        let Some(read) = self.read(run) else {
            return Vec::new();
        };
        let is_package = |seen: &Seen| {
            let path = read.path_of(seen, "package.json");
            path.is_some_and(|path| read.files.iter().any(|(p, _)| *p == path))
        };
        let one = |seen: &Seen| {
            let needs = match read.ask(seen)? {
                Answer::Plan(plan) => plan.role != Role::Install,
                // Other ecosystems have other reasons to stay as well.
                Answer::Whole { ecosystem, .. } => {
                    matches!(ecosystem, "npm" | "yarn" | "pnpm" | "bun") && is_package(seen)
                }
            };
            Some((seen.words.clone(), needs))
        };
        read.seen.iter().filter_map(one).collect()
    }

    /// Whether all commands of RUN `run` are shown to read nothing of the project; `chmod` of `allowed` paths counts.
    pub(in crate::restructure) fn reads_no_project(
        &self,
        run: usize,
        allowed: &BTreeSet<String>,
    ) -> bool {
        let Some(read) = self.read(run) else {
            return false;
        };
        (0..read.script.pieces.len()).all(|n| {
            read.is_free(n) || read.touches_only(n, allowed) || read.reads_only(n, allowed)
        })
    }

    /// Whether a command of RUN `run` works on files by name, so that they have to be there.
    pub(in crate::restructure) fn works_on_files(&self, run: usize) -> bool {
        let read = self.read(run);
        let has_to_find = |s: &Seen| handles_files(s) && !matches!(s.name(), "rm" | "touch");
        read.is_none_or(|read| read.seen.iter().any(has_to_find))
    }

    /// Whether RUN `run` writes into a directory that only steps from `first` on make.
    pub(in crate::restructure) fn lacks_directory(&self, run: usize, first: usize) -> bool {
        let (Some(place), Some(there)) = (self.places.get(run), self.places.get(first)) else {
            return false;
        };
        let Some(text) = self.stage.instructions[run].shell_text() else {
            return false;
        };
        let script = shell::parse(text);
        // What is not known here is judged by what it reads.
        let is_known = |seen: &Seen| group(seen).is_none();
        let touched = touched_beside(&script, place.cwd.as_deref(), &place.variables, &is_known);
        let needs = touched.map(|t| t.needs).unwrap_or_default();
        let mut needs = needs
            .iter()
            .filter(|d| place.cwd.as_ref() != Some(*d) && !is_among(&there.there, d));
        needs.any(|directory| {
            let mut brought = self.brings[first..run].iter().flatten();
            brought.any(|files| files.keys().any(|file| is_within(file, directory)))
        })
    }

    /// The files, absolute, whose modes RUN `run` changes.
    pub(in crate::restructure) fn touched(&self, run: usize) -> BTreeSet<String> {
        let read = self.read(run);
        read.map(|read| read.touched()).unwrap_or_default()
    }

    /// The first command of RUN `run` that installs tools by name (`npm install -g pnpm`), where no command of the RUN
    /// reads the project.
    pub(in crate::restructure) fn tools(&self, run: usize) -> Option<String> {
        let read = self.read(run)?;
        let named = |seen: &&Seen| read.with_call(seen, ecosystem::is_system_install) == Some(true);
        let first = read.seen.iter().find(named)?;
        let asks = |w: &String| w.contains("$(") || w.contains('`');
        if read.seen.iter().any(|s| s.words.iter().any(asks)) {
            return None;
        }
        self.reads_no_project(run, &BTreeSet::new())
            .then(|| short(&first.words))
    }

    /// Where the commands of RUN `run` keep downloads, by ecosystem, each once.
    pub(in crate::restructure) fn cache_dirs(
        &self,
        run: usize,
    ) -> &[(&'static str, ecosystem::CacheDir)] {
        self.kept[run].get_or_init(|| self.find_cache_dirs(run))
    }

    fn find_cache_dirs(&self, run: usize) -> Vec<(&'static str, ecosystem::CacheDir)> {
        let instruction = &self.stage.instructions[run];
        let Some(read) = Read::with_handed(self, run, instruction) else {
            return Vec::new();
        };
        let mut found: Vec<(&'static str, ecosystem::CacheDir)> = Vec::new();
        let common = read
            .seen
            .iter()
            .filter(|s| !is_for_another_machine(&read.script, s));
        for seen in common {
            let own = read.with_call(seen, ecosystem::cache_dir).flatten();
            let behind = read.with_call(seen, ecosystem::cache_dirs_behind);
            for (name, dir) in own.into_iter().chain(behind.into_iter().flatten()) {
                if !found.iter().any(|(known, _)| *known == name) {
                    found.push((name, dir));
                }
            }
        }
        found.retain(|(name, _)| *name != "yarn" || !read.lacks_settings(YARN_SETTINGS));
        found
    }

    /// Whether a command of RUN `run` may fetch with `ecosystem`, besides its installs.
    pub(in crate::restructure) fn fetches_again(&self, run: usize, ecosystem: &str) -> bool {
        let read = self.read_with_mounts(run);
        let fetches = |seen: &Seen| ecosystem::fetches_again(&seen.words) == Some(ecosystem);
        read.is_some_and(|read| read.seen.iter().any(fetches))
    }

    /// Whether a mount of RUN `run` lies over what one of its commands makes: the layer then holds nothing of that.
    pub(in crate::restructure) fn leaves_nothing(&self, run: usize) -> bool {
        let read = self.read(run);
        read.is_some_and(|read| read.seen.iter().any(|seen| read.is_hidden(seen)))
    }

    /// How cargo-chef builds the dependencies of RUN `run`, and that as an install, which reads none of what is copied to
    /// where it runs.
    pub(in crate::restructure) fn recipe(
        &self,
        run: usize,
    ) -> Option<(ecosystem::Recipe, Install)> {
        let read = self.read(run)?;
        // Where targets are written on the way, they stand in for others.
        let writes = |read: &Read<'_>| read.made.iter().any(|p| p.as_bytes().ends_with(b".rs"));
        let before = (0..run).filter_map(|i| self.read(i));
        if writes(&read) || before.into_iter().any(|read| writes(&read)) {
            return None;
        }
        let mut seen = read.seen.iter().filter(|s| !read.starts_anew(s));
        seen.find_map(|seen| read.cooked(seen))
    }

    /// Whether a WORKDIR above instruction `index` says that it works in `cwd`, and not the base image alone; the root needs
    /// none to be named by.
    pub(in crate::restructure) fn is_set(&self, index: usize, cwd: &str) -> bool {
        cwd != "/" && self.places[index].directories.contains(cwd)
    }

    /// COPY lines that bring what `install` reads into `dir`, each with its line break; `None` where some of it lies
    /// elsewhere, has another name there, or needs quotes.
    pub(in crate::restructure) fn copies_of(&self, install: &Install, dir: &str) -> Option<String> {
        let image = self.image_at(install.run);
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for to in &install.reads {
            let from = image.get(to)?.from.to_string();
            let (folder, name) = to.rsplit_once('/')?;
            let same_name = from.rsplit('/').next() == Some(name);
            if !same_name || from.contains([' ', '$', '*', '?', '[', '"', '\\']) {
                return None;
            }
            let to = format!("./{}", relative(folder, dir)?);
            groups.entry(to).or_default().push(from);
        }
        let line = |(to, from): (&String, &Vec<String>)| {
            format!("COPY {} {}/\n", from.join(" "), to.trim_end_matches('/'))
        };
        (!groups.is_empty()).then(|| groups.iter().map(line).collect())
    }

    /// Whether RUN `run` is nothing but a `make` that builds with a known ecosystem.
    pub(in crate::restructure) fn makes(&self, run: usize) -> bool {
        let Some(read) = self.read(run) else {
            return false;
        };
        let is_make = |seen: &Seen| matches!(seen.name(), "make" | "gmake");
        read.seen.iter().any(is_make)
            && read
                .seen
                .iter()
                .all(|seen| is_quiet(seen) || (is_make(seen) && read.ask(seen).is_some()))
    }

    /// The ecosystems whose commands make up RUN `run`, whatever they do; `None` when another command is among them.
    pub(in crate::restructure) fn builds_with(&self, run: usize) -> Option<Vec<&'static str>> {
        let read = self.read(run)?;
        let all = 0..read.script.pieces.len();
        let found: Option<Vec<Vec<&'static str>>> = all.map(|n| read.builds_with(n)).collect();
        Some(found?.concat())
    }

    /// Which pieces of RUN `run` resolve dependencies or build, and do nothing else.
    pub(in crate::restructure) fn building_pieces(&self, run: usize) -> BTreeSet<usize> {
        let Some(read) = self.read(run) else {
            return BTreeSet::new();
        };
        let builds = |n: &usize| read.builds_with(*n).is_some_and(|names| !names.is_empty());
        (0..read.script.pieces.len()).filter(builds).collect()
    }
}

/// Where Yarn since 2 is told where its downloads go.
const YARN_SETTINGS: &str = ".yarnrc.yml";

impl Read<'_> {
    /// Whether the project has a file of this name, and no manifest of the context is where the RUN works: by a COPY out
    /// of another stage both may be there all the same.
    fn lacks_settings(&self, name: &str) -> bool {
        let is_it = |path: &RepoPath, name: &str| path.file_name() == Some(name.as_bytes());
        let mut own = self.files.iter();
        let mut context = self.of.view.files.iter();
        context.any(|(path, _)| is_it(path, name))
            && !own.any(|(path, _)| is_it(path, name) || is_it(path, "package.json"))
    }

    /// The ecosystems whose commands make up a piece; `None` when another command is among them.
    fn builds_with(&self, piece: usize) -> Option<Vec<&'static str>> {
        let mut names = Vec::new();
        if self.is_free(piece) {
            return Some(names);
        }
        for seen in self.seen_of(piece) {
            match self.ask(seen) {
                // A recipe may do more than what is known of it.
                _ if matches!(seen.name(), "make" | "gmake") => return None,
                Some(Answer::Plan(plan)) => names.push(plan.ecosystem),
                Some(Answer::Whole { ecosystem, .. }) => names.push(ecosystem),
                None if is_quiet(seen) => {}
                None => return None,
            }
        }
        Some(names)
    }
}

/// The places of a stage, with a stand-in for a working directory that only the base image knows.
fn rooted(view: &View<'_>, all: &[Vec<Place>], stage: usize) -> Vec<Place> {
    let mut places = all.get(stage).cloned().unwrap_or_default();
    let is_set = |s: usize| {
        view.dockerfile.stages[s]
            .instructions
            .iter()
            .any(|i| matches!(i.kind, Kind::Workdir(_)))
    };
    let above = std::iter::successors(parent(view.dockerfile, stage), |s| {
        parent(view.dockerfile, *s)
    });
    if above.into_iter().any(is_set) {
        return places;
    }
    for (place, instruction) in places
        .iter_mut()
        .zip(&view.dockerfile.stages[stage].instructions)
    {
        if place.cwd.is_some() {
            break;
        }
        place.cwd = Some(BASE.to_owned());
        if matches!(instruction.kind, Kind::Workdir(_)) {
            break;
        }
    }
    for place in &mut places {
        place.directories.insert(BASE.to_owned());
        place.there.insert(BASE.to_owned());
    }
    places
}

/// What each instruction of a stage brings of the context.
fn brings(
    view: &View<'_>,
    all: &[Vec<Place>],
    stage: &Stage,
    places: &[Place],
) -> Vec<Option<BTreeMap<String, RepoPath>>> {
    let each = stage.instructions.iter().zip(places);
    each.map(|(instruction, place)| brought(view, all, stage.index, instruction, place))
        .collect()
}
