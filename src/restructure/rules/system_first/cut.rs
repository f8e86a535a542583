//! A RUN of which only some parts can stand above a copy, cut in two.
//!
//! Before:
//! ```dockerfile
//! COPY . .
//! RUN npm ci && \
//!     apt-get update && apt-get install -y ffmpeg && \
//!     npm run build
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y ffmpeg
//! COPY . .
//! RUN npm ci && \
//!     npm run build
//! ```

use super::super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::super::chain::{Chain, Slice, There};
use super::super::super::command::is_system_install;
use super::super::super::conflict::conflict;
use super::super::super::effect::{Effect, Files};
use super::super::super::installs::StageView;
use super::super::super::layout::{BASE, is_anchored, last_name, overlap, places};
use super::super::super::lift::declare;
use super::super::super::moving::{block_of, move_before};
use super::RULE;
use super::builds::{are_alone, relaxed};
use super::fresh::fetches_newest;
use super::ground::{Ground, along, is_light, passable};
use super::programs::{brought_by, doubt_of_root, programs_apart, runs_none, unpacks_to_root};
use crate::dockerfile::ast::Kind;
use crate::shell;
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Where the parts go, and how.
struct Way<'c, 'a> {
    slice: Slice<'c, 'a>,
    to: usize,
    along: BTreeSet<usize>,
    /// The RUNs between that build, and are passed.
    passed: Vec<usize>,
    /// The programs copied between that are taken to be none of theirs.
    programs: Vec<String>,
    /// The directory that has to be named before them, and the one to be named again after them, if any.
    directory: Option<(String, Option<String>)>,
    /// Whether copies are passed though an archive is unpacked into `/`.
    with_root: bool,
}

/// The parts of the RUN at `index` that can stand above a copy, as far up as they can go; then those that go further, or
/// are more, where programs which are copied one by one are nobody else's.
pub(super) fn cut_run(ground: &Ground<'_>, index: usize) -> Vec<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    let chain = Chain::of(view, &stage.instructions[index], &ground.places[index]);
    let Some(chain) = chain.filter(|c| c.n_gains() > 0) else {
        return Vec::new();
    };
    let all = places(view.dockerfile);
    let building = StageView::new(view, &all, stage.index).building_pieces(index);
    let firm = best(ground, index, &chain, (&building, false));
    let has_programs = !apart(ground, index).1.is_empty();
    let further = has_programs.then(|| best(ground, index, &chain, (&building, true)));
    let further = further.flatten().filter(|way| {
        let is_more =
            |firm: &Way<'_, '_>| way.to < firm.to || way.slice.n_gains() > firm.slice.n_gains();
        !way.programs.is_empty() && firm.as_ref().is_none_or(is_more)
    });
    let ways = firm.into_iter().chain(further);
    ways.filter_map(|way| taken(ground, index, &way)).collect()
}

fn taken(ground: &Ground<'_>, index: usize, way: &Way<'_, '_>) -> Option<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    let (line, above) = (ground.line(index), ground.line(way.to));
    let run = way.slice.run();
    let is_system = super::super::super::command::seen(&run)
        .is_some_and(|_| is_system_install(&shell::parse(&run.original["RUN ".len()..])));
    let what = match is_system {
        true => "the system packages".to_owned(),
        false => names(&way.slice.seen()),
    };
    let are_several = is_system || what.contains(" and ");
    let mut candidate = Candidate::new(
        RULE.id,
        format!("move {what} of line {line} above the COPY in line {above}"),
    );
    candidate.edits = edits(ground, index, way)?;
    let mut doubts = way.slice.doubts.clone();
    if way.slice.passes_build {
        doubts.push(format!(
            "check that {what} of line {line} and the build before it in that line do not go by each other"
        ));
    }
    if !way.passed.is_empty() {
        let is_script = |run: &usize| ground.scripts.contains(run);
        let name = match way.passed.iter().all(is_script) {
            true => "script",
            false => "build",
        };
        doubts.push(format!(
            "check that {what} of line {line} and the {name} in line {} do not go by each other",
            lines(ground, &way.passed)
        ));
    }
    if !way.programs.is_empty() {
        doubts.push(format!(
            "check that {what} of line {line} neither run nor bring the programs copied as {}",
            way.programs.join(" and ")
        ));
    }
    if way.with_root {
        doubts.push(doubt_of_root(ground, way.to..index));
    }
    if fetches_newest(&run) {
        doubts.push(format!(
            "line {line} fetches no version in particular; check that it may stay the one it was when the line was last run"
        ));
    }
    candidate.safety = Safety::of(
        vec![format!(
            "what is taken out of line {line} reads and writes nothing that lines {above} to {line} bring or make, nor what is left of that line"
        )],
        doubts,
    );
    candidate.rationale = format!(
        "{}{} of line {line} {} not depend on the files copied in line {above}, yet {} again whenever one of them changes.",
        what[..1].to_uppercase(),
        &what[1..],
        if are_several { "do" } else { "does" },
        match (is_system, are_several) {
            (true, _) => "are installed",
            (_, true) => "run",
            _ => "runs",
        },
    );
    candidate.lines = vec![
        stage.instructions[way.to].lines,
        stage.instructions[index].lines,
    ];
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// The way by which most goes, the highest of these.
fn best<'c, 'a>(
    ground: &Ground<'_>,
    index: usize,
    chain: &'c Chain<'a>,
    (building, with_programs): (&BTreeSet<usize>, bool),
) -> Option<Way<'c, 'a>> {
    let has_builds = !building.is_empty() || ground.builds.range(..index).next().is_some();
    let past = has_builds.then_some(building);
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    let flags = &flags[..if chain.unpacks_to_root() { 4 } else { 2 }];
    let mut found: Option<Way<'_, '_>> = None;
    for to in passable(ground, index) {
        for (with_root, with_directory) in flags.iter().copied() {
            for building in std::iter::once(None).chain(past.map(Some)) {
                let best = found.as_ref().map_or(0, |f| f.slice.n_gains());
                if best == chain.n_gains() {
                    return found;
                }
                let past = Past {
                    with_directory,
                    building,
                    with_programs,
                    with_root,
                };
                let way = way(ground, index, chain, to, &past);
                found = way.filter(|w| w.slice.n_gains() > best).or(found);
            }
        }
    }
    found
}

/// What is taken to be in nobody's way.
struct Past<'b> {
    /// A WORKDIR between, which is named again.
    with_directory: bool,
    /// Builds: those among the parts.
    building: Option<&'b BTreeSet<usize>>,
    /// Programs that are copied one by one.
    with_programs: bool,
    /// What an archive from elsewhere that is unpacked into `/` brings to places of no system.
    with_root: bool,
}

