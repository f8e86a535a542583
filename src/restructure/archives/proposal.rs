//! The candidates: which RUNs get which mounts, and what is to be said of it.

use super::super::candidate::{Candidate, Safety};
use super::super::layout::{built_on, places, reachable};
use super::super::lift::declare;
use super::super::mounts::kept::why_taken_out;
use super::super::view::View;
use super::family::{Family, Kept};
use super::{apk, apt, dnf};

/// Every system package manager's candidates for `rule`.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let places = places(view.dockerfile);
    let needed = reachable(view.dockerfile, view.target);
    let root = |stage: usize| built_on(view.dockerfile, stage).last().unwrap_or(stage);
    let mut found = Vec::new();
    for &first in needed.iter().filter(|s| root(**s) == **s) {
        let family = Family {
            view,
            stages: needed
                .iter()
                .copied()
                .filter(|s| root(*s) == first)
                .collect(),
            places: &places,
        };
        let all = [apt::kept(&family), apk::kept(&family), dnf::kept(&family)];
        let all = all.into_iter().flatten();
        found.extend(all.filter_map(|kept| candidate(view, rule, kept)));
    }
    found
}

fn candidate(view: &View<'_>, rule: &'static str, kept: Kept<'_>) -> Option<Candidate> {
    let Kept { name, targets, .. } = kept;
    let lines: Vec<String> = kept.lines.iter().map(|l| l.first.to_string()).collect();
    let many = |n: usize| if n == 1 { "" } else { "s" };
    let n_lines = lines.len();
    let mut candidate = Candidate::new(
        rule,
        format!(
            "keep {name}'s downloads in {} (line{} {})",
            if targets.len() == 1 {
                "a cache mount"
            } else {
                "cache mounts"
            },
            many(n_lines),
            lines.join(", ")
        ),
    );
    candidate.edits = kept.edits;
    candidate.lines = kept.lines;
    candidate.rationale = format!(
        "When line {} must run again, {name} downloads every package anew; {} at {} keep{} what it had. {} It helps only where the builder's own state survives.",
        lines.first()?,
        if targets.len() == 1 {
            "a cache mount"
        } else {
            "cache mounts"
        },
        targets.join(" and "),
        if targets.len() == 1 { "s" } else { "" },
        kept.still,
    );
    let mut reasons = kept.reasons;
    reasons.extend(why_taken_out(kept.taken_out));
    let mut doubts: Vec<String> = Vec::new();
    for doubt in kept.doubts {
        if !doubts.contains(&doubt) {
            doubts.push(doubt);
        }
    }
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}
