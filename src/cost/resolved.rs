//! What a command has left to do once an earlier step has fetched its dependencies, and what it has to do if none has.
//!
//! The rows for build commands are figures of the build proper. Where no earlier step resolves, the build fetches first;
//! where the same resolver has run below, it only looks whether anything is missing.

use super::estimate::Source;
use super::prior;
use super::scale::Scale;
use super::step::Work;
use std::collections::BTreeSet;

/// Builds that fetch first unless it was done: (kind, kinds that do it, a command line of the first of them).
const FETCHES: &[(&str, &[&str], &str)] = &[
    ("dotnet build", &["dotnet restore"], "dotnet restore"),
    ("dotnet publish", &["dotnet restore"], "dotnet restore"),
    ("go build", &["go mod download"], "go mod download"),
    ("mix compile", &["mix deps.compile"], "mix deps.compile"),
    (
        "mix release",
        &["mix deps.compile", "mix compile"],
        "mix deps.compile",
    ),
    (
        "mvn package",
        &["mvn dependency"],
        "mvn dependency:go-offline",
    ),
    ("package build", &["package install"], "shards install"),
];

/// Builds whose figure holds the fetching, whatever they build: (kind, kinds that do it, a command line of the first of
/// them). Where it was done below, its time is taken away.
const HOLDS: &[(&str, &[&str], &str)] = &[
    ("flutter build", &["pub get"], "flutter pub get"),
    ("make", &["go mod download"], "go mod download"),
    ("sbt", &["sbt update"], "sbt update"),
    ("swift build", &["swift resolve"], "swift package resolve"),
];

/// Commands that find most of their work done by an earlier one: (kind, kinds that do it, per cent left). Cargo:
/// LukeMathWalker/cargo-chef's README and its users' logs (77 s to 5 s on a change of source).
const FOUND_DONE: &[(&str, &[&str], u64)] = &[
    ("cargo build", &["cargo build", "cargo chef cook"], 20),
    ("cargo install", &["cargo build", "cargo chef cook"], 20),
    ("composer install", &["composer install"], 15),
    ("conan install", &["conan install"], 10),
    ("deno install", &["deno install"], 15),
    ("dotnet restore", &["dotnet restore"], 15),
    ("go mod download", &["go mod download"], 10),
    ("gradle build", &["gradle dependencies"], 60),
    // Behind it, Cargo builds.
    ("make", &["cargo chef cook"], 20),
    ("mix deps.get", &["mix deps.get"], 15),
    ("mvn dependency", &["mvn dependency"], 15),
    (
        "pip install project",
        &["pip install -r", "pip install project"],
        15,
    ),
    ("pnpm install", &["pnpm install"], 40),
    ("package install", &["package install"], 15),
    ("poetry install", &["poetry install"], 10),
    ("pub get", &["pub get"], 15),
    ("stack build", &["stack build", "stack dependencies"], 30),
    ("uv sync", &["uv sync"], 10),
];

/// Directories that hold all that work of a kind leaves for later steps: a COPY of one brings it to another stage.
const LEFT_IN: &[(&str, &[&str])] = &[
    ("cargo build", &["target"]),
    ("cargo chef cook", &["target"]),
    ("composer install", &["vendor"]),
    ("go mod download", &["go/pkg/mod"]),
    ("mvn dependency", &[".m2", ".m2/repository"]),
    ("poetry install", &[".venv"]),
    ("uv sync", &[".venv"]),
];

/// Whether what work of `kind` leaves is in the directory at `path`, as far as that has its usual name.
pub(super) fn is_left_in(kind: &str, path: &str) -> bool {
    let path = format!("/{}", path.trim_matches('/'));
    let names = LEFT_IN.iter().filter(|(of, _)| *of == kind);
    names
        .flat_map(|(_, names)| *names)
        .any(|name| path.ends_with(&format!("/{name}")))
}

/// The kind, if work of it leaves something for later steps to find.
pub(super) fn fetcher(kind: &str) -> Option<&'static str> {
    let fetches = FETCHES.iter().chain(HOLDS).flat_map(|f| f.1);
    let found = FOUND_DONE.iter().flat_map(|f| f.1);
    fetches.chain(found).copied().find(|k| *k == kind)
}

/// Whether a piece of work finds most of what it does done by a step below.
pub(super) fn finds_done(work: &Work, below: &BTreeSet<&'static str>) -> bool {
    let row = FOUND_DONE.iter().find(|f| f.0 == work.key);
    row.is_some_and(|row| row.1.iter().any(|kind| below.contains(kind)))
}

