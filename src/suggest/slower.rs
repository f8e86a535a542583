//! Why builds get slower with a proposal, where more than a few do: one sentence.

use super::answer::{Slower, SlowerBy};
use super::bench::Bench;
use super::saving::signed;
use crate::cache::Lookup;
use crate::cost::BuildCost;
use crate::replay::{Built, Steps};
use crate::restructure::search::Draft;
use crate::score::{EQUAL_MS, align};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Up to this share of the builds may get slower without a word, percent.
const FEW_PERCENT: usize = 5;

impl Bench<'_> {
    /// Why builds get slower with `new` in place of `old`; `None` where few do.
    pub(super) fn why_slower(&self, old: &Draft, new: &Draft) -> Option<Slower> {
        let (old, new) = (self.runs.get(old)?, self.runs.get(new)?);
        let paired = old.patterns.iter().zip(&new.patterns);
        let paired: Vec<(usize, usize)> = paired.filter_map(|(a, b)| (*a).zip(*b)).collect();
        let more = |&(x, y): &(usize, usize)| {
            signed(new.kinds[y].1.wall_ms) - signed(old.kinds[x].1.wall_ms)
        };
        let mut counts: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        for pair in paired.iter().filter(|pair| more(pair) > signed(EQUAL_MS)) {
            *counts.entry(*pair).or_default() += 1;
        }
        let n_slower = counts.values().sum::<i64>();
        if n_slower * 100 <= signed((paired.len() * FEW_PERCENT) as u64) {
            return None;
        }
        let by = counts.iter().map(|(pair, n)| more(pair) * n).sum::<i64>() / n_slower;
        let mut causes: BTreeMap<SlowerBy, i64> = BTreeMap::new();
        for (&(x, y), n) in &counts {
            for (cause, ms) in self.causes(&old.kinds[x], &new.kinds[y]) {
                *causes.entry(cause).or_default() += ms * n;
            }
        }
        let most = causes.into_iter().max_by_key(|(_, ms)| *ms);
        let by_what = most.filter(|(_, ms)| *ms > 0);
        Some(Slower {
            builds: usize::try_from(n_slower).unwrap_or(usize::MAX),
            by,
            by_what: by_what.map_or(SlowerBy::Waiting, |(cause, _)| cause),
        })
    }

    /// What the new build does that the old one does not, with its milliseconds.
    fn causes(&self, old: &(Built, BuildCost), new: &(Built, BuildCost)) -> Vec<(SlowerBy, i64)> {
        let cost = self.shared.cost;
        let pairs = align(&old.0.steps, &new.0.steps);
        let mut partner: BTreeMap<usize, usize> = BTreeMap::new();
        for (n, id) in pairs.iter().enumerate() {
            partner.extend(id.map(|id| (id.0, n)));
        }
        let ran = |built: &Built, n: usize| !matches!(built.lookups[n], Lookup::Hit { .. });
        let times = |steps: &Arc<Steps>| -> Vec<i64> {
            let estimates = cost.steps(steps).into_iter();
            estimates.map(|e| signed(e.median_ms)).collect()
        };
        let (old_ms, new_ms) = (times(&old.0.steps), times(&new.0.steps));
        let mut causes = Vec::new();
        for id in new.0.steps.shown.iter().filter(|id| ran(&new.0, id.0)) {
            let step = &new.0.steps.steps[id.0];
            let (line, text) = (step.lines.first, step.text.clone());
            let cause = match partner.get(&id.0) {
                None => (SlowerBy::Added(line, text), new_ms[id.0]),
                Some(&n) if !ran(&old.0, n) => (SlowerBy::Again(line, text), new_ms[id.0]),
                Some(&n) => (SlowerBy::Longer(line, text), new_ms[id.0] - old_ms[n]),
            };
            causes.push(cause);
        }
        let layers =
            |c: &BuildCost| signed(c.pull_ms) + signed(c.export_ms) + signed(c.cache_export_ms);
        causes.push((SlowerBy::Layers, layers(&new.1) - layers(&old.1)));
        causes
    }
}
