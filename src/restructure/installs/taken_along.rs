//! System packages that a chain installs for its installs and takes out again behind them: where what stays needs none of
//! them, they are taken out with the installs, and the rest of the chain does without.

use super::super::command::{Group, cleans_up, group_of, installs, removes};
use super::super::layout::{last_name, mentioned};
use super::super::mentions::holds;
use super::super::sentence::listed;
use super::read::{Read, is_carried, is_quiet};
use crate::dockerfile::Span;
use crate::ecosystem;
use crate::shell::{Command, Connector, Seen, tells_of_itself};
use std::collections::BTreeSet;
use std::ops::Range;

/// Words of a Python project that has something compiled, or asks git, when it is installed itself.
const COMPILES: &[&str] = &[
    "Extension",
    "build_ext",
    "cffi_modules",
    "cython",
    "Cython",
    "cythonize",
    "ext_modules",
    "maturin",
    "mesonpy",
    "meson-python",
    "pybind11",
    "scikit-build",
    "scikit_build_core",
    "setuptools_rust",
    "setuptools-rust",
];

/// Words of a `package.json` whose scripts may compile with what the system has.
const COMPILES_OF_NODE: &[&str] = &[
    "g++",
    "gcc",
    "gyp",
    "make",
    "prebuildify",
    "python",
    "rebuild",
];

/// What goes with an install besides.
pub(super) struct TakenAlong {
    /// The commands that take out again the packages and what their manager keeps, to be said behind it.
    pub(super) removals: Vec<String>,
    /// What is taken out of the RUN that stays; bytes in the Dockerfile's text.
    pub(super) gone: Vec<Span>,
    /// What has to be checked.
    pub(super) doubt: String,
}

