//! One RUN, read: its commands with the files of the context that stand where they run.

use super::super::layout::{absolute, brings_files, expand, is_within, mentioned, overlap};
use super::super::run_text::{RunText, run_text};
use super::super::touched::is_piped_installer;
use super::place::{
    below, bound, is_system_directory, mounts, python_of_base, reaches_out, root_of,
};
use super::stage::StageView;
use super::written;
use super::{Action, Brought, Install};
use crate::dockerfile::ast::{Command, Instruction, Kind};
use crate::ecosystem::{self, Answer, Call, Files, Needs};
use crate::shell::{self, Connector, Piece, Script, Seen};
use crate::tree::{FileKind, FileStamp, ObjectId, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// One RUN, read.
pub(super) struct Read<'a> {
    pub(super) of: &'a StageView<'a>,
    pub(super) run: usize,
    /// Where the shell text begins in the Dockerfile.
    pub(super) start: usize,
    pub(super) text: &'a str,
    pub(super) script: Script,
    pub(super) seen: Vec<Seen>,
    /// Where its mounts stand that are no part of the layer, absolute.
    pub(super) mounts: Vec<String>,
    /// The project's place in the image: paths are relative to it.
    pub(super) root: String,
    pub(super) files: Vec<(RepoPath, FileStamp)>,
    pub(super) origins: BTreeMap<RepoPath, RepoPath>,
    /// Files of the context that COPY has put where the root does not tell them from others, absolute: an entry point in
    /// `/usr/local/bin`.
    pub(super) elsewhere: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// Files of the project's place that the RUN itself writes and the context does not have.
    pub(super) made: BTreeSet<RepoPath>,
}

impl<'a> Read<'a> {
    pub(super) fn new(
        of: &'a StageView<'a>,
        run: usize,
        instruction: &'a Instruction,
    ) -> Option<Self> {
        // A file of the context that a mount brings is another place to read from; that is another rule's business.
        if brings_files(instruction) {
            return None;
        }
        Self::despite_mounts(of, run, instruction)
    }

    /// As [`Self::new`], with what mounts bring of the context in its place.
    pub(super) fn despite_mounts(
        of: &'a StageView<'a>,
        run: usize,
        instruction: &'a Instruction,
    ) -> Option<Self> {
        Self::over(of, run, instruction, of.image_at(run))
    }

    /// As [`Self::despite_mounts`], with what comes out of other stages as the context has it: one of them may have
    /// changed it.
    pub(super) fn with_handed(
        of: &'a StageView<'a>,
        run: usize,
        instruction: &'a Instruction,
    ) -> Option<Self> {
        let mut image = of.handed(run);
        image.extend(of.image_at(run));
        Self::over(of, run, instruction, image)
    }

    fn over(
        of: &'a StageView<'a>,
        run: usize,
        instruction: &'a Instruction,
        mut image: BTreeMap<String, Brought>,
    ) -> Option<Self> {
        let Kind::Run(kind) = &instruction.kind else {
            return None;
        };
        let RunText {
            start,
            text,
            script,
        } = match &kind.command {
            Command::Exec(words) => without_shell(instruction, words)?,
            Command::Shell(_) => run_text(of.view, instruction)?,
        };
        let cwd = of.cwd(run);
        let mut root = root_of(of, run, cwd);
        for (target, files) in bound(of.view, instruction, &of.places[run]) {
            if target != "/" && is_within(&root, &target) {
                root.clone_from(&target);
            }
            image.retain(|to, _| !is_within(to, &target));
            let by_mount = |from| Brought { from, by: None };
            image.extend(files.into_iter().map(|(to, from)| (to, by_mount(from))));
        }
        if reaches_out(&script, &image, &root, &of.places[run]) {
            "/".clone_into(&mut root);
        }
        let mut origins = BTreeMap::new();
        let mut files = Vec::new();
        let mut elsewhere = Vec::new();
        for (to, brought) in &image {
            let rest = below(to, &root);
            if rest.is_none() || root == "/" {
                elsewhere.push(to.clone());
            }
            let Some(rest) = rest else { continue };
            let Ok(at) = of
                .view
                .files
                .binary_search_by(|(p, _)| p.cmp(&brought.from))
            else {
                continue;
            };
            files.push((rest.clone(), of.view.files[at].1));
            origins.insert(rest, brought.from.clone());
        }
        files.sort();
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &of.places[run].variables {
            env.extend(value.clone().map(|v| (name.clone(), v)));
        }
        // The official image sets it.
        if let Some(version) = python_of_base(of.view, of.stage.index) {
            env.entry("PYTHON_VERSION".to_owned()).or_insert(version);
        }
        let variables = &of.places[run].variables;
        let seen = script.seen_with(&|word| {
            let is_told = mentioned(word).iter().all(|name| !script.may_set(name));
            expand(word, variables).filter(|_| is_told)
        });
        let mut read = Self {
            of,
            run,
            start,
            text,
            script,
            seen,
            mounts: mounts(instruction, &of.places[run]),
            root,
            files,
            origins,
            elsewhere,
            env,
            made: BTreeSet::new(),
        };
        read.made = made(&read);
        let written = written::sources(of, run);
        let written = written.iter().filter_map(|path| below(path, &read.root));
        let is_new = |path: &RepoPath| !read.files.iter().any(|(p, _)| p == path);
        read.made.extend(written.filter(is_new));
        for path in &read.made {
            let kind = FileKind::Regular;
            let id = ObjectId::from_bytes(&[0; 20]);
            read.files
                .extend(id.map(|id| (path.clone(), FileStamp { kind, id })));
        }
        read.files.sort();
        Some(read)
    }

