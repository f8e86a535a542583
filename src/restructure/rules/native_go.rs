//! What a stage compiles with Go, and how it compiles it for another machine. Source: `go help environment`, go.dev/wiki/WindowsCrossCompiling.

use super::super::candidate::{Candidate, TextEdit};
use super::super::installs::StageView;
use super::super::layout::{absolute, is_within};
use super::super::platforms::emulated_by;
use super::super::run_text::run_text;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use crate::shell::{Command, Seen};
use std::collections::BTreeSet;

/// Words by which a stage depends on the machine that it runs on, or on one that they name.
const OF_A_MACHINE: &[&str] = &[
    "-buildmode",
    "-race",
    "CGO_ENABLED 1",
    "CGO_ENABLED=1",
    "dpkg --print-architecture",
    "uname",
    "xx-",
];
/// C compilers, which are installed to be used.
const C_COMPILERS: &[&str] = &[
    "build-base",
    "build-essential",
    "clang",
    "g++",
    "gcc",
    "musl-dev",
];
/// The variables that name a machine to Go, and BuildKit's that name the one that is built for.
const MACHINE: [(&str, &str); 2] = [("GOOS", "TARGETOS"), ("GOARCH", "TARGETARCH")];

/// Whether a stage speaks of a machine in a way that is not followed here.
pub(super) fn names_a_machine(stage: &Stage) -> bool {
    let of_a_target = |i: &Instruction| {
        let sets = MACHINE.iter().any(|(name, _)| i.original.contains(name));
        i.keyword != "ARG" && i.original.contains("TARGET") && !sets
    };
    let says = |i: &Instruction| OF_A_MACHINE.iter().any(|w| i.original.contains(w));
    let needs_c = |i: &Instruction| {
        i.original
            .split_whitespace()
            .any(|w| C_COMPILERS.contains(&w))
    };
    let mut all = stage.instructions.iter();
    all.any(|i| says(i) || of_a_target(i) || needs_c(i) && !is_without_c(stage))
}

/// Whether the stage says that Go leaves C out.
fn is_without_c(stage: &Stage) -> bool {
    let words = ["CGO_ENABLED=0", "CGO_ENABLED 0", "CGO_ENABLED=\"0\""];
    let mut all = stage.instructions.iter();
    all.any(|i| words.iter().any(|w| i.original.contains(w)))
}

/// Whether a command compiles with Go, or may.
pub(super) fn is_compiler(command: &Seen) -> bool {
    is_go_build(command) || is_make(command)
}

fn is_go_build(command: &Seen) -> bool {
    command.name() == "go" && command.subcommand() == "build"
}

fn is_make(command: &Seen) -> bool {
    matches!(command.name(), "gmake" | "make")
}

/// The commands of a stage that compile what is taken out of it.
pub(super) struct CrossCompiled<'s, 'v> {
    of: &'s StageView<'v>,
    /// RUN and command.
    commands: BTreeSet<(usize, usize)>,
    /// Those behind a `make`.
    made: bool,
}

