//! Another command that resolves the same as one that needs the source, to stand above it.

use super::super::command::removes;
use super::super::layout::mentioned;
use super::place::relative;
use super::read::{Read, short};
use super::{Action, Install};
use crate::ecosystem::{self, Answer, Needs, Role};
use crate::shell::Seen;

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
                let (line, inserted) = match plan.role {
                    Role::Prefetch(line) => (line, None),
                    Role::PrefetchThen { line, option } => match self.after_verb(seen) {
                        Some(at) => (line, Some((at, format!(" {option}")))),
                        None => continue,
                    },
                    Role::Install => continue,
                };
                let Some(dir) = self.place_of(seen) else {
                    continue;
                };
                let bare = self.with_assignments(seen, line);
                let cwd = self.of.cwd(self.run);
                let line = match relative(&dir, cwd) {
                    Some(rest) if rest.is_empty() => bare.clone(),
                    Some(rest) => format!("cd {rest} && {bare}"),
                    None => format!("cd {dir} && {bare}"),
                };
                // Variables of the shell have no value in a RUN of its own.
                let known = &self.of.places[self.run].variables;
                if line.contains("$(")
                    || line.contains('`')
                    || mentioned(&line).iter().any(|n| !known.contains_key(n))
                {
                    continue;
                }
                if found
                    .iter()
                    .any(|i| i.ecosystems == [plan.ecosystem] && i.dir == dir)
                {
                    continue;
                }
                let shown = if plan.ecosystem == "cargo" {
                    "cargo build with stand-ins".to_owned()
                } else {
                    short(
                        &line
                            .split_whitespace()
                            .map(str::to_owned)
                            .collect::<Vec<_>>(),
                    )
                };
                let names = vec![plan.ecosystem];
                let mut needs = plan.needs;
                let action = self.after_tools(n, bare, line, &mut needs);
                let mut install = self.install(action, names, needs, shown, dir);
                install.is_hidden = self.is_hidden(seen);
                install.inserted = inserted;
                found.push(install);
            }
        }
        if n_source == 0 { Vec::new() } else { found }
    }

    /// Where the verb of a command ends in the Dockerfile's text.
    pub(super) fn after_verb(&self, seen: &Seen) -> Option<usize> {
        let command = self.script.commands.get(seen.command)?;
        let verb = command.words.iter().find(|w| w.text == seen.subcommand())?;
        Some(self.start + verb.span.end)
    }

    /// How `line` (or `bare`, where what stands before changes to its directory) goes above the source, given that it
    /// resolves for piece `n`: after the tools that the pieces before install, which are taken out again where a later
    /// piece does so.
    pub(super) fn after_tools(
        &self,
        n: usize,
        bare: String,
        line: String,
        needs: &mut Needs,
    ) -> Action {
        let installs = |k: usize| {
            self.seen_of(k)
                .any(|s| self.with_call(s, ecosystem::is_system_install) == Some(true))
        };
        if !(0..n).any(installs) {
            return Action::Prefetch(line);
        }
        let cut = self.cut(n).filter(|_| (0..n).all(|k| self.is_free(k)));
        let Some(Action::Cut {
            head_end,
            tail_start,
            carried,
            ..
        }) = cut
        else {
            let at = self.of.stage.instructions[self.run].lines.first;
            needs.doubt(format!(
                "check that it needs none of the packages that line {at} installs before it"
            ));
            return Action::Prefetch(line);
        };
        let changes_directory = (0..n).any(|k| self.seen_of(k).any(|s| s.name() == "cd"));
        let line = if changes_directory { bare } else { line };
        let removed: Vec<&str> = (n + 1..self.script.pieces.len())
            .filter(|&k| self.seen_of(k).any(removes))
            .map(|k| self.text_of(&self.script.pieces[k]))
            .collect();
        if removed.is_empty() {
            let then = Some(line);
            return Action::Cut {
                head_end,
                tail_start,
                carried,
                then,
            };
        }
        let tools = self.text.get(..head_end - self.start).unwrap_or_default();
        let parts: Vec<&str> = [tools.trim_start(), line.as_str()]
            .into_iter()
            .chain(removed)
            .collect();
        Action::Prefetch(parts.join(" && "))
    }

    /// Assignments before a command that settings of a resolver are made of stay before the line put above.
    pub(super) fn with_assignments(&self, seen: &Seen, line: String) -> String {
        let kept: Vec<String> = seen
            .assignments
            .iter()
            .filter(|(name, _)| {
                name.starts_with("GO")
                    || name.starts_with("CARGO")
                    || name.starts_with("MAVEN")
                    || name.starts_with("NPM_")
                    || name.starts_with("RUST")
                    || name.starts_with("PIP_")
                    || name.starts_with("UV_")
                    || name.starts_with("SETUPTOOLS_")
                    || name.starts_with("CFLAGS")
                    || name.starts_with("LDFLAGS")
            })
            .filter(|(_, value)| !value.contains([' ', '\'', '"', '`', '(', '$']))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if kept.is_empty() || line.contains("&&") {
            line
        } else {
            format!("{} {line}", kept.join(" "))
        }
    }
}
