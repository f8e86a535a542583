//! Builds in, one by one; an analysis out.

use super::facts::{Analysis, Build, BuiltFacts, MAX_CHURN, StepFacts, Totals, Version};
use super::ground::{Ground, Terrain};
use crate::cache::{Lookup, MissReason};
use crate::caveat::Caveat;
use crate::cost::{Bill, BuildCost, CostModel, weight};
use crate::graph::StepId;
use crate::history::BuildInput;
use crate::replay::{Built, Made, Settings, Steps};
use crate::restructure::finding;
use crate::restructure::informed::{Blob, Informed};
use crate::restructure::reads_git;
use crate::score::{
    Ask, Blame, Certainty, Ledger, Millis, Reads, Tally, align, counted, needed, reads, tally,
};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An analysis in the making.
pub struct Analyzer<'q> {
    settings: Settings,
    replay: Informed<'q>,
    model: CostModel,
    costs: BTreeMap<(usize, Vec<u8>), BuildCost>,
    dockerfiles: BTreeSet<Arc<[u8]>>,
    terrain: Terrain,
    versions: Vec<Version>,
    builds: Vec<Build>,
    churn: BTreeMap<RepoPath, u64>,
}

impl<'q> Analyzer<'q> {
    /// Begins with an empty cache. Runner and cache export of the cost model are taken from the settings.
    pub fn new(settings: Settings, model: CostModel) -> Self {
        Self::reading(settings, model, &|_| None)
    }

    /// The same with the history's blobs at hand.
    pub fn reading(settings: Settings, model: CostModel, blob: &'q Blob<'q>) -> Self {
        Self {
            replay: Informed::new(settings.clone(), blob),
            model: model.under(&settings),
            costs: BTreeMap::new(),
            dockerfiles: BTreeSet::new(),
            terrain: Terrain::new(&settings),
            versions: Vec::new(),
            builds: Vec::new(),
            churn: BTreeMap::new(),
            settings,
        }
    }

    /// Builds the next one.
    pub fn add(&mut self, input: &BuildInput) {
        self.add_planned(input, None);
    }

    /// The same with the plan that was made ahead (see [`crate::replay::plan_ahead`]).
    pub fn add_planned(&mut self, input: &BuildInput, plan: Option<Made>) {
        let outcome = self.replay.build_planned(input, plan);
        // The Dockerfile is the first of the watched files.
        if let Some(Ok(Some(text))) = input.watched.first() {
            self.dockerfiles.insert(text.clone());
        }
        if !self.builds.is_empty() {
            for change in &input.changes {
                *self.churn.entry(change.path.clone()).or_default() += 1;
            }
        }
        self.terrain.add(input);
        let result = outcome.result.map(|built| self.facts(built));
        self.builds.push(Build {
            commit: input.commit.clone(),
            time: outcome.time,
            result,
        });
    }

    fn facts(&mut self, built: Built) -> BuiltFacts {
        let version = self.version(&built.steps);
        // Builds in which the same steps ran cost the same; working it out once saves most of the time.
        let key = (version, built.lookups.iter().map(weight).collect());
        let cost = *self
            .costs
            .entry(key)
            .or_insert_with(|| self.model.build(&built));
        BuiltFacts {
            version,
            tally: tally(&built),
            cost,
            built,
        }
    }

    /// The version of these steps, entered when it is new.
    fn version(&mut self, steps: &Arc<Steps>) -> usize {
        // The newest versions come back most often.
        let known = self
            .versions
            .iter()
            .rposition(|v| Arc::ptr_eq(&v.steps, steps) || v.steps == *steps);
        known.unwrap_or_else(|| {
            let prices = self.model.steps(steps).iter().map(Millis::from).collect();
            let reads = steps.steps.iter().map(reads).collect();
            self.versions.push(Version {
                steps: steps.clone(),
                prices,
                reads,
                to_current: Vec::new(),
            });
            self.versions.len() - 1
        })
    }

