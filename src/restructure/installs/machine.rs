//! Commands of a RUN that only builds for a machine which few have come to.

use crate::shell::{Command, Nesting, Script, Seen};

/// Machines for which most images are built, as `uname -m`, Debian, Alpine and Docker name them.
const COMMON: [&str; 8] = [
    "aarch64",
    "amd64",
    "arm64",
    "linux/amd64",
    "linux/arm64",
    "x64",
    "x86-64",
    "x86_64",
];

/// Others that such questions name.
const OTHERS: [&str; 20] = [
    "arm",
    "armel",
    "armhf",
    "armv6",
    "armv6l",
    "armv7",
    "armv7l",
    "i386",
    "i686",
    "linux/386",
    "linux/arm",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/ppc64le",
    "linux/s390x",
    "mips64le",
    "ppc64el",
    "ppc64le",
    "riscv64",
    "s390x",
];

/// Whether `seen` stands in the branch of an `if` that asks for a machine other than the common ones.
pub(super) fn is_for_another_machine(script: &Script, seen: &Seen) -> bool {
    let Some((id, n)) = seen.branch else {
        return false;
    };
    let Some(asked) = n.checked_sub(1) else {
        return false;
    };
    let is_condition = |c: &&Command| {
        c.branch == Some((id, asked)) && c.nesting.last() == Some(&Nesting::Condition)
    };
    let mut conditions = script.commands.iter().filter(is_condition);
    match (conditions.next(), conditions.next()) {
        (Some(only), None) => asks_for_another(only),
        _ => false,
    }
}

/// Whether a command is `[ "$(uname -m)" = "armv7l" ]` or the like.
fn asks_for_another(condition: &Command) -> bool {
    let words: Vec<&str> = condition.words.iter().map(|w| w.text.as_str()).collect();
    let (left, right) = match words.as_slice() {
        ["[", left, "=" | "==", right, "]"]
        | ["[[", left, "=" | "==", right, "]]"]
        | ["test", left, "=" | "==", right] => (*left, *right),
        _ => return false,
    };
    let is_machine = |w: &str| {
        [
            "uname -m",
            "TARGETARCH",
            "TARGETPLATFORM",
            "print-arch",
            "$(arch)",
        ]
        .iter()
        .any(|m| w.contains(m))
    };
    let value = match (is_machine(left), is_machine(right)) {
        (true, false) => right,
        (false, true) => left,
        _ => return false,
    };
    OTHERS.contains(&value) && !COMMON.contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn a_branch_for_a_rare_machine_is_told() {
        let check = |text: &str, expected: bool| {
            let script = shell::parse(text);
            let seen = script.seen();
            let npm = seen.iter().find(|s| s.name() == "npm").unwrap();
            assert_eq!(is_for_another_machine(&script, npm), expected, "{text}");
        };
        check(
            "if [ \"$(uname -m)\" = \"armv7l\" ]; then npm i a; fi",
            true,
        );
        check(
            "if [ $TARGETARCH = arm ]; then x; npm i a; else y; fi",
            true,
        );
        check(
            "if [ a = b ]; then x; elif [ s390x = $TARGETARCH ]; then npm i; fi",
            true,
        );
        check("if [ $TARGETARCH = arm ]; then x; else npm i a; fi", false);
        check(
            "if [ \"$(uname -m)\" = \"x86_64\" ]; then npm i a; fi",
            false,
        );
        check(
            "if [ \"$(uname -m)\" != \"armv7l\" ]; then npm i a; fi",
            false,
        );
        check("if [ $MODE = arm ]; then npm i a; fi", false);
        check("if [ $TARGETARCH = arm ] || y; then npm i a; fi", false);
        check("npm i a", false);
    }
}
