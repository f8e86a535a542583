//! What Cargo compiles, in a cache mount, and what is taken of it copied out by the RUN that compiles.
//!
//! Before:
//! ```dockerfile
//! RUN cargo build --release
//! FROM debian
//! COPY --from=build /app/target/release/app /usr/bin/
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,id=app-target,target=/app/target,sharing=locked cargo build --release && cp /app/target/release/app /usr/local/bin/
//! FROM debian
//! COPY --from=build /usr/local/bin/app /usr/bin/
//! ```
//! No layer holds what is in a mount, so every reader of the directory has to be known. Cargo tells by a file's time whether
//! what it has compiled is still of use (doc.rust-lang.org/nightly/nightly-rustc/cargo/core/compiler/fingerprint): that is
//! for review, always.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::installs::StageView;
use super::super::layout::{BASE, Place, built_on, is_within, last_name, places, reachable};
use super::super::lift::declare;
use super::super::moving::with_flags;
use super::super::taken::is_in_image;
use super::super::view::View;
use super::cargo_ahead::package;
use super::cargo_ground::{is_its_alone, is_of_project, is_there_already, starts_from};
use super::cargo_out::{End, Out, end_of};
use super::cargo_results::{OUT, Taken, source_span, taken};
use super::cargo_work::Work;
use super::downloads::{is_root, user_doubt};
use crate::dockerfile::ast::Kind;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The candidates for `rule`, one for each stage that compiles.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    let one = |stage| {
        let of = StageView::new(view, &all, stage);
        candidate(&of, &all, rule)
    };
    stages.into_iter().filter_map(one).collect()
}

fn candidate(of: &StageView<'_>, all: &[Vec<Place>], rule: &'static str) -> Option<Candidate> {
    let view = of.view;
    let stage = of.stage.index;
    let work = Work::of(of)?;
    let heirs = heirs(view, stage)?;
    let mut mounted = work.ahead.iter().chain([&work.run]);
    if !mounted.all(|n| is_root(of, *n))
        || !is_of_project(of, &work)
        || is_there_already(of, all, &work)
        || !is_its_alone(of, &work)
    {
        return None;
    }
    let taken = taken(of, &work, &heirs)?;
    let is_image = is_in_image(view, stage);
    if is_image && (!taken.is_empty() || starts_from(view, &work.at)) {
        return None;
    }
    let end = end_of(of, &work, is_image)?;
    if taken.is_empty() && end.out == Out::Nothing {
        return None;
    }
    // Where no WORKDIR says where that is, a path is written as it is told there.
    if is_within(&work.at, BASE) && !(taken.is_empty() && of.cwd(work.run) == work.here()) {
        return None;
    }
    told(of, &work, (&taken, &end), rule)
}

/// The stage and those that are built on it, of which none runs anything more.
fn heirs(view: &View<'_>, stage: usize) -> Option<BTreeSet<usize>> {
    let stages = view.dockerfile.stages.iter();
    let is_heir = |s: usize| built_on(view.dockerfile, s).any(|above| above == stage);
    let heirs: BTreeSet<usize> = stages.map(|s| s.index).filter(|s| is_heir(*s)).collect();
    let runs = |s: &usize| {
        let mut steps = view.dockerfile.stages[*s].instructions.iter();
        *s != stage && steps.any(|i| matches!(i.kind, Kind::Run(_) | Kind::Onbuild(_)))
    };
    (!heirs.iter().any(runs)).then_some(heirs)
}

