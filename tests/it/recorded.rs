//! Our prediction against the flags that real builders printed.

use crate::support::agree::{Agreement, compare};
use crate::support::case::{Case, RealBuild, cases, fixtures, outside};
use stratigraph::builder::Builder;
use stratigraph::replay::{BuildOutcome, Replay};

/// Recorded name, profile that is held against it.
const BUILDERS: [(&str, Builder); 4] = [
    ("buildkit", Builder::BuildKit),
    // The BuildKit inside Docker Engine 20.10; its known differences are in DOCKERD_DIFFERS.
    ("dockerd", Builder::BuildKit),
    ("classic", Builder::Classic),
    ("buildah", Builder::Buildah),
];

/// Cases in which Docker 20.10's BuildKit does otherwise than today's, and why; left out of the comparison.
const DOCKERD_DIFFERS: [(&str, &str); 1] = [(
    "workdir-spellings",
    "the working directory of a RUN was kept as written: `/app/` is not `/app`",
)];

/// Cases with RUN mounts in a lone stage: Docker 20.10's BuildKit prints no stage name, today's prints `stage-0`.
const DOCKERD_UNNAMED: [&str; 5] = [
    "false-hit-binds-crossed",
    "ignore-and-bind-mount",
    "mount-bind-spellings",
    "mount-secret-spellings",
    "mounts-in-text",
];

/// Replays a case for one builder.
fn replay(case: &Case, builder: Builder) -> Vec<BuildOutcome> {
    let settings = case.settings(builder);
    let inputs = case.inputs(&settings);
    let mut replay = Replay::new(settings);
    inputs.iter().map(|input| replay.build(input)).collect()
}

fn check(cases: &[Case], name: &str, builder: Builder) -> Agreement {
    let only = std::env::var("STRATIGRAPH_CASE").unwrap_or_default();
    let mut sum = Agreement::default();
    for case in cases.iter().filter(|c| c.name.contains(&only)) {
        if name == "dockerd" && DOCKERD_DIFFERS.iter().any(|(known, _)| *known == case.name) {
            continue;
        }
        if let Some(recording) = case.recorded.get(name) {
            let is_unnamed = name == "dockerd" && DOCKERD_UNNAMED.contains(&case.name.as_str());
            let lone =
                |stage: Option<String>| stage.or_else(|| is_unnamed.then(|| "stage-0".to_owned()));
            let mut real = recording.builds.clone();
            for step in real.iter_mut().flat_map(|b| &mut b.steps) {
                step.stage = lone(step.stage.take());
            }
            sum.add(compare(&case.name, &real, &replay(case, builder)));
        }
    }
    sum
}

fn all_agree(cases: &[Case], what: &str) {
    let mut differ = Vec::new();
    for (name, builder) in BUILDERS {
        let sum = check(cases, name, builder);
        if sum.cases > 0 {
            eprintln!(
                "{what}, {name}: {} cases, {} of {} steps agree, {} unknown",
                sum.cases, sum.agree, sum.steps, sum.unknown
            );
        }
        differ.extend(sum.differ.iter().map(|line| format!("{name}: {line}")));
    }
    assert!(
        differ.is_empty(),
        "{what}: {} differ\n{}",
        differ.len(),
        differ[..differ.len().min(80)].join("\n")
    );
}

#[test]
fn rules_agree_with_real_builders() {
    let cases = cases(&fixtures("recorded/rules"));
    assert!(cases.len() > 100, "the fixtures are here");
    all_agree(&cases, "rules");
}

#[test]
fn corners_agree_with_real_builders() {
    let cases = cases(&fixtures("recorded/corners"));
    assert!(cases.len() >= 30, "the fixtures are here");
    all_agree(&cases, "corners");
}

#[test]
fn random_histories_agree_with_real_builders() {
    let cases = cases(&fixtures("recorded/random"));
    assert!(cases.len() >= 20, "the fixtures are here");
    all_agree(&cases, "random");
}

#[test]
fn derived_expectations_hold() {
    let cases = cases(&fixtures("recorded/derived"));
    assert!(!cases.is_empty(), "the fixtures are here");
    let mut differ = Vec::new();
    for case in &cases {
        for (name, derivation) in &case.derived {
            assert!(
                !derivation.rules.is_empty(),
                "{}: names the rules it follows from",
                case.name
            );
            let builder = BUILDERS
                .iter()
                .find(|(n, _)| n == name)
                .map_or(Builder::Kaniko, |(_, b)| *b);
            let builds: &[RealBuild] = &derivation.builds;
            differ.extend(
                compare(&case.name, builds, &replay(case, builder))
                    .differ
                    .iter()
                    .map(|line| format!("{name}: {line}")),
            );
        }
    }
    assert!(
        differ.is_empty(),
        "{} differ\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[test]
fn seed_articles_agree_with_real_builders() {
    if let Some(folder) = outside("seeds") {
        all_agree(&cases(&folder), "seeds");
    }
}

#[test]
fn real_histories_agree_with_real_builders() {
    if let Some(folder) = outside("real") {
        all_agree(&cases(&folder), "real");
    }
}
