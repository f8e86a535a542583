//! The manifests of all members of a workspace are copied, each in its directory, before the install.
//!
//! Before:
//! ```dockerfile
//! COPY . .
//! RUN pnpm install --frozen-lockfile
//! ```
//! After, where the syntax has `COPY --parents` (docker/dockerfile 1.20 on):
//! ```dockerfile
//! COPY --parents package.json packages/*/package.json pnpm-lock.yaml pnpm-workspace.yaml ./
//! RUN pnpm install --frozen-lockfile
//! COPY . .
//! ```
//! Elsewhere one COPY for each directory. A pattern is used only where it brings nothing else.

use super::super::candidate::Candidate;
use super::super::lift::{Shape, lifts};
use super::super::view::View;
use super::Rule;

/// Longer lists are not worth reading.
const MOST_COPIES: usize = 80;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "workspaces",
    summary: "the manifests of all workspace members copied before the install",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let found = lifts(view, |lift| {
        if lift.shape() != Shape::Workspace {
            return None;
        }
        let mut ways = Vec::new();
        if let Some(line) = lift.parents_line() {
            ways.extend(lift.candidate(RULE.id, &[line], &[]));
        } else if let Some(lines) = lift.copy_lines().filter(|l| l.len() <= MOST_COPIES) {
            let listed = lift.candidate(RULE.id, &lines, &[]).map(|mut c| {
                c.rationale
                    .push_str(" A new member needs a line of its own here.");
                c
            });
            ways.extend(listed);
        }
        Some(ways)
    });
    found.into_iter().flatten().collect()
}
