//! The places that a word of a command or the target of a redirection may name.

use super::super::layout::absolute;
use super::Touched;

/// Adds the file that a redirection names; `None` when it may be any.
pub(super) fn add_target(all: &mut Touched, target: &str, cwd: Option<&str>) -> Option<()> {
    if target.starts_with(['/', '$', '~', '.', '*']) || target.contains('/') {
        return add_word(all, target, cwd, true);
    }
    // A descriptor, `2>&1`, or nothing to speak of.
    if target.is_empty() || target == "-" || target.bytes().all(|b| b.is_ascii_digit()) {
        return Some(());
    }
    let name = target
        .split(['$', '*', '?', '[', '{', '`'])
        .next()
        .unwrap_or_default();
    let path = absolute(
        cwd,
        if name.len() == target.len() {
            name
        } else {
            "."
        },
    )?;
    all.places.insert(path);
    all.reads_cwd = true;
    Some(())
}

/// Adds the path that `word` may be; `None` when it may be any.
pub(super) fn add_word(
    all: &mut Touched,
    word: &str,
    cwd: Option<&str>,
    from_start: bool,
) -> Option<()> {
    // A flag's value counts as a path when it looks like one: `--output=/x`, `-C/x`.
    let word = if word.starts_with('-') {
        word.find('/').map_or("", |at| &word[at..])
    } else {
        word
    };
    if word.is_empty() || word.contains("://") {
        return Some(());
    }
    let head = word
        .split(['$', '*', '?', '[', '{', '`'])
        .next()
        .unwrap_or_default();
    if let Some(path) = head.strip_prefix('/') {
        // An unexpanded tail can only name something below the directory before it.
        let kept = if head.len() == word.len() {
            path
        } else {
            path.rsplit_once('/').map_or("", |(dir, _)| dir)
        };
        all.places.insert(absolute(None, &format!("/{kept}"))?);
        return Some(());
    }
    let is_path = word.starts_with(['.', '~', '$', '*']) || word.contains('/');
    if !is_path {
        return Some(());
    }
    if word.starts_with('~') {
        all.places.insert("/root".to_owned());
        all.places.insert("/home".to_owned());
        return Some(());
    }
    if word.starts_with('$') {
        // A variable that is no path is harmless; one that is may be any.
        return (!word.contains('/')).then_some(());
    }
    all.reads_cwd |= from_start;
    // As above: a pattern may be anything in its directory.
    let kept = if head.len() == word.len() {
        head
    } else {
        head.rsplit_once('/').map_or(".", |(dir, _)| dir)
    };
    all.places.insert(absolute(cwd, kept)?);
    Some(())
}
