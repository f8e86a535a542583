//! Which values of a stage are moved together, and how they come to differ.

use super::busters::{Busted, busters};
use super::ground::Ground;
use super::place::of_stage;
use crate::dockerfile::ast::{ArgItem, Instruction, Kind, Stage};
use crate::restructure::layout::mentioned;
use crate::restructure::passed::passed_by;
use crate::restructure::past::Name;
use crate::restructure::rules::changing::{
    argument_changes, is_cache_bust, is_given_by_the_builder, is_passed,
};
use crate::restructure::view::View;
use std::collections::{BTreeMap, BTreeSet};

/// What BuildKit sets to the platform that the image is made for.
pub const OF_TARGET: &[&str] = &["TARGETARCH", "TARGETOS", "TARGETPLATFORM", "TARGETVARIANT"];

/// How values come to differ, after their names and before "and a RUN below …".
pub(super) const DIFFERS: &str = "differs from build to build";
/// As the Dockerfile's own commits did it.
pub(super) const BUMPED: &str = "was given other values";
const ASKED_FOR: &str = "has no value of its own, so that each build passes the one it wants,";
pub(super) const BY_PLATFORM: &str = "differs from platform to platform of one build";

/// The same of several.
pub(super) fn of_many(how: &str) -> &str {
    match how {
        DIFFERS => "differ from build to build",
        BUMPED => "were given other values",
        ASKED_FOR => "have no values of their own, so that each build passes those that it wants,",
        BY_PLATFORM => "differ from platform to platform of one build",
        other => other,
    }
}

/// Values that are moved together.
#[derive(Clone)]
pub(super) struct Group {
    /// Whether those are among them whose names, or how they are passed, say that they change.
    pub(super) changing: bool,
    /// Arguments and variables by name.
    pub(super) names: BTreeSet<String>,
    /// How they come to differ.
    pub(super) how: &'static str,
    /// The RUN that one of them is there to make run again.
    pub(super) busts: Option<Busted>,
}

impl Group {
    fn of(name: &str, how: &'static str) -> Self {
        Self {
            changing: false,
            names: BTreeSet::from([name.to_owned()]),
            how,
            busts: None,
        }
    }

    fn with(mut self, other: &Self) -> Self {
        self.changing |= other.changing;
        self.names.extend(other.names.iter().cloned());
        self.busts = self.busts.or(other.busts);
        self
    }

    pub(super) fn has(&self, view: &View<'_>, item: &ArgItem) -> bool {
        self.names.contains(&item.name) || (self.changing && argument_changes(view, item))
    }
}

/// What of a stage is asked about.
pub(super) fn groups(view: &View<'_>, stage: &Stage) -> Vec<Group> {
    let mut groups = vec![Group {
        changing: true,
        names: BTreeSet::new(),
        how: DIFFERS,
        busts: None,
    }];
    // What the builder itself gives another value for each platform, where the steps are the same for all.
    if runs_here_for_all(stage) {
        groups.push(Group {
            changing: false,
            names: OF_TARGET.iter().map(|n| (*n).to_owned()).collect(),
            how: BY_PLATFORM,
            busts: None,
        });
    }
    // What the repository's own files pass, whatever it is called.
    let arguments = stage.instructions.iter().filter_map(|i| match &i.kind {
        Kind::Arg(items) => items.first().filter(|_| items.len() == 1),
        _ => None,
    });
    for item in arguments {
        let is_other = !argument_changes(view, item)
            && !is_passed(view, &item.name)
            && !is_cache_bust(&item.name)
            && !is_given_by_the_builder(&item.name)
            && bumps(view, &item.name) == 0;
        if !is_other {
            continue;
        }
        if passed_by(view, &item.name).is_some() {
            groups.push(Group::of(&item.name, DIFFERS));
        } else if is_asked_for(view, item) {
            groups.push(Group::of(&item.name, ASKED_FOR));
        }
    }
    // What the Dockerfile itself gave another value in the course of time, one by one: their readers differ.
    let mut seen = BTreeSet::new();
    for (name, _) in stage.instructions.iter().flat_map(literals) {
        if seen.insert(name) && bumps(view, name) > 0 && !is_cache_bust(name) {
            groups.push(Group::of(name, BUMPED));
        }
    }
    groups.extend(busters(stage));
    groups
}

/// Puts those groups together that go to the same place and differ in the same way: moving one alone saves nothing where
/// the others stay above the same steps.
pub(super) fn together(ground: &Ground<'_>, groups: Vec<Group>) -> Vec<Group> {
    let place = |group: &Group| {
        let (safe, far) = of_stage(ground, group);
        (!matches!(group.how, BUMPED | BY_PLATFORM)).then_some(())?;
        Some((group.how, safe.map(|s| s.to), far.map(|s| s.to)))
    };
    // Where it goes at most: what makes a RUN run again goes with what that RUN reads.
    let end = |(_, safe, far): (&str, Option<usize>, Option<usize>)| far.or(safe);
    let mut joined: Vec<Group> = Vec::new();
    let mut at: BTreeMap<(&str, Option<usize>, Option<usize>), usize> = BTreeMap::new();
    for group in groups {
        let place = place(&group).filter(|(_, safe, far)| safe.is_some() || far.is_some());
        let same = place.and_then(|p| match group.busts {
            None => at.get(&p).copied(),
            Some(_) => at.iter().find(|(o, _)| end(**o) == end(p)).map(|(_, n)| *n),
        });
        match same {
            Some(n) => joined[n] = joined[n].clone().with(&group),
            None => {
                if let Some(place) = place {
                    at.insert(place, joined.len());
                }
                joined.push(group);
            }
        }
    }
    joined
}

/// Whether the steps of a stage run on the builder's platform, whichever the image is made for.
fn runs_here_for_all(stage: &Stage) -> bool {
    let platform = stage.from.flag("platform");
    platform.is_some_and(|p| p.trim_matches(['$', '{', '}']) == "BUILDPLATFORM")
}

/// Whether an argument has no default, here or above all stages, and something goes by its value.
fn is_asked_for(view: &View<'_>, item: &ArgItem) -> bool {
    let globals = view.dockerfile.globals.iter();
    let has_default = globals
        .flat_map(Instruction::arguments)
        .any(|g| g.name == item.name && g.default.is_some());
    let reads = |i: &Instruction| {
        !matches!(i.kind, Kind::Arg(_)) && mentioned(&i.original).contains(&item.name)
    };
    item.default.is_none() && !has_default && view.dockerfile.instructions().any(reads)
}

/// The variables that an ARG or ENV gives a value that stands there.
fn literals(instruction: &Instruction) -> Vec<(&str, &str)> {
    match &instruction.kind {
        Kind::Arg(items) => items
            .iter()
            .filter_map(|i| Some((i.name.as_str(), i.default.as_deref()?)))
            .collect(),
        Kind::Env(pairs) => pairs
            .iter()
            .map(|p| (p.name.as_str(), p.value.as_str()))
            .collect(),
        _ => Vec::new(),
    }
}

/// In how many builds the Dockerfile itself gave `name` another value.
pub(super) fn bumps(view: &View<'_>, name: &str) -> usize {
    let name = Name::Variable(name.to_owned());
    view.bumps.get(&name).copied().unwrap_or_default()
}
