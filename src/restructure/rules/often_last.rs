//! What the Dockerfile's own upkeep changes often goes below what it seldom does.
//!
//! Before:
//! ```dockerfile
//! ENV TOOL_VERSION=1.42.0
//! RUN curl -L https://example.com/tool-$TOOL_VERSION -o /usr/local/bin/tool
//! RUN apt-get update && apt-get install -y texlive-full
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y texlive-full
//! ENV TOOL_VERSION=1.42.0
//! RUN curl -L https://example.com/tool-$TOOL_VERSION -o /usr/local/bin/tool
//! ```
//! A RUN, ADD, ARG or ENV whose versions became others many times moves down, with what needs it, past the RUNs that
//! changed much more seldom and of which it is shown that their order does not matter. It stays above a COPY that changes
//! more often than it does. A RUN that installs system packages before it fetches such a tool is cut in two.

use super::super::candidate::{Candidate, Safety};
use super::super::conflict::conflict;
use super::super::effect::Effect;
use super::super::layout::{Place, mentioned, places};
use super::super::lift::declare;
use super::super::moving::{effects, move_after, with_needed};
use super::super::past::Name;
use super::super::view::View;
use super::super::written::words;
use super::changing::is_cache_bust;
use super::cut::Head;
use super::heat::{Heats, bumps_of};
use super::kept_newest::{doubt, installs_newest, is_only_written, only_writes};
use super::system_first::{is_transfer, upgrades};
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use std::collections::BTreeSet;

/// So many are proposed for a stage.
const MAX_MOVED: usize = 4;

/// The candidates of a stage, what changes most first.
pub(super) fn sunk_steps(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Candidate> {
    let ground = Ground {
        view,
        stage,
        places,
        effects: effects(view, stage, places),
        heats: Heats::new(view, stage, places),
    };
    let mut hot: Vec<(usize, usize)> = (0..stage.instructions.len())
        .map(|i| (ground.upkeep(i), i))
        .filter(|(n, i)| *n > 0 && is_own(&stage.instructions[*i]))
        .collect();
    hot.sort_by_key(|&(n, index)| (std::cmp::Reverse(n), index));
    let candidates = hot.into_iter().filter_map(|(_, i)| candidate(&ground, i));
    let mut found: Vec<Candidate> = candidates.take(MAX_MOVED).collect();
    found.extend((0..stage.instructions.len()).filter_map(|i| parted(&ground, i)));
    found
}

/// A RUN that installs system packages, then something whose version changes often, cut in two: the packages in a RUN of
/// their own, above what sets that version.
fn parted(ground: &Ground<'_>, index: usize) -> Option<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    let instruction = &stage.instructions[index];
    let n = ground.upkeep(index);
    let text = instruction.shell_text()?;
    if n == 0 || !instruction.flags.is_empty() || !instruction.heredocs.is_empty() {
        return None;
    }
    let changes = |name: &Name| {
        view.bumps
            .get(name)
            .is_some_and(|own| own.saturating_mul(3) > n)
    };
    let is_steady = |piece: &str| {
        let variables = mentioned(piece).into_iter().map(Name::Variable);
        !variables
            .chain(words(piece).map(Name::Word))
            .any(|name| changes(&name))
    };
    let head = Head::of(text, &is_steady)?;
    let mut effects = ground.effects.clone();
    effects[index] = head.effect(view, instruction, &ground.places[index]);
    // Above what gives those versions, as far as it can go.
    let sets = |i: &usize| {
        ground.effects[*i]
            .sets
            .iter()
            .any(|v| changes(&Name::Variable(v.clone())))
    };
    let above = (0..index)
        .filter(sets)
        .find(|&to| with_needed(&effects, index, to).is_ok_and(|along| along.len() == 1));
    let to = above.unwrap_or(index);
    let line = ground.line(index);
    let place = match to {
        to if to == index => String::new(),
        to => format!(" above line {}", ground.line(to)),
    };
    let mut candidate = Candidate::new(
        "cold-first",
        format!("install the system packages of line {line} in a RUN of their own{place}"),
    );
    candidate.edits = head.edits(view, stage, index, to)?;
    let renewed = upgrades(instruction).then(|| {
        format!("line {line} brings the packages of the image up to date: check that this need not be done with each change of what the rest of it names")
    });
    let (own, rest) = (head.run(instruction), head.rest(instruction));
    let names: BTreeSet<String> = (above.into_iter())
        .flat_map(|to| ground.effects[to].sets.iter().cloned())
        .collect();
    let at = (stage.index, to.min(index));
    let kept = installs_newest(&own)
        && only_writes(&rest)
        && is_only_written(
            view,
            &places(view.dockerfile),
            at,
            &names,
            Some((index, &rest)),
        );
    let kept = kept.then(|| doubt(line, ground.line(at.1)));
    let renewed = renewed.into_iter().chain(kept);
    candidate.safety = Safety::of(
        vec!["the first part of the chain installs system packages by name, and nothing of the rest hangs on the shell that ran it".to_owned()],
        renewed.collect(),
    );
    candidate.rationale = format!(
        "What the rest of line {line} names changed in {n} of {} builds, and the packages are installed again each time.",
        view.n_builds()
    );
    candidate.lines = vec![instruction.lines];
    declare(&mut candidate, view)?;
    Some(candidate)
}

struct Ground<'a> {
    view: &'a View<'a>,
    stage: &'a Stage,
    places: &'a [Place],
    /// What each instruction reads and writes.
    effects: Vec<Effect>,
    heats: Heats<'a>,
}

