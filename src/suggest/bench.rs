//! Replays of drafts, each done once, and what the best of them could take.

use super::apart::apart;
use super::past::Past;
use super::question::{Question, Shared};
use super::run::{Run, mean};
use super::saving::signed;
use crate::caveat::Caveat;
use crate::cost::Band;
use crate::dockerfile;
use crate::replay::{Filters, NotHeld};
use crate::restructure::filtered::Filtered;
use crate::restructure::search::{Draft, Gain};
use std::collections::{BTreeMap, BTreeSet};

/// Replays of drafts, each done once.
pub(super) struct Bench<'q> {
    pub(super) question: &'q Question<'q>,
    pub(super) shared: Shared<'q>,
    pub(super) filtered: &'q Filtered<'q>,
    now: Draft,
    pub(super) runs: BTreeMap<Draft, Run>,
    /// Prices of runs, worked out where bands are asked for.
    walls: BTreeMap<Draft, Vec<Vec<u64>>>,
    /// What replaying the text as it is assumed.
    pub(super) caveats: Vec<Caveat>,
}

impl<'q> Bench<'q> {
    /// With the text as it is replayed; `renews` as in [`Shared`].
    pub(super) fn new(
        (question, renews): (&'q Question<'q>, bool),
        past: &'q Past,
        filtered: &'q Filtered<'q>,
        now: &Draft,
    ) -> Self {
        let shared = Shared {
            settings: question.settings,
            not_held: NotHeld::Unchanged,
            inputs: question.inputs,
            of_each: 1,
            renews,
            cost: question.cost,
            past,
        };
        let base = Run::of(shared, filtered.filters(&now.dockerfile), now);
        let caveats = base.caveats.clone();
        Self {
            question,
            shared,
            filtered,
            now: now.clone(),
            runs: BTreeMap::from([(now.clone(), base)]),
            walls: BTreeMap::new(),
            caveats,
        }
    }

    /// Why no build of the text as it is can be built; `None` where one can.
    pub(super) fn refusal(&self) -> Option<dockerfile::Error> {
        let run = self.runs.get(&self.now)?;
        let none = run.cold.is_none() && run.patterns.iter().all(Option::is_none);
        run.refusal.clone().filter(|_| none)
    }

    /// The mean wall time in the world of medians, milliseconds.
    pub(super) fn mean(&self, draft: &Draft) -> i64 {
        let Some(run) = self.runs.get(draft) else {
            return 0;
        };
        let walls: Vec<u64> = (0..run.patterns.len())
            .filter_map(|b| run.wall(b))
            .collect();
        signed(walls.iter().sum::<u64>() / (walls.len() as u64).max(1))
    }

    /// Replays what was not replayed yet, side by side; results in the order asked for.
    fn replay(&mut self, drafts: &[Draft]) {
        let new: Vec<&Draft> = drafts
            .iter()
            .filter(|d| !self.runs.contains_key(d))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let shared = self.shared;
        // Blobs are read here: a repository is not for several threads.
        let new: Vec<(&Draft, Filters)> = new
            .into_iter()
            .map(|draft| (draft, self.filtered.filters(&draft.dockerfile)))
            .collect();
        let replayed = self.question.replayed;
        let share = new.len().div_ceil(self.question.threads.max(1)).max(1);
        let done: Vec<Vec<Run>> = std::thread::scope(|scope| {
            let handles: Vec<_> = new
                .chunks(share)
                .map(|part| {
                    scope.spawn(move || {
                        part.iter()
                            .map(|(d, f)| {
                                let run = Run::of(shared, f.clone(), d);
                                replayed();
                                run
                            })
                            .collect()
                    })
                })
                .collect();
            handles
                .into_iter()
                .map(|h| {
                    h.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        let runs = done.into_iter().flatten();
        self.runs
            .extend(new.into_iter().map(|(d, _)| d.clone()).zip(runs));
    }

    /// What each draft saves against the text as it is; `None` where that cannot be compared.
    pub(super) fn worth(&mut self, drafts: &[Draft]) -> Vec<Option<Gain>> {
        self.replay(drafts);
        drafts.iter().map(|draft| self.gain(draft)).collect()
    }

    fn gain(&self, draft: &Draft) -> Option<Gain> {
        let (old, new) = (self.runs.get(&self.now)?, self.runs.get(draft)?);
        let pairs: Vec<(u64, u64)> = (0..old.patterns.len())
            .filter_map(|b| old.wall(b).zip(new.wall(b)))
            .collect();
        // A text that cannot be built at half of the commits is not comparable over this history.
        let buildable = old.patterns.iter().flatten().count();
        if pairs.is_empty() || pairs.len() * 2 < buildable {
            return None;
        }
        let total: i64 = pairs.iter().map(|(a, b)| signed(*a) - signed(*b)).sum();
        Some(Gain {
            median: total / signed(pairs.len() as u64),
        })
    }

    /// Prices the draft's kinds of builds, once.
    pub(super) fn price(&mut self, draft: &Draft) -> Vec<Vec<u64>> {
        if let Some(walls) = self.walls.get(draft) {
            return walls.clone();
        }
        let walls = self
            .runs
            .get(draft)
            .map(|run| run.walls(self.shared.cost))
            .unwrap_or_default();
        self.walls.insert(draft.clone(), walls.clone());
        walls
    }

    /// The lowest bounds, cautious and bold, of all texts that can be built where today's can: smaller contexts and split
    /// steps can do better than the steps as they are. Those of `now` and `then` are taken apart to the last command.
    pub(super) fn bounds(&mut self, now: &Draft, then: &Draft) -> (Band, Band) {
        let from_source = &self.shared.past.from_source;
        let cut = |draft: &Draft| {
            let parsed = dockerfile::parse(&draft.dockerfile).ok()?;
            let dockerfile = apart(&parsed.dockerfile, from_source)?;
            Some(Draft {
                dockerfile,
                ignore: draft.ignore.clone(),
            })
        };
        let cut: Vec<Draft> = [now, then].into_iter().filter_map(cut).collect();
        self.replay(&cut);
        let buildable = |run: &Run| run.patterns.iter().map(Option::is_some).collect::<Vec<_>>();
        let wanted = self.runs.get(&self.now).map(buildable);
        let lowest = |of: fn(&Run) -> &[Option<usize>]| {
            let median = |run: &Run| -> u64 {
                of(run)
                    .iter()
                    .flatten()
                    .map(|&p| run.kinds[p].1.wall_ms)
                    .sum()
            };
            let all = self
                .runs
                .iter()
                .filter(|(_, run)| Some(buildable(run)) == wanted);
            all.min_by_key(|(_, run)| median(run))
                .map(|(draft, run)| (draft.clone(), of(run).to_vec()))
                .unwrap_or_default()
        };
        let both = [lowest(|run| &run.best), lowest(|run| &run.best_bold)];
        let [best, bold] = both.map(|(draft, patterns)| mean(&self.price(&draft), &patterns));
        (best, bold)
    }
}
