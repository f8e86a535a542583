//! What is wrong with a Dockerfile's order, in plain words with the line: what a report says before any proposal.
//!
//! Never: a guess about time; how much a finding costs is for whoever has the replay.

use super::command::{installs, is_system_install};
use super::effect::{conflict, effect};
use super::installs::StageView;
use super::layout::{Place, delivered, places, reachable};
use super::legality::ignores;
use super::manifests::{is_dependency_file, is_manifest};
use super::rules::{argument_changes, floats};
use super::view::View;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Stage, Transfer};
use crate::ecosystem::is_global;
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// One thing that costs rebuilds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line in the Dockerfile it concerns; 0 for the file as a whole.
    pub line: usize,
    /// Its name, for suppressions (`# stratigraph: ignore=KIND reason`) and machines.
    pub kind: &'static str,
    /// One or two whole sentences for a person.
    pub text: String,
    /// The rule whose proposals answer it, where there is one.
    pub rule: Option<&'static str>,
    /// In how many builds of the history it showed; `None` where a history cannot tell.
    pub builds: Option<usize>,
}

/// Every kind of finding with what it means.
pub const KINDS: &[(&str, &str)] = &[
    (
        "copy-before-install",
        "everything is copied before dependencies are installed",
    ),
    (
        "dead-split",
        "manifests are copied first, but nothing is installed before the full copy",
    ),
    (
        "early-value",
        "a value that changes from build to build is set above steps that do not need it",
    ),
    ("floating-image", "an image is named without a version"),
    (
        "git-in-context",
        "the checkout's .git is part of the context",
    ),
    (
        "intruder",
        "a file above an install that the install does not read",
    ),
    (
        "no-ignore-file",
        "there is no ignore file though the whole context is copied",
    ),
    (
        "system-below-copy",
        "system packages or tools are installed below a COPY",
    ),
];

/// All findings, by line.
pub fn findings(view: &View<'_>) -> Vec<Finding> {
    let all = places(view.dockerfile);
    let mut found = context_findings(view);
    for index in reachable(view.dockerfile, view.target) {
        let read = StageView::new(view, &all, index);
        found.extend(of_stage(view, &read, &all[index]));
    }
    found.sort();
    found.dedup();
    found
}

fn of_stage(view: &View<'_>, read: &StageView<'_>, places: &[Place]) -> Vec<Finding> {
    let stage = read.stage;
    let copies: Vec<Copied> = stage
        .instructions
        .iter()
        .zip(places)
        .enumerate()
        .filter_map(|(n, (i, p))| copied(view, n, i, p))
        .collect();
    let mut found = Vec::new();
    found.extend(installs_below(view, read, &copies));
    found.extend(dead_split(view, read, &copies));
    found.extend(system_below(view, stage, places, &copies));
    found.extend(tools_below(view, read, &copies));
    found.extend(early_value(view, stage));
    if super::layout::parent(view.dockerfile, stage.index).is_none() && floats(&stage.base().image)
    {
        let image = &stage.base().image;
        found.push(Finding {
            line: stage.from.lines.first,
            kind: "floating-image",
            text: format!("{image} is another image whenever it is published anew; everything built on it then runs again. Name a version."),
            rule: Some("pin"),
            builds: None,
        });
    }
    for instruction in &stage.instructions {
        let Some(image) = instruction.flag("from").filter(|name| {
            super::layout::stage_named(view.dockerfile, stage.index, name).is_none()
                && name.contains(['/', ':'])
        }) else {
            continue;
        };
        if floats(image) {
            found.push(Finding {
                line: instruction.lines.first,
                kind: "floating-image",
                text: format!("Files are taken from {image}, which names no version; a new one of it makes this and all later steps run again."),
                rule: Some("pin"),
                builds: None,
            });
        }
    }
    found
}

/// A COPY or ADD from the context.
struct Copied<'a> {
    index: usize,
    instruction: &'a Instruction,
    files: BTreeSet<RepoPath>,
    is_broad: bool,
    /// Whether it copies the checkout's `.git`, which no two builds have in common.
    takes_git: bool,
    /// In how many builds one of its files changed.
    heat: usize,
}

