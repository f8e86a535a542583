//! From names to files: what is named is read with its directory, and so is what it imports from elsewhere.

use super::super::needs::within;
use super::super::{Files, Reads};
use super::names;
use super::tools::{ASKS_GIT, BESIDE, OF_MANAGERS, OF_TASKS, is_found, is_settings, is_source};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Sources that are looked at for one build, and settings.
const MOST_FILES: usize = 4000;
/// Bytes of a source that is looked at; a larger one was made.
const LARGEST: usize = 512 << 10;

/// What was found so far.
pub(super) struct Walk<'a> {
    pub(super) files: Files<'a>,
    /// The directory of package.json.
    pub(super) base: RepoPath,
    pub(super) reads: Reads,
    /// Whether the checkout's `.git` is there to be asked.
    git: bool,
    /// Settings and scripts whose strings are names, yet to be read.
    settings: Vec<RepoPath>,
    seen: BTreeSet<RepoPath>,
}

impl<'a> Walk<'a> {
    /// With the files that tools look for in the project's own directory.
    pub(super) fn new(files: Files<'a>, base: RepoPath, git: bool) -> Self {
        let mut walk = Self {
            files,
            base,
            git,
            reads: Reads::default(),
            settings: Vec::new(),
            seen: BTreeSet::new(),
        };
        for path in files.below(&walk.base) {
            let name = name_of(path);
            if path.parent().as_ref() == Some(&walk.base) && is_found(&name) {
                walk.reads.files.insert(path.clone());
                if is_settings(&name) {
                    walk.settings.push(path.clone());
                }
            }
        }
        for name in OF_MANAGERS {
            let dir = walk.base.join(name.as_bytes());
            walk.reads.trees.extend(files.has_dir(&dir).then_some(dir));
        }
        walk
    }

    /// A name in the words of a command that runs in `dir`; one that stands for all of the project is an error.
    pub(super) fn word(&mut self, word: &str, dir: &RepoPath) -> Result<(), String> {
        let Some(name) = plain(word)? else {
            return Ok(());
        };
        let Some(path) = within(dir, name) else {
            return Ok(());
        };
        if self.base.strip_prefix(&path).is_some() {
            return Err(format!("`{word}` is all of the project"));
        }
        if let Some(found) = self.at(&path) {
            let is_settings = ["config", "rc"].iter().any(|w| name_of(&found).contains(w));
            self.settings
                .extend((is_settings && self.files.has(&found)).then(|| found.clone()));
            self.add(&found);
        }
        Ok(())
    }

    /// Settings that a command in `dir` names, whatever they are called; an error where they are not there to be read.
    pub(super) fn given_settings(&mut self, name: &str, dir: &RepoPath) -> Result<(), String> {
        let found = within(dir, name).and_then(|path| self.at(&path));
        let found = found.filter(|path| self.files.has(path));
        let found = found.ok_or_else(|| format!("the settings {name} are not known"))?;
        self.script(&found);
        Ok(())
    }

    /// A file or a directory that a step needs by its place.
    pub(super) fn take(&mut self, path: &RepoPath) {
        if self.files.has(path) || self.files.has_dir(path) {
            self.add(path);
        }
    }

    /// A script that is run: its strings are names.
    pub(super) fn script(&mut self, path: &RepoPath) {
        self.settings.push(path.clone());
        self.add(path);
    }

    /// Follows settings, then sources, until nothing new is found.
    pub(super) fn follow(&mut self) -> Result<(), String> {
        while let Some(path) = self.settings.pop() {
            self.follow_settings(&path)?;
        }
        loop {
            let known = (self.reads.trees.len(), self.reads.files.len());
            let trees = self
                .reads
                .trees
                .iter()
                .flat_map(|dir| self.files.below(dir));
            let of_root = self.reads.files.iter();
            let sources: Vec<RepoPath> = trees
                .chain(of_root)
                .filter(|p| is_source(&name_of(p)) && !self.seen.contains(*p))
                .cloned()
                .collect();
            for path in sources {
                self.follow_source(&path)?;
            }
            if known == (self.reads.trees.len(), self.reads.files.len()) {
                return Ok(());
            }
        }
    }

    fn follow_settings(&mut self, path: &RepoPath) -> Result<(), String> {
        let Some((text, dir)) = self.text(path)? else {
            return Ok(());
        };
        if self.git && ASKS_GIT.iter().any(|word| text.contains(word)) {
            return Err(format!("{path} asks git"));
        }
        for name in names::imported(&text) {
            let index = format!("{name}/index");
            for name in [name, &index] {
                let found = within(&dir, name).and_then(|p| self.at(&p));
                let own = found.filter(|f| self.files.has(f) && is_source(&name_of(f)));
                self.settings.extend(own);
            }
        }
        for word in names::of_settings(&text) {
            let Some(name) = plain(word).map_err(|why| format!("{path}: {why}"))? else {
                continue;
            };
            if is_above(name) {
                continue;
            }
            // Relative to itself, to where the tool runs, or to a directory there.
            let below = name.trim_start_matches("../");
            for (from, name) in [
                (&dir, name),
                (&self.base.clone(), name),
                (&self.base.clone(), below),
            ] {
                let at = within(from, name).filter(|_| !BESIDE.contains(&name));
                let at = at.and_then(|p| self.at(&p));
                let Some(found) = at.filter(|f| self.base.strip_prefix(f).is_none()) else {
                    continue;
                };
                self.reads.named_by.insert(path.clone());
                self.add(&found);
                self.take_tasks(&found);
            }
        }
        Ok(())
    }

