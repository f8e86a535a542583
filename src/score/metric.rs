//! One build in numbers: hits, misses, and how long it takes.
//!
//! Never: knows where a price comes from.

use crate::cache::Lookup;
use crate::graph::{Origin, StepId};
use crate::replay::{Built, Steps};
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// Milliseconds with a band that is meant to hold eight of ten projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis {
    /// As often longer as shorter.
    pub median: u64,
    /// One in ten is shorter.
    pub low: u64,
    /// One in ten is longer.
    pub high: u64,
}

impl Millis {
    /// The same with another share: `self · part / whole`, 0 for an empty whole.
    #[must_use]
    pub fn share(self, part: u64, whole: u64) -> Self {
        let of = |ms: u64| match whole {
            0 => 0,
            _ => u64::try_from(u128::from(ms) * u128::from(part) / u128::from(whole)).unwrap_or(u64::MAX),
        };
        Self { median: of(self.median), low: of(self.low), high: of(self.high) }
    }
}

/// End by end: what is over-estimated once is over-estimated each time.
impl Add for Millis {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            median: self.median.saturating_add(other.median),
            low: self.low.saturating_add(other.low),
            high: self.high.saturating_add(other.high),
        }
    }
}

impl AddAssign for Millis {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Millis {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::default(), Self::add)
    }
}

/// Whether a builder runs independent steps at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// BuildKit: a build takes as long as its longest chain.
    Parallel,
    /// The others: one step after the other.
    Sequential,
}

/// How often each answer was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cache hits.
    pub hits: u64,
    /// Misses that follow from nothing else.
    pub roots: u64,
    /// Misses that follow from an earlier one.
    pub cascades: u64,
    /// Not to be known.
    pub unknown: u64,
}

impl Tally {
    /// Counts one answer.
    pub fn add(&mut self, lookup: &Lookup) {
        match lookup {
            Lookup::Hit { .. } => self.hits += 1,
            Lookup::Miss(reason) if reason.is_root() => self.roots += 1,
            Lookup::Miss(_) => self.cascades += 1,
            Lookup::Unknown { .. } => self.unknown += 1,
        }
    }

    /// Steps that ran.
    pub fn misses(&self) -> u64 {
        self.roots + self.cascades
    }

    /// All answers.
    pub fn all(&self) -> u64 {
        self.hits + self.misses() + self.unknown
    }

    /// Both together.
    pub fn merge(&mut self, other: &Self) {
        self.hits += other.hits;
        self.roots += other.roots;
        self.cascades += other.cascades;
        self.unknown += other.unknown;
    }
}

/// The steps that count: those the builder shows, but not FROM, which fetches and does not run.
pub fn counted(steps: &Steps) -> impl Iterator<Item = StepId> + '_ {
    steps.shown.iter().copied().filter(|id| steps.steps[id.0].instruction != "FROM")
}

/// The answers of one build.
pub fn tally(built: &Built) -> Tally {
    let mut tally = Tally::default();
    counted(&built.steps).for_each(|id| tally.add(&built.lookups[id.0]));
    tally
}

/// Which steps run: all that do not hit. What is unknown is taken to run.
pub fn ran(built: &Built) -> Vec<bool> {
    built.lookups.iter().map(|lookup| !matches!(lookup, Lookup::Hit { .. })).collect()
}

/// How long a build takes in which the steps of `ran` run.
///
/// Bands of steps in one build combine as those of independent figures do (root of the sum of squares).
pub fn rebuild(steps: &Steps, ran: &[bool], prices: &[Millis], concurrency: Concurrency) -> Millis {
    let chain: Vec<usize> = match concurrency {
        Concurrency::Sequential => (0..steps.steps.len()).filter(|&i| ran[i]).collect(),
        Concurrency::Parallel => longest_chain(steps, ran, prices),
    };
    let median = chain.iter().fold(0_u64, |sum, &i| sum.saturating_add(prices[i].median));
    let spread = |distance: &dyn Fn(&Millis) -> u64| {
        let squares: f64 = chain.iter().map(|&i| (distance(&prices[i]) as f64).powi(2)).sum();
        squares.sqrt() as u64
    };
    let below = spread(&|p| p.median.saturating_sub(p.low));
    let above = spread(&|p| p.high.saturating_sub(p.median));
    Millis { median, low: median.saturating_sub(below), high: median.saturating_add(above) }
}

/// The steps of the chain that takes longest; steps that do not run take no time but pass the wait on.
fn longest_chain(steps: &Steps, ran: &[bool], prices: &[Millis]) -> Vec<usize> {
    let mut end = vec![0_u64; steps.steps.len()];
    let mut before: Vec<Option<usize>> = vec![None; steps.steps.len()];
    for (i, step) in steps.steps.iter().enumerate() {
        let inputs = step.inputs.iter().filter_map(|input| match input.origin {
            Origin::Step(id) if id.0 < i => Some(id.0),
            _ => None,
        });
        before[i] = inputs.max_by_key(|&id| (end[id], std::cmp::Reverse(id)));
        let start = before[i].map_or(0, |id| end[id]);
        end[i] = start.saturating_add(if ran[i] { prices[i].median } else { 0 });
    }
    let mut at = (0..end.len()).max_by_key(|&i| (end[i], std::cmp::Reverse(i)));
    let mut chain = Vec::new();
    while let Some(i) = at {
        if ran[i] {
            chain.push(i);
        }
        at = before[i];
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Input;
    use crate::score::fixture::steps;

    fn price(median: u64) -> Millis {
        Millis { median, low: median / 2, high: median * 2 }
    }

    #[test]
    fn independent_stages_overlap_only_where_the_builder_lets_them() {
        let mut graph = steps(&["a> FROM x", "a> RUN a", "b> FROM y", "b> RUN b", "c> FROM z", "c> COPY --from=a . ."]);
        graph.steps[5].inputs.push(Input { origin: Origin::Step(StepId(1)), selectors: Some(Vec::new()) });
        graph.steps[5].inputs.push(Input { origin: Origin::Step(StepId(3)), selectors: Some(Vec::new()) });
        let prices = [0, 10, 0, 30, 0, 5].map(price);
        let all = [true; 6];
        assert_eq!(rebuild(&graph, &all, &prices, Concurrency::Parallel).median, 35);
        assert_eq!(rebuild(&graph, &all, &prices, Concurrency::Sequential).median, 45);
        let only_a = [false, true, false, false, false, true];
        assert_eq!(rebuild(&graph, &only_a, &prices, Concurrency::Parallel).median, 15);
        assert_eq!(rebuild(&graph, &[false; 6], &prices, Concurrency::Parallel), Millis::default());
    }

    #[test]
    fn bands_of_one_build_are_narrower_than_their_sum() {
        let graph = steps(&["FROM x", "RUN a", "RUN b"]);
        let prices = [Millis::default(), Millis { median: 10, low: 7, high: 13 }, Millis { median: 10, low: 6, high: 14 }];
        let time = rebuild(&graph, &[true; 3], &prices, Concurrency::Parallel);
        assert_eq!(time, Millis { median: 20, low: 15, high: 25 });
    }

    #[test]
    fn shares_do_not_overflow() {
        let most = Millis { median: u64::MAX, low: u64::MAX, high: u64::MAX };
        assert_eq!(most.share(1, 2).median, u64::MAX / 2);
        assert_eq!(most + most, most);
        assert_eq!(most.share(1, 0), Millis::default());
    }
}
