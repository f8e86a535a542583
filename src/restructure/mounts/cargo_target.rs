//! What Cargo compiles, in a cache mount, and what is taken of it copied out by the RUN that compiles.
//!
//! Before:
//! ```dockerfile
//! RUN cargo build --release
//! FROM debian
//! COPY --from=build /app/target/release/app /usr/bin/
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,id=app-target,target=/app/target,sharing=locked cargo build --release && cp /app/target/release/app /usr/local/bin/
//! FROM debian
//! COPY --from=build /usr/local/bin/app /usr/bin/
//! ```
//! No layer holds what is in a mount, so every reader of the directory has to be known. Cargo tells by a file's time whether
//! what it has compiled is still of use (doc.rust-lang.org/nightly/nightly-rustc/cargo/core/compiler/fingerprint): that is
//! for review, always.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::installs::StageView;
use super::super::layout::{
    At, Place, absolute, built_on, expand, last_name, overlap, parent, places, reachable, unquote,
};
use super::super::lift::declare;
use super::super::moving::with_flags;
use super::super::run_text::run_text;
use super::super::taken::is_in_image;
use super::super::touched::touched_beside;
use super::super::view::View;
use super::cargo_results::{OUT, Taken, source_span, taken};
use super::downloads::{is_root, user_doubt};
use super::hidden::hides;
use super::hidden_cooks::{may_read, target};
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::ecosystem::CacheDir;
use crate::shell::{Connector, Seen};
use std::collections::BTreeSet;

/// What Cargo compiles, for the question what a mount would hide.
const COMPILED: CacheDir = CacheDir {
    path: "target",
    is_read_later: false,
    is_exclusive: true,
    is_compiled: true,
    told: None,
};

/// Commands that leave a file as it is, or as it is after the first time.
const LEAVES: &[&str] = &[
    "[",
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "dirname",
    "du",
    "echo",
    "file",
    "grep",
    "ldd",
    "ls",
    "md5sum",
    "mkdir",
    "nm",
    "printf",
    "readelf",
    "readlink",
    "realpath",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "size",
    "stat",
    "strings",
    "strip",
    "test",
    "wasm-bindgen",
];

/// The candidates for `rule`, one for each stage that compiles.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    let one = |stage| {
        let of = StageView::new(view, &all, stage);
        candidate(&of, &all, rule)
    };
    stages.into_iter().filter_map(one).collect()
}

fn candidate(of: &StageView<'_>, all: &[Vec<Place>], rule: &'static str) -> Option<Candidate> {
    let view = of.view;
    let stage = of.stage.index;
    let runs = 0..of.stage.instructions.len();
    let compiling: Vec<usize> = runs.filter(|n| !of.cargo_targets(*n).is_empty()).collect();
    let [run] = compiling.as_slice() else {
        return None;
    };
    let run = *run;
    let builds = of.cargo_targets(run);
    let (at, _) = builds.first()?;
    if builds
        .iter()
        .any(|(other, is_cooked)| other != at || *is_cooked)
    {
        return None;
    }
    let is_built_on = |s: usize| parent(view.dockerfile, s) == Some(stage);
    if !is_root(of, run)
        || (0..view.dockerfile.stages.len()).any(is_built_on)
        || !is_of_project(of, run, at)
        || is_there_already(of, all, run, at)
        || !is_its_alone(of, run, at)
    {
        return None;
    }
    let taken = taken(view, stage, at)?;
    let is_image = is_in_image(view, stage);
    if is_image && (!taken.is_empty() || starts_from(view, at)) {
        return None;
    }
    let out = out_of(of, run, at)?;
    if taken.is_empty() && out == Out::Nothing {
        return None;
    }
    told(of, run, at, (&taken, out), rule)
}

/// Whether the directory of `at` holds the project's own manifest, by which Cargo compiles into `at` itself: no workspace
/// above, no setting that names another place.
fn is_of_project(of: &StageView<'_>, run: usize, at: &str) -> bool {
    let image = of.image_at(run);
    let here = at.strip_suffix("/target").unwrap_or_default();
    let here = if here.is_empty() { "/" } else { here };
    let above = || {
        std::iter::successors(Some(here), |dir| match dir.rsplit_once('/')? {
            ("", "") => None,
            ("", _) => Some("/"),
            (above, _) => Some(above),
        })
    };
    let read = |path: &str| of.view.read_text(&image.get(path)?.from);
    let file = |dir: &str, name: &str| format!("{}/{name}", dir.trim_end_matches('/'));
    let sets = |dir: &str| {
        let names = [".cargo/config", ".cargo/config.toml"];
        names.iter().any(|name| {
            let path = file(dir, name);
            image.contains_key(&path) && read(&path).is_none_or(|text| text.contains("-dir"))
        })
    };
    image.contains_key(&file(here, "Cargo.toml"))
        && !above()
            .skip(1)
            .any(|dir| image.contains_key(&file(dir, "Cargo.toml")))
        && !above().any(sets)
}

