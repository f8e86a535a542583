//! A call of make: its directory, its Makefile, and what the targets that it names come to.

use super::super::made::Made;
use super::super::needs::within;
use super::super::{Call, Files};
use super::makefile::{Called, Makefile};
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// What a call of make comes to.
pub(in crate::ecosystem) struct Goal {
    /// The directory in which it works.
    pub(in crate::ecosystem) dir: RepoPath,
    pub(in crate::ecosystem) makefile: RepoPath,
    pub(in crate::ecosystem) commands: Vec<Made>,
    /// Files that targets need and no rule makes.
    pub(in crate::ecosystem) prerequisites: BTreeSet<RepoPath>,
    /// False where other files are included, or the Makefile runs programs while it is read.
    pub(in crate::ecosystem) is_closed: bool,
    /// Whether other files are included.
    pub(in crate::ecosystem) has_includes: bool,
    /// Lines that ask the shell: outside of recipes, and in those that are run.
    pub(in crate::ecosystem) asking: Vec<String>,
    /// The variables that the commands get, with their values where these are known; `None` where all of the Makefile's
    /// are.
    pub(in crate::ecosystem) exported: Option<BTreeMap<String, Option<String>>>,
}

/// The directory in which a call of make works, and the commands it comes to; `None` where this is no make, or its
/// Makefile is not at hand.
pub(in crate::ecosystem) fn commands(call: &Call<'_>) -> Option<(RepoPath, Vec<Made>)> {
    goal(call).map(|goal| (goal.dir, goal.commands))
}

/// What a call of make comes to; `None` where this is no make, or its Makefile is not at hand.
pub(in crate::ecosystem) fn goal(call: &Call<'_>) -> Option<Goal> {
    goal_of(call, false)
}

/// As [`goal`], with conditions decided as they are where nothing more is set than what is known of the call. Whoever asks
/// must do no harm where something else is set.
pub(in crate::ecosystem) fn as_called(call: &Call<'_>) -> Option<Goal> {
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
    for (name, value) in values {
        match value.contains('$') {
            true => makefile.sure.remove(&name),
            false => makefile.sure.insert(name.clone()),
        };
        makefile.variables.insert(name, Some(value));
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
    let includes = ["include", "-include", "sinclude"];
    let including = text
        .lines()
        .filter(|l| includes.iter().any(|w| l.starts_with(w)));
    // What need not be there and is not is skipped (GNU make manual, 3.3).
    let is_absent = |name: &str| {
        let is_plain = !name.contains(['$', '*', '?', '[', '%', '\\']);
        is_plain && within(&dir, name).is_some_and(|path| !call.files.has(&path))
    };
    let counts = |line: &&str| {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        !matches!(words.next(), Some("-include" | "sinclude")) || !words.all(is_absent)
    };
    let is_closed = !text.contains("$(shell") && including.clone().next().is_none();
    let has_includes = including.into_iter().any(|line| counts(&line));
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

/// The commands of a target of a Makefile, given by its text, that has no recipe and does what it needs; `None` for any
/// other.
pub fn of_prerequisites(text: &str, goal: &str) -> Option<Vec<Seen>> {
    let makefile = Makefile::read(text, None);
    let rule = makefile.rules.get(goal)?;
    if !rule.recipe.is_empty() || rule.prerequisites.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    makefile.visit(goal, &mut BTreeSet::new(), &mut found);
    let all = found.into_iter().map(|made| made.seen);
    // The commands of another goal stand before it.
    let is_goal = |seen: &Seen| seen.name() == "make";
    Some(all.filter(|seen| !is_goal(seen)).collect())
}

/// The commands that a call of make comes to, by its Makefile's text and its words; `None` where it works elsewhere, or by
/// another file, or one of its targets has no rule.
pub fn of_targets(text: &str, args: &[String]) -> Option<Vec<Seen>> {
    let is_other = |w: &String| {
        let others = ["-C", "-f", "-I", "--directory", "--file", "--makefile"];
        others.iter().any(|o| w.starts_with(o))
    };
    if args.iter().any(is_other) {
        return None;
    }
    let mut makefile = Makefile::read(text, None);
    let (values, mut goals): (Vec<&str>, Vec<&str>) =
        goals_of(args).into_iter().partition(|w| w.contains('='));
    let values = values.iter().filter_map(|w| w.split_once('='));
    let values: Vec<_> = values
        .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
        .collect();
    makefile.variables.extend(values);
    let first = makefile.first.clone();
    if goals.is_empty() {
        goals.extend(first.as_deref());
    }
    if goals.is_empty() || !goals.iter().all(|g| makefile.rules.contains_key(*g)) {
        return None;
    }
    let (mut visited, mut found) = (BTreeSet::new(), Vec::new());
    for goal in goals {
        makefile.visit(goal, &mut visited, &mut found);
    }
    let all = found.into_iter().map(|made| made.seen);
    // The commands of another goal stand before it.
    let is_goal =
        |seen: &Seen| seen.name() == "make" && !seen.args().iter().any(|a| a.starts_with('-'));
    Some(all.filter(|seen| !is_goal(seen)).collect())
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
pub(super) fn goals_of(args: &[String]) -> Vec<&str> {
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
