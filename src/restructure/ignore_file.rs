//! The ignore file as it is proposed, and the names in it.

use super::candidate::{Candidate, IgnoreText};
use super::view::View;

/// The ignore file with `lines` added at its end.
pub(super) fn with_lines(
    view: &View<'_>,
    rule: &'static str,
    lines: &[String],
) -> Option<Candidate> {
    let (path, old) = match view.ignore {
        Some((path, text)) => (path.clone(), text),
        None => (view.context.join(b".dockerignore"), ""),
    };
    // What somebody let in by name is wanted.
    let is_asked_for = |name: &String| {
        let mut lets_in = old.lines().filter_map(|l| l.trim().strip_prefix('!'));
        lets_in.any(|l| {
            let named = l.trim().trim_matches('/');
            named == name || named.starts_with(&format!("{name}/"))
        })
    };
    if lines.iter().any(is_asked_for) {
        return None;
    }
    let line_break = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let mut text = old.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(line_break);
    }
    for line in lines {
        text.push_str(line);
        text.push_str(line_break);
    }
    let mut candidate = Candidate::new(rule, String::new());
    candidate.ignore = Some(IgnoreText { path, text });
    Some(candidate)
}

/// A name as a pattern that matches only it.
pub(super) fn escaped(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | '\\' | '!' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
