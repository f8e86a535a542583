//! Make: the commands of a target's recipe and of its prerequisites', as far as the Makefile says them.
//!
//! This is no make. Files it includes, most functions and patterns are not followed. Conditions are decided only where that
//! is asked for ([`as_called`]); what stands behind one counts as not said plainly in any case. The recipes themselves are
//! read by [`crate::shell`].

use super::make_conditions::{Block, Blocks, Known, function};
use super::needs::within;
use super::{Call, Files};
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Targets looked at for one command.
const MOST_TARGETS: usize = 64;
/// Lines of a Makefile that are read.
const MOST_LINES: usize = 20_000;
/// Bytes that the variables of one line may become.
const LONGEST: usize = 16 << 10;
/// Values put into one line.
const MOST_VALUES: usize = 512;
/// How deep variables are made of others.
const DEEPEST: usize = 8;
/// Stands for a value that is not looked at.
pub(super) const SOME: &str = "_";
/// The same in what comes of [`as_called`]: no text holds it by itself.
pub(super) const UNKNOWN: &str = "\u{FFFD}";

/// A Makefile, read.
#[derive(Default)]
pub(super) struct Makefile {
    /// Values as written; `None` where a condition or the shell decides.
    variables: BTreeMap<String, Option<String>>,
    rules: BTreeMap<String, Rule>,
    /// The first target, which is made where none is named.
    first: Option<String>,
    /// What the caller has set, where conditions are decided by that.
    called: Option<Called>,
    /// Variables that the commands get; `None` for all of them.
    exported: Option<BTreeSet<String>>,
    /// Targets whose commands get variables of their own.
    exporting: BTreeSet<String>,
}

/// What a call of make sets.
struct Called {
    /// Variables of the command line, which the Makefile cannot change.
    given: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
}

#[derive(Default)]
struct Rule {
    prerequisites: Vec<String>,
    /// Lines of the recipe, and whether each stands behind a condition.
    recipe: Vec<(String, bool)>,
}

/// What a call of make comes to.
pub(super) struct Goal {
    /// The directory in which it works.
    pub(super) dir: RepoPath,
    pub(super) makefile: RepoPath,
    pub(super) commands: Vec<Made>,
    /// Files that targets need and no rule makes.
    pub(super) prerequisites: BTreeSet<RepoPath>,
    /// False where other files are included, or the Makefile runs programs while it is read.
    pub(super) is_closed: bool,
    /// Whether other files are included.
    pub(super) has_includes: bool,
    /// Lines that ask the shell: outside of recipes, and in those that are run.
    pub(super) asking: Vec<String>,
    /// The variables that the commands get, with their values where these are known; `None` where all of the Makefile's
    /// are.
    pub(super) exported: Option<BTreeMap<String, Option<String>>>,
}

/// One command of a recipe.
pub(super) struct Made {
    pub(super) seen: Seen,
    /// False where variables or conditions of the Makefile have a part in what is run.
    pub(super) is_plain: bool,
    /// True where the program is named with its directory: it is one that something else has put there.
    pub(super) has_place: bool,
    /// True where nothing is put into its words or read and written by redirection.
    pub(super) is_bare: bool,
}

/// A command of a recipe where it runs: what it is asked about by itself with.
pub(super) struct Inner<'m> {
    words: &'m [String],
    env: BTreeMap<String, String>,
    /// The directory of the context in which it runs.
    pub(super) dir: RepoPath,
}

impl Made {
    /// The command in its directory below `base`, with what is set for `call` and what stands before it; `None` where
    /// its directory is not known.
    pub(super) fn inner(&self, call: &Call<'_>, base: &RepoPath) -> Option<Inner<'_>> {
        let dir = within(base, self.seen.directory.as_deref()?)?;
        let mut env = call.env.clone();
        env.extend(self.seen.assignments.iter().cloned());
        let words = &self.seen.words;
        Some(Inner { words, env, dir })
    }
}

impl Inner<'_> {
    /// It as a call in place of `outer`.
    pub(super) fn call<'a>(&'a self, outer: &Call<'a>) -> Call<'a> {
        Call {
            words: self.words,
            env: &self.env,
            dir: &self.dir,
            ..*outer
        }
    }
}

/// Whether the program of a command of `script` is written with a directory before it.
pub(super) fn has_place(script: &shell::Script, seen: &Seen) -> bool {
    let end = format!("/{}", seen.name());
    let command = script.commands.get(seen.command);
    command.is_some_and(|c| c.words.iter().any(|w| w.text.ends_with(&end)))
}

