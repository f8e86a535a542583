//! What one instruction reads and writes.

use super::beside::Beside;
use super::command::{Group, group, group_of, is_of_system};
use super::git::asked::has_git;
use super::layout::{
    Place, absolute, brings_files, delivered, expand, is_made, mentioned, selected, unquote,
};
use super::tool_variables::{beginnings, has_piped_installer, is_of_one};
use super::touched::{Touched, touched};
use super::view::View;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Transfer};
use crate::shell;
use crate::shell::Script;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// What an instruction does to the image being built, as far as order is concerned.
#[derive(Clone, Debug, Default)]
pub struct Effect {
    /// Variables it sets.
    pub sets: BTreeSet<String>,
    /// Variables it mentions, and those that begin with the name of a tool that it installs.
    pub mentions: BTreeSet<String>,
    /// Groups of commands through which it may read variables it does not mention; `None`: any variable.
    pub groups: Option<BTreeSet<Group>>,
    /// Whether it sets PATH to what that was and directories behind.
    pub adds_to_path: bool,
    /// Whether all programs that it runs are in every image, or a distribution's own: where the first directories of PATH
    /// lead to.
    pub runs_system: bool,
    /// Whether it runs programs by their names alone, and asks for none: those that it finds are the same with more
    /// directories behind.
    pub runs_known: bool,
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
    /// The directory that has to be there for it to bring its file into that, and not under that name.
    pub into: Option<String>,
    /// Directories into which it brings all that the context holds in others, listed by git or not.
    pub fills: Vec<String>,
    /// What it may bring there that git does not hold.
    pub beside: Vec<Beside>,
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
        Kind::Run(run) => of_run(&mut effect, view, (instruction, &run.command), place),
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
            let mut paths = pairs.iter().filter(|p| p.name == "PATH");
            effect.adds_to_path = paths.all(|p| adds_behind(&p.value));
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

fn of_run(
    effect: &mut Effect,
    view: &View<'_>,
    (instruction, command): (&Instruction, &Command),
    place: &Place,
) {
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
    if brings_files(instruction) {
        return;
    }
    let script = shell::parse(text);
    let Some(touched) = touched(&script, place.cwd.as_deref(), &place.variables) else {
        return;
    };
    let built = touched.builds.then_some(Group::Build);
    let runs = |is_it: fn(&str) -> bool| !touched.builds && runs_only(&script, is_it);
    effect.runs_system = runs(is_of_system);
    effect.runs_known = runs(|name| group_of(name).is_some());
    let seen = script.seen();
    let by_script = has_piped_installer(&seen).then_some(Group::Global);
    let groups = seen.iter().filter_map(group);
    effect.groups = Some(groups.chain(built).chain(by_script).collect());
    let tools = beginnings(&seen);
    let variables = view.dockerfile.instructions().flat_map(Instruction::sets);
    let of_tools = variables.filter(|name| is_of_one(&tools, name));
    effect.mentions.extend(of_tools.map(str::to_owned));
    let mut touched = touched;
    // A word is a file where there is one of that name.
    let is_file = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or_default().as_bytes();
        let mut files = view.files.iter();
        files.any(|(f, _)| f.file_name() == Some(name))
    };
    for path in std::mem::take(&mut touched.perhaps) {
        if is_file(&path) {
            touched.places.insert(path);
            touched.reads_cwd = true;
        }
    }
    effect.reads.cwd = touched.reads_cwd;
    // It lists the libraries of the directories that are named there, wherever they lie.
    let mut all = view.dockerfile.instructions();
    let lists_libraries = seen.iter().any(|s| s.name() == "ldconfig");
    touched.needs_packages |= lists_libraries && all.any(|i| i.original.contains("ld.so.conf"));
    // WORKDIR makes it, and comes along or is found to be in the way.
    touched.needs.retain(|d| place.cwd.as_ref() != Some(d));
    effect.files = Files::Commands(touched);
}

/// Whether the value of a PATH is the one before, then other directories.
fn adds_behind(value: &str) -> bool {
    let value = unquote(value);
    let mut parts = value.split(':');
    let is_same = |part: &str| matches!(part, "$PATH" | "${PATH}");
    parts.next().is_some_and(is_same)
        && parts.all(|part| part.starts_with(['/', '$']) && !mentioned(part).contains("PATH"))
}

