//! What `suggest` recommends on small histories, and what it must not.

use crate::restructure::Case;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use stratigraph::cost::CostModel;
use stratigraph::history::{BuildInput, Change, Commit, Request};
use stratigraph::replay::Settings;
use stratigraph::report::suggest::{
    patch, write_json, write_markdown, write_patch, write_terminal,
};
use stratigraph::report::terminal::Look;
use stratigraph::restructure::search::proposals;
use stratigraph::restructure::{legality, rules};
use stratigraph::suggest::{Condition, Question, SlowerBy, Suggestion, Suggestions, suggest};
use stratigraph::tree::{FileKind, FileStamp, ObjectId, RepoPath};

/// Thirty commits: mostly source, some documentation, a few dependency changes.
fn commits(source: &str, dependency: &str, documentation: &str) -> String {
    let mut text = "--- commits\n".to_owned();
    for n in 0..30 {
        let path = match n {
            _ if n % 10 == 9 => dependency,
            _ if n % 5 == 4 => documentation,
            _ => source,
        };
        writeln!(text, "c{n} ~ {path}").unwrap();
    }
    text
}

const NODE_TREE: &str = "--- .dockerignore\n.git\nnode_modules\n--- package.json\n{\"name\": \"a\", \"version\": \"1.0.0\", \"dependencies\": {\"b\": \"1\"}}\n--- package-lock.json\n{\"lockfileVersion\": 3, \"packages\": {}}\n--- tree\nsrc/a.js README.md\n";

fn ids(answer: &Suggestions) -> Vec<&str> {
    answer
        .order
        .iter()
        .map(|s| s.proposal.id.as_str())
        .collect()
}

#[test]
fn system_packages_below_the_source_are_moved_and_it_pays() {
    let case = Case::new(
        "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY src src\nRUN apt-get update && apt-get install -y curl\nCMD [\"node\", \"src/a.js\"]\n",
        &(NODE_TREE.to_owned() + &commits("src/a.js", "package-lock.json", "README.md")),
    );
    let answer = case.suggest();
    assert_eq!(
        ids(&answer).first(),
        Some(&"system-first-1"),
        "{:?}",
        ids(&answer)
    );
    let saving = &answer.saving;
    assert!(saving.per_build.0 <= saving.per_build.1 && saving.per_build.1 <= saving.per_build.2);
    assert!(saving.per_build.1 > 0);
    assert_eq!(saving.builds.1, 0, "no build gets slower");
    assert!(
        answer.mean.2.median <= answer.mean.1.median,
        "nothing beats the bound"
    );
}

#[test]
fn a_well_ordered_file_gets_nothing_to_do() {
    let case = Case::new(
        "FROM node:22 AS build\nWORKDIR /app\nRUN apt-get update && apt-get install -y python3\nCOPY package.json package-lock.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci\nCOPY src src\nRUN npm run build\n\nFROM nginx:1.27\nCOPY --from=build /app/dist /usr/share/nginx/html\n",
        &(NODE_TREE.to_owned() + &commits("src/a.js", "package-lock.json", "README.md")),
    );
    let answer = case.suggest();
    assert!(answer.order.is_empty(), "{:?}", ids(&answer));
    assert_eq!(answer.now, answer.then);
    assert_eq!(patch(&answer, &answer.now, &answer.then), "");
}

#[test]
fn a_dockerfile_of_a_folder_that_is_the_context_is_told_so() {
    let check = |tree: &str, told: bool| {
        let scenario = format!(
            "--- tree\n{tree}\n--- settings\ndockerfile setup/Dockerfile\n{}",
            commits("setup/server.py", "setup/main.py", "README.md")
        );
        let text = "FROM python:3.12\nCOPY README.md server.py main.py made.txt /app/\nRUN apt-get update && apt-get install -y gcc\n";
        let answer = Case::new(text, &scenario).suggest();
        let notes: Vec<&str> = answer.caveats.iter().map(|c| c.text.as_str()).collect();
        let says = |word: &str| notes.iter().any(|n| n.contains(word));
        assert_eq!(says("--context setup"), told, "{notes:?}");
        assert_eq!(answer.elsewhere.is_some(), told);
        if told {
            assert!(notes[0].contains("--context setup"), "{notes:?}");
            assert!(answer.order.is_empty(), "{:?}", ids(&answer));
            assert_eq!(answer.now, answer.then);
            let aside = |s: &Suggestion| s.why_not.contains("another context");
            assert!(answer.idle.iter().any(aside), "it is still shown");
        }
    };
    check("README.md setup/server.py setup/main.py", true);
    check(
        "README.md server.py main.py setup/server.py setup/main.py",
        false,
    );
}