/// Whether a command reads and writes nothing but what its words say.
pub(super) fn is_bare(command: &shell::Command) -> bool {
    let is_harmless = |target: &str| {
        target.starts_with("/dev/") || target.bytes().all(|b| b.is_ascii_digit() || b == b'-')
    };
    command.substitutions.is_empty() && command.redirections.iter().all(|r| is_harmless(&r.target))
}

/// The directory in which a call of make works, and the commands it comes to; `None` where this is no make, or its
/// Makefile is not at hand.
pub(super) fn commands(call: &Call<'_>) -> Option<(RepoPath, Vec<Made>)> {
    goal(call).map(|goal| (goal.dir, goal.commands))
}

/// What a call of make comes to; `None` where this is no make, or its Makefile is not at hand.
pub(super) fn goal(call: &Call<'_>) -> Option<Goal> {
    goal_of(call, false)
}

/// As [`goal`], with conditions decided as they are where nothing more is set than what is known of the call. Whoever asks
/// must do no harm where something else is set.
pub(super) fn as_called(call: &Call<'_>) -> Option<Goal> {
    goal_of(call, true)
}

fn goal_of(call: &Call<'_>, decides: bool) -> Option<Goal> {
    if !matches!(call.program(), "make" | "gmake") {
        return None;
    }
    let dir = call.dir_by(&["-C", "--directory"])?;
    let (path, text) = text(call, &call.files, &dir)?;
    let (mut goals, mut given, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let words: Vec<String> = call.args().iter().flat_map(|w| split(call, w)).collect();
    for word in goals_of(&words) {
        match word.split_once('=') {
            Some((name, value)) => {
                let known = call.expanded(value).filter(|v| !v.contains('`'));
                given.extend(known.map(|value| (name.to_owned(), value)));
                values.push((name.to_owned(), value.to_owned()));
            }
            None => goals.push(word.to_owned()),
        }
    }
    let called = decides.then(|| Called {
        given: values.iter().cloned().collect(),
        env: call.env.clone(),
    });
    let mut makefile = Makefile::read(&text, called);
    let values = values.into_iter().map(|(name, value)| (name, Some(value)));
    makefile.variables.extend(values);
    if goals.is_empty() {
        goals.extend(makefile.first.clone());
    }
    let mut found = Vec::new();
    let mut visited = BTreeSet::new();
    for goal in goals {
        makefile.visit(&goal, &mut visited, &mut found);
    }
    // Make puts the variables of its command line into the environment of each command (GNU make manual, 5.7.2).
    for made in &mut found {
        made.seen.assignments.splice(0..0, given.iter().cloned());
    }
    let is_made = |name: &&String| makefile.rules.contains_key(*name);
    let bare = visited.iter().filter(|name| !is_made(name));
    let prerequisites = bare.filter_map(|name| within(&dir, name)).collect();
    let begins = |l: &str| {
        ["include", "-include", "sinclude"]
            .iter()
            .any(|w| l.starts_with(w))
    };
    let has_includes = text.lines().any(begins);
    let is_closed = !text.contains("$(shell") && !has_includes;
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let outside = joined.lines().filter(|l| !l.starts_with('\t'));
    let recipes = visited.iter().filter_map(|name| makefile.rules.get(name));
    let run = recipes.flat_map(|rule| rule.recipe.iter().map(|(line, _)| line.as_str()));
    let asking = outside.chain(run).filter(|l| l.contains("$(shell"));
    let asking = asking.map(str::to_owned).collect();
    let value = |name: &String| (name.clone(), makefile.value(&format!("$({name})")));
    let exported = makefile.exported.as_ref();
    let exported = exported.filter(|_| visited.is_disjoint(&makefile.exporting));
    let exported = exported.map(|names| names.iter().map(value).collect());
    Some(Goal {
        dir,
        makefile: path,
        commands: found,
        prerequisites,
        is_closed,
        has_includes,
        asking,
        exported,
    })
}

/// A word with the values of its variables, as the words that the shell makes of it; as it stands where one has none.
fn split(call: &Call<'_>, word: &str) -> Vec<String> {
    match call
        .expanded(word)
        .filter(|_| word.contains('$') && !word.contains('='))
    {
        Some(text) => text.split_whitespace().map(str::to_owned).collect(),
        None => vec![word.to_owned()],
    }
}

fn text(call: &Call<'_>, files: &Files<'_>, dir: &RepoPath) -> Option<(RepoPath, String)> {
    let named = call.option(&["-f", "--file", "--makefile"]);
    let one = |path: RepoPath| files.text(&path).map(|text| (path, text));
    match named {
        Some(file) => one(within(dir, file)?),
        None => ["GNUmakefile", "makefile", "Makefile"]
            .iter()
            .find_map(|name| one(dir.join(name.as_bytes()))),
    }
}

/// The words that are neither options nor their values.
fn goals_of(args: &[String]) -> Vec<&str> {
    let mut goals = Vec::new();
    let mut words = args.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        match word {
            "-C" | "-f" | "-o" | "-W" | "-I" | "--directory" | "--file" | "--makefile" => {
                words.next();
            }
            "-j" | "-l" => {
                let is_number = |w: &&str| w.starts_with(|c: char| c.is_ascii_digit() || c == '$');
                words.next_if(is_number);
            }
            _ if word.starts_with('-') => {}
            _ => goals.push(word),
        }
    }
    goals
}