impl<'s, 'v> CrossCompiled<'s, 'v> {
    pub(super) fn of(of: &'s StageView<'v>) -> Self {
        Self {
            of,
            commands: BTreeSet::new(),
            made: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Whether one of the stage's commands compiles `path`, which is taken out of it; it is then remembered.
    pub(super) fn takes(&mut self, commands: &[(usize, Seen)], path: &str) -> bool {
        let compiles = |(run, s): &&(usize, Seen)| match is_go_build(s) {
            true => self.writes(*run, s, path),
            false => is_make(s) && self.makes(*run, s, path),
        };
        let Some((run, command)) = commands.iter().find(compiles) else {
            return false;
        };
        self.made |= is_make(command);
        self.commands.insert((*run, command.command));
        true
    }

    /// Whether a `go build` writes `path`.
    fn writes(&self, run: usize, command: &Seen, path: &str) -> bool {
        let Some(cwd) = self.directory(run, command) else {
            return false;
        };
        let mut words = command.words.iter();
        let out = match words.find_map(|w| w.strip_prefix("-o")) {
            Some("") => words.next().map(String::as_str),
            Some(joined) => Some(joined.trim_start_matches('=')),
            None => None,
        };
        match out {
            Some(out) if out.contains('$') => false,
            Some(out) => absolute(Some(&cwd), out).is_some_and(|written| {
                written.trim_end_matches('/') == path
                    || out.ends_with('/') && is_within(path, &written)
            }),
            // Module or package give it its name.
            None => path.rsplit_once('/').is_some_and(|(folder, name)| {
                folder == cwd.trim_end_matches('/') && !name.contains('.')
            }),
        }
    }

    /// Whether a `make` whose recipes are known to compile with Go, and to run nothing of the project, may write `path`.
    fn makes(&self, run: usize, command: &Seen, path: &str) -> bool {
        let behind = self.of.commands_behind(run);
        let go = |sub: &str| {
            behind
                .iter()
                .any(|w| w.starts_with(&["go".to_owned(), sub.to_owned()]))
        };
        let image = self.of.image_at(self.of.stage.instructions.len());
        let cwd = self.directory(run, command);
        go("build")
            && !go("generate")
            && !go("run")
            && cwd.is_some_and(|cwd| is_within(path, &cwd) && path != cwd)
            && !image.contains_key(path)
    }

    fn directory(&self, run: usize, command: &Seen) -> Option<String> {
        let beside = command.directory.as_deref().unwrap_or_default();
        absolute(Some(self.of.cwd(run)), beside)
    }

    /// Has the commands compile for the platform that is built for. Gives what shows that they do, and what to check;
    /// `None` where they are told of a machine in another way.
    pub(super) fn write(&self, candidate: &mut Candidate) -> Option<(Vec<String>, Vec<String>)> {
        let stage = self.of.stage;
        let Some((first, _)) = self.commands.first() else {
            return Some((Vec::new(), Vec::new()));
        };
        let mut wanted = BTreeSet::new();
        for &(run, command) in &self.commands {
            let instruction = &stage.instructions[run];
            let raw = run_text(self.of.view, instruction)?;
            let command = raw.script.commands.get(command)?;
            let program = command.words.first()?;
            if !matches!(program.text.as_str(), "gmake" | "go" | "make") {
                return None;
            }
            let mut said = String::new();
            for (name, platform) in MACHINE {
                match told(stage, run, command, name, platform) {
                    Told::Here => {
                        wanted.insert(platform);
                    }
                    Told::Nowhere => {
                        wanted.insert(platform);
                        said.extend([name, "=$", platform, " "]);
                    }
                    Told::Linux => {}
                    Told::Otherwise => return None,
                }
            }
            if !said.is_empty() {
                let at = raw.start + program.span.start;
                candidate.edits.push(TextEdit::insert(at, said));
                candidate.lines.push(instruction.lines);
            }
        }
        let is_declared = |name: &&str| {
            let mut above = stage.instructions[..*first].iter();
            above.any(
                |i| matches!(&i.kind, Kind::Arg(items) if items.iter().any(|a| a.name == **name)),
            )
        };
        let missing = wanted.iter().rev().filter(|name| !is_declared(name));
        let declared: String = missing.map(|name| format!("ARG {name}\n")).collect();
        if !declared.is_empty() {
            let at = stage.instructions[*first].span.start;
            candidate.edits.push(TextEdit::insert(at, declared));
        }
        Some((self.reasons(), self.doubts()))
    }

    fn reasons(&self) -> Vec<String> {
        vec![
            "Go compiles for the machine that GOOS and GOARCH name, whichever it runs on"
                .to_owned(),
        ]
    }

    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.made {
            doubts.push(
                "check that make hands GOOS and GOARCH on, and runs nothing that it compiled"
                    .to_owned(),
            );
        }
        if !is_without_c(self.of.stage) {
            doubts.push("check that nothing needs cgo: Go leaves C out when it compiles for another machine".to_owned());
        }
        if emulated_by(self.of.view).is_some_and(|(platform, _)| platform.starts_with("linux/arm/"))
        {
            doubts.push(
                "check that GOARM's default suits the machines that it is built for".to_owned(),
            );
        }
        doubts
    }
}

/// Where Go is told of a machine.
enum Told {
    /// By BuildKit's variable.
    Here,
    /// It is told of Linux, which is what images are for.
    Linux,
    Nowhere,
    /// In a way that is not followed.
    Otherwise,
}

/// How RUN `run` and its command are told of `name`.
fn told(stage: &Stage, run: usize, command: &Command, name: &str, platform: &str) -> Told {
    let of = |value: &str| {
        let inner = value.trim_matches(['$', '{', '}', '"']);
        match inner.split(':').next() {
            Some(variable) if variable == platform && value.contains('$') => Told::Here,
            _ if value == "linux" && name == "GOOS" => Told::Linux,
            _ => Told::Otherwise,
        }
    };
    if let Some(own) = command.assignments.iter().rev().find(|a| a.name == name) {
        return of(&own.value);
    }
    let text = &stage.instructions[run].original;
    if text.contains(name) {
        return match text.split(&format!("export {name}=")).nth(1) {
            Some(rest) => of(rest.split([' ', ';', '&']).next().unwrap_or_default()),
            None => Told::Otherwise,
        };
    }
    let above = stage.instructions[..run].iter().rev();
    let mut set = above.filter_map(|i| match &i.kind {
        Kind::Env(pairs) => pairs.iter().rev().find(|p| p.name == name),
        _ => None,
    });
    set.next().map_or(Told::Nowhere, |pair| of(&pair.value))
}
