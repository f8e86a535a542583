//! The house's own rules, checked on its sources: who may import whom, which package lives where, what every file says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the ground up: each may import those before it.
const ORDER: &[&str] = &[
    "tree",
    "caveat",
    "dockerfile",
    "context",
    "history",
    "graph",
    "cache",
    "builder",
    "replay",
    "shell",
    "ecosystem",
    "cost",
    "verify",
    "restructure",
    "score",
    "analyze",
    "suggest",
    "report",
    "pull_request",
    "demo",
    "forge",
    "cli",
];

/// Arrows that point up all the same, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // A profile is told what the user set; the settings are plain data and import nothing but the builder's name.
    ("builder", "replay"),
    // Instructions are shell text; the parser of shell text takes them as they are.
    ("dockerfile", "shell"),
];

/// Nobody sees the process.
const TOP: &str = "cli";

/// Where each package is at home: files, or folders that end with a slash.
const HOMES: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["dockerfile/diagnostic.rs"]),
    ("anstream", &["cli/"]),
    ("anstyle", &["report/"]),
    ("clap", &["cli/args/"]),
    ("clap_complete", &["cli/args/"]),
    ("clap_mangen", &["cli/args/"]),
    ("flate2", &["cost/log/archive.rs"]),
    (
        "git2",
        &["history/git.rs", "history/objects.rs", "history/write.rs"],
    ),
    ("globset", &["context/pattern.rs"]),
    ("indicatif", &["cli/progress.rs"]),
    ("jiff", &["history/git.rs", "report/format.rs", "forge/"]),
    ("maud", &["report/html.rs"]),
    (
        "memchr",
        &[
            "history/git.rs",
            "history/raw.rs",
            "restructure/mentions.rs",
        ],
    ),
    ("petgraph", &["graph/dag.rs"]),
    ("prost", &["cost/log/status.rs"]),
    ("regex", &["context/", "dockerfile/shell_pattern.rs"]),
    ("similar", &["dockerfile/edit.rs"]),
    ("tar", &["cost/log/archive.rs"]),
    ("tempfile", &["cli/", "demo/"]),
    ("terminal_size", &["cli/output.rs"]),
    (
        "toml",
        &["cli/config/table.rs", "cost/profile.rs", "ecosystem/"],
    ),
    ("ureq", &["forge/http.rs"]),
    (
        "xxhash_rust",
        &["context/digest.rs", "report/fingerprint.rs"],
    ),
];

/// A source file: its path below `src/`, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The module a file belongs to; `None` for `lib.rs` and `main.rs`, which see everything.
fn module(file: &str) -> Option<&str> {
    let first = file.split('/').next().unwrap_or(file);
    let name = first.strip_suffix(".rs").unwrap_or(first);
    (!matches!(name, "lib" | "main")).then_some(name)
}

/// The modules of this crate that a line names, and what is after `crate::`.
fn imports(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or(line);
    let after = code.split("crate::").skip(1);
    after
        .map(|rest| {
            rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .next()
                .unwrap_or("")
        })
        .collect()
}

/// Lines of code before the unit tests, which may use more.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tests = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    text[..tests].lines().zip(1..).map(|(line, n)| (n, line))
}

fn report(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn imports_point_one_way() {
    let rank = |module: &str| ORDER.iter().position(|m| *m == module);
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(own) = module(&file) else { continue };
        let Some(own_rank) = rank(own) else {
            wrong.push(format!(
                "src/{file}: the module {own} is not in the order of this test"
            ));
            continue;
        };
        for (n, line) in code(&text) {
            for used in imports(line).into_iter().filter(|m| *m != own) {
                let is_up = rank(used).is_some_and(|r| r > own_rank);
                if (is_up && !EXCEPTIONS.contains(&(own, used))) || (used == TOP && own != TOP) {
                    wrong.push(format!("src/{file}:{n}: {own} may not import {used}"));
                }
            }
        }
    }
    report(&wrong, "modules import only what lies below them");
}

#[test]
fn every_module_of_the_order_exists() {
    let files = sources();
    let missing: Vec<String> = ORDER
        .iter()
        .filter(|m| !files.iter().any(|(file, _)| module(file) == Some(m)))
        .map(|m| (*m).to_owned())
        .collect();
    report(&missing, "the order names modules that are gone");
}

#[test]
fn packages_stay_at_home() {
    let homes: BTreeMap<&str, &[&str]> = HOMES.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (n, line) in code(&text) {
            let code = line.split("//").next().unwrap_or(line);
            for (package, homes) in &homes {
                let is_home = homes
                    .iter()
                    .any(|h| file == *h || (h.ends_with('/') && file.starts_with(h)));
                if names_package(code, package) && !is_home {
                    wrong.push(format!(
                        "src/{file}:{n}: {package} is at home in {}",
                        homes.join(", ")
                    ));
                }
            }
        }
    }
    report(&wrong, "one package, one home");
}

/// `package::` that is not the end of a longer path or name.
fn names_package(code: &str, package: &str) -> bool {
    let path = format!("{package}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(file, _)| format!("src/{file}"))
        .collect();
    report(&silent, "the first line of a file is a `//!` line");
}

#[test]
fn every_mod_rs_says_what_it_never_does() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(file, text)| file.ends_with("mod.rs") && !text.contains("Never:"))
        .map(|(file, _)| format!("src/{file}"))
        .collect();
    report(&silent, "a mod.rs says what its module never does");
}

#[test]
fn only_the_process_prints() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (n, line) in code(&text).filter(|_| !file.starts_with("cli/")) {
            let code = line.split("//").next().unwrap_or(line);
            if ["println!", "eprintln!", "print!", "eprint!"]
                .iter()
                .any(|p| code.trim_start().starts_with(p))
            {
                wrong.push(format!("src/{file}:{n}: {}", line.trim()));
            }
        }
    }
    report(&wrong, "output goes to sinks");
}

#[test]
fn no_fixture_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<PathBuf> = fs::read_dir(root.join("tests/it"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    texts.extend(
        fs::read_dir(root.join("tests/it/support"))
            .unwrap()
            .map(|e| e.unwrap().path()),
    );
    let mut all: String = texts
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .map(|p| fs::read_to_string(p).unwrap())
        .collect();
    all.extend(sources().into_iter().map(|(_, text)| text));
    let forgotten: Vec<String> = fs::read_dir(root.join("fixtures"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_str().unwrap().to_owned())
        .filter(|topic| {
            let names = [
                format!("fixtures/{topic}"),
                format!("\"{topic}\""),
                format!("\"{topic}/"),
            ];
            !names.iter().any(|name| all.contains(name))
        })
        .collect();
    report(&forgotten, "every folder of fixtures/ is read by a test");
}

#[test]
fn the_checks_can_fail() {
    assert_eq!(
        imports("use crate::report::view; // crate::cli"),
        ["report"]
    );
    assert!(names_package("let x = git2::Oid::zero();", "git2"));
    assert!(!names_package(
        "let x = my_git2::Oid; crate::toml::x",
        "git2"
    ));
    assert!(!names_package("crate::toml::x", "toml"));
    assert_eq!(module("cli/run.rs"), Some("cli"));
    assert_eq!((module("tree.rs"), module("lib.rs")), (Some("tree"), None));
}