impl Makefile {
    fn read(text: &str, called: Option<Called>) -> Self {
        let mut made = Self {
            called,
            exported: Some(BTreeSet::new()),
            ..Self::default()
        };
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        let mut targets: Vec<String> = Vec::new();
        let (mut blocks, mut is_defining) = (Blocks::default(), false);
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
                "" | "include" | "-include" | "sinclude" => {}
                _ if is_defining || blocks.state() == Block::Off => {}
                _ => made.add_line(line, &blocks, &mut targets),
            }
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
        for target in targets {
            let rule = self.rules.entry(target.clone()).or_default();
            rule.recipe.push((command.to_owned(), is_conditional));
        }
    }

    /// `text` with the values of its variables, where all of them are known.
    fn value(&self, text: &str) -> Option<String> {
        let made = self.filled(text, &|_| None, 0, &mut 0)?;
        (made.len() < LONGEST).then_some(made)
    }

    /// What is known of a variable.
    fn known(&self, name: &str) -> Known<'_> {
        let Some(called) = &self.called else {
            return match self.variables.get(name) {
                Some(Some(value)) => Known::Text(value),
                _ => Known::No,
            };
        };
        let own = self.variables.get(name);
        let env = || called.env.get(name).filter(|v| !v.contains('$'));
        match (called.given.get(name), own) {
            (Some(value), _) => Known::Text(value),
            (None, Some(Some(value))) => Known::Text(value),
            (None, Some(None)) => Known::No,
            (None, None) if called.env.contains_key(name) => {
                env().map_or(Known::No, |value| Known::Text(value))
            }
            (None, None) => Known::of_unset(name),
        }
    }

    fn words(&self, text: &str) -> Vec<String> {
        let text = self.expanded(text, true, 0, &mut 0);
        text.split_whitespace()
            .take(MOST_TARGETS)
            .map(str::to_owned)
            .collect()
    }

    /// `text` with the values of its variables, or with a word that says nothing in place of each.
    fn expanded(
        &self,
        text: &str,
        with_values: bool,
        depth: usize,
        n_values: &mut usize,
    ) -> String {
        if !with_values {
            let plain = Self::default();
            return plain.expanded(text, true, depth, n_values);
        }
        let mark = self.called.as_ref().map_or(SOME, |_| UNKNOWN);
        let some = |_: &str| Some(mark.to_owned());
        self.filled(text, &some, depth, n_values)
            .unwrap_or_default()
    }

    /// `text` with the values of its variables, and with what `otherwise` gives for one that is not known; `None` where that
    /// is nothing.
    fn filled(
        &self,
        text: &str,
        otherwise: &dyn Fn(&str) -> Option<String>,
        depth: usize,
        n_values: &mut usize,
    ) -> Option<String> {
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$').filter(|_| made.len() < LONGEST) {
            made.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(next) = rest.chars().next() else {
                break;
            };
            if next == '$' {
                made.push('$');
                rest = &rest[1..];
                continue;
            }
            let Some(name) = bracketed(rest) else {
                made.push_str(&otherwise(rest)?);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            rest = &rest[name.len() + 2..];
            let may_go_on = depth < DEEPEST && *n_values < MOST_VALUES;
            match self.known(name) {
                _ if name == "MAKE" => made.push_str("make"),
                Known::Text(value) if may_go_on => {
                    *n_values += 1;
                    made.push_str(&self.filled(value, otherwise, depth + 1, n_values)?);
                }
                Known::Nothing => {}
                _ => {
                    let mut argument = |text: &str| {
                        *n_values += 1;
                        self.filled(text, otherwise, depth + 1, n_values)
                    };
                    let made_of = self.called.as_ref().filter(|_| may_go_on);
                    let made_of = made_of.and_then(|_| function(name, &mut argument));
                    made.push_str(&made_of.or_else(|| otherwise(name))?);
                }
            }
        }
        made.push_str(rest);
        Some(made.chars().take(LONGEST).collect())
    }

    /// The commands of what `goal` needs and of its own recipe.
    fn visit(&self, goal: &str, visited: &mut BTreeSet<String>, found: &mut Vec<Made>) {
        if visited.len() >= MOST_TARGETS || !visited.insert(goal.to_owned()) {
            return;
        }
        let Some(rule) = self.rules.get(goal) else {
            return;
        };
        for needed in &rule.prerequisites {
            self.visit(needed, visited, found);
        }
        for (line, is_conditional) in &rule.recipe {
            let plain = self.script(line, false).seen();
            let script = self.script(line, true);
            let is_bare = script.is_complete && script.commands.iter().all(is_bare);
            for seen in script.seen() {
                // The same program does the same thing where no variable is looked at.
                let is_said = |p: &Seen| {
                    p.name() == seen.name()
                        && p.subcommand() == seen.subcommand()
                        && p.directory == seen.directory
                };
                let is_plain = !is_conditional && !seen.conditional && plain.iter().any(is_said);
                let n_before = found.len();
                if seen.name() == "make" && !seen.args().iter().any(|a| a.starts_with('-')) {
                    for goal in goals_of(seen.args()) {
                        self.visit(goal, visited, found);
                    }
                }
                for made in &mut found[n_before..] {
                    made.is_plain &= is_plain;
                }
                let has_place = has_place(&script, &seen);
                found.push(Made {
                    seen,
                    is_plain,
                    has_place,
                    is_bare,
                });
            }
        }
    }

    fn script(&self, line: &str, with_values: bool) -> shell::Script {
        let line = self.expanded(line, with_values, 0, &mut 0);
        let line = line.trim_start_matches(['@', '-', '+', ' ', '\t']);
        shell::parse(line)
    }
}