    /// Asks `question` about a command as it stands there.
    pub(super) fn with_call<T>(
        &self,
        seen: &Seen,
        question: impl FnOnce(&Call<'_>) -> T,
    ) -> Option<T> {
        let here = self.place_of(seen)?;
        let dir = below(&here, &self.root)?;
        let read = |path: &RepoPath| match self.made.contains(path) {
            true => Some(Vec::new()),
            false => (self.of.view.read)(self.origins.get(path)?),
        };
        let mut env = self.env.clone();
        env.extend(seen.assignments.iter().cloned());
        let mut words = self.as_written(seen);
        self.without_chosen(seen, &mut words);
        Some(question(&Call {
            words: &words,
            env: &env,
            files: Files::new(&self.files, &read),
            dir: &dir,
            root: &self.root,
        }))
    }

    pub(super) fn ask(&self, seen: &Seen) -> Option<Answer> {
        let answer = self.with_call(seen, ecosystem::plan)??;
        let (Answer::Plan(plan), Some(runner)) = (&answer, self.runner(seen)) else {
            return Some(answer);
        };
        Some(Answer::Whole {
            ecosystem: plan.ecosystem,
            reason: format!("{runner} runs it with what an earlier step has installed"),
        })
    }

    /// What a command is run with, where that itself has to be installed for the project: `bundle exec`, `poetry run`.
    fn runner(&self, seen: &Seen) -> Option<&str> {
        let command = self.script.commands.get(seen.command)?;
        let first = command.name();
        let is_runner = matches!(first, "bundle" | "pdm" | "pipenv" | "poetry" | "rye");
        (is_runner && first != seen.name()).then_some(first)
    }

    /// Whether a mount lies over what a command that resolves dependencies makes.
    pub(super) fn is_hidden(&self, seen: &Seen) -> bool {
        let (false, Some(answer)) = (self.mounts.is_empty(), self.ask(seen)) else {
            return false;
        };
        let (Answer::Plan(ecosystem::Plan { ecosystem, .. }) | Answer::Whole { ecosystem, .. }) =
            answer;
        let here = self.place_of(seen);
        here.is_some_and(|here| {
            let asked =
                |call: &Call<'_>| ecosystem::is_hidden(ecosystem, call, &here, &self.mounts);
            self.with_call(seen, asked) == Some(true)
        })
    }

    /// The words, the program with its directory as written (`./mvnw`).
    pub(super) fn as_written(&self, seen: &Seen) -> Vec<String> {
        let mut words = seen.words.clone();
        let written = self.script.commands.get(seen.command).map(|c| &c.words);
        let end = format!("/{}", seen.name());
        // What wraps a command stands before it.
        let program = written.and_then(|all| all.get(all.len().checked_sub(words.len())?));
        let program = program.map(|w| &w.text).filter(|t| t.ends_with(&end));
        if let (Some(first), Some(program)) = (words.first_mut(), program) {
            first.clone_from(program);
        }
        words
    }

    pub(super) fn seen_of(&self, piece: usize) -> impl Iterator<Item = &Seen> {
        let (from, to) = self.script.pieces[piece].commands;
        self.seen
            .iter()
            .filter(move |s| (from..to).contains(&s.command))
    }

    /// Whether a piece reads nothing of the project.
    pub(super) fn is_free(&self, piece: usize) -> bool {
        let all: Vec<&Seen> = self.seen_of(piece).collect();
        let before = |n: usize| all.get(n.checked_sub(1)?);
        self.is_plain(piece)
            && all.iter().enumerate().all(|(n, &seen)| {
                self.removes_own(seen)
                    || !self.names_the_project(seen)
                        && (is_quiet(seen)
                            || (matches!(seen.name(), "sh" | "bash")
                                && seen.connector == Connector::Pipe
                                && seen.args().iter().all(|a| a.starts_with('-')))
                            || before(n).is_some_and(|fetch| installs_for_all(fetch, seen))
                            || self.with_call(seen, ecosystem::reads_no_project) == Some(true)
                            || (self.handles_others(seen) && self.are_made(seen)))
                    || self.makes_environment(seen)
            })
    }

    /// Whether a piece writes to no file of the context, and what it puts in of other commands' output reads none.
    pub(super) fn is_plain(&self, piece: usize) -> bool {
        let commands = self.script.commands_of(&self.script.pieces[piece]);
        commands.iter().enumerate().all(|(n, c)| {
            let writes = c.redirections.iter().all(|r| {
                is_harmless_target(&r.target) || {
                    let at = self.script.pieces[piece].commands.0 + n;
                    let seen = self.seen.iter().find(|s| s.command == at);
                    let path = seen.and_then(|s| self.path_of(s, &r.target));
                    r.operator.contains('>') && path.is_some_and(|p| self.made.contains(&p))
                }
            });
            writes && c.substitutions.iter().all(|s| self.only_asks(s))
        })
    }

    /// Where a word of a command points to, in the project's place.
    pub(super) fn path_of(&self, seen: &Seen, word: &str) -> Option<RepoPath> {
        if word.contains(['$', '*', '?', '`', '~']) {
            return None;
        }
        let here = self.place_of(seen)?;
        below(&absolute(Some(&here), word)?, &self.root)
    }

    /// Whether a piece reads no other file of the project than `allowed` (absolute paths).
    pub(super) fn reads_only(&self, piece: usize, allowed: &BTreeSet<String>) -> bool {
        self.is_plain(piece)
            && self.seen_of(piece).all(|seen| {
                let is_free = is_quiet(seen)
                    || self.with_call(seen, ecosystem::reads_no_project) == Some(true);
                let place = |path: &RepoPath| absolute(Some(&self.root), &path.to_string());
                let is_allowed =
                    |path: &RepoPath| place(path).is_some_and(|path| allowed.contains(&path));
                (is_free && !self.names_the_project(seen))
                    || self
                        .tested(seen)
                        .is_some_and(|needs| needs.files.iter().all(is_allowed))
            })
    }

    /// Whether a command inside `$(…)` asks the system and reads no file of the project.
    pub(super) fn only_asks(&self, command: &shell::Command) -> bool {
        let file_name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let is_file = |word: &&str| {
            let name = file_name(word);
            self.files
                .iter()
                .any(|(path, _)| file_name(&path.to_string()) == name)
        };
        let is_test = matches!(command.name(), "[" | "test");
        (is_test || is_version_query(command) && !command.args().iter().any(is_file))
            && command
                .redirections
                .iter()
                .all(|r| is_harmless_target(&r.target))
            && command.substitutions.iter().all(|s| self.only_asks(s))
    }

    /// Whether one of the words is a path of the project's place, or holds it, or holds a file of the context elsewhere.
    pub(super) fn names_the_project(&self, seen: &Seen) -> bool {
        // Where it stands is known for each command; going there reads nothing.
        if matches!(seen.name(), "mkdir" | "cd") {
            return false;
        }
        seen.args().iter().any(|word| {
            let path = word.split(['*', '?', '$', '[']).next().unwrap_or_default();
            let place = path.trim_end_matches('/');
            let is_place = place.len() > 1 && place.starts_with('/');
            let is_of_root = if self.root == "/" {
                self.holds_files(place)
            } else {
                overlap(place, &self.root)
            };
            is_place && (is_of_root || self.elsewhere.iter().any(|f| is_within(f, place)))
        })
    }

    /// Whether files of the project lie at, below or above absolute `path`, or beside it in a directory of their own.
    pub(super) fn holds_files(&self, path: &str) -> bool {
        self.origins.keys().any(|file| {
            let file = format!("/{file}");
            let dir = file.rsplit_once('/').map_or("", |(dir, _)| dir);
            let is_own = dir.len() > 1 && !is_system_directory(dir);
            overlap(path, &file) || (is_own && overlap(path, dir))
        })
    }

    /// Whether commands before piece `start` write one of `files`.
    pub(super) fn is_written_before(&self, start: usize, files: &BTreeSet<RepoPath>) -> bool {
        let before = (0..start).flat_map(|n| self.seen_of(n));
        !written_by(self, before).is_disjoint(files)
    }

    pub(super) fn text_of(&self, piece: &Piece) -> &str {
        self.text.get(piece.span.range()).unwrap_or_default()
    }

    pub(super) fn place_of(&self, seen: &Seen) -> Option<String> {
        absolute(Some(self.of.cwd(self.run)), seen.directory.as_deref()?)
    }

    /// Where the files that are needed stand, absolute.
    pub(super) fn places_of(&self, needs: &Needs) -> BTreeSet<String> {
        let place = |path: &RepoPath| absolute(Some(&self.root), &path.to_string());
        needs.files.iter().filter_map(place).collect()
    }

    pub(super) fn install(
        &self,
        action: Action,
        ecosystems: Vec<&'static str>,
        needs: Needs,
        shown: String,
        dir: String,
    ) -> Install {
        let place =
            |path: &RepoPath| absolute(Some(&self.root), &path.to_string()).unwrap_or_default();
        Install {
            run: self.run,
            ecosystems,
            action,
            reads: needs.files.difference(&self.made).map(place).collect(),
            dirs: needs.dirs.iter().map(place).collect(),
            reasons: needs.reasons,
            doubts: needs.doubts,
            absent: needs.absent,
            made: needs.made.iter().map(place).collect(),
            shown,
            dir,
            programs: BTreeSet::new(),
            settings: BTreeSet::new(),
            is_hidden: false,
            line: String::new(),
            inserted: None,
            dropped: Vec::new(),
        }
    }
}

/// A RUN without a shell as one would say it, where no word means something else to a shell.
fn without_shell<'a>(instruction: &Instruction, words: &[String]) -> Option<RunText<'a>> {
    let is_odd = |c: char| !c.is_ascii_alphanumeric() && !"-_./=:,@%+".contains(c);
    if words.iter().any(|w| w.is_empty() || w.contains(is_odd)) {
        return None;
    }
    let script = shell::parse(&words.join(" "));
    (script.is_complete && !script.pieces.is_empty()).then_some(RunText {
        start: instruction.span.start,
        text: "",
        script,
    })
}

/// Commands that neither read nor write files: they may stand anywhere in a chain.
pub(in crate::restructure) fn is_quiet(seen: &Seen) -> bool {
    seen.is_quiet()
}

/// Commands whose effect later commands of the same shell see.
pub(super) fn is_carried(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "" | "cd" | "set" | "export" | "umask" | "." | "source" | "alias" | "unset" | "shopt"
    )
}

