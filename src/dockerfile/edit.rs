//! Edits of a text by byte spans, and what they change as a unified diff.

use super::error::Refusal;
use super::span::Span;
use similar::{DiffTag, TextDiff};

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextEdit {
    /// The bytes that go; empty for an insertion.
    pub span: Span,
    /// What comes in their place.
    pub replacement: String,
}

impl TextEdit {
    /// Replaces `span`.
    pub fn replace(span: Span, replacement: impl Into<String>) -> Self {
        Self {
            span,
            replacement: replacement.into(),
        }
    }

    /// Inserts at an offset.
    pub fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::replace(Span::new(at, at), text)
    }

    /// Deletes `span`.
    pub fn delete(span: Span) -> Self {
        Self::replace(span, String::new())
    }
}

/// The text with all edits made. Insertions at one place keep their order; edits may touch but not overlap.
pub fn apply(text: &str, edits: &[TextEdit]) -> Result<String, Refusal> {
    let mut sorted: Vec<&TextEdit> = edits.iter().collect();
    sorted.sort_by_key(|edit| edit.span);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in sorted {
        let Span { start, end } = edit.span;
        if start < at {
            return Err(Refusal::new(format!("two edits overlap at byte {start}")));
        }
        let Some(kept) = text
            .get(at..start)
            .filter(|_| text.get(start..end).is_some())
        else {
            return Err(Refusal::new(format!(
                "the edit of bytes {start} to {end} does not fit the text"
            )));
        };
        result.push_str(kept);
        result.push_str(&edit.replacement);
        at = end;
    }
    result.push_str(&text[at..]);
    Ok(result)
}

/// The edits, line by line, that make `new` of `old`.
pub fn between(old: &str, new: &str) -> Vec<TextEdit> {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let diff = TextDiff::from_slices(&old_lines, &new_lines);
    let length = |lines: &[&str]| lines.iter().map(|l| l.len()).sum::<usize>();
    let edits = diff.ops().iter().filter_map(|op| {
        if op.tag() == DiffTag::Equal {
            return None;
        }
        let (from, to) = (op.old_range(), op.new_range());
        let start = length(&old_lines[..from.start]);
        let span = Span::new(start, start + length(&old_lines[from]));
        Some(TextEdit::replace(span, new_lines[to].concat()))
    });
    edits.collect()
}

/// What leads from `old` to `new` as a diff that `git apply` takes; `old` is `None` for a new file. Empty when nothing
/// changes. Line breaks stay as they are.
pub fn unified_diff(path: &str, old: Option<&str>, new: &str) -> String {
    if old == Some(new) {
        return String::new();
    }
    let (before, after) = (quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
    let mut diff = format!("diff --git {before} {after}\n");
    if old.is_none() {
        diff.push_str("new file mode 100644\n");
        if new.is_empty() {
            return diff;
        }
    }
    let old_header = if old.is_none() { "/dev/null" } else { &before };
    let old_lines: Vec<&str> = old.unwrap_or_default().split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let lines = TextDiff::configure()
        .newline_terminated(true)
        .diff_slices(&old_lines, &new_lines);
    let hunks = lines
        .unified_diff()
        .context_radius(3)
        .header(&named(old_header), &named(&after))
        .to_string();
    diff.push_str(&hunks);
    diff
}

/// A name with blanks is followed by a tab, as git writes it.
fn named(path: &str) -> String {
    if path.contains(' ') {
        format!("{path}\t")
    } else {
        path.to_owned()
    }
}

/// Names with quotes, backslashes or control characters are quoted as git quotes them.
fn quoted(path: &str) -> String {
    let is_odd = |c: char| c == '"' || c == '\\' || c.is_control();
    if !path.contains(is_odd) {
        return path.to_owned();
    }
    let mut result = String::from('"');
    for c in path.chars() {
        match c {
            '"' | '\\' => result.extend(['\\', c]),
            '\t' => result.push_str("\\t"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            _ if c.is_ascii_control() => result.extend(octal(c)),
            _ => result.push(c),
        }
    }
    result.push('"');
    result
}

/// A backslash and three octal digits.
fn octal(c: char) -> impl Iterator<Item = char> {
    let code = u32::from(c);
    let digit = |shift: u32| char::from_digit((code >> shift) & 7, 8).unwrap_or('0');
    ['\\', digit(6), digit(3), digit(0)].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, replacement: &str) -> TextEdit {
        TextEdit::replace(Span::new(start, end), replacement)
    }

    #[test]
    fn edits_are_made_in_order_of_place() {
        let edits = [
            edit(4, 5, "X"),
            edit(0, 1, ""),
            TextEdit::insert(4, "1"),
            TextEdit::insert(4, "2"),
        ];
        assert_eq!(apply("abcdef", &edits).as_deref(), Ok("bcd12Xf"));
        assert_eq!(apply("abc", &[]).as_deref(), Ok("abc"));
    }

    #[test]
    fn edits_between_two_texts_make_one_of_the_other() {
        for (old, new) in [
            ("a\nb\nc\n", "a\nX\nc\nd"),
            ("a\nb", "b"),
            ("", "a\n"),
            ("a\n", ""),
            ("a\n", "a\n"),
        ] {
            let edits = between(old, new);
            assert_eq!(apply(old, &edits).as_deref(), Ok(new));
        }
        assert_eq!(between("a\nb\nc\n", "a\nc\n"), [edit(2, 4, "")]);
    }

    #[test]
    fn edits_that_do_not_fit_are_refused() {
        for edits in [
            &[edit(0, 2, ""), edit(1, 3, "")][..],
            &[edit(2, 9, "")],
            &[edit(1, 2, "")],
            &[edit(2, 1, "")],
        ] {
            assert!(apply("éa", edits).is_err(), "{edits:?}");
        }
    }

    #[test]
    fn diffs_keep_line_breaks() {
        let diff = unified_diff("Dockerfile", Some("a\r\nb\r\nc"), "a\r\nX\r\nc");
        assert_eq!(
            diff,
            "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,3 +1,3 @@\n a\r\n-b\r\n+X\r\n c\n\\ No newline at end of file\n"
        );
        assert_eq!(unified_diff("x", Some("a\rb\n"), "a\rb\n"), "");
    }

    #[test]
    fn new_files_and_odd_names() {
        let diff = unified_diff("a b/.dockerignore", None, ".git\n");
        assert!(diff.starts_with("diff --git a/a b/.dockerignore b/a b/.dockerignore\nnew file mode 100644\n--- /dev/null\n+++ b/a b/.dockerignore\t\n@@ -0,0 +1 @@\n+.git\n"), "{diff}");
        assert!(unified_diff("q\"\\", Some("a\n"), "b\n").contains("--- \"a/q\\\"\\\\\"\n"));
        assert_eq!(quoted("a\u{1b}"), "\"a\\033\"");
    }
}
