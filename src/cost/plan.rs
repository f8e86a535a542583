//! One kind of build of a Dockerfile version: what runs and what travels, and what that takes in each world.

use super::model::BuildCost;
use super::model::CostModel;
use super::model::runs;
use super::observed::Overhead;
use super::pieces::PieceId;
use super::pieces::Times;
use super::rates::Rates;
use super::schedule::Job;
use super::schedule::makespan;
use super::sheet::Sheet;
use crate::cache::Lookup;
use crate::cache::MissReason;
use crate::replay::CacheExport;
use crate::replay::Runner;

/// What is the same in all worlds.
pub(super) struct Plan {
    /// Counts, bytes, lookups; the rest is 0.
    fixed: BuildCost,
    /// By row.
    tasks: Vec<Task>,
    /// Compressed bytes of what is fetched without a measured time.
    link_bytes: u64,
    image: Travel,
    cache: Travel,
    any_ran: bool,
}

#[derive(Default)]
struct Task {
    runs: bool,
    pull: Option<Pull>,
}

/// What comes to the runner for a step.
enum Pull {
    /// A measured fetch had the link to itself or not: the time is what it was.
    Measured(PieceId),
    /// Each layer's download, and the unpacking of them all.
    Layers { network_ms: Vec<u64>, disk_ms: u64 },
}

/// Bytes that leave the runner.
#[derive(Clone, Copy, Default)]
struct Travel {
    unpacked: u64,
    compressed: u64,
}

impl Plan {
    pub(super) fn new(sheet: &Sheet, model: &CostModel, lookups: &[Lookup]) -> Self {
        let ran = |n: usize| lookups.get(n).is_some_and(runs);
        let mut plan = Self {
            fixed: BuildCost::default(),
            tasks: Vec::with_capacity(sheet.rows.len()),
            link_bytes: 0,
            image: Travel::default(),
            cache: Travel::default(),
            any_ran: (0..sheet.rows.len()).any(|n| ran(n) && !sheet.rows[n].is_from),
        };
        let pulled = pulled(sheet, model, lookups, &ran);
        let mut n_lookups = 0u64;
        for (n, row) in sheet.rows.iter().enumerate() {
            let pull = pulled[n].then(|| plan.pull(sheet, model, n, ran(n)));
            let runs = ran(n) && !row.is_from;
            n_lookups += u64::from(!ran(n) && !row.is_from);
            plan.tasks.push(Task { runs, pull });
            if row.is_shown && !row.is_from {
                let is_unknown = matches!(lookups.get(n), Some(Lookup::Unknown { .. }));
                plan.fixed.n_run += u64::from(ran(n));
                plan.fixed.n_hit += u64::from(!ran(n));
                plan.fixed.n_unknown += u64::from(is_unknown);
            }
        }
        let lookup_us = model.rates.lookup_us.saturating_mul(model.slowdown);
        plan.fixed.lookup_ms = lookup_us.saturating_mul(n_lookups) / 1000;
        plan.send(sheet, model);
        plan
    }

    /// What comes to the runner for step `n`; its bytes are added up.
    fn pull(&mut self, sheet: &Sheet, model: &CostModel, n: usize, ran: bool) -> Pull {
        let row = &sheet.rows[n];
        // The layer of a step that runs is made here.
        let layer = (!ran && !row.is_from).then_some(&row.layer);
        let (mut network_ms, mut disk_ms, mut bytes) = (Vec::new(), 0u64, 0u64);
        for size in row.images.iter().chain(layer) {
            bytes = bytes.saturating_add(size.compressed);
            network_ms.push(Rates::ms(size.compressed, model.rates.download));
            let unpack_ms = Rates::ms(size.unpacked, model.rates.unpack);
            disk_ms = disk_ms.saturating_add(unpack_ms.saturating_mul(model.slowdown));
        }
        self.fixed.pulled_bytes = self.fixed.pulled_bytes.saturating_add(bytes);
        match row.pull {
            Some(measured) => Pull::Measured(measured),
            None => {
                self.link_bytes = self.link_bytes.saturating_add(bytes);
                Pull::Layers {
                    network_ms,
                    disk_ms,
                }
            }
        }
    }

    /// What leaves the runner: the layers that were made.
    fn send(&mut self, sheet: &Sheet, model: &CostModel) {
        let exports_all = exports_cache(model) && model.cache_export == CacheExport::Max;
        for (row, _) in sheet.rows.iter().zip(&self.tasks).filter(|(_, t)| t.runs) {
            let sum = if row.in_image {
                &mut self.image
            } else {
                &mut self.cache
            };
            if row.in_image || exports_all {
                sum.unpacked = sum.unpacked.saturating_add(row.layer.unpacked);
                sum.compressed = sum.compressed.saturating_add(row.layer.compressed);
            }
        }
        self.fixed.pushed_bytes = self.image.compressed;
        self.fixed.cached_bytes = self.cache.compressed;
    }

