//! Commands that build with Go, and make where its recipe is nothing else: which packages they are asked for.

use super::super::Call;
use super::super::make;
use super::super::needs::within;
use super::modules::{Lead, Modules};
use super::packages::Walk;
use super::reads::Reads;
use crate::shell;
use crate::tree::RepoPath;

/// How deep one call of make is followed into another.
const DEEPEST: usize = 3;

/// What a command reads of the project if it is a part of building with Go; `None` where it is another one. `git` says
/// whether the checkout's `.git` is there to be asked.
pub fn reads(call: &Call<'_>, git: bool) -> Option<Result<Reads, String>> {
    reads_at(call, git, 0)
}

fn reads_at(call: &Call<'_>, git: bool, depth: usize) -> Option<Result<Reads, String>> {
    match call.program() {
        "go" | "xx-go" => Some(of_go(call)),
        "make" | "gmake" => Some(of_make(call, git, depth)),
        // Say what the target is, or look at what was built.
        "xx-info" | "xx-verify" | "file" | "ldd" | "upx" | "readelf" => {
            let mut reads = Reads::default();
            let named = call.plain_words();
            reads.trees.extend(named.filter_map(|w| call.path(w)));
            Some(Ok(reads))
        }
        "git" if call.verb() == Some("config") && call.has("--global") => {
            Some(Ok(Reads::default()))
        }
        "git" if !git => Some(Ok(Reads::default())),
        "git" => Some(Err("git is asked".to_owned())),
        _ => None,
    }
}

/// A command line of go, read.
#[derive(Default)]
struct Line {
    verb: String,
    /// Options with their values, as `-name=value`.
    flags: Vec<String>,
    rest: Vec<String>,
}

/// Options of `go build` that take the next word where no `=` gives their value. Source: `go help build`.
const VALUED: &[&str] = &[
    "C",
    "asmflags",
    "buildmode",
    "compiler",
    "covermode",
    "coverpkg",
    "exec",
    "gccgoflags",
    "gcflags",
    "installsuffix",
    "ldflags",
    "mod",
    "modfile",
    "o",
    "overlay",
    "p",
    "pgo",
    "pkgdir",
    "reuse",
    "tags",
    "toolexec",
];

impl Line {
    fn read(call: &Call<'_>) -> Result<Self, String> {
        let mut line = Self::default();
        let mut words: Vec<String> = Vec::new();
        for word in call.args() {
            match call.expanded(word).filter(|_| word.contains('$')) {
                // Unquoted, it becomes several.
                Some(text) if !word.starts_with('-') => {
                    words.extend(text.split_whitespace().map(str::to_owned));
                }
                Some(text) => words.push(text),
                None => words.push(word.clone()),
            }
        }
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").or(word.strip_prefix('-'));
            let is_verb = line.verb.is_empty();
            match name.filter(|_| line.rest.is_empty()) {
                Some(name) if name.contains('=') => line.flags.push(format!("-{name}")),
                Some(name) if VALUED.contains(&name) => {
                    let value = words.next().unwrap_or_default();
                    line.flags.push(format!("-{name}={value}"));
                }
                Some(name) => line.flags.push(format!("-{name}")),
                None if is_verb => line.verb = word,
                None => line.rest.push(word),
            }
        }
        let goflags = call.env.get("GOFLAGS").map_or("", String::as_str);
        line.flags
            .extend(goflags.split_whitespace().map(str::to_owned));
        let odd = ["-modfile", "-overlay", "-toolexec", "-exec"];
        match line
            .flags
            .iter()
            .find(|f| odd.iter().any(|o| f.starts_with(o)))
        {
            Some(flag) => Err(format!("{flag} may read any file")),
            None => Ok(line),
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        let of = |f: &'_ String| f.strip_prefix(name)?.strip_prefix('=').map(str::len);
        let flag = self.flags.iter().find(|f| of(f).is_some())?;
        flag.split_once('=').map(|(_, value)| value)
    }
}