/// Redirections that touch no file of the project.
pub(super) fn is_harmless_target(target: &str) -> bool {
    target.starts_with("/dev/")
        || target.starts_with("/etc/")
        || target.starts_with("/tmp/")
        || target.starts_with("/usr/")
        || target.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Files that the RUN's commands write: where output is sent to, and what lists of requirements are exported to. One that
/// the context has too is none of them: the source would be put over it.
fn made(read: &Read<'_>) -> BTreeSet<RepoPath> {
    let mut made = written_by(read, read.seen.iter());
    made.retain(|path| !read.files.iter().any(|(p, _)| p == path));
    made
}

/// Files that some of the RUN's commands send output to, or export.
fn written_by<'a>(read: &Read<'_>, commands: impl Iterator<Item = &'a Seen>) -> BTreeSet<RepoPath> {
    let mut made = BTreeSet::new();
    for seen in commands {
        let command = read.script.commands.get(seen.command);
        let targets = command.into_iter().flat_map(|c| &c.redirections);
        let targets = targets.filter(|r| r.operator.contains('>') && !r.operator.contains('&'));
        let exported = read.with_call(seen, ecosystem::exports).flatten();
        let words: Vec<String> = targets.map(|r| r.target.clone()).chain(exported).collect();
        let here = read.path_of(seen, ".");
        // A directory of the source is there only with the source.
        let is_there = |dir: &RepoPath| {
            here.as_ref() == Some(dir)
                || !read
                    .files
                    .iter()
                    .any(|(p, _)| p.strip_prefix(dir).is_some())
        };
        let paths = words.iter().filter_map(|word| read.path_of(seen, word));
        made.extend(paths.filter(|p| is_there(&p.parent().unwrap_or_else(RepoPath::root))));
    }
    made
}

