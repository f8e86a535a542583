//! Steps that do not need the copied files go above them.
//!
//! Before:
//! ```dockerfile
//! COPY . .
//! RUN apt-get update && apt-get install -y libpq-dev
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y libpq-dev
//! COPY . .
//! ```
//! A RUN whose commands are all known to read none of the copied files moves above the first COPY it can pass, with
//! what it needs (ENV, USER, …); `a && b` is cut where only its first part can. None moves above a file that is fetched
//! or an argument that is there to make it run again.

use super::super::candidate::{Candidate, Safety};
use super::super::command::{Group, group, is_system_install, seen};
use super::super::effect::{Effect, Files};
use super::super::installs::StageView;
use super::super::layout::{BASE, Place, expand, is_within, overlap, places, reachable, unquote};
use super::super::lift::declare;
use super::super::moving::{effects, move_before, with_needed};
use super::super::system_places::LOCAL_PROGRAMS;
use super::super::tools::{clones, is_pinned_clone};
use super::super::view::View;
use super::Rule;
use super::changing::is_cache_bust;
use super::cut::Head;
use super::heat::heat;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Stage, Transfer};
use crate::shell;
use crate::shell::Seen;
use std::collections::BTreeSet;

const ID: &str = "system-first";

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: ID,
    summary: "system packages and tools above any COPY",
    propose: |view| on_stages(view, hoisted_runs),
};

/// The candidates that `propose` finds in each stage that the target needs.
pub(super) fn on_stages(
    view: &View<'_>,
    propose: fn(&View<'_>, &Stage, &[Place]) -> Vec<Candidate>,
) -> Vec<Candidate> {
    let places = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    stages
        .into_iter()
        .flat_map(|s| propose(view, &view.dockerfile.stages[s], &places[s]))
        .collect()
}

/// Whether an instruction brings files that change from commit to commit.
pub(super) fn is_transfer(instruction: &Instruction) -> bool {
    matches!(instruction.kind, Kind::Copy(_) | Kind::Add(_))
}

/// A stage, and what is known of its instructions before one is moved.
struct Ground<'a> {
    view: &'a View<'a>,
    stage: &'a Stage,
    places: &'a [Place],
    /// What each instruction reads and writes.
    effects: Vec<Effect>,
    /// As `effects`, with a directory of its own for the image's that is not known; `None` where it is.
    rooted: Option<Vec<Effect>>,
    /// The RUNs that are made of commands which resolve dependencies or build.
    builds: BTreeSet<usize>,
}

impl<'a> Ground<'a> {
    fn new(view: &'a View<'a>, stage: &'a Stage, places: &'a [Place]) -> Self {
        let is_known = places.first().is_none_or(|p| p.cwd.is_some());
        let rooted = || {
            let place = |p: &Place| Place {
                cwd: p.cwd.clone().or_else(|| Some(BASE.to_owned())),
                ..p.clone()
            };
            let places: Vec<Place> = places.iter().map(place).collect();
            effects(view, stage, &places)
        };
        Self {
            view,
            stage,
            places,
            effects: effects(view, stage, places),
            rooted: (!is_known).then(rooted),
            builds: builds(view, stage),
        }
    }

    fn line(&self, index: usize) -> usize {
        self.stage.instructions[index].lines.first
    }

    /// Whether what copy `one` brings changes much more seldom than what copy `other` does.
    fn is_colder(&self, one: usize, other: usize) -> bool {
        match (self.heat(one), self.heat(other)) {
            (Some(own), Some(than)) => own.saturating_mul(3) < than,
            _ => false,
        }
    }

    /// In how many builds what copy `index` brings changed, where git tells.
    fn heat(&self, index: usize) -> Option<usize> {
        let instruction = &self.stage.instructions[index];
        heat(self.view, self.stage, instruction, &self.places[index])
    }
}

