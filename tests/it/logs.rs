//! Recorded logs of real builds, whole, wrapped as CIs wrap them, cut and damaged.

use proptest::prelude::*;
use std::path::PathBuf;
use stratigraph::cost::log::{Format, LogBuild, Outcome, read};

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/logs")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) const BUILDS: [&str; 6] = [
    "1-cold",
    "2-nothing-changed",
    "3-web-source-changed",
    "4-manifest-changed",
    "5-api-failing",
    "6-mended",
];

/// The four builders and the five forms of their logs.
const FORMS: [(&str, &str, Format); 5] = [
    ("buildkit", "plain", Format::Plain),
    ("buildkit", "rawjson", Format::RawJson),
    ("dockerd", "plain", Format::Plain),
    ("classic", "log", Format::Classic),
    ("buildah", "log", Format::Buildah),
];

pub(crate) fn one(bytes: &[u8]) -> LogBuild {
    let mut reading = read(bytes);
    assert_eq!(reading.builds.len(), 1, "{:?}", reading.problems);
    reading.builds.remove(0)
}

/// The steps that ran, FROM left out, in a form that all builders share.
fn ran(build: &LogBuild) -> Vec<String> {
    let made = build
        .steps
        .iter()
        .filter(|s| matches!(s.outcome, Outcome::Ran | Outcome::Failed) && !s.is_from());
    let mut texts: Vec<String> = made.map(|s| s.text.replace("--link ", "")).collect();
    texts.sort();
    texts
}

#[test]
fn every_builder_tells_what_ran() {
    let web = ["COPY src ./src", "RUN npm run build"];
    let manifest = [
        "COPY package.json ./",
        "COPY src ./src",
        "RUN npm ci",
        "RUN npm run build",
    ];
    for (folder, suffix, format) in FORMS {
        for (n, name) in BUILDS.iter().enumerate() {
            let build = one(&fixture(&format!("{folder}/{name}.{suffix}")));
            let shown = format!("{folder} {name}");
            assert_eq!(build.format, format, "{shown}");
            let expected: Vec<&str> = match n {
                0 => {
                    assert_eq!(ran(&build).len(), 14, "{shown}");
                    continue;
                }
                2 => web.to_vec(),
                3 => manifest.to_vec(),
                4 => vec!["RUN fail go build -o /out/api ./api"],
                _ => vec![],
            };
            assert_eq!(ran(&build), expected, "{shown}");
            assert_eq!(build.error.is_some(), n == 4, "{shown}");
            let unfinished = build
                .steps
                .iter()
                .filter(|s| s.outcome == Outcome::Unfinished)
                .count();
            assert!(unfinished == 0 || n == 4, "{shown}");
            assert!(
                build.problems.is_empty() || n == 4,
                "{shown}: {:?}",
                build.problems
            );
        }
    }
}

#[test]
fn stages_and_counters_are_as_printed() {
    let show = |name: &str| {
        let steps = one(&fixture(name)).steps;
        let s = steps.iter().find(|s| s.text == "RUN npm ci").unwrap();
        (s.stage.clone(), s.index, s.total)
    };
    assert_eq!(
        show("buildkit/1-cold.rawjson"),
        (Some("build".into()), 4, 6)
    );
    assert_eq!(show("classic/1-cold.log"), (None, 4, 17));
    assert_eq!(show("buildah/1-cold.log"), (Some("1".into()), 4, 6));
}

#[test]
fn plain_and_rawjson_of_the_same_work_agree() {
    for name in BUILDS {
        let plain = one(&fixture(&format!("buildkit/{name}.plain")));
        let raw = one(&fixture(&format!("buildkit/{name}.rawjson")));
        // Two runs of the same stand-in commands: the sleeps are the same, the rest is noise.
        for step in &plain.steps {
            let other = raw
                .steps
                .iter()
                .find(|s| s.stage == step.stage && s.index == step.index)
                .unwrap();
            assert_eq!(
                (&step.text, step.outcome),
                (&other.text, other.outcome),
                "{name}"
            );
            let (a, b) = (
                step.duration_ms.unwrap_or(0),
                other.duration_ms.unwrap_or(0),
            );
            assert!(a.abs_diff(b) < 250, "{name} {}: {a} {b}", step.text);
        }
        let (a, b) = (plain.total_ms.unwrap(), raw.total_ms.unwrap());
        assert!(
            a.abs_diff(b) * 5 < a.max(b) + 1500,
            "{name}: plain {a} ms, rawjson {b} ms"
        );
    }
}

