//! `compare` as a process: which way it says a change goes, and what rests on what git cannot tell.

use crate::support::program::{Ran, run_in};
use crate::support::repo::Repo;
use serde_json::Value;

/// Eight commits: the source at each, the lock file at the fifth.
fn history() -> Repo {
    let repo = Repo::new();
    repo.write("Dockerfile", "FROM node:22\n")
        .write("package.json", "{}");
    for n in 0..8 {
        repo.write("src/a.js", format!("a {n}"))
            .write("package-lock.json", format!("{}", n / 5))
            .commit("change");
    }
    repo
}

fn compare(repo: &Repo, old: &str, new: &str, more: &[&str]) -> Ran {
    repo.write("old.Dockerfile", old)
        .write("new.Dockerfile", new);
    let words = ["compare", "old.Dockerfile", "new.Dockerfile"];
    run_in(repo.path(), &[&words, more].concat())
}

const INSTALL: &str = "COPY package*.json ./\nRUN npm ci\n";

#[test]
fn each_kind_of_change_goes_its_way() {
    let repo = history();
    let check = |old: &str, new: &str, start: &str| {
        let ran = compare(
            &repo,
            &format!("FROM node:22\n{old}"),
            &format!("FROM node:22\n{new}"),
            &[],
        );
        assert!(
            ran.stdout.starts_with(start),
            "{old}\n{new}\n{}{}",
            ran.stdout,
            ran.stderr
        );
    };
    check(
        "COPY . .\nRUN npm ci\n",
        &format!("{INSTALL}COPY . .\n"),
        "Faster: ",
    );
    check(
        &format!("{INSTALL}COPY . .\n"),
        "COPY . .\nRUN npm ci\n",
        "Slower: ",
    );
    check("COPY . .\n", "# a comment\nCOPY . .\n", "The same: ");
    // What git does not hold: the values that a pipeline passes.
    let argument = "ARG GIT_COMMIT\nENV GIT_COMMIT=$GIT_COMMIT\n";
    check(
        &format!("{argument}{INSTALL}COPY . .\n"),
        &format!("{INSTALL}COPY . .\n{argument}"),
        "Faster where GIT_COMMIT has another value at each build: ",
    );
    check(
        "ARG NODE_ENV=production\nRUN npm i -g x\nCOPY . .\n",
        "RUN npm i -g x\nARG NODE_ENV=production\nCOPY . .\n",
        "The same: ",
    );
    // Nothing below the change runs again while the cache lasts.
    check(
        "RUN apt-get update && apt-get install -y make\nCOPY . .\n",
        "COPY . .\n",
        "The same: 1",
    );
    check(
        "RUN apt-get update && apt-get install -y make\nCOPY . .\n",
        "COPY . .\n",
        "The same: ",
    );
    let ran = compare(
        &repo,
        "FROM a\nRUN apt-get update && apt-get install -y make\nCOPY . .\n",
        "FROM a\nCOPY . .\n",
        &[],
    );
    assert!(
        ran.stdout
            .lines()
            .next()
            .unwrap()
            .contains("; from an empty cache faster: "),
        "{}",
        ran.stdout
    );
    // A mount that earlier builds filled.
    check(
        "COPY . .\nRUN npm ci\n",
        "COPY . .\nRUN --mount=type=cache,target=/root/.npm npm ci\n",
        "Faster: ",
    );
}

