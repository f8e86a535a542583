//! Names that stay in the context: a COPY names them, or the ignore file takes them back in.

use crate::restructure::layout::selected;
use crate::restructure::view::View;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Whether one of the sources of copies is, is below, is above, or may match a name.
pub(super) fn is_named(sources: &BTreeSet<String>, first: &str) -> bool {
    sources.iter().any(|n| {
        n == first
            || n.starts_with(&format!("{first}/"))
            || first.starts_with(&format!("{n}/"))
            || (n.contains(['*', '?', '[']) && could_match(n, first))
    })
}

/// Whether a COPY source with wildcards may match the top name.
fn could_match(pattern: &str, first: &str) -> bool {
    let path = RepoPath::new(first);
    let head = pattern.split('/').next().unwrap_or_default();
    !selected(std::iter::once(&path), head).is_empty() && head != "*"
}

/// Whether the ignore file takes the name back in on purpose.
pub(super) fn is_kept_by_user(view: &View<'_>, first: &str) -> bool {
    let text = view.ignore.map_or("", |(_, text)| text);
    text.lines()
        .filter_map(|l| l.trim().strip_prefix('!'))
        .any(|l| RepoPath::new(l).names().next() == RepoPath::new(first).names().next())
}
