//! What a dependency-only command reads, and what could not be shown about it.

use super::files::Files;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Files that a command reads, by path in the context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Every file, those of whole directories included.
    pub files: BTreeSet<RepoPath>,
    /// Directories that are needed whole, whatever they hold in future.
    pub dirs: BTreeSet<RepoPath>,
    /// What was shown, whole sentences.
    pub reasons: Vec<String>,
    /// What could not be shown, fragments that fit after "check that" or stand alone.
    pub doubts: Vec<String>,
    /// Files that the manifests name and that are not there: an earlier step may make them, or they are as absent now as
    /// they will be.
    pub absent: Vec<String>,
    /// Files that no context holds: an earlier instruction makes them.
    pub made: BTreeSet<RepoPath>,
}

impl Needs {
    /// Adds the file at `path` if there is one; says whether there is.
    pub fn file(&mut self, files: &Files<'_>, path: &RepoPath) -> bool {
        let found = files.has(path);
        if found {
            self.files.insert(path.clone());
        }
        found
    }

    /// Adds those of `names` that lie in `dir`.
    pub fn names(&mut self, files: &Files<'_>, dir: &RepoPath, names: &[&str]) {
        for name in names {
            self.file(files, &dir.join(name.as_bytes()));
        }
    }

    /// Adds the directory at `path` whole if there is one; says whether there is.
    pub fn dir(&mut self, files: &Files<'_>, path: &RepoPath) -> bool {
        let mut found = files.below(path).peekable();
        if files.has(path) || found.peek().is_none() {
            return false;
        }
        self.files.extend(found.cloned());
        self.dirs.insert(path.clone());
        true
    }

    /// Adds a file or a whole directory, whichever `path` is; says whether it is either.
    pub fn path(&mut self, files: &Files<'_>, path: &RepoPath) -> bool {
        self.file(files, path) || self.dir(files, path)
    }

    /// Adds a doubt once.
    pub fn doubt(&mut self, doubt: impl Into<String>) {
        let doubt = doubt.into();
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }

    /// Adds something named that is not there, once.
    pub fn absent(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.absent.contains(&what) {
            self.absent.push(what);
        }
    }

    /// Adds a reason once.
    pub fn shown(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Adds everything that `other` holds.
    pub fn merge(&mut self, other: Self) {
        self.files.extend(other.files);
        self.dirs.extend(other.dirs);
        other.reasons.into_iter().for_each(|r| self.shown(r));
        other.doubts.into_iter().for_each(|d| self.doubt(d));
        other.absent.into_iter().for_each(|a| self.absent(a));
        self.made.extend(other.made);
    }
}

/// `text` (`../lib`, `./x`) as a path from `dir`; `None` when it leaves the context, is absolute or has variables.
pub(super) fn within(dir: &RepoPath, text: &str) -> Option<RepoPath> {
    if text.starts_with('/') || text.starts_with('~') || text.contains('$') || text.contains("://")
    {
        return None;
    }
    let mut names: Vec<&[u8]> = dir.names().collect();
    for name in text.split(['/', '\\']) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            _ => names.push(name.as_bytes()),
        }
    }
    Some(RepoPath::new(names.join(&b'/')))
}
