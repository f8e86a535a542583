//! The best that a Dockerfile's own steps allow: each step runs again only when something that it really reads changed.
//!
//! Never: proposes how to get there. What a RUN reads is told by its kind of command, so this is an estimate: package
//! managers of the system read nothing of the sources, installs of dependencies read manifests, all else reads everything.

use super::metric::ran;
use crate::cache::{Lookup, MissReason};
use crate::cost::prior;
use crate::graph::{Origin, Step, StepId};
use crate::replay::Built;
use crate::shell::{self, Seen};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Which files of the context a step really reads, as far as its kind tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// None of them.
    Nothing,
    /// Manifests and lockfiles only.
    Manifests,
    /// Whatever was copied.
    Everything,
}

/// The steps that would run in this build if each depended on what it reads alone: never more than do run.
///
/// `reads` has one entry per step.
pub fn needed(built: &Built, reads: &[Reads]) -> Vec<bool> {
    let ran = ran(built);
    let mut roots: Vec<BTreeSet<StepId>> = Vec::with_capacity(ran.len());
    let mut needed = vec![false; ran.len()];
    for (i, step) in built.steps.steps.iter().enumerate() {
        let own = roots_above(built, i, step, &roots);
        needed[i] = ran[i] && own.iter().any(|&root| concerns(built, root, i, reads[i]));
        roots.push(own);
    }
    needed
}

/// The root misses that a step's miss goes back to; more than a reason names, since several may coincide.
fn roots_above(
    built: &Built,
    i: usize,
    step: &Step,
    roots: &[BTreeSet<StepId>],
) -> BTreeSet<StepId> {
    let mut own = BTreeSet::new();
    match &built.lookups[i] {
        Lookup::Hit { .. } => return own,
        Lookup::Miss(MissReason::Input { .. }) => {}
        Lookup::Miss(_) | Lookup::Unknown { .. } => {
            own.insert(StepId(i));
        }
    }
    for input in &step.inputs {
        if let Origin::Step(id) = input.origin
            && let Some(above) = roots.get(id.0)
        {
            own.extend(above);
        }
    }
    own
}

fn concerns(built: &Built, root: StepId, step: usize, reads: Reads) -> bool {
    match &built.lookups[root.0] {
        Lookup::Hit { .. } | Lookup::Miss(MissReason::Input { .. }) => false,
        // The runner's doing, not the Dockerfile's.
        Lookup::Miss(MissReason::NotExported | MissReason::Evicted) => false,
        Lookup::Miss(
            MissReason::Cold | MissReason::Definition { .. } | MissReason::Base { .. },
        ) => true,
        Lookup::Unknown { .. } => true,
        Lookup::Miss(MissReason::Content { paths, n_paths }) => match reads {
            // A COPY's own files are what it reads.
            _ if root.0 == step && built.steps.steps[step].instruction != "RUN" => true,
            Reads::Everything => true,
            Reads::Nothing => false,
            Reads::Manifests => *n_paths > paths.len() || paths.iter().any(is_manifest),
        },
    }
}

/// What a step reads, told by the kinds of its commands (`cost::prior`).
pub fn reads(step: &Step) -> Reads {
    if step.instruction != "RUN" || step.command.is_empty() {
        return Reads::Everything;
    }
    let mut reads = Reads::Nothing;
    for seen in shell::parse(&step.command).seen() {
        match prior::classify(&seen).kind {
            kind if READS_NOTHING.contains(&kind) && !names_local_file(&seen) => {}
            kind if READS_MANIFESTS.contains(&kind) && !installs_project(&seen) => {
                reads = Reads::Manifests
            }
            // A shell's own work beside the main command decides nothing.
            "trivial" | "clean up" | "prune packages" => {}
            _ => return Reads::Everything,
        }
    }
    match reads {
        // Nothing but a shell's own work: it may read what was copied.
        Reads::Nothing if prior::signature(&step.command) == "trivial" => Reads::Everything,
        reads => reads,
    }
}

/// Kinds of commands that read nothing of the sources.
const READS_NOTHING: &[&str] = &[
    "apk add",
    "apk update",
    "apt-get install",
    "apt-get remove",
    "apt-get update",
    "apt-get upgrade",
    "cargo install",
    "dnf install",
    "docker-php-ext",
    "download",
    "gem install",
    "git clone",
    "npm install -g",
    "pip upgrade",
    "rustup",
    "venv",
];

/// Kinds of commands that read manifests and lockfiles.
const READS_MANIFESTS: &[&str] = &[
    "bun install",
    "bundle install",
    "cargo chef cook",
    "cargo fetch",
    "composer install",
    "conda install",
    "dotnet restore",
    "go mod download",
    "gradle dependencies",
    "mix deps.get",
    "mvn dependency",
    "npm ci",
    "pip install",
    "pipenv install",
    "pnpm install",
    "poetry install",
    "uv sync",
    "yarn install",
];

/// `apt-get install ./local.deb`.
fn names_local_file(seen: &Seen) -> bool {
    seen.args()
        .iter()
        .any(|arg| arg.starts_with("./") || arg.starts_with("../"))
}

/// `pip install .`, `pip install -e .`.
fn installs_project(seen: &Seen) -> bool {
    seen.args()
        .iter()
        .any(|arg| arg == "." || arg.starts_with("./") || arg.starts_with(".["))
}

