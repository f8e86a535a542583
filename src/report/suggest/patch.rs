//! Proposals as a patch for `git apply`.

use crate::dockerfile::edit::unified_diff;
use crate::restructure::search::Draft;
use crate::suggest::Suggestions;
use std::io;

/// The patch from one draft to another, for `git apply`; empty when nothing differs.
pub fn patch(suggestions: &Suggestions, old: &Draft, new: &Draft) -> String {
    let dockerfile = unified_diff(
        &suggestions.dockerfile.to_string(),
        Some(&old.dockerfile),
        &new.dockerfile,
    );
    let ignore = match &new.ignore {
        Some(text) => unified_diff(&suggestions.ignore.to_string(), old.ignore.as_deref(), text),
        None => String::new(),
    };
    dockerfile + &ignore
}

/// Writes the recommended set as one patch.
pub fn write_patch(suggestions: &Suggestions, sink: &mut dyn io::Write) -> io::Result<()> {
    sink.write_all(patch(suggestions, &suggestions.now, &suggestions.then).as_bytes())
}
