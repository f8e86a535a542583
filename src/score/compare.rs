//! Two Dockerfiles over the same builds, paired build by build.
//!
//! Never: decides whether a change is good enough; thresholds are the caller's.

use super::cold;
use super::conditions::{Emulated, Passed};
use super::metric::{Millis, Tally, tally};
use super::step_changes::{Rows, StepChange};
use crate::cache::{Lookup, MissReason};
use crate::cost::{CostModel, EachCost, ImageSize};
use crate::replay::{BuildOutcome, Built, Steps};
use crate::tree::ObjectId;
use std::sync::Arc;

/// Whether git cannot tell of some step of these builds whether it ran.
pub fn has_unknown(builds: &[BuildOutcome]) -> bool {
    let built = builds.iter().filter_map(|b| b.result.as_ref().ok());
    built
        .flat_map(|b| &b.lookups)
        .any(|lookup| matches!(lookup, Lookup::Unknown { .. }))
}

/// Two replays of the same builds. The first build of each fills its empty cache and is left out, and so is a build that
/// one side cannot build: its Dockerfile is refused, or copies a file that is not there though other builds have it.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Builds that are paired.
    pub pairs: Vec<Pair>,
    /// How many get faster by more than [`EQUAL_MS`].
    pub n_faster: u64,
    /// How many get slower by more than that.
    pub n_slower: u64,
    /// Builds that only the new side cannot build, and that only the old side cannot.
    pub n_lost: u64,
    /// See there.
    pub n_gained: u64,
    /// Builds that neither side can build.
    pub n_neither: u64,
    /// Before.
    pub old: Side,
    /// After.
    pub new: Side,
    /// Mean, new minus old, in milliseconds.
    pub mean: Change,
    /// The same, had nothing changed of what git does not hold.
    pub mean_if_cached: Change,
    /// A build from an empty cache, likewise.
    pub cold: Change,
    /// Median, likewise.
    pub median: Change,
    /// 95th percentile, likewise.
    pub p95: Change,
    /// The steps of both sides, aligned, the greatest change first.
    pub steps: Vec<StepChange>,
    /// The same, were arguments passed that nobody passed; where that makes another change.
    pub passed: Option<Passed>,
    /// The same, were it built for another platform than the builder's own; where that makes another change.
    pub emulated: Option<Emulated>,
    /// Where the durations come from, a whole sentence.
    pub basis: String,
}

/// Differences up to this are none.
pub const EQUAL_MS: u64 = 50;

/// One side in sum.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Mean wall time of a build.
    pub mean: Millis,
    /// The same, had nothing changed of what git does not hold.
    pub mean_if_cached: u64,
    /// The newest build from an empty cache.
    pub cold: u64,
    /// Half of the builds take at most this.
    pub median: u64,
    /// 95 of 100 take at most this.
    pub p95: u64,
    /// Hits and misses.
    pub tally: Tally,
    /// Mean bytes that a build downloads and uploads.
    pub moved_bytes: u64,
    /// The final image.
    pub image: ImageSize,
}

/// A difference with its band; negative is faster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// With all durations at their median.
    pub median: i64,
    /// One draw in ten is below.
    pub low: i64,
    /// One draw in ten is above.
    pub high: i64,
    /// Of a thousand draws in which the sides differ, those that point where the median does; `None` where it is 0 or
    /// they never differ.
    pub held_permille: Option<u64>,
}

/// One build on both sides.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The commit.
    pub commit: ObjectId,
    /// Seconds since 1970.
    pub time: i64,
    /// Wall time before.
    pub old_ms: u64,
    /// And after.
    pub new_ms: u64,
    /// Steps that run on one side only, as positions in [`Comparison::steps`].
    pub differ: Vec<usize>,
}

impl Pair {
    /// New minus old.
    pub fn change(&self) -> i64 {
        difference(self.new_ms, self.old_ms)
    }
}

