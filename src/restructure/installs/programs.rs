//! Which program an install runs, and which commands bring it there.

use super::super::layout::{absolute, expand, is_within, overlap};
use super::super::mentions::says;
use super::place::is_system_directory;
use super::read::{Read, is_quiet};
use super::stage::StageView;
use crate::ecosystem::{self, Answer};
use crate::shell::{self, Seen, Word};
use std::collections::BTreeSet;

/// Options of pip and uv by which packages come from elsewhere.
const INDEXES: &[&str] = &[
    "--extra-index-url",
    "--find-links",
    "--index",
    "--index-url",
    "--torch-backend",
    "-f",
    "-i",
];

/// Programs that are packages of Python.
const OF_PYTHON: &[&str] = &[
    "conan",
    "hatch",
    "pdm",
    "pip-compile",
    "pip-sync",
    "pipenv",
    "poetry",
    "uv",
];

impl Read<'_> {
    /// The program of a command: its name, and absolute paths of it and of what runs it, where those are given and are
    /// no file of the context.
    pub(super) fn programs_of(&self, seen: &Seen) -> BTreeSet<String> {
        let command = self.script.commands.get(seen.command);
        let words = command.map(|c| c.words.as_slice()).unwrap_or_default();
        self.programs(words, seen, self.place_of(seen).as_deref())
    }

    /// As [`Self::programs_of`], of a command line that runs in absolute `dir`.
    pub(super) fn programs_of_line(&self, line: &str, dir: &str) -> BTreeSet<String> {
        let script = shell::parse(line);
        let one = |seen: Seen| {
            let here = seen.directory.as_deref();
            let here = here.and_then(|d| absolute(Some(dir), d));
            let words = &script.commands.get(seen.command)?.words;
            (!is_quiet(&seen)).then(|| self.programs(words, &seen, here.as_deref()))
        };
        script
            .seen()
            .into_iter()
            .filter_map(one)
            .flatten()
            .collect()
    }

    /// Of `seen` in a command of these words.
    fn programs(&self, words: &[Word], seen: &Seen, here: Option<&str>) -> BTreeSet<String> {
        // What wraps a command stands before it.
        let n = words.len().saturating_sub(seen.words.len()) + 1;
        let lead = words.get(..n).unwrap_or_default().iter();
        let lead: Vec<&str> = lead.map(|w| w.text.as_str()).collect();
        let variables = &self.of.places[self.run].variables;
        let is_there = |path: &String| self.of.image_at(self.run).contains_key(path);
        let placed = lead.iter().filter(|w| w.contains('/') && !w.contains('='));
        let placed = placed.filter_map(|w| expand(w, variables));
        let placed = placed.filter_map(|w| absolute(here, &w));
        let mut found: BTreeSet<String> = placed.filter(|p| !is_there(p)).collect();
        // A project's own program comes before any other.
        if lead.contains(&"npx") {
            let own = format!("node_modules/.bin/{}", seen.name());
            found.extend(absolute(here, &own));
        }
        if !seen.name().is_empty() && !lead.iter().any(|w| w.contains('/')) {
            found.insert(seen.name().to_owned());
        }
        found
    }

    /// Whether a command, or one of those behind it, may bring one of `programs`.
    pub(super) fn brings(&self, seen: &Seen, programs: &BTreeSet<String>) -> bool {
        let behind = || {
            let all = self.with_call(seen, ecosystem::behind).unwrap_or_default();
            let is_bringer =
                |words: &Vec<String>| programs.iter().any(|p| ecosystem::brings(words, p));
            all.iter().any(is_bringer)
        };
        programs.iter().any(|program| match program.contains('/') {
            true => self.makes_place_of(seen, program),
            false => {
                ecosystem::brings(&seen.words, program)
                    || self.writes_program(seen, program)
                    || self.lists_program(seen, program)
            }
        }) || behind()
    }

    /// Whether pip installs from a list that names `program`, or from one that is not at hand: `-r tools.txt`.
    fn lists_program(&self, seen: &Seen, program: &str) -> bool {
        let args = seen.args();
        if !is_pip(seen) || !args.iter().any(|arg| arg == "install" || arg == "sync") {
            return false;
        }
        let here = self.place_of(seen);
        let image = self.of.image_at(self.run);
        let names_it = |list: &str| {
            let brought = absolute(here.as_deref(), list).and_then(|at| image.get(&at));
            let text = brought.and_then(|brought| (self.of.view.read)(&brought.from));
            match text {
                Some(text) => says(&text.to_ascii_lowercase(), program),
                // Programs of Python alone come so.
                None => OF_PYTHON.contains(&program),
            }
        };
        let mut lists = ecosystem::options(args, &["-r", "--requirement"]).into_iter();
        lists.any(names_it)
    }

    /// Whether what a command says goes into a file called `program`: `curl … > /usr/local/bin/dep`.
    fn writes_program(&self, seen: &Seen, program: &str) -> bool {
        let command = self.script.commands.get(seen.command);
        let mut into = command.iter().flat_map(|c| &c.redirections);
        into.any(|r| r.operator.contains('>') && r.target.rsplit('/').next() == Some(program))
    }

    /// Whether a command installs, from an index of its own, a Python package that one of the lists `reads` (absolute)
    /// names: the list alone would bring another build of it (one for another processor).
    pub(super) fn takes_from_elsewhere(&self, seen: &Seen, reads: &BTreeSet<String>) -> bool {
        let is_index = |word: &String| {
            let flag = word.split('=').next().unwrap_or(word);
            INDEXES.contains(&flag)
        };
        if !is_pip(seen) || !seen.args().iter().any(is_index) {
            return false;
        }
        let image = self.of.image_at(self.run);
        let lists = reads.iter().filter_map(|to| image.get(to));
        let lists = lists.filter_map(|brought| (self.of.view.read)(&brought.from));
        let lists: Vec<Vec<u8>> = lists.map(|text| text.to_ascii_lowercase()).collect();
        let mut is_value = false;
        let named = seen.args().iter().filter(|word| {
            let skipped = std::mem::replace(&mut is_value, INDEXES.contains(&word.as_str()));
            !skipped && !word.starts_with('-')
        });
        let named = named.filter(|w| !matches!(w.as_str(), "install" | "pip"));
        // `torch==$(grep -o 'torch.*' pyproject.toml)` names torch; a path names no package.
        let mut names = named.filter_map(|word| {
            let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
            let (name, rest) = word.split_at(end.unwrap_or(word.len()));
            (!rest.starts_with('/')).then(|| name.to_ascii_lowercase())
        });
        names.any(|name| name.len() > 1 && lists.iter().any(|text| says(text, &name)))
    }

    /// Whether a command names a directory above absolute `program`, or installs the packages that it is one of.
    fn makes_place_of(&self, seen: &Seen, program: &str) -> bool {
        if is_idle(seen) {
            return false;
        }
        let Some(here) = self.place_of(seen) else {
            return false;
        };
        let variables = &self.of.places[self.run].variables;
        let named = |word: &String| {
            let place = expand(word, variables).and_then(|word| absolute(Some(&here), &word));
            place.is_some_and(|place| {
                let is_wide = is_within(&self.root, &place) || is_system_directory(&place);
                !is_wide && is_within(program, &place)
            })
        };
        let installs = |ecosystem: &str| {
            let dirs = packages_of(ecosystem).iter();
            let mut dirs = dirs.filter_map(|dir| absolute(Some(&here), dir));
            dirs.any(|dir| is_within(program, &dir))
        };
        seen.args().iter().any(named)
            || match self.ask(seen) {
                Some(Answer::Plan(plan)) => installs(plan.ecosystem),
                Some(Answer::Whole { ecosystem, .. }) => installs(ecosystem),
                None => false,
            }
    }
}

