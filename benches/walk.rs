//! Reading a history and keeping the context up to date, on a generated repository or on one of your own
//! (`STRATIGRAPH_BENCH_REPO=/path/to/repository cargo bench --bench walk`).
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::BatchSize;
use criterion::Criterion;
use criterion::Throughput;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use stratigraph::context::ContextTree;
use stratigraph::context::IgnoreRules;
use stratigraph::context::Selector;
use stratigraph::context::digest;
use stratigraph::history::BuildInput;
use stratigraph::history::Request;
use stratigraph::history::git::Range;
use stratigraph::history::git::Repository;
use stratigraph::tree::RepoPath;

const COMMITS: usize = 2_000;
const FILES: usize = 3_000;

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::var_os("STRATIGRAPH_BENCH_REPO");
    let place = own.as_deref().map_or(folder.path(), Path::new);
    if own.is_none() {
        generate(place);
    }
    let repository = Repository::open(place).unwrap();
    let inputs = read(&repository);
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(inputs.len() as u64));
    group.bench_function("select", |bencher| {
        bencher.iter(|| {
            repository
                .select(&Range::Last(20_000))
                .unwrap()
                .commits
                .len()
        });
    });
    group.bench_function("read", |bencher| bencher.iter(|| read(&repository).len()));
    for (name, rules) in [
        ("apply", ""),
        ("apply_ignored", "docs\n**/*.md\n!README.md\n.git\n*.txt\n"),
    ] {
        let rules = IgnoreRules::parse(rules.as_bytes()).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || ContextTree::new(rules.clone()),
                |tree| apply(tree, &inputs),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
    criterion.final_summary();
}

fn read(repository: &Repository) -> Vec<BuildInput> {
    let commits = repository.select(&Range::Last(20_000)).unwrap().commits;
    let builds = commits
        .into_iter()
        .map(|id| (id, Request::default()))
        .collect();
    let watched = [
        RepoPath::from("Dockerfile"),
        RepoPath::from(".dockerignore"),
    ];
    repository
        .walk(builds, &RepoPath::root(), &watched)
        .map(Result::unwrap)
        .collect()
}

/// Every build's changes, and the identity of all that is visible.
fn apply(mut tree: ContextTree, inputs: &[BuildInput]) -> u128 {
    let all = [Selector::default()];
    inputs.iter().fold(0, |sum, input| {
        tree.apply(&input.changes, &input.link_targets);
        sum ^ digest(tree.root(), true, &all).unwrap().0
    })
}

/// The same bytes every time: files in nested directories, a few of which change at each commit.
fn generate(place: &Path) {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(place)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(args);
        git
    };
    assert!(
        git(&["init", "--quiet", "--initial-branch=main", "."])
            .status()
            .unwrap()
            .success()
    );
    let mut seed = 42_u64;
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let path = |n: usize| {
        format!(
            "{}/{}/f{n}.{}",
            ["src", "docs", "web"][n % 3],
            n % 40,
            ["rs", "md"][n % 2]
        )
    };
    let mut stream = String::new();
    for commit in 0..COMMITS {
        let time = 1_600_000_000 + commit * 3_600;
        write!(
            stream,
            "commit refs/heads/main\ncommitter C <c@example.com> {time} +0000\ndata 1\nx\n"
        )
        .unwrap();
        let changed: Vec<usize> = if commit == 0 {
            (0..FILES).collect()
        } else {
            (0..=next(8)).map(|_| next(FILES)).collect()
        };
        for file in changed {
            let text = format!("{commit} {file}");
            write!(
                stream,
                "M 100644 inline {}\ndata {}\n{text}\n",
                path(file),
                text.len()
            )
            .unwrap();
        }
    }
    let mut import = git(&["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}
