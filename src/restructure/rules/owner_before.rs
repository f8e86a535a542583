//! What stands before a step, in its stage and in those that it is built on, and whose the directories are by then.

use super::super::command::seen;
use super::super::conflict::conflict;
use super::super::effect::{Effect, Files, destination, effect};
use super::super::layout::{Place, absolute, built_on, expand, is_within, overlap};
use super::super::sentence::listed;
use super::super::view::View;
use super::owner_run::{Chown, between, is_maker};
use super::system_first::is_transfer;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use std::collections::BTreeSet;

/// One instruction, where it stands and what it touches.
pub(super) struct Line<'a> {
    pub(super) stage: usize,
    pub(super) index: usize,
    pub(super) step: &'a Instruction,
    pub(super) place: &'a Place,
    pub(super) effect: Effect,
}

impl Line<'_> {
    /// Where a COPY or ADD writes; `None` for anything else, and where that is not known.
    pub(super) fn to(&self) -> Option<String> {
        match &self.step.kind {
            Kind::Copy(t) | Kind::Add(t) => destination(t, self.place),
            _ => None,
        }
    }

    /// Its line in the text.
    pub(super) fn number(&self) -> usize {
        self.step.lines.first
    }

    /// Whether a RUN may read or write what a directory holds.
    pub(super) fn touches(&self, dir: &str) -> bool {
        let there = Effect {
            files: Files::Places(vec![dir.to_owned()]),
            groups: Some(BTreeSet::new()),
            ..Effect::default()
        };
        matches!(self.step.kind, Kind::Run(_)) && conflict(&self.effect, &there).is_some()
    }

    /// Whether it runs as the user who is to own.
    fn is_by(&self, chown: &Chown) -> bool {
        let user = self.place.user.as_deref();
        let user = user.map(|u| u.split_once(':').map_or(u, |(user, _)| user));
        user.is_some() && user == chown.parts().map(|(user, _)| user)
    }
}

/// All instructions up to the end of a stage, those of the stages below it first; and where its own begin.
pub(super) fn lines<'a>(
    view: &View<'a>,
    places: &'a [Vec<Place>],
    stage: usize,
) -> (Vec<Line<'a>>, usize) {
    let mut stages: Vec<usize> = built_on(view.dockerfile, stage).collect();
    stages.reverse();
    let mut all = Vec::new();
    let mut own = 0;
    for stage in stages {
        own = all.len();
        let steps = view.dockerfile.stages[stage].instructions.iter();
        all.extend(
            steps
                .zip(&places[stage])
                .enumerate()
                .map(|(index, (step, place))| Line {
                    stage,
                    index,
                    step,
                    place,
                    effect: effect(view, step, place),
                }),
        );
    }
    (all, own)
}

