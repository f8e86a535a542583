//! A stage that does everything, read: its commands, its files, and what it starts.

use super::super::command::compiles;
use super::super::installs::StageView;
use super::super::layout::{absolute, expand, unquote};
use super::super::sentence::abridged;
use super::super::view::View;
use super::packages::packages;
use crate::dockerfile::ast::{Command, Instruction, Kind, Stage};
use crate::shell::{self, Script, Seen};
use std::collections::BTreeSet;

/// The one stage of a Dockerfile.
pub(in super::super) struct Single<'a> {
    pub(in super::super) view: &'a View<'a>,
    pub(in super::super) of: &'a StageView<'a>,
    pub(in super::super) stage: &'a Stage,
    /// The base as FROM names it, and with variables expanded.
    pub(in super::super) written: &'a str,
    /// See `written`.
    pub(in super::super) image: String,
    /// The working directory that the image ends with.
    pub(in super::super) cwd: String,
    /// The words of what the image starts, ENTRYPOINT first.
    pub(in super::super) started: Vec<String>,
    /// Whether a shell starts it.
    pub(in super::super) by_shell: bool,
    /// The RUNs in shell form: position, text, commands.
    pub(in super::super) runs: Vec<(usize, Script, Vec<Seen>)>,
}

impl<'a> Single<'a> {
    /// Reads the only stage; `None` where the working directory or what is started is not known.
    pub(in super::super) fn new(of: &'a StageView<'a>) -> Option<Self> {
        let (view, stage) = (of.view, of.stage);
        let last = stage.instructions.len().checked_sub(1)?;
        let mut cwd = of.places.get(last)?.cwd.clone()?;
        if let Kind::Workdir(path) = &stage.instructions[last].kind {
            cwd = absolute(
                Some(&cwd),
                &expand(&unquote(path), &of.places[last].variables)?,
            )?;
        }
        if cwd == "/" || cwd.contains('(') {
            return None;
        }
        let (started, by_shell) = started(&stage.instructions)?;
        let runs = stage.instructions.iter().enumerate().filter_map(|(n, i)| {
            let script = shell::parse(i.shell_text().filter(|_| i.heredocs.is_empty())?);
            let seen = script.seen();
            Some((n, script, seen))
        });
        let written = stage.base().image.as_str();
        let globals = super::super::layout::globals(view.dockerfile);
        Some(Self {
            view,
            of,
            stage,
            written,
            image: expand(written, &globals)?,
            cwd,
            started,
            by_shell,
            runs: runs.collect(),
        })
    }

    /// The commands with the position of their RUN.
    pub(super) fn commands(&self) -> impl Iterator<Item = (usize, &Seen)> {
        self.runs
            .iter()
            .flat_map(|(n, _, seen)| seen.iter().map(move |s| (*n, s)))
    }

    /// Whether one of the programs `names` runs with an argument that begins with `verb`.
    pub(super) fn runs(&self, names: &[&str], verb: &str) -> Option<usize> {
        self.commands()
            .find(|(_, s)| {
                names.contains(&s.name()) && s.args().iter().any(|a| a.starts_with(verb))
            })
            .map(|(n, _)| n)
    }

    /// `path` from where command `seen` of RUN `run` stands.
    pub(super) fn at(&self, run: usize, seen: &Seen, path: &str) -> Option<String> {
        let here = absolute(
            self.of.places[run].cwd.as_deref(),
            seen.directory.as_deref()?,
        )?;
        absolute(Some(&here), path)
    }

