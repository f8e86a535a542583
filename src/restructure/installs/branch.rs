//! Which of the builds in the branches of an `if` is run: `if [ -n "$DEBUG" ]; then cargo build; else cargo build --release;
//! fi`.

use super::super::layout::globals;
use super::read::Read;
use crate::shell::{Command, Seen, decided};

impl Read<'_> {
    /// Whether `seen` is not one of several of its program that stand in branches, or the one that is run. Not where that is
    /// open: what is built ahead for one is of no use to the other.
    pub(super) fn is_taken(&self, seen: &Seen) -> bool {
        let Some((id, own)) = seen.branch else {
            return true;
        };
        let is_other = |other: &&Seen| {
            other.branch.is_some_and(|(i, n)| i == id && n != own)
                && other.name() == seen.name()
                && other.words != seen.words
        };
        let others: Vec<&Seen> = self.seen.iter().filter(is_other).collect();
        if others.is_empty() {
            return true;
        }
        let mut known = self.env.clone();
        let variables = &self.of.places[self.run].variables;
        // An argument above the first FROM has no value in a stage that does not say its name.
        for (name, _) in globals(self.of.view.dockerfile) {
            if !variables.contains_key(&name) {
                known.insert(name, String::new());
            }
        }
        let script = decided(self.text, &known);
        let words = |command: &Command| -> Vec<String> {
            command.words.iter().map(|w| w.text.clone()).collect()
        };
        let runs = |seen: &Seen| {
            let written = self.script.commands.get(seen.command).map(words);
            script.commands.iter().any(|c| Some(words(c)) == written)
        };
        runs(seen) && !others.into_iter().any(runs)
    }
}