impl Ground<'_> {
    /// In how many builds the Dockerfile itself gave what instruction `index` says, or a variable that it names, another
    /// value.
    fn upkeep(&self, index: usize) -> usize {
        let instruction = &self.stage.instructions[index];
        let bumps = |name: &String| {
            let name = Name::Variable(name.clone());
            self.view.bumps.get(&name).copied().unwrap_or_default()
        };
        let Effect { sets, mentions, .. } = &self.effects[index];
        let of_names = sets.iter().chain(mentions).map(bumps).max();
        bumps_of(self.view, instruction).max(of_names.unwrap_or_default())
    }

    /// In how many builds an instruction has to be run again for its own sake, where that is known.
    fn own_heat(&self, index: usize) -> Option<usize> {
        let instruction = &self.stage.instructions[index];
        if is_transfer(instruction) && instruction.keyword != "ADD" {
            return self.heats.of(index);
        }
        let of_files = match instruction.keyword {
            "ADD" => self.heats.of(index),
            _ => None,
        };
        Some(self.upkeep(index).max(of_files.unwrap_or_default()))
    }

    fn line(&self, index: usize) -> usize {
        self.stage.instructions[index].lines.first
    }
}

/// Whether an instruction changes by the Dockerfile's text alone, and is not there to make what is below run again.
fn is_own(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::Run(_) => true,
        Kind::Arg(items) => !items.iter().any(|i| is_cache_bust(&i.name)),
        Kind::Env(pairs) => !pairs.iter().any(|p| is_cache_bust(&p.name)),
        _ => false,
    }
}

/// What moves, and after which instruction.
struct Way {
    moved: BTreeSet<usize>,
    /// The RUNs that it passes.
    passed: Vec<usize>,
    to: usize,
}

/// What is to be checked where the steps `moved` only write down or set a version that nothing fetches by, and one of those
/// that they pass installs what is newest: so far each new version had that installed anew, perhaps on purpose.
fn kept_as_it_is(
    ground: &Ground<'_>,
    moved: &BTreeSet<usize>,
    passed: &[usize],
    index: usize,
) -> Vec<String> {
    let step = |i: &usize| &ground.stage.instructions[*i];
    let fetches = |i: &usize| matches!(step(i).kind, Kind::Run(_)) && !only_writes(step(i));
    let newest = passed.iter().find(|i| installs_newest(step(i)));
    let (Some(&newest), Some(&first)) = (newest, moved.first()) else {
        return Vec::new();
    };
    let sets = |&i: &usize| ground.effects[i].sets.iter().cloned();
    let names: BTreeSet<String> = moved.iter().flat_map(sets).collect();
    let (view, at) = (ground.view, (ground.stage.index, first));
    if moved.iter().any(fetches)
        || !is_only_written(view, &places(view.dockerfile), at, &names, None)
    {
        return Vec::new();
    }
    vec![doubt(ground.line(newest), ground.line(index))]
}

/// How far down instruction `index` can go with what needs it.
fn way(ground: &Ground<'_>, index: usize) -> Option<Way> {
    let own = ground.upkeep(index);
    let mut block = BTreeSet::from([index]);
    let (mut passed, mut to) = (Vec::new(), index);
    for below in index + 1..ground.stage.instructions.len() {
        let instruction = &ground.stage.instructions[below];
        let needs = |&b: &usize| conflict(&ground.effects[b], &ground.effects[below]).is_some();
        if block.iter().any(needs) {
            if is_transfer(instruction) {
                break;
            }
            block.insert(below);
            continue;
        }
        // What changes as often would make the moved run again.
        let is_colder = ground
            .own_heat(below)
            .is_some_and(|n| n.saturating_mul(3) < own);
        if !is_colder {
            break;
        }
        if matches!(instruction.kind, Kind::Run(_)) {
            passed.push(below);
            to = below;
        }
    }
    block.retain(|b| *b < to);
    (!passed.is_empty()).then_some(Way {
        moved: block,
        passed,
        to,
    })
}

fn candidate(ground: &Ground<'_>, index: usize) -> Option<Candidate> {
    let Way { moved, passed, to } = way(ground, index)?;
    let (view, stage) = (ground.view, ground.stage);
    let lines = |which: &mut dyn Iterator<Item = usize>| -> Vec<String> {
        which.map(|i| ground.line(i).to_string()).collect()
    };
    let what = match lines(&mut moved.iter().copied()).as_slice() {
        [one] => format!("line {one}"),
        all => format!("lines {}", all.join(", ")),
    };
    let over = match lines(&mut passed.iter().copied()).as_slice() {
        [one] => format!("line {one}"),
        all => format!("lines {}", all.join(", ")),
    };
    let mut candidate = Candidate::new(
        "cold-first",
        format!(
            "move {what} below the RUN in line {}, which changes less often",
            ground.line(to)
        ),
    );
    candidate.edits = move_after(view.text(), stage, &moved, to);
    candidate.safety = Safety::of(
        vec![format!(
            "what {what} and the RUNs of {over} read and write is known, and they touch nothing in common"
        )],
        kept_as_it_is(ground, &moved, &passed, index),
    );
    candidate.rationale = format!(
        "What line {} says changed in {} of {} builds, {over} in {}; all below a change runs again.",
        ground.line(index),
        ground.upkeep(index),
        view.n_builds(),
        passed.iter().map(|&p| ground.upkeep(p)).max()?,
    );
    let concerned = moved.iter().chain(&passed);
    candidate.lines = concerned.map(|&i| stage.instructions[i].lines).collect();
    Some(candidate)
}
