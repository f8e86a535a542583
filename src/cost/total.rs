//! The cost of a whole replay with its band, and two replays compared draw by draw.

use super::kinds::Kinds;
use super::model::BuildCost;
use super::model::CostModel;
use super::money::Money;
use super::rates::Origin;
use super::rates::SpeedFact;
use super::rates::per_second;
use super::sheet::Known;
use super::world::Band;
use super::world::World;
use super::world::share_below;
use crate::cache::Lookup;
use crate::replay::BuildOutcome;
use crate::replay::Steps;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What all builds of a replay cost together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TotalCost {
    /// Builds that could be built.
    pub n_builds: u64,
    /// The sum in the world of medians.
    pub sum: BuildCost,
    /// Wall time, all builds.
    pub wall: Band,
    /// Billed time, all builds.
    pub billed: Band,
    /// Work of steps, all builds.
    pub run: Band,
    /// Billed time draw by draw; two totals of the same number of builds can be compared by it.
    pub billed_draws: Vec<u64>,
    /// Wall time draw by draw.
    pub wall_draws: Vec<u64>,
    /// Where the durations come from, a whole sentence; empty for no builds.
    pub basis: String,
    /// The speeds behind it.
    pub speeds: Vec<SpeedFact>,
    /// What the billed time costs in the world of medians, if a price is known.
    pub money: Option<Money>,
}

/// Two totals over the same builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Billed milliseconds that the second saves; 0 where it costs more.
    pub saved: Band,
    /// Billed milliseconds that the second costs more; 0 where it saves.
    pub lost: Band,
    /// Of a thousand draws in which they differ, those in which the second is cheaper; `None` when they never differ.
    pub permille_cheaper: Option<u64>,
}

impl TotalCost {
    /// The part of the steps' work that was measured, in thousandths; `None` when no step ran.
    pub fn measured_permille(&self) -> Option<u64> {
        (self.sum.measured_ms.saturating_mul(1000)).checked_div(self.sum.run_ms)
    }

    /// This against `new`.
    pub fn compare(&self, new: &Self) -> Comparison {
        let (a, b) = (self.sum.billed_ms, new.sum.billed_ms);
        Comparison {
            saved: Band::saving((a, b), &self.billed_draws, &new.billed_draws),
            lost: Band::saving((b, a), &new.billed_draws, &self.billed_draws),
            permille_cheaper: share_below(&new.billed_draws, &self.billed_draws),
        }
    }
}

impl CostModel {
    /// All builds of a replay.
    pub fn total(&self, builds: &[BuildOutcome]) -> TotalCost {
        let mut bill = Bill::new(self);
        for built in builds.iter().filter_map(|b| b.result.as_ref().ok()) {
            bill.add(0, &built.steps, &built.lookups);
        }
        let [total] = bill.totals();
        total
    }

    /// Where durations come from, a whole sentence. `measured_permille`: the measured part of the steps' work, if known.
    pub fn basis(&self, measured_permille: Option<u64>) -> String {
        if self.profile.is_empty() {
            return "Times are estimates by kind of command: their order says more than their size.".to_owned();
        }
        let sources = match self.profile.sources.as_slice() {
            [] => "the profile".to_owned(),
            [one] => format!("the profile of {one}"),
            [first, rest @ ..] => format!("the profile of {first} and {} more", rest.len()),
        };
        let times = match measured_permille {
            Some(permille) => {
                let percent = permille / 10;
                format!(
                    "Times: {percent} % of the steps' work is measured ({sources}), the rest is estimated by kind of command."
                )
            }
            None => format!(
                "Times are measured where {sources} knows the step or its kind, and else estimated by kind of command."
            ),
        };
        times + &self.measured_speeds()
    }

    /// The speeds that logs told, a whole sentence with a blank before it; empty where none did.
    fn measured_speeds(&self) -> String {
        let facts = self.rates.facts().into_iter();
        let measured: Vec<String> = facts
            .filter(|f| matches!(f.origin, Origin::Measured { .. }))
            .map(|f| format!("{} {}", f.speed.name(), per_second(f.bytes_per_second)))
            .collect();
        if measured.is_empty() {
            return String::new();
        }
        format!(" Speeds from the same logs: {}.", measured.join(", "))
    }

    /// Wall time of builds of the same steps, each by its lookups: in the world of medians, then draw by draw.
    /// `known` is as for [`CostModel::build_knowing`].
    pub fn walls(
        &self,
        steps: &Arc<Steps>,
        builds: &[&[Lookup]],
        known: &mut Known,
    ) -> Vec<Vec<u64>> {
        let mut kinds = Kinds::knowing(std::mem::take(known));
        let rows: Vec<usize> = builds
            .iter()
            .map(|lookups| kinds.add(self, steps, lookups))
            .collect();
        let of = |world| {
            let costs = kinds.costs(self, world);
            rows.iter().map(|&kind| costs[kind].wall_ms).collect()
        };
        let worlds = std::iter::once(World::median()).chain(World::all());
        let walls = worlds.map(of).collect();
        *known = kinds.into_known();
        walls
    }
}

