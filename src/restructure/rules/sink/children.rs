//! Values of a stage that only those built on it may need, set there instead, as far down as they can go.
//!
//! Before:
//! ```dockerfile
//! FROM ruby:3.4 AS base
//! ARG COMMIT
//! ENV RAILS_ENV=production COMMIT=$COMMIT
//! FROM base
//! COPY Gemfile Gemfile.lock ./
//! RUN bundle install
//! ```
//! After:
//! ```dockerfile
//! FROM ruby:3.4 AS base
//! ENV RAILS_ENV=production
//! FROM base
//! COPY Gemfile Gemfile.lock ./
//! RUN bundle install
//! ARG COMMIT
//! ENV COMMIT=$COMMIT
//! ```
//! Always for review: an image may be made of the lower stage itself.

use super::ground::Ground;
use super::groups::{BUMPED, BY_PLATFORM, Group, groups};
use super::pairs::without;
use super::place::{Sunk, of_stage, values};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind, Pair, Stage};
use crate::restructure::candidate::{Candidate, Safety, TextEdit};
use crate::restructure::layout::{mentioned, parent, places, reachable};
use crate::restructure::moving::{block_of, effects, line_end, without_blank_twin};
use crate::restructure::view::View;
use std::collections::BTreeSet;

/// The candidate for each group of values of stage `ground.stage`.
pub(super) fn into_children(ground: &Ground<'_>) -> Vec<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    if stage.index == view.target {
        return Vec::new();
    }
    let needed = reachable(view.dockerfile, view.target).into_iter();
    let children: Vec<usize> = needed
        .filter(|&child| parent(view.dockerfile, child) == Some(stage.index))
        .collect();
    if children.is_empty() {
        return Vec::new();
    }
    let all = groups(view, stage).into_iter();
    let all = all.filter(|g| !matches!(g.how, BUMPED | BY_PLATFORM) && g.busts.is_none());
    all.filter_map(|group| candidate(ground, &children, &group))
        .collect()
}

/// What leaves the lower stage.
struct Leaving {
    /// By their positions there: each whole, or the pairs that stay of an ENV.
    moved: Vec<(usize, Option<Vec<Pair>>)>,
    /// As they are set above: the same ones, an ENV with the pairs that go.
    set: Vec<Instruction>,
    names: BTreeSet<String>,
    edits: Vec<TextEdit>,
    /// Their text, line by line.
    text: String,
}

fn candidate(ground: &Ground<'_>, children: &[usize], group: &Group) -> Option<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    let leaving = leaving(ground, group)?;
    if is_read_below(ground, &leaving) {
        return None;
    }
    let changed = changed(view.dockerfile, stage.index, children, &leaving);
    let there = View {
        dockerfile: &changed,
        ..*view
    };
    let all = places(&changed);
    let n_set = leaving.set.len();
    let mut edits = leaving.edits.clone();
    let mut doubts = Vec::new();
    let names: Vec<&str> = leaving.names.iter().map(String::as_str).collect();
    let list = names.join(", ");
    let mut gains = false;
    for &child in children {
        let own = &changed.stages[child];
        let effects = effects(&there, own, &all[child]);
        let upper = Ground {
            view: &there,
            places: &all,
            stage: own,
            effects: &effects,
        };
        let written = &view.dockerfile.stages[child];
        let sunk = sunk(&upper, group.how, &leaving.names, n_set);
        let to = sunk.as_ref().and_then(|s| s.to.checked_sub(n_set));
        let at = match to {
            Some(to) => block_of(view.text(), written, to).end,
            None => line_end(view.text(), written.from.span.end),
        };
        gains |= to.is_some();
        let is_open = !view.text()[..at].ends_with('\n');
        let text = match is_open {
            true => format!("\n{}", leaving.text.trim_end()),
            false => leaving.text.clone(),
        };
        edits.push(TextEdit::insert(at, text));
        doubts.extend(sunk.map_or_else(Vec::new, |s| s.doubts.sentences(&list)));
    }
    if !gains {
        return None;
    }
    let name = stage.name.as_deref().unwrap_or("the stage below");
    let first = leaving.moved.first()?.0;
    let mut candidate = Candidate::new(
        "sink-values",
        format!(
            "set {list} (line {}) in {} on top of {name}, below what does not read {}",
            stage.instructions[first].lines.first,
            match children.len() {
                1 => "the stage".to_owned(),
                n => format!("each of the {n} stages"),
            },
            if names.len() > 1 { "them" } else { "it" }
        ),
    );
    doubts.push(format!(
        "check that no image is made of {name} itself (`--target {name}`), which no longer sets {list}"
    ));
    candidate.safety = Safety::of(
        vec![format!(
            "no instruction of {name} below line {} mentions {list}",
            stage.instructions[first].lines.first
        )],
        doubts,
    );
    candidate.rationale = format!(
        "{list} {}, and each RUN of the stages on top of {name} runs again with a new value, whether it reads it or not.",
        match names.len() {
            1 => group.how,
            _ => super::groups::of_many(group.how),
        }
    );
    candidate.lines = leaving
        .moved
        .iter()
        .map(|(i, _)| stage.instructions[*i].lines)
        .collect();
    candidate.unread = leaving.names.iter().cloned().collect();
    candidate.edits = edits;
    Some(candidate)
}

