//! Go's compiler and what it keeps: which RUNs compile, whether a container of the image does, and what its cache misses.

use super::super::candidate::TextEdit;
use super::super::command;
use super::super::installs::StageView;
use super::super::layout::built_on;
use super::super::mentions::holds;
use super::super::view::View;
use super::downloads::go_builds_at_home;
use super::kept::{cleans_go, without_flag};
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;

/// Where Go's compiler keeps what it makes, of root. Source: `go help cache`.
pub(in crate::restructure) const GO_BUILD: &str = "/root/.cache/go-build";

/// The option by which all is compiled anew, whatever is kept. Source: `go help build`.
pub(in crate::restructure) const ANEW: &str = "-a";

/// Files that are looked into for what C they include.
const MOST_FILES: usize = 20_000;
/// Bytes of a file that are looked at: `import "C"` stands near its beginning.
const MOST_BYTES: usize = 256 << 10;

/// Programs that compile, or may, wherever they are run.
const COMPILERS: [&str; 20] = [
    "CompileDaemon",
    "air",
    "ash",
    "bash",
    "dlv",
    "entr",
    "fresh",
    "gin",
    "gmake",
    "go",
    "goreleaser",
    "gotestsum",
    "gow",
    "mage",
    "make",
    "modd",
    "reflex",
    "sh",
    "task",
    "watchexec",
];

/// Whether a RUN compiles with Go, so that its compiler's cache is of use.
pub(in crate::restructure) fn compiles(instruction: &Instruction) -> bool {
    let compiles = |seen: &Seen| match seen.name() {
        // tonistiigi/xx: Go for another platform, same words.
        "go" | "xx-go" => is_compiling(seen),
        "gmake" | "goreleaser" | "mage" | "make" => true,
        // What stands behind it is known to be Go where it is asked about.
        name => name.ends_with(".sh"),
    };
    match command::seen(instruction) {
        Some(seen) => seen.iter().any(compiles),
        None => ["go build", "go install", "go test", "make"]
            .iter()
            .any(|b| instruction.original.contains(b)),
    }
}

fn is_compiling(seen: &Seen) -> bool {
    matches!(seen.subcommand(), "build" | "install" | "run" | "test")
}

/// Whether a RUN has Go compile all anew, whatever its cache holds (`-a`, `go help build`).
pub(in crate::restructure) fn compiles_anew(instruction: &Instruction) -> bool {
    let is_told = |s: &Seen| {
        matches!(s.name(), "go" | "xx-go") && is_compiling(s) && s.args().iter().any(|w| w == ANEW)
    };
    command::seen(instruction).is_some_and(|all| all.iter().any(is_told))
}

/// The edits without which Go compiles all anew in a RUN: none where it is not told to; `None` where that cannot be taken
/// out.
pub(in crate::restructure) fn not_anew(
    view: &View<'_>,
    instruction: &Instruction,
) -> Option<Vec<TextEdit>> {
    if !compiles_anew(instruction) {
        return Some(Vec::new());
    }
    without_flag(view, instruction, "go", ANEW).filter(|edits| !edits.is_empty())
}

/// Whether the RUN at `run` compiles with Go and keeps what it makes where Go does by itself.
pub(in crate::restructure) fn keeps_at_home(of: &StageView<'_>, run: usize) -> bool {
    let instruction = of.stage.instructions.get(run);
    let empties = |i: &Instruction| command::seen(i).is_some_and(|all| all.iter().any(cleans_go));
    let behind = || {
        let words = of.commands_behind(run);
        words.into_iter().any(|w| calls_compiler(&w))
    };
    instruction.is_some_and(|i| (compiles(i) || behind()) && !empties(i))
        && go_builds_at_home(of, run)
}

/// Whether a command behind another has Go compile.
fn calls_compiler(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str);
    let program = words.next().map_or("", last_part);
    let verb = words.clone().find(|w| !w.starts_with('-'));
    matches!(program, "go" | "xx-go")
        && matches!(verb, Some("build" | "install" | "run" | "test"))
        && words.all(|w| w != ANEW)
}

