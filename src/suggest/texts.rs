//! A draft's text as each commit could have had it: with its own versions, and without the files that it lacks.

use super::past::Past;
use crate::context::GIT_DIR_CHANGING;
use crate::history::BuildInput;
use crate::restructure::absent::{Missing, Sources};
use crate::restructure::past::Slots;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The texts of one draft, build after build.
pub(super) struct Texts<'q> {
    past: &'q Past,
    slots: Slots,
    /// For each era the files that its text copies.
    sources: BTreeMap<usize, Sources>,
    known: BTreeMap<(usize, Missing), Arc<[u8]>>,
    /// The files of the build that was asked for last.
    tree: BTreeSet<RepoPath>,
}

impl<'q> Texts<'q> {
    /// With the checkout's `.git` among the files where `has_git` is true.
    pub(super) fn of(dockerfile: &str, past: &'q Past, has_git: bool) -> Self {
        let git = GIT_DIR_CHANGING.iter().filter(|_| has_git);
        Self {
            past,
            slots: Slots::of(dockerfile),
            sources: BTreeMap::new(),
            known: BTreeMap::new(),
            tree: git.map(RepoPath::new).collect(),
        }
    }

    /// The text of build `n`, and the first file that it names and the commit does not have. To be asked for one build after
    /// the other.
    pub(super) fn at(&mut self, n: usize, input: &BuildInput) -> (Arc<[u8]>, Option<String>) {
        for change in &input.changes {
            match change.new {
                Some(_) => self.tree.insert(change.path.clone()),
                None => self.tree.remove(&change.path),
            };
        }
        let (past, slots) = (self.past, &self.slots);
        let era = past.of_build[n];
        let sources = self
            .sources
            .entry(era)
            .or_insert_with(|| Sources::of(&slots.with(&past.now, &past.eras[era])));
        let missing = sources.missing(&self.tree);
        let lacking = sources.first_of(&missing).map(str::to_owned);
        let text = self
            .known
            .entry((era, missing))
            .or_insert_with_key(|(_, missing)| sources.without(missing).into_bytes().into());
        (text.clone(), lacking)
    }
}
