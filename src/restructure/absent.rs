//! A Dockerfile of today at a commit of the past: COPY sources that the commit does not have are left out.
//!
//! A list of manifests written today names files that came later; at an older commit the same list would have been
//! shorter. Only literal paths of the context are looked at, never a pattern, a variable without value or a directory
//! that is the root.

use super::candidate::TextEdit;
use super::layout::{expand, mentioned, places, reachable, unquote};
use super::view::View;
use crate::dockerfile;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source, Transfer};
use crate::dockerfile::edit::apply;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// The arguments without a value by which COPY and ADD name files of the context, each with the line of the first that does.
pub fn arguments_in_copies(view: &View<'_>) -> Vec<(usize, String)> {
    let all = places(view.dockerfile);
    let mut found: Vec<(usize, String)> = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let instructions = &view.dockerfile.stages[stage].instructions;
        for (instruction, place) in instructions.iter().zip(&all[stage]) {
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            if instruction.flag("from").is_some() {
                continue;
            }
            let paths = transfer.sources.iter().filter_map(|source| match source {
                Source::Path(path) => Some(path),
                Source::Heredoc(_) => None,
            });
            for name in paths.flat_map(|path| mentioned(path)) {
                let is_open = place.variables.get(&name) == Some(&None)
                    && view.build_args.iter().all(|(given, _)| *given != name);
                if is_open && found.iter().all(|(_, known)| *known != name) {
                    found.push((instruction.lines.first, name));
                }
            }
        }
    }
    found
}

/// The literal sources of a Dockerfile's COPY and ADD instructions.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    text: String,
    copies: Vec<Copy>,
}

/// One instruction with its sources.
#[derive(Clone, Debug)]
struct Copy {
    span: Span,
    head: String,
    destination: String,
    /// As written, and the path where it is literal.
    sources: Vec<(String, Option<RepoPath>)>,
}

/// Positions of missing sources: instruction and source.
pub type Missing = BTreeSet<(usize, usize)>;

impl Sources {
    /// The sources of `text`; none when it does not parse.
    pub fn of(text: &str) -> Self {
        let Ok(parsed) = dockerfile::parse(text) else {
            return Self {
                text: text.to_owned(),
                copies: Vec::new(),
            };
        };
        let all = places(&parsed.dockerfile);
        let mut copies = Vec::new();
        for stage in &parsed.dockerfile.stages {
            for (instruction, place) in stage.instructions.iter().zip(&all[stage.index]) {
                let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                    continue;
                };
                if instruction.flag("from").is_some()
                    || transfer.json
                    || !instruction.heredocs.is_empty()
                {
                    continue;
                }
                let literal = |word: &str| {
                    let path = expand(&unquote(word), &place.variables)?;
                    let is_pattern = path.contains(['*', '?', '['])
                        || path.contains("://")
                        || path.starts_with("git@");
                    Some(RepoPath::new(&path)).filter(|p| !is_pattern && !p.is_root())
                };
                copies.push(copy(text, instruction, transfer, &literal));
            }
        }
        copies.retain(|c| c.sources.iter().any(|(_, path)| path.is_some()));
        Self {
            text: text.to_owned(),
            copies,
        }
    }

    /// The sources that `tree` does not have, as a file or as a directory.
    pub fn missing(&self, tree: &BTreeSet<RepoPath>) -> Missing {
        // Between a directory and what is in it stands what has a longer name of the same beginning (`src-ui`).
        let has = |path: &RepoPath| {
            let mut inside = tree.range(path.join(&[1])..);
            let is_in_it = |p: &RepoPath| p.strip_prefix(path).is_some();
            tree.contains(path) || inside.next().is_some_and(is_in_it)
        };
        let mut missing = Missing::new();
        for (n, copy) in self.copies.iter().enumerate() {
            for (m, (_, path)) in copy.sources.iter().enumerate() {
                if path.as_ref().is_some_and(|path| !has(path)) {
                    missing.insert((n, m));
                }
            }
        }
        missing
    }

    /// The first of the missing sources, as it is written.
    pub fn first_of(&self, missing: &Missing) -> Option<&str> {
        let (n, m) = missing.first()?;
        let (written, _) = self.copies.get(*n)?.sources.get(*m)?;
        Some(written)
    }

    /// The text without the missing sources; an instruction without any left goes.
    pub fn without(&self, missing: &Missing) -> String {
        let mut edits = Vec::new();
        for (n, copy) in self.copies.iter().enumerate() {
            let kept: Vec<&str> = (0..copy.sources.len())
                .filter(|m| !missing.contains(&(n, *m)))
                .map(|m| copy.sources[m].0.as_str())
                .collect();
            if kept.len() == copy.sources.len() {
                continue;
            }
            let text = if kept.is_empty() {
                String::new()
            } else {
                format!("{}{} {}", copy.head, kept.join(" "), copy.destination)
            };
            edits.push(TextEdit::replace(copy.span, text));
        }
        apply(&self.text, &edits).unwrap_or_else(|_| self.text.clone())
    }
}

fn copy(
    text: &str,
    instruction: &Instruction,
    transfer: &Transfer,
    literal: &dyn Fn(&str) -> Option<RepoPath>,
) -> Copy {
    let flags: String = instruction
        .flags
        .iter()
        .map(|f| format!("{} ", text.get(f.span.range()).unwrap_or_default()))
        .collect();
    let sources = transfer.sources.iter().filter_map(|s| match s {
        Source::Path(word) => Some((word.clone(), literal(word))),
        Source::Heredoc(_) => None,
    });
    Copy {
        span: instruction.span,
        head: format!("{} {flags}", instruction.keyword),
        destination: transfer.destination.clone(),
        sources: sources.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_commit_does_not_have_is_left_out() {
        let text = "FROM a\nCOPY --chown=1 a.json \\\n  b/c.json ./\nCOPY later ./later\nCOPY *.x /x/\nCOPY . .\n";
        let check = |files: &[&str], expected: &str| {
            let tree: BTreeSet<RepoPath> = files.iter().map(RepoPath::new).collect();
            let sources = Sources::of(text);
            assert_eq!(
                sources.without(&sources.missing(&tree)),
                expected,
                "{files:?}"
            );
        };
        check(&["a.json", "b/c.json", "later/x"], text);
        check(
            &["a.json", "b/c.jsonx", "later-on"],
            "FROM a\nCOPY --chown=1 a.json ./\n\nCOPY *.x /x/\nCOPY . .\n",
        );
        check(&[], "FROM a\n\n\nCOPY *.x /x/\nCOPY . .\n");
        let many: Vec<String> = (0..100).map(|n| format!("later-on/{n}")).collect();
        let mut files: Vec<&str> = many.iter().map(String::as_str).collect();
        files.extend(["a.json", "b/c.json", "later/x"]);
        check(&files, text);
    }
}
