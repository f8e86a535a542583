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
//! A layer in which only owners changed holds every file once more. The directory itself still gets its owner: above the
//! copies where WORKDIR has made it, else where it got it. What something else has put there keeps its owner, and that it
//! may is for review.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::effect::{Effect, Files, conflict, destination};
use super::super::layout::{Place, absolute, is_within};
use super::super::lift::declare;
use super::super::moving::{block_of, effects, without_blank_twin};
use super::super::view::View;
use super::Rule;
use super::system_first::{is_transfer, on_stages};
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::shell::Seen;
use std::collections::BTreeSet;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "owner",
    summary: "`COPY --chown` in place of a RUN that changes the owner of all that was copied",
    propose: |view| on_stages(view, of_stage),
};

fn of_stage(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Candidate> {
    let effects = effects(view, stage, places);
    (0..stage.instructions.len())
        .filter_map(|run| candidate(view, stage, places, &effects, run))
        .collect()
}

/// A RUN that does nothing but give a directory and all in it to somebody.
struct Chown {
    /// As written: `app`, `app:app`, `1000:1000`.
    owner: String,
    /// The directory, absolute, and as written.
    dir: String,
    written: String,
}

impl Chown {
    fn of(instruction: &Instruction, place: &Place) -> Option<Self> {
        let all = seen(instruction).filter(|_| instruction.flags.is_empty())?;
        let [only] = all.as_slice() else { return None };
        let words: Vec<&str> = only.args().iter().map(String::as_str).collect();
        let ("chown", ["-R" | "--recursive", owner, dir]) = (only.name(), words.as_slice()) else {
            return None;
        };
        let is_name = |part: &str| {
            let is_word = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
            !part.is_empty() && !part.starts_with('-') && part.bytes().all(is_word)
        };
        let is_plain = owner.split(':').count() <= 2 && owner.split(':').all(is_name);
        let at = absolute(place.cwd.as_deref(), dir)?;
        let is_known = !dir.contains(['$', '*', '?', '[', '~']) && at != "/";
        (is_plain && is_known && only.assignments.is_empty()).then(|| Self {
            owner: (*owner).to_owned(),
            dir: at,
            written: (*dir).to_owned(),
        })
    }

    /// What `--chown` says: a user alone would bring a group of its number, which `chown` leaves.
    fn flag(&self) -> String {
        match self.owner.contains(':') {
            true => self.owner.clone(),
            false => format!("{}:root", self.owner),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let is_name = |part: &&str| !part.bytes().all(|b| b.is_ascii_digit());
        self.owner.split(':').filter(is_name)
    }
}

/// Whether a RUN makes one of the users or groups.
fn makes(instruction: &Instruction, chown: &Chown) -> bool {
    let is_maker = |s: &Seen| {
        matches!(s.name(), "useradd" | "adduser" | "groupadd" | "addgroup")
            && chown.names().any(|n| s.args().iter().any(|a| a == n))
    };
    seen(instruction).is_none_or(|all| all.iter().any(is_maker))
        && chown.names().any(|n| instruction.original.contains(n))
}

fn candidate(
    view: &View<'_>,
    stage: &Stage,
    places: &[Place],
    effects: &[Effect],
    run: usize,
) -> Option<Candidate> {
    let steps = &stage.instructions;
    let chown = Chown::of(&steps[run], &places[run])?;
    let to = |i: usize| match &steps[i].kind {
        Kind::Copy(t) | Kind::Add(t) => destination(t, &places[i]),
        _ => None,
    };
    let copies: Vec<usize> = (0..run).filter(|&i| is_transfer(&steps[i])).collect();
    // All that may bring something there must be seen to.
    let (mut inside, mut around) = (Vec::new(), false);
    for &copy in &copies {
        match to(copy) {
            Some(to) if is_within(&to, &chown.dir) => inside.push(copy),
            Some(to) => around |= is_within(&chown.dir, &to),
            None => around = true,
        }
    }
    let there = Effect {
        files: Files::Places(vec![chown.dir.clone()]),
        groups: Some(BTreeSet::new()),
        ..Effect::default()
    };
    let writes = |i: &usize| {
        matches!(steps[*i].kind, Kind::Run(_)) && conflict(&effects[*i], &there).is_some()
    };
    let mut others: Vec<usize> = (0..run).filter(writes).collect();
    // What runs as root may go by the owner of what stands there (npm does): all above it stays as it is.
    let last = others.last().copied();
    let (early, inside): (Vec<usize>, Vec<usize>) = inside
        .into_iter()
        .partition(|&i| last.is_some_and(|last| i < last));
    others.extend(early);
    others.sort_unstable();
    let first = *inside.first()?;
    let is_ready = |i: &usize| {
        let copy = &steps[*i];
        copy.flag("chown").is_none() && !(copy.is_on("link") && chown.names().next().is_some())
    };
    let made_later = (first..run).any(|i| makes(&steps[i], &chown));
    let has_onbuild = steps.iter().any(|i| matches!(i.kind, Kind::Onbuild(_)));
    if around || made_later || has_onbuild || !inside.iter().all(is_ready) {
        return None;
    }
    let others: Vec<String> = others
        .into_iter()
        .map(|i| steps[i].lines.first.to_string())
        .collect();
    let line = steps[run].lines.first;
    let mut candidate = Candidate::new(
        RULE.id,
        format!("copy with --chown={} in place of line {line}", chown.flag()),
    );
    for &copy in &inside {
        let at = steps[copy].span.start + steps[copy].keyword.len();
        let flag = format!(" --chown={}", chown.flag());
        candidate.edits.push(TextEdit::insert(at, flag));
    }
    let alone = format!("RUN chown {} {}", chown.owner, chown.written);
    let is_there = places[first].directories.contains(&chown.dir);
    let same_place = places[first].cwd == places[run].cwd && places[first].user == places[run].user;
    if is_there && same_place {
        let text = view.text();
        let at = block_of(text, stage, first).start;
        let gone = block_of(text, stage, run);
        let said = &text[gone.start..steps[run].span.start];
        let moved = format!("{said}{alone}\n");
        candidate.edits.push(TextEdit::insert(at, moved));
        candidate
            .edits
            .push(TextEdit::delete(without_blank_twin(text, gone)));
    } else {
        candidate
            .edits
            .push(TextEdit::replace(steps[run].span, alone));
    }
    candidate.changes_image = true;
    candidate.lines = inside
        .iter()
        .chain([&run])
        .map(|&i| steps[i].lines)
        .collect();
    candidate.rationale = format!(
        "Line {line} changes nothing of the files but their owner, and its layer holds each of them once more, in every build that copies one."
    );
    // What the base image holds there is not known.
    let others = match others.as_slice() {
        [] => String::new(),
        lines => format!(", as what line {} may leave there", lines.join(" and ")),
    };
    let doubt = format!(
        "check that {} needs to own nothing else in {}{others}",
        chown.owner, chown.dir
    );
    candidate.safety = Safety::of(
        vec![format!(
            "all that is copied into {} gets the owner that it got before, and so does the directory",
            chown.dir
        )],
        vec![doubt],
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}
