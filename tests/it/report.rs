//! Every rendering of a handful of analyses, against files in fixtures/report/.

use crate::support::golden;
use crate::support::repo::Repo;
use std::io;
use stratigraph::analyze::{Analysis, Analyzer};
use stratigraph::cost::CostModel;
use stratigraph::history::Request;
use stratigraph::history::git::{Range, Repository};
use stratigraph::replay::{Replay, Settings};
use stratigraph::report::terminal::Look;
use stratigraph::report::{heat, html, json, markdown, terminal, view};
use stratigraph::tree::RepoPath;

/// Everything copied before the install, a few commits of each kind, one Dockerfile that is refused.
fn node() -> Repo {
    let repo = Repo::new();
    let dockerfile = "FROM node:22 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n\nFROM nginx:1.27\n\
                      COPY --from=build /app/dist /usr/share/nginx/html\n";
    repo.write("Dockerfile", dockerfile)
        .write(".dockerignore", ".git\n");
    repo.write("package.json", "{}")
        .write("package-lock.json", "{}")
        .write("src/a.js", "0")
        .commit("Begin");
    for n in 1..=6 {
        repo.write("src/a.js", format!("{n}"))
            .commit(&format!("Change the source, {n}"));
        repo.write("README.md", format!("{n}"))
            .commit(&format!("Document <b>| `{n}`"));
    }
    repo.write("Dockerfile", "FROM node:22\nRUM npm ci\n")
        .commit("Break it");
    repo.write("Dockerfile", dockerfile)
        .write("package-lock.json", "{\"a\":1}")
        .commit("Mend it");
    repo
}

fn analyse(repo: &Repo) -> Analysis {
    let repository = Repository::open(repo.path()).unwrap();
    let settings = Settings::default();
    let commits = repository.select(&Range::Last(500)).unwrap().commits;
    let newest = *commits.last().unwrap();
    let builds = commits
        .into_iter()
        .map(|id| (id, Request::default()))
        .collect();
    let mut analyzer = Analyzer::new(settings.clone(), CostModel::default());
    for input in repository.walk(builds, &RepoPath::root(), &Replay::watched(&settings)) {
        analyzer.add(&input.unwrap());
    }
    analyzer.finish(Vec::new(), &|path| {
        repository.read(&newest, path).ok().flatten()
    })
}

fn text(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_format_is_as_it_was() {
    let analysis = analyse(&node());
    let report = view::report(&analysis, "shop");
    let plain = Look {
        width: 100,
        colour: false,
    };
    golden::check(
        "report/node/terminal.txt",
        &text(|sink| terminal::write(&report, plain, sink)),
    );
    golden::check(
        "report/node/analysis.json",
        &text(|sink| json::write(&analysis, "shop", sink)),
    );
    golden::check(
        "report/node/report.md",
        &text(|sink| markdown::write(&report, sink)),
    );
    golden::check(
        "report/node/report.html",
        &text(|sink| html::write(&report, heat::heat(&analysis).as_ref(), sink)),
    );
}

#[test]
fn the_same_analysis_gives_the_same_bytes() {
    let repo = node();
    let once = || text(|sink| json::write(&analyse(&repo), "shop", sink));
    assert_eq!(once(), once());
}

#[test]
fn sums_agree_with_the_builds() {
    let analysis = analyse(&node());
    let totals = &analysis.totals;
    assert_eq!(
        (totals.n_builds, totals.n_unbuildable, totals.n_counted),
        (15, 1, 13)
    );
    let of_steps: u64 = analysis.steps.iter().map(|s| s.tally.all()).sum();
    assert_eq!(
        of_steps,
        totals.tally.all(),
        "every answer of every build is in one row"
    );
    assert!(
        totals.best.wall.median <= totals.cost.wall.median
            && totals.cost.wall.median <= totals.cold.wall.median
    );
    let spent: u64 = analysis.steps.iter().map(|s| s.cost.median).sum();
    let blamed: u64 = analysis.league.iter().map(|b| b.cost.median).sum();
    assert!(
        blamed <= spent && spent - blamed < 1_000,
        "{blamed} of {spent} ms are laid at causes"
    );
    assert!(
        analysis
            .league
            .iter()
            .all(|b| b.alone <= b.builds && b.builds <= totals.n_counted)
    );
}
