//! Files get their owner when they are copied, in place of a RUN that gives it to all of them.
//!
//! Before:
//! ```dockerfile
//! WORKDIR /app
//! COPY . .
//! RUN chown -R app:app /app
//! ```
//! After:
//! ```dockerfile
//! WORKDIR /app
//! RUN chown app:app /app
//! COPY --chown=app:app . .
//! ```
//! A layer in which only owners changed holds every file once more. The directory itself still gets its owner, as do those
//! that WORKDIR has made in it: above the copies where they are there by then, else where they got it; the RUN goes where
//! they are known to be the owner's (its home). What something else has put there keeps its owner, and that it may is for
//! review. Where the files came with a stage below, [`super::owner_again`] copies them once more.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::{Group, group, installs, seen};
use super::super::conflict::conflict;
use super::super::effect::effect;
use super::super::layout::{Place, absolute, is_within, mentioned, overlap, places, reachable};
use super::super::lift::declare;
use super::super::manifests::is_dependency_file;
use super::super::moving::{block_of, byte_in_text, without_blank_twin};
use super::super::run_text::saying;
use super::super::view::View;
use super::Rule;
use super::owner_again::copied_again;
use super::owner_before::{Line, lines, made_before, named, others, owned};
use super::owner_run::{Chown, Dir, between, is_maker, is_shared, without};
use super::system_first::is_transfer;
use crate::builder::Builder;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "owner",
    summary: "`COPY --chown` in place of a RUN that changes the owner of all that was copied",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let places = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    stages
        .into_iter()
        .flat_map(|stage| of_stage(view, &places, stage))
        .collect()
}

fn of_stage(view: &View<'_>, places: &[Vec<Place>], stage: usize) -> Vec<Candidate> {
    let steps = &view.dockerfile.stages[stage].instructions;
    let found = |n: usize| Some((n, Chown::of(&steps[n], &places[stage][n])?));
    let chowns: Vec<(usize, Chown)> = (0..steps.len()).filter_map(found).collect();
    if chowns.is_empty() || steps.iter().any(|i| matches!(i.kind, Kind::Onbuild(_))) {
        return Vec::new();
    }
    let (lines, own) = lines(view, places, stage);
    let candidates = chowns.iter().filter_map(|(n, chown)| {
        let ground = Ground {
            view,
            lines: &lines,
            own,
            run: own + n,
            chown,
        };
        let is_plain = !chown.is_by_variable() || ground.has_variables();
        let copied = ground.copied().filter(|_| is_plain);
        copied.and_then(|copied| match copied.is_empty() {
            true => copied_again(&ground),
            false => candidate(&ground, &copied),
        })
    });
    candidates.collect()
}

/// A RUN that gives directories away, and what stands before it.
pub(super) struct Ground<'a> {
    pub(super) view: &'a View<'a>,
    /// Of the stages below, and of its own.
    pub(super) lines: &'a [Line<'a>],
    /// Where those of its own stage begin.
    pub(super) own: usize,
    /// Which of them it is.
    pub(super) run: usize,
    pub(super) chown: &'a Chown,
}

impl Ground<'_> {
    /// Whether the builder puts variables into `--chown`, and they are the shell's as well.
    fn has_variables(&self) -> bool {
        let is_shell = |l: &Line<'_>| matches!(l.step.kind, Kind::Shell(_));
        self.view.builder == Builder::BuildKit && !self.lines.iter().any(is_shell)
    }

    /// The copies of its stage into the directories that nothing touches from there on; `None` where one brings files
    /// beside them too, or that is not known.
    fn copied(&self) -> Option<Vec<usize>> {
        let copies = (self.own..self.run).filter(|&n| is_transfer(self.lines[n].step));
        let mut found = Vec::new();
        for n in copies {
            let to = self.lines[n].to()?;
            let Some(dir) = self.chown.dirs.iter().find(|d| is_within(&to, &d.at)) else {
                if self.brings_beside(n, &to) {
                    return None;
                }
                continue;
            };
            // What runs as root may go by the owner of what stands there (npm does): all above it stays as it is.
            if !self.lines[n..self.run].iter().any(|l| l.touches(&dir.at)) {
                found.push(n);
            }
        }
        Some(found)
    }

    /// Whether the copy at `n`, which goes to `to`, may bring something into one of the directories as well.
    fn brings_beside(&self, n: usize, to: &str) -> bool {
        let meets = |at: &String| self.chown.meets(at);
        match files_named(self.view, self.lines[n].step) {
            Some(names) => {
                let mut at = names.iter().filter_map(|name| absolute(Some(to), name));
                at.any(|at| meets(&at))
            }
            None => meets(&to.to_owned()),
        }
    }

    /// Whether a copy can name the owner.
    fn is_ready(&self, n: usize) -> bool {
        let (copy, flag) = (self.lines[n].step, self.chown.flag());
        let is_free = match copy.flag("chown") {
            Some(other) => other == flag || self.chown.owner.contains(':'),
            None => true,
        };
        let value = |n: usize, name: &String| self.lines[n].place.variables.get(name);
        let is_same =
            |name: &String| value(n, name).is_some() && value(n, name) == value(self.run, name);
        let is_same = mentioned(&self.chown.owner).iter().all(is_same);
        // A linked layer knows no names.
        let is_known = !(copy.is_on("link") && self.chown.is_by_name());
        is_free && is_same && is_known && !unpacks(copy)
    }

    /// Whether the owner's names may not be known yet at line `first`.
    fn is_made_from(&self, first: usize) -> bool {
        let makes = |line: &Line<'_>| {
            let may = |s: &Seen| is_maker(s) || group(s) == Some(Group::System) && installs(s);
            matches!(line.step.kind, Kind::Run(_))
                && seen(line.step).is_none_or(|all| all.iter().any(may))
        };
        self.chown.is_by_name() && self.lines[first..self.run].iter().any(makes)
    }

    fn line(&self) -> &Line<'_> {
        &self.lines[self.run]
    }
}

