//! What a stage copies last, and installs from that, goes into the stages built on it, below their system packages.
//!
//! Before:
//! ```dockerfile
//! FROM debian:12 AS base
//! COPY requirements.txt /
//! RUN pip install -r /requirements.txt
//! FROM base AS app
//! COPY . /app
//! FROM base AS proxied
//! RUN apt-get update && apt-get install -y nginx
//! ```
//! After:
//! ```dockerfile
//! FROM debian:12 AS base
//! FROM base AS app
//! COPY requirements.txt /
//! RUN pip install -r /requirements.txt
//! COPY . /app
//! FROM base AS proxied
//! RUN apt-get update && apt-get install -y nginx
//! COPY requirements.txt /
//! RUN pip install -r /requirements.txt
//! ```
//! Where several stages are built on one: the packages of one must not come into the images of the others. Each of them
//! gets the steps, so that every image but the lower stage's own holds what it held.

use super::super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::super::conflict::conflict;
use super::super::super::effect::Effect;
use super::super::super::layout::{places, reachable};
use super::super::super::lift::declare;
use super::super::super::moving::{with_needed, without_blank_twin};
use super::super::super::view::View;
use super::RULE;
use super::border::{Joined, children, is_only_a_base, keeps_platform};
use super::builds::{relaxed, stands_alone};
use super::fresh::renews;
use super::ground::Ground;
use super::moved::Moved;
use super::runs::{is_known_work, ways};
use crate::dockerfile::ast::Stage;
use std::collections::BTreeSet;

/// Into so many stages at most, and so many instructions each: more is another Dockerfile.
const MOST_STAGES: usize = 6;
const MOST_STEPS: usize = 12;

/// For each stage that several are built on, at most one candidate.
pub(super) fn below(view: &View<'_>) -> Vec<Candidate> {
    let stages = reachable(view.dockerfile, view.target);
    let found = stages.iter().filter_map(|&base| {
        let of = children(view.dockerfile, base);
        let is_fit = (2..=MOST_STAGES).contains(&of.len())
            && of.iter().all(|&s| keeps_platform(view.dockerfile, s, base))
            && is_only_a_base(view, base);
        let needed: Vec<usize> = of.iter().copied().filter(|s| stages.contains(s)).collect();
        is_fit
            .then(|| candidate(view, base, &of, &needed))
            .flatten()
    });
    found.collect()
}

/// A stage that gets the steps.
struct Child {
    /// With the one that it is built on.
    joined: Joined,
    /// What has to stand above the steps, by its position in `joined`.
    first: BTreeSet<usize>,
    /// The lines of those among it that pass builds which they were not shown to leave alone; and of these.
    passing: BTreeSet<usize>,
    passed: BTreeSet<usize>,
    doubts: BTreeSet<String>,
}

