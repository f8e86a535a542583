//! Files that no step reads stay out of the context.
//!
//! Before, `.dockerignore`:
//! ```text
//! node_modules
//! ```
//! After:
//! ```text
//! node_modules
//! .git
//! docs
//! ```
//! One candidate for each class of files: the checkout's `.git`, documentation, CI and editor files, tests, the
//! Dockerfile itself; and one for whatever is shown to be read by no step of any Dockerfile. Only what is there, what a COPY takes along, and what changes is named; never what a COPY, a mount
//! or a RUN names. A build that asks git for its version keeps `.git`.

use super::super::candidate::{Candidate, IgnoreText, Safety};
use super::super::git_asked::{git_readers, hides_git, names_git, names_in_copies, run_texts};
use super::super::layout::{
    At, Place, delivered, is_within, mount_field, parent, places, reachable, stage_named,
};
use super::super::manifests::is_manifest;
use super::super::mentions::{Mentions, holds, mentions};
use super::super::view::View;
use super::{Rule, narrow_shown};
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::tree::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "ignore",
    summary: "keep what no step reads out of the context",
    propose,
};

/// A class of files that builds seldom read.
struct Class {
    /// For titles.
    what: &'static str,
    /// First names of paths, in lower case; a trailing `*` is any rest, a leading one any beginning.
    names: &'static [&'static str],
}

const CLASSES: &[Class] = &[
    Class {
        what: "documentation",
        names: &[
            "docs",
            "doc",
            "documentation",
            "*.md",
            "*.mdx",
            "*.rst",
            "*.adoc",
            "license*",
            "licence*",
            "copying",
            "authors*",
            "notice*",
            "changelog*",
            "changes*",
            "contributors*",
            "codeowners",
            "examples",
            "example",
            "screenshots",
        ],
    },
    Class {
        what: "CI and editor files",
        names: &[
            ".github",
            ".gitlab",
            ".gitlab-ci.yml",
            ".circleci",
            ".travis.yml",
            ".drone.yml",
            ".buildkite",
            ".ci",
            "jenkinsfile*",
            "azure-pipelines*",
            ".azure-pipelines",
            "appveyor.yml",
            ".appveyor.yml",
            "bitbucket-pipelines.yml",
            ".woodpecker*",
            ".vscode",
            ".idea",
            ".devcontainer",
            ".editorconfig",
            ".gitignore",
            ".gitattributes",
            ".mailmap",
            ".pre-commit-config.yaml",
            "renovate.json*",
            ".renovaterc*",
            "dependabot.yml",
            ".codecov.yml",
            "codecov.yml",
            ".coveralls.yml",
            ".fossa.yml",
            "netlify.toml",
            "vercel.json",
            "fly.toml",
            "render.yaml",
            "app.json",
            "procfile",
            "crowdin.yml",
            ".all-contributorsrc",
            "helm",
            "charts",
            "k8s",
            "kubernetes",
            "terraform",
            "ansible",
            ".release-please-manifest.json",
            "release-please-config.json",
            ".goreleaser*",
        ],
    },
    Class {
        what: "tests",
        names: &[
            "test",
            "tests",
            "spec",
            "specs",
            "e2e",
            "cypress",
            "__tests__",
            "integration-tests",
            "benches",
            "bench",
            "benchmarks",
            "fuzz",
        ],
    },
    Class {
        what: "the Dockerfile and its company",
        names: &[
            "dockerfile*",
            "*.dockerfile",
            ".dockerignore",
            "docker-compose*",
            "compose.y*ml",
            "compose.*",
            "containerfile*",
            ".hadolint*",
        ],
    },
];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let broad = broad_copies(view);
    if broad.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<Candidate> = git_directory(view, &broad).into_iter().collect();
    found.extend(
        CLASSES
            .iter()
            .filter_map(|class| of_class(view, &broad, class)),
    );
    found.extend(unread(view, &broad));
    found
}

/// A COPY, ADD or bind mount that takes the context's root.
struct Broad<'a> {
    at: At,
    instruction: &'a Instruction,
    place: Place,
}

fn broad_copies<'a>(view: &View<'a>) -> Vec<Broad<'a>> {
    broad_in(view, reachable(view.dockerfile, view.target))
}

fn broad_in<'a>(view: &View<'a>, stages: impl IntoIterator<Item = usize>) -> Vec<Broad<'a>> {
    let places = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in stages {
        for (index, instruction) in view.dockerfile.stages[stage]
            .instructions
            .iter()
            .enumerate()
        {
            if takes_root(instruction) {
                found.push(Broad {
                    at: At { stage, index },
                    instruction,
                    place: places[stage][index].clone(),
                });
            }
        }
    }
    found
}

