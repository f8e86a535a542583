//! Mounts in place of layers: downloads kept in cache mounts, manifests bound in place of copied.
//!
//! Before:
//! ```dockerfile
//! COPY requirements.txt .
//! RUN pip install -r requirements.txt
//! ```
//! After (cache-mounts):
//! ```dockerfile
//! COPY requirements.txt .
//! RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
//! ```
//! A cache mount lives in the builder: it is proposed only where the builder's state survives between builds. Where the
//! downloads are read in place later (`~/.m2`, `/go/pkg/mod`), every later RUN of the stage gets the mount too, and the
//! stage must not be the image itself. `bind-manifests` spares the layers of manifests that a later COPY brings again, for
//! installs that write to none of them.

use super::super::archives;
use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command;
use super::super::downloads::{self, Downloads};
use super::super::effect::{Files, effect};
use super::super::hidden::hides;
use super::super::installs::{Install, StageView, relative};
use super::super::kept::{emptied, why_taken_out};
use super::super::layout::{Place, overlap, places, reachable};
use super::super::lift::declare;
use super::super::moving::{block, with_flags, without_blank_twin};
use super::super::taken::{is_copied_from, is_in_image};
use super::super::view::{Feature, View};
use super::Rule;

use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::ecosystem::CacheDir;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Its line in [`super::ALL`].
pub(in super::super) const CACHES: Rule = Rule {
    id: "cache-mounts",
    summary: "downloads kept in a cache mount, where it survives",
    propose: caches,
};

/// Its line in [`super::ALL`].
pub(super) const BINDS: Rule = Rule {
    id: "bind-manifests",
    summary: "manifests bound for the install in place of copied",
    propose: binds,
};

/// Where Go's compiler keeps what it makes, of root. Source: `go help cache`.
const GO_BUILD: &str = "/root/.cache/go-build";

/// Longer lists of mounts are not worth reading.
const MOST_BINDS: usize = 6;

fn binds(view: &View<'_>) -> Vec<Candidate> {
    if !view.has(Feature::Mount) {
        return Vec::new();
    }
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        let whole = of.whole_installs();
        found.extend(whole.filter_map(|install| bound(&of, install)));
    }
    found
}

/// The COPYs directly above an install, of nothing but what it reads, as mounts of that RUN.
fn bound(of: &StageView<'_>, install: &Install) -> Option<Candidate> {
    let instructions = &of.stage.instructions;
    let run = &instructions[install.run];
    if !writes_no_manifest(install, &run.original) {
        return None;
    }
    let is_pure = |&i: &usize| {
        let files = of.brings[i].as_ref();
        files.is_some_and(|f| !f.is_empty() && f.keys().all(|to| install.reads.contains(to)))
            && instructions[i].flags.iter().all(|f| f.name == "link")
    };
    let copies: Vec<usize> = (0..install.run).rev().take_while(is_pure).collect();
    let bound: BTreeMap<&String, &RepoPath> = copies
        .iter()
        .filter_map(|&i| of.brings[i].as_ref())
        .flatten()
        .collect();
    // What the install reads must not partly come from elsewhere, and the image must get the files later.
    let comes_later = |to: &String, from: &RepoPath| {
        of.brings
            .iter()
            .skip(install.run + 1)
            .flatten()
            .any(|f| f.get(to) == Some(from))
    };
    if bound.is_empty()
        || bound.len() > MOST_BINDS
        || bound.len() != install.reads.len()
        || !bound.iter().all(|(to, from)| comes_later(to, from))
    {
        return None;
    }
    let cwd = of.cwd(install.run);
    let mounts: Option<Vec<String>> = bound
        .iter()
        .map(|(to, from)| bind(to, &from.to_string(), cwd))
        .collect();
    let line = run.lines.first;
    let mut candidate = Candidate::new(
        BINDS.id,
        format!("bind the manifests of line {line} in place of copying them"),
    );
    let text = of.view.text();
    candidate.edits = copies
        .iter()
        .map(|&i| {
            TextEdit::delete(without_blank_twin(
                text,
                block_without_comments(text, &instructions[i]),
            ))
        })
        .collect();
    let flags = mounts?
        .iter()
        .fold(String::new(), |all, m| format!("{all} {m}"));
    candidate.edits.push(with_flags(of.view, run, &flags));
    candidate.lines = copies
        .iter()
        .rev()
        .map(|&i| instructions[i].lines)
        .chain([run.lines])
        .collect();
    candidate.rationale = format!(
        "A later COPY brings the same files: for line {line} they need no layer of their own."
    );
    candidate.safety = Safety::of(
        vec![
            "every file that the install reads is bound at the path where it was copied".to_owned(),
            "the install writes to none of them".to_owned(),
        ],
        install.doubts.clone(),
    );
    declare(&mut candidate, of.view)?;
    candidate.vouched = vec![run.original.clone()];
    Some(candidate)
}