/// What sets the values of `group` in the lower stage; `None` where a part of an ENV cannot be told from the rest.
fn leaving(ground: &Ground<'_>, group: &Group) -> Option<Leaving> {
    let (view, stage) = (ground.view, ground.stage);
    let (moved, _) = values(ground, group);
    let is_kind = |is: fn(&Kind) -> bool| moved.iter().any(|&i| is(&stage.instructions[i].kind));
    // What is set for good, by an argument: nothing else is handed on.
    if !is_kind(|k| matches!(k, Kind::Arg(_)))
        || !is_kind(|k| matches!(k, Kind::Env(_) | Kind::Label(_)))
    {
        return None;
    }
    let mut out = Leaving {
        moved: Vec::new(),
        set: Vec::new(),
        names: BTreeSet::new(),
        edits: Vec::new(),
        text: String::new(),
    };
    let text = view.text();
    for &index in &moved {
        let instruction = &stage.instructions[index];
        let reads = |value: &str| !mentioned(value).is_disjoint(&out.names);
        let parted = match &instruction.kind {
            Kind::Env(pairs) => {
                let goes = |p: &&Pair| out.names.contains(&p.name) || reads(&p.value);
                let (go, stay): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(goes);
                // A pair sees what was set before its instruction, not beside it.
                let own: BTreeSet<&str> = pairs.iter().map(|p| p.name.as_str()).collect();
                let of_args = |p: &&Pair| {
                    let said = mentioned(&p.value);
                    said.iter()
                        .all(|m| out.names.contains(m) || !own.contains(m.as_str()))
                };
                if go.is_empty() || !go.iter().all(of_args) {
                    return None;
                }
                let stay: Vec<Pair> = stay.into_iter().cloned().collect();
                let go: Vec<Pair> = go.into_iter().cloned().collect();
                (!stay.is_empty()).then_some((go, stay))
            }
            _ => None,
        };
        let Some((go, stay)) = parted else {
            let mut block = block_of(text, stage, index);
            // A comment above stays with what stays of the ENV right below.
            if is_kept_below(stage, &moved, index) {
                block.start = text[..instruction.span.start]
                    .rfind('\n')
                    .map_or(0, |i| i + 1);
            }
            out.text.push_str(&text[block.range()]);
            if !out.text.ends_with('\n') {
                out.text.push('\n');
            }
            out.edits
                .push(TextEdit::delete(without_blank_twin(text, block)));
            out.names.extend(ground.effects[index].sets.iter().cloned());
            out.set.push(instruction.clone());
            out.moved.push((index, None));
            continue;
        };
        let names: BTreeSet<&str> = go.iter().map(|p| p.name.as_str()).collect();
        let (edits, taken) = without(text, view.dockerfile.escape, instruction, &names)?;
        out.edits.extend(edits);
        let line = format!("ENV {}", taken.join(" "));
        out.text.push_str(&line);
        out.text.push('\n');
        out.names.extend(go.iter().map(|p| p.name.clone()));
        out.set.push(Instruction {
            kind: Kind::Env(go),
            original: line,
            ..instruction.clone()
        });
        out.moved.push((index, Some(stay)));
    }
    Some(out)
}

