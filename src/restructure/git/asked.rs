//! What of a build asks git: for its version, by a command, or by reading `.git`.

use super::super::layout::{built_on, image, mount_field, reachable, stage_named, unquote};
use super::super::manifests::is_manifest;
use super::super::mentions::{holds, mentions};
use super::super::view::View;
use super::programs::{askers, included, is_makefile};
use super::scripts::scripts_behind;
use super::words::{GIT_VERSIONED, asks_git, needs_git};
use crate::context::IgnoreRules;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Makefiles and package.json files of one tree that are read for the scripts they name.
const MOST_MANIFESTS: usize = 100;

/// Whether a RUN asks git, or a RUN, COPY, ADD or mount names `.git`.
pub(in crate::restructure) fn names_git(view: &View<'_>) -> bool {
    texts_beside_git(view).any(|t| needs_git(t.as_bytes()) || holds(t.as_bytes(), b".git"))
        || names_git_dir(view.dockerfile)
}

/// Whether a COPY, ADD or mount of a Dockerfile names the checkout's `.git`.
pub fn names_git_dir(dockerfile: &Dockerfile) -> bool {
    let mut sources = sources_in(dockerfile).into_iter();
    sources.any(|s| s.starts_with(".git/") || s == ".git")
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
pub(in crate::restructure) fn git_readers(view: &View<'_>) -> Option<Vec<String>> {
    let versioned = mentions(view, GIT_VERSIONED, is_manifest);
    if !versioned.found.is_empty() {
        return None;
    }
    let mut doubts = Vec::new();
    let runs: Vec<String> = texts_beside_git(view).collect();
    let scripts = scripts_behind(view, &runs);
    if scripts.values().any(|text| needs_git(text)) {
        return None;
    }
    let included = included(view);
    let behind = scripts
        .values()
        .map(|t| String::from_utf8_lossy(t).into_owned());
    let texts: Vec<String> = runs.iter().cloned().chain(behind).collect();
    let makes = texts.iter().any(|t| holds(t.as_bytes(), b"make"));
    let is_made_of = |p: &RepoPath| is_makefile(p) || included.contains(p);
    let says = |p: &RepoPath| is_manifest(p) || is_made_of(p);
    for (path, _) in view.files.iter().filter(|(p, _)| says(p)) {
        let Some(bytes) = (view.read)(path) else {
            continue;
        };
        if !asks_git(&bytes[..bytes.len().min(1 << 20)]) {
            continue;
        }
        let name = path.to_string();
        let short = name.rsplit('/').next().unwrap_or_default();
        let is_run = match short {
            _ if is_made_of(path) => makes,
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
    let handed = handed_on(view, &runs);
    for asker in askers(view, &[texts, handed.clone()].concat()) {
        if asker.is_run {
            return None;
        }
        doubts.push(format!(
            "{} asks git; check that no build step runs it",
            asker.path
        ));
    }
    for (path, _) in scripts_behind(view, &handed)
        .iter()
        .filter(|(path, text)| !is_manifest(path) && needs_git(text))
    {
        doubts.push(format!(
            "{path} calls git; check that no build step runs it"
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
    let mut told = BTreeSet::new();
    doubts.retain(|d| told.insert(d.clone()));
    doubts.truncate(3);
    Some(doubts)
}

/// The texts to which RUNs hand on: Makefiles, and the scripts of package.json. Which of their words a RUN comes to is
/// not looked into.
fn handed_on(view: &View<'_>, runs: &[String]) -> Vec<String> {
    let runs_one = |words: &[&str]| {
        let is_said = |r: &String| words.iter().any(|w| holds(r.as_bytes(), w.as_bytes()));
        runs.iter().any(is_said)
    };
    let mut names: Vec<&[u8]> = Vec::new();
    if runs_one(&["make", "gmake"]) {
        names.extend([&b"Makefile"[..], b"makefile", b"GNUmakefile"]);
    }
    if runs_one(&["npm", "npx", "yarn", "pnpm", "bun", "turbo", "nx"]) {
        names.push(b"package.json");
    }
    let is_one = |p: &&RepoPath| p.file_name().is_some_and(|n| names.contains(&n));
    view.files
        .iter()
        .map(|(p, _)| p)
        .filter(is_one)
        .take(MOST_MANIFESTS)
        .filter_map(|p| view.read_text(p))
        .collect()
}

/// Whether the checkout's `.git` is part of the context: it is there, and no ignore file keeps it out.
pub(in crate::restructure) fn has_git(view: &View<'_>) -> bool {
    let is_hidden = |text: &str| IgnoreRules::hides(text, &RepoPath::new(".git/HEAD"));
    view.git_dir && view.context.is_root() && !view.ignore.is_some_and(|(_, text)| is_hidden(text))
}

pub(in crate::restructure) fn run_texts<'a>(view: &View<'a>) -> impl Iterator<Item = String> + 'a {
    let stages = reachable(view.dockerfile, view.target);
    let dockerfile = view.dockerfile;
    stages
        .into_iter()
        .flat_map(move |s| &dockerfile.stages[s].instructions)
        .filter(|i| matches!(i.kind, Kind::Run(_)))
        .map(Instruction::with_bodies)
}

/// The RUNs at which the checkout's `.git` may be there. One above all that could bring it (`git clone` of something else)
/// asks another repository.
fn texts_beside_git<'a>(view: &View<'a>) -> impl Iterator<Item = String> + 'a {
    let dockerfile = view.dockerfile;
    let stages = reachable(dockerfile, view.target).into_iter();
    stages.flat_map(move |stage| {
        let mut chain = built_on(dockerfile, stage);
        // An image may copy what is built on it by triggers of its own.
        let mut is_there = chain.any(|s| image(dockerfile, s).contains("onbuild"));
        let mut below = built_on(dockerfile, stage).skip(1);
        is_there |= below.any(|s| {
            let mut steps = dockerfile.stages[s].instructions.iter();
            steps.any(|i| may_bring_git(dockerfile, s, i))
        });
        let steps = dockerfile.stages[stage].instructions.iter();
        steps.filter_map(move |step| {
            let is_bound = may_bring_git(dockerfile, stage, step);
            let is_run = matches!(step.kind, Kind::Run(_));
            is_there |= is_bound && !is_run;
            (is_run && (is_there || is_bound)).then(|| step.with_bodies())
        })
    })
}

/// Whether an instruction of stage `stage` may bring the checkout's `.git`, itself or by way of another stage.
fn may_bring_git(dockerfile: &Dockerfile, stage: usize, instruction: &Instruction) -> bool {
    let is_stage =
        |from: &str| from.contains('$') || stage_named(dockerfile, stage, from).is_some();
    let is_it = |source: &str| {
        let path = RepoPath::new(source).to_string();
        path.is_empty() || path.starts_with(".git") || path.contains(['*', '?', '[', '$'])
    };
    match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => match instruction.flag("from") {
            Some(from) => is_stage(from),
            None => transfer.sources.iter().any(|s| match s {
                Source::Path(path) => is_it(&unquote(path)),
                Source::Heredoc(_) => false,
            }),
        },
        Kind::Run(_) => instruction.flag_values("mount").any(|mount| {
            let source = mount_field(mount, "source").or(mount_field(mount, "src"));
            match mount_field(mount, "from") {
                Some(from) => is_stage(from),
                None => mount.contains("type=bind") || !mount.contains("type=") || source.is_some(),
            }
        }),
        _ => false,
    }
}

/// Every source that a COPY, ADD or bind mount from the context names, cleaned.
pub(in crate::restructure) fn names_in_copies(view: &View<'_>) -> BTreeSet<String> {
    sources_in(view.dockerfile)
}

/// As [`names_in_copies`] of one Dockerfile, whichever.
pub(in crate::restructure) fn sources_in(dockerfile: &Dockerfile) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for instruction in dockerfile.stages.iter().flat_map(|s| &s.instructions) {
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
