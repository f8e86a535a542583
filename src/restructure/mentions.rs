//! Who in the tree mentions a name: the evidence that nothing reads a file or a variable.
//!
//! Bounded: a tree too big to read yields `Unread`, never a guess.

use super::view::View;
use crate::tree::RepoPath;
use memchr::memmem::Finder;

/// How many files, and how many bytes of each, are looked at.
const MAX_FILES: usize = 20_000;
const MAX_FILE: usize = 1 << 20;
const MAX_TOTAL: usize = 128 << 20;

/// Where words were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Files that hold one of the words, in order, at most a handful, each with the word.
    pub found: Vec<(RepoPath, String)>,
    /// False when the tree was too big, or some files were not at hand, to look everywhere.
    pub is_complete: bool,
}

/// Looks for `words` (as bytes, not inside a longer identifier) in the visible files that `wanted` takes.
pub fn mentions(view: &View<'_>, words: &[&str], wanted: impl Fn(&RepoPath) -> bool) -> Mentions {
    let mut mentions = Mentions {
        found: Vec::new(),
        is_complete: true,
    };
    let mut total = 0;
    let words: Vec<(&str, Finder<'_>)> = words.iter().map(|w| (*w, Finder::new(*w))).collect();
    let files = view
        .files
        .iter()
        .map(|(p, _)| p)
        .filter(|p| wanted(p) && !is_binary_name(p));
    for (n, path) in files.enumerate() {
        if n >= MAX_FILES || total >= MAX_TOTAL {
            mentions.is_complete = false;
            break;
        }
        let Some(bytes) = (view.read)(path) else {
            mentions.is_complete = false;
            continue;
        };
        let looked = &bytes[..bytes.len().min(MAX_FILE)];
        total += looked.len();
        if looked.iter().take(4096).any(|&b| b == 0) {
            continue;
        }
        if let Some((word, _)) = words.iter().find(|(_, finder)| found(looked, finder)) {
            mentions.found.push((path.clone(), (*word).to_owned()));
            if mentions.found.len() >= 8 {
                break;
            }
        }
    }
    mentions
}

/// Whether `text` holds `word` with no letter, digit or `_` around it (where the word itself ends in one).
pub fn holds(text: &[u8], word: &[u8]) -> bool {
    found(text, &Finder::new(word))
}

/// Where `word` stands in `text`, whatever is around it.
pub(super) fn positions<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    memchr::memmem::find_iter(text, word)
}

fn found(text: &[u8], finder: &Finder<'_>) -> bool {
    let word = finder.needle();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let Some((&first, &last)) = word.first().zip(word.last()) else {
        return false;
    };
    let mut from = 0;
    while let Some(at) = finder.find(&text[from..]) {
        let (start, end) = (from + at, from + at + word.len());
        let open = start == 0 || !is_name(first) || !is_name(text[start - 1]);
        let closed = end == text.len() || !is_name(last) || !is_name(text[end]);
        if open && closed {
            return true;
        }
        from = start + 1;
    }
    false
}

/// Whether `text` holds `word` as a word.
pub(super) fn says(text: &[u8], word: &str) -> bool {
    found(text, &Finder::new(word))
}

/// Files that hold no readable words.
fn is_binary_name(path: &RepoPath) -> bool {
    let endings: [&[u8]; 22] = [
        b".png", b".jpg", b".jpeg", b".gif", b".ico", b".svg", b".webp", b".woff", b".woff2",
        b".ttf", b".eot", b".pdf", b".zip", b".gz", b".jar", b".mp4", b".mp3", b".wasm", b".so",
        b".dll", b".exe", b".map",
    ];
    path.file_name()
        .is_some_and(|name| endings.iter().any(|e| name.ends_with(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_whole() {
        let check = |text: &str, word: &str, expected: bool| {
            assert_eq!(
                holds(text.as_bytes(), word.as_bytes()),
                expected,
                "{text} {word}"
            )
        };
        check("readme = \"README.md\"", "README.md", true);
        check("MYREADME.md", "README.md", false);
        check("xdocs/ docs/a", "docs/", true);
        check("VERSION_CODE", "VERSION", false);
        check("a$VERSION", "VERSION", true);
        check("", "a", false);
        check("aab", "ab", false);
        check("a ab", "ab", true);
    }
}
