//! RUNs that do nothing but give directories, not what is in them, to somebody.

use super::super::command::seen;
use super::super::effect::destination;
use super::super::layout::{absolute, expand, is_within, overlap};
use super::super::touched::is_among;
use super::stage::StageView;
use crate::dockerfile::ast::Kind;
use crate::shell::Seen;

impl StageView<'_> {
    /// Whether RUN `run` gives directories away and nothing else, all of which are there before instruction `first` with
    /// `cwd` as its directory, and none of which a COPY from there on brings itself: that one alone would make them another's
    /// again.
    pub(in crate::restructure) fn gives_directories(
        &self,
        run: usize,
        first: usize,
        cwd: &str,
    ) -> bool {
        let instruction = &self.stage.instructions[run];
        let place = &self.places[run];
        let given = |seen: &Seen| {
            let is_known = matches!(seen.name(), "chgrp" | "chmod" | "chown");
            let (_, named) = seen.args().split_first()?;
            let is_plain = is_known && !seen.args().iter().any(|a| a.starts_with('-'));
            let here = absolute(Some(self.cwd(run)), seen.directory.as_deref()?)?;
            let one = |word: &String| {
                let word = expand(word, &place.variables)?;
                let is_odd = word.contains(['*', '?', '[', '$', '`', '~']);
                let is_found = word.starts_with('/') || self.cwd(run) == cwd;
                absolute(Some(&here), &word).filter(|_| is_found && !is_odd)
            };
            let named: Vec<String> = named.iter().map(one).collect::<Option<_>>()?;
            (is_plain && !named.is_empty()).then_some(named)
        };
        let all = seen(instruction).unwrap_or_default();
        let given: Option<Vec<Vec<String>>> = all.iter().map(given).collect();
        let given = given.map(|all| all.concat()).unwrap_or_default();
        let is_there = |dir: &String| {
            is_among(&self.places[first].there, dir) || (is_within(cwd, dir) && dir != "/")
        };
        let is_copied = |dir: &String| (first..run).any(|copy| self.may_give(copy, dir));
        instruction.flags.is_empty()
            && !given.is_empty()
            && given.iter().all(|dir| is_there(dir) && !is_copied(dir))
    }

    /// Whether COPY `index` may set the owner and the mode of directory `dir`: it brings that with its own, or what it brings
    /// is not known.
    fn may_give(&self, index: usize, dir: &str) -> bool {
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &self.stage.instructions[index].kind
        else {
            return false;
        };
        let Some(to) = destination(transfer, &self.places[index]) else {
            return true;
        };
        let is_inside = |file: &String| to != dir && is_within(file, dir);
        match &self.brings[index] {
            _ if !overlap(&to, dir) || (to != dir && is_within(&to, dir)) => false,
            Some(files) => files.keys().any(is_inside),
            None => true,
        }
    }
}