fn candidate(view: &View<'_>, base: usize, of: &[usize], needed: &[usize]) -> Option<Candidate> {
    let all = places(view.dockerfile);
    let stage = &view.dockerfile.stages[base];
    let join = |child: usize| Joined::new(view, &all, &[base, child]);
    let tops = needed.iter().filter_map(|&child| join(child)?.top(view));
    let to = tops.min()?;
    if stage.instructions.len() - to > MOST_STEPS {
        return None;
    }
    let found = of
        .iter()
        .map(|&child| Some(Child::new(view, join(child)?, to)));
    let found: Vec<Child> = found.collect::<Option<_>>()?;
    let moved = Moved::new(view, stage, &all[base], to)?;
    let mut candidate = Candidate::new(RULE.id, "");
    candidate.edits = vec![TextEdit::delete(without_blank_twin(
        view.text(),
        moved.span,
    ))];
    for child in &found {
        let (_, index) = child.joined.part_of(usize::MAX);
        let own = &view.dockerfile.stages[index];
        candidate
            .edits
            .extend(moved.edits_in(view, own, &all[index], &child.own())?);
    }
    said(&mut candidate, &found, stage, (to, needed.len()));
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// Says what is done, why, and what is to be checked.
fn said(candidate: &mut Candidate, found: &[Child], stage: &Stage, (to, n_needed): (usize, usize)) {
    let name = stage.name.as_deref().unwrap_or("the base");
    let steps = &stage.instructions[to..];
    let line = steps[0].lines.first;
    let which = match steps {
        [_] => format!("line {line}"),
        _ => format!("lines {line} to {}", steps[steps.len() - 1].lines.last),
    };
    candidate.title = format!(
        "move {which} from stage {name} to the stages built on it, below their system packages"
    );
    let passed = || {
        found.iter().flat_map(|child| {
            let steps = &child.joined.stage.instructions;
            let runs = child.first.iter().map(|&i| &steps[i]);
            runs.filter(|i| i.keyword == "RUN").map(|i| i.lines)
        })
    };
    let lines: Vec<String> = passed().map(|l| l.first.to_string()).collect();
    let (reads, runs) = match lines.as_slice() {
        [one] => (format!("Line {one} reads"), "runs"),
        all => (format!("Lines {} read", all.join(" and ")), "run"),
    };
    let names = found.iter().filter_map(|c| c.joined.stage.name.as_deref());
    let twice = match n_needed {
        0 | 1 => String::new(),
        n => format!(" What moves is done {n} times then, once for each stage that needs it."),
    };
    candidate.rationale = format!(
        "{reads} none of the files copied in line {line}, yet {runs} again whenever one of them changes.{twice}"
    );
    candidate.lines = std::iter::once(steps[0].lines).chain(passed()).collect();
    let doubts: BTreeSet<&String> = found.iter().flat_map(|child| &child.doubts).collect();
    let doubts = disturbed(found)
        .into_iter()
        .chain(doubts.into_iter().cloned());
    candidate.safety = Safety::of(
        vec![
            format!(
                "every stage built on {name} gets the same steps: {}",
                names.collect::<Vec<_>>().join(", ")
            ),
            format!("no stage copies from {name}, and no file builds it by itself"),
        ],
        doubts.collect(),
    );
}

/// What is to be checked where RUNs pass builds that they were not shown to leave alone.
fn disturbed(found: &[Child]) -> Option<String> {
    let listed = |of: fn(&Child) -> &BTreeSet<usize>| {
        let lines: BTreeSet<usize> = found.iter().flat_map(of).copied().collect();
        let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
        match lines.as_slice() {
            [one] => (format!("line {one}"), "s"),
            all => (format!("lines {}", all.join(", ")), ""),
        }
    };
    let ((passing, s), (passed, _)) = (listed(|c| &c.passing), listed(|c| &c.passed));
    let is_any = found.iter().any(|child| !child.passed.is_empty());
    is_any.then(|| {
        format!("check that what {passing} install{s} does not disturb the work of {passed}, which then is done after it")
    })
}

impl Joined {
    /// The first copy of the lower stage that a RUN of the upper one can pass.
    fn top(&self, view: &View<'_>) -> Option<usize> {
        let ground = self.ground(view);
        let own = self.last_start()..self.stage.instructions.len();
        let goals = own
            .filter(|&i| is_known_work(&ground, i))
            .filter_map(|index| {
                let known = ground.rooted.as_ref().unwrap_or(&ground.effects);
                let effects = passing(&ground, known, index);
                let ((to, along), _) = ways(&ground, &effects, index).into_iter().next()?;
                let is_below = to < self.last_start();
                (is_below && self.may_stand(view, &along, to).is_some()).then_some(to)
            });
        goals.min()
    }
}

/// `effects` for the RUN at `index`, which may pass builds if it only installs.
fn passing(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Vec<Effect> {
    if stands_alone(ground, index) {
        relaxed(ground, effects, index)
    } else {
        effects.to_vec()
    }
}

impl Child {
    /// What of the upper stage of `joined` can stand above instruction `to` of the lower one.
    fn new(view: &View<'_>, joined: Joined, to: usize) -> Self {
        let own = joined.last_start()..joined.stage.instructions.len();
        let mut child = Self {
            first: BTreeSet::new(),
            passing: BTreeSet::new(),
            passed: BTreeSet::new(),
            doubts: BTreeSet::new(),
            joined,
        };
        for index in own {
            child.take(view, index, to);
        }
        child
    }

    /// What has to stand above the steps, by its position in the upper stage.
    fn own(&self) -> BTreeSet<usize> {
        let start = self.joined.last_start();
        self.first.iter().map(|index| index - start).collect()
    }

    /// Takes the RUN at `index` if it can stand above instruction `to`, with what it needs.
    fn take(&mut self, view: &View<'_>, index: usize, to: usize) -> Option<()> {
        let ground = self.joined.ground(view);
        let between = ground.stage.instructions[to..index].iter();
        let is_renewed = between.zip(&ground.places[to..]).any(|(i, p)| renews(i, p));
        if is_renewed || !is_known_work(&ground, index) {
            return None;
        }
        let rooted = ground.rooted.iter().map(|effects| (effects, true));
        let ways = std::iter::once((&ground.effects, false)).chain(rooted);
        let (effects, is_rooted, along) = ways.into_iter().find_map(|(effects, is_rooted)| {
            let found = with_needed(&passing(&ground, effects, index), index, to).ok()?;
            Some((effects, is_rooted, found))
        })?;
        let doubts = self.joined.may_stand(view, &along, to)?;
        self.doubts.extend(doubts);
        if is_rooted {
            self.doubts.insert(format!(
                "the directory in which {} starts is not known; check that line {} touches nothing of what is copied there",
                ground.stage.base().image,
                ground.line(index)
            ));
        }
        let is_passed = |run: &&usize| conflict(&effects[**run], &effects[index]).is_some();
        let passed: Vec<usize> = ground
            .builds
            .range(to..self.joined.last_start())
            .filter(is_passed)
            .map(|&run| ground.line(run))
            .collect();
        if !passed.is_empty() {
            self.passing.insert(ground.line(index));
            self.passed.extend(passed);
        }
        self.first.extend(along);
        Some(())
    }
}
