//! Whether the build runs tests, or somebody does in the image: then what they read is not to be kept out.

use crate::dockerfile::ast::Kind;
use crate::restructure::installs::StageView;
use crate::restructure::layout::{places, reachable};
use crate::restructure::view::View;
use crate::tree::RepoPath;

/// Programs that run tests and do nothing else.
const RUNNERS: [&str; 15] = [
    "busted",
    "ctest",
    "cucumber",
    "jest",
    "mocha",
    "nox",
    "parallel_rspec",
    "phpunit",
    "prove",
    "py.test",
    "pytest",
    "rspec",
    "tox",
    "unittest",
    "vitest",
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

/// Whether the image is one to run tests in: a script or workflow runs them in a container that gets no files from outside,
/// or the Dockerfile sets it up for them.
pub(super) fn is_for_tests(view: &View<'_>) -> bool {
    let mut steps = view.dockerfile.instructions();
    if steps.any(|i| is_set_up_for_tests(&i.original)) {
        return true;
    }
    let paths = view.files.iter().chain(view.ignored);
    let paths = paths.map(|(path, _)| path).filter(|p| is_of_scripts(p));
    let texts = paths.take(MOST_SCRIPTS).filter_map(|path| {
        let text = (view.read)(path).filter(|t| t.len() <= LARGEST)?;
        Some((path, String::from_utf8_lossy(&text).into_owned()))
    });
    let texts: Vec<(&RepoPath, String)> = texts.collect();
    let is_compose = |path: &RepoPath| path.to_string().contains("compose");
    let gets_files = |(path, text): &(&RepoPath, String)| is_compose(path) && binds(text);
    let composed = !texts.iter().any(gets_files);
    texts
        .iter()
        .any(|(_, text)| tests_in_container(text, composed))
}

/// Whether a compose file gives a service the working copy, or its sources or tests.
fn binds(text: &str) -> bool {
    const SOURCES: [&str; 6] = ["", "app", "lib", "spec", "src", "test"];
    text.lines().any(|line| {
        let line = line.trim().trim_start_matches("- ");
        let said = line.strip_prefix("source:").map(str::trim);
        let from = said.unwrap_or(line).trim_matches(['"', '\'']);
        let from = match from.split_once(":/") {
            Some((from, _)) => from,
            None if said.is_some() => from,
            None => return false,
        };
        let here = ["..", ".", "$PWD", "${PWD}"];
        let mut below = here.iter().filter_map(|h| from.strip_prefix(h));
        below.any(|rest| {
            let rest = rest.strip_prefix('/').unwrap_or(rest);
            SOURCES.contains(&rest.trim_end_matches(['s', '/']))
        })
    })
}

/// So many scripts are looked at, and none larger than so many bytes.
const MOST_SCRIPTS: usize = 400;
const LARGEST: usize = 256 << 10;

/// Whether a file may hold commands that people or machines run around a build.
fn is_of_scripts(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
    let ends: [&[u8]; 4] = [b".yml", b".yaml", b".sh", b".mk"];
    let names: [&[u8]; 5] = [
        b"makefile",
        b"gnumakefile",
        b"jenkinsfile",
        b"justfile",
        b"rakefile",
    ];
    let top = path.names().next().unwrap_or_default();
    let is_program = [&b"bin"[..], b"script", b"scripts", b"ci"].contains(&top);
    ends.iter().any(|e| name.ends_with(e)) || names.contains(&&name[..]) || is_program
}

/// Whether an instruction speaks of an environment for tests: `ENV RAILS_ENV=test`.
fn is_set_up_for_tests(text: &str) -> bool {
    let mut after = text.split("_ENV").skip(1);
    after.any(|rest| {
        let value = rest.trim_start_matches(|c: char| " =\"':-{}".contains(c));
        let end = value.find(|c: char| !c.is_ascii_alphanumeric());
        &value[..end.unwrap_or(value.len())] == "test"
    })
}

/// Whether a text runs tests by `docker run` or `docker exec` and gives its containers no files; by Docker Compose too with
/// `composed`.
fn tests_in_container(text: &str, composed: bool) -> bool {
    let text = text.replace("\\\n", " ");
    let is_run = |line: &&str| {
        let line = line.trim_start();
        let says = |words: &[&str]| words.iter().any(|w| line.contains(w));
        let by_compose = composed && says(&["docker-compose ", "docker compose "]);
        !line.starts_with('#')
            && (says(&["docker run ", "docker exec "]) || by_compose && says(&[" run ", " exec "]))
    };
    let runs = || text.lines().filter(is_run);
    let gets = |line: &str| {
        let flags = [" -v ", " -v=", " --volume", " --mount", "volumes-from"];
        flags.iter().any(|f| line.contains(f))
    };
    runs().any(says_test) && !runs().any(gets)
}

/// Whether one of the commands in a line runs tests, wherever in the line it begins.
fn says_test(line: &str) -> bool {
    let line = line.replace(['"', '\''], " ");
    line.split(['&', '|', ';']).any(|part| {
        let words: Vec<String> = part.split_whitespace().map(str::to_owned).collect();
        let is_bare_rake = words
            .last()
            .is_some_and(|w| w.rsplit('/').next() == Some("rake"));
        is_bare_rake || (0..words.len()).any(|n| is_test(&words[n..]))
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
    fn images_for_tests_are_known() {
        let check =
            |text: &str, want: bool| assert_eq!(tests_in_container(text, true), want, "{text}");
        check(
            "- docker exec test /bin/bash -c \"export A=b && rake\"\n",
            true,
        );
        check("docker run --rm app:1 npm test\n", true);
        check("docker run --rm \\\n  app:1 bundle exec rspec\n", true);
        check("docker run --rm app:1 rake db:setup\n", false);
        check("docker run --rm -v $PWD:/app app:1 npm test\n", false);
        check("# docker run --rm app:1 npm test\n", false);
        check("docker build -t app .\nnpm test\n", false);
        let composed = "docker-compose -p a run --rm app sh -c 'bundle exec rspec'; x\n";
        check(composed, true);
        assert!(!tests_in_container(composed, false));
        check("docker compose up app && npm test\n", false);
        let check = |text: &str, want: bool| assert_eq!(binds(text), want, "{text}");
        check("    volumes:\n      - \".:/app\"\n", true);
        check("    volumes:\n      - ./docker/ci:/config\n", false);
        check("    volumes:\n      - ${PWD}/out:/app/coverage\n", false);
        check("    volumes:\n      - ./tests/:/app/tests\n", true);
        check("        source: .\n        target: /app\n", true);
        check("    build: ./app\n    env_file: .env\n", false);
        check("    volumes:\n      - data:/var/lib\n", false);
        let check = |text: &str, want: bool| assert_eq!(is_set_up_for_tests(text), want, "{text}");
        check("ENV RAILS_ENV=test", true);
        check("ENV RAILS_ENV test", true);
        check("RUN if [ \"$RAILS_ENV\" = \"test\" ]; then x; fi", true);
        check("ENV RAILS_ENV=production", false);
        check("ENV NODE_ENV=testing", false);
    }

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
