//! What a version that is only written down had installed anew, perhaps on purpose.
//!
//! How often an unpinned install is run again is not what an image means: any COPY above it does that, and no rule doubts
//! to put it higher. It is where a version is raised by hand that no command fetches by: `ENV JENKINS_VERSION=2.440` above
//! `apt-get install jenkins`. Below such an install the image would say the new version and hold the old one.

use super::super::command::{EVERYWHERE, Group, group, installs, seen};
use super::super::environment::{Reading, reading};
use super::super::layout::{Place, built_on, mentioned};
use super::super::view::View;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use std::collections::BTreeSet;

/// What is to be checked where `install` no longer runs again with each change of `value`; both are lines.
pub(super) fn doubt(install: usize, value: usize) -> String {
    format!(
        "line {install} installs what is newest, and so far did so with each change of line {value}; check that it may stay the one it was when line {install} was last run"
    )
}

/// Whether a RUN installs something by name and in no particular version.
pub(super) fn installs_newest(run: &Instruction) -> bool {
    seen(run).unwrap_or_default().iter().any(names_no_version)
}

/// Whether a RUN installs by name and in no particular version what one of `names` is the version of: `JENKINS_VERSION`,
/// `apt-get install jenkins`.
pub(super) fn installs_newest_of(run: &Instruction, names: &BTreeSet<String>) -> bool {
    let lower = names.iter().map(|name| name.to_ascii_lowercase());
    let stems: Vec<String> = lower
        .filter_map(|name| Some(name.strip_suffix("_version")?.replace('_', "-")))
        .collect();
    let is_of = |word: &String| {
        let word = word.to_ascii_lowercase();
        stems.contains(&word)
    };
    let seen = seen(run).unwrap_or_default();
    let mut newest = seen.iter().filter(|s| names_no_version(s));
    newest.any(|s| s.args().iter().any(is_of))
}

/// Whether a RUN does no more than the shell and the tools of every image do: it fetches nothing.
pub(super) fn only_writes(run: &Instruction) -> bool {
    let plain = |s: &Seen| s.name().is_empty() || EVERYWHERE.contains(&s.name());
    seen(run).is_some_and(|all| all.iter().all(plain))
}

/// Whether nothing below instruction `first` of a stage, nor a stage that takes its values over, does more with those of
/// `names` than write them down. `places` are those of all stages; `instead` is what is left of a RUN that is cut.
pub(super) fn is_only_written(
    view: &View<'_>,
    places: &[Vec<Place>],
    (stage, first): (usize, usize),
    names: &BTreeSet<String>,
    instead: Option<(usize, &Instruction)>,
) -> bool {
    let mut names = names.clone();
    let own = &view.dockerfile.stages[stage].instructions;
    for (index, written) in own.iter().enumerate().skip(first) {
        let left = instead.filter(|(n, _)| *n == index).map(|(_, left)| left);
        let instruction = left.unwrap_or(written);
        let reads = |i: &Instruction| !mentioned(&i.with_bodies()).is_disjoint(&names);
        match &instruction.kind {
            Kind::Env(pairs) => {
                names.extend(set_by(pairs.iter().map(|p| (&*p.name, &*p.value)), &names))
            }
            Kind::Arg(items) => {
                let items = items
                    .iter()
                    .map(|i| (&*i.name, i.default.as_deref().unwrap_or_default()));
                names.extend(set_by(items, &names));
            }
            Kind::Run(_) if only_writes(instruction) => {}
            Kind::Run(_) if left.is_some() => return false,
            Kind::Run(_)
                if reads(instruction)
                    || reading(view, places, (stage, index), &names) == Reading::Some =>
            {
                return false;
            }
            Kind::Copy(_) | Kind::Add(_) if reads(instruction) => return false,
            _ => {}
        }
    }
    // In stages on top, and in those that declare an argument of the name, a word of it is enough.
    let others = view.dockerfile.stages.iter().filter(|s| s.index != stage);
    let is_on = |other: usize| {
        let mut below = built_on(view.dockerfile, other).skip(1);
        below.any(|s| s == stage)
    };
    let mut others = others.filter(|other| {
        let declares = |i: &Instruction| i.arguments().iter().any(|a| names.contains(&a.name));
        is_on(other.index) || other.instructions.iter().any(declares)
    });
    !others.any(|other| {
        let mut all = other.instructions.iter();
        all.any(|i| {
            let fetches = match &i.kind {
                Kind::Run(_) => !only_writes(i),
                Kind::Copy(_) | Kind::Add(_) => true,
                _ => false,
            };
            fetches && !mentioned(&i.with_bodies()).is_disjoint(&names)
        })
    })
}

/// The variables that are set to what names one of `names`.
fn set_by<'p>(
    pairs: impl Iterator<Item = (&'p str, &'p str)>,
    names: &BTreeSet<String>,
) -> Vec<String> {
    let reads = |value: &str| !mentioned(value).is_disjoint(names);
    let made = pairs.filter(|(_, value)| reads(value));
    made.map(|(name, _)| name.to_owned()).collect()
}

/// Whether a command installs something by name and in no particular version.
fn names_no_version(seen: &Seen) -> bool {
    let is_install = match group(seen) {
        Some(Group::System) => installs(seen),
        Some(Group::Global) => true,
        _ => false,
    };
    let words = seen.args().iter().filter(|a| !a.starts_with('-'));
    let mut named = words.filter(|a| *a != seen.subcommand());
    is_install && named.any(|a| !a.contains(['=', '@', '~']))
}
