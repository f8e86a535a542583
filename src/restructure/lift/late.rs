//! Arguments that are new at each build and stand above the source: what is put there would run each time with them, so
//! they go below it.
//!
//! Before:
//! ```dockerfile
//! ARG GIT_COMMIT
//! COPY . .
//! RUN go build -ldflags "-X main.commit=$GIT_COMMIT" ./cmd/app
//! ```
//! After:
//! ```dockerfile
//! COPY go.mod go.sum ./
//! RUN go mod download
//! ARG GIT_COMMIT
//! COPY . .
//! RUN go build -ldflags "-X main.commit=$GIT_COMMIT" ./cmd/app
//! ```
//! Where a RUN stands between the argument and the source, `sink-values` brings it down by itself.

use super::super::environment::{Reading, reading_of_programs};
use super::super::layout::mentioned;
use super::super::mentions::says;
use super::super::moving::block_of;
use super::super::rules::argument_changes;
use super::Lift;
use crate::dockerfile::ast::{Instruction, Kind};
use std::collections::BTreeSet;

impl Lift<'_, '_> {
    /// The ARGs above the source that go below what is lifted: all that they set changes from build to build, and neither
    /// what stands between nor what is lifted names any of it.
    pub(super) fn late_arguments(&self) -> BTreeSet<usize> {
        let steps = &self.of.stage.instructions;
        let above = (0..self.first).rev();
        let above = above.take_while(|&i| !matches!(steps[i].kind, Kind::Run(_)));
        let found: BTreeSet<usize> = above.filter(|&i| self.is_new(&steps[i])).collect();
        if found.is_empty() {
            return found;
        }
        let Some(lifted) = self.texts_above() else {
            return BTreeSet::new();
        };
        let is_free = |&i: &usize| {
            let own = names(&steps[i]);
            let between = steps[i + 1..=self.first].iter();
            let between = between.flat_map(|s| mentioned(&s.original));
            own.is_disjoint(&between.collect())
                && own.iter().all(|name| self.is_unread(name, &lifted))
        };
        found.into_iter().filter(is_free).collect()
    }

    /// The variables that they set.
    pub(in crate::restructure) fn late_names(&self) -> BTreeSet<String> {
        let steps = &self.of.stage.instructions;
        self.late.iter().flat_map(|&i| names(&steps[i])).collect()
    }

    /// Whether instruction `index` is one of them.
    pub(in crate::restructure) fn is_late(&self, index: usize) -> bool {
        self.late.contains(&index)
    }

    /// A sentence about them, with the blank before it.
    pub(in crate::restructure) fn told_late(&self) -> String {
        let steps = &self.of.stage.instructions;
        let names: Vec<String> = self.late_names().into_iter().collect();
        let lines = self.late.iter().map(|&i| steps[i].lines.first.to_string());
        let lines: Vec<String> = lines.collect();
        let (many, goes) = match names.len() {
            0 => return String::new(),
            1 => ("differs", "goes"),
            _ => ("differ", "go"),
        };
        let which = if lines.len() == 1 { "line" } else { "lines" };
        format!(
            " {} ({which} {}) {many} from build to build and {goes} below it.",
            names.join(", "),
            lines.join(", ")
        )
    }

    /// Whether an ARG sets nothing but what changes from build to build, by itself.
    fn is_new(&self, step: &Instruction) -> bool {
        let Kind::Arg(items) = &step.kind else {
            return false;
        };
        items.iter().all(|item| {
            let is_plain = item.default.as_ref().is_none_or(|d| !d.contains('$'));
            is_plain && argument_changes(self.of.view, item)
        })
    }

    /// The texts of what stands above the source then.
    fn texts_above(&self) -> Option<Vec<String>> {
        let stage = self.of.stage;
        let run = &stage.instructions[self.install.run];
        let block = block_of(self.of.view.text(), stage, self.install.run);
        let along = self.along.iter();
        let mut texts: Vec<String> = along
            .map(|&i| stage.instructions[i].with_bodies())
            .collect();
        texts.push(self.lifted(run, block, &[])?);
        // What is copied first has the flags of what brings it now.
        texts.extend(
            self.missing
                .iter()
                .map(|(_, _, by)| stage.instructions[*by].original.clone()),
        );
        Some(texts)
    }

    /// Whether nothing of what is lifted names a variable: not its words, not the manifests that it resolves, and no program
    /// goes by what is called so. What Cargo builds above the source has stand-ins for the project's own build scripts.
    fn is_unread(&self, name: &str, lifted: &[String]) -> bool {
        let image = self.of.image_at(self.install.run);
        let brought = self.install.reads.iter().filter_map(|to| image.get(to));
        let mut files = brought.map(|b| (self.of.view.read)(&b.from));
        let names = BTreeSet::from([name.to_owned()]);
        let stage = self.of.stage.index;
        let is_passed_by = |text: &String| {
            let Some(commands) = commands(text) else {
                return true;
            };
            match reading_of_programs(self.of.view, stage, &names, commands) {
                Reading::None => true,
                Reading::InDoubt(_) => self.install.ecosystems == ["cargo"],
                Reading::Some => false,
            }
        };
        let is_named = |text: &String| says(text.as_bytes(), name);
        lifted
            .iter()
            .all(|text| !is_named(text) && is_passed_by(text))
            && files.all(|text| text.is_some_and(|text| !says(&text, name)))
    }
}

/// What a RUN hands the shell; `None` for another instruction.
fn commands(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while rest.starts_with('#') {
        rest = rest.split_once('\n')?.1.trim_start();
    }
    let (word, after) = rest.split_once(char::is_whitespace)?;
    if !word.eq_ignore_ascii_case("run") {
        return None;
    }
    rest = after.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once(char::is_whitespace)?.1.trim_start();
    }
    Some(rest)
}

/// What an ARG sets.
fn names(step: &Instruction) -> BTreeSet<String> {
    let items = step.arguments().iter();
    items.map(|item| item.name.clone()).collect()
}
