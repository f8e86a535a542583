//! A RUN between an install and its new place: whether it goes along, stays, or forbids it.

use super::super::command::{removes, seen};
use super::super::installs::{Action, Install, writes_sources};
use super::super::layout::{absolute, expand, is_within};
use super::super::mentions::says;
use super::Lift;
use super::found::replaces;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use std::collections::BTreeMap;

impl Lift<'_, '_> {
    pub(super) fn sort_run(&mut self, index: usize, stays_run: bool) -> Option<bool> {
        let line = self.of.stage.instructions[index].lines.first;
        let what = &self.install.shown;
        // Stand-ins are taken away again at the end; those of the file itself are wanted below.
        if self.install.ecosystems == ["cargo"] && writes_sources(self.of, index) {
            return Some(false);
        }
        let mut there = self.install.reads.clone();
        there.extend(self.of.image_at(self.first).into_keys());
        // A file that it works on may be what a RUN that stays has made.
        let may_lack = stays_run && self.of.works_on_files(index)
            || self.of.lacks_directory(index, self.first);
        if self.of.reads_no_project(index, &there) && !may_lack {
            // What stays above may need what it takes away.
            if stays_run && removes_packages(&self.of.stage.instructions[index]) {
                return Some(false);
            }
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
        if !stays_run && self.of.gives_directories(index, self.first, &self.cwd) {
            self.reasons.push(format!(
                "line {line} gives directories away that are there before, and nothing in them"
            ));
            return Some(true);
        }
        if self.is_undone_by(index) {
            return None;
        }
        if self.of.takes_from_elsewhere(index, &self.install.reads) {
            return None;
        }
        let maker = self.maker(index);
        if maker.is_none() && (self.brings_program(index) || self.speaks_of_settings(index)) {
            return None;
        }
        if let Some(needed) = maker.or_else(|| self.first_part(index)) {
            self.install.programs.extend(needed.programs);
            let line = format!("line {line} resolves for it and goes with it");
            self.install.reads.extend(needed.reads);
            self.install.dirs.extend(needed.dirs);
            self.doubts.extend(needed.doubts);
            self.reasons.extend(needed.reasons);
            self.reasons.push(line);
            self.needy.insert(index);
            return Some(true);
        }
        // What resolves first and cannot come along is what this one goes on from.
        let own = &self.install;
        let is_first = |i: &Install| {
            let shares = i.ecosystems.iter().any(|e| own.ecosystems.contains(e));
            i.action == Action::Whole && i.dir == own.dir && shares
        };
        let is_prefetch = matches!(own.action, Action::Prefetch(_));
        if !is_prefetch && self.of.installs(index).iter().any(is_first) {
            return self.passes_lists(index).then_some(false);
        }
        match self.of.builds_with(index) {
            Some(others) if others.iter().all(|o| !self.install.ecosystems.contains(o)) => {
                let how = match others.is_empty() {
                    true => String::new(),
                    false => format!("builds with {} and ", others.join(" and ")),
                };
                self.reasons
                    .push(format!("line {line} {how}leaves nothing that {what} reads"));
            }
            Some(_) if matches!(self.install.action, Action::Prefetch(_)) => {}
            _ if self.works_on_source(index) => self.reasons.push(format!(
                "line {line} only works on files that {what} does not read"
            )),
            _ if self.fills_named(index) || self.writes_manifest(index) => return None,
            // What fetches with the same tool goes on from what this one has put there.
            _ if !is_prefetch && self.fetches_alike(index) => return None,
            // It may set up where that one puts its packages: `opam switch create .`.
            _ if !is_prefetch && self.runs_its_program(index) => return None,
            _ => self.doubts.push(format!(
                "line {line}, which runs before {what}, then runs after it: check that it prepares nothing for it"
            )),
        }
        Some(false)
    }

    /// Whether the RUN fetches with a tool of the install, beside what is not known.
    fn fetches_alike(&self, index: usize) -> bool {
        let mut kept = self.of.cache_dirs(index).iter();
        kept.any(|(ecosystem, _)| self.install.ecosystems.contains(ecosystem))
    }

    /// Whether the RUN runs the program that the install runs first.
    fn runs_its_program(&self, index: usize) -> bool {
        let program = self.install.shown.split_whitespace().next();
        let commands = seen(&self.of.stage.instructions[index]);
        let mut commands = commands.iter().flatten();
        commands.any(|s| Some(s.name()) == program)
    }

    /// Whether the RUN takes away what the install has made, or puts the result of another install in its place: then
    /// the install has to stay below it. Where the install itself stays, nothing is lost.
    pub(super) fn is_undone_by(&self, index: usize) -> bool {
        if matches!(self.install.action, Action::Prefetch(_)) {
            return false;
        }
        let others = self.of.builds_with(index).unwrap_or_default();
        let is_same = |other: &&'static str| replaces(&self.install.ecosystems, &[*other]);
        others.iter().any(is_same) || self.removes_what_is_made(index)
    }

    /// Whether the RUN removes a directory of packages where the install runs, or all that lies there.
    pub(super) fn removes_what_is_made(&self, index: usize) -> bool {
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
        let seen = seen(&self.of.stage.instructions[index]).unwrap_or_default();
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

    /// Whether the RUN may bring a program that the install runs, by a command or by a script that speaks of it.
    fn brings_program(&self, index: usize) -> bool {
        let programs = &self.install.programs;
        let names = programs.iter().filter_map(|p| p.rsplit('/').next());
        let commands = seen(&self.of.stage.instructions[index]);
        let commands = commands.unwrap_or_default();
        let is_script = |name: &str| {
            let mut commands = commands.iter();
            commands.any(|seen| self.is_script_about(index, seen, name))
        };
        self.of.brings_program(index, programs) || names.into_iter().any(is_script)
    }

    /// Whether the RUN names a file that the install takes settings from, or what that file is part of.
    fn speaks_of_settings(&self, index: usize) -> bool {
        let text = &self.of.stage.instructions[index].original;
        let is_named = |file: &String| {
            let whole = file.strip_suffix("/bin/activate").unwrap_or(file);
            text.contains(whole)
        };
        self.install.settings.iter().any(is_named)
    }

    /// Whether the RUN puts something into a directory outside of the project that a word of the install names:
    /// `--with-yaml-dir=/opt/src/yaml` after `tar -C /opt/src`.
    fn fills_named(&self, index: usize) -> bool {
        let run = self.install.run;
        if matches!(self.install.action, Action::Prefetch(_)) {
            return false;
        }
        let seen = seen(&self.of.stage.instructions[run]);
        let variables = &self.of.places[run].variables;
        let names = |word: &str| {
            let at = word.find(['/', '$'])?;
            let place = expand(&word[at..], variables).filter(|w| w.starts_with('/'))?;
            absolute(None, &place)
        };
        let mut seen = seen.iter().flatten();
        seen.any(|s| {
            let mut named = s.args().iter().filter_map(|word| names(word));
            named.any(|dir| self.of.names_directory(index, &dir))
        })
    }

    /// Whether a command of RUN `index` is a script of the project that speaks of `program`: `install-composer.sh`.
    fn is_script_about(&self, index: usize, seen: &Seen, program: &str) -> bool {
        let image = self.of.image_at(index);
        let is_run = |name: &str| {
            seen.words
                .iter()
                .take(2)
                .any(|w| w.rsplit('/').next() == Some(name))
        };
        let mut scripts = image
            .iter()
            .filter(|(to, _)| to.rsplit('/').next().is_some_and(is_run));
        scripts.any(|(_, brought)| {
            let text = (self.of.view.read)(&brought.from);
            text.is_some_and(|t| says(&t, program))
        })
    }

    /// The install of RUN `index` whose packages hold a program that this one runs: `npm ci` before
    /// `./node_modules/.bin/bower install`.
    pub(super) fn maker(&self, index: usize) -> Option<Install> {
        let is_maker = |i: &&Install| i.action == Action::Whole && !i.is_hidden;
        let found = self.of.installs(index).iter().find(is_maker)?;
        let mut placed = self.install.programs.clone();
        placed.retain(|p| p.contains('/'));
        let is_whole = found.absent.is_empty() && self.of.brings_program(index, &placed);
        is_whole.then(|| found.clone())
    }

    /// RUN `index` as an install of the same ecosystem in the same place, whose results this one may go on from:
    /// `mix deps.get` before `mix deps.compile`.
    pub(super) fn first_part(&self, index: usize) -> Option<Install> {
        let own = &self.install;
        let is_part = |i: &&Install| {
            let shares = i.ecosystems.iter().all(|e| own.ecosystems.contains(e));
            // Lists of pip that share nothing are installed one as well as the other.
            let is_apart = own.ecosystems == ["pip"] && own.reads.is_disjoint(&i.reads);
            i.action == Action::Whole && shares && !is_apart && i.dir == own.dir
        };
        let found = self.of.installs(index).iter().find(is_part)?;
        (!found.is_hidden && found.absent.is_empty()).then(|| found.clone())
    }

    /// Whether a RUN that stays fills a directory in which an ENV has programs looked for.
    pub(super) fn leaves_path_empty(&self) -> bool {
        let mut dirs: Vec<String> = Vec::new();
        let above = self.of.stage.instructions.iter().zip(&self.of.places);
        for (instruction, place) in above.take(self.install.run) {
            let Kind::Env(pairs) = &instruction.kind else {
                continue;
            };
            let paths = pairs.iter().filter(|p| p.name == "PATH");
            let parts = paths.flat_map(|p| p.value.split(':'));
            let parts = parts.filter_map(|part| expand(part, &place.variables));
            dirs.extend(parts.filter(|d| d.starts_with('/') && !d.contains('$')));
        }
        let is_run = |i: &&usize| matches!(self.of.stage.instructions[**i].kind, Kind::Run(_));
        let mut runs = self.stay.iter().filter(is_run);
        runs.any(|&run| dirs.iter().any(|d| self.of.names_directory(run, d)))
    }
}

/// Whether a RUN takes packages of the system out again.
pub(super) fn removes_packages(instruction: &Instruction) -> bool {
    let seen = seen(instruction).unwrap_or_default();
    seen.iter().any(removes)
}