fn hoisted_runs(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Candidate> {
    let ground = Ground::new(view, stage, places);
    let mut found = Vec::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        let Kind::Run(run) = &instruction.kind else {
            continue;
        };
        let Command::Shell(text) = &run.command else {
            continue;
        };
        let known = ground.rooted.as_ref().unwrap_or(&ground.effects);
        if known[index].groups.is_some() && is_work(text) {
            let first = hoisted_run(&ground, &ground.effects, index);
            let higher = above_builds(&ground, index);
            let is_higher = |c: &Candidate| {
                first.as_ref().is_none_or(|f| {
                    c.lines.first().map(|l| l.first) < f.lines.first().map(|l| l.first)
                })
            };
            found.extend(higher.filter(is_higher));
            found.extend(first);
        } else if instruction.flags.is_empty() && instruction.heredocs.is_empty() {
            found.extend(cut_run(&ground, index, text));
        }
    }
    found.extend(small_runs(&ground));
    found
}

/// RUNs that make directories, links and the like, which none would move for its own sake, moved up together.
fn small_runs(ground: &Ground<'_>) -> Option<Candidate> {
    let steps = &ground.stage.instructions;
    let is_small = |i: &usize| match &steps[*i].kind {
        Kind::Run(run) => match &run.command {
            Command::Shell(text) => {
                ground.effects[*i].groups.is_some() && !is_work(text) && leaves_something(text)
            }
            Command::Exec(_) => false,
        },
        _ => false,
    };
    let goals = (0..steps.len()).filter(is_small);
    let goals: Vec<(usize, Goal)> = goals
        .filter_map(|i| Some((i, highest(ground, &ground.effects, i)?)))
        .filter(|(i, (_, along))| {
            along
                .iter()
                .all(|a| a == i || is_light(&steps[*a]) || is_small(a))
        })
        .collect();
    let to = goals.iter().map(|(_, (to, _))| *to).max()?;
    let along: BTreeSet<usize> = goals
        .iter()
        .filter_map(|(i, _)| with_needed(&ground.effects, *i, to).ok())
        .flatten()
        .collect();
    let runs: Vec<usize> = along.iter().copied().filter(is_small).collect();
    let moved = listed("RUN", &runs, ground);
    let mut candidate = Candidate::new(
        ID,
        format!(
            "move {} above the COPY in line {}",
            moved.strip_prefix(" and ").unwrap_or(&moved),
            ground.line(to)
        ),
    );
    candidate.edits = move_before(ground.view.text(), ground.stage, &along, to);
    judge(
        &mut candidate,
        ground.stage,
        (*runs.last()?, to),
        Vec::new(),
    );
    candidate.lines = runs.iter().map(|&i| steps[i].lines).collect();
    Some(candidate)
}

/// Whether a RUN makes or changes a file: `RUN true` between two COPYs is there to part their layers.
fn leaves_something(text: &str) -> bool {
    let makers = [
        "chgrp",
        "chmod",
        "chown",
        "cp",
        "git",
        "install",
        "ln",
        "mkdir",
        "mv",
        "rm",
        "sed",
        "tee",
        "touch",
        "venv",
        "virtualenv",
    ];
    let script = shell::parse(text);
    let writes = script.commands.iter().any(|c| !c.redirections.is_empty());
    writes || script.seen().iter().any(|s| makers.contains(&s.name()))
}

/// Whether an instruction only sets something for those below it.
fn is_light(instruction: &Instruction) -> bool {
    matches!(
        instruction.kind,
        Kind::Arg(_) | Kind::Env(_) | Kind::Workdir(_) | Kind::User(_) | Kind::Shell(_)
    )
}

/// Whether a RUN does something that is worth not doing again: installs or fetches.
fn is_work(text: &str) -> bool {
    let fetches = [
        "curl",
        "git",
        "wget",
        "tar",
        "unzip",
        "update-ca-certificates",
        "locale-gen",
    ];
    shell::parse(text)
        .seen()
        .iter()
        .any(|s| !matches!(group(s), Some(Group::Words)) || fetches.contains(&s.name()))
}

/// The instruction to stand before, and all that moves there.
type Goal = (usize, BTreeSet<usize>);