    /// The last instruction that changes files.
    pub(super) fn last_work(&self) -> Option<usize> {
        self.stage
            .instructions
            .iter()
            .rposition(|i| matches!(i.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_)))
    }

    /// Whether the context brings something to absolute `path`, or below it.
    pub(super) fn is_from_context(&self, path: &str) -> bool {
        let image = self.of.image_at(self.stage.instructions.len());
        image
            .keys()
            .any(|to| super::super::layout::is_within(to, path))
    }

    /// What of the context stands in the working directory, by its first names.
    fn first_names(&self) -> BTreeSet<String> {
        let image = self.of.image_at(self.stage.instructions.len());
        let below = image.keys().filter_map(|to| {
            let rest = to.strip_prefix(&self.cwd)?.strip_prefix('/')?;
            rest.split('/').next().map(str::to_owned)
        });
        below.collect()
    }

    /// Files and folders of the source that programs read while they run, by their names, and what such files name:
    /// paths in the image.
    pub(super) fn read_while_running(&self) -> Vec<String> {
        let all = self.first_names();
        let mut names: BTreeSet<String> = all
            .iter()
            .filter(|n| READ_WHILE_RUNNING.contains(&n.as_str()))
            .cloned()
            .collect();
        let mut named = BTreeSet::new();
        for name in &names {
            named.extend(self.named_by(&format!("{}/{name}", self.cwd), &all));
        }
        names.extend(named);
        let paths = names.iter().filter_map(|n| absolute(Some(&self.cwd), n));
        paths.filter(|p| !self.is_removed(p)).collect()
    }

    /// What of the source in the working directory `files` leave behind: what sources open, folders, a handful, and how
    /// many more.
    pub(in super::super) fn left_behind(&self, files: &[(&'static str, String)]) -> Option<String> {
        let mut names = self.first_names();
        names.retain(|n| {
            let path = format!("{}/{n}", self.cwd);
            let is_taken = |f: &String| super::super::layout::overlap(f, &path);
            !files.iter().any(|(_, f)| is_taken(f)) && !self.is_removed(&path)
        });
        let opened = self.opened(&names);
        let mut left: Vec<String> = opened
            .iter()
            .map(|(name, by)| format!("{name} (which {by} names)"))
            .collect();
        let n_opened = left.len();
        left.extend(names.into_iter().filter(|n| {
            !opened.contains_key(n) && !NEVER_READ.contains(&n.as_str()) && !n.starts_with('.')
        }));
        let n_said = n_opened.max(4);
        (!left.is_empty()).then(|| abridged(&left, n_said))
    }

    /// The text of the context's file that stands at absolute `path`.
    pub(super) fn text_at(&self, path: &str) -> Option<String> {
        let image = self.of.image_at(self.stage.instructions.len());
        self.view.read_text(&image.get(path)?.from)
    }

    /// The value of a variable before instruction `at`.
    pub(super) fn variable(&self, at: usize, name: &str) -> Option<&str> {
        self.of.places.get(at)?.variables.get(name)?.as_deref()
    }

    /// The RUNs up to `split` that install system packages: those that the final stage needs too, those for building
    /// alone, and the names of what the latter leave out. `None` where one brings compilers beside what runs: then the
    /// image would hold them again.
    pub(super) fn system(&self, split: usize) -> Option<(Vec<usize>, Vec<usize>, Vec<String>)> {
        let (mut again, mut left, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (n, script, _) in self.runs.iter().filter(|(n, ..)| *n <= split) {
            match packages(script) {
                Some((tools, others)) if others.is_empty() => {
                    left.push(*n);
                    names.extend(tools);
                }
                Some((tools, _)) if tools.iter().any(|t| compiles(t)) => return None,
                Some(_) => again.push(*n),
                None => {}
            }
        }
        Some((again, left, names))
    }
}

/// Names of what programs open while they run, at the root of a project.
const READ_WHILE_RUNNING: &[&str] = &[
    ".sequelizerc",
    "assets",
    "config",
    "i18n",
    "knexfile.js",
    "locale",
    "locales",
    "migrations",
    "ormconfig.json",
    "prisma",
    "public",
    "resources",
    "static",
    "templates",
    "translations",
    "views",
];

/// Names of what no program opens while it runs.
const NEVER_READ: &[&str] = &[
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "go.mod",
    "go.sum",
    "package-lock.json",
    "pnpm-lock.yaml",
    "test",
    "tests",
    "tsconfig.json",
    "yarn.lock",
];

/// The words of what the image starts, and whether a shell does; `None` when nothing is said.
fn started(instructions: &[Instruction]) -> Option<(Vec<String>, bool)> {
    let mut entrypoint = Vec::new();
    let mut cmd = Vec::new();
    let mut by_shell = (false, false);
    for instruction in instructions {
        match &instruction.kind {
            Kind::Entrypoint(command) => (entrypoint, by_shell.0) = words(command)?,
            Kind::Cmd(command) => (cmd, by_shell.1) = words(command)?,
            _ => {}
        }
    }
    if by_shell.0 {
        // CMD is not passed to an ENTRYPOINT in shell form.
        cmd.clear();
    } else if by_shell.1 && !entrypoint.is_empty() {
        return None;
    }
    entrypoint.extend(cmd);
    (!entrypoint.is_empty()).then_some((entrypoint, by_shell.0 || by_shell.1))
}

fn words(command: &Command) -> Option<(Vec<String>, bool)> {
    match command {
        Command::Exec(words) => Some((words.clone(), false)),
        Command::Shell(text) => {
            let script = shell::parse(text);
            match script.seen().as_slice() {
                [one] if script.is_complete && !one.name().is_empty() => {
                    // The name as written, so that `./server` stays a path.
                    let mut words = one.words.clone();
                    let first = script.commands.first()?.words.first()?;
                    if first.text.ends_with(&format!("/{}", words[0])) {
                        words[0].clone_from(&first.text);
                    }
                    Some((words, true))
                }
                _ => None,
            }
        }
    }
}
