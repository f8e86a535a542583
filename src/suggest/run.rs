//! One draft over the history: what each of its builds ran, and what that takes.

use super::past::has_git_dir;
use super::question::Shared;
use super::texts::Texts;
use crate::cache::Lookup;
use crate::caveat::Caveat;
use crate::cost::{self, Band, BuildCost, CostModel, World, weight};
use crate::dockerfile;
use crate::replay::{Built, Filters, Replay, Settings, Steps};
use crate::restructure::search::Draft;
use crate::score::{Ask, Certainty, Reads, needed, reads_beside};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One draft over the history: builds gathered by what ran in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// For each build its pattern; `None` when it cannot be built.
    pub(super) patterns: Vec<Option<usize>>,
    /// One build of each pattern, and its cost in the world of medians.
    pub(super) kinds: Vec<(Built, BuildCost)>,
    /// The same builds if each step ran only when something that it really reads changed.
    pub(super) best: Vec<Option<usize>>,
    /// The same for what steps of its kind do read.
    pub(super) best_bold: Vec<Option<usize>>,
    /// What the first build takes, from an empty cache, in the world of medians.
    pub(super) cold: Option<u64>,
    /// The builds whose commits lack a file that COPY names, by the first of each.
    pub(super) lacking: BTreeMap<String, usize>,
    /// Why the first build that cannot be built cannot.
    pub(super) refusal: Option<dockerfile::Error>,
    /// What replaying assumed.
    pub(super) caveats: Vec<Caveat>,
}

/// What the steps of the builds met last read: nearly all builds share their steps.
#[derive(Default)]
struct Told(Option<(Arc<Steps>, Vec<Reads>)>);

impl Told {
    fn of(&mut self, built: &Built, from_source: &BTreeSet<Vec<String>>) -> &[Reads] {
        let is_known = |(of, _): &(Arc<Steps>, Vec<Reads>)| Arc::ptr_eq(of, &built.steps);
        if !self.0.as_ref().is_some_and(is_known) {
            let steps = built.steps.steps.iter();
            let told = steps.map(|s| reads_beside(s, from_source)).collect();
            self.0 = Some((built.steps.clone(), told));
        }
        self.0.as_ref().map_or(&[], |(_, told)| told)
    }
}

/// The steps of each text, by its address: texts are kept as long as a draft is replayed.
type StepsOf = BTreeMap<usize, Arc<Steps>>;

/// The build with the steps of the first one of its text, where these differ in values alone: steps are read and priced once.
fn with_those_of(known: &mut StepsOf, text: usize, built: Built) -> Built {
    let first = known.entry(text).or_insert_with(|| built.steps.clone());
    let is_alike = first.steps.len() == built.steps.steps.len() && first.shown == built.steps.shown;
    let steps = if is_alike { first.clone() } else { built.steps };
    Built { steps, ..built }
}

/// Kinds of builds by their steps' address and what ran of them.
#[derive(Default)]
struct Known {
    kinds: BTreeMap<(usize, Vec<u8>), usize>,
    /// What their steps take.
    steps: cost::Known,
}

impl Run {
    /// Replays `draft`.
    pub(super) fn of(shared: Shared<'_>, filters: Filters, draft: &Draft) -> Self {
        // The text is given as each commit's own, so that it can leave out what a commit does not have.
        let settings = Settings {
            pin: None,
            pin_ignore: Some(draft.ignore.clone().unwrap_or_default()),
            not_held: shared.not_held,
            ..shared.settings.clone()
        };
        let mut texts = Texts::of(&draft.dockerfile, shared.past, has_git_dir(shared.settings));
        let mut replay = Replay::new(settings).with_filters(filters);
        let (mut told, mut known) = (Told::default(), Known::default());
        let mut steps_of = StepsOf::new();
        let mut run = Self::default();
        for (n, input) in shared.inputs.iter().enumerate() {
            let (text, lacking) = texts.at(n / shared.of_each, input);
            if let Some(source) = lacking {
                *run.lacking.entry(source).or_default() += 1;
            }
            let address = Arc::as_ptr(&text).cast::<u8>() as usize;
            let mut input = input.clone();
            match input.watched.first_mut() {
                Some(dockerfile) => *dockerfile = Ok(Some(text)),
                None => input.watched.push(Ok(Some(text))),
            }
            // The first commit fills the empty cache, whatever the text: it does not count.
            let built = match replay.build(&input).result {
                Ok(built) if shared.renews => Some(with_those_of(&mut steps_of, address, built)),
                Ok(built) => Some(built),
                Err(refusal) => {
                    run.refusal.get_or_insert(refusal);
                    None
                }
            };
            if n == 0 {
                let cost = shared.cost.before_first_build();
                run.cold = built.as_ref().map(|b| cost.build(b).wall_ms);
            }
            run.push(
                shared,
                &mut told,
                &mut known,
                built.filter(|_| n >= shared.of_each),
            );
        }
        run.caveats = replay.caveats().to_vec();
        run
    }

