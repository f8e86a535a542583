//! The RUNs of a stage that resolve dependencies: what they read, who brings it, and what of them can stand above the
//! source.
//!
//! Paths are those in the image, relative to the project's place there (`/app`), so that `../lib` and members of a
//! workspace are found wherever COPY has put them.

use super::command::removes;
use super::layout::{
    BASE, Place, absolute, delivered, expand, globals, is_within, mentioned, overlap, parent,
};
use super::view::View;
use crate::dockerfile::ast::{Command, Instruction, Kind, Stage};
use crate::dockerfile::mount::{Mount, MountKind};
use crate::ecosystem::{self, Answer, Call, Files, Needs, Role};
use crate::shell::{self, Connector, Nesting, Piece, Script, Seen};
use crate::tree::{FileStamp, RepoPath};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// One file of the image that came from the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Brought {
    /// Its path in the context.
    pub(super) from: RepoPath,
    /// The instruction that brought it; `None` when an earlier stage did.
    pub(super) by: Option<usize>,
}

/// What a stage's instructions are and where they stand.
pub(super) struct StageView<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) stage: &'a Stage,
    pub(super) places: Vec<Place>,
    /// Per instruction: the files it brings from the context, by absolute path; `None` when it is no such COPY.
    pub(super) brings: Vec<Option<BTreeMap<String, RepoPath>>>,
    /// What earlier stages of the chain have brought.
    inherited: BTreeMap<String, Brought>,
    /// Answers already found, by instruction.
    known: Vec<OnceCell<Vec<Install>>>,
}

/// One RUN that resolves dependencies with files of the context.
#[derive(Clone, Debug)]
pub(super) struct Install {
    /// The RUN's position in the stage.
    pub(super) run: usize,
    /// Ecosystem names, in order, each once.
    pub(super) ecosystems: Vec<&'static str>,
    /// What can stand above the source.
    pub(super) action: Action,
    /// Absolute paths in the image that it reads.
    pub(super) reads: BTreeSet<String>,
    /// Absolute directories that it reads whole.
    pub(super) dirs: BTreeSet<String>,
    /// What was shown, and what was not.
    pub(super) reasons: Vec<String>,
    /// See [`Needs::doubts`].
    pub(super) doubts: Vec<String>,
    /// See [`Needs::absent`].
    pub(super) absent: Vec<String>,
    /// The command, for a title.
    pub(super) shown: String,
    /// Where it runs, absolute.
    pub(super) dir: String,
    /// True when a mount lies over what it makes: its layer holds nothing of that.
    pub(super) is_hidden: bool,
    /// What the RUN itself is given besides, and at which byte of the Dockerfile's text.
    pub(super) inserted: Option<(usize, String)>,
}

/// What of a RUN can stand above the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// All of it.
    Whole,
    /// A chain's first part; bytes in the Dockerfile's text.
    Cut {
        /// End of what goes.
        head_end: usize,
        /// Start of what stays.
        tail_start: usize,
        /// Commands to be said again before what stays: `cd web`, `set -e`.
        carried: Vec<String>,
        /// A command to be run after what goes, if any: it resolves what a command that stays would.
        then: Option<String>,
    },
    /// Another command that resolves the same; the RUN itself stays.
    Prefetch(String),
}

impl<'a> StageView<'a> {
    /// Reads stage `stage`.
    pub(super) fn new(view: &'a View<'a>, all: &[Vec<Place>], stage: usize) -> Self {
        let own = &view.dockerfile.stages[stage];
        let places = rooted(view, all, stage);
        let brings = brings(view, own, &places);
        let mut inherited = BTreeMap::new();
        let mut chain = Vec::new();
        let mut next = parent(view.dockerfile, stage);
        while let Some(above) = next {
            chain.push(above);
            next = parent(view.dockerfile, above);
        }
        for above in chain.into_iter().rev() {
            let stage = &view.dockerfile.stages[above];
            for files in self::brings(view, stage, &rooted(view, all, above))
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
        }
    }

