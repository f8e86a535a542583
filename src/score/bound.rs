//! The best that a Dockerfile's own steps allow: each step runs again only when something that it really reads changed.
//!
//! What a RUN reads is told by its kind of command ([`super::reads`]); what that does not tell is decided twice, once for
//! and once against, so that the bound is a range.
//!
//! Never: proposes how to get there.

use super::metric::ran;
use super::reads::{Ask, Reads};
use crate::cache::{Lookup, MissReason};
use crate::graph::{Origin, Step, StepId};
use crate::replay::Built;
use std::collections::BTreeSet;

/// The steps that would run in this build if each depended on what it reads alone: never more than do run, and with
/// [`super::Certainty::Bold`] never more than with [`super::Certainty::Cautious`].
///
/// `reads` has one entry per step.
pub fn needed(built: &Built, reads: &[Reads], ask: Ask) -> Vec<bool> {
    let ran = ran(built);
    let mut roots: Vec<BTreeSet<StepId>> = Vec::with_capacity(ran.len());
    let mut needed = vec![false; ran.len()];
    // Whether a step, or one that its file system is made of, is needed.
    let mut dirty = vec![false; ran.len()];
    for (i, step) in built.steps.steps.iter().enumerate() {
        let own = roots_above(built, i, step, &roots);
        let is_dirty = |wanted: &dyn Fn(bool) -> bool| {
            step.inputs.iter().any(|input| match input.origin {
                Origin::Step(id) => {
                    wanted(input.selectors.is_some()) && dirty.get(id.0).copied().unwrap_or(false)
                }
                _ => false,
            })
        };
        let by_files = || is_dirty(&|is_read| is_read);
        let by_base = || is_dirty(&|is_read| !is_read);
        let by_roots = || {
            own.iter()
                .any(|&root| concerns(built, root, i, &reads[i], ask))
        };
        needed[i] = ran[i]
            && match step.instruction.as_str() {
                "RUN" => by_roots() || by_files() || (reads[i] == Reads::WhatIsThere && by_base()),
                // What comes out of another stage is new where a step of that stage ran.
                _ => by_files() || by_roots(),
            };
        let inherits = is_dirty(&|_| true);
        dirty[i] = needed[i] || inherits;
        roots.push(own);
    }
    needed
}

/// The root misses that a step's miss goes back to; more than a reason names, since several may coincide.
fn roots_above(
    built: &Built,
    i: usize,
    step: &Step,
    roots: &[BTreeSet<StepId>],
) -> BTreeSet<StepId> {
    let mut own = BTreeSet::new();
    match &built.lookups[i] {
        Lookup::Hit { .. } => return own,
        Lookup::Miss(MissReason::Input { .. }) => {}
        Lookup::Miss(_) | Lookup::Unknown { .. } => {
            own.insert(StepId(i));
        }
    }
    for input in &step.inputs {
        if let Origin::Step(id) = input.origin
            && let Some(above) = roots.get(id.0)
        {
            own.extend(above);
        }
    }
    own
}

fn concerns(built: &Built, root: StepId, step: usize, reads: &Reads, ask: Ask) -> bool {
    let is_run = built.steps.steps[step].instruction == "RUN";
    match &built.lookups[root.0] {
        Lookup::Hit { .. } | Lookup::Miss(MissReason::Input { .. }) => false,
        // The runner's doing, not the Dockerfile's.
        Lookup::Miss(MissReason::NotExported | MissReason::Evicted) => false,
        Lookup::Miss(
            MissReason::Cold | MissReason::Definition { .. } | MissReason::Base { .. },
        ) => true,
        Lookup::Unknown { .. } => true,
        Lookup::Miss(MissReason::Content { paths, n_paths }) => {
            // A COPY reads its own files and nobody else's.
            (is_run || root.0 == step)
                && (paths.iter().any(|p| reads.concerns(p, ask))
                    || (*n_paths > paths.len() && reads.concerns_unlisted(ask)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::steps;
    use crate::score::{Certainty, reads};
    use crate::tree::RepoPath;
    use std::sync::Arc;

    const HIT: Lookup = Lookup::Hit { build: None };

    fn content(path: &str) -> Lookup {
        Lookup::Miss(MissReason::Content {
            paths: vec![RepoPath::new(path)],
            n_paths: 1,
        })
    }

    fn follows(step: usize) -> Lookup {
        Lookup::Miss(MissReason::Input { step: StepId(step) })
    }

    /// Which steps are needed, cautiously and boldly, where `.git` is not known to be read.
    fn both(texts: &[&str], lookups: &[Lookup]) -> [Vec<bool>; 2] {
        let graph = Arc::new(steps(texts));
        let reads: Vec<Reads> = graph.steps.iter().map(reads).collect();
        let built = Built {
            steps: graph,
            lookups: lookups.to_vec(),
        };
        [Certainty::Cautious, Certainty::Bold].map(|certainty| {
            needed(
                &built,
                &reads,
                Ask {
                    certainty,
                    git: None,
                },
            )
        })
    }

    #[test]
    fn steps_run_only_for_what_they_read() {
        let texts = [
            "FROM a",
            "COPY . .",
            "RUN apt-get install git",
            "RUN npm ci",
            "RUN npm run build",
        ];
        let check = |root: Lookup, cautious: [bool; 5], bold: [bool; 5]| {
            let lookups = [HIT, root, follows(1), follows(1), follows(1)];
            assert_eq!(both(&texts, &lookups), [cautious.to_vec(), bold.to_vec()]);
        };
        let source = [false, true, false, false, true];
        check(content("src/a.js"), source, source);
        let all = [false, true, false, true, true];
        check(content("package.json"), all, all);
        check(content("docs/a.md"), source, [false; 5]);
        check(content(".github/workflows/ci.yml"), [false; 5], [false; 5]);
        check(content(".git"), source, [false, true, false, false, false]);
        check(
            Lookup::Miss(MissReason::NotExported),
            [false; 5],
            [false; 5],
        );
        let cold = [false, true, true, true, true];
        check(Lookup::Miss(MissReason::Cold), cold, cold);
    }

    #[test]
    fn a_second_root_counts_even_where_the_nearest_does_not() {
        let lookups = [
            HIT,
            content("package.json"),
            content("src/a.js"),
            follows(2),
        ];
        let [cautious, _] = both(
            &["FROM a", "COPY package.json .", "COPY . .", "RUN npm ci"],
            &lookups,
        );
        assert_eq!(cautious, [false, true, true, true]);
    }

    #[test]
    fn what_a_shell_moves_is_as_new_as_what_made_it() {
        let texts = ["FROM a", "COPY . .", "RUN go build -o s .", "RUN mv s t"];
        let of = |path: &str| both(&texts, &[HIT, content(path), follows(1), follows(1)]);
        assert_eq!(of("a.go")[1], [false, true, true, true]);
        assert_eq!(of("a_test.go")[1], [false, false, false, false]);
        assert_eq!(of("a_test.go")[0], [false, true, true, true]);
    }
}
