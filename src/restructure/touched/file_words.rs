//! Which words of a well-known command are files, and which files it reads or writes where it stands.

use super::super::tools::{cloned_into, clones, is_by_name, settings_beside};
use crate::shell::Seen;

/// The values of flags of `seen`: the next word, or what is joined to a short flag (`-C/opt`), a bundle (`xzf FILE`) or
/// after `=`.
pub(in crate::restructure) fn values<'s>(seen: &'s Seen, flags: &[&str]) -> Vec<&'s str> {
    let mut found = Vec::new();
    let args = seen.args();
    for (n, word) in args.iter().enumerate() {
        for flag in flags {
            let next = || args.get(n + 1).map(String::as_str);
            if flag.starts_with("--") {
                let after = word.strip_prefix(flag);
                found.extend(after.and_then(|w| w.strip_prefix('=')));
                found.extend(after.filter(|w| w.is_empty()).and_then(|_| next()));
            } else if let Some(at) = word.find(&flag[1..]).filter(|_| is_bundle(seen, n)) {
                // `-fsSLo FILE`, `-qO-`, `-C/opt`: what follows the letter is its value.
                let joined = &word[at + 1..];
                found.extend(if joined.is_empty() {
                    next()
                } else {
                    Some(joined)
                });
            }
        }
    }
    found
}

/// Whether word `n` of the arguments is several short flags in one.
fn is_bundle(seen: &Seen, n: usize) -> bool {
    let word = &seen.args()[n];
    let is_old = n == 0 && seen.name() == "tar" && !word.starts_with('-');
    is_old || (word.starts_with('-') && !word.starts_with("--"))
}

/// Whether the bare words of a command are files.
pub(in crate::restructure) fn reads_files(name: &str) -> bool {
    matches!(
        name,
        "awk"
            | "basename"
            | "cat"
            | "cut"
            | "egrep"
            | "fgrep"
            | "find"
            | "grep"
            | "head"
            | "ls"
            | "md5sum"
            | "sed"
            | "sha1sum"
            | "sha256sum"
            | "sha512sum"
            | "sort"
            | "stat"
            | "tail"
            | "wc"
            | "xzcat"
    )
}

/// What a command reads or writes in the directory it runs in, beside the paths among its words.
pub(in crate::restructure) enum Local<'a> {
    /// Nothing.
    Nothing,
    /// Files and directories of these names.
    Names(Vec<&'a str>),
    /// Perhaps all that is there.
    Everything,
}

pub(in crate::restructure) fn where_it_stands(seen: &Seen) -> Local<'_> {
    let has = |flags: &[&str]| {
        seen.args().iter().any(|a| {
            flags
                .iter()
                .any(|f| a == f || (f.starts_with("--") && a.starts_with(&format!("{f}="))))
        })
    };
    let short = |c: char| {
        seen.args()
            .iter()
            .any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(c))
    };
    match seen.name() {
        "curl" if short('O') || has(&["--remote-name", "--remote-name-all"]) => remote_names(seen),
        "curl" => relative(values(seen, &["-o", "--output"])),
        "wget" => match values(
            seen,
            &["-O", "--output-document", "-P", "--directory-prefix"],
        ) {
            named if named.is_empty() => remote_names(seen),
            named => relative(named),
        },
        "tar" if !(short('C') || has(&["--directory"])) => Local::Everything,
        "tar" => relative(values(seen, &["-C", "--directory", "-f", "--file"])),
        "unzip" if !short('d') => Local::Everything,
        "unzip" => bare_names(seen),
        "git" => relative(cloned_into(seen).into_iter().collect()),
        "ls" | "find" if seen.args().first().is_none_or(|a| a.starts_with('-')) => {
            Local::Everything
        }
        // Bare names are files where it stands.
        "cat" | "cd" | "chmod" | "chown" | "chgrp" | "cp" | "find" | "grep" | "gunzip" | "gzip"
        | "head" | "install" | "ln" | "mkdir" | "mv" | "rm" | "rmdir" | "sed" | "sha256sum"
        | "sort" | "tail" | "tee" | "touch" | "xz" | "awk" | "stat" | "ls" | "bzip2"
        | "readlink" | "realpath" | "unzstd" | "venv" | "virtualenv" | "zcat" | "zstd" => {
            bare_names(seen)
        }
        _ => relative(settings_beside(seen).to_vec()),
    }
}

/// The files of these names where a command runs; a path that says more is among the words.
fn relative(names: Vec<&str>) -> Local<'_> {
    let is_bare = |n: &&str| !n.is_empty() && !n.contains('/') && !n.starts_with(['-', '~']);
    let names: Vec<&str> = names.into_iter().filter(is_bare).collect();
    if names.iter().any(|n| n.contains(['*', '?', '[', '$', '`'])) {
        Local::Everything
    } else if names.is_empty() {
        Local::Nothing
    } else {
        Local::Names(names)
    }
}