    /// The image's files from the context before instruction `at`, by absolute path.
    pub(super) fn image_at(&self, at: usize) -> BTreeMap<String, Brought> {
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

    /// The working directory before instruction `at`.
    pub(super) fn cwd(&self, at: usize) -> &str {
        self.places
            .get(at)
            .and_then(|p| p.cwd.as_deref())
            .unwrap_or("/")
    }

    /// Every way in which RUN `run` resolves dependencies.
    pub(super) fn installs(&self, run: usize) -> &[Install] {
        let Some(cell) = self.known.get(run) else {
            return &[];
        };
        cell.get_or_init(|| self.find_installs(run, &self.stage.instructions[run]))
    }

    fn find_installs(&self, run: usize, instruction: &Instruction) -> Vec<Install> {
        let Some(read) = Read::new(self, run, instruction) else {
            return Vec::new();
        };
        let mut found: Vec<Install> = read.movable().into_iter().collect();
        found.extend(read.prefetches());
        found
    }

    /// The commands of RUN `run` that resolve dependencies, by their words, and whether each does so on the way, as a part
    /// of building.
    pub(super) fn resolvers(&self, run: usize) -> Vec<(Vec<String>, bool)> {
        let Some(read) = Read::new(self, run, &self.stage.instructions[run]) else {
            return Vec::new();
        };
        let one = |seen: &Seen| match read.ask(seen)? {
            Answer::Plan(plan) => Some((seen.words.clone(), plan.role != Role::Install)),
            Answer::Whole { .. } => None,
        };
        read.seen.iter().filter_map(one).collect()
    }

    /// Whether all commands of RUN `run` are shown to read nothing of the project; `chmod` of `allowed` paths counts.
    pub(super) fn reads_no_project(&self, run: usize, allowed: &BTreeSet<String>) -> bool {
        let Some(instruction) = self.stage.instructions.get(run) else {
            return false;
        };
        let Some(read) = Read::new(self, run, instruction) else {
            return false;
        };
        (0..read.script.pieces.len()).all(|n| read.is_free(n) || read.touches_only(n, allowed))
    }

    /// The first command of RUN `run` that installs tools by name (`npm install -g pnpm`), where no command of the RUN
    /// reads the project.
    pub(super) fn tools(&self, run: usize) -> Option<String> {
        let read = Read::new(self, run, self.stage.instructions.get(run)?)?;
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
    pub(super) fn cache_dirs(&self, run: usize) -> Vec<(&'static str, ecosystem::CacheDir)> {
        let instruction = &self.stage.instructions[run];
        let Some(read) = Read::new(self, run, instruction) else {
            return Vec::new();
        };
        let mut found: Vec<(&'static str, ecosystem::CacheDir)> = Vec::new();
        for seen in &read.seen {
            let dir = read.with_call(seen, ecosystem::cache_dir).flatten();
            found.extend(dir.filter(|(name, _)| !found.iter().any(|(known, _)| known == name)));
        }
        found
    }

    /// Whether a mount of RUN `run` lies over what one of its commands makes: the layer then holds nothing of that.
    pub(super) fn leaves_nothing(&self, run: usize) -> bool {
        let read = self.stage.instructions.get(run);
        let read = read.and_then(|i| Read::new(self, run, i));
        read.is_some_and(|read| read.seen.iter().any(|seen| read.is_hidden(seen)))
    }

    /// How cargo-chef builds the dependencies of RUN `run`, and the directory it runs in.
    pub(super) fn recipe(&self, run: usize) -> Option<(ecosystem::Recipe, String)> {
        let read = Read::new(self, run, self.stage.instructions.get(run)?)?;
        let one = |seen: &Seen| {
            let mut recipe = read.with_call(seen, ecosystem::recipe)??;
            // Variables of the shell have no value in a RUN of its own.
            let known = &self.places[run].variables;
            let is_set = |n: &String| known.contains_key(n);
            if recipe.cook.contains("$(")
                || recipe.cook.contains('`')
                || !mentioned(&recipe.cook).iter().all(is_set)
            {
                return None;
            }
            recipe.cook = read.with_assignments(seen, recipe.cook);
            let dir = read.place_of(seen)?;
            // Where the context's files are, for what is copied of them.
            recipe.toolchain = recipe.toolchain.and_then(|p| read.origins.get(&p).cloned());
            Some((recipe, dir))
        };
        read.seen.iter().find_map(one)
    }

    /// COPY lines that bring what `install` reads into `dir`, each with its line break; `None` where some of it lies
    /// elsewhere, has another name there, or needs quotes.
    pub(super) fn copies_of(&self, install: &Install, dir: &str) -> Option<String> {
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

    /// The ecosystems whose commands make up RUN `run`, whatever they do; `None` when another command is among them.
    pub(super) fn builds_with(&self, run: usize) -> Option<Vec<&'static str>> {
        let read = Read::new(self, run, self.stage.instructions.get(run)?)?;
        let mut names = Vec::new();
        for n in 0..read.script.pieces.len() {
            if read.is_free(n) {
                continue;
            }
            for seen in read.seen_of(n) {
                match read.ask(seen) {
                    // A recipe may do more than what is known of it.
                    _ if matches!(seen.name(), "make" | "gmake") => return None,
                    Some(Answer::Plan(plan)) => names.push(plan.ecosystem),
                    Some(Answer::Whole { ecosystem, .. }) => names.push(ecosystem),
                    None if is_quiet(seen) => {}
                    None => return None,
                }
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
    }
    places
}

fn brings(
    view: &View<'_>,
    stage: &Stage,
    places: &[Place],
) -> Vec<Option<BTreeMap<String, RepoPath>>> {
    let each = stage.instructions.iter().zip(places);
    each.map(|(instruction, place)| match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => delivered(view, instruction, transfer, place),
        _ => None,
    })
    .collect()
}

/// Commands that neither read nor write files: they may stand anywhere in a chain.
fn is_quiet(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "" | "cd"
            | "set"
            | "export"
            | "true"
            | ":"
            | "exit"
            | "echo"
            | "printf"
            | "umask"
            | "break"
            | "return"
    )
}

/// Commands whose effect later commands of the same shell see.
fn is_carried(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "" | "cd" | "set" | "export" | "umask" | "." | "source" | "alias" | "unset" | "shopt"
    )
}

/// One RUN, read.
struct Read<'a> {
    of: &'a StageView<'a>,
    run: usize,
    /// Where the shell text begins in the Dockerfile.
    start: usize,
    text: &'a str,
    script: Script,
    seen: Vec<Seen>,
    /// Where its mounts stand that are no part of the layer, absolute.
    mounts: Vec<String>,
    /// The project's place in the image: paths are relative to it.
    root: String,
    files: Vec<(RepoPath, FileStamp)>,
    origins: BTreeMap<RepoPath, RepoPath>,
    /// Files of the context that COPY has put where the root does not tell them from others, absolute: an entry point in
    /// `/usr/local/bin`.
    elsewhere: Vec<String>,
    env: BTreeMap<String, String>,
}

impl<'a> Read<'a> {
    fn new(of: &'a StageView<'a>, run: usize, instruction: &'a Instruction) -> Option<Self> {
        let Kind::Run(kind) = &instruction.kind else {
            return None;
        };
        let Command::Shell(_) = &kind.command else {
            return None;
        };
        // A file of the context that a mount brings is another place to read from; that is another rule's business.
        let binds = |m: &str| {
            !["type=cache", "type=secret", "type=ssh", "type=tmpfs"]
                .iter()
                .any(|t| m.contains(t))
        };
        if instruction.flag_values("mount").any(binds) {
            return None;
        }
        let whole = of.view.text();
        let (start, text, script) = match instruction.heredocs.as_slice() {
            [] => {
                let after = instruction
                    .flags
                    .last()
                    .map_or(instruction.span.start + 3, |f| f.span.end);
                let text = whole.get(after..instruction.span.end)?;
                (
                    after,
                    text,
                    shell::parse_instruction(text, of.view.dockerfile.escape),
                )
            }
            [body]
                if instruction
                    .original
                    .trim_end()
                    .ends_with(&format!("<<{}", body.name))
                    && !body.chomp =>
            {
                let text = whole.get(body.span.range())?;
                (body.span.start, text, shell::parse(text))
            }
            _ => return None,
        };
        if !script.is_complete || script.pieces.is_empty() {
            return None;
        }
        let image = of.image_at(run);
        let cwd = of.cwd(run);
        let mut root = root_of(of, run, cwd);
        if reaches_out(&script, &image, &root) {
            "/".clone_into(&mut root);
        }
        let mut origins = BTreeMap::new();
        let mut files = Vec::new();
        let mut elsewhere = Vec::new();
        for (to, brought) in &image {
            let rest = below(to, &root);
            if rest.is_none() || root == "/" {
                elsewhere.push(to.clone());
            }
            let Some(rest) = rest else { continue };
            let Ok(at) = of
                .view
                .files
                .binary_search_by(|(p, _)| p.cmp(&brought.from))
            else {
                continue;
            };
            files.push((rest.clone(), of.view.files[at].1));
            origins.insert(rest, brought.from.clone());
        }
        files.sort();
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &of.places[run].variables {
            env.extend(value.clone().map(|v| (name.clone(), v)));
        }
        // The official image sets it.
        if let Some(version) = python_of_base(of.view, of.stage.index) {
            env.entry("PYTHON_VERSION".to_owned()).or_insert(version);
        }
        let seen = script.seen();
        Some(Self {
            of,
            run,
            start,
            text,
            script,
            seen,
            mounts: mounts(instruction, &of.places[run]),
            root,
            files,
            origins,
            elsewhere,
            env,
        })
    }

