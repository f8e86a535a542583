//! The action and the example workflows: valid YAML, inputs and options that exist, the same in the documentation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use yaml_rust2::{Yaml, YamlLoader};

const EXAMPLES: [&str; 4] = [
    "examples/github/stratigraph.yml",
    "examples/github/stratigraph-post.yml",
    "examples/gitlab/.gitlab-ci.yml",
    "examples/gitea/stratigraph.yml",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn yaml(path: &str) -> Yaml {
    YamlLoader::load_from_str(&text(path))
        .unwrap_or_else(|e| panic!("{path}: {e}"))
        .remove(0)
}

fn keys(map: &Yaml) -> BTreeSet<String> {
    map.as_hash()
        .unwrap()
        .keys()
        .map(|k| k.as_str().unwrap().to_owned())
        .collect()
}

/// The long options of `stratigraph comment`.
fn options() -> BTreeSet<String> {
    let help = Command::new(env!("CARGO_BIN_EXE_stratigraph"))
        .args(["comment", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.split(|c: char| c.is_whitespace() || ",=<[]".contains(c));
    words
        .filter(|w| w.starts_with("--") && w.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// The long options that a script passes.
fn passed(script: &str) -> BTreeSet<String> {
    let lines = script
        .lines()
        .filter(|l| l.contains("stratigraph comment") || l.trim_start().starts_with("add --"));
    let words = lines.flat_map(str::split_whitespace);
    words
        .filter(|w| w.starts_with("--") && w.len() > 2)
        .map(str::to_owned)
        .collect()
}

/// Every scalar under `key`, however deep.
fn all<'a>(yaml: &'a Yaml, key: &str, found: &mut Vec<&'a Yaml>) {
    match yaml {
        Yaml::Hash(map) => {
            for (k, v) in map {
                if k.as_str() == Some(key) {
                    found.push(v);
                }
                all(v, key, found);
            }
        }
        Yaml::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

#[test]
fn the_action_passes_every_input_to_an_option_that_exists() {
    let action = yaml("action.yml");
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let inputs = keys(&action["inputs"]);
    let source = text("action.yml");
    let used: BTreeSet<String> = source
        .split("inputs.")
        .skip(1)
        .map(|rest| rest.split([' ', '}']).next().unwrap().to_owned())
        .collect();
    assert_eq!(inputs, used);
    for part in ["inputs", "outputs"] {
        for (name, input) in action[part].as_hash().unwrap() {
            assert!(
                input["description"].as_str().is_some_and(|d| d.len() > 10),
                "{name:?}"
            );
        }
    }
    assert!(
        ["delta", "verdict", "comment-id"]
            .iter()
            .all(|o| keys(&action["outputs"]).contains(*o))
    );
    let passed = passed(&source);
    assert!(passed.len() > 10);
    assert_eq!(passed.difference(&options()).collect::<Vec<_>>(), [""; 0]);
    // A pull request's text must not become part of a script.
    for step in action["runs"]["steps"].as_vec().unwrap() {
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{step:?}");
        assert_eq!(step["shell"].as_str(), Some("bash"));
    }
}

#[test]
fn the_examples_use_inputs_and_options_that_exist() {
    let inputs = keys(&yaml("action.yml")["inputs"]);
    for path in EXAMPLES {
        let example = yaml(path);
        let (mut steps, mut uses) = (Vec::new(), 0);
        all(&example, "steps", &mut steps);
        for step in steps.iter().flat_map(|s| s.as_vec().unwrap()) {
            let Some(action) = step["uses"].as_str() else {
                continue;
            };
            assert!(
                action.contains('@'),
                "{path}: {action} is not pinned to a version"
            );
            if action.contains("/stratigraph@") {
                uses += 1;
                let unknown: Vec<_> = keys(&step["with"]).difference(&inputs).cloned().collect();
                assert_eq!(unknown, [""; 0], "{path}");
            }
        }
        let passed = passed(&text(path));
        assert!(uses + passed.len() > 0, "{path} does not use stratigraph");
        assert_eq!(
            passed.difference(&options()).collect::<Vec<_>>(),
            [""; 0],
            "{path}"
        );
    }
}

#[test]
fn only_the_job_that_runs_no_strangers_code_may_write() {
    let first = yaml(EXAMPLES[0]);
    assert_eq!(first["permissions"]["contents"].as_str(), Some("read"));
    assert_eq!(first["permissions"].as_hash().unwrap().len(), 1);
    let second = yaml(EXAMPLES[1]);
    assert_eq!(
        second["permissions"]["pull-requests"].as_str(),
        Some("write")
    );
    assert_eq!(
        second["on"]["workflow_run"]["workflows"][0].as_str(),
        first["name"].as_str()
    );
    assert!(!text(EXAMPLES[1]).contains("actions/checkout"));
}

#[test]
fn the_documentation_shows_the_examples_as_they_are() {
    let page = text("docs/pull-requests.md");
    for (name, shown) in [
        ("docs/pull-requests.md", &page),
        ("README.md", &text("README.md")),
    ] {
        for path in EXAMPLES {
            assert!(
                shown.contains(text(path).trim_end()),
                "{name} does not show {path}"
            );
        }
    }
    // Options in the prose exist, too.
    let mentioned: BTreeSet<String> = page
        .split('`')
        .flat_map(str::split_whitespace)
        .map(|w| w.trim_end_matches([',', ';', '.', ')']))
        .filter(|w| w.starts_with("--") && w.len() > 3 && *w != "--apply" && *w != "--locked")
        .map(str::to_owned)
        .collect();
    assert_eq!(
        mentioned.difference(&options()).collect::<Vec<_>>(),
        [""; 0]
    );
    assert!(Path::new(&root().join("docs/configuration.md")).exists());
}
