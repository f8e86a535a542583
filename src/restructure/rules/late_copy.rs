//! Files that no step needs yet are copied after the steps.
//!
//! Before:
//! ```dockerfile
//! COPY entrypoint.sh /
//! RUN ./configure && make install
//! ENTRYPOINT ["/entrypoint.sh"]
//! ```
//! After:
//! ```dockerfile
//! RUN ./configure && make install
//! COPY entrypoint.sh /
//! ENTRYPOINT ["/entrypoint.sh"]
//! ```
//! For RUNs of which it is not known what they read (`system-first` moves the others): a COPY passes one that names none
//! of its files nor their directory, does not work where they are, and comes upon no file that names one of them. Files
//! in places of the system, where programs look by themselves, stay. Where a step calls a few of many files, those few
//! are copied before it. Always for review.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::conflict::conflict;
use super::super::effect::{Effect, Files};
use super::super::installs::StageView;
use super::super::layout::{Place, last_name, places, reachable};
use super::super::manifests::is_dependency_file;
use super::super::mentions::holds;
use super::super::moving::{block_of, effects, move_after};
use super::super::named::named;
use super::super::sentence::abridged;
use super::super::system_places::is_read_by_name;
use super::super::view::View;
use super::{Rule, late_folder};
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "late-copy",
    summary: "files that no step needs yet copied after the steps",
    propose,
};

/// Copies of more files are not looked at: too many names.
const MOST_FILES: usize = 60;

/// So many files at most are copied first for the steps that call them.
const MOST_KEPT: usize = 4;

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        let effects = effects(view, of.stage, &of.places);
        found.extend((0..of.stage.instructions.len()).filter_map(|index| {
            let files = of.brings[index].as_ref()?;
            let late = Late {
                of: &of,
                effects: &effects,
                places: &all,
                index,
                files,
            };
            late.candidate()
        }));
        found.extend(late_folder::candidate(&of, &effects));
    }
    found
}

/// A copy that may come later.
struct Late<'a> {
    of: &'a StageView<'a>,
    effects: &'a [Effect],
    /// Of all stages.
    places: &'a [Vec<Place>],
    index: usize,
    /// What it brings: path in the image to path in the context.
    files: &'a BTreeMap<String, RepoPath>,
}

/// How far it can go.
#[derive(Default)]
struct Way {
    /// What moves: the copy, and the RUNs that only touch its files.
    moved: BTreeSet<usize>,
    /// The last RUN that it passes.
    last: Option<usize>,
    /// The RUNs passed of which it is not known what they read.
    unknown: Vec<usize>,
    /// The files that steps on the way call.
    kept: BTreeSet<String>,
}

