//! Which commands of a RUN resolve a project's dependencies, and under which name people know them.

use super::super::installs::StageView;
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::ecosystem::is_global;
use crate::shell;
use crate::shell::Seen;

/// The commands of a RUN in shell form.
pub(super) fn commands(instruction: &Instruction) -> Vec<Seen> {
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
        "dotnet" if matches!(seen.subcommand(), "publish" | "build" | "ef") => {
            Some("dotnet publish")
        }
        _ => None,
    }
}

/// One command that resolves dependencies.
pub(super) struct Resolving {
    /// The program, without the `w` of a wrapper.
    pub(super) tool: String,
    /// The name people know it by.
    pub(super) name: String,
    /// True when it does so on the way, as a part of building.
    pub(super) is_build: bool,
}

/// The commands of a RUN that resolve dependencies: those known by name, and what the ecosystems say of the others.
pub(super) fn resolving(read: &StageView<'_>, index: usize) -> Vec<Resolving> {
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
