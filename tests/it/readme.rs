//! What the README shows and says, run.

use crate::support::program::program;
use std::fs;
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    fs::read_to_string(path()).unwrap()
}

/// The lines between ```` ```console ```` and its end behind `marker`, without the command itself.
fn shown(readme: &str, marker: &str) -> String {
    let at = readme
        .find(marker)
        .expect("the marker stands in the README");
    let block = readme[at..].split("```console\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    block.split_once('\n').unwrap().1.to_owned()
}

#[test]
fn the_output_above_the_fold_is_what_the_program_prints() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    let laid = program(&["demo", "--keep", demo.to_str().unwrap()]);
    assert!(
        laid.status.success(),
        "{}",
        String::from_utf8_lossy(&laid.stderr)
    );
    let repository = demo.join("spring-and-node.git");
    let run = program(&[
        "analyze",
        repository.to_str().unwrap(),
        "--git-dir",
        "excluded",
    ]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let want = shown(
        &readme(),
        "<!-- output: stratigraph analyze demo/spring-and-node.git",
    );
    let got = String::from_utf8_lossy(&run.stdout).into_owned();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path(), readme().replace(&want, &got)).unwrap();
    } else {
        assert_eq!(got, want, "UPDATE_GOLDEN=1 rewrites the README");
    }
}

#[test]
fn every_command_line_in_the_readme_is_one_that_the_program_knows() {
    let text = readme();
    let lines: Vec<&str> = text
        .split('`')
        .filter(|part| part.starts_with("stratigraph ") && !part.contains('\n'))
        .collect();
    assert!(lines.len() >= 9, "{lines:?}");
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let help = program(&[words[0], "--help"]);
        assert!(help.status.success(), "{line}");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        for flag in words.iter().filter(|w| w.starts_with("--")) {
            assert!(help.contains(flag), "{line}: --help does not know {flag}");
        }
    }
}

#[test]
fn the_files_that_the_readme_links_to_are_there() {
    let text = readme();
    for link in text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(),
            "{link}"
        );
    }
}

#[test]
fn every_rule_has_its_row() {
    let text = readme();
    for rule in stratigraph::restructure::rules::ALL {
        assert!(
            text.contains(&format!("| `{}` |", rule.id)),
            "README.md has no row for {}",
            rule.id
        );
    }
}
