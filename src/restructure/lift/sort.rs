//! What stands between an install and its new place: what goes along, what stays, what forbids it.

use super::super::environment::{Reading, reading};
use super::super::installs::{Action, Install, writes_sources};
use super::super::layout::{
    absolute, expand, is_anchored, is_within, mentioned, parent, places, stage_named, unquote,
};
use super::super::mentions::says;
use super::super::rules::changes;
use super::Lift;
use super::found::{copies, replaces};
use crate::dockerfile::ast::{Instruction, Kind, Pair};
use crate::ecosystem::READ_BY_TOOLS;
use crate::shell::Seen;
use std::collections::{BTreeMap, BTreeSet};

impl Lift<'_, '_> {
    /// Decides whether instruction `index`, which stands between, goes along or stays; `None` when neither can be.
    pub(super) fn sort(&mut self, index: usize) -> Option<()> {
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
                if goes {
                    self.doubt_variables(index);
                }
                goes
            }
            Kind::Workdir(_) => {
                let free = |i: &usize| match &self.of.stage.instructions[*i].kind {
                    Kind::Copy(t) | Kind::Add(t) => {
                        is_anchored(&t.destination, &self.of.places[*i])
                    }
                    Kind::Run(_) | Kind::Workdir(_) => false,
                    _ => true,
                };
                let goes = self.stay.iter().all(free);
                if goes {
                    self.cwd = self.of.cwd(index + 1).to_owned();
                    self.doubt_owner();
                }
                goes
            }
            // Who runs what must not change.
            Kind::User(user) if stays_run => {
                let lines = self.own_modes(index, user)?;
                self.reasons.push(format!(
                    "{lines} modes to files that are the user's own by then"
                ));
                true
            }
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

    /// The lines of the RUNs that stay, where each only gives modes (`chmod +x a.sh`) to files that COPYs which stay bring as
    /// `user`'s: then it does not matter that they run as that user.
    fn own_modes(&self, index: usize, user: &str) -> Option<String> {
        let (steps, places) = (&self.of.stage.instructions, &self.of.places);
        let name = |word: &str, at: usize| {
            let word = expand(&unquote(word), &places[at].variables)?;
            word.split(':').next().map(str::to_owned)
        };
        let user = name(user, index)?;
        let image = self.of.image_at(index);
        let is_own = |path: &String| {
            let by = image.get(path).and_then(|brought| brought.by);
            by.filter(|by| self.stay.contains(by)).is_some_and(|by| {
                let owner = steps[by].flag("chown").and_then(|owner| name(owner, by));
                owner.as_ref() == Some(&user)
            })
        };
        let mut lines = Vec::new();
        for &run in &self.stay {
            let Kind::Run(_) = steps[run].kind else {
                continue;
            };
            for seen in super::super::command::seen(&steps[run])? {
                let here = absolute(Some(self.of.cwd(run)), seen.directory.as_deref()?)?;
                let mut words = seen.args().iter();
                let mode = words
                    .next()
                    .filter(|m| !m.starts_with('-') && !m.contains('s'))?;
                let files = words.map(|word| {
                    let path = expand(word, &places[run].variables)?;
                    absolute(Some(&here), &path)
                });
                let files: Vec<String> = files.collect::<Option<_>>()?;
                let is_plain =
                    seen.name() == "chmod" && !mode.is_empty() && steps[run].flags.is_empty();
                if !is_plain || !files.iter().all(is_own) {
                    return None;
                }
            }
            lines.push(steps[run].lines.first.to_string());
        }
        Some(match lines.as_slice() {
            [one] => format!("line {one} gives"),
            all => format!("lines {} give", all.join(" and ")),
        })
    }