    /// Asks `question` about a command as it stands there.
    fn with_call<T>(&self, seen: &Seen, question: impl FnOnce(&Call<'_>) -> T) -> Option<T> {
        let here = absolute(Some(self.of.cwd(self.run)), seen.directory.as_deref()?)?;
        let dir = below(&here, &self.root)?;
        let read = |path: &RepoPath| (self.of.view.read)(self.origins.get(path)?);
        let mut env = self.env.clone();
        env.extend(seen.assignments.iter().cloned());
        let words = self.as_written(seen);
        Some(question(&Call {
            words: &words,
            env: &env,
            files: Files::new(&self.files, &read),
            dir: &dir,
            root: &self.root,
        }))
    }

    fn ask(&self, seen: &Seen) -> Option<Answer> {
        self.with_call(seen, ecosystem::plan)?
    }

    /// Whether a mount lies over what a command that resolves dependencies makes.
    fn is_hidden(&self, seen: &Seen) -> bool {
        let (false, Some(answer)) = (self.mounts.is_empty(), self.ask(seen)) else {
            return false;
        };
        let (Answer::Plan(ecosystem::Plan { ecosystem, .. }) | Answer::Whole { ecosystem, .. }) =
            answer;
        let here = self.place_of(seen);
        here.is_some_and(|here| {
            let asked =
                |call: &Call<'_>| ecosystem::is_hidden(ecosystem, call, &here, &self.mounts);
            self.with_call(seen, asked) == Some(true)
        })
    }

    /// The words, the program with its directory as written (`./mvnw`).
    fn as_written(&self, seen: &Seen) -> Vec<String> {
        let mut words = seen.words.clone();
        let written = self
            .script
            .commands
            .get(seen.command)
            .into_iter()
            .flat_map(|c| &c.words);
        let end = format!("/{}", seen.name());
        let program = written
            .map(|w| &w.text)
            .find(|t| t.ends_with(&end) && !t.starts_with('-'));
        if let (Some(first), Some(program)) = (words.first_mut(), program) {
            first.clone_from(program);
        }
        words
    }

    fn seen_of(&self, piece: usize) -> impl Iterator<Item = &Seen> {
        let (from, to) = self.script.pieces[piece].commands;
        self.seen
            .iter()
            .filter(move |s| (from..to).contains(&s.command))
    }

    /// Whether a piece reads nothing of the project.
    fn is_free(&self, piece: usize) -> bool {
        let commands = self.script.commands_of(&self.script.pieces[piece]);
        let plain = commands.iter().all(|c| {
            c.redirections.iter().all(|r| is_harmless_target(&r.target))
                && c.substitutions.iter().all(|s| self.only_asks(s))
        });
        plain
            && self.seen_of(piece).all(|seen| {
                !self.names_the_project(seen)
                    && (is_quiet(seen)
                        || (matches!(seen.name(), "sh" | "bash")
                            && seen.connector == Connector::Pipe
                            && seen.args().iter().all(|a| a.starts_with('-')))
                        || self.with_call(seen, ecosystem::reads_no_project) == Some(true))
            })
    }

    /// Whether a command inside `$(…)` asks the system and reads no file of the project.
    fn only_asks(&self, command: &shell::Command) -> bool {
        let file_name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let is_file = |word: &&str| {
            let name = file_name(word);
            self.files
                .iter()
                .any(|(path, _)| file_name(&path.to_string()) == name)
        };
        is_version_query(command)
            && !command.args().iter().any(is_file)
            && command
                .redirections
                .iter()
                .all(|r| is_harmless_target(&r.target))
            && command.substitutions.iter().all(|s| self.only_asks(s))
    }

    /// Whether one of the words is a path of the project's place, or holds it, or holds a file of the context elsewhere.
    fn names_the_project(&self, seen: &Seen) -> bool {
        // Where it stands is known for each command; going there reads nothing.
        if matches!(seen.name(), "mkdir" | "cd") {
            return false;
        }
        seen.args().iter().any(|word| {
            let path = word.split(['*', '?', '$', '[']).next().unwrap_or_default();
            let place = path.trim_end_matches('/');
            let is_place = place.len() > 1 && place.starts_with('/');
            let is_of_root = if self.root == "/" {
                self.holds_files(place)
            } else {
                overlap(place, &self.root)
            };
            is_place && (is_of_root || self.elsewhere.iter().any(|f| is_within(f, place)))
        })
    }

    /// Whether files of the project lie at, below or above absolute `path`, or beside it in a directory of their own.
    fn holds_files(&self, path: &str) -> bool {
        self.origins.keys().any(|file| {
            let file = format!("/{file}");
            let dir = file.rsplit_once('/').map_or("", |(dir, _)| dir);
            let is_own = dir.len() > 1 && !is_system_directory(dir);
            overlap(path, &file) || (is_own && overlap(path, dir))
        })
    }

    /// Whether a piece changes modes of `allowed` files and nothing else.
    fn touches_only(&self, piece: usize, allowed: &BTreeSet<String>) -> bool {
        self.seen_of(piece).all(|seen| {
            let Some(dir) = seen.directory.as_deref() else {
                return false;
            };
            matches!(seen.name(), "chmod" | "dos2unix")
                && seen
                    .args()
                    .iter()
                    .filter(|a| !a.starts_with('-'))
                    .skip(usize::from(seen.name() == "chmod"))
                    .all(|a| {
                        let here = absolute(Some(self.of.cwd(self.run)), dir);
                        absolute(here.as_deref(), a).is_some_and(|p| allowed.contains(&p))
                    })
        })
    }

    /// What a piece resolves; `None` when it does anything else that is not shown to be harmless.
    fn resolves(&self, piece: usize) -> Option<Vec<(ecosystem::Plan, &Seen)>> {
        let commands = self.script.commands_of(&self.script.pieces[piece]);
        let plain = commands.iter().all(|c| {
            c.redirections.iter().all(|r| is_harmless_target(&r.target))
                && c.substitutions.iter().all(|s| self.only_asks(s))
        });
        if !plain {
            return None;
        }
        let mut plans = Vec::new();
        for seen in self.seen_of(piece) {
            let is_free =
                is_quiet(seen) || self.with_call(seen, ecosystem::reads_no_project) == Some(true);
            if is_free && !self.names_the_project(seen) {
                continue;
            }
            if let Some(needs) = self.tested(seen) {
                plans.push((
                    ecosystem::Plan {
                        ecosystem: "",
                        role: Role::Install,
                        needs,
                    },
                    seen,
                ));
                continue;
            }
            match self.ask(seen)? {
                Answer::Plan(plan) if plan.role == Role::Install => plans.push((plan, seen)),
                // A branch for another lockfile, which is not there, is never taken.
                Answer::Whole { .. } if seen.conditional && seen.branch.is_some() => {}
                _ => return None,
            }
        }
        Some(plans)
    }

    /// The files that `[ -f yarn.lock ]` looks at.
    fn tested(&self, seen: &Seen) -> Option<Needs> {
        if !matches!(seen.name(), "[" | "test" | "[[" | "ls") {
            return None;
        }
        let mut needs = Needs::default();
        self.with_call(seen, |call| {
            for word in call
                .args()
                .iter()
                .filter(|w| !w.starts_with('-') && !w.contains('$'))
            {
                needs.file(&call.files, &call.dir.join(word.as_bytes()));
            }
        })?;
        Some(needs)
    }

    /// The longest first part of the chain that resolves and reads nothing else; all of it, perhaps.
    fn movable(&self) -> Option<Install> {
        let pieces = &self.script.pieces;
        let mut plans = Vec::new();
        let mut n_head = 0;
        let mut n_kept = 0;
        for (n, piece) in pieces.iter().enumerate() {
            if n > 0
                && matches!(
                    piece.connector,
                    Connector::Or | Connector::Background | Connector::Pipe
                )
            {
                // What may be skipped, and what it is an answer to, stay together.
                return None;
            }
            let Some(found) = self.resolves(n) else { break };
            let carries = self.seen_of(n).all(is_carried)
                || (found.is_empty() && self.seen_of(n).all(is_quiet));
            n_head = n + 1;
            if !carries {
                n_kept = n + 1;
            }
            plans.extend(found);
        }
        if plans.iter().all(|(plan, _)| plan.ecosystem.is_empty()) {
            return None;
        }
        let is_whole = n_head == pieces.len();
        let action = if is_whole {
            Action::Whole
        } else {
            self.cut(n_kept)?
        };
        let dir = plans
            .iter()
            .find(|(p, _)| !p.ecosystem.is_empty())
            .and_then(|(_, s)| self.place_of(s))?;
        let main = plans
            .iter()
            .find(|(p, _)| !p.ecosystem.is_empty())
            .map(|(_, s)| *s)?;
        let shown = if main.conditional {
            format!(
                "the install of line {}",
                self.of.stage.instructions[self.run].lines.first
            )
        } else {
            short(&self.as_written(main))
        };
        let names = plans.iter().map(|(p, _)| p.ecosystem);
        let mut ecosystems: Vec<&'static str> = Vec::new();
        names.filter(|n| !n.is_empty()).for_each(|n| {
            if !ecosystems.contains(&n) {
                ecosystems.push(n)
            }
        });
        let mut needs = Needs::default();
        for (plan, seen) in plans.iter().cloned() {
            let mut own = plan.needs;
            if seen.conditional {
                own.doubts.retain(|d| !d.contains("no lockfile"));
            }
            needs.merge(own);
        }
        let mut install = self.install(action, ecosystems, needs, shown, dir);
        install.is_hidden = plans.iter().any(|(_, seen)| self.is_hidden(seen));
        Some(install)
    }

    /// The chain cut before piece `at`.
    fn cut(&self, at: usize) -> Option<Action> {
        if !self.of.stage.instructions[self.run].heredocs.is_empty() {
            return None;
        }
        let pieces = &self.script.pieces;
        let (head, tail) = (pieces.get(at.checked_sub(1)?)?, pieces.get(at)?);
        let stops_at_failure = pieces[..at].iter().enumerate().any(|(n, _)| {
            self.seen_of(n).any(|s| {
                s.name() == "set"
                    && s.args()
                        .iter()
                        .any(|a| a.starts_with('-') && a.contains('e'))
            })
        });
        // `a; b` goes on where a fails; two RUNs do not.
        if pieces[1..=at]
            .iter()
            .any(|p| p.connector == Connector::Then)
            && !stops_at_failure
        {
            return None;
        }
        if pieces[at + 1..]
            .iter()
            .any(|p| p.connector == Connector::Or)
        {
            return None;
        }
        let mut carried = Vec::new();
        for (n, piece) in pieces[..at].iter().enumerate() {
            let leaves: Vec<&Seen> = self.seen_of(n).filter(|s| is_carried(s)).collect();
            if leaves.is_empty() {
                continue;
            }
            let in_subshell = self
                .script
                .commands_of(piece)
                .iter()
                .all(|c| c.nesting.contains(&Nesting::Subshell));
            if in_subshell {
                continue;
            }
            if leaves.len() != self.seen_of(n).count() {
                return None;
            }
            carried.push(self.text_of(piece).to_owned());
        }
        Some(Action::Cut {
            head_end: self.start + head.span.end,
            tail_start: self.start + tail.span.start,
            carried,
            then: None,
        })
    }

    fn text_of(&self, piece: &Piece) -> &str {
        self.text.get(piece.span.range()).unwrap_or_default()
    }

    /// Commands to put above the source for those that need it: one install for each line and place.
    fn prefetches(&self) -> Vec<Install> {
        let mut found: Vec<Install> = Vec::new();
        let mut n_source = 0;
        for n in 0..self.script.pieces.len() {
            n_source += usize::from(self.resolves(n).is_none());
            for seen in self.seen_of(n) {
                let Some(Answer::Plan(plan)) = self.ask(seen) else {
                    continue;
                };
                let (line, inserted) = match plan.role {
                    Role::Prefetch(line) => (line, None),
                    Role::PrefetchThen { line, option } => match self.after_verb(seen) {
                        Some(at) => (line, Some((at, format!(" {option}")))),
                        None => continue,
                    },
                    Role::Install => continue,
                };
                let Some(dir) = self.place_of(seen) else {
                    continue;
                };
                let bare = self.with_assignments(seen, line);
                let cwd = self.of.cwd(self.run);
                let line = match relative(&dir, cwd) {
                    Some(rest) if rest.is_empty() => bare.clone(),
                    Some(rest) => format!("cd {rest} && {bare}"),
                    None => format!("cd {dir} && {bare}"),
                };
                // Variables of the shell have no value in a RUN of its own.
                let known = &self.of.places[self.run].variables;
                if line.contains("$(")
                    || line.contains('`')
                    || mentioned(&line).iter().any(|n| !known.contains_key(n))
                {
                    continue;
                }
                if found
                    .iter()
                    .any(|i| i.ecosystems == [plan.ecosystem] && i.dir == dir)
                {
                    continue;
                }
                let shown = if plan.ecosystem == "cargo" {
                    "cargo build with stand-ins".to_owned()
                } else {
                    short(
                        &line
                            .split_whitespace()
                            .map(str::to_owned)
                            .collect::<Vec<_>>(),
                    )
                };
                let names = vec![plan.ecosystem];
                let mut needs = plan.needs;
                let action = self.after_tools(n, bare, line, &mut needs);
                let mut install = self.install(action, names, needs, shown, dir);
                install.is_hidden = self.is_hidden(seen);
                install.inserted = inserted;
                found.push(install);
            }
        }
        if n_source == 0 { Vec::new() } else { found }
    }

    /// Where the verb of a command ends in the Dockerfile's text.
    fn after_verb(&self, seen: &Seen) -> Option<usize> {
        let command = self.script.commands.get(seen.command)?;
        let verb = command.words.iter().find(|w| w.text == seen.subcommand())?;
        Some(self.start + verb.span.end)
    }

    /// How `line` (or `bare`, where what stands before changes to its directory) goes above the source, given that it
    /// resolves for piece `n`: after the tools that the pieces before install, which are taken out again where a later
    /// piece does so.
    fn after_tools(&self, n: usize, bare: String, line: String, needs: &mut Needs) -> Action {
        let installs = |k: usize| {
            self.seen_of(k)
                .any(|s| self.with_call(s, ecosystem::is_system_install) == Some(true))
        };
        if !(0..n).any(installs) {
            return Action::Prefetch(line);
        }
        let cut = self.cut(n).filter(|_| (0..n).all(|k| self.is_free(k)));
        let Some(Action::Cut {
            head_end,
            tail_start,
            carried,
            ..
        }) = cut
        else {
            let at = self.of.stage.instructions[self.run].lines.first;
            needs.doubt(format!(
                "check that it needs none of the packages that line {at} installs before it"
            ));
            return Action::Prefetch(line);
        };
        let changes_directory = (0..n).any(|k| self.seen_of(k).any(|s| s.name() == "cd"));
        let line = if changes_directory { bare } else { line };
        let removed: Vec<&str> = (n + 1..self.script.pieces.len())
            .filter(|&k| self.seen_of(k).any(removes))
            .map(|k| self.text_of(&self.script.pieces[k]))
            .collect();
        if removed.is_empty() {
            let then = Some(line);
            return Action::Cut {
                head_end,
                tail_start,
                carried,
                then,
            };
        }
        let tools = self.text.get(..head_end - self.start).unwrap_or_default();
        let parts: Vec<&str> = [tools.trim_start(), line.as_str()]
            .into_iter()
            .chain(removed)
            .collect();
        Action::Prefetch(parts.join(" && "))
    }

    /// Assignments before a command that settings of a resolver are made of stay before the line put above.
    fn with_assignments(&self, seen: &Seen, line: String) -> String {
        let kept: Vec<String> = seen
            .assignments
            .iter()
            .filter(|(name, _)| {
                name.starts_with("GO")
                    || name.starts_with("CARGO")
                    || name.starts_with("MAVEN")
                    || name.starts_with("NPM_")
                    || name.starts_with("RUST")
            })
            .filter(|(_, value)| !value.contains([' ', '\'', '"', '`', '(', '$']))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if kept.is_empty() || line.contains("&&") {
            line
        } else {
            format!("{} {line}", kept.join(" "))
        }
    }

    fn place_of(&self, seen: &Seen) -> Option<String> {
        absolute(Some(self.of.cwd(self.run)), seen.directory.as_deref()?)
    }

    fn install(
        &self,
        action: Action,
        ecosystems: Vec<&'static str>,
        needs: Needs,
        shown: String,
        dir: String,
    ) -> Install {
        let place =
            |path: &RepoPath| absolute(Some(&self.root), &path.to_string()).unwrap_or_default();
        Install {
            run: self.run,
            ecosystems,
            action,
            reads: needs.files.iter().map(place).collect(),
            dirs: needs.dirs.iter().map(place).collect(),
            reasons: needs.reasons,
            doubts: needs.doubts,
            absent: needs.absent,
            shown,
            dir,
            is_hidden: false,
            inserted: None,
        }
    }
}

/// Where the cache mounts and tmpfs of a RUN stand, absolute as far as that can be told.
fn mounts(instruction: &Instruction, place: &Place) -> Vec<String> {
    let expanded = |text: &str| Ok(expand(text, &place.variables).unwrap_or(text.to_owned()));
    let read = |value: &str| Mount::parse(value, &expanded).ok();
    let all = instruction.flag_values("mount").filter_map(read);
    all.filter(|m| matches!(m.kind, MountKind::Cache | MountKind::Tmpfs))
        .map(|m| absolute(place.cwd.as_deref(), &m.target).unwrap_or(m.target))
        .collect()
}

/// The tag of the official Python image that a stage stands on, if it does.
fn python_of_base(view: &View<'_>, stage: usize) -> Option<String> {
    let first = std::iter::successors(Some(stage), |s| parent(view.dockerfile, *s)).last()?;
    let written = &view.dockerfile.stages.get(first)?.base().image;
    let image = expand(written, &globals(view.dockerfile))?;
    let (name, tag) = image.rsplit('/').next()?.split_once(':')?;
    (name == "python").then(|| tag.to_owned())
}

/// Whether an image keeps programs and settings of its own in `dir`.
fn is_system_directory(dir: &str) -> bool {
    let whole = [
        "/bin",
        "/etc",
        "/lib",
        "/sbin",
        "/usr/bin",
        "/usr/lib",
        "/usr/local",
        "/usr/sbin",
        "/usr/share",
    ];
    let shared = [
        "/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/usr/src", "/var", "/var/lib",
    ];
    whole.iter().any(|p| is_within(dir, p)) || shared.contains(&dir)
}

/// Whether one of the words of `script` is a directory or file outside `root` to which files of the context were
/// brought.
fn reaches_out(script: &Script, image: &BTreeMap<String, Brought>, root: &str) -> bool {
    let words = script.commands.iter().flat_map(|c| &c.words);
    words.into_iter().any(|word| {
        let path = word
            .text
            .split(['[', '*', '?', '$'])
            .next()
            .unwrap_or_default();
        let path = path.trim_end_matches('/');
        path.len() > 1
            && path.starts_with('/')
            && !is_within(path, root)
            && image.keys().any(|to| is_within(to, path))
    })
}

/// Redirections that touch no file of the project.
fn is_harmless_target(target: &str) -> bool {
    target.starts_with("/dev/")
        || target.starts_with("/etc/")
        || target.starts_with("/tmp/")
        || target.starts_with("/usr/")
        || target.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// `$(node --version)`, `$(nproc)`, `$(uname -m)` and the like.
fn is_version_query(command: &shell::Command) -> bool {
    let args = command.args();
    matches!(
        command.name(),
        "nproc"
            | "uname"
            | "arch"
            | "dpkg"
            | "date"
            | "id"
            | "lsb_release"
            | "getconf"
            | "hostname"
            | "which"
            | "awk"
            | "cut"
            | "tr"
            | "head"
            | "grep"
            | "sed"
            | "echo"
    ) || args
        .iter()
        .all(|a| matches!(*a, "--version" | "-v" | "-V" | "version"))
}

/// The first words of a command, for a title.
fn short(words: &[String]) -> String {
    let mut shown = words.iter().take(4).cloned().collect::<Vec<_>>().join(" ");
    if shown.chars().count() > 48 {
        shown = shown.chars().take(45).collect::<String>() + "…";
    }
    shown
}

/// The project's place: the outermost destination of a COPY that the working directory lies in, or holds.
fn root_of(of: &StageView<'_>, run: usize, cwd: &str) -> String {
    let mut root = cwd.to_owned();
    for (index, instruction) in of.stage.instructions.iter().enumerate().take(run) {
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            continue;
        };
        let Some(to) = super::effect::destination(transfer, &of.places[index]) else {
            continue;
        };
        if is_within(&root, &to) && to != "/" {
            root = to;
        }
    }
    for to in of.inherited.keys() {
        let dir = to.rsplit_once('/').map_or("/", |(d, _)| d);
        if !dir.is_empty() && dir != "/" && is_within(&root, dir) {
            root = dir.to_owned();
        }
    }
    // Directories between, as far as files have been put there.
    while let Some((up, _)) = root
        .rsplit_once('/')
        .filter(|(up, _)| up.matches('/').count() >= 1)
    {
        let has_files = of
            .image_at(run)
            .keys()
            .any(|p| p.rsplit_once('/').is_some_and(|(d, _)| d == up));
        if !has_files {
            break;
        }
        root = up.to_owned();
    }
    root
}

/// `path` relative to absolute `root`; `None` when it is not below.
pub(super) fn below(path: &str, root: &str) -> Option<RepoPath> {
    is_within(path, root).then(|| RepoPath::new(path.strip_prefix(root).unwrap_or(path)))
}

/// `path` as written from `cwd`: empty for the same, `web` for a directory below; `None` when it is not below.
pub(super) fn relative(path: &str, cwd: &str) -> Option<String> {
    below(path, cwd).map(|p| p.to_string())
}