/// The names of what a copy from the context brings into a directory, where each source is one file: one that is there, or
/// in a submodule, of which nothing more is known, a manifest by its name.
fn files_named(view: &View<'_>, copy: &Instruction) -> Option<Vec<String>> {
    let Kind::Copy(transfer) = &copy.kind else {
        return None;
    };
    let is_directory = transfer.sources.len() > 1 || transfer.destination.ends_with('/');
    if copy.flag("from").is_some() || copy.is_on("parents") || !is_directory {
        return None;
    }
    let named = |source: &Source| {
        let Source::Path(path) = source else {
            return None;
        };
        let path = RepoPath::new(path);
        let name = String::from_utf8(path.file_name()?.to_vec()).ok()?;
        let is_file = view.has_file(&path) || is_dependency_file(&path) || name.ends_with(".json");
        is_file.then_some(name)
    };
    transfer.sources.iter().map(named).collect()
}

/// Whether an ADD may bring what an archive holds.
fn unpacks(copy: &Instruction) -> bool {
    let is_archive = |source: &Source| match source {
        Source::Path(path) => {
            let ends = ["tar", "gz", "bz2", "xz", "zst", "tgz"];
            ends.iter().any(|end| path.ends_with(end)) || path.contains(['*', '$', ':'])
        }
        Source::Heredoc(_) => false,
    };
    match &copy.kind {
        Kind::Add(transfer) => transfer.sources.iter().any(is_archive),
        _ => false,
    }
}

/// What the directories' RUN becomes.
struct Left<'a> {
    /// Those into which something is copied.
    copied: Vec<&'a str>,
    /// Still given with all in them: nothing is copied there.
    all: Vec<&'a Dir>,
    /// Given by themselves, as written.
    only: Vec<String>,
    /// The same, absolute.
    at: Vec<String>,
}

impl<'a> Left<'a> {
    fn of(ground: &Ground<'a>, copied: &[usize]) -> Option<Self> {
        let to: Vec<String> = copied
            .iter()
            .filter_map(|&n| ground.lines[n].to())
            .collect();
        let is_copied = |d: &&Dir| to.iter().any(|to| is_within(to, &d.at));
        let (some, all): (Vec<&Dir>, Vec<&Dir>) = ground.chown.dirs.iter().partition(is_copied);
        if some.iter().any(|d| is_shared(&d.at)) {
            return None;
        }
        let owned = owned(&ground.lines[..ground.run], ground.chown);
        let (mut only, mut at) = (Vec::new(), Vec::new());
        for dir in &some {
            let there = ground.line().place.directories.iter();
            let below = there
                .chain(&ground.chown.made)
                .flat_map(|d| between(&dir.at, d));
            let made = made_before(&ground.lines[..ground.run], &dir.at);
            let below = below.chain(made);
            let mut below: Vec<String> = below.filter(|d| !owned.contains(d)).collect();
            below.sort();
            below.dedup();
            if !owned.contains(&dir.at) {
                only.push(dir.written.clone());
                at.push(dir.at.clone());
            }
            only.extend(below.iter().cloned());
            at.extend(below);
        }
        let copied = some.iter().map(|d| d.at.as_str()).collect();
        Some(Self {
            copied,
            all,
            only,
            at,
        })
    }

