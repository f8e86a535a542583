//! How far down the values of a stage can go.

use super::cut::{Cut, cut};
use super::doubts::Doubts;
use super::ground::Ground;
use super::groups::{Group, bumps};
use crate::dockerfile::ast::{ArgItem, Kind, Stage};
use crate::restructure::command::seen;
use crate::restructure::conflict::conflict;
use crate::restructure::effect::Effect;
use crate::restructure::rules::changing::{changes, is_cache_bust};
use std::collections::BTreeSet;

/// What is moved, and where to.
pub(super) struct Sunk {
    /// The instructions.
    pub(super) moved: BTreeSet<usize>,
    /// Below this one.
    pub(super) to: usize,
    /// The variables that they set.
    pub(super) names: BTreeSet<String>,
    /// What could not be shown.
    pub(super) doubts: Doubts,
    /// The RUN that is cut, where they go between its parts.
    pub(super) cut: Option<Cut>,
}

/// The places that values can go to.
#[derive(Default)]
struct Reached {
    /// The lowest that is shown to be right.
    safe: Option<Sunk>,
    /// One further down, with a doubt.
    far: Option<Sunk>,
    /// The middle of the RUN that reads them first.
    cut: Option<Sunk>,
}

/// Sinks the values of a stage that are in `group`, together, as far as all of them go: without a doubt, and, where that
/// is farther, with one.
pub(super) fn of_stage(ground: &Ground<'_>, group: &Group) -> (Option<Sunk>, Option<Sunk>) {
    let Reached { safe, far, .. } = reached(ground, group);
    let Some(busted) = group.busts else {
        return (safe, far);
    };
    let mut all = far.or(safe);
    if let Some(sunk) = &mut all {
        let name = sunk.names.iter().find(|name| is_cache_bust(name));
        sunk.doubts.others.push(format!(
            "what stands above line {0} no longer runs again with {1}; check that it is there for line {0} alone",
            busted.line,
            name.map_or("it", String::as_str)
        ));
    }
    (None, all)
}

/// Sinks the values of a stage that are in `group` into the RUN that reads them first, above the part that does.
pub(super) fn into_run(ground: &Ground<'_>, group: &Group) -> Option<Sunk> {
    reached(ground, group).cut.filter(|_| group.busts.is_none())
}

/// As [`of_stage`], whatever is to run again.
fn reached(ground: &Ground<'_>, group: &Group) -> Reached {
    let (moved, names) = values(ground, group);
    let Some(&first) = moved.first().filter(|_| !names.is_empty()) else {
        return Reached::default();
    };
    let stage = ground.stage;
    let mut doubts = Doubts::default();
    // The lowest place: before the first instruction that reads one of the values.
    let mut to = first;
    // RUNs that read one and go down with it.
    let mut readers = BTreeSet::new();
    let mut safe = None;
    let mut parted = None;
    let end = group.busts.map_or(stage.instructions.len(), |b| b.run);
    for index in first..end {
        if moved.contains(&index) {
            continue;
        }
        let reached = (to, readers.clone());
        let n_doubts = doubts.len();
        let meets = |which: &BTreeSet<usize>| {
            let mut above = which.iter().filter(|m| **m < index);
            above.any(|&m| conflict(&ground.effects[m], &ground.effects[index]).is_some())
        };
        let above = |m: &&usize| **m < index;
        let set: BTreeSet<String> = moved
            .iter()
            .filter(above)
            .flat_map(|&m| ground.effects[m].sets.iter().cloned())
            // Nothing reads what is there to make a step run again.
            .filter(|name| group.busts.is_none() || !is_cache_bust(name))
            .collect();
        let is_read = match stage.instructions[index].kind {
            Kind::Run(_) if set.is_empty() => false,
            Kind::Run(_) => ground.is_read(index, &set, &mut doubts),
            _ => meets(&moved),
        };
        if is_read {
            if !ground.goes_along(index) {
                let is_run = matches!(stage.instructions[index].kind, Kind::Run(_));
                let is_next = is_run && readers.is_empty();
                parted = is_next
                    .then(|| cut(ground, (group, first), index, &set))
                    .flatten();
                break;
            }
            readers.insert(index);
            continue;
        }
        if meets(&readers) && !ground.leaves_alone(index, &readers, &mut doubts) {
            break;
        }
        if doubts.newest.is_none() {
            let run = (index, &stage.instructions[index]);
            doubts.newest = ground.kept_newest((group, first), &set, run, None);
        }
        if doubts.len() > n_doubts && safe.is_none() {
            safe = Some(reached);
        }
        to = index;
    }
    let ends = |(to, readers): (usize, BTreeSet<usize>), doubts: Doubts| {
        let to = above_stale_clone(stage, ground.effects, &names, (first, to));
        let mut moved: BTreeSet<usize> = moved.iter().copied().filter(|m| *m <= to).collect();
        moved.extend(readers.into_iter().filter(|m| *m < to));
        let is_step = |i: usize| matches!(stage.instructions[i].kind, Kind::Run(_));
        let passes_run = (first..=to).any(|i| !moved.contains(&i) && is_step(i));
        let names: BTreeSet<String> = moved
            .iter()
            .flat_map(|&m| ground.effects[m].sets.iter().cloned())
            .collect();
        passes_run.then_some(Sunk {
            moved,
            to,
            names,
            doubts: doubts.above(stage.instructions[to].lines.last),
            cut: None,
        })
    };
    let cut = parted.and_then(|(cut, more)| {
        let is_stale = above_stale_clone(stage, ground.effects, &names, (first, to)) < to;
        let mut all = doubts.clone();
        all.unknown.extend(more.unknown);
        all.files.extend(more.files);
        all.newest = all.newest.or(more.newest);
        all.others.extend(more.others);
        let above: BTreeSet<usize> = moved.iter().copied().filter(|m| *m < cut.run).collect();
        let set = above.iter().flat_map(|&m| ground.effects[m].sets.clone());
        let names = set.collect();
        (!is_stale).then_some(Sunk {
            names,
            moved: above,
            to: cut.run,
            doubts: all,
            cut: Some(cut),
        })
    });
    let far = ends((to, readers), doubts);
    let Some(safe) = safe.and_then(|reached| ends(reached, Doubts::default())) else {
        return match far {
            Some(far) if far.doubts.len() == 0 => Reached {
                safe: Some(far),
                far: None,
                cut,
            },
            far => Reached {
                safe: None,
                far,
                cut,
            },
        };
    };
    let far = far.filter(|far| far.to > safe.to);
    Reached {
        safe: Some(safe),
        far,
        cut,
    }
}