/// An instruction's lines; comments above it stay.
fn block_without_comments(text: &str, instruction: &Instruction) -> Span {
    block(text, instruction.span.start, instruction)
}

/// `--mount=type=bind,…` of one file; `None` for a name that the flag cannot hold.
fn bind(to: &str, from: &str, cwd: &str) -> Option<String> {
    let target = relative(to, cwd).unwrap_or_else(|| to.to_owned());
    let plain = |s: &str| !s.is_empty() && !s.contains([',', ' ', '"', '$', '\\']);
    (plain(from) && plain(&target))
        .then(|| format!("--mount=type=bind,source={from},target={target}"))
}

/// Installs that leave manifest and lockfile as they are: a bound file cannot be written.
fn writes_no_manifest(install: &Install, run: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|w| run.contains(w));
    install.dirs.is_empty()
        && install.ecosystems.iter().all(|e| match *e {
            "npm" => says(&["npm ci", "npm clean-install"]),
            "yarn" | "pnpm" | "bun" => says(&["--frozen-lockfile", "--immutable", "pnpm fetch"]),
            "pip" | "pip-tools" | "poetry" | "pipenv" => true,
            "uv" => says(&["--frozen", "--locked", "uv pip"]),
            _ => false,
        })
}

fn caches(view: &View<'_>) -> Vec<Candidate> {
    if !view.persistent || !view.has(Feature::Mount) {
        return Vec::new();
    }
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        let mut by_ecosystem: BTreeMap<&'static str, Vec<(usize, CacheDir)>> = BTreeMap::new();
        for run in 0..of.stage.instructions.len() {
            for (ecosystem, dir) in of.cache_dirs(run) {
                by_ecosystem.entry(ecosystem).or_default().push((run, dir));
            }
        }
        found.extend(
            by_ecosystem
                .into_iter()
                .filter_map(|(e, runs)| cache(&of, &all, e, &runs)),
        );
    }
    found.extend(archives::candidates(view, CACHES.id));
    found
}

fn cache(
    of: &StageView<'_>,
    all: &[Vec<Place>],
    ecosystem: &'static str,
    runs: &[(usize, CacheDir)],
) -> Option<Candidate> {
    let view = of.view;
    let (first, dir) = runs.first()?;
    let Downloads { target, doubts } = downloads::of(of, *first, ecosystem, dir)?;
    let mut mounted: Vec<usize> = runs.iter().map(|(run, _)| *run).collect();
    if dir.is_read_later {
        if is_in_image(view, of.stage.index) || is_copied_from(view, of.stage.index, &target) {
            return None;
        }
        let later = (*first..of.stage.instructions.len())
            .filter(|i| matches!(of.stage.instructions[*i].kind, Kind::Run(_)));
        mounted.extend(later.filter(|&i| may_read(of, i, ecosystem, &target)));
        mounted.sort_unstable();
        mounted.dedup();
    }
    if hides(of, all, (ecosystem, dir), &mounted, &target) {
        return None;
    }
    let mut edits = Vec::new();
    let mut doubts = doubts;
    let mut taken_out: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    let mut compiles = false;
    for &run in &mounted {
        let instruction = &of.stage.instructions[run];
        let has_it = archives::has_mount(instruction, &[target.as_str()])
            || instruction
                .flag_values("mount")
                .any(|m| m.contains("type=cache") && may_be_for(ecosystem, m));
        let emptied = emptied(view, instruction, ecosystem, &target)
            .filter(|e| !has_it && (e.edits.is_empty() || !dir.is_read_later));
        let Some(emptied) = emptied else {
            // Downloads that are read in place are needed in every step.
            if dir.is_read_later {
                return None;
            }
            continue;
        };
        let flags = flags((of, run), ecosystem, dir, &target);
        compiles |= flags.contains(GO_BUILD);
        edits.push(with_flags(view, instruction, &flags));
        edits.extend(emptied.edits);
        doubts.extend(emptied.doubts);
        taken_out.extend(emptied.words);
        kept.push(run);
    }
    let mounted = kept;
    if mounted.is_empty() {
        return None;
    }
    let lines: Vec<String> = mounted
        .iter()
        .map(|&i| of.stage.instructions[i].lines.first.to_string())
        .collect();
    let (held, does) = if dir.is_compiled {
        ("compiled code", "compiles")
    } else {
        ("downloads", "downloads")
    };
    let mut candidate = Candidate::new(
        CACHES.id,
        format!(
            "keep {ecosystem}'s {} ({} {})",
            if compiles {
                "downloads and compiled code in cache mounts".to_owned()
            } else {
                format!("{held} in a cache mount")
            },
            if lines.len() == 1 { "line" } else { "lines" },
            lines.join(", ")
        ),
    );
    candidate.edits = edits;
    candidate.lines = mounted
        .iter()
        .map(|&i| of.stage.instructions[i].lines)
        .collect();
    let (does, places) = if compiles {
        (
            "downloads and compiles",
            format!("cache mounts at {target} and {GO_BUILD} keep"),
        )
    } else {
        (does, format!("a cache mount at {target} keeps"))
    };
    candidate.rationale = format!(
        "When line {} must run again, {ecosystem} {does} everything anew; {places} what it had. It helps only where the builder's own state survives.",
        lines[0]
    );
    let mut reasons = vec![held_there(ecosystem, held, &target)];
    if compiles {
        reasons.push(format!(
            "{GO_BUILD} holds what go finds by the content of all that went into it"
        ));
    }
    if dir.is_read_later {
        reasons.push(format!(
            "no image and no later stage takes files from {target}"
        ));
    }
    reasons.extend(why_taken_out(taken_out));
    doubts.sort();
    doubts.dedup();
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    candidate.vouched = candidate
        .replaced
        .iter()
        .flat_map(|r| r.before.clone())
        .collect();
    Some(candidate)
}

