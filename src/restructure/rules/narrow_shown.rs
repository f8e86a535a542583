//! What the steps after a COPY read of its files, where each of them is known, and the COPYs that bring just that.
//!
//! Every RUN that sees the files counts: those below in the stage and in the stages built on it; so does what other
//! stages take. One that may read anything, and nothing is narrowed.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::effect::destination;
use super::super::git::asked::has_git;
use super::super::installs::{Reading, StageView};
use super::super::layout::{
    At, Place, absolute, before_pattern, built_on, expand, is_within, mount_field, parent,
    stage_named, unquote,
};
use super::super::mentions::mentions;
use super::super::view::View;
use super::cover::Cover;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source, Transfer};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// The candidates for the COPY at `at`, if what is read of its files can be shown.
pub(super) fn narrowed(view: &View<'_>, all: &[Vec<Place>], at: At) -> Option<Vec<Candidate>> {
    let stage = &view.dockerfile.stages[at.stage];
    let instruction = &stage.instructions[at.index];
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
        return None;
    };
    let source = directory(view, instruction, transfer)?;
    let read = StageView::new(view, all, at.stage);
    let brought = read.brings[at.index].as_ref()?;
    let git = takes_git(view, &source);
    let how = match shown_of(
        &read,
        all,
        at,
        How {
            git,
            by_names: false,
        },
    ) {
        Some(_) => How {
            git,
            by_names: false,
        },
        None => How {
            git,
            by_names: true,
        },
    };
    let (shown, build) = shown_of(&read, all, at, how)?;
    let above = touched_above(&read, at.index, how);
    let is_there = |to: &String, from: &RepoPath| is_brought_before(&read, &above, to, from);
    let needed: BTreeSet<&RepoPath> = brought
        .iter()
        .filter(|(to, from)| shown.holds(to) && !is_there(to, from))
        .map(|(_, from)| from)
        .collect();
    let covers = Cover::of(view, &source, brought.values().collect(), &needed)?;
    let all: Vec<Candidate> = covers
        .iter()
        .filter(|cover| git || cover.left_out() > 0)
        .map(|cover| candidate(view, instruction, transfer, cover, &build, &shown, git))
        .collect();
    (!all.is_empty()).then_some(all)
}

fn candidate(
    view: &View<'_>,
    instruction: &Instruction,
    transfer: &Transfer,
    cover: &Cover,
    build: &str,
    shown: &Shown,
    git: bool,
) -> Candidate {
    let left_out = cover.left_out();
    let flags: String = instruction
        .flags
        .iter()
        .map(|f| format!("{} ", &view.text()[f.span.range()]))
        .collect();
    let lines = cover.lines(instruction.keyword, &flags, &transfer.destination);
    let mut candidate = Candidate::new(
        "narrow-copy",
        format!(
            "copy only {} in line {}",
            cover.names(),
            instruction.lines.first
        ),
    );
    candidate.edits = vec![TextEdit::replace(
        Span::new(instruction.span.start, instruction.span.end),
        lines.join("\n"),
    )];
    let mut doubts = shown.in_doubt(build);
    doubts.push(format!(
        "check that the build needs no file that is not in git; what is imported or embedded from elsewhere in future has to be added to {}",
        if lines.len() == 1 {
            "this line"
        } else {
            "these lines"
        }
    ));
    if git {
        doubts.extend(stamped(view));
    }
    candidate.safety = Safety::of(
        vec![format!(
            "the {} that `{build}` follows lead nowhere else, and no other step reads these files",
            if shown.named_by.is_empty() {
                "imports"
            } else {
                "names and imports"
            }
        )],
        doubts,
    );
    candidate.rationale = if left_out > 0 {
        format!(
            "In {left_out} of {} builds nothing changed that `{build}` reads, but something else that line {} copies, and all that follows ran again.",
            view.n_builds(),
            instruction.lines.first
        )
    } else {
        format!(
            "`.git` changes with every commit and no step reads it, so line {} and all that follows run again at every commit.",
            instruction.lines.first
        )
    };
    candidate.lines = vec![instruction.lines];
    candidate
}

