//! One build in numbers: hits, misses, and sums of time.
//!
//! Never: estimates a time; that is `cost`'s.

use crate::cache::Lookup;
use crate::cost::{Band, Estimate};
use crate::graph::StepId;
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
            _ => u64::try_from(u128::from(ms) * u128::from(part) / u128::from(whole))
                .unwrap_or(u64::MAX),
        };
        Self {
            median: of(self.median),
            low: of(self.low),
            high: of(self.high),
        }
    }
}

impl From<Band> for Millis {
    fn from(band: Band) -> Self {
        Self {
            median: band.median,
            low: band.low,
            high: band.high,
        }
    }
}

impl From<&Estimate> for Millis {
    fn from(estimate: &Estimate) -> Self {
        Self {
            median: estimate.median_ms,
            low: estimate.low_ms,
            high: estimate.high_ms,
        }
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
    steps
        .shown
        .iter()
        .copied()
        .filter(|id| steps.steps[id.0].instruction != "FROM")
}

/// The answers of one build.
pub fn tally(built: &Built) -> Tally {
    let mut tally = Tally::default();
    counted(&built.steps).for_each(|id| tally.add(&built.lookups[id.0]));
    tally
}

/// Which steps run: all that do not hit. What is unknown is taken to run.
pub fn ran(built: &Built) -> Vec<bool> {
    built
        .lookups
        .iter()
        .map(|lookup| !matches!(lookup, Lookup::Hit { .. }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_do_not_overflow() {
        let most = Millis {
            median: u64::MAX,
            low: u64::MAX,
            high: u64::MAX,
        };
        assert_eq!(most.share(1, 2).median, u64::MAX / 2);
        assert_eq!(most + most, most);
        assert_eq!(most.share(1, 0), Millis::default());
    }
}
