//! What is worth telling of beside the recommended set: what adds a little, and what pays under a condition.

use super::answer::Suggestion;
use super::bench::Bench;
use super::passing::if_passed;
use crate::restructure::View;
use crate::restructure::search::{Draft, Found, worth_its_risk};
use std::cmp::Reverse;

/// How many small proposals are told of.
const MAX_SMALL: usize = 5;

/// What adds a little to the recommended set: a tenth of what pays; and what would pay if an argument that the
/// repository's files pass differed at every build.
pub(super) fn small(
    view: &View<'_>,
    bench: &mut Bench<'_>,
    (now, then): (&Draft, &Draft),
    found: &Found,
    least: i64,
) -> Vec<Suggestion> {
    let mut small: Vec<Suggestion> = Vec::new();
    let least_small = (least / 10).max(10);
    for (proposal, gain) in &found.rest {
        // What is possible only later is told when it is.
        let Some((own, alone)) = found.alone.iter().find(|(p, _)| p.id == proposal.id) else {
            continue;
        };
        let is_told = found.order.iter().any(|p| p.id == proposal.id)
            || small.iter().any(|s| s.proposal.id == proposal.id)
            || alone.is_some_and(|g| g.median >= worth_its_risk(&own.candidate, least));
        let Some(gain) = gain.filter(|_| !is_told && !proposal.candidate.changes_image) else {
            continue;
        };
        let on_top = bench
            .rough_saving(then, &proposal.draft)
            .filter(|s| s.builds.0 > 1 && gain.median >= least_small);
        let if_passed = match on_top {
            Some(_) => None,
            None => if_passed(view, bench, then, proposal)
                .filter(|i| i.by.is_some() && i.per_build >= least_small),
        };
        if on_top.is_none() && if_passed.is_none() {
            continue;
        }
        let slower = on_top
            .as_ref()
            .and_then(|_| bench.why_slower(then, &proposal.draft));
        small.push(Suggestion {
            slower,
            proposal: own.clone(),
            alone: bench.rough_saving(now, &own.draft),
            on_top,
            why_not: String::new(),
            if_passed,
        });
    }
    let worth = |s: &Suggestion| {
        let on_top = s.on_top.as_ref().map(|s| s.per_build.1);
        on_top.or(s.if_passed.as_ref().map(|i| i.per_build))
    };
    small.sort_by_key(|s| Reverse(worth(s)));
    one_for_each_value(&mut small, worth);
    small.truncate(MAX_SMALL);
    small
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