/// The first copy above `index` that it can pass, with all that must move along.
fn highest(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Option<Goal> {
    let steps = &ground.stage.instructions;
    let floor = (0..index)
        .rev()
        .find(|&i| renews(&steps[i], &ground.places[i]))
        .map_or(0, |i| i + 1);
    let changes =
        |i: &usize| is_transfer(&steps[*i]) && !is_release(&steps[*i], &ground.places[*i]);
    let copies = (floor..index).filter(changes);
    copies.into_iter().find_map(|to| {
        let along = with_needed(effects, index, to).ok()?;
        // A copy that has to come along is paid for again with each of its changes.
        let may_come = |i: &usize| !changes(i) || ground.is_colder(*i, to);
        along.iter().all(may_come).then_some((to, along))
    })
}

/// Whether an ADD brings one release of something from elsewhere: its address names a version, or its content is pinned.
fn is_release(instruction: &Instruction, place: &Place) -> bool {
    let Kind::Add(transfer) = &instruction.kind else {
        return false;
    };
    let names_version = |text: &str| {
        let bytes = text.as_bytes();
        let is_number =
            |w: &[u8]| matches!(w, [a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit());
        bytes.windows(3).any(is_number) || text.to_ascii_uppercase().contains("VERSION")
    };
    transfer.sources.iter().all(|source| match source {
        Source::Path(path) => {
            let address = expand(&unquote(path), &place.variables).unwrap_or_else(|| path.clone());
            let path = address
                .split_once("://")
                .and_then(|(_, rest)| rest.split_once('/'));
            path.is_some_and(|(_, path)| {
                !path.contains('?')
                    && (names_version(path) || instruction.flag("checksum").is_some())
            })
        }
        Source::Heredoc(_) => false,
    })
}

/// Whether an instruction is there, or may be, to make what is fetched below it fresh: a file that is not from the
/// context (`ADD https://api.example.com/version.json`) or an argument of that name. What fetches stays below it.
fn renews(instruction: &Instruction, place: &Place) -> bool {
    match &instruction.kind {
        Kind::Add(_) if is_release(instruction, place) => false,
        Kind::Add(transfer) => transfer.sources.iter().any(|source| match source {
            Source::Path(path) => expand(&unquote(path), &place.variables)
                .is_none_or(|p| p.contains("://") || p.starts_with("git@")),
            Source::Heredoc(_) => false,
        }),
        Kind::Arg(items) => items.iter().any(|item| is_cache_bust(&item.name)),
        Kind::Env(pairs) => pairs.iter().any(|pair| is_cache_bust(&pair.name)),
        _ => false,
    }
}

/// The effects with each `COPY --from=… NAME /usr/local/bin/` above `index` taken to bring the one program it names, as
/// such copies do; and the programs so taken. Whether NAME is a directory of others is not known, nor whether a package
/// of the system brings a program of the same name to `/usr/bin`.
fn local_programs(stage: &Stage, effects: &[Effect], index: usize) -> (Vec<Effect>, Vec<String>) {
    let mut relaxed = effects.to_vec();
    let mut programs = Vec::new();
    let run = &stage.instructions[index].original;
    for (instruction, effect) in stage.instructions.iter().zip(&mut relaxed).take(index) {
        let (Kind::Copy(transfer), Files::Places(places)) = (&instruction.kind, &effect.files)
        else {
            continue;
        };
        let [to] = places.as_slice() else { continue };
        let Some(named) = programs_named(transfer, to) else {
            continue;
        };
        if instruction.flag("from").is_none() {
            continue;
        }
        let is_local = |path: &String| LOCAL_PROGRAMS.iter().any(|d| is_within(path, d));
        let is_mentioned = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            run.contains(name)
        };
        effect.files = if named.iter().all(is_local) {
            Files::Exactly(named.clone())
        } else if named.iter().any(is_mentioned) {
            continue;
        } else {
            Files::Nothing
        };
        programs.extend(named);
    }
    (relaxed, programs)
}

/// The programs that a copy to `to` brings into a directory of programs, each under the name it has there.
fn programs_named(transfer: &Transfer, to: &str) -> Option<Vec<String>> {
    let system = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];
    let is_for_programs = |dir: &str| LOCAL_PROGRAMS.contains(&dir) || system.contains(&dir);
    if let (Some((dir, name)), [Source::Path(path)]) =
        (to.rsplit_once('/'), transfer.sources.as_slice())
    {
        let is_plain = !path.contains(['*', '?', '[', '$']) && !path.ends_with('/');
        if is_for_programs(dir) && is_plain && path.rsplit('/').next() == Some(name) {
            return Some(vec![to.to_owned()]);
        }
    }
    if !is_for_programs(to) {
        return None;
    }
    let named = transfer.sources.iter().map(|source| match source {
        Source::Path(path) if !path.contains(['*', '?', '[', '$']) => {
            let name = path
                .rsplit('/')
                .next()
                .filter(|n| !n.is_empty() && *n != "bin")?;
            Some(format!("{to}/{name}"))
        }
        _ => None,
    });
    named.collect()
}

