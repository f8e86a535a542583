//! The scripts of the tree that a build runs: what RUNs name, and what those name in turn.

use super::super::view::View;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Scripts that are read, and bytes of each.
const MOST: usize = 200;
const LARGEST: usize = 256 << 10;

/// How names of scripts end; others say by their first line who runs them.
const ENDINGS: [&str; 19] = [
    ".bash", ".bat", ".cjs", ".cmd", ".exs", ".groovy", ".js", ".kts", ".lua", ".mjs", ".php",
    ".pl", ".ps1", ".py", ".rb", ".sh", ".tcl", ".ts", ".zsh",
];

/// The scripts that `texts` name, and those that these name, each with its text, in the order of their paths.
pub(super) fn scripts_behind(view: &View<'_>, texts: &[String]) -> BTreeMap<RepoPath, Vec<u8>> {
    let mut by_name: BTreeMap<String, Vec<&RepoPath>> = BTreeMap::new();
    for (path, _) in view.files {
        by_name.entry(name_of(path)).or_default().push(path);
    }
    let mut found: BTreeMap<RepoPath, Vec<u8>> = BTreeMap::new();
    let mut looked: BTreeSet<&RepoPath> = BTreeSet::new();
    let mut open: Vec<String> = texts.to_vec();
    while let Some(text) = open.pop() {
        for word in words(&text) {
            let name = word.rsplit('/').next().unwrap_or_default();
            let named = by_name.get(name).into_iter().flatten();
            for path in named.filter(|path| is_meant(word, path)) {
                if found.len() >= MOST || !looked.insert(path) {
                    continue;
                }
                let Some(bytes) = (view.read)(path).filter(|b| is_script(name, b)) else {
                    continue;
                };
                let bytes = bytes[..bytes.len().min(LARGEST)].to_vec();
                open.push(String::from_utf8_lossy(&bytes).into_owned());
                found.insert((*path).clone(), bytes);
            }
        }
    }
    found
}

fn name_of(path: &RepoPath) -> String {
    let name = path.file_name().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// Words that may name a file: a bare word without an ending is a program.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "\"'`;|&()[]{}<>=,".contains(c))
        .filter(|w| w.contains(['/', '.']) && !w.contains("://"))
}

/// Whether `word` may be `path`: an absolute one may have been copied from anywhere, behind `..` or a variable is a
/// place that is not known.
fn is_meant(word: &str, path: &RepoPath) -> bool {
    if word.starts_with('/') || word.contains('$') {
        return true;
    }
    let tail = RepoPath::new(word.trim_start_matches("../"));
    let (tail, whole) = (tail.to_string(), path.to_string());
    whole == tail || whole.ends_with(&format!("/{tail}"))
}

fn is_script(name: &str, bytes: &[u8]) -> bool {
    bytes.starts_with(b"#!") || ENDINGS.iter().any(|e| name.ends_with(e))
}
