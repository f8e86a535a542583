//! Builds that are given what the repository's own files pass anew at each commit.

use super::question::Question;
use crate::history::BuildInput;
use crate::restructure::renewed::Renewed;

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
