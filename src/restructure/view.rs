//! What a rule may know: the Dockerfile, the newest tree, and which paths changed how often.

use super::filter::Filter;
use super::filtered::PerBuild;
use super::past::Name;
use crate::builder::Builder;
use crate::dockerfile::Dockerfile;
use crate::tree::{FileStamp, RepoPath};
use std::collections::BTreeMap;

/// Everything a rule is given. All paths are relative to the context unless said otherwise.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The Dockerfile to improve; its text is `dockerfile.text`.
    pub dockerfile: &'a Dockerfile,
    /// Its path in the repository.
    pub path: &'a RepoPath,
    /// The context's directory in the repository.
    pub context: &'a RepoPath,
    /// The ignore file in effect, by its path in the repository; `None` when there is none.
    pub ignore: Option<(&'a RepoPath, &'a str)>,
    /// The newest tree's files that the builder sees (after ignore rules), sorted by path.
    pub files: &'a [(RepoPath, FileStamp)],
    /// The newest tree's files below the context that the ignore rules hide, sorted by path.
    pub ignored: &'a [(RepoPath, FileStamp)],
    /// Bytes of one file of the newest tree; `None` where there is none (or it is a submodule, or not at hand).
    pub read: &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>,
    /// Files of the newest tree outside of the context that may build images, with their bytes, by their paths in the
    /// repository.
    pub outside: &'a [(RepoPath, Vec<u8>)],
    /// The paths that changed from one build to the next, oldest first; the first build's files are not listed.
    pub changes: &'a [Vec<RepoPath>],
    /// The builder modelled.
    pub builder: Builder,
    /// True when the context holds the checkout's `.git`.
    pub git_dir: bool,
    /// True when the builder's own state (cache mounts among it) survives from build to build.
    pub persistent: bool,
    /// For each build what a filter leaves of a file; `None` where that cannot be known.
    pub filtered: &'a dyn Fn(&RepoPath, &Filter) -> Option<PerBuild>,
    /// The stage built, by its index in the Dockerfile.
    pub target: usize,
    /// Names of the build arguments that are passed, sorted; with whether the value differs from build to build.
    pub build_args: &'a [(String, bool)],
    /// In how many builds an image's tag or the value of an ARG or ENV became another one in the Dockerfile itself.
    pub bumps: &'a BTreeMap<Name, usize>,
    /// What is not wanted, beside what the Dockerfile's own comments say.
    pub accepted: &'a [Accepted],
}

/// One entry of the list of proposals that somebody does not want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// A rule's id or a finding's kind.
    pub rule: String,
    /// Only what concerns this line.
    pub line: Option<usize>,
    /// Why.
    pub reason: String,
}

impl<'a> View<'a> {
    /// The Dockerfile's text.
    pub fn text(&self) -> &'a str {
        &self.dockerfile.text
    }

    /// True when the builder sees a file at `path`.
    pub fn has_file(&self, path: &RepoPath) -> bool {
        self.files.binary_search_by(|(p, _)| p.cmp(path)).is_ok()
    }

    /// The files the builder sees at or below `path`, in order.
    pub fn below(&self, path: &'a RepoPath) -> impl Iterator<Item = &'a (RepoPath, FileStamp)> {
        self.files
            .iter()
            .filter(move |(p, _)| p.strip_prefix(path).is_some())
    }

    /// The text of a file that the builder sees; `None` where it sees none or the bytes are not UTF-8.
    pub fn read_text(&self, path: &RepoPath) -> Option<String> {
        if !self.has_file(path) {
            return None;
        }
        String::from_utf8((self.read)(path)?).ok()
    }

    /// In how many builds (after the first) at least one path with `wanted` changed.
    pub fn n_touching(&self, wanted: impl Fn(&RepoPath) -> bool) -> usize {
        self.changes
            .iter()
            .filter(|paths| paths.iter().any(&wanted))
            .count()
    }

    /// In how many builds `path` itself changed.
    pub fn n_changes(&self, path: &RepoPath) -> usize {
        self.n_touching(|p| p == path)
    }

    /// Builds after the first: what the counts of [`Self::n_touching`] are out of.
    pub fn n_builds(&self) -> usize {
        self.changes.len()
    }

    /// Whether the Dockerfile's syntax, as its `# syntax` line or the builder gives it, has `feature`.
    pub fn has(&self, feature: Feature) -> bool {
        feature.is_in(self.builder, self.dockerfile.directive("syntax"))
    }
}

/// A part of the Dockerfile language that not every builder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// `RUN --mount`: docker/dockerfile 1.2 on (moby/buildkit docs/reference.md).
    Mount,
    /// `COPY --link`: 1.4 on.
    Link,
    /// `COPY --parents`: 1.20 on, and `-labs` from 1.7.
    Parents,
    /// `COPY --exclude`: 1.19 on, and `-labs` from 1.7.
    Exclude,
    /// Here-documents: 1.4 on.
    Heredoc,
}

impl Feature {
    /// The frontend's minor version from which the feature is there, stable and in the `-labs` channel.
    fn since(self) -> (u32, u32) {
        match self {
            Self::Mount => (2, 2),
            Self::Link | Self::Heredoc => (4, 4),
            Self::Parents => (20, 7),
            Self::Exclude => (19, 7),
        }
    }

    /// True when a file with this `# syntax` line can count on the feature. Without such a line the frontend is the one
    /// inside the builder: then only what every BuildKit of the last years has (1.4, BuildKit 0.10) is counted on.
    fn is_in(self, builder: Builder, syntax: Option<&str>) -> bool {
        if builder != Builder::BuildKit {
            return false;
        }
        let (stable, labs) = self.since();
        let named = syntax.map(|s| s.split_once('@').map_or(s, |(named, _)| named));
        let Some((_, tag)) = named.and_then(|s| s.rsplit_once(':')) else {
            return stable <= 4;
        };
        let (version, is_labs) = match tag
            .strip_suffix("-labs")
            .or(tag.strip_suffix("-experimental"))
        {
            Some(version) => (version, true),
            None => (tag, tag == "labs" || tag == "experimental"),
        };
        let needed = if is_labs { labs } else { stable };
        let mut parts = version.split('.');
        match (parts.next(), parts.next().map(str::parse::<u32>)) {
            // A floating `1`, `latest` or `labs` is the newest.
            (Some("1" | "latest" | "labs" | "experimental"), None) => true,
            (Some("1"), Some(Ok(minor))) => minor >= needed,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_counted_on_only_where_the_syntax_line_has_it() {
        let check = |feature: Feature, syntax: Option<&str>, expected: bool| {
            assert_eq!(
                feature.is_in(Builder::BuildKit, syntax),
                expected,
                "{feature:?} {syntax:?}"
            );
        };
        check(Feature::Mount, None, true);
        check(Feature::Parents, None, false);
        check(Feature::Parents, Some("docker/dockerfile:1"), true);
        check(Feature::Parents, Some("docker/dockerfile:1.7"), false);
        check(Feature::Parents, Some("docker/dockerfile:1.7-labs"), true);
        check(Feature::Parents, Some("docker/dockerfile:1.20"), true);
        check(Feature::Link, Some("docker/dockerfile:1.3"), false);
        check(Feature::Link, Some("docker/dockerfile:1.4@sha256:00"), true);
        check(Feature::Link, Some("example/own"), true);
    }
}