/// What stands in the brackets that `text` begins with.
pub(super) fn bracketed(text: &str) -> Option<&str> {
    let (open, close) = match text.as_bytes().first()? {
        b'(' => (b'(', b')'),
        b'{' => (b'{', b'}'),
        _ => return None,
    };
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(&text[1..at]);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Makefile;
    use proptest::prelude::{ProptestConfig, proptest};
    use std::collections::BTreeSet;

    /// The commands that `goal` comes to, those of a make within before it, `?` before those that are not said plainly.
    fn check(text: &str, goal: &str, expected: &str) {
        let mut found = Vec::new();
        Makefile::read(text, None).visit(goal, &mut BTreeSet::new(), &mut found);
        let shown: Vec<String> = found
            .iter()
            .map(|m| {
                let mark = if m.is_plain { "" } else { "?" };
                format!("{mark}{}", m.seen.words.join(" "))
            })
            .collect();
        assert_eq!(shown.join(" | "), expected, "{text}");
    }

    #[test]
    fn the_recipe_of_a_target_and_of_what_it_needs() {
        check(
            "build: gen\n\t@go build ./...\ngen:\n\tgo generate\n",
            "build",
            "go generate | go build ./...",
        );
        check("a: b\nb: a\n\tls\n", "a", "ls");
        check("a:\n\t$(MAKE) b\nb: ; ls\n", "a", "ls | make b");
        check("a:\n\tgo build \\\n\t  -o x .\n", "a", "go build -o x .");
        check("a: X = 1\na:\n\tls\n", "a", "ls");
    }

    #[test]
    fn variables_and_conditions_hide_what_is_run() {
        check(
            "GO ?= go\nF := -v\na:\n\t$(GO) build $(F)\n",
            "a",
            "?go build -v",
        );
        check(
            "F := -v\na:\n\tgo build $(F) $(shell git log)\n",
            "a",
            "go build -v _",
        );
        check(
            "ifdef X\nGO = go\nendif\na:\n\t$(GO) build\n",
            "a",
            "_ build",
        );
        check("a:\nifdef X\n\tgo build\nendif\n", "a", "?go build");
        check(
            "a:\n\tif test -f x; then go build; fi\n",
            "a",
            "test -f x | ?go build",
        );
        check("A = $(A)\na:\n\t$(A)\n", "a", "_");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn hostile_text_does_no_harm(text in "([a-c$(){}=:;\\\\\t\n é|%#@]|ifdef |A=\\$\\(A\\)\\$\\(A\\)\n){0,120}") {
            Makefile::read(&text, None).visit("a", &mut BTreeSet::new(), &mut Vec::new());
        }
    }
}