/// The RUNs of a stage that are made of commands which resolve dependencies or build.
fn builds(view: &View<'_>, stage: &Stage) -> BTreeSet<usize> {
    let all = super::super::layout::places(view.dockerfile);
    let of = StageView::new(view, &all, stage.index);
    (0..stage.instructions.len())
        .filter(|&run| {
            let knows = of.builds_with(run).is_some_and(|names| !names.is_empty());
            knows || of.makes(run)
        })
        .collect()
}

/// The RUN at `index` moved up past RUNs that build the project: those may touch any file, and hardly go by what is
/// installed after them.
fn above_builds(ground: &Ground<'_>, index: usize) -> Option<Candidate> {
    if !stands_alone(ground, index) {
        return None;
    }
    let passed: Vec<usize> = ground.builds.range(..index).copied().collect();
    let mut relaxed = ground.effects.clone();
    for &run in &passed {
        relaxed[run].files = Files::Nothing;
        relaxed[run].groups = Some(BTreeSet::new());
    }
    let mut candidate = hoisted_run(ground, &relaxed, index)?;
    // A build that would have to come along reads the source.
    let comes_along = |run: &usize| {
        let own = ground.stage.instructions[*run].span;
        let mut edits = candidate.edits.iter();
        edits.any(|e| e.span.start < own.end && own.start < e.span.end)
    };
    if passed.iter().any(comes_along) {
        return None;
    }
    let to = candidate.lines.first()?.first;
    let lines: Vec<String> = passed
        .iter()
        .map(|&run| ground.line(run))
        .filter(|line| *line > to)
        .map(|line| line.to_string())
        .collect();
    if lines.is_empty() {
        return None;
    }
    let doubt = format!(
        "check that what line {} installs does not disturb the build in line {}, which then runs after it",
        ground.line(index),
        lines.join(" and ")
    );
    let doubts = candidate
        .safety
        .doubt()
        .map(str::to_owned)
        .into_iter()
        .chain([doubt]);
    candidate.safety = Safety::of(candidate.safety.reasons().to_vec(), doubts.collect());
    Some(candidate)
}

