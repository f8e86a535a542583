//! RUNs whose commands only remove, move or mark files: what they leave follows from what they find.
//!
//! `rm`, `find … -delete`, `chmod` and the like leave equal files wherever they find equal ones, so that what a later step
//! copies of them is found by its content (moby/buildkit solver/edge.go, the slow cache): it is how stages work that keep
//! nothing but manifests. Times of files are in no digest (moby/buildkit cache/contenthash/filehash.go).
//!
//! Never: guesses. A command that is not known for sure makes the whole RUN one of which nothing is known.

mod find;
mod paths;

use crate::context::{Change, ContentId, Node, Reworked};
use crate::replay::FileWork;
use crate::shell::{Command, Connector, Word, parse};
use crate::tree::RepoPath;
use paths::{Named, stir};
use std::sync::Arc;

/// What a RUN does, command by command.
#[derive(Clone, Debug, Default)]
struct Work {
    actions: Vec<(Action, ContentId)>,
}

/// One command.
#[derive(Clone, Debug)]
enum Action {
    /// `rm`, `rmdir`: with what is below, or only where there is nothing.
    Remove(Vec<Named>, bool),
    /// `chmod`, `chown`, `sed -i`: with what is below or without.
    Change(Vec<Named>, bool, Change),
    /// `touch`
    Touch(Vec<Named>),
    /// `mkdir`
    MakeDirectories(Vec<Named>),
    /// `cp`, `mv`
    Copy(Copy),
    Find(find::Find),
}

/// `cp` and `mv`.
#[derive(Clone, Debug)]
struct Copy {
    sources: Vec<Named>,
    to: Named,
    /// `mv`
    moves: bool,
    /// `cp --parents`
    parents: bool,
}

/// What `text` does when it runs in `dir`; `None` where a part of it may do something else.
pub(super) fn read(text: &str, dir: &str) -> Option<Arc<dyn FileWork>> {
    Some(Arc::new(of(text, dir)?))
}

fn of(text: &str, dir: &str) -> Option<Work> {
    let script = parse(text);
    if !script.is_complete || text.contains("<<") {
        return None;
    }
    let mut work = Work::default();
    let mut dir = RepoPath::new(dir);
    let mut commands = script.commands.iter().peekable();
    while let Some(command) = commands.next() {
        if !is_plain(command) {
            return None;
        }
        // `… || true`: what fails does nothing to files that are known.
        let is_fallback = command.connector == Connector::Or;
        if is_fallback && !matches!(command.name(), "true" | ":" | "echo") {
            return None;
        }
        let piped = commands.next_if(|next| next.connector == Connector::Pipe);
        let action = match (command.name(), piped) {
            ("find", Some(xargs)) if is_plain(xargs) && xargs.name() == "xargs" => {
                Some(Action::Find(find::piped(command, xargs, &dir)?))
            }
            (_, Some(_)) => return None,
            ("cd", None) => {
                let [to] = arguments(command)? else {
                    return None;
                };
                let to = Named::of(to, &dir).filter(|to| !to.is_pattern())?;
                dir = to.path().clone();
                None
            }
            (name, None) => action(name, command, &dir)?,
        };
        let words: Vec<&str> = command.words.iter().map(|w| w.text.as_str()).collect();
        let token = ContentId::of_bytes(words.join("\0").as_bytes());
        work.actions.extend(action.map(|action| (action, token)));
    }
    (!work.actions.is_empty()).then_some(work)
}

/// Whether a command is a simple one of the outermost list, of plain words, whose output goes nowhere.
fn is_plain(command: &Command) -> bool {
    let is_nowhere = |target: &str, operator: &str| {
        target == "/dev/null" || (operator.ends_with('&') && matches!(target, "1" | "2"))
    };
    command.nesting.is_empty()
        && command.substitutions.is_empty()
        && command.assignments.is_empty()
        && command.over.is_empty()
        && command.connector != Connector::Background
        && command
            .redirections
            .iter()
            .all(|r| is_nowhere(&r.target, &r.operator))
        && command.words.iter().all(|word| !word.expands)
}

/// The words after the name.
fn arguments(command: &Command) -> Option<&[Word]> {
    command.words.get(1..)
}

