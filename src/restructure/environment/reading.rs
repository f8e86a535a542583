//! What of its environment a RUN reads, as far as its programs and the files that they come upon show it.

use super::super::layout::{Place, mentioned, parent};
use super::super::legality::missing_sources;
use super::super::mentions::{holds, mentions};
use super::super::named::called_with;
use super::super::passed::is_about_images;
use super::super::present::present;
use super::super::run_text::run_text;
use super::super::tool_variables::{beginnings, is_of_one};
use super::super::touched::as_seen;
use super::super::view::View;
use super::program::{Program, program};
use super::scripts::{called, functions, runs_some};
use super::variables::{
    always, by_builds, by_fetchers, by_files, by_msbuild, by_system, by_tools, is_general,
};
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::shell::{self, Script, Seen};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// How deep scripts that call scripts are followed.
const MOST_DEEP: usize = 3;
/// So much of a command is shown (characters).
const MOST_SHOWN: usize = 40;

/// Whether a RUN reads one of some variables that its text does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::restructure) enum Reading {
    /// None: each of its programs is known not to.
    None,
    /// Nothing shows that it does; what is in doubt, to go on after "check that ".
    InDoubt(Doubt),
    /// It does, or likely does.
    Some,
}

/// Why it is in doubt whether a RUN reads a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::restructure) enum Doubt {
    /// This command is not known well enough.
    Command(String),
    /// This file holds this word.
    File(RepoPath, String),
    /// Not every file could be read.
    Unseen,
}

/// A RUN, and the variables that are asked about.
struct Asked<'a> {
    view: &'a View<'a>,
    stage: usize,
    names: &'a BTreeSet<String>,
    /// The files that it can come upon; `None`: any.
    present: Option<BTreeSet<RepoPath>>,
    /// Whether each file that a COPY names was found.
    is_whole: bool,
}

/// Whether the RUN at `(stage, index)` reads one of `names`. `places` are those of all stages.
pub(in crate::restructure) fn reading(
    view: &View<'_>,
    places: &[Vec<Place>],
    (stage, index): (usize, usize),
    names: &BTreeSet<String>,
) -> Reading {
    let instruction = &view.dockerfile.stages[stage].instructions[index];
    let words = without_shell(instruction);
    let run = match &words {
        Some(text) => Some((shell::parse(text), text.as_str())),
        None => run_text(view, instruction).map(|run| (run.script, run.text)),
    };
    reading_of(view, places, (stage, index), names, (instruction, run))
}

/// As [`reading`], of a part of that RUN, as an instruction of its own.
pub(in crate::restructure) fn reading_of_part(
    view: &View<'_>,
    places: &[Vec<Place>],
    at: (usize, usize),
    names: &BTreeSet<String>,
    part: &Instruction,
) -> Reading {
    let text = part.shell_text().map(|text| (shell::parse(text), text));
    reading_of(view, places, at, names, (part, text))
}

/// Whether the programs of a shell's text read one of `names` by themselves, whatever files they come upon, in `stage`.
pub(in crate::restructure) fn reading_of_programs(
    view: &View<'_>,
    stage: usize,
    names: &BTreeSet<String>,
    text: &str,
) -> Reading {
    let asked = Asked {
        view,
        stage,
        names,
        present: None,
        is_whole: true,
    };
    let mut programs = Vec::new();
    asked.programs(&shell::parse(text), text, 0, &mut programs);
    asked.worst(&programs)
}

