//! An install that is said again once more manifests are there: it may stand where they are copied, below the first.

use super::super::command::seen;
use super::super::installs::{Action, Install, StageView};
use super::Lift;
use super::found::first_words;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::ecosystem::SAME_PACKAGES;

/// Beside [`SAME_PACKAGES`], options that say nothing of which packages are installed.
const SAME_HERE: &[&str] = &[
    "--check-files",
    "--foreground-scripts",
    "--ignore-scripts",
    "--immutable",
];

/// By these an install does not write the lockfile anew.
const FROZEN: &[&str] = &[
    "--frozen-lockfile",
    "--immutable",
    "ci",
    "clean-install",
    "install-clean",
];

/// Whether `install` is `done`, of the same stage, said again with more manifests, and finds all that it would below the
/// source where it stands above that.
pub(super) fn said_again(of: &StageView<'_>, done: &Install, install: &Install) -> bool {
    let is_less = done.reads.is_subset(&install.reads) && done.reads != install.reads;
    let is_same = done.ecosystems == install.ecosystems
        && done.dir == install.dir
        && first_words(&done.shown) == first_words(&install.shown)
        && [done, install].iter().all(|i| i.action == Action::Whole);
    if !is_less || !is_same || done.is_hidden || done.run >= install.run {
        return false;
    }
    let (Some(first), Some(second)) = (only_words(of, done.run), only_words(of, install.run))
    else {
        return false;
    };
    let packages = |words: &[String]| {
        let is_same = |w: &&str| SAME_PACKAGES.contains(w) || SAME_HERE.contains(w);
        let words = words.iter().map(String::as_str);
        words
            .filter(|w| !is_same(w))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    if packages(&first) != packages(&second) {
        return false;
    }
    let (one, other) = (done.run, install.run);
    let steps = &of.stage.instructions;
    // A value set between the two (`NODE_ENV`) may decide what is installed, another user whose it is.
    let is_other = |i: &Instruction| {
        let kind = &i.kind;
        matches!(
            kind,
            Kind::Arg(_) | Kind::Env(_) | Kind::Shell(_) | Kind::User(_)
        )
    };
    if steps[one + 1..other].iter().any(is_other) {
        return false;
    }
    // Without the members it would take them out of the lockfile, which the source then brought back.
    first.iter().any(|w| FROZEN.contains(&w.as_str()))
}

/// The words of the one command of a RUN.
fn only_words(of: &StageView<'_>, run: usize) -> Option<Vec<String>> {
    match seen(&of.stage.instructions[run])?.as_slice() {
        [one] if one.assignments.is_empty() => Some(one.words.clone()),
        _ => None,
    }
}

impl Lift<'_, '_> {
    /// What is to be said where the install is one that is said again, if it is.
    pub(super) fn first_of_it(&self) -> Option<String> {
        let mut above = (0..self.first).flat_map(|run| self.of.installs(run));
        let done = above.find(|done| said_again(self.of, done, &self.install))?;
        let line = self.of.stage.instructions[done.run].lines.first;
        Some(format!(
            "line {line} installs with fewer manifests and does not write the lockfile"
        ))
    }
}