#[test]
fn stamped_lines_give_the_durations_that_builders_do_not_print() {
    for folder in ["classic", "buildah"] {
        let plain = one(&fixture(&format!("{folder}/1-cold.log")));
        assert!(plain.steps.iter().all(|s| s.duration_ms.is_none()) && plain.total_ms.is_none());
        let stamped = one(&fixture(&format!("{folder}/1-cold.log.stamped")));
        let go = stamped
            .steps
            .iter()
            .find(|s| s.text == "RUN go mod download")
            .unwrap();
        assert!(
            (1400..5000).contains(&go.duration_ms.unwrap()),
            "{folder}: {:?}",
            go.duration_ms
        );
        let sum: u64 = stamped.steps.iter().filter_map(|s| s.duration_ms).sum();
        let total = stamped.total_ms.unwrap();
        assert!(
            sum <= total && total < sum + 1500,
            "{folder}: {sum} of {total}"
        );
    }
}

#[test]
fn pulled_bytes_are_those_of_the_layers() {
    let build = one(&fixture("buildkit/1-cold.rawjson"));
    let pulled: Vec<Option<u64>> = build
        .steps
        .iter()
        .filter(|s| s.is_from())
        .map(|s| s.pulled_bytes)
        .collect();
    assert!(pulled.iter().all(Option::is_some), "{pulled:?}");
    assert!(pulled.iter().flatten().sum::<u64>() > 1_661_616);
    let warm = one(&fixture("buildkit/2-nothing-changed.rawjson"));
    assert!(warm.steps.iter().all(|s| s.pulled_bytes.is_none()));
}

/// A CI's wrapping around a recorded log.
fn wrapped(text: &str, ci: usize) -> String {
    let stamp = |n: usize| {
        format!(
            "2026-11-22T00:{:02}:{:02}.{:07}Z",
            n / 60 % 60,
            n % 60,
            n * 37 % 9_999_999
        )
    };
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        let time = stamp(n);
        let wrapped = match ci {
            // GitHub Actions, downloaded with `gh run view --log`.
            0 => format!(
                "build\tBuild image\t{time} {}{line}\n",
                if n == 0 { "##[group]" } else { "" }
            ),
            // The same from the web, with colours.
            1 => format!("{time} \u{1b}[36;1m{line}\u{1b}[0m\r\n"),
            // GitLab.
            2 if n == 0 => format!("section_start:1795305801:build\r\u{1b}[0K{line}\n"),
            2 => format!("{line}\u{1b}[0;m\r\n"),
            // Jenkins.
            3 => format!("[{time}] {line}\n"),
            _ => format!("{line}\n"),
        };
        out.push_str(&wrapped);
    }
    out
}

#[test]
fn a_ci_around_the_log_changes_nothing_but_the_times() {
    for (folder, suffix, _) in FORMS {
        let text =
            String::from_utf8(fixture(&format!("{folder}/3-web-source-changed.{suffix}"))).unwrap();
        let bare = one(text.as_bytes());
        for ci in 0..4 {
            let build = one(wrapped(&text, ci).as_bytes());
            assert_eq!(build.steps.len(), bare.steps.len(), "{folder} {ci}");
            for (a, b) in build.steps.iter().zip(&bare.steps) {
                assert_eq!(
                    (&a.stage, a.index, a.total, &a.text, a.outcome),
                    (&b.stage, b.index, b.total, &b.text, b.outcome),
                    "{folder} {ci}"
                );
            }
        }
    }
}

