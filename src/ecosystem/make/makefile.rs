//! A Makefile's variables and rules, as its lines give them.

use super::conditions::{Block, Blocks};
use std::collections::{BTreeMap, BTreeSet};

/// Lines of a Makefile that are read.
const MOST_LINES: usize = 20_000;

/// A Makefile, read.
#[derive(Default)]
pub(super) struct Makefile {
    /// Values as written; `None` where a condition or the shell decides.
    pub(super) variables: BTreeMap<String, Option<String>>,
    pub(super) rules: BTreeMap<String, Rule>,
    /// The first target, which is made where none is named.
    pub(super) first: Option<String>,
    /// What the caller has set, where conditions are decided by that.
    pub(super) called: Option<Called>,
    /// Variables that nothing outside decides: set once and for all, of words and of one another.
    pub(super) sure: BTreeSet<String>,
    /// Variables that have another value for one target, or for a make within.
    elsewhere: BTreeSet<String>,
    /// Variables that the commands get; `None` for all of them.
    pub(super) exported: Option<BTreeSet<String>>,
    /// Targets whose commands get variables of their own.
    pub(super) exporting: BTreeSet<String>,
}

/// What a call of make sets.
pub(super) struct Called {
    /// Variables of the command line, which the Makefile cannot change.
    pub(super) given: BTreeMap<String, String>,
    pub(super) env: BTreeMap<String, String>,
}

#[derive(Default)]
pub(super) struct Rule {
    pub(super) prerequisites: Vec<String>,
    /// Lines of the recipe, and whether each stands behind a condition.
    pub(super) recipe: Vec<(String, bool)>,
}

impl Makefile {
    pub(super) fn read(text: &str, called: Option<Called>) -> Self {
        let mut made = Self {
            called,
            exported: Some(BTreeSet::new()),
            ..Self::default()
        };
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        let mut targets: Vec<String> = Vec::new();
        let (mut blocks, mut is_defining) = (Blocks::default(), false);
        let mut includes = false;
        for line in joined.lines().take(MOST_LINES) {
            if let Some(command) = line.strip_prefix('\t').filter(|_| !targets.is_empty()) {
                if blocks.state() != Block::Off {
                    made.add_recipe(&targets, command, !blocks.is_empty());
                }
                continue;
            }
            let line = line.split('#').next().unwrap_or(line).trim();
            let first = line.split([' ', '\t', '(']).next().unwrap_or(line);
            match first {
                "define" => is_defining = true,
                "endef" => is_defining = false,
                "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" => {
                    let decides = made.called.is_some();
                    let known = |text: &str| made.value(text).filter(|_| decides);
                    blocks.read(line, &known);
                }
                "include" | "-include" | "sinclude" => includes = true,
                "" => {}
                _ if is_defining || blocks.state() == Block::Off => {}
                _ => made.add_line(line, &blocks, &mut targets),
            }
        }
        // What is included may set them anew.
        match includes {
            true => made.sure.clear(),
            false => made.sure.retain(|name| !made.elsewhere.contains(name)),
        }
        made
    }

    /// An assignment or the head of a rule.
    fn add_line(&mut self, line: &str, blocks: &Blocks, targets: &mut Vec<String>) {
        let mut line = line;
        let is_exported = line == "export" || line.starts_with("export ");
        for word in ["export", "override"] {
            let rest = line.strip_prefix(word);
            let rest = rest.filter(|r| r.is_empty() || r.starts_with(' '));
            line = rest.unwrap_or(line).trim_start();
        }
        let at = line.find(['=', ':']);
        if is_exported {
            let names = at.map_or(line, |at| &line[..at]);
            let names = names.trim_end_matches(['?', '+', '!', ' ']);
            match &mut self.exported {
                Some(all) if !names.is_empty() => {
                    all.extend(names.split_whitespace().map(str::to_owned));
                }
                all => *all = None,
            }
        }
        let Some(at) = at else {
            return;
        };
        let rest = line[at..].trim_start_matches(':');
        if let Some(value) = rest.strip_prefix('=') {
            self.assign(&line[..at], value.trim(), blocks.state() == Block::Open);
            return;
        }
        let is_conditional = !blocks.is_empty();
        targets.clear();
        targets.extend(self.words(&line[..at]));
        let (prerequisites, command) = rest
            .split_once(';')
            .map_or((rest, None), |(p, c)| (p, Some(c)));
        // The value of a variable for this target alone; its commands get it where it is exported.
        if prerequisites.contains('=') {
            if prerequisites.trim_start().starts_with("export ") {
                self.exporting.extend(targets.iter().cloned());
            }
            self.elsewhere.extend(assigned(prerequisites));
            return;
        }
        // Which part of each target the rest goes by.
        let prerequisites = prerequisites
            .split_once(':')
            .map_or(prerequisites, |(_, rest)| rest);
        let prerequisites = self.words(&prerequisites.replace('|', " "));
        for target in targets.iter() {
            let is_usual = !target.starts_with('.') && !target.contains('%');
            if self.first.is_none() && is_usual {
                self.first = Some(target.clone());
            }
            let rule = self.rules.entry(target.clone()).or_default();
            rule.prerequisites.extend(prerequisites.iter().cloned());
        }
        if let Some(command) = command {
            self.add_recipe(targets, command, is_conditional);
        }
    }

    fn assign(&mut self, name: &str, value: &str, is_conditional: bool) {
        let kept = name.trim_end_matches(['?', '+', '!']);
        let (operator, name) = (&name[kept.len()..], kept.trim());
        if let Some(called) = &self.called {
            // The command line's values stay; `?=` is for what nobody has set.
            let is_set = self.variables.contains_key(name) || called.env.contains_key(name);
            if called.given.contains_key(name) || operator == "?" && is_set {
                return;
            }
        }
        if operator == "?" && matches!(self.variables.get(name), Some(Some(_))) {
            return;
        }
        let is_sure = match operator {
            "" => !is_conditional,
            "+" => !is_conditional && self.sure.contains(name),
            _ => false,
        };
        match is_sure {
            true => self.sure.insert(name.to_owned()),
            false => self.sure.remove(name),
        };
        let value = match operator {
            _ if is_conditional => None,
            "!" => None,
            "+" => match self.variables.get(name) {
                Some(Some(old)) => Some(format!("{old} {value}")),
                Some(None) => None,
                None => Some(value.to_owned()),
            },
            _ => Some(value.to_owned()),
        };
        if name == ".DEFAULT_GOAL" {
            self.first = value.or(self.first.take());
        } else {
            self.variables.insert(name.to_owned(), value);
        }
    }

    fn add_recipe(&mut self, targets: &[String], command: &str, is_conditional: bool) {
        if command.contains("make") || command.contains("(MAKE)") {
            self.elsewhere.extend(assigned(command));
        }
        for target in targets {
            let rule = self.rules.entry(target.clone()).or_default();
            rule.recipe.push((command.to_owned(), is_conditional));
        }
    }
}

/// The names that words of a text give a value.
fn assigned(text: &str) -> impl Iterator<Item = String> {
    let pairs = text.split('=').filter_map(|part| {
        let name = part.trim_end_matches([':', '?', '+', '!', ' ']);
        name.rsplit(char::is_whitespace).next()
    });
    pairs.map(str::to_owned)
}
