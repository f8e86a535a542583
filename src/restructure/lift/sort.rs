//! What stands between an install and its new place: what goes along, what stays, what forbids it.

use super::super::command::seen;
use super::super::effect::destination;
use super::super::installs::Action;
use super::super::layout::{
    absolute, built_on, expand, is_anchored, is_within, stage_named, unquote,
};
use super::Lift;
use super::found::copies;
use crate::dockerfile::ast::{Instruction, Kind};
use std::collections::BTreeMap;

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
            for seen in seen(&steps[run])? {
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
            let to = destination(transfer, &self.of.places[i])?;
            let is_made = is_within(&self.cwd, &to) && !there(i).any(|d| is_within(d, &self.cwd));
            is_made.then(|| (owner.to_owned(), instruction.lines.first))
        };
        if let Some((owner, line)) = self.stay.iter().find_map(gives) {
            self.doubts.push(format!(
                "WORKDIR then makes {} itself, as its user's, and the copy in line {line} does not change that: check that the directory need not belong to {owner}",
                self.cwd
            ));
        }
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
        let to = destination(transfer, &self.of.places[index]);
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
        let mut chain = first.into_iter().flat_map(|s| built_on(dockerfile, s));
        let copies = |i: &Instruction| {
            matches!(i.kind, Kind::Copy(_) | Kind::Add(_)) && i.flag("from").is_none()
        };
        chain.any(|s| dockerfile.stages[s].instructions.iter().any(copies))
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