/// Whether an instruction takes the context's root.
fn takes_root(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::Copy(t) | Kind::Add(t) => {
            let is_root =
                |s: &Source| matches!(s, Source::Path(p) if RepoPath::new(p).is_root() || p == "*");
            instruction.flag("from").is_none() && t.sources.iter().any(is_root)
        }
        Kind::Run(_) => instruction.flag_values("mount").any(|m| {
            let is_bind = mount_field(m, "type").is_none_or(|t| t == "bind");
            let source = mount_field(m, "source")
                .or(mount_field(m, "src"))
                .unwrap_or_default();
            is_bind && mount_field(m, "from").is_none() && RepoPath::new(source).is_root()
        }),
        _ => false,
    }
}

fn git_directory(view: &View<'_>, broad: &[Broad<'_>]) -> Option<Candidate> {
    if !view.git_dir || !view.context.is_root() || hides_git(view) || names_git(view) {
        return None;
    }
    let mut doubts = git_readers(view)?;
    if let Some(line) = broad
        .iter()
        .find(|b| reaches_image(view, b, None))
        .map(|b| b.instruction.lines.first)
    {
        doubts.push(format!(
            "line {line} takes `.git` into the image; check that nothing reads it at run time"
        ));
    }
    let reasons = vec![
        "no RUN calls git, and no manifest or script of the tree derives a version from git"
            .to_owned(),
    ];
    let mut candidate = with_lines(view, "ignore", &[".git".to_owned()])?;
    candidate.title = "ignore .git".to_owned();
    let line = broad[0].instruction.lines.first;
    candidate.rationale = format!(
        "`.git` changes with every commit, so line {line} and all that follows run again at every commit, whatever it changed."
    );
    candidate.safety = Safety::of(reasons, doubts);
    candidate.lines = broad.iter().map(|b| b.instruction.lines).collect();
    Some(candidate)
}

fn of_class(view: &View<'_>, broad: &[Broad<'_>], class: &Class) -> Option<Candidate> {
    let named = names_in_copies(view);
    let kept = |first: &str| is_named(&named, first);
    let runs: Vec<String> = run_texts(view).collect();
    let mut tops: BTreeMap<String, usize> = BTreeMap::new();
    for (path, _) in view.files {
        let Some(first) = path
            .names()
            .next()
            .and_then(|n| std::str::from_utf8(n).ok())
        else {
            continue;
        };
        if tops.contains_key(first) || !class.names.iter().any(|n| fits(n, &first.to_lowercase())) {
            continue;
        }
        let top = RepoPath::new(first);
        let touched = view.n_touching(|p| p.strip_prefix(&top).is_some());
        let in_run = runs.iter().any(|r| holds(r.as_bytes(), first.as_bytes()));
        if touched > 0 && !kept(first) && !in_run && !is_kept_by_user(view, first) {
            tops.insert(first.to_owned(), touched);
        }
    }
    // What the tree itself refers to stays, unless it is only other documentation that does.
    let mut doubts = Vec::new();
    tops.retain(|first, _| match referred(view, first) {
        Referred::No => true,
        Referred::ByManifest => false,
        Referred::Elsewhere(path) => {
            doubts.push(format!(
                "{path} mentions {first}; check that no build step reads it"
            ));
            true
        }
    });
    if tops.is_empty() {
        return None;
    }
    doubts.truncate(3);
    let names: Vec<String> = tops.keys().cloned().collect();
    let reaching = broad
        .iter()
        .find(|b| names.iter().any(|n| reaches_image(view, b, Some(n))));
    if let Some(b) = reaching {
        doubts.push(format!(
            "line {} takes these files into the image; check that nothing needs them at run time",
            b.instruction.lines.first
        ));
    }
    let lines: Vec<String> = names.iter().map(|n| escaped(n)).collect();
    let mut candidate = with_lines(view, "ignore", &lines)?;
    candidate.title = format!("ignore {}: {}", class.what, abridged(&names));
    let paths: Vec<RepoPath> = names.iter().map(RepoPath::new).collect();
    let n = view.n_touching(|p| paths.iter().any(|top| p.strip_prefix(top).is_some()));
    candidate.rationale = format!(
        "{} of {} builds changed these files, which no step reads; each time line {} and what follows ran again.",
        n,
        view.n_builds(),
        broad[0].instruction.lines.first
    );
    candidate.safety = Safety::of(
        vec!["no COPY, mount or RUN names these files, and no manifest refers to them".to_owned()],
        doubts,
    );
    candidate.lines = broad.iter().map(|b| b.instruction.lines).collect();
    Some(candidate)
}

/// More names than this are no longer read by anybody.
const MOST_UNREAD: usize = 12;

