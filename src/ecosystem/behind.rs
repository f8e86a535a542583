//! What stands behind a word of the project: the target of a Makefile, a script of the tree. Its commands are asked about
//! one by one.
//!
//! Where all of them resolve dependencies or read nothing of the project, the word itself can stand above the source with
//! its file; else the first of them that resolves goes above alone.

use super::all::{ask, cache_dir};
use super::brings::brings;
use super::made::{Made, is_bare, place};
use super::make;
use super::{Answer, CacheDir, Call, Needs, Plan, READ_BY_TOOLS, Role, system, text};
use crate::shell::{self, Called};
use crate::tree::RepoPath;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a script that are read.
const LARGEST: usize = 64 << 10;
/// How deep scripts and targets that run others are followed.
const DEEPEST: usize = 4;
/// Commands that one word may come to.
const MOST: usize = 2_000;
/// Installs that find their work done when they are run again; `npm ci` begins anew.
const REPEATED: &[&str] = &[
    "bun", "bundler", "composer", "dart", "mix", "nuget", "pip", "pipenv", "pnpm", "poetry", "uv",
    "yarn",
];

/// What a word comes to.
struct Behind {
    /// Where its commands begin.
    dir: RepoPath,
    commands: Vec<Made>,
    /// What it reads itself, and what could not be shown of it.
    needs: Needs,
    /// Whether the commands are all that it does.
    is_whole: bool,
    /// Whether it is a Makefile that includes others.
    has_includes: bool,
    /// For reasons: `the Makefile`, `the script bin/setup`.
    name: String,
}

/// The words of the commands behind a `make` or a script; none where their text is not at hand.
pub fn behind(call: &Call<'_>) -> Vec<Vec<String>> {
    let behind = followed(call, 0);
    let commands = behind.map(|b| b.commands).unwrap_or_default();
    commands.into_iter().map(|made| made.seen.words).collect()
}

/// What is known of a `make` or a script; `None` when none of its commands resolves dependencies.
pub(super) fn plan(call: &Call<'_>) -> Option<Answer> {
    let behind = followed(call, 0)?;
    let mut needs = behind.needs.clone();
    let mut ecosystem = None;
    let mut first = None;
    let (mut is_whole, mut installs_system) = (behind.is_whole, false);
    // Whether a command before may make something that an install needs.
    let mut is_prepared = false;
    let mut before: Vec<&Vec<String>> = Vec::new();
    let mut is_elsewhere = false;
    for made in &behind.commands {
        let seen = &made.seen;
        is_elsewhere |= leads_to_others(seen);
        before.push(&seen.words);
        let at = made.inner(call, &behind.dir);
        // A program named with its directory is one that something else has put there, unless the project brings it.
        let is_own = |place: &String| {
            let path = at.as_ref().and_then(|at| at.call(call).path(place));
            matches!(seen.name(), "gradlew" | "mvnw") && path.is_some_and(|p| call.files.has(&p))
        };
        let is_placed = made.place.as_ref().is_some_and(|place| !is_own(place));
        let is_known = !is_placed && !seen.words.iter().any(|w| is_unknown(w));
        let Some(at) = at.filter(|_| is_known && !seen.conditional) else {
            is_prepared |= !seen.is_quiet();
            is_whole &= seen.is_quiet();
            continue;
        };
        let inner = at.call(call);
        is_whole &= made.is_bare;
        if seen.is_quiet() {
            continue;
        }
        if system::reads_no_project(&inner) {
            installs_system |= system::is_system_install(&inner);
            is_prepared |= system::is_system_install(&inner);
            continue;
        }
        if only_cleans(&inner) {
            is_whole = false;
            continue;
        }
        let Some(Answer::Plan(found)) = ask(&inner) else {
            (is_whole, is_prepared) = (false, true);
            continue;
        };
        match &found.role {
            Role::Install if made.is_plain => {
                needs.merge(found.needs.clone());
                ecosystem.get_or_insert(found.ecosystem);
            }
            _ => is_whole = false,
        }
        let is_brought = before.iter().any(|words| brings(words, seen.name()));
        let lacks_program = is_elsewhere || is_brought;
        first.get_or_insert(First {
            found,
            lacks_program,
            line: inner.line(),
            set: said(call, &seen.assignments),
            dir: at.dir.clone(),
            is_plain: made.is_plain,
            is_prepared,
        });
    }
    if is_whole && (ecosystem.is_some() || installs_system) {
        needs.shown(format!(
            "{} does nothing but install, as its text shows",
            behind.name
        ));
        return Some(Answer::Plan(Plan {
            ecosystem: ecosystem.unwrap_or("system"),
            role: Role::Install,
            needs,
        }));
    }
    ahead(call, &behind.name, first?)
}

