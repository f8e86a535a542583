//! The inputs of one operation.

use crate::builder::key::digest;
use crate::builder::vertex::{VertexInput, VertexSource};
use crate::context::Reading;
use crate::context::Selector;

/// Inputs in the order in which the operation names them, equal ones once.
pub(super) struct Inputs {
    pub(super) list: Vec<VertexInput>,
    /// What is read of each.
    pub(super) reads: Vec<Option<Vec<Selector>>>,
    pub(super) based: bool,
}

impl Inputs {
    pub(super) fn new(base: Option<usize>) -> Self {
        Self {
            list: base.into_iter().map(VertexInput::base).collect(),
            reads: base.map(|_| None).into_iter().collect(),
            based: base.is_some(),
        }
    }

    pub(super) fn slot(&mut self, source: VertexSource) -> usize {
        if let Some(slot) = self.list.iter().position(|i| i.source == source) {
            return slot;
        }
        self.list.push(VertexInput {
            source,
            read: None,
            paths: digest(""),
            reading: Reading::Content,
        });
        self.reads.push(Some(Vec::new()));
        self.list.len() - 1
    }

    /// A COPY source. One that is the base as well is matched by key alone (`invalidSelectors` of ops/file.go).
    pub(super) fn read(&mut self, source: VertexSource, selector: Selector) -> usize {
        let slot = self.slot(source);
        if let Some(read) = &mut self.reads[slot] {
            read.push(selector);
        }
        slot
    }

    /// A mount. One of the base itself makes the base matched by content, as a whole (`getMountDeps` of
    /// ops/exec.go: the last mount of an input decides, and the root's path swallows the others).
    pub(super) fn mount(&mut self, source: VertexSource, path: &str) -> usize {
        let slot = self.slot(source);
        let based = self.based && slot == 0;
        let read = self.reads[slot].get_or_insert_default();
        read.push(if based { plain("") } else { plain(path) });
        slot
    }

    pub(super) fn finish(mut self) -> Vec<VertexInput> {
        for (input, read) in self.list.iter_mut().zip(self.reads) {
            let Some(read) = read else { continue };
            let mut paths: Vec<&str> = read.iter().map(|s| s.path.as_str()).collect();
            paths.sort_unstable();
            input.paths = digest(&paths.join("\n"));
            input.read = Some(read.into());
        }
        self.list
    }
}

pub(super) fn plain(path: &str) -> Selector {
    Selector {
        path: path.to_owned(),
        ..Selector::default()
    }
}
