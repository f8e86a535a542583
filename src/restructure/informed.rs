//! A replay that is told what the filters among its steps leave, as the manifests of the history come by.
//!
//! Reports see through this one door, so that a proposal that is applied is worth what it was said to be. The trace does
//! not: it is held against real builders step by step, and claims nothing of what commands write.

use super::file_work;
use super::filter::{Filter, commands};
use super::recipe::add_recipe;
use crate::caveat::Caveat;
use crate::context::ContentId;
use crate::history::BuildInput;
use crate::replay::{BuildOutcome, Filters, Made, Replay, RunOutputs, Settings, Table};
use crate::tree::{FileKind, ObjectId, RepoPath};
use std::collections::BTreeMap;

/// Gives a blob's bytes; `None` where it is not at hand (a partial clone).
pub type Blob<'q> = dyn Fn(&ObjectId) -> Option<Vec<u8>> + 'q;

/// A [`Replay`] that knows what filters leave.
pub struct Informed<'q> {
    replay: Replay,
    /// `None` where the settings say what all RUNs leave.
    lesson: Option<Lesson>,
    pin: Option<String>,
    blob: &'q Blob<'q>,
}

impl<'q> Informed<'q> {
    /// A builder with an empty cache.
    pub fn new(settings: Settings, blob: &'q Blob<'q>) -> Self {
        let is_open = settings.run_outputs == RunOutputs::Changing;
        let pin = settings.pin.clone();
        let mut replay = Replay::new(settings);
        if is_open {
            replay.filters_mut().follow(file_work::read);
        }
        Self {
            lesson: is_open.then(Lesson::default),
            pin,
            replay,
            blob,
        }
    }

    /// Builds the next one; see [`Replay::build`].
    pub fn build(&mut self, input: &BuildInput) -> BuildOutcome {
        self.build_planned(input, None)
    }

    /// The same with the plan that was made ahead.
    pub fn build_planned(&mut self, input: &BuildInput, made: Option<Made>) -> BuildOutcome {
        if let Some(lesson) = &mut self.lesson {
            let text = match (&self.pin, input.watched.first()) {
                (Some(text), _) => text.as_bytes(),
                // The Dockerfile is the first of the watched files.
                (None, Some(Ok(Some(text)))) => text,
                _ => b"",
            };
            lesson.take(text, input, self.blob, self.replay.filters_mut());
        }
        self.replay.build_planned(input, made)
    }

    /// What was assumed so far, in order of first appearance.
    pub fn caveats(&self) -> &[Caveat] {
        self.replay.caveats()
    }
}

/// What is learned from builds one after the other. Nothing is read before a text has such a step.
#[derive(Default)]
pub(super) struct Lesson {
    text: Vec<u8>,
    commands: BTreeMap<String, Vec<Filter>>,
    /// The manifests of the tree as it is.
    files: BTreeMap<RepoPath, ObjectId>,
}

impl Lesson {
    /// Adds to `filters` what `text`'s steps leave of the manifests of this build's tree.
    pub(super) fn take(
        &mut self,
        text: &[u8],
        input: &BuildInput,
        blob: &Blob<'_>,
        filters: &mut Filters,
    ) {
        let changed = self.update(input);
        for (command, of_command) in &self.commands {
            for (filter, id) in &changed {
                learn(command, of_command, *filter, id, blob, filters);
            }
        }
        if self.text == text {
            return;
        }
        self.text = text.to_vec();
        for (command, of_command) in commands(&String::from_utf8_lossy(text)) {
            if self.commands.contains_key(command) {
                continue;
            }
            add_recipe(filters, command);
            for (path, id) in &self.files {
                if let Some(filter) = path.file_name().and_then(Filter::named) {
                    learn(command, &of_command, filter, id, blob, filters);
                }
            }
            self.commands.insert(command.to_owned(), of_command);
        }
    }

    /// Brings the manifests up to date; returns those that are new or changed.
    fn update(&mut self, input: &BuildInput) -> Vec<(Filter, ObjectId)> {
        let mut changed = Vec::new();
        for change in &input.changes {
            let Some(filter) = change.path.file_name().and_then(Filter::named) else {
                continue;
            };
            let file = change
                .new
                .filter(|new| matches!(new.kind, FileKind::Regular | FileKind::Executable));
            match file {
                Some(file) => {
                    self.files.insert(change.path.clone(), file.id);
                    changed.push((filter, file.id));
                }
                None => {
                    self.files.remove(&change.path);
                }
            }
        }
        changed
    }
}

/// Adds what `command` leaves of one manifest, if it is for such files and the bytes are at hand.
fn learn(
    command: &str,
    of_command: &[Filter],
    filter: Filter,
    id: &ObjectId,
    blob: &Blob<'_>,
    filters: &mut Filters,
) {
    if !of_command.contains(&filter) {
        return;
    }
    if let Some(bytes) = blob(id) {
        let left = ContentId::of_bytes(&filter.apply(&bytes));
        let table = Table::from([(ContentId::of_object(id), left)]);
        filters.add(command, filter.name, table);
    }
}
