//! Which of the builds in the branches of an `if` is run: `if [ -n "$DEBUG" ]; then cargo build; else cargo build --release;
//! fi`.
//!
//! An argument without a value, which nobody is known to pass, is empty: that the base image sets it is rare.

use super::super::layout::{globals, mentioned};
use super::super::passed::may_be_passed;
use super::super::rules::is_given_by_the_builder;
use super::read::Read;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::{Command, Seen, decided};
use std::collections::{BTreeMap, BTreeSet};

impl Read<'_> {
    /// By which arguments being empty `seen` is run, where it is one of several of its program that stand in branches; none
    /// where it is the only one, or others decide. `None` where another is run, and where that is open: what is built ahead
    /// for one is of no use to the other.
    pub(super) fn taken_by(&self, seen: &Seen) -> Option<BTreeSet<String>> {
        let Some((id, own)) = seen.branch else {
            return Some(BTreeSet::new());
        };
        let is_other = |other: &&Seen| {
            other.branch.is_some_and(|(i, n)| i == id && n != own)
                && other.name() == seen.name()
                && other.words != seen.words
        };
        let others: Vec<&Seen> = self.seen.iter().filter(is_other).collect();
        if others.is_empty() {
            return Some(BTreeSet::new());
        }
        let is_run = |known: &BTreeMap<String, String>| {
            let script = decided(self.text, known);
            let words = |command: &Command| -> Vec<String> {
                command.words.iter().map(|w| w.text.clone()).collect()
            };
            let runs = |seen: &Seen| {
                let written = self.script.commands.get(seen.command).map(words);
                script.commands.iter().any(|c| Some(words(c)) == written)
            };
            runs(seen) && !others.iter().any(|other| runs(other))
        };
        let mut known = self.env.clone();
        let variables = &self.of.places[self.run].variables;
        // An argument above the first FROM has no value in a stage that does not say its name.
        for (name, _) in globals(self.of.view.dockerfile) {
            if !variables.contains_key(&name) {
                known.insert(name, String::new());
            }
        }
        // What the Dockerfile says of these is one value of several.
        let named = self.named_arguments();
        let passed = self.may_be_passed(named.clone());
        known.retain(|name, _| !passed.contains(name));
        if is_run(&known) {
            return Some(BTreeSet::new());
        }
        let empty = self.empty_ones(&named - &passed);
        known.extend(empty.iter().map(|name| (name.clone(), String::new())));
        is_run(&known).then_some(empty)
    }

    /// That these are taken to be empty, in a sentence; nothing where there are none.
    pub(super) fn said_empty(&self, names: &BTreeSet<String>) -> Option<String> {
        let line = self.of.stage.instructions[self.run].lines.first;
        let list: Vec<&str> = names.iter().map(String::as_str).collect();
        let are = if list.len() > 1 { "are" } else { "is" };
        let list = list.join(" and ");
        (!list.is_empty()).then(|| format!(
            "{list} {are} empty in line {line}, which no file that builds images names; where a build does, another branch may be run, and builds as before"
        ))
    }

    /// Those of the arguments `names`, which no build is seen to pass, to which nothing gives a value.
    fn empty_ones(&self, mut names: BTreeSet<String>) -> BTreeSet<String> {
        let variables = &self.of.places[self.run].variables;
        let all = self.of.view.dockerfile.instructions();
        let envs = all.filter(|i| matches!(i.kind, Kind::Env(_)));
        let envs: BTreeSet<&str> = envs.flat_map(Instruction::sets).collect();
        names.retain(|name| {
            variables.get(name) == Some(&None)
                && !envs.contains(name.as_str())
                && !is_given_by_the_builder(name)
        });
        names
    }

    /// The arguments of the Dockerfile that the RUN names.
    fn named_arguments(&self) -> BTreeSet<String> {
        let declared = self.of.view.dockerfile.instructions();
        let declared = declared.flat_map(Instruction::arguments);
        let declared: BTreeSet<&str> = declared.map(|a| a.name.as_str()).collect();
        let mut names = mentioned(self.text);
        names.retain(|name| declared.contains(name.as_str()));
        names
    }

    /// Those of the arguments `names` that builds are seen to pass, or may be.
    fn may_be_passed(&self, names: BTreeSet<String>) -> BTreeSet<String> {
        let view = self.of.view;
        let is_passed = |name: &String| view.build_args.iter().any(|(n, _)| n == name);
        let (mut passed, open): (BTreeSet<_>, _) = names.into_iter().partition(is_passed);
        passed.extend(may_be_passed(view, open));
        passed
    }
}
