//! A COPY takes what the following steps need, not everything.
//!
//! Before:
//! ```dockerfile
//! COPY . /src
//! WORKDIR /src/server
//! RUN npm ci && npm run build
//! ```
//! After:
//! ```dockerfile
//! COPY server /src/server
//! WORKDIR /src/server
//! RUN npm ci && npm run build
//! ```
//! For a stage whose files do not all reach the image: when every following step works in, names, and hands on only
//! some top-level directories, they are all that is copied, with what their build files point to and what tools look for
//! upwards from where they run. A workspace, or a pointer to the whole tree, is left whole.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::effect::destination;
use super::super::layout::{
    At, Place, absolute, is_within, parent, places, reachable, stage_named,
};
use super::super::view::View;
use super::upwards::{asked_for, found_above};
use super::{Rule, narrow_shown};
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Command, Instruction, Kind, Source, Stage};
use crate::shell;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "narrow-copy",
    summary: "narrow a broad COPY to what the following steps need",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for index in reachable(view.dockerfile, view.target) {
        let stage = &view.dockerfile.stages[index];
        // A stage that others are built on hands on everything.
        let is_base = index == view.target
            || view
                .dockerfile
                .stages
                .iter()
                .any(|s| parent(view.dockerfile, s.index) == Some(index));
        if is_base {
            continue;
        }
        for (n, instruction) in stage.instructions.iter().enumerate() {
            let at = At {
                stage: index,
                index: n,
            };
            match narrow_shown::narrowed(view, &all, at) {
                Some(shown) => found.extend(shown),
                None => found.extend(narrowed(view, stage, &all, at, instruction)),
            }
        }
    }
    found
}

fn narrowed(
    view: &View<'_>,
    stage: &Stage,
    all: &[Vec<Place>],
    at: At,
    instruction: &Instruction,
) -> Option<Candidate> {
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
        return None;
    };
    let place = &all[at.stage][at.index];
    let is_root = matches!(transfer.sources.as_slice(), [Source::Path(p)] if RepoPath::new(p).is_root() && !p.contains(['*', '$']));
    if !is_root
        || instruction.flag("from").is_some()
        || instruction.flag("exclude").is_some()
        || instruction.is_on("parents")
        || transfer.json
    {
        return None;
    }
    let root = destination(transfer, place)?;
    let (needed, programs) = needed(view, stage, all, at, &root)?;
    let needed = with_pointed_to(view, needed, &programs)?;
    let tops: BTreeSet<&[u8]> = view
        .files
        .iter()
        .filter_map(|(p, _)| p.names().next())
        .collect();
    if needed.is_empty() || needed.len() > 8 || needed.len() >= tops.len() {
        return None;
    }
    let is_needed = |p: &RepoPath| {
        p.names()
            .next()
            .is_some_and(|top| needed.iter().any(|n| n.as_bytes() == top))
    };
    if view.n_touching(|p| !is_needed(p)) == view.n_touching(|_| false) {
        return None;
    }
    let doubts = vec!["check that no step reads files elsewhere in the tree".to_owned()];
    let flags: String = instruction
        .flags
        .iter()
        .map(|f| format!("{} ", &view.text()[f.span.range()]))
        .collect();
    let written = transfer.destination.trim_end_matches('/');
    let lines: Vec<String> = needed
        .iter()
        .map(|top| {
            if is_directory(view, top) {
                format!("{} {flags}{top} {written}/{top}", instruction.keyword)
            } else {
                format!("{} {flags}{top} {written}/", instruction.keyword)
            }
        })
        .collect();
    let names: Vec<&str> = needed.iter().map(String::as_str).collect();
    let mut candidate = Candidate::new(
        "narrow-copy",
        format!(
            "copy only {} in line {}",
            names.join(", "),
            instruction.lines.first
        ),
    );
    candidate.edits = vec![TextEdit::replace(
        Span::new(instruction.span.start, instruction.span.end),
        lines.join("\n"),
    )];
    candidate.safety = Safety::of(
        vec![format!(
            "all steps of the stage work in {}",
            names.join(", ")
        )],
        doubts,
    );
    candidate.rationale = format!(
        "The steps after line {} work in {} only, yet run again when any other file of the repository changes.",
        instruction.lines.first,
        names.join(", ")
    );
    candidate.lines = vec![instruction.lines];
    Some(candidate)
}

/// How many build files are read for pointers.
const MAX_BUILD_FILES: usize = 400;

/// Files that make the tree one workspace: a step in one member may read all others.
const WORKSPACES: &[&str] = &[
    "go.work",
    "pnpm-workspace.yaml",
    "lerna.json",
    "nx.json",
    "rush.json",
];