/// What no step reads where that can be shown of all of them, whatever it is called.
fn unread(view: &View<'_>, broad: &[Broad<'_>]) -> Option<Candidate> {
    let all = places(view.dockerfile);
    let mut read: BTreeSet<RepoPath> = BTreeSet::new();
    for b in broad {
        read.extend(narrow_shown::read_of_all(view, &all, b.at)?);
    }
    // Stages that are not built here may be built elsewhere.
    let has_others = broad_in(view, 0..view.dockerfile.stages.len()).len() > broad.len();
    if has_others {
        return None;
    }
    let named = names_in_copies(view);
    // Beside `.git` what is left out counts as deleted: go would call the program modified.
    let has_git = view.git_dir && view.context.is_root() && !hides_git(view);
    if has_git || named.iter().any(|n| n.contains('$')) {
        return None;
    }
    let texts = other_dockerfiles(view)?;
    let is_read = |first: &str| {
        let below = |p: &RepoPath| p.names().next() == Some(first.as_bytes());
        read.iter().any(below)
            || is_named(&named, first)
            || texts.iter().any(|t| holds(t, first.as_bytes()))
            || is_kept_by_user(view, first)
    };
    let tops: BTreeSet<&str> = view
        .files
        .iter()
        .filter_map(|(p, _)| std::str::from_utf8(p.names().next()?).ok())
        .collect();
    let names: Vec<String> = tops
        .into_iter()
        .filter(|first| {
            let top = RepoPath::new(first);
            view.n_touching(|p| p.strip_prefix(&top).is_some()) > 0 && !is_read(first)
        })
        .map(str::to_owned)
        .collect();
    if names.is_empty() || names.len() > MOST_UNREAD {
        return None;
    }
    let lines: Vec<String> = names.iter().map(|n| escaped(n)).collect();
    let mut candidate = with_lines(view, "ignore", &lines)?;
    candidate.title = format!("ignore what no step reads: {}", abridged(&names));
    let paths: Vec<RepoPath> = names.iter().map(RepoPath::new).collect();
    candidate.rationale = format!(
        "{} of {} builds changed these files, which no step reads; each time line {} and what follows ran again.",
        view.n_touching(|p| paths.iter().any(|top| p.strip_prefix(top).is_some())),
        view.n_builds(),
        broad[0].instruction.lines.first
    );
    candidate.safety = Safety::of(
        vec![
            "the imports that the build follows lead to none of them, and no other step reads them"
                .to_owned(),
        ],
        vec!["check that the build needs no file that is not in git, and that nothing else is built with this ignore file".to_owned()],
    );
    candidate.lines = broad.iter().map(|b| b.instruction.lines).collect();
    Some(candidate)
}

/// The texts of the other Dockerfiles of the tree, which may be built with the same ignore file; `None` where one of them
/// may take everything, or cannot be read.
fn other_dockerfiles(view: &View<'_>) -> Option<Vec<Vec<u8>>> {
    let is_own = |p: &RepoPath| view.context.join(p.as_bytes()) == *view.path;
    let is_one = |p: &RepoPath| {
        let name = p.file_name().unwrap_or_default().to_ascii_lowercase();
        let name = String::from_utf8_lossy(&name).into_owned();
        (name.contains("dockerfile") || name.contains("containerfile")) && !name.ends_with("ignore")
    };
    let all = view.files.iter().chain(view.ignored).map(|(p, _)| p);
    let mut texts = Vec::new();
    for path in all.filter(|p| is_one(p) && !is_own(p)) {
        let bytes = (view.read)(path)?;
        let parsed = crate::dockerfile::parse(std::str::from_utf8(&bytes).ok()?).ok()?;
        let takes_all = parsed.dockerfile.instructions().any(takes_root);
        if takes_all {
            return None;
        }
        texts.push(bytes);
    }
    Some(texts)
}

fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => {
            pattern == name
                || (pattern.contains('*')
                    && pattern
                        .split_once('*')
                        .is_some_and(|(a, b)| name.starts_with(a) && name.ends_with(b)))
        }
    }
}

/// Whether one of the sources of copies is, is below, or may match a top-level name.
fn is_named(sources: &BTreeSet<String>, first: &str) -> bool {
    sources.iter().any(|n| {
        n == first
            || n.starts_with(&format!("{first}/"))
            || (n.contains(['*', '?', '[']) && could_match(n, first))
    })
}

/// Whether a COPY source with wildcards may match the top name.
fn could_match(pattern: &str, first: &str) -> bool {
    let path = RepoPath::new(first);
    let head = pattern.split('/').next().unwrap_or_default();
    !super::super::layout::selected(std::iter::once(&path), head).is_empty() && head != "*"
}

/// Whether the ignore file takes the name back in on purpose.
fn is_kept_by_user(view: &View<'_>, first: &str) -> bool {
    let text = view.ignore.map_or("", |(_, text)| text);
    text.lines()
        .filter_map(|l| l.trim().strip_prefix('!'))
        .any(|l| RepoPath::new(l).names().next() == Some(first.as_bytes()))
}

