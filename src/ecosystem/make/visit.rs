//! The commands that a target of a Makefile comes to.

use super::super::made::{Made, is_bare, place};
use super::goal::goals_of;
use super::makefile::Makefile;
use crate::shell;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Targets looked at for one command.
pub(super) const MOST_TARGETS: usize = 64;

impl Makefile {
    /// The commands of what `goal` needs and of its own recipe.
    pub(super) fn visit(&self, goal: &str, visited: &mut BTreeSet<String>, found: &mut Vec<Made>) {
        if visited.len() >= MOST_TARGETS || !visited.insert(goal.to_owned()) {
            return;
        }
        let Some(rule) = self.rules.get(goal) else {
            return;
        };
        for needed in &rule.prerequisites {
            self.visit(needed, visited, found);
        }
        for (line, is_conditional) in &rule.recipe {
            let plain = self.script(line, false).seen();
            let script = self.script(line, true);
            let is_bare = script.is_complete && script.commands.iter().all(is_bare);
            for seen in script.seen() {
                // The same program does the same thing where no variable is looked at.
                let is_said = |p: &Seen| {
                    p.name() == seen.name()
                        && p.subcommand() == seen.subcommand()
                        && p.directory == seen.directory
                };
                let is_plain = !is_conditional && !seen.conditional && plain.iter().any(is_said);
                let n_before = found.len();
                if seen.name() == "make" && !seen.args().iter().any(|a| a.starts_with('-')) {
                    for goal in goals_of(seen.args()) {
                        self.visit(goal, visited, found);
                    }
                }
                for made in &mut found[n_before..] {
                    made.is_plain &= is_plain;
                }
                let place = place(&script, &seen);
                found.push(Made {
                    seen,
                    is_plain,
                    place,
                    is_bare,
                });
            }
        }
    }

    fn script(&self, line: &str, with_values: bool) -> shell::Script {
        let line = self.expanded(line, with_values, 0, &mut 0);
        let line = line.trim_start_matches(['@', '-', '+', ' ', '\t']);
        shell::parse(line)
    }
}

#[cfg(test)]
mod tests {
    use super::super::makefile::Makefile;
    use proptest::prelude::{ProptestConfig, proptest};
    use std::collections::BTreeSet;

    /// The commands that `goal` comes to, those of a make within before it, `?` before those that are not said plainly.
    fn check(text: &str, goal: &str, expected: &str) {
        let mut found = Vec::new();
        Makefile::read(text, None).visit(goal, &mut BTreeSet::new(), &mut found);
        let shown: Vec<String> = found
            .iter()
            .map(|m| {
                let mark = if m.is_plain { "" } else { "?" };
                format!("{mark}{}", m.seen.words.join(" "))
            })
            .collect();
        assert_eq!(shown.join(" | "), expected, "{text}");
    }

    #[test]
    fn the_recipe_of_a_target_and_of_what_it_needs() {
        check(
            "build: gen\n\t@go build ./...\ngen:\n\tgo generate\n",
            "build",
            "go generate | go build ./...",
        );
        check("a: b\nb: a\n\tls\n", "a", "ls");
        check("a:\n\t$(MAKE) b\nb: ; ls\n", "a", "ls | make b");
        check("a:\n\tgo build \\\n\t  -o x .\n", "a", "go build -o x .");
        check("a: X = 1\na:\n\tls\n", "a", "ls");
    }

    #[test]
    fn variables_and_conditions_hide_what_is_run() {
        check(
            "GO ?= go\nF := -v\na:\n\t$(GO) build $(F)\n",
            "a",
            "?go build -v",
        );
        check(
            "F := -v\na:\n\tgo build $(F) $(shell git log)\n",
            "a",
            "go build -v _",
        );
        check(
            "ifdef X\nGO = go\nendif\na:\n\t$(GO) build\n",
            "a",
            "_ build",
        );
        check("a:\nifdef X\n\tgo build\nendif\n", "a", "?go build");
        check(
            "a:\n\tif test -f x; then go build; fi\n",
            "a",
            "test -f x | ?go build",
        );
        check("A = $(A)\na:\n\t$(A)\n", "a", "_");
        // What nothing outside decides hides nothing.
        let m = "O := -B\nM = mvn $(O)\n";
        let recipe = "a:\n\t$(M) package\n";
        check(&format!("{m}{recipe}"), "a", "mvn -B package");
        check(
            &format!("{m}include b.mk\n{recipe}"),
            "a",
            "?mvn -B package",
        );
        check(&format!("{m}O ?= -q\n{recipe}"), "a", "mvn -B package");
        check(&format!("O ?= -q\n{m}{recipe}"), "a", "mvn -B package");
        check(&format!("{m}M += $(P)\n{recipe}"), "a", "mvn -B _ package");
        check(&format!("{m}{recipe}a: M = ls\n"), "a", "?mvn -B package");
        check(
            &format!("{m}{recipe}b:\n\t$(MAKE) a O=-q\n"),
            "a",
            "?mvn -B package",
        );
        check(
            &format!("{m}ifdef X\nO = -q\nendif\n{recipe}"),
            "a",
            "mvn _ package",
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn hostile_text_does_no_harm(text in "([a-c$(){}=:;\\\\\t\n é|%#@]|ifdef |A=\\$\\(A\\)\\$\\(A\\)\n){0,120}") {
            Makefile::read(&text, None).visit("a", &mut BTreeSet::new(), &mut Vec::new());
        }
    }
}