/// What is at `target`, for a reason.
fn held_there(ecosystem: &str, held: &str, target: &str) -> String {
    let beside = match ecosystem {
        "gradle" => "the wrapper's distribution, caches and locks",
        "maven" => "what its own `install` puts there",
        _ => return format!("{target} holds {held} alone, which {ecosystem} checks before use"),
    };
    format!(
        "{target} holds {held} and, beside them, {beside}, all of which {ecosystem} checks before use; builds wait for one another there"
    )
}

/// The flags that mount `ecosystem`'s downloads, with the blank before them.
fn flags(
    (of, run): (&StageView<'_>, usize),
    ecosystem: &str,
    dir: &CacheDir,
    target: &str,
) -> String {
    let mut flags = format!(" --mount=type=cache,target={target}");
    if dir.is_exclusive {
        flags.push_str(",sharing=locked");
    }
    let compiles = ecosystem == "go" && compiles_go(&of.stage.instructions[run]);
    if compiles && !dir.is_compiled && downloads::go_builds_at_home(of, run) {
        flags = format!("{flags} --mount=type=cache,target={GO_BUILD}");
    }
    flags
}

/// Whether a cache mount that somebody wrote may hold the downloads of `ecosystem`, wherever they were told to go.
fn may_be_for(ecosystem: &str, mount: &str) -> bool {
    let is_system = archives::is_ours(mount);
    let words = [ecosystem, "$", "cache", "store"];
    !is_system
        && words
            .iter()
            .any(|w| mount.replace("type=cache", "").contains(w))
}

/// Whether a RUN compiles with Go, so that its compiler's cache is of use: with `-a` all is compiled anew (`go help build`).
fn compiles_go(instruction: &Instruction) -> bool {
    let compiles = |seen: &Seen| match seen.name() {
        // tonistiigi/xx: Go for another platform, same words.
        "go" | "xx-go" => {
            matches!(seen.subcommand(), "build" | "install" | "run" | "test")
                && !seen.args().iter().any(|w| w == "-a")
        }
        "gmake" | "goreleaser" | "mage" | "make" => true,
        // What stands behind it is known to be Go where it is asked about.
        name => name.ends_with(".sh"),
    };
    match command::seen(instruction) {
        Some(seen) => seen.iter().any(compiles),
        None => ["go build", "go install", "go test", "make"]
            .iter()
            .any(|b| instruction.original.contains(b)),
    }
}

/// Commands that fetch a file, look at one or put it elsewhere: they read no module and compile nothing.
const LOOKERS: [&str; 65] = [
    "[",
    "awk",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cp",
    "curl",
    "cut",
    "date",
    "du",
    "echo",
    "exit",
    "export",
    "file",
    "git",
    "gpg",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "id",
    "install",
    "jq",
    "ldconfig",
    "ldd",
    "llvm-strip",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mv",
    "nm",
    "objcopy",
    "objdump",
    "printf",
    "readelf",
    "rm",
    "rsync",
    "sed",
    "set",
    "setcap",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "size",
    "sleep",
    "sort",
    "strip",
    "tail",
    "tar",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "unzip",
    "upx",
    "wc",
    "wget",
    "which",
    "xx-info",
    "xx-verify",
    "xz",
    "zip",
];

/// Whether the RUN at `run` may read what is below `target`.
fn may_read(of: &StageView<'_>, run: usize, ecosystem: &str, target: &str) -> bool {
    let instruction = &of.stage.instructions[run];
    let is_elsewhere = match effect(of.view, instruction, &of.places[run]).files {
        Files::Commands(touched) => !touched.meets(target),
        _ => false,
    };
    let looks =
        |s: &Seen| LOOKERS.contains(&s.name()) && !s.args().iter().any(|w| overlap(w, target));
    let only_looks = command::seen(instruction).is_some_and(|all| all.iter().all(looks));
    // What builds with others alone looks for their packages.
    let is_others = of
        .builds_with(run)
        .is_some_and(|names| !names.is_empty() && !names.contains(&ecosystem));
    !is_elsewhere && !only_looks && !is_others && !of.reads_no_project(run, &BTreeSet::new())
}