#[test]
fn builds_one_after_the_other_are_told_apart() {
    for (folder, suffix, _) in FORMS {
        let all: Vec<u8> = BUILDS
            .iter()
            .flat_map(|name| fixture(&format!("{folder}/{name}.{suffix}")))
            .collect();
        let builds = read(&all).builds;
        let counts: Vec<usize> = builds.iter().map(|b| ran(b).len()).collect();
        assert_eq!(counts, [14, 0, 2, 4, 1, 0], "{folder} {suffix}");
    }
}

#[test]
fn logs_of_several_builders_in_one_file_are_all_read() {
    let all: Vec<u8> = FORMS
        .iter()
        .flat_map(|(folder, suffix, _)| fixture(&format!("{folder}/3-web-source-changed.{suffix}")))
        .collect();
    let builds = read(&all).builds;
    assert_eq!(builds.len(), 5);
    assert!(
        builds
            .iter()
            .all(|b| ran(b) == ["COPY src ./src", "RUN npm run build"])
    );
}

#[test]
fn what_is_no_log_is_said() {
    for text in ["", "hello\nworld\n", "{}", "{\"a\": 1", "\u{0}\u{1}\u{2}"] {
        let reading = read(text.as_bytes());
        assert!(reading.builds.is_empty());
        assert!(
            reading
                .problems
                .iter()
                .any(|p| p.contains("No build was found")),
            "{text:?}"
        );
    }
}

#[test]
fn a_cut_log_says_what_is_missing() {
    let text = String::from_utf8(fixture("buildkit/1-cold.plain")).unwrap();
    let head = one(text.split("#14 1.675").next().unwrap().as_bytes());
    assert!(
        head.problems.iter().any(|p| p.contains("ends before")),
        "{:?}",
        head.problems
    );
    let tail = one(&text.as_bytes()[text.find("#14 1.675").unwrap()..]);
    assert!(
        tail.problems.iter().any(|p| p.contains("already running")),
        "{:?}",
        tail.problems
    );
    let text = String::from_utf8(fixture("classic/1-cold.log")).unwrap();
    let head = one(text.split("Step 9/17").next().unwrap().as_bytes());
    assert!(
        head.problems
            .iter()
            .any(|p| p.contains("after step 8 of 17")),
        "{:?}",
        head.problems
    );
}

/// Cuts, shuffles and damages a log as `seed` says.
fn damaged(
    text: &[u8],
    cut: (usize, usize),
    swaps: &[(usize, usize)],
    flips: &[(usize, u8)],
) -> Vec<u8> {
    let (a, b) = (cut.0 % (text.len() + 1), cut.1 % (text.len() + 1));
    let part = &text[a.min(b)..a.max(b)];
    let mut lines: Vec<&[u8]> = part.split(|&b| b == b'\n').collect();
    for &(a, b) in swaps {
        let n = lines.len();
        lines.swap(a % n, b % n);
    }
    let mut bytes = lines.join(&b'\n');
    for &(at, byte) in flips {
        if let Some(n) = at.checked_rem(bytes.len()) {
            bytes[n] = byte;
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn damaged_logs_are_read_as_far_as_they_go(
        form in 0usize..5,
        stamped in any::<bool>(),
        cut in (any::<usize>(), any::<usize>()),
        swaps in proptest::collection::vec((any::<usize>(), any::<usize>()), 0..20),
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..20),
        ci in 0usize..5,
    ) {
        let (folder, suffix, _) = FORMS[form];
        let tail = if stamped && folder != "buildkit" { ".stamped" } else { "" };
        let text = fixture(&format!("{folder}/1-cold.{suffix}{tail}"));
        let bytes = damaged(&text, cut, &swaps, &flips);
        let reading = read(wrapped(&String::from_utf8_lossy(&bytes), ci).as_bytes());
        for build in &reading.builds {
            prop_assert!(build.steps.iter().all(|s| s.inputs.iter().all(|&i| i < build.steps.len())));
        }
        prop_assert!(!reading.builds.is_empty() || !reading.problems.is_empty());
        stratigraph::cost::calibrate(&[("damaged.log".to_owned(), reading)]);
    }
}