/// Compares two replays of the same builds under one cost model. `old` and `new` must have equal lengths. `unchanged`: both
/// once more, with all that git does not hold as it was; not needed where no step is unknown.
pub fn compare(
    old: &[BuildOutcome],
    new: &[BuildOutcome],
    unchanged: Option<(&[BuildOutcome], &[BuildOutcome])>,
    model: &CostModel,
) -> Comparison {
    let (old_built, new_built) = (buildable(old), buildable(new));
    let both: Vec<(bool, bool)> = old_built.into_iter().zip(new_built).collect();
    let first_old = both.iter().position(|b| b.0);
    let first_new = both.iter().position(|b| b.1);
    let paired: Vec<usize> = (0..both.len())
        .filter(|&i| both[i] == (true, true))
        .filter(|&i| Some(i) != first_old && Some(i) != first_new)
        .collect();
    let pick = |builds: &[BuildOutcome]| {
        paired
            .iter()
            .map(|&i| builds[i].clone())
            .collect::<Vec<_>>()
    };
    let (old_paired, new_paired) = (pick(old), pick(new));
    let (old_cost, new_cost) = (model.each(&old_paired), model.each(&new_paired));
    let again = unchanged.map(|(old, new)| (model.each(&pick(old)), model.each(&pick(new))));
    let (old_cached, new_cached) = match &again {
        Some((old, new)) => (old, new),
        None => (&old_cost, &new_cost),
    };
    let (old_cold, new_cold) = (
        cold::cost(&old_paired, model),
        cold::cost(&new_paired, model),
    );
    let mut comparison = Comparison {
        n_lost: both.iter().filter(|b| **b == (true, false)).count() as u64,
        n_gained: both.iter().filter(|b| **b == (false, true)).count() as u64,
        n_neither: both.iter().filter(|b| **b == (false, false)).count() as u64,
        old: side(&old_paired, &old_cost, model),
        new: side(&new_paired, &new_cost, model),
        mean: change(&old_cost, &new_cost, mean),
        mean_if_cached: change(old_cached, new_cached, mean),
        cold: change(&old_cold, &new_cold, mean),
        median: change(&old_cost, &new_cost, |walls| percentile(walls, 50)),
        p95: change(&old_cost, &new_cost, |walls| percentile(walls, 95)),
        basis: model.basis(None),
        ..Comparison::default()
    };
    if let (Some(newest_old), Some(newest_new)) = (newest(&old_paired), newest(&new_paired)) {
        let rows = Rows::new(newest_old, newest_new);
        rows.fill(&mut comparison, &old_paired, &new_paired, model);
    }
    let walls = |cost: &EachCost| cost.median.iter().map(|c| c.wall_ms).collect::<Vec<_>>();
    for (side, cached, cold) in [
        (&mut comparison.old, old_cached, &old_cold),
        (&mut comparison.new, new_cached, &new_cold),
    ] {
        (side.mean_if_cached, side.cold) = (mean(&walls(cached)), mean(&walls(cold)));
    }
    for (i, pair) in comparison.pairs.iter_mut().enumerate() {
        (pair.old_ms, pair.new_ms) = (old_cost.median[i].wall_ms, new_cost.median[i].wall_ms);
    }
    let far = |p: &&Pair| p.change().unsigned_abs() > EQUAL_MS;
    let (slower, faster): (Vec<&Pair>, Vec<&Pair>) = comparison
        .pairs
        .iter()
        .filter(far)
        .partition(|p| p.change() > 0);
    (comparison.n_slower, comparison.n_faster) = (slower.len() as u64, faster.len() as u64);
    comparison
}

/// Which builds can be built, as far as git tells. A file that is copied and not there may have been made outside of git;
/// but where other builds of the same Dockerfile find all that they copy, it is gone, and the build fails.
fn buildable(builds: &[BuildOutcome]) -> Vec<bool> {
    let built = || builds.iter().filter_map(|b| b.result.as_ref().ok());
    let lacks = |b: &Built| b.lookups.iter().any(Lookup::lacks_source);
    let is_in_git = built().any(finds_all);
    builds
        .iter()
        .map(|b| matches!(&b.result, Ok(b) if !(is_in_git && lacks(b))))
        .collect()
}

/// Whether all that a build copies is shown to be there: what has to run in any case tells nothing of its files.
fn finds_all(built: &Built) -> bool {
    built.lookups.iter().all(|lookup| match lookup {
        Lookup::Hit { .. } => true,
        Lookup::Miss(reason) => matches!(
            reason,
            MissReason::Content { .. } | MissReason::Input { .. }
        ),
        Lookup::Unknown { .. } => !lookup.lacks_source(),
    })
}

