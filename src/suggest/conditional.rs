//! What a proposal saves under a condition that the history does not show.

use super::answer::{Condition, Conditional};
use super::bench::Bench;
use super::bringing::bringing;
use super::emulating::emulating;
use super::passing::passing;
use super::question::Shared;
use super::run::Run;
use super::saving::signed;
use crate::history::BuildInput;
use crate::replay::NotHeld;
use crate::restructure::View;
use crate::restructure::search::{Draft, Proposal};
use std::cell::OnceCell;

/// How many builds are replayed under a condition: arguments that they do not pass make another graph of each.
const MAX_BUILDS: usize = 60;

/// What proposals save on top of `before` under conditions.
pub(super) struct Conditionals<'b> {
    view: &'b View<'b>,
    before: &'b Draft,
    /// Builds that bring or fetch what git does not hold.
    bringing: Option<(Condition, Vec<BuildInput>)>,
    /// What these run before the change: replayed when a proposal asks for it.
    before_bringing: OnceCell<Run>,
}

impl<'b> Conditionals<'b> {
    pub(super) fn on_top_of(view: &'b View<'b>, bench: &Bench<'_>, before: &'b Draft) -> Self {
        Self {
            view,
            before,
            bringing: bringing(view, first(bench)),
            before_bringing: OnceCell::new(),
        }
    }

    /// What `proposal` saves if each build were for another platform, where it says on which one stages run; if each passed
    /// its own value of the arguments that it sets later; else if each brought or fetched its own version of what git does
    /// not hold.
    pub(super) fn of(&self, bench: &Bench<'_>, proposal: &Proposal) -> Option<Conditional> {
        let own = bench.shared.settings;
        if let Some((condition, settings)) = emulating(self.view, own, proposal) {
            let builds = Shared {
                settings: &settings,
                inputs: first(bench),
                ..bench.shared
            };
            let old = replay(bench, builds, self.before);
            let new = replay(bench, builds, &proposal.draft);
            return Some(conditional(condition, &old, &new));
        }
        if let Some((condition, inputs)) = passing(self.view, first(bench), proposal) {
            let builds = Shared {
                of_each: condition.n_builds(),
                renews: matches!(condition, Condition::Passed { .. }),
                inputs: &inputs,
                ..bench.shared
            };
            let old = replay(bench, builds, self.before);
            let new = replay(bench, builds, &proposal.draft);
            return Some(conditional(condition, &old, &new));
        }
        let (condition, inputs) = self.bringing.as_ref()?;
        let builds = Shared {
            not_held: NotHeld::Unknown,
            inputs,
            ..bench.shared
        };
        let run = |draft: &Draft| replay(bench, builds, draft);
        let old = self.before_bringing.get_or_init(|| run(self.before));
        let new = run(&proposal.draft);
        Some(conditional(condition.clone(), old, &new))
    }
}

/// The builds that are replayed under a condition.
fn first<'b>(bench: &Bench<'b>) -> &'b [BuildInput] {
    let inputs = bench.shared.inputs;
    &inputs[..inputs.len().min(MAX_BUILDS)]
}

fn replay(bench: &Bench<'_>, builds: Shared<'_>, draft: &Draft) -> Run {
    Run::of(builds, bench.filtered.filters(&draft.dockerfile), draft)
}

fn conditional(condition: Condition, old: &Run, new: &Run) -> Conditional {
    let pairs: Vec<(i64, i64)> = (0..old.patterns.len())
        .filter_map(|b| Some((signed(old.wall(b)?), signed(new.wall(b)?))))
        .collect();
    let mean = |of: fn(&(i64, i64)) -> i64| {
        pairs.iter().map(of).sum::<i64>() / signed(pairs.len() as u64).max(1)
    };
    Conditional {
        condition,
        rebuild: mean(|(old, _)| *old),
        per_build: mean(|(old, new)| old - new),
    }
}
