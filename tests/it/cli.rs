//! The program as a process: help, exit codes, standard streams.

use crate::support::repo::Repo;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program in a folder, without the user's environment.
fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph"));
    command
        .current_dir(folder)
        .args(args)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("COLUMNS");
    command
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    program(folder, args).output().unwrap()
}

fn run_with(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = program(folder, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const DOCKERFILE: &str =
    "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n";

/// Four commits: the first, documentation, source, dependencies.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("Dockerfile", DOCKERFILE)
        .write(".dockerignore", ".git\n*.md\n");
    repo.write("package.json", "{}")
        .write("src/a.js", "1")
        .commit("Begin");
    repo.write("README.md", "hello").commit("Document");
    repo.write("src/a.js", "2").commit("Change the source");
    repo.write("package.json", "{\"a\":1}")
        .commit("Change the dependencies");
    repo
}

const COMMANDS: [&str; 12] = [
    "analyze",
    "compare",
    "suggest",
    "explain",
    "comment",
    "calibrate",
    "verify",
    "graph",
    "replay",
    "demo",
    "completions",
    "man",
];

#[test]
fn every_command_has_help_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let all = out(&run(folder.path(), &["--help"]));
    for command in COMMANDS {
        assert!(
            all.contains(&format!("\n  {command} ")),
            "{command} is not in the help:\n{all}"
        );
        let help = run(folder.path(), &[command, "--help"]);
        assert!(help.status.success());
        assert!(
            out(&help).contains("Examples:\n  "),
            "{command} has no example:\n{}",
            out(&help)
        );
    }
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let repo = repo();
    let folder = repo.path();
    fs_write(folder, "bad.Dockerfile", "FROM a\nRUM x\n");
    fs_write(
        folder,
        "slow.Dockerfile",
        &DOCKERFILE.replace("COPY package.json ./\n", "COPY . .\n"),
    );
    for (code, args) in [
        (0, &["replay"][..]),
        (0, &["analyze"]),
        (0, &["explain", "HEAD"]),
        (0, &["compare", "Dockerfile", "slow.Dockerfile"]),
        (0, &["--version"]),
        (
            1,
            &[
                "compare",
                "Dockerfile",
                "slow.Dockerfile",
                "--fail-if-slower",
                "1%",
            ],
        ),
        (
            1,
            &[
                "compare",
                "Dockerfile",
                "slow.Dockerfile",
                "--max-rebuild",
                "1ms",
            ],
        ),
        (2, &["analyse"]),
        (2, &["replay", "--last", "x"]),
        (2, &["replay", "--since", "someday"]),
        (2, &["replay", "--context", "../.."]),
        (2, &["compare", "-", "-"]),
        (2, &["explain", "HEAD", "no such step"]),
        (3, &["replay", "--repo", "/nonexistent"]),
        (3, &["replay", "--range", "nosuch..HEAD"]),
        (4, &["graph", "bad.Dockerfile"]),
        (4, &["compare", "Dockerfile", "bad.Dockerfile"]),
        (4, &["graph", "missing.Dockerfile"]),
        (5, &["replay", "-o", "/nonexistent/trace.json"]),
    ] {
        let output = run(folder, args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            err(&output)
        );
        assert_eq!(
            err(&output).is_empty(),
            code == 0,
            "{args:?}: {}",
            err(&output)
        );
    }
}

fn fs_write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn errors_come_as_json_too_where_json_is_asked_for() {
    let repo = repo();
    fs_write(repo.path(), "bad.Dockerfile", "FROM a\nRUM x\n");
    let output = run(
        repo.path(),
        &["graph", "--format", "json", "bad.Dockerfile"],
    );
    let json: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(
        (
            json["error"]["line"].as_u64(),
            json["error"]["exit_code"].as_u64()
        ),
        (Some(2), Some(4))
    );
    assert!(err(&output).contains("RUM"), "{}", err(&output));
    let plain = run(repo.path(), &["graph", "bad.Dockerfile"]);
    assert_eq!(out(&plain), "");
    let usage = run(repo.path(), &["analyze", "--format=json", "--last", "x"]);
    assert!(out(&usage).contains("\"usage\""), "{}", out(&usage));
}

