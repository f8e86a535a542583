//! Draws from the bands: one world is one guess at how long everything takes.
//!
//! A kind of work is as slow or fast in all builds of a world and in every Dockerfile variant, so two variants are
//! compared under equal conditions. Deterministic: a hash of seed, draw and the work's name, no clock, no system source.

use super::estimate::Estimate;
use super::observed::quantile;

/// One draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct World {
    /// `None`: the world in which everything takes its median time.
    draw: Option<u64>,
}

/// How many worlds bands and rankings are made of.
const N_DRAWS: u64 = 200;

impl World {
    /// Everything takes its median time.
    pub fn median() -> Self {
        Self { draw: None }
    }

    /// The `n`-th draw.
    pub fn draw(n: u64) -> Self {
        Self { draw: Some(n) }
    }

    /// The worlds of all draws.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..N_DRAWS).map(Self::draw)
    }

    /// How slow work of a kind is here, in standard deviations; `None` in the world of medians. `key` names the kind.
    pub(super) fn mood(self, key: &str) -> Option<f64> {
        self.draw.map(|draw| normal(uniform(mix(draw ^ hash(key)))))
    }

    /// How long work takes here. `key` names the kind of work.
    pub fn ms(self, key: &str, estimate: &Estimate) -> u64 {
        let Estimate {
            median_ms,
            low_ms,
            high_ms,
            ..
        } = *estimate;
        in_mood(self.mood(key), (low_ms, median_ms, high_ms))
    }
}

/// The milliseconds of a (low, median, high) band at so many standard deviations from its median.
pub(super) fn in_mood(mood: Option<f64>, (low, median, high): (u64, u64, u64)) -> u64 {
    let Some(z) = mood else {
        return median;
    };
    if median == 0 && high == 0 {
        return 0;
    }
    let middle = median.max(1) as f64;
    // The tenth and ninetieth percentile of a normal distribution lie 1.2816 deviations from its median.
    let (edge, distance) = if z < 0.0 {
        (low.max(1) as f64, -z / 1.2816)
    } else {
        (high.max(1) as f64, z / 1.2816)
    };
    let ms = middle * (edge / middle).powf(distance);
    ms.min(1e15).round() as u64
}

/// A figure with the 10–90 % band of its draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Band {
    /// In the world of medians.
    pub median: u64,
    /// One draw in ten is below.
    pub low: u64,
    /// One draw in ten is above.
    pub high: u64,
}

impl Band {
    /// From the figure in the world of medians and in all draws. The band always holds the median.
    pub fn of(median: u64, mut draws: Vec<u64>) -> Self {
        draws.sort_unstable();
        let low = quantile(&draws, 10).unwrap_or(median).min(median);
        let high = quantile(&draws, 90).unwrap_or(median).max(median);
        Self { median, low, high }
    }

    /// `a - b` draw by draw is what a saving is; both lists in the order of the draws. Negative savings count as 0.
    pub fn saving(median: (u64, u64), a: &[u64], b: &[u64]) -> Self {
        Self::of(
            median.0.saturating_sub(median.1),
            a.iter().zip(b).map(|(a, b)| a.saturating_sub(*b)).collect(),
        )
    }
}

/// Draws in which `a` is less than `b`, in thousandths of those in which they differ; `None` when they never do.
pub fn share_below(a: &[u64], b: &[u64]) -> Option<u64> {
    let below = a.iter().zip(b).filter(|(a, b)| a < b).count() as u64;
    let above = a.iter().zip(b).filter(|(a, b)| a > b).count() as u64;
    (below * 1000).checked_div(below + above)
}

/// FNV-1a.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The finaliser of splitmix64.
fn mix(n: u64) -> u64 {
    let n = n
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Between 0 and 1, neither included.
fn uniform(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// The value with `p` of a standard normal distribution below it, by bisection of a logistic approximation's
/// correction (Page 1977): good to 0.0002 within two deviations, which is more than the bands are worth.
fn normal(p: f64) -> f64 {
    // Φ(z) ≈ 1 / (1 + exp(-1.5976 z - 0.07056 z³)); monotone, so bisection finds z.
    let (mut low, mut high) = (-6.0f64, 6.0f64);
    for _ in 0..40 {
        let z = (low + high) / 2.0;
        let phi = 1.0 / (1.0 + (-1.5976 * z - 0.070_56 * z.powi(3)).exp());
        if phi < p { low = z } else { high = z }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_band_they_are_drawn_from() {
        let e = Estimate::estimated(30_000, 5_000, 180_000, "x");
        let mut draws: Vec<u64> = (0..2000).map(|n| World::draw(n).ms("npm ci", &e)).collect();
        draws.sort_unstable();
        let at = |p| quantile(&draws, p).unwrap() as f64;
        assert!((at(50) / 30_000.0 - 1.0).abs() < 0.15, "{}", at(50));
        assert!((at(10) / 5_000.0 - 1.0).abs() < 0.25, "{}", at(10));
        assert!((at(90) / 180_000.0 - 1.0).abs() < 0.25, "{}", at(90));
    }

    #[test]
    fn the_same_work_is_the_same_in_one_world() {
        let e = Estimate::estimated(100, 50, 200, "x");
        assert_eq!(World::draw(7).ms("a", &e), World::draw(7).ms("a", &e));
        assert_ne!(World::draw(7).ms("a", &e), World::draw(8).ms("a", &e));
        assert_eq!(World::median().ms("a", &e), 100);
        assert_eq!(
            World::draw(3).ms("a", &Estimate::estimated(0, 0, 0, "x")),
            0
        );
    }

    #[test]
    fn shares_count_draws_that_differ() {
        assert_eq!(share_below(&[1, 2, 3, 4], &[2, 2, 2, 9]), Some(666));
        assert_eq!(share_below(&[1], &[1]), None);
    }
}
