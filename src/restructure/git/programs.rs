//! Programs of the tree that a build runs or that its compiler runs, where they ask git: `go run build/ci.go`, macros,
//! what a Makefile includes.

use super::super::mentions::{holds, mentions};
use super::super::view::View;
use super::words::asks_git;
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Packages of Go that are followed from import to import, and files that are read for it.
const MOST_PACKAGES: usize = 1_000;
const MOST_FILES: usize = 20_000;

/// How a program in Go asks git without a shell: by a library, by a list of words, by reading the directory.
const IN_GO: [&[u8]; 5] = [
    b"go-git/",
    b"src-d/go-git",
    b"libgit2/git2go",
    b"\".git\"",
    b"\".git/",
];

/// Whether the files that a Makefile is made of say so by their names; what it includes is found by [`included`].
pub(super) fn is_makefile(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    let named: [&[u8]; 3] = [b"Makefile", b"makefile", b"GNUmakefile"];
    let with_ending = |n: &&[u8]| name.strip_prefix(*n).is_some_and(|e| e.starts_with(b"."));
    named.contains(&name) || name.ends_with(b".mk") || named.iter().any(with_ending)
}

/// The files that Makefiles of the tree include by name.
pub(super) fn included(view: &View<'_>) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::new();
    for (path, _) in view.files.iter().filter(|(p, _)| is_makefile(p)) {
        let Some(text) = view.read_text(path) else {
            continue;
        };
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let is_include = matches!(words.next(), Some("include" | "-include" | "sinclude"));
            let named = words.filter(|w| is_include && !w.contains(['$', '*']));
            for name in named {
                let places = [dir.join(name.as_bytes()), RepoPath::new(name)];
                found.extend(places.into_iter().filter(|p| view.has_file(p)));
            }
        }
    }
    found
}

/// A file of the tree that asks git while the build goes.
pub(super) struct Asker {
    pub(super) path: RepoPath,
    /// Whether a step is known to run it.
    pub(super) is_run: bool,
}

/// Those that `texts` (of RUNs, of scripts) run by Go, and those that compilers run by themselves.
pub(super) fn askers(view: &View<'_>, texts: &[String]) -> Vec<Asker> {
    let mut found = go_programs(view, texts);
    found.extend(at_compile_time(view));
    found
}

/// Programs in Go that are run from their source.
fn go_programs(view: &View<'_>, texts: &[String]) -> Vec<Asker> {
    let mut found = Vec::new();
    for text in texts {
        let runs_some = ["go run", "go test", "go generate"];
        if !runs_some
            .iter()
            .any(|w| holds(text.as_bytes(), w.as_bytes()))
        {
            continue;
        }
        for line in text.replace("\\\n", " ").lines() {
            // What stands before a command: RUN and its flags, make's signs.
            let line = line.trim_start().trim_start_matches(['@', '-', '+']);
            let mut line = line.strip_prefix("RUN ").unwrap_or(line);
            while line.starts_with("--") {
                line = line
                    .split_once(' ')
                    .map_or("", |(_, rest)| rest)
                    .trim_start();
            }
            for seen in shell::parse(line).seen() {
                found.extend(of_go(view, &seen));
            }
        }
    }
    found
}

fn of_go(view: &View<'_>, seen: &Seen) -> Option<Asker> {
    if seen.name() != "go" || !matches!(seen.subcommand(), "run" | "test" | "generate") {
        return None;
    }
    let here = match seen.directory.as_deref() {
        Some(dir) if !dir.starts_with('/') => dir,
        _ => "",
    };
    let named: Vec<RepoPath> = seen
        .args()
        .iter()
        .skip(1)
        .filter(|w| !w.starts_with('-') && !w.contains(['$', '*', '@', '=']))
        .map(|w| RepoPath::new(here).join(w.trim_start_matches("./").as_bytes()))
        .collect();
    let start = |p: &&RepoPath| view.has_file(p) || files_of(view, p).next().is_some();
    let starts: Vec<&RepoPath> = named.iter().filter(start).collect();
    if seen.subcommand() != "generate" && !starts.is_empty() {
        // Of a package's tests not every one need run what asks.
        let is_run = seen.subcommand() == "run" || starts.iter().all(|p| view.has_file(p));
        let path = followed(view, &starts)?;
        return Some(Asker { path, is_run });
    }
    // `./...`, or what its lines name.
    let is_own = |p: &RepoPath| is_go(p) && !p.names().any(|n| n == b"vendor" || n == b"testdata");
    let is_test = |p: &RepoPath| p.to_string().ends_with("_test.go");
    let wanted = seen.subcommand() == "test";
    let files = view.files.iter().map(|(p, _)| p).take(MOST_FILES);
    let mut files = files.filter(|p| is_own(p) && (!wanted || is_test(p)));
    let asks = |p: &&RepoPath| match view.read_text(p) {
        Some(text) if wanted => asks_in_go(text.as_bytes()),
        Some(text) => text
            .lines()
            .any(|l| l.starts_with("//go:generate") && asks_git(l.as_bytes())),
        None => false,
    };
    let path = files.find(asks)?.clone();
    Some(Asker {
        path,
        is_run: false,
    })
}