/// Whether a mount stands over `at`, or something above the RUN has put files there.
fn is_there_already(of: &StageView<'_>, all: &[Vec<Place>], run: usize, at: &str) -> bool {
    let instructions = &of.stage.instructions;
    let is_over = |n: usize| {
        let mut mounts = instructions[n].flag_values("mount");
        mounts.any(|m| target(of, n, m).is_none_or(|there| overlap(&there, at)))
    };
    let own = At {
        stage: of.stage.index,
        index: run,
    };
    let compiles_above = |stage: usize| {
        let of = StageView::new(of.view, all, stage);
        let mut runs = 0..of.stage.instructions.len();
        runs.any(|n| {
            of.cargo_targets(n)
                .iter()
                .any(|(there, _)| overlap(there, at))
        })
    };
    (0..instructions.len()).any(is_over)
        || hides(of, all, ("cargo", &COMPILED), &BTreeSet::from([own]), at)
        || built_on(of.view.dockerfile, of.stage.index)
            .skip(1)
            .any(compiles_above)
}

/// Whether no other RUN of the stage may read what is at `at`, or write there. (rustup looks for a file that names the
/// toolchain, wherever it runs.)
fn is_its_alone(of: &StageView<'_>, run: usize, at: &str) -> bool {
    let meets = |n: usize| {
        let script = run_text(of.view, &of.stage.instructions[n])?.script;
        let Place { cwd, variables, .. } = &of.places[n];
        let is_rustup = |seen: &Seen| seen.name() == "rustup";
        Some(touched_beside(&script, cwd.as_deref(), variables, &is_rustup)?.meets(at))
    };
    let mut others = (0..of.stage.instructions.len()).filter(|n| *n != run);
    !others.any(|n| meets(n).unwrap_or_else(|| may_read(of, n, at)))
}

/// Whether what the image starts may be at `at`, or compile.
fn starts_from(view: &View<'_>, at: &str) -> bool {
    let stages = built_on(view.dockerfile, view.target);
    let mut steps = stages.flat_map(|s| &view.dockerfile.stages[s].instructions);
    let says = |text: &str| text.contains("target/") || text.contains("cargo") || text.contains(at);
    steps.any(|step| match &step.kind {
        Kind::Cmd(command) | Kind::Entrypoint(command) => match command {
            Command::Shell(text) => says(text),
            Command::Exec(words) => words.iter().any(|w| says(w)),
        },
        Kind::Env(pairs) => pairs.iter().any(|p| says(&p.value)),
        _ => false,
    })
}

/// What a RUN puts elsewhere of what it compiles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Out {
    Nothing,
    /// Files by their names.
    Named,
    /// All that is there, of earlier builds too.
    Found,
}

/// What the RUN itself puts elsewhere; `None` where it throws away what it compiles, or leaves what points to it.
fn out_of(of: &StageView<'_>, run: usize, at: &str) -> Option<Out> {
    let script = run_text(of.view, &of.stage.instructions[run])?.script;
    let place = &of.places[run];
    let is_there = |seen: &Seen, word: &String| {
        let here = absolute(
            place.cwd.as_deref(),
            seen.directory.as_deref().unwrap_or(""),
        );
        let path = expand(&unquote(word), &place.variables);
        let path = path.and_then(|p| absolute(here.as_deref(), p.trim_end_matches(['*', '/'])));
        path.map_or_else(|| word.contains("target"), |p| overlap(&p, at))
    };
    let mut out = Out::Nothing;
    for seen in script.seen() {
        let mut words = seen.args().iter().filter(|w| !w.starts_with('-'));
        match seen.name() {
            "cargo" => match seen.subcommand() {
                "clean" => return None,
                "install" => out = out.max(Out::Named),
                _ => {}
            },
            "find" if words.any(|w| is_there(&seen, w)) => {
                let does = |what: &[&str]| seen.args().iter().any(|w| what.contains(&w.as_str()));
                if does(&["-delete", "ln", "rm"]) {
                    return None;
                }
                if does(&["cp", "install", "mv"]) {
                    out = Out::Found;
                }
            }
            "rm" | "ln" | "rsync" if words.any(|w| is_there(&seen, w)) => return None,
            "cp" | "install" | "mv" => {
                let is_open = |w: &String| {
                    let path = w.trim_end_matches('/');
                    path.contains(['*', '?', '[']) || path.ends_with("/release")
                };
                for word in words.filter(|w| is_there(&seen, w)) {
                    let kind = if is_open(word) {
                        Out::Found
                    } else {
                        Out::Named
                    };
                    out = out.max(kind);
                }
            }
            // Done once more to what Cargo has left as it is, it fails or makes something else (`upx`, `objcopy`).
            name if !LEAVES.contains(&name) && words.any(|w| is_there(&seen, w)) => return None,
            _ => {}
        }
    }
    Some(out)
}

