//! The cost of a build: what runs, in which order, what travels, and for how long the runner is held.
//!
//! **Wall time** ends when the image is there: set-up, then the steps (stages side by side, see [`super::makespan`]),
//! then the image's export. **Billed time** is what the runner is held: wall time, the job's start before it, and the
//! cache's export after it. So wall time never exceeds billed time. The work of the steps (`run_ms`) is the sum over
//! them; side by side they can be done in less wall time than that.
//!
//! What a step costs: one that missed, its duration; one that hit, a lookup. A builder that starts empty
//! (`Runner::Ephemeral`) also downloads and unpacks what a step that runs stands on or reads: base images, and the
//! layers of steps that hit. One that persists pulls a base image when its FROM missed. Layers of steps that ran are
//! compressed and uploaded: those of the image with the image, with `mode=max` those of other stages with the cache;
//! image and cache are taken to lie in the same registry, so a layer travels once.
//!
//! Not modelled: the fight of stages for cores and of downloads for the network beyond one link's capacity, and
//! prices' rounding to whole minutes. A step whose lookup is not known counts as run.

use super::estimate::Estimate;
use super::observed::Overhead;
use super::observed::Profile;
use super::pieces::Pieces;
use super::plan::Plan;
use super::rates::Price;
use super::rates::Rates;
use super::scale::Scale;
use super::sheet;
use super::sheet::Known;
use super::sheet::Sheet;
use super::step;
use super::step::LayerFact;
use super::step::LayerSize;
use super::step::Work;
use super::told::Told;
use super::world::World;
use crate::builder::Builder;
use crate::cache::Lookup;
use crate::graph::Step;
use crate::replay::Built;
use crate::replay::CacheExport;
use crate::replay::Runner;
use crate::replay::Settings;
use crate::replay::Steps;
use std::ops::AddAssign;

/// Everything a cost depends on beside the builds themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostModel {
    /// What was measured; empty: everything is estimated.
    pub profile: Profile,
    /// What is in the repository.
    pub scale: Scale,
    /// Speeds.
    pub rates: Rates,
    /// Whether the builder starts empty.
    pub runner: Runner,
    /// What an ephemeral runner exports.
    pub cache_export: CacheExport,
    /// Steps that may run at once; 0: any number, as BuildKit does unless configured.
    pub parallelism: usize,
    /// What a minute costs, if known.
    pub price: Option<Price>,
    /// Whether earlier builds filled the cache mounts of a builder that lasts.
    pub mounts_filled: bool,
    /// Every duration times this; 1 unless a slower runner is to be imagined.
    pub slowdown: u64,
}

impl Default for CostModel {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            scale: Scale::default(),
            rates: Rates::default(),
            runner: Runner::Persistent,
            cache_export: CacheExport::Max,
            parallelism: 0,
            price: None,
            mounts_filled: true,
            slowdown: 1,
        }
    }
}

/// What one build costs, or the sum over several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuildCost {
    /// From the build's start until the image is there.
    pub wall_ms: u64,
    /// How long the runner is held.
    pub billed_ms: u64,
    /// Work of the steps that ran, one after the other.
    pub run_ms: u64,
    /// The part of `run_ms` whose steps were measured.
    pub measured_ms: u64,
    /// Lookups of the steps that hit.
    pub lookup_ms: u64,
    /// Before the first step.
    pub setup_ms: u64,
    /// Downloads and unpacking, one after the other.
    pub pull_ms: u64,
    /// The image's export.
    pub export_ms: u64,
    /// The cache's export.
    pub cache_export_ms: u64,
    /// Compressed bytes downloaded: base images and cached layers.
    pub pulled_bytes: u64,
    /// Compressed bytes uploaded with the image: what each deploy makes every node pull again.
    pub pushed_bytes: u64,
    /// Compressed bytes uploaded with the cache beside the image's.
    pub cached_bytes: u64,
    /// Steps that ran, FROM not counted.
    pub n_run: u64,
    /// Steps that hit, FROM not counted.
    pub n_hit: u64,
    /// Steps among `n_run` of which git cannot tell.
    pub n_unknown: u64,
}

impl AddAssign for BuildCost {
    fn add_assign(&mut self, other: Self) {
        let add = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        add(&mut self.wall_ms, other.wall_ms);
        add(&mut self.billed_ms, other.billed_ms);
        add(&mut self.run_ms, other.run_ms);
        add(&mut self.measured_ms, other.measured_ms);
        add(&mut self.lookup_ms, other.lookup_ms);
        add(&mut self.setup_ms, other.setup_ms);
        add(&mut self.pull_ms, other.pull_ms);
        add(&mut self.export_ms, other.export_ms);
        add(&mut self.cache_export_ms, other.cache_export_ms);
        add(&mut self.pulled_bytes, other.pulled_bytes);
        add(&mut self.pushed_bytes, other.pushed_bytes);
        add(&mut self.cached_bytes, other.cached_bytes);
        add(&mut self.n_run, other.n_run);
        add(&mut self.n_hit, other.n_hit);
        add(&mut self.n_unknown, other.n_unknown);
    }
}

impl BuildCost {
    /// The same cost `n` times.
    pub fn times(mut self, n: u64) -> Self {
        let fields: [&mut u64; 15] = [
            &mut self.wall_ms,
            &mut self.billed_ms,
            &mut self.run_ms,
            &mut self.measured_ms,
            &mut self.lookup_ms,
            &mut self.setup_ms,
            &mut self.pull_ms,
            &mut self.export_ms,
            &mut self.cache_export_ms,
            &mut self.pulled_bytes,
            &mut self.pushed_bytes,
            &mut self.cached_bytes,
            &mut self.n_run,
            &mut self.n_hit,
            &mut self.n_unknown,
        ];
        fields.into_iter().for_each(|f| *f = f.saturating_mul(n));
        self
    }
}

