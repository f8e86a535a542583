//! The steps of both sides of a comparison in one table: how often each ran, and what that took.

use super::align::align;
use super::compare::{Comparison, Pair, difference};
use super::metric::counted;
use crate::cache::Lookup;
use crate::cost::CostModel;
use crate::graph::StepId;
use crate::replay::{BuildOutcome, Built, Steps};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A step of either side.
#[derive(Clone, Debug)]
pub struct StepChange {
    /// As it was, if it was.
    pub old: Option<StepSide>,
    /// As it is, if it is.
    pub new: Option<StepSide>,
    /// Work per paired build, new minus old, in milliseconds. Work of steps side by side adds up here.
    pub change: i64,
}

/// A step on one side.
#[derive(Clone, Debug)]
pub struct StepSide {
    /// The stage as the builder prints it.
    pub stage: Option<String>,
    /// Its first line.
    pub line: usize,
    /// The instruction as shown.
    pub text: String,
    /// Paired builds in which it ran.
    pub runs: u64,
    /// Milliseconds spent in it.
    pub spent: u64,
}

/// The rows of the step table: every step of the newest new side, then what only the old side has.
pub(super) struct Rows {
    old: Arc<Steps>,
    new: Arc<Steps>,
    /// For each step of the newest old side its row.
    of_old: BTreeMap<StepId, usize>,
    of_new: BTreeMap<StepId, usize>,
    n: usize,
}

impl Rows {
    pub(super) fn new(old: Arc<Steps>, new: Arc<Steps>) -> Self {
        let of_new: BTreeMap<StepId, usize> = counted(&new).zip(0..).collect();
        let pairs = align(&old, &new);
        let mut n = of_new.len();
        let mut of_old = BTreeMap::new();
        for id in counted(&old) {
            let row = pairs[id.0].and_then(|new| of_new.get(&new).copied());
            of_old.insert(
                id,
                row.unwrap_or_else(|| {
                    n += 1;
                    n - 1
                }),
            );
        }
        Self {
            old,
            new,
            of_old,
            of_new,
            n,
        }
    }

    pub(super) fn fill(
        &self,
        comparison: &mut Comparison,
        old: &[BuildOutcome],
        new: &[BuildOutcome],
        model: &CostModel,
    ) {
        let mut rows: Vec<StepChange> = vec![
            StepChange {
                old: None,
                new: None,
                change: 0
            };
            self.n
        ];
        let named = |steps: &Steps, id: StepId| StepSide {
            stage: steps.steps[id.0].stage.clone(),
            line: steps.steps[id.0].lines.first,
            text: steps.steps[id.0].text.clone(),
            runs: 0,
            spent: 0,
        };
        self.of_old
            .iter()
            .for_each(|(&id, &row)| rows[row].old = Some(named(&self.old, id)));
        self.of_new
            .iter()
            .for_each(|(&id, &row)| rows[row].new = Some(named(&self.new, id)));
        let mut old_runs = Runs::new(self.old.clone(), &self.of_old, model);
        let mut new_runs = Runs::new(self.new.clone(), &self.of_new, model);
        for (o, n) in old.iter().zip(new) {
            let (Ok(before), Ok(after)) = (&o.result, &n.result) else {
                continue;
            };
            let (ran_before, ran_after) = (old_runs.of(before), new_runs.of(after));
            ran_before
                .iter()
                .for_each(|(&row, &ms)| count_run(rows[row].old.as_mut(), ms));
            ran_after
                .iter()
                .for_each(|(&row, &ms)| count_run(rows[row].new.as_mut(), ms));
            let differ = (0..self.n)
                .filter(|row| ran_before.contains_key(row) != ran_after.contains_key(row))
                .collect();
            comparison.pairs.push(Pair {
                commit: n.commit,
                time: n.time,
                old_ms: 0,
                new_ms: 0,
                differ,
            });
        }
        let n = comparison.pairs.len().max(1) as i64;
        for row in &mut rows {
            let spent = |side: &Option<StepSide>| side.as_ref().map_or(0, |s| s.spent);
            row.change = difference(spent(&row.new), spent(&row.old)) / n;
        }
        sort(rows, comparison);
    }
}

fn count_run(side: Option<&mut StepSide>, ms: u64) {
    if let Some(side) = side {
        side.runs += 1;
        side.spent = side.spent.saturating_add(ms);
    }
}

/// Greatest change first; the pairs' positions follow.
fn sort(rows: Vec<StepChange>, comparison: &mut Comparison) {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(rows[i].change.unsigned_abs()), i));
    let mut place = vec![0; rows.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(at, &row)| place[row] = at);
    for pair in &mut comparison.pairs {
        pair.differ.iter_mut().for_each(|row| *row = place[*row]);
        pair.differ.sort_unstable();
    }
    comparison.steps = order.into_iter().map(|i| rows[i].clone()).collect();
}

/// A step, its row, and how long it takes.
type Placed = (StepId, usize, u64);

/// Counts the runs of one side's steps, whatever version a build has.
struct Runs<'a> {
    newest: Arc<Steps>,
    rows: &'a BTreeMap<StepId, usize>,
    model: &'a CostModel,
    /// By version: the row and the duration of each step.
    versions: Vec<(Arc<Steps>, Vec<Placed>)>,
}

impl<'a> Runs<'a> {
    fn new(newest: Arc<Steps>, rows: &'a BTreeMap<StepId, usize>, model: &'a CostModel) -> Self {
        Self {
            newest,
            rows,
            model,
            versions: Vec::new(),
        }
    }

    /// The rows that ran in one build, with their durations.
    fn of(&mut self, built: &Built) -> BTreeMap<usize, u64> {
        let version = self.version(&built.steps);
        let rows = self.versions[version].1.iter();
        rows.filter(|(id, ..)| !matches!(built.lookups[id.0], Lookup::Hit { .. }))
            .map(|&(_, row, ms)| (row, ms))
            .collect()
    }

    fn version(&mut self, steps: &Arc<Steps>) -> usize {
        let known = self
            .versions
            .iter()
            .rposition(|(v, _)| Arc::ptr_eq(v, steps) || v == steps);
        known.unwrap_or_else(|| {
            let to_newest = align(steps, &self.newest);
            let prices = self.model.steps(steps);
            let row = |id: StepId| {
                let row = *self.rows.get(&to_newest[id.0]?)?;
                Some((id, row, prices[id.0].median_ms))
            };
            let rows = counted(steps).filter_map(row).collect();
            self.versions.push((steps.clone(), rows));
            self.versions.len() - 1
        })
    }
}