impl Read<'_> {
    /// What goes with pieces `head`, which install packages, where the pieces behind them stay and take these out again.
    /// With `own`, `head` is only said above as well, and that piece behind it installs the project itself.
    pub(super) fn taken_along(&self, head: Range<usize>, own: Option<usize>) -> Option<TakenAlong> {
        let pieces = &self.script.pieces;
        let instruction = &self.of.stage.instructions[self.run];
        if self.text.is_empty() || !instruction.heredocs.is_empty() {
            return None;
        }
        let tail = head.end..pieces.len();
        let is_one_of = |n: usize, is_it: &dyn Fn(&[Seen]) -> bool| {
            let seen: Vec<Seen> = self.seen_of(n).cloned().collect();
            !seen.is_empty() && is_it(&seen)
        };
        let takes_out = |seen: &[Seen]| seen.iter().any(removes);
        let removals: Vec<usize> = tail.clone().filter(|&n| is_one_of(n, &takes_out)).collect();
        let cleaned = tail.clone().filter(|&n| is_one_of(n, &cleans_up));
        let mut gone: BTreeSet<usize> = removals.iter().copied().chain(cleaned).collect();
        let only_removes = |n: &usize| {
            self.seen_of(*n)
                .all(|s| (removes(s) || is_quiet(s)) && !s.conditional)
        };
        let is_apart = |n: &usize| {
            let joins = |n: usize| pieces.get(n).map(|p| p.connector);
            let is_plain = |c: Connector| matches!(c, Connector::And | Connector::Then);
            joins(*n).is_some_and(is_plain) && joins(n + 1).is_none_or(is_plain)
        };
        if removals.is_empty() || !removals.iter().all(only_removes) || !gone.iter().all(is_apart) {
            return None;
        }
        let removed = self.removed_packages(&head, &removals)?;
        let left: Vec<usize> = tail.filter(|n| !gone.contains(n)).collect();
        let does = |n: &usize| !self.seen_of(*n).all(is_carried);
        let needs_none = |&n: &usize| match own {
            Some(own) if own == n => self.installs_itself_alone(n, &removed),
            _ => self.needs_none(n, &removed),
        };
        if !left.iter().any(does) || !left.iter().all(needs_none) {
            return None;
        }
        let said = |n: &usize| self.text_of(&pieces[*n]);
        let sets = |n: usize, name: &str| {
            let mut all = self.script.commands_of(&pieces[n]).iter();
            all.any(|c| c.assignments.iter().any(|a| a.name == name) || exports(c, name))
        };
        // What they name has to have the value there that it has here.
        let names: BTreeSet<String> = removals.iter().flat_map(|n| mentioned(said(n))).collect();
        let is_kept = |name: &String| {
            head.clone().any(|n| sets(n, name)) && !left.iter().any(|&n| sets(n, name))
        };
        if !names.iter().all(is_kept) {
            return None;
        }
        let behind = gone.iter().map(|n| said(n).to_owned()).collect();
        let mut from = head.end;
        if own.is_some() {
            from = head.start;
            gone.extend(head.clone().filter(|&n| is_one_of(n, &deals_with_packages)));
            let stays = |n: &usize| !gone.contains(n);
            let wanted: BTreeSet<String> = (head.start..pieces.len())
                .filter(stays)
                .flat_map(|n| mentioned(said(&n)))
                .collect();
            let is_idle = |n: &usize| {
                let commands = self.script.commands_of(&pieces[*n]);
                let mut set = commands.iter().flat_map(|c| &c.assignments);
                commands.iter().all(|c| c.words.is_empty())
                    && set.all(|a| !wanted.contains(&a.name))
            };
            let idle: Vec<usize> = head.clone().filter(is_idle).collect();
            gone.extend(idle);
        }
        let line = instruction.lines.first;
        Some(TakenAlong {
            removals: behind,
            gone: self.spans_of(&gone, from)?,
            doubt: format!(
                "check that what is left of line {line} needs none of {}, which {} then taken out above it",
                listed(&removed.iter().map(String::as_str).collect::<Vec<_>>()),
                if removed.len() > 1 { "are" } else { "is" },
            ),
        })
    }

    /// Whether a piece only takes away what package managers keep for themselves.
    pub(super) fn cleans_up(&self, piece: usize) -> bool {
        let seen: Vec<Seen> = self.seen_of(piece).cloned().collect();
        cleans_up(&seen)
    }

    /// The packages that pieces `removals` take out, where pieces `head` have put in all of them.
    fn removed_packages(
        &self,
        head: &Range<usize>,
        removals: &[usize],
    ) -> Option<BTreeSet<String>> {
        let is_system = |s: &&Seen| group_of(s.name()) == Some(Group::System);
        let mut put_in: BTreeSet<String> = BTreeSet::new();
        let mut virtuals: Vec<(String, BTreeSet<String>)> = Vec::new();
        for seen in head.clone().flat_map(|n| self.seen_of(n)) {
            if !is_system(&seen) || !installs(seen) {
                continue;
            }
            let mut named = BTreeSet::new();
            let mut of = None;
            let mut words = seen.args().iter();
            while let Some(word) = words.next() {
                match word.split_once('=') {
                    _ if matches!(word.as_str(), "--virtual" | "-t") => of = words.next().cloned(),
                    Some(("--virtual", name)) => of = Some(name.to_owned()),
                    _ if word.starts_with('-') || word == seen.subcommand() => {}
                    _ => named.extend(self.packages(word)?),
                }
            }
            if seen.name() == "apk"
                && let Some(name) = of
            {
                virtuals.push((name, named.clone()));
            }
            put_in.extend(named);
        }
        let mut removed = BTreeSet::new();
        for seen in removals
            .iter()
            .flat_map(|n| self.seen_of(*n))
            .filter(|s| removes(s))
        {
            let words = seen.args().iter();
            let words = words.filter(|w| !w.starts_with('-') && *w != seen.subcommand());
            for word in words.map(|w| self.packages(w)) {
                for name in word? {
                    let group = virtuals.iter().find(|(of, _)| *of == name);
                    match group {
                        Some((_, named)) => removed.extend(named.iter().cloned()),
                        None if put_in.contains(&name) => _ = removed.insert(name),
                        None => return None,
                    }
                }
            }
        }
        (!removed.is_empty()).then_some(removed)
    }

    /// The packages that a word names: a variable those that it is set to once, as they are.
    fn packages(&self, word: &str) -> Option<BTreeSet<String>> {
        let bare = |w: &str| w.split(['=', '<', '>', '~']).next().unwrap_or(w).to_owned();
        let Some(name) = word.strip_prefix('$') else {
            let is_plain = !word.contains(['$', '`', '*', '?', '/']);
            return is_plain.then(|| BTreeSet::from([bare(word)]));
        };
        let name = name.trim_start_matches('{').trim_end_matches('}');
        let all = || self.script.commands.iter();
        let mut set = all()
            .flat_map(|c| &c.assignments)
            .filter(|a| a.name == name);
        let value = set.next().filter(|_| !all().any(|c| exports(c, name)))?;
        let is_plain = set.next().is_none() && !value.value.contains(['$', '`', '*', '/']);
        is_plain.then(|| value.value.split_whitespace().map(bare).collect())
    }

    /// Whether a piece runs nothing that packages for building are there for.
    fn needs_none(&self, piece: usize, removed: &BTreeSet<String>) -> bool {
        let asks = |c: &Command| !c.substitutions.is_empty();
        let commands = self.script.commands_of(&self.script.pieces[piece]);
        let is_gone = |s: &Seen| {
            let name = s.name().to_owned();
            let brought =
                |p: &String| ecosystem::brings(&["apk".into(), "add".into(), p.clone()], &name);
            removed.contains(&name) || removed.iter().any(brought)
        };
        let is_free = |s: &Seen| {
            let handles = [
                "chgrp", "chmod", "chown", "cp", "ln", "mkdir", "mv", "rm", "rmdir", "touch",
            ];
            is_quiet(s) || tells_of_itself(&s.words) || handles.contains(&s.name())
        };
        // No `pip install NAME`: that may compile.
        let is_apart = |s: &Seen| {
            let asked =
                |is_it: fn(&ecosystem::Call<'_>) -> bool| self.with_call(s, is_it) == Some(true);
            let is_system = group_of(s.name()) == Some(Group::System);
            !is_system && asked(ecosystem::reads_no_project) && !asked(ecosystem::is_system_install)
        };
        !commands.iter().any(asks)
            && self.seen_of(piece).all(|s| {
                let runs = || is_apart(s) || self.runs_what_is_there(s, removed);
                is_free(s) || !is_gone(s) && runs()
            })
    }

    /// Whether a command runs what is installed by then and compiles nothing of the system's: collects static files, builds
    /// a front-end by scripts that speak of no compiler.
    fn runs_what_is_there(&self, seen: &Seen, removed: &BTreeSet<String>) -> bool {
        let first = seen.args().first().map_or("", String::as_str);
        // What is built may ask them.
        if removed
            .iter()
            .any(|p| matches!(p.as_str(), "git" | "nodejs" | "npm" | "yarn"))
        {
            return false;
        }
        match seen.name() {
            "python" | "python3" => {
                last_name(first) == "manage.py"
                    || matches!(seen.args(), [m, module, ..] if m == "-m" && module == "compileall")
            }
            "php" => matches!(last_name(first), "artisan" | "console"),
            "composer" => matches!(first, "dump-autoload" | "dumpautoload"),
            "npm" | "pnpm" | "yarn" if first == "prune" => true,
            "bun" | "npm" | "pnpm" | "yarn" => {
                let is_yarn = seen.name() == "yarn" && first == "build";
                let is_script = is_yarn || matches!(first, "run" | "run-script");
                let path = self.path_of(seen, "package.json");
                let from = path.and_then(|p| self.origins.get(&p));
                let text = from.and_then(|from| (self.of.view.read)(from));
                let own = removed.iter().map(String::as_str);
                let mut words = own.chain(COMPILES_OF_NODE.iter().copied());
                is_script && text.is_some_and(|t| !words.any(|w| holds(&t, w.as_bytes())))
            }
            _ => false,
        }
    }

    /// Whether a piece only installs a Python project whose files speak of nothing to compile: its packages are there.
    fn installs_itself_alone(&self, piece: usize, removed: &BTreeSet<String>) -> bool {
        let is_one = |s: &Seen| {
            let is_python = matches!(s.name(), "pip" | "pip3" | "poetry" | "pdm" | "uv");
            let names = ["setup.py", "setup.cfg", "pyproject.toml"];
            let paths = names.iter().filter_map(|name| self.path_of(s, name));
            let found: Vec<_> = paths.filter_map(|p| self.origins.get(&p)).collect();
            let is_plain = |from: &&crate::tree::RepoPath| {
                let text = (self.of.view.read)(from);
                text.is_some_and(|t| !COMPILES.iter().any(|w| holds(&t, w.as_bytes())))
            };
            is_python && !found.is_empty() && found.iter().all(is_plain)
        };
        // It may ask git for its version.
        !removed.contains("git") && self.seen_of(piece).all(|s| is_quiet(s) || is_one(s))
    }

    /// Pieces `gone` of the chain from piece `from` on, with what joins them to the others; `None` where comments would
    /// go.
    fn spans_of(&self, gone: &BTreeSet<usize>, from: usize) -> Option<Vec<Span>> {
        let pieces = &self.script.pieces;
        let mut spans = Vec::new();
        let mut n = from;
        while n < pieces.len() {
            if !gone.contains(&n) {
                n += 1;
                continue;
            }
            let first = n;
            while gone.contains(&n) {
                n += 1;
            }
            let (start, end) = match first > from {
                true => (pieces[first - 1].span.end, pieces[n - 1].span.end),
                false => (pieces[first].span.start, pieces.get(n)?.span.start),
            };
            if self.text.get(start..end)?.contains('#') {
                return None;
            }
            spans.push(Span::new(self.start + start, self.start + end));
        }
        Some(spans)
    }
}

/// Whether commands only bring lists and packages of the system, or take away what they leave.
fn deals_with_packages(seen: &[Seen]) -> bool {
    let brings = |s: &Seen| group_of(s.name()) == Some(Group::System) && installs(s);
    let cleans = |s: &Seen| cleans_up(std::slice::from_ref(s));
    seen.iter()
        .all(|s| (brings(s) || cleans(s)) && !s.conditional)
}

/// Whether a command of the shell sets `name` by its words: `export NAME=…`, `read NAME`, `for NAME in …`.
fn exports(command: &Command, name: &str) -> bool {
    let mut words = command.words.iter().chain(&command.over);
    words.any(|w| w.text.split('=').next() == Some(name))
}
