//! What a RUN reads of the image's files, where all of its commands are known to read no others.

use super::super::layout::{absolute, is_within, mentioned, overlap};
use super::super::passed::passed;
use super::super::touched::{as_seen, touched_beside};
use super::place::below;
use super::read::Read;
use super::stage::StageView;
use crate::dockerfile::ast::Instruction;
use crate::ecosystem::{self, Call, Reads};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// What a RUN reads.
pub(in crate::restructure) struct Reading {
    /// The directory of the image that `reads` is relative to, absolute.
    root: String,
    reads: Reads,
    /// What its other commands read or write, absolute, each with all below.
    pub(in crate::restructure) places: BTreeSet<String>,
    /// The command that builds, for a sentence; `None` where none does.
    pub(in crate::restructure) build: Option<String>,
    /// The files of the context by whose words it was found what is read; empty where it was shown.
    pub(in crate::restructure) named_by: BTreeSet<RepoPath>,
}

impl Reading {
    /// Whether the file at absolute `path` is read, or written.
    pub(in crate::restructure) fn holds(&self, path: &str) -> bool {
        self.places.iter().any(|place| is_within(path, place))
            || below(path, &self.root).is_some_and(|path| self.reads.holds(&path))
    }
}

impl StageView<'_> {
    /// What RUN `run` reads; an error says which command may read anything. `git` tells whether the checkout's `.git` is
    /// in the image.
    pub(in crate::restructure) fn reading(&self, run: usize, git: bool) -> Result<Reading, String> {
        self.reading_with(run, &|call| ecosystem::reads(call, git))
    }

    /// As [`Self::reading`], where what a front-end's build reads is taken to be what its scripts, settings and imports
    /// name.
    pub(in crate::restructure) fn reading_by_names(
        &self,
        run: usize,
        git: bool,
    ) -> Result<Reading, String> {
        self.reading_with(run, &|call| {
            let shown = ecosystem::reads(call, git);
            match shown {
                Some(Ok(_)) => shown,
                _ => ecosystem::reads_by_names(call, git).or(shown),
            }
        })
    }

    fn reading_with(
        &self,
        run: usize,
        reads_of: &dyn Fn(&Call<'_>) -> Option<Result<Reads, String>>,
    ) -> Result<Reading, String> {
        let instruction = &self.stage.instructions[run];
        let line = instruction.lines.first;
        let mut read = Read::new(self, run, instruction)
            .ok_or_else(|| format!("line {line} cannot be looked into"))?;
        for name in self.passed_otherwise(instruction) {
            read.env.remove(&name);
        }
        let ask = |seen: &Seen| {
            let answer = read.with_call(seen, reads_of);
            answer.flatten()
        };
        let inner = read.script.commands.iter().flat_map(|c| &c.substitutions);
        let all = read.seen.iter().cloned().chain(inner.map(as_seen));
        let (mut reads, mut build) = (Reads::default(), None);
        let mut answered = Vec::new();
        for seen in all {
            let Some(answer) = ask(&seen) else { continue };
            answered.push(seen.clone());
            let found = answer.map_err(|why| format!("line {line}: {why}"))?;
            if !found.packages.is_empty() || found.names_sources() {
                build.get_or_insert(super::read::short(&seen.words));
            }
            reads.merge(found);
        }
        let is_lacking = |p: &&RepoPath| !self.is_taken(run, &read.root, p);
        let mut lacking: Option<&RepoPath> = reads.absent.iter().find(is_lacking);
        let made = reads.made.iter().filter(|(p, _)| is_lacking(p));
        for (path, front_end) in made {
            match front_end {
                // What fills it changes with its sources.
                Some(dir) => _ = reads.trees.insert(dir.clone()),
                None => lacking = Some(path),
            }
        }
        if let Some(path) = lacking {
            return Err(format!(
                "line {line}: {path}, which is embedded, is not in git"
            ));
        }
        let place = &self.places[run];
        let known = |seen: &Seen| answered.contains(seen);
        let touched = touched_beside(&read.script, place.cwd.as_deref(), &place.variables, &known);
        let touched = touched.ok_or_else(|| format!("line {line} may read any file"))?;
        let origin = |path| read.origins.get(path).cloned();
        let named_by = reads.named_by.iter().filter_map(origin).collect();
        Ok(Reading {
            named_by,
            root: read.root.clone(),
            reads,
            places: touched.places,
            build,
        })
    }

    /// The arguments that a RUN names and that the repository's own files pass: the default is one value of several.
    fn passed_otherwise(&self, instruction: &Instruction) -> Vec<String> {
        let view = self.view;
        let declared = view.dockerfile.instructions();
        let declared = declared.flat_map(Instruction::arguments);
        let declared: BTreeSet<&str> = declared.map(|a| a.name.as_str()).collect();
        let mut named: Vec<String> = mentioned(&instruction.original).into_iter().collect();
        named.retain(|n| declared.contains(n.as_str()) && passed(view, n).is_some());
        named
    }

    /// Whether what stands at `path` below `root` can have been taken from another stage, or from elsewhere, before RUN
    /// `run`.
    fn is_taken(&self, run: usize, root: &str, path: &RepoPath) -> bool {
        let at = absolute(Some(root), &path.to_string());
        let meets = |to: &String| at.as_ref().is_some_and(|at| overlap(at, to));
        self.copies(run)
            .any(|(to, files)| files.is_none() && to.as_ref().is_some_and(meets))
    }
}