    /// Whether all is there already before line `first`, so that it can be given there.
    fn is_there(&self, ground: &Ground<'_>, first: usize) -> bool {
        let (here, there) = (ground.line().place, ground.lines[first].place);
        here.cwd == there.cwd
            && self.is_free(ground, first)
            && self.missing(ground, first).is_empty()
    }

    /// The directories that are not there before line `first`.
    fn missing(&self, ground: &Ground<'_>, first: usize) -> Vec<&str> {
        let there = ground.lines[first].place;
        let is_made = |d: &String| there.directories.contains(d) || ground.chown.made.contains(d);
        let is_above = |d: &String| there.directories.iter().any(|t| is_within(t, d));
        let all = self.at.iter().filter(|d| !is_made(d) && !is_above(d));
        all.map(String::as_str).collect()
    }

    /// Whether nothing from line `first` on is in the way of giving them above it.
    fn is_free(&self, ground: &Ground<'_>, first: usize) -> bool {
        let (here, there) = (ground.line().place, ground.lines[first].place);
        let between = &ground.lines[first..ground.run];
        let is_met = |dir: &&Dir| {
            let mut between = between.iter();
            between.any(|l| l.touches(&dir.at) || l.to().is_some_and(|to| overlap(&to, &dir.at)))
        };
        let words = ground.chown.dirs.iter().map(|d| d.written.as_str());
        let names = words.flat_map(mentioned).collect::<Vec<String>>();
        let is_same = |n: &String| here.variables.get(n) == there.variables.get(n);
        here.user == there.user
            && !self.all.iter().any(is_met)
            && !self.at.is_empty()
            && names.iter().all(is_same)
    }

    /// The directories to be made for it above line `first`, where the copies make them and the RUN, which makes the user
    /// as well, cannot stay below.
    fn to_make(&self, ground: &Ground<'_>, first: usize) -> Option<String> {
        let missing = self.missing(ground, first);
        let is_absolute = |d: &&Dir| d.written.starts_with('/');
        let may = ground.chown.makes_users
            && ground.chown.is_by_name()
            && self.all.is_empty()
            && self.is_free(ground, first)
            && ground.chown.dirs.iter().all(|d| is_absolute(&d));
        (may && !missing.is_empty()).then(|| missing.join(" "))
    }
}

