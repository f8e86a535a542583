//! One Dockerfile version's steps with everything costs need, worked out once for all builds that share it.

use super::estimate::Estimate;
use super::model::BuildCost;
use super::model::CostModel;
use super::model::ImageSize;
use super::model::runs;
use super::observed::Overhead;
use super::rates::Rates;
use super::resolved;
use super::schedule::Job;
use super::schedule::makespan;
use super::step;
use super::step::LayerSize;
use super::step::Work;
use super::world::World;
use crate::cache::Lookup;
use crate::cache::MissReason;
use crate::graph::Origin;
use crate::graph::Step;
use crate::replay::CacheExport;
use crate::replay::Runner;
use crate::replay::Steps;
use std::collections::BTreeSet;

/// One step.
struct Row {
    work: Vec<Work>,
    is_measured: bool,
    is_from: bool,
    /// Shown by the builder, that is: a step of its own.
    is_shown: bool,
    layer: LayerSize,
    /// Images it stands on or reads, when it is the one that names them.
    images: Vec<LayerSize>,
    /// The measured duration of pulling them.
    pull: Option<Estimate>,
    /// The steps it is built on: one, or two where `COPY --link` merges.
    parents: Vec<usize>,
    /// Steps it waits for, those among them.
    after: Vec<usize>,
    in_image: bool,
}

pub(super) struct Sheet {
    rows: Vec<Row>,
    overheads: [Estimate; 5],
}

/// How long everything takes in one world.
pub(super) struct Durations {
    steps: Vec<u64>,
    pulls: Vec<Option<u64>>,
    overheads: [u64; 5],
    /// Network times are divided by 100 and multiplied by this.
    network_percent: u64,
}

impl Sheet {
    /// Each step's work where it stands; `None` for those that have none of their own.
    pub(super) fn estimates(&self) -> Vec<Option<Estimate>> {
        let work = |row: &Row| {
            row.work
                .iter()
                .map(|w| w.estimate.clone())
                .collect::<Vec<_>>()
        };
        self.rows
            .iter()
            .map(|row| Estimate::chain(&work(row)))
            .collect()
    }

    pub(super) fn new(model: &CostModel, steps: &Steps) -> Self {
        let mut rows: Vec<Row> = steps
            .steps
            .iter()
            .enumerate()
            .map(|(n, s)| row(model, s, n))
            .collect();
        adjust(&mut rows, model);
        // The target's last step stands last: inputs come first, and nothing the target does not need is in the graph.
        let mut stack: Vec<usize> = rows.len().checked_sub(1).into_iter().collect();
        while let Some(n) = stack.pop() {
            if !std::mem::replace(&mut rows[n].in_image, true) {
                stack.extend(&rows[n].parents);
            }
        }
        let overheads = Overhead::ALL.map(|o| model.overhead(o));
        Self { rows, overheads }
    }

    pub(super) fn image(&self) -> ImageSize {
        let mut size = ImageSize::default();
        let shown = self.rows.iter().filter(|r| r.in_image);
        let layers = shown.flat_map(|r| {
            if r.is_from {
                &r.images[..]
            } else {
                std::slice::from_ref(&r.layer)
            }
        });
        for layer in layers.filter(|l| l.counts()) {
            size.unpacked = size.unpacked.saturating_add(layer.unpacked);
            size.compressed = size.compressed.saturating_add(layer.compressed);
            size.n_estimated += usize::from(!layer.is_measured);
            size.n_layers += 1;
        }
        let bases = self.rows.iter().filter(|r| r.in_image && r.is_from);
        size.base_unpacked = bases.flat_map(|r| &r.images).map(|b| b.unpacked).sum();
        size
    }

    pub(super) fn durations(&self, model: &CostModel, world: World) -> Durations {
        let times = |ms: u64| ms.saturating_mul(model.slowdown);
        let network = Estimate::estimated(100, 60, 170, "the network's moods");
        Durations {
            steps: self
                .rows
                .iter()
                .map(|r| {
                    times(
                        r.work
                            .iter()
                            .map(|w| world.ms(&w.key, &w.estimate))
                            .fold(0, u64::saturating_add),
                    )
                })
                .collect(),
            pulls: self
                .rows
                .iter()
                .map(|r| r.pull.as_ref().map(|p| times(world.ms("pull", p))))
                .collect(),
            overheads: std::array::from_fn(|n| {
                times(world.ms(Overhead::ALL[n].work(), &self.overheads[n]))
            }),
            network_percent: if model.rates.given {
                100
            } else {
                world.ms("network", &network)
            },
        }
    }

