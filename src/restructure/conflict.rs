//! Whether two instructions may change places, by what each reads and writes.

use super::command::reads_variable;
use super::effect::{Effect, Files, State};
use super::layout::{is_within, last_name, overlap};
use super::system_places::{NOT_SYSTEM, SYSTEM_PLACES};
use super::touched::Touched;
use super::touched::is_among;
use std::collections::BTreeSet;

/// Why the order of two instructions matters, of which `one` stands first; a fragment for a sentence. `None` when it was
/// shown that it does not.
pub(super) fn conflict(one: &Effect, other: &Effect) -> Option<String> {
    let is_apart =
        !one.parts.is_empty() && !other.parts.is_empty() && one.parts.is_disjoint(&other.parts);
    if one.config.is_some() && one.config == other.config && !is_apart {
        return Some("both write the same part of the image's configuration".to_owned());
    }
    variable_conflict(one, other, other.runs_system)
        .or_else(|| variable_conflict(other, one, one.runs_known))
        .or_else(|| state_conflict(one, other))
        .or_else(|| state_conflict(other, one))
        .or_else(|| user_conflict(one, other))
        .or_else(|| file_conflict(&one.files, &other.files))
        .or_else(|| directory_conflict(one, other))
        .or_else(|| target_conflict(one, other))
        .or_else(|| untracked_conflict(one, other))
        .or_else(|| beside_conflict(one, other))
        .or_else(|| beside_conflict(other, one))
}

/// A copy of a directory may bring what git does not hold to where another step writes: which of the two is in the image
/// is a matter of order.
fn beside_conflict(filler: &Effect, other: &Effect) -> Option<String> {
    let paths: Vec<&String> = match &other.files {
        Files::Exactly(paths) | Files::Places(paths) => paths.iter().collect(),
        Files::Commands(touched) => touched.places.iter().collect(),
        Files::Nothing | Files::Anything => return None,
    };
    // WORKDIR and VOLUME name a place and put nothing there.
    if other.writes.cwd || other.config.is_some() {
        return None;
    }
    // A directory may be named, or all that is in it.
    let is_brought = |path: &&String| {
        let inside = format!("{path}/x");
        let mut beside = filler.beside.iter();
        beside.any(|b| b.may_bring(path) || b.may_bring(&inside))
    };
    let path = paths.into_iter().find(is_brought)?;
    Some(format!(
        "one of them may bring {path} from a working copy, which the other writes"
    ))
}

/// What git does not hold may be in the context all the same, made there before the build: who reads it needs the
/// instruction that brings it.
fn untracked_conflict(one: &Effect, other: &Effect) -> Option<String> {
    let Files::Commands(Touched { reads, .. }) = &other.files else {
        return None;
    };
    let is_in = |path: &str, places: &[&str]| places.iter().any(|p| is_within(path, p));
    let is_of_system = |path: &str| is_in(path, SYSTEM_PLACES) && !is_in(path, NOT_SYSTEM);
    let is_brought = |path: &&String| {
        let mut filled = one.fills.iter();
        filled.any(|dir| is_within(path, dir) && *path != dir)
    };
    let mut reads = reads.iter();
    let path = reads.find(|p| is_brought(p) && !other.found.contains(*p) && !is_of_system(p))?;
    Some(format!(
        "the first may bring {path}, which the second reads"
    ))
}

/// What is written into a directory needs whatever makes that directory first.
fn directory_conflict(one: &Effect, other: &Effect) -> Option<String> {
    let Files::Commands(Touched { needs, .. }) = &other.files else {
        return None;
    };
    let makes = |directory: &&String| match &one.files {
        Files::Nothing => false,
        Files::Anything => true,
        Files::Exactly(paths) | Files::Places(paths) => {
            paths.iter().any(|p| is_within(p, directory))
        }
        // Who himself writes into it has found it there.
        Files::Commands(before) => {
            let is_of_system = SYSTEM_PLACES.iter().any(|p| is_within(directory, p));
            let is_met = before.meets(directory) || (before.system && is_of_system);
            is_met && !is_among(&before.needs, directory)
        }
    };
    let mut needed = needs.iter().filter(|d| !is_among(&one.found, d));
    let directory = needed.find(makes)?;
    Some(format!(
        "the first may make {directory}, which the second writes into"
    ))
}

/// A file goes into a directory only where that is there by then.
fn target_conflict(one: &Effect, other: &Effect) -> Option<String> {
    let directory = other.into.as_ref().filter(|d| !one.found.contains(*d))?;
    let is_made = match &one.files {
        Files::Nothing => false,
        Files::Anything => true,
        Files::Exactly(paths) | Files::Places(paths) => {
            paths.iter().any(|p| is_within(p, directory))
        }
        Files::Commands(before) => before.meets(directory) || is_among(&before.makes, directory),
    };
    is_made.then(|| format!("the first may make {directory}, into which the second copies"))
}