/// Whether a RUN only installs, by what it brings itself: no program of the project's packages, no package list or
/// environment that a RUN above has left, no file but in places of the system.
fn stands_alone(ground: &Ground<'_>, index: usize) -> bool {
    let places = ["/etc", "/opt", "/root", "/tmp", "/usr", "/var"];
    let Files::Commands(touched) = &ground.effects[index].files else {
        return false;
    };
    let built_in = ground.builds.range(..index).map(|&run| {
        let cwd = ground.places[run].cwd.as_deref();
        cwd.unwrap_or(BASE)
    });
    let built_in: BTreeSet<&str> = built_in.filter(|dir| *dir != "/").collect();
    let is_elsewhere = |place: &String| {
        places.iter().any(|p| is_within(place, p)) && !built_in.iter().any(|d| overlap(place, d))
    };
    let commands = seen(&ground.stage.instructions[index]).unwrap_or_default();
    let has_lists = |at: usize| {
        let before = &commands[..=at];
        let is_new = |w: &String| w == "--no-cache" || w == "-U" || w.starts_with("--update");
        before.iter().any(|s| {
            let is_own = s.name() == commands[at].name();
            let updates = s.subcommand() == "update" && (is_own || s.name().starts_with("apt"));
            updates || is_own && s.args().iter().any(is_new)
        })
    };
    let is_apart = |(at, seen): (usize, &Seen)| match seen.name() {
        "apk" | "apt" | "apt-get" => {
            !matches!(seen.subcommand(), "add" | "install") || has_lists(at)
        }
        // One environment with what the project installs: the order decides the versions.
        "conda" | "mamba" | "micromamba" | "pip" | "pip3" | "uv" => false,
        "cypress" | "hf" | "huggingface-cli" | "nltk.downloader" | "playwright" | "puppeteer"
        | "spacy" => false,
        _ => true,
    };
    touched.places.iter().all(is_elsewhere) && commands.iter().enumerate().all(is_apart)
}

