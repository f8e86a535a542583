//! One RUN of a stage, moved above the copies that it can pass.

use super::super::super::candidate::{Candidate, Safety};
use super::super::super::command::is_system_install;
use super::super::super::effect::{Effect, Files};
use super::super::super::layout::{Place, expand, last_name};
use super::super::super::moving::move_before;
use super::super::super::view::View;
use super::RULE;
use super::builds::{above_builds, runs_scripts};
use super::by_list::above_later_copies;
use super::cut::cut_run;
use super::directories::{move_with_directories, wherever_they_stand};
use super::fresh::clones_newest;
use super::ground::{Goal, Ground, along, highest, is_light, is_transfer, is_work, passable};
use super::programs::{
    brought_by, doubt_of_root, doubt_of_trees, local_programs, local_trees, runs_none,
    unpacks_to_root,
};
use super::small::small_runs;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Stage};
use crate::shell;
use std::collections::BTreeSet;

pub(super) fn hoisted_runs(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Candidate> {
    let mut ground = Ground::new(view, stage, places);
    ground.scripts = runs_scripts(view, stage);
    ground.builds.extend(&ground.scripts);
    let all = 0..stage.instructions.len();
    let mut found: Vec<Candidate> = all.flat_map(|index| of_run(&ground, index)).collect();
    found.extend(small_runs(&ground));
    found
}

/// The ways in which the RUN at `index` can move up, the highest first.
pub(super) fn of_run(ground: &Ground<'_>, index: usize) -> Vec<Candidate> {
    let instruction = &ground.stage.instructions[index];
    let Kind::Run(run) = &instruction.kind else {
        return Vec::new();
    };
    if matches!(run.command, Command::Exec(_)) {
        return Vec::new();
    }
    if is_known_work(ground, index) {
        let moved = hoisted(ground, &ground.effects, index);
        let to = |c: &Candidate| c.lines.first().map(|l| l.first);
        let is_higher = |c: &Candidate| moved.iter().all(|f| to(c) < to(f));
        let higher = above_builds(ground, index).filter(is_higher);
        let found: Vec<Candidate> = higher.into_iter().chain(moved.into_iter().rev()).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let by_list = above_later_copies(ground, index);
    by_list.map_or_else(|| cut_run(ground, index), |found| vec![found])
}

/// Whether the RUN at `index` is made of known commands and worth a move.
pub(super) fn is_known_work(ground: &Ground<'_>, index: usize) -> bool {
    let known = ground.rooted.as_ref().unwrap_or(&ground.effects);
    let text = ground.stage.instructions[index].shell_text();
    known[index].groups.is_some() && text.is_some_and(is_work)
}

/// Where the RUN at `index` can go and what moves along; then, if that is higher, where it can go if something is checked.
pub(super) fn ways(
    ground: &Ground<'_>,
    effects: &[Effect],
    index: usize,
) -> Vec<(Goal, Option<String>)> {
    let firm = highest(ground, effects, index);
    let (relaxed, programs) = local_programs(ground.stage, effects, index);
    let may_come = |i: &usize| {
        let step = &ground.stage.instructions[*i];
        let names = |p: &String| step.original.contains(p.as_str());
        let is_named = || {
            programs
                .iter()
                .any(|p| step.original.contains(last_name(p)))
        };
        // Who changes the program itself (`chmod +x`) is not moved above it, nor who may run it.
        match &effects[*i].files {
            _ if !is_run(step) => true,
            _ if *i == index => !programs.iter().any(names),
            Files::Commands(touched) => runs_none(touched) && !is_named(),
            _ => false,
        }
    };
    let higher = passable(ground, index).into_iter().find_map(|to| {
        let is_higher = firm.as_ref().is_none_or(|(below, _)| to < *below);
        let found = along(ground, &relaxed, index, to).filter(|_| is_higher)?;
        let is_past = !brought_by(&ground.effects[to..index], &programs).is_empty();
        (is_past && found.iter().all(may_come)).then_some((to, found))
    });
    let mut found: Vec<(Goal, Option<String>)> = firm.into_iter().map(|f| (f, None)).collect();
    let line = ground.line(index);
    found.extend(higher.map(|higher| {
        let (to, _) = higher;
        let passed = brought_by(&ground.effects[to..index], &programs);
        let doubt = format!(
            "check that the RUN in line {line} neither runs nor brings the programs copied as {}",
            passed.join(" and ")
        );
        (higher, Some(doubt))
    }));
    let (relaxed, copies) = local_trees(ground, index);
    let past_trees = || {
        let way = highest(ground, &relaxed, index)?;
        let is_higher = found.iter().all(|((to, _), _)| way.0 < *to);
        let passed = copies.iter().copied();
        let passed = passed.filter(|n| *n >= way.0 && !way.1.contains(n));
        let passed: Vec<usize> = passed.collect();
        // What else would come along may need what they bring.
        let is_alone = |i: &usize| *i == index || is_light(&ground.stage.instructions[*i]);
        (is_higher && !passed.is_empty() && way.1.iter().all(is_alone))
            .then(|| (way, Some(doubt_of_trees(ground, index, &passed))))
    };
    if !copies.is_empty()
        && let Some(way) = past_trees()
    {
        found.push(way);
    }
    if found.is_empty() && unpacks_to_root(&effects[index]) {
        let mut relaxed = effects.to_vec();
        if let Files::Commands(touched) = &mut relaxed[index].files {
            *touched = touched.past_root();
        }
        let way = highest(ground, &relaxed, index);
        let is_alone = |i: &usize| *i == index || is_light(&ground.stage.instructions[*i]);
        let way = way.filter(|(_, along)| along.iter().all(is_alone));
        found.extend(way.map(|way| {
            let doubt = doubt_of_root(ground, way.0..index);
            (way, Some(doubt))
        }));
    }
    if found.is_empty()
        && let Some(rooted) = &ground.rooted
        && let Some(place) = highest(ground, rooted, index)
    {
        let doubt = format!(
            "the directory in which {} starts is not known; check that line {line} touches nothing of what is copied there",
            ground.stage.base().image
        );
        found.push((place, Some(doubt)));
    }
    found
}

/// The RUN at `index` moved to each of its places.
pub(super) fn hoisted(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Vec<Candidate> {
    let ways = ways(ground, effects, index);
    if ways.is_empty() {
        return with_its_directory(ground, effects, index)
            .into_iter()
            .collect();
    }
    let moved = ways.into_iter().map(|way| moved_to(ground, index, way));
    moved.collect()
}

pub(super) fn moved_to(
    ground: &Ground<'_>,
    index: usize,
    ((to, along), doubt): (Goal, Option<String>),
) -> Candidate {
    let stage = ground.stage;
    let (line, above) = (ground.line(index), ground.line(to));
    let what = described(&stage.instructions[index]);
    let with = companions(ground, &along, index);
    let copies = along
        .iter()
        .copied()
        .filter(|&i| is_transfer(&stage.instructions[i]));
    let mut candidate = Candidate::new(
        RULE.id,
        format!("move {what} (line {line}){with} above the COPY in line {above}"),
    );
    candidate.edits = move_before(ground.view.text(), stage, &along, to);
    let newest = clones_newest(&stage.instructions[index]).then(|| {
        format!("line {line} clones no version in particular; check that it may stay the one it was when the line was last run")
    });
    let (fetches, copies): (Vec<usize>, Vec<usize>) =
        copies.partition(|&i| fetches(&stage.instructions[i], &ground.places[i]));
    let fetched = fetches.iter().map(|&i| {
        format!(
            "line {} asks for what it fetches at each build: each time that is another, all that it now stands above runs again",
            ground.line(i)
        )
    });
    judge(
        &mut candidate,
        stage,
        (index, to),
        doubt.into_iter().chain(newest).chain(fetched).collect(),
    );
    tell_of_copies(&mut candidate, ground, &copies);
    candidate
}

/// ` and the RUN in line 3 and the COPY in line 4`, of what comes along with the RUN at `index`.
fn companions(ground: &Ground<'_>, along: &BTreeSet<usize>, index: usize) -> String {
    let steps = &ground.stage.instructions;
    let others = |is_kind: fn(&Instruction) -> bool| -> Vec<usize> {
        let others = along.iter().copied().filter(|&i| i != index);
        others.filter(|&i| is_kind(&steps[i])).collect()
    };
    listed("RUN", &others(is_run), ground) + &listed("COPY", &others(is_transfer), ground)
}

fn is_run(instruction: &Instruction) -> bool {
    matches!(instruction.kind, Kind::Run(_))
}

/// Says how often what `copies` bring changed.
fn tell_of_copies(candidate: &mut Candidate, ground: &Ground<'_>, copies: &[usize]) {
    for &copy in copies {
        let (n, of) = (
            ground.heat(copy).unwrap_or_default(),
            ground.view.n_builds(),
        );
        candidate.rationale = format!(
            "{} What line {} brings comes along; it changed in {n} of {of} builds.",
            candidate.rationale,
            ground.line(copy)
        );
    }
}

/// Whether an ADD fetches something that no checksum tells beforehand: how often that changes is in no history.
fn fetches(add: &Instruction, place: &Place) -> bool {
    let Kind::Add(transfer) = &add.kind else {
        return false;
    };
    let is_remote = |source: &Source| match source {
        Source::Path(path) => expand(path, &place.variables)
            .unwrap_or_else(|| path.clone())
            .contains("://"),
        Source::Heredoc(_) => false,
    };
    add.flag("checksum").is_none() && transfer.sources.iter().any(is_remote)
}

/// ` and the COPYs in lines 3, 4`.
pub(super) fn listed(keyword: &str, which: &[usize], ground: &Ground<'_>) -> String {
    let lines: Vec<String> = which.iter().map(|&i| ground.line(i).to_string()).collect();
    match lines.as_slice() {
        [] => String::new(),
        [one] => format!(" and the {keyword} in line {one}"),
        all => format!(" and the {keyword}s in lines {}", all.join(", ")),
    }
}

/// The RUN at `index` moved up together with the directory it works in, where a WORKDIR between is all that is in its
/// way: the directory is named before it, and the one before it again after it.
fn with_its_directory(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Option<Candidate> {
    let stage = ground.stage;
    let relaxed = wherever_they_stand(stage, effects);
    let (to, along) = highest(ground, &relaxed, index)?;
    let copies: Vec<usize> = along
        .iter()
        .copied()
        .filter(|&i| is_transfer(&stage.instructions[i]))
        .collect();
    let is_known = |i: &usize| !fetches(&stage.instructions[*i], &ground.places[*i]);
    let does = |i: &usize| copies.contains(i) || is_run(&stage.instructions[*i]);
    if !along.iter().all(does)
        || !copies.iter().all(is_known)
        || ground.places[to].cwd == ground.places[index].cwd
    {
        return None;
    }
    let (line, above) = (ground.line(index), ground.line(to));
    let with = match companions(ground, &along, index).as_str() {
        "" => " and its directory".to_owned(),
        with => format!("{with} in their directory"),
    };
    let what = described(&stage.instructions[index]);
    let mut candidate = Candidate::new(
        RULE.id,
        format!("move {what} (line {line}){with} above the COPY in line {above}"),
    );
    candidate.edits = move_with_directories(ground, &relaxed, (&along, to))?;
    candidate.vouched = along
        .iter()
        .map(|&i| stage.instructions[i].original.clone())
        .collect();
    judge(&mut candidate, stage, (index, to), Vec::new());
    tell_of_copies(&mut candidate, ground, &copies);
    Some(candidate)
}

/// Why the RUN at `index` may stand at `to`, and why it should.
pub(super) fn judge(
    candidate: &mut Candidate,
    stage: &Stage,
    (index, to): (usize, usize),
    doubts: Vec<String>,
) {
    let (line, above) = (
        stage.instructions[index].lines.first,
        stage.instructions[to].lines.first,
    );
    candidate.safety = Safety::of(
        vec![format!(
            "the commands of line {line} are all known, and read none of the files that lines {above} to {line} bring or make"
        )],
        doubts,
    );
    candidate.rationale = format!(
        "Line {line} reads none of the files copied in line {above}, yet runs again whenever one of them changes."
    );
    candidate.lines = vec![
        stage.instructions[to].lines,
        stage.instructions[index].lines,
    ];
}

fn described(instruction: &Instruction) -> String {
    let Kind::Run(_) = &instruction.kind else {
        return instruction.keyword.to_owned();
    };
    let Some(text) = instruction.shell_text() else {
        return "this RUN".to_owned();
    };
    let script = shell::parse(text);
    if is_system_install(&script) {
        return "the system packages".to_owned();
    }
    let name = script
        .seen()
        .iter()
        .find(|s| {
            !matches!(
                s.name(),
                "" | "set" | "cd" | "export" | ":" | "[" | "[[" | "test"
            )
        })
        .map(|s| s.name().to_owned());
    name.map_or_else(|| "this RUN".to_owned(), |n| format!("`{n} …`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;

    #[test]
    fn a_run_is_called_by_what_it_does() {
        let check = |run: &str, expected: &str| {
            let parsed = parse(&format!("FROM a\nRUN {run}\n")).unwrap();
            assert_eq!(
                described(&parsed.dockerfile.stages[0].instructions[0]),
                expected,
                "{run}"
            );
        };
        check("set -e; cd /a && make", "`make …`");
        check("if [ \"$A\" = b ]; then c_rehash; fi", "`c_rehash …`");
        check(
            "apt-get update && apt-get install -y git",
            "the system packages",
        );
    }
}
