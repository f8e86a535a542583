//! The rule: a candidate for `.git`, one for each class of files, and one for what is shown to be unread.

use super::broad::broad_copies;
use super::git::git_directory;
use super::seldom_read::{Asked, CLASSES, of_class};
use super::unread::unread;
use crate::restructure::candidate::Candidate;
use crate::restructure::other_dockerfiles::named_by_others;
use crate::restructure::rules::Rule;
use crate::restructure::view::View;

/// Its line in [`crate::restructure::rules::ALL`].
pub(in crate::restructure::rules) const RULE: Rule = Rule {
    id: "ignore",
    summary: "keep what no step reads out of the context",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let broad = broad_copies(view);
    if broad.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<Candidate> = git_directory(view, &broad).into_iter().collect();
    let asked = Asked::new(view, &broad, named_by_others(view));
    found.extend(CLASSES.iter().filter_map(|class| of_class(&asked, class)));
    found.extend(unread(view, &broad));
    found
}