/// What is to be checked where a RUN tests with Go: a test that has passed is not run again for the same files and
/// variables (`go help test`).
pub(in crate::restructure) fn tests_kept(of: &StageView<'_>, run: usize) -> Option<String> {
    // Flags by which a test is run each time, or only compiled.
    let is_once = |w: &String| {
        let flag = w.trim_start_matches('-').split('=').next();
        w.starts_with('-') && matches!(flag, Some("c" | "count" | "o"))
    };
    let tests = |words: &Vec<String>| {
        let mut own = words.iter();
        let program = own.next().map_or("", |w| last_part(w));
        let verb = own.find(|w| !w.starts_with('-')).map(String::as_str);
        matches!(program, "go" | "xx-go") && verb == Some("test") && !words.iter().any(is_once)
    };
    let line = of.stage.instructions.get(run)?.lines.first;
    of.commands_behind(run).iter().any(tests).then(|| {
        format!(
            "go then keeps which tests of line {line} have passed, and does not run them again for the same files: check that they make nothing that the build needs"
        )
    })
}

/// Whether a container of the target may compile: what it starts does, or is a script that says so. An image that starts
/// nothing by itself is there to work in.
pub(in crate::restructure) fn is_run_to_compile(view: &View<'_>) -> bool {
    let dockerfile = view.dockerfile;
    let stages = built_on(dockerfile, view.target).map(|s| &dockerfile.stages[s]);
    let is_start = |i: &&Instruction| matches!(i.kind, Kind::Cmd(_) | Kind::Entrypoint(_));
    let said: Vec<&Instruction> = stages
        .flat_map(|s| &s.instructions)
        .filter(is_start)
        .collect();
    said.is_empty() || said.into_iter().any(|i| may_compile(view, i))
}

fn may_compile(view: &View<'_>, start: &Instruction) -> bool {
    let (Kind::Cmd(command) | Kind::Entrypoint(command)) = &start.kind else {
        return true;
    };
    let starts = |name: &str| COMPILERS.contains(&name) || is_script_that_compiles(view, name);
    match command {
        Command::Exec(words) => match words.as_slice() {
            [shell, option, text, ..] if option.ends_with('c') && is_shell(shell) => {
                says(text, &starts)
            }
            [program, ..] => starts(last_part(program)),
            [] => false,
        },
        Command::Shell(text) => says(text, &starts),
    }
}

fn is_shell(word: &str) -> bool {
    matches!(last_part(word), "ash" | "bash" | "dash" | "sh")
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a command of a shell's text is one that `starts` knows.
fn says(text: &str, starts: &dyn Fn(&str) -> bool) -> bool {
    let script = shell::parse(text);
    !script.is_complete || script.seen().iter().any(|s| starts(s.name()))
}

/// Whether a file of the tree by that name begins as a script and names Go or make.
fn is_script_that_compiles(view: &View<'_>, name: &str) -> bool {
    let is_it = |path: &RepoPath| path.file_name() == Some(name.as_bytes());
    let named = view.files.iter().map(|(p, _)| p).filter(|p| is_it(p));
    let texts = named.filter_map(|p| view.read_text(p));
    let compiles = |text: &str| {
        let is_part = |c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c);
        text.split(is_part)
            .any(|w| matches!(w, "air" | "dlv" | "go" | "make"))
    };
    texts
        .into_iter()
        .any(|text| text.starts_with("#!") && compiles(&text))
}

