//! Builds that pass arguments which no build of the history is known to pass.

use super::answer::Condition;
use crate::dockerfile::ast::Instruction;
use crate::history::BuildInput;
use crate::restructure::View;
use crate::restructure::passed::{Values, default, passed, passed_by};
use crate::restructure::rules::OF_TARGET;
use crate::restructure::search::Proposal;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// The builds as they would be if each passed its own value of the arguments that a proposal sets later, or if each commit
/// was built with the values that the repository's files pass, and the condition in words; `None` for other proposals, and
/// for arguments whose values are known.
pub(super) fn passing(
    view: &View<'_>,
    inputs: &[BuildInput],
    proposal: &Proposal,
) -> Option<(Condition, Vec<BuildInput>)> {
    let arguments: BTreeSet<&str> = view
        .dockerfile
        .instructions()
        .flat_map(Instruction::arguments)
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
    if let [name] = names.as_slice()
        && let Some((values, by)) = in_turn(view, name)
    {
        let inputs = each_with(inputs, name, &values);
        let name = name.clone();
        return Some((Condition::InTurn { name, values, by }, inputs));
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

/// The values with which a file of the tree builds the same image, and that file; `None` unless there are several.
fn in_turn(view: &View<'_>, name: &str) -> Option<(Vec<String>, RepoPath)> {
    let passed = passed(view, name)?;
    let Values::Fixed(values) = passed.values else {
        return None;
    };
    // One that is left out, without a value of its own, is empty.
    let values = values.into_iter().map(|v| {
        v.or(default(view, name).map(str::to_owned))
            .unwrap_or_default()
    });
    let values: BTreeSet<String> = values.take(MOST_VALUES).collect();
    (values.len() > 1).then(|| (values.into_iter().collect(), passed.by))
}

/// So many values are tried in turn.
const MOST_VALUES: usize = 6;

/// Each build once with each value of `name`.
fn each_with(inputs: &[BuildInput], name: &str, values: &[String]) -> Vec<BuildInput> {
    let with = |input: &BuildInput, n: usize| {
        let mut input = input.clone();
        if n > 0 {
            // The tree is that of the build before.
            input.changes.clear();
            input.link_targets.clear();
        }
        let own = input.request.build_args.entry(name.to_owned());
        own.or_insert_with(|| Some(values[n].clone()));
        input
    };
    let of = |input| (0..values.len()).map(move |n| with(input, n));
    inputs.iter().flat_map(of).collect()
}
