//! What is worth telling of beside the recommended set: what adds a little, and what pays under a condition.

use super::answer::{Condition, Conditional, Suggestion};
use super::bench::Bench;
use super::conditional::Conditionals;
use crate::restructure::View;
use crate::restructure::search::{Draft, Found};
use std::cmp::Reverse;

/// How many small proposals are told of.
const MAX_SMALL: usize = 5;

/// What adds a little to the recommended set: a tenth of what pays; and what would pay under a condition that something
/// in the repository speaks for.
pub(super) fn small(
    view: &View<'_>,
    bench: &mut Bench<'_>,
    (now, then): (&Draft, &Draft),
    found: &Found,
    least: i64,
) -> Vec<Suggestion> {
    let mut small: Vec<Suggestion> = Vec::new();
    let conditionals = Conditionals::on_top_of(view, bench, then);
    let least_small = (least / 10).max(10);
    for (proposal, gain) in &found.rest {
        // What is possible only later is told when it is.
        let Some((own, _)) = found.alone.iter().find(|(p, _)| p.id == proposal.id) else {
            continue;
        };
        let is_told = found.order.iter().any(|p| p.id == proposal.id)
            || small.iter().any(|s| s.proposal.id == proposal.id);
        let Some(gain) = gain.filter(|_| !is_told && !proposal.candidate.changes_image) else {
            continue;
        };
        let on_top = bench
            .rough_saving(then, &proposal.draft)
            .filter(|s| s.builds.0 > 1 && gain.median >= least_small);
        let conditional = match on_top {
            Some(_) => None,
            None => conditionals
                .of(bench, proposal)
                .filter(|c| c.condition.is_likely() && c.per_build >= least_under(c, least_small)),
        };
        if on_top.is_none() && conditional.is_none() {
            continue;
        }
        let slower = on_top
            .as_ref()
            .and_then(|_| bench.why_slower(then, &proposal.draft));
        small.push(Suggestion {
            slower,
            proposal: own.clone(),
            alone: bench.rough_saving(now, &own.draft),
            placed: Some((then.clone(), proposal.draft.clone())),
            on_top,
            why_not: String::new(),
            conditional,
        });
    }
    let worth = |s: &Suggestion| {
        let on_top = s.on_top.as_ref().map(|s| s.per_build.1);
        on_top.or(s.conditional.as_ref().map(|c| c.per_build))
    };
    small.sort_by_key(|s| Reverse(worth(s)));
    one_for_each_value(&mut small, worth);
    small.truncate(MAX_SMALL);
    small
}

/// Milliseconds that a proposal has to save where its condition holds. What brings files is looked at for every proposal,
/// also those that have little to do with it.
fn least_under(conditional: &Conditional, least_small: i64) -> i64 {
    match conditional.condition {
        Condition::Passed { .. } | Condition::InTurn { .. } | Condition::Emulated { .. } => {
            least_small
        }
        Condition::Brought { .. } => least_small.max(250),
    }
}

/// Where the same values may go to two places, leaves the safe one if that saves three quarters of what the other does,
/// else the other. `small` has the best first.
fn one_for_each_value(small: &mut Vec<Suggestion>, worth: impl Fn(&Suggestion) -> Option<i64>) {
    let mut n = 0;
    while n < small.len() {
        let is_twin = |s: &Suggestion| {
            let (one, other) = (&small[n].proposal.candidate, &s.proposal.candidate);
            !one.unread.is_empty() && one.unread == other.unread && one.lines == other.lines
        };
        let twin = (n + 1..small.len()).find(|&m| is_twin(&small[m]));
        match twin {
            Some(m) => {
                let nearly = worth(&small[m]).unwrap_or(0) * 4 >= worth(&small[n]).unwrap_or(0) * 3;
                let is_safer = small[m].proposal.candidate.safety.is_safe();
                small.remove(if nearly && is_safer { n } else { m });
            }
            None => n += 1,
        }
    }
}
