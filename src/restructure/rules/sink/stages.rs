//! The same values, sunk in all stages that set them: where stages are built side by side, one of them alone saves little.

use crate::restructure::candidate::{Candidate, Safety};
use std::collections::BTreeSet;

/// What is sunk in one stage.
pub(super) struct Sinking {
    /// By its index in the Dockerfile.
    pub(super) stage: usize,
    /// How the values come to differ; `None` for those that have to be weighed stage by stage.
    pub(super) how: Option<&'static str>,
    /// The variables.
    pub(super) names: BTreeSet<String>,
    /// The first line that goes down.
    pub(super) line: usize,
    pub(super) candidate: Candidate,
}

/// The candidates, those of several stages that share a variable as one.
pub(super) fn at_once(all: Vec<Sinking>) -> Vec<Candidate> {
    let mut joined: Vec<Vec<Sinking>> = Vec::new();
    for one in all {
        let fits = |others: &&mut Vec<Sinking>| {
            let is_free = others.iter().all(|o| o.stage != one.stage);
            is_free && others.iter().any(|o| is_same(o, &one))
        };
        match joined.iter_mut().find(fits) {
            Some(others) => others.push(one),
            None => joined.push(vec![one]),
        }
    }
    joined.into_iter().filter_map(candidate).collect()
}

/// Whether two go together: by a variable, how it differs, and whether it was shown that no step reads it.
fn is_same(one: &Sinking, other: &Sinking) -> bool {
    one.how.is_some()
        && one.how == other.how
        && one.candidate.safety.is_safe() == other.candidate.safety.is_safe()
        && !one.names.is_disjoint(&other.names)
}

fn candidate(of: Vec<Sinking>) -> Option<Candidate> {
    let lines: Vec<String> = of.iter().map(|s| s.line.to_string()).collect();
    let names: BTreeSet<String> = of.iter().flat_map(|s| s.names.clone()).collect();
    let n_stages = of.len();
    let mut all = of.into_iter().map(|s| s.candidate);
    let mut first = all.next()?;
    if n_stages == 1 {
        return Some(first);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    first.title = format!(
        "set {} (lines {}) in each of {n_stages} stages below what does not read {}",
        names.join(", "),
        lines.join(", "),
        if names.len() > 1 { "them" } else { "it" },
    );
    let mut reasons = first.safety.reasons().to_vec();
    let mut doubts: Vec<String> = first
        .safety
        .doubt()
        .map(str::to_owned)
        .into_iter()
        .collect();
    for other in all {
        first.edits.extend(other.edits);
        first.lines.extend(other.lines);
        for name in other.unread {
            if !first.unread.contains(&name) {
                first.unread.push(name);
            }
        }
        for reason in other.safety.reasons() {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        doubts.extend(other.safety.doubt().map(str::to_owned));
    }
    first.safety = Safety::of(reasons, doubts);
    Some(first)
}