    pub(super) fn cost(
        &self,
        model: &CostModel,
        durations: &Durations,
        lookups: &[Lookup],
    ) -> BuildCost {
        let ran = |n: usize| lookups.get(n).is_some_and(runs);
        let mut cost = BuildCost::default();
        let pulled = self.pulled(model, lookups, &ran);
        let mut jobs = Vec::with_capacity(self.rows.len());
        let (mut lookup_us, mut link_bytes) = (0u64, 0u64);
        for (n, row) in self.rows.iter().enumerate() {
            let pull_ms = if pulled[n] {
                self.pull(model, durations, n, ran(n), &mut cost, &mut link_bytes)
            } else {
                0
            };
            let own_ms = if row.is_from {
                0
            } else if ran(n) {
                cost.run_ms = cost.run_ms.saturating_add(durations.steps[n]);
                cost.measured_ms = cost.measured_ms.saturating_add(if row.is_measured {
                    durations.steps[n]
                } else {
                    0
                });
                durations.steps[n]
            } else {
                lookup_us =
                    lookup_us.saturating_add(model.rates.lookup_us.saturating_mul(model.slowdown));
                0
            };
            jobs.push(Job {
                ms: own_ms.saturating_add(pull_ms),
                after: row.after.clone(),
            });
            if row.is_shown && !row.is_from {
                cost.n_run += u64::from(ran(n));
                cost.n_hit += u64::from(!ran(n));
                cost.n_unknown += u64::from(matches!(lookups.get(n), Some(Lookup::Unknown { .. })));
            }
        }
        cost.lookup_ms = lookup_us / 1000;
        let any_ran = (0..self.rows.len()).any(|n| ran(n) && !self.rows[n].is_from);
        self.transfers(model, durations, &ran, any_ran, &mut cost);
        // One link: however many layers travel at once, their bytes come through it one after the other.
        let network_ms = slowed(
            model,
            durations,
            Rates::ms(link_bytes, model.rates.download),
        );
        let steps_ms = makespan(&jobs, model.parallelism).max(network_ms);
        cost.setup_ms = durations.overheads[0];
        cost.wall_ms = [cost.setup_ms, cost.lookup_ms, steps_ms, cost.export_ms]
            .into_iter()
            .fold(0, u64::saturating_add);
        let start_ms = model.rates.job_start_ms.saturating_mul(model.slowdown);
        cost.billed_ms = [start_ms, cost.wall_ms, cost.cache_export_ms]
            .into_iter()
            .fold(0, u64::saturating_add);
        cost
    }

    /// The steps whose images, and if they hit whose layer, must come to the runner.
    fn pulled(
        &self,
        model: &CostModel,
        lookups: &[Lookup],
        ran: &dyn Fn(usize) -> bool,
    ) -> Vec<bool> {
        if model.runner == Runner::Persistent {
            // An image named by FROM is pulled when FROM misses; one that is only read, when it is new to the builder.
            let is_new = |n: usize| {
                matches!(
                    lookups.get(n),
                    Some(Lookup::Miss(MissReason::Cold | MissReason::Base { .. }))
                )
            };
            return self
                .rows
                .iter()
                .enumerate()
                .map(|(n, r)| if r.is_from { ran(n) } else { is_new(n) })
                .collect();
        }
        let mut needed = vec![false; self.rows.len()];
        for (n, row) in self
            .rows
            .iter()
            .enumerate()
            .filter(|(n, r)| ran(*n) && !r.is_from)
        {
            needed[n] = true;
            for &input in &row.after {
                let mut stack = vec![input];
                while let Some(i) = stack.pop() {
                    if !std::mem::replace(&mut needed[i], true) {
                        stack.extend(&self.rows[i].parents);
                    }
                }
            }
        }
        needed
    }

    /// What comes to the runner for step `n`, in milliseconds; bytes and time are added to `cost`.
    fn pull(
        &self,
        model: &CostModel,
        durations: &Durations,
        n: usize,
        ran: bool,
        cost: &mut BuildCost,
        link_bytes: &mut u64,
    ) -> u64 {
        let row = &self.rows[n];
        // The layer of a step that runs is made here.
        let layer = (!ran && !row.is_from).then_some(&row.layer);
        let (mut ms, mut bytes) = (0u64, 0u64);
        for size in row.images.iter().chain(layer) {
            bytes = bytes.saturating_add(size.compressed);
            ms = ms.saturating_add(slowed(
                model,
                durations,
                Rates::ms(size.compressed, model.rates.download),
            ));
            ms = ms.saturating_add(
                Rates::ms(size.unpacked, model.rates.unpack).saturating_mul(model.slowdown),
            );
        }
        match durations.pulls[n] {
            // A measured fetch had the link to itself or not: the time is what it was.
            Some(measured) => ms = measured,
            None => *link_bytes = link_bytes.saturating_add(bytes),
        }
        cost.pulled_bytes = cost.pulled_bytes.saturating_add(bytes);
        cost.pull_ms = cost.pull_ms.saturating_add(ms);
        ms
    }