/// `$(node --version)`, `$(nproc)`, `$(uname -m)` and the like.
pub(super) fn is_version_query(command: &shell::Command) -> bool {
    let args = command.args();
    matches!(
        command.name(),
        "nproc"
            | "uname"
            | "arch"
            | "dpkg"
            | "date"
            | "id"
            | "lsb_release"
            | "getconf"
            | "hostname"
            | "which"
            | "awk"
            | "cut"
            | "tr"
            | "head"
            | "grep"
            | "sed"
            | "echo"
            | "true"
    ) || args
        .iter()
        .all(|a| matches!(*a, "--version" | "-v" | "-V" | "version"))
}

/// The first words of a command, for a title: no option without its value, no word cut while two are left.
pub(super) fn short(words: &[String]) -> String {
    let takes_more = |n: usize| {
        let is_value = words.get(n).is_some_and(|w| !w.starts_with('-'));
        let last = &words[n - 1];
        is_value && last.starts_with('-') && !last.contains('=')
    };
    let mut n = words.len().min(4);
    while n > 2 && (takes_more(n) || words[..n].join(" ").chars().count() > 48) {
        n -= 1;
    }
    // What it is asked to do stands behind many options.
    let says = |i: &usize| {
        let is_value = *i > 1 && words[i - 1].starts_with('-') && !words[i - 1].contains('=');
        !words[*i].starts_with('-') && !is_value
    };
    if !(1..n).any(|i| says(&i))
        && let Some(verb) = (n..words.len()).find(says)
    {
        return format!("{} … {}", words[0], words[verb]);
    }
    let mut shown = words[..n].join(" ");
    if shown.chars().count() > 48 {
        shown = shown.chars().take(45).collect::<String>() + "…";
    }
    shown
}

