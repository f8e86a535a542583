//! The demo: what the articles' files do comes out by itself.

use crate::support::program::program;
use serde_json::Value;
use std::collections::BTreeMap;

/// The variants of `demo --format json`, by id.
fn variants() -> BTreeMap<String, Value> {
    let run = program(&["demo", "--format", "json"]);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let demo: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(demo["schema"], "stratigraph.demo/1");
    let apps = demo["applications"].as_array().unwrap();
    let all = apps
        .iter()
        .flat_map(|app| app["variants"].as_array().unwrap().clone());
    all.map(|v| (v["id"].as_str().unwrap().to_owned(), v))
        .collect()
}

fn time(variant: &Value) -> u64 {
    variant["billed_ms"][1].as_u64().unwrap()
}

fn finds(variant: &Value, words: &str) -> bool {
    variant["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|f| f.as_str().unwrap().contains(words))
}

#[test]
fn the_articles_files_do_what_is_known_of_them() {
    let v = variants();
    assert_eq!(
        v.keys().map(String::as_str).collect::<Vec<_>>(),
        ["A1", "A2", "A3", "B1", "B2", "B3", "B4", "B5", "B6"]
    );
    // React: the file with two stages copies everything before it installs, the one with one stage does not.
    assert!(time(&v["B2"]) > 3 * time(&v["B1"]));
    assert!(finds(&v["B2"], "copies the source before `npm ci`"));
    // Java: the manifest goes first, and nothing is fetched from it.
    assert!(finds(&v["B4"], "nothing is installed before"));
    // Spring Boot: system packages are installed again with every change in the first file only.
    assert!(finds(&v["A1"], "`apt-get update` stands below"));
    assert!(!finds(&v["A2"], "`apt-get update`"));
    assert!(time(&v["A1"]) > 2 * time(&v["A2"]));
    // The malformed two are diagnosed, and only they.
    for (id, variant) in &v {
        assert_eq!(
            variant["refused"].is_string(),
            ["B2", "B3"].contains(&id.as_str()),
            "{id}"
        );
    }
    assert!(
        v["B2"]["refused"]
            .as_str()
            .unwrap()
            .contains("unknown instruction: npm")
    );
}

#[test]
fn a_proposal_is_compared_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let demo = folder.path().join("demo");
    assert!(
        program(&["demo", "--keep", demo.to_str().unwrap()])
            .status
            .success()
    );
    let repo = demo.join("spring-and-node.git");
    let compare = |id: &str| {
        program(&[
            "compare",
            "HEAD:Dockerfile",
            id,
            "--repo",
            repo.to_str().unwrap(),
            "--git-dir",
            "excluded",
            "--last",
            "40",
            "--format",
            "json",
        ])
    };
    let known = compare("ignore-1");
    assert!(
        known.status.success(),
        "{}",
        String::from_utf8_lossy(&known.stderr)
    );
    let unknown = compare("ignore-99");
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        said.contains("no proposal is called ignore-99") && said.contains("ignore-1"),
        "{said}"
    );
}