#[test]
fn a_repository_given_as_a_word_is_told_its_option() {
    let repo = repo();
    for command in ["suggest", "comment", "replay"] {
        let output = run(repo.path(), &[command, "../other"]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let text = err(&output);
        assert!(text.contains("'--repo ../other'"), "{command}: {text}");
    }
    for other in [&["suggest", "--rebo"][..], &["man", "x"]] {
        let text = err(&run(repo.path(), other));
        assert!(!text.contains("to name the repository"), "{text}");
    }
}

#[test]
fn a_dockerfile_that_no_commit_has_is_an_error_that_names_those_there_are() {
    let repo = repo();
    for command in ["analyze", "suggest"] {
        let output = run(repo.path(), &[command, "--file", "nope"]);
        assert_eq!(output.status.code(), Some(4), "{command}");
        let text = err(&output);
        assert!(
            text.contains("nope") && text.contains("has Dockerfile"),
            "{text}"
        );
    }
}

#[test]
fn options_of_mounts_are_read_when_their_variables_are_known() {
    let repo = Repo::new();
    let text = |user: &str| {
        format!(
            "FROM node:22\nARG USER_ID={user}\nCOPY . .\nRUN --mount=type=cache,target=/c,uid=${{USER_ID}},gid=${{USER_ID}} npm ci\n"
        )
    };
    for n in 0..3 {
        repo.write("Dockerfile", text("1000"))
            .write("a.js", format!("{n}"))
            .commit("change");
    }
    let built = run(repo.path(), &["suggest"]);
    assert_eq!(built.status.code(), Some(0), "{}", err(&built));
    // A value that is none is refused by every build, and so is the question.
    repo.write("Dockerfile", text("me")).commit("a name");
    let refused = run(repo.path(), &["suggest", "--last", "1"]);
    assert_eq!(refused.status.code(), Some(4), "{}", out(&refused));
    let said = err(&refused);
    assert!(
        said.contains("Dockerfile:4") && said.contains("uid"),
        "{said}"
    );
    // What only the base image can set is not known, and no reason to refuse; from scratch nothing sets it.
    let mount = "RUN --mount=type=cache,target=$CACHE,uid=$ID,ro=$RO,sharing=$S npm ci\n";
    for (base, code) in [("node:22", 0), ("scratch", 4)] {
        repo.write("Dockerfile", format!("FROM {base}\n{mount}"))
            .commit("a variable of the image");
        let output = run(repo.path(), &["suggest", "--last", "1"]);
        assert_eq!(output.status.code(), Some(code), "{base}: {}", err(&output));
    }
}

/// The outcomes of the steps that are not FROM, one string per build: `h`it or `m`iss.
fn outcomes(output: &Output) -> Vec<String> {
    let build = |line: &str| -> String {
        let build: serde_json::Value = serde_json::from_str(line).unwrap();
        let steps = build["steps"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|s| s["instruction"] != "FROM");
        steps
            .map(|s| s["outcome"].as_str().unwrap()[..1].to_owned())
            .collect()
    };
    out(output).lines().map(build).collect()
}

#[test]
fn the_trace_has_one_line_per_build_in_the_order_given() {
    let repo = repo();
    let folder = repo.path();
    assert_eq!(
        outcomes(&run(folder, &["replay"])),
        ["mmmmm", "hhhhh", "hhhmm", "hmmmm"]
    );
    assert_eq!(
        outcomes(&run(folder, &["replay", "--last", "1"])),
        ["mmmmm"]
    );
    assert_eq!(
        outcomes(&run(folder, &["replay", "--range", "HEAD~2..HEAD"])),
        ["mmmmm", "hmmmm"]
    );
    let listed = run_with(
        folder,
        &["replay", "--commits", "-"],
        "HEAD\nHEAD~3\nHEAD\n",
    );
    assert_eq!(
        outcomes(&listed),
        ["mmmmm", "hmmmm", "hhhhh"],
        "the cache is a store of keys"
    );
    let builds = run_with(
        folder,
        &["replay", "--builds", "-"],
        "{\"commit\":\"HEAD\",\"time\":5}\n\n{\"commit\":\"HEAD~3\"}\n",
    );
    assert_eq!(outcomes(&builds), ["mmmmm", "hmmmm"]);
    let first: serde_json::Value =
        serde_json::from_str(out(&builds).lines().next().unwrap()).unwrap();
    assert_eq!(first["time"], 5);
    assert_eq!(
        outcomes(&run_with(folder, &["replay", "--builds", "-"], "")),
        [""; 0]
    );
}

#[test]
fn a_bad_list_names_its_line() {
    let repo = repo();
    for (option, text, code, want) in [
        (
            "--builds",
            "{\"commit\":\"HEAD\"}\n{\"comit\":\"HEAD\"}\n",
            2,
            "line 2",
        ),
        (
            "--builds",
            "{\"commit\":\"HEAD\"}\n{\"commit\":\"nosuch\"}\n",
            3,
            "line 2",
        ),
        ("--commits", "HEAD\nHEAD HEAD\n", 2, "line 2"),
        ("--commits", "nosuch\n", 3, "line 1"),
    ] {
        let output = run_with(repo.path(), &["replay", option, "-"], text);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(err(&output).contains(want), "{text}: {}", err(&output));
        assert_eq!(
            out(&output),
            "",
            "nothing is written before the list is understood"
        );
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let repo = repo();
    let mut child = program(repo.path(), &["replay", "--builds", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let lines = "{\"commit\":\"HEAD\"}\n".repeat(300);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn colour_is_for_terminals() {
    let repo = repo();
    for args in [
        &["analyze"][..],
        &["explain", "HEAD"],
        &["--help"],
        &["analyse"],
    ] {
        let output = run(repo.path(), args);
        assert!(
            !output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b),
            "{args:?}"
        );
    }
    let forced = program(repo.path(), &["analyze"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    assert!(forced.stdout.contains(&0x1b));
    let refused = program(repo.path(), &["analyze"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!refused.stdout.contains(&0x1b));
}

#[test]
fn reports_keep_to_the_width() {
    let repo = repo();
    for columns in ["60", "80", "100"] {
        let output = program(repo.path(), &["analyze"])
            .env("COLUMNS", columns)
            .output()
            .unwrap();
        let text = out(&output);
        let widest = text.lines().map(|l| l.chars().count()).max().unwrap();
        // Columns of numbers are never cut, so the narrowest table may stick out.
        assert!(
            widest <= columns.parse::<usize>().unwrap().max(90),
            "{columns}: {widest}\n{text}"
        );
        assert!(text.lines().count() <= 40, "{text}");
    }
}

#[test]
fn the_only_dockerfile_is_found_and_said() {
    let repo = Repo::new();
    repo.write("docker/Dockerfile", DOCKERFILE)
        .write("package.json", "{}")
        .commit("Begin");
    let output = run(repo.path(), &["replay"]);
    assert_eq!(outcomes(&output), ["mmmmm"]);
    assert!(
        err(&output).contains("docker/Dockerfile"),
        "{}",
        err(&output)
    );
    repo.write("web/Dockerfile", DOCKERFILE).commit("Another");
    let output = run(repo.path(), &["replay"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        err(&output).contains("--file docker/Dockerfile"),
        "{}",
        err(&output)
    );
    let chosen = run(repo.path(), &["replay", "-f", "web/Dockerfile"]);
    assert_eq!(
        out(&chosen)
            .lines()
            .filter(|l| l.contains("\"buildable\":false"))
            .count(),
        1,
        "it is absent at first"
    );
}

#[test]
fn bare_repositories_and_git_directories_are_read() {
    let repo = repo();
    let bare = repo.cloned(&["--bare"]);
    let want = out(&run(repo.path(), &["replay"]));
    assert_eq!(out(&run(bare.path(), &["replay"])), want);
    assert_eq!(
        out(&run(
            Path::new("/"),
            &[
                "replay",
                "--repo",
                repo.path().join(".git").to_str().unwrap()
            ]
        )),
        want
    );
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let repo = repo();
    let output = run(
        repo.path(),
        &["analyze", "--format", "json", "-o", "a.json"],
    );
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), ""));
    let text = std::fs::read_to_string(repo.path().join("a.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["schema"],
        "stratigraph.analysis/1"
    );
    run(
        repo.path(),
        &["replay", "--range", "nosuch", "-o", "b.json"],
    );
    assert!(!repo.path().join("b.json").exists());
    let left: Vec<_> = std::fs::read_dir(repo.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().starts_with(".stratigraph-")),
        "{left:?}"
    );
}

#[test]
fn a_graph_needs_no_repository() {
    let folder = tempfile::tempdir().unwrap();
    for (format, want) in [
        ("terminal", "RUN npm ci"),
        ("mermaid", "flowchart TD"),
        ("dot", "digraph"),
        ("json", "stratigraph.graph/1"),
    ] {
        let output = run_with(
            folder.path(),
            &["graph", "--format", format, "-"],
            DOCKERFILE,
        );
        assert!(
            output.status.success() && out(&output).contains(want),
            "{format}: {}{}",
            out(&output),
            err(&output)
        );
    }
    let parsed = run_with(
        folder.path(),
        &["graph", "--instructions", "-"],
        "FROM a\nRUN b \\\n c\nONBUILD RUN d\n",
    );
    assert_eq!(
        out(&parsed),
        "[[\"FROM\",1,1],[\"RUN\",2,3],[\"ONBUILD\",4,4]]\n"
    );
}

#[test]
fn explain_names_the_step_and_the_cause() {
    let repo = repo();
    let output = out(&run(repo.path(), &["explain", "HEAD~1", "npm run build"]));
    assert!(
        output.contains("it follows line 5") && output.contains("src/a.js"),
        "{output}"
    );
    let output = out(&run(repo.path(), &["explain", "HEAD~1", "4"]));
    assert!(
        output.contains("cached: as built at") && output.contains("(Begin)"),
        "{output}"
    );
}

#[test]
fn packagers_get_completions_and_a_manual() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            out(&run(folder.path(), &["completions", shell])).contains("stratigraph"),
            "{shell}"
        );
    }
    let man = out(&run(folder.path(), &["man"]));
    assert!(man.contains(".TH"), "{man}");
    for command in COMMANDS {
        assert!(
            man.contains(&format!("STRATIGRAPH {}", command.to_uppercase())),
            "{command} is not in the manual"
        );
    }
}
