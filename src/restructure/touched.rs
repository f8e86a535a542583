//! What the well-known commands of a RUN read and write, from their words alone.
//!
//! Only commands that [`super::command`] knows are judged; one that is not may do anything.

use super::command::{BY_WORDS, Group, SYSTEM, group};
use super::layout::{absolute, expand, is_within, overlap};
use super::tools::{cloned_into, clones, settings_beside};
use crate::shell;
use crate::shell::Connector;
use crate::shell::Script;
use crate::shell::Seen;
use std::collections::{BTreeMap, BTreeSet};

/// Where system commands write and read; not the places where people put applications. In /tmp they make files of
/// their own with names that nobody else has.
const SYSTEM_PLACES: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run",
    "/sbin", "/sys", "/usr", "/var",
];

/// Below the places of the system, yet no package manager writes there.
const NOT_SYSTEM: &[&str] = &[
    "/usr/src",
    "/usr/app",
    "/usr/share/nginx/html",
    "/usr/local/app",
    "/usr/local/src",
    "/var/www",
    "/var/app",
    "/var/task",
    "/usr/src/app",
    "/var/tmp",
    "/usr/local/apache2/htdocs",
];

/// Where administrators put programs: no package of a distribution writes there (Debian Policy 9.1.2, FHS 4.9).
pub const LOCAL_PROGRAMS: &[&str] = &["/usr/local/bin", "/usr/local/sbin"];

/// Programs beside those of the tables that installing a package runs by name, so that one in `/usr/local/bin` would be
/// taken for them.
const RUN_BY_INSTALLS: &[&str] = &[
    "ar",
    "bash",
    "busybox",
    "cc",
    "dash",
    "deb-systemd-helper",
    "env",
    "gcc",
    "getent",
    "invoke-rc.d",
    "ld",
    "node",
    "openssl",
    "perl",
    "pkg-config",
    "python",
    "python2",
    "python3",
    "service",
    "sh",
    "start-stop-daemon",
    "systemctl",
    "update-rc.d",
];

/// Whether `path` is a program in `/usr/local/bin` that no package manager writes, and none runs by its name.
fn is_local_program(path: &str) -> bool {
    let name = LOCAL_PROGRAMS
        .iter()
        .find_map(|d| path.strip_prefix(d)?.strip_prefix('/'));
    name.is_some_and(|name| {
        !name.is_empty()
            && ![BY_WORDS, SYSTEM, RUN_BY_INSTALLS]
                .iter()
                .any(|table| table.contains(&name))
    })
}

/// Whether a file at `path` is read by those who name it, and not by whoever looks into places of the system.
pub(super) fn is_read_by_name(path: &str) -> bool {
    let is_in = |places: &[&str]| places.iter().any(|p| is_within(path, p));
    !is_in(SYSTEM_PLACES) || is_in(NOT_SYSTEM) || is_local_program(path)
}

/// Places that packages installed for everyone by name read or write, beside the system's.
const GLOBAL_PLACES: &[&str] = &["/root", "/go", "/usr", "/opt"];

/// What all commands of one shell text do together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Absolute places, each with all below it.
    pub places: BTreeSet<String>,
    /// Whether the places of the system are touched.
    pub system: bool,
    /// Whether those of globally installed packages are.
    pub global: bool,
    /// Whether the working directory decides what is touched.
    pub reads_cwd: bool,
    /// Whether a program runs, or a user is named, that installing system packages may bring.
    pub needs_system: bool,
    /// Whether something is built in a directory that was fetched before: it may read any variable.
    pub builds: bool,
}

impl Touched {
    /// Whether a file or directory at absolute `path` may be read or written.
    pub fn meets(&self, path: &str) -> bool {
        let is_in = |places: &[&str]| places.iter().any(|p| overlap(path, p));
        let is_app = NOT_SYSTEM.iter().any(|p| is_within(path, p));
        self.places.iter().any(|p| overlap(path, p))
            || (self.system && is_in(SYSTEM_PLACES) && !is_app && !is_local_program(path))
            || (self.global && (is_in(GLOBAL_PLACES) || is_in(SYSTEM_PLACES)) && !is_app)
    }
}

/// What `script` touches when it starts in `cwd` with `variables`; `None` when a command is not known, or words are.
pub fn touched(
    script: &Script,
    cwd: Option<&str>,
    variables: &BTreeMap<String, Option<String>>,
) -> Option<Touched> {
    touched_beside(script, cwd, variables, &|_| false)
}