    /// Adds it all up. `caveats` are those of the reading; `read` gives the bytes of a file of the newest build's context.
    pub fn finish(
        mut self,
        mut caveats: Vec<Caveat>,
        read: &dyn Fn(&RepoPath) -> Option<Vec<u8>>,
    ) -> Analysis {
        let current = self
            .builds
            .iter()
            .rev()
            .find_map(|b| b.result.as_ref().ok())
            .map(|b| b.version);
        if let Some(current) = current {
            let newest = self.versions[current].steps.clone();
            self.versions
                .iter_mut()
                .for_each(|v| v.to_current = align(&v.steps, &newest));
        }
        caveats.extend_from_slice(self.replay.caveats());
        let mut churn: Vec<(RepoPath, u64)> = self.churn.into_iter().collect();
        churn.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        churn.truncate(MAX_CHURN);
        let ground = self.terrain.settle(&self.settings);
        let findings = ground
            .as_ref()
            .map(|g: &Ground| finding::findings(&g.view(read)))
            .unwrap_or_default();
        let git = ground.as_ref().and_then(|g| reads_git(&g.view(read)));
        Analysis {
            findings,
            ground,
            totals: totals(&self.builds, &self.versions, &self.model, git),
            steps: current
                .map(|c| step_facts(&self.builds, &self.versions, c, &self.model))
                .unwrap_or_default(),
            league: league(&self.builds, &self.versions),
            n_dockerfiles: if self.settings.pin.is_some() {
                1
            } else {
                self.dockerfiles.len()
            },
            settings: self.settings,
            builds: self.builds,
            versions: self.versions,
            current,
            churn,
            caveats,
        }
    }
}

/// The builds that count: all that took place but the first, which fills the empty cache.
pub fn counted_builds(builds: &[Build]) -> impl Iterator<Item = &BuiltFacts> {
    builds.iter().filter_map(|b| b.result.as_ref().ok()).skip(1)
}

/// `git`: whether something in the build reads `.git`, where that is known.
fn totals(builds: &[Build], versions: &[Version], model: &CostModel, git: Option<bool>) -> Totals {
    let mut totals = Totals {
        n_builds: builds.len() as u64,
        ..Totals::default()
    };
    totals.n_unbuildable = builds.iter().filter(|b| b.result.is_err()).count() as u64;
    let times = || builds.iter().map(|b| b.time);
    totals.span = times().min().zip(times().max());
    for facts in counted_builds(builds) {
        totals.n_counted += 1;
        totals.tally.merge(&facts.tally);
    }
    let mut bill = Bill::new(model);
    let empty = model.before_first_build();
    let mut cold_bill = Bill::new(&empty);
    for facts in counted_builds(builds) {
        let steps = &facts.built.steps;
        let cold = vec![Lookup::Miss(MissReason::Cold); facts.built.lookups.len()];
        bill.add(0, steps, &facts.built.lookups);
        cold_bill.add(0, steps, &cold);
        for (variant, certainty) in [(1, Certainty::Cautious), (2, Certainty::Bold)] {
            let ask = Ask { certainty, git };
            let reads = &versions[facts.version].reads;
            bill.add(variant, steps, &best(&facts.built, reads, ask));
        }
    }
    [totals.cost, totals.best, totals.best_bold] = bill.totals();
    [totals.cold] = cold_bill.totals();
    totals
}

/// The lookups of a build whose steps run only for what they read.
fn best(built: &Built, reads: &[Reads], ask: Ask) -> Vec<Lookup> {
    let keep = |(lookup, needed): (&Lookup, bool)| {
        if needed {
            lookup.clone()
        } else {
            Lookup::Hit { build: None }
        }
    };
    built
        .lookups
        .iter()
        .zip(needed(built, reads, ask))
        .map(keep)
        .collect()
}

fn step_facts(
    builds: &[Build],
    versions: &[Version],
    current: usize,
    model: &CostModel,
) -> Vec<StepFacts> {
    let newest = &versions[current];
    let mut tallies = vec![Tally::default(); newest.steps.steps.len()];
    let mut costs = vec![Millis::default(); tallies.len()];
    let mut ledgers = vec![Ledger::default(); tallies.len()];
    for facts in counted_builds(builds) {
        let version = &versions[facts.version];
        for id in counted(&version.steps) {
            let Some(now) = version.to_current[id.0] else {
                continue;
            };
            let lookup = &facts.built.lookups[id.0];
            tallies[now.0].add(lookup);
            if !matches!(lookup, Lookup::Hit { .. }) {
                costs[now.0] += version.prices[id.0];
                ledgers[now.0].add_step(&facts.built, id, version.prices[id.0]);
            }
        }
    }
    let estimates = model.steps(&newest.steps);
    let assumed = model.assumed_ms(&newest.steps);
    let facts = |id: StepId| StepFacts {
        id,
        step: newest.steps.steps[id.0].clone(),
        price: newest.prices[id.0],
        source: estimates[id.0].source.clone(),
        assumed_ms: assumed[id.0],
        layer: model.layer_fact(&newest.steps.steps[id.0]),
        tally: tallies[id.0],
        cost: costs[id.0],
        causes: ledgers[id.0].league(),
    };
    counted(&newest.steps).map(facts).collect()
}

fn league(builds: &[Build], versions: &[Version]) -> Vec<Blame> {
    let mut ledger = Ledger::default();
    counted_builds(builds)
        .for_each(|facts| ledger.add_build(&facts.built, &versions[facts.version].prices));
    ledger.league()
}
