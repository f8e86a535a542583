//! The move as a candidate: its edits and its words.

use super::ground::Ground;
use super::groups::{DIFFERS, bumps, of_many};
use super::place::Sunk;
use crate::dockerfile::Span;
use crate::dockerfile::ast::Kind;
use crate::restructure::candidate::{Candidate, Safety, TextEdit};
use crate::restructure::lift::declare;
use crate::restructure::moving::{block_of, gap_above, without_blank_twin};
use crate::restructure::passed::passed_by;
use crate::restructure::rules::changing::{argument_changes, changes};
use crate::restructure::sentence::abridged;

/// `None` where the text is not as it was read.
pub(super) fn candidate(ground: &Ground<'_>, sunk: &Sunk, how: &str) -> Option<Candidate> {
    let (view, stage) = (ground.view, ground.stage);
    let Sunk {
        moved,
        to,
        names,
        doubts,
        cut,
    } = sunk;
    let (to, line) = (*to, |i: usize| stage.instructions[i].lines.first);
    let first = moved.first().copied().unwrap_or_default();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let list = abridged(&all, 3);
    let them = if names.len() > 1 { "them" } else { "it" };
    let of_kind = |is: fn(&Kind) -> bool, what: &str| {
        let lines = moved.iter().filter(|i| is(&stage.instructions[**i].kind));
        let lines: Vec<String> = lines.map(|&i| line(i).to_string()).collect();
        match lines.as_slice() {
            [] => String::new(),
            [one] => format!(" and the {what} in line {one} that reads {them}"),
            all => format!(
                " and the {what}s in lines {} that read {them}",
                all.join(", ")
            ),
        }
    };
    let with = of_kind(|k| matches!(k, Kind::Label(_)), "LABEL")
        + &of_kind(|k| matches!(k, Kind::Run(_)), "RUN");
    let other = if with.is_empty() { "" } else { "other " };
    let place = match cut {
        Some(_) => format!("inside line {}, above the part that reads {them}", line(to)),
        None => format!("after line {}", stage.instructions[to].lines.last),
    };
    let mut candidate = Candidate::new(
        "sink-values",
        format!("set {list} (line {}){with} {place}", line(first)),
    );
    let text = view.text();
    let at = match cut {
        Some(_) => stage.instructions[to].span.start,
        None => block_of(text, stage, to).end,
    };
    let mut carried = cut.as_ref().map_or(String::new(), |cut| cut.above.clone());
    if carried.is_empty() && !text[..at].ends_with('\n') {
        carried.push('\n');
    }
    let spans = together(text, moved.iter().map(|&i| block_of(text, stage, i)));
    if cut.is_none() {
        carried.push_str(gap_above(text, &spans, at));
    }
    for span in spans {
        carried.push_str(&text[span.range()]);
        candidate
            .edits
            .push(TextEdit::delete(without_blank_twin(text, span)));
    }
    candidate.edits.push(TextEdit::insert(at, carried));
    let rest = cut.iter().flat_map(|cut| &cut.rest);
    candidate.edits.extend(rest.cloned());
    candidate.unread = names.iter().cloned().collect();
    let mut reasons = vec![format!(
        "no {other}instruction between line {} and line {} mentions {list}",
        line(first),
        line(to)
    )];
    if cut.is_some() {
        reasons = vec![format!(
            "what stands before that in line {}, and between, names none of it, and what is left takes away nothing of it",
            line(to)
        )];
    }
    if doubts.len() == 0 {
        reasons.push("the programs that run there are known to go by other variables".to_owned());
    }
    candidate.safety = Safety::of(reasons, doubts.sentences(&all.join(" or ")));
    let bumped: usize = names
        .iter()
        .map(|n| bumps(view, n))
        .max()
        .unwrap_or_default();
    // What stands in the same instruction comes along.
    let differs = |name: &&&str| match bumped {
        0 => how != DIFFERS || changes(view, name) || is_passed_anew(ground, name),
        _ => bumps(view, name) > 0,
    };
    let mut causes: Vec<&str> = all.iter().filter(differs).copied().collect();
    if causes.is_empty() {
        causes = all;
    }
    let how = if bumped > 0 {
        format!("changed in {bumped} of {} builds", view.n_builds())
    } else if causes.len() > 1 {
        of_many(how).to_owned()
    } else {
        how.to_owned()
    };
    let list = abridged(&causes, 3);
    candidate.rationale = format!(
        "{list} {how}, and a RUN below {} runs again with each new value whether it reads it or not.",
        if causes.len() > 1 {
            "their declarations"
        } else {
            "its declaration"
        }
    );
    candidate.lines = moved.iter().map(|&i| stage.instructions[i].lines).collect();
    if cut.is_some() {
        candidate.lines.push(stage.instructions[to].lines);
        declare(&mut candidate, view)?;
    }
    Some(candidate)
}

/// Whether an argument of the stage has another value in every build, by the files that pass it or by its default.
fn is_passed_anew(ground: &Ground<'_>, name: &str) -> bool {
    let arguments = ground.stage.instructions.iter();
    let mut own = arguments.flat_map(|i| i.arguments());
    own.any(|item| {
        item.name == name
            && (argument_changes(ground.view, item) || passed_by(ground.view, name).is_some())
    })
}

/// The blocks, those that only blank lines part as one.
fn together(text: &str, blocks: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for block in blocks {
        match all.last_mut() {
            Some(last) if text[last.end..block.start].trim().is_empty() => last.end = block.end,
            _ => all.push(block),
        }
    }
    all
}
