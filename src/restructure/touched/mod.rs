//! What the well-known commands of a RUN read and write, from their words alone.
//!
//! Only commands that [`super::command`] knows are judged; one that is not may do anything.
//!
//! Never: reads a file, takes a command that it does not know for one that does nothing.

mod brought;
mod directories;
mod file_words;
mod installers;
mod named_files;
mod words;

pub(super) use brought::tells_what_was_brought;
pub(super) use directories::is_among;
pub(super) use installers::is_piped_installer;

use super::command::{EVERYWHERE, Group, asks_version, group, group_of};
use super::layout::{absolute, expand, is_within, overlap};
use super::notes::is_note;
use super::system_places::{
    GLOBAL_PLACES, NOT_SYSTEM, OF_LANGUAGES, SYSTEM_PLACES, is_local_program, is_own_of_local,
};
use super::tools::{TOOLCHAIN_FILES, is_of_package};
use crate::shell;
use crate::shell::Command;
use crate::shell::Script;
use crate::shell::Seen;
use brought::{Fetched, brings, unpacks_from_elsewhere};
use directories::{Directories, above, goes_back, here, last_word, needed_for};
use file_words::{Local, paths, reads_files, where_it_stands};
use named_files::{Found, named};
use std::collections::{BTreeMap, BTreeSet};
use words::{add_target, add_word};

/// What all commands of one shell text do together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Absolute places, each with all below it.
    pub places: BTreeSet<String>,
    /// Whether the places of the system are touched.
    pub system: bool,
    /// Whether those of globally installed packages are.
    pub global: bool,
    /// Whether users and groups that are there may become others or go.
    pub changes_users: bool,
    /// Whether the working directory decides what is touched.
    pub reads_cwd: bool,
    /// Whether a program runs, or a user is named, that installing system packages may bring.
    pub needs_system: bool,
    /// Whether a program runs that comes with a package: what another stage brings may be that.
    pub needs_packages: bool,
    /// Whether something is built in a directory that was fetched before: it may read any variable.
    pub builds: bool,
    /// Directories that are there afterwards for it has made them, with all that lie above.
    pub makes: BTreeSet<String>,
    /// Directories that have to be there before it, for something is written into them.
    pub needs: BTreeSet<String>,
    /// Files and directories that have to be there before it: it names them and has not made them.
    pub reads: BTreeSet<String>,
    /// Files and directories that its words name and it has made.
    pub wrote: BTreeSet<String>,
    /// Files that its words name where there are any of that name.
    pub perhaps: BTreeSet<String>,
    /// Whether `/` is among the places for the one reason that an archive from elsewhere is unpacked there.
    pub unpacks_to_root: bool,
}

impl Touched {
    /// The same, where archives that are unpacked into `/` bring files for the system and for everyone.
    pub(super) fn past_root(&self) -> Self {
        let mut past = self.clone();
        if self.unpacks_to_root {
            past.places.remove("/");
            (past.system, past.global) = (true, true);
        }
        past
    }

