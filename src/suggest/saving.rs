//! What a text saves against another over the same builds.

use super::answer::Saving;
use super::bench::Bench;
use super::run::Run;
use crate::restructure::search::Draft;
use crate::score::EQUAL_MS;

impl Bench<'_> {
    /// What `new` saves against `old`, with the band of the draws.
    pub(super) fn saving(&mut self, old: &Draft, new: &Draft) -> Option<Saving> {
        let (old_walls, new_walls) = (self.price(old), self.price(new));
        self.saving_in(old, new, &old_walls, &new_walls)
    }

    /// What `new` saves in the world of medians alone.
    pub(super) fn rough_saving(&self, old: &Draft, new: &Draft) -> Option<Saving> {
        let medians = |draft: &Draft| {
            Some(vec![
                self.runs
                    .get(draft)?
                    .kinds
                    .iter()
                    .map(|(_, c)| c.wall_ms)
                    .collect(),
            ])
        };
        self.saving_in(old, new, &medians(old)?, &medians(new)?)
    }

    fn saving_in(
        &self,
        old: &Draft,
        new: &Draft,
        old_draws: &[Vec<u64>],
        new_draws: &[Vec<u64>],
    ) -> Option<Saving> {
        let (old, new) = (self.runs.get(old)?, self.runs.get(new)?);
        let paired: Vec<(usize, usize)> = old
            .patterns
            .iter()
            .zip(&new.patterns)
            .filter_map(|(a, b)| (*a).zip(*b))
            .collect();
        let n = signed(paired.len() as u64).max(1);
        let of = |(a, b): (&Vec<u64>, &Vec<u64>)| {
            paired
                .iter()
                .map(|&(x, y)| signed(a[x]) - signed(b[y]))
                .sum::<i64>()
                / n
        };
        let (old_walls, new_walls) = (old_draws.first()?, new_draws.first()?);
        let median = of((old_walls, new_walls));
        let mut draws: Vec<i64> = old_draws.iter().zip(new_draws).skip(1).map(of).collect();
        draws.sort_unstable();
        let at = |percent: usize| {
            draws
                .get(draws.len().saturating_sub(1) * percent / 100)
                .copied()
                .unwrap_or(median)
        };
        let per_build = (at(10).min(median), median, at(90).max(median));
        // A step more or less that is a hit anyway makes no build faster or slower.
        let n_where = |is_far: fn(i64) -> bool| {
            let change = |&(x, y): &(usize, usize)| signed(new_walls[y]) - signed(old_walls[x]);
            paired.iter().filter(|p| is_far(change(p))).count()
        };
        let faster = n_where(|change| change < -signed(EQUAL_MS));
        let slower = n_where(|change| change > signed(EQUAL_MS));
        let bytes = |run: &Run, p: usize| {
            let cost = &run.kinds[p].1;
            signed(cost.pulled_bytes) + signed(cost.pushed_bytes) + signed(cost.cached_bytes)
        };
        let moved: i64 = paired
            .iter()
            .map(|&(x, y)| bytes(old, x) - bytes(new, y))
            .sum();
        Some(Saving {
            per_build,
            per_month: self.per_month(per_build),
            builds: (faster, slower, paired.len()),
            lost: old.patterns.iter().flatten().count() - paired.len(),
            bytes_per_build: moved / n,
            cold: old
                .cold
                .zip(new.cold)
                .map_or(0, |(old, new)| signed(old) - signed(new)),
        })
    }

    /// Per build to per month (30.44 days), at the pace of the replayed builds.
    fn per_month(&self, per_build: (i64, i64, i64)) -> Option<(i64, i64, i64)> {
        let (first, last) = self.question.span();
        let seconds = last - first;
        let builds = signed(self.question.inputs.len() as u64);
        if seconds < 86_400 || builds < 2 {
            return None;
        }
        let month = |ms: i64| {
            i64::try_from(i128::from(ms) * i128::from(builds) * 2_629_744 / i128::from(seconds))
                .unwrap_or(i64::MAX)
        };
        Some((month(per_build.0), month(per_build.1), month(per_build.2)))
    }
}

/// A number that may become a difference.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
