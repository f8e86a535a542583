//! Passing RUNs that build the project.

use super::super::super::candidate::{Candidate, Safety};
use super::super::super::command::{group, removes, seen};
use super::super::super::effect::{Effect, Files};
use super::super::super::installs::{Brought, StageView};
use super::super::super::layout::{BASE, absolute, is_within, last_name, overlap, places};
use super::super::super::mentions::holds;
use super::super::super::tools::TOOLCHAIN_FILES;
use super::super::super::touched::as_seen;
use super::super::super::view::View;
use super::ground::Ground;
use super::runs::hoisted;
use crate::dockerfile::ast::{Instruction, Stage};
use crate::shell;
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
    let (scripts, builds): (Vec<usize>, Vec<usize>) = passed
        .into_iter()
        .filter(|&run| ground.line(run) > to)
        .partition(|run| ground.scripts.contains(run));
    if scripts.is_empty() && builds.is_empty() {
        return None;
    }
    let each = [(builds, "build"), (scripts, "script")].map(|(runs, what)| {
        let lines: Vec<String> = runs.iter().map(|&i| ground.line(i).to_string()).collect();
        match lines.as_slice() {
            [] => String::new(),
            [one] => format!("the {what} in line {one}, which then runs"),
            all => format!("the {what}s in lines {}, which then run", all.join(" and ")),
        }
    });
    let each: Vec<String> = each.into_iter().filter(|e| !e.is_empty()).collect();
    let doubt = format!(
        "check that what line {} installs does not disturb {} after it",
        ground.line(index),
        each.join(" after it, nor ")
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
        let mut commands = seen(instruction).unwrap_or_default();
        commands.extend(substituted(instruction));
        let image = of.image_at(*run);
        let resolvers = of.resolvers(*run);
        let script = |s: &Seen| {
            // A command's first word is known by its last name only.
            let called = format!("/{}", s.name());
            let is_it = |(to, _): &(&String, &Brought)| to.ends_with(&called);
            let found = image.iter().find(is_it);
            let found = found.filter(|_| instruction.original.contains(&called));
            let given = || image.get_key_value(&given_to_a_shell(s, of.cwd(*run))?);
            found.or_else(given).map(|(_, brought)| &brought.from)
        };
        let is_known = |s: &Seen| match script(s) {
            Some(path) => {
                let text = view.read_text(path).unwrap_or_default();
                let rest = match text.split_once('\n') {
                    Some((first, rest)) if first.starts_with("#!") => rest,
                    // Given to a shell it needs no such line.
                    _ if is_shell(s.name()) => text.as_str(),
                    _ => return false,
                };
                let hands_on = holds(rest.as_bytes(), b"sh") || holds(rest.as_bytes(), b"bash");
                !rest.trim().is_empty() && !hands_on && !speaks_of_the_system(rest)
            }
            None => {
                s.name().is_empty()
                    || group(s).is_some()
                    || resolvers.iter().any(|(words, _)| *words == s.words)
            }
        };
        commands.iter().any(|s| script(s).is_some())
            && commands.iter().all(is_known)
            && !speaks_of_the_system(&instruction.original)
    };
    (0..stage.instructions.len()).filter(is_one).collect()
}

/// Whether a RUN above `index` that is none of the builds has left the lists by which `install` goes: it is not moved
/// above that, which deals with the system too.
fn keeps_lists(ground: &Ground<'_>, index: usize, install: &Seen) -> bool {
    let steps = &ground.stage.instructions;
    let mut above = (0..index).filter(|i| !ground.builds.contains(i));
    above.any(|i| {
        let all = seen(&steps[i]).unwrap_or_default();
        let is_apt = |s: &Seen| s.name().starts_with("apt") && install.name().starts_with("apt");
        let updates = |s: &Seen| is_apt(s) && s.subcommand() == "update";
        let is_known = matches!(&ground.effects[i].files, Files::Commands(t) if t.system);
        is_known && all.iter().any(updates) && !all.iter().any(|s| s.name() == "rm")
    })
}

/// The commands in `$(…)`, where the text of a RUN begins.
fn substituted(instruction: &Instruction) -> Vec<Seen> {
    let Some(text) = instruction.shell_text() else {
        return Vec::new();
    };
    let script = shell::parse(text);
    let inner = script.commands.iter().flat_map(|c| &c.substitutions);
    inner.map(as_seen).collect()
}

fn is_shell(name: &str) -> bool {
    matches!(name, "ash" | "bash" | "dash" | "sh")
}

/// The script, absolute, that a shell is given: `bash tools/arch.sh`.
fn given_to_a_shell(s: &Seen, cwd: &str) -> Option<String> {
    let first = s.args().first().filter(|_| is_shell(s.name()))?;
    let is_plain = !first.starts_with(['-', '~']) && !first.contains(['$', '`', '*']);
    let here = absolute(Some(cwd), s.directory.as_deref()?)?;
    absolute(Some(&here), first).filter(|_| is_plain)
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
    // Whoever brings one of these is not passed.
    let is_elsewhere = |place: &String| {
        if TOOLCHAIN_FILES.contains(&last_name(place)) {
            return true;
        }
        places.iter().any(|p| is_within(place, p)) && !built_in.iter().any(|d| overlap(place, d))
    };
    let has_lists = |at: usize| {
        let before = &commands[..=at];
        let is_new = |w: &String| w == "--no-cache" || w == "-U" || w.starts_with("--update");
        before.iter().any(|s| {
            let is_own = s.name() == commands[at].name();
            let updates = s.subcommand() == "update" && (is_own || s.name().starts_with("apt"));
            updates || is_own && s.args().iter().any(is_new)
        }) || keeps_lists(ground, index, &commands[at])
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
