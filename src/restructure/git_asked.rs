//! What of a build asks git: for its version, by a command, or by reading `.git`.

use super::layout::{mount_field, reachable};
use super::manifests::is_manifest;
use super::mentions::{holds, mentions};
use super::view::View;
use crate::context::IgnoreRules;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Tools that ask git for the version while they build, by a word of the manifest that turns them on.
const GIT_VERSIONED: &[&str] = &[
    "hatch-vcs",
    "setuptools_scm",
    "setuptools-scm",
    "versioneer",
    "poetry-dynamic-versioning",
    "dunamai",
    "pbr",
    "vcs-versioning",
    "versioningit",
    "flit_scm",
    "pdm-scm",
    "uv-dynamic-versioning",
    "vergen",
    "vergen-git2",
    "vergen-gix",
    "vergen-gitcl",
    "git-version",
    "git_version",
    "shadow-rs",
    "build-info",
    "built",
    "gix",
    "git-testament",
    "git-commit-id-plugin",
    "git-commit-id-maven-plugin",
    "gradle-git-properties",
    "com.gorylenko.gradle-git-properties",
    "jgitver",
    "axion-release",
    "nebula.release",
    "jgit",
    "grgit",
    "com.palantir.git-version",
    "reckon",
    "Nerdbank.GitVersioning",
    "GitVersion",
    "GitVersion.MsBuild",
    "MinVer",
    "GitInfo",
    "sbt-git",
    "sbt-dynver",
    "sbt-buildinfo",
    "git-rev-sync",
    "simple-git",
    "git-revision-webpack-plugin",
    "vite-plugin-git-revision",
    "unplugin-info",
    "git-describe",
    "last-commit-log",
    "git-repo-info",
    "git-revision-date",
    "-buildvcs=true",
    "goreleaser",
];

/// Whether a text calls git for what `.git` knows.
pub fn asks_git(text: &[u8]) -> bool {
    [
        "git describe",
        "git rev-parse",
        "git log",
        "git ls-files",
        "git show",
        "git tag",
        "git symbolic-ref",
        "git status",
        "git rev-list",
        "git branch",
        "git diff",
        "git submodule",
        "git config --get",
        "rev-parse HEAD",
        "\"rev-parse\"",
        "'rev-parse'",
        "\"describe\"",
        "git.properties",
        ".git/HEAD",
    ]
    .iter()
    .any(|word| holds(text, word.as_bytes()))
}

/// Whether a RUN asks git, or a RUN, COPY, ADD or mount names `.git`.
pub(super) fn names_git(view: &View<'_>) -> bool {
    run_texts(view).any(|t| asks_git(t.as_bytes()) || holds(t.as_bytes(), b".git"))
        || names_in_copies(view)
            .iter()
            .any(|s| s.starts_with(".git/") || s == ".git")
}

/// Whether something in the build reads `.git`; `None` where that is in doubt.
pub fn reads_git(view: &View<'_>) -> Option<bool> {
    if names_git(view) {
        return Some(true);
    }
    match git_readers(view) {
        None => Some(true),
        Some(doubts) => doubts.is_empty().then_some(false),
    }
}

/// `None` when the build derives something from git; else the doubts that remain.
pub(super) fn git_readers(view: &View<'_>) -> Option<Vec<String>> {
    let versioned = mentions(view, GIT_VERSIONED, is_manifest);
    if !versioned.found.is_empty() {
        return None;
    }
    let mut doubts = Vec::new();
    let runs: Vec<String> = run_texts(view).collect();
    for (path, _) in view.files.iter().filter(|(p, _)| is_manifest(p)) {
        let Some(bytes) = (view.read)(path) else {
            continue;
        };
        if !asks_git(&bytes[..bytes.len().min(1 << 20)]) {
            continue;
        }
        let name = path.to_string();
        let short = name.rsplit('/').next().unwrap_or_default();
        let is_run = match short {
            "Makefile" | "makefile" | "GNUmakefile" => {
                runs.iter().any(|r| holds(r.as_bytes(), b"make"))
            }
            _ if short.ends_with(".sh") => {
                runs.iter().any(|r| holds(r.as_bytes(), short.as_bytes()))
            }
            _ => true,
        };
        if is_run {
            return None;
        }
        doubts.push(format!(
            "{name} calls git; check that no build step runs it"
        ));
    }
    let stamped = mentions(view, &["vcs.revision", "debug.ReadBuildInfo"], |p| {
        p.file_name().is_some_and(|n| n.ends_with(b".go"))
    });
    if let Some((path, _)) = stamped.found.first() {
        doubts.push(format!(
            "{path} shows the version that Go stamps from git; it would be empty"
        ));
    }
    if !versioned.is_complete {
        doubts.push(
            "not every manifest could be read; check that no build step asks git for the version"
                .to_owned(),
        );
    }
    doubts.truncate(3);
    Some(doubts)
}

/// Whether the checkout's `.git` is part of the context: it is there, and no ignore file keeps it out.
pub(super) fn has_git(view: &View<'_>) -> bool {
    let is_hidden = |text: &str| IgnoreRules::hides(text, &RepoPath::new(".git/HEAD"));
    view.git_dir && view.context.is_root() && !view.ignore.is_some_and(|(_, text)| is_hidden(text))
}

pub(super) fn run_texts<'a>(view: &View<'a>) -> impl Iterator<Item = String> + 'a {
    let stages = reachable(view.dockerfile, view.target);
    let dockerfile = view.dockerfile;
    stages
        .into_iter()
        .flat_map(move |s| &dockerfile.stages[s].instructions)
        .filter(|i| matches!(i.kind, Kind::Run(_)))
        .map(Instruction::with_bodies)
}

/// Every source that a COPY, ADD or bind mount from the context names, cleaned.
pub(super) fn names_in_copies(view: &View<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for instruction in view.dockerfile.stages.iter().flat_map(|s| &s.instructions) {
        if let Kind::Copy(t) | Kind::Add(t) = &instruction.kind
            && instruction.flag("from").is_none()
        {
            names.extend(t.sources.iter().filter_map(|s| match s {
                Source::Path(p) => Some(RepoPath::new(p).to_string()),
                Source::Heredoc(_) => None,
            }));
        }
        let mounts = instruction
            .flag_values("mount")
            .filter(|m| mount_field(m, "from").is_none());
        names.extend(
            mounts
                .filter_map(|m| mount_field(m, "source").or(mount_field(m, "src")))
                .map(|s| RepoPath::new(s).to_string()),
        );
    }
    names.remove("");
    names
}