/// What each build of a replay costs; those that could not be built are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EachCost {
    /// In the world of medians, in order.
    pub median: Vec<BuildCost>,
    /// Wall milliseconds draw by draw, each in the order of the builds.
    pub wall_draws: Vec<Vec<u64>>,
}

impl CostModel {
    /// Each build of a replay.
    pub fn each(&self, builds: &[BuildOutcome]) -> EachCost {
        let mut kinds = Kinds::default();
        let kind_of: Vec<usize> = builds
            .iter()
            .filter_map(|b| b.result.as_ref().ok())
            .map(|built| kinds.add(self, &built.steps, &built.lookups))
            .collect();
        let median = kinds.costs(self, World::median());
        let draw = |world| {
            let costs = kinds.costs(self, world);
            kind_of.iter().map(|&kind| costs[kind].wall_ms).collect()
        };
        EachCost {
            median: kind_of.iter().map(|&kind| median[kind]).collect(),
            wall_draws: World::all().map(draw).collect(),
        }
    }
}

/// What builds cost together, in `N` variants of the same replay, say with and without a cache. What the variants share is
/// worked out once.
pub struct Bill<'a, const N: usize> {
    model: &'a CostModel,
    kinds: Kinds,
    /// For each variant the number of builds of each kind.
    counts: [BTreeMap<usize, u64>; N],
}

impl<'a, const N: usize> Bill<'a, N> {
    /// Without builds.
    pub fn new(model: &'a CostModel) -> Self {
        Self {
            model,
            kinds: Kinds::default(),
            counts: std::array::from_fn(|_| BTreeMap::new()),
        }
    }

    /// One more build of a variant, a number below `N`.
    pub fn add(&mut self, variant: usize, steps: &Arc<Steps>, lookups: &[Lookup]) {
        let kind = self.kinds.add(self.model, steps, lookups);
        *self.counts[variant].entry(kind).or_default() += 1;
    }

    /// What the builds of each variant cost.
    pub fn totals(&self) -> [TotalCost; N] {
        let median = self.sums(World::median());
        let draws: Vec<[BuildCost; N]> = World::all().map(|world| self.sums(world)).collect();
        std::array::from_fn(|n| {
            let of = |part: fn(&BuildCost) -> u64| draws.iter().map(|d| part(&d[n])).collect();
            let (billed_draws, wall_draws): (Vec<u64>, Vec<u64>) =
                (of(|c| c.billed_ms), of(|c| c.wall_ms));
            let sum = median[n];
            let mut total = TotalCost {
                n_builds: self.counts[n].values().sum(),
                sum,
                wall: Band::of(sum.wall_ms, wall_draws.clone()),
                billed: Band::of(sum.billed_ms, billed_draws.clone()),
                run: Band::of(sum.run_ms, of(|c| c.run_ms)),
                billed_draws,
                wall_draws,
                ..TotalCost::default()
            };
            total.basis = self.model.basis(total.measured_permille());
            total.speeds = self.model.rates.facts();
            total.money = self.model.price.as_ref().map(|p| p.money(sum.billed_ms));
            total
        })
    }

    fn sums(&self, world: World) -> [BuildCost; N] {
        let costs = self.kinds.costs(self.model, world);
        std::array::from_fn(|n| {
            let mut sum = BuildCost::default();
            for (&kind, &n_builds) in &self.counts[n] {
                sum += costs[kind].times(n_builds);
            }
            sum
        })
    }
}

/// Builds a day, in thousandths, by the times of the builds; `None` for fewer than two or no time between them.
pub fn builds_per_day_milli(times: impl IntoIterator<Item = i64>) -> Option<u64> {
    let (mut n, mut first, mut last) = (0u64, i64::MAX, i64::MIN);
    for time in times {
        n += 1;
        first = first.min(time);
        last = last.max(time);
    }
    let seconds = u64::try_from(last.checked_sub(first)?).ok()?;
    (n.saturating_sub(1) > 0)
        .then(|| (n - 1) * 1000 * 86_400)
        .and_then(|scaled| scaled.checked_div(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Price;

    #[test]
    fn money_is_shown_in_its_currency() {
        let price = Price::parse("0.006").unwrap();
        let money = price.money(600_000);
        assert_eq!(
            (money.to_string(), money.price.as_str()),
            ("0.06 USD".to_owned(), "0.006 USD a minute (as given)")
        );
        assert_eq!(price.money(1_000).to_string(), "0.0001 USD");
        assert_eq!(price.money(0).to_string(), "0.00 USD");
    }

    #[test]
    fn builds_per_day() {
        assert_eq!(builds_per_day_milli([0, 86_400, 43_200]), Some(2000));
        assert_eq!(builds_per_day_milli([5, 5]), None);
        assert_eq!(builds_per_day_milli([5]), None);
        assert_eq!(builds_per_day_milli([]), None);
    }
}