/// A RUN without a shell as one would say it, where no word means something else to a shell.
fn without_shell(instruction: &Instruction) -> Option<String> {
    let Kind::Run(run) = &instruction.kind else {
        return None;
    };
    let Command::Exec(words) = &run.command else {
        return None;
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+".contains(c);
    let is_word = |w: &String| !w.is_empty() && w.chars().all(is_plain);
    words.iter().all(is_word).then(|| words.join(" "))
}

fn reading_of(
    view: &View<'_>,
    places: &[Vec<Place>],
    (stage, index): (usize, usize),
    names: &BTreeSet<String>,
    (instruction, run): (&Instruction, Option<(Script, &str)>),
) -> Reading {
    if texts(view.dockerfile, instruction)
        .any(|text| names.iter().any(|n| holds(text.as_bytes(), n.as_bytes())))
    {
        return Reading::Some;
    }
    let (present, is_whole) = files_there(view, places, (stage, index));
    let asked = Asked {
        view,
        stage,
        names,
        present,
        is_whole,
    };
    let mut programs = Vec::new();
    match run {
        Some((script, text)) => asked.programs(&script, text, 0, &mut programs),
        None => programs.push((Program::Unknown, shown(&instruction.with_bodies()))),
    }
    let worst = asked.worst(&programs);
    if worst == Reading::Some {
        return worst;
    }
    let looks = |p: &Program| {
        !matches!(
            p,
            Program::Files
                | Program::System
                | Program::Fetcher
                | Program::Tool
                | Program::Compiled
                | Program::Cook
        )
    };
    if !programs.iter().any(|(p, _)| looks(p)) {
        return worst;
    }
    match asked.in_files(
        instruction,
        programs.iter().any(|(p, _)| *p == Program::Unknown),
    ) {
        Reading::None => worst,
        found => found,
    }
}

/// The files that a RUN can come upon, and whether those are all. A file that COPY names and that is not where it should be
/// is looked for elsewhere: the context may be another one.
fn files_there(
    view: &View<'_>,
    places: &[Vec<Place>],
    (stage, index): (usize, usize),
) -> (Option<BTreeSet<RepoPath>>, bool) {
    let Some(mut there) = present(view, places, stage, index) else {
        return (None, true);
    };
    let mut is_whole = true;
    for missing in missing_sources(view) {
        let name = format!("/{}", missing.trim_matches(['.', '/']));
        let is_it = |path: &&RepoPath| {
            let text = path.to_string();
            let end = text.find(&name).map(|at| at + name.len());
            end.is_some_and(|end| end == text.len() || text[end..].starts_with('/'))
        };
        let before = there.len();
        there.extend(view.files.iter().map(|(p, _)| p).filter(is_it).cloned());
        is_whole &= there.len() > before;
    }
    (Some(there), is_whole)
}

/// The texts that a RUN is made of, and those of files that stand in the Dockerfile.
fn texts<'a>(dockerfile: &'a Dockerfile, run: &'a Instruction) -> impl Iterator<Item = &'a str> {
    let copied = dockerfile.instructions();
    let copied = copied.filter(|i| matches!(i.kind, Kind::Copy(_) | Kind::Add(_)));
    copied
        .chain([run])
        .flat_map(|i| i.heredocs.iter().map(|h| h.content.as_str()))
        .chain([run.original.as_str()])
}

impl Asked<'_> {
    fn is_there(&self, path: &RepoPath) -> bool {
        self.present.as_ref().is_none_or(|all| all.contains(path))
    }

    /// Every program of a script and of the scripts that it calls, with the command's words.
    fn programs(
        &self,
        script: &Script,
        text: &str,
        depth: usize,
        out: &mut Vec<(Program, String)>,
    ) {
        if !script.is_complete {
            out.push((Program::Unknown, shown(text)));
        }
        let own = functions(text);
        let mut all = script.seen();
        let mut inner: Vec<&shell::Command> = script
            .commands
            .iter()
            .flat_map(|c| &c.substitutions)
            .collect();
        while let Some(command) = inner.pop() {
            all.push(as_seen(command));
            inner.extend(&command.substitutions);
        }
        let tools = beginnings(&all);
        if self.names.iter().any(|name| is_of_one(&tools, name)) {
            out.push((Program::Everything, shown(text)));
        }
        for (n, seen) in all.iter().enumerate() {
            if own.iter().any(|f| f == seen.name()) {
                continue;
            }
            let program = program(seen, n.checked_sub(1).map(|n| &all[n]));
            let word = match program {
                Program::Script(at) => seen.words.get(at),
                Program::Unknown => seen.words.first(),
                _ => None,
            };
            let is_there = |p: &RepoPath| self.is_there(p);
            match word
                .filter(|_| depth < MOST_DEEP)
                .and_then(|w| called(self.view, w, &is_there))
            {
                Some(text)
                    if self
                        .names
                        .iter()
                        .any(|n| holds(text.as_bytes(), n.as_bytes())) =>
                {
                    out.push((Program::Everything, in_words(seen)));
                }
                Some(text) => self.programs(&shell::parse(&text), &text, depth + 1, out),
                None if matches!(program, Program::Script(_)) => {
                    out.push((Program::Unknown, in_words(seen)))
                }
                None => out.push((program, in_words(seen))),
            }
        }
    }

    /// What one of them reads, whatever the files say.
    fn worst(&self, programs: &[(Program, String)]) -> Reading {
        let mut worst = Reading::None;
        for (program, command) in programs {
            match self.of_program(*program, command) {
                Reading::Some => return Reading::Some,
                found if worst == Reading::None => worst = found,
                _ => {}
            }
        }
        worst
    }

    /// What a program reads, whatever the files say.
    fn of_program(&self, program: Program, command: &str) -> Reading {
        let any = |reads: fn(&str) -> bool| self.names.iter().any(|n| reads(n));
        let is_there = |p: &RepoPath| self.is_there(p);
        let in_doubt = || Reading::InDoubt(Doubt::Command(command.to_owned()));
        let (reads, is_known): (fn(&str) -> bool, bool) = match program {
            Program::Everything => return Reading::Some,
            Program::Files => (by_files, true),
            Program::System => (by_system, true),
            Program::Fetcher => (by_fetchers, true),
            Program::Tool => (by_tools, true),
            Program::Compiled => (by_tools, !any(is_general)),
            Program::Cook => (by_builds, false),
            Program::Installer(manifests) => (by_tools, self.has_one(manifests)),
            Program::WithScripts(manifest) => {
                let is_known =
                    self.has_one(&[manifest]) && !runs_some(self.view, manifest, &is_there);
                (by_tools, is_known)
            }
            Program::Properties(_) if any(by_msbuild) => return Reading::Some,
            Program::Properties(builds) => (by_builds, !builds),
            Program::Script(_) | Program::Unknown => (by_builds, false),
        };
        let of_target = |n: &str| n.starts_with("TARGET") && command.starts_with("xx-");
        if any(always) || any(reads) || self.names.iter().any(|n| of_target(n)) {
            return Reading::Some;
        }
        match is_known {
            true => Reading::None,
            false if matches!(program, Program::Compiled | Program::Cook) => in_doubt(),
            false if self.names.iter().any(|n| self.has_no_reader(n)) => Reading::Some,
            false => in_doubt(),
        }
    }

    /// Whether a file of one of these names, or endings, is there.
    fn has_one(&self, names: &[&str]) -> bool {
        let mut files = self.view.files.iter().map(|(p, _)| p);
        files.any(|p| {
            let is_one = |file: &[u8]| {
                names.iter().any(|n| {
                    file == n.as_bytes() || (n.starts_with('.') && file.ends_with(n.as_bytes()))
                })
            };
            p.file_name().is_some_and(is_one) && self.is_there(p)
        })
    }

    /// Whether no text says who reads `name`, here or in a stage that builds on this one: then a program takes it from its
    /// environment.
    fn has_no_reader(&self, name: &str) -> bool {
        let dockerfile = self.view.dockerfile;
        let is_below = |stage: usize| {
            let mut at = Some(stage);
            while let Some(stage) = at.filter(|s| *s != self.stage) {
                at = parent(dockerfile, stage);
            }
            at.is_some()
        };
        let reads = |i: &Instruction| match &i.kind {
            Kind::Arg(items) => {
                items.iter().all(|item| item.name != name) && mentioned(&i.original).contains(name)
            }
            Kind::Env(pairs) => {
                pairs.iter().all(|p| p.name != name) && mentioned(&i.original).contains(name)
            }
            _ => holds(i.with_bodies().as_bytes(), name.as_bytes()),
        };
        let stages = dockerfile.stages.iter().filter(|s| is_below(s.index));
        let mut instructions = stages.flat_map(|s| &s.instructions);
        let is_in_text = instructions.any(reads);
        let files = || {
            mentions(self.view, &[name], |p| {
                *p != *self.view.path && !is_about_images(p) && !is_prose(p)
            })
        };
        !is_in_text && files().found.is_empty()
    }

    /// Whether a file that the RUN can come upon holds one of the names.
    fn in_files(&self, instruction: &Instruction, builds: bool) -> Reading {
        let words: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let text = instruction.with_bodies();
        if let Some(there) = &self.present
            && called_with(self.view, there, &text, &words).is_some()
        {
            return Reading::Some;
        }
        let found = mentions(self.view, &words, |p| {
            *p != *self.view.path && !is_about_images(p) && !is_prose(p) && self.is_there(p)
        });
        // A general name such as VERSION is everywhere; a specific one that a file mentions is likely read.
        let likely = |(path, word): &&(RepoPath, String)| {
            word.contains('_') || (builds && is_of_build(path))
        };
        if found.found.iter().any(|f| likely(&f)) {
            return Reading::Some;
        }
        if let Some((path, word)) = found.found.into_iter().next() {
            return Reading::InDoubt(Doubt::File(path, word));
        }
        match found.is_complete && self.is_whole {
            true => Reading::None,
            false => Reading::InDoubt(Doubt::Unseen),
        }
    }
}

