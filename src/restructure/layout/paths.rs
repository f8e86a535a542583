//! Absolute paths: how they join, and whether one lies within another.

use super::Place;
use super::words::{expand, unquote};
use crate::tree::RepoPath;

/// `path` made absolute and clean; `None` when it is relative and `cwd` is not known.
pub fn absolute(cwd: Option<&str>, path: &str) -> Option<String> {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", cwd?)
    };
    Some(format!("/{}", RepoPath::new(whole)))
}

/// Whether `path`, as it is written at `place`, is absolute there: so whatever the working directory is.
pub fn is_anchored(path: &str, place: &Place) -> bool {
    path.starts_with('/')
        || expand(&unquote(path), &place.variables).is_some_and(|p| p.starts_with('/'))
}

/// The directory in which what a pattern or a variable stands for lies; any other path as it is.
pub fn before_pattern(path: &str) -> &str {
    match path.find(['$', '*', '?', '[']) {
        Some(end) => path[..end].rsplit_once('/').map_or("", |(dir, _)| dir),
        None => path,
    }
}

/// The last name of a path.
pub fn last_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether absolute path `inner` is `outer` or below it.
pub fn is_within(inner: &str, outer: &str) -> bool {
    outer == "/"
        || inner == outer
        || inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether two absolute regions share a path.
pub fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_join_and_regions_overlap() {
        assert_eq!(absolute(Some("/app"), "../x/./y").as_deref(), Some("/x/y"));
        assert_eq!(absolute(None, "x"), None);
        assert_eq!(absolute(None, "/"), Some("/".to_owned()));
        assert!(overlap("/app", "/app/src"));
        assert!(!overlap("/app", "/application"));
        assert!(overlap("/", "/x"));
    }
}