fn copied<'a>(
    view: &View<'_>,
    index: usize,
    instruction: &'a Instruction,
    place: &Place,
) -> Option<Copied<'a>> {
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
        return None;
    };
    if instruction.flag("from").is_some() {
        return None;
    }
    let place = Place {
        cwd: place.cwd.clone().or_else(|| Some("/".to_owned())),
        ..place.clone()
    };
    let files: BTreeSet<RepoPath> = delivered(view, instruction, transfer, &place)?
        .into_values()
        .collect();
    let takes_git = view.git_dir
        && view.context.is_root()
        && takes_root(transfer)
        && !view
            .ignore
            .is_some_and(|(_, text)| ignores(text, &RepoPath::new(".git/HEAD")));
    let mut copied = Copied {
        index,
        instruction,
        is_broad: takes_root(transfer) || (files.len() > 20 && !files.iter().all(is_vendored)),
        takes_git,
        files,
        heat: 0,
    };
    copied.heat = heat(view, std::slice::from_ref(&copied));
    Some(copied)
}

/// In how many builds a file of any of these changed.
fn heat(view: &View<'_>, copies: &[Copied<'_>]) -> usize {
    if copies.iter().any(|c| c.takes_git) {
        return view.n_builds();
    }
    view.n_touching(|p| copies.iter().any(|c| c.files.contains(p)))
}

/// Whether a path lies in a directory of other people's sources, which an install may well need.
fn is_vendored(path: &RepoPath) -> bool {
    path.names().any(|n| {
        [
            &b"vendor"[..],
            b"third_party",
            b"patches",
            b".yarn",
            b".mvn",
        ]
        .contains(&n)
    })
}

fn takes_root(transfer: &Transfer) -> bool {
    transfer
        .sources
        .iter()
        .any(|s| matches!(s, Source::Path(p) if RepoPath::new(p).is_root()))
}

/// The commands of a RUN in shell form.
fn commands(instruction: &Instruction) -> Vec<Seen> {
    let Kind::Run(run) = &instruction.kind else {
        return Vec::new();
    };
    match &run.command {
        Command::Shell(text) if instruction.heredocs.is_empty() => shell::parse(text).seen(),
        Command::Shell(_) => instruction
            .heredocs
            .iter()
            .flat_map(|h| shell::parse(&h.content).seen())
            .collect(),
        Command::Exec(words) => shell::parse(&words.join(" ")).seen(),
    }
}

/// Whether a command resolves a project's dependencies, and if so under which name people know it.
pub(crate) fn install(seen: &Seen) -> Option<String> {
    let verb = seen.subcommand();
    let has = |flag: &str| seen.args().iter().any(|a| a == flag);
    let is = match seen.name() {
        "npm" => {
            matches!(verb, "ci" | "install" | "i" | "clean-install")
                && !is_global(seen.args())
                && no_packages(seen)
        }
        "yarn" => matches!(verb, "" | "install"),
        "pnpm" => matches!(verb, "install" | "i" | "fetch") && !is_global(seen.args()),
        "bun" => matches!(verb, "install" | "i"),
        "pip" | "pip3" => {
            verb == "install"
                && (has("-r")
                    || has("--requirement")
                    || has(".")
                    || seen.args().iter().any(|a| a.starts_with("-r")))
        }
        "poetry" | "pipenv" | "pdm" => matches!(verb, "install" | "sync"),
        "uv" => verb == "sync" || (verb == "pip" && (has("-r") || has("--requirement"))),
        "bundle" => matches!(verb, "install" | ""),
        "composer" => matches!(verb, "install" | "update"),
        "mvn" | "mvnw" | "./mvnw" => seen
            .args()
            .iter()
            .any(|a| a.contains("go-offline") || a.contains(":resolve")),
        "go" => verb == "mod" && has("download"),
        "cargo" => matches!(verb, "fetch") || (verb == "chef" && has("cook")),
        "dotnet" => verb == "restore",
        "mix" => verb == "deps.get" || verb == "deps.compile",
        _ => false,
    };
    is.then(|| {
        if verb.is_empty() {
            seen.name().to_owned()
        } else {
            format!("{} {verb}", seen.name())
        }
    })
}