/// Whether the ENV right below `index` keeps some of its pairs, where only a line's end parts the two.
fn is_kept_below(stage: &Stage, moved: &BTreeSet<usize>, index: usize) -> bool {
    let own = &stage.instructions[index];
    let below = stage.instructions.get(index + 1);
    below.is_some_and(|env| {
        let (Kind::Arg(items), Kind::Env(pairs)) = (&own.kind, &env.kind) else {
            return false;
        };
        let reads = |p: &Pair| items.iter().any(|i| mentioned(&p.value).contains(&i.name));
        moved.contains(&(index + 1))
            && env.lines.first == own.lines.last + 1
            && !pairs.iter().all(reads)
    })
}

/// Whether something in the lower stage may read one of the values.
fn is_read_below(ground: &Ground<'_>, leaving: &Leaving) -> bool {
    let first = leaving.moved.first().map_or(0, |(i, _)| *i);
    let whole = |index: usize| leaving.moved.iter().find(|(i, _)| *i == index);
    (first..ground.stage.instructions.len()).any(|index| {
        let effect = &ground.effects[index];
        let is_named = |said: &BTreeSet<String>| !said.is_disjoint(&leaving.names);
        match (whole(index), &ground.stage.instructions[index].kind) {
            (Some((_, None)), _) => false,
            (Some((_, Some(stay))), _) => stay.iter().any(|p| is_named(&mentioned(&p.value))),
            (None, Kind::Run(_)) => {
                let mut doubts = super::doubts::Doubts::default();
                ground.is_read(index, &leaving.names, &mut doubts) || doubts.len() > 0
            }
            (None, _) => is_named(&effect.mentions) || is_named(&effect.sets),
        }
    })
}

/// The Dockerfile with the values set where the stages above begin; lines and places in the text are as they were.
fn changed(
    dockerfile: &Dockerfile,
    lower: usize,
    children: &[usize],
    leaving: &Leaving,
) -> Dockerfile {
    let mut changed = dockerfile.clone();
    let own = &mut changed.stages[lower].instructions;
    for (index, stay) in leaving.moved.iter().rev() {
        match stay {
            None => {
                own.remove(*index);
            }
            Some(stay) => {
                let texts: Vec<String> = stay
                    .iter()
                    .map(|p| format!("{}={}", p.name, p.value))
                    .collect();
                own[*index].original = format!("ENV {}", texts.join(" "));
                own[*index].kind = Kind::Env(stay.clone());
            }
        }
    }
    for &child in children {
        let all = &mut changed.stages[child].instructions;
        all.splice(0..0, leaving.set.iter().cloned());
    }
    changed
}

/// How far the values go down in a stage that begins with their `n_set` instructions, all of them and nothing else.
fn sunk(upper: &Ground<'_>, how: &str, names: &BTreeSet<String>, n_set: usize) -> Option<Sunk> {
    let all = groups(upper.view, upper.stage).into_iter();
    let fits = all.filter(|g| g.how == how && g.busts.is_none());
    let places = fits.flat_map(|group| {
        let (safe, far) = of_stage(upper, &group);
        far.into_iter().chain(safe)
    });
    let whole: BTreeSet<usize> = (0..n_set).collect();
    let mut fitting = places.filter(|s| s.names == *names && s.moved == whole && s.cut.is_none());
    fitting.next()
}
