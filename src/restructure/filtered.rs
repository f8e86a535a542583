//! What filters leave of the files of a history.

use super::file_work;
use super::filter::{Filter, commands};
use super::informed::Lesson;
use super::recipe::add_recipe;
use crate::context::ContentId;
use crate::history::BuildInput;
use crate::replay::{Filters, Table};
use crate::tree::{ObjectId, RepoPath};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What filters make of the files of a history.
pub struct Filtered<'q> {
    inputs: &'q [BuildInput],
    blob: &'q dyn Fn(&ObjectId) -> Option<Vec<u8>>,
    known: RefCell<BTreeMap<(RepoPath, Filter), Option<Series>>>,
    /// What the steps of the text as it is leave.
    now: Filters,
}

/// For each build what a filter leaves of a file; `None` where the file is absent.
pub type PerBuild = Vec<Option<ContentId>>;

/// One file over the builds.
#[derive(Clone, Debug, Default)]
struct Series {
    table: Table,
    /// For each build what the filter leaves of it; `None` where the file is absent.
    builds: PerBuild,
}

impl<'q> Filtered<'q> {
    /// `blob` gives a blob's bytes; `None` where it is not at hand (a partial clone).
    pub fn new(inputs: &'q [BuildInput], blob: &'q dyn Fn(&ObjectId) -> Option<Vec<u8>>) -> Self {
        let mut now = Filters::default();
        now.follow(file_work::read);
        Self {
            inputs,
            blob,
            known: RefCell::new(BTreeMap::new()),
            now,
        }
    }

    /// The same, which knows what filters leave that are in this text already.
    #[must_use]
    pub fn beginning_with(mut self, text: &str) -> Self {
        let mut lesson = Lesson::default();
        for input in self.inputs {
            lesson.take(text.as_bytes(), input, self.blob, &mut self.now);
        }
        self
    }

    /// For each build what `filter` leaves of the file at `path` (relative to the context); `None` where a blob of it is
    /// not at hand.
    pub fn builds(&self, path: &RepoPath, filter: &Filter) -> Option<PerBuild> {
        let mut known = self.known.borrow_mut();
        let series = known
            .entry((path.clone(), *filter))
            .or_insert_with(|| self.read(path, filter));
        series.as_ref().map(|s| s.builds.clone())
    }

    fn read(&self, path: &RepoPath, filter: &Filter) -> Option<Series> {
        let mut series = Series::default();
        let mut now = None;
        for input in self.inputs {
            if let Some(change) = input.changes.iter().rev().find(|c| c.path == *path) {
                now = match change.new {
                    None => None,
                    Some(stamp) => {
                        let content = ContentId::of_object(&stamp.id);
                        let left = match series.table.entry(content) {
                            Entry::Occupied(known) => *known.get(),
                            Entry::Vacant(new) => {
                                let bytes = (self.blob)(&stamp.id)?;
                                *new.insert(ContentId::of_bytes(&filter.apply(&bytes)))
                            }
                        };
                        Some(left)
                    }
                };
            }
            series.builds.push(now);
        }
        Some(series)
    }

    /// What the RUNs of a Dockerfile's `text` that are filters leave, for all files that were asked about.
    pub fn filters(&self, text: &str) -> Filters {
        let mut filters = self.now.clone();
        for (command, of_command) in commands(text) {
            add_recipe(&mut filters, command);
            for filter in of_command {
                for ((_, of), series) in self.known.borrow().iter() {
                    if *of == filter
                        && let Some(series) = series
                    {
                        filters.add(command, filter.name, series.table.clone());
                    }
                }
            }
        }
        filters
    }
}
