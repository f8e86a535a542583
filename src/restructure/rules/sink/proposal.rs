//! The move as a candidate: its edits and its words.

use super::ground::Ground;
use super::groups::bumps;
use super::place::Sunk;
use crate::dockerfile::ast::Kind;
use crate::restructure::candidate::{Candidate, Safety, TextEdit};
use crate::restructure::moving::{block_of, without_blank_twin};

pub(super) fn candidate(ground: &Ground<'_>, sunk: &Sunk, how: &str) -> Candidate {
    let (view, stage) = (ground.view, ground.stage);
    let Sunk {
        moved,
        to,
        names,
        doubts,
    } = sunk;
    let (to, line) = (*to, |i: usize| stage.instructions[i].lines.first);
    let first = moved.first().copied().unwrap_or_default();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let list = match all.as_slice() {
        [one, two, three, rest @ ..] if rest.len() > 1 => {
            format!("{one}, {two}, {three} and {} more", rest.len())
        }
        all => all.join(", "),
    };
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
    let mut candidate = Candidate::new(
        "sink-values",
        format!(
            "set {list} (line {}){with} after line {}",
            line(first),
            stage.instructions[to].lines.last
        ),
    );
    let text = view.text();
    let at = block_of(text, stage, to).end;
    let mut carried = String::new();
    if !text[..at].ends_with('\n') {
        carried.push('\n');
    }
    for &index in moved {
        let span = block_of(text, stage, index);
        carried.push_str(&text[span.range()]);
        candidate
            .edits
            .push(TextEdit::delete(without_blank_twin(text, span)));
    }
    candidate.edits.push(TextEdit::insert(at, carried));
    candidate.unread = names.iter().cloned().collect();
    let mut reasons = vec![format!(
        "no {other}instruction between line {} and line {} mentions {list}",
        line(first),
        line(to)
    )];
    if doubts.len() == 0 {
        reasons.push("the programs that run there are known to go by other variables".to_owned());
    }
    candidate.safety = Safety::of(reasons, doubts.sentences(&all.join(" or ")));
    let bumped: usize = names
        .iter()
        .map(|n| bumps(view, n))
        .max()
        .unwrap_or_default();
    let how = if bumped > 0 {
        format!("changed in {bumped} of {} builds", view.n_builds())
    } else {
        how.to_owned()
    };
    candidate.rationale = format!(
        "{list} {how}, and a RUN below its declaration runs again with each new value whether it reads it or not."
    );
    candidate.lines = moved.iter().map(|&i| stage.instructions[i].lines).collect();
    candidate
}