    /// A WORKDIR makes its directory, where below it a COPY that stays would have made it another's.
    fn doubt_owner(&mut self) {
        let there = |at: usize| self.of.places[at].there.iter();
        let gives = |&i: &usize| {
            let instruction = &self.of.stage.instructions[i];
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                return None;
            };
            let owner = instruction.flag("chown")?;
            let to = super::super::effect::destination(transfer, &self.of.places[i])?;
            let is_made = is_within(&self.cwd, &to) && !there(i).any(|d| is_within(d, &self.cwd));
            is_made.then(|| (owner.to_owned(), instruction.lines.first))
        };
        if let Some((owner, line)) = self.stay.iter().find_map(gives) {
            self.doubts.push(format!(
                "WORKDIR then makes {} itself, and line {line} leaves it whose it is: check that it need not be {owner}'s",
                self.cwd
            ));
        }
    }

    /// Has the values go along that what goes along names.
    pub(super) fn take_variables(&mut self) {
        let instructions = &self.of.stage.instructions;
        let is_wanted = |along: &BTreeSet<usize>, index: usize| {
            let names = set_by(&instructions[index]);
            let mut later = along.range(index + 1..);
            later.any(|&i| {
                let wanted = mentioned(&instructions[i].original);
                names.iter().any(|n| wanted.contains(*n))
            })
        };
        while let Some(index) = {
            let mut left = self.stay.iter().rev();
            left.find(|i| is_wanted(&self.along, **i)).copied()
        } {
            self.doubt_variables(index);
            self.stay.remove(&index);
            self.along.insert(index);
        }
    }

    /// Values that go up past a RUN that stays.
    fn doubt_variables(&mut self, index: usize) {
        let instructions = &self.of.stage.instructions;
        let mut above = self.stay.range(..index);
        if above.any(|&i| matches!(instructions[i].kind, Kind::Run(_))) {
            self.doubts.push(format!(
                "the variables of line {} then hold for the RUNs above it too",
                instructions[index].lines.first
            ));
        }
    }

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
        let commands = super::super::command::seen(&self.of.stage.instructions[index]);
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
        let seen =
            super::super::command::seen(&self.of.stage.instructions[index]).unwrap_or_default();
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
        let commands = super::super::command::seen(&self.of.stage.instructions[index]);
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
        let seen = super::super::command::seen(&self.of.stage.instructions[run]);
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

    pub(super) fn sort_copy(&mut self, index: usize) -> Option<bool> {
        let instruction = &self.of.stage.instructions[index];
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            return Some(false);
        };
        let passes_workdir = self
            .stay
            .iter()
            .any(|&i| matches!(self.of.stage.instructions[i].kind, Kind::Workdir(_)));
        let is_anchored =
            !passes_workdir || is_anchored(&transfer.destination, &self.of.places[index]);
        if let Some(files) = &self.of.brings[index] {
            let is_needed =
                |to: &String| self.install.reads.contains(to) || is_found_by_programs(to);
            let goes = is_anchored && !files.is_empty() && files.keys().all(is_needed);
            if !goes {
                self.doubt_found(index);
            }
            return Some(goes);
        }
        if self
            .install
            .made
            .iter()
            .any(|path| copies(self.of, index, path))
        {
            return is_anchored.then_some(true);
        }
        let to = super::super::effect::destination(transfer, &self.of.places[index]);
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
            // Packages of another stage, which the install goes on from, would be put over those that it has laid down.
            let is_prefetch = matches!(self.install.action, Action::Prefetch(_));
            let covers = |to: &String| self.made().iter().any(|made| is_within(to, made));
            if !is_prefetch && to.as_ref().is_some_and(covers) {
                return None;
            }
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

    /// That what stays below with a COPY may be found by what the install starts.
    pub(super) fn doubt_found(&mut self, index: usize) {
        let files = self.of.brings[index].iter().flat_map(BTreeMap::keys);
        if let Some(found) = files.into_iter().find(|to| is_found_by_programs(to)) {
            self.doubts.push(format!(
                "check that it needs nothing of {found}, which line {} brings",
                self.of.stage.instructions[index].lines.first
            ));
        }
    }

    /// Whether the stage called `from`, or one that it is built on, copies files of the context.
    pub(super) fn is_made_of_source(&self, from: &str) -> bool {
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
    pub(super) fn is_variable_needed(&self, instruction: &Instruction) -> bool {
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
            .filter(|i| matches!(i.kind, Kind::Env(_) | Kind::Workdir(_)) && !self.is_left(i));
        wanted.extend(later.flat_map(|i| mentioned(&i.original)));
        let is_tool = |n: &&str| READ_BY_TOOLS.iter().any(|p| n.starts_with(p));
        let is_named = |n: &&str| wanted.contains(*n);
        let is_constant = matches!(instruction.kind, Kind::Env(_)) && values.is_empty();
        is_constant || names.iter().any(|n| is_tool(n) || is_named(n))
    }

    /// Whether an ENV only hands on what each build is given anew, and nothing shows that the install reads it: above it
    /// would run at each build.
    fn is_left(&self, instruction: &Instruction) -> bool {
        let Kind::Env(pairs) = &instruction.kind else {
            return false;
        };
        let view = self.of.view;
        let is_given = |p: &Pair| {
            mentioned(&p.value).contains(&p.name)
                && changes(view, &p.name)
                && !self.may_read(&p.name)
        };
        pairs.iter().all(is_given)
    }

    /// Whether the install may read a variable that it does not name: a program of it, or a manifest that it resolves.
    fn may_read(&self, name: &str) -> bool {
        let (view, install) = (self.of.view, &self.install);
        if !matches!(install.action, Action::Prefetch(_)) {
            let at = (self.of.stage.index, install.run);
            let names = BTreeSet::from([name.to_owned()]);
            return reading(view, &places(view.dockerfile), at, &names) != Reading::None;
        }
        let image = self.of.image_at(install.run);
        let brought = install.reads.iter().filter_map(|to| image.get(to));
        let mut texts = brought.map(|b| (view.read)(&b.from));
        texts.any(|text| text.is_none_or(|t| says(&t, name)))
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
}

/// The names that an ARG or ENV sets.
fn set_by(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        Kind::Arg(items) => items.iter().map(|i| i.name.as_str()).collect(),
        Kind::Env(pairs) => pairs.iter().map(|p| p.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Whether programs and libraries that commands find by themselves may be at `path`.
pub(super) fn is_for_programs(path: &str) -> bool {
    let places = [
        "/bin", "/etc", "/go", "/home", "/lib", "/lib64", "/opt", "/root", "/sbin", "/usr", "/var",
    ];
    let is_source = is_within(path, "/usr/src") || is_within(path, "/var/www");
    path == "/" || (!is_source && places.iter().any(|p| is_within(path, p)))
}

/// Whether compilers, linkers and programs that fetch find what is at `path` without being told of it.
pub(super) fn is_found_by_programs(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let settings = [
        ".gitconfig",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".yarnrc",
        "gitconfig",
        "npmrc",
        "pip.conf",
    ];
    let trees = [
        "/etc/ld.so.conf.d",
        "/etc/pki",
        "/etc/ssl",
        "/root/.config",
        "/root/.ssh",
        "/usr/include",
        "/usr/local/include",
        "/usr/local/share/ca-certificates",
        "/usr/share/pkgconfig",
    ];
    let libraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];
    let is_library = name.ends_with(".a") || name.ends_with(".pc") || name.contains(".so");
    let is_home = ["/etc", "/home", "/root", "/usr/etc"]
        .iter()
        .any(|d| is_within(path, d));
    trees.iter().any(|tree| is_within(path, tree))
        || (is_library && libraries.iter().any(|d| is_within(path, d)))
        || (is_home && settings.contains(&name))
}

/// Whether a RUN takes packages of the system out again.
pub(super) fn removes_packages(instruction: &Instruction) -> bool {
    let seen = super::super::command::seen(instruction).unwrap_or_default();
    seen.iter().any(super::super::command::removes)
}
