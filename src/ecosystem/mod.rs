//! Knowledge of package managers: what their commands do, which files an install reads, what resolves dependencies alone.
//!
//! [`plan`] takes one shell command, as words, with the directory it runs in and the files around it, and says whether
//! it resolves dependencies, from which files, and by which command that can be done before the source is there.
//! Manifests are read as what they are (JSON, TOML, XML, …), not searched for names.
//!
//! Never: reads files other than through [`Files`], runs anything, guesses silently.

mod behind;
mod bun;
mod bundler;
mod cargo;
mod cargo_chef;
mod clojure;
mod composer;
mod conan;
mod conda;
mod crystal;
mod dart;
mod deno;
mod exported;
mod files;
mod go;
mod go_build;
mod gradle;
mod haskell;
mod laid;
mod lifecycle;
mod listed;
mod make;
mod maven;
mod mix;
mod needs;
mod node;
mod npm;
mod nuget;
mod pip;
mod pip_tools;
mod pipenv;
mod pnpm;
mod poetry;
mod python;
mod python_project;
mod sbt;
mod setup_py;
mod swift;
mod system;
mod text;
mod uv;
mod yarn;

pub use cargo_chef::Recipe;
pub use cargo_chef::recipe;
pub use exported::exports;
pub use files::Files;
pub use files::matches_name;
pub use go_build::Reads;
pub use go_build::reads;
pub use laid::is_hidden;
pub use needs::Needs;
pub use node::is_global;
pub use system::is_system_install;
pub use system::reads_no_project;

use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// One command of a RUN, in its place.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Words after quotes are removed, without leading assignments; the first is the program.
    pub words: &'a [String],
    /// Environment at that place, as far as it is known: ENV, ARG defaults, assignments before the command.
    pub env: &'a BTreeMap<String, String>,
    /// The files of the context.
    pub files: Files<'a>,
    /// The directory of the context that stands at the command's working directory.
    pub dir: &'a RepoPath,
    /// The directory of the image, absolute, at which the root of `files` stands.
    pub root: &'a str,
}

impl Call<'_> {
    /// The program's name without directories: `/usr/bin/npm` is `npm`.
    pub fn program(&self) -> &str {
        let first = self.words.first().map_or("", String::as_str);
        first.rsplit('/').next().unwrap_or(first)
    }

    /// The words after the program.
    pub fn args(&self) -> &[String] {
        self.words.get(1..).unwrap_or(&[])
    }

    /// The first word after the program that is no option (options given before it that take a value are the
    /// caller's business).
    pub fn verb(&self) -> Option<&str> {
        self.args()
            .iter()
            .map(String::as_str)
            .find(|w| !w.starts_with('-'))
    }

    /// The same for a program that rustup stands in for: `+nightly` is not it.
    pub fn verb_after_toolchain(&self) -> Option<&str> {
        let words = self.args().iter().map(String::as_str);
        words.into_iter().find(|w| !w.starts_with(['-', '+']))
    }

    /// True when one of the words is `word`.
    pub fn has(&self, word: &str) -> bool {
        self.args().iter().any(|w| w == word)
    }

    /// The value of an option: `--name value`, `--name=value`, `-nvalue`.
    pub fn option(&self, names: &[&str]) -> Option<&str> {
        self.options(names).into_iter().next()
    }

    /// All values of an option that may be repeated.
    pub fn options(&self, names: &[&str]) -> Vec<&str> {
        let mut found = Vec::new();
        let mut words = self.args().iter().map(String::as_str);
        while let Some(word) = words.next() {
            for name in names {
                if word == *name {
                    found.extend(words.next());
                    break;
                }
                let Some(rest) = word.strip_prefix(name) else {
                    continue;
                };
                if let Some(value) = rest.strip_prefix('=') {
                    found.push(value);
                    break;
                }
                if name.len() == 2 && !rest.is_empty() {
                    found.push(rest);
                    break;
                }
            }
        }
        found
    }

    /// The words of the command line, quoted again where the shell needs it.
    pub fn line(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|w| text::quoted(w)).collect();
        words.join(" ")
    }

    /// True when every variable in `text` is set by ENV or ARG, and no command is run in it.
    pub fn knows(&self, text: &str) -> bool {
        !text.contains("$(")
            && !text.contains('`')
            && text.split('$').skip(1).all(|rest| {
                let rest = rest.strip_prefix('{').unwrap_or(rest);
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
                self.env.contains_key(&rest[..end])
            })
    }

    /// The path of `files` that a word means: relative to the working directory, or absolute in the image; variables are
    /// put in where they are known. `None` where it lies elsewhere or is not known.
    pub fn path(&self, word: &str) -> Option<RepoPath> {
        let word = self.expanded(word)?;
        if !word.starts_with('/') {
            return needs::within(self.dir, &word);
        }
        let root = self.root.trim_end_matches('/');
        let rest = word.strip_prefix(root)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        needs::within(&RepoPath::root(), rest.trim_start_matches('/'))
    }

    /// `text` with the values of `$NAME` and `${NAME}`; `None` where one is not known.
    fn expanded(&self, text: &str) -> Option<String> {
        let mut parts = text.split('$');
        let mut made = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = match part.strip_prefix('{') {
                Some(inner) => inner.split_once('}')?,
                None => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len()))
                }
            };
            made.push_str(self.env.get(name)?);
            made.push_str(rest);
        }
        Some(made)
    }

    /// The same call in another directory.
    pub fn at<'b>(&'b self, dir: &'b RepoPath) -> Call<'b> {
        Call { dir, ..*self }
    }
}

