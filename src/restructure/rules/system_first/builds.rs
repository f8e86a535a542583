//! Passing RUNs that build the project.

use super::super::super::candidate::{Candidate, Safety};
use super::super::super::command::{group, removes, seen};
use super::super::super::effect::{Effect, Files};
use super::super::super::installs::{Brought, StageView};
use super::super::super::layout::{BASE, is_within, overlap, places};
use super::super::super::mentions::holds;
use super::super::super::view::View;
use super::ground::Ground;
use super::runs::hoisted;
use crate::dockerfile::ast::Stage;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// The RUNs of a stage that are made of commands which resolve dependencies or build.
pub(super) fn builds(view: &View<'_>, stage: &Stage) -> BTreeSet<usize> {
    let all = places(view.dockerfile);
    let of = StageView::new(view, &all, stage.index);
    (0..stage.instructions.len())
        .filter(|&run| {
            let knows = of.builds_with(run).is_some_and(|names| !names.is_empty());
            knows || of.makes(run)
        })
        .collect()
}

/// The RUN at `index` moved up past RUNs that build the project: those may touch any file, and hardly go by what is
/// installed after them.
pub(super) fn above_builds(ground: &Ground<'_>, index: usize) -> Option<Candidate> {
    if !stands_alone(ground, index) {
        return None;
    }
    let passed: Vec<usize> = ground.builds.range(..index).copied().collect();
    let relaxed = relaxed(ground, &ground.effects, index);
    let mut candidate = hoisted(ground, &relaxed, index).into_iter().next()?;
    // A build that would have to come along reads the source.
    let comes_along = |run: &usize| {
        let own = ground.stage.instructions[*run].span;
        let mut edits = candidate.edits.iter();
        edits.any(|e| e.span.start < own.end && own.start < e.span.end)
    };
    if passed.iter().any(comes_along) {
        return None;
    }
    let to = candidate.lines.first()?.first;
    let lines: Vec<String> = passed
        .iter()
        .map(|&run| ground.line(run))
        .filter(|line| *line > to)
        .map(|line| line.to_string())
        .collect();
    if lines.is_empty() {
        return None;
    }
    let which = match lines.as_slice() {
        [one] => format!("the build in line {one}, which then runs"),
        all => format!("the builds in lines {}, which then run", all.join(" and ")),
    };
    let doubt = format!(
        "check that what line {} installs does not disturb {which} after it",
        ground.line(index)
    );
    let doubts = candidate
        .safety
        .doubt()
        .map(str::to_owned)
        .into_iter()
        .chain([doubt]);
    candidate.safety = Safety::of(candidate.safety.reasons().to_vec(), doubts.collect());
    Some(candidate)
}

/// `effects` with the RUNs above `index` that build taken to go by nothing that is installed after them.
pub(super) fn relaxed(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Vec<Effect> {
    let mut relaxed = effects.to_vec();
    for &run in ground.builds.range(..index) {
        relaxed[run].files = Files::Nothing;
        relaxed[run].groups = Some(BTreeSet::new());
    }
    relaxed
}

/// The RUNs of a stage that resolve dependencies or run scripts which the stage copies one by one, where neither their
/// own words nor those scripts speak of system packages or of how they are set up.
pub(super) fn runs_scripts(view: &View<'_>, stage: &Stage) -> BTreeSet<usize> {
    let all = places(view.dockerfile);
    let of = StageView::new(view, &all, stage.index);
    let is_one = |run: &usize| {
        let instruction = &stage.instructions[*run];
        let commands = seen(instruction).unwrap_or_default();
        let image = of.image_at(*run);
        let resolvers = of.resolvers(*run);
        // A command's first word is known by its last name only.
        let script = |s: &Seen| {
            let called = format!("/{}", s.name());
            let is_it = |(to, _): &(&String, &Brought)| to.ends_with(&called);
            let found = image.iter().find(is_it).map(|(_, brought)| &brought.from);
            found.filter(|_| instruction.original.contains(&called))
        };
        let is_known = |s: &Seen| match script(s) {
            Some(path) => {
                let text = view.read_text(path).unwrap_or_default();
                let (first, rest) = text.split_once('\n').unwrap_or_default();
                first.starts_with("#!") && !speaks_of_the_system(rest)
            }
            None => group(s).is_some() || resolvers.iter().any(|(words, _)| *words == s.words),
        };
        commands.iter().any(|s| script(s).is_some())
            && commands.iter().all(is_known)
            && !speaks_of_the_system(&instruction.original)
    };
    (0..stage.instructions.len()).filter(is_one).collect()
}

/// Whether a text may install system packages, or write where their manager looks.
fn speaks_of_the_system(text: &str) -> bool {
    let words = [
        "apk", "apt", "apt-get", "dnf", "dpkg", "microdnf", "pacman", "rpm", "yum", "zypper",
        "/etc", "/usr", "/lib", "/var",
    ];
    words.iter().any(|w| holds(text.as_bytes(), w.as_bytes()))
}

/// Whether a RUN only installs, by what it brings itself: no program of the project's packages, no package list or
/// environment that a RUN above has left, no file but in places of the system.
pub(super) fn stands_alone(ground: &Ground<'_>, index: usize) -> bool {
    let commands = seen(&ground.stage.instructions[index]).unwrap_or_default();
    are_alone(ground, index, &ground.effects[index], &commands)
}

/// As [`stands_alone`] for `commands` of the RUN at `index`, which do what `effect` says.
pub(super) fn are_alone(
    ground: &Ground<'_>,
    index: usize,
    effect: &Effect,
    commands: &[Seen],
) -> bool {
    let places = ["/etc", "/opt", "/root", "/tmp", "/usr", "/var"];
    let Files::Commands(touched) = &effect.files else {
        return false;
    };
    let built_in = ground.builds.range(..index).map(|&run| {
        let cwd = ground.places[run].cwd.as_deref();
        cwd.unwrap_or(BASE)
    });
    let built_in: BTreeSet<&str> = built_in.filter(|dir| *dir != "/").collect();
    let is_elsewhere = |place: &String| {
        places.iter().any(|p| is_within(place, p)) && !built_in.iter().any(|d| overlap(place, d))
    };
    let has_lists = |at: usize| {
        let before = &commands[..=at];
        let is_new = |w: &String| w == "--no-cache" || w == "-U" || w.starts_with("--update");
        before.iter().any(|s| {
            let is_own = s.name() == commands[at].name();
            let updates = s.subcommand() == "update" && (is_own || s.name().starts_with("apt"));
            updates || is_own && s.args().iter().any(is_new)
        })
    };
    let is_apart = |(at, seen): (usize, &Seen)| match seen.name() {
        "apk" | "apt" | "apt-get" => {
            !matches!(seen.subcommand(), "add" | "install") || has_lists(at)
        }
        // One environment with what the project installs: the order decides the versions.
        "conda" | "mamba" | "micromamba" | "pip" | "pip3" | "uv" => false,
        "cypress" | "hf" | "huggingface-cli" | "nltk.downloader" | "playwright" | "puppeteer"
        | "spacy" => false,
        // The builds that are passed may need what it takes away.
        "rm" => !seen
            .args()
            .iter()
            .any(|a| a.starts_with("/usr/") || a.starts_with("/opt/")),
        _ => true,
    };
    let takes_out = commands.iter().any(removes);
    !takes_out
        && touched.places.iter().all(is_elsewhere)
        && commands.iter().enumerate().all(is_apart)
}
