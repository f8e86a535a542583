//! What one instruction reads and writes, and whether two of them may change places.

use super::command::{Group, group, reads_variable};
use super::directories::is_among;
use super::git_asked::has_git;
use super::layout::{
    Place, absolute, delivered, expand, is_within, mentioned, overlap, selected, unquote,
};
use super::system_places::SYSTEM_PLACES;
use super::touched::{Touched, touched};
use super::view::View;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Transfer};
use crate::shell;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// What an instruction does to the image being built, as far as order is concerned.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    /// Variables it sets.
    pub sets: BTreeSet<String>,
    /// Variables it mentions.
    pub mentions: BTreeSet<String>,
    /// Groups of commands through which it may read variables it does not mention; `None`: any variable.
    pub groups: Option<BTreeSet<Group>>,
    /// Files it reads or writes.
    pub files: Files,
    /// Whether it looks a user or a group up by name, in the image as it then is (`COPY --chown=app`).
    pub names_users: bool,
    /// Whether the working directory, the user and the shell decide what it does.
    pub reads: State,
    /// Which of them it sets.
    pub writes: State,
    /// The keyword of an instruction that only writes the image's configuration.
    pub config: Option<&'static str>,
    /// The labels or ports that it sets, where each stands for itself.
    pub parts: BTreeSet<String>,
    /// Directories that are there before it, whoever made them.
    pub found: BTreeSet<String>,
}

/// Working directory, user, shell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// WORKDIR.
    pub cwd: bool,
    /// USER.
    pub user: bool,
    /// SHELL.
    pub shell: bool,
}

/// Files of the image that an instruction reads or writes.
#[derive(Clone, Debug, Default)]
pub enum Files {
    /// None.
    #[default]
    Nothing,
    /// Exactly these, written (a COPY whose files are known).
    Exactly(Vec<String>),
    /// These places and all below.
    Places(Vec<String>),
    /// What known commands touch.
    Commands(Touched),
    /// Perhaps any.
    Anything,
}

/// The effect of `instruction` where it stands.
pub fn effect(view: &View<'_>, instruction: &Instruction, place: &Place) -> Effect {
    let mut effect = Effect {
        groups: Some(BTreeSet::new()),
        found: place.there.clone(),
        ..Effect::default()
    };
    match &instruction.kind {
        Kind::Run(run) => of_run(&mut effect, instruction, &run.command, place),
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            of_copy(&mut effect, view, instruction, transfer, place)
        }
        Kind::Arg(items) => {
            effect.sets = items.iter().map(|i| i.name.clone()).collect();
            effect.mentions = items
                .iter()
                .filter_map(|i| i.default.as_deref())
                .flat_map(mentioned)
                .collect();
        }
        Kind::Env(pairs) => {
            effect.sets = pairs.iter().map(|p| p.name.clone()).collect();
            effect.mentions = pairs.iter().flat_map(|p| mentioned(&p.value)).collect();
        }
        Kind::Workdir(path) => {
            let at = expand(&unquote(path), &place.variables)
                .and_then(|p| absolute(place.cwd.as_deref(), &p));
            effect.files = at.map_or(Files::Anything, |p| Files::Places(vec![p]));
            effect.mentions = mentioned(path);
            effect.writes.cwd = true;
            effect.reads = State {
                cwd: !path.starts_with('/'),
                user: true,
                shell: false,
            };
        }
        Kind::User(user) => {
            effect.mentions = mentioned(user);
            effect.writes.user = true;
        }
        Kind::Shell(_) => effect.writes.shell = true,
        Kind::Volume(paths) => {
            // The classic builder drops what is written below a volume after it is declared.
            effect.files = Files::Places(paths.clone());
            effect.config = Some(instruction.keyword);
        }
        Kind::Cmd(_) | Kind::Entrypoint(_) | Kind::Healthcheck(_) => {
            effect.reads.shell = true;
            effect.config = Some("CMD");
        }
        Kind::Expose(_)
        | Kind::Label(_)
        | Kind::Maintainer(_)
        | Kind::StopSignal(_)
        | Kind::Onbuild(_) => {
            effect.mentions = mentioned(&instruction.original);
            effect.config = Some(instruction.keyword);
            effect.parts = match &instruction.kind {
                Kind::Label(pairs) if pairs.iter().all(|p| !p.name.contains('$')) => {
                    pairs.iter().map(|p| unquote(&p.name)).collect()
                }
                Kind::Expose(ports) => ports.iter().cloned().collect(),
                _ => BTreeSet::new(),
            };
        }
        Kind::From(_) => effect.files = Files::Anything,
    }
    effect
}