/// Whether no package is named after the verb.
fn no_packages(seen: &Seen) -> bool {
    seen.args().iter().filter(|a| !a.starts_with('-')).count() <= 1
}

/// Builds that download what they need on the way, as a side effect of building.
fn builds_with_dependencies(seen: &Seen) -> Option<&'static str> {
    let any = |words: &[&str]| seen.args().iter().any(|a| words.contains(&a.as_str()));
    match seen.name() {
        "mvn" | "mvnw" if any(&["package", "install", "verify", "compile"]) => Some("mvn"),
        "gradle" | "gradlew" if !seen.args().is_empty() => Some("gradle"),
        "go" if matches!(seen.subcommand(), "build" | "install") => Some("go build"),
        "cargo" if matches!(seen.subcommand(), "build" | "install") => Some("cargo build"),
        "dotnet" if matches!(seen.subcommand(), "publish" | "build") => Some("dotnet publish"),
        _ => None,
    }
}

/// One command that resolves dependencies.
struct Resolving {
    /// The program, without the `w` of a wrapper.
    tool: String,
    /// The name people know it by.
    name: String,
    /// True when it does so on the way, as a part of building.
    is_build: bool,
}

/// The commands of a RUN that resolve dependencies: those known by name, and what the ecosystems say of the others.
fn resolving(read: &StageView<'_>, index: usize) -> Vec<Resolving> {
    let asked = read.resolvers(index);
    let one = |seen: &Seen| {
        let (name, is_build) = match (install(seen), builds_with_dependencies(seen)) {
            (Some(name), _) => (name, false),
            (None, Some(name)) => (name.to_owned(), true),
            (None, None) => {
                let (_, is_build) = asked.iter().find(|(words, _)| *words == seen.words)?;
                (named(seen), *is_build)
            }
        };
        Some(Resolving {
            tool: seen.name().trim_end_matches('w').to_owned(),
            name,
            is_build,
        })
    };
    let seen = commands(&read.stage.instructions[index]);
    seen.iter().filter_map(one).collect()
}

/// The program with its verb, where that follows at once.
fn named(seen: &Seen) -> String {
    match seen.args().first() {
        Some(verb) if !verb.starts_with('-') => format!("{} {verb}", seen.name()),
        _ => seen.name().to_owned(),
    }
}

