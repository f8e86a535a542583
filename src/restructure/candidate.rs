//! One proposed rewrite: edits, what it promises to keep, and what makes it safe.

use crate::dockerfile::Lines;
pub use crate::dockerfile::edit::TextEdit;
use crate::dockerfile::edit::apply;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// One proposed rewrite of a Dockerfile, its ignore file, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The rule's id.
    pub rule: &'static str,
    /// What to do, in a few words, imperative, with the line: `copy package.json and package-lock.json before line 7`.
    pub title: String,
    /// Edits of the Dockerfile's text; empty when only the ignore file changes.
    pub edits: Vec<TextEdit>,
    /// The ignore file's new text, where it changes.
    pub ignore: Option<IgnoreText>,
    /// RUN texts that are not kept as they were: what stood there and what stands in its place. A RUN that is not
    /// listed here must stand in the rewritten text as often as before.
    pub replaced: Vec<Replaced>,
    /// Variables shown, by looking through the tree, to be read by no step whose text does not mention them.
    pub unread: Vec<String>,
    /// Instructions (as [`crate::dockerfile::ast::Instruction::original`] gives them) for which the rule itself has
    /// shown that every file they read is there at their new place.
    pub vouched: Vec<String>,
    /// True for a rule that is allowed to change what the image is (single to multi-stage); all else keeps the final
    /// stage's CMD, ENTRYPOINT, USER, EXPOSE and files.
    pub changes_image: bool,
    /// True for a rule by which copied files get their owner from their COPY, who got it from a RUN: the legality check then
    /// compares the files without their owners.
    pub shifts_owner: bool,
    /// Files that a copy takes from another place of their stage than before, where the RUN that makes them now puts them:
    /// by the place now, the place before, both as written.
    pub carried: BTreeMap<String, String>,
    /// True for a rule that starts the same program another way; it is then for review, and ENTRYPOINT or CMD differ.
    pub restarts: bool,
    /// Whether it can be applied unread, and why or why not.
    pub safety: Safety,
    /// Why it helps, one or two whole sentences for a person.
    pub rationale: String,
    /// The lines it concerns, in the text it was proposed on.
    pub lines: Vec<Lines>,
}

impl Candidate {
    /// A candidate that edits nothing yet and claims no safety: `Review` with the doubt "not shown".
    pub fn new(rule: &'static str, title: impl Into<String>) -> Self {
        Self {
            rule,
            title: title.into(),
            edits: Vec::new(),
            ignore: None,
            replaced: Vec::new(),
            unread: Vec::new(),
            vouched: Vec::new(),
            changes_image: false,
            shifts_owner: false,
            carried: BTreeMap::new(),
            restarts: false,
            safety: Safety::Review {
                reasons: Vec::new(),
                doubt: "its safety was not shown".to_owned(),
            },
            rationale: String::new(),
            lines: Vec::new(),
        }
    }

    /// The Dockerfile's text with this candidate applied, its line ends kept; `None` when its edits do not fit `text`.
    pub fn rewritten(&self, text: &str) -> Option<String> {
        if !text.contains("\r\n") {
            return apply(text, &self.edits).ok();
        }
        let as_here = |edit: &TextEdit| {
            let lines = edit.replacement.replace("\r\n", "\n");
            TextEdit::replace(edit.span, lines.replace('\n', "\r\n"))
        };
        let edits: Vec<TextEdit> = self.edits.iter().map(as_here).collect();
        apply(text, &edits).ok()
    }
}

/// A whole ignore file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreText {
    /// Its path in the repository.
    pub path: RepoPath,
    /// Its new text.
    pub text: String,
}

/// A declared change of RUN texts (as [`crate::dockerfile::ast::Instruction::original`] gives them).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Removed, one for each occurrence.
    pub before: Vec<String>,
    /// Put in, one for each occurrence.
    pub after: Vec<String>,
}

/// Whether a candidate can be applied unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Safety {
    /// Everything it relies on was shown.
    Safe {
        /// What shows it, one sentence each.
        reasons: Vec<String>,
    },
    /// Something could not be shown.
    Review {
        /// What was shown.
        reasons: Vec<String>,
        /// What to check, one sentence.
        doubt: String,
    },
}

impl Safety {
    /// Safe with `reasons` if there is no doubt, else for review with all doubts in one sentence.
    pub fn of(mut reasons: Vec<String>, mut doubts: Vec<String>) -> Self {
        // Two steps may be shown by the same words.
        for said in [&mut reasons, &mut doubts] {
            let mut told = BTreeSet::new();
            said.retain(|s| told.insert(s.clone()));
        }
        if doubts.is_empty() {
            Self::Safe { reasons }
        } else {
            Self::Review {
                reasons,
                doubt: doubts.join("; "),
            }
        }
    }

    /// True when it can be applied unread.
    pub fn is_safe(&self) -> bool {
        matches!(self, Self::Safe { .. })
    }

    /// What was shown.
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Safe { reasons } | Self::Review { reasons, .. } => reasons,
        }
    }

    /// What was not.
    pub fn doubt(&self) -> Option<&str> {
        match self {
            Self::Safe { .. } => None,
            Self::Review { doubt, .. } => Some(doubt),
        }
    }
}
