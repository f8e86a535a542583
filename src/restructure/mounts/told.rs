//! What a proposal of a cache mount says: its title, why, and why it is safe.

use super::super::candidate::{Candidate, Safety};
use super::super::installs::StageView;
use super::super::layout::At;
use super::super::taken::{gives, is_in_image};
use super::downloads;
use super::given::Given;
use super::go_compiler::GO_BUILD;
use super::kin::Kin;
use super::own_wheels;
use crate::dockerfile::Lines;
use crate::ecosystem::CacheDir;
use std::fmt::Write as _;

/// What a person is told of the mounts, with what shows that they are safe.
pub(in crate::restructure) fn told(
    rule: &'static str,
    kin: &Kin<'_, '_>,
    (ecosystem, dir): (&'static str, &CacheDir),
    target: &str,
    given: &Given,
) -> Candidate {
    let own = given.runs.iter().filter_map(|at| kin.instruction(*at));
    let lines: Vec<Lines> = own.map(|i| i.lines).collect();
    let numbers: Vec<String> = lines.iter().map(|l| l.first.to_string()).collect();
    let compiles = !given.compiling.is_empty();
    let (held, does) = if dir.is_compiled {
        ("compiled code", "compiles")
    } else {
        ("downloads", "downloads")
    };
    let (what, does, places) = match (given.own, compiles) {
        (true, true) => (
            "downloads and compiled code in cache mounts".to_owned(),
            "downloads and compiles",
            format!("cache mounts at {target} and {GO_BUILD} keep"),
        ),
        (false, true) => (
            "compiled code in a cache mount".to_owned(),
            "compiles",
            format!("a cache mount at {GO_BUILD} keeps"),
        ),
        _ => (
            format!("{held} in a cache mount"),
            does,
            format!("a cache mount at {target} keeps"),
        ),
    };
    let many = if numbers.len() == 1 { "line" } else { "lines" };
    let mut candidate = Candidate::new(
        rule,
        format!("keep {ecosystem}'s {what} ({many} {})", numbers.join(", ")),
    );
    candidate.lines = lines;
    candidate.rationale = format!(
        "When line {} must run again, {ecosystem} {does} everything anew; {places} what it had. It helps only where the builder's own state survives.",
        numbers[0]
    );
    let goes_elsewhere = |s: &StageView<'_>| gives(s.view, s.stage.index, target);
    if given.own && !dir.is_read_later && kin.stages().any(goes_elsewhere) {
        let _ = write!(
            candidate.rationale,
            " What another stage copies with {target} in it then lacks these {held}."
        );
    }
    let mut reasons = Vec::new();
    if given.own {
        reasons.push(held_there(ecosystem, held, target));
        if own_wheels::id(ecosystem, &downloads::image_of(kin.first())).is_some() {
            reasons.push("wheels that are built for musl are kept from images of other distributions by the mount's id".to_owned());
        }
    }
    if compiles {
        reasons.push(format!(
            "{GO_BUILD} holds what go finds by the content of all that went into it"
        ));
    }
    let is_image = |s: &StageView<'_>| is_in_image(s.view, s.stage.index);
    if given.own && dir.is_read_later && !kin.stages().any(is_image) {
        reasons.push(format!(
            "no image and no later stage takes files from {target}"
        ));
    }
    candidate.safety = Safety::of(reasons, Vec::new());
    candidate
}

/// Why RUNs have the mount too that are not known to fetch anything.
pub(in crate::restructure) fn also_given(
    kin: &Kin<'_, '_>,
    runs: &[(At, CacheDir)],
    given: &Given,
) -> String {
    let fetches = |at: &At| runs.iter().any(|(run, _)| run == at) || given.compiling.contains(at);
    // The first is told of by itself.
    let others = given.runs.iter().skip(1).filter(|at| !fetches(at));
    let others = others.filter_map(|at| kin.instruction(*at));
    let numbers: Vec<String> = others.map(|i| i.lines.first.to_string()).collect();
    match numbers.as_slice() {
        [] => String::new(),
        [one] => format!(" Line {one} has it too, as it may use what is there."),
        many => format!(
            " Lines {} have it too, as they may use what is there.",
            many.join(", ")
        ),
    }
}

/// What is at `target`, for a reason.
fn held_there(ecosystem: &str, held: &str, target: &str) -> String {
    let beside = match ecosystem {
        "pip" => {
            return format!(
                "{target} holds {held}, which pip checks before use, and the wheels that it makes of them, by the version of Python"
            );
        }
        "pnpm" => {
            return format!(
                "{target} holds {held}, which pnpm checks before use, and what install scripts made inside of them, by the version of Node.js"
            );
        }
        "gradle" => "the wrapper's distribution, caches and locks",
        "maven" => "what its own `install` puts there",
        _ => return format!("{target} holds {held} alone, which {ecosystem} checks before use"),
    };
    format!(
        "{target} holds {held} and, beside them, {beside}, all of which {ecosystem} checks before use; builds wait for one another there"
    )
}
