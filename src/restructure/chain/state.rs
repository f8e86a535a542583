//! What a part of a chain leaves in the shell for those after it.

use super::super::command::OF_THE_SHELL;
use crate::shell::{Command, Nesting};
use std::collections::BTreeSet;

/// What a part of a chain is to the shell that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `cd DIR`.
    Cd {
        /// Whether it says from the root where it goes.
        absolute: bool,
    },
    /// `set -ex`.
    Set,
    /// `NAME=value`, `export NAME=value`.
    Value {
        names: BTreeSet<String>,
        exported: bool,
        /// Whether a command is run for it: another time it may be another value.
        asks: bool,
    },
    /// Anything that leaves only files.
    Work,
    /// What leaves more than is followed here, or may end the text.
    Closed,
}

/// What the part that consists of `commands` is.
pub(super) fn kind_of(commands: &[Command]) -> Kind {
    match commands {
        [one] if one.nesting.is_empty() && one.redirections.is_empty() => {
            simple(one).unwrap_or_else(|| among(commands))
        }
        _ => among(commands),
    }
}

fn simple(command: &Command) -> Option<Kind> {
    let args = command.args();
    let asks = |text: &str| text.contains("$(") || text.contains('`');
    let is_bare = command.assignments.is_empty();
    match (command.name(), args.as_slice()) {
        ("cd", [to]) if is_bare && !to.starts_with(['-', '~', '$', '`']) => Some(Kind::Cd {
            absolute: to.starts_with('/'),
        }),
        ("set", [_, ..]) if is_bare => Some(Kind::Set),
        ("export", [_, ..]) if is_bare && args.iter().all(|a| !a.starts_with('-')) => {
            let named = args.iter().map(|a| a.split('=').next().unwrap_or(a));
            Some(Kind::Value {
                names: named.map(str::to_owned).collect(),
                exported: true,
                asks: args.iter().any(|a| asks(a)),
            })
        }
        ("", []) if !is_bare => Some(Kind::Value {
            names: command.assignments.iter().map(|a| a.name.clone()).collect(),
            exported: false,
            asks: command.assignments.iter().any(|a| asks(&a.value)),
        }),
        _ => None,
    }
}

fn among(commands: &[Command]) -> Kind {
    let leaves = |command: &Command| {
        let is_apart = command.nesting.contains(&Nesting::Subshell);
        let name = command.words.first().map_or("", |w| w.text.as_str());
        let fails = || {
            command
                .args()
                .first()
                .is_some_and(|n| *n != "0" && !n.contains('$'))
        };
        let sets = command.words.is_empty() && !command.assignments.is_empty();
        let is_of_the_shell = OF_THE_SHELL.contains(&name) || sets || name == "exit" && !fails();
        command.nesting.contains(&Nesting::Function) || is_of_the_shell && !is_apart
    };
    if commands.iter().any(leaves) {
        Kind::Closed
    } else {
        Kind::Work
    }
}

/// The names of the variables that a part leaves set, where it leaves nothing else in the shell and does not end it.
pub(super) fn names_left(commands: &[Command]) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for command in commands {
        let is_apart = command.nesting.contains(&Nesting::Subshell);
        if command.nesting.contains(&Nesting::Function) {
            return None;
        }
        // The variable of a loop holds after it.
        names.extend(command.over.first().map(|w| w.text.clone()));
        // `: ${A:=1}`
        if command.words.iter().any(|w| w.text.contains(":=")) {
            return None;
        }
        if command.words.is_empty() && !is_apart {
            names.extend(command.assignments.iter().map(|a| a.name.clone()));
            continue;
        }
        if among(std::slice::from_ref(command)) == Kind::Closed {
            return None;
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_shell_keeps_is_told_from_work() {
        let check = |text: &str, want: &str| {
            let script = crate::shell::parse(text);
            let kind = match kind_of(&script.commands) {
                Kind::Cd { absolute: true } => "to a place",
                Kind::Cd { absolute: false } => "down",
                Kind::Set => "set",
                Kind::Value { asks: true, .. } => "asked",
                Kind::Value { exported: true, .. } => "exported",
                Kind::Value { .. } => "value",
                Kind::Work => "work",
                Kind::Closed => "closed",
            };
            assert_eq!(kind, want, "{text}");
        };
        check("cd /a", "to a place");
        check("cd a", "down");
        check("cd -", "closed");
        check("cd", "closed");
        check("set -ex", "set");
        check("A=1", "value");
        check("A=$(curl https://x)", "asked");
        check("export A=1", "exported");
        check("A=1 make", "work");
        check(". ./env", "closed");
        check("umask 022", "closed");
        check("(cd a && make)", "work");
        check("{ cd a; make; }", "closed");
        check("f() { make; }", "closed");
        check("exit 0", "closed");
        check("test -f a || exit 1", "work");
        check("for i in a b; do echo $i; done", "work");
    }
}
