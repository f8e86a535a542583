//! A COPY that often changes goes below several that rarely do, in one move.
//!
//! Before:
//! ```dockerfile
//! COPY .git/ .git/
//! COPY hack/ hack/
//! COPY assets/ assets/
//! RUN make
//! ```
//! After:
//! ```dockerfile
//! COPY hack/ hack/
//! COPY assets/ assets/
//! COPY .git/ .git/
//! RUN make
//! ```

use super::super::candidate::{Candidate, Safety};
use super::super::conflict::conflict;
use super::super::effect::Effect;
use super::super::layout::Place;
use super::super::moving::{effects, move_after};
use super::super::sentence;
use super::super::view::View;
use super::heat::Heats;
use super::system_first::is_transfer;
use crate::dockerfile::ast::{Kind, Stage};

/// So many are proposed for a stage.
const MAX_COPIES: usize = 2;

/// A copy that may go down, and the colder ones that it then stands below.
pub(super) struct Sunk {
    pub(super) index: usize,
    hot: usize,
    pub(super) cold: Vec<usize>,
}

/// The candidates of a stage.
pub(super) fn sunk_copies(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Candidate> {
    let effects = effects(view, stage, places);
    let heats = Heats::new(view, stage, places);
    let found = sunk(stage, &effects, &heats).into_iter();
    found
        .filter_map(|one| candidate(view, stage, &one))
        .collect()
}

/// The copies of a stage that may go down, what most is below first.
pub(super) fn sunk(stage: &Stage, effects: &[Effect], heats: &Heats<'_>) -> Vec<Sunk> {
    let own = &stage.instructions;
    let mut found: Vec<Sunk> = Vec::new();
    for index in (0..own.len()).filter(|i| is_transfer(&own[*i])) {
        let Some(hot) = heats.of(index) else {
            continue;
        };
        // What it can pass, down to the next RUN; below a hotter one it would be made again more often.
        let passes = |i: &usize| {
            !matches!(own[*i].kind, Kind::Run(_))
                && heats.of(*i).is_none_or(|heat| heat <= hot)
                && conflict(&effects[index], &effects[*i]).is_none()
        };
        let is_cold = |i: &usize| {
            let heat = heats.of(*i).filter(|_| is_transfer(&own[*i]));
            heat.is_some_and(|heat| heat.saturating_mul(3) < hot)
        };
        let passed = (index + 1..own.len()).take_while(passes);
        let cold: Vec<usize> = passed.filter(is_cold).collect();
        // One alone goes above it.
        if cold.len() > 1 {
            found.push(Sunk { index, hot, cold });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.cold.len()));
    found.truncate(MAX_COPIES);
    found
}

fn candidate(view: &View<'_>, stage: &Stage, one: &Sunk) -> Option<Candidate> {
    let Sunk { index, hot, cold } = one;
    let (index, to) = (*index, *cold.last()?);
    let line = |i: usize| stage.instructions[i].lines.first;
    let (from, below) = (line(index), line(to));
    let mut candidate = Candidate::new(
        "cold-first",
        format!("move the COPY in line {from} below the one in line {below}"),
    );
    candidate.edits = move_after(view.text(), stage, &[index].into(), to);
    candidate.safety = Safety::of(
        vec![format!("lines {from} to {below} write different files")],
        Vec::new(),
    );
    let others: Vec<usize> = cold.iter().map(|i| line(*i)).collect();
    candidate.rationale = format!(
        "What line {from} brings changed in {hot} of {} builds, what lines {} bring much more seldom; a copy below it is made again each time.",
        view.n_builds(),
        ranges(&others)
    );
    candidate.lines = vec![
        stage.instructions[index].lines,
        stage.instructions[to].lines,
    ];
    Some(candidate)
}

/// Line numbers that rise, those that follow one another as from where to where: `3, 5 to 9 and 12`.
fn ranges(lines: &[usize]) -> String {
    let groups = lines.chunk_by(|one, next| one + 1 == *next);
    let of_group = |group: &[usize]| match group {
        [first, .., last] if group.len() > 2 => vec![format!("{first} to {last}")],
        few => few.iter().map(ToString::to_string).collect(),
    };
    let all: Vec<String> = groups.flat_map(of_group).collect();
    sentence::all(&all)
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn lines_that_follow_one_another_are_said_as_one() {
        let check = |lines: &[usize], want: &str| assert_eq!(ranges(lines), want);
        check(&[3, 4], "3 and 4");
        check(&[3, 4, 5], "3 to 5");
        check(&[3, 5, 6, 7, 9], "3, 5 to 7 and 9");
        check(&[8], "8");
    }
}