    /// Whether a file or directory at absolute `path` may be read or written.
    pub fn meets(&self, path: &str) -> bool {
        let is_in = |places: &[&str]| places.iter().any(|p| overlap(path, p));
        let is_below = |places: &[&str]| places.iter().any(|p| is_within(path, p));
        let is_app = is_below(NOT_SYSTEM) || is_note(path);
        let is_local = is_local_program(path) || is_own_of_local(path);
        let is_managed = is_in(SYSTEM_PLACES) && !is_local && !is_below(OF_LANGUAGES);
        self.places.iter().any(|p| overlap(path, p))
            || (self.system && is_managed && !is_app)
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
    let own = assigned(script, variables);
    let value = |word: &str| match word.contains('$') {
        true => expand(word, &own).unwrap_or_else(|| word.to_owned()),
        false => word.to_owned(),
    };
    if !script.is_complete {
        return None;
    }
    let mut all = Touched::default();
    let mut fetched = Fetched::default();
    let mut directories = Directories::default();
    let mut found = Found::default();
    let every = script.seen();
    for (n, seen) in every.iter().enumerate() {
        if seen.name().is_empty() || is_known(seen) {
            continue;
        }
        if n > 0 && is_piped_installer(&every[n - 1], seen) {
            (all.system, all.global) = (true, true);
            all.changes_users = true;
            for word in seen.args() {
                add_word(&mut all, word, cwd, true)?;
            }
            continue;
        }
        let here = here(&every[..n], seen, cwd, &value);
        let asked = || tells_what_was_brought(&every[..n], seen).then_some(Group::Words);
        let built = || fetched.is_built(seen, here.as_deref());
        match group(seen).or_else(asked).or_else(built)? {
            Group::Words => {
                all.needs_system |= !EVERYWHERE.contains(&seen.name());
                // What is installed for everyone after it goes there, where PATH leads there.
                all.global |= makes_environment(seen);
                all.needs_packages |= asks_version(seen) && !brings(&every[..n], seen);
            }
            Group::System => {
                all.system = true;
                all.changes_users |= CHANGE_USERS.contains(&seen.name());
            }
            Group::Global => {
                all.global = true;
                let is_tool = seen.name() == "poetry" && !brings(&every[..n], seen);
                all.needs_packages |= is_of_package(seen) || is_tool;
            }
            Group::Build => {
                (all.global, all.needs_system, all.builds) = (true, true, true);
                all.changes_users = true;
                all.places.insert(here.clone()?);
            }
        }
        fetched.add(seen, here.as_deref(), &value);
        // `.venv/bin/pip` is one that has to be there.
        let words = script.commands.get(seen.command).map(|c| &c.words);
        let program = words.and_then(|w| w.first()).map(|w| value(&w.text));
        let is_in = |path: &String, places: &[&str]| places.iter().any(|p| is_within(path, p));
        if let Some(path) = program.filter(|p| p.contains('/') && !is_in(p, SYSTEM_PLACES)) {
            let from_start = seen.directory.as_deref() == Some("");
            add_word(&mut all, &path, here.as_deref(), from_start)?;
        }
        let mut own = Touched::default();
        add_command(&mut own, seen, here.as_deref(), &value)?;
        // Where it has begun is there.
        if goes_back(seen, here.as_deref(), cwd) {
            (own.places, all.reads_cwd) = (BTreeSet::new(), true);
        }
        if own.places.contains("/") && unpacks_from_elsewhere(&every[..n], seen) {
            own.places.remove("/");
            all.unpacks_to_root = true;
        }
        let last = last_word(seen, here.as_deref(), &value);
        directories.add(seen, &own.places, last.as_deref());
        let named = named(seen, here.as_deref(), &value);
        found.add(seen, (&own.places, &named.files), (here.as_deref(), &value));
        let from_start = seen.directory.as_deref() == Some("");
        all.reads_cwd |= own.reads_cwd || (named.is_relative && from_start);
        all.places.extend(own.places.into_iter().chain(named.files));
        all.perhaps.extend(named.perhaps);
    }
    add_around(&mut all, script, cwd, (&value, is_known), 0)?;
    if all.unpacks_to_root {
        all.unpacks_to_root = all.places.insert("/".to_owned());
    }
    (all.reads, all.wrote) = found.end(written(script, cwd, &value));
    directories.end(&mut all.makes, &mut all.needs);
    Some(all)
}

/// The files that redirections write.
fn written(script: &Script, cwd: Option<&str>, value: Value<'_>) -> BTreeSet<String> {
    let all = script.commands.iter().flat_map(|c| &c.redirections);
    let writes = all.filter(|r| r.operator.contains('>'));
    writes
        .filter_map(|r| absolute(cwd, &value(&r.target)))
        .collect()
}

/// Commands that change users and groups which are there, by their manuals: `useradd` and packages add others.
const CHANGE_USERS: &[&str] = &[
    "delgroup", "deluser", "gpasswd", "groupdel", "groupmod", "userdel", "usermod",
];

/// Whether a command makes a place of its own for packages.
fn makes_environment(seen: &Seen) -> bool {
    matches!(seen.name(), "nodeenv" | "venv" | "virtualenv")
}

/// The variables with those that the text sets once, to something known, and those of its loops.
fn assigned(
    script: &Script,
    variables: &BTreeMap<String, Option<String>>,
) -> BTreeMap<String, Option<String>> {
    let mut all = variables.clone();
    let mut set = BTreeSet::new();
    let mut add = |name: &str, value: &str| {
        let is_first = set.insert(name.to_owned());
        let value = match value.strip_prefix("$(") {
            Some(inner) if inner.starts_with("mktemp") => Some("/tmp".to_owned()),
            Some(_) => None,
            None => expand(value, &all).filter(|v| !v.contains(['$', '`'])),
        };
        all.insert(name.to_owned(), value.filter(|_| is_first));
    };
    for command in &script.commands {
        if let [name, is_in, items @ ..] = command.over.as_slice()
            && is_in.text == "in"
        {
            let items: Vec<&str> = items.iter().map(|w| w.text.as_str()).collect();
            add(&name.text, &items.join(" "));
        }
        let alone = command
            .assignments
            .iter()
            .filter(|_| command.words.is_empty());
        alone.for_each(|a| add(&a.name, &a.value));
        if command.name() == "export" {
            let told = command.args().into_iter().filter_map(|w| w.split_once('='));
            told.for_each(|(name, value)| add(name, value));
        }
    }
    all
}

/// `sh -c` in `sh -c`, at most.
const MAX_DEPTH: usize = 4;

/// Adds what stands around the commands: the files of redirections, commands in `$(…)`, values, what loops go over.
fn add_around(
    all: &mut Touched,
    script: &Script,
    cwd: Option<&str>,
    (value, is_known): (Value<'_>, &dyn Fn(&Seen) -> bool),
    depth: usize,
) -> Option<()> {
    if !script.is_complete || depth > MAX_DEPTH {
        return None;
    }
    let every = script.seen();
    let numbers = every.iter().enumerate().rev();
    let first_of: BTreeMap<usize, usize> = numbers.map(|(n, s)| (s.command, n)).collect();
    for (index, command) in script.commands.iter().enumerate() {
        let here = match first_of.get(&index).copied() {
            Some(n) => here(&every[..n], &every[n], cwd, value),
            None => cwd.map(str::to_owned),
        };
        let here = here.as_deref();
        add_targets(all, command, here, value)?;
        for inner in &command.substitutions {
            let is_known = inner.name().is_empty()
                || group_of(inner.name()).is_some()
                || is_known(&as_seen(inner));
            if !is_known || !inner.substitutions.is_empty() {
                return None;
            }
            add_substitution(all, inner, here, value)?;
        }
        let set = command.assignments.iter().map(|a| a.value.as_str());
        let over = command.over.iter().map(|w| w.text.as_str());
        for word in set.chain(over).map(value) {
            // What a variable or a command puts there is known by its own place, or not at all.
            if !word.starts_with(['$', '`']) {
                add_word(all, &word, here, true)?;
            }
        }
        if let Some(inner) = command.inner() {
            add_around(all, &inner, here, (value, is_known), depth + 1)?;
        }
    }
    Some(())
}

/// Gives a word with the variables put in whose values are known.
pub(super) type Value<'a> = &'a dyn Fn(&str) -> String;

/// Adds what a command's words name, and what it touches `here`, where it stands.
fn add_command(all: &mut Touched, seen: &Seen, here: Option<&str>, value: Value<'_>) -> Option<()> {
    let from_start = seen.directory.as_deref() == Some("");
    for word in paths(seen) {
        add_word(all, &value(word), here, from_start)?;
    }
    match where_it_stands(seen) {
        Local::Nothing => {}
        Local::Names(names) => {
            for name in names {
                // One that is not known may be any.
                let name = value(name);
                for name in name.split_whitespace().filter(|n| !n.starts_with('-')) {
                    let is_known = !name.contains(['$', '`']);
                    let kept = match name.split_once(['*', '?', '[']) {
                        Some((head, _)) => head.rsplit_once('/').map_or(".", |(dir, _)| dir),
                        None => name,
                    };
                    let path = absolute(here, kept).filter(|_| is_known)?;
                    if TOOLCHAIN_FILES.contains(&kept) {
                        all.places.extend(above(&path, kept));
                    }
                    all.places.insert(path);
                }
            }
            all.reads_cwd |= from_start;
        }
        Local::Everything => {
            all.places.insert(here?.to_owned());
            all.reads_cwd = true;
        }
    }
    Some(())
}

/// Adds what a command inside `$(…)` reads: it decides the words around it.
fn add_substitution(
    all: &mut Touched,
    inner: &Command,
    cwd: Option<&str>,
    value: Value<'_>,
) -> Option<()> {
    let arguments = inner.args();
    for word in &arguments {
        add_word(all, &value(word), cwd, true)?;
    }
    add_targets(all, inner, cwd, value)?;
    // Bare names are files where it stands: `$(sed -n 's/…//p' rust-toolchain.toml)`.
    let scripts = usize::from(matches!(
        inner.name(),
        "grep" | "egrep" | "fgrep" | "sed" | "awk" | "tr"
    ));
    let words = arguments.iter().filter(|a| !a.starts_with('-'));
    let mut words = words.skip(scripts);
    if reads_files(inner.name()) && words.any(|w| !w.starts_with(['/', '$'])) {
        all.places.insert(cwd?.to_owned());
        all.reads_cwd = true;
    }
    Some(())
}

/// Adds the files that a command's redirections name.
fn add_targets(
    all: &mut Touched,
    command: &Command,
    cwd: Option<&str>,
    value: Value<'_>,
) -> Option<()> {
    let files = command.redirections.iter();
    let mut files = files.filter(|r| !r.operator.contains("<<"));
    files.try_for_each(|r| {
        let mut own = Touched::default();
        add_target(&mut own, &value(&r.target), cwd)?;
        if r.operator.contains('>') {
            all.needs
                .extend(own.places.iter().filter_map(|p| needed_for(p)));
        }
        all.places.extend(own.places);
        all.reads_cwd |= own.reads_cwd;
        Some(())
    })
}

/// A command in `$(…)`, where the text begins.
pub(super) fn as_seen(command: &shell::Command) -> Seen {
    Seen {
        words: command.words.iter().map(|w| w.text.clone()).collect(),
        directory: Some(String::new()),
        ..Seen::default()
    }
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
        check("for i in $(find /a); do ln -s $i /b/; done", None);
        check("for i in /a/*; do cat $i > /b; done", Some(&["/a", "/b"]));
        check(
            "bash -c 'for i in $(find /a); do true; done'",
            Some(&["/a"]),
        );
        check("bash -c 'cat > /a'", Some(&["/a"]));
        check("case $(cat /a) in x) touch /b;; esac", Some(&["/a", "/b"]));
        check("a=/x; cp $a /y", Some(&["/x", "/y"]));
        check("a=x && cat $a", Some(&["/w/x"]));
        check("a=x && a=y && cat $a", None);
        check("cat $b", None);
        check("for i in a b; do rm $i; done", Some(&["/w/a", "/w/b"]));
        check("for i in $b; do rm $i; done", None);
        check("d=$(mktemp -d) && rm -rf $d", Some(&["/tmp"]));
        check("export d=\"$(mktemp -d)\" && rm -rf $d", Some(&["/tmp"]));
        check("export d=/x && export d=/y && rm -rf $d", None);
        check("curl -o /b/x https://a/b && x --version", Some(&["/b/x"]));
        check("curl -o /b/x https://a/b && y --version", None);
        check("x --version && curl -o /b/x https://a/b", None);
        check("apt-get install -y x=1.2 && x -version", Some(&[]));
        check("apt-get purge -y x && x --version", None);
        check("cd /opt && echo a > b", Some(&["/opt", "/opt/b"]));
        check("sh -c 'cat ", None);
        check(
            "mkdir -p a && cd a && rustup component add rustfmt",
            Some(&[
                "/rust-toolchain",
                "/rust-toolchain.toml",
                "/w/a",
                "/w/a/rust-toolchain",
                "/w/a/rust-toolchain.toml",
                "/w/rust-toolchain",
                "/w/rust-toolchain.toml",
            ]),
        );
        check(
            "rustup component add rustfmt --toolchain nightly",
            Some(&[]),
        );
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

    #[test]
    fn a_program_that_is_asked_for_its_version_has_to_be_there() {
        let check = |text: &str, want: Option<bool>| {
            let found = touched(&crate::shell::parse(text), Some("/w"), &variables());
            assert_eq!(found.map(|t| t.needs_packages), want, "{text}");
        };
        check("node --version", Some(true));
        check("apt-get install -y nodejs && node --version", Some(false));
        check("pip install 'poetry==1.8' && poetry --version", Some(false));
        check("poetry config virtualenvs.create false", Some(true));
        check(
            "curl -sSL https://install.python-poetry.org | python3 - && poetry self add a",
            Some(false),
        );
        check("cargo --version", Some(false));
        check("go version", None);
        check("node --version a.js", None);
    }
}
