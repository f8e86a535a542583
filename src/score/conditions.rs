//! What a comparison would say under conditions that git does not tell.

use super::compare::{Change, Comparison, EQUAL_MS};
use crate::cost::CostModel;
use crate::replay::BuildOutcome;

/// The means of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Means {
    /// Mean wall time before, in milliseconds.
    pub old: u64,
    /// And after.
    pub new: u64,
    /// New minus old.
    pub change: Change,
    /// The same, had nothing changed of what git does not hold.
    pub if_cached: Change,
}

/// Arguments are passed that nobody passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// The arguments that have another value at each build.
    pub names: Vec<String>,
    /// What builds take then.
    pub means: Means,
    /// The newest build once more with nothing but other values: wall time before and after.
    pub again: (u64, u64),
}

/// It is built for another platform than the builder's own, whose programs the builder's machine emulates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emulated {
    /// The platform.
    pub platform: String,
    /// What builds take then.
    pub means: Means,
}

impl Means {
    /// `None` where nothing is compared, or the change is that of `plain`.
    fn beside(of: &Comparison, plain: &Comparison) -> Option<Self> {
        let differ = of.mean.median.abs_diff(plain.mean.median) > EQUAL_MS;
        differ.then(|| Self::of(of))
    }

    fn of(comparison: &Comparison) -> Self {
        Self {
            old: comparison.old.mean.median,
            new: comparison.new.mean.median,
            change: comparison.mean,
            if_cached: comparison.mean_if_cached,
        }
    }
}

impl Passed {
    /// From the comparison under these arguments; `None` where it says what `plain` says. `again`: on both sides the
    /// newest build once more with other values.
    pub fn new(
        names: Vec<String>,
        passed: &Comparison,
        again: (&BuildOutcome, &BuildOutcome),
        plain: &Comparison,
        model: &CostModel,
    ) -> Option<Self> {
        let wall = |build: &BuildOutcome| {
            let cost = model.each(std::slice::from_ref(build));
            cost.median.first().map_or(0, |c| c.wall_ms)
        };
        let again = (wall(again.0), wall(again.1));
        let is_news = again.0.abs_diff(again.1) > EQUAL_MS;
        let means = Means::beside(passed, plain);
        let means = means.or_else(|| is_news.then(|| Means::of(passed)))?;
        (!passed.pairs.is_empty()).then_some(Self {
            names,
            means,
            again,
        })
    }
}

impl Emulated {
    /// From the comparison of builds for `platform`; `None` where it says what `plain` says.
    pub fn new(platform: &str, emulated: &Comparison, plain: &Comparison) -> Option<Self> {
        Some(Self {
            platform: platform.to_owned(),
            means: Means::beside(emulated, plain)?,
        })
    }
}
