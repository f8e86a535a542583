//! Pairs of an ENV in the text: where each stands, and what is left without some of them.

use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::restructure::candidate::TextEdit;
use std::collections::BTreeSet;

/// The edits that take the pairs `names` out of an ENV, and these pairs as they are written. `None` where none would be
/// left, and where the text is not plain: the old form without `=`, or comments between.
pub(super) fn without(
    text: &str,
    escape: char,
    instruction: &Instruction,
    names: &BTreeSet<&str>,
) -> Option<(Vec<TextEdit>, Vec<String>)> {
    let Kind::Env(pairs) = &instruction.kind else {
        return None;
    };
    let start = instruction.span.start + "ENV".len();
    let source = text.get(start..instruction.span.end)?;
    let spans = words(source, escape)?;
    let is_pair = |(pair, span): (&crate::dockerfile::ast::Pair, &Span)| {
        let word = &source[span.range()];
        pair.equals
            && word
                .strip_prefix(pair.name.as_str())
                .is_some_and(|r| r.starts_with('='))
    };
    let goes: Vec<bool> = pairs
        .iter()
        .map(|p| names.contains(p.name.as_str()))
        .collect();
    let is_whole = spans.len() == pairs.len() && pairs.iter().zip(&spans).all(is_pair);
    let first_left = goes.iter().position(|g| !g).filter(|_| is_whole)?;
    let mut edits = Vec::new();
    let mut taken = Vec::new();
    for (n, span) in spans.iter().enumerate().filter(|(n, _)| goes[*n]) {
        taken.push(source[span.range()].to_owned());
        // With what parts it from the one before; the first ones with what parts them from the first that stays.
        let cut = match n < first_left {
            true => Span::new(span.start, spans[n + 1].start),
            false => Span::new(spans[n - 1].end, span.end),
        };
        edits.push(TextEdit::delete(Span::new(
            start + cut.start,
            start + cut.end,
        )));
    }
    Some((edits, taken))
}

/// The words of an ENV's arguments as they are written; `None` for a comment between them, an open quote, or a word that
/// goes on in another line.
fn words(source: &str, escape: char) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    let mut begun: Option<usize> = None;
    let mut quote = None;
    let mut all = source.char_indices().peekable();
    while let Some((at, c)) = all.next() {
        if let Some(open) = quote {
            if c == escape && open == '"' {
                all.next();
            } else if c == open {
                quote = None;
            } else if c == '\n' {
                return None;
            }
            continue;
        }
        let is_joined = c == escape && {
            let rest = source[at + c.len_utf8()..].trim_start_matches([' ', '\t', '\r']);
            rest.starts_with('\n')
        };
        if c.is_whitespace() || is_joined {
            if is_joined && begun.is_some() {
                return None;
            }
            if let Some(start) = begun.take() {
                spans.push(Span::new(start, at));
            }
            continue;
        }
        if c == '#' && begun.is_none() {
            return None;
        }
        begun.get_or_insert(at);
        match c {
            '"' | '\'' => quote = Some(c),
            c if c == escape => {
                all.next();
            }
            _ => {}
        }
    }
    if quote.is_some() {
        return None;
    }
    if let Some(start) = begun {
        spans.push(Span::new(start, source.len()));
    }
    Some(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_an_env_again() {
        let check = |env: &str, names: &[&str], want: Option<(&str, &[&str])>| {
            let text = format!("FROM a\n{env}\n");
            let parsed = crate::dockerfile::parse(&text).unwrap().dockerfile;
            let instruction = &parsed.stages[0].instructions[0];
            let names = names.iter().copied().collect();
            let found = without(&text, '\\', instruction, &names).map(|(edits, taken)| {
                let mut text = text.clone();
                for edit in edits.iter().rev() {
                    text.replace_range(edit.span.range(), "");
                }
                (text, taken)
            });
            let want = want.map(|(left, taken)| {
                let taken: Vec<String> = taken.iter().map(|t| (*t).to_owned()).collect();
                (format!("FROM a\n{left}\n"), taken)
            });
            assert_eq!(found, want, "{env}");
        };
        check("ENV A=1 B=$B", &["B"], Some(("ENV A=1", &["B=$B"])));
        check("ENV A=1 B=$B", &["A"], Some(("ENV B=$B", &["A=1"])));
        check(
            "ENV A=1 \\\n    B=\"x y\" \\\n    C=3",
            &["B"],
            Some(("ENV A=1 \\\n    C=3", &["B=\"x y\""])),
        );
        check(
            "ENV A=1 \\\n    B=2 \\\n    C=3",
            &["C"],
            Some(("ENV A=1 \\\n    B=2", &["C=3"])),
        );
        check(
            "ENV A=1 \\\n    B=2 \\\n    C=3",
            &["A", "B"],
            Some(("ENV C=3", &["A=1", "B=2"])),
        );
        check("ENV A=1 B=2", &["A", "B"], None);
        check("ENV A 1", &["A"], None);
        check("ENV A=1 \\\n# why\n    B=2", &["B"], None);
    }
}