#[test]
fn what_another_platform_would_take_is_told_where_the_sides_say_other_platforms() {
    let repo = history();
    let build = |from: &str| {
        format!(
            "FROM {from} AS build\nCOPY src src\nRUN npm run build\nFROM nginx:1\nCOPY --from=build /dist /\n"
        )
    };
    let (emulated, native) = (build("node:22"), build("--platform=$BUILDPLATFORM node:22"));
    let ask = |old: &str, new: &str, more: &[&str]| {
        let mut all = vec!["--format", "json"];
        all.extend(more);
        let ran = compare(&repo, old, new, &all);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()
    };
    let there = |json: &Value| json["if_emulated"]["mean_change_ms"]["median"].as_i64();
    let faster = ask(&emulated, &native, &[]);
    assert!(there(&faster).unwrap() < -1000, "{faster}");
    assert_eq!(faster["if_emulated"]["platform"], "linux/arm64");
    assert_eq!(
        faster["mean_change_ms"]["median"], 0,
        "at home nothing changes"
    );
    assert!(there(&ask(&native, &emulated, &[])).unwrap() > 1000);
    assert_eq!(there(&ask(&emulated, &emulated, &[])), None);
    // Both emulate the same steps, and no platform is named.
    let sorted = build("node:22").replace("src src", ". .");
    assert_eq!(there(&ask(&emulated, &sorted, &[])), None);
    // Where the platform was said, the figures are those of it.
    let said = ask(&emulated, &native, &["--platform", "arm64"]);
    assert_eq!(there(&said), None);
    assert_eq!(said["settings"]["platform"], "linux/arm64");
    assert_eq!(
        said["mean_change_ms"],
        faster["if_emulated"]["mean_change_ms"]
    );
    // A stage has the platform of the one that it is built on.
    let on_a_base = |from: &str| format!("FROM {from} AS base\nRUN npm i -g x\n{}", build("base"));
    let inherited = ask(
        &on_a_base("node:22"),
        &on_a_base("--platform=$BUILDPLATFORM node:22"),
        &[],
    );
    assert_eq!(there(&inherited), there(&faster));
    let line = compare(&repo, &emulated, &native, &[]).stdout;
    let start = "Faster where it is built for another platform than the builder's own: ";
    assert!(line.starts_with(start), "{line}");
    let refused = compare(
        &repo,
        &emulated,
        &native,
        &["--platform", "linux/amd64,linux/arm64"],
    );
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("one at a time"),
        "{}",
        refused.stderr
    );
}

const PLAIN: &str = "FROM a\nCOPY src src\nRUN npm run build\n";
const UNKNOWN: &str = "FROM a\nADD https://example.com/tool /tool\nRUN apt-get update\nCOPY src src\nRUN npm run build\n";

#[test]
fn texts_that_cost_the_same_get_a_line_and_no_table_of_zeros() {
    let repo = history();
    let text = format!("FROM node:22\n{INSTALL}");
    let commented = format!("# what it runs on\n{text}");
    for (format, table) in [("terminal", "mean build"), ("markdown", "| mean build")] {
        let same = compare(&repo, &text, &commented, &["--format", format]);
        assert_eq!(same.code, 0, "{}", same.stderr);
        assert!(same.stdout.contains("No figure differs"), "{}", same.stdout);
        assert!(!same.stdout.contains(table), "{}", same.stdout);
        let other = compare(
            &repo,
            &text,
            &format!("{text}RUN npm test\n"),
            &["--format", format],
        );
        assert!(
            !other.stdout.contains("No figure differs"),
            "{}",
            other.stdout
        );
        assert!(other.stdout.contains(table), "{}", other.stdout);
    }
}