impl Late<'_> {
    fn candidate(&self) -> Option<Candidate> {
        let view = self.of.view;
        let instruction = self.instruction(self.index);
        let is_plain = instruction.heredocs.is_empty()
            && !self.files.is_empty()
            && self.files.len() <= MOST_FILES
            && !(instruction.keyword == "ADD" && self.files.values().any(is_archive));
        let changes = || {
            let paths: BTreeSet<&RepoPath> = self.files.values().collect();
            view.n_touching(|p| paths.contains(p))
        };
        // Manifests are read by tools that nobody tells their names.
        if !is_plain
            || !self.files.keys().all(|to| is_read_by_name(to))
            || self.files.values().any(is_dependency_file)
        {
            return None;
        }
        let n_changes = changes();
        let way = self.way();
        let last = way.last.filter(|_| n_changes > 0)?;
        if way.unknown.is_empty() || (!way.kept.is_empty() && way.moved.len() > 1) {
            return None;
        }
        let first = (!way.kept.is_empty()).then(|| self.copy_of(&way.kept));
        if first == Some(None) {
            return None;
        }
        Some(self.written(&way, last, first.flatten(), n_changes))
    }

    fn written(
        &self,
        way: &Way,
        last: usize,
        first: Option<String>,
        n_changes: usize,
    ) -> Candidate {
        let (view, stage) = (self.of.view, self.of.stage);
        let line = |i: usize| self.instruction(i).lines.first;
        let names = |paths: &mut dyn Iterator<Item = &String>| {
            let names: Vec<&str> = paths.map(|p| last_name(p)).collect();
            abridged(&names, 2)
        };
        let moves = names(&mut self.files.keys().filter(|to| !way.kept.contains(*to)));
        let after = self.instruction(last).lines.last;
        let title = if way.kept.is_empty() {
            format!(
                "copy {moves} (line {}) after line {after}",
                line(self.index)
            )
        } else {
            format!(
                "copy {moves} of line {} after line {after}, and only {} before it",
                line(self.index),
                names(&mut way.kept.iter())
            )
        };
        let mut candidate = Candidate::new(RULE.id, title);
        candidate.edits = move_after(view.text(), stage, &way.moved, last);
        if let Some(first) = first {
            // In place of what goes, the blank line after it stays.
            let block = block_of(view.text(), stage, self.index);
            candidate.edits[0] = TextEdit::replace(block, first);
        }
        let unknown: Vec<String> = way.unknown.iter().map(|&i| line(i).to_string()).collect();
        let (runs, neither) = match unknown.as_slice() {
            [one] => (format!("line {one}"), "neither reads nor writes"),
            all => (
                format!("lines {}", all.join(", ")),
                "neither read nor write",
            ),
        };
        // The whole copy brings them once more.
        let again = match way.kept.is_empty() {
            true => String::new(),
            false => format!(
                ", and that none changes {}, which the whole copy brings again",
                names(&mut way.kept.iter())
            ),
        };
        candidate.safety = Safety::Review {
            reasons: vec![format!(
                "neither the text of {runs} nor a file that is there by then names what is moved"
            )],
            doubt: format!("check that {runs} {neither} these files under another name{again}"),
        };
        candidate.rationale = format!(
            "No step before line {after} names them, yet all of them run again with each change; they changed in {n_changes} of {} builds.",
            view.n_builds()
        );
        candidate.lines = vec![
            self.instruction(self.index).lines,
            self.instruction(last).lines,
        ];
        candidate
    }

    fn instruction(&self, index: usize) -> &Instruction {
        &self.of.stage.instructions[index]
    }

    fn way(&self) -> Way {
        let mut way = Way {
            moved: BTreeSet::from([self.index]),
            ..Way::default()
        };
        for index in self.index + 1..self.of.stage.instructions.len() {
            let meets = || {
                let mut moved = way.moved.iter();
                moved.any(|&m| conflict(&self.effects[m], &self.effects[index]).is_some())
            };
            if !matches!(self.instruction(index).kind, Kind::Run(_)) {
                if meets() {
                    break;
                }
                continue;
            }
            if self.is_about_them(index) {
                way.moved.insert(index);
                continue;
            }
            if self.effects[index].groups.is_some() {
                if meets() {
                    break;
                }
            } else {
                if self.is_program_for_them(index) {
                    break;
                }
                let own = self.files.values().collect();
                let paths = self.files.keys().map(String::as_str).collect();
                let stage = self.of.stage.index;
                let named = named(self.of.view, self.places, (stage, index), &paths, &own);
                let Some(called) = named else {
                    break;
                };
                let mut kept = way.kept.clone();
                kept.extend(called);
                let Some(kept) = self.with_called(kept) else {
                    break;
                };
                if kept.len() > MOST_KEPT || kept.len() == self.files.len() {
                    break;
                }
                way.kept = kept;
                way.unknown.push(index);
            }
            way.last = Some(index);
        }
        if let Some(last) = way.last {
            way.moved.retain(|&m| m < last);
        }
        way
    }

    /// Whether a RUN touches these files and nothing else (`chmod +x /entrypoint.sh`).
    fn is_about_them(&self, index: usize) -> bool {
        let effect = &self.effects[index];
        match &effect.files {
            Files::Commands(touched) => {
                effect.groups.is_some()
                    && !touched.system
                    && !touched.global
                    && !touched.places.is_empty()
                    && touched.places.iter().all(|p| self.files.contains_key(p))
            }
            _ => false,
        }
    }

    /// Whether a RUN starts a program of the image by its path that lies in one place with these files: it is made for what
    /// is put there (`/container/tool/install-service` goes through `/container/service`).
    fn is_program_for_them(&self, index: usize) -> bool {
        let Some(seen) = seen(self.instruction(index)) else {
            return false;
        };
        let written = |seen: &Seen| {
            let text = self.instruction(index).original.as_str();
            let path = format!("/{}", seen.name());
            let mut words = text.split_whitespace();
            let word = words.find(|word| word.starts_with('/') && word.ends_with(&path))?;
            place(word)
                .filter(|_| !self.files.contains_key(word))
                .map(str::to_owned)
        };
        let mut places = seen.iter().filter_map(written);
        places.any(|at| self.files.keys().any(|to| place(to) == Some(at.as_str())))
    }

    /// `kept` with the files that those name in turn; `None` where one cannot be read.
    fn with_called(&self, mut kept: BTreeSet<String>) -> Option<BTreeSet<String>> {
        let mut open: Vec<String> = kept.iter().cloned().collect();
        while let Some(to) = open.pop() {
            let text = (self.of.view.read)(self.files.get(&to)?)?;
            for other in self.files.keys() {
                if !kept.contains(other) && holds(&text, last_name(other).as_bytes()) {
                    kept.insert(other.clone());
                    open.push(other.clone());
                }
            }
        }
        Some(kept)
    }

    /// A COPY of `kept` alone, with the flags of the whole one; `None` where a name is in its way.
    fn copy_of(&self, kept: &BTreeSet<String>) -> Option<String> {
        let instruction = self.instruction(self.index);
        let text = self.of.view.text();
        let flags: Option<String> = instruction
            .flags
            .iter()
            .map(|f| Some(format!("{} ", text.get(f.span.range())?)))
            .collect();
        let flags = flags?;
        let mut by_folder: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for to in kept {
            let from = self.files.get(to)?.to_string();
            let folder = &to[..to.rfind('/')? + 1];
            if last_name(&from) != last_name(to)
                || from.contains([' ', '$', '*', '?', '[', '"', '\\'])
            {
                return None;
            }
            by_folder.entry(folder).or_default().push(from);
        }
        // Out of a stage, they lie where the context does not have them.
        if instruction.is_on("parents") || instruction.flag("from").is_some() {
            return None;
        }
        let line = |(folder, from): (&str, Vec<String>)| {
            format!(
                "{} {flags}{} {folder}\n",
                instruction.keyword,
                from.join(" ")
            )
        };
        Some(by_folder.into_iter().map(line).collect())
    }
}

/// What something at an absolute path is part of: `/container` of `/container/tool/a`, `/opt/app` of `/opt/app/bin/a`;
/// `None` for the system's own places.
fn place(path: &str) -> Option<&str> {
    let mut ends = path.match_indices('/').map(|(at, _)| at).skip(1);
    let first = ends.next()?;
    match &path[1..first] {
        "bin" | "etc" | "lib" | "lib64" | "sbin" | "tmp" | "usr" => None,
        "home" | "opt" | "srv" | "var" => ends.next().map(|end| &path[..end]),
        _ => Some(&path[..first]),
    }
}

/// Whether ADD would unpack it.
fn is_archive(path: &RepoPath) -> bool {
    let text = path.to_string();
    [".tar", ".tgz", ".gz", ".xz", ".bz2", ".txz", ".zst"]
        .iter()
        .any(|end| text.ends_with(end))
}
