//! A head that lays the repository out in another way: `compare` and `comment` pair build by build all the same.

use crate::support::program::run_in;
use crate::support::repo::Repo;
use serde_json::Value;

const NPM: &str = "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY src src\nRUN npm run build\n";

/// Ten commits on `main`: the source changes at each, the lock file at each third.
fn history() -> Repo {
    let repo = Repo::new();
    repo.write("Dockerfile", NPM)
        .write(
            "package.json",
            (0..20).map(|n| format!("line {n}\n")).collect::<String>(),
        )
        .write("src/b.js", "b");
    for n in 0..10 {
        repo.write("src/a.js", format!("a {n}"));
        repo.write("package-lock.json", format!("lock {}", n / 3));
        repo.commit(&format!("change {n}"));
    }
    repo
}

fn run(repo: &Repo, args: &[&str]) -> (i32, String) {
    let ran = run_in(repo.path(), args);
    (ran.code, ran.stdout + &ran.stderr)
}

/// Commits what `change` does on a branch of its own, and gives the comparison and the comment.
#[track_caller]
fn compared(change: impl FnOnce(&Repo), args: &[&str]) -> (Value, String) {
    let repo = history();
    repo.git(&["checkout", "--quiet", "-b", "pr"]);
    change(&repo);
    repo.commit("another layout");
    let ends = ["--base", "main", "--head", "pr"];
    let (code, text) = run(
        &repo,
        &[&["compare", "--format", "json"], &ends[..], args].concat(),
    );
    assert_eq!(code, 0, "{text}");
    let (code, comment) = run(
        &repo,
        &[&["comment", "--when", "always"], &ends[..], args].concat(),
    );
    assert_eq!(code, 0, "{comment}");
    (serde_json::from_str(&text).unwrap(), comment)
}

fn runs(found: &Value, text: &str) -> (u64, u64) {
    let steps = found["steps"].as_array().unwrap();
    let step = steps.iter().find(|s| s["new"]["text"] == text);
    let step = step.unwrap_or_else(|| panic!("{text}: {found}"));
    let runs = |side: &str| step[side]["runs"].as_u64().unwrap_or(99);
    (runs("old"), runs("new"))
}

#[track_caller]
fn paired(found: &Value, n: u64) {
    let numbers = ["builds", "only_old_builds", "only_new_builds"].map(|k| found[k].as_u64());
    assert_eq!(numbers, [Some(n), Some(0), Some(0)], "{}", found["caveats"]);
}

#[track_caller]
fn says(found: &Value, comment: &str, words: &str) {
    assert!(
        found["caveats"].to_string().contains(words),
        "{words}: {}",
        found["caveats"]
    );
    assert!(comment.contains(words), "{words}: {comment}");
}

fn move_to(repo: &Repo, from: &str, to: &str) {
    std::fs::create_dir_all(repo.path().join(to).parent().unwrap()).unwrap();
    std::fs::rename(repo.path().join(from), repo.path().join(to)).unwrap();
}

#[test]
fn a_renamed_folder_keeps_its_history() {
    let (found, comment) = compared(
        |repo| {
            move_to(repo, "src", "lib");
            repo.write("Dockerfile", NPM.replace("src src", "lib lib"));
        },
        &[],
    );
    paired(&found, 9);
    assert_eq!(found["mean_change_ms"]["median"], 0);
    assert_eq!(runs(&found, "COPY lib lib").1, 9);
    says(
        &found,
        &comment,
        "The head moves 2 files (src/a.js to lib/a.js, src/b.js to lib/b.js)",
    );
    assert!(
        comment.contains("nothing changes for the cache"),
        "{comment}"
    );
}

#[test]
fn a_manifest_that_moves_and_is_rewritten_is_known_by_its_contents() {
    let (found, comment) = compared(
        |repo| {
            let old = std::fs::read_to_string(repo.path().join("package.json")).unwrap();
            repo.remove("package.json").write(
                "web/package.json",
                old.replace("line 7\n", "another line\n"),
            );
            move_to(repo, "package-lock.json", "web/package-lock.json");
            repo.write(
                "Dockerfile",
                NPM.replace(
                    "package.json package-lock.json",
                    "web/package.json web/package-lock.json",
                ),
            );
        },
        &[],
    );
    paired(&found, 9);
    assert_eq!(runs(&found, "RUN npm ci"), (3, 3));
    says(
        &found,
        &comment,
        "The head moves 2 files, of which 1 is known by the folder or by like contents",
    );
}