fn is_go(path: &RepoPath) -> bool {
    path.file_name().is_some_and(|n| n.ends_with(b".go"))
}

fn asks_in_go(text: &[u8]) -> bool {
    IN_GO.iter().any(|w| holds(text, w)) || holds(text, b"\"git\"") || asks_git(text)
}

/// The files of Go in a directory.
fn files_of<'a>(view: &View<'a>, dir: &RepoPath) -> impl Iterator<Item = &'a RepoPath> {
    let dir = dir.clone();
    let files = view.files.iter().map(|(p, _)| p);
    files.filter(move |p| is_go(p) && p.parent().unwrap_or_else(RepoPath::root) == dir)
}

/// The first file that asks git of those that are compiled into the program at `starts`.
fn followed(view: &View<'_>, starts: &[&RepoPath]) -> Option<RepoPath> {
    let manifest = view.read_text(&RepoPath::new("go.mod")).unwrap_or_default();
    let module = manifest.lines().find_map(|l| l.strip_prefix("module "));
    let prefix = format!("\"{}/", module.unwrap_or("\n").trim());
    let mut seen: BTreeSet<RepoPath> = BTreeSet::new();
    let mut open: Vec<RepoPath> = starts.iter().map(|p| (*p).clone()).collect();
    while let Some(at) = open.pop() {
        if seen.len() > MOST_PACKAGES || !seen.insert(at.clone()) {
            continue;
        }
        let files: Vec<RepoPath> = if view.has_file(&at) {
            vec![at]
        } else {
            let own = files_of(view, &at).filter(|p| !p.to_string().ends_with("_test.go"));
            own.cloned().collect()
        };
        for path in files {
            let Some(text) = view.read_text(&path) else {
                continue;
            };
            if asks_in_go(text.as_bytes()) {
                return Some(path);
            }
            let imports = text.match_indices(&prefix).filter_map(|(n, _)| {
                let rest = &text[n + prefix.len()..];
                rest.split_once('"').map(|(dir, _)| RepoPath::new(dir))
            });
            open.extend(imports);
        }
    }
    None
}

/// Files that compilers and builders run by themselves, by how their names end; beside what [`super::super::manifests`] knows.
const RUN_BY_COMPILERS: [&str; 16] = [
    ".cr",
    ".exs",
    ".hs",
    ".m4",
    ".nim",
    ".nims",
    ".pri",
    ".pro",
    "/Package.swift",
    "/build.zig",
    "/dune",
    "/gulpfile.js",
    "/Gruntfile.js",
    "/Makefile.PL",
    "/configure.in",
    "/wscript",
];

/// How Nim runs a program while it compiles (nim-lang.org/docs, system).
const BY_NIM: [&[u8]; 3] = [b"staticExec", b"gorge", b"gorgeEx"];

fn at_compile_time(view: &View<'_>) -> Vec<Asker> {
    let is_one = |p: &RepoPath| {
        let path = format!("/{p}");
        let mut names = p.names();
        let first = names.next();
        RUN_BY_COMPILERS.iter().any(|e| path.ends_with(e))
            || first == Some(b"buildSrc")
            || first == Some(b"project") && path.ends_with(".scala")
    };
    let named = mentions(view, &["git"], is_one).found;
    let asks = |path: &RepoPath| {
        let text = view.read_text(path)?;
        let text = text.as_bytes();
        let is_nim = BY_NIM.iter().any(|w| holds(text, w));
        let is_application = path.to_string().ends_with(".nim") && !is_nim;
        (asks_git(text) && !is_application).then(|| Asker {
            path: path.clone(),
            is_run: is_nim,
        })
    };
    named.iter().filter_map(|(path, _)| asks(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makefiles_are_known_by_name() {
        let check = |name: &str, want: bool| {
            assert_eq!(is_makefile(&RepoPath::new(name)), want, "{name}");
        };
        check("Makefile", true);
        check("Makefile.variables", true);
        check("build/rules.mk", true);
        check("Makefiles", false);
        check("a.mkd", false);
    }

    #[test]
    fn programs_in_go_ask_in_many_ways() {
        let check = |text: &str, want: bool| {
            assert_eq!(asks_in_go(text.as_bytes()), want, "{text}");
        };
        check("import \"github.com/go-git/go-git/v5\"", true);
        check("exec.Command(\"git\", args...)", true);
        check("os.Stat(\".git/objects\")", true);
        check("import \"example.org/digit\"", false);
    }
}
