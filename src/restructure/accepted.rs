//! Proposals that somebody does not want: by a comment in the Dockerfile, or by a list given with it.
//!
//! Never: decides what a finding is.

use super::candidate::Candidate;
use super::finding::Finding;
use super::finding::findings;
use super::view::{Accepted, View};
use crate::dockerfile::Lines;
use crate::dockerfile::suppress::Suppression;
use crate::dockerfile::suppress::suppressions;

/// What is accepted of one text.
pub(super) struct Acceptance<'a> {
    listed: &'a [Accepted],
    comments: Vec<Suppression>,
    /// Looked at only where something is accepted.
    findings: Vec<Finding>,
}

impl<'a> Acceptance<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let instructions: Vec<Lines> = view.dockerfile.instructions().map(|i| i.lines).collect();
        let (comments, _) = suppressions(view.text(), &instructions);
        let findings = match comments.is_empty() && view.accepted.is_empty() {
            true => Vec::new(),
            false => findings(view),
        };
        Self {
            listed: view.accepted,
            comments,
            findings,
        }
    }

    /// The reason why a proposal is not wanted, if it is not.
    pub(super) fn reason(&self, candidate: &Candidate) -> Option<&str> {
        let concerns = |lines: Lines| {
            let all = &candidate.lines;
            all.is_empty()
                || all
                    .iter()
                    .any(|l| l.first <= lines.last && lines.first <= l.last)
        };
        let of_line = |line| Lines {
            first: line,
            last: line,
        };
        let listed = self.listed.iter().find(|a| {
            self.names(&a.rule, candidate) && a.line.is_none_or(|line| concerns(of_line(line)))
        });
        let comment = || {
            let comments = self.comments.iter();
            comments
                .filter(|c| concerns(c.covers))
                .find(|c| self.names(&c.rule, candidate))
        };
        listed
            .map(|a| a.reason.as_str())
            .or_else(|| comment().map(|c| c.reason.as_str()))
    }

    /// By the rule's own name, or by that of a finding that it answers.
    fn names(&self, name: &str, candidate: &Candidate) -> bool {
        let answers = |f: &Finding| f.kind == name && f.rule == Some(candidate.rule);
        name == candidate.rule || self.findings.iter().any(answers)
    }
}