/// The files of the context that steps read of what the COPY of all of it at `at` brings; `None` where that cannot be
/// shown.
pub(super) fn read_of_all(
    view: &View<'_>,
    all: &[Vec<Place>],
    at: At,
) -> Option<BTreeSet<RepoPath>> {
    let read = StageView::new(view, all, at.stage);
    let brought = read.brings[at.index].as_ref()?;
    let how = How {
        git: takes_git(view, &RepoPath::root()),
        by_names: false,
    };
    let (shown, _) = shown_of(&read, all, at, how)?;
    let is_read = brought.iter().filter(|(to, _)| shown.holds(to));
    Some(is_read.map(|(_, from)| from.clone()).collect())
}

/// What is read of the files that the instruction at `at` brings, and the command that builds with them.
fn shown_of(read: &StageView<'_>, all: &[Vec<Place>], at: At, how: How) -> Option<(Shown, String)> {
    let instruction = &read.stage.instructions[at.index];
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
        return None;
    };
    let mut shown = shown(read.view, all, at, how).ok()?;
    let build = shown.build.clone()?;
    let to = destination(transfer, &read.places[at.index])?;
    shown.add_parents(&to, read.brings[at.index].as_ref()?);
    Some((shown, build))
}

/// The directory of the context that is all that an instruction copies.
fn directory(view: &View<'_>, instruction: &Instruction, transfer: &Transfer) -> Option<RepoPath> {
    let is_odd = ["from", "exclude"]
        .iter()
        .any(|f| instruction.flag(f).is_some())
        || instruction.is_on("parents")
        || transfer.json;
    let [Source::Path(path)] = transfer.sources.as_slice() else {
        return None;
    };
    if is_odd || path.contains(['*', '?', '[', '$', '\\', '"', '\'', ':']) {
        return None;
    }
    let path = RepoPath::new(path);
    (!view.has_file(&path)).then_some(path)
}

/// Whether copying `source` takes the checkout's `.git` along.
fn takes_git(view: &View<'_>, source: &RepoPath) -> bool {
    source.is_root() && has_git(view)
}

/// How it is found out what a RUN reads.
#[derive(Clone, Copy)]
struct How {
    /// Whether the checkout's `.git` is among the files.
    git: bool,
    /// Whether what a front-end's files name counts as all that its build reads.
    by_names: bool,
}

impl How {
    fn reading(self, read: &StageView<'_>, run: usize) -> Result<Reading, String> {
        match self.by_names {
            true => read.reading_by_names(run, self.git),
            false => read.reading(run, self.git),
        }
    }
}

/// What is read of the files that one instruction brings.
#[derive(Default)]
struct Shown {
    readings: Vec<Reading>,
    /// Absolute places that other stages take, or that have to be there.
    taken: BTreeSet<String>,
    /// The first command that builds.
    build: Option<String>,
    /// The files that name what is read, where that is all that is known.
    named_by: BTreeSet<RepoPath>,
}

impl Shown {
    /// What is not known of a build that goes by names.
    fn in_doubt(&self, build: &str) -> Vec<String> {
        let is_manifest = |p: &RepoPath| p.file_name() == Some(b"package.json".as_slice());
        let manifest = self.named_by.iter().any(is_manifest);
        let manifest = manifest.then(|| "package.json".to_owned());
        let others = self.named_by.iter().filter(|p| !is_manifest(p));
        let others = others.take(4).map(ToString::to_string);
        let names: Vec<String> = manifest.into_iter().chain(others).collect();
        let names = names.join(", ");
        let doubt = format!(
            "check that `{build}` reads no file that {names} and what is imported do not name"
        );
        (!self.named_by.is_empty())
            .then_some(doubt)
            .into_iter()
            .collect()
    }

    /// Whether the file at absolute `path` is read by a step, or has to be there.
    fn holds(&self, path: &str) -> bool {
        self.taken.iter().any(|place| is_within(path, place))
            || self.readings.iter().any(|r| r.holds(path))
    }
}

