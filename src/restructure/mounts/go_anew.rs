//! Go compiles with what it keeps in a mount that is there, in place of all anew.
//!
//! Before:
//! ```dockerfile
//! RUN --mount=type=cache,target=/root/.cache/go-build go build -a -o /manager .
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,target=/root/.cache/go-build go build -o /manager .
//! ```

use super::super::archives;
use super::super::candidate::{Candidate, Safety};
use super::super::installs::StageView;
use super::super::layout::reachable;
use super::super::lift::declare;
use super::super::view::View;
use super::go_compiler::{GO_BUILD, compiles_anew, keeps_at_home, not_anew, tests_kept, unseen_c};

/// Why the option may go. Source: `go help cache`.
pub(in crate::restructure) const REASON: &str = "`-a` goes, by which all is compiled anew: go finds what it has compiled by the content of all that went into it";

/// For each RUN that has the mount, and has Go compile all anew.
pub(in crate::restructure) fn candidates(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let stages = StageView::all(view);
    let needed = reachable(view.dockerfile, view.target).into_iter();
    let of_stage = |stage: usize| {
        let of = &stages[stage];
        let runs = 0..of.stage.instructions.len();
        runs.filter_map(move |run| candidate(of, run, rule))
    };
    needed.flat_map(of_stage).collect()
}

fn candidate(of: &StageView<'_>, run: usize, rule: &'static str) -> Option<Candidate> {
    let instruction = &of.stage.instructions[run];
    let is_kept = archives::has_mount(instruction, &[GO_BUILD]) && keeps_at_home(of, run);
    if !is_kept || !compiles_anew(instruction) {
        return None;
    }
    let line = instruction.lines.first;
    let title = format!("let go use what it has compiled before (line {line})");
    let mut candidate = Candidate::new(rule, title);
    candidate.edits = not_anew(of.view, instruction)?;
    candidate.lines = vec![instruction.lines];
    candidate.rationale = format!(
        "A cache mount keeps what line {line} compiles, and `-a` has all of it compiled anew."
    );
    let doubts = unseen_c(of, &[run]).into_iter().chain(tests_kept(of, run));
    candidate.safety = Safety::of(vec![REASON.to_owned()], doubts.collect());
    declare(&mut candidate, of.view)?;
    let replaced = candidate.replaced.iter();
    candidate.vouched = replaced.flat_map(|r| r.before.clone()).collect();
    Some(candidate)
}