#[test]
fn an_install_without_its_manifest_tells_of_another_context() {
    let check = |tree: &str, run: &str, told: bool| {
        let scenario = format!(
            "--- tree\n{tree}\n--- settings\ndockerfile web/Dockerfile\n{}",
            commits("web/a.js", "web/package.json", ".github/ci.yml")
        );
        let text = format!("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN {run}\n");
        let answer = Case::new(&text, &scenario).suggest();
        assert_eq!(answer.elsewhere.is_some(), told, "{tree} {run}");
        assert!(!told || answer.order.is_empty(), "{:?}", ids(&answer));
    };
    let of_folder = "web/package.json web/yarn.lock web/a.js .github/ci.yml";
    check(of_folder, "yarn install && yarn build", true);
    check(of_folder, "cd web && yarn install", false);
    check(of_folder, "npm install -g serve", false);
    check(of_folder, "npm install serve", false);
    let python = "web/pyproject.toml web/package.json web/a.js .github/ci.yml";
    check(python, "pip install .", true);
    check(python, "pip install flask", false);
    check(&format!("setup.py {python}"), "pip install .", false);
    check(
        "package.json web/package.json web/a.js .github/ci.yml",
        "npm ci",
        false,
    );
}

#[test]
fn a_change_to_a_dependency_is_not_made_faster() {
    let mut scenario = NODE_TREE.to_owned() + "--- commits\n";
    (0..20).for_each(|n| writeln!(scenario, "c{n} ~ package.json package-lock.json").unwrap());
    let case = Case::new(
        "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\nCMD [\"node\", \"src/a.js\"]\n",
        &scenario,
    );
    let answer = case.suggest();
    let deps: Vec<&str> = ids(&answer)
        .into_iter()
        .filter(|id| id.starts_with("deps-first"))
        .collect();
    assert!(
        deps.is_empty(),
        "every commit changes the dependencies: {deps:?}"
    );
}

