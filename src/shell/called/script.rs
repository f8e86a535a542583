//! A script with the words that it is called with.

use super::super::command::Script;
use super::place::{Part, Place};
use super::run::Run;
use super::values::Values;
use crate::dockerfile::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A script as it is called.
pub struct Called<'a> {
    /// Its text.
    pub text: &'a str,
    /// The program as written: `./hack/setup.sh`.
    pub zero: &'a str,
    /// The words after it, without expansions that are not known.
    pub args: &'a [String],
    /// Where it runs, absolute.
    pub here: &'a str,
    /// The text of a file that it takes in (`. ./lib.sh`), by absolute path.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

/// Whether a shell runs the file called `name`: its first line says so, or where that says nothing its ending.
pub fn is_script(name: &str, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let Some(line) = first.strip_prefix("#!") else {
        return name.ends_with(".sh") || name.ends_with(".bash");
    };
    let names = line.split_whitespace().map(|w| w.rsplit('/').next());
    let mut programs = names
        .flatten()
        .filter(|n| *n != "env" && !n.starts_with('-'));
    programs
        .next()
        .is_some_and(|n| ["ash", "bash", "dash", "sh"].contains(&n))
}

/// The commands that a script runs, those of its functions in the place of their calls; [`Script::pieces`] are not told.
/// What was not read to its end is not complete.
pub fn called(script: &Called<'_>) -> Script {
    let mut run = Run {
        values: Values {
            zero: script.zero.to_owned(),
            args: Some(script.args.to_vec()),
            here: Some(script.here.to_owned()),
            ..Values::default()
        },
        read: script.read,
        functions: BTreeMap::new(),
        exported: BTreeSet::new(),
        n_read: 0,
        n_branches: 0,
        found: Script {
            is_complete: true,
            ..Script::default()
        },
    };
    let text: Rc<str> = script.text.into();
    let whole = Span::new(0, text.len());
    run.body(&Part { text, span: whole }, &Place::default(), 0);
    run.found
}
