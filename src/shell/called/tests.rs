//! What scripts come to, case by case.

use super::{Called, called, decided, is_script};
use proptest::prelude::*;

fn check(text: &str, args: &str, expected: &str) {
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    let script = called(&Called {
        text,
        zero: "./bin/run",
        args: &args,
        here: "/app",
        read: &|path| (path == "/app/bin/lib.sh").then(|| "L=3\nlib() { lib-cmd $1; }".to_owned()),
    });
    let shown: Vec<String> = script
        .seen()
        .iter()
        .map(|s| {
            let mark = if s.conditional { "?" } else { "" };
            let dir = s.directory.as_deref().unwrap_or("??");
            let set = s.assignments.iter().map(|(n, v)| format!("{n}={v} "));
            let set: String = set.collect();
            let words = s.words.join(" ");
            let dir = if dir.is_empty() {
                String::new()
            } else {
                format!("{dir}: ")
            };
            format!("{mark}{dir}{set}{words}")
        })
        .collect();
    let shown = shown.join(" | ");
    let shown = if script.is_complete {
        shown
    } else {
        "-".to_owned()
    };
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn values_decide_what_is_run() {
    let known = [("E", ""), ("Y", "y")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let known = known.into();
    let check = |text: &str, expected: &str| {
        let script = decided(text, &known);
        let seen = script.seen();
        let shown: Vec<String> = seen.iter().map(|s| s.words.join(" ")).collect();
        assert!(script.is_complete, "{text}");
        assert_eq!(shown.join(" | "), expected, "{text}");
    };
    check("if [ ! -z \"$E\" ]; then yarn add $E; fi; x", "x");
    check("if [ -z \"$E\" ]; then a; else b; fi", "a");
    check("if [ \"$Y\" = y ]; then a; else b; fi", "a");
    check(
        "if [ \"$Y\" = y ] && [ -n \"$E\" ]; then a; else b; fi",
        "b",
    );
    check(
        "if [ \"$Y\" = y ] || [ -n \"$E\" ]; then a; fi",
        "[ y = y ] | [ -n  ] | a",
    );
    check(
        "if [ \"$O\" = y ]; then a; else b; fi",
        "[ $O = y ] | a | b",
    );
    check("if [ -f x ]; then a; fi", "[ -f x ] | a");
    check("if ! [ -n \"$E\" ]; then a; fi", "[ -n  ] | a");
    check("case $Y in y) a;; *) b;; esac", "a");
    check("[ -n \"$E\" ] && a; b", "[ -n  ] | b");
    check("[ -z \"$E\" ] && a; b", "[ -z  ] | a | b");
    check("[ -z \"$E\" ] || a && b", "[ -z  ] | b");
    check("[ -n \"$E\" ] && a && b || c; d", "[ -n  ] | c | d");
    check("[ -z \"$E\" ] && a || c", "[ -z  ] | a | c");
    check("[ -n \"$E\" ] && (a; b); c", "[ -n  ] | c");
    check("! [ -n \"$E\" ] && a", "[ -n  ] | a");
    // Without quotes the word is gone, and `-n` alone is no empty one.
    check("[ -n $E ] && a", "[ -n ] | a");
    check("test -n \"$O\" && a", "test -n $O | a");
}

#[test]
fn functions_stand_where_they_are_called() {
    check("a() { x $1; }\na 1; a 2", "", "x 1 | x 2");
    check(
        "setup() { yarn $*; }\nbuild() { webpack; }\n\"$@\"",
        "setup --pure",
        "yarn --pure",
    );
    check(
        "main() { \"$@\"; }; b() { make \"$1\"; }; main \"$@\"",
        "b x",
        "make x",
    );
    check("a() { b; }; b() { x; }; a || y", "", "x | ?y");
    check("a() { x || return; z; }; y && a", "", "y | x | ?return | z");
    check("a() { x; return; z; }; a; w", "", "x | return | w");
    check("a() { x; exit; z; }; a; w", "", "x | exit");
    check("a() ( cd d; x ); a; w", "", "cd d | d: x | w");
    check("a() { cd d; x; }; a; w", "", "cd d | d: x | d: w");
    check("a() { a; }; a", "", "-");
    check("a() { x; }; a() { y; }; a", "", "-");
    check("if t; then a() { x; }; fi; b", "", "t | b");
    check("for i in 1 2; do f $i; done", "", "?f $(i)");
}

#[test]
fn branches_that_arguments_decide_are_taken() {
    let text = "case \"$1\" in\n a|setup) yarn;;\n b*) make \"$2\" ;;\n *) exit 1;; esac\nw";
    check(text, "setup", "yarn | w");
    check(text, "build all", "make all | w");
    check(text, "other", "exit 1");
    check("case $X in a) b;; esac", "", "?b");
    check("case $1 in a) b;& c) d;; esac", "a", "?b | ?d");
    check(
        "if [ \"$1\" = dev ]; then a; elif [ -z \"$2\" ]; then b; else c; fi; d",
        "x",
        "b | d",
    );
    check("if [ $# -gt 1 ]; then a; else c; fi", "x y", "a");
    check("if [ -f x ]; then a; else b; fi", "", "[ -f x ] | ?a | ?b");
    check("if ! [ $# -gt 1 ]; then a; fi", "x y", "[ 2 -gt 1 ] | ?a");
    check(
        "f() { x; }\nif [[ ${1:-} ]] && declare -F | cut -d' ' -f3 | grep -Fqx -- \"${1:-}\"\nthen \"$@\"; else y; fi",
        "f",
        "x",
    );
    check(
        "while [ $# -gt 0 ]; do case $1 in a) x;; esac; shift; done; y $1",
        "a b",
        "[ 2 -gt 0 ] | ?x | ?shift | y $1",
    );
    check("y || if [ -z \"$1\" ]; then x; fi", "", "y | ?x");
    check(
        "(if [ -z \"$1\" ]; then cd d; x; fi); z",
        "",
        "cd d | d: x | z",
    );
    check(
        "shift; x $1; shift 5; y $1",
        "a b",
        "shift | x b | shift 5 | y $1",
    );
}

#[test]
fn values_that_the_script_sets_are_put_in() {
    check(
        "ROOT=\"$(cd \"$(dirname \"$0\")/..\" && pwd)\"\ncd \"$ROOT/web\"\nyarn",
        "",
        "ROOT=/app  | cd /app/web | /app/web: yarn",
    );
    check(
        "cd \"${0%/*}/..\" && make",
        "",
        "cd ./bin/.. | bin/..: make",
    );
    check("X=$(git log); make $X", "", "X=$(git log)  | make $(X)");
    check(
        "if t; then X=a; fi; make $X $Y",
        "",
        "t | ?X=a  | make $(X) $Y",
    );
    check("F='-a -b'; x $F \"$F\"", "", "F=-a -b  | x -a -b -a -b");
    check(
        "export CGO=0\nX=1 go build",
        "",
        "export CGO=0 | CGO=0 X=1 go build",
    );
    check("awk '{print $1}' $1", "f", "awk {print $1} f");
    check(
        ". \"$(dirname \"$0\")/lib.sh\"; lib $L",
        "",
        "L=3  | lib-cmd 3",
    );
    check(". ./other.sh; lib", "", ". ./other.sh | lib");
}

#[test]
fn scripts_are_known_by_their_first_line() {
    let check = |name: &str, text: &str, want: bool| {
        assert_eq!(is_script(name, text), want, "{name}: {text}");
    };
    check("a", "#!/bin/sh -e\n", true);
    check("a", "#!/usr/bin/env -S bash -x", true);
    check("a.sh", "#!/usr/bin/env python3", false);
    check("a.sh", "#! /usr/bin/fish", false);
    check("a.sh", "ls", true);
    check("a", "ls", false);
    check("a", "#!", false);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_text_does_no_harm(text in "([a-c$(){};|&\"'`\\\\\n é]|a\\(\\) \\{|a; a|\\$\\(a|if |then |fi|case \\$1 in |a\\)|esac|;;|shift|\"\\$@\"){0,60}") {
        let args = ["a".to_owned(), "b".to_owned()];
        called(&Called { text: &text, zero: "a", args: &args, here: "/", read: &|_| Some(text.clone()) }).seen();
    }
}