/// The effects where programs copied one by one are nobody else's, and these programs.
fn apart(ground: &Ground<'_>, index: usize) -> (Vec<Effect>, Vec<String>) {
    programs_apart(ground.stage, &ground.effects, index, &|_| false)
}

/// `3 and 5`.
fn lines(ground: &Ground<'_>, runs: &[usize]) -> String {
    let lines: Vec<String> = runs.iter().map(|&i| ground.line(i).to_string()).collect();
    lines.join(" and ")
}

fn way<'c, 'a>(
    ground: &Ground<'_>,
    index: usize,
    chain: &'c Chain<'a>,
    to: usize,
    past: &Past<'_>,
) -> Option<Way<'c, 'a>> {
    let &Past {
        with_directory,
        building,
        with_programs,
        with_root,
    } = past;
    let past_builds = building.is_some();
    let (effects, programs) = match with_programs {
        true => apart(ground, index),
        false => (ground.effects.clone(), Vec::new()),
    };
    let directory = match with_directory {
        true => Some(directory(ground, index, to)?),
        false => None,
    };
    let mut effects = match past_builds {
        true => relaxed(ground, &effects, index),
        false => effects,
    };
    if with_directory {
        for (step, effect) in ground.stage.instructions.iter().zip(&mut effects) {
            // A directory that is made earlier is no other directory.
            if matches!(step.kind, Kind::Workdir(_)) {
                effect.files = Files::Nothing;
            }
        }
    }
    // Who works on such a program goes by it.
    let names_one = |effect: &Effect| match &effect.files {
        Files::Commands(t) if !programs.is_empty() && !runs_none(t) => true,
        Files::Commands(t) => {
            let all = [&t.places, &t.reads, &t.perhaps];
            let mut all = all.into_iter().flatten();
            all.any(|path| programs.iter().any(|p| overlap(path, p)))
        }
        _ => !programs.is_empty(),
    };
    let mut goal = |effect: &Effect| {
        let mut own = effect.clone();
        if with_root && let Files::Commands(touched) = &mut own.files {
            *touched = touched.past_root();
        }
        if names_one(&own) {
            return None;
        }
        own.reads.cwd &= !with_directory;
        effects[index] = own;
        let along = along(ground, &effects, index, to)?;
        let is_fit = |i: &usize| *i == index || is_light(&ground.stage.instructions[*i]);
        (along.iter().all(is_fit) && (!with_directory || along.len() == 1)).then_some(along)
    };
    let here = ground.places[index].cwd.as_deref().unwrap_or(BASE);
    let is_here = |p: &String| here != "/" && overlap(p, here);
    let is_alone = |effect: &Effect, seen: &[Seen]| {
        are_alone(ground, index, effect, seen)
            && matches!(&effect.files, Files::Commands(t) if !t.places.iter().any(is_here))
    };
    let slice = chain.slice(&mut There {
        may: &mut |effect| goal(effect).is_some(),
        is_build: &|(first, last)| {
            (first..=last).all(|piece| building.is_some_and(|b| b.contains(&piece)))
        },
        is_alone: &is_alone,
    })?;
    let along = goal(&slice.effect())?;
    if past_builds && !is_alone(&slice.effect(), &slice.seen()) {
        return None;
    }
    let effect = slice.effect();
    let is_passed =
        |run: &&usize| conflict(&ground.effects[**run], &effect).is_some() && !along.contains(run);
    let passed = ground.builds.range(to..index).filter(is_passed);
    let passed = passed.copied().collect();
    let programs = brought_by(&ground.effects[to..index], &programs);
    let text = slice.run().original;
    if programs.iter().any(|p| text.contains(last_name(p))) {
        return None;
    }
    Some(Way {
        with_root: with_root && unpacks_to_root(&effect),
        slice,
        passed,
        programs,
        to,
        along,
        directory,
    })
}