/// Users are looked up in what stands above: there they may be made. What stands below may add others, and must leave
/// those alone that are there.
fn user_conflict(one: &Effect, other: &Effect) -> Option<String> {
    let writes_them = |files: &Files| match files {
        Files::Nothing => false,
        Files::Anything => true,
        Files::Commands(touched) => USERS.iter().any(|table| touched.meets(table)),
        Files::Exactly(paths) | Files::Places(paths) => {
            USERS.iter().any(|table| paths.iter().any(|p| p == table))
                || paths.iter().any(|p| p == "/etc")
        }
    };
    let changes_them = |files: &Files| match files {
        Files::Commands(touched) => {
            touched.changes_users
                || USERS
                    .iter()
                    .any(|table| touched.places.iter().any(|p| overlap(p, table)))
        }
        others => writes_them(others),
    };
    let meet = (other.names_users && writes_them(&one.files))
        || (one.names_users && changes_them(&other.files));
    meet.then(|| "one of them names a user and the other may change who that is".to_owned())
}

/// Where users and groups are looked up.
const USERS: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// `is_found` says whether the reader finds its programs without and with directories behind those of PATH.
fn variable_conflict(setter: &Effect, reader: &Effect, is_found: bool) -> Option<String> {
    for name in &setter.sets {
        let is_behind = name == "PATH" && setter.adds_to_path && is_found;
        let read = reader.mentions.contains(name)
            || reader.sets.contains(name)
            || match &reader.groups {
                None => true,
                Some(groups) => !is_behind && groups.iter().any(|g| reads_variable(*g, name)),
            };
        if read {
            return Some(format!("the value of {name} may be read"));
        }
    }
    None
}

fn state_conflict(setter: &Effect, reader: &Effect) -> Option<String> {
    let State { cwd, user, shell } = setter.writes;
    let of = |set: bool, reads: bool, writes: bool, what: &str| {
        (set && (reads || writes)).then(|| format!("{what} changes between them"))
    };
    of(
        cwd,
        reader.reads.cwd,
        reader.writes.cwd,
        "the working directory",
    )
    .or_else(|| of(user, reader.reads.user, reader.writes.user, "the user"))
    .or_else(|| of(shell, reader.reads.shell, reader.writes.shell, "the shell"))
}

fn file_conflict(one: &Files, other: &Files) -> Option<String> {
    let shared = |place: &str| Some(format!("both touch {place}"));
    match (one, other) {
        (Files::Nothing, _) | (_, Files::Nothing) => None,
        (Files::Anything, _) | (_, Files::Anything) => {
            Some("one of them may touch any file".to_owned())
        }
        (Files::Commands(a), Files::Commands(b)) => commands_conflict(a, b),
        (Files::Commands(a), Files::Places(paths)) | (Files::Places(paths), Files::Commands(a))
            if a.needs_packages =>
        {
            paths.first().and_then(|p| shared(p))
        }
        (Files::Commands(a), Files::Exactly(paths))
        | (Files::Exactly(paths), Files::Commands(a))
            if a.needs_packages && paths.iter().any(|p| is_of_packages(p)) =>
        {
            paths
                .iter()
                .find(|p| is_of_packages(p))
                .and_then(|p| shared(p))
        }
        (Files::Commands(a), Files::Exactly(paths) | Files::Places(paths))
        | (Files::Exactly(paths) | Files::Places(paths), Files::Commands(a)) => {
            paths.iter().find(|p| a.meets(p)).and_then(|p| shared(p))
        }
        (Files::Exactly(a), Files::Exactly(b)) => {
            let known: BTreeSet<&String> = a.iter().collect();
            b.iter().find(|p| known.contains(p)).and_then(|p| shared(p))
        }
        (Files::Exactly(a) | Files::Places(a), Files::Places(b))
        | (Files::Places(a), Files::Exactly(b)) => {
            let mut pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
            pairs
                .find(|(x, y)| overlap(x, y))
                .and_then(|(x, _)| shared(x))
        }
    }
}

/// Whether a file is a program, a library, or part of a package that is installed.
fn is_of_packages(path: &str) -> bool {
    let name = last_name(path);
    if name.ends_with(".so") || name.contains(".so.") {
        return true;
    }
    ["/bin/", "/node_modules/", "/site-packages/"]
        .iter()
        .any(|dir| path.contains(dir))
}

fn commands_conflict(a: &Touched, b: &Touched) -> Option<String> {
    if a.system && b.needs_system {
        return Some("the first may install what the second runs".to_owned());
    }
    if (a.system || a.global) && (b.system || b.global) {
        return Some("both change the system".to_owned());
    }
    let place = b
        .places
        .iter()
        .find(|p| a.meets(p))
        .or_else(|| a.places.iter().find(|p| b.meets(p)))?;
    Some(format!("both touch {place}"))
}