/// What is to be checked where C is compiled by what Go does not look at: its cache "does not detect changes to C
/// libraries imported with cgo" (`go help cache`), and of headers knows those beside the Go files alone.
pub(in crate::restructure) fn unseen_c(of: &StageView<'_>, runs: &[usize]) -> Option<String> {
    let is_without = |run: &usize| {
        let instruction = &of.stage.instructions[*run];
        let set = of.places[*run].variables.get("CGO_ENABLED");
        let said = instruction.original.contains("CGO_ENABLED=");
        instruction.original.contains("CGO_ENABLED=0")
            || !said && matches!(set, Some(Some(value)) if value == "0")
    };
    let with_c = runs.iter().find(|run| !is_without(run))?;
    let names = ["CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS"];
    let text = of.stage.instructions[*with_c].original.as_str();
    let is_told = |name: &&str| {
        let set = of.places[*with_c].variables.get(*name);
        let leads = |value: &Option<String>| value.as_deref().is_none_or(leads_elsewhere);
        set.is_some_and(leads)
            || text
                .match_indices(name)
                .any(|(at, _)| is_told_in(&text[at..]))
    };
    let why = match names.iter().find(|name| is_told(name)) {
        Some(name) => format!("{name} tells the compiler where to look"),
        None => format!("{} names such files", including(of.view)?),
    };
    Some(format!(
        "Go does not see when C files outside of a package's own directory change ({why}): check that it compiles anew what they go into"
    ))
}

/// Whether what follows the name of a variable in a RUN may tell the compiler where to look.
fn is_told_in(text: &str) -> bool {
    let value = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_');
    let Some(value) = value.strip_prefix('=') else {
        // It is read, or handed on.
        return true;
    };
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
        _ => value.split([' ', ';', '&', '\n']).next(),
    };
    value.is_none_or(leads_elsewhere)
}

/// Whether flags of a C compiler say where it finds what it includes, or what they say is not known: those of others are
/// part of what Go goes by (`go help cache`).
fn leads_elsewhere(flags: &str) -> bool {
    let is_place = |flag: &str| {
        let leads = ["-I", "-i", "-B", "-F", "--sysroot", "--include", "@"];
        leads.iter().any(|l| flag.starts_with(l))
    };
    flags.contains(['$', '`']) || flags.split_whitespace().any(is_place)
}

/// The first Go file of the project that has C included from elsewhere than its own directory.
fn including(view: &View<'_>) -> Option<RepoPath> {
    let is_ours = |path: &RepoPath| {
        let name = path.file_name().unwrap_or_default();
        let parts = path.as_bytes().split(|b| *b == b'/');
        name.ends_with(b".go")
            && !name.ends_with(b"_test.go")
            && !parts
                .into_iter()
                .any(|p| p == b"vendor" || p == b"testdata")
    };
    let files = view.files.iter().map(|(p, _)| p).filter(|p| is_ours(p));
    let mut looked = files.take(MOST_FILES);
    looked
        .find(|path| (view.read)(path).is_some_and(|bytes| includes_from_elsewhere(&bytes)))
        .cloned()
}

fn includes_from_elsewhere(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    if !holds(bytes, b"import \"C\"") {
        return false;
    }
    let text = String::from_utf8_lossy(bytes);
    let above = text.split("import \"C\"").next().unwrap_or_default();
    above.lines().any(|line| {
        let line = line.trim_start_matches(['/', ' ', '\t', '*']);
        let included = line
            .strip_prefix("#include")
            .is_some_and(|file| file.trim_start().starts_with('"') && file.contains('/'));
        included || line.starts_with("#cgo") && (line.contains("-I") || line.contains("pkg-config"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_from_elsewhere_is_told_from_c_beside_it() {
        let check = |text: &str, expected: bool| {
            assert_eq!(includes_from_elsewhere(text.as_bytes()), expected, "{text}");
        };
        check("// #include \"a.h\"\nimport \"C\"\n", false);
        check("/*\n#include <stdlib.h>\n*/\nimport \"C\"\n", false);
        check("// #cgo LDFLAGS: -lm\nimport \"C\"\n", false);
        check("// #include \"../a.h\"\nimport \"C\"\n", true);
        check("// #cgo CFLAGS: -Illama.cpp\nimport \"C\"\n", true);
        check("// #cgo pkg-config: libgit2\nimport \"C\"\n", true);
        check("// #include \"../a.h\"\nimport \"fmt\"\n", false);
        check("import \"C\"\n// #include \"../a.h\"\n", false);
    }
}