fn of_go(call: &Call<'_>) -> Result<Reads, String> {
    let line = Line::read(call)?;
    let dir = match line.value("-C") {
        Some(dir) => call.path(dir).ok_or("where it runs is not known")?,
        None => call.dir.clone(),
    };
    let first = line.rest.first().map_or("", String::as_str);
    match (line.verb.as_str(), first) {
        ("env" | "version" | "clean" | "help" | "telemetry", _) => Ok(Reads::default()),
        ("install", _) if !line.rest.is_empty() && line.rest.iter().all(|w| w.contains('@')) => {
            Ok(Reads::default())
        }
        ("mod", "download" | "verify" | "graph") => {
            Modules::of(call, &dir, &line.flags).map(|modules| modules.reads)
        }
        ("build" | "install", _) => build(call, &dir, &line),
        ("", _) => Err("what go does is not known".to_owned()),
        (verb, "") => Err(format!("go {verb} may read any file")),
        (verb, first) => Err(format!("go {verb} {first} may read any file")),
    }
}

fn build(call: &Call<'_>, dir: &RepoPath, line: &Line) -> Result<Reads, String> {
    let files = &call.files;
    let modules = Modules::of(call, dir, &line.flags)?;
    let tags = line.value("-tags").unwrap_or_default();
    let with_ignored = ["ignore", "tools", "$", "_"]
        .iter()
        .any(|t| tags.contains(t));
    let with_cgo = call.env.get("CGO_ENABLED").is_none_or(|v| v != "0");
    let mut walk = Walk::new(files, &modules, with_ignored, with_cgo);
    if line.rest.is_empty() {
        walk.add(dir.clone());
    }
    for word in &line.rest {
        let unknown = || format!("which packages {word} names is not known");
        let at = Call { dir, ..*call };
        if word.contains(['`', '(']) || word == make::SOME {
            return Err(unknown());
        }
        if let Some(end) = word.find(['$', '*', '?', '[']) {
            // Any package, or file, of the directory before.
            let (above, rest) = word[..end].rsplit_once('/').ok_or_else(unknown)?;
            let is_files = rest.is_empty() && word.ends_with(".go") && word[end..].len() == 4;
            let base = at.path(&format!("{above}/")).ok_or_else(unknown)?;
            if is_files {
                walk.add(base);
            } else if above.is_empty() || !walk.add_below(&base) {
                return Err(unknown());
            }
            continue;
        }
        if word.ends_with(".go") {
            let file = at.path(word).ok_or_else(unknown)?;
            walk.add(file.parent().unwrap_or_else(RepoPath::root));
            continue;
        }
        let (path, is_all) = match word.strip_suffix("...") {
            Some("") => return Err(unknown()),
            Some(path) => (path.strip_suffix('/').ok_or_else(unknown)?, true),
            None => (word.as_str(), false),
        };
        let is_place = path.starts_with('.') || path.starts_with('/');
        let base = if is_place {
            at.path(path).ok_or_else(unknown)?
        } else {
            match modules.lead(files, dir, path) {
                Lead::Here(base) => base,
                Lead::Elsewhere if !is_all && path.contains('.') => continue,
                Lead::Elsewhere | Lead::Missing => return Err(unknown()),
            }
        };
        if !is_all {
            walk.add(base);
        } else if !walk.add_below(&base) {
            return Err(unknown());
        }
    }
    let mut reads = walk.finish()?;
    if let Some(profile) = line.value("-pgo").filter(|v| !matches!(*v, "auto" | "off")) {
        let path = Call { dir, ..*call }.path(profile);
        reads
            .files
            .insert(path.ok_or("where -pgo points is not known")?);
    }
    Ok(reads)
}

