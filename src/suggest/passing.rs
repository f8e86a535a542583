//! Builds that pass arguments which no build of the history is known to pass.

use super::answer::Condition;
use crate::dockerfile::ast::Kind;
use crate::history::BuildInput;
use crate::restructure::View;
use crate::restructure::passed::passed_by;
use crate::restructure::rules::OF_TARGET;
use crate::restructure::search::Proposal;
use std::collections::BTreeSet;

/// The builds as they would be if each passed its own value of the arguments that a proposal sets later, and the
/// condition in words; `None` for other proposals, and for arguments whose values are known.
pub(super) fn passing(
    view: &View<'_>,
    inputs: &[BuildInput],
    proposal: &Proposal,
) -> Option<(Condition, Vec<BuildInput>)> {
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
    let mut inputs = inputs.to_vec();
    for input in &mut inputs {
        let value = input.commit.id.to_string();
        for name in &names {
            let own = input.request.build_args.entry(name.clone());
            own.or_insert_with(|| Some(value.clone()));
        }
    }
    let by = names.iter().find_map(|name| passed_by(view, name));
    Some((Condition::Passed { names, by }, inputs))
}