/// As [`touched`] for the commands that `is_known` does not say are known otherwise; those in `$(…)` are asked about too.
pub(super) fn touched_beside(
    script: &Script,
    cwd: Option<&str>,
    variables: &BTreeMap<String, Option<String>>,
    is_known: &dyn Fn(&Seen) -> bool,
) -> Option<Touched> {
    let value = |word: &str| match word.contains('$') {
        true => expand(word, variables).unwrap_or_else(|| word.to_owned()),
        false => word.to_owned(),
    };
    if !script.is_complete {
        return None;
    }
    let mut all = Touched::default();
    let mut fetched = Fetched::default();
    let every = script.seen();
    for (n, seen) in every.iter().enumerate() {
        if seen.name().is_empty() || is_known(seen) {
            continue;
        }
        if n > 0 && is_piped_installer(&every[n - 1], seen) {
            (all.system, all.global) = (true, true);
            for word in seen.args() {
                add_word(&mut all, word, cwd, true)?;
            }
            continue;
        }
        let here = here(&every[..n], seen, cwd, &value);
        match group(seen).or_else(|| fetched.is_built(seen, here.as_deref()))? {
            Group::Words => all.needs_system |= !is_everywhere(seen),
            Group::System => all.system = true,
            Group::Global => all.global = true,
            Group::Build => {
                (all.global, all.needs_system, all.builds) = (true, true, true);
                all.places.insert(here.clone()?);
            }
        }
        fetched.add(seen, here.as_deref(), &value);
        let from_start = seen.directory.as_deref() == Some("");
        for word in paths(seen) {
            add_word(&mut all, &value(word), here.as_deref(), from_start)?;
        }
        match where_it_stands(seen) {
            Local::Nothing => {}
            Local::Names(names) => {
                for name in names {
                    all.places.insert(absolute(here.as_deref(), &value(name))?);
                }
                all.reads_cwd |= from_start;
            }
            Local::Everything => {
                all.places.insert(here?);
                all.reads_cwd = true;
            }
        }
    }
    for command in &script.commands {
        for redirection in command
            .redirections
            .iter()
            .filter(|r| !r.operator.contains("<<"))
        {
            add_target(&mut all, &value(&redirection.target), cwd)?;
        }
        // What a substitution reads decides the words around it.
        for inner in &command.substitutions {
            let known = BY_WORDS.contains(&inner.name())
                || SYSTEM.contains(&inner.name())
                || inner.name().is_empty()
                || is_known(&as_seen(inner));
            if !known || !inner.substitutions.is_empty() {
                return None;
            }
            for word in inner.args() {
                add_word(&mut all, &value(word), cwd, true)?;
            }
            for redirection in inner
                .redirections
                .iter()
                .filter(|r| !r.operator.contains("<<"))
            {
                add_target(&mut all, &value(&redirection.target), cwd)?;
            }
            // Bare names are files where it stands: `$(sed -n 's/…//p' rust-toolchain.toml)`.
            let scripts = usize::from(matches!(
                inner.name(),
                "grep" | "egrep" | "fgrep" | "sed" | "awk" | "tr"
            ));
            let arguments = inner.args();
            let mut words = arguments
                .iter()
                .filter(|a| !a.starts_with('-'))
                .skip(scripts);
            if reads_files(inner.name()) && words.any(|w| !w.starts_with(['/', '$'])) {
                all.places.insert(cwd?.to_owned());
                all.reads_cwd = true;
            }
        }
    }
    Some(all)
}