/// A recipe that does nothing but build with Go, as far as what it reads goes.
fn of_make(call: &Call<'_>, git: bool, depth: usize) -> Result<Reads, String> {
    let goal = make::goal(call).ok_or("its Makefile is not at hand")?;
    if depth >= DEEPEST {
        return Err("make calls itself too often".to_owned());
    }
    let mut reads = Reads::default();
    if goal.has_includes {
        return Err("the Makefile includes others".to_owned());
    }
    for line in &goal.asking {
        asked(&goal.dir, line, git, &mut reads)?;
    }
    reads.files.insert(goal.makefile.clone());
    reads.files.extend(goal.prerequisites.iter().cloned());
    reads.trees.extend(goal.prerequisites.iter().cloned());
    for made in &goal.commands {
        let seen = &made.seen;
        let unknown = || format!("{} of the Makefile may read any file", seen.name());
        let at = made.inner(call, &goal.dir);
        let at = at
            .filter(|_| made.place.is_none() && made.is_bare)
            .ok_or_else(unknown)?;
        let inner = at.call(call);
        // Another goal of the same Makefile: its commands stand before it.
        let is_goal = seen.name() == "make" && !seen.args().iter().any(|a| a.starts_with('-'));
        if is_goal || seen.is_quiet() || is_aside(seen.name()) {
            continue;
        }
        let is_reading = matches!(inner.program(), "go" | "xx-go" | "make" | "gmake" | "git");
        // Words that only make knows may be options as well as packages.
        if !is_reading || seen.words.iter().any(|w| w == make::SOME) {
            return Err(unknown());
        }
        reads.merge(reads_at(&inner, git, depth + 1).ok_or_else(unknown)??);
    }
    Ok(reads)
}

/// Commands of a recipe that read no file of the project.
fn is_aside(name: &str) -> bool {
    matches!(name, "date" | "mkdir" | "rm")
}

