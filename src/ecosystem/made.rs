//! One command behind a word of the project, a target of a Makefile or a script, and where it runs.

use super::Call;
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// One command of a recipe or of a script.
pub(super) struct Made {
    pub(super) seen: Seen,
    /// False where variables or conditions of a Makefile have a part in what is run.
    pub(super) is_plain: bool,
    /// The program as written, where it is named with its directory: it is one that something else has put there.
    pub(super) place: Option<String>,
    /// True where nothing is put into its words or read and written by redirection.
    pub(super) is_bare: bool,
}

/// Such a command where it runs: what it is asked about by itself with.
pub(super) struct Inner {
    words: Vec<String>,
    env: BTreeMap<String, String>,
    /// The directory of the context in which it runs.
    pub(super) dir: RepoPath,
}

impl Made {
    /// The command in its directory below `base`, with what is set for `call` and what stands before it; `None` where
    /// its directory is not known.
    pub(super) fn inner(&self, call: &Call<'_>, base: &RepoPath) -> Option<Inner> {
        let dir = call.at(base).path(self.seen.directory.as_deref()?)?;
        let mut env = call.env.clone();
        env.extend(self.seen.assignments.iter().cloned());
        let mut words = self.seen.words.clone();
        if let (Some(first), Some(place)) = (words.first_mut(), &self.place) {
            first.clone_from(place);
        }
        Some(Inner { words, env, dir })
    }
}

impl Inner {
    /// It as a call in place of `outer`.
    pub(super) fn call<'a>(&'a self, outer: &Call<'a>) -> Call<'a> {
        Call {
            words: &self.words,
            env: &self.env,
            dir: &self.dir,
            ..*outer
        }
    }
}

/// The program of a command of `script` as written, where it is named with its directory.
pub(super) fn place(script: &shell::Script, seen: &Seen) -> Option<String> {
    let end = format!("/{}", seen.name());
    let words = &script.commands.get(seen.command)?.words;
    let placed = words.iter().find(|w| w.text.ends_with(&end));
    placed.map(|w| w.text.clone())
}

/// Whether a command reads and writes nothing but what its words say.
pub(super) fn is_bare(command: &shell::Command) -> bool {
    let is_harmless = |target: &str| {
        target.starts_with("/dev/") || target.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    };
    command.substitutions.is_empty() && command.redirections.iter().all(|r| is_harmless(&r.target))
}