#[test]
fn a_revision_without_the_file_names_the_dockerfiles_it_has() {
    let repo = Repo::new();
    repo.write("README.md", "").commit("no Dockerfile yet");
    repo.write("docker/app.Dockerfile", "FROM a\n")
        .commit("one");
    repo.write("Dockerfile", "FROM a\n").commit("another");
    for (revision, words) in [
        ("HEAD~1", "that commit has docker/app.Dockerfile"),
        ("HEAD~2", "no file that is named as Dockerfiles are"),
    ] {
        let old = format!("{revision}:Dockerfile");
        let ran = run_in(repo.path(), &["compare", &old, "Dockerfile"]);
        let error = ran.stderr;
        assert_eq!(ran.code, 4, "{error}");
        assert!(
            error.contains(&format!("{revision} has no file Dockerfile")),
            "{error}"
        );
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_verdict_that_rests_on_unknown_steps_says_so() {
    let repo = history();
    let check = |old: &str, new: &str, more: &[&str], code: i32, stderr: &str| {
        let ran = compare(&repo, old, new, more);
        assert_eq!(ran.code, code, "{more:?} {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(stderr), "{more:?} {}", ran.stderr);
        ran
    };
    let limit = ["--fail-if-slower", "5%"];
    let undecided = "Git cannot tell whether a limit is met: a build gets slower by";
    let ran = check(PLAIN, UNKNOWN, &limit, 0, undecided);
    assert!(
        ran.stderr.contains("--fail-if-unknown would fail"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.starts_with("Slower or the same: "),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("Git cannot tell whether a limit is met"),
        "{}",
        ran.stdout
    );
    check(
        PLAIN,
        UNKNOWN,
        &[&limit[..], &["--fail-if-unknown"]].concat(),
        1,
        undecided,
    );
    // Broken either way: it fails.
    let slow = UNKNOWN.replace(
        "COPY src src\n",
        "COPY src src\nRUN apt-get install -y make\n",
    );
    check(PLAIN, &slow, &limit, 1, "whatever changes outside of git");
    // Met either way: nothing is said.
    let ran = check(UNKNOWN, PLAIN, &limit, 0, "");
    assert!(!ran.stderr.contains("Git cannot tell"), "{}", ran.stderr);
    let json = compare(
        &repo,
        PLAIN,
        UNKNOWN,
        &[&limit[..], &["--format", "json"]].concat(),
    );
    let found: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(found["direction"], "slower-or-same");
    assert_eq!(found["thresholds_not_met"].as_array().unwrap().len(), 0);
    assert_eq!(found["thresholds_undecided"].as_array().unwrap().len(), 1);
}

#[test]
fn the_file_and_the_comment_know_the_option_too() {
    let repo = history();
    repo.write("Dockerfile", PLAIN).commit("build");
    repo.write("src/a.js", "b").commit("code");
    repo.git(&["checkout", "--quiet", "-b", "pr"]);
    repo.write("Dockerfile", UNKNOWN).commit("tool");
    let run = |more: &[&str]| {
        let ran = run_in(repo.path(), &[&["comment"], more].concat());
        (ran.code, ran.stdout, ran.stderr)
    };
    let ends = ["--base", "main", "--head", "pr", "--no-suggestion"];
    let (code, comment, error) = run(&[&ends[..], &["--fail-if-slower", "1s"]].concat());
    assert_eq!(code, 0, "{error}");
    assert!(
        error.contains("Git cannot tell whether a limit is met: Dockerfile gets slower"),
        "{error}"
    );
    assert!(
        comment.starts_with("### Image builds get slower or stay the same: "),
        "{comment}"
    );
    assert!(
        comment.contains("Were all that git does not hold as it was, the mean would change by"),
        "{comment}"
    );
    repo.write(
        "stratigraph.toml",
        "[thresholds]\nfail-if-slower = \"1s\"\nfail-if-unknown = true\n",
    );
    let (code, _, error) = run(&ends);
    assert_eq!(code, 1, "{error}");
    let saved = repo.folder().join("saved.json");
    let (_, _, error) = run(&[&ends[..], &["--save", saved.to_str().unwrap()]].concat());
    assert!(saved.exists(), "{error}");
    let (code, _, error) = run(&["--from", saved.to_str().unwrap()]);
    assert_eq!(code, 1, "the saved file carries both readings: {error}");
}

#[test]
fn an_accepted_proposal_is_shown_as_ignored() {
    let repo = history();
    let text = "FROM node:22\nWORKDIR /app\n# stratigraph: ignore=deps-first the lock file is made here\nCOPY . .\nRUN npm ci\n";
    let run = |text: &str, more: &[&str]| {
        repo.write("Dockerfile", text).commit("build");
        repo.write("src/a.js", text).commit("code");
        run_in(repo.path(), &[&["suggest"], more].concat()).stdout
    };
    let json =
        |text: &str| serde_json::from_str::<Value>(&run(text, &["--format", "json"])).unwrap();
    let named = |found: &Value, key: &str| {
        let list = found[key].as_array().unwrap();
        list.iter().any(|p| p["rule"] == "deps-first")
    };
    let plain = json(&text.replace(
        "# stratigraph: ignore=deps-first the lock file is made here\n",
        "",
    ));
    assert!(
        named(&plain, "recommended") && !named(&plain, "ignored"),
        "{plain}"
    );
    let found = json(text);
    assert!(
        !named(&found, "recommended") && named(&found, "ignored"),
        "{found}"
    );
    assert_eq!(found["ignored"][0]["reason"], "the lock file is made here");
    // By the name of the finding that it answers.
    let by_kind = json(&text.replace("deps-first", "copy-before-install"));
    assert!(named(&by_kind, "ignored"), "{by_kind}");
    let shown = run(text, &["--format", "markdown"]);
    assert!(
        shown.contains("(`deps-first`): the lock file is made here"),
        "{shown}"
    );
    assert!(run(text, &[]).contains("Ignored: "));
    repo.write(
        "stratigraph.toml",
        "[[ignore]]\nrule = \"deps-first\"\nreason = \"by the file\"\n",
    );
    let listed = json(&text.replace(
        "# stratigraph: ignore=deps-first the lock file is made here\n",
        "",
    ));
    assert_eq!(listed["ignored"][0]["reason"], "by the file");
}

const UNSHIELDED: &str = "FROM node:22\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn --frozen-lockfile\nCOPY . .\n";

/// The same with a stage that passes the manifest through `command`.
fn through(command: &str) -> String {
    let stage = format!(
        "FROM node:22 AS manifests\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN {command}\n\n"
    );
    let copied = "COPY --from=manifests /app/package.json /app/yarn.lock ./\n";
    stage + &UNSHIELDED.replacen("COPY package.json yarn.lock ./\n", copied, 1)
}

/// Ten commits that move the version alone, but for the fifth, which moves a dependency.
fn bumps() -> Repo {
    let repo = Repo::new();
    repo.write("Dockerfile", "FROM node:22\n")
        .write("yarn.lock", "lock\n");
    for n in 0..10 {
        let manifest = format!(
            "{{\n  \"name\": \"a\",\n  \"version\": \"1.{n}.0\",\n  \"dependencies\": {{\"b\": \"{}\"}}\n}}\n",
            n / 5
        );
        repo.write("package.json", manifest).commit("release");
    }
    repo
}

const BLANK: &str = r#"sed -i 's/^\(  "version": \)".*"/\1"0.0.0"/' package.json"#;
const SAID: &str = "exactly a version filter";

#[test]
fn a_version_shield_pays_where_only_the_version_moves() {
    let repo = bumps();
    let run = |command: &str, more: &[&str]| {
        let ran = compare(
            &repo,
            UNSHIELDED,
            &through(command),
            &[&["--format", "json"], more].concat(),
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        (json, ran.stdout.contains(SAID))
    };
    let faster = |json: &Value| json["faster"].as_u64().unwrap();
    let (known, is_said) = run(BLANK, &[]);
    assert_eq!((faster(&known), is_said), (8, true), "{known}");
    // Another text is another command, whatever it does.
    let (unknown, is_said) = run(&BLANK.replace("0.0.0", "0.0.1"), &[]);
    assert_eq!((faster(&unknown), is_said), (0, false), "{unknown}");
    // Nor is it one where something else is said of the step, or it writes into a mount.
    let (told, is_said) = run(BLANK, &["--run-output", "manifests:4=changing"]);
    assert_eq!((faster(&told), is_said), (0, false), "{told}");
    let mounted = format!("--mount=type=tmpfs,target=/app {BLANK}");
    let (mounted, is_said) = run(&mounted, &[]);
    assert_eq!((faster(&mounted), is_said), (0, false), "{mounted}");
}

/// Reports go by what the shield leaves; the trace claims nothing of it.
#[test]
fn analyze_and_explain_know_the_shield_too_and_the_trace_does_not() {
    let repo = bumps();
    repo.write("new.Dockerfile", through(BLANK));
    let run = |words: &[&str]| {
        let ran = run_in(repo.path(), &[words, &["--pin", "new.Dockerfile"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let analysis: Value = serde_json::from_str(&run(&["analyze", "--format", "json"])).unwrap();
    let steps = analysis["steps"].as_array().unwrap();
    let install = steps
        .iter()
        .find(|s| s["text"].as_str().unwrap().contains("yarn --frozen"));
    assert_eq!(install.unwrap()["cache"]["hits"], 8, "{install:?}");
    assert!(analysis["caveats"].to_string().contains(SAID));
    assert!(run(&["explain", "HEAD"]).contains(SAID));
    let trace = run(&["replay"]);
    let last: Value = serde_json::from_str(trace.lines().last().unwrap()).unwrap();
    let steps = last["steps"].as_array().unwrap();
    let install = steps
        .iter()
        .find(|s| s["text"].as_str().unwrap().contains("yarn --frozen"));
    assert_eq!(install.unwrap()["outcome"], "miss", "{install:?}");
}

const WHOLE: &str = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN yarn --frozen-lockfile\n";

/// What is left of a tree is copied out of a stage: found by its content, though all that the stage reads has changed.
#[test]
fn a_stage_that_keeps_manifests_alone_pays() {
    let repo = Repo::new();
    repo.write("Dockerfile", WHOLE).write("yarn.lock", "lock\n");
    for n in 0..10 {
        repo.write("packages/a/package.json", format!("{{\"v\": {}}}\n", n / 5))
            .write("packages/a/src/index.js", format!("{n}\n"))
            .commit("work");
    }
    let faster = |command: &str, more: &[&str]| {
        let manifests =
            format!("FROM node:22 AS manifests\nWORKDIR /app\nCOPY . .\nRUN {command}\n\n");
        let split = "COPY --from=manifests /app ./\nRUN yarn --frozen-lockfile\nCOPY . .\n";
        let new = manifests + &WHOLE.replacen("COPY . .\nRUN yarn --frozen-lockfile\n", split, 1);
        let words = [&["--format", "json", "--git-dir", "excluded"], more].concat();
        let ran = compare(&repo, WHOLE, &new, &words);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        let is_said = ran.stdout.contains("only remove, move or mark files");
        (json["faster"].as_u64().unwrap(), is_said)
    };
    let keep = "find . -type f ! -name package.json ! -name yarn.lock -delete";
    assert_eq!(faster(keep, &[]), (8, true));
    assert_eq!(
        faster(
            "find packages -mindepth 2 -maxdepth 2 ! -name package.json -print | xargs rm -rf && rm -f Dockerfile",
            &[]
        ),
        (8, true)
    );
    // What is kept changes too; what else it does is not known; something else is said of it.
    assert_eq!(faster("find . -name none -delete", &[]), (0, true));
    assert_eq!(faster(&format!("{keep} && node keep.js"), &[]), (0, false));
    let told = ["--run-output", "manifests:4=changing"];
    assert_eq!(faster(keep, &told), (0, false));
}

#[test]
fn arguments_that_the_repository_passes_anew_are_told_and_given_to_no_build() {
    let check = |makefile: &str, expected: bool| {
        let repo = history();
        repo.write(
            "Dockerfile",
            "FROM debian:12\nARG TAG\nRUN apt-get update && apt-get install -y curl\nCOPY src /src\nLABEL tag=$TAG\n",
        )
        .write("Makefile", makefile)
        .commit("image");
        for n in 0..4 {
            repo.write("src/a.js", format!("b {n}")).commit("change");
        }
        let run = |args: &[&str]| run_in(repo.path(), args).stdout;
        let caveat = "Makefile passes TAG with another value at each commit";
        let told = run(&["analyze", "--format", "json"]);
        assert_eq!(told.contains(caveat), expected, "{makefile} {told}");
        let text: Value = serde_json::from_str(&told).unwrap();
        // The trace and the analysis are of the same builds: the install runs but once.
        assert_eq!(text["steps"][0]["cache"]["misses"], 1, "{told}");
        let given = run(&["analyze", "--format", "json", "--build-arg", "TAG=1"]);
        assert!(!given.contains(caveat), "{given}");
        let below = "FROM debian:12\nRUN apt-get update && apt-get install -y curl\nCOPY src /src\nARG TAG\nLABEL tag=$TAG\n";
        repo.write("below.Dockerfile", below);
        let told = run(&[
            "compare",
            "Dockerfile",
            "below.Dockerfile",
            "--format",
            "json",
        ]);
        assert_eq!(told.contains(caveat), expected, "{told}");
        let text: Value = serde_json::from_str(&told).unwrap();
        let names = text["if_passed"]["arguments"]
            .as_array()
            .map_or(0, Vec::len);
        assert_eq!(names, usize::from(expected), "{told}");
    };
    let image = "image:\n\tdocker build --build-arg TAG=$(git rev-parse HEAD) .\n";
    check(image, true);
    check(&image.replace("$(git rev-parse HEAD)", "1.2"), false);
    check(&image.replace(" .\n", " other\n"), false);
}
