//! Which way a choice of a script goes, where its arguments and what it sets itself say so.

use super::super::command::Asked;
use super::super::command::Choice;
use super::super::command::Command;
use super::super::command::Connector;
use super::super::command::Nesting;
use super::super::command::Word;
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

/// Whether all of `value` fits a pattern with `*` and `?` (`[` is taken as it is).
pub fn fits(value: &str, pattern: &str) -> bool {
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
    // What `!` turns round is not told, but within a test.
    let is_turned = |word: &&str| *word == "!";
    let words = script.commands.iter().flat_map(|c| &c.words);
    let n_told = words.filter(|w| is_turned(&w.text.as_str())).count();
    let is_told = written.split_whitespace().filter(is_turned).count() == n_told;
    if !is_read || !is_told || written.trim_start().starts_with('!') {
        return None;
    }
    let all = script.commands.as_slice();
    let are_tests =
        all.iter().all(is_test) && all.iter().skip(1).all(|c| c.connector == Connector::And);
    match are_tests {
        true => both(all.iter().map(|one| tested(one, values))),
        false => asks_for_function(all, values, is_function),
    }
}

/// Whether all of these hold; `None` where that is not known.
fn both(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let all: Vec<Option<bool>> = all.collect();
    match all.contains(&Some(false)) {
        true => Some(false),
        false => all.into_iter().collect::<Option<Vec<bool>>>().map(|_| true),
    }
}

/// Whether a command is `[ … ]`.
pub(super) fn is_test(command: &Command) -> bool {
    matches!(command.name(), "[" | "[[" | "test")
}

/// What `[ … ]` says.
pub(super) fn tested(command: &Command, values: &Values) -> Option<bool> {
    let words = command.words.iter().skip(1);
    let words = words.filter(|w| !matches!(w.text.as_str(), "]" | "]]"));
    let known: Option<Vec<(&Word, String)>> = words
        .map(|w| values.known(&w.text).map(|value| (w, value)))
        .collect();
    // Of nothing without quotes no word is left, but in `[[`.
    let is_left = |w: &Word, value: &str| w.quoted || !value.is_empty() || command.name() == "[[";
    let known = known?;
    let words = known.iter().filter(|(w, value)| is_left(w, value));
    let words: Vec<&str> = words.map(|(_, value)| value.as_str()).collect();
    match words.as_slice() {
        ["!", rest @ ..] => Some(!said(rest)?),
        all => said(all),
    }
}

/// What the words of a test come to.
fn said(words: &[&str]) -> Option<bool> {
    Some(match words {
        ["-z", word] => word.is_empty(),
        ["-n", word] => !word.is_empty(),
        [] => false,
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
