//! Another command that resolves the same as one that needs the source, to stand above it.

use super::super::command::{self, removes};
use super::super::layout::{absolute, built_on, is_within, mentioned};
use super::place::relative;
use super::read::{Read, is_quiet, short, short_line};
use super::{Action, Install};
use crate::ecosystem::{self, Answer, Needs, READ_BY_TOOLS, Recipe, Role, sets_version};
use crate::shell::{self, Seen, Word, tells_of_itself};
use crate::tree::RepoPath;
use std::cell::LazyCell;
use std::collections::BTreeSet;

impl Read<'_> {
    /// Commands to put above the source for those that need it: one install for each line and place.
    pub(super) fn prefetches(&self) -> Vec<Install> {
        let mut found: Vec<Install> = Vec::new();
        let mut n_source = 0;
        for n in 0..self.script.pieces.len() {
            n_source += usize::from(self.resolves(n).is_none());
            for seen in self.seen_of(n) {
                let Some(Answer::Plan(plan)) = self.ask(seen) else {
                    continue;
                };
                // What was built before it is thrown away.
                let is_cargo = plan.ecosystem == "cargo";
                if is_cargo && self.starts_anew(seen) {
                    continue;
                }
                let taken = match is_cargo {
                    true => self.taken_by(seen),
                    false => Some(BTreeSet::new()),
                };
                let Some(empty) = taken else {
                    continue;
                };
                // Wheels that were built elsewhere are all that it needs, and the tools to build them may not be here.
                if plan.ecosystem == "pip" && self.has_wheels(n) {
                    continue;
                }
                // Another program of that name is found there.
                if seen.assignments.iter().any(|(name, _)| name == "PATH") {
                    continue;
                }
                let (line, inserted) = match plan.role {
                    Role::Prefetch(line) => (line, None),
                    Role::PrefetchThen { line, option } => match self.after_verb(seen) {
                        Some(at) => (line, Some((at, format!(" {option}")))),
                        None => continue,
                    },
                    Role::Install => continue,
                };
                let line = match plan.ecosystem {
                    "mix" => ecosystem::ahead_of(&line, &self.before(), &self.words()),
                    _ => Some(line),
                };
                let Some(line) = line else {
                    continue;
                };
                let Some(dir) = self.place_of(seen) else {
                    continue;
                };
                let mut needs = plan.needs;
                self.note_asked(seen, &mut needs);
                let rest = n + 1..self.script.pieces.len();
                let of = [plan.ecosystem];
                let left = self.left_above(&of, rest.clone());
                let twice = self.twice_above(&of, &dir, rest);
                left.into_iter().chain(twice).for_each(|d| needs.doubt(d));
                let line = self.by_its_program(seen, line, &mut needs);
                let bare = self.with_assignments(seen, self.requoted(seen, line));
                let cwd = self.of.cwd(self.run);
                // Below the root the whole path is as short, and does not hang on where the image starts.
                let rest = relative(&dir, cwd);
                let rest = rest.filter(|rest| rest.is_empty() || self.of.is_set(self.run, cwd));
                let line = match rest {
                    Some(rest) if rest.is_empty() => bare.clone(),
                    Some(rest) => format!("cd {rest} && {bare}"),
                    None => format!("cd {dir} && {bare}"),
                };
                // Variables of the shell have no value in a RUN of its own.
                let known = &self.of.places[self.run].variables;
                let asks = self.script.commands.get(seen.command);
                let asks = asks.is_some_and(|c| c.substitutions.iter().all(|s| self.only_asks(s)));
                if (line.contains("$(") && !asks)
                    || line.contains('`')
                    || mentioned(&line).iter().any(|n| !known.contains_key(n))
                {
                    continue;
                }
                let is_same = |i: &Install| {
                    i.ecosystems == [plan.ecosystem] && i.dir == dir && i.line == bare
                };
                if found.iter().any(is_same) {
                    continue;
                }
                let shown = if plan.ecosystem == "cargo" {
                    "cargo build with stand-ins".to_owned()
                } else if line.contains(" | ") {
                    format!(
                        "{} ahead for line {}",
                        short(&seen.words[..seen.words.len().min(2)]),
                        self.of.stage.instructions[self.run].lines.first
                    )
                } else {
                    short_line(&bare)
                };
                let names = vec![plan.ecosystem];
                let programs = self.programs_of_line(&bare, &dir);
                let told = bare.clone();
                let Some(action) = self.after_tools(n, told, line, &programs, &mut needs) else {
                    continue;
                };
                let along = match says_it_takes_out(&action) {
                    true => self.taken_along(0..self.n_free(n), Some(n)),
                    false => None,
                };
                let dropped = along.map(|along| {
                    needs.doubt(along.doubt);
                    along.gone
                });
                let mut install = self.install(action, names, needs, shown, dir);
                install.dropped = dropped.unwrap_or_default();
                install.programs = programs;
                install.is_hidden = self.is_hidden(seen);
                install.inserted = inserted;
                install.reasons.extend(self.said_empty(&empty));
                install.line = bare;
                found.push(install);
            }
        }
        if n_source == 0 { Vec::new() } else { found }
    }

    /// The commands of the RUNs above this one, in its stage and those that it is built on, by their words.
    fn before(&self) -> Vec<Vec<String>> {
        let dockerfile = self.of.view.dockerfile;
        let own = &self.of.stage.instructions[..self.run];
        let below = built_on(dockerfile, self.of.stage.index).skip(1);
        let below = below.flat_map(|stage| &dockerfile.stages[stage].instructions);
        let runs = own.iter().chain(below).filter_map(command::seen);
        runs.flatten().map(|one| one.words).collect()
    }

    fn words(&self) -> Vec<Vec<String>> {
        self.seen.iter().map(|one| one.words.clone()).collect()
    }

    /// Whether the RUN takes away all that Cargo has built before it comes to `seen`.
    pub(super) fn starts_anew(&self, seen: &Seen) -> bool {
        let is_whole = |s: &Seen| !s.args().iter().any(|a| a.starts_with("-p"));
        let mut before = self.seen.iter().filter(|s| s.command < seen.command);
        before.any(|s| s.name() == "cargo" && s.subcommand() == "clean" && is_whole(s))
    }

    /// Where the verb of a command ends in the Dockerfile's text.
    pub(super) fn after_verb(&self, seen: &Seen) -> Option<usize> {
        // Nor in the form without a shell.
        let command = self.script.commands.get(seen.command)?;
        if self.text.is_empty() {
            return None;
        }
        let verb = command.words.iter().find(|w| w.text == seen.subcommand())?;
        Some(self.start + verb.span.end)
    }

    /// `line` behind what runs its program: `/venv/bin/python -m`, `php`, `npx`.
    fn by_its_program(&self, seen: &Seen, line: String, needs: &mut Needs) -> String {
        let Some(command) = self.script.commands.get(seen.command) else {
            return line;
        };
        let words: Vec<&str> = command.words.iter().map(|w| w.text.as_str()).collect();
        let n = words.len().saturating_sub(seen.words.len());
        let (lead, rest) = words.split_at(n.min(words.len()));
        let is_same = rest.iter().skip(1).eq(seen.words.iter().skip(1));
        let is_odd = |word: &&str| word.contains(|c: char| " '\"`$;&|<>()\\".contains(c));
        if !is_same || lead.iter().any(is_odd) {
            let at = self.of.stage.instructions[self.run].lines.first;
            needs.doubt(format!(
                "check that what is put above runs as well without what line {at} wraps it in"
            ));
            return line;
        }
        let lead = lead.join(" ");
        let is_said = lead.is_empty() || lead == "exec" || line.starts_with(&format!("{lead} "));
        if is_said || line.contains("&&") {
            line
        } else {
            format!("{lead} {line}")
        }
    }

    /// The piece that a command is of.
    fn piece_of(&self, seen: &Seen) -> Option<usize> {
        let mut pieces = self.script.pieces.iter();
        pieces.position(|p| (p.commands.0..p.commands.1).contains(&seen.command))
    }

    /// How `line` (or `bare`, where what stands before changes to its directory) goes above the source, given that it
    /// resolves for piece `n`: after the tools that the pieces before install and set up, which are taken out again where
    /// a later piece does so. `None` where a piece that stays may bring one of `programs`, which it runs.
    pub(super) fn after_tools(
        &self,
        n: usize,
        bare: String,
        line: String,
        programs: &BTreeSet<String>,
        needs: &mut Needs,
    ) -> Option<Action> {
        let at = self.of.stage.instructions[self.run].lines.first;
        let n_free = self.n_free(n);
        let works = |k: usize| {
            let is_idle = |s: &Seen| is_quiet(s) || tells_of_itself(&s.words);
            self.is_free(k) && !self.configures(k) && !self.seen_of(k).all(is_idle)
        };
        // What builds with the same, or only looks at what is copied, prepares nothing for it.
        let reads = self.places_of(needs);
        // All of the source: most RUNs have nothing before it that needs a look.
        let copied = LazyCell::new(|| {
            let in_root = |p: &RepoPath| absolute(Some(&self.root), &p.to_string());
            let own = self.origins.keys().filter_map(in_root);
            let all = self.elsewhere.iter().cloned().chain(own);
            all.filter(|path| !programs.contains(path))
                .collect::<BTreeSet<String>>()
        });
        let is_known = |k: usize| {
            self.resolves(k).is_some()
                || self.touches_only(k, &reads)
                || self.touches_only(k, &copied)
                || self
                    .seen_of(k)
                    .all(|s| is_quiet(s) || self.ask(s).is_some() || sets_version(&s.words))
        };
        let is_idle = |k: usize| match self.is_free(k) {
            true => !works(k) || self.renews(k),
            false => is_known(k) || self.sets_up(k),
        };
        let (all, own) = (
            self.settings_between(0, n),
            self.settings_between(n_free, n),
        );
        let whole = Action::Prefetch(format!("{all}{line}"));
        if !(n_free..n).all(is_idle) {
            needs.doubt(format!(
                "check that the install needs nothing of what line {at} does before it"
            ));
        }
        let stays_first =
            |seen: &Seen| self.brings(seen, programs) || self.takes_from_elsewhere(seen, &reads);
        let brings = |k: usize| self.seen_of(k).any(stays_first);
        if (n_free..n).any(brings) {
            return None;
        }
        if !(0..n_free).any(works) {
            return Some(whole);
        }
        let goes = |k: usize| self.seen_of(k).any(|s| s.name() == "cd");
        let is_clear = !(n_free..n).any(goes);
        let Some(Action::Cut {
            head_end,
            tail_start,
            carried,
            ..
        }) = self
            .cut(n_free)
            .filter(|_| is_clear && !self.goes_on(n_free))
        else {
            needs.doubt(format!(
                "check that the install needs nothing of what line {at} does before it"
            ));
            return (!(0..n_free).any(brings)).then_some(whole);
        };
        let line = if (0..n_free).any(goes) { bare } else { line };
        let line = format!("{own}{line}");
        let takes_out = (n + 1..self.script.pieces.len()).any(|k| self.seen_of(k).any(removes));
        let removed: Vec<&str> = (n + 1..self.script.pieces.len())
            .filter(|&k| self.seen_of(k).any(removes) || self.cleans_up(k))
            .map(|k| self.text_of(&self.script.pieces[k]))
            .collect();
        let is_heredoc = !self.of.stage.instructions[self.run].heredocs.is_empty();
        if !takes_out || is_heredoc {
            let then = Some(line);
            return Some(Action::Cut {
                head_end,
                tail_start,
                carried,
                then,
            });
        }
        let tools = self.text.get(..head_end - self.start).unwrap_or_default();
        let parts: Vec<&str> = [tools.trim_start(), line.as_str()]
            .into_iter()
            .chain(removed)
            .collect();
        Some(Action::Prefetch(parts.join(" && ")))
    }

    /// Whether a RUN above piece `n` or a piece before it installs wheels from a directory: `pip install /wheels/*`.
    fn has_wheels(&self, n: usize) -> bool {
        let of_wheels = |seen: &Seen| {
            let is_wheel = |w: &String| w.ends_with(".whl") || w.ends_with("/*");
            matches!(seen.name(), "pip" | "pip3")
                && seen.subcommand() == "install"
                && seen.args().iter().any(is_wheel)
        };
        let above = self.of.stage.instructions.iter().take(self.run);
        (0..n).any(|k| self.seen_of(k).any(of_wheels))
            || above
                .filter_map(command::seen)
                .any(|all| all.iter().any(of_wheels))
    }

    /// How cargo-chef builds the dependencies of a command, and that as an install.
    pub(super) fn cooked(&self, seen: &Seen) -> Option<(Recipe, Install)> {
        let empty = self.taken_by(seen)?;
        let mut recipe = self.with_call(seen, ecosystem::recipe)??;
        recipe.reasons.extend(self.said_empty(&empty));
        // Variables of the shell have no value in a RUN of its own.
        let known = &self.of.places[self.run].variables;
        let is_set = |n: &String| known.contains_key(n);
        if recipe.cook.contains("$(")
            || recipe.cook.contains('`')
            || !mentioned(&recipe.cook).iter().all(is_set)
        {
            return None;
        }
        recipe.cook = self.with_assignments(seen, self.requoted(seen, recipe.cook));
        let dir = absolute(Some(&self.root), &recipe.root.to_string())?;
        let n = self.piece_of(seen)?;
        let line = format!("cd {dir} && {}", recipe.cook);
        // Where the pieces before have gone to already.
        let told = match self.place_of(seen).as_ref() == Some(&dir) {
            true => recipe.cook.clone(),
            false => line.clone(),
        };
        let mut needs = Needs::default();
        let programs = BTreeSet::from(["cargo".to_owned()]);
        let action = self.after_tools(n, told, line, &programs, &mut needs)?;
        // Where the context's files are, for what is copied of them.
        recipe.toolchain = recipe.toolchain.and_then(|p| self.origins.get(&p).cloned());
        let image = self.of.image_at(self.run).into_keys();
        let mut install = self.install(
            action,
            vec!["cargo"],
            needs,
            "cargo chef cook".to_owned(),
            dir.clone(),
        );
        install.reads = image.filter(|to| !is_within(to, &dir)).collect();
        install.line.clone_from(&recipe.cook);
        Some((recipe, install))
    }

    /// Assignments before a command that settings of a resolver are made of stay before the line put above. Build scripts
    /// of Cargo's go by any.
    pub(super) fn with_assignments(&self, seen: &Seen, line: String) -> String {
        let is_any = seen.name() == "cargo";
        let kept: Vec<String> = seen
            .assignments
            .iter()
            .filter(|(name, _)| is_any || READ_BY_TOOLS.iter().any(|p| name.starts_with(p)))
            .filter_map(|(name, value)| Some(format!("{name}={}", in_quotes(value)?)))
            .collect();
        match kept.is_empty() {
            true => line,
            false if line.contains("&&") => format!("export {} && {line}", kept.join(" ")),
            false => format!("{} {line}", kept.join(" ")),
        }
    }

    /// `line` with the words in quotes that have variables in quotes in the command, or are asked in quotes.
    fn requoted(&self, seen: &Seen, line: String) -> String {
        let words = self.script.commands.get(seen.command).map(|c| &c.words);
        let raw = |word: &Word| self.text.get(word.span.range()).unwrap_or_default();
        let is_asked = |word: &&Word| {
            let raw = raw(word);
            word.text.starts_with("$(") && raw.contains(&word.text)
        };
        let asked = words.into_iter().flatten().filter(is_asked);
        let line = asked.fold(line, |line, word| line.replace(&word.text, raw(word)));
        let is_held = |word: &&Word| {
            word.expands && raw(word).contains('"') && !word.text.contains(['"', '`', '\\', ' '])
        };
        let held = words.into_iter().flatten().filter(is_held);
        held.fold(line, |line, word| {
            let parts = line.split(' ');
            let parts = parts.map(|part| match part == word.text {
                true => format!("\"{part}\""),
                false => part.to_owned(),
            });
            parts.collect::<Vec<_>>().join(" ")
        })
    }
}

/// Whether what goes above takes system packages out again at its end.
pub(in crate::restructure) fn says_it_takes_out(action: &Action) -> bool {
    match action {
        Action::Prefetch(line) => shell::parse(line).seen().iter().any(removes),
        _ => false,
    }
}

/// A value as one word of the shell, its variables left to it; `None` where that cannot be said simply.
fn in_quotes(value: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+$".contains(c);
    if value.chars().all(plain) {
        return Some(value.to_owned());
    }
    let is_simple = !value.contains(['"', '`', '\\', '(', '\n']);
    is_simple.then(|| format!("\"{value}\""))
}
