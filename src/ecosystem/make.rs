//! Make: the commands of a target's recipe and of its prerequisites', as far as the Makefile says them.
//!
//! This is no make. Files it includes, functions and patterns are not followed, conditions are not decided: what stands
//! behind one counts as not said plainly. The recipes themselves are read by [`crate::shell`].

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

/// A Makefile, read.
#[derive(Default)]
pub(super) struct Makefile {
    /// Values as written; `None` where a condition or the shell decides.
    variables: BTreeMap<String, Option<String>>,
    rules: BTreeMap<String, Rule>,
    /// The first target, which is made where none is named.
    first: Option<String>,
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
    if !matches!(call.program(), "make" | "gmake") {
        return None;
    }
    let dir = call.dir_by(&["-C", "--directory"])?;
    let (path, text) = text(call, &call.files, &dir)?;
    let mut makefile = Makefile::read(&text);
    let (mut goals, mut given) = (Vec::new(), Vec::new());
    let words: Vec<String> = call.args().iter().flat_map(|w| split(call, w)).collect();
    for word in goals_of(&words) {
        match word.split_once('=') {
            Some((name, value)) => {
                let known = call.expanded(value).filter(|v| !v.contains('`'));
                given.extend(known.map(|value| (name.to_owned(), value)));
                let value = Some(value.to_owned());
                makefile.variables.insert(name.to_owned(), value);
            }
            None => goals.push(word.to_owned()),
        }
    }
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
    Some(Goal {
        dir,
        makefile: path,
        commands: found,
        prerequisites,
        is_closed,
        has_includes,
        asking,
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
    fn read(text: &str) -> Self {
        let mut made = Self::default();
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        let mut targets: Vec<String> = Vec::new();
        let (mut n_conditions, mut is_defining) = (0usize, false);
        for line in joined.lines().take(MOST_LINES) {
            if let Some(command) = line.strip_prefix('\t').filter(|_| !targets.is_empty()) {
                made.add_recipe(&targets, command, n_conditions > 0);
                continue;
            }
            let line = line.split('#').next().unwrap_or(line).trim();
            let first = line.split([' ', '\t', '(']).next().unwrap_or(line);
            match first {
                "define" => is_defining = true,
                "endef" => is_defining = false,
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => n_conditions += 1,
                "endif" => n_conditions = n_conditions.saturating_sub(1),
                "" | "else" | "include" | "-include" | "sinclude" => {}
                _ if is_defining => {}
                _ => made.add_line(line, n_conditions > 0, &mut targets),
            }
        }
        made
    }

    /// An assignment or the head of a rule.
    fn add_line(&mut self, line: &str, is_conditional: bool, targets: &mut Vec<String>) {
        let mut line = line;
        for word in ["export ", "override "] {
            line = line.strip_prefix(word).unwrap_or(line).trim_start();
        }
        let Some(at) = line.find(['=', ':']) else {
            return;
        };
        let rest = line[at..].trim_start_matches(':');
        if let Some(value) = rest.strip_prefix('=') {
            self.assign(&line[..at], value.trim(), is_conditional);
            return;
        }
        targets.clear();
        targets.extend(self.words(&line[..at]));
        let (prerequisites, command) = rest
            .split_once(';')
            .map_or((rest, None), |(p, c)| (p, Some(c)));
        // The value of a variable for this target alone.
        if prerequisites.contains('=') {
            return;
        }
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
                made.push_str(SOME);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            rest = &rest[name.len() + 2..];
            match self.variables.get(name) {
                _ if name == "MAKE" => made.push_str("make"),
                Some(Some(value)) if with_values && depth < DEEPEST && *n_values < MOST_VALUES => {
                    *n_values += 1;
                    made.push_str(&self.expanded(value, true, depth + 1, n_values));
                }
                _ => made.push_str(SOME),
            }
        }
        made.push_str(rest);
        made.chars().take(LONGEST).collect()
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
        Makefile::read(text).visit(goal, &mut BTreeSet::new(), &mut found);
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
            Makefile::read(&text).visit("a", &mut BTreeSet::new(), &mut Vec::new());
        }
    }
}
