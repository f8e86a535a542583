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
    let values = Values {
        zero: script.zero.to_owned(),
        args: Some(script.args.to_vec()),
        here: Some(script.here.to_owned()),
        ..Values::default()
    };
    followed(script.text, values, script.read)
}

/// The commands that a text runs where variables have these values: no branch that is not taken is among them, where what
/// decides is known. As with [`called`].
pub fn decided(text: &str, known: &BTreeMap<String, String>) -> Script {
    let known = known.iter();
    let values = Values {
        set: known.map(|(n, v)| (n.clone(), Some(v.clone()))).collect(),
        ..Values::default()
    };
    followed(text, values, &|_| None)
}

fn followed(text: &str, values: Values, read: &dyn Fn(&str) -> Option<String>) -> Script {
    let mut run = Run {
        values,
        read,
        functions: BTreeMap::new(),
        exported: BTreeSet::new(),
        n_read: 0,
        n_branches: 0,
        found: Script {
            is_complete: true,
            ..Script::default()
        },
    };
    let text: Rc<str> = text.into();
    let whole = Span::new(0, text.len());
    run.body(&Part { text, span: whole }, &Place::default(), 0);
    run.found
}