/// What a line of a Makefile asks the shell; an error where that may read anything.
fn asked(dir: &RepoPath, text: &str, git: bool, reads: &mut Reads) -> Result<(), String> {
    for (at, _) in text.match_indices("$(shell") {
        let inside = make::bracketed(&text[at + 1..]).ok_or("the Makefile is cut")?;
        let inside = inside.strip_prefix("shell").unwrap_or(inside);
        for command in &shell::parse(inside).commands {
            match command.name() {
                "" | "awk" | "basename" | "command" | "cut" | "date" | "dirname" | "echo"
                | "hostname" | "id" | "nproc" | "printf" | "pwd" | "sed" | "sort" | "tr"
                | "true" | "uname" | "which" | "whoami" => {}
                "go" if matches!(command.args().first(), Some(&"env" | &"version")) => {}
                "git" if !git => {}
                "git" => return Err("the Makefile asks git".to_owned()),
                // Names are listed: what is below is there as before.
                "find" => {
                    let args = command.args();
                    for word in args.iter().take_while(|w| !w.starts_with(['-', '!', '('])) {
                        let path = within(dir, word);
                        reads.trees.insert(path.ok_or("the Makefile lists files")?);
                    }
                    if args.first().is_none_or(|w| w.starts_with('-')) {
                        reads.trees.insert(dir.clone());
                    }
                }
                "cat" => {
                    for word in command.args() {
                        let path = within(dir, word);
                        reads.files.insert(path.ok_or("the Makefile reads a file")?);
                    }
                }
                name => return Err(format!("the Makefile runs {name} while it is read")),
            }
            if command
                .redirections
                .iter()
                .any(|r| r.operator.starts_with('<'))
                || !command.substitutions.is_empty()
            {
                return Err("the Makefile reads files while it is read".to_owned());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::Call;
    use super::super::super::files::tests::Fixture;
    use super::reads;
    use crate::tree::RepoPath;
    use std::collections::BTreeMap;

    const TREE: &[(&str, &str)] = &[
        (
            "go.mod",
            "module example.com/a\n\nreplace example.com/lib => ./lib\n",
        ),
        ("main.go", "package main\nimport \"example.com/a/pkg/x\"\n"),
        (
            "cmd/s/main.go",
            "package main\nimport (\"fmt\"; \"example.com/a/pkg/y\"; \"example.com/lib/z\")\n",
        ),
        (
            "cmd/s/web.go",
            "package main\nimport _ \"embed\"\n//go:embed static/*.html tpl\nvar x string\n",
        ),
        ("cmd/s/static/a.html", ""),
        ("cmd/s/static/a.css", ""),
        ("cmd/s/tpl/deep/b", ""),
        (
            "cmd/bad/main.go",
            "package main\nimport \"example.com/a/gen\"\n",
        ),
        (
            "cmd/up/main.go",
            "package main\n// #cgo CFLAGS: -I../../inc\nimport \"C\"\n",
        ),
        ("cmd/c/main.go", "package main\nimport \"C\"\n"),
        ("cmd/c/h/x.h", ""),
        ("pkg/x/x.go", "package x\n"),
        (
            "pkg/x/x_test.go",
            "package x\nimport \"example.com/a/pkg/t\"\n",
        ),
        (
            "pkg/y/y_linux.go",
            "//go:build linux\npackage y\nimport \"example.com/a/pkg/x\"\n",
        ),
        (
            "pkg/y/gen.go",
            "//go:build ignore\n\npackage main\nimport \"example.com/a/pkg/t\"\n",
        ),
        ("pkg/t/t.go", "package t\n"),
        ("lib/go.mod", "module example.com/lib\n"),
        ("lib/z/z.go", "package z\n"),
        ("nested/go.mod", "module example.com/a/nested\n"),
        ("nested/n.go", "package n\nimport \"example.com/gone\"\n"),
        (
            "Makefile",
            "V := $(shell date)\nGO ?= go\nbuild: tool\n\t$(GO) build -ldflags \"-X v=$(V)\" ./cmd/c\nrun:\n\t./hack/x.sh\nasks:\n\tgo build -ldflags $(shell ./v.sh) ./cmd/c\ntool:\n\t@mkdir -p bin\n",
        ),
    ];

    /// What `line` reads: packages, trees with a slash, files of the tree; or `!` and the reason.
    fn check(line: &str, expected: &str) {
        check_in("", "/src", TREE, line, expected);
    }

    fn check_in(dir: &str, root: &str, tree: &[(&str, &str)], line: &str, expected: &str) {
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        while let Some((name, value)) = words[0].split_once('=') {
            env.insert(name.to_owned(), value.to_owned());
            words.remove(0);
        }
        let shown = Fixture::new(tree).with(|files| {
            let call = Call {
                words: &words,
                env: &env,
                files: *files,
                dir: &RepoPath::from(dir),
                root,
            };
            match reads(&call, true) {
                None => "-".to_owned(),
                Some(Err(reason)) => format!("! {reason}"),
                Some(Ok(reads)) => {
                    let packages = reads.packages.iter().map(|p| format!("[{p}]"));
                    let trees = reads.trees.iter().map(|p| format!("{p}/"));
                    let there = reads.files.iter().filter(|p| files.has(p));
                    let all = packages.chain(trees).chain(there.map(ToString::to_string));
                    all.collect::<Vec<_>>().join(" ")
                }
            }
        });
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn a_build_reads_what_its_package_reaches() {
        check("go build", "[] [pkg/x] go.mod lib/go.mod");
        check(
            "go build -o bin/s ./cmd/s",
            "[cmd/s] [lib/z] [pkg/x] [pkg/y] cmd/s/static/ cmd/s/tpl/ cmd/s/static/a.html go.mod lib/go.mod",
        );
        check(
            "go install example.com/a/pkg/x",
            "[pkg/x] go.mod lib/go.mod",
        );
        check("go build pkg/../main.go", "[] [pkg/x] go.mod lib/go.mod");
        check(
            "go build ./pkg/...",
            "[pkg/t] [pkg/x] [pkg/y] go.mod lib/go.mod",
        );
        check("go -C pkg/x build", "[pkg/x] go.mod lib/go.mod");
        check("X=x go build ./pkg/$X", "[pkg/x] go.mod lib/go.mod");
        check(
            "go build ./pkg/${ARG}",
            "[pkg/t] [pkg/x] [pkg/y] go.mod lib/go.mod",
        );
        check(
            "go build -tags ignore ./pkg/y",
            "[pkg/t] [pkg/x] [pkg/y] go.mod lib/go.mod",
        );
        check("go build ./cmd/c", "[cmd/c] cmd/c/ go.mod lib/go.mod");
        check(
            "CGO_ENABLED=0 go build ./cmd/c",
            "[cmd/c] go.mod lib/go.mod",
        );
        check("go mod download", "go.mod lib/go.mod");
        check("go install example.com/tool@v1", "");
        check("make build", "[cmd/c] cmd/c/ Makefile go.mod lib/go.mod");
        check("npm ci", "-");
    }

    #[test]
    fn what_may_read_anything_is_an_error() {
        check("go test ./...", "! go test ./... may read any file");
        check("go vet ./...", "! go vet ./... may read any file");
        check("go generate", "! go generate may read any file");
        check("go run ./hack/gen", "! go run ./hack/gen may read any file");
        check(
            "go build $PACKAGE",
            "! which packages $PACKAGE names is not known",
        );
        check(
            "go build ./none",
            "! package none has no Go file in the tree",
        );
        check("go build ../x", "! which packages ../x names is not known");
        check(
            "go build -overlay=x.json",
            "! -overlay=x.json may read any file",
        );
        check(
            "GOFLAGS=-modfile=x go build",
            "! -modfile=x may read any file",
        );
        check(
            "go build ./cmd/bad",
            "! cmd/bad/main.go imports example.com/a/gen, which is not in the tree",
        );
        check(
            "go build ./cmd/up",
            "! cmd/up/main.go includes files from above with cgo",
        );
        check(
            "make build GOFLAGS=-modfile=x",
            "! -modfile=x may read any file",
        );
        check("make run", "! x.sh of the Makefile may read any file");
        check("make asks", "! the Makefile runs v.sh while it is read");
        check("git describe", "! git is asked");
    }

    #[test]
    fn below_gopath_paths_follow_directories() {
        let tree = &[
            (
                "cli/main.go",
                "package main\nimport \"g.com/o/p/pkg/a\"\nimport \"g.com/dep\"\n",
            ),
            ("pkg/a/a.go", "package a\n"),
            ("pkg/b/b.go", "package b\n"),
            ("vendor/g.com/dep/d.go", "package dep\n"),
        ];
        let root = "/go/src/g.com/o/p";
        check_in("", root, tree, "go install ./cli", "[cli] [pkg/a] vendor/");
        check_in("cli", root, tree, "go install", "[cli] [pkg/a] vendor/");
        check_in(
            "",
            root,
            tree,
            "go build g.com/o/p/pkg/b",
            "[pkg/b] vendor/",
        );
        check_in(
            "",
            "/app",
            tree,
            "go build ./cli",
            "! there is no go.mod where it runs, nor a GOPATH",
        );
    }

    #[test]
    fn a_workspace_has_the_modules_that_it_uses() {
        let tree = &[
            ("go.work", "go 1.22\nuse (\n\t./a\n\t./b\n)\n"),
            ("a/go.mod", "module x.com/a\n"),
            ("a/main.go", "package main\nimport \"x.com/b/c\"\n"),
            ("b/go.mod", "module x.com/b\n"),
            ("b/c/c.go", "package c\n"),
            ("c/go.mod", "module x.com/c\n"),
        ];
        check_in(
            "a",
            "/src",
            tree,
            "go build",
            "[a] [b/c] a/go.mod b/go.mod go.work",
        );
        check_in("a", "/src", tree, "GOWORK=off go build", "[a] a/go.mod");
    }
}
