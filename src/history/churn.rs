//! How often what changes: the ground on which reports and proposals stand.

use crate::tree::Change;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// How often each path changed, over the builds added so far. The first build's files do not count as changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Churn {
    n_builds: usize,
    files: BTreeMap<RepoPath, usize>,
    directories: BTreeMap<RepoPath, usize>,
    classes: BTreeMap<CommitClass, usize>,
}

/// What a build's changes are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitClass {
    /// Nothing in the context changed.
    Nothing,
    /// Documentation alone.
    Docs,
    /// Tests alone.
    Tests,
    /// Manifests and lock files alone.
    Dependencies,
    /// Dockerfiles and ignore files alone.
    Dockerfile,
    /// Anything else alone.
    Source,
    /// Several of these.
    Mixed,
}

/// Names of manifests and lock files, sorted; by the ecosystems' own documentation.
const DEPENDENCY_FILES: [&str; 38] = [
    "Cargo.lock",
    "Cargo.toml",
    "Gemfile",
    "Gemfile.lock",
    "Package.resolved",
    "Package.swift",
    "Pipfile",
    "Pipfile.lock",
    "build.gradle",
    "build.gradle.kts",
    "bun.lock",
    "bun.lockb",
    "composer.json",
    "composer.lock",
    "conda.yml",
    "deno.lock",
    "environment.yml",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "gradle.lockfile",
    "mix.exs",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.json",
    "packages.config",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "pom.xml",
    "pubspec.lock",
    "pubspec.yaml",
    "pyproject.toml",
    "uv.lock",
    "yarn.lock",
];

/// Directories that hold documentation, and endings of documents.
const DOC_DIRECTORIES: [&str; 4] = ["doc", "docs", "documentation", "man"];
const DOC_ENDINGS: [&str; 5] = [".adoc", ".markdown", ".md", ".mdx", ".rst"];
const DOC_NAMES: [&str; 7] = [
    "AUTHORS",
    "CHANGELOG",
    "CONTRIBUTORS",
    "COPYING",
    "LICENSE",
    "NOTICE",
    "README",
];

/// Directories that hold tests, and marks in the names of test files.
const TEST_DIRECTORIES: [&str; 9] = [
    "__tests__",
    "e2e",
    "fixtures",
    "integration",
    "integration-cli",
    "spec",
    "test",
    "testdata",
    "tests",
];
const TEST_MARKS: [&str; 6] = [
    ".spec.",
    ".test.",
    "Test.java",
    "Tests.cs",
    "_spec.",
    "_test.",
];

impl Churn {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a build's changes. The first one added has nothing before it: it is counted as a build, its files are not.
    pub fn add(&mut self, changes: &[Change]) {
        self.n_builds += 1;
        if self.n_builds == 1 {
            return;
        }
        *self
            .classes
            .entry(classify(changes.iter().map(|change| &change.path)))
            .or_default() += 1;
        let mut directories: Vec<RepoPath> = Vec::new();
        for change in changes {
            *self.files.entry(change.path.clone()).or_default() += 1;
            let mut above = change.path.parent();
            while let Some(directory) = above {
                above = directory.parent();
                directories.push(directory);
            }
        }
        directories.sort_unstable();
        directories.dedup();
        for directory in directories {
            *self.directories.entry(directory).or_default() += 1;
        }
    }

    /// Builds added.
    pub fn n_builds(&self) -> usize {
        self.n_builds
    }

    /// In how many builds this file changed, or something below this directory.
    pub fn of(&self, path: &RepoPath) -> usize {
        self.files
            .get(path)
            .copied()
            .unwrap_or(0)
            .max(self.directories.get(path).copied().unwrap_or(0))
    }

    /// Files that changed, by path, with the number of builds.
    pub fn files(&self) -> impl Iterator<Item = (&RepoPath, usize)> {
        self.files.iter().map(|(path, n)| (path, *n))
    }

    /// Directories (the root too) with the number of builds in which something below changed.
    pub fn directories(&self) -> impl Iterator<Item = (&RepoPath, usize)> {
        self.directories.iter().map(|(path, n)| (path, *n))
    }

    /// How many builds were of each class; classes without one are left out.
    pub fn classes(&self) -> impl Iterator<Item = (CommitClass, usize)> {
        self.classes.iter().map(|(class, n)| (*class, *n))
    }
}

/// What these paths are about.
pub fn classify<'a>(paths: impl IntoIterator<Item = &'a RepoPath>) -> CommitClass {
    let mut classes = paths.into_iter().map(class_of);
    let Some(first) = classes.next() else {
        return CommitClass::Nothing;
    };
    if classes.all(|class| class == first) {
        first
    } else {
        CommitClass::Mixed
    }
}

/// What one path is about. The first of these that fits: Dockerfile, dependencies, tests, documentation, source.
pub fn class_of(path: &RepoPath) -> CommitClass {
    let text = path.to_string();
    let (directory, name) = text.rsplit_once('/').unwrap_or(("", &text));
    let within = |known: &[&str]| directory.split('/').any(|part| known.contains(&part));
    let stem = name.split('.').next().unwrap_or(name);
    let is_requirements = name.starts_with("requirements") && name.ends_with(".txt");
    if stem == "Dockerfile"
        || name.ends_with(".Dockerfile")
        || stem == "Containerfile"
        || name.ends_with("ignore") && name.contains("docker")
    {
        CommitClass::Dockerfile
    } else if DEPENDENCY_FILES.contains(&name) || is_requirements || name.ends_with(".csproj") {
        CommitClass::Dependencies
    } else if within(&TEST_DIRECTORIES)
        || TEST_MARKS.iter().any(|mark| name.contains(mark))
        || name.starts_with("test_")
    {
        CommitClass::Tests
    } else if within(&DOC_DIRECTORIES)
        || DOC_ENDINGS.iter().any(|end| name.ends_with(end))
        || DOC_NAMES.contains(&stem)
    {
        CommitClass::Docs
    } else {
        CommitClass::Source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(paths: &str) -> Vec<Change> {
        let change = |path: &str| Change {
            path: path.into(),
            old: None,
            new: None,
        };
        paths.split_whitespace().map(change).collect()
    }

    #[test]
    fn a_directory_counts_once_a_build() {
        let mut churn = Churn::new();
        for paths in ["a/x a/y b", "a/x a/y", "a/x", "b", ""] {
            churn.add(&changes(paths));
        }
        let of = |path: &str| churn.of(&path.into());
        assert_eq!(
            ["a", "a/x", "a/y", "b", "", "none"].map(of),
            [2, 2, 1, 1, 3, 0]
        );
        assert_eq!(churn.n_builds(), 5);
        assert_eq!(
            churn.classes().collect::<Vec<_>>(),
            [(CommitClass::Nothing, 1), (CommitClass::Source, 3)]
        );
    }

    #[test]
    fn commits_are_told_apart_by_what_they_touch() {
        for (paths, expected) in [
            ("", CommitClass::Nothing),
            ("README.md docs/a.png LICENSE", CommitClass::Docs),
            ("src/a_test.go tests/b.rs app.spec.ts", CommitClass::Tests),
            (
                "package.json web/package-lock.json requirements-dev.txt",
                CommitClass::Dependencies,
            ),
            (
                "Dockerfile Dockerfile.dev .dockerignore api.Dockerfile",
                CommitClass::Dockerfile,
            ),
            ("src/main.rs", CommitClass::Source),
            ("src/main.rs README.md", CommitClass::Mixed),
        ] {
            let changes = changes(paths);
            assert_eq!(
                classify(changes.iter().map(|change| &change.path)),
                expected,
                "{paths}"
            );
        }
    }
}