    /// Has the scripts of a directory of tasks read as settings.
    fn take_tasks(&mut self, dir: &RepoPath) {
        let is_of_tasks = OF_TASKS.contains(&name_of(dir).as_str()) && self.files.has_dir(dir);
        let scripts = self.files.below(dir).filter(|p| is_source(&name_of(p)));
        self.settings
            .extend(scripts.filter(|_| is_of_tasks).cloned());
    }

    fn follow_source(&mut self, path: &RepoPath) -> Result<(), String> {
        let Some((text, dir)) = self.text(path)? else {
            return Ok(());
        };
        for word in names::of_source(&text) {
            let Ok(Some(name)) = plain(word) else {
                continue;
            };
            let is_relative = name.starts_with("./") || name.starts_with("../") || is_above(name);
            let of_root = name.trim_start_matches(['@', '~']).trim_start_matches('/');
            // A directory stands for its index.
            let index = format!("{name}/index");
            let name = if is_above(name) { &index } else { name };
            let at = match is_relative {
                true => within(&dir, name),
                false => within(&self.base, of_root),
            };
            let found = at.and_then(|p| self.at(&p));
            let Some(found) = found.filter(|f| self.base.strip_prefix(f).is_none()) else {
                continue;
            };
            // What only looks like a path from the root is one where it is a file.
            if is_relative || self.files.has(&found) {
                self.add(&found);
            }
        }
        Ok(())
    }

    /// The text of a file that was not looked at yet, and its directory.
    fn text(&mut self, path: &RepoPath) -> Result<Option<(String, RepoPath)>, String> {
        if !self.seen.insert(path.clone()) {
            return Ok(None);
        }
        if self.seen.len() > MOST_FILES {
            return Err("there are too many sources".to_owned());
        }
        let text = self.files.text(path).filter(|t| t.len() <= LARGEST);
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        Ok(text.map(|text| (text, dir)))
    }

    /// What stands at `path`, or what an import of it finds: a file with an ending, a part of a style sheet.
    fn at(&self, path: &RepoPath) -> Option<RepoPath> {
        if self.files.has(path) || self.files.has_dir(path) {
            return Some(path.clone());
        }
        let (dir, name) = (path.parent()?, name_of(path));
        let is_it = |p: &&RepoPath| {
            let file = name_of(p);
            let stem = file.strip_prefix('_').unwrap_or(&file);
            p.parent().as_ref() == Some(&dir)
                && stem
                    .strip_prefix(name.as_str())
                    .is_some_and(|end| end.starts_with('.'))
                && is_source(&file)
        };
        self.files.below(&dir).find(is_it).cloned()
    }

    /// A file with its directory, unless that holds the project itself; a directory whole.
    fn add(&mut self, path: &RepoPath) {
        if self.reads.holds(path) {
            return;
        }
        let dir = match self.files.has(path) {
            true => path.parent().unwrap_or_else(RepoPath::root),
            false => path.clone(),
        };
        match self.base.strip_prefix(&dir).is_some() {
            true => self.reads.files.insert(path.clone()),
            false => self.reads.trees.insert(dir),
        };
    }
}

/// The part of a word before a pattern or a value begins; `None` for what is no name, an error for a pattern of all files.
fn plain(word: &str) -> Result<Option<&str>, String> {
    let word = word
        .rsplit_once('!')
        .map_or(word, |(before, name)| match before {
            "" => "",
            _ => name,
        });
    let word = word.split_once('=').map_or(word, |(_, value)| value);
    let word = word.split_once('?').map_or(word, |(name, _)| name);
    let word = word.trim_end_matches([';', ',']);
    let Some(end) = word.find(['*', '{', '[', '(', '$', '#']) else {
        let is_name = !word.is_empty() && !word.starts_with('-') && !word.contains(':');
        return Ok(is_name.then_some(word));
    };
    let known = word[..end].rsplit_once('/').map(|(dir, _)| dir);
    match known.filter(|dir| !matches!(*dir, "" | ".")) {
        Some(dir) => Ok((!dir.contains(':')).then_some(dir)),
        None if word[end..].starts_with("**") => Err(format!("`{word}` may be any file")),
        None => Ok(None),
    }
}

/// Whether a name is that of a directory above alone: `..`, `../../`.
fn is_above(name: &str) -> bool {
    name.split('/').all(|part| matches!(part, "" | "." | ".."))
}

fn name_of(path: &RepoPath) -> String {
    String::from_utf8_lossy(path.file_name().unwrap_or_default()).into_owned()
}