/// Where the commands behind `make` or a script keep downloads, by ecosystem: those that run whatever happens, of a
/// Makefile that stands by itself.
pub fn cache_dirs(call: &Call<'_>) -> Vec<(&'static str, CacheDir)> {
    let Some(behind) = followed(call, 0).filter(|b| !b.has_includes) else {
        return Vec::new();
    };
    let mut found: Vec<(&'static str, CacheDir)> = Vec::new();
    for made in &behind.commands {
        let is_known = made.is_plain
            && !made.seen.conditional
            && !made.seen.words.iter().take(2).any(|w| is_unknown(w));
        let Some(at) = made.inner(call, &behind.dir).filter(|_| is_known) else {
            continue;
        };
        let dir = cache_dir(&at.call(call));
        found.extend(dir.filter(|(name, _)| !found.iter().any(|(known, _)| known == name)));
    }
    found
}

/// Whether programs of the same name are others after a command: it enters an environment, or sets where they are found.
fn leads_to_others(seen: &shell::Seen) -> bool {
    let first = seen.args().first().map_or("", String::as_str);
    let is_path = |word: &String| word.starts_with("PATH=");
    match seen.name() {
        "." | "source" => first == "activate" || first.ends_with("/activate"),
        "conda" | "mamba" | "micromamba" => first == "activate",
        "workon" => true,
        "export" => seen.args().iter().any(is_path),
        "" => seen.assignments.iter().any(|(name, _)| name == "PATH"),
        _ => false,
    }
}

/// Whether a build tool is only asked to take away what earlier builds made: no install needs anything of that.
fn only_cleans(call: &Call<'_>) -> bool {
    let is_one = matches!(
        call.program(),
        "gradle" | "gradlew" | "mvn" | "mvnd" | "mvnw"
    );
    is_one && call.verb().is_some() && call.plain_words().all(|w| w == "clean")
}

/// The first install of several commands.
struct First {
    found: Plan,
    /// The command itself.
    line: String,
    /// The variables that are set for it.
    set: Vec<(String, String)>,
    dir: RepoPath,
    is_plain: bool,
    /// Whether a command before may have brought its program.
    lacks_program: bool,
    /// Whether a command before may have made something that it needs.
    is_prepared: bool,
}

/// The first install of several commands, to go above alone.
fn ahead(call: &Call<'_>, name: &str, first: First) -> Option<Answer> {
    let First { found, dir, .. } = first;
    if first.lacks_program {
        return None;
    }
    let mut needs = found.needs;
    let line = match found.role {
        Role::Prefetch(line) => line,
        Role::Install if REPEATED.contains(&found.ecosystem) => first.line,
        Role::Install | Role::PrefetchThen { .. } => return None,
    };
    for (variable, _) in first.set.iter().filter(|(_, value)| is_unknown(value)) {
        needs.doubt(format!(
            "check whether {variable}, which {name} sets, has a part in it"
        ));
    }
    let known = first.set.iter().filter(|(_, value)| !is_unknown(value));
    let known = known.map(|(name, value)| format!("{name}={} ", text::quoted(value)));
    let known = known.collect::<String>();
    let line = match line.contains("&&") && !known.is_empty() {
        true => format!("export {known}&& {line}"),
        false => format!("{known}{line}"),
    };
    needs.shown(format!("{name} resolves with {}", found.ecosystem));
    if first.is_prepared {
        needs.doubt(format!(
            "check that the install needs nothing of what {name} does before it"
        ));
    }
    if !first.is_plain {
        needs.doubt(format!(
            "variables or conditions of {name} decide whether it does so"
        ));
    }
    let rest = match dir.strip_prefix(call.dir) {
        Some(rest) => rest.to_string(),
        None => shell::joined(call.root, &dir.to_string()),
    };
    let line = if rest.is_empty() {
        line
    } else {
        format!("cd {} && {line}", text::quoted(&rest))
    };
    Some(Answer::Plan(Plan {
        ecosystem: found.ecosystem,
        role: Role::Prefetch(line),
        needs,
    }))
}

/// What is set for a command of variables that resolvers go by, each once, as the word that it stands behind has it.
fn said(call: &Call<'_>, assignments: &[(String, String)]) -> Vec<(String, String)> {
    let given: Vec<(&str, &str)> = call
        .args()
        .iter()
        .filter_map(|w| w.split_once('='))
        .collect();
    let mut all: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in assignments {
        let open = given.iter().find(|(n, v)| n == name && v.contains('$'));
        all.insert(name, open.map_or(value.as_str(), |(_, value)| value));
    }
    let is_read = |name: &str| READ_BY_TOOLS.iter().any(|p| name.starts_with(p));
    let read = all.into_iter().filter(|(name, _)| is_read(name));
    read.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Whether a word holds what only the shell or make knows when they run.
fn is_unknown(word: &str) -> bool {
    word == make::SOME
        || word.ends_with("=_")
        || word.ends_with("/_")
        || word.contains("$(")
        || word.contains('`')
        || ["$1", "$2", "$@", "$*", "${1", "${2", "${@"]
            .iter()
            .any(|v| word.contains(v))
}

/// What a word comes to, the commands of what its own commands run in the place of these; `None` where it is neither a
/// `make` nor a script, or its text is not at hand.
fn followed(call: &Call<'_>, depth: usize) -> Option<Behind> {
    let mut behind = made(call).or_else(|| script(call))?;
    if depth >= DEEPEST {
        return Some(behind);
    }
    let mut commands: Vec<Made> = Vec::new();
    for made in std::mem::take(&mut behind.commands) {
        if commands.len() >= MOST {
            behind.is_whole = false;
            break;
        }
        let at = made.inner(call, &behind.dir);
        let deeper = at.and_then(|at| followed(&at.call(call), depth + 1));
        let Some(deeper) = deeper else {
            commands.push(made);
            continue;
        };
        behind.needs.merge(deeper.needs);
        behind.is_whole &= deeper.is_whole && made.is_bare;
        behind.has_includes |= deeper.has_includes;
        let base = shell::joined(call.root, &deeper.dir.to_string());
        for mut inner in deeper.commands {
            let seen = &mut inner.seen;
            let set = made.seen.assignments.iter().cloned();
            seen.assignments.splice(0..0, set);
            seen.conditional |= made.seen.conditional;
            seen.directory = seen.directory.take().map(|d| shell::joined(&base, &d));
            inner.is_plain &= made.is_plain;
            commands.push(inner);
        }
    }
    behind.commands = commands;
    Some(behind)
}

fn made(call: &Call<'_>) -> Option<Behind> {
    let mut goal = make::goal(call)?;
    let mut needs = Needs::default();
    needs.file(&call.files, &goal.makefile);
    let mut is_whole = goal.is_closed;
    for path in &goal.prerequisites {
        is_whole &= needs.file(&call.files, path);
    }
    // The commands of another goal of the same Makefile stand before it.
    let is_goal = |seen: &shell::Seen| {
        seen.name() == "make" && !seen.args().iter().any(|a| a.starts_with('-'))
    };
    goal.commands.retain(|made| !is_goal(&made.seen));
    let exported = goal.exported.iter().flatten();
    let exported = exported.map(|(name, value)| {
        let value = value.clone().unwrap_or_else(|| make::SOME.to_owned());
        (name.clone(), value)
    });
    let exported: Vec<(String, String)> = exported.collect();
    for made in &mut goal.commands {
        made.seen.assignments.splice(0..0, exported.iter().cloned());
    }
    Some(Behind {
        dir: goal.dir,
        commands: goal.commands,
        needs,
        is_whole,
        has_includes: goal.has_includes,
        name: "the Makefile".to_owned(),
    })
}

/// A shell script of the tree, by its path or as an argument of a shell, as it is called.
fn script(call: &Call<'_>) -> Option<Behind> {
    let is_shell = matches!(call.program(), "sh" | "bash" | "ash" | "dash");
    let options = call
        .args()
        .iter()
        .take_while(|w| w.starts_with('-'))
        .count();
    let at = if is_shell { options + 1 } else { 0 };
    let word = call.words.get(at).filter(|w| is_shell || w.contains('/'))?;
    // A wrapper is the build tool itself, whatever its text does to start that.
    if matches!(word.rsplit('/').next(), Some("gradlew" | "mvnw")) {
        return None;
    }
    if is_shell && (call.has("-c") || call.has("-s")) {
        return None;
    }
    let path = call.path(word)?;
    let text = call.files.text(&path).filter(|t| t.len() <= LARGEST)?;
    // A shell that is given a file takes it for a script, whatever it is called.
    let name = if is_shell { "of.sh" } else { word };
    if !shell::is_script(name, &text) {
        return None;
    }
    let taken_in = RefCell::new(BTreeSet::new());
    let read = |place: &str| {
        let path = call.path(place)?;
        let text = call.files.text(&path).filter(|t| t.len() <= LARGEST)?;
        taken_in.borrow_mut().insert(path);
        Some(text)
    };
    let script = shell::called(&Called {
        text: &text,
        zero: &call.expanded(word)?,
        // What variables of the build put in is not the same at each: it decides nothing.
        args: &call.words[at + 1..],
        here: &shell::joined(call.root, &call.dir.to_string()),
        read: &read,
    });
    if !script.is_complete {
        return None;
    }
    let is_bare = script.commands.iter().all(is_bare);
    let mut exported: Vec<(String, String)> = Vec::new();
    let commands = script.seen().into_iter();
    let commands = commands
        .map(|mut seen| {
            exported.extend(exports(&seen));
            seen.assignments.splice(0..0, exported.iter().cloned());
            Made {
                place: place(&script, &seen),
                seen,
                is_plain: true,
                is_bare,
            }
        })
        .collect();
    let mut needs = Needs::default();
    needs.file(&call.files, &path);
    needs.files.extend(taken_in.into_inner());
    Some(Behind {
        dir: call.dir.clone(),
        commands,
        needs,
        is_whole: true,
        has_includes: false,
        name: match call.root {
            "/" => format!("the script /{path}"),
            _ => format!("the script {path}"),
        },
    })
}

/// The variables that a command of a script exports, with their values where it is sure to.
fn exports(seen: &shell::Seen) -> Vec<(String, String)> {
    let words = seen.args().iter().filter(|_| seen.name() == "export");
    let pairs = words.filter_map(|w| w.split_once('='));
    let value = |value: &str| match seen.conditional {
        true => make::SOME.to_owned(),
        false => value.to_owned(),
    };
    pairs.map(|(name, v)| (name.to_owned(), value(v))).collect()
}
