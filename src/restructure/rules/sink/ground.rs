//! A stage, and what a value on its way down meets there.

use super::doubts::Doubts;
use super::groups::{BUMPED, Group};
use super::place::Sunk;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::restructure::command::seen;
use crate::restructure::effect::{Effect, Files};
use crate::restructure::environment::{Doubt, Reading, reading, reading_of_part};
use crate::restructure::layout::Place;
use crate::restructure::named::{named, says_one};
use crate::restructure::notes::is_note;
use crate::restructure::rules::kept_newest::{
    doubt, installs_newest, installs_newest_of, is_only_written,
};
use crate::restructure::system_places::is_read_by_name;
use crate::restructure::view::View;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// A stage, and what is known of its instructions before one is moved.
pub(super) struct Ground<'a> {
    pub(super) view: &'a View<'a>,
    /// Of all stages.
    pub(super) places: &'a [Vec<Place>],
    pub(super) stage: &'a Stage,
    /// What each instruction reads and writes.
    pub(super) effects: &'a [Effect],
}

impl Ground<'_> {
    /// The line of the first instruction that goes down.
    pub(super) fn first_line(&self, sunk: &Sunk) -> usize {
        let first = sunk.moved.first().map(|&i| &self.stage.instructions[i]);
        first.map_or(0, |i| i.lines.first)
    }

    /// Whether the RUN at `index` only makes or changes files that its words name, in no time (`echo $VERSION > /version`):
    /// one that fetches would do so again with each file copied above it.
    pub(super) fn goes_along(&self, index: usize) -> bool {
        // What fetches anew is worth more than the value's place.
        let seen = seen(&self.stage.instructions[index]).unwrap_or_default();
        let fetches = |s: &Seen| matches!(s.name(), "curl" | "git" | "tar" | "unzip" | "wget");
        if seen.iter().any(fetches) {
            return false;
        }
        match &self.effects[index].files {
            Files::Commands(touched) => {
                self.effects[index].groups.is_some()
                    && !touched.system
                    && !touched.global
                    && !touched.needs_system
            }
            _ => false,
        }
    }

    /// Whether the RUN at `index` reads one of `names`, or likely does; what is not shown goes to `doubts`.
    pub(super) fn is_read(
        &self,
        index: usize,
        names: &BTreeSet<String>,
        doubts: &mut Doubts,
    ) -> bool {
        let read = reading(self.view, self.places, (self.stage.index, index), names);
        self.takes_for_read(index, read, names, doubts)
    }

    /// As [`Self::is_read`], of a part of that RUN alone.
    pub(super) fn is_read_by_part(
        &self,
        index: usize,
        part: &Instruction,
        names: &BTreeSet<String>,
        doubts: &mut Doubts,
    ) -> bool {
        let at = (self.stage.index, index);
        let read = reading_of_part(self.view, self.places, at, names, part);
        self.takes_for_read(index, read, names, doubts)
    }

    /// What is to be checked where values that `group` holds are no longer above `run`, at `index`, which installs what is
    /// newest; `instead` is what is left of a RUN that is cut. Values that are new at each build say nothing of packages, as
    /// the source does not, unless they are called like one.
    pub(super) fn kept_newest(
        &self,
        (group, first): (&Group, usize),
        names: &BTreeSet<String>,
        (index, run): (usize, &Instruction),
        instead: Option<&Instruction>,
    ) -> Option<(usize, String)> {
        let is_kept = match group.how {
            BUMPED => installs_newest(run),
            _ => installs_newest_of(run, names),
        };
        let at = (self.stage.index, first);
        let instead = instead.map(|left| (index, left));
        let line = |i: usize| self.stage.instructions[i].lines.first;
        (is_kept
            && group.busts.is_none()
            && !names.is_empty()
            && is_only_written(self.view, self.places, at, names, instead))
        .then(|| (line(index), doubt(line(index), line(first))))
    }

    fn takes_for_read(
        &self,
        index: usize,
        read: Reading,
        names: &BTreeSet<String>,
        doubts: &mut Doubts,
    ) -> bool {
        let line = self.stage.instructions[index].lines.first;
        let doubt = match read {
            Reading::None => return false,
            Reading::Some => return true,
            Reading::InDoubt(doubt) => doubt,
        };
        let other = match doubt {
            Doubt::Command(command) => {
                doubts.unknown.push((line, command));
                return false;
            }
            Doubt::File(path, word) => format!(
                "{path} mentions {word}; check that the RUN in line {line} does not read it"
            ),
            Doubt::Unseen if doubts.files.len() + doubts.others.len() > 2 => return true,
            Doubt::Unseen => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let names = names.join(" or ");
                doubts
                    .files
                    .push((line, format!("{names}, since not every file could be read")));
                return false;
            }
        };
        if doubts.others.len() > 2 {
            return true;
        }
        if !doubts.others.contains(&other) {
            doubts.others.push(other);
        }
        false
    }

    /// Whether the RUN at `index`, of which it is not known what it reads, names nothing that the RUNs `above` touch.
    pub(super) fn leaves_alone(
        &self,
        index: usize,
        above: &BTreeSet<usize>,
        doubts: &mut Doubts,
    ) -> bool {
        let instruction = &self.stage.instructions[index];
        let is_unknown =
            matches!(instruction.kind, Kind::Run(_)) && self.effects[index].groups.is_none();
        let touched = above.iter().filter_map(|&m| match &self.effects[m].files {
            Files::Commands(touched) => Some(&touched.places),
            _ => None,
        });
        let paths: BTreeSet<&str> = touched.flatten().map(String::as_str).collect();
        let at = (self.stage.index, index);
        let (notes, others): (BTreeSet<&str>, BTreeSet<&str>) =
            paths.iter().partition(|path| is_note(path));
        let names_none = || {
            others.is_empty()
                || named(self.view, self.places, at, &others, &BTreeSet::new())
                    .is_some_and(|named| named.is_empty())
        };
        if !is_unknown
            || !others.iter().all(|p| is_read_by_name(p))
            || (!notes.is_empty() && says_one(self.view, self.places, at, &notes))
            || !names_none()
        {
            return false;
        }
        let list: Vec<&str> = paths.into_iter().collect();
        doubts
            .files
            .push((instruction.lines.first, list.join(" or ")));
        true
    }
}
