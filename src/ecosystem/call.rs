//! One command of a RUN in its place, as the ecosystems are asked about it.

use super::files::Files;
use super::needs;
use super::text;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// One command of a RUN, in its place.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Words after quotes are removed, without leading assignments; the first is the program.
    pub words: &'a [String],
    /// Environment at that place, as far as it is known: ENV, ARG defaults, assignments before the command.
    pub env: &'a BTreeMap<String, String>,
    /// The files of the context.
    pub files: Files<'a>,
    /// The directory of the context that stands at the command's working directory.
    pub dir: &'a RepoPath,
    /// The directory of the image, absolute, at which the root of `files` stands.
    pub root: &'a str,
}

impl Call<'_> {
    /// The program's name without directories: `/usr/bin/npm` is `npm`.
    pub fn program(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        first.rsplit('/').next().unwrap_or(first)
    }

    /// The words after the program.
    pub fn args(&self) -> &[String] {
        self.words.get(1..).unwrap_or(&[])
    }

    /// The words after the program that are no options (options that take the next word as their value are the caller's
    /// business).
    pub fn plain_words(&self) -> impl Iterator<Item = &str> {
        let words = self.args().iter().map(String::as_str);
        words.filter(|w| !w.starts_with('-'))
    }

    /// The first of them.
    pub fn verb(&self) -> Option<&str> {
        self.plain_words().next()
    }

    /// The same for a program that rustup stands in for: `+nightly` is not it.
    pub fn verb_after_toolchain(&self) -> Option<&str> {
        let words = self.args().iter().map(String::as_str);
        words.into_iter().find(|w| !w.starts_with(['-', '+']))
    }

    /// True when one of the words is `word`.
    pub fn has(&self, word: &str) -> bool {
        self.args().iter().any(|w| w == word)
    }

    /// The value of an option: `--name value`, `--name=value`, `-nvalue`.
    pub fn option(&self, names: &[&str]) -> Option<&str> {
        self.options(names).into_iter().next()
    }

    /// All values of an option that may be repeated.
    pub fn options(&self, names: &[&str]) -> Vec<&str> {
        options(self.args(), names)
    }

    /// The words of the command line, quoted again where the shell needs it.
    pub fn line(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|w| text::quoted(w)).collect();
        words.join(" ")
    }

    /// True when every variable in `text` is set by ENV or ARG, and no command is run in it.
    pub fn knows(&self, text: &str) -> bool {
        !text.contains("$(")
            && !text.contains('`')
            && text.split('$').skip(1).all(|rest| {
                let rest = rest.strip_prefix('{').unwrap_or(rest);
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
                self.env.contains_key(&rest[..end])
            })
    }

    /// The path of `files` that a word means: relative to the working directory, or absolute in the image; variables are
    /// put in where they are known. `None` where it lies elsewhere or is not known.
    pub fn path(&self, word: &str) -> Option<RepoPath> {
        let word = self.expanded(word)?;
        if !word.starts_with('/') {
            return needs::within(self.dir, &word);
        }
        let root = self.root.trim_end_matches('/');
        let rest = word.strip_prefix(root)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        needs::within(&RepoPath::root(), rest.trim_start_matches('/'))
    }

    /// The directory that one of `options` tells the program to work in, else the one where it stands; `None` where that
    /// lies elsewhere or is not known.
    pub fn dir_by(&self, options: &[&str]) -> Option<RepoPath> {
        match self.option(options) {
            Some(dir) => self.path(dir),
            None => Some(self.dir.clone()),
        }
    }

    /// `text` with the values of `$NAME` and `${NAME}`; `None` where one is not known.
    pub(super) fn expanded(&self, text: &str) -> Option<String> {
        let mut parts = text.split('$');
        let mut made = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = match part.strip_prefix('{') {
                Some(inner) => inner.split_once('}')?,
                None => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len()))
                }
            };
            made.push_str(self.env.get(name)?);
            made.push_str(rest);
        }
        Some(made)
    }

    /// The same call in another directory.
    pub fn at<'b>(&'b self, dir: &'b RepoPath) -> Call<'b> {
        Call { dir, ..*self }
    }
}

/// All values that words give to the option of these names.
pub fn options<'w>(words: &'w [String], names: &[&str]) -> Vec<&'w str> {
    let mut found = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        for name in names {
            if word == *name {
                found.extend(words.next());
                break;
            }
            let Some(rest) = word.strip_prefix(name) else {
                continue;
            };
            if let Some(value) = rest.strip_prefix('=') {
                found.push(value);
                break;
            }
            if name.len() == 2 && !rest.is_empty() {
                found.push(rest);
                break;
            }
        }
    }
    found
}