/// The files that a download makes under the names that its addresses end with.
fn remote_names(seen: &Seen) -> Local<'_> {
    let addresses = seen.args().iter().filter(|a| a.contains("://"));
    let names: Option<Vec<&str>> = addresses
        .map(|a| {
            let name = a.rsplit('/').next()?;
            let is_plain = !name.is_empty() && !name.contains(['?', '*', '[', '{', '$', '`', '&']);
            is_plain.then_some(name)
        })
        .collect();
    match names {
        Some(names) if !names.is_empty() => Local::Names(names),
        _ => Local::Everything,
    }
}

/// The bare words of a command that are likely files: a mode, an owner, a count or a script is not.
fn bare_names(seen: &Seen) -> Local<'_> {
    let first_is_no_file = matches!(
        seen.name(),
        "chmod" | "chown" | "chgrp" | "grep" | "sed" | "awk"
    );
    let takes_text = matches!(
        seen.name(),
        "grep"
            | "sed"
            | "awk"
            | "head"
            | "tail"
            | "sort"
            | "cat"
            | "tee"
            | "gzip"
            | "xz"
            | "gunzip"
            | "sha256sum"
    );
    let words = seen.args().iter().filter(|a| !a.starts_with('-'));
    let names: Vec<&str> = words
        .skip(usize::from(first_is_no_file))
        .map(String::as_str)
        .filter(|w| !w.starts_with(['+', '.', '~', '*']) && !w.contains('/'))
        .filter(|w| !(takes_text && w.bytes().all(|b| b.is_ascii_digit())))
        .collect();
    // A variable alone stands for a name, or for several.
    let may_be_more =
        |n: &&str| n.contains(['*', '?', '[', '`']) || n.find('$').is_some_and(|at| at > 0);
    let is_braced = |n: &&str| n.contains('{') && !n.starts_with("${");
    if names.iter().any(|n| may_be_more(n) || is_braced(n)) {
        Local::Everything
    } else if names.is_empty() {
        Local::Nothing
    } else {
        Local::Names(names)
    }
}

/// The words of a command that may be paths: not what is only said, nor the members of an archive that is unpacked.
pub(in crate::restructure) fn paths(seen: &Seen) -> Vec<&str> {
    let words = seen.args().iter().map(String::as_str);
    match seen.name() {
        "echo" | "printf" => words.filter(|w| w.starts_with('*')).collect(),
        "git" if clones(seen) => cloned_into(seen)
            .into_iter()
            .chain([
                "/root/.gitconfig",
                "/root/.netrc",
                "/root/.ssh",
                "/etc/gitconfig",
            ])
            .collect(),
        "git" => vec!["/root/.gitconfig", "/etc/gitconfig"],
        // `example.com/tool/cmd@v1`, `@scope/tool`.
        _ if is_by_name(seen) => words
            .filter(|w| !w.contains('@') || w.starts_with(['/', '.', '~', '$', '-']))
            .collect(),
        // A home that is only named is not touched.
        "useradd" | "adduser" if names_home_only(seen) => {
            let homes = values(seen, &["-d", "-h", "--home", "--home-dir"]);
            words.filter(|w| !homes.contains(w)).collect()
        }
        // What is above is there.
        "cd" => words
            .filter(|w| *w != "/" && !w.split('/').all(|name| name == ".."))
            .collect(),
        "tar" if unpacks(seen) => {
            let mut takes_value = false;
            words
                .enumerate()
                .filter(|(n, word)| {
                    let is_value = std::mem::take(&mut takes_value);
                    let is_bundle = *n == 0 || (word.starts_with('-') && !word.starts_with("--"));
                    takes_value = (is_bundle && word.contains(['f', 'C']))
                        || matches!(*word, "--file" | "--directory");
                    is_value || word.starts_with(['-', '/'])
                })
                .map(|(_, word)| word)
                .collect()
        }
        // `--virtual .build-deps` names what it adds, by a name that no package has (apk-add(8)).
        "apk" => words
            .filter(|w| !w.starts_with('.') || w.contains('/') || w.ends_with(".apk"))
            .collect(),
        _ => words.collect(),
    }
}

/// Whether a new user gets no home directory, whatever the distribution's custom is.
fn names_home_only(seen: &Seen) -> bool {
    let has = |short: char, long: &str| {
        let is_it = |a: &String| {
            a == long || (a.starts_with('-') && !a.starts_with("--") && a.contains(short))
        };
        seen.args().iter().any(is_it)
    };
    match seen.name() {
        "useradd" => {
            !has('m', "--create-home") && (has('M', "--no-create-home") || has('r', "--system"))
        }
        _ => has('H', "--no-create-home"),
    }
}

/// Whether a `tar` takes files out of an archive.
pub(in crate::restructure) fn unpacks(seen: &Seen) -> bool {
    let bundles = (0..seen.args().len()).filter(|&n| is_bundle(seen, n));
    let bundles: Vec<&String> = bundles.map(|n| &seen.args()[n]).collect();
    let takes = bundles.iter().any(|b| b.contains('x'));
    takes && !bundles.iter().any(|b| b.contains(['c', 'r', 'u']))
        || seen.args().iter().any(|a| a == "--extract" || a == "-x")
}
