//! What a proposal to set arguments later saves if builds passed them.

use super::answer::IfPassed;
use super::bench::Bench;
use super::question::Shared;
use super::run::Run;
use super::saving::signed;
use crate::dockerfile::ast::Kind;
use crate::history::BuildInput;
use crate::restructure::View;
use crate::restructure::passed::passed_by;
use crate::restructure::rules::OF_TARGET;
use crate::restructure::search::{Draft, Proposal};
use std::collections::BTreeSet;

/// How many builds are replayed with arguments that they do not pass: the graph is another one in each.
const MAX_PASSING: usize = 60;

/// What a proposal to set arguments later saves on top of `before` if each build passed its own value; `None` for
/// other proposals, and for arguments whose values are known.
pub(super) fn if_passed(
    view: &View<'_>,
    bench: &Bench<'_>,
    before: &Draft,
    proposal: &Proposal,
) -> Option<IfPassed> {
    let arguments: BTreeSet<&str> = view
        .dockerfile
        .instructions()
        .filter_map(|i| match &i.kind {
            Kind::Arg(items) => Some(items),
            _ => None,
        })
        .flatten()
        .map(|item| item.name.as_str())
        .collect();
    let is_open = |name: &&String| {
        arguments.contains(name.as_str())
            && !OF_TARGET.contains(&name.as_str())
            && view.build_args.iter().all(|(n, _)| n != *name)
    };
    let names: Vec<String> = proposal
        .candidate
        .unread
        .iter()
        .filter(is_open)
        .cloned()
        .collect();
    if names.is_empty() {
        return None;
    }
    let mut inputs: Vec<BuildInput> = bench
        .shared
        .inputs
        .iter()
        .take(MAX_PASSING)
        .cloned()
        .collect();
    for input in &mut inputs {
        let value = input.commit.id.to_string();
        for name in &names {
            let own = input.request.build_args.entry(name.clone());
            own.or_insert_with(|| Some(value.clone()));
        }
    }
    let passing = Shared {
        inputs: &inputs,
        ..bench.shared
    };
    let run = |draft: &Draft| Run::of(passing, bench.filtered.filters(&draft.dockerfile), draft);
    let (old, new) = (run(before), run(&proposal.draft));
    let pairs: Vec<(i64, i64)> = (0..old.patterns.len())
        .filter_map(|b| Some((signed(old.wall(b)?), signed(new.wall(b)?))))
        .collect();
    let mean = |of: fn(&(i64, i64)) -> i64| {
        pairs.iter().map(of).sum::<i64>() / signed(pairs.len() as u64).max(1)
    };
    Some(IfPassed {
        by: names.iter().find_map(|name| passed_by(view, name)),
        names,
        rebuild: mean(|(old, _)| *old),
        per_build: mean(|(old, new)| old - new),
    })
}
