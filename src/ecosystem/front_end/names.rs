//! The names of files that stand in a text.

/// Longer ones are no names (bytes).
const LONGEST: usize = 200;

/// What the settings of a tool may name: each string, each word of one, and each path outside of strings.
pub(super) fn of_settings(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text.lines().flat_map(strings).collect();
    found.extend(words(text).filter(|w| w.contains('/') && !w.contains(['*', '{'])));
    found
}

/// What settings import of the project's own code: it names files as they do.
pub(super) fn imported(text: &str) -> Vec<&str> {
    let after = |word: &str| {
        let at = text.match_indices(word).map(|(at, _)| at + word.len());
        at.collect::<Vec<usize>>()
    };
    let starts = ["require(", "import(", "import ", "from "];
    let rests = starts.iter().flat_map(|word| after(word));
    let quoted = rests.filter_map(|at| {
        let rest = text[at..].trim_start_matches([' ', '(']);
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let inside = &rest[1..];
        inside.find(quote).map(|end| &inside[..end])
    });
    quoted.filter(|name| name.starts_with('.')).collect()
}

/// What a source may import: words that are relative, begin at the project's root (`@/`, `~/`), or hold a slash.
pub(super) fn of_source(text: &str) -> Vec<&str> {
    words(text).filter(|w| w.contains('/')).collect()
}

/// The words of the strings of a line.
fn strings(line: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), line);
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let quote = &rest[start..=start];
        let inside = &rest[start + 1..];
        let Some(end) = inside.find(quote) else {
            break;
        };
        found.extend(
            inside[..end]
                .split_whitespace()
                .filter(|w| w.len() <= LONGEST),
        );
        rest = &inside[end + 1..];
    }
    found
}

/// The longest runs of characters that paths and patterns are made of.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || "._-/@~$*{}+!#".contains(c);
    text.split(move |c: char| !is_part(c))
        .filter(|w| w.contains(char::is_alphanumeric) && w.len() <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_settings_and_sources() {
        assert_eq!(
            of_settings("src(['a/**/*.js', \"b\"]) // c/d"),
            ["a/**/*.js", "b", "c/d"]
        );
        assert_eq!(
            of_settings("x('sass --load-path=a b')")[..3],
            ["sass", "--load-path=a", "b"]
        );
        assert_eq!(
            of_source("import x from '../y/z'; don't; url(./i.png) a"),
            ["../y/z", "./i.png"]
        );
        assert!(of_settings("it's").is_empty());
        assert_eq!(
            imported("var a = require('./a'); import b from \"../b\"; require('c'); x('./d')"),
            ["./a", "../b"]
        );
    }
}