fn told(
    of: &StageView<'_>,
    run: usize,
    at: &str,
    (taken, out): (&[Taken], Out),
    rule: &'static str,
) -> Option<Candidate> {
    let view = of.view;
    let instruction = &of.stage.instructions[run];
    let line = instruction.lines.first;
    let mut candidate = Candidate::new(
        rule,
        format!("keep cargo's compiled code in a cache mount (line {line})"),
    );
    let files: BTreeSet<&str> = taken.iter().map(|t| t.path.as_str()).collect();
    let first = files.first().map(|path| last_name(path).to_owned());
    let name = first.or_else(|| package(of, run, at));
    let name = name.filter(|name| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    });
    let id = name.map_or_else(String::new, |name| format!(",id={name}-target"));
    let flags = format!(" --mount=type=cache{id},target={at},sharing=locked");
    candidate.edits.push(with_flags(view, instruction, &flags));
    candidate.lines.push(instruction.lines);
    if !files.is_empty() {
        let files: Vec<&str> = files.into_iter().collect();
        let command = format!("cp {} {OUT}/", files.join(" "));
        candidate
            .edits
            .push(with_last(view, instruction, &command)?);
    }
    let mut lines = Vec::new();
    for one in taken {
        let copy = &view.dockerfile.stages[one.by.stage].instructions[one.by.index];
        let now = format!("{OUT}/{}", last_name(&one.path));
        let span = source_span(view, copy, &one.written)?;
        candidate.edits.push(TextEdit::replace(span, now.clone()));
        let before = candidate.carried.insert(now, one.written.clone());
        // Two ways of writing one file are one too many.
        if before.is_some_and(|before| before != one.written) {
            return None;
        }
        if !lines.contains(&copy.lines) {
            lines.push(copy.lines);
        }
    }
    candidate.lines.extend(lines.iter().copied());
    let numbers: Vec<String> = lines.iter().map(|l| l.first.to_string()).collect();
    let many = if numbers.len() == 1 { "line" } else { "lines" };
    let takes = if numbers.len() == 1 { "takes" } else { "take" };
    let copied = match numbers.as_slice() {
        [] => String::new(),
        numbers => format!(
            " What {many} {} {takes} of it is put into {OUT} by the same RUN, since no layer holds a mount.",
            numbers.join(", ")
        ),
    };
    candidate.rationale = format!(
        "When line {line} must run again, cargo compiles every crate anew; a cache mount at {at} keeps what it had.{copied} It helps only where the builder's own state survives, and builds wait for one another there."
    );
    let reasons = vec![format!(
        "no other RUN and no other stage reads what is in {at}, but for what is copied out of it"
    )];
    let mut doubts = vec![
        "cargo compiles a source again only where it is newer than what was compiled of it: check that this builder builds no other checkout or branch of the project with older files, and that the build's other inputs (libraries of the image that C is compiled against) change with the version of Rust alone".to_owned(),
    ];
    if is_in_image(view, of.stage.index) {
        doubts.push(format!(
            "the image no longer holds {at}: check that nothing in its containers reads that"
        ));
    }
    if out == Out::Found {
        doubts.push(format!(
            "line {line} takes all that it finds in {at}, where files of earlier builds stay: check that none of another name is among them"
        ));
    }
    doubts.extend(user_doubt(of, run));
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}

/// The package that lies where `at` does: without a name of its own the mount would be shared with every project that is
/// built at the same place, whose crates Cargo tells by name, version and place alone.
fn package(of: &StageView<'_>, run: usize, at: &str) -> Option<String> {
    let manifest = format!("{}/Cargo.toml", at.strip_suffix("/target")?);
    let image = of.image_at(run);
    let text = of.view.read_text(&image.get(&manifest)?.from)?;
    let (_, own) = text.split_once("[package]")?;
    let names = own.lines().take_while(|l| !l.starts_with('['));
    let value = names
        .filter_map(|l| {
            l.trim()
                .strip_prefix("name")?
                .trim_start()
                .strip_prefix('=')
        })
        .next()?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// Puts `command` behind the last one of a RUN, joined as the one before is.
fn with_last(view: &View<'_>, instruction: &Instruction, command: &str) -> Option<TextEdit> {
    if !instruction.heredocs.is_empty() {
        return None;
    }
    let run = run_text(view, instruction)?;
    let pieces = &run.script.pieces;
    let last = pieces.last()?;
    let is_joined = |c| matches!(c, Connector::Start | Connector::And | Connector::Then);
    if !pieces.iter().all(|p| is_joined(p.connector)) {
        return None;
    }
    // Nothing may follow it: a `;` or a `&` of its own.
    if !run.text.get(last.span.end..)?.trim().is_empty() {
        return None;
    }
    let before = pieces.len().checked_sub(2).and_then(|n| pieces.get(n));
    let gap = before.filter(|_| last.connector == Connector::And);
    let gap = gap.and_then(|p| run.text.get(p.span.end..last.span.start));
    let escape = view.dockerfile.escape;
    let gap = match gap.filter(|gap| !gap.contains('#')) {
        Some(gap) => gap.to_owned(),
        None if run.text.trim().contains('\n') => format!(" {escape}\n    && "),
        None => " && ".to_owned(),
    };
    let end = run.start + last.span.end;
    Some(TextEdit::insert(end, format!("{gap}{command}")))
}
