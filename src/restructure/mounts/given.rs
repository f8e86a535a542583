//! Which RUNs get which cache mounts, and how each is written.

use super::super::archives;
use super::super::candidate::TextEdit;
use super::super::command;
use super::super::effect::{Files, effect};
use super::super::installs::StageView;
use super::super::layout::{At, mount_field, overlap};
use super::super::moving::with_flags;
use super::super::recipe::writes_recipe;
use super::downloads::image_of;
use super::go_compiler::{GO_BUILD, keeps_at_home, not_anew};
use super::kept::emptied;
use super::kin::Kin;
use super::lookers::LOOKERS;
use super::own_wheels;
use crate::ecosystem::CacheDir;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Which RUNs get which mounts.
#[derive(Default)]
pub(in crate::restructure) struct Given {
    /// RUNs that get one, or both.
    pub(in crate::restructure) runs: Vec<At>,
    /// Whether some get the ecosystem's own directory.
    pub(in crate::restructure) own: bool,
    /// The RUNs that get what Go's compiler keeps on top.
    pub(in crate::restructure) compiling: Vec<At>,
    pub(in crate::restructure) edits: Vec<TextEdit>,
    pub(in crate::restructure) doubts: Vec<String>,
    pub(in crate::restructure) taken_out: Vec<String>,
    /// Whether an option goes by which Go compiled all anew.
    pub(in crate::restructure) anew: bool,
}

/// The mounts of each RUN of `mounted`, where it has none; `None` where some cannot get theirs, and where none is
/// missing.
pub(in crate::restructure) fn given(
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
    let id = own_wheels::id(ecosystem, &image_of(kin.first()));
    let id = id.map_or_else(String::new, |id| format!(",id={id}"));
    let usual = format!("type=cache{id},target={target}{sharing}{owner}");
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
        // What Go keeps is of use where it is not told to compile all anew.
        let anew = match ecosystem {
            "go" if keeps_at_home(of, at.index) => not_anew(of.view, instruction),
            _ => Some(Vec::new()),
        };
        let compiles = ecosystem == "go"
            && !dir.is_compiled
            && anew.is_some()
            && keeps_at_home(of, at.index)
            && !archives::has_mount(instruction, &[GO_BUILD]);
        if dir.is_compiled && anew.is_none() {
            continue;
        }
        let mut flags = String::new();
        if !instruction.flag_values("mount").any(|m| is_at(m, target)) {
            let mut others = instruction.flag_values("mount");
            let has_other = archives::has_mount(instruction, &[target])
                || others.any(|m| m.contains("type=cache") && may_be_for((ecosystem, dir), m));
            let emptied = emptied(
                of.view,
                instruction,
                ecosystem,
                (target, &of.places[at.index]),
            )
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
            if let Some(edits) = anew.filter(|_| compiles || dir.is_compiled) {
                given.anew |= !edits.is_empty();
                given.edits.extend(edits);
            }
            given.edits.push(with_flags(of.view, instruction, &flags));
            given.runs.push(at);
        }
    }
    (!given.runs.is_empty()).then_some(given)
}

/// Whether an option of a mount keeps what it holds from being written.
pub(in crate::restructure) fn is_read_only(option: &str) -> bool {
    option.starts_with("ro") || option.starts_with("readonly")
}

/// Whether a mount, as written, is a cache mount at `target` itself.
fn is_at(mount: &str, target: &str) -> bool {
    let names = ["target", "dst", "destination"];
    let at = names.iter().find_map(|n| mount_field(mount, n));
    mount.contains("type=cache") && at.is_some_and(|at| at.trim_end_matches('/') == target)
}

/// How the places end where one ecosystem alone keeps its downloads, by the tools' manuals.
const OF_ONE: [(&[&str], &str); 17] = [
    (&["bun"], "/.bun/install/cache"),
    (&["bundler"], "/bundle/cache"),
    (&["cargo"], "/registry"),
    (&["composer"], "/.composer/cache"),
    (&["go"], "/go-build"),
    (&["go"], "/pkg/mod"),
    (&["gradle"], "/.gradle"),
    (&["maven"], "/.m2"),
    (&["npm"], "/.npm"),
    (&["nuget"], "/.nuget/packages"),
    (&["pip", "pip-tools"], "/.cache/pip"),
    (&["pipenv"], "/.cache/pipenv"),
    (&["pnpm"], "/pnpm/store"),
    (&["poetry"], "/.cache/pypoetry"),
    (&["uv"], "/.cache/uv"),
    (&["yarn"], "/.cache/yarn"),
    (&["yarn"], "/.yarn/berry/cache"),
];

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
    let is_of_another = OF_ONE
        .iter()
        .any(|(names, end)| !names.contains(&ecosystem) && at.ends_with(end));
    if archives::is_ours(mount) || is_of_another || ecosystem == "go" && at.ends_with(other) {
        return false;
    }
    let words = [ecosystem, "$", "cache", "store"];
    words
        .iter()
        .any(|w| mount.replace("type=cache", "").contains(w))
}

/// Whether Java's compiler is told of no classes but the sources' own (docs.oracle.com, `javac`, "Options").
fn compiles_alone(seen: &Seen) -> bool {
    let is_path = |w: &String| {
        w.starts_with(['@', '$']) || w.starts_with('-') && (w.contains("path") || w.contains("-p"))
    };
    let sets = seen.assignments.iter().any(|(name, _)| name == "CLASSPATH");
    seen.name() == "javac" && !sets && !seen.args().iter().any(|w| is_path(w) || w == "-cp")
}

/// Whether the RUN at `run` may read what is below `target`.
pub(in crate::restructure) fn may_read(
    of: &StageView<'_>,
    run: usize,
    ecosystem: &str,
    target: &str,
) -> bool {
    let instruction = &of.stage.instructions[run];
    let is_elsewhere = match effect(of.view, instruction, &of.places[run]).files {
        Files::Commands(touched) => !touched.meets(target),
        _ => false,
    };
    let looks =
        |s: &Seen| LOOKERS.contains(&s.name()) && !s.args().iter().any(|w| overlap(w, target));
    // A recipe is made of the manifests alone.
    let looks = |s: &Seen| looks(s) || writes_recipe(s) || compiles_alone(s);
    let only_looks = command::seen(instruction).is_some_and(|all| all.iter().all(looks));
    // What builds with others alone looks for their packages.
    let is_others = of
        .builds_with(run)
        .is_some_and(|names| !names.is_empty() && !names.contains(&ecosystem));
    !is_elsewhere && !only_looks && !is_others && !of.reads_no_project(run, &BTreeSet::new())
}
