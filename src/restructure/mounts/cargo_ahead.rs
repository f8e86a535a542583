//! RUNs that compile the dependencies ahead of the project, and leave nothing in what they compile into that Cargo could
//! take for the project's own: they may have one mount with its build.
//!
//! Cargo goes by times: a stand-in that was compiled after the sources were last changed is up to date to it. So it has to
//! be forgotten (`cargo clean -p`, its file taken away), have another version (cargo-chef), or the sources have to be
//! touched below it.

use super::super::installs::StageView;
use super::super::layout::is_within;
use super::super::run_text::run_text;
use super::cargo_work::{is_below, meets, place_of};
use super::hidden_cooks::is_masked;
use crate::dockerfile::ast::Kind;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Whether RUN `n`, which compiles into `at`, is such a one for the build in RUN `run`.
pub(super) fn may_share(of: &StageView<'_>, n: usize, run: usize, at: &str) -> bool {
    let Some(seen) = commands(of, n) else {
        return false;
    };
    let empties =
        |s: &Seen| s.name() == "cargo" && s.subcommand() == "clean" && packages_of(s).is_empty();
    if seen.iter().any(empties) {
        return false;
    }
    // A mount cannot be taken away, nor what lies above it.
    let removes = |s: &&Seen| matches!(s.name(), "rm" | "mv");
    let is_whole = |s: &Seen| {
        let mut words = s.args().iter().filter(|w| !w.starts_with('-'));
        words.any(|w| meets(of, n, s, w, at) && !is_below(of, n, s, w, at))
    };
    if seen.iter().filter(removes).any(is_whole) {
        return false;
    }
    let is_cooked = of.cargo_targets(n).iter().all(|(_, is_cooked)| *is_cooked);
    match is_cooked {
        true => !is_masked(of.view),
        false => forgets(of, n, &seen, at) || is_touched(of, n, run),
    }
}

fn commands(of: &StageView<'_>, n: usize) -> Option<Vec<Seen>> {
    let text = run_text(of.view, &of.stage.instructions[n])?;
    Some(text.script.seen())
}

/// Whether all packages whose manifests are there are forgotten again, as they were compiled; or the one program that
/// there is.
fn forgets(of: &StageView<'_>, n: usize, seen: &[Seen], at: &str) -> bool {
    let here = at
        .strip_suffix("target")
        .unwrap_or(at)
        .trim_end_matches('/');
    let image = of.image_at(n);
    let manifests = image
        .iter()
        .filter(|(to, _)| to.ends_with("/Cargo.toml") && is_within(to, here));
    let texts = manifests.map(|(_, brought)| of.view.read_text(&brought.from));
    let Some(texts) = texts.collect::<Option<Vec<String>>>() else {
        return false;
    };
    let names: BTreeSet<String> = texts.iter().filter_map(|text| package(text)).collect();
    let builds = || {
        seen.iter()
            .filter(|s| s.name() == "cargo" && s.subcommand() != "clean")
    };
    let cleaned = |clean: &&Seen| {
        let is_same = builds().all(|b| b.command < clean.command && profile(b) == profile(clean));
        clean.name() == "cargo" && clean.subcommand() == "clean" && !clean.conditional && is_same
    };
    let cleaned: BTreeSet<String> = seen.iter().filter(cleaned).flat_map(packages_of).collect();
    let last = builds().map(|b| b.command).max();
    let one = names.first().filter(|_| names.len() == 1);
    let is_gone = |name: &String| {
        let under = name.replace('-', "_");
        let is_it = |s: &Seen, word: &String| {
            let file = word
                .rsplit('/')
                .next()
                .unwrap_or(word)
                .trim_end_matches('*');
            let file = file.trim_end_matches('-');
            word.ends_with('*')
                && word.contains("/deps/")
                && is_below(of, n, s, word, at)
                && (file == name.as_str() || file == under)
        };
        let removed = |s: &Seen| {
            s.name() == "rm"
                && Some(s.command) > last
                && !s.conditional
                && s.args().iter().any(|w| is_it(s, w))
        };
        seen.iter().any(removed) && stand_ins(of, n).iter().all(|p| p.ends_with("/main.rs"))
    };
    !names.is_empty() && (names.is_subset(&cleaned) || one.is_some_and(is_gone))
}

/// By which profile, and for which machine, a command of Cargo's compiles or cleans.
fn profile(seen: &Seen) -> BTreeSet<&str> {
    let args = seen.args();
    let mut found = BTreeSet::new();
    for (n, word) in args.iter().enumerate() {
        let next = args.get(n + 1).map_or("", String::as_str);
        match word.as_str() {
            "-r" | "--release" | "--profile=release" => found.insert("release"),
            "--profile" | "--target" => found.insert(next),
            word if word.starts_with("--profile=") || word.starts_with("--target=") => {
                found.insert(word.split_once('=').map_or(word, |(_, value)| value))
            }
            _ => false,
        };
    }
    if seen.subcommand() == "install" {
        found.insert("release");
    }
    found
}

/// The packages that `cargo clean` is told.
fn packages_of(seen: &Seen) -> Vec<String> {
    let args = seen.args().iter();
    let next = seen.args().iter().skip(1).map(Some).chain([None]);
    let named = args
        .zip(next)
        .filter_map(|(word, next)| match word.as_str() {
            "-p" | "--package" => next.cloned(),
            word => word.strip_prefix("--package=").map(str::to_owned),
        });
    named.collect()
}

/// The name of the package that a manifest is of; its text in quotes.
pub(super) fn package(text: &str) -> Option<String> {
    let (_, own) = text.split_once("[package]")?;
    let names = own.lines().take_while(|l| !l.starts_with('['));
    let value = names
        .filter_map(|l| {
            l.trim()
                .strip_prefix("name")?
                .trim_start()
                .strip_prefix('=')
        })
        .next()?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// The sources that RUN `n` and those above it write, absolute, whether or not they take them away again.
fn stand_ins(of: &StageView<'_>, n: usize) -> BTreeSet<String> {
    (0..=n).flat_map(|run| written(of, run)).collect()
}

fn written(of: &StageView<'_>, n: usize) -> BTreeSet<String> {
    let Some(text) = run_text(of.view, &of.stage.instructions[n]) else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    for one in &text.script.seen() {
        let command = text.script.commands.get(one.command);
        let into = command.into_iter().flat_map(|c| &c.redirections);
        let into = into.filter(|r| r.operator.contains('>')).map(|r| &r.target);
        let made = match one.name() {
            "tee" | "touch" => one.args(),
            _ => &[],
        };
        let sources = into.chain(made).filter(|w| w.ends_with(".rs"));
        found.extend(sources.map(|w| place_of(of, n, one, w).unwrap_or_default()));
    }
    found
}

/// Whether each source that RUN `n` stands in for is touched below the last COPY above the build, or by that itself.
fn is_touched(of: &StageView<'_>, n: usize, run: usize) -> bool {
    let written = stand_ins(of, n);
    let steps = &of.stage.instructions;
    let brings = |i: &usize| matches!(steps[*i].kind, Kind::Copy(_) | Kind::Add(_));
    let Some(last) = (n + 1..run).rfind(brings) else {
        return false;
    };
    let mut touched = BTreeSet::new();
    for index in last + 1..=run {
        let Some(seen) = commands(of, index) else {
            continue;
        };
        let before = seen.iter().take_while(|s| s.name() != "cargo");
        for one in before.filter(|s| s.name() == "touch" && !s.conditional) {
            let words = one.args().iter();
            touched.extend(words.filter_map(|w| place_of(of, index, one, w)));
        }
    }
    !written.is_empty() && written.is_subset(&touched)
}