/// Where a command runs: after a `cd` into what a variable names a part of, the directory above that.
fn here(
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

/// Directories that commands of one text have fetched: what is built there looks at what is there.
#[derive(Default)]
struct Fetched(Vec<String>);

impl Fetched {
    /// Notes where `seen` puts a repository or an archive from elsewhere.
    fn add(&mut self, seen: &Seen, here: Option<&str>, value: &dyn Fn(&str) -> String) {
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
    fn is_built(&self, seen: &Seen, here: Option<&str>) -> Option<Group> {
        let above = seen.args().iter().any(|a| a.contains("../"));
        let here = here.filter(|_| !above)?;
        let is_own = self.0.iter().any(|dir| is_within(here, dir));
        is_own.then_some(Group::Build)
    }
}

/// The values of flags of `seen`: the next word, or what is joined to a short flag (`-C/opt`), a bundle (`xzf FILE`) or
/// after `=`.
fn values<'s>(seen: &'s Seen, flags: &[&str]) -> Vec<&'s str> {
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

/// A command in `$(…)`, where the text begins.
pub(super) fn as_seen(command: &shell::Command) -> Seen {
    Seen {
        words: command.words.iter().map(|w| w.text.clone()).collect(),
        directory: Some(String::new()),
        ..Seen::default()
    }
}

/// Where scripts come from that install a tool for everyone and look at no project, as their text shows.
const INSTALLERS: &[&str] = &[
    "astral.sh/",
    "bun.sh/install",
    "deb.nodesource.com",
    "deno.land/install.sh",
    "deno.land/x/install",
    "dl.yarnpkg.com",
    "get.docker.com",
    "get.pnpm.io",
    "get.sdkman.io",
    "getcomposer.org/installer",
    "install.python-poetry.org",
    "packagecloud.io",
    "pyenv.run",
    "raw.githubusercontent.com/anchore/",
    "raw.githubusercontent.com/aquasecurity/trivy",
    "raw.githubusercontent.com/golangci/golangci-lint",
    "raw.githubusercontent.com/helm/helm",
    "raw.githubusercontent.com/nvm-sh/nvm",
    "rpm.nodesource.com",
    "sh.rustup.rs",
    "starship.rs/install.sh",
];

/// `curl URL | sh` with a script of [`INSTALLERS`].
fn is_piped_installer(fetch: &Seen, shell: &Seen) -> bool {
    let is_known = |word: &String| {
        let host = word.strip_prefix("https://");
        host.is_some_and(|h| INSTALLERS.iter().any(|i| h.starts_with(i)))
    };
    let is_shell = matches!(shell.name(), "sh" | "bash" | "python3" | "php")
        && shell.connector == Connector::Pipe
        && shell.args().first().is_none_or(|a| a.starts_with('-'));
    is_shell
        && matches!(fetch.name(), "curl" | "wget")
        && fetch.args().iter().any(is_known)
        && !shell.args().iter().any(|a| a.contains('$') || a == "-c")
}

/// Adds the file that a redirection names; `None` when it may be any.
fn add_target(all: &mut Touched, target: &str, cwd: Option<&str>) -> Option<()> {
    if target.starts_with(['/', '$', '~', '.', '*']) || target.contains('/') {
        return add_word(all, target, cwd, true);
    }
    // A descriptor, `2>&1`, or nothing to speak of.
    if target.is_empty() || target == "-" || target.bytes().all(|b| b.is_ascii_digit()) {
        return Some(());
    }
    let name = target
        .split(['$', '*', '?', '[', '{', '`'])
        .next()
        .unwrap_or_default();
    let path = absolute(
        cwd,
        if name.len() == target.len() {
            name
        } else {
            "."
        },
    )?;
    all.places.insert(path);
    all.reads_cwd = true;
    Some(())
}

/// Whether the bare words of a command are files.
fn reads_files(name: &str) -> bool {
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

/// Adds the path that `word` may be; `None` when it may be any.
fn add_word(all: &mut Touched, word: &str, cwd: Option<&str>, from_start: bool) -> Option<()> {
    // A flag's value counts as a path when it looks like one: `--output=/x`, `-C/x`.
    let word = if word.starts_with('-') {
        word.find('/').map_or("", |at| &word[at..])
    } else {
        word
    };
    if word.is_empty() || word.contains("://") {
        return Some(());
    }
    let head = word
        .split(['$', '*', '?', '[', '{', '`'])
        .next()
        .unwrap_or_default();
    if let Some(path) = head.strip_prefix('/') {
        // An unexpanded tail can only name something below the directory before it.
        let kept = if head.len() == word.len() {
            path
        } else {
            path.rsplit_once('/').map_or("", |(dir, _)| dir)
        };
        all.places.insert(absolute(None, &format!("/{kept}"))?);
        return Some(());
    }
    let is_path = word.starts_with(['.', '~', '$', '*']) || word.contains('/');
    if !is_path {
        return Some(());
    }
    if word.starts_with('~') {
        all.places.insert("/root".to_owned());
        all.places.insert("/home".to_owned());
        return Some(());
    }
    if word.starts_with('$') {
        // A variable that is no path is harmless; one that is may be any.
        return (!word.contains('/')).then_some(());
    }
    all.reads_cwd |= from_start;
    // As above: a pattern may be anything in its directory.
    let kept = if head.len() == word.len() {
        head
    } else {
        head.rsplit_once('/').map_or(".", |(dir, _)| dir)
    };
    all.places.insert(absolute(cwd, kept)?);
    Some(())
}

/// What a command reads or writes in the directory it runs in, beside the paths among its words.
enum Local<'a> {
    /// Nothing.
    Nothing,
    /// Files and directories of these names.
    Names(Vec<&'a str>),
    /// Perhaps all that is there.
    Everything,
}

fn where_it_stands(seen: &Seen) -> Local<'_> {
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
    let everything = |is_so: bool| {
        if is_so {
            Local::Everything
        } else {
            Local::Nothing
        }
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
        // The toolchain that a file beside it or above names.
        "rustup" => everything(
            matches!(seen.subcommand(), "target" | "component" | "show" | "which")
                && !has(&["--toolchain"]),
        ),
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
        .filter(|w| !w.starts_with(['$', '+', '.', '~', '*']) && !w.contains('/'))
        .filter(|w| !(takes_text && w.bytes().all(|b| b.is_ascii_digit())))
        .collect();
    if names
        .iter()
        .any(|n| n.contains(['*', '?', '[', '{', '$', '`']))
    {
        Local::Everything
    } else if names.is_empty() {
        Local::Nothing
    } else {
        Local::Names(names)
    }
}

/// The words of a command that may be paths: not what is only said, nor the members of an archive that is unpacked.
fn paths(seen: &Seen) -> Vec<&str> {
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
        // A home that is only named is not touched.
        "useradd" | "adduser" if names_home_only(seen) => {
            let homes = values(seen, &["-d", "-h", "--home", "--home-dir"]);
            words.filter(|w| !homes.contains(w)).collect()
        }
        // What is above is there.
        "cd" => words
            .filter(|w| !w.split('/').all(|name| name == ".."))
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
fn unpacks(seen: &Seen) -> bool {
    let bundle = seen.args().first().filter(|a| !a.starts_with("--"));
    bundle.is_some_and(|b| b.contains('x') && !b.contains(['c', 'r', 'u']))
        || seen.args().iter().any(|a| a == "--extract" || a == "-x")
}

/// Programs that are in every image with a shell, whatever is installed.
const EVERYWHERE: &[&str] = &[
    ":",
    "[",
    "arch",
    "basename",
    "cat",
    "cd",
    "chmod",
    "cp",
    "cut",
    "date",
    "dirname",
    "echo",
    "egrep",
    "exit",
    "export",
    "false",
    "fgrep",
    "find",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "printf",
    "pwd",
    "rm",
    "rmdir",
    "sed",
    "set",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "umask",
    "uname",
    "unlink",
    "unset",
    "wc",
    "which",
];

/// Whether a command runs in every image with a shell, whoever its users are.
fn is_everywhere(seen: &Seen) -> bool {
    EVERYWHERE.contains(&seen.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> BTreeMap<String, Option<String>> {
        [
            ("DIR".to_owned(), Some("/opt/d".to_owned())),
            ("ANY".to_owned(), None),
        ]
        .into()
    }

    #[test]
    fn places_are_those_that_the_words_name() {
        let check = |text: &str, want: Option<&[&str]>| {
            let found = touched(&crate::shell::parse(text), Some("/w"), &variables());
            let found = found.as_ref().map(|t| t.places.iter().map(String::as_str));
            let found: Option<Vec<&str>> = found.map(Iterator::collect);
            assert_eq!(found.as_deref(), want, "{text}");
        };
        check(
            "mkdir a && cd a && touch b && cd ..",
            Some(&["/w/a", "/w/a/b"]),
        );
        check("cd a", Some(&["/w/a"]));
        check("cd ./a", Some(&["/w/a"]));
        check("rm -rf a*", Some(&["/w"]));
        check("cp sub/a* /x", Some(&["/w/sub", "/x"]));
        check("echo a/b 'deb [x] https://y/z' > /etc/l", Some(&["/etc/l"]));
        check("tar -xzf a.tgz -C /opt p*/bin", Some(&["/opt", "/w/a.tgz"]));
        check("curl -fsSLo a.zip https://x/y", Some(&["/w/a.zip"]));
        check("curl -LO https://x/y/a.zip", Some(&["/w/a.zip"]));
        check("wget -qO- https://x/y", Some(&[]));
        check("wget https://x/y?z", Some(&["/w"]));
        check(
            "tar xf - -C /opt && cd /opt/a-$ANY && make",
            Some(&["/opt"]),
        );
        check("cd /opt && make", None);
        check("useradd -r -d /w a", Some(&[]));
        check("useradd -m -d /w a", Some(&["/w"]));
        check("tar xf - -C /opt", Some(&["/opt"]));
        check("tar xf /a.tgz", Some(&["/a.tgz", "/w"]));
        check(
            "tar -cf /a.tar sub/x -C /opt",
            Some(&["/a.tar", "/opt", "/w/sub/x"]),
        );
        check("find", Some(&["/w"]));
        check(
            "mkdir -p $DIR && touch ${DIR}/a",
            Some(&["/opt/d", "/opt/d/a"]),
        );
        check("touch $ANY/a", None);
        check("unknown a", None);
    }

    #[test]
    fn what_a_package_may_bring_is_needed() {
        let check = |text: &str, want: bool| {
            let found = touched(&crate::shell::parse(text), Some("/w"), &variables()).unwrap();
            assert_eq!(found.needs_system, want, "{text}");
        };
        check("mkdir -p /a && cp /b /a", false);
        check("curl -o /a https://x/y", true);
        check("chown app /a", true);
    }
}
