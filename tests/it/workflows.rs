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

/// Runs the step that finds the binary, and gives whether it went well, what it printed, and the path it chose.
fn find_binary(folder: &Path, inputs: &[(&str, &str)]) -> (bool, String, String) {
    let action = yaml("action.yml");
    let script = action["runs"]["steps"][0]["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let output = folder.join("output");
    std::fs::write(&output, "").unwrap();
    // In place of cargo: what it would install says that it was built.
    let tools = folder.join("tools");
    std::fs::create_dir_all(&tools).unwrap();
    let cargo = "#!/bin/sh\nwhile [ \"$1\" != --root ]; do shift; done\nprintf '#!/bin/sh\\necho built\\n' > \"$2/bin/stratigraph\"\nchmod +x \"$2/bin/stratigraph\"\n";
    std::fs::write(tools.join("cargo"), cargo).unwrap();
    let status = Command::new("chmod")
        .arg("+x")
        .arg(tools.join("cargo"))
        .status();
    assert!(status.unwrap().success());
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    // As GitHub runs `shell: bash`.
    command
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script])
        .env("PATH", format!("{}:{path}", tools.display()))
        .env("GITHUB_OUTPUT", &output)
        .env("RUNNER_TEMP", folder.join("temp"))
        .env("GITHUB_ACTION_PATH", root());
    for name in ["GIVEN", "VERSION", "DOWNLOAD_URL", "CHECKSUM", "RELEASES"] {
        let given = inputs.iter().find(|(n, _)| *n == name);
        command.env(name, given.map_or("", |(_, value)| value));
    }
    let ran = command.output().unwrap();
    let text = [ran.stdout, ran.stderr]
        .map(|b| String::from_utf8(b).unwrap())
        .concat();
    let chosen = std::fs::read_to_string(&output).unwrap();
    let chosen = chosen.trim().trim_start_matches("path=").to_owned();
    (ran.status.success(), text, chosen)
}

fn said(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_action_takes_downloads_or_builds_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let run = |inputs: &[(&str, &str)]| find_binary(place, inputs);
    // Files stand in for the releases' server.
    let system = |args: &[&str]| said_with("uname", args).to_lowercase();
    let name = format!(
        "stratigraph-{}-{}.tar.gz",
        system(&["-s"]),
        said_with("uname", &["-m"])
    );
    let release = place.join("releases/v0.1.0");
    std::fs::create_dir_all(&release).unwrap();
    std::fs::write(release.join("stratigraph"), "#!/bin/sh\necho released\n").unwrap();
    let tar = Command::new("tar")
        .args(["-czf", &name, "stratigraph"])
        .current_dir(&release)
        .status();
    assert!(tar.unwrap().success());
    let sum = said_with("sha256sum", &[release.join(&name).to_str().unwrap()]);
    let sum = sum.split(' ').next().unwrap().to_owned();
    let releases = format!("file://{}", place.join("releases").display());
    let of_release = [("VERSION", "0.1.0"), ("RELEASES", releases.as_str())];

    let (is_good, text, chosen) = run(&[("GIVEN", "/usr/bin/given")]);
    assert!(is_good && chosen == "/usr/bin/given", "{text}");
    let (is_good, text, chosen) = run(&[]);
    assert!(is_good && said(&chosen) == "built", "{text}");
    // No checksum: refused, and nothing is chosen.
    let (is_good, text, chosen) = run(&of_release);
    assert!(
        !is_good && chosen.is_empty() && text.contains("has no checksum beside it"),
        "{text}"
    );
    let beside = release.join(format!("{name}.sha256"));
    std::fs::write(&beside, format!("{sum}  {name}\n")).unwrap();
    let (is_good, text, chosen) = run(&of_release);
    assert!(is_good && said(&chosen) == "released", "{text}");
    // Another checksum: refused.
    let (is_good, text, chosen) = run(&[&of_release[..], &[("CHECKSUM", "00ff")]].concat());
    assert!(
        !is_good && chosen.is_empty() && text.contains("::error") && text.contains(&sum),
        "{text}"
    );
    // The binary itself, by its address, with a checksum in capitals.
    let plain = release.join("stratigraph");
    let sum = said_with("sha256sum", &[plain.to_str().unwrap()]);
    let sum = sum.split(' ').next().unwrap().to_uppercase();
    let url = format!("file://{}", plain.display());
    let (is_good, text, chosen) = run(&[("DOWNLOAD_URL", &url), ("CHECKSUM", &sum)]);
    assert!(is_good && said(&chosen) == "released", "{text}");
    // A release that is not there is built from source, and that is said.
    let (is_good, text, chosen) = run(&[("VERSION", "9.9.9"), ("RELEASES", &releases)]);
    assert!(is_good && said(&chosen) == "built", "{text}");
    assert!(
        text.contains("::warning") && text.contains("is built from source"),
        "{text}"
    );
}

fn said_with(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