fn candidate(ground: &Ground<'_>, copied: &[usize]) -> Option<Candidate> {
    let (view, chown) = (ground.view, ground.chown);
    let left = Left::of(ground, copied)?;
    let first = *copied.first()?;
    if !copied.iter().all(|&n| ground.is_ready(n)) || ground.is_made_from(first) {
        return None;
    }
    let line = ground.line().number();
    let flag = chown.flag();
    let mut candidate = Candidate::new(
        RULE.id,
        format!("copy with --chown={flag} in place of line {line}"),
    );
    for &n in copied {
        candidate.edits.extend(owning(ground.lines[n].step, &flag));
    }
    candidate.edits.extend(run_edits(ground, &left, first)?);
    candidate.shifts_owner = true;
    let all = copied.iter().chain([&ground.run]);
    candidate.lines = all.map(|&n| ground.lines[n].step.lines).collect();
    let what = match chown.is_alone {
        true => format!("Line {line} changes nothing of the files but their owner, and its layer"),
        false => format!("Line {line} changes the owner of all files, and its layer"),
    };
    candidate.rationale =
        format!("{what} holds each of them once more, in every build that copies one.");
    candidate.safety = judged(ground, copied, &left.copied);
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// Gives a copy its owner, in place of another one.
fn owning(copy: &Instruction, flag: &str) -> Option<TextEdit> {
    let said = copy.flags.iter().find(|f| f.name == "chown");
    match said {
        Some(said) if said.value.as_deref() == Some(flag) => None,
        Some(said) => Some(TextEdit::replace(said.span, format!("--chown={flag}"))),
        None => {
            let at = copy.span.start + copy.keyword.len();
            Some(TextEdit::insert(at, format!(" --chown={flag}")))
        }
    }
}

/// The RUN without what the copies do now: above them where all it needs is there, else where it stands.
fn run_edits(ground: &Ground<'_>, left: &Left<'_>, first: usize) -> Option<Vec<TextEdit>> {
    let (view, chown, line) = (ground.view, ground.chown, ground.line());
    let (text, stage) = (view.text(), &view.dockerfile.stages[line.stage]);
    let gone = block_of(text, stage, line.index);
    if chown.is_alone && left.only.is_empty() && left.all.is_empty() {
        // Its comments stay, so there must be none.
        let is_bare = gone.start == line.step.span.start;
        return is_bare.then(|| vec![TextEdit::delete(without_blank_twin(text, gone))]);
    }
    let only: Vec<String> = match left.only.is_empty() && left.all.is_empty() {
        true => chown.dirs.iter().map(|d| d.written.clone()).collect(),
        false => left.only.clone(),
    };
    let command = chown.rewritten(&left.all, &only);
    let at = command_in_text(ground)?;
    let is_there = left.is_there(ground, first);
    let made = left.to_make(ground, first);
    let is_moved = (is_there || made.is_some()) && passes(ground, first);
    let command = match made.filter(|_| is_moved) {
        Some(dirs) => format!("mkdir -p {dirs} && {command}"),
        None => command,
    };
    if !is_moved {
        let is_apart = is_there && !(chown.makes_users && chown.is_by_name());
        if let Some(edits) = is_apart.then(|| parted(ground, first, &command)).flatten() {
            return Some(edits);
        }
        return (!chown.makes_users || !chown.is_by_name())
            .then(|| vec![TextEdit::replace(at, command)]);
    }
    let moved = format!(
        "{}{command}{}",
        &text[gone.start..at.start],
        &text[at.end..gone.end]
    );
    let above = block_of(text, stage, ground.lines[first].index).start;
    let end = if moved.ends_with('\n') { "" } else { "\n" };
    Some(vec![
        TextEdit::insert(above, moved + end),
        TextEdit::delete(without_blank_twin(text, gone)),
    ])
}

/// The `chown` in a RUN of its own above line `first`, where the rest of its RUN has to stay: that works on what is copied.
fn parted(ground: &Ground<'_>, first: usize, command: &str) -> Option<Vec<TextEdit>> {
    let (text, line) = (ground.view.text(), ground.line());
    let stage = &ground.view.dockerfile.stages[line.stage];
    // What it has made itself is not there before.
    if !ground.chown.made.is_empty() {
        return None;
    }
    let own = raw_pieces(ground)?;
    let at = own
        .iter()
        .position(|p| *p == command_in_text(ground).unwrap_or(*p))?;
    let gone = match (at.checked_sub(1), own.get(at + 1)) {
        (_, Some(next)) => Span::new(own[at].start, next.start),
        (Some(before), None) => Span::new(own[before].end, own[at].end),
        (None, None) => return None,
    };
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let above = block_of(text, stage, ground.lines[first].index).start;
    let is_bare = !text[gone.range()].contains('#');
    is_bare.then(|| {
        vec![
            TextEdit::insert(above, format!("RUN {command}{line_break}")),
            TextEdit::delete(gone),
        ]
    })
}

/// The bytes of the parts of the RUN's chain in the text.
fn raw_pieces(ground: &Ground<'_>) -> Option<Vec<Span>> {
    let script = shell::parse(ground.line().step.shell_text()?);
    let pieces = script.and_chain()?.iter();
    pieces.map(|p| in_text(ground, p.span)).collect()
}

/// The bytes of the `chown` in the text.
fn command_in_text(ground: &Ground<'_>) -> Option<Span> {
    in_text(ground, ground.chown.span)
}

/// The bytes in the text of what stands at `span` of the RUN's shell text.
fn in_text(ground: &Ground<'_>, span: Span) -> Option<Span> {
    let step = ground.line().step;
    let offset = step.original.len().checked_sub(step.shell_text()?.len())?;
    let (text, escape) = (ground.view.text(), ground.view.dockerfile.escape);
    let at = |byte: usize| byte_in_text(text, step, escape, offset + byte);
    Some(Span::new(at(span.start)?, at(span.end)?))
}

/// Whether what else the RUN does can stand above line `first`.
fn passes(ground: &Ground<'_>, first: usize) -> bool {
    if ground.chown.is_alone {
        return true;
    }
    let line = ground.line();
    let Some(shell) = line.step.shell_text() else {
        return false;
    };
    let rest = without(shell, ground.chown);
    let rest = effect(ground.view, &saying(line.step, &rest), line.place);
    let between = &ground.lines[first..ground.run];
    between.iter().all(|l| conflict(&l.effect, &rest).is_none())
}

/// What was shown, and that others may have put something there.
fn judged(ground: &Ground<'_>, copied: &[usize], dirs: &[&str]) -> Safety {
    let chown = ground.chown;
    // What the base image holds there is not known.
    let others = match others(&ground.lines[..ground.run], chown, dirs, copied).as_slice() {
        [] => String::new(),
        lines => format!(", as what {} may leave there", named(lines)),
    };
    let mut dirs = dirs.to_vec();
    dirs.dedup();
    let dirs = dirs.join(" and ");
    let shown = format!(
        "all that is copied into {dirs} gets the owner that it got before, and so does the directory"
    );
    let doubt = format!(
        "check that {} needs to own nothing else in {dirs}{others}",
        chown.owner
    );
    Safety::of(vec![shown], vec![doubt])
}
