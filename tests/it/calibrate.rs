//! Profiles out of recorded logs and sizes, and the commands that make and use them.

use crate::logs::{BUILDS, fixture};
use crate::support::repo::Repo;
use std::path::Path;
use std::process::{Command, Output};
use stratigraph::cost::log::read;
use stratigraph::cost::{Calibration, Match, Source, calibrate, profile};

fn from(names: &[&str]) -> Calibration {
    let logs: Vec<_> = names
        .iter()
        .map(|n| ((*n).to_owned(), read(&fixture(n))))
        .collect();
    calibrate(&logs)
}

#[test]
fn durations_are_counted_by_step_and_by_kind() {
    let names: Vec<String> = BUILDS
        .iter()
        .map(|b| format!("buildkit/{b}.rawjson"))
        .collect();
    let profile = from(&names.iter().map(String::as_str).collect::<Vec<_>>()).profile;
    let (ci, by) = profile.step(Some("build"), "RUN npm ci").unwrap();
    assert_eq!(
        (ci.runs.samples().len(), ci.lookups, by),
        (2, 3, Match::Step)
    );
    let estimate = ci.runs.estimate(by).unwrap();
    assert!((1600..1800).contains(&estimate.median_ms), "{estimate:?}");
    assert_eq!(profile.kinds["npm run build"].samples().len(), 3);
    assert!(!profile.kinds.contains_key("unknown"));
    // A step that failed says nothing about how long it takes.
    assert!(
        profile
            .step(Some("api"), "RUN fail go build -o /out/api ./api")
            .unwrap()
            .0
            .runs
            .is_empty()
    );
    // The second build hit everywhere: nothing of it is a run of no seconds.
    let warm = from(&["buildkit/2-nothing-changed.rawjson"]).profile;
    assert!(warm.kinds.is_empty() && warm.steps.values().all(|s| s.runs.is_empty()));
    assert_eq!(warm.steps.values().map(|s| s.lookups).sum::<u64>(), 17);
}

#[test]
fn another_step_of_the_same_kind_is_measured_by_kind() {
    let profile = from(&["buildkit/1-cold.rawjson"]).profile;
    let seen = profile.kinds["npm ci"].estimate(Match::Kind).unwrap();
    assert_eq!(
        seen.source,
        Source::Measured {
            n: 1,
            by: Match::Kind
        }
    );
}

#[test]
fn sizes_come_from_docker_history() {
    for folder in ["dockerd/1-cold.plain", "classic/1-cold.log"] {
        let history = format!("{}/history.jsonl", folder.split('/').next().unwrap());
        let found = from(&[folder, &history]);
        let profile = &found.profile;
        let apt = profile
            .steps
            .iter()
            .find(|((_, text), _)| text.starts_with("RUN apt-get"))
            .unwrap()
            .1;
        assert_eq!(apt.layer.unpacked, Some(467_000), "{folder}");
        let copied = profile
            .steps
            .iter()
            .find(|((_, text), _)| text.starts_with("COPY --from=build"))
            .unwrap()
            .1;
        assert_eq!(copied.layer.unpacked, Some(6), "{folder}");
        let base = profile.images.get("nginx:1").and_then(|s| s.unpacked);
        // The classic builder prints no stages: which base the layers stand on is not told.
        assert_eq!(base.is_some(), folder.starts_with("dockerd"), "{folder}");
        assert!(base.is_none_or(|b| b == 3_840_015));
    }
}

#[test]
fn sizes_come_from_a_manifest_and_its_configuration() {
    let config = fixture("buildah/config.json");
    let manifest = fixture("buildah/manifest.json");
    // One reading per file; the two belong together by their number of layers.
    let both = format!(
        "{{\"manifest\":{},\"image\":{}}}",
        String::from_utf8(manifest).unwrap(),
        String::from_utf8(config).unwrap()
    );
    let logs = vec![
        ("log".to_owned(), read(&fixture("buildah/1-cold.log"))),
        ("image".to_owned(), read(both.as_bytes())),
    ];
    let found = calibrate(&logs);
    let layer = |text: &str| {
        found
            .profile
            .steps
            .iter()
            .find(|((_, t), _)| t.starts_with(text))
            .unwrap()
            .1
            .layer
            .compressed
    };
    assert_eq!(layer("RUN apt-get"), Some(13_948));
    assert_eq!(layer("COPY --from=api"), Some(208));
    assert_eq!(
        found.profile.images["nginx:1"].compressed,
        Some(1_752_477 + 133)
    );
}

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stratigraph"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn calibrate_writes_a_profile_that_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("a.log"), fixture("buildkit/1-cold.plain")).unwrap();
    std::fs::write(
        here.join("b.log"),
        fixture("buildkit/4-manifest-changed.rawjson"),
    )
    .unwrap();
    let made = run(here, &["calibrate", "a.log", "-o", "p.toml"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let merged = run(
        here,
        &[
            "calibrate",
            "b.log",
            "--merge",
            "p.toml",
            "--format",
            "json",
        ],
    );
    let profile = profile::parse(&text(&merged.stdout)).unwrap();
    assert_eq!(profile.sources, ["a.log", "b.log"]);
    assert_eq!(
        profile
            .step(Some("build"), "RUN npm ci")
            .unwrap()
            .0
            .runs
            .samples()
            .len(),
        2
    );
}

#[test]
fn what_is_no_log_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.log"), "hello\n").unwrap();
    let failed = run(folder.path(), &["calibrate", "x.log", "-o", "p.toml"]);
    assert_eq!(failed.status.code(), Some(2));
    assert!(
        text(&failed.stderr).contains("No build was found"),
        "{}",
        text(&failed.stderr)
    );
    assert!(!folder.path().join("p.toml").exists());
}