/// The pieces of work of a step, given the kinds of what it is built on, as far as they leave something to find.
pub(super) fn adjusted(
    work: Vec<Work>,
    below: &BTreeSet<&'static str>,
    scale: &Scale,
) -> Vec<Work> {
    let mut done = below.clone();
    let mut adjusted = Vec::with_capacity(work.len());
    for mut piece in work {
        // What is in the tree is not fetched, and nothing is saved by having done so.
        let is_vendored = |kinds: &[&str]| scale.is_go_vendored && kinds == ["go mod download"];
        let is_done = |kinds: &[&str]| kinds.iter().any(|k| done.contains(k));
        if matches!(piece.estimate.source, Source::Estimated { .. }) {
            let fetch = FETCHES.iter().find(|f| f.0 == piece.key && !is_done(f.1));
            let fetch = fetch.filter(|f| !is_vendored(f.1));
            let held = HOLDS.iter().find(|h| h.0 == piece.key && is_done(h.1));
            let held = held.filter(|h| !is_vendored(h.1));
            let found = FOUND_DONE.iter().find(|f| f.0 == piece.key && is_done(f.1));
            if let Some((_, kinds, line)) = fetch {
                let parts = prior::parts(line, scale).into_iter();
                adjusted.extend(parts.map(|p| Work {
                    key: p.kind.to_owned(),
                    estimate: p.estimate,
                }));
                done.extend(kinds.iter());
            }
            if let Some((_, _, line)) = held {
                let fetching = prior::parts(line, scale).into_iter();
                let less: u64 = fetching.map(|p| p.estimate.median_ms).sum();
                let all = piece.estimate.median_ms.max(1);
                let left = all.saturating_sub(less) as f64 / all as f64;
                piece.estimate = piece.estimate.scaled(left.max(0.1));
            }
            if let Some((_, _, percent)) = found {
                piece.estimate = piece.estimate.scaled(*percent as f64 / 100.0);
            }
        }
        done.extend(fetcher(&piece.key));
        adjusted.push(piece);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Median milliseconds of `command` on top of steps of the kinds `below`.
    fn ms(command: &str, below: &[&str]) -> u64 {
        ms_in(&Scale::default(), command, below)
    }

    fn ms_in(scale: &Scale, command: &str, below: &[&str]) -> u64 {
        let parts = prior::parts(command, scale).into_iter();
        let work = parts
            .map(|p| Work {
                key: p.kind.to_owned(),
                estimate: p.estimate,
            })
            .collect();
        let below = below.iter().filter_map(|k| fetcher(k)).collect();
        adjusted(work, &below, scale)
            .iter()
            .map(|w| w.estimate.median_ms)
            .sum()
    }

    #[test]
    fn a_download_saves_nothing_where_the_modules_are_in_the_tree() {
        let scale = Scale {
            is_go_vendored: true,
            ..Scale::default()
        };
        for build in ["go build ./...", "make build"] {
            let (alone, after) = (
                ms_in(&scale, build, &[]),
                ms_in(&scale, build, &["go mod download"]),
            );
            assert_eq!(alone, after, "{build}");
            assert!(ms(build, &[]) > ms(build, &["go mod download"]), "{build}");
        }
    }

    #[test]
    fn what_was_fetched_below_is_not_fetched_again() {
        let (alone, after) = (
            ms("mvn package", &[]),
            ms("mvn package", &["COPY", "mvn dependency"]),
        );
        assert_eq!(alone, after + ms("mvn dependency:go-offline", &[]));
        assert!(
            ms("cargo build --release", &["cargo build"]) * 4 < ms("cargo build --release", &[])
        );
        let make = ms("make build", &[]);
        assert_eq!(
            make,
            ms("make build", &["go mod download"]) + ms("go mod download", &[])
        );
        // From the store that `pnpm fetch` filled.
        assert!(ms("pnpm install --offline", &["pnpm install"]) * 2 < ms("pnpm install", &[]));
        assert_eq!(ms("npm ci", &["npm ci"]), ms("npm ci", &[]));
        for (build, resolver) in [
            ("flutter build web", "pub get"),
            ("gradle -I ci/i.gradle build", "gradle dependencies"),
            ("sbt assembly", "sbt update"),
            ("swift build -c release", "swift resolve"),
            ("sh ./mvnw clean package", "mvn dependency"),
            ("mix do deps.get, compile", "mix deps.compile"),
            ("deno cache main.ts", "deno install"),
            ("make release", "cargo chef cook"),
        ] {
            assert!(ms(build, &[resolver]) < ms(build, &[]), "{build}");
        }
        // In one RUN, what comes first counts too.
        assert_eq!(
            ms("go mod download && go build .", &[]),
            ms("go mod download", &[]) + ms("go build .", &["go mod download"])
        );
    }
}
