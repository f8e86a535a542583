//! Directories that the commands of a RUN make, and those that must be there for them to write what they write.
//!
//! Only commands of [`super::command`] whose words are all that they touch are judged: whoever installs makes his own.
//! Source: the manual pages of coreutils, curl, wget, git.

use super::super::layout::{absolute, is_within};
use super::super::system_places::SYSTEM_PLACES;
use super::super::tools::cloned_into;
use super::file_words::values;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Directories that every image with a shell holds, and those below /etc that the tools which read them bring along.
/// Source: the root file systems of Debian and Alpine.
const USUAL: &[&str] = &[
    "/etc/apt",
    "/etc/apt/apt.conf.d",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list.d",
    "/etc/apt/trusted.gpg.d",
    "/etc/profile.d",
    "/etc/ssl",
    "/etc/yum.repos.d",
    "/home",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/srv",
    "/tmp",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/share",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/keyrings",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/spool",
    "/var/tmp",
];

/// Whether an absolute directory is in every image.
pub(in crate::restructure) fn is_usual(directory: &str) -> bool {
    directory == "/" || SYSTEM_PLACES.contains(&directory) || USUAL.contains(&directory)
}

/// The directory that `path` lies in, unless it is in every image.
pub(in crate::restructure) fn needed_for(path: &str) -> Option<String> {
    let (above, _) = path.rsplit_once('/')?;
    (!is_usual(above) && !above.is_empty()).then(|| above.to_owned())
}

/// Whether one of the directories `known` to be there is `directory` or lies below it.
pub(in crate::restructure) fn is_among(known: &BTreeSet<String>, directory: &str) -> bool {
    known.iter().any(|k| is_within(k, directory))
}

/// What a command does with the directories that its words lead to.
pub(in crate::restructure) enum Way {
    /// It writes into them: they have to be there.
    Into,
    /// The last word alone is written.
    LastInto,
    /// It makes the directories that it is given, which themselves have to lie in others.
    Makes,
    /// It makes them with all that are missing above.
    MakesAll,
    /// It only reads, or takes away.
    Leaves,
}

/// How `seen` writes where its words lead.
pub(in crate::restructure) fn way(seen: &Seen) -> Way {
    let has = |short: char, long: &str| {
        let mut args = seen.args().iter();
        args.any(|a| a == long || (a.starts_with('-') && !a.starts_with("--") && a.contains(short)))
    };
    let targets = has('t', "--target-directory");
    match seen.name() {
        "mkdir" if has('p', "--parents") => Way::MakesAll,
        "mkdir" => Way::Makes,
        "install" if has('d', "--directory") => Way::MakesAll,
        "install" if has('D', "-D") => Way::Leaves,
        "curl" if has(' ', "--create-dirs") => Way::Leaves,
        // `-P` makes the directory.
        "wget" if !values(seen, &["-P", "--directory-prefix"]).is_empty() => Way::Leaves,
        "git" if cloned_into(seen).is_some() => Way::MakesAll,
        "venv" | "virtualenv" | "nodeenv" => Way::MakesAll,
        "cp" | "mv" | "ln" | "install" if !targets => Way::LastInto,
        "cp" | "mv" | "ln" | "install" | "curl" | "gpg" | "mktemp" | "strip" | "tar" | "tee"
        | "touch" | "unzip" | "wget" => Way::Into,
        _ => Way::Leaves,
    }
}

/// What the commands of one text need and make, as they come.
#[derive(Default)]
pub(in crate::restructure) struct Directories {
    made: BTreeSet<String>,
    needed: BTreeSet<String>,
}

impl Directories {
    /// Adds the places that `seen` touches, of which `last` is the one that its last word names.
    pub(in crate::restructure) fn add(
        &mut self,
        seen: &Seen,
        places: &BTreeSet<String>,
        last: Option<&str>,
    ) {
        match way(seen) {
            Way::Into => places.iter().for_each(|p| self.need(p)),
            Way::LastInto => {
                let of_last = places.iter().filter(|p| last.is_none_or(|l| *p == l));
                of_last.for_each(|p| self.need(p));
            }
            Way::Makes => {
                places.iter().for_each(|p| self.need(p));
                self.made.extend(places.iter().cloned());
            }
            Way::MakesAll => self.made.extend(places.iter().cloned()),
            Way::Leaves => {}
        }
    }

    /// Something at `path` is written.
    fn need(&mut self, path: &str) {
        let above = needed_for(path);
        self.needed
            .extend(above.filter(|d| !is_among(&self.made, d)));
    }

    /// Gives those that the commands make, and adds to `needs`, which redirections are in already, those that have to be
    /// there before them.
    pub(in crate::restructure) fn end(
        self,
        makes: &mut BTreeSet<String>,
        needs: &mut BTreeSet<String>,
    ) {
        needs.retain(|d| !is_among(&self.made, d));
        needs.extend(self.needed);
        *makes = self.made;
    }
}

/// The absolute place that the last word of a command names where it is plain.
pub(in crate::restructure) fn last_word(
    seen: &Seen,
    here: Option<&str>,
    value: &dyn Fn(&str) -> String,
) -> Option<String> {
    let last = value(seen.args().iter().rfind(|a| !a.starts_with('-'))?);
    let is_plain = !last.contains(['$', '`', '*', '?', '[', '{', '~']);
    absolute(here, &last).filter(|_| is_plain)
}

/// The files called `name` in the directories above that of `path`.
pub(super) fn above<'p>(path: &'p str, name: &'p str) -> impl Iterator<Item = String> + 'p {
    let directory = path.strip_suffix(name).unwrap_or(path);
    let ends = directory.match_indices('/').map(|(at, _)| at + 1);
    ends.map(move |end| format!("{}{name}", &directory[..end]))
}

/// Whether a command goes to the directory in which the text has begun.
pub(super) fn goes_back(seen: &Seen, here: Option<&str>, cwd: Option<&str>) -> bool {
    let to = match (seen.name(), seen.args()) {
        ("cd", [to]) if !to.contains(['$', '`', '~', '*']) => absolute(here, to),
        _ => None,
    };
    to.is_some() && to.as_deref() == cwd
}

/// Where a command runs: after a `cd` into what a variable names a part of, the directory above that.
pub(super) fn here(
    before: &[Seen],
    seen: &Seen,
    cwd: Option<&str>,
    value: &dyn Fn(&str) -> String,
) -> Option<String> {
    match seen.directory.as_deref() {
        Some("") => return cwd.map(str::to_owned),
        Some(directory) => return absolute(cwd, directory),
        None => {}
    }
    let last = before.iter().rev().find(|s| s.name() == "cd")?;
    let [to] = last.args() else { return None };
    let to = value(to);
    let from = match last.directory.as_deref()? {
        "" => cwd.map(str::to_owned),
        directory => absolute(cwd, directory),
    };
    if to.starts_with(['$', '~', '-', '`']) || to.contains("..") {
        return None;
    }
    let known = match to.find(['$', '`', '*']) {
        Some(at) => to[..at].rsplit_once('/').map_or(".", |(dir, _)| dir),
        None => &to,
    };
    absolute(from.as_deref(), if known.is_empty() { "/" } else { known })
}
