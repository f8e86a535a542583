//! Dependencies are resolved before the source is copied.
//!
//! Before:
//! ```dockerfile
//! COPY . .
//! RUN npm ci && npm run build
//! ```
//! After:
//! ```dockerfile
//! COPY package-lock.json package.json ./
//! RUN npm ci
//! COPY . .
//! RUN npm run build
//! ```
//! Where the command needs the source (`mvn package`, `go build`), one that resolves alone goes above it and the
//! command stays. An install that reads the source is left where it stands.

use super::super::candidate::Candidate;
use super::super::lift::{Shape, lifts};
use super::super::view::View;
use super::Rule;
use super::deps_above::above;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "deps-first",
    summary: "dependencies resolved before the source is copied",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let mut found = lifts(view, |lift| {
        if lift.shape() != Shape::Broad {
            return None;
        }
        lift.candidate(RULE.id, &lift.copy_lines()?, &[])
    });
    found.extend(above(view, RULE.id));
    found
}