fn newest(builds: &[BuildOutcome]) -> Option<Arc<Steps>> {
    builds
        .iter()
        .rev()
        .find_map(|b| b.result.as_ref().ok())
        .map(|b| b.steps.clone())
}

fn side(builds: &[BuildOutcome], cost: &EachCost, model: &CostModel) -> Side {
    let walls: Vec<u64> = cost.median.iter().map(|c| c.wall_ms).collect();
    let mut sum = Tally::default();
    builds
        .iter()
        .filter_map(|b| b.result.as_ref().ok())
        .for_each(|b| sum.merge(&tally(b)));
    let moved: u64 = cost
        .median
        .iter()
        .map(|c| c.pulled_bytes + c.pushed_bytes + c.cached_bytes)
        .sum();
    let mut draws: Vec<u64> = cost.wall_draws.iter().map(|walls| mean(walls)).collect();
    draws.sort_unstable();
    Side {
        mean_if_cached: 0,
        cold: 0,
        mean: Millis {
            median: mean(&walls),
            low: percentile(&draws, 10).min(mean(&walls)),
            high: percentile(&draws, 90).max(mean(&walls)),
        },
        median: percentile(&walls, 50),
        p95: percentile(&walls, 95),
        tally: sum,
        moved_bytes: moved.checked_div(walls.len() as u64).unwrap_or_default(),
        image: newest(builds)
            .map(|steps| model.image(&steps))
            .unwrap_or_default(),
    }
}

/// A statistic's change, draw by draw: both sides share the conditions of a draw.
fn change(old: &EachCost, new: &EachCost, of: impl Fn(&[u64]) -> u64) -> Change {
    let walls = |cost: &EachCost| cost.median.iter().map(|c| c.wall_ms).collect::<Vec<_>>();
    let median = difference(of(&walls(new)), of(&walls(old)));
    let mut draws: Vec<i64> = old
        .wall_draws
        .iter()
        .zip(&new.wall_draws)
        .map(|(o, n)| difference(of(n), of(o)))
        .collect();
    draws.sort_unstable();
    let at = |percent: usize| {
        draws
            .get(rank(draws.len(), percent))
            .copied()
            .unwrap_or(median)
    };
    let differing = draws.iter().filter(|d| **d != 0).count() as u64;
    let held = draws.iter().filter(|d| d.signum() == median.signum());
    let n_held = held.count() as u64;
    Change {
        median,
        low: at(10).min(median),
        high: at(90).max(median),
        held_permille: (n_held * 1000)
            .checked_div(differing)
            .filter(|_| median != 0),
    }
}

pub(super) fn difference(new: u64, old: u64) -> i64 {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    signed(new).saturating_sub(signed(old))
}

fn mean(values: &[u64]) -> u64 {
    let sum: u128 = values.iter().map(|&v| u128::from(v)).sum();
    u64::try_from(sum.checked_div(values.len() as u128).unwrap_or_default()).unwrap_or(u64::MAX)
}

/// The smallest value that so many percent of all do not exceed (nearest rank); 0 for none.
fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
        .get(rank(sorted.len(), percent))
        .copied()
        .unwrap_or_default()
}

