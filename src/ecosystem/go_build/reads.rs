//! What a build reads: packages' directories, whole trees, single files.

use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// What a build reads of the files that it was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Directories of packages: their source files are read, not what lies in directories below.
    pub packages: BTreeSet<RepoPath>,
    /// Directories that are read with all below.
    pub trees: BTreeSet<RepoPath>,
    /// Single files.
    pub files: BTreeSet<RepoPath>,
    /// What `//go:embed` names and the tree does not have: something else has to bring it.
    pub absent: BTreeSet<RepoPath>,
    /// Directories that `//go:embed` takes and of which the tree has placeholders alone, each with that of the front-end
    /// that seems to fill it.
    pub made: BTreeMap<RepoPath, Option<RepoPath>>,
    /// The files by whose words the rest was found, where not everything that is read can be shown.
    pub named_by: BTreeSet<RepoPath>,
}

/// Endings of the files that go takes as parts of a package. Source: go/build, `Context.matchFile`.
const SOURCES: &[&str] = &[
    ".S", ".c", ".cc", ".cpp", ".cxx", ".f", ".F", ".f90", ".for", ".go", ".h", ".hh", ".hpp",
    ".hxx", ".m", ".s", ".swig", ".swigcxx", ".sx", ".syso",
];

/// Whether go takes a file of this name as a part of a package that is built, not tested.
pub(super) fn is_source(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    SOURCES.iter().any(|e| name.ends_with(e.as_bytes())) && !name.ends_with(b"_test.go")
}

impl Reads {
    /// Whether the file at `path` is read.
    pub fn holds(&self, path: &RepoPath) -> bool {
        self.files.contains(path)
            || (is_source(path) && path.parent().is_some_and(|d| self.packages.contains(&d)))
            || self.is_in_tree(path)
    }

    fn is_in_tree(&self, path: &RepoPath) -> bool {
        std::iter::successors(Some(path.clone()), RepoPath::parent)
            .any(|above| self.trees.contains(&above))
    }

    /// Whether directories were found by what files name.
    pub fn names_sources(&self) -> bool {
        !self.named_by.is_empty() && !self.trees.is_empty()
    }

    /// Adds all that `other` holds.
    pub fn merge(&mut self, other: Self) {
        self.packages.extend(other.packages);
        self.trees.extend(other.trees);
        self.files.extend(other.files);
        self.absent.extend(other.absent);
        self.made.extend(other.made);
        self.named_by.extend(other.named_by);
    }
}
