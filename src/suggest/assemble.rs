//! The answer, put together from what the search found.

use super::answer::{Suggestion, Suggestions};
use super::bench::Bench;
use super::conditional::Conditionals;
use super::idle::why_idle;
use super::left::small;
use super::question::Question;
use super::run::mean;
use crate::caveat::Caveat;
use crate::restructure::absent::arguments_in_copies;
use crate::restructure::search::{Draft, Found, Proposal, worth_its_risk};
use crate::restructure::{Candidate, Safety, View};
use crate::tree::RepoPath;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What was found, with what it saves. The paths and findings are the caller's to set.
pub(super) fn assemble(
    question: &Question<'_>,
    view: &View<'_>,
    bench: &mut Bench<'_>,
    now: Draft,
    found: Found,
    least: i64,
) -> Suggestions {
    let (order, then) = recommended(bench, &now, &found);
    let small = small(view, bench, (&now, &then), &found, least);
    let conditionals = Conditionals::on_top_of(view, bench, &now);
    let mut others = Vec::new();
    for (proposal, gain) in &found.alone {
        let is_told = |id: &String| *id == proposal.id;
        if found.order.iter().any(|p| is_told(&p.id))
            || small.iter().any(|s| is_told(&s.proposal.id))
        {
            continue;
        }
        let needed = worth_its_risk(&proposal.candidate, least);
        let pays = gain.is_some_and(|g| g.median >= needed);
        let other = if pays {
            instead(bench, &now, proposal)
        } else {
            let alone = bench.rough_saving(&now, &proposal.draft);
            Suggestion {
                slower: bench.why_slower(&now, &proposal.draft),
                proposal: proposal.clone(),
                on_top: None,
                placed: None,
                why_not: why_idle(*gain, alone.as_ref(), &proposal.candidate),
                alone,
                conditional: conditionals.of(bench, proposal),
            }
        };
        others.push((pays, other));
    }
    let (instead, idle): (Vec<_>, Vec<_>) = others.into_iter().partition(|(pays, _)| *pays);
    let [mut instead, idle] =
        [instead, idle].map(|group| group.into_iter().map(|(_, s)| s).collect::<Vec<_>>());
    instead.sort_by_key(|s| Reverse(s.alone.as_ref().map_or(0, |a| a.per_build.1)));
    // Two ways to write the same are one to whoever reads what it does.
    let mut titles = BTreeSet::new();
    instead.retain(|s| titles.insert(s.proposal.candidate.title.clone()));
    let (first, last) = question.span();
    let (old, new) = (bench.price(&now), bench.price(&then));
    let saving = bench.saving(&now, &then).unwrap_or_default();
    let base = bench.runs.get(&now).cloned().unwrap_or_default();
    let done = bench.runs.get(&then).cloned().unwrap_or_default();
    let (best, best_bold) = bench.bounds(&now, &then);
    Suggestions {
        dockerfile: RepoPath::root(),
        ignore: RepoPath::root(),
        builds: (
            base.patterns.len(),
            base.patterns.iter().flatten().count(),
            first,
            last,
        ),
        mean: (mean(&old, &base.patterns), mean(&new, &done.patterns), best),
        best_bold,
        saving,
        caveats: assumed(view, bench, &then),
        elsewhere: None,
        now,
        then,
        order,
        instead,
        small,
        idle,
        dropped: found.dropped,
        unwanted: found.unwanted,
        findings: Vec::new(),
    }
}

/// The recommended set in its order, and the text with all of it.
fn recommended(bench: &mut Bench<'_>, now: &Draft, found: &Found) -> (Vec<Suggestion>, Draft) {
    let mut before = now.clone();
    let mut order = Vec::new();
    for placed in &found.order {
        let first = found
            .alone
            .iter()
            .find(|(p, _)| p.id == placed.id)
            .map(|(p, _)| p.clone());
        let alone = first.as_ref().and_then(|p| bench.saving(now, &p.draft));
        let mut proposal = first.unwrap_or_else(|| Proposal {
            id: placed.id.clone(),
            candidate: placed.candidate.clone(),
            draft: placed.draft.clone(),
        });
        doubt_on_top(&mut proposal, &placed.candidate);
        let slower = match &alone {
            Some(_) => bench.why_slower(now, &proposal.draft),
            None => bench.why_slower(&before, &placed.draft),
        };
        order.push(Suggestion {
            slower,
            proposal,
            alone,
            on_top: bench.saving(&before, &placed.draft),
            placed: Some((before, placed.draft.clone())),
            why_not: String::new(),
            conditional: None,
        });
        before = placed.draft.clone();
    }
    (order, before)
}

/// What is in doubt where it is made on top of others is told, though it is not where it is made alone.
fn doubt_on_top(proposal: &mut Proposal, placed: &Candidate) {
    let own = &mut proposal.candidate.safety;
    if let (true, Some(doubt)) = (own.is_safe(), placed.safety.doubt()) {
        let doubt = format!("with those before it made, {doubt}");
        *own = Safety::of(own.reasons().to_vec(), vec![doubt]);
    }
}

/// A proposal that pays alone and not on top of the recommended set.
fn instead(bench: &mut Bench<'_>, now: &Draft, proposal: &Proposal) -> Suggestion {
    Suggestion {
        slower: bench.why_slower(now, &proposal.draft),
        proposal: proposal.clone(),
        alone: bench.saving(now, &proposal.draft),
        on_top: None,
        placed: None,
        why_not: "others of the recommended set save the same".to_owned(),
        conditional: None,
    }
}

/// What was assumed on the way to `then`.
fn assumed(view: &View<'_>, bench: &Bench<'_>, then: &Draft) -> Vec<Caveat> {
    let mut caveats = bench.caveats.clone();
    let of_build = &bench.shared.past.of_build;
    let n_bumps = of_build
        .windows(2)
        .filter(|pair| pair[0] != pair[1])
        .count();
    if n_bumps > 0 {
        caveats.push(Caveat::general(format!("Each build has the image tags and the versions in ARG, ENV and commands of its own commit's Dockerfile; they changed in {n_bumps} of these builds.")));
    }
    let lacking = bench.runs.get(then).map(|run| &run.lacking);
    let n_shorter: usize = lacking.iter().flat_map(|l| l.values()).sum();
    let often = lacking.and_then(|l| l.iter().max_by_key(|(_, n)| **n));
    if let Some((source, n)) = often {
        let which = match n_shorter - n {
            0 => source.clone(),
            _ => format!("{source} in {n} of them"),
        };
        caveats.push(Caveat::general(format!("{n_shorter} of these commits lack files that COPY names today ({which}); there they are left out of the COPY.")));
        caveats.extend(without_value(view));
    }
    caveats
}

/// That arguments by which COPY names files have no value.
fn without_value(view: &View<'_>) -> Option<Caveat> {
    let (line, name) = arguments_in_copies(view).into_iter().next()?;
    Some(Caveat::general(format!(
        "Line {line} names files by {name}, which has no value here: give it the one of your builds with --build-arg {name}=VALUE."
    )))
}