/// The size of a Dockerfile's final image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSize {
    /// Bytes on disk, as `docker images` shows them.
    pub unpacked: u64,
    /// Bytes as they travel.
    pub compressed: u64,
    /// Unpacked bytes of the base image.
    pub base_unpacked: u64,
    /// Where the base image's size is known from.
    pub base_source: String,
    /// Layers (the base image counts as one) whose size is not from a profile.
    pub n_estimated: usize,
    /// All of them.
    pub n_layers: usize,
}

impl CostModel {
    /// The same for a replay's settings: its runner and cache export, and for builders that know no other way one step
    /// after the other.
    #[must_use]
    pub fn under(mut self, settings: &Settings) -> Self {
        self.runner = settings.runner;
        self.cache_export = settings.cache_export;
        if settings.builder != Builder::BuildKit {
            self.parallelism = 1;
        }
        self
    }

    /// How long a step takes when it runs. For FROM: resolving the image, not pulling it.
    pub fn step(&self, step: &Step) -> Estimate {
        let work: Vec<Estimate> = step::work(step, Told::by(step), self)
            .into_iter()
            .map(|w| w.estimate)
            .collect();
        Estimate::chain(&work)
            .expect("a step has at least one piece of work")
            .scaled(self.slowdown as f64)
    }

    /// How long each step takes when it runs where it stands: a build fetches first where no step below has.
    pub fn steps(&self, steps: &Steps) -> Vec<Estimate> {
        let placed = |work: Vec<Work>| {
            let estimates: Vec<Estimate> = work.into_iter().map(|w| w.estimate).collect();
            Estimate::chain(&estimates).map(|e| e.scaled(self.slowdown as f64))
        };
        sheet::works(self, steps, &mut Known::default())
            .into_iter()
            .zip(&steps.steps)
            .map(|(work, step)| placed(work).unwrap_or_else(|| self.step(step)))
            .collect()
    }

    /// How much of each step's median time rests on assumptions, in the order of the steps.
    pub fn assumed_ms(&self, steps: &Steps) -> Vec<u64> {
        let assumed = |work: Vec<Work>| {
            let guesses = work.iter().filter(|w| w.estimate.source.is_assumption());
            guesses
                .map(|w| w.estimate.median_ms)
                .fold(0, u64::saturating_add)
        };
        let works = sheet::works(self, steps, &mut Known::default());
        works
            .into_iter()
            .map(|work| assumed(work).saturating_mul(self.slowdown))
            .collect()
    }

    /// The layer a step leaves behind with its band and where that is known from; empty for FROM.
    pub fn layer_fact(&self, step: &Step) -> LayerFact {
        step::layer_fact(step, &self.profile, &self.scale, &self.rates)
    }

    /// The layer a step leaves behind; empty for FROM.
    pub fn layer(&self, step: &Step) -> LayerSize {
        step::layer(step, &self.profile, &self.scale, &self.rates)
    }

    /// The final image of a Dockerfile.
    pub fn image(&self, steps: &Steps) -> ImageSize {
        let mut pieces = Pieces::default();
        let sheet = Sheet::new(self, steps, &mut pieces, &mut Known::default());
        let mut size = sheet.image();
        let rows = sheet.rows.iter().zip(&steps.steps);
        let mut bases = rows.filter(|(row, _)| row.in_image && row.is_from);
        let base = bases.find_map(|(_, step)| step::image_of(step));
        size.base_source = base.map_or_else(String::new, |name| {
            step::base_source(name, &self.profile).to_owned()
        });
        size
    }

    /// The same builder before its first build: nothing is in its cache mounts either.
    pub fn before_first_build(&self) -> Self {
        Self {
            mounts_filled: false,
            ..self.clone()
        }
    }

    /// One build in the world of medians.
    pub fn build(&self, built: &Built) -> BuildCost {
        self.build_in(built, World::median())
    }

    /// One build in a drawn world.
    pub fn build_in(&self, built: &Built, world: World) -> BuildCost {
        self.build_knowing(built, world, &mut Known::default())
    }

    /// As [`CostModel::build_in`], one of many: `known` holds what steps of those before took, by this model.
    pub fn build_knowing(&self, built: &Built, world: World, known: &mut Known) -> BuildCost {
        let mut pieces = Pieces::default();
        let sheet = Sheet::new(self, &built.steps, &mut pieces, known);
        Plan::new(&sheet, self, &built.lookups).cost(&sheet, self, &pieces.times(world))
    }

    /// Work beside the steps, measured or by rule of thumb.
    pub(super) fn overhead(&self, overhead: Overhead) -> Estimate {
        let measured = self
            .profile
            .overheads
            .get(&overhead)
            .and_then(|o| o.estimate(super::estimate::Match::Step));
        measured.unwrap_or_else(|| {
            let ms = match overhead {
                Overhead::Setup => self.rates.setup_ms,
                Overhead::Export
                | Overhead::ExportUnchanged
                | Overhead::CacheExport
                | Overhead::CacheExportUnchanged => self.rates.export_ms,
            };
            Estimate::estimated(
                ms,
                ms / 3,
                ms.saturating_mul(4),
                "builds against a registry nearby, by rule of thumb",
            )
        })
    }
}

/// Whether a lookup makes its step run.
pub(super) fn runs(lookup: &Lookup) -> bool {
    !matches!(lookup, Lookup::Hit { .. })
}
