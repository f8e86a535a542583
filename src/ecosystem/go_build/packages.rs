//! Packages, followed from import to import.

use super::super::Files;
use super::modules::{Lead, Modules};
use super::reads::{Reads, is_source};
use super::source::Source;
use crate::ecosystem::matches_name;
use crate::tree::{FileKind, RepoPath};
use std::collections::BTreeSet;

/// So many packages are followed, and so many bytes of their files read.
const MOST_PACKAGES: usize = 6_000;
const MOST_BYTES: usize = 256 << 20;
/// Larger files are no source that people write; what they import is not looked for.
const LARGEST_FILE: usize = 16 << 20;

/// Names that keep a directory in git, whatever is to stand in it.
const PLACEHOLDERS: &[&[u8]] = &[
    b".empty",
    b".gitignore",
    b".gitkeep",
    b".keep",
    b".placeholder",
];

/// A walk over the packages of a project.
pub(super) struct Walk<'a> {
    files: &'a Files<'a>,
    modules: &'a Modules,
    /// Whether files behind `//go:build ignore` may be built.
    with_ignored: bool,
    /// Whether C files are compiled.
    with_cgo: bool,
    open: Vec<RepoPath>,
    n_bytes: usize,
    reads: Reads,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        files: &'a Files<'a>,
        modules: &'a Modules,
        with_ignored: bool,
        with_cgo: bool,
    ) -> Self {
        Self {
            files,
            modules,
            with_ignored,
            with_cgo,
            open: Vec::new(),
            n_bytes: 0,
            reads: modules.reads.clone(),
        }
    }

    /// Adds the package in `dir`, by a word of the command.
    pub(super) fn add(&mut self, dir: RepoPath) {
        self.open.push(dir);
    }

    /// Adds every package in `base` and below, as `base/...` means them; says whether there is one.
    pub(super) fn add_below(&mut self, base: &RepoPath) -> bool {
        let mut found = BTreeSet::new();
        for path in self.files.below(base).filter(|p| is_go(p)) {
            let Some(dir) = path.parent() else { continue };
            let Some(below) = dir.strip_prefix(base) else {
                continue;
            };
            let is_left_out = |n: &[u8]| {
                n.starts_with(b".") || n.starts_with(b"_") || n == b"testdata" || n == b"vendor"
            };
            if !below.names().any(is_left_out)
                && !self.modules.is_other_module(self.files, base, &dir)
            {
                found.insert(dir);
            }
        }
        let has_some = !found.is_empty();
        self.open.extend(found);
        has_some
    }

    /// Follows all that was added.
    pub(super) fn finish(mut self) -> Result<Reads, String> {
        while let Some(dir) = self.open.pop() {
            if !self.reads.packages.insert(dir.clone()) {
                continue;
            }
            if self.reads.packages.len() > MOST_PACKAGES {
                return Err("there are too many packages to follow".to_owned());
            }
            self.package(&dir)?;
        }
        Ok(self.reads)
    }

    fn package(&mut self, dir: &RepoPath) -> Result<(), String> {
        let own: Vec<&RepoPath> = self
            .files
            .below(dir)
            .filter(|p| p.parent().as_ref() == Some(dir) && is_source(p))
            .collect();
        if !own.iter().any(|p| is_go(p)) {
            return Err(format!("package {} has no Go file in the tree", shown(dir)));
        }
        self.reads.files.insert(dir.join(b"default.pgo"));
        let mut has_cgo = false;
        for &path in own.iter().filter(|p| is_go(p)) {
            if self.files.stamp(path).map(|s| s.kind) == Some(FileKind::Symlink) {
                return Err(format!("{path} is a symlink"));
            }
            has_cgo |= self.source(dir, path)?;
        }
        if has_cgo {
            self.cgo(dir)?;
        } else if own.iter().any(|p| is_assembly(p))
            && own.iter().any(|p| !is_go(p) && self.points_up(p))
        {
            return Err(format!("{} includes files from above", shown(dir)));
        }
        Ok(())
    }

    /// Follows one file; whether it has C in it.
    fn source(&mut self, dir: &RepoPath, path: &RepoPath) -> Result<bool, String> {
        let unread = || format!("{path} could not be read as Go");
        let bytes = self.files.bytes(path).ok_or_else(unread)?;
        self.n_bytes += bytes.len();
        if self.n_bytes > MOST_BYTES || bytes.len() > LARGEST_FILE {
            return Err("there is too much source to follow".to_owned());
        }
        let source = Source::read(&bytes).ok_or_else(unread)?;
        if source.is_ignored && !self.with_ignored {
            return Ok(false);
        }
        for import in &source.imports {
            match self.modules.lead(self.files, dir, import) {
                Lead::Here(at) => self.open.push(at),
                Lead::Elsewhere => {}
                Lead::Missing => {
                    return Err(format!("{path} imports {import}, which is not in the tree"));
                }
            }
        }
        for pattern in &source.embeds {
            self.embed(dir, pattern)?;
        }
        let has_cgo = self.with_cgo && source.imports.iter().any(|i| i == "C");
        if has_cgo && source.points_up {
            return Err(format!("{path} includes files from above with cgo"));
        }
        Ok(has_cgo)
    }

    /// What a pattern of `//go:embed` in a file of `dir` takes.
    fn embed(&mut self, dir: &RepoPath, pattern: &str) -> Result<(), String> {
        let pattern = pattern.strip_prefix("all:").unwrap_or(pattern);
        let wanted: Vec<&[u8]> = pattern
            .split('/')
            .filter(|n| !n.is_empty() && *n != ".")
            .map(str::as_bytes)
            .collect();
        if wanted.iter().any(|n| *n == b".." || n.contains(&b'[')) || wanted.len() > 64 {
            return Err(format!("what //go:embed {pattern} takes is not known"));
        }
        let is_plain = |n: &&&[u8]| !n.contains(&b'*') && !n.contains(&b'?');
        let n_plain = wanted.iter().take_while(is_plain).count();
        let before = dir.join(&wanted[..n_plain].join(&b'/'));
        // What a pattern takes of a directory may be more where git does not hold all of it.
        if (1..wanted.len()).contains(&n_plain) {
            self.reads.trees.insert(before.clone());
        }
        let (mut is_there, mut is_filled) = (false, false);
        for path in self.files.below(dir) {
            let Some(below) = path.strip_prefix(dir) else {
                continue;
            };
            let names: Vec<&[u8]> = below.names().collect();
            let fits = |(p, n): (&&[u8], &&[u8])| matches_name(p, n);
            if names.len() < wanted.len() || !wanted.iter().zip(&names).all(fits) {
                continue;
            }
            is_there = true;
            is_filled |= !names.last().is_some_and(|name| PLACEHOLDERS.contains(name));
            if names.len() == wanted.len() {
                self.reads.files.insert(path.clone());
            } else {
                self.reads
                    .trees
                    .insert(dir.join(&names[..wanted.len()].join(&b'/')));
            }
        }
        if !is_there {
            self.reads.absent.insert(before);
        } else if !is_filled {
            let is_front_end = |d: &RepoPath| self.files.has(&d.join(b"package.json"));
            let mut above = std::iter::successors(before.parent(), RepoPath::parent);
            let front_end = above.find(is_front_end);
            self.reads.made.insert(before, front_end);
        }
        Ok(())
    }

    /// A package with C in it: headers may lie anywhere below.
    fn cgo(&mut self, dir: &RepoPath) -> Result<(), String> {
        for path in self.files.below(dir) {
            if self.files.stamp(path).map(|s| s.kind) == Some(FileKind::Symlink)
                || (is_source(path) && !is_go(path) && self.points_out(dir, path))
            {
                return Err(format!("{path} may lead to files from above"));
            }
        }
        self.reads.trees.insert(dir.clone());
        Ok(())
    }

    /// Whether a file that is no Go names a directory above its own.
    fn points_up(&self, path: &RepoPath) -> bool {
        let bytes = self.files.bytes(path);
        bytes.is_none_or(|bytes| bytes.windows(3).any(|w| w == b"../"))
    }

    /// Whether a file below `dir` names a directory that may lie above it.
    fn points_out(&self, dir: &RepoPath, path: &RepoPath) -> bool {
        let depth = path
            .strip_prefix(dir)
            .map_or(0, |below| below.names().count().saturating_sub(1));
        let up = "../".repeat(depth + 1);
        let bytes = self.files.bytes(path);
        bytes.is_none_or(|bytes| bytes.windows(up.len()).any(|w| w == up.as_bytes()))
    }
}

/// A Go file that a build may take.
fn is_go(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    is_source(path) && name.ends_with(b".go") && !name.starts_with(b"_") && !name.starts_with(b".")
}

/// A file for the assembler, which goes through C's preprocessor as far as `#include`.
fn is_assembly(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.ends_with(b".s") || name.ends_with(b".S") || name.ends_with(b".sx")
}

fn shown(dir: &RepoPath) -> String {
    if dir.is_root() {
        "at the root".to_owned()
    } else {
        dir.to_string()
    }
}
