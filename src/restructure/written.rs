//! Versions that are written in the words of a command: `tool-1.2.3.tgz`, `black==24.1`, `--version 1.2`, a commit's id.
//!
//! Never: a number that is no version (a port, a mode, a count).

use crate::dockerfile::Span;

/// Stands for a version in the shape of a word.
const MARK: char = '\u{1}';

/// What a pre-release or a build is called behind the numbers.
const SUFFIXES: &[&str] = &["alpha", "beta", "dev", "post", "pre", "rc", "a", "b"];

/// The versions in the part of `text` that `span` gives: for each the word it stands in, with marks in the place of
/// versions, and which of them it is; where it stands; and its text. A word that is little more than a version is known
/// by the one before it too.
pub(super) fn versions(text: &str, span: Span) -> Vec<(String, Span, String)> {
    let mut found = Vec::new();
    let mut before = "";
    let mut at = span.start;
    for line in text
        .get(span.range())
        .unwrap_or_default()
        .split_inclusive('\n')
    {
        let start = at;
        at += line.len();
        if line.trim_start().starts_with('#') {
            continue;
        }
        let mut from = 0;
        for word in line.split_whitespace() {
            let Some(offset) = line[from..].find(word) else {
                continue;
            };
            let of_word = start + from + offset;
            from += offset + word.len();
            if word == "\\" {
                continue;
            }
            let tokens = tokens(word);
            let shape = shape(word, &tokens);
            let named = match shape.bytes().filter(u8::is_ascii_alphabetic).count() {
                0..3 => format!("{before} {shape}"),
                _ => shape,
            };
            for (n, &(start, end)) in tokens.iter().enumerate() {
                let own = Span::new(of_word + start, of_word + end);
                found.push((format!("{named} {n}"), own, word[start..end].to_owned()));
            }
            before = word;
        }
    }
    found
}

fn shape(word: &str, tokens: &[(usize, usize)]) -> String {
    let mut shape = String::new();
    let mut from = 0;
    for &(start, end) in tokens {
        shape.push_str(&word[from..start]);
        shape.push(MARK);
        from = end;
    }
    shape.push_str(&word[from..]);
    shape
}

/// Where the versions in a word begin and end.
fn tokens(word: &str) -> Vec<(usize, usize)> {
    let bytes = word.as_bytes();
    if let Some(pinned) = pinned(word) {
        return vec![pinned];
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let before = at.checked_sub(1).map(|i| bytes[i]);
        let is_inside = before.is_some_and(|b| b.is_ascii_alphanumeric());
        let after_v = matches!(before, Some(b'v' | b'V'))
            && !at
                .checked_sub(2)
                .is_some_and(|i| bytes[i].is_ascii_alphanumeric());
        let end = if !is_inside && let Some(end) = id(bytes, at) {
            end
        } else if bytes[at].is_ascii_digit() && (!is_inside || after_v) {
            let end = numbers(word, at);
            let is_said = after_v || before == Some(b'@');
            if !is_said && !word[at..end].contains('.') {
                at += 1;
                continue;
            }
            end
        } else {
            at += 1;
            continue;
        };
        found.push((at, end));
        at = end;
    }
    found
}

/// `NAME=VERSION` and `NAME==VERSION` of a package manager, whatever the version looks like.
fn pinned(word: &str) -> Option<(usize, usize)> {
    let at = word.find('=')?;
    let from = at + word[at..].bytes().take_while(|b| *b == b'=').count();
    let end = word.trim_end_matches(['"', '\'', ';', ')']).len();
    let value = word.get(from..end)?;
    let name = word[..at].trim_start_matches(['"', '\'']);
    let is_name = !name.is_empty() && !name.starts_with('-') && !name.contains(['$', '/', ':']);
    let is_version = value.contains('.')
        && value.starts_with(|c: char| c.is_ascii_digit())
        && !value.contains(['$', '/', '=', ',']);
    (is_name && is_version).then_some((from, end))
}

/// The end of the numbers that begin at `at`, with the name of a pre-release behind them.
fn numbers(word: &str, at: usize) -> usize {
    let bytes = word.as_bytes();
    let digits = |from: usize| {
        let n = bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        from + n
    };
    let mut end = digits(at);
    while bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
        end = digits(end + 1);
    }
    let rest = word[end..].trim_start_matches(['-', '.']);
    let suffix = SUFFIXES.iter().find_map(|s| rest.strip_prefix(s));
    let behind = suffix.map(|s| word.len() - s.trim_start_matches(['-', '.']).len());
    match behind {
        Some(from) if digits(from) > from => digits(from),
        _ => end,
    }
}

/// The end of a commit's id or a checksum that begins at `at`.
fn id(bytes: &[u8], at: usize) -> Option<usize> {
    let n = bytes[at..]
        .iter()
        .take_while(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(*b))
        .count();
    let is_alone = bytes.get(at + n).is_none_or(|b| !b.is_ascii_alphanumeric());
    (matches!(n, 32 | 40 | 56 | 64 | 96 | 128) && is_alone).then_some(at + n)
}

/// The names of the versions in a command's text.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let found = versions(text, Span::new(0, text.len()));
    found.into_iter().map(|(word, ..)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_found_in_words() {
        let check = |text: &str, want: &[&str]| {
            let found = versions(text, Span::new(0, text.len()));
            let found: Vec<&str> = found
                .iter()
                .map(|(_, span, _)| &text[span.range()])
                .collect();
            assert_eq!(found, want, "{text}");
        };
        check(
            "curl -o /t https://x/v1.2.3/t-1.2.3.tgz",
            &["1.2.3", "1.2.3"],
        );
        check("pip install black==24.1.0 'ruff==0.1'", &["24.1.0", "0.1"]);
        check("npm i -g pnpm@9 yarn@1.22.0-rc.1", &["9", "1.22.0-rc.1"]);
        check(
            "apt-get install curl=7.88.1-10+deb12u5",
            &["7.88.1-10+deb12u5"],
        );
        check("chmod 755 /a && useradd -u 1000 a && make -j4", &[]);
        check("setup_18.x node18 --port=8080 a=$B.1", &[]);
        check(
            "git checkout 0123456789abcdef0123456789abcdef01234567",
            &["0123456789abcdef0123456789abcdef01234567"],
        );
        check("a \\\n  # 1.2 was bad\n  b-1.3", &["1.3"]);
    }

    #[test]
    fn a_version_alone_is_known_by_the_word_before() {
        let named = |text: &str| versions(text, Span::new(0, text.len()))[0].0.clone();
        assert_eq!(named("a --version 1.2"), named("b --version 1.3"));
        assert_eq!(named("a --version 1.2"), named("a --version \\\n 1.3"));
        assert_ne!(named("a --version 1.2"), named("a --min 1.2"));
        assert_eq!(named("x/tool-1.2.tgz"), named("y --z x/tool-22.0.1.tgz"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_found_stands_there(text in "[ -~éµ\\n]{0,60}") {
            for (_, span, value) in versions(&text, Span::new(0, text.len())) {
                prop_assert_eq!(&text[span.range()], value);
            }
        }
    }
}
