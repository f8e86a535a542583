//! What stands behind a word of the project: the target of a Makefile, a script of the tree. Its commands are asked about
//! one by one.
//!
//! Where all of them resolve dependencies or read nothing of the project, the word itself can stand above the source with
//! its file; else the first of them that resolves goes above alone.

use super::all::{ask, cache_dir};
use super::brings::brings;
use super::made::{Made, has_place, is_bare};
use super::make;
use super::{Answer, CacheDir, Call, Needs, Plan, Role, system, text};
use crate::shell;
use crate::tree::RepoPath;

/// Bytes of a script that are read.
const LARGEST: usize = 64 << 10;
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
    is_makefile: bool,
    /// For reasons: `the Makefile`, `the script bin/setup`.
    name: String,
}

/// The words of the commands behind a `make` or a script; none where their text is not at hand.
pub fn behind(call: &Call<'_>) -> Vec<Vec<String>> {
    let behind = made(call).or_else(|| script(call));
    let commands = behind.map(|b| b.commands).unwrap_or_default();
    commands.into_iter().map(|made| made.seen.words).collect()
}

/// What is known of a `make` or a script; `None` when none of its commands resolves dependencies.
pub(super) fn plan(call: &Call<'_>) -> Option<Answer> {
    let behind = made(call).or_else(|| script(call))?;
    let mut needs = behind.needs.clone();
    let mut ecosystem = None;
    let mut first = None;
    let (mut is_whole, mut installs_system) = (behind.is_whole, false);
    // Whether a command before may make something that an install needs.
    let mut is_prepared = false;
    let mut before: Vec<&Vec<String>> = Vec::new();
    for made in &behind.commands {
        let seen = &made.seen;
        before.push(&seen.words);
        let is_known = !made.has_place && !seen.words.iter().any(|w| is_unknown(w));
        let at = made.inner(call, &behind.dir);
        let Some(at) = at.filter(|_| is_known && !seen.conditional) else {
            is_prepared |= !is_quiet(seen.name());
            is_whole &= is_quiet(seen.name());
            continue;
        };
        let inner = at.call(call);
        is_whole &= made.is_bare;
        // Another goal of the same Makefile: its commands stand before it.
        let is_goal = behind.is_makefile
            && seen.name() == "make"
            && !seen.args().iter().any(|a| a.starts_with('-'));
        if is_quiet(seen.name()) || is_goal {
            continue;
        }
        if system::reads_no_project(&inner) {
            installs_system |= system::is_system_install(&inner);
            is_prepared |= system::is_system_install(&inner);
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
        let line = inner.line();
        let lacks_program = before.iter().any(|words| brings(words, seen.name()));
        first.get_or_insert(First {
            found,
            lacks_program,
            line,
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
    let behind = match make::goal(call) {
        Some(goal) if goal.has_includes => None,
        Some(goal) => Some((goal.dir, goal.commands)),
        None => script(call).map(|behind| (behind.dir, behind.commands)),
    };
    let Some((dir, commands)) = behind else {
        return Vec::new();
    };
    let mut found: Vec<(&'static str, CacheDir)> = Vec::new();
    for made in &commands {
        let is_known = made.is_plain
            && !made.seen.conditional
            && !made.seen.words.iter().take(2).any(|w| is_unknown(w));
        let Some(at) = made.inner(call, &dir).filter(|_| is_known) else {
            continue;
        };
        let dir = cache_dir(&at.call(call));
        found.extend(dir.filter(|(name, _)| !found.iter().any(|(known, _)| known == name)));
    }
    found
}

/// The first install of several commands.
struct First {
    found: Plan,
    /// The command itself.
    line: String,
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
    let line = match found.role {
        Role::Prefetch(line) => line,
        Role::Install if REPEATED.contains(&found.ecosystem) => first.line,
        Role::Install | Role::PrefetchThen { .. } => return None,
    };
    let mut needs = found.needs;
    needs.shown(format!("{name} resolves with {}", found.ecosystem));
    if first.is_prepared {
        needs.doubt(format!(
            "check that it needs nothing of what {name} does before it"
        ));
    }
    if !first.is_plain {
        needs.doubt(format!(
            "variables or conditions of {name} decide whether it does so"
        ));
    }
    let rest = dir.strip_prefix(call.dir)?.to_string();
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

/// Commands that neither read nor write files.
fn is_quiet(name: &str) -> bool {
    matches!(
        name,
        "" | "cd" | "echo" | "exit" | "export" | "printf" | "set" | "true"
    )
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

fn made(call: &Call<'_>) -> Option<Behind> {
    let goal = make::goal(call)?;
    let mut needs = Needs::default();
    needs.file(&call.files, &goal.makefile);
    let mut is_whole = goal.is_closed;
    for path in &goal.prerequisites {
        is_whole &= needs.file(&call.files, path);
    }
    Some(Behind {
        dir: goal.dir,
        commands: goal.commands,
        needs,
        is_whole,
        is_makefile: true,
        name: "the Makefile".to_owned(),
    })
}

/// A shell script of the tree, by its path or as an argument of a shell.
fn script(call: &Call<'_>) -> Option<Behind> {
    let first = call.words.first()?;
    let is_shell = matches!(call.program(), "sh" | "bash" | "ash" | "dash");
    let word = if is_shell {
        let word = call.args().iter().find(|w| !w.starts_with('-'))?;
        (!call.has("-c") && !call.has("-s")).then_some(word)?
    } else {
        first.contains('/').then_some(first)?
    };
    let path = call.path(word)?;
    let text = call.files.text(&path).filter(|t| t.len() <= LARGEST)?;
    let shebang = text.lines().next().filter(|l| l.starts_with("#!"));
    let is_posix = |line: &str| {
        ["sh", "bash", "ash", "dash"].iter().any(|s| {
            line.trim_end().ends_with(&format!("/{s}"))
                || line.contains(&format!("env {s}"))
                || line.contains(&format!("/{s} "))
        })
    };
    let reads = shebang.map_or(is_shell || word.ends_with(".sh"), is_posix);
    let script = shell::parse(&text);
    if !reads || !script.is_complete {
        return None;
    }
    let is_bare = script.commands.iter().all(is_bare);
    let commands = script.seen().into_iter();
    let commands = commands
        .map(|seen| Made {
            has_place: has_place(&script, &seen),
            seen,
            is_plain: true,
            is_bare,
        })
        .collect();
    let mut needs = Needs::default();
    needs.file(&call.files, &path);
    Some(Behind {
        dir: call.dir.clone(),
        commands,
        needs,
        is_whole: true,
        is_makefile: false,
        name: format!("the script {path}"),
    })
}
