//! Predictions against real builders that run now: Docker Engine with BuildKit and without, and Buildah.
//!
//! Runs where `STRATIGRAPH_LIVE` is set (`.ci/run` sets it), as root, with Debian's packages `docker.io`, `buildah` and
//! `gcc`; says so where they are absent. No registry and no network: base images are made here. What is started is
//! stopped by its process id, and no mount stays behind.

use crate::suggest::{bumped, shielded};
use crate::support::agree::{Agreement, compare};
use crate::support::case::{Case, Commitish, RealBuild, cases, fixtures};
use crate::support::engine::{
    Buildah, Classic, Docker, Engine, EngineBuildKit, Order, base_tar, have, tools_tar,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use stratigraph::builder::Builder;
use stratigraph::replay::{Replay, Settings};
use stratigraph::restructure::filter::PACKAGE_JSON;
use stratigraph::restructure::filtered::Filtered;
use stratigraph::tree::{ObjectId, RepoPath};

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

/// The shield's own text, built with a real `sed`: where only the version moved, the copied bytes are equal, and the
/// install is found again.
#[test]
fn docker_engine_finds_what_stands_on_a_version_shield() {
    if wanted(&["dockerd", "docker", "gcc", "tar", "ldd"]).is_none() {
        return;
    }
    let (inputs, blobs) = bumped(7);
    let text = shielded(&inputs, &blobs);
    assert!(text.contains("sed -i"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let docker = Docker::start(folder.path());
    let engine = EngineBuildKit(&docker);
    let yarn = [("yarn", "#!/bin/sh\nexit 0\n")];
    engine.import(&tools_tar(folder.path(), &["sh", "sed"], &yarn), "node:22");
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    std::fs::write(folder.path().join("Dockerfile"), &text).unwrap();
    let mut real = Vec::new();
    for input in &inputs {
        for change in &input.changes {
            let to = work.join(change.path.to_string());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, &blobs[&change.new.unwrap().id]).unwrap();
        }
        real.push(engine.build(&Order {
            context: &work,
            dockerfile: &folder.path().join("Dockerfile"),
            build_args: &BTreeMap::new(),
            target: None,
        }));
    }
    drop(docker);
    let installs = |build: &RealBuild| {
        let run = build
            .steps
            .iter()
            .find(|s| s.text.contains("yarn --frozen"));
        run.expect("the install is shown").cached
    };
    let found: Vec<bool> = real.iter().map(installs).collect();
    assert_eq!(found, [false, true, true, true, true, false, true]);
    let read = |id: &ObjectId| blobs.get(id).cloned();
    let filtered = Filtered::new(&inputs, &read);
    filtered.builds(&RepoPath::from("package.json"), &PACKAGE_JSON);
    let settings = Settings {
        git_dir: false,
        pin: Some(text.clone()),
        ..Settings::default()
    };
    let mut replay = Replay::new(settings).with_filters(filtered.filters(&text));
    let predicted: Vec<_> = inputs.iter().map(|input| replay.build(input)).collect();
    let mut sum = compare("version-shield", &real, &predicted);
    // Both stages have this step; which of them names it, the engine decides anew each time.
    sum.differ.retain(|d| !d.contains("WORKDIR /app"));
    assert!(
        sum.differ.is_empty() && sum.unknown == 0 && sum.steps > 40,
        "{}",
        sum.differ.join("\n")
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