/// What a command does; `Some(None)` for one that does nothing to files.
fn action(name: &str, command: &Command, dir: &RepoPath) -> Option<Option<Action>> {
    let words = arguments(command)?;
    if matches!(
        name,
        "true" | ":" | "echo" | "printf" | "ls" | "pwd" | "set"
    ) {
        return Some(None);
    }
    if name == "find" {
        return Some(Some(Action::Find(find::of(command, dir)?)));
    }
    let tool = tool(name, words)?;
    let paths = words[tool.at..]
        .iter()
        .filter(|word| !is_flag(word))
        .map(|word| Named::of(word, dir))
        .collect::<Option<Vec<Named>>>()?;
    if paths.is_empty() {
        return None;
    }
    Some(Some(match tool.does {
        Does::Remove => Action::Remove(paths, tool.recursive),
        Does::Change(change) => Action::Change(paths, tool.recursive, change),
        Does::Touch => Action::Touch(paths),
        Does::MakeDirectories => Action::MakeDirectories(paths),
        Does::Copy { moves, parents } => {
            let (to, sources) = paths.split_last()?;
            if sources.is_empty() || to.is_pattern() {
                return None;
            }
            Action::Copy(Copy {
                sources: sources.to_vec(),
                to: to.clone(),
                moves,
                parents,
            })
        }
    }))
}

/// What a tool does to the files that it is given.
#[derive(Clone, Copy, Debug)]
enum Does {
    Remove,
    Change(Change),
    Touch,
    MakeDirectories,
    Copy { moves: bool, parents: bool },
}

/// A tool with its options.
struct Tool {
    does: Does,
    recursive: bool,
    /// Where the files begin among the arguments.
    at: usize,
}

fn is_flag(word: &Word) -> bool {
    word.text.len() > 1 && word.text.starts_with('-')
}

/// A tool with options that are known, by its name and arguments.
fn tool(name: &str, words: &[Word]) -> Option<Tool> {
    let flags: Vec<&str> = words
        .iter()
        .filter(|word| is_flag(word))
        .map(|word| word.text.as_str())
        .collect();
    let only = |short: &str, long: &[&str]| {
        flags.iter().all(|flag| match flag.strip_prefix("--") {
            Some(name) => long.contains(&name),
            None => flag.chars().skip(1).all(|c| short.contains(c)),
        })
    };
    let has = |short: &str, long: &str| {
        flags.iter().any(|flag| match flag.strip_prefix("--") {
            Some(name) => name == long,
            None => flag.chars().skip(1).any(|c| short.contains(c)),
        })
    };
    // The first word that is no flag: a mode, an owner, a script.
    let operand = words.iter().position(|word| !is_flag(word));
    let follows = |what: &str| ContentId::of_bytes(what.as_bytes());
    let (does, recursive, at, known) = match name {
        "rm" => (
            Does::Remove,
            has("rR", "recursive"),
            0,
            only("rRfv", &["recursive", "force", "verbose"]),
        ),
        "rmdir" => (Does::Remove, false, 0, flags.is_empty()),
        "mkdir" => (
            Does::MakeDirectories,
            false,
            0,
            only("pv", &["parents", "verbose"]),
        ),
        "chmod" => {
            let at = operand?;
            let mode = words[at].text.as_str();
            let change = match mode {
                "+x" | "a+x" | "ugo+x" => Change::Executable,
                _ if mode.chars().all(|c| c.is_ascii_digit()) => {
                    Change::MixMode(follows(&format!("chmod {mode}")))
                }
                _ => Change::Mix(follows(&format!("chmod {mode}"))),
            };
            (
                Does::Change(change),
                has("R", "recursive"),
                at + 1,
                only("Rvcf", &["recursive", "verbose", "changes"]),
            )
        }
        "chown" | "chgrp" => {
            let at = operand?;
            let change = Change::Mix(follows(&format!("{name} {}", words[at].text)));
            (
                Does::Change(change),
                has("R", "recursive"),
                at + 1,
                only(
                    "Rvcfh",
                    &["recursive", "verbose", "changes", "no-dereference"],
                ),
            )
        }
        "sed" => {
            let at = operand?;
            let edits = flags.iter().any(|f| *f == "-i" || *f == "--in-place");
            let script = format!("sed {} {}", flags.join(" "), words[at].text);
            let known = edits && only("iEr", &["in-place", "regexp-extended"]);
            (
                Does::Change(Change::Mix(follows(&script))),
                false,
                at + 1,
                known,
            )
        }
        "dos2unix" => (
            Does::Change(Change::Mix(follows(name))),
            false,
            0,
            only("q", &[]),
        ),
        "touch" => {
            // `-t`, `-d` and `-r` take a word.
            let last = words
                .iter()
                .rposition(|w| matches!(w.text.as_str(), "-t" | "-d" | "-r"));
            let at = last.map_or(0, |at| at + 2);
            (
                Does::Touch,
                false,
                at,
                only("acmhtdr", &["no-create"]) && at < words.len().max(1),
            )
        }
        "cp" | "mv" => (
            Does::Copy {
                moves: name == "mv",
                parents: has("", "parents"),
            },
            true,
            0,
            only(
                "rRapfvL",
                &["recursive", "archive", "parents", "force", "verbose"],
            ) && (name == "cp" || !has("", "parents")),
        ),
        _ => return None,
    };
    known.then_some(Tool {
        does,
        recursive,
        at,
    })
}

