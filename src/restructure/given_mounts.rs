//! Which RUNs get which cache mounts, and how each is written.

use super::archives;
use super::candidate::TextEdit;
use super::command;
use super::effect::{Files, effect};
use super::go_compiler::{GO_BUILD, keeps_at_home};
use super::installs::StageView;
use super::kept::emptied;
use super::kin::Kin;
use super::layout::{At, mount_field, overlap};
use super::lookers::LOOKERS;
use super::moving::with_flags;
use super::recipe::writes_recipe;
use crate::ecosystem::CacheDir;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Which RUNs get which mounts.
#[derive(Default)]
pub(super) struct Given {
    /// RUNs that get one, or both.
    pub(super) runs: Vec<At>,
    /// Whether some get the ecosystem's own directory.
    pub(super) own: bool,
    /// The RUNs that get what Go's compiler keeps on top.
    pub(super) compiling: Vec<At>,
    pub(super) edits: Vec<TextEdit>,
    pub(super) doubts: Vec<String>,
    pub(super) taken_out: Vec<String>,
}

/// The mounts of each RUN of `mounted`, where it has none; `None` where some cannot get theirs, and where none is
/// missing.
pub(super) fn given(
    kin: &Kin<'_, '_>,
    (ecosystem, dir): (&str, &CacheDir),
    mounted: &BTreeSet<At>,
    (target, owner): (&str, &str),
) -> Option<Given> {
    let all = mounted.iter().filter_map(|at| kin.instruction(*at));
    let named = all.flat_map(|i| i.flag_values("mount"));
    let written: BTreeSet<&str> = named.filter(|m| is_at(m, target)).collect();
    let sharing = if dir.is_exclusive {
        ",sharing=locked"
    } else {
        ""
    };
    let usual = format!("type=cache,target={target}{sharing}{owner}");
    let is_copied = |m: &str| !m.contains('$') && !m.split(',').any(is_read_only);
    // Others are given the very directory that is there already; what is read in place must be one.
    let mount = match written.into_iter().collect::<Vec<_>>().as_slice() {
        [] => usual,
        [one] if is_copied(one) => (*one).to_owned(),
        _ if !dir.is_read_later => usual,
        _ => return None,
    };
    let mut given = Given::default();
    for &at in mounted {
        let (Some(of), Some(instruction)) = (kin.stage(at), kin.instruction(at)) else {
            continue;
        };
        let compiles = ecosystem == "go"
            && !dir.is_compiled
            && keeps_at_home(of, at.index)
            && !archives::has_mount(instruction, &[GO_BUILD]);
        let mut flags = String::new();
        if !instruction.flag_values("mount").any(|m| is_at(m, target)) {
            let mut others = instruction.flag_values("mount");
            let has_other = archives::has_mount(instruction, &[target])
                || others.any(|m| m.contains("type=cache") && may_be_for((ecosystem, dir), m));
            let emptied = emptied(of.view, instruction, ecosystem, target)
                .filter(|e| !has_other && (e.edits.is_empty() || !dir.is_read_later));
            let Some(emptied) = emptied else {
                // Downloads that are read in place are needed in every step.
                if dir.is_read_later {
                    return None;
                }
                continue;
            };
            flags = format!(" --mount={mount}");
            given.own = true;
            given.edits.extend(emptied.edits);
            given.doubts.extend(emptied.doubts);
            given.taken_out.extend(emptied.words);
        }
        if compiles {
            flags = format!("{flags} --mount=type=cache,target={GO_BUILD}");
            given.compiling.push(at);
        }
        if !flags.is_empty() {
            given.edits.push(with_flags(of.view, instruction, &flags));
            given.runs.push(at);
        }
    }
    (!given.runs.is_empty()).then_some(given)
}

/// Whether an option of a mount keeps what it holds from being written.
pub(super) fn is_read_only(option: &str) -> bool {
    option.starts_with("ro") || option.starts_with("readonly")
}

/// Whether a mount, as written, is a cache mount at `target` itself.
fn is_at(mount: &str, target: &str) -> bool {
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n));
    mount.contains("type=cache") && at.is_some_and(|at| at.trim_end_matches('/') == target)
}

/// Whether a cache mount that somebody wrote may hold what is kept in `dir`, wherever that was told to go.
fn may_be_for((ecosystem, dir): (&str, &CacheDir), mount: &str) -> bool {
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n));
    let at = at.unwrap_or_default().trim_end_matches('/');
    // Of Go's two directories each has its usual name.
    let other = if dir.is_compiled {
        "/pkg/mod"
    } else {
        "/go-build"
    };
    if archives::is_ours(mount) || ecosystem == "go" && at.ends_with(other) {
        return false;
    }
    let words = [ecosystem, "$", "cache", "store"];
    words
        .iter()
        .any(|w| mount.replace("type=cache", "").contains(w))
}

/// Whether the RUN at `run` may read what is below `target`.
pub(super) fn may_read(of: &StageView<'_>, run: usize, ecosystem: &str, target: &str) -> bool {
    let instruction = &of.stage.instructions[run];
    let is_elsewhere = match effect(of.view, instruction, &of.places[run]).files {
        Files::Commands(touched) => !touched.meets(target),
        _ => false,
    };
    let looks =
        |s: &Seen| LOOKERS.contains(&s.name()) && !s.args().iter().any(|w| overlap(w, target));
    // A recipe is made of the manifests alone.
    let looks = |s: &Seen| looks(s) || writes_recipe(s);
    let only_looks = command::seen(instruction).is_some_and(|all| all.iter().all(looks));
    // What builds with others alone looks for their packages.
    let is_others = of
        .builds_with(run)
        .is_some_and(|names| !names.is_empty() && !names.contains(&ecosystem));
    !is_elsewhere && !only_looks && !is_others && !of.reads_no_project(run, &BTreeSet::new())
}
