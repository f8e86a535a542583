//! Builds of the same steps in which the same ones ran cost the same: each kind of build is worked out once.

use super::model::BuildCost;
use super::model::CostModel;
use super::pieces::Pieces;
use super::plan::Plan;
use super::sheet::Known;
use super::sheet::Sheet;
use super::world::World;
use crate::cache::Lookup;
use crate::cache::MissReason;
use crate::replay::Steps;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kinds of build seen so far, by number.
#[derive(Default)]
pub(super) struct Kinds {
    pieces: Pieces,
    known: Known,
    sheets: Vec<Sheet>,
    /// The steps of each sheet. Kept, so that no other steps can come to lie at the same place.
    of_sheet: Vec<Arc<Steps>>,
    sheet_of: BTreeMap<usize, usize>,
    /// Each kind's sheet and plan.
    plans: Vec<(usize, Plan)>,
    plan_of: BTreeMap<(usize, Vec<u8>), usize>,
}

impl Kinds {
    /// Without builds, with what is known of steps.
    pub(super) fn knowing(known: Known) -> Self {
        Self {
            known,
            ..Self::default()
        }
    }

    /// What is known of steps by now.
    pub(super) fn into_known(self) -> Known {
        self.known
    }

    /// The kind of a build, made if it is new.
    pub(super) fn add(
        &mut self,
        model: &CostModel,
        steps: &Arc<Steps>,
        lookups: &[Lookup],
    ) -> usize {
        let place = Arc::as_ptr(steps) as usize;
        let sheet = match self.sheet_of.get(&place) {
            Some(&sheet) => sheet,
            None => {
                let sheet = Sheet::new(model, steps, &mut self.pieces, &mut self.known);
                self.sheets.push(sheet);
                self.of_sheet.push(steps.clone());
                self.sheet_of.insert(place, self.sheets.len() - 1);
                self.sheets.len() - 1
            }
        };
        let pattern = (sheet, lookups.iter().map(weight).collect());
        *self.plan_of.entry(pattern).or_insert_with(|| {
            let plan = Plan::new(&self.sheets[sheet], model, lookups);
            self.plans.push((sheet, plan));
            self.plans.len() - 1
        })
    }

    /// One build of each kind.
    pub(super) fn costs(&self, model: &CostModel, world: World) -> Vec<BuildCost> {
        let times = self.pieces.times(world);
        self.plans
            .iter()
            .map(|(sheet, plan)| plan.cost(&self.sheets[*sheet], model, &times))
            .collect()
    }
}

/// What of a lookup matters to what a build takes and to why it does: builds of the same steps whose lookups are alike in
/// this take the same.
pub fn weight(lookup: &Lookup) -> u8 {
    match lookup {
        Lookup::Hit { .. } => 0,
        Lookup::Unknown { .. } => 1,
        Lookup::Miss(MissReason::Cold) => 2,
        Lookup::Miss(MissReason::Base { .. }) => 3,
        Lookup::Miss(_) => 4,
    }
}