/// `needed` with what build files in it point to, and what tools find above it; `None` when that may be everything.
fn with_pointed_to(
    view: &View<'_>,
    mut needed: BTreeSet<String>,
    programs: &BTreeSet<String>,
) -> Option<BTreeSet<String>> {
    let has = |name: &str| {
        view.files
            .iter()
            .any(|(p, _)| p.names().next() == Some(name.as_bytes()))
    };
    if is_workspace(view) {
        return None;
    }
    let is_of_root = |name: &&str| {
        let is_own = |(path, _): &(RepoPath, crate::tree::FileStamp)| {
            path.file_name() == Some(name.as_bytes())
                && path.names().count() > 1
                && is_in(path, &needed)
        };
        has(name) && !view.files.iter().any(is_own)
    };
    let asked = asked_for(view, &needed, programs);
    if asked.iter().any(is_of_root) {
        return None;
    }
    let above = found_above(programs).filter(|n| has(n));
    needed.extend(above.map(str::to_owned));
    // What is pointed to may point on.
    let mut seen = 0;
    loop {
        let before = needed.len();
        let inside: Vec<&RepoPath> = view
            .files
            .iter()
            .map(|(p, _)| p)
            .filter(|p| is_in(p, &needed) && is_build_file(p))
            .collect();
        let mut found = BTreeSet::new();
        for path in inside {
            seen += 1;
            if seen > MAX_BUILD_FILES {
                return None;
            }
            let text = view.read_text(path).unwrap_or_default();
            found.extend(pointers(path, &text)?);
            // Settings are written for where the tool runs.
            let top = path.names().next().map(RepoPath::new);
            if let Some(top) = top.filter(|_| is_settings(path)) {
                found.extend(pointers(&top.join(b"settings"), &text)?);
            }
        }
        needed.extend(found.into_iter().filter(|top| has(top)));
        if needed.len() == before {
            return Some(needed);
        }
    }
}

/// Whether `path` is, or is below, one of the top-level names.
pub(super) fn is_in(path: &RepoPath, tops: &BTreeSet<String>) -> bool {
    let top = path.names().next();
    top.is_some_and(|top| tops.iter().any(|n| n.as_bytes() == top))
}

/// Whether a file at the root makes the tree one workspace.
pub(super) fn is_workspace(view: &View<'_>) -> bool {
    let holds = |path: &str, word: &str| {
        view.read_text(&RepoPath::new(path))
            .is_some_and(|text| text.contains(word))
    };
    WORKSPACES
        .iter()
        .any(|name| view.has_file(&RepoPath::new(name)))
        || holds("Cargo.toml", "[workspace]")
        || holds("package.json", "\"workspaces\"")
        || holds("pyproject.toml", "[tool.uv.workspace]")
}

/// The top-level names that a build file's relative paths lead to; `None` when one leads to the root.
fn pointers(path: &RepoPath, text: &str) -> Option<BTreeSet<String>> {
    let depth = path.names().count().saturating_sub(1);
    let is_end = |c: char| c.is_whitespace() || "\"'`,;()[]{}<>|=".contains(c);
    let mut tops = BTreeSet::new();
    for word in text.split(is_end).filter(|w| w.contains("..")) {
        let word = word
            .strip_prefix("file:")
            .or(word.strip_prefix("link:"))
            .unwrap_or(word);
        let mut names: Vec<&str> = Vec::new();
        let mut above = depth;
        let mut is_outside = false;
        for name in word.split(['/', '\\']) {
            match name {
                "" | "." => {}
                ".." if names.pop().is_some() => {}
                ".." if above > 0 => above -= 1,
                ".." => is_outside = true,
                name => names.push(name),
            }
        }
        // What is not below the context is not in it as it is; what stays in the same directory tree is copied anyway.
        if is_outside || !word.split(['/', '\\']).any(|n| n == "..") || above > 0 {
            continue;
        }
        tops.insert((*names.first()?).to_owned());
    }
    Some(tops)
}

fn is_directory(view: &View<'_>, top: &str) -> bool {
    !view.has_file(&RepoPath::new(top))
}

/// Settings of a tool, near the top of what it works on.
fn is_settings(path: &RepoPath) -> bool {
    let name = path.file_name().unwrap_or_default();
    let ends: [&[u8]; 4] = [b".yml", b".yaml", b".toml", b"config.rb"];
    path.names().count() <= 3 && ends.iter().any(|e| name.ends_with(e))
}

/// Files in which a relative path leads a build elsewhere.
fn is_build_file(path: &RepoPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    [
        "package.json",
        "go.mod",
        "Cargo.toml",
        "pyproject.toml",
        "setup.py",
        "pom.xml",
        "settings.gradle",
        "settings.gradle.kts",
        "build.gradle",
        "build.gradle.kts",
        "composer.json",
        "Gemfile",
        "Makefile",
        "mix.exs",
        "tsconfig.json",
    ]
    .contains(&name)
        || name.ends_with(".csproj")
        || name.contains(".config.")
        || name.starts_with("tsconfig")
        || is_settings(path)
}