/// Where the RUN at `index` can go, what moves along, and what is then to be checked.
fn way(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Option<(Goal, Option<String>)> {
    if let Some(found) = highest(ground, effects, index) {
        return Some((found, None));
    }
    let (relaxed, programs) = local_programs(ground.stage, effects, index);
    if !programs.is_empty()
        && let Some(found) = highest(ground, &relaxed, index)
    {
        let doubt = format!(
            "check that the RUN in line {} neither runs nor brings the programs copied as {}",
            ground.line(index),
            programs.join(" and ")
        );
        return Some((found, Some(doubt)));
    }
    let found = highest(ground, ground.rooted.as_ref()?, index)?;
    let doubt = format!(
        "the directory in which {} starts is not known; check that line {} touches nothing of what is copied there",
        ground.stage.base().image,
        ground.line(index)
    );
    Some((found, Some(doubt)))
}

fn hoisted_run(ground: &Ground<'_>, effects: &[Effect], index: usize) -> Option<Candidate> {
    let Some(((to, along), doubt)) = way(ground, effects, index) else {
        return with_its_directory(ground, effects, index);
    };
    let stage = ground.stage;
    let (line, above) = (ground.line(index), ground.line(to));
    let what = described(&stage.instructions[index]);
    let others = |is_kind: fn(&Instruction) -> bool| -> Vec<usize> {
        let others = along.iter().copied().filter(|&i| i != index);
        others
            .filter(|&i| is_kind(&stage.instructions[i]))
            .collect()
    };
    let copies = others(is_transfer);
    let with = listed("RUN", &others(|i| matches!(i.kind, Kind::Run(_))), ground)
        + &listed("COPY", &copies, ground);
    let mut candidate = Candidate::new(
        ID,
        format!("move {what} (line {line}){with} above the COPY in line {above}"),
    );
    candidate.edits = move_before(ground.view.text(), stage, &along, to);
    let newest = clones_newest(&stage.instructions[index]).then(|| {
        format!("line {line} clones no version in particular; check that it may stay the one it was when the line was last run")
    });
    judge(
        &mut candidate,
        stage,
        (index, to),
        doubt.into_iter().chain(newest).collect(),
    );
    for copy in copies {
        let n = ground.heat(copy).unwrap_or_default();
        let of = ground.view.n_builds();
        candidate.rationale = format!(
            "{} What line {} brings comes along; it changed in {n} of {of} builds.",
            candidate.rationale,
            ground.line(copy)
        );
    }
    Some(candidate)
}

/// Whether a RUN copies a repository as it is now: what it finds is another each time.
fn clones_newest(instruction: &Instruction) -> bool {
    let seen = seen(instruction).unwrap_or_default();
    let chooses = |s: &Seen| {
        s.name() == "git"
            && matches!(
                s.subcommand(),
                "checkout" | "reset" | "switch" | "submodule"
            )
    };
    seen.iter().any(|s| clones(s) && !is_pinned_clone(s)) && !seen.iter().any(chooses)
}

/// ` and the COPYs in lines 3, 4`.
fn listed(keyword: &str, which: &[usize], ground: &Ground<'_>) -> String {
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
    let (view, stage, places) = (ground.view, ground.stage, ground.places);
    let here = places[index].cwd.as_deref()?;
    let mut relaxed = effects.to_vec();
    for (instruction, effect) in stage.instructions.iter().zip(&mut relaxed) {
        // A directory that is made earlier is no other directory.
        if matches!(instruction.kind, Kind::Workdir(_)) {
            effect.files = Files::Nothing;
        }
    }
    relaxed[index].reads.cwd = false;
    let (to, along) = highest(ground, &relaxed, index)?;
    let before = places[to].cwd.as_deref();
    if along.len() > 1 || before == Some(here) || here.contains(['$', ' ', '"']) {
        return None;
    }
    let sets = |i: &Instruction| matches!(&i.kind, Kind::Workdir(path) if path.starts_with('/'));
    let back = match &stage.instructions[to] {
        next if sets(next) => None,
        _ => Some(before.filter(|b| !b.contains(['$', ' ', '"']))?),
    };
    let line_break = if view.text().contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let mut edits = move_before(view.text(), stage, &along, to);
    let inserted = edits.iter_mut().find(|e| !e.replacement.is_empty())?;
    inserted.replacement = format!("WORKDIR {here}{line_break}{}", inserted.replacement);
    if let Some(back) = back {
        inserted.replacement = format!("{}WORKDIR {back}{line_break}", inserted.replacement);
    }
    let (line, above) = (
        stage.instructions[index].lines.first,
        stage.instructions[to].lines.first,
    );
    let what = described(&stage.instructions[index]);
    let mut candidate = Candidate::new(
        ID,
        format!("move {what} (line {line}) and its directory above the COPY in line {above}"),
    );
    candidate.edits = edits;
    candidate.vouched = vec![stage.instructions[index].original.clone()];
    judge(&mut candidate, stage, (index, to), Vec::new());
    Some(candidate)
}

/// Why the RUN at `index` may stand at `to`, and why it should.
fn judge(
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

/// `RUN system packages && the rest` cut in two, the first part moved up.
fn cut_run(ground: &Ground<'_>, index: usize, text: &str) -> Option<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    let head = Head::of(text, &|_| true)?;
    let mut effects = ground.effects.clone();
    let instruction = &stage.instructions[index];
    effects[index] = head.effect(view, instruction, &ground.places[index]);
    let (to, along) = highest(ground, &effects, index)?;
    if along.len() > 1 {
        return None;
    }
    let mut candidate = Candidate::new(
        ID,
        format!(
            "move the system packages of line {} above the COPY in line {}",
            instruction.lines.first, stage.instructions[to].lines.first
        ),
    );
    candidate.edits = head.edits(view, stage, index, to)?;
    candidate.safety = Safety::of(
        vec![
            "the first part of the chain installs system packages by name and reads no copied file"
                .to_owned(),
        ],
        Vec::new(),
    );
    candidate.rationale = format!(
        "The system packages of line {} do not depend on the files copied before, yet are installed again whenever one of them changes.",
        instruction.lines.first
    );
    candidate.lines = vec![stage.instructions[to].lines, instruction.lines];
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn described(instruction: &Instruction) -> String {
    let Kind::Run(run) = &instruction.kind else {
        return instruction.keyword.to_owned();
    };
    let text = match &run.command {
        Command::Shell(text) => text,
        Command::Exec(_) => return "this RUN".to_owned(),
    };
    let script = shell::parse(text);
    if is_system_install(&script) {
        return "the system packages".to_owned();
    }
    let name = script
        .seen()
        .iter()
        .find(|s| !matches!(s.name(), "" | "set" | "cd" | "export" | ":"))
        .map(|s| s.name().to_owned());
    name.map_or_else(|| "this RUN".to_owned(), |n| format!("`{n} …`"))
}
