//! Which way a choice of a script goes, where its arguments and what it sets itself say so.

use super::super::command::Asked;
use super::super::command::Choice;
use super::super::command::Command;
use super::super::command::Nesting;
use super::super::parse::parse_part;
use super::values::Values;
use crate::dockerfile::Span;

/// Programs by which a script asks whether one of its functions has a name, and those that filter what they say.
const OF_NAMES: &[&str] = &[
    "[", "[[", "awk", "compgen", "cut", "declare", "grep", "sed", "test", "tr", "type", "typeset",
];

/// The body of the arm that `choice` of `text` takes; `Some(None)` where it takes none, `None` where that is not known.
pub(super) fn decided(
    choice: &Choice,
    text: &str,
    values: &Values,
    is_function: &dyn Fn(&str) -> bool,
) -> Option<Option<Span>> {
    if choice.falls {
        return None;
    }
    for arm in &choice.arms {
        let is_taken = match &arm.asked {
            Asked::Else => true,
            Asked::Patterns(patterns) => is_like(&values.known(&choice.over)?, patterns)?,
            Asked::Condition(span) => holds(text, *span, values, is_function)?,
        };
        if is_taken {
            return Some(Some(arm.body));
        }
    }
    Some(None)
}

/// Whether `value` is like one of the patterns of a `case`.
fn is_like(value: &str, patterns: &[String]) -> Option<bool> {
    for pattern in patterns {
        if pattern.contains(['$', '`', '[', '\\']) {
            return None;
        }
        if fits(value, pattern) {
            return Some(true);
        }
    }
    Some(false)
}

/// Whether all of `value` fits a pattern with `*` and `?`.
fn fits(value: &str, pattern: &str) -> bool {
    let (value, pattern): (Vec<char>, Vec<char>) =
        (value.chars().collect(), pattern.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where the last `*` stands, and what it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while at < value.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of, at));
                of += 1;
            }
            Some(c) if *c == '?' || *c == value[at] => {
                (at, of) = (at + 1, of + 1);
            }
            _ => {
                let Some((n, taken)) = star else {
                    return false;
                };
                star = Some((n, taken + 1));
                (at, of) = (taken + 1, n + 1);
            }
        }
    }
    pattern[of..].iter().all(|c| *c == '*')
}

/// Whether the condition that stands at `span` holds.
fn holds(
    text: &str,
    span: Span,
    values: &Values,
    is_function: &dyn Fn(&str) -> bool,
) -> Option<bool> {
    let written = text.get(span.range())?;
    let script = parse_part(text, span);
    let is_plain = |c: &Command| c.nesting.is_empty() && c.assignments.is_empty();
    let is_read = script.is_complete && script.commands.iter().all(is_plain);
    // What `!` turns round is not told.
    if !is_read || written.trim_start().starts_with('!') || written.contains(" ! ") {
        return None;
    }
    match script.commands.as_slice() {
        [one] if matches!(one.name(), "[" | "[[" | "test") => tested(one, values),
        all => asks_for_function(all, values, is_function),
    }
}

/// What `[ … ]` says.
fn tested(command: &Command, values: &Values) -> Option<bool> {
    let words = command.words.iter().skip(1);
    let words = words.filter(|w| !matches!(w.text.as_str(), "]" | "]]"));
    let words: Option<Vec<String>> = words.map(|w| values.known(&w.text)).collect();
    let words = words?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Some(match words.as_slice() {
        ["-z", word] => word.is_empty(),
        ["-n", word] => !word.is_empty(),
        [word] => !word.is_empty(),
        [left, "=" | "==", right] if !right.contains(['*', '?', '[']) => left == right,
        [left, "!=", right] if !right.contains(['*', '?', '[']) => left != right,
        [left, operator, right] => {
            let (left, right): (u64, u64) = (left.parse().ok()?, right.parse().ok()?);
            match *operator {
                "-eq" => left == right,
                "-ne" => left != right,
                "-lt" => left < right,
                "-le" => left <= right,
                "-gt" => left > right,
                "-ge" => left >= right,
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// Whether commands do nothing but ask whether the script's first argument is one of its functions, and it is.
fn asks_for_function(
    commands: &[Command],
    values: &Values,
    is_function: &dyn Fn(&str) -> bool,
) -> Option<bool> {
    let first = values.args.as_ref()?.first()?;
    let of_names = |c: &Command| OF_NAMES.contains(&c.name());
    let asks = |c: &Command| {
        let args = c.args();
        match c.name() {
            "declare" | "typeset" => args.iter().any(|a| matches!(*a, "-F" | "-f")),
            "type" => true,
            "compgen" => args.contains(&"function"),
            _ => false,
        }
    };
    let names_it = |c: &Command| {
        let mut words = c.words.iter();
        words.any(|w| w.expands && values.known(&w.text).as_ref() == Some(first))
    };
    let is_it = is_function(first)
        && commands.iter().all(of_names)
        && commands.iter().any(asks)
        && commands.iter().any(names_it)
        && commands
            .iter()
            .all(|c| !c.nesting.contains(&Nesting::Function));
    is_it.then_some(true)
}
