//! The files of a build context as an ecosystem asks for them: is it there, what does it say, what matches.
//!
//! Never: panics on hostile text; a file that is too large or does not parse counts as unreadable.

use crate::tree::{FileStamp, RepoPath};
use std::collections::BTreeSet;

/// Manifests larger than this are not read (bytes).
const LARGEST: usize = 8 << 20;

/// The files the builder sees at one commit, sorted by path, and a way to read them.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    files: &'a [(RepoPath, FileStamp)],
    read: &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>,
}

impl<'a> Files<'a> {
    /// `files` must be sorted by path; `read` gives a file's bytes where they are at hand.
    pub fn new(
        files: &'a [(RepoPath, FileStamp)],
        read: &'a dyn Fn(&RepoPath) -> Option<Vec<u8>>,
    ) -> Self {
        Self { files, read }
    }

    /// True when there is a file at `path`.
    pub fn has(&self, path: &RepoPath) -> bool {
        self.stamp(path).is_some()
    }

    /// The kind and identity of the file at `path`.
    pub fn stamp(&self, path: &RepoPath) -> Option<FileStamp> {
        let at = self.files.binary_search_by(|(p, _)| p.cmp(path)).ok()?;
        Some(self.files[at].1)
    }

    /// The files at or below `dir`, in order of their paths.
    pub fn below(&self, dir: &RepoPath) -> impl Iterator<Item = &'a RepoPath> {
        let dir = dir.clone();
        let (files, start) = (self.files, self.files.partition_point(|(p, _)| *p < dir));
        // Paths below `a` lie after `a` but not all in one run (`a-b` sorts between `a` and `a/b`): the run ends where
        // a path no longer begins with the same bytes.
        files[start..]
            .iter()
            .map(|(p, _)| p)
            .take_while({
                let dir = dir.clone();
                move |p| p.as_bytes().starts_with(dir.as_bytes())
            })
            .filter(move |p| p.strip_prefix(&dir).is_some())
    }

    /// True when there is at least one file below `dir`.
    pub fn has_dir(&self, dir: &RepoPath) -> bool {
        !self.has(dir) && self.below(dir).next().is_some()
    }

    /// The bytes of the file at `path`, where they are at hand.
    pub fn bytes(&self, path: &RepoPath) -> Option<Vec<u8>> {
        if !self.has(path) {
            return None;
        }
        (self.read)(path)
    }

    /// The text of the file at `path`, lossy UTF-8 without a byte order mark.
    pub fn text(&self, path: &RepoPath) -> Option<String> {
        if !self.has(path) {
            return None;
        }
        let bytes = (self.read)(path)?;
        if bytes.len() > LARGEST {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        Some(text.trim_start_matches('\u{feff}').to_owned())
    }

    /// The file at `path` as JSON.
    pub fn json(&self, path: &RepoPath) -> Option<serde_json::Value> {
        serde_json::from_str(&self.text(path)?).ok()
    }

    /// The file at `path` as TOML.
    pub fn toml(&self, path: &RepoPath) -> Option<toml::Table> {
        self.text(path)?.parse().ok()
    }

    /// The directories below `base` that hold a file `name` and match `pattern` (`*` within a name, `**` for any
    /// number of names), as workspace members are given.
    pub fn member_dirs(&self, base: &RepoPath, pattern: &str, name: &str) -> BTreeSet<RepoPath> {
        let pattern = RepoPath::new(pattern);
        let wanted: Vec<&[u8]> = pattern.names().collect();
        self.below(base)
            .filter(|p| p.file_name() == Some(name.as_bytes()))
            .filter_map(RepoPath::parent)
            .filter(|dir| {
                let Some(rest) = dir.strip_prefix(base) else {
                    return false;
                };
                let names: Vec<&[u8]> = rest.names().collect();
                // A pattern with many `**` on a deep path is the only slow case; both are bounded here.
                wanted.len() <= 16 && names.len() <= 64 && matches_names(&wanted, &names)
            })
            .collect()
    }
}

/// Whether the names of a path match those of a pattern.
fn matches_names(pattern: &[&[u8]], names: &[&[u8]]) -> bool {
    match (pattern.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((&b"**", rest)), _) => (0..=names.len()).any(|n| matches_names(rest, &names[n..])),
        (Some((p, rest)), Some((n, names))) => matches_name(p, n) && matches_names(rest, names),
        _ => false,
    }
}

/// Whether one name matches a pattern of `*` and `?`.
pub fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p + 1, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == b'?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((after, at)) = star {
            star = Some((after, at + 1));
            p = after;
            n = at + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::tree::{FileKind, ObjectId};
    use std::collections::BTreeMap;

    /// A tree given as (path, text) pairs; a path that ends in `*` is executable.
    pub(crate) struct Fixture {
        files: Vec<(RepoPath, FileStamp)>,
        texts: BTreeMap<RepoPath, Vec<u8>>,
    }

    impl Fixture {
        pub(crate) fn new(files: &[(&str, &str)]) -> Self {
            let texts: BTreeMap<RepoPath, Vec<u8>> = files
                .iter()
                .map(|(p, t)| (RepoPath::new(p), t.as_bytes().to_vec()))
                .collect();
            let id = ObjectId::from_bytes(&[7; 20]).unwrap();
            let stamp = FileStamp {
                kind: FileKind::Regular,
                id,
            };
            let files = texts.keys().map(|p| (p.clone(), stamp)).collect();
            Self { files, texts }
        }

        pub(crate) fn with<T>(&self, use_it: impl FnOnce(&Files<'_>) -> T) -> T {
            let read = |p: &RepoPath| self.texts.get(p).cloned();
            use_it(&Files::new(&self.files, &read))
        }
    }

    #[test]
    fn members_match_by_names() {
        let tree = Fixture::new(&[
            ("package.json", ""),
            ("packages/a/package.json", ""),
            ("packages/a/deep/package.json", ""),
            ("packages-x/b/package.json", ""),
            ("packages/c/readme.md", ""),
        ]);
        let check = |pattern: &str, expected: &[&str]| {
            let found = tree.with(|f| f.member_dirs(&RepoPath::root(), pattern, "package.json"));
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(shown, expected, "{pattern}");
        };
        check("packages/*", &["packages/a"]);
        check("packages/**", &["packages/a", "packages/a/deep"]);
        check("./packages*/?/", &["packages-x/b", "packages/a"]);
        check("none/*", &[]);
    }

    #[test]
    fn below_is_whole_and_exact() {
        let tree = Fixture::new(&[
            ("a", ""),
            ("a-b/x", ""),
            ("b/y", ""),
            ("b/z/w", ""),
            ("bc", ""),
        ]);
        let shown: Vec<String> =
            tree.with(|f| f.below(&"b".into()).map(ToString::to_string).collect());
        assert_eq!(shown, ["b/y", "b/z/w"]);
        assert_eq!(tree.with(|f| f.below(&RepoPath::root()).count()), 5);
    }
}