/// The first words of the first command of a line that does something, without what is set for it.
pub(super) fn short_line(line: &str) -> String {
    let script = shell::parse(line);
    let main = script.seen().into_iter().find(|s| !is_quiet(s));
    let command = main.and_then(|s| script.commands.get(s.command));
    let words = command.into_iter().flat_map(|c| &c.words);
    let words = words.map(|w| w.text.clone());
    let is_setting = |w: &String| w == "env" || w.contains('=');
    let words: Vec<String> = words.skip_while(is_setting).collect();
    match words.is_empty() {
        true => short(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ),
        false => short(&words),
    }
}

/// Whether a well known script, fetched and run at once, puts a tool where it is found: not into the project, as
/// Composer's does where it is told no place.
fn installs_for_all(fetch: &Seen, shell: &Seen) -> bool {
    let is_placed = |a: &String| a.starts_with("--install-dir=/");
    is_piped_installer(fetch, shell)
        && (shell.name() != "php" || shell.args().iter().any(is_placed))
}

#[cfg(test)]
mod tests {
    use super::short_line;

    #[test]
    fn a_title_begins_with_the_program() {
        let check = |line: &str, want: &str| assert_eq!(short_line(line), want, "{line}");
        check(
            "GOOS=linux CGO_ENABLED=0 go mod download",
            "go mod download",
        );
        check("cd ui && pnpm install", "pnpm install");
        check(
            "export A=1 && cd x && go mod download -x",
            "go mod download -x",
        );
        check(
            "poetry install --no-root --without dev",
            "poetry install --no-root",
        );
        check(
            "yarn install --frozen-lockfile",
            "yarn install --frozen-lockfile",
        );
        check("npm ci --omit=dev --prefix web", "npm ci --omit=dev");
        check(
            "/app/environment/bin/python-of-it -m pip install x",
            "/app/environment/bin/python-of-it -m pip install",
        );
    }
}
