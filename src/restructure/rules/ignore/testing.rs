//! Whether the build runs tests: then what they read is read by the build.

use crate::dockerfile::ast::Kind;
use crate::restructure::installs::StageView;
use crate::restructure::layout::{places, reachable};
use crate::restructure::view::View;
use crate::tree::RepoPath;

/// Programs that run tests and do nothing else.
const RUNNERS: [&str; 13] = [
    "busted", "ctest", "jest", "mocha", "nox", "phpunit", "prove", "py.test", "pytest", "rspec",
    "tox", "unittest", "vitest",
];

/// Whether a RUN of the build runs tests, itself or behind a `make` or a script.
pub(super) fn runs_tests(view: &View<'_>) -> bool {
    let all = places(view.dockerfile);
    reachable(view.dockerfile, view.target)
        .into_iter()
        .any(|stage| {
            let of = StageView::new(view, &all, stage);
            let is_run = |i: &usize| matches!(of.stage.instructions[*i].kind, Kind::Run(_));
            let runs = (0..of.stage.instructions.len()).filter(is_run);
            runs.flat_map(|run| of.commands_behind(run))
                .any(|words| is_test(&words))
        })
}

fn is_test(words: &[String]) -> bool {
    let name = words.first().map_or("", String::as_str);
    let name = name.rsplit('/').next().unwrap_or(name);
    let mut plain = words.iter().skip(1).filter(|w| !w.starts_with('-'));
    let verb = plain.next().map_or("", String::as_str);
    let says = |list: &[&str]| words.iter().skip(1).any(|w| list.contains(&w.as_str()));
    match name {
        "go" | "cargo" | "mix" | "dotnet" | "stack" | "cabal" | "dune" => {
            matches!(verb, "test" | "nextest" | "runtest")
        }
        "npm" | "yarn" | "pnpm" | "bun" => {
            let script = plain.next().map_or("", String::as_str);
            verb == "test" || (verb == "run" && script.starts_with("test"))
        }
        // The phases of Maven behind the tests run them too, but are asked for to build; what is in the way is switched off.
        "mvn" | "mvnw" | "gradle" | "gradlew" | "sbt" => says(&["test", "check"]),
        "make" | "gmake" | "rake" | "ninja" => says(&["test", "tests", "check", "spec"]),
        _ => RUNNERS.contains(&name),
    }
}

/// Whether a file is part of tests, by its path.
pub(super) fn is_of_tests(path: &RepoPath) -> bool {
    let text = path.to_string().to_lowercase();
    text.contains("test") || text.contains("spec")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_from_builds() {
        let check = |line: &str, want: bool| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(is_test(&words), want, "{line}");
        };
        check("go test ./...", true);
        check("go build ./test", false);
        check("make -j8 check", true);
        check("make build", false);
        check("npm run test:unit", true);
        check("npm run build", false);
        check("vendor/bin/phpunit", true);
        check("./mvnw -B test", true);
        check("mvn package", false);
    }
}
