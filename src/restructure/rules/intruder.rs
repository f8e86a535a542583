//! A file that an install does not read goes below it.
//!
//! Before:
//! ```dockerfile
//! COPY CHANGELOG.md ./
//! COPY package.json package-lock.json ./
//! RUN npm ci
//! ```
//! After:
//! ```dockerfile
//! COPY package.json package-lock.json ./
//! RUN npm ci
//! COPY CHANGELOG.md ./
//! ```

use super::super::candidate::Candidate;
use super::super::lift::{Shape, lifts};
use super::super::view::View;
use super::Rule;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "intruder",
    summary: "a file that an install does not read goes below it",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    lifts(view, |lift| {
        if lift.shape() != Shape::Intruder {
            return None;
        }
        lift.candidate(RULE.id, &lift.copy_lines()?, &[])
    })
}
