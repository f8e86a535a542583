//! A lift in words: its candidate, title and rationale.

use super::super::candidate::{Candidate, Replaced, Safety};
use super::super::installs::{Action, says_it_takes_out, writes_sources};
use super::super::mounts::downloads::writer_doubt;
use super::super::view::View;
use super::Lift;
use super::untracked::Over;
use crate::dockerfile::ast::Instruction;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

impl Lift<'_, '_> {
    /// The candidate, with the COPYs `copies` (lines without line breaks) before it.
    pub(in crate::restructure) fn candidate(
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
        let over = self.over();
        candidate.rationale = self.rationale(&over);
        candidate.rationale += &self.told_late();
        candidate.unread = self.late_names().into_iter().collect();
        let mut reasons = self.reasons.clone();
        if reasons.is_empty() {
            reasons.push(format!("{} reads nothing else", self.install.shown));
        }
        let mut doubts = self.doubts.clone();
        if stands_in(view.text(), &candidate)? {
            match writer_doubt(self.of, self.install.run) {
                Some(found) => doubts.extend(found),
                None => {
                    let made = self.made_before()?;
                    let first = [vec![format!("RUN {made}")], copies.to_vec()].concat();
                    candidate.edits = self.edits(&first, mounts)?;
                    let again = format!("{made} \\\n    && ");
                    for edit in &mut candidate.edits {
                        let lines = edit.replacement.replace("\r\n", "\n");
                        edit.replacement = lines.replace(&again, "");
                    }
                    doubts.push(format!(
                        "check that the directories of the stand-ins may be its user's, where those that a COPY makes in {} are root's",
                        self.cwd
                    ));
                }
            }
        }
        self.keep_out(&over, &mut candidate, &mut doubts);
        reasons.extend(self.first_of_it());
        candidate.safety = Safety::of(reasons, doubts);
        candidate.vouched = self
            .along
            .iter()
            .chain([&self.install.run])
            .map(|&i| self.of.stage.instructions[i].original.clone())
            .collect();
        declare(&mut candidate, view)?;
        Some(candidate)
    }

    /// How the directories of the stand-ins are made before a COPY makes them root's, where a RUN writes such stand-ins
    /// already as the same user.
    fn made_before(&self) -> Option<&str> {
        let instructions = &self.of.stage.instructions;
        let Action::Prefetch(line) = &self.install.action else {
            return None;
        };
        let made = line.split(" \\\n").next()?;
        let between = self.first..self.install.run;
        let gives = |i: &Instruction| i.keyword == "USER" || i.original.contains("chown");
        let writes = |i: usize| self.of.cwd(i) == self.cwd && writes_sources(self.of, i);
        let may_write = between.clone().any(writes) && !instructions[between].iter().any(gives);
        let is_here = self.cwd == self.install.dir && made.starts_with("mkdir -p ");
        (may_write && is_here).then_some(made)
    }

    /// What could not be shown.
    pub(in crate::restructure) fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// Where the install runs at its new place.
    pub(in crate::restructure) fn cwd(&self) -> &str {
        &self.cwd
    }

    pub(super) fn title(&self, above: usize) -> String {
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

    fn rationale(&self, over: &[Over]) -> String {
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
        let made = self
            .install
            .made
            .iter()
            .filter_map(|p| p.rsplit('/').next());
        let made: Vec<RepoPath> = made.map(RepoPath::new).collect();
        let files = file_list(made.iter().chain(read.iter().copied()));
        let mut said = match self.install.action {
            Action::Prefetch(ref line) => format!(
                "Line {run} {} its dependencies again with every change to what line {above} copies, yet they follow from {files}.",
                if line.ends_with("deps.compile") {
                    "compiles"
                } else {
                    "fetches"
                }
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
        if says_it_takes_out(&self.install.action) && self.install.dropped.is_empty() {
            let _ = write!(
                said,
                " What line {run} installs of the system and takes out again is then installed and taken out above it too."
            );
        }
        if let Some(told) = Self::told_of(over) {
            let _ = write!(said, " {told}");
        }
        said
    }
}

/// Whether the new text writes files that stand in for the project's, where the old one did not.
fn stands_in(text: &str, candidate: &Candidate) -> Option<bool> {
    let rewritten = candidate.rewritten(text)?;
    let times = |text: &str| text.matches("mkdir -p ").count() + text.matches("touch ").count();
    Some(times(&rewritten) > times(text))
}

/// Manifests before what is made from them.
pub(super) fn in_order<'p>(paths: impl Iterator<Item = &'p RepoPath>) -> Vec<&'p RepoPath> {
    let mut all: Vec<&RepoPath> = paths.collect();
    all.sort_by_key(|p| is_lock(&p.to_string()));
    all
}

pub(super) fn is_lock(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains("lock") || name.ends_with(".sum")
}

/// Up to three names, and how many more.
pub(in crate::restructure) fn file_list<'p>(paths: impl Iterator<Item = &'p RepoPath>) -> String {
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
pub(in crate::restructure) fn declare(candidate: &mut Candidate, view: &View<'_>) -> Option<()> {
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