/// The directory to be named above, and the one to be named again below, where a WORKDIR between the two places is in
/// the way.
fn directory(ground: &Ground<'_>, index: usize, to: usize) -> Option<(String, Option<String>)> {
    let is_plain = |dir: &str| !dir.contains(['$', ' ', '"']);
    let here = ground.places[index]
        .cwd
        .as_deref()
        .filter(|d| is_plain(d))?;
    let before = ground.places[to].cwd.as_deref();
    if before == Some(here) {
        return None;
    }
    let steps = &ground.stage.instructions[to..index];
    let sets = |kind: &Kind| matches!(kind, Kind::Workdir(path) if path.starts_with('/'));
    let until = steps
        .iter()
        .position(|s| sets(&s.kind))
        .unwrap_or(steps.len());
    let is_free = |(at, kind): (usize, &Kind)| match kind {
        Kind::Copy(t) | Kind::Add(t) => {
            t.destination.starts_with('/') || is_anchored(&t.destination, &ground.places[to + at])
        }
        Kind::Arg(_) | Kind::Env(_) | Kind::Label(_) | Kind::User(_) => true,
        _ => false,
    };
    let mut kinds = steps[..until].iter().map(|s| &s.kind).enumerate();
    if until < steps.len() && kinds.all(is_free) {
        return Some((here.to_owned(), None));
    }
    let back = before.filter(|b| is_plain(b))?;
    Some((here.to_owned(), Some(back.to_owned())))
}

fn edits(ground: &Ground<'_>, index: usize, way: &Way<'_, '_>) -> Option<Vec<TextEdit>> {
    let (text, stage) = (ground.view.text(), ground.stage);
    let (mut run, mut edits) = way.slice.parted()?;
    if let Some((here, back)) = &way.directory {
        let back = back.iter().map(|b| format!("WORKDIR {b}\n"));
        run = format!("WORKDIR {here}\n{run}{}", back.collect::<String>());
    }
    let others: BTreeSet<usize> = way.along.iter().copied().filter(|&i| i != index).collect();
    let at = block_of(text, stage, way.to).start;
    if others.is_empty() {
        edits.push(TextEdit::insert(at, run));
        return Some(edits);
    }
    let mut moved = move_before(text, stage, &others, way.to);
    let inserted = moved.iter_mut().find(|e| !e.replacement.is_empty())?;
    inserted.replacement.push_str(&run);
    edits.extend(moved);
    Some(edits)
}

/// What the parts do, for a title: `` `curl …` and `pip install …` ``.
fn names(seen: &[Seen]) -> String {
    let mut all: Vec<String> = Vec::new();
    let weak = [
        "", "[", "cd", "chmod", "chown", "cp", "echo", "export", "gunzip", "ln", "mkdir", "mv",
        "rm", "sed", "set", "tar", "tee", "test", "touch", "unzip",
    ];
    for s in seen.iter().filter(|s| !weak.contains(&s.name())) {
        // A number or a path is the value of an option.
        let is_verb = s
            .subcommand()
            .starts_with(|c: char| c.is_ascii_alphabetic());
        let is_manager = is_verb && !matches!(s.name(), "curl" | "useradd" | "wget");
        let name = match is_manager {
            true => format!("`{} {} …`", s.name(), s.subcommand()),
            false => format!("`{} …`", s.name()),
        };
        let is_update = matches!(s.subcommand(), "update" | "clean");
        if !is_update && !all.contains(&name) {
            all.push(name);
        }
    }
    match all.as_slice() {
        [] => "the installs".to_owned(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_called_by_what_they_do() {
        let check = |text: &str, expected: &str| {
            assert_eq!(names(&shell::parse(text).seen()), expected, "{text}");
        };
        check(
            "useradd -l -u 1000 user && mkdir /a && git config --global a b",
            "`useradd …` and `git config …`",
        );
        check("mkdir /a && touch /a/b", "the installs");
        check("npm install -g corepack", "`npm install …`");
    }
}