/// Commands that look for programs.
const SEEKERS: [&str; 5] = ["command", "hash", "type", "whereis", "which"];

/// Whether all commands are such programs, and none asks where one is.
fn runs_only(script: &Script, is_it: fn(&str) -> bool) -> bool {
    let inside = script.commands.iter().flat_map(|c| &c.substitutions);
    let names: Vec<&str> = inside.map(|c| c.name()).collect();
    let seen = script.seen();
    let mut all = names.iter().copied().chain(seen.iter().map(|s| s.name()));
    let mut written = script
        .commands
        .iter()
        .map(|c| c.name())
        .chain(names.iter().copied());
    all.all(|name| name.is_empty() || is_it(name)) && !written.any(|name| SEEKERS.contains(&name))
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
        None => destination(transfer, place)
            .or_else(|| somewhere_in(instruction, transfer, place))
            .map_or(Files::Anything, |d| Files::Places(vec![d])),
    };
    effect.into = destination(transfer, place).filter(|to| {
        let as_it_is = transfer.destination.ends_with(['/', '.']) || transfer.sources.len() > 1;
        !as_it_is && is_made(place, to)
    });
    let filled = filled(view, instruction, transfer, place);
    if let Files::Exactly(files) = &mut effect.files {
        files.extend(hollow(view, &filled));
    }
    effect.beside = filled
        .iter()
        .filter_map(|(to, from)| Beside::new(view, to.clone(), from.clone()))
        .collect();
    effect.fills = filled.into_iter().map(|(to, _)| to).collect();
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

/// The directories of the image that a COPY or ADD from the context fills, with those that it fills them from.
fn filled(
    view: &View<'_>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) -> Vec<(String, RepoPath)> {
    let Some(to) = destination(transfer, place).filter(|_| instruction.flag("from").is_none())
    else {
        return Vec::new();
    };
    let sources = transfer.sources.iter().filter_map(|s| match s {
        Source::Path(word) => expand(&unquote(word), &place.variables),
        Source::Heredoc(_) => None,
    });
    let directories = sources.filter(|word| {
        let path = RepoPath::new(word);
        let mut files = view.files.iter();
        path.is_root()
            || (!view.has_file(&path) && files.any(|(f, _)| f.strip_prefix(&path).is_some()))
    });
    let kept = |word: String| {
        let from = RepoPath::new(word);
        let to = match instruction.is_on("parents") {
            true => absolute(Some(&to), &from.to_string())?,
            false => to.clone(),
        };
        Some((to, from))
    };
    directories.filter_map(kept).collect()
}

/// The directories that a COPY makes where the ignore file hides the file by which git keeps them: a working copy has them.
fn hollow(view: &View<'_>, filled: &[(String, RepoPath)]) -> Vec<String> {
    const KEEPERS: [&[u8]; 4] = [b".gitignore", b".gitkeep", b".keep", b".placeholder"];
    let is_keeper = |p: &RepoPath| p.file_name().is_some_and(|name| KEEPERS.contains(&name));
    let hidden = view.ignored.iter().map(|(p, _)| p).filter(|p| is_keeper(p));
    let kept: BTreeSet<RepoPath> = hidden.filter_map(RepoPath::parent).collect();
    let all = filled.iter().flat_map(|(to, from)| {
        let below = kept.iter().filter_map(move |dir| dir.strip_prefix(from));
        let below = below.filter(|rest| !rest.is_root());
        below.filter_map(move |rest| absolute(Some(to), &rest.to_string()))
    });
    all.collect()
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

/// The directory below which what another stage hands over goes, where the rest of its place is a variable that only the
/// image knows: `COPY --from=deps $CARGO_HOME /app/$CARGO_HOME`.
fn somewhere_in(instruction: &Instruction, transfer: &Transfer, place: &Place) -> Option<String> {
    instruction.flag("from")?;
    let whole = unquote(&transfer.destination);
    let mut known = String::new();
    let mut rest = whole.as_str();
    for part in whole.split_inclusive('/') {
        let Some(value) = expand(part, &place.variables) else {
            break;
        };
        known.push_str(&value);
        rest = &rest[part.len()..];
    }
    let is_below = !rest.is_empty() && !rest.contains("..") && !known.is_empty();
    let directory = absolute(place.cwd.as_deref(), &known).filter(|_| is_below)?;
    (directory != "/").then_some(directory)
}
