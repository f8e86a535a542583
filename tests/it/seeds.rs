//! What `suggest` teaches about the demo's Dockerfiles: each article variant on its year of history.

use std::collections::BTreeMap;
use stratigraph::cost::CostModel;
use stratigraph::demo::{App, Variant, apps, commits};
use stratigraph::history::{BuildInput, Change, Commit, Request};
use stratigraph::replay::Settings;
use stratigraph::suggest::{Question, Suggestions, suggest};
use stratigraph::tree::{FileKind, FileStamp, ObjectId, RepoPath};

/// An id that differs wherever the bytes do.
fn id(text: &str) -> ObjectId {
    let mut bytes = [0; 20];
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (n, byte) in text.bytes().enumerate() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        bytes[n % 20] ^= hash.to_le_bytes()[n % 8];
    }
    bytes[..8].copy_from_slice(&hash.to_le_bytes());
    ObjectId::from_bytes(&bytes).unwrap()
}

fn answer(app: &App, dockerfile: &str) -> Suggestions {
    let mut newest: BTreeMap<RepoPath, String> = BTreeMap::new();
    let mut inputs = Vec::new();
    for (n, commit) in commits(app).into_iter().enumerate() {
        let stamp = |path: &str, text: &str| FileStamp {
            kind: if path.ends_with("mvnw") {
                FileKind::Executable
            } else {
                FileKind::Regular
            },
            id: id(text),
        };
        let changes = commit.writes.iter().map(|(path, text)| Change {
            path: RepoPath::new(path),
            old: None,
            new: Some(stamp(path, text)),
        });
        inputs.push(BuildInput {
            commit: Commit {
                id: id(&n.to_string()),
                parent: None,
                time: commit.time,
                subject: commit.subject.clone(),
                author: String::new(),
            },
            request: Request::default(),
            watched: vec![Ok(None); 3],
            changes: changes.collect(),
            link_targets: Vec::new(),
        });
        newest.extend(
            commit
                .writes
                .into_iter()
                .map(|(path, text)| (RepoPath::new(path), text)),
        );
    }
    let read = |path: &RepoPath| newest.get(path).map(|text| text.clone().into_bytes());
    let ignore = newest
        .get(&RepoPath::from(".dockerignore"))
        .map(|text| (RepoPath::from(".dockerignore"), text.clone()));
    let question = Question {
        accepted: &[],
        settings: &Settings {
            git_dir: false,
            ..Settings::default()
        },
        dockerfile: dockerfile.to_owned(),
        ignore,
        inputs: &inputs,
        read: &read,
        outside: &[],
        blob: &|_| None,
        cost: &CostModel::default(),
        threads: 2,
        replayed: &|| {},
    };
    suggest(&question).expect("the variant parses once mended")
}

/// The two variants that the articles printed malformed, mended.
fn mended(variant: &Variant) -> String {
    match variant.id {
        "B2" => variant.dockerfile.replace("&&  \n", "&& \\\n"),
        "B3" => format!("FROM eclipse-temurin:21-jdk\n{}", variant.dockerfile),
        _ => variant.dockerfile.to_owned(),
    }
}

/// The variant's text with all that is recommended.
fn recommended(wanted: &str) -> String {
    let found = apps()
        .iter()
        .find_map(|app| Some((app.clone(), *app.variants.iter().find(|v| v.id == wanted)?)));
    let (app, variant) = found.expect("the demo has the variant");
    answer(&app, &mended(&variant)).then.dockerfile
}

/// Whether a change that pays comes from one of `rules`, recommended or as what could be done instead, and how much of a build all of them save, in percent.
fn taught(wanted: &str, rules: &[&str]) -> u64 {
    let found = apps()
        .iter()
        .find_map(|app| Some((app.clone(), *app.variants.iter().find(|v| v.id == wanted)?)));
    let (app, variant) = found.expect("the demo has the variant");
    let answer = answer(&app, &mended(&variant));
    let ids: Vec<&str> = answer
        .order
        .iter()
        .chain(&answer.instead)
        .map(|s| s.proposal.id.as_str())
        .collect();
    let is_taught = rules.is_empty()
        || ids
            .iter()
            .any(|id| rules.iter().any(|rule| id.starts_with(rule)));
    assert!(is_taught, "{wanted}: {ids:?}, not one of {rules:?}");
    let (now, then, _) = answer.mean;
    (now.median - then.median.min(now.median)) * 100 / now.median.max(1)
}

#[test]
fn everything_copied_first_is_split_and_system_packages_go_up() {
    assert!(taught("A1", &["deps-first", "workspaces", "bind-manifests"]) >= 20);
    let then = recommended("A1");
    let at = |text: &str| then.find(text).unwrap();
    assert!(at("apt-get install") < at("COPY . ."), "{then}");
}

#[test]
fn a_good_file_gets_only_small_changes() {
    assert!(taught("A2", &[]) <= 15);
}

#[test]
fn dependencies_resolve_before_the_source_is_copied() {
    for variant in ["B2", "B3"] {
        assert!(
            taught(variant, &["deps-first", "bind-manifests"]) >= 10,
            "{variant}"
        );
    }
    assert!(taught("B4", &["dead-split", "deps-first"]) >= 10);
}

#[test]
fn modules_are_downloaded_before_the_go_source_and_only_the_program_is_shipped() {
    for variant in ["B5", "B6"] {
        assert!(taught(variant, &["deps-first"]) >= 10, "{variant}");
    }
    assert!(taught("B5", &["multi-stage"]) >= 10);
}

#[test]
fn a_good_order_in_a_single_stage_is_kept() {
    let then = recommended("B1");
    let at = |text: &str| then.find(text).unwrap();
    assert!(
        at("COPY package") < at("npm ci") && at("npm ci") < at("COPY . ."),
        "{then}"
    );
}
