//! Manifests copied first are used first.
//!
//! Before:
//! ```dockerfile
//! COPY pom.xml .
//! COPY src ./src
//! RUN mvn package
//! ```
//! After:
//! ```dockerfile
//! COPY pom.xml .
//! RUN mvn -B dependency:go-offline
//! COPY src ./src
//! RUN mvn package
//! ```
//! Copying a manifest on its own buys nothing until something is resolved from it before the source comes.

use super::super::candidate::Candidate;
use super::super::lift::{Shape, lifts};
use super::super::view::View;
use super::Rule;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "dead-split",
    summary: "a manifest copied first is resolved from before the source comes",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    lifts(view, |lift| {
        if lift.shape() != Shape::DeadSplit {
            return None;
        }
        lift.candidate(RULE.id, &[], &[])
    })
}