#[test]
fn every_candidate_parses_again_keeps_what_it_promised_and_is_deterministic() {
    let case = Case::new(
        "# syntax=docker/dockerfile:1\nFROM python:3.12\nARG GIT_COMMIT\n# a comment\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y gcc\nRUN pip install -r requirements.txt\nCOPY conf/app.ini /etc/app.ini\nEXPOSE 80\nCMD [\"python\", \"app.py\"]\n",
        &("--- requirements.txt\nflask==3.0\n--- tree\napp.py conf/app.ini docs/a.md Dockerfile\n"
            .to_owned()
            + &commits("app.py", "requirements.txt", "docs/a.md")),
    );
    let n = case.view(|view| {
        let proposed: Vec<_> = rules::ALL
            .iter()
            .flat_map(|rule| (rule.propose)(view))
            .collect();
        for candidate in &proposed {
            assert_eq!(
                legality::check(view, candidate).map(|_| ()),
                Ok(()),
                "{}: {}",
                candidate.rule,
                candidate.title
            );
        }
        let kept = proposals(view, rules::ALL).kept;
        let again = proposals(view, rules::ALL).kept;
        assert_eq!(
            kept.iter().map(|p| (&p.id, &p.draft)).collect::<Vec<_>>(),
            again.iter().map(|p| (&p.id, &p.draft)).collect::<Vec<_>>()
        );
        proposed.len()
    });
    assert!(n >= 3, "only {n} candidates");
    let (one, two) = (case.suggest(), case.suggest());
    let json = |answer: &Suggestions| {
        let mut text = Vec::new();
        write_json(answer, true, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    assert_eq!(json(&one), json(&two));
    assert!(json(&one).contains("\"stratigraph.suggest/1\""));
}

#[test]
fn every_rendering_names_the_proposal_and_the_patch_is_taken_by_git() {
    let case = Case::new(
        "FROM debian:12\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y gcc\nRUN gcc -o app src/a.c",
        &("--- tree\nsrc/a.c docs/a.md\n".to_owned() + &commits("src/a.c", "src/a.c", "docs/a.md")),
    );
    let answer = case.suggest();
    assert!(
        ids(&answer).contains(&"system-first-1"),
        "{:?}",
        ids(&answer)
    );
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    let terminal = text(&|sink| {
        write_terminal(
            &answer,
            true,
            Look {
                width: 80,
                colour: false,
            },
            sink,
        )
        .unwrap()
    });
    assert!(
        terminal.contains("system-first-1") && terminal.lines().all(|l| l.chars().count() <= 110),
        "{terminal}"
    );
    assert!(text(&|sink| write_markdown(&answer, true, sink).unwrap()).contains("```diff"));
    // Where lines are counted is told: each text follows from the one before.
    let mut before = &answer.now;
    for one in &answer.order {
        let (old, new) = one.placed.as_ref().unwrap();
        assert_eq!(old, before);
        before = new;
    }
    assert_eq!(before, &answer.then);
    assert!(
        text(&|sink| write_json(&answer, true, sink).unwrap())
            .contains("\"patch_on_top\": \"diff --git")
    );
    let patch = text(&|sink| write_patch(&answer, sink).unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Dockerfile"), &answer.now.dockerfile).unwrap();
    std::fs::write(folder.path().join("p.patch"), &patch).unwrap();
    let apply = std::process::Command::new("git")
        .args(["apply", "p.patch"])
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", "/")
        .output()
        .unwrap();
    assert!(
        apply.status.success(),
        "{}\n{patch}",
        String::from_utf8_lossy(&apply.stderr)
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("Dockerfile")).unwrap(),
        answer.then.dockerfile
    );
}

/// Builds of a tree whose package.json has another version each time, and every fifth time another dependency.
pub(crate) fn bumped(n_builds: usize) -> (Vec<BuildInput>, BTreeMap<ObjectId, Vec<u8>>) {
    let mut blobs = BTreeMap::new();
    let mut inputs = Vec::new();
    for n in 0..n_builds {
        let dependency = n / 5;
        let manifest = format!(
            "{{\n  \"name\": \"a\",\n  \"version\": \"1.{n}.0\",\n  \"dependencies\": {{\"b\": \"{dependency}\"}}\n}}\n"
        );
        let lock = format!("b {dependency}\n");
        let source = format!("{n}\n");
        let texts = [
            ("package.json", manifest),
            ("yarn.lock", lock),
            ("src/a.js", source),
        ];
        let mut changes = Vec::new();
        for (path, text) in texts {
            let mut bytes = [0_u8; 20];
            for (at, byte) in format!("{path}{text}").bytes().enumerate() {
                bytes[at % 20] = bytes[at % 20].wrapping_mul(31).wrapping_add(byte);
            }
            let id = ObjectId::from_bytes(&bytes).unwrap();
            if blobs.insert(id, text.into_bytes()).is_none() {
                changes.push(Change {
                    path: RepoPath::from(path),
                    old: None,
                    new: Some(FileStamp {
                        kind: FileKind::Regular,
                        id,
                    }),
                });
            }
        }
        inputs.push(BuildInput {
            commit: Commit {
                id: ObjectId::from_bytes(&[u8::try_from(n).unwrap() + 1; 20]).unwrap(),
                parent: None,
                time: 1_700_000_000 + 86_400 * i64::try_from(n).unwrap(),
                subject: String::new(),
                author: String::new(),
            },
            request: Request::default(),
            watched: vec![Ok(None); 3],
            changes,
            link_targets: Vec::new(),
        });
    }
    (inputs, blobs)
}

/// What `suggest` answers for a front-end with these builds, `blob` giving what is at hand of them.
fn answer_of(
    inputs: &[BuildInput],
    blobs: &BTreeMap<ObjectId, Vec<u8>>,
    blob: &dyn Fn(&ObjectId) -> Option<Vec<u8>>,
) -> Suggestions {
    let newest = |path: &RepoPath| {
        let mut changes = inputs.iter().flat_map(|i| &i.changes);
        let change = changes.rfind(|c| c.path == *path)?;
        blobs.get(&change.new?.id).cloned()
    };
    let settings = Settings {
        git_dir: false,
        ..Settings::default()
    };
    suggest(&Question {
            accepted: &[],
        settings: &settings,
        dockerfile: "FROM node:22\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn --frozen-lockfile\nCOPY . .\nRUN yarn build\n".to_owned(),
        ignore: None,
        inputs,
        read: &newest,
        outside: &[],
        blob,
        cost: &CostModel::default(),
        threads: 2,
        replayed: &|| {},
    })
    .unwrap()
}

/// The Dockerfile with the version shield.
pub(crate) fn shielded(inputs: &[BuildInput], blobs: &BTreeMap<ObjectId, Vec<u8>>) -> String {
    let answer = answer_of(inputs, blobs, &|id| blobs.get(id).cloned());
    let mut all = answer
        .order
        .iter()
        .chain(&answer.instead)
        .chain(&answer.idle);
    let shield = all.find(|s| s.proposal.candidate.rule == "version-shield");
    shield
        .expect("it is proposed")
        .proposal
        .draft
        .dockerfile
        .clone()
}

#[test]
fn a_version_shield_pays_by_the_bytes_it_leaves_and_only_by_them() {
    let (inputs, blobs) = bumped(30);
    let answer = |blob: &dyn Fn(&ObjectId) -> Option<Vec<u8>>| answer_of(&inputs, &blobs, blob);
    let known = answer(&|id| blobs.get(id).cloned());
    let shield = known
        .order
        .iter()
        .find(|s| s.proposal.id == "version-shield-1");
    let shield = shield.expect("it pays");
    let alone = shield.alone.as_ref().unwrap();
    // 29 builds count; in 5 of them the dependency changes too.
    assert_eq!(
        alone.builds,
        (24, 5, 29),
        "each mere bump is faster: {alone:?}"
    );
    // The others pay for the filter, and it is said.
    let slower = shield.slower.as_ref().expect("a sixth gets slower");
    assert_eq!(slower.builds, 5, "{slower:?}");
    assert!(slower.by > 0);
    assert!(
        matches!(&slower.by_what, SlowerBy::Added(_, text) if text.contains("package.json")),
        "{slower:?}"
    );
    assert!(
        shield
            .proposal
            .candidate
            .rationale
            .contains("29 of 29 builds")
    );
    assert!(
        shield
            .proposal
            .candidate
            .rationale
            .contains("in 24 of these")
    );
    // In a partial clone nothing is known of the bytes, and nothing is claimed.
    let unknown = answer(&|_| None);
    assert!(
        unknown
            .order
            .iter()
            .all(|s| s.proposal.candidate.rule != "version-shield")
    );
    let said = unknown
        .idle
        .iter()
        .find(|s| s.proposal.candidate.rule == "version-shield");
    assert!(
        said.unwrap()
            .proposal
            .candidate
            .safety
            .doubt()
            .unwrap()
            .contains("not every package.json")
    );
}

#[test]
fn an_argument_that_a_workflow_passes_is_told_under_its_condition() {
    let dockerfile = "FROM debian:12\nARG GIT_COMMIT=unknown\nRUN apt-get update && apt-get install -y curl\nCOPY src /src\nLABEL revision=$GIT_COMMIT\n";
    let tree = |line: &str| {
        format!(
            "--- .github/workflows/image.yml\n      build-args: |\n        {line}\n--- src/a.js\n"
        ) + &commits("src/a.js", "src/b.js", "README.md")
    };
    let small = |line: &str| Case::new(dockerfile, &tree(line)).suggest();
    let passed = small("GIT_COMMIT=${{ github.sha }}");
    assert!(passed.order.is_empty(), "{:?}", ids(&passed));
    let told = passed
        .small
        .iter()
        .find(|s| s.proposal.id == "sink-values-1")
        .expect("it is told");
    let told = told.conditional.as_ref().expect("under a condition");
    assert!(
        matches!(&told.condition, Condition::Passed { names, .. } if *names == ["GIT_COMMIT"]),
        "{told:?}"
    );
    assert!(told.per_build > 1_000, "{told:?}");
    let text = terminal(&passed);
    assert!(
        text.contains("if each build passed its own GIT_COMMIT"),
        "{text}"
    );
    // Without such a file it is not shown, and --all tells the condition.
    let unknown = small("OTHER=1");
    assert!(unknown.small.is_empty());
    let idle = unknown
        .idle
        .iter()
        .find(|s| s.proposal.id == "sink-values-1");
    let told = idle.and_then(|s| s.conditional.as_ref());
    assert!(told.is_some_and(|c| !c.condition.is_likely()));
}

#[test]
fn an_argument_that_is_passed_anew_at_each_commit_is_given_to_every_build() {
    let dockerfile = "FROM debian:12\nARG GIT_COMMIT=unknown\nRUN apt-get update && apt-get install -y curl\nCOPY src /src\nLABEL revision=$GIT_COMMIT\n";
    let answer = |path: &str, text: &str| {
        let tree = format!("--- {path}\n{text}\n--- src/a.js\n")
            + &commits("src/a.js", "src/b.js", "README.md");
        Case::new(dockerfile, &tree).suggest()
    };
    let check = |path: &str, text: &str, expected: bool| {
        let answer = answer(path, text);
        let is_wanted = ids(&answer).contains(&"sink-values-1");
        assert_eq!(is_wanted, expected, "{path} {text}");
        let said = format!("Each build is given its own GIT_COMMIT, as {path} passes it");
        let is_said = answer.caveats.iter().any(|c| c.to_string().contains(&said));
        assert_eq!(is_said, expected, "{path} {text}");
    };
    let step = |line: &str| {
        format!(
            "    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          context: .\n          build-args: |\n            {line}"
        )
    };
    let workflow = ".github/workflows/image.yml";
    check(workflow, &step("GIT_COMMIT=${{ github.sha }}"), true);
    check(workflow, &step("GIT_COMMIT=${{ github.ref_name }}"), false);
    check(
        workflow,
        &step("GIT_COMMIT=${{ github.sha }}\n          file: Dockerfile.other"),
        false,
    );
    let script = "#!/bin/sh\nSHA=$(git rev-parse HEAD)\ndocker build --build-arg GIT_COMMIT=$SHA .";
    check("build", script, true);
    check(
        "build",
        &script.replace("rev-parse HEAD", "config user.name"),
        false,
    );
    check("build", &script.replace(" .", " other"), false);
}

#[test]
fn an_argument_whose_values_take_turns_is_told_under_its_condition() {
    let dockerfile = "FROM golang:1.22\nWORKDIR /src\nARG package=./a\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build -o /x ${package}\n";
    let check = |lines: &str, expected: &[&str]| {
        let tree = format!("--- Makefile\n{lines}\n--- go.mod\n--- go.sum\n--- a/a.go\n")
            + &commits("go.mod", "a/a.go", "go.sum");
        let answer = Case::new(dockerfile, &tree).suggest();
        let mut sinks = answer.small.iter().chain(&answer.idle);
        let sink = sinks.find(|s| s.proposal.candidate.rule == "sink-values");
        let told = sink.and_then(|s| s.conditional.as_ref());
        let values: Vec<&str> = match told.map(|c| &c.condition) {
            Some(Condition::InTurn { values, .. }) => values.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        assert_eq!(values, expected, "{lines}");
        assert!(told.is_none_or(|c| c.per_build > 0), "{lines}: {told:?}");
    };
    let one = "\tdocker build --build-arg package=./b -t $(NAME) .";
    check(
        &format!("{one}\n\tdocker build --build-arg \\\n\t  package=./c ."),
        &["./b", "./c"],
    );
    check(&format!("{one}\n\tdocker build ."), &["./a", "./b"]);
    // One value, whoever builds; the same as without; another Dockerfile; a test's run.
    check(one, &[]);
    check(&format!("{one}\n{one}"), &[]);
    check(
        "\tdocker build .\n\tdocker build --build-arg package=./a .",
        &[],
    );
    check(&format!("{one}\n\tdocker build -f Other ."), &[]);
    check(&format!("{one}\n\tdocker run image ."), &[]);
}

#[test]
fn the_checkouts_git_is_another_one_at_each_build() {
    let dockerfile = "FROM maven:3.9 AS build\nWORKDIR /code\nCOPY pom.xml ./\nCOPY .git .git\nCOPY src src\nRUN mvn -B package\nFROM eclipse-temurin:21-jre\nCOPY --from=build /code/target/a.jar /\n";
    let check = |settings: &str, expected: &str| {
        let tree = format!("--- pom.xml\n<project/>\n--- src/A.java\n{settings}")
            + &commits("src/A.java", "README.md", "LICENSE");
        let answer = Case::new(dockerfile, &tree).suggest();
        let then = &answer.then.dockerfile;
        let line = |start: &str| then.lines().position(|l| l.starts_with(start));
        let split = then
            .lines()
            .position(|l| l.contains("dependency:go-offline"));
        let place = match (split, line("COPY .git"), line("COPY src")) {
            (None, ..) => "nowhere",
            (Some(at), Some(git), _) if at < git => "above .git",
            (Some(at), _, Some(src)) if at < src => "above src",
            _ => "below",
        };
        assert_eq!(place, expected, "{settings}: {then}");
    };
    check("", "above .git");
    // Nothing tells what it is then.
    check("--- settings\ngit-dir excluded\n", "above src");
}

#[test]
fn what_builds_bring_and_git_does_not_hold_is_told_under_its_condition() {
    let check = |copied: &str, tree: &str, expected: Option<&str>| {
        let dockerfile = format!(
            "FROM debian:12\nCOPY {copied} /app/\nRUN apt-get update && apt-get install -y curl\n"
        );
        let tree = tree.to_owned() + &commits("src/a.js", "src/b.js", "README.md");
        let answer = Case::new(&dockerfile, &tree).suggest();
        let told = answer.small.iter().find_map(|s| {
            let told = s.conditional.as_ref()?;
            let Condition::Brought { paths } = &told.condition else {
                return None;
            };
            assert_eq!(s.proposal.candidate.rule, "system-first", "{copied}");
            assert!(told.per_build > 1_000, "{told:?}");
            Some(paths.join(" "))
        });
        assert_eq!(told.as_deref(), expected, "{copied}");
        let said = terminal(&answer).contains("if each build brought another");
        assert_eq!(said, expected.is_some(), "{copied}");
    };
    check("target/app.jar", "--- src/a.js\n", Some("target/app.jar"));
    check("target/*.jar", "--- src/a.js\n", Some("target/*.jar"));
    check(
        "dist conf.d out/[ab]",
        "--- src/a.js\n--- conf.d/x\n",
        Some("dist"),
    );
    // Git holds them: the history tells.
    check("conf.d", "--- src/a.js\n--- conf.d/x\n", None);
    // The build cannot see them.
    check(
        "target/app.jar",
        "--- src/a.js\n--- .dockerignore\ntarget\n",
        None,
    );
    // What is fetched may well be the same each time.
    let add = |flag: &str| {
        format!(
            "FROM debian:12\nADD {flag}https://example.com/app.jar /app/\nRUN apt-get update && apt-get install -y curl\n"
        )
    };
    let tree = commits("src/a.js", "src/b.js", "README.md");
    let answer = Case::new(&add(""), &tree).suggest();
    assert!(answer.order.is_empty(), "{:?}", ids(&answer));
    let text = terminal(&answer);
    assert!(
        text.contains("another https://example.com/app.jar"),
        "{text}"
    );
    assert!(
        text.contains("is taken to be the same at each build"),
        "{text}"
    );
    let checked = format!("--checksum=sha256:{} ", "0".repeat(64));
    let text = terminal(&Case::new(&add(&checked), &tree).suggest());
    assert!(!text.contains("app.jar"), "{text}");
}

#[test]
fn a_base_that_nobody_named_is_the_same_at_each_build() {
    let check = |from: &str, told: bool| {
        let dockerfile = format!(
            "ARG V\n{from}\nCOPY src /src\nRUN apt-get update && apt-get install -y curl\n"
        );
        let tree = commits("src/a.js", "src/b.js", "README.md");
        let answer = Case::new(&dockerfile, &tree).suggest();
        assert!(ids(&answer).contains(&"system-first-1"), "{from}");
        let says = answer.caveats.iter().any(|c| c.text.contains("same base"));
        assert_eq!(says, told, "{from}");
    };
    check("FROM $V", true);
    check("FROM debian:$V", true);
    check("FROM a AS base-x\nFROM base-$V", true);
    check("FROM debian:12$V", false);
}

#[test]
fn a_stage_runs_natively_where_builds_are_for_another_platform() {
    let dockerfile = "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /app .\n\nFROM alpine:3.20\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]\n";
    let tree = format!(
        "--- .dockerignore\n.git\n--- go.mod\nmodule a\n\ngo 1.22\n--- main.go\npackage main\n\nfunc main() {{}}\n{}",
        commits("main.go", "go.mod", "README.md")
    );
    let workflow = "--- .github/workflows/image.yml\n- uses: docker/setup-qemu-action@v3\n- uses: docker/build-push-action@v6\n  with:\n    platforms: linux/amd64,linux/arm/v7\n";
    let check = |before: &str, listed: Option<&str>| {
        let answer = Case::new(dockerfile, &(before.to_owned() + &tree)).suggest();
        let is_it = |s: &&Suggestion| s.proposal.candidate.rule == "native-stage";
        assert!(
            !answer.order.iter().any(|s| is_it(&s)),
            "at home nothing is emulated"
        );
        let small = answer.small.iter().find(is_it);
        let found = small.or(answer.idle.iter().find(is_it)).expect("proposed");
        let told = found.conditional.as_ref().expect("a condition");
        let Condition::Emulated { platform, by } = &told.condition else {
            panic!("{:?}", told.condition);
        };
        assert!(told.per_build > 1000, "{told:?}");
        assert_eq!(by.is_some(), listed.is_some());
        assert_eq!(small.is_some(), listed.is_some());
        assert_eq!(platform, listed.unwrap_or("linux/arm64"));
    };
    check("", None);
    check(workflow, Some("linux/arm/v7"));
    // Machines of both platforms build side by side: nothing is emulated.
    check(&workflow.replace("qemu", "buildx"), None);
    let said = "--- settings\nplatform linux/arm64\n".to_owned() + &tree;
    let answer = Case::new(dockerfile, &said).suggest();
    assert!(
        ids(&answer).contains(&"native-stage-1"),
        "{:?}",
        ids(&answer)
    );
}

#[test]
fn each_field_is_documented() {
    fn names(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.keys().cloned());
                map.values().for_each(|v| names(v, found));
            }
            Value::Array(all) => all.iter().for_each(|v| names(v, found)),
            _ => {}
        }
    }
    let case = Case::new(
        "FROM node:22 AS web\nCOPY src /web/src\nRUN npm run build\nFROM debian:12\nARG GIT_COMMIT\nCOPY src target/app.jar /src/\nRUN apt-get update && apt-get install -y curl\nCOPY --from=web /web/dist /web\n",
        &("--- Makefile\nimage:\n\tdocker build --build-arg GIT_COMMIT=$$(git rev-parse HEAD) .\n"
            .to_owned()
            + &commits("src/a.js", "src/b.js", "README.md")),
    );
    let mut text = Vec::new();
    write_json(&case.suggest(), true, &mut text).unwrap();
    let mut found = BTreeSet::new();
    names(&serde_json::from_slice(&text).unwrap(), &mut found);
    assert!(found.len() > 40, "{found:?}");
    let page = include_str!("../../docs/schema/suggest.md");
    let missing: Vec<&String> = found
        .iter()
        .filter(|name| *name != "schema" && !page.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn terminal(answer: &Suggestions) -> String {
    let mut text = Vec::new();
    let look = Look {
        colour: false,
        width: 200,
    };
    write_terminal(answer, false, look, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn what_the_dockerfile_bumps_counts_as_of_each_commit() {
    let text = |version: usize| {
        format!(
            "FROM debian:12\nENV TOOL_VERSION=1.{version}\nRUN apt-get update && apt-get install -y curl\nRUN curl -L https://example.com/tool-$TOOL_VERSION.tar.gz -o /opt/tool.tar.gz\nCOPY src /src\n"
        )
    };
    let case = Case::new(
        &text(9),
        &("--- src/a.js\n".to_owned() + &commits("src/a.js", "src/b.js", "README.md")),
    );
    assert!(
        case.suggest().order.is_empty(),
        "nothing changes but the source"
    );
    let mut inputs = case.inputs();
    for (n, input) in inputs.iter_mut().enumerate() {
        input.watched[0] = Ok(Some(text(n / 4).into_bytes().into()));
    }
    let answer = case.suggest_over(&inputs);
    assert_eq!(ids(&answer), ["sink-values-1"]);
    assert_eq!(answer.saving.builds.0, 7, "each of the bumps");
}

#[test]
fn a_rust_workspace_cooks_its_dependencies_only_where_a_manifest_changed() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/restructure/cargo-chef/workspace/"
    );
    let text = |name: &str| std::fs::read_to_string(folder.to_owned() + name).unwrap();
    let history = text("history.scn");
    let tree = history.split("--- commits").next().unwrap();
    let history = tree.to_owned()
        + &commits(
            "crates/server/src/main.rs",
            "Cargo.lock",
            "crates/core/src/lib.rs",
        );
    let case = Case::new(&text("before.Dockerfile"), &history);
    let answer = case.suggest();
    let mut all = answer.order.iter().chain(&answer.instead);
    let chef = all.find(|s| s.proposal.candidate.rule == "cargo-chef");
    let alone = chef.expect("it pays").alone.clone().unwrap();
    // Three of thirty builds change the lockfile.
    assert_eq!(alone.builds, (27, 3, 30), "{alone:?}");
}
