//! ccache and sccache: what they keep of compiled code, in a cache mount.
//!
//! Before:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y ccache cmake g++
//! COPY . .
//! RUN make
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,target=/root/.ccache make
//! ```
//! ccache takes `~/.ccache` where that directory is there, in every version (ccache.dev/manual, `cache_dir`), sccache
//! `~/.cache/sccache` (github.com/mozilla/sccache, docs/Local.md). Both find what they have by the content of all that went
//! into it. Whether a build goes through ccache is seldom said in a Dockerfile: without that it is for review.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command;
use super::super::installs::StageView;
use super::super::layout::{built_on, places, reachable};
use super::super::lift::declare;
use super::super::moving::with_flags;
use super::super::view::View;
use super::downloads::is_root;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;

/// One program that keeps what compilers make.
struct Keeper {
    name: &'static str,
    /// The variable that says where.
    told_by: &'static str,
    /// Where, for root, unless it is told.
    place: &'static str,
    /// Commands that compile by way of it.
    compilers: &'static [&'static str],
    /// Variables by which it keeps all elsewhere.
    away: &'static [&'static str],
}

const KEEPERS: [Keeper; 2] = [
    Keeper {
        name: "ccache",
        told_by: "CCACHE_DIR",
        place: "/root/.ccache",
        compilers: &["cmake", "gmake", "make", "meson", "ninja", "scons"],
        away: &[
            "CCACHE_DISABLE",
            "CCACHE_REMOTE_ONLY",
            "CCACHE_SECONDARY_STORAGE",
        ],
    },
    Keeper {
        name: "sccache",
        told_by: "SCCACHE_DIR",
        place: "/root/.cache/sccache",
        compilers: &["cargo"],
        away: &[
            "SCCACHE_AZURE_CONNECTION_STRING",
            "SCCACHE_BUCKET",
            "SCCACHE_ENDPOINT",
            "SCCACHE_GCS_BUCKET",
            "SCCACHE_GHA_ENABLED",
            "SCCACHE_MEMCACHED",
            "SCCACHE_REDIS",
            "SCCACHE_WEBDAV_ENDPOINT",
        ],
    },
];

/// The candidates for `rule`, one for each stage and program.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        found.extend(KEEPERS.iter().filter_map(|k| candidate(&of, k, rule)));
    }
    found
}

fn candidate(of: &StageView<'_>, keeper: &Keeper, rule: &'static str) -> Option<Candidate> {
    let view = of.view;
    let dockerfile = view.dockerfile;
    let above: Vec<usize> = built_on(dockerfile, of.stage.index).skip(1).collect();
    let inherited = above
        .iter()
        .flat_map(|s| &dockerfile.stages[*s].instructions);
    let is_there = |i: &Instruction| matches!(i.kind, Kind::Run(_)) && says(i, &[keeper.name]);
    let own = &of.stage.instructions;
    let first = match inherited.clone().any(is_there) {
        true => 0,
        false => own.iter().position(is_there)? + 1,
    };
    // Somebody has seen to it already.
    let is_its = |mount: &str| mount.to_ascii_lowercase().contains(keeper.name);
    let is_seen_to = |i: &Instruction| i.flag_values("mount").any(is_its);
    if own.iter().any(is_seen_to) || inherited.clone().any(is_seen_to) {
        return None;
    }
    let compiles = |n: &usize| {
        matches!(own[*n].kind, Kind::Run(_)) && runs(&own[*n], keeper.compilers) && is_root(of, *n)
    };
    let runs: Vec<usize> = (first..own.len()).filter(compiles).collect();
    let variables = &of.places[*runs.first()?].variables;
    let is_away =
        |name: &&str| variables.contains_key(*name) || runs.iter().any(|n| says(&own[*n], &[name]));
    if keeper.away.iter().any(&is_away) {
        return None;
    }
    // A RUN may tell it too, where nothing is seen of that.
    let is_told = |n: &usize| says(&own[*n], &[keeper.told_by]);
    let target = match variables.get(keeper.told_by) {
        Some(value) => value.clone().filter(|v| v.starts_with('/'))?,
        None if runs.iter().any(is_told) || variables.contains_key("HOME") => return None,
        None => keeper.place.to_owned(),
    };
    let is_used = variables
        .iter()
        .filter(|(name, _)| *name != keeper.told_by)
        .any(|(_, value)| value.as_deref().is_some_and(|v| v.contains(keeper.name)));
    if keeper.name == "sccache" && !is_used {
        return None;
    }
    told(of, keeper, (&runs, &target), is_used, rule)
}

fn told(
    of: &StageView<'_>,
    keeper: &Keeper,
    (runs, target): (&[usize], &str),
    is_used: bool,
    rule: &'static str,
) -> Option<Candidate> {
    let own = &of.stage.instructions;
    let name = keeper.name;
    let lines: Vec<String> = runs
        .iter()
        .map(|n| own[*n].lines.first.to_string())
        .collect();
    let many = if lines.len() == 1 { "line" } else { "lines" };
    let mut candidate = Candidate::new(
        rule,
        format!(
            "keep {name}'s compiled code in a cache mount ({many} {})",
            lines.join(", ")
        ),
    );
    let flags = format!(" --mount=type=cache,target={target}");
    let edit = |n: &usize| -> TextEdit { with_flags(of.view, &own[*n], &flags) };
    candidate.edits = runs.iter().map(edit).collect();
    candidate.lines = runs.iter().map(|n| own[*n].lines).collect();
    candidate.rationale = format!(
        "When line {} must run again, all is compiled anew, for {name} finds nothing of what it had; a cache mount at {target} keeps it. It helps only where the builder's own state survives.",
        lines[0]
    );
    let reasons = vec![format!(
        "{target} holds compiled code alone, which {name} finds by the content of all that went into it"
    )];
    let mut doubts = Vec::new();
    if !is_used {
        doubts.push(format!(
            "{name} is installed: check that the compilers are run by it (CMAKE_CXX_COMPILER_LAUNCHER={name}, /usr/lib/{name} in PATH, …)"
        ));
    }
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, of.view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}

/// Whether one of `words` stands in the text of an instruction by itself.
fn says(instruction: &Instruction, words: &[&str]) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let names = |text: &str| text.split(|c| !is_part(c)).any(|w| words.contains(&w));
    names(&instruction.original) || instruction.heredocs.iter().any(|h| names(&h.content))
}

/// Whether a RUN runs one of `programs`; by their words where its text is not read.
fn runs(instruction: &Instruction, programs: &[&str]) -> bool {
    let compiles = |seen: &Seen| match seen.name() {
        "cargo" => match seen.subcommand() {
            "chef" => seen.args().iter().any(|w| w == "cook"),
            verb => ["b", "build", "check", "clippy", "install", "test"].contains(&verb),
        },
        _ => true,
    };
    match command::seen(instruction) {
        Some(seen) => seen
            .iter()
            .any(|s| programs.contains(&s.name()) && compiles(s)),
        None => {
            says(instruction, programs) && !says(instruction, &["apt-get", "apk", "dnf", "yum"])
        }
    }
}
