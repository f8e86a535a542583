//! The values of the variables by which a RUN chooses what it runs: what it passes over takes no time.

use crate::graph::{Definition, Step};
use std::collections::BTreeMap;

/// What a text that chooses has in it.
const CHOICES: [&str; 5] = ["if ", "case ", "[ ", "[[ ", "test "];

/// The values of the variables that a RUN which chooses names, as far as the Dockerfile and the build's arguments tell
/// them. An ARG without a value is empty: that the base image sets it is rare.
pub(super) fn known(step: &Step) -> BTreeMap<String, String> {
    let text = &step.command;
    let mut found = BTreeMap::new();
    let Definition::Run(run) = &step.definition else {
        return found;
    };
    if !text.contains('$') || !CHOICES.iter().any(|c| text.contains(c)) {
        return found;
    }
    let names = text.split('$').skip(1).filter_map(name);
    for name in names {
        let mut declared = run.before.args.iter();
        let value = match run.before.env.get(name) {
            Some(value) => Some(value),
            None => declared.any(|(n, _)| n == name).then_some(""),
        };
        found.extend(value.map(|v| (name.to_owned(), v.to_owned())));
    }
    found
}

/// The name that an expansion begins with, behind its `$`.
fn name(text: &str) -> Option<&str> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text.get(..end).filter(|name| !name.is_empty())
}