    /// Adds a build; `None` for one that cannot be built or does not count.
    fn push(
        &mut self,
        shared: Shared<'_>,
        told: &mut Told,
        known: &mut Known,
        built: Option<Built>,
    ) {
        let Some(built) = built else {
            self.patterns.push(None);
            self.best.push(None);
            self.best_bold.push(None);
            return;
        };
        let reads = told.of(&built, &shared.past.from_source);
        let git = shared.past.git;
        let ideals = [Certainty::Cautious, Certainty::Bold]
            .map(|certainty| at_best(&built, reads, Ask { certainty, git }));
        let ideals = ideals.map(|ideal| self.kind(shared.cost, known, ideal));
        let pattern = self.kind(shared.cost, known, built);
        // With fewer steps a scheduler may come upon a worse order; nobody has to take it.
        let wall = |kind: usize| self.kinds[kind].1.wall_ms;
        let [best, best_bold] = ideals.map(|i| if wall(i) > wall(pattern) { pattern } else { i });
        self.patterns.push(Some(pattern));
        self.best.push(Some(best));
        self.best_bold.push(Some(best_bold));
    }

    fn kind(&mut self, cost: &CostModel, known: &mut Known, built: Built) -> usize {
        // Equal steps are shared; what differs by address only costs a second entry.
        let steps = Arc::as_ptr(&built.steps) as usize;
        let ran = built.lookups.iter().map(weight).collect();
        *known.kinds.entry((steps, ran)).or_insert_with(|| {
            let cost = cost.build_knowing(&built, World::median(), &mut known.steps);
            self.kinds.push((built, cost));
            self.kinds.len() - 1
        })
    }

    /// What a build takes in the world of medians, milliseconds.
    pub(super) fn wall(&self, build: usize) -> Option<u64> {
        self.patterns
            .get(build)
            .copied()
            .flatten()
            .map(|p| self.kinds[p].1.wall_ms)
    }

    /// What each kind takes: in the world of medians, then draw by draw.
    pub(super) fn walls(&self, model: &CostModel) -> Vec<Vec<u64>> {
        // Steps are shared by nearly all builds; each set of them is priced once.
        let mut of_steps: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (n, (built, _)) in self.kinds.iter().enumerate() {
            of_steps
                .entry(Arc::as_ptr(&built.steps) as usize)
                .or_default()
                .push(n);
        }
        let mut walls: Vec<Vec<u64>> = Vec::new();
        let mut known = cost::Known::default();
        for kinds in of_steps.values() {
            let lookups: Vec<&[Lookup]> = kinds
                .iter()
                .map(|&n| self.kinds[n].0.lookups.as_slice())
                .collect();
            for (world, row) in model
                .walls(&self.kinds[kinds[0]].0.steps, &lookups, &mut known)
                .into_iter()
                .enumerate()
            {
                if walls.len() <= world {
                    walls.push(vec![0; self.kinds.len()]);
                }
                for (&n, wall) in kinds.iter().zip(row) {
                    walls[world][n] = wall;
                }
            }
        }
        walls
    }
}

/// The build with each step run only if what it reads changed.
fn at_best(built: &Built, reads: &[Reads], ask: Ask) -> Built {
    let mut ideal = built.clone();
    for (lookup, needed) in ideal.lookups.iter_mut().zip(needed(built, reads, ask)) {
        if !needed {
            *lookup = Lookup::Hit { build: None };
        }
    }
    ideal
}

/// The mean over the builds that `patterns` gives, with its band.
pub(super) fn mean(walls: &[Vec<u64>], patterns: &[Option<usize>]) -> Band {
    let of = |walls: &Vec<u64>| {
        let all: Vec<u64> = patterns.iter().flatten().map(|&p| walls[p]).collect();
        all.iter().sum::<u64>() / (all.len() as u64).max(1)
    };
    let mut all = walls.iter().map(of);
    let median = all.next().unwrap_or(0);
    Band::of(median, all.collect())
}