/// File names that installs of dependencies read, exactly. Sources: the package managers' manuals.
const MANIFESTS: &[&str] = &[
    ".mvn",
    ".npmrc",
    ".pnpmfile.cjs",
    ".python-version",
    ".ruby-version",
    ".yarnrc",
    ".yarnrc.yml",
    "Cargo.lock",
    "Cargo.toml",
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "Gemfile",
    "Gemfile.lock",
    "NuGet.Config",
    "Package.resolved",
    "Package.swift",
    "Pipfile",
    "Pipfile.lock",
    "build.gradle",
    "build.gradle.kts",
    "build.sbt",
    "bun.lock",
    "bun.lockb",
    "bunfig.toml",
    "cabal.project",
    "composer.json",
    "composer.lock",
    "constraints.txt",
    "deno.json",
    "deno.lock",
    "environment.yml",
    "global.json",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "gradle.lockfile",
    "gradle.properties",
    "gradlew",
    "libs.versions.toml",
    "lerna.json",
    "mix.exs",
    "mix.lock",
    "mvnw",
    "npm-shrinkwrap.json",
    "nuget.config",
    "package-lock.json",
    "package.json",
    "package.yaml",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "poetry.lock",
    "pom.xml",
    "pyproject.toml",
    "rebar.config",
    "rebar.lock",
    "recipe.json",
    "rust-toolchain",
    "rust-toolchain.toml",
    "settings.gradle",
    "settings.gradle.kts",
    "setup.cfg",
    "setup.py",
    "stack.yaml",
    "stack.yaml.lock",
    "turbo.json",
    "uv.lock",
    "vcpkg.json",
    "yarn.lock",
];

/// Endings of such names.
const MANIFEST_ENDINGS: &[&str] = &[
    ".cabal", ".csproj", ".fsproj", ".gemspec", ".nimble", ".opam", ".sln", ".slnx", ".vbproj",
];

/// Whether an install of dependencies may read this file, by its name alone.
pub fn is_manifest(path: &RepoPath) -> bool {
    let Some(name) = path.file_name() else {
        return false;
    };
    let name = String::from_utf8_lossy(name);
    let in_folder = |folder: &[u8]| path.names().rev().skip(1).any(|n| n == folder);
    MANIFESTS.contains(&name.as_ref())
        || MANIFEST_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (name.ends_with(".txt") && (name.contains("requirements") || in_folder(b"requirements")))
        || (name.ends_with(".patch") && in_folder(b"patches"))
        || in_folder(b".mvn")
        || in_folder(b".yarn")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::steps;
    use std::sync::Arc;

    const HIT: Lookup = Lookup::Hit { build: None };

    fn content(path: &str) -> Lookup {
        Lookup::Miss(MissReason::Content {
            paths: vec![RepoPath::new(path)],
            n_paths: 1,
        })
    }

    fn follows(step: usize) -> Lookup {
        Lookup::Miss(MissReason::Input { step: StepId(step) })
    }

    #[test]
    fn steps_run_only_for_what_they_read() {
        let graph = Arc::new(steps(&[
            "FROM a",
            "COPY . .",
            "RUN apt-get install git",
            "RUN npm ci",
            "RUN npm run build",
        ]));
        let reads = [
            Reads::Everything,
            Reads::Everything,
            Reads::Nothing,
            Reads::Manifests,
            Reads::Everything,
        ];
        let check = |root: Lookup, want: [bool; 5]| {
            let lookups = vec![HIT, root, follows(1), follows(1), follows(1)];
            assert_eq!(
                needed(
                    &Built {
                        steps: graph.clone(),
                        lookups
                    },
                    &reads
                ),
                want
            );
        };
        check(content("src/a.js"), [false, true, false, false, true]);
        check(content("package.json"), [false, true, false, true, true]);
        check(Lookup::Miss(MissReason::NotExported), [false; 5]);
        check(
            Lookup::Miss(MissReason::Cold),
            [false, true, true, true, true],
        );
    }

    #[test]
    fn a_second_root_counts_even_where_the_nearest_does_not() {
        let graph = Arc::new(steps(&[
            "FROM a",
            "COPY package.json .",
            "COPY . .",
            "RUN npm ci",
        ]));
        let reads = [
            Reads::Everything,
            Reads::Everything,
            Reads::Everything,
            Reads::Manifests,
        ];
        let lookups = vec![
            HIT,
            content("package.json"),
            content("src/a.js"),
            follows(2),
        ];
        assert_eq!(
            needed(
                &Built {
                    steps: graph,
                    lookups
                },
                &reads
            ),
            [false, true, true, true]
        );
    }

    #[test]
    fn what_a_run_reads() {
        for (command, want) in [
            ("apt-get update && apt-get install -y git", Reads::Nothing),
            ("apt-get install ./local.deb", Reads::Everything),
            ("npm ci", Reads::Manifests),
            ("apk add git && npm ci && rm -rf /tmp/x", Reads::Manifests),
            ("npm ci && npm run build", Reads::Everything),
            ("pip install -r requirements.txt", Reads::Manifests),
            ("pip install -e .", Reads::Everything),
            ("echo hi > x", Reads::Everything),
            ("./configure", Reads::Everything),
        ] {
            let graph = steps(&["FROM a", &format!("RUN {command}")]);
            assert_eq!(reads(&graph.steps[1]), want, "{command}");
        }
        assert_eq!(reads(&steps(&["COPY . ."]).steps[0]), Reads::Everything);
    }

    #[test]
    fn manifests_are_known_by_name() {
        for (path, want) in [
            ("package.json", true),
            ("web/package-lock.json", true),
            ("requirements/base.txt", true),
            ("requirements-dev.txt", true),
            ("src/App.csproj", true),
            (".mvn/wrapper/maven-wrapper.properties", true),
            ("src/main.rs", false),
            ("docs/notes.txt", false),
            ("", false),
        ] {
            assert_eq!(is_manifest(&RepoPath::new(path)), want, "{path}");
        }
    }
}