/// How dependencies can be resolved before the source is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The command does nothing else: it can stand above the source itself.
    Install,
    /// The command needs the source; this one, put above it, resolves the dependencies, and the command itself stays.
    Prefetch(String),
    /// As [`Self::Prefetch`], where the command itself looks elsewhere for what is there and would do it all again: it
    /// is given the option that keeps it from that.
    PrefetchThen {
        /// What goes above the source.
        line: String,
        /// What the command that stays is given after its verb.
        option: &'static str,
    },
}

/// What is known of one command that resolves dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The ecosystem's name.
    pub ecosystem: &'static str,
    /// Whether the command itself can be moved or another goes before it.
    pub role: Role,
    /// What the dependency-only command reads.
    pub needs: Needs,
}

/// The answer about one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It resolves dependencies, and this is how they can be resolved without the source.
    Plan(Plan),
    /// It resolves dependencies, but not without the source (or there is nothing to gain); the reason is a sentence's
    /// fragment.
    Whole {
        /// The ecosystem's name.
        ecosystem: &'static str,
        /// Why.
        reason: String,
    },
}

/// What an ecosystem says of a call: `None` when it is not its command.
type Verdict = Option<Result<(Role, Needs), String>>;

/// One package manager.
#[derive(Clone, Copy)]
pub struct Ecosystem {
    /// Its name in reports.
    pub name: &'static str,
    /// Says what a command is.
    plan: fn(&Call<'_>) -> Verdict,
    /// Where a command of this ecosystem keeps downloads that may be thrown away, if it is one.
    cache: fn(&Call<'_>) -> Option<CacheDir>,
}

/// A directory of downloads, or of compiled code, that a cache mount can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheDir {
    /// Path in the image; `~` stands for the home directory.
    pub path: &'static str,
    /// True when later steps read it in place (a module cache), so that every step that may read it needs the mount.
    pub is_read_later: bool,
    /// True when two builds at a time must not share it.
    pub is_exclusive: bool,
    /// True when it holds what a compiler made of earlier sources, not downloads.
    pub is_compiled: bool,
}

impl CacheDir {
    /// A cache that only the command itself reads.
    const fn of(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: false,
            is_exclusive: false,
            is_compiled: false,
        })
    }

    /// What a compiler keeps for the next time, and only itself reads.
    const fn compiled(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: false,
            is_exclusive: false,
            is_compiled: true,
        })
    }

    /// A cache that is at once the place where the build looks for its dependencies.
    const fn store(path: &'static str) -> Option<Self> {
        Some(Self {
            path,
            is_read_later: true,
            is_exclusive: false,
            is_compiled: false,
        })
    }
}

/// Every ecosystem; the first that knows a command answers.
pub const ALL: &[Ecosystem] = &[
    npm::ECOSYSTEM,
    yarn::ECOSYSTEM,
    pnpm::ECOSYSTEM,
    bun::ECOSYSTEM,
    pip::ECOSYSTEM,
    pip_tools::ECOSYSTEM,
    poetry::ECOSYSTEM,
    uv::ECOSYSTEM,
    pipenv::ECOSYSTEM,
    conda::ECOSYSTEM,
    maven::ECOSYSTEM,
    gradle::ECOSYSTEM,
    go::ECOSYSTEM,
    cargo::ECOSYSTEM,
    bundler::ECOSYSTEM,
    composer::ECOSYSTEM,
    nuget::ECOSYSTEM,
    mix::ECOSYSTEM,
    sbt::ECOSYSTEM,
    swift::ECOSYSTEM,
    dart::ECOSYSTEM,
    deno::ECOSYSTEM,
    conan::ECOSYSTEM,
    listed::DEP,
    listed::BOWER,
    listed::SHARDS,
    crystal::ECOSYSTEM,
    listed::NIMBLE,
    listed::GLEAM,
    listed::LEIN,
    clojure::ECOSYSTEM,
    listed::REBAR,
    listed::ZIG,
    listed::STACK,
    listed::CABAL,
    listed::PDM,
    listed::OPAM,
    listed::PERL,
    listed::RENV,
];

/// What is known of one command, or of the commands behind it; `None` when no ecosystem's command resolves dependencies
/// in it.
pub fn plan(call: &Call<'_>) -> Option<Answer> {
    let mut answer = ask(call).or_else(|| behind::plan(call))?;
    if let Answer::Plan(plan) = &mut answer {
        add_program(call, &mut plan.needs);
    }
    Some(answer)
}

/// The program itself, where it is a file of the project: `bin/dep`.
fn add_program(call: &Call<'_>, needs: &mut Needs) {
    let written = call.words.first().filter(|w| w.contains('/'));
    let Some(path) = written.and_then(|w| call.path(w)) else {
        return;
    };
    if !needs.files.contains(&path) && needs.file(&call.files, &path) {
        needs.doubt(format!(
            "check what else {path} reads, a program of the project"
        ));
    }
}

/// What the ecosystems say of one command.
fn ask(call: &Call<'_>) -> Option<Answer> {
    ALL.iter().find_map(|e| {
        Some(match (e.plan)(call)? {
            Ok((role, needs)) => Answer::Plan(Plan {
                ecosystem: e.name,
                role,
                needs,
            }),
            Err(reason) => Answer::Whole {
                ecosystem: e.name,
                reason,
            },
        })
    })
}

/// Where the command keeps downloads, with the ecosystem's name.
pub fn cache_dir(call: &Call<'_>) -> Option<(&'static str, CacheDir)> {
    ALL.iter().find_map(|e| Some((e.name, (e.cache)(call)?)))
}

#[cfg(test)]
mod tests;