impl FileWork for Work {
    fn apply(&self, tree: &Node, done: &mut Reworked) -> Node {
        let mut tree = tree.clone();
        for (action, token) in &self.actions {
            run(action, &mut tree, *token, done);
        }
        tree
    }
}

fn run(action: &Action, tree: &mut Node, token: ContentId, done: &mut Reworked) {
    match action {
        Action::Remove(paths, recursive) => {
            let change = match recursive {
                true => Change::Remove,
                false => Change::RemoveIfEmpty,
            };
            each(paths, tree, token, (0, change), done);
        }
        Action::Change(paths, recursive, change) => {
            let depth = if *recursive { usize::MAX } else { 0 };
            each(paths, tree, token, (depth, *change), done);
        }
        Action::Touch(paths) => {
            for path in all(paths, tree, token) {
                match tree.get(&path) {
                    None => tree.put(&path, Node::of_bytes(b"")),
                    // The image may have it: the one or the other, always the same.
                    Some(Node::Opaque(old)) => {
                        tree.put(&path, Node::Opaque(old.with(token)));
                    }
                    Some(_) => {}
                }
            }
        }
        Action::MakeDirectories(paths) => {
            for path in all(paths, tree, token) {
                tree.make_dirs(&path);
            }
        }
        Action::Copy(copy) => copy.run(tree, token, done),
        Action::Find(find) => find.run(tree, token, done),
    }
}

/// All paths that some names stand for.
fn all(paths: &[Named], tree: &mut Node, token: ContentId) -> Vec<RepoPath> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(path.in_tree(tree, token));
    }
    found
}

/// Does one thing to each of the paths, and to what is below them.
fn each(
    paths: &[Named],
    tree: &mut Node,
    token: ContentId,
    (depth, change): (usize, Change),
    done: &mut Reworked,
) {
    for path in all(paths, tree, token) {
        if !tree.rework(&path, depth, token, Some(done), &mut |_, _, _| vec![change]) {
            stir(tree, &path, token);
        }
    }
}

impl Copy {
    fn run(&self, tree: &mut Node, token: ContentId, done: &mut Reworked) {
        let to = self.to.path();
        for source in &self.sources {
            for path in source.in_tree(tree, token) {
                let node = tree.get_itself(&path);
                let is_directory =
                    self.to.is_directory() || matches!(tree.get(to), Some(Node::Dir(_)));
                let at = match path.file_name() {
                    Some(_) if self.parents => to.join(source.as_written(&path).as_bytes()),
                    Some(_) if source.is_contents() => to.clone(),
                    Some(name) if is_directory => to.join(name),
                    _ => to.clone(),
                };
                match node {
                    None | Some(Node::Opaque(_)) => {
                        let unknown = token.below(path.as_bytes());
                        tree.put(&at, Node::Opaque(unknown));
                    }
                    Some(node) => tree.merge(&at, &node),
                }
                if self.moves && at != path {
                    each(&[Named::at(path)], tree, token, (0, Change::Remove), done);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
