//! Where what Cargo compiles may lie in a mount: in the project's own directory, with nothing there already, and nothing
//! else that reads it.

use super::super::installs::StageView;
use super::super::layout::{At, Place, built_on, is_within, overlap};
use super::super::run_text::run_text;
use super::super::touched::touched_beside;
use super::super::view::View;
use super::cargo_work::Work;
use super::hidden::hides;
use super::hidden_cooks::{may_read, target};
use crate::dockerfile::ast::{Command, Kind};
use crate::ecosystem::CacheDir;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// What Cargo compiles, for the question what a mount would hide.
const COMPILED: CacheDir = CacheDir {
    path: "target",
    is_read_later: false,
    is_exclusive: true,
    is_compiled: true,
    told: None,
};

/// Whether the directory above holds the project's own manifest, by which Cargo compiles there: no workspace above, no
/// setting that names another place.
pub(super) fn is_of_project(of: &StageView<'_>, work: &Work) -> bool {
    let image = of.image_at(work.run);
    let above = || {
        std::iter::successors(Some(work.here()), |dir| match dir.rsplit_once('/')? {
            ("", "") => None,
            ("", _) => Some("/"),
            (above, _) => Some(above),
        })
    };
    let read = |path: &str| of.view.read_text(&image.get(path)?.from);
    let file = |dir: &str, name: &str| format!("{}/{name}", dir.trim_end_matches('/'));
    // Of a directory of the project, one above it, or Cargo's own.
    let is_setting =
        |path: &str| path.ends_with("cargo/config") || path.ends_with("cargo/config.toml");
    let mut settings = image.keys().filter(|path| is_setting(path));
    let is_told = settings.any(|path| read(path).is_none_or(|text| text.contains("-dir")));
    let tells = |n: usize| {
        let text = of.stage.instructions[n].with_bodies();
        ["target-dir", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"]
            .iter()
            .any(|told| text.contains(told))
    };
    if is_told || (0..of.stage.instructions.len()).any(tells) {
        return false;
    }
    image.contains_key(&file(work.here(), "Cargo.toml"))
        && !above()
            .skip(1)
            .any(|dir| image.contains_key(&file(dir, "Cargo.toml")))
}

/// Whether a mount stands over what Cargo compiles, or something above the RUNs has put files there.
pub(super) fn is_there_already(of: &StageView<'_>, all: &[Vec<Place>], work: &Work) -> bool {
    let (instructions, at) = (&of.stage.instructions, &work.at);
    let is_over = |n: usize| {
        let mut mounts = instructions[n].flag_values("mount");
        mounts.any(|m| target(of, n, m).is_none_or(|there| overlap(&there, at)))
    };
    let own = |index: usize| At {
        stage: of.stage.index,
        index,
    };
    let mounted: BTreeSet<At> = work
        .ahead
        .iter()
        .copied()
        .chain(work.runs())
        .map(own)
        .collect();
    let compiles_above = |stage: usize| {
        let of = StageView::new(of.view, all, stage);
        let mut runs = 0..of.stage.instructions.len();
        runs.any(|n| {
            of.cargo_targets(n)
                .iter()
                .any(|(there, _)| overlap(there, at))
        })
    };
    (0..instructions.len()).any(is_over)
        || hides(of, all, ("cargo", &COMPILED), &mounted, at)
        || built_on(of.view.dockerfile, of.stage.index)
            .skip(1)
            .any(compiles_above)
}

/// Whether no other RUN of the stage may read what is compiled, or write there.
pub(super) fn is_its_alone(of: &StageView<'_>, work: &Work) -> bool {
    let at = &work.at;
    let meets = |n: usize| {
        let script = run_text(of.view, &of.stage.instructions[n])?.script;
        let Place { cwd, variables, .. } = &of.places[n];
        let leaves = |seen: &Seen| leaves_it(&seen.words);
        Some(touched_beside(&script, cwd.as_deref(), variables, &leaves)?.meets(at))
    };
    let mut others = (0..of.stage.instructions.len()).filter(|n| !work.has(*n));
    !others.any(|n| {
        let may = meets(n).unwrap_or_else(|| may_read(of, n, at));
        may && !is_before_it(of, n, work)
    })
}

/// Whether a command has nothing to do with what is compiled: Cargo that only fetches, tells or builds a tool somewhere
/// else, and rustup, which looks for a file that names the toolchain, wherever it runs.
fn leaves_it(words: &[String]) -> bool {
    let mut plain = words.iter().filter(|w| !w.starts_with(['-', '+']));
    let mut next = || plain.next().map_or("", String::as_str);
    match next() {
        "rustup" => true,
        "cargo" => matches!(
            next(),
            "" | "fetch" | "generate-lockfile" | "login" | "version"
        ),
        _ => false,
    }
}

/// Whether RUN `n` stands above all that is copied of the project, and names nothing there.
fn is_before_it(of: &StageView<'_>, n: usize, work: &Work) -> bool {
    let here = work.here();
    let text = of.stage.instructions[n].with_bodies();
    let is_brought = |to: &String| is_within(to, here);
    n < work.run
        && here != "/"
        && !of.image_at(n).keys().any(is_brought)
        && !text.contains(here)
        && !text.contains("target")
}

/// Whether what the image starts may be at `at`, or compile.
pub(super) fn starts_from(view: &View<'_>, at: &str) -> bool {
    let stages = built_on(view.dockerfile, view.target);
    let mut steps = stages.flat_map(|s| &view.dockerfile.stages[s].instructions);
    let says = |text: &str| text.contains("target/") || text.contains("cargo") || text.contains(at);
    steps.any(|step| match &step.kind {
        Kind::Cmd(command) | Kind::Entrypoint(command) => match command {
            Command::Shell(text) => says(text),
            Command::Exec(words) => words.iter().any(|w| says(w)),
        },
        Kind::Env(pairs) => pairs.iter().any(|p| says(&p.value)),
        _ => false,
    })
}
