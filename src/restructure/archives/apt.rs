//! apt: archives in `/var/cache/apt`, package lists in `/var/lib/apt`.
//!
//! Before:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y git && rm -rf /var/lib/apt/lists/*
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
//!     --mount=type=cache,target=/var/lib/apt,sharing=locked \
//!     rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && apt-get install -y git
//! ```
//! Source: docs.docker.com/reference/dockerfile, "Example: cache apt packages". `docker-clean`, which the images of Debian
//! and Ubuntu hold (github.com/debuerreotype/debuerreotype, scripts/debuerreotype-minimizing-config), empties the
//! archives after each install. It is gone for whatever stands below, so all RUNs on one image get the mounts or none
//! (those of stages that the target does not need are named in a doubt);
//! mounts that are there already are completed, for as long as the file cleans they hold nothing.
//!
//! Lists in a mount may be older than the layers, or gone: only where each RUN that installs also updates. `apt` removes
//! what it has installed unless told otherwise (apt(8), "Differences to apt-get(8)"); `apt-get` does not. Which packages came as dependencies is
//! noted in `/var/lib/apt/extended_states`: where a command goes by that, only `/var/lib/apt/lists` is a mount.

use super::super::candidate::TextEdit;
use super::super::effect::{Files, effect};
use super::super::layout::{At, built_on, reachable};
use super::super::taken::{gives, is_in_image, takes_below};
use super::edit::with_mounts;
use super::family::{Family, Kept};
use super::found::{OwnMount, Reading, Run, own_mounts, read};
use crate::dockerfile::ast::Kind;
use crate::shell::Seen;
use std::collections::{BTreeMap, BTreeSet};

const PROGRAMS: [&str; 2] = ["apt", "apt-get"];
/// Programs that go by the same files; what they need of them is not looked into.
const RELATED: [&str; 3] = ["apt-cache", "apt-file", "aptitude"];
/// Programs that go by which packages came as dependencies.
const MARKING: [&str; 2] = ["apt-mark", "deborphan"];
const ARCHIVES: &str = "/var/cache/apt";
const STATE: &str = "/var/lib/apt";
const LISTS: &str = "/var/lib/apt/lists";
/// Where a mount of somebody else's is completed.
const PLACES: [&str; 3] = [ARCHIVES, STATE, LISTS];
const CLEANS: &str = "/etc/apt/apt.conf.d/docker-clean";
const KEEP_CACHE: &str = "/etc/apt/apt.conf.d/keep-cache";
const NO_CLEANS: &str = "rm -f /etc/apt/apt.conf.d/docker-clean";
const KEEPS: &str =
    "echo 'Binary::apt::APT::Keep-Downloaded-Packages \"true\";' > /etc/apt/apt.conf.d/keep-cache";

/// What a file does itself so that downloads are kept.
#[derive(Clone, Copy, Default)]
struct Told {
    /// `docker-clean` is gone.
    no_cleaning: bool,
    /// `apt` is told to keep.
    keep: bool,
}

