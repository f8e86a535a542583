//! What must be copied before an install that is lifted, and which mistake that mends.

use super::super::installs::Action;
use super::super::layout::is_within;
use super::{Lift, Shape};
use crate::dockerfile::ast::{Kind, Source};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

impl Lift<'_, '_> {
    /// Files named that are not there: the same command misses them as before, unless a step that it now passes makes
    /// them; another command may stumble over them.
    pub(super) fn judge_absent(&mut self) -> Option<()> {
        if self.install.absent.is_empty() {
            return Some(());
        }
        if matches!(self.install.action, Action::Prefetch(_)) {
            self.doubts.extend(self.install.absent.iter().cloned());
            return Some(());
        }
        let may_make = |&i: &usize| {
            let instruction = &self.of.stage.instructions[i];
            match &instruction.kind {
                Kind::Run(_) => true,
                Kind::Copy(_) | Kind::Add(_) => self.of.brings[i].is_none(),
                _ => false,
            }
        };
        (!self.stay.iter().any(may_make)).then_some(())
    }

    /// What the install reads and only instructions that stay have brought.
    pub(super) fn collect_missing(&mut self) {
        let image = self.of.image_at(self.install.run);
        let above = self.of.image_at(self.first);
        for to in &self.install.reads {
            let Some(brought) = image.get(to) else {
                continue;
            };
            let Some(by) = brought.by else { continue };
            // Brought twice, and once above.
            if above.get(to).is_some_and(|a| a.from == brought.from) {
                continue;
            }
            if by >= self.first && !self.along.contains(&by) {
                self.missing.push((to.clone(), brought.from.clone(), by));
            }
        }
    }

    /// Which mistake this is.
    pub(in crate::restructure) fn shape(&self) -> Shape {
        let is_named = self.polluters.iter().all(|&i| self.brings_named_files(i));
        let is_shared =
            |(_, _, by): &(String, RepoPath, usize)| self.without_missing(*by).is_some();
        if is_named && self.missing.iter().all(is_shared) {
            return Shape::Intruder;
        }
        if self.missing.is_empty() {
            return if is_named {
                Shape::Intruder
            } else {
                Shape::DeadSplit
            };
        }
        let dirs: BTreeSet<&str> = self
            .missing
            .iter()
            .filter(|(to, ..)| !self.is_in_whole_dir(to))
            .filter_map(|(to, ..)| to.rsplit_once('/').map(|(d, _)| d))
            .collect();
        // What a program reads lies anywhere; manifests of the same kind are members of something.
        if dirs.len() > 2 && !self.install.ecosystems.contains(&"pip") {
            Shape::Workspace
        } else {
            Shape::Broad
        }
    }

    /// True when a COPY brings files that it names one by one.
    pub(super) fn brings_named_files(&self, index: usize) -> bool {
        let instruction = &self.of.stage.instructions[index];
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            return false;
        };
        let files = &self.of.view.files;
        transfer.sources.iter().all(|source| match source {
            Source::Path(path) => files
                .binary_search_by(|(p, _)| p.cmp(&RepoPath::new(path)))
                .is_ok(),
            Source::Heredoc(_) => true,
        })
    }

    pub(super) fn is_in_whole_dir(&self, to: &str) -> bool {
        self.install.dirs.iter().any(|d| is_within(to, d))
    }
}