/// What is read of the files that the instruction at `at` brings; an error says who may read anything.
fn shown(view: &View<'_>, all: &[Vec<Place>], at: At, how: How) -> Result<Shown, String> {
    let dockerfile = view.dockerfile;
    let mut shown = Shown::default();
    for stage in &dockerfile.stages {
        if !built_on(dockerfile, stage.index).any(|s| s == at.stage) {
            shown.takes(view, all, at, stage.index)?;
            continue;
        }
        if stage.index == view.target {
            return Err("its files reach the image".to_owned());
        }
        let read = StageView::new(view, all, stage.index);
        for (n, instruction) in stage.instructions.iter().enumerate() {
            if stage.index == at.stage && n <= at.index {
                continue;
            }
            match &instruction.kind {
                Kind::Run(_) => {
                    let reading = how.reading(&read, n)?;
                    shown.named_by.extend(reading.named_by.iter().cloned());
                    shown.build = shown.build.or_else(|| reading.build.clone());
                    shown.readings.push(reading);
                }
                Kind::Cmd(_) | Kind::Entrypoint(_) | Kind::Onbuild(_) | Kind::Healthcheck(_) => {
                    return Err("a stage with these files is run itself".to_owned());
                }
                _ => {}
            }
        }
        shown.takes(view, all, at, stage.index)?;
    }
    Ok(shown)
}

impl Shown {
    /// Adds what stage `stage` takes by name from those that hold the files.
    fn takes(
        &mut self,
        view: &View<'_>,
        all: &[Vec<Place>],
        at: At,
        stage: usize,
    ) -> Result<(), String> {
        let dockerfile = view.dockerfile;
        let holds = |name: &str| {
            let named = stage_named(dockerfile, stage, name);
            std::iter::successors(named, |s| parent(dockerfile, *s)).any(|s| s == at.stage)
        };
        for (instruction, place) in dockerfile.stages[stage]
            .instructions
            .iter()
            .zip(&all[stage])
        {
            let mut mounts = instruction.flag_values("mount");
            if mounts.any(|m| mount_field(m, "from").is_some_and(holds)) {
                return Err("a mount takes its files".to_owned());
            }
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            if !instruction.flag("from").is_some_and(holds) {
                continue;
            }
            for source in &transfer.sources {
                let Source::Path(path) = source else { continue };
                let path = expand(&unquote(path), &place.variables).unwrap_or_else(|| path.clone());
                self.taken
                    .extend(absolute(Some("/"), before_pattern(&path)));
            }
        }
        Ok(())
    }

    /// Adds the directories, below `root`, in which a command makes a file of its own: they have to be there.
    fn add_parents(&mut self, root: &str, brought: &BTreeMap<String, RepoPath>) {
        let places = self.readings.iter().flat_map(|r| &r.places);
        let is_made = |place: &&String| !brought.keys().any(|to| is_within(to, place));
        let dir = |place: &String| Some(place.rsplit_once('/')?.0.to_owned());
        let is_inside = |dir: &String| dir != root && is_within(dir, root);
        let dirs: Vec<String> = places
            .filter(is_made)
            .filter_map(dir)
            .filter(is_inside)
            .collect();
        self.taken.extend(dirs);
    }
}

/// What the RUNs above instruction `index` read or write; `None` for one that may touch anything.
fn touched_above(read: &StageView<'_>, index: usize, how: How) -> Vec<Option<BTreeSet<String>>> {
    let instructions = read.stage.instructions.iter().enumerate().take(index);
    let touched = instructions.map(|(n, instruction)| match instruction.kind {
        Kind::Run(_) => how.reading(read, n).ok().map(|r| r.places),
        _ => Some(BTreeSet::new()),
    });
    touched.collect()
}

/// Whether an instruction above `index` has brought the file to the same place, and no RUN since (`above` says what each
/// touches) may have changed it.
fn is_brought_before(
    read: &StageView<'_>,
    above: &[Option<BTreeSet<String>>],
    to: &str,
    from: &RepoPath,
) -> bool {
    let brings = |n: &usize| read.brings[*n].as_ref().and_then(|b| b.get(to)) == Some(from);
    let Some(first) = (0..above.len()).rev().find(brings) else {
        return false;
    };
    above[first + 1..].iter().all(|touched| {
        let touched = touched.as_ref();
        touched.is_some_and(|places| !places.iter().any(|place| is_within(to, place)))
    })
}

/// What is lost where go finds no `.git` to stamp the program with.
fn stamped(view: &View<'_>) -> Option<String> {
    let words = ["vcs.revision", "debug.ReadBuildInfo"];
    let is_vendored = |p: &RepoPath| p.names().any(|n| n == b"vendor");
    let is_go =
        |p: &RepoPath| p.file_name().is_some_and(|n| n.ends_with(b".go")) && !is_vendored(p);
    let found = mentions(view, &words, is_go).found;
    let (path, _) = found.first()?;
    Some(format!(
        "{path} shows the version that Go stamps from git; it would be empty"
    ))
}
