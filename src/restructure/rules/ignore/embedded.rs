//! What source takes in when it is compiled or bundled, by its own words: those files stay in the context.

use super::referred::is_prose;
use crate::restructure::view::View;
use crate::tree::RepoPath;

/// How many files, and how many bytes of each, are looked at.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: usize = 1 << 20;

/// Macros of Rust that take a file in (doc.rust-lang.org/std, docs.rs/include_dir).
const MACROS: [&str; 5] = [
    "include!",
    "include_bytes!",
    "include_dir!",
    "include_str!",
    // rust-embed.
    "#[folder",
];

/// Endings of what a bundler reads.
const BUNDLED: [&str; 12] = [
    ".astro", ".cjs", ".cts", ".js", ".jsx", ".mdx", ".mjs", ".mts", ".svelte", ".ts", ".tsx",
    ".vue",
];

/// Words of a line by which JavaScript takes in what a string names.
const IMPORTS: [&str; 5] = ["from ", "glob(", "import", "require(", "new URL("];

/// Who takes in what: the file, and a path of the tree or the directory above a pattern.
pub(super) struct Embedded(Vec<(RepoPath, RepoPath)>);

impl Embedded {
    /// What the files of the tree say.
    pub(super) fn of(view: &View<'_>, tests_run: bool) -> Self {
        let mut all = Vec::new();
        let files = view.files.iter().map(|(path, _)| path);
        let files = files.filter(|p| kind(p).is_some() && !is_prose(p, tests_run));
        for path in files.take(MOST_FILES) {
            let Some(bytes) = (view.read)(path) else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
            let dir = path.parent().unwrap_or_else(RepoPath::root);
            let taken = match kind(path) {
                Some(Kind::Go) => of_go(&text, &dir),
                Some(Kind::Rust) => of_rust(&text, &dir, &crate_of(view, &dir)),
                Some(Kind::Bundled) => of_imports(&text, &dir),
                None => Vec::new(),
            };
            all.extend(taken.into_iter().map(|t| (path.clone(), t)));
        }
        Self(all)
    }

    /// Whether source that is not itself there takes in what stands at `top` or below.
    pub(super) fn has(&self, top: &RepoPath) -> bool {
        self.0.iter().any(|(by, taken)| {
            let meets = taken.strip_prefix(top).is_some() || top.strip_prefix(taken).is_some();
            meets && by.strip_prefix(top).is_none()
        })
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Go,
    Rust,
    Bundled,
}

fn kind(path: &RepoPath) -> Option<Kind> {
    let name = path.file_name()?;
    let ends = |end: &str| name.ends_with(end.as_bytes());
    match name {
        _ if ends(".go") => Some(Kind::Go),
        _ if ends(".rs") => Some(Kind::Rust),
        _ if BUNDLED.iter().any(|e| ends(e)) => Some(Kind::Bundled),
        _ => None,
    }
}

/// The directory of the nearest Cargo.toml.
fn crate_of(view: &View<'_>, dir: &RepoPath) -> RepoPath {
    let mut at = dir.clone();
    while !view.has_file(&at.join(b"Cargo.toml")) {
        match at.parent() {
            Some(above) => at = above,
            None => break,
        }
    }
    at
}

/// The patterns of `//go:embed` (pkg.go.dev/embed).
fn of_go(text: &str, dir: &RepoPath) -> Vec<RepoPath> {
    let lines = text.lines().map(str::trim_start);
    let said = lines.filter_map(|line| line.strip_prefix("//go:embed "));
    said.flat_map(str::split_whitespace)
        .filter_map(|word| {
            let word = word.trim_matches(['"', '`']);
            resolved(dir, word.strip_prefix("all:").unwrap_or(word))
        })
        .collect()
}

fn of_rust(text: &str, dir: &RepoPath, own: &RepoPath) -> Vec<RepoPath> {
    let mut found = Vec::new();
    for name in MACROS {
        for (at, _) in text.match_indices(name) {
            let rest = &text[at + name.len()..];
            let end = rest.find([';', ']', '\n']).unwrap_or(rest.len());
            // A long one stands on lines of its own.
            let end = match rest[..end].contains('"') {
                true => end,
                false => rest.find(';').unwrap_or(rest.len()),
            };
            let words = rest[..end].split('"').skip(1).step_by(2);
            let mut words = words.filter(|w| *w != "CARGO_MANIFEST_DIR");
            let Some(word) = words.next() else {
                continue;
            };
            let is_of_crate = name == "#[folder" || rest[..end].contains("CARGO_MANIFEST_DIR");
            let word = word.trim_start_matches("$CARGO_MANIFEST_DIR");
            found.extend(match is_of_crate {
                true => resolved(own, word.trim_start_matches('/')),
                false => resolved(dir, word),
            });
        }
    }
    found
}

/// The paths in quotes that lead from the file itself, in lines that import.
fn of_imports(text: &str, dir: &RepoPath) -> Vec<RepoPath> {
    let lines = text.lines();
    let lines = lines.filter(|line| IMPORTS.iter().any(|word| line.contains(word)));
    let words = lines.flat_map(|line| line.split(['"', '\'', '`']).skip(1).step_by(2));
    words
        .filter(|word| word.starts_with("./") || word.starts_with("../"))
        .filter_map(|word| resolved(dir, word.split('?').next()?))
        .collect()
}

/// A path as it is written in `dir`, up to where a pattern begins; `None` where it leads out of the tree.
fn resolved(dir: &RepoPath, written: &str) -> Option<RepoPath> {
    let mut at = dir.clone();
    for name in written.split('/') {
        match name {
            "" | "." => {}
            ".." => at = at.parent()?,
            name if name.contains(['*', '?', '[', '{', '$']) => break,
            name => at = at.join(name.as_bytes()),
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_in_is_found() {
        let dir = RepoPath::new("app/src");
        let check = |found: Vec<RepoPath>, expected: &[&str]| {
            let found: Vec<String> = found.iter().map(RepoPath::to_string).collect();
            assert_eq!(found, expected);
        };
        check(
            of_go("//go:embed docs all:web/*.html \"a b\"\n", &dir),
            &["app/src/docs", "app/src/web", "app/src/a", "app/src/b"],
        );
        check(of_go("// go:embed docs\n", &dir), &[]);
        let of_rust = |text: &str| of_rust(text, &dir, &RepoPath::new("app"));
        check(
            of_rust("#![doc = include_str!(\"../README.md\")]\n"),
            &["app/README.md"],
        );
        check(
            of_rust(
                "let a = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/docs/a.md\"));\n",
            ),
            &["app/docs/a.md"],
        );
        check(
            of_rust("const A: &str = include_str!(\n    \"../docs/a.md\"\n);\n"),
            &["app/docs/a.md"],
        );
        check(of_rust("#[folder = \"docs/\"]\n"), &["app/docs"]);
        check(of_rust("// README.md\n"), &[]);
        check(
            of_imports(
                "import a from '../../CHANGELOG.md?raw'\nconst b = import.meta.glob(\"../docs/*.md\")\nconst c = '../x'\n",
                &dir,
            ),
            &["CHANGELOG.md", "app/docs"],
        );
        check(of_imports("import a from '../../../x'", &dir), &[]);
    }
}