/// The top-level names below `root` that the stage's following steps work in or name, and that other stages take, and the
/// programs that the steps run; `None` when a step works at the root itself, or where it works is not known.
fn needed(
    view: &View<'_>,
    stage: &Stage,
    all: &[Vec<Place>],
    at: At,
    root: &str,
) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
    let (mut tops, mut programs) = (BTreeSet::new(), BTreeSet::new());
    for (instruction, place) in stage
        .instructions
        .iter()
        .zip(&all[at.stage])
        .skip(at.index + 1)
    {
        let Kind::Run(run) = &instruction.kind else {
            continue;
        };
        let Command::Shell(text) = &run.command else {
            return None;
        };
        if !instruction.heredocs.is_empty() {
            return None;
        }
        let cwd = place.cwd.as_deref()?;
        for seen in shell::parse(text).seen() {
            if seen.name().is_empty() || seen.name() == "cd" {
                continue;
            }
            programs.insert(seen.name().to_owned());
            let here = absolute(Some(cwd), seen.directory.as_deref()?)?;
            if is_within(&here, root) {
                tops.insert(top_below(&here, root)?);
            } else if is_within(root, &here) {
                return None;
            }
            for word in seen.args() {
                let word = word
                    .split_once('=')
                    .map_or(word.as_str(), |(_, value)| value);
                if word.contains('$') {
                    return None;
                }
                // A word that leads upwards is a path; another one below `here` is there anyway.
                let from = leads_up(word).then_some(here.as_str());
                let is_above = |path: &String| path != root && is_within(root, path);
                if leads_up(word) && absolute(from, word).is_some_and(|p| is_above(&p)) {
                    return None;
                }
                if let Some(path) = absolute(from, word).filter(|p| is_within(p, root)) {
                    tops.insert(top_below(&path, root)?);
                }
            }
        }
    }
    for next in &view.dockerfile.stages {
        for instruction in &next.instructions {
            let from_mounts = instruction
                .flag_values("mount")
                .filter_map(|m| super::super::layout::mount_field(m, "from"));
            if from_mounts
                .into_iter()
                .any(|n| stage_named(view.dockerfile, next.index, n) == Some(at.stage))
            {
                return None;
            }
            let (Kind::Copy(t) | Kind::Add(t)) = &instruction.kind else {
                continue;
            };
            if instruction
                .flag("from")
                .and_then(|n| stage_named(view.dockerfile, next.index, n))
                != Some(at.stage)
            {
                continue;
            }
            for source in &t.sources {
                let Source::Path(path) = source else { continue };
                let path = absolute(Some("/"), path)?;
                if path.contains('$') {
                    return None;
                }
                if is_within(&path, root) {
                    tops.insert(top_below(&path, root)?);
                } else if is_within(root, &path) {
                    return None;
                }
            }
        }
    }
    let exists = |top: &String| {
        view.files
            .iter()
            .any(|(p, _)| p.names().next() == Some(top.as_bytes()))
    };
    tops.retain(exists);
    Some((tops, programs))
}

/// Whether a word is a relative path that leaves the directory.
fn leads_up(word: &str) -> bool {
    word == ".." || word.starts_with("../")
}

/// The first name of `path` below `root`; `None` for the root itself or a pattern.
fn top_below(path: &str, root: &str) -> Option<String> {
    let rest = if root == "/" {
        path.strip_prefix('/')?
    } else {
        path.strip_prefix(root)?.strip_prefix('/')?
    };
    let top = rest
        .split('/')
        .next()
        .filter(|t| !t.is_empty() && !t.contains(['*', '?', '[', '$', ' ']))?;
    Some(top.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_lead_to_top_level_names() {
        let check = |path: &str, text: &str, expected: Option<&[&str]>| {
            let found = pointers(&RepoPath::from(path), text);
            let found = found
                .as_ref()
                .map(|f| f.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expected, "{path}: {text}");
        };
        check("a/go.mod", "replace x => ../lib\n", Some(&["lib"]));
        check("a/b/go.mod", "replace x => ../../lib/y\n", Some(&["lib"]));
        check("a/b/go.mod", "replace x => ../c\n", Some(&[]));
        check("a/b/go.mod", "replace x => ../..\n", None);
        check(
            "a/package.json",
            "{\"x\": \"file:../y\", \"z\": \"1..2\"}",
            Some(&["y"]),
        );
        check(
            "a/x.csproj",
            "Include=\"..\\shared\\y.csproj\"",
            Some(&["shared"]),
        );
        check("a/Makefile", "cp ../../outside .", Some(&[]));
        check("a/b.config.js", "import '../c/../d'", Some(&["d"]));
    }
}