    /// What it costs in the world of these times.
    pub(super) fn cost(&self, sheet: &Sheet, model: &CostModel, times: &Times) -> BuildCost {
        let mut cost = self.fixed;
        let slow = |ms: u64| ms.saturating_mul(model.slowdown);
        let network = Network {
            percent: sheet.network.map_or(100, |piece| times.of(piece)),
            slowdown: model.slowdown,
        };
        let mut jobs = Vec::with_capacity(self.tasks.len());
        for (row, task) in sheet.rows.iter().zip(&self.tasks) {
            let pull_ms = match &task.pull {
                None => 0,
                Some(Pull::Measured(piece)) => slow(times.of(*piece)),
                Some(Pull::Layers {
                    network_ms,
                    disk_ms,
                }) => network_ms
                    .iter()
                    .fold(*disk_ms, |sum, ms| sum.saturating_add(network.slowed(*ms))),
            };
            cost.pull_ms = cost.pull_ms.saturating_add(pull_ms);
            let mut own_ms = 0;
            if task.runs {
                let work = row.pieces.iter().map(|p| times.of(*p));
                own_ms = slow(work.fold(0, u64::saturating_add));
                cost.run_ms = cost.run_ms.saturating_add(own_ms);
                if row.is_measured {
                    cost.measured_ms = cost.measured_ms.saturating_add(own_ms);
                }
            }
            jobs.push(Job {
                ms: own_ms.saturating_add(pull_ms),
                after: &row.after,
            });
        }
        self.export(sheet, model, times, network, &mut cost);
        // One link: however many layers travel at once, their bytes come through it one after the other.
        let network_ms = network.slowed(Rates::ms(self.link_bytes, model.rates.download));
        let steps_ms = makespan(&jobs, model.parallelism).max(network_ms);
        cost.setup_ms = slow(times.of(sheet.overhead(Overhead::Setup)));
        cost.wall_ms = [cost.setup_ms, cost.lookup_ms, steps_ms, cost.export_ms]
            .into_iter()
            .fold(0, u64::saturating_add);
        let start_ms = slow(model.rates.job_start_ms);
        cost.billed_ms = [start_ms, cost.wall_ms, cost.cache_export_ms]
            .into_iter()
            .fold(0, u64::saturating_add);
        cost
    }

    /// How long the exports take.
    fn export(
        &self,
        sheet: &Sheet,
        model: &CostModel,
        times: &Times,
        network: Network,
        cost: &mut BuildCost,
    ) {
        let travel = |bytes: Travel| {
            let up = network.slowed(Rates::ms(bytes.compressed, model.rates.upload));
            let compress_ms = Rates::ms(bytes.unpacked, model.rates.compress);
            up.saturating_add(compress_ms.saturating_mul(model.slowdown))
        };
        let is_measured = |o: Overhead| model.profile.overheads.contains_key(&o);
        let ms = |o: Overhead| times.of(sheet.overhead(o)).saturating_mul(model.slowdown);
        let (export, cache_export) = if self.any_ran {
            (Overhead::Export, Overhead::CacheExport)
        } else {
            (Overhead::ExportUnchanged, Overhead::CacheExportUnchanged)
        };
        // A measured export has its bytes in it.
        let image_ms = if is_measured(export) {
            0
        } else {
            travel(self.image)
        };
        cost.export_ms = ms(export).saturating_add(image_ms);
        let exports_cache = exports_cache(model);
        cost.cache_export_ms =
            if is_measured(cache_export) && (exports_cache || model.runner == Runner::Persistent) {
                ms(cache_export)
            } else if exports_cache {
                ms(cache_export).saturating_add(travel(self.cache))
            } else {
                0
            };
    }
}

/// The steps whose images, and if they hit whose layer, must come to the runner.
fn pulled(
    sheet: &Sheet,
    model: &CostModel,
    lookups: &[Lookup],
    ran: &dyn Fn(usize) -> bool,
) -> Vec<bool> {
    let rows = sheet.rows.iter().enumerate();
    if model.runner == Runner::Persistent {
        // An image named by FROM is pulled when FROM misses; one that is only read, when it is new to the builder.
        let is_new = |n: usize| {
            matches!(
                lookups.get(n),
                Some(Lookup::Miss(MissReason::Cold | MissReason::Base { .. }))
            )
        };
        return rows
            .map(|(n, r)| if r.is_from { ran(n) } else { is_new(n) })
            .collect();
    }
    let mut needed = vec![false; sheet.rows.len()];
    for (n, row) in rows.filter(|(n, r)| ran(*n) && !r.is_from) {
        needed[n] = true;
        for &input in &row.after {
            let mut stack = vec![input];
            while let Some(i) = stack.pop() {
                if !std::mem::replace(&mut needed[i], true) {
                    stack.extend(&sheet.rows[i].parents);
                }
            }
        }
    }
    needed
}

fn exports_cache(model: &CostModel) -> bool {
    model.runner == Runner::Ephemeral && model.cache_export != CacheExport::None
}

/// How slow the network is.
#[derive(Clone, Copy)]
struct Network {
    percent: u64,
    slowdown: u64,
}

impl Network {
    fn slowed(self, ms: u64) -> u64 {
        let ms = u128::from(ms) * u128::from(self.percent) / 100 * u128::from(self.slowdown);
        u64::try_from(ms).unwrap_or(u64::MAX)
    }
}