/// A command's words, as far as they are shown.
fn in_words(seen: &Seen) -> String {
    shown(&seen.words.join(" "))
}

/// The beginning of a text, in one line.
fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST_SHOWN) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line,
    }
}

/// Files that no step reads as what they are: prose, settings of forges, other Dockerfiles.
fn is_prose(path: &RepoPath) -> bool {
    let text = path.to_string().to_lowercase();
    let name = text.rsplit('/').next().unwrap_or(&text);
    text.ends_with(".md")
        || text.ends_with(".rst")
        || text.starts_with(".github/")
        || text.starts_with(".gitlab")
        || text.ends_with(".dockerignore")
        || text.ends_with("dockerfile")
        || name.starts_with("dockerfile")
        || text.starts_with("docs/")
}

/// Files that say how a project is built.
fn is_of_build(path: &RepoPath) -> bool {
    let text = path.to_string().to_lowercase();
    let name = text.rsplit('/').next().unwrap_or(&text);
    let names = [
        "build.rs",
        "build.sbt",
        "build.xml",
        "build.zig",
        "cmakelists.txt",
        "gnumakefile",
        "justfile",
        "magefile.go",
        "makefile",
        "meson.build",
        "mix.exs",
        "package.json",
        "package.swift",
        "pom.xml",
        "rakefile",
        "setup.py",
        "taskfile.yml",
    ];
    let ends = [
        ".cmake",
        ".csproj",
        ".fsproj",
        ".gradle",
        ".gradle.kts",
        ".mk",
        ".props",
        ".sh",
        ".targets",
    ];
    names.contains(&name)
        || ends.iter().any(|e| name.ends_with(e))
        || name.contains(".config.")
        || name.starts_with("configure")
        || name.starts_with("webpack")
        || name.starts_with("gulpfile")
}
