//! Predictions against real builders that run now: Docker Engine with BuildKit and without, and Buildah.
//!
//! Runs where `STRATIGRAPH_LIVE` is set (`.ci/run` sets it), as root, with Debian's packages `docker.io`, `buildah` and
//! `gcc`; says so where they are absent. No registry and no network: base images are made here. What is started is
//! stopped by its process id, and no mount stays behind.

use crate::support::agree::{Agreement, compare};
use crate::support::case::{Case, Commitish, RealBuild, cases, fixtures};
use crate::support::engine::{
    Buildah, Classic, Docker, Engine, EngineBuildKit, Order, base_tar, have,
};
use std::path::Path;
use std::process::Command;
use stratigraph::builder::Builder;
use stratigraph::replay::Replay;

/// Cases of `fixtures/recorded/corners` that are built again here, each by the engines that it was recorded with. What
/// they read of a stage is `/out` alone, which the stand-in rewrites.
/// `stage-of-stage-missed` is recorded but not built here: on an idle machine Buildah misses its last step, on a busy
/// one it finds it, and why is not known.
const CASES: [&str; 13] = [
    "arg-from-parent-stage",
    "build-arg-in-metadata",
    "copied-directory-moves",
    "env-reassigned",
    "false-hit-sources-exchanged",
    "ignore-leaves-directories",
    "label-spellings",
    "mount-bind-own-base",
    "revert-across-branches",
    "symlink-source",
    "targets-alternate",
    "user-before-workdir",
    "wildcard-optional-file",
];

#[test]
fn docker_engine_does_as_predicted() {
    let Some(cases) = wanted(&["dockerd", "docker", "gcc", "tar"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let docker = Docker::start(folder.path());
    let buildkit = run(
        &cases,
        "dockerd",
        Builder::BuildKit,
        &EngineBuildKit(&docker),
    );
    let classic = run(&cases, "classic", Builder::Classic, &Classic(&docker));
    drop(docker);
    report("Docker Engine's BuildKit", buildkit);
    report("the classic builder", classic);
}

#[test]
fn buildah_does_as_predicted() {
    let Some(cases) = wanted(&["buildah", "gcc", "tar"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let buildah = Buildah::new(folder.path());
    report(
        "Buildah",
        run(&cases, "buildah", Builder::Buildah, &buildah),
    );
}

/// The cases, or `None`, said on standard error, where the check cannot run.
fn wanted(programs: &[&str]) -> Option<Vec<Case>> {
    if std::env::var_os("STRATIGRAPH_LIVE").is_none() {
        eprintln!(
            "NOT RUN: live check with {}: STRATIGRAPH_LIVE is not set",
            programs[0]
        );
        return None;
    }
    if !have(programs) {
        eprintln!(
            "NOT RUN: live check with {}: not all of {programs:?} are installed",
            programs[0]
        );
        return None;
    }
    let mut found = cases(&fixtures("recorded/corners"));
    found.retain(|c| CASES.contains(&c.name.as_str()));
    assert_eq!(found.len(), CASES.len(), "every live case is there");
    Some(found)
}

fn run(cases: &[Case], recorded: &str, builder: Builder, engine: &dyn Engine) -> Agreement {
    let mut sum = Agreement::default();
    for case in cases.iter().filter(|c| c.recorded.contains_key(recorded)) {
        let folder = tempfile::tempdir().unwrap();
        let real = build_all(case, folder.path(), engine);
        let settings = case.settings(builder);
        let inputs = case.inputs(&settings);
        let mut replay = Replay::new(settings);
        let predicted: Vec<_> = inputs.iter().map(|input| replay.build(input)).collect();
        assert!(real.iter().all(|b| b.ok), "{}: a build failed", case.name);
        sum.add(compare(&case.name, &real, &predicted));
    }
    sum
}

fn report(what: &str, sum: Agreement) {
    eprintln!(
        "live, {what}: {} cases, {} of {} steps agree, {} unknown",
        sum.cases, sum.agree, sum.steps, sum.unknown
    );
    assert!(
        sum.cases > 5 && sum.steps > 100,
        "{what}: something was compared"
    );
    assert!(
        sum.differ.is_empty() && sum.unknown == 0,
        "{what}: {} differ\n{}",
        sum.differ.len(),
        sum.differ.join("\n")
    );
}

/// Builds a case commit by commit. Its base images get layers of their own, so that no case finds another's records.
fn build_all(case: &Case, folder: &Path, engine: &dyn Engine) -> Vec<RealBuild> {
    let work = folder.join("work");
    std::fs::create_dir(&work).unwrap();
    let texts: Vec<&String> = case
        .builds
        .iter()
        .filter_map(|b| b.write.get(&case.dockerfile))
        .collect();
    for image in ["node:20", "node:22", "nginx:1", "golang:1"] {
        if texts.iter().any(|t| t.contains(image)) {
            engine.import(&base_tar(folder, &format!("{} {image}", case.name)), image);
        }
    }
    let build = |commit: &Commitish| {
        lay(&work, commit);
        engine.build(&Order {
            context: &work.join(&case.context),
            dockerfile: &work.join(&case.dockerfile),
            build_args: &commit.build_args,
            target: commit.target.as_deref(),
        })
    };
    case.builds.iter().map(build).collect()
}

/// One commit's changes in the work tree.
fn lay(work: &Path, commit: &Commitish) {
    for path in &commit.delete {
        std::fs::remove_file(work.join(path)).unwrap();
        let mut parent = work.join(path).parent().unwrap().to_owned();
        while parent != work && std::fs::remove_dir(&parent).is_ok() {
            parent.pop();
        }
    }
    for (path, text) in &commit.write {
        let full = work.join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(&full, text).unwrap();
    }
    for (path, target) in &commit.symlink {
        let full = work.join(path);
        let _ = std::fs::remove_file(&full);
        std::os::unix::fs::symlink(target, &full).unwrap();
    }
    for (path, mode) in &commit.chmod {
        let done = Command::new("chmod")
            .arg(mode)
            .arg(work.join(path))
            .status()
            .unwrap();
        assert!(done.success(), "chmod {mode} {path}");
    }
}