fn of_run(effect: &mut Effect, instruction: &Instruction, command: &Command, place: &Place) {
    effect.reads = State {
        cwd: true,
        user: true,
        shell: true,
    };
    effect.mentions = mentioned(&instruction.original);
    effect.groups = None;
    effect.files = Files::Anything;
    let text = match command {
        Command::Shell(text) if instruction.heredocs.is_empty() => text,
        Command::Shell(_) | Command::Exec(_) => return,
    };
    // A mount brings files that the words do not show; a cache or a secret does not.
    let brings = instruction.flag_values("mount").any(|m| {
        !["type=cache", "type=secret", "type=ssh", "type=tmpfs"]
            .iter()
            .any(|t| m.contains(t))
    });
    if brings {
        return;
    }
    let script = shell::parse(text);
    let Some(touched) = touched(&script, place.cwd.as_deref(), &place.variables) else {
        return;
    };
    let built = touched.builds.then_some(Group::Build);
    effect.groups = Some(
        script
            .seen()
            .iter()
            .filter_map(group)
            .chain(built)
            .collect(),
    );
    effect.reads.cwd = touched.reads_cwd;
    // WORKDIR makes it, and comes along or is found to be in the way.
    let mut touched = touched;
    touched.needs.retain(|d| place.cwd.as_ref() != Some(d));
    effect.files = Files::Commands(touched);
}

fn of_copy(
    effect: &mut Effect,
    view: &View<'_>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) {
    effect.mentions = mentioned(&instruction.original);
    effect.reads.cwd = !transfer.destination.starts_with('/');
    let known = delivered(view, instruction, transfer, place)
        .filter(|_| transfer.sources.iter().all(|s| is_there(view, s, place)));
    effect.files = match known {
        Some(files) => Files::Exactly(files.into_keys().collect()),
        None => destination(transfer, place).map_or(Files::Anything, |d| Files::Places(vec![d])),
    };
    // git does not list its own directory.
    let is_root = |s: &Source| matches!(s, Source::Path(p) if RepoPath::new(p).is_root());
    let is_local = instruction.flag("from").is_none();
    if is_local
        && transfer.sources.iter().any(is_root)
        && has_git(view)
        && let (Files::Exactly(files), Some(to)) = (&mut effect.files, destination(transfer, place))
    {
        files.extend(absolute(Some(&to), ".git"));
    }
    let chown = instruction.flag("chown").unwrap_or_default();
    // BuildKit: solver/llbsolver/file/user_linux.go.
    effect.names_users = chown.bytes().any(|b| !b.is_ascii_digit() && b != b':');
    if transfer
        .sources
        .iter()
        .any(|s| matches!(s, Source::Path(p) if p.contains("://")))
        && instruction.keyword == "ADD"
    {
        effect.files =
            destination(transfer, place).map_or(Files::Anything, |d| Files::Places(vec![d]));
    }
}

/// Whether the context holds what a source names; what is made outside of git is not known by its files.
fn is_there(view: &View<'_>, source: &Source, place: &Place) -> bool {
    let Source::Path(word) = source else {
        return true;
    };
    expand(&unquote(word), &place.variables)
        .is_some_and(|word| !selected(view.files.iter().map(|(p, _)| p), &word).is_empty())
}

/// Where a COPY writes, as one absolute place.
pub fn destination(transfer: &Transfer, place: &Place) -> Option<String> {
    absolute(
        place.cwd.as_deref(),
        &expand(&unquote(&transfer.destination), &place.variables)?,
    )
}

/// Why the order of two instructions matters, of which `one` stands first; a fragment for a sentence. `None` when it was
/// shown that it does not.
pub fn conflict(one: &Effect, other: &Effect) -> Option<String> {
    let is_apart =
        !one.parts.is_empty() && !other.parts.is_empty() && one.parts.is_disjoint(&other.parts);
    if one.config.is_some() && one.config == other.config && !is_apart {
        return Some("both write the same part of the image's configuration".to_owned());
    }
    variable_conflict(one, other)
        .or_else(|| variable_conflict(other, one))
        .or_else(|| state_conflict(one, other))
        .or_else(|| state_conflict(other, one))
        .or_else(|| user_conflict(one, other))
        .or_else(|| file_conflict(&one.files, &other.files))
        .or_else(|| directory_conflict(one, other))
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

fn variable_conflict(setter: &Effect, reader: &Effect) -> Option<String> {
    for name in &setter.sets {
        let read = reader.mentions.contains(name)
            || reader.sets.contains(name)
            || match &reader.groups {
                None => true,
                Some(groups) => groups.iter().any(|g| reads_variable(*g, name)),
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

/// Whether a file is a program, or part of a package that is installed.
fn is_of_packages(path: &str) -> bool {
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