#[test]
fn an_added_file_is_there_at_every_build() {
    let (found, comment) = compared(
        |repo| {
            repo.write("tools/generate.sh", "#!/bin/sh");
            repo.write(
                "Dockerfile",
                NPM.replace(
                    "RUN npm ci\n",
                    "RUN npm ci\nCOPY tools tools\nRUN tools/generate.sh\n",
                ),
            );
        },
        &[],
    );
    paired(&found, 9);
    assert_eq!(runs(&found, "COPY tools tools"), (99, 3));
    says(
        &found,
        &comment,
        "The head adds 1 file (tools/generate.sh): it is at every build of its side as at the head",
    );
}

#[test]
fn a_removed_file_is_gone_from_every_build() {
    let (found, comment) = compared(
        |repo| {
            // What changed at each commit is gone: the layers below hit.
            repo.remove("src/a.js");
        },
        &[],
    );
    paired(&found, 9);
    assert_eq!(runs(&found, "RUN npm run build"), (9, 3));
    assert!(found["mean_change_ms"]["median"].as_i64().unwrap() < 0);
    says(
        &found,
        &comment,
        "The head removes 1 file (src/a.js): its side is built without it.",
    );
}

#[test]
fn a_file_copied_by_the_head_that_the_base_alone_had_is_not_there() {
    let repo = history();
    repo.git(&["checkout", "--quiet", "-b", "pr"]);
    repo.remove("package-lock.json")
        .commit("gone, and still copied");
    let (code, text) = run(
        &repo,
        &[
            "compare", "--base", "main", "--head", "pr", "--format", "json",
        ],
    );
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 0);
    // Nothing of that name was ever there on this side: the builder would say so, git cannot.
    let unknown = found["new"]["cache"]["unknown"].as_u64().unwrap();
    assert!(unknown > 0, "{text}");
}

#[test]
fn a_dockerfile_that_moves_is_followed() {
    let (found, comment) = compared(
        |repo| {
            move_to(repo, "Dockerfile", "docker/Dockerfile");
            repo.write("docker/Dockerfile.dockerignore", "src/a.js\n");
        },
        &[],
    );
    paired(&found, 9);
    assert_eq!(found["new"]["name"], "pr:docker/Dockerfile");
    // Its own ignore file comes along.
    assert_eq!(runs(&found, "RUN npm run build"), (9, 3));
    assert!(comment.contains("docker/Dockerfile:6"), "{comment}");
    assert!(comment.contains("**Merging this** runs"), "{comment}");
}

#[test]
fn a_context_that_moves_is_followed() {
    let repo = Repo::new();
    repo.write("web/Dockerfile", NPM)
        .write("web/package.json", "{}")
        .write("web/package-lock.json", "1")
        .write("notes", "0");
    for n in 0..6 {
        repo.write("web/src/a.js", format!("a {n}"))
            .commit("change");
    }
    repo.git(&["checkout", "--quiet", "-b", "pr"]);
    move_to(&repo, "web", "apps/web");
    repo.commit("all apps in one folder");
    let args = [
        "--base",
        "main",
        "--head",
        "pr",
        "--file",
        "web/Dockerfile",
        "--context",
        "web",
    ];
    let (code, text) = run(
        &repo,
        &[&["compare", "--format", "json"], &args[..]].concat(),
    );
    assert_eq!(code, 0, "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    paired(&found, 5);
    assert_eq!(found["new"]["name"], "pr:apps/web/Dockerfile");
    assert_eq!(runs(&found, "COPY src src"), (5, 5));
    let (code, comment) = run(
        &repo,
        &[&["comment", "--when", "always"], &args[..]].concat(),
    );
    assert_eq!(code, 0, "{comment}");
    assert!(comment.contains("The head moves 4 files"), "{comment}");
}

#[test]
fn what_moves_outside_of_the_context_is_no_concern() {
    let repo = Repo::new();
    repo.write("web/Dockerfile", "FROM a\nCOPY . .\n")
        .write("docs/a.md", "a");
    repo.commit("one");
    repo.write("web/b", "b").commit("two");
    repo.write("web/b", "c").commit("three");
    repo.git(&["checkout", "--quiet", "-b", "pr"]);
    move_to(&repo, "docs", "documentation");
    repo.commit("documentation");
    let args = [
        "--base",
        "main",
        "--head",
        "pr",
        "--file",
        "web/Dockerfile",
        "--context",
        "web",
    ];
    let (code, text) = run(
        &repo,
        &[&["compare", "--format", "json"], &args[..]].concat(),
    );
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("moves"), "{text}");
}
