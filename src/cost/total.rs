//! The cost of a whole replay with its band, and two replays compared draw by draw.

use super::model::BuildCost;
use super::model::CostModel;
use super::model::runs;
use super::pieces::Pieces;
use super::plan::Plan;
use super::sheet::Sheet;
use super::world::Band;
use super::world::World;
use super::world::share_below;
use crate::cache::Lookup;
use crate::replay::BuildOutcome;
use crate::replay::Steps;
use std::collections::BTreeMap;
use std::fmt;
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
    /// What the billed time costs in the world of medians, if a price is known.
    pub money: Option<Money>,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Millionths of the currency's unit.
    pub micros: u64,
    /// `USD`, `EUR`.
    pub currency: String,
    /// The price behind it and its source: `0.006 USD a minute (as given)`.
    pub price: String,
}

impl Money {
    /// One of `n` equal parts; all of it for 0.
    pub fn share(&self, n: u64) -> Self {
        Self {
            micros: self.micros / n.max(1),
            ..self.clone()
        }
    }
}

impl fmt::Display for Money {
    /// Two decimals, more for amounts below one hundredth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.micros >= 10_000 || self.micros == 0 {
            2
        } else {
            4
        };
        write!(
            f,
            "{:.decimals$} {}",
            self.micros as f64 / 1e6,
            self.currency
        )
    }
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
        let groups = Groups::new(self, builds);
        let mut total = TotalCost {
            n_builds: groups.kind_of.len() as u64,
            sum: groups.sum(self, World::median()),
            ..TotalCost::default()
        };
        let mut run_draws = Vec::new();
        for world in World::all() {
            let sum = groups.sum(self, world);
            total.billed_draws.push(sum.billed_ms);
            total.wall_draws.push(sum.wall_ms);
            run_draws.push(sum.run_ms);
        }
        total.wall = Band::of(total.sum.wall_ms, total.wall_draws.clone());
        total.billed = Band::of(total.sum.billed_ms, total.billed_draws.clone());
        total.run = Band::of(total.sum.run_ms, run_draws);
        total.basis = self.basis(total.measured_permille());
        total.money = self.price.as_ref().map(|p| p.money(total.sum.billed_ms));
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
        match measured_permille {
            Some(permille) => {
                let percent = permille / 10;
                format!(
                    "Times: {percent} % of the steps' work is measured ({sources}), the rest is estimated by kind of command."
                )
            }
            None => format!(
                "Times are measured where {sources} knows the step or its kind, and else estimated by kind of command."
            ),
        }
    }

    /// Wall time of builds of the same steps, each by its lookups: in the world of medians, then draw by draw.
    pub fn walls(&self, steps: &Steps, builds: &[&[Lookup]]) -> Vec<Vec<u64>> {
        let mut pieces = Pieces::default();
        let sheet = Sheet::new(self, steps, &mut pieces);
        let plan = |lookups: &&[Lookup]| Plan::new(&sheet, self, lookups);
        let plans: Vec<Plan> = builds.iter().map(plan).collect();
        let of = |world| {
            let times = pieces.times(world);
            let wall = |plan: &Plan| plan.cost(&sheet, self, &times).wall_ms;
            plans.iter().map(wall).collect()
        };
        std::iter::once(World::median())
            .chain(World::all())
            .map(of)
            .collect()
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
        let groups = Groups::new(self, builds);
        let kinds = &groups.kind_of;
        let median = groups.each(self, World::median());
        let draw = |world| {
            let walls: Vec<u64> = groups.each(self, world).iter().map(|c| c.wall_ms).collect();
            kinds.iter().map(|&kind| walls[kind]).collect()
        };
        EachCost {
            median: kinds.iter().map(|&kind| median[kind]).collect(),
            wall_draws: World::all().map(draw).collect(),
        }
    }
}

/// Builds of the same steps in which the same ones ran cost the same: each kind is worked out once.
#[derive(Default)]
struct Groups {
    pieces: Pieces,
    sheets: Vec<Sheet>,
    kinds: Vec<Kind>,
    /// The kind of each build that could be built.
    kind_of: Vec<usize>,
}

/// Builds that cost the same.
struct Kind {
    sheet: usize,
    plan: Plan,
    n_builds: u64,
}

impl Groups {
    fn new(model: &CostModel, builds: &[BuildOutcome]) -> Self {
        let mut groups = Self::default();
        let mut sheets: BTreeMap<*const Steps, usize> = BTreeMap::new();
        let mut kinds: BTreeMap<(usize, Vec<u8>), usize> = BTreeMap::new();
        for built in builds.iter().filter_map(|b| b.result.as_ref().ok()) {
            let sheet = *sheets.entry(Arc::as_ptr(&built.steps)).or_insert_with(|| {
                let sheet = Sheet::new(model, &built.steps, &mut groups.pieces);
                groups.sheets.push(sheet);
                groups.sheets.len() - 1
            });
            let pattern = (sheet, built.lookups.iter().map(code).collect());
            let kind = *kinds.entry(pattern).or_insert_with(|| {
                let plan = Plan::new(&groups.sheets[sheet], model, &built.lookups);
                groups.kinds.push(Kind {
                    sheet,
                    plan,
                    n_builds: 0,
                });
                groups.kinds.len() - 1
            });
            groups.kinds[kind].n_builds += 1;
            groups.kind_of.push(kind);
        }
        groups
    }

    /// One build of each kind.
    fn each(&self, model: &CostModel, world: World) -> Vec<BuildCost> {
        let times = self.pieces.times(world);
        let cost = |kind: &Kind| kind.plan.cost(&self.sheets[kind.sheet], model, &times);
        self.kinds.iter().map(cost).collect()
    }

    fn sum(&self, model: &CostModel, world: World) -> BuildCost {
        let mut sum = BuildCost::default();
        for (cost, kind) in self.each(model, world).into_iter().zip(&self.kinds) {
            sum += cost.times(kind.n_builds);
        }
        sum
    }
}

/// What of a lookup matters to the cost.
fn code(lookup: &Lookup) -> u8 {
    use crate::cache::MissReason;
    match lookup {
        Lookup::Unknown { .. } => 3,
        Lookup::Miss(MissReason::Cold | MissReason::Base { .. }) => 2,
        other => u8::from(runs(other)),
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
