//! RUNs between the source and an install that only work on what the source brings.

use super::super::command::EVERYWHERE;
use super::super::installs::is_quiet;
use super::super::installs::is_system_directory;
use super::super::layout::{absolute, expand, is_within};
use super::Lift;
use super::sort::{is_for_programs, is_found_by_programs};
use crate::shell;
use crate::shell::Seen;

/// Directories that installs fill, wherever they stand.
const FILLED: &[&str] = &["node_modules", "site-packages", "vendor", "venv", ".venv"];

impl Lift<'_, '_> {
    /// Whether RUN `index` changes modes, owners or texts of files that a COPY which stays brings, and that the install
    /// neither reads nor finds by itself, and does nothing else.
    pub(super) fn works_on_source(&self, index: usize) -> bool {
        let instruction = &self.of.stage.instructions[index];
        let Some(text) = instruction.shell_text() else {
            return false;
        };
        let script = shell::parse(text);
        let is_plain = |c: &shell::Command| {
            c.redirections.is_empty() && c.substitutions.is_empty() && c.assignments.is_empty()
        };
        let is_plain = script.is_complete
            && instruction.heredocs.is_empty()
            && script.commands.iter().all(is_plain);
        let mut all = script
            .seen()
            .into_iter()
            .filter(|s| !is_quiet(s))
            .peekable();
        is_plain && all.peek().is_some() && all.all(|seen| self.changes_source(index, &seen))
    }

    /// Whether a command of RUN `index` changes such files in place.
    fn changes_source(&self, index: usize, seen: &Seen) -> bool {
        let flags = seen.args().iter().filter(|a| a.starts_with('-'));
        let flags: Vec<&str> = flags.map(String::as_str).collect();
        // A mode may begin like a flag, and a flag may have a script of its own.
        let is_one = match seen.name() {
            "chgrp" | "chmod" | "chown" => flags
                .iter()
                .all(|f| matches!(*f, "-R" | "-v" | "-f" | "-c")),
            "sed" => {
                flags
                    .iter()
                    .all(|f| f.starts_with("-i") || matches!(*f, "-E" | "-r"))
                    && !flags.is_empty()
            }
            _ => false,
        };
        let here = seen.directory.as_deref();
        let here = here.and_then(|dir| absolute(Some(self.of.cwd(index)), dir));
        let variables = &self.of.places[index].variables;
        let is_of_source = |word: &String| {
            let word = expand(word, variables);
            let word = word.filter(|w| !w.contains(['$', '`', '~', '*', '?', '[', '{']));
            let path = word.and_then(|word| absolute(here.as_deref(), &word));
            path.is_some_and(|path| self.is_of_source(&path))
        };
        let words = seen.args().iter().filter(|a| !a.starts_with('-'));
        is_one && words.skip(1).all(is_of_source)
    }

    /// Whether what is at absolute `path`, or all below it, is brought by COPYs that stay, and is nothing to the install.
    fn is_of_source(&self, path: &str) -> bool {
        let (install, mut stay) = (&self.install, self.stay.iter());
        let is_brought = stay.any(|&i| {
            let mut files = self.of.brings[i].iter().flat_map(|files| files.keys());
            files.any(|to| is_within(to, path))
        });
        let is_filled = path.split('/').any(|name| FILLED.contains(&name));
        let mut wanted = install.reads.iter().chain(&install.dirs);
        let is_own = is_within(path, &install.dir) && !is_system_directory(&install.dir);
        // A service's own settings, which the COPY of them already shows to be nothing to the install.
        let is_setting = is_within(path, "/etc")
            && !is_found_by_programs(path)
            && self.stay.iter().any(|&i| {
                self.of.brings[i]
                    .iter()
                    .any(|files| files.contains_key(path))
            });
        is_brought
            && !is_filled
            && (is_own || is_setting || !is_for_programs(path))
            && !is_within(&install.dir, path)
            && !wanted.any(|p| is_within(p, path) || is_within(path, p))
    }
}

/// Whether the commands of a RUN are in every image, whatever packages are taken out of it.
pub(super) fn needs_no_packages(seen: &[Seen]) -> bool {
    let is_one = |s: &Seen| EVERYWHERE.contains(&s.name()) || matches!(s.name(), "chgrp" | "chown");
    !seen.is_empty() && seen.iter().all(is_one)
}