/// The instructions of a stage that set what is in `group`, or what is computed from that; and the variables.
pub(super) fn values(ground: &Ground<'_>, group: &Group) -> (BTreeSet<usize>, BTreeSet<String>) {
    let (view, effects) = (ground.view, ground.effects);
    let mut moved: BTreeSet<usize> = BTreeSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (index, instruction) in ground.stage.instructions.iter().enumerate() {
        let changing = match &instruction.kind {
            // An argument with a literal default that is not passed does not change.
            Kind::Arg(items) => items.len() == 1 && items.iter().any(|item| group.has(view, item)),
            Kind::Env(pairs) => pairs.iter().any(|p| {
                let as_argument = ArgItem {
                    name: p.name.clone(),
                    default: Some(p.value.clone()),
                };
                let is_called = group.changing && p.value.contains('$') && changes(view, &p.name);
                effects[index].mentions.iter().any(|m| names.contains(m))
                    || is_called
                    || (bumps(view, &p.name) > 0 && group.has(view, &as_argument))
            }),
            Kind::Label(_) => effects[index].mentions.iter().any(|m| names.contains(m)),
            _ => false,
        };
        if changing {
            moved.insert(index);
            names.extend(effects[index].sets.iter().cloned());
        }
    }
    (moved, names)
}

/// The place above the first RUN that clones a repository as it is now, where git later goes to what one of `names` says:
/// the clone has to be as new as that.
fn above_stale_clone(
    stage: &Stage,
    effects: &[Effect],
    names: &BTreeSet<String>,
    (first, to): (usize, usize),
) -> usize {
    let git = |index: usize, verbs: &[&str]| {
        let seen = seen(&stage.instructions[index]).unwrap_or_default();
        let mut all = seen.iter();
        all.any(|s| s.name() == "git" && verbs.contains(&s.subcommand()))
    };
    let goes_there = |index: &usize| {
        let mut said = effects[*index].mentions.iter();
        said.any(|m| names.contains(m)) && git(*index, &["checkout", "reset", "switch"])
    };
    if !(first..stage.instructions.len()).any(|i| goes_there(&i)) {
        return to;
    }
    let clone = (first..=to).find(|&i| git(i, &["clone", "fetch", "pull"]));
    clone.map_or(to, |clone| clone.saturating_sub(1))
}
