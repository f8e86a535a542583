//! Builds that are given what the repository's own files pass anew at each commit.

use super::question::Question;
use crate::caveat::Caveat;
use crate::history::BuildInput;
use crate::restructure::renewed::Renewed;
use std::collections::BTreeSet;

/// The builds, each with a value of its own for these arguments, unless it has one.
pub(super) fn renewing(question: &Question<'_>, renewed: &[Renewed]) -> Vec<BuildInput> {
    let mut inputs = question.inputs.to_vec();
    for input in &mut inputs {
        let value = input.commit.id.to_string();
        for one in renewed {
            let own = input.request.build_args.entry(one.name.clone());
            own.or_insert_with(|| Some(value.clone()));
        }
    }
    inputs
}

/// That they are given so.
pub(super) fn said(renewed: &[Renewed]) -> Option<Caveat> {
    let first = renewed.first()?;
    let names: Vec<&str> = renewed.iter().map(|one| one.name.as_str()).collect();
    let (list, them) = match names.as_slice() {
        [all @ .., last] if !all.is_empty() => (format!("{} and {last}", all.join(", ")), "them"),
        all => (all.join(", "), "it"),
    };
    let files: BTreeSet<String> = renewed.iter().map(|one| one.by.to_string()).collect();
    let files: Vec<String> = files.into_iter().collect();
    Some(Caveat::general(format!(
        "Each build is given its own {list}, as {} passes {them}: where yours do not, say what they pass with --build-arg {}=VALUE.",
        files.join(" or "),
        first.name
    )))
}