    /// What leaves the runner.
    fn transfers(
        &self,
        model: &CostModel,
        durations: &Durations,
        ran: &dyn Fn(usize) -> bool,
        any_ran: bool,
        cost: &mut BuildCost,
    ) {
        let exports_cache =
            model.runner == Runner::Ephemeral && model.cache_export != CacheExport::None;
        let exports_all = exports_cache && model.cache_export == CacheExport::Max;
        let (mut image, mut cache) = ((0u64, 0u64), (0u64, 0u64));
        let made = self
            .rows
            .iter()
            .enumerate()
            .filter(|(n, r)| ran(*n) && !r.is_from);
        for (_, row) in made {
            let sum = if row.in_image { &mut image } else { &mut cache };
            if row.in_image || exports_all {
                sum.0 = sum.0.saturating_add(row.layer.unpacked);
                sum.1 = sum.1.saturating_add(row.layer.compressed);
            }
        }
        (cost.pushed_bytes, cost.cached_bytes) = (image.1, cache.1);
        let travel = |(unpacked, compressed): (u64, u64)| {
            let up = slowed(model, durations, Rates::ms(compressed, model.rates.upload));
            up.saturating_add(
                Rates::ms(unpacked, model.rates.compress).saturating_mul(model.slowdown),
            )
        };
        let measured = |o: Overhead| model.profile.overheads.contains_key(&o);
        let (export, cache_export) = if any_ran {
            (Overhead::Export, Overhead::CacheExport)
        } else {
            (Overhead::ExportUnchanged, Overhead::CacheExportUnchanged)
        };
        let index = |o: Overhead| {
            Overhead::ALL
                .iter()
                .position(|a| *a == o)
                .expect("ALL holds every overhead")
        };
        // A measured export has its bytes in it.
        cost.export_ms = durations.overheads[index(export)].saturating_add(if measured(export) {
            0
        } else {
            travel(image)
        });
        cost.cache_export_ms =
            if measured(cache_export) && (exports_cache || model.runner == Runner::Persistent) {
                durations.overheads[index(cache_export)]
            } else if exports_cache {
                durations.overheads[index(cache_export)].saturating_add(travel(cache))
            } else {
                0
            };
    }
}

/// Prices each step's work by what the steps below it have already fetched.
fn adjust(rows: &mut [Row], model: &CostModel) {
    let mut below: Vec<BTreeSet<String>> = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter_mut().enumerate() {
        let parents = row.parents.iter().filter(|&&p| p < n);
        let kinds: BTreeSet<String> = parents.flat_map(|&p| below[p].clone()).collect();
        let known: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let work = std::mem::take(&mut row.work);
        row.work = resolved::adjusted(work, &known, &model.scale);
        let own = row.work.iter().map(|w| w.key.clone());
        below.push(kinds.iter().cloned().chain(own).collect());
    }
}

fn slowed(model: &CostModel, durations: &Durations, network_ms: u64) -> u64 {
    let ms = u128::from(network_ms) * u128::from(durations.network_percent) / 100
        * u128::from(model.slowdown);
    u64::try_from(ms).unwrap_or(u64::MAX)
}

fn row(model: &CostModel, step: &Step, n: usize) -> Row {
    let (profile, rates) = (&model.profile, &model.rates);
    let image = step::image_of(step);
    let is_from = image.is_some();
    // What the builder does not show (the merge half of a link, a heredoc's file) takes next to no time.
    let is_shown = step.index > 0;
    let work = if is_shown && !is_from {
        step::work(step, profile, &model.scale)
    } else {
        Vec::new()
    };
    let layer = if is_shown && !is_from {
        step::layer(step, profile, &model.scale, rates)
    } else {
        LayerSize::default()
    };
    let named = step.inputs.iter().filter_map(|i| {
        if let Origin::Image(name) = &i.origin {
            Some(name.as_str())
        } else {
            None
        }
    });
    let images = image
        .into_iter()
        .chain(named)
        .map(|name| step::base(name, profile, rates))
        .collect();
    let before = |origin: &Origin| {
        if let Origin::Step(id) = origin {
            Some(id.0).filter(|&i| i < n)
        } else {
            None
        }
    };
    let pull = profile
        .step(step.stage.as_deref(), &step.text)
        .filter(|_| is_from)
        .and_then(|(s, by)| s.runs.estimate(by));
    Row {
        is_measured: work.iter().all(|w| w.estimate.is_measured()),
        work,
        is_from,
        is_shown,
        layer,
        images,
        pull,
        parents: step
            .inputs
            .iter()
            .filter(|i| i.selectors.is_none())
            .filter_map(|i| before(&i.origin))
            .collect(),
        after: step
            .inputs
            .iter()
            .filter_map(|i| before(&i.origin))
            .collect(),
        in_image: false,
    }
}