fn installs_below(view: &View<'_>, read: &StageView<'_>, copies: &[Copied<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut resolved: BTreeSet<String> = BTreeSet::new();
    for (index, instruction) in read.stage.instructions.iter().enumerate() {
        for command in resolving(read, index) {
            // What a mount keeps is in no layer: no other order of the lines helps it.
            if !resolved.insert(command.tool) || read.leaves_nothing(index) {
                continue;
            }
            let (name, is_build) = (command.name, command.is_build);
            let above = copies.iter().filter(|c| c.index < index);
            if let Some(broad) = above.clone().filter(|c| c.is_broad).max_by_key(|c| c.heat) {
                let all = &copies[..copies.partition_point(|c| c.index < index)];
                let n = heat(view, all);
                found.push(before_install(view, instruction, broad, n, &name, is_build));
            } else if !is_build {
                found.extend(above.filter_map(|c| intruder(view, instruction, c, &name)));
            }
        }
    }
    found
}

fn before_install(
    view: &View<'_>,
    instruction: &Instruction,
    broad: &Copied<'_>,
    n_builds: usize,
    name: &str,
    is_build: bool,
) -> Finding {
    let (line, above) = (instruction.lines.first, broad.instruction.lines.first);
    let what = if is_build {
        format!("`{name}` fetches all dependencies")
    } else {
        format!("`{name}` installs dependencies")
    };
    Finding {
        line: above,
        kind: "copy-before-install",
        text: format!(
            "Line {above} copies the source before {what} in line {line}, so they are fetched again with every change of any copied file ({} of {} builds).",
            n_builds,
            view.n_builds()
        ),
        rule: Some("deps-first"),
        builds: Some(n_builds),
    }
}

/// Files that no install reads, by the look of their names.
fn intruder(
    view: &View<'_>,
    instruction: &Instruction,
    copy: &Copied<'_>,
    name: &str,
) -> Option<Finding> {
    let is_prose = |p: &&RepoPath| {
        let text = p.to_string();
        let file = text
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let prose = file.starts_with("changelog")
            || file.starts_with("license")
            || file.starts_with("readme")
            || file.starts_with("history.")
            || file.starts_with("contributing");
        prose
            && !is_vendored(p)
            && super::mentions::mentions(view, &[text.as_str()], is_manifest)
                .found
                .is_empty()
    };
    let guilty: Vec<String> = copy
        .files
        .iter()
        .filter(is_prose)
        .map(ToString::to_string)
        .collect();
    let n = view.n_touching(|p| guilty.iter().any(|g| *g == p.to_string()));
    if guilty.is_empty() || n == 0 {
        return None;
    }
    let (line, at) = (instruction.lines.first, copy.instruction.lines.first);
    Some(Finding {
        line: at,
        kind: "intruder",
        text: format!(
            "Line {at} copies {} above `{name}` in line {line}, which does not read {}; {n} of {} builds changed {}.",
            guilty.join(", "),
            if guilty.len() == 1 { "it" } else { "them" },
            view.n_builds(),
            if guilty.len() == 1 { "it" } else { "them" }
        ),
        rule: Some("dead-split"),
        builds: Some(n),
    })
}

fn dead_split(view: &View<'_>, read: &StageView<'_>, copies: &[Copied<'_>]) -> Option<Finding> {
    // Manifests first, then more files, and no RUN between that could use the manifests.
    let instructions = &read.stage.instructions;
    let is_manifests = |c: &&Copied<'_>| !c.takes_git && c.files.iter().all(is_dependency_file);
    let first = copies
        .iter()
        .filter(is_manifests)
        .find(|c| !c.is_broad && !c.files.is_empty())?;
    let rest = copies
        .iter()
        .find(|c| c.index > first.index && !is_manifests(c))?;
    // Where the source comes first, that is the finding.
    if copies.iter().any(|c| c.index < first.index && c.is_broad) {
        return None;
    }
    let is_run = |i: &usize| matches!(instructions[*i].kind, Kind::Run(_));
    if (first.index..rest.index).any(|i| is_run(&i)) {
        return None;
    }
    let uses = (rest.index..instructions.len()).find(|i| !resolving(read, *i).is_empty())?;
    let above = &copies[..copies.partition_point(|c| c.index < uses)];
    let (n, all) = (view.n_builds(), heat(view, above));
    let needed = view.n_touching(|p| {
        let brought = above.iter().any(|c| c.files.contains(p));
        brought && is_dependency_file(p)
    });
    // What happens in fewer than one build of a hundred is not worth a word.
    if n > 0 && (all - needed) * 100 < n {
        return None;
    }
    let line = |i: usize| instructions[i].lines.first;
    Some(Finding {
        line: line(first.index),
        kind: "dead-split",
        text: format!(
            "Line {} copies manifests on their own, but nothing is installed before line {} copies more; line {} then fetches dependencies whenever any of these files changes: in {all} of {n} builds, where {needed} changed a manifest.",
            line(first.index),
            line(rest.index),
            line(uses),
        ),
        rule: Some("dead-split"),
        builds: Some(all),
    })
}

/// Package managers of distributions.
const MANAGERS: &[&str] = &["apk", "apt", "apt-get", "dnf", "microdnf", "yum", "zypper"];

fn system_below(
    view: &View<'_>,
    stage: &Stage,
    places: &[Place],
    copies: &[Copied<'_>],
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        let seen = commands(instruction);
        let Some(manager) = seen
            .iter()
            .find(|s| MANAGERS.contains(&s.name()) && installs(s))
        else {
            continue;
        };
        let Some(copy) = copies
            .iter()
            .filter(|c| c.index < index)
            .max_by_key(|c| c.heat)
        else {
            continue;
        };
        let Kind::Run(run) = &instruction.kind else {
            continue;
        };
        let is_pure =
            matches!(&run.command, Command::Shell(text) if is_system_install(&shell::parse(text)));
        let needs = |c: &Copied<'_>| {
            conflict(
                &effect(view, instruction, &places[index]),
                &effect(view, c.instruction, &places[c.index]),
            )
            .is_some()
        };
        if copy.heat == 0 || (is_pure && needs(copy)) {
            continue;
        }
        let (line, above) = (instruction.lines.first, copy.instruction.lines.first);
        found.push(Finding {
            line,
            kind: "system-below-copy",
            text: format!("`{} {}` stands below the COPY in line {above}: system packages are installed again whenever a copied file changes ({} of {} builds).", manager.name(), manager.subcommand(), copy.heat, view.n_builds()),
            rule: Some("system-first"),
            builds: Some(copy.heat),
        });
    }
    found
}

/// Tools installed by name below a COPY whose files they do not read.
fn tools_below(view: &View<'_>, read: &StageView<'_>, copies: &[Copied<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, instruction) in read.stage.instructions.iter().enumerate() {
        let line = instruction.lines.first;
        let above = copies.iter().filter(|c| c.index < index);
        let Some(copy) = above.max_by_key(|c| c.heat).filter(|c| c.heat > 0) else {
            continue;
        };
        // Those with packages of the distribution are told of there.
        if commands(instruction)
            .iter()
            .any(|s| MANAGERS.contains(&s.name()))
        {
            continue;
        }
        let Some(tools) = read.tools(index) else {
            continue;
        };
        let at = copy.instruction.lines.first;
        found.push(Finding {
            line,
            kind: "system-below-copy",
            text: format!(
                "`{tools}` reads nothing of the project but stands below the COPY in line {at}: it runs again whenever a copied file changes ({} of {} builds).",
                copy.heat,
                view.n_builds()
            ),
            rule: Some("system-first"),
            builds: Some(copy.heat),
        });
    }
    found
}

fn early_value(view: &View<'_>, stage: &Stage) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        let Kind::Arg(items) = &instruction.kind else {
            continue;
        };
        for item in items.iter().filter(|i| argument_changes(view, i)) {
            let below = &stage.instructions[index + 1..];
            let mentions =
                |i: &Instruction| super::layout::mentioned(&i.original).contains(&item.name);
            let idle = below
                .iter()
                .filter(|i| matches!(i.kind, Kind::Run(_)))
                .take_while(|i| !mentions(i))
                .count();
            let is_new = names.insert(item.name.clone(), index).is_none();
            if idle == 0 || !is_new {
                continue;
            }
            let line = instruction.lines.first;
            let (steps, them) = if idle == 1 {
                ("one RUN that does".to_owned(), "it")
            } else {
                (format!("{idle} RUNs that do"), "them")
            };
            found.push(Finding {
                line,
                kind: "early-value",
                text: format!("{} is declared above {steps} not mention it; each new value makes {them} run again. Declare it where it is first needed.", item.name),
                rule: Some("sink-values"),
                builds: None,
            });
        }
    }
    found
}

fn context_findings(view: &View<'_>) -> Vec<Finding> {
    let stages = reachable(view.dockerfile, view.target);
    let broad = stages
        .iter()
        .flat_map(|&s| &view.dockerfile.stages[s].instructions)
        .find(|i| match &i.kind {
            Kind::Copy(t) | Kind::Add(t) => i.flag("from").is_none() && takes_root(t),
            _ => false,
        });
    let Some(broad) = broad else {
        return Vec::new();
    };
    let line = broad.lines.first;
    let mut found = Vec::new();
    if view.ignore.is_none() {
        found.push(Finding { line, kind: "no-ignore-file", text: format!("There is no .dockerignore, and line {line} copies the whole context: every file of the repository counts."), rule: Some("ignore"), builds: None });
    }
    let hides_git = view
        .ignore
        .is_some_and(|(_, text)| ignores(text, &RepoPath::new(".git/HEAD")));
    if view.git_dir && view.context.is_root() && !hides_git {
        found.push(Finding {
            line,
            kind: "git-in-context",
            text: format!("`.git` is part of the context, and line {line} copies it: it differs at every commit, so nothing below is ever cached."),
            rule: Some("ignore"),
            builds: Some(view.n_builds()),
        });
    }
    found
}
