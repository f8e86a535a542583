//! One command behind a word of the project, a target of a Makefile or a script, and where it runs.

use super::Call;
use super::needs::within;
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// One command of a recipe or of a script.
pub(super) struct Made {
    pub(super) seen: Seen,
    /// False where variables or conditions of a Makefile have a part in what is run.
    pub(super) is_plain: bool,
    /// True where the program is named with its directory: it is one that something else has put there.
    pub(super) has_place: bool,
    /// True where nothing is put into its words or read and written by redirection.
    pub(super) is_bare: bool,
}

/// Such a command where it runs: what it is asked about by itself with.
pub(super) struct Inner<'m> {
    words: &'m [String],
    env: BTreeMap<String, String>,
    /// The directory of the context in which it runs.
    pub(super) dir: RepoPath,
}

impl Made {
    /// The command in its directory below `base`, with what is set for `call` and what stands before it; `None` where
    /// its directory is not known.
    pub(super) fn inner(&self, call: &Call<'_>, base: &RepoPath) -> Option<Inner<'_>> {
        let dir = within(base, self.seen.directory.as_deref()?)?;
        let mut env = call.env.clone();
        env.extend(self.seen.assignments.iter().cloned());
        let words = &self.seen.words;
        Some(Inner { words, env, dir })
    }
}

impl Inner<'_> {
    /// It as a call in place of `outer`.
    pub(super) fn call<'a>(&'a self, outer: &Call<'a>) -> Call<'a> {
        Call {
            words: self.words,
            env: &self.env,
            dir: &self.dir,
            ..*outer
        }
    }
}

/// Whether the program of a command of `script` is written with a directory before it.
pub(super) fn has_place(script: &shell::Script, seen: &Seen) -> bool {
    let end = format!("/{}", seen.name());
    let command = script.commands.get(seen.command);
    command.is_some_and(|c| c.words.iter().any(|w| w.text.ends_with(&end)))
}

/// Whether a command reads and writes nothing but what its words say.
pub(super) fn is_bare(command: &shell::Command) -> bool {
    let is_harmless = |target: &str| {
        target.starts_with("/dev/") || target.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    };
    command.substitutions.is_empty() && command.redirections.iter().all(|r| is_harmless(&r.target))
}