/// apt's mounts in `family`.
pub(super) fn kept<'a>(family: &Family<'_, 'a>) -> Option<Kept<'a>> {
    let view = family.view;
    let mut runs: Vec<(At, Run<'_>)> = Vec::new();
    let mut marks = false;
    let (mut has_lists, mut has_state) = (false, false);
    for &stage in &family.stages {
        if takes_below(view, stage, ARCHIVES) || takes_below(view, stage, STATE) {
            return None;
        }
        let instructions = &view.dockerfile.stages[stage].instructions;
        for (index, instruction) in instructions.iter().enumerate() {
            let own: Vec<OwnMount<'_>> = own_mounts(instruction, &[ARCHIVES, STATE]);
            if !own
                .iter()
                .all(|m| m.is_plain && PLACES.contains(&m.at.as_str()))
            {
                return None;
            }
            has_lists |= own.iter().any(|m| m.at == LISTS);
            has_state |= own.iter().any(|m| m.at == STATE);
            let place = family.places.get(stage)?.get(index)?;
            match read(view, instruction, place, &PROGRAMS) {
                // Whether the lists are there must not depend on what the RUN finds.
                Reading::Plain(run) if run.may_skip(&PROGRAMS) && !updates_first(&run) => {
                    return None;
                }
                Reading::Plain(run) => runs.push((At { stage, index }, *run)),
                Reading::Absent => {}
                Reading::Unclear => return None,
            }
            if !matches!(read(view, instruction, place, &RELATED), Reading::Absent) {
                return None;
            }
            marks |= !matches!(read(view, instruction, place, &MARKING), Reading::Absent);
        }
    }
    let own = || runs.iter().flat_map(|(_, run)| run.of(&PROGRAMS));
    if !own().any(installs) || own().any(is_special) {
        return None;
    }
    marks |= own().any(goes_by_marks);
    let installing: Vec<&(At, Run<'_>)> = runs
        .iter()
        .filter(|(_, run)| run.of(&PROGRAMS).any(installs))
        .collect();
    let updates_all = installing.iter().all(|(_, run)| updates_first(run));
    // What is there already must fit what is known of the RUNs.
    if has_state && (has_lists || marks) || (has_state || has_lists) && !updates_all {
        return None;
    }
    let mut targets = vec![ARCHIVES];
    targets.extend(updates_all.then_some(if marks || has_lists { LISTS } else { STATE }));
    let still = "Packages are still unpacked and installed, apt-get update still asks the servers, and RUNs with these mounts wait for each other.";
    let mut kept = Kept::new("apt", targets, still);
    let mut told: BTreeMap<usize, Told> = BTreeMap::new();
    let (mut told_here, mut is_kept_here) = (BTreeSet::new(), false);
    for (at, run) in installing {
        let before = told_before(family, *at, &told);
        let mut commands = Vec::new();
        if !before.no_cleaning {
            commands.push(NO_CLEANS);
        }
        let by_apt = run.of(&["apt"]).any(installs);
        if by_apt && !before.keep {
            commands.push(KEEPS);
        }
        if !commands.is_empty() {
            told_here.insert(at.stage);
        }
        is_kept_here |= commands.contains(&KEEPS);
        let now = Told {
            no_cleaning: true,
            keep: before.keep || by_apt,
        };
        told.insert(at.stage, now);
        let emptied = run.emptied(view, "apt", &kept.targets)?;
        let edits = with_mounts(view, run, &kept.targets, &commands)?;
        if edits.is_empty() && emptied.edits.is_empty() {
            continue;
        }
        kept.edits.extend(edits);
        kept.doubts.extend(emptied.doubts);
        let removes = |word: &String| word.contains(STATE);
        if updates_all && !emptied.words.iter().any(removes) {
            kept.doubts.extend(needs_lists(family, *at, run));
        }
        kept.edits.extend::<Vec<TextEdit>>(emptied.edits);
        kept.taken_out.extend(emptied.words);
        kept.doubts
            .extend(run.doubt_of_scripts(family.view, &kept.targets));
        kept.lines.push(run.instruction.lines);
    }
    if kept.lines.is_empty() {
        return None;
    }
    let is_in_image = family
        .stages
        .iter()
        .any(|s| is_in_image(view, *s) || gives(view, *s, CLEANS));
    if is_in_image && kept.targets.contains(&STATE) {
        kept.doubts.insert(0, format!(
            "the image does not record in {STATE}/extended_states which of these packages came as dependencies"
        ));
    }
    if is_in_image && !told_here.is_empty() {
        let gains = match is_kept_here {
            true => format!(" and gains {KEEP_CACHE}"),
            false => String::new(),
        };
        kept.doubts.insert(0, format!(
            "the image loses {CLEANS}{gains}: what is installed on top of it later keeps its downloads there"
        ));
    }
    if let Some(doubt) = left_without(family, &told_here) {
        kept.doubts.insert(0, doubt);
    }
    kept.reasons.push("apt takes a package from the mount only where name, version and size are those of the package lists".to_owned());
    if updates_all {
        kept.reasons
            .push("each RUN that installs brings the package lists up to date first".to_owned());
    }
    Some(kept)
}

/// What the file itself says before the end of the RUN at `at`, and what the proposal says in RUNs before it.
fn told_before(family: &Family<'_, '_>, at: At, told: &BTreeMap<usize, Told>) -> Told {
    let mut all = Told::default();
    for stage in built_on(family.view.dockerfile, at.stage) {
        let own = told.get(&stage).copied().unwrap_or_default();
        all.no_cleaning |= own.no_cleaning;
        all.keep |= own.keep;
        let instructions = &family.view.dockerfile.stages[stage].instructions;
        let upto = if stage == at.stage {
            at.index + 1
        } else {
            instructions.len()
        };
        for instruction in instructions.iter().take(upto) {
            if matches!(instruction.kind, Kind::Run(_)) {
                let bodies = instruction.heredocs.iter().map(|h| h.content.as_str());
                let mut texts = bodies.chain([instruction.original.as_str()]);
                let texts: Vec<&str> = texts.by_ref().collect();
                all.no_cleaning |= texts.iter().any(|t| t.contains("docker-clean"));
                all.keep |= texts.iter().any(|t| t.contains("Keep-Downloaded-Packages"));
            }
        }
    }
    all
}

/// What is to be checked where stages that the target does not need are built on one of `told_here`, whose image holds no
/// `docker-clean` then: what they install without a mount of their own keeps its downloads in their images.
fn left_without(family: &Family<'_, '_>, told_here: &BTreeSet<usize>) -> Option<String> {
    let view = family.view;
    let needed = reachable(view.dockerfile, view.target);
    let mut lines = Vec::new();
    for stage in &view.dockerfile.stages {
        let mut below = built_on(view.dockerfile, stage.index).skip(1);
        if needed.contains(&stage.index) || !below.any(|b| told_here.contains(&b)) {
            continue;
        }
        for (index, instruction) in stage.instructions.iter().enumerate() {
            if !own_mounts(instruction, &[ARCHIVES]).is_empty() {
                continue;
            }
            let place = family.places.get(stage.index)?.get(index)?;
            let keeps = match read(view, instruction, place, &PROGRAMS) {
                Reading::Absent => false,
                // It may.
                Reading::Unclear => true,
                Reading::Plain(run) => run.of(&PROGRAMS).any(installs) && !empties(&run),
            };
            if keeps {
                lines.push(instruction.lines.first.to_string());
            }
        }
    }
    let (what, have) = match lines.as_slice() {
        [] => return None,
        [line] => (format!("line {line}, in a stage"), "its image"),
        _ => (
            format!("lines {}, in stages", lines.join(", ")),
            "their images",
        ),
    };
    let (verb, own) = match lines.len() {
        1 => ("gets", "has"),
        _ => ("get", "have"),
    };
    Some(format!(
        "{what} that this target does not need, {verb} no mount here and {own} no {CLEANS} any more: {have} would keep all that apt downloads, unless the same mounts are put there by hand"
    ))
}

/// Whether a RUN empties the archives itself, after it has installed.
fn empties(run: &Run<'_>) -> bool {
    let is_it = |s: &Seen| {
        let is_clean = PROGRAMS.contains(&s.name()) && verb(s) == "clean";
        let mut words = s.args().iter();
        let is_removed = s.name() == "rm"
            && words.any(|w| {
                w.starts_with("/var/cache/apt/archives") || w.starts_with("/var/cache/apt/*")
            });
        (is_clean || is_removed) && !s.conditional
    };
    let last = run
        .seen
        .iter()
        .rposition(|s| PROGRAMS.contains(&s.name()) && installs(s));
    let emptied = run.seen.iter().rposition(is_it);
    emptied > last
}

/// What the command is to do; the values of options before it are no verbs.
fn verb(seen: &Seen) -> &str {
    let valued = [
        "-a",
        "-o",
        "-t",
        "--default-release",
        "--host-architecture",
        "--option",
        "--target-release",
    ];
    let mut words = seen.args().iter();
    while let Some(word) = words.next() {
        if valued.contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            return word;
        }
    }
    ""
}

fn installs(seen: &Seen) -> bool {
    let verbs = [
        "install",
        "upgrade",
        "dist-upgrade",
        "full-upgrade",
        "build-dep",
        "reinstall",
    ];
    verbs.contains(&verb(seen))
}

/// Whether a command leaves its downloads to others, or looks elsewhere for them.
fn is_special(seen: &Seen) -> bool {
    let is_known = installs(seen)
        || matches!(
            verb(seen),
            "update" | "clean" | "autoclean" | "remove" | "purge" | "autoremove" | "autopurge" | ""
        );
    !is_known
        || seen.args().iter().any(|w| {
            let is_short = w.starts_with('-') && !w.starts_with("--");
            matches!(
                w.as_str(),
                "--download-only" | "--print-uris" | "--no-download" | "-c"
            ) || w.starts_with("--config-file")
                || w.contains("Dir::")
                || (is_short && w.contains('d') && !w.contains('='))
        })
}

/// Whether a command goes by which packages came as dependencies.
fn goes_by_marks(seen: &Seen) -> bool {
    matches!(verb(seen), "autoremove" | "autopurge")
        || seen.args().iter().any(|w| {
            w.contains("auto-remove") || w.contains("autoremove") || w.contains("AutomaticRemove")
        })
}

/// Whether the first command that installs stands behind one that updates.
fn updates_first(run: &Run<'_>) -> bool {
    let mut own = run.of(&PROGRAMS);
    own.find(|s| installs(s) || verb(s) == "update")
        .is_some_and(|s| verb(s) == "update" && !s.conditional)
}

/// What is to be checked where a RUN left its package lists to whatever comes after it.
fn needs_lists(family: &Family<'_, '_>, at: At, run: &Run<'_>) -> Option<String> {
    let view = family.view;
    let line = run.instruction.lines.first;
    if family.stages.iter().any(|s| is_in_image(view, *s)) {
        return Some(format!(
            "the image no longer holds the package lists that line {line} fetches"
        ));
    }
    let later = family.stages.iter().flat_map(|&stage| {
        let instructions = &view.dockerfile.stages[stage].instructions;
        let all = instructions.iter().enumerate();
        all.map(move |(index, i)| (At { stage, index }, i))
    });
    let mut runs = later.filter(|(a, i)| *a > at && matches!(i.kind, Kind::Run(_)));
    let reader = runs.find(|(a, i)| {
        let place = &family.places[a.stage][a.index];
        !matches!(effect(view, i, place).files, Files::Commands(_))
    });
    reader.map(|(_, i)| {
        format!(
            "check that line {} installs nothing by the package lists of line {line}, which no layer holds any more",
            i.lines.first
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn commands_are_told_apart() {
        let check = |command: &str, expected: (&str, bool, bool)| {
            let seen = shell::parse(command).seen();
            let got = (
                verb(&seen[0]),
                is_special(&seen[0]),
                goes_by_marks(&seen[0]),
            );
            assert_eq!(got, expected, "{command}");
        };
        check("apt-get install -y git", ("install", false, false));
        check(
            "apt-get -o Acquire::Retries=3 -qq update",
            ("update", false, false),
        );
        check(
            "apt-get install -y -t bookworm-backports git",
            ("install", false, false),
        );
        check("apt-get install -yd git", ("install", true, false));
        check(
            "apt-get --download-only install git",
            ("install", true, false),
        );
        check(
            "apt-get -o Dir::Cache=/x install git",
            ("install", true, false),
        );
        check("apt-get source git", ("source", true, false));
        check("apt-get autoremove -y", ("autoremove", false, true));
        check("apt-get purge -y --auto-remove gcc", ("purge", false, true));
    }
}
