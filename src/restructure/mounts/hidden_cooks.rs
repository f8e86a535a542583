//! Dependencies that a layer holds and a mount hides from the RUN they were compiled for.
//!
//! Before:
//! ```dockerfile
//! RUN cargo chef cook --release --recipe-path recipe.json
//! COPY . .
//! RUN --mount=type=cache,target=/app/target cargo build --release && cp target/release/app /app/app
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,target=/app/target cargo chef cook --release --recipe-path recipe.json
//! COPY . .
//! RUN --mount=type=cache,target=/app/target cargo build --release && cp target/release/app /app/app
//! ```
//! Only for what cargo-chef cooks: what stands in for the project's own crates has another version than they. A stand-in written by hand
//! would be newer than the sources, and Cargo, which goes by times, would take it for them.

use super::super::candidate::{Candidate, Safety};
use super::super::effect::{Files, effect};
use super::super::installs::StageView;
use super::super::layout::{
    absolute, expand, mentioned, mount_field, overlap, places, reachable, unquote,
};
use super::super::lift::declare;
use super::super::moving::with_flags;
use super::super::taken::{is_copied_from, is_in_image};
use super::super::view::View;
use super::given::is_read_only;
use crate::dockerfile::ast::Kind;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// The candidates for `rule`, one for each mount that hides something.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        let runs = 0..of.stage.instructions.len();
        found.extend(runs.filter_map(|run| candidate(&of, run, rule)).next());
    }
    found
}

fn candidate(of: &StageView<'_>, run: usize, rule: &'static str) -> Option<Candidate> {
    let view = of.view;
    let instructions = &of.stage.instructions;
    let builds = of.cargo_targets(run);
    let mut mounts = instructions[run].flag_values("mount");
    let (mount, target) = mounts.find_map(|mount| {
        let target = target(of, run, mount)?;
        let is_cache = mount_field(mount, "type") == Some("cache");
        let is_it = builds.iter().any(|(at, _)| *at == target);
        let is_open = !mount.split(',').any(is_read_only);
        (is_it && is_cache && is_open).then_some((mount, target))
    })?;
    let is_bare = |n: &usize| {
        let mut mounts = instructions[*n].flag_values("mount");
        !mounts.any(|m| self::target(of, *n, m).is_none_or(|at| overlap(&at, &target)))
    };
    let cooks = |n: &usize| of.cargo_targets(*n).contains(&(target.clone(), true));
    let cooking: Vec<usize> = (0..run).filter(|n| cooks(n) && is_bare(n)).collect();
    let first = *cooking.first()?;
    let is_same = |n: &usize| {
        let (there, here) = (&of.places[*n], &of.places[run]);
        let mut names = mentioned(mount).into_iter();
        there.user == here.user
            && names.all(|name| {
                there.variables.contains_key(&name)
                    && there.variables.get(&name) == here.variables.get(&name)
            })
    };
    let later = (first..instructions.len()).filter(|n| is_bare(n) && !cooking.contains(n));
    if !cooking.iter().all(is_same)
        || later.into_iter().any(|n| may_read(of, n, &target))
        || is_in_image(view, of.stage.index)
        || is_copied_from(view, of.stage.index, &target)
        || is_masked(view)
    {
        return None;
    }
    told(of, run, (mount, &target), &cooking, rule)
}

/// Whether a program of the project may have the very version under which cargo-chef cooks all of them
/// (LukeMathWalker/cargo-chef src/skeleton/version_masking.rs): Cargo would not tell its stand-in from it. Of libraries the
/// stand-ins are taken away.
pub(super) fn is_masked(view: &View<'_>) -> bool {
    let paths = || view.files.iter().map(|(path, _)| path);
    let has_programs = |dir: &RepoPath| {
        paths().any(|path| {
            let own = path.strip_prefix(dir).map(|own| own.to_string());
            own.is_some_and(|own| own == "src/main.rs" || own.starts_with("src/bin/"))
        })
    };
    let is_same = |text: &str| {
        let lines = text.lines().map(str::trim_start);
        let mut versions = lines.filter(|l| l.starts_with("version"));
        // None is masked where none is given.
        let has_none = text.contains("[package]") && versions.clone().next().is_none();
        has_none || versions.any(|line| line.contains("\"0.0.1\""))
    };
    let mut manifests = paths().filter(|path| path.file_name() == Some(b"Cargo.toml"));
    manifests.any(|path| {
        let text = view.read_text(path);
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        let counts = |text: &String| {
            let is_shared = text.contains("[workspace.package]");
            is_same(text) && (is_shared || text.contains("[[bin]]") || has_programs(&dir))
        };
        text.as_ref().is_none_or(counts)
    })
}

/// Where a mount of RUN `run` stands, absolute.
pub(super) fn target(of: &StageView<'_>, run: usize, mount: &str) -> Option<String> {
    let names = ["target", "dst", "destination"];
    let written = names.iter().find_map(|n| mount_field(mount, n))?;
    let place = &of.places[run];
    absolute(
        place.cwd.as_deref(),
        &expand(&unquote(written), &place.variables)?,
    )
}

/// Whether an instruction may read what is at `target` of the layers, or write there.
pub(super) fn may_read(of: &StageView<'_>, n: usize, target: &str) -> bool {
    let instruction = &of.stage.instructions[n];
    if !matches!(instruction.kind, Kind::Run(_)) {
        return false;
    }
    match effect(of.view, instruction, &of.places[n]).files {
        Files::Commands(touched) => touched.meets(target),
        _ => !of.reads_no_project(n, &BTreeSet::new()),
    }
}

fn told(
    of: &StageView<'_>,
    run: usize,
    (mount, target): (&str, &str),
    cooking: &[usize],
    rule: &'static str,
) -> Option<Candidate> {
    let instructions = &of.stage.instructions;
    let line = |n: &usize| instructions[*n].lines.first.to_string();
    let lines: Vec<String> = cooking.iter().map(line).collect();
    let many = if lines.len() == 1 { "line" } else { "lines" };
    let (lines, build) = (lines.join(", "), line(&run));
    let mut candidate = Candidate::new(
        rule,
        format!("compile in the cache mount of line {build} in {many} {lines} too"),
    );
    let flags = format!(" --mount={mount}");
    let edit = |n: &usize| with_flags(of.view, &instructions[*n], &flags);
    candidate.edits = cooking.iter().map(edit).collect();
    candidate.lines = cooking.iter().map(|n| instructions[*n].lines).collect();
    candidate.rationale = format!(
        "The mount of line {build} lies over {target}, where {many} {lines} compiled its dependencies: they are compiled twice. With the same mount line {build} finds them, and what earlier builds compiled is found too where the builder's own state survives."
    );
    let reasons = vec![
        format!(
            "what {many} {lines} leaves in {target} is read by line {build} alone, which does not see it"
        ),
        "cargo-chef takes away the libraries that it compiled in place of the project's own, and gives all crates a version that none of them has".to_owned(),
    ];
    candidate.safety = Safety::of(reasons, Vec::new());
    declare(&mut candidate, of.view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}
