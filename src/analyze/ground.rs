//! What rules and findings stand on: the newest Dockerfile, the newest tree, and what changed from build to build.
//!
//! Never: judges it.

use crate::builder::Builder;
use crate::context::IgnoreRules;
use crate::dockerfile::{self, Dockerfile};
use crate::history::BuildInput;
use crate::replay::{Replay, Runner, Settings};
use crate::restructure::View;
use crate::restructure::past::Name;
use crate::tree::{FileStamp, RepoPath};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The ground while builds go by.
pub(super) struct Terrain {
    /// The watched files' paths: the Dockerfile, then ignore files.
    watched: Vec<RepoPath>,
    newest: Vec<Option<Arc<[u8]>>>,
    files: BTreeMap<RepoPath, FileStamp>,
    changes: Vec<Vec<RepoPath>>,
    /// Values of build arguments as builds asked for them.
    build_args: BTreeMap<String, (Option<String>, bool)>,
    is_first: bool,
}

/// The ground of the newest build.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The newest Dockerfile, or the pinned one.
    pub dockerfile: Dockerfile,
    /// Its path in the repository.
    pub path: RepoPath,
    /// The context's directory in the repository.
    pub context: RepoPath,
    /// The ignore file in effect, by its path in the repository.
    pub ignore: Option<(RepoPath, String)>,
    /// Files that the builder sees, sorted, relative to the context.
    pub files: Vec<(RepoPath, FileStamp)>,
    /// Files that the ignore rules hide.
    pub ignored: Vec<(RepoPath, FileStamp)>,
    /// Paths that changed from one build to the next, oldest first; the first build's files are not listed.
    pub changes: Vec<Vec<RepoPath>>,
    /// The builder modelled.
    pub builder: Builder,
    /// Whether the context holds the checkout's `.git`.
    pub git_dir: bool,
    /// Whether the builder's own state survives from build to build.
    pub persistent: bool,
    /// The stage built, by position.
    pub target: usize,
    /// Build arguments that are passed, sorted, and whether their value differs from build to build.
    pub build_args: Vec<(String, bool)>,
}

static NO_BUMPS: BTreeMap<Name, usize> = BTreeMap::new();

impl Terrain {
    pub(super) fn new(settings: &Settings) -> Self {
        let watched = Replay::watched(settings);
        let build_args = settings
            .build_args
            .iter()
            .map(|(name, value)| (name.clone(), (value.clone(), false)));
        Self {
            newest: vec![None; watched.len()],
            watched,
            files: BTreeMap::new(),
            changes: Vec::new(),
            build_args: build_args.collect(),
            is_first: true,
        }
    }

    pub(super) fn add(&mut self, input: &BuildInput) {
        for (newest, read) in self.newest.iter_mut().zip(&input.watched) {
            *newest = read.as_ref().ok().and_then(Clone::clone);
        }
        for change in &input.changes {
            match change.new {
                Some(stamp) => self.files.insert(change.path.clone(), stamp),
                None => self.files.remove(&change.path),
            };
        }
        if !self.is_first {
            self.changes
                .push(input.changes.iter().map(|c| c.path.clone()).collect());
        }
        for (name, value) in &input.request.build_args {
            let is_first = self.is_first;
            let entry = self
                .build_args
                .entry(name.clone())
                .or_insert_with(|| (value.clone(), !is_first));
            entry.1 |= entry.0 != *value;
        }
        self.is_first = false;
    }

    /// The ground of the newest build; `None` where its Dockerfile is absent or refused.
    pub(super) fn settle(self, settings: &Settings) -> Option<Ground> {
        let committed = self.newest.first().cloned().flatten();
        let parsed = match &settings.pin {
            Some(text) => dockerfile::parse(text).ok()?,
            None => dockerfile::parse_bytes(&committed?).ok()?,
        };
        let ignore = self.ignore(settings);
        let rules = ignore
            .as_ref()
            .and_then(|(_, text)| IgnoreRules::parse(text.as_bytes()).ok())
            .unwrap_or_default();
        let (ignored, files) = self
            .files
            .into_iter()
            .partition(|(path, _)| rules.is_ignored(path));
        Some(Ground {
            target: target(&parsed.dockerfile, settings.target.as_deref()),
            dockerfile: parsed.dockerfile,
            path: RepoPath::new(&settings.dockerfile),
            context: RepoPath::new(&settings.context),
            ignore,
            files,
            ignored,
            changes: self.changes,
            builder: settings.builder,
            git_dir: settings.git_dir && settings.context.is_empty(),
            persistent: settings.runner == Runner::Persistent,
            build_args: self
                .build_args
                .into_iter()
                .map(|(name, (_, varies))| (name, varies))
                .collect(),
        })
    }

    /// The first ignore file there is.
    fn ignore(&self, settings: &Settings) -> Option<(RepoPath, String)> {
        let found = self
            .watched
            .iter()
            .zip(&self.newest)
            .skip(1)
            .find_map(|(path, text)| Some((path, text.as_ref()?)));
        match (&settings.pin_ignore, found) {
            (Some(pinned), found) => {
                let path = found.map(|(path, _)| path).or(self.watched.get(1))?;
                Some((path.clone(), pinned.clone()))
            }
            (None, Some((path, text))) => {
                Some((path.clone(), String::from_utf8_lossy(text).into_owned()))
            }
            (None, None) => None,
        }
    }
}

/// The stage that is built: by name, by position, else the last.
fn target(dockerfile: &Dockerfile, name: Option<&str>) -> usize {
    let last = dockerfile.stages.len().saturating_sub(1);
    let Some(name) = name else { return last };
    let by_name = dockerfile
        .stages
        .iter()
        .rposition(|s| s.name.as_deref() == Some(name.to_lowercase().as_str()));
    by_name
        .or_else(|| name.parse().ok().filter(|&i: &usize| i <= last))
        .unwrap_or(last)
}

impl Ground {
    /// The same as rules take it; `read` gives the bytes of a file of the newest tree, by its path in the context.
    pub fn view<'a>(&'a self, read: &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>) -> View<'a> {
        View {
            accepted: &[],
            dockerfile: &self.dockerfile,
            path: &self.path,
            context: &self.context,
            ignore: self
                .ignore
                .as_ref()
                .map(|(path, text)| (path, text.as_str())),
            files: &self.files,
            ignored: &self.ignored,
            read,
            outside: &[],
            filtered: &|_, _| None,
            changes: &self.changes,
            builder: self.builder,
            git_dir: self.git_dir,
            persistent: self.persistent,
            target: self.target,
            build_args: &self.build_args,
            // Findings are about each commit's own text, where such changes are misses of their own.
            bumps: &NO_BUMPS,
        }
    }
}
