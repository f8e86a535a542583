//! What earlier commands of a text have brought: directories that are built in, programs that are asked for their versions.

use super::super::command::{Group, group, installs};
use super::super::layout::{absolute, is_within, last_name};
use super::super::tools::{cloned_into, is_by_name};
use super::file_words::{unpacks, values};
use crate::shell::{Connector, Seen, tells_of_itself};

/// Whether a command asks a program for its version that a command before it has brought under this name.
pub(in crate::restructure) fn tells_what_was_brought(before: &[Seen], seen: &Seen) -> bool {
    let is_it = |word: &String| {
        let name = word.split(['=', '@', '<', '>', '~']).next().unwrap_or(word);
        name.rsplit('/').next() == Some(seen.name())
    };
    let brings = |s: &Seen| {
        let puts_there = matches!(
            s.name(),
            "cp" | "curl" | "install" | "ln" | "mv" | "tar" | "unzip" | "wget"
        );
        puts_there || matches!(group(s), Some(Group::System | Group::Global)) && installs(s)
    };
    tells_of_itself(&seen.words)
        && before
            .iter()
            .any(|s| brings(s) && s.args().iter().any(is_it))
}

/// Directories that commands of one text have fetched: what is built there looks at what is there.
#[derive(Default)]
pub(super) struct Fetched(Vec<String>);

impl Fetched {
    /// Notes where `seen` puts a repository or an archive from elsewhere.
    pub(super) fn add(&mut self, seen: &Seen, here: Option<&str>, value: &dyn Fn(&str) -> String) {
        let to = match seen.name() {
            "git" => cloned_into(seen),
            "tar" if unpacks(seen) => {
                Some(values(seen, &["-C", "--directory"]).pop().unwrap_or("."))
            }
            "unzip" => Some(values(seen, &["-d"]).pop().unwrap_or(".")),
            _ => None,
        };
        let to = to.map(value).filter(|to| !to.contains(['$', '`', '*']));
        self.0.extend(to.and_then(|to| absolute(here, &to)));
    }

    /// [`Group::Build`] where a command runs in such a directory, not in one above.
    pub(super) fn is_built(&self, seen: &Seen, here: Option<&str>) -> Option<Group> {
        let above = seen.args().iter().any(|a| a.contains("../"));
        let here = here.filter(|_| !above)?;
        let is_own = self.0.iter().any(|dir| is_within(here, dir));
        is_own.then_some(Group::Build)
    }
}

/// Whether a command takes files out of an archive that those before it have fetched: from a pipe, or under a name.
pub(super) fn unpacks_from_elsewhere(before: &[Seen], seen: &Seen) -> bool {
    let fetches = |s: &Seen| matches!(s.name(), "curl" | "wget");
    if seen.name() != "tar" || !unpacks(seen) {
        return false;
    }
    let files = values(seen, &["-f", "--file"]);
    if files.iter().all(|f| *f == "-") {
        let piped = before.iter().rev();
        let mut until = Some(seen.connector);
        let mut chain = piped.take_while(|s| until.replace(s.connector) == Some(Connector::Pipe));
        return chain.any(fetches);
    }
    let is_told = |file: &&str| {
        let name = last_name(file);
        let says = |w: &String| w == file || w.contains("://") && w.ends_with(&format!("/{name}"));
        let mut all = before.iter();
        all.any(|s| fetches(s) && s.args().iter().any(says))
    };
    files.iter().all(is_told)
}

/// Whether one of the commands `before` installs something by the name of the program that `seen` runs.
pub(super) fn brings(before: &[Seen], seen: &Seen) -> bool {
    let is_named = |s: &Seen| s.args().iter().any(|a| a.contains(seen.name()));
    let fetches = |s: &Seen| s.args().iter().any(|a| a.contains("://"));
    before
        .iter()
        .any(|s| (installs(s) || is_by_name(s) || fetches(s)) && is_named(s))
}