/// The history behind the logs as a repository, with each build's log beside it under its commit's name.
fn repository() -> (Repo, tempfile::TempDir, Vec<String>) {
    let repo = Repo::new();
    let beside = tempfile::tempdir().unwrap();
    let history: serde_json::Value = serde_json::from_slice(&fixture("history.json")).unwrap();
    let mut logs = Vec::new();
    for (n, build) in history["builds"].as_array().unwrap().iter().enumerate() {
        for (path, bytes) in build["write"].as_object().unwrap() {
            repo.write(path, bytes.as_str().unwrap());
        }
        let id = if build["write"].as_object().unwrap().is_empty() {
            repo.git(&["commit", "--quiet", "--allow-empty", "-m", "again"]);
            repo.git(&["rev-parse", "HEAD"]).trim().to_owned()
        } else {
            repo.commit(BUILDS[n])
        };
        let path = beside.path().join(format!("{}.rawjson", id.trim()));
        std::fs::write(&path, fixture(&format!("buildkit/{}.rawjson", BUILDS[n]))).unwrap();
        logs.push(path.to_string_lossy().into_owned());
    }
    (repo, beside, logs)
}

#[test]
fn verify_holds_logs_against_their_commits() {
    let (repo, _beside, logs) = repository();
    let mut args = vec![
        "verify",
        "--run-outputs",
        "stable",
        "--min-agreement",
        "100%",
    ];
    args.extend(logs.iter().map(String::as_str));
    let agreed = run(repo.path(), &args);
    assert!(
        agreed.status.success(),
        "{}{}",
        text(&agreed.stdout),
        text(&agreed.stderr)
    );
    assert!(
        text(&agreed.stdout).ends_with("75 of 75 steps agree\n"),
        "{}",
        text(&agreed.stdout)
    );
    // With outputs that change, the copies from the other stages would have missed.
    args[2] = "changing";
    args.extend(["--format", "json"]);
    let differed = run(repo.path(), &args);
    assert_eq!(differed.status.code(), Some(1));
    let found: serde_json::Value =
        serde_json::from_str(text(&differed.stdout).split("\n{\"error\"").next().unwrap()).unwrap();
    assert_eq!(
        (found["agree"].as_u64(), found["compared"].as_u64()),
        (Some(71), Some(75))
    );
    assert!(text(&differed.stdout).contains("--run-outputs likely has the other value"));
}

#[test]
fn verify_asks_for_the_commit_of_a_log_that_names_none() {
    let (repo, beside, logs) = repository();
    let plain = beside.path().join("build.log");
    std::fs::copy(&logs[0], &plain).unwrap();
    let plain = plain.to_string_lossy().into_owned();
    let asked = run(repo.path(), &["verify", &plain]);
    assert_eq!(asked.status.code(), Some(2));
    assert!(
        text(&asked.stderr).contains("--commit"),
        "{}",
        text(&asked.stderr)
    );
    let named = run(repo.path(), &["verify", "--commit", "HEAD~5", &plain]);
    assert!(
        named.status.success() && text(&named.stdout).contains("14 of 14"),
        "{}",
        text(&named.stdout)
    );
}

#[test]
fn a_preset_that_is_not_known_is_named_with_those_that_are() {
    let (repo, _beside, _) = repository();
    let wrong = run(repo.path(), &["analyze", "--runner-preset", "huge"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("github-2core"),
        "{}",
        text(&wrong.stderr)
    );
    for (option, value) in [
        ("--price", "free"),
        ("--download", "fast"),
        ("--upload", "0"),
        ("--profile", "absent.toml"),
    ] {
        assert_eq!(
            run(repo.path(), &["analyze", option, value]).status.code(),
            Some(2),
            "{option}"
        );
    }
}

/// A device or a pipe given to `-o` is written to; a file put in its place would break what else uses it.
#[test]
#[cfg(unix)]
fn a_pipe_is_written_to_and_stays_a_pipe() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("a.log"), fixture("buildkit/1-cold.plain")).unwrap();
    let pipe = here.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    let written = run(here, &["calibrate", "a.log", "-o", "pipe"]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    assert!(profile::parse(&text(&reader.join().unwrap())).is_ok());
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn analyze_names_the_profile_and_the_price() {
    let (repo, beside, logs) = repository();
    let profile = beside.path().join("p.toml").to_string_lossy().into_owned();
    let mut args = vec!["calibrate", "-o", &profile];
    args.extend(logs.iter().map(String::as_str));
    assert!(run(repo.path(), &args).status.success());
    let measured = text(
        &run(
            repo.path(),
            &["analyze", "--profile", &profile, "--price", "0.6EUR"],
        )
        .stdout,
    );
    assert!(
        measured.contains("is measured (the profile of"),
        "{measured}"
    );
    assert!(
        measured.contains("0.6 EUR a minute (as given)"),
        "{measured}"
    );
    let estimated = text(&run(repo.path(), &["analyze"]).stdout);
    assert!(
        estimated.contains("a build on average, estimated"),
        "{estimated}"
    );
    assert!(
        estimated.contains("Times are estimates by kind of command"),
        "{estimated}"
    );
    assert!(!estimated.contains("a minute"), "{estimated}");
}