impl StageView<'_> {
    /// Whether a command of RUN `run`, or one behind it, may bring one of `programs`.
    pub(in crate::restructure) fn brings_program(
        &self,
        run: usize,
        programs: &BTreeSet<String>,
    ) -> bool {
        let read = self.read_with_mounts(run);
        read.is_some_and(|read| read.seen.iter().any(|seen| read.brings(seen, programs)))
    }

    /// The words of the commands of RUN `run`, and of those behind a `make` or a script.
    pub(in crate::restructure) fn commands_behind(&self, run: usize) -> Vec<Vec<String>> {
        let read = self.read_with_mounts(run);
        let mut found = Vec::new();
        for (read, seen) in read.iter().flat_map(|r| r.seen.iter().map(move |s| (r, s))) {
            found.push(seen.words.clone());
            let behind = read.with_call(seen, ecosystem::behind);
            found.extend(behind.unwrap_or_default());
        }
        found
    }

    /// Whether a command of RUN `run` takes a Python package of the lists `reads` from an index of its own.
    pub(in crate::restructure) fn takes_from_elsewhere(
        &self,
        run: usize,
        reads: &BTreeSet<String>,
    ) -> bool {
        let read = self.read_with_mounts(run);
        read.is_some_and(|read| {
            let mut seen = read.seen.iter();
            seen.any(|seen| read.takes_from_elsewhere(seen, reads))
        })
    }

    /// Whether a word of RUN `run` names absolute directory `dir`, one above it or one below it, outside of the
    /// project's place and the system's.
    pub(in crate::restructure) fn names_directory(&self, run: usize, dir: &str) -> bool {
        let Some(read) = self.read_with_mounts(run) else {
            return false;
        };
        let variables = &self.places[run].variables;
        let is_it = |word: &String| {
            let place = expand(word, variables).filter(|w| w.starts_with('/'));
            let place = place.and_then(|word| absolute(None, &word));
            place.is_some_and(|place| {
                let is_wide = is_within(&read.root, &place) || is_system_directory(&place);
                !is_wide && overlap(&place, dir)
            })
        };
        let mut seen = read.seen.iter().filter(|s| !is_idle(s));
        seen.any(|seen| seen.args().iter().any(is_it))
    }
}

/// Whether a command is one of pip's, or of what takes its options.
fn is_pip(seen: &Seen) -> bool {
    seen.name().starts_with("pip") || seen.name() == "uv"
}

/// Whether a command puts nothing into the directories that it names.
fn is_idle(seen: &Seen) -> bool {
    is_quiet(seen)
        || matches!(
            seen.name(),
            "mkdir" | "chmod" | "chown" | "chgrp" | "ls" | "rm"
        )
}

/// Where the installs of an ecosystem put programs, from where they run.
fn packages_of(ecosystem: &str) -> &'static [&'static str] {
    match ecosystem {
        "npm" | "yarn" | "pnpm" | "bun" => &["node_modules"],
        "composer" => &["vendor"],
        "bundler" => &["bin", "vendor/bundle"],
        "pipenv" | "poetry" | "uv" | "pdm" => &[".venv"],
        _ => &[],
    }
}