fn told(
    of: &StageView<'_>,
    work: &Work,
    (taken, end): (&[Taken], &End),
    rule: &'static str,
) -> Option<Candidate> {
    let (view, run, at) = (of.view, work.run, work.at.as_str());
    let steps = &of.stage.instructions;
    let line = steps[run].lines.first;
    let mut candidate = Candidate::new(
        rule,
        format!("keep cargo's compiled code in a cache mount (line {line})"),
    );
    let files: BTreeSet<&str> = taken.iter().map(|t| t.path.as_str()).collect();
    let first = files.first().map(|path| last_name(path).to_owned());
    let name = first.or_else(|| package_at(of, work));
    let name = name.filter(|name| {
        name.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    });
    let id = name.map_or_else(String::new, |name| format!(",id={name}-target"));
    let target = match is_within(at, BASE) {
        true => "target",
        false => at,
    };
    let flags = format!(" --mount=type=cache{id},target={target},sharing=locked");
    for &n in work.ahead.iter().chain([&run]) {
        candidate.edits.push(with_flags(view, &steps[n], &flags));
        candidate.lines.push(steps[n].lines);
    }
    candidate
        .lines
        .extend(work.joined.iter().map(|&n| steps[n].lines));
    let files: Vec<&str> = files.into_iter().collect();
    let command = (!files.is_empty()).then(|| format!("cp {} {OUT}/", files.join(" ")));
    let edits = end.edits(of, work, command.as_deref())?;
    candidate.edits.extend(edits);
    let mut lines = Vec::new();
    for one in taken {
        let copy = &view.dockerfile.stages[one.by.stage].instructions[one.by.index];
        let now = format!("{OUT}/{}", last_name(&one.path));
        let span = source_span(view, copy, &one.written)?;
        candidate.edits.push(TextEdit::replace(span, now.clone()));
        let before = candidate.carried.insert(now, one.written.clone());
        // Two ways of writing one file are one too many.
        if before.is_some_and(|before| before != one.written) {
            return None;
        }
        if !lines.contains(&copy.lines) {
            lines.push(copy.lines);
        }
    }
    candidate.lines.extend(lines.iter().copied());
    let lines: Vec<usize> = lines.iter().map(|l| l.first).collect();
    let mut more = match lines.as_slice() {
        [] => String::new(),
        lines => format!(
            " What {} {} of it is put into {OUT} by the same RUN, since no layer holds a mount.",
            numbered(lines),
            if lines.len() == 1 { "takes" } else { "take" },
        ),
    };
    let line_of = |n: &usize| steps[*n].lines.first;
    let ahead: Vec<usize> = work.ahead.iter().map(line_of).collect();
    let joined: Vec<usize> = work.joined.iter().map(line_of).collect();
    let dropped = end.lines(of);
    if !ahead.is_empty() {
        let _ = write!(
            more,
            " What {} compiled ahead goes there too.",
            numbered(&ahead)
        );
    }
    if !joined.is_empty() {
        let works = if joined.len() == 1 { "works" } else { "work" };
        let _ = write!(
            more,
            " The same RUN does what {} {works} on.",
            numbered(&joined)
        );
    }
    if !dropped.is_empty() {
        let throws = if dropped.len() == 1 {
            "throws"
        } else {
            "throw"
        };
        let _ = write!(
            more,
            " It no longer throws away what it compiled, as {} {throws} it away: the mount is to keep that.",
            numbered(&dropped)
        );
    }
    let at = target;
    candidate.rationale = format!(
        "When line {line} must run again, cargo compiles every crate anew; a cache mount at {at} keeps what it had.{more} It helps only where the builder's own state survives, and builds wait for one another there."
    );
    let mut reasons = vec![format!(
        "no other RUN and no other stage reads what is in {at}, but for what is copied out of it"
    )];
    let mut doubts = vec![
        "cargo compiles a source again only where it is newer than what was compiled of it: check that this builder builds no other checkout or branch of the project with older files, and that the build's other inputs (libraries of the image that C is compiled against) change with the version of Rust alone".to_owned(),
    ];
    if !ahead.is_empty() {
        reasons.push(format!(
            "what {} compiled in place of the project's own crates is not taken for them",
            numbered(&ahead)
        ));
        doubts.push(format!(
            "what {} compiled is then in the mount alone: check that the builds find that where they find the layers, or line {line} compiles all of it again",
            numbered(&ahead)
        ));
    }
    if is_in_image(view, of.stage.index) {
        doubts.push(format!(
            "the image no longer holds {at}: check that nothing in its containers reads that"
        ));
    }
    if end.out == Out::Found {
        doubts.push(format!(
            "line {line} takes all that it finds in {at}, where files of earlier builds stay: check that none of another name is among them"
        ));
    }
    doubts.extend(user_doubt(of, run));
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}

/// `line 3`, `lines 3, 5`.
fn numbered(lines: &[usize]) -> String {
    let many = if lines.len() == 1 { "line" } else { "lines" };
    let lines: Vec<String> = lines.iter().map(usize::to_string).collect();
    format!("{many} {}", lines.join(", "))
}

/// The package that lies where the work is done, or the first of its workspace: without a name of its own the mount would be
/// shared with every project that is built at the same place, whose crates Cargo tells by name, version and place alone.
fn package_at(of: &StageView<'_>, work: &Work) -> Option<String> {
    let image = of.image_at(work.run);
    let at = |dir: &str| {
        let manifest = format!("{}/Cargo.toml", dir.trim_end_matches('/'));
        package(&of.view.read_text(&image.get(&manifest)?.from)?)
    };
    let below = image
        .iter()
        .filter(|(to, _)| to.ends_with("/Cargo.toml") && is_within(to, work.here()));
    let mut below = below.filter_map(|(_, brought)| package(&of.view.read_text(&brought.from)?));
    at(work.here())
        .or_else(|| at(of.cwd(work.run)))
        .or_else(|| below.next())
}