/// The directories that are the owner's already, each by itself: its home, what it has made, what was given to it.
pub(super) fn owned(before: &[Line<'_>], chown: &Chown) -> BTreeSet<String> {
    let mut owned = BTreeSet::new();
    let Some((user, group)) = chown.parts() else {
        return owned;
    };
    for line in before {
        let commands = seen(line.step).unwrap_or_default();
        for seen in commands.iter().filter(|s| !s.conditional) {
            owned.extend(home(seen, user, group));
            if seen.name() == "mkdir" && line.is_by(chown) {
                owned.extend(made(seen, line.place, &chown.dirs[0].at, &owned));
            }
        }
        let given = Chown::of(line.step, line.place).filter(|c| c.owner == chown.owner);
        owned.extend(given.into_iter().flat_map(|c| c.dirs).map(|d| d.at));
    }
    owned
}

/// The home that a command makes for the user, in the group of the same name unless it says another.
fn home(maker: &Seen, user: &str, group: Option<&str>) -> Option<String> {
    let args = maker.args();
    let is_short = |a: &str, c: char| a.starts_with('-') && !a.starts_with("--") && a.contains(c);
    let is_made = match maker.name() {
        "useradd" => args
            .iter()
            .any(|a| a == "--create-home" || is_short(a, 'm')),
        "adduser" => !args
            .iter()
            .any(|a| a == "--no-create-home" || a == "-H" || a == "--system" || is_short(a, 'S')),
        _ => false,
    };
    let says = |names: &[&str]| {
        let at = args.iter().position(|a| {
            names.contains(&a.as_str()) || names.iter().any(|n| a.starts_with(&format!("{n}=")))
        })?;
        let value = args[at].split_once('=').map(|(_, v)| v);
        value.or(args.get(at + 1).map(String::as_str))
    };
    let elsewhere = says(&["-d", "-b", "--home", "--home-dir", "--base-dir", "-h", "-k"]).is_some();
    let of = says(&["-g", "--gid", "-G", "--ingroup"]).unwrap_or(user);
    let is_his = args.iter().any(|a| a == user) && group.is_none_or(|g| g == of);
    (is_made && is_his && !elsewhere && is_maker(maker)).then(|| format!("/home/{user}"))
}

/// The directories below `dir` that a `mkdir` makes, up to one that is owned.
fn made(mkdir: &Seen, place: &Place, dir: &str, owned: &BTreeSet<String>) -> Vec<String> {
    let below = named_by(mkdir, place).filter(|_| owned.contains(dir));
    below.flatten().flat_map(|at| between(dir, &at)).collect()
}

/// Where a `mkdir` makes a directory, word by word; `None` for a word of which that is not known.
fn named_by(mkdir: &Seen, place: &Place) -> impl Iterator<Item = Option<String>> {
    let words = mkdir.args().iter().filter(|a| !a.starts_with('-'));
    words.map(|word| {
        let path = expand(word, &place.variables)?;
        let is_plain = !path.contains(['*', '?', '[', '{', '~', '`']);
        let is_here = path.starts_with('/') || mkdir.directory.as_deref() == Some("");
        absolute(place.cwd.as_deref(), &path).filter(|_| is_plain && is_here)
    })
}

/// The directories that a RUN makes where it does nothing else.
fn made_alone(line: &Line<'_>) -> Option<Vec<String>> {
    let Kind::Run(_) = line.step.kind else {
        return None;
    };
    let commands = seen(line.step)?;
    let is_made = |s: &Seen| s.name() == "mkdir" && !s.conditional;
    let all = commands.iter().all(is_made).then_some(&commands)?;
    all.iter().flat_map(|s| named_by(s, line.place)).collect()
}

/// The directories below `dir` that RUNs before have made, each of which did nothing else.
pub(super) fn made_before(before: &[Line<'_>], dir: &str) -> Vec<String> {
    let made = before.iter().filter_map(made_alone).flatten();
    made.flat_map(|at| between(dir, &at)).collect()
}

/// The lines that may leave something in `dirs` that is somebody else's, but for the ones of `seen_to`.
pub(super) fn others(
    before: &[Line<'_>],
    chown: &Chown,
    dirs: &[&str],
    seen_to: &[usize],
) -> Vec<usize> {
    let mut found = Vec::new();
    for (n, line) in before.iter().enumerate() {
        let given = Chown::of(line.step, line.place).filter(|c| c.owner == chown.owner);
        let is_all_given = given.is_some_and(|given| {
            let is_given = |at: &str| given.dirs.iter().any(|d| is_within(at, &d.at));
            dirs.iter().all(|d| is_given(d))
        });
        if is_all_given {
            found.clear();
            continue;
        }
        let meets = |to: &String| dirs.iter().any(|d| overlap(d, to));
        let is_brought = is_transfer(line.step)
            && line.to().is_none_or(|to| meets(&to))
            && line.step.flag("chown") != Some(chown.flag().as_str())
            && !seen_to.contains(&n);
        let is_touched = dirs.iter().any(|d| line.touches(d))
            && !line.is_by(chown)
            && made_alone(line).is_none();
        if is_brought || is_touched {
            found.push(line.number());
        }
    }
    found
}

/// `line 3`, `lines 3 and 4`, `lines 3, 4 and 2 more`.
pub(super) fn named(lines: &[usize]) -> String {
    let numbers: Vec<String> = lines.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [] => String::new(),
        [one] => format!("line {one}"),
        all => format!("lines {}", listed(all)),
    }
}