enum Referred {
    No,
    ByManifest,
    Elsewhere(RepoPath),
}

/// Whether files that are part of the program refer to a top-level name.
fn referred(view: &View<'_>, first: &str) -> Referred {
    let top = RepoPath::new(first);
    let is_dir = !view.has_file(&top);
    let words: Vec<String> = if is_dir {
        vec![
            format!("{first}/"),
            format!("\"{first}\""),
            format!("'{first}'"),
            format!("/{first}\""),
        ]
    } else {
        vec![first.to_owned()]
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_prose = |path: &RepoPath| {
        let text = path.to_string().to_lowercase();
        let first = text.split('/').next().unwrap_or_default().to_owned();
        CLASSES
            .iter()
            .any(|c| c.names.iter().any(|n| fits(n, &first)))
            || text.ends_with(".md")
            || text.ends_with(".rst")
            || text.ends_with(".lock")
            || text.ends_with("lock.json")
            || text.ends_with("-lock.yaml")
    };
    let Mentions { found, .. } = mentions(view, &words, |p| {
        !is_prose(p) && p.strip_prefix(&top).is_none()
    });
    match found
        .iter()
        .find(|(p, _)| is_manifest(p) && !p.to_string().ends_with(".sh"))
        .or(found.first())
    {
        None => Referred::No,
        Some((path, _)) if is_manifest(path) => Referred::ByManifest,
        Some((path, _)) => Referred::Elsewhere(path.clone()),
    }
}

/// Whether what a broad copy brings under `first` (or `.git`) ends in the built image.
fn reaches_image(view: &View<'_>, broad: &Broad<'_>, first: Option<&str>) -> bool {
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &broad.instruction.kind else {
        return false;
    };
    let at = match (
        delivered(view, broad.instruction, transfer, &broad.place),
        first,
    ) {
        (Some(files), Some(first)) => {
            let top = RepoPath::new(first);
            files
                .into_iter()
                .find(|(_, from)| from.strip_prefix(&top).is_some())
                .map(|(to, _)| to)
        }
        _ => super::super::effect::destination(transfer, &broad.place),
    };
    let dockerfile = view.dockerfile;
    let mut open = vec![(broad.at.stage, at)];
    let mut seen = BTreeSet::new();
    while let Some((stage, at)) = open.pop() {
        if !seen.insert((stage, at.clone())) {
            continue;
        }
        if stage == view.target {
            return true;
        }
        for next in &dockerfile.stages {
            if parent(dockerfile, next.index) == Some(stage) {
                open.push((next.index, at.clone()));
            }
            for instruction in &next.instructions {
                let (Kind::Copy(t) | Kind::Add(t)) = &instruction.kind else {
                    continue;
                };
                if instruction
                    .flag("from")
                    .and_then(|n| stage_named(dockerfile, next.index, n))
                    != Some(stage)
                {
                    continue;
                }
                let takes = t.sources.iter().any(|s| match (s, &at) {
                    (Source::Path(p), Some(at)) => {
                        !p.contains(['*', '?', '[', '$'])
                            && is_within(at, &format!("/{}", RepoPath::new(p)))
                    }
                    (Source::Path(_), None) => true,
                    (Source::Heredoc(_), _) => false,
                });
                if takes {
                    // Where exactly it lands is not followed: from here on it may be anywhere.
                    open.push((next.index, None));
                }
            }
        }
    }
    false
}

/// The ignore file with `lines` added at its end.
fn with_lines(view: &View<'_>, rule: &'static str, lines: &[String]) -> Option<Candidate> {
    let (path, old) = match view.ignore {
        Some((path, text)) => (path.clone(), text),
        None => (view.context.join(b".dockerignore"), ""),
    };
    // What somebody let in by name is wanted.
    let is_asked_for = |name: &String| {
        let mut lets_in = old.lines().filter_map(|l| l.trim().strip_prefix('!'));
        lets_in.any(|l| {
            let named = l.trim().trim_matches('/');
            named == name || named.starts_with(&format!("{name}/"))
        })
    };
    if lines.iter().any(is_asked_for) {
        return None;
    }
    let line_break = if old.contains("\r\n") { "\r\n" } else { "\n" };
    let mut text = old.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(line_break);
    }
    for line in lines {
        text.push_str(line);
        text.push_str(line_break);
    }
    let mut candidate = Candidate::new(rule, String::new());
    candidate.ignore = Some(IgnoreText { path, text });
    Some(candidate)
}

/// A name as a pattern that matches only it.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | '\\' | '!' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn abridged(names: &[String]) -> String {
    match names {
        [a, b, c, _, rest @ ..] if !rest.is_empty() => {
            format!("{a}, {b}, {c} and {} more", rest.len() + 1)
        }
        _ => names.join(", "),
    }
}