fn rank(n: usize, percent: usize) -> usize {
    (n * percent).div_ceil(100).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::steps;

    const HIT: Lookup = Lookup::Hit { build: None };
    const MISS: Lookup = Lookup::Miss(MissReason::Evicted);

    fn build(steps: &Arc<Steps>, lookups: &[Lookup]) -> BuildOutcome {
        let built = Built {
            steps: steps.clone(),
            lookups: lookups.to_vec(),
        };
        BuildOutcome {
            commit: ObjectId::from_bytes(&[1; 20]).unwrap(),
            time: 0,
            result: Ok(built),
        }
    }

    fn cold(steps: &Arc<Steps>) -> BuildOutcome {
        build(
            steps,
            &vec![Lookup::Miss(MissReason::Cold); steps.steps.len()],
        )
    }

    #[test]
    fn a_file_that_is_gone_fails_the_build_and_one_that_never_was_is_unknown() {
        let side = Arc::new(steps(&["FROM a", "COPY a.jar .", "RUN make"]));
        let absent = || Lookup::Unknown {
            why: format!("{}: `a.jar`: not found", crate::cache::NOT_HELD),
        };
        let lacking = || build(&side, &[HIT, absent(), absent()]);
        let built = || build(&side, &[HIT, HIT, HIT]);
        let full = [cold(&side), built(), built(), built()];
        let check = |after: [BuildOutcome; 4], pairs: usize, n_lost: u64| {
            let got = compare(&full, &after, None, &CostModel::default());
            assert_eq!((got.pairs.len(), got.n_lost), (pairs, n_lost));
        };
        check([cold(&side), built(), lacking(), lacking()], 1, 2);
        check([lacking(), lacking(), lacking(), lacking()], 3, 0);
    }

    #[test]
    fn what_is_unknown_is_counted_both_ways() {
        let side = Arc::new(steps(&["FROM a", "RUN make"]));
        let unknown = Lookup::Unknown {
            why: "a reason".to_owned(),
        };
        let before = [cold(&side), build(&side, &[HIT, HIT])];
        let after = [cold(&side), build(&side, &[HIT, unknown])];
        assert!(has_unknown(&after) && !has_unknown(&before));
        let again = Some((&before[..], &before[..]));
        let got = compare(&before, &after, again, &CostModel::default());
        assert!(got.mean.median > 0, "{:?}", got.mean);
        assert_eq!(got.mean_if_cached, Change::default());
    }

    #[test]
    fn a_better_order_is_faster_in_the_builds_it_helps() {
        let old = Arc::new(steps(&[
            "FROM a",
            "COPY . .",
            "RUN npm ci",
            "RUN npm run build",
        ]));
        let new = Arc::new(steps(&[
            "FROM a",
            "COPY package.json .",
            "RUN npm ci",
            "COPY . .",
            "RUN npm run build",
        ]));
        let before = [
            cold(&old),
            build(&old, &[HIT, MISS, MISS, MISS]),
            build(&old, &[HIT, HIT, HIT, HIT]),
        ];
        let after = [
            cold(&new),
            build(&new, &[HIT, HIT, HIT, MISS, MISS]),
            build(&new, &[HIT, HIT, HIT, HIT, HIT]),
        ];
        let got = compare(&before, &after, None, &CostModel::default());
        assert_eq!((got.pairs.len(), got.n_faster, got.n_slower), (2, 1, 0));
        assert!(got.mean.median < 0 && got.mean.high <= 0, "{:?}", got.mean);
        let first = &got.steps[0];
        assert_eq!(first.new.as_ref().unwrap().text, "RUN npm ci");
        assert_eq!(
            (
                first.old.as_ref().unwrap().runs,
                first.new.as_ref().unwrap().runs
            ),
            (1, 0)
        );
        assert_eq!(
            got.pairs[0].differ,
            [0],
            "only npm ci runs on one side alone"
        );
        let only_new = got.steps.iter().find(|s| s.old.is_none()).unwrap();
        assert_eq!(only_new.new.as_ref().unwrap().text, "COPY package.json .");
    }

    #[test]
    fn equal_sides_are_equal() {
        let graph = Arc::new(steps(&["FROM a", "RUN x"]));
        let builds = [cold(&graph), build(&graph, &[HIT, MISS])];
        let got = compare(&builds, &builds, None, &CostModel::default());
        assert_eq!(
            (got.mean, got.median, got.p95),
            (Change::default(), Change::default(), Change::default())
        );
        assert_eq!((got.n_faster, got.n_slower, got.pairs.len()), (0, 0, 1));
        assert!(got.steps.iter().all(|s| s.change == 0) && got.pairs[0].differ.is_empty());
    }

    #[test]
    fn builds_of_one_side_only_are_counted_apart() {
        let graph = Arc::new(steps(&["FROM a", "RUN x"]));
        let mut refused = cold(&graph);
        refused.result = Err(crate::dockerfile::Error::whole("no Dockerfile"));
        let good = [cold(&graph), build(&graph, &[HIT, HIT])];
        let got = compare(
            &good,
            &[good[0].clone(), refused],
            None,
            &CostModel::default(),
        );
        assert_eq!((got.pairs.len(), got.n_lost, got.n_gained), (0, 1, 0));
        assert_eq!(
            compare(&[], &[], None, &CostModel::default()).pairs.len(),
            0
        );
    }

    #[test]
    fn percentiles_are_of_the_values_given() {
        assert_eq!(percentile(&[], 95), 0);
        assert_eq!(percentile(&[7], 50), 7);
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 95)), (50, 95));
    }
}
