//! A front-end that is built in a directory of its own gets a stage of its own, built beside the rest and joined late.
//!
//! Before:
//! ```dockerfile
//! FROM eclipse-temurin:21-jdk
//! WORKDIR /app
//! COPY . .
//! RUN ./mvnw package
//! RUN apt-get update && apt-get install -y nodejs npm
//! WORKDIR /app/web
//! RUN npm ci && npm run build
//! ```
//! After:
//! ```dockerfile
//! FROM eclipse-temurin:21-jdk AS web
//! RUN apt-get update && apt-get install -y nodejs npm
//! WORKDIR /app/web
//! COPY web ./
//! RUN npm ci && npm run build
//!
//! FROM eclipse-temurin:21-jdk
//! WORKDIR /app
//! COPY . .
//! RUN ./mvnw package
//! WORKDIR /app/web
//! COPY --from=web /app/web /app/web
//! ```
//! Both are built at once, and neither is built again for the other's files. The tools that only the front-end needs go
//! with it. The copy stands where the last of its RUNs stood, so that all below finds what it found.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::installs::{StageView, relative};
use super::super::layout::{
    BASE, absolute, goes_by_numbers, is_taken, is_within, mentioned, places, reachable,
};
use super::super::lift::declare;
use super::super::mentions::mentions;
use super::super::moving::{block, block_of, end_before, without_blank_twin};
use super::super::view::View;
use super::Rule;
use super::own_install::beside;
use super::own_packages::packages;
use super::own_tools::{Tool, tools};
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::ecosystem::is_global;
use crate::shell::Seen;
use crate::tree::RepoPath;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "own-stage",
    summary: "a front-end, or packages, in a stage of their own, beside the rest",
    propose,
};

/// Programs that build a front-end.
pub(super) const TOOLS: &[&str] = &[
    "npm", "npx", "yarn", "pnpm", "node", "tsc", "vite", "ng", "webpack",
];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let stages = reachable(view.dockerfile, view.target);
    let front_ends = stages
        .into_iter()
        .filter_map(|stage| candidate(&StageView::new(view, &all, stage)));
    front_ends
        .chain(packages(view))
        .chain(beside(view))
        .collect()
}

/// What goes into the new stage.
pub(super) struct Part {
    /// Its RUNs.
    pub(super) runs: Vec<usize>,
    /// Where they run, absolute, and the directory of the context that stands there.
    pub(super) dir: String,
    /// Where WORKDIR has them start: there, or above it, for a RUN that changes the directory itself.
    cwd: String,
    source: RepoPath,
}

fn candidate(of: &StageView<'_>) -> Option<Candidate> {
    let (view, stage) = (of.view, of.stage);
    let part = part(of)?;
    let tools = tools(of, &part)?;
    let name = free_name(view, &part.source)?;
    let from = view
        .text()
        .get(stage.from.span.start..stage.base().image_span.end)?;
    let mut text = format!("{from} AS {name}\n");
    for tool in &tools {
        let _ = writeln!(text, "{}", source_of(view, &stage.instructions[tool.run])?);
    }
    text.push_str(&variables(of, *part.runs.last()?)?);
    let inside = relative(&part.dir, &part.cwd)?;
    let _ = writeln!(
        text,
        "WORKDIR {}\nCOPY {} ./{inside}",
        part.cwd, part.source
    );
    for &run in &part.runs {
        let _ = writeln!(text, "{}", source_of(view, &stage.instructions[run])?);
    }
    text.push('\n');
    let mut candidate = Candidate::new(
        RULE.id,
        format!("build {} in a stage of its own", part.source),
    );
    candidate.edits = edits(of, &part, &tools, &name, text)?;
    candidate.changes_image = true;
    candidate.lines = part
        .runs
        .iter()
        .map(|&r| stage.instructions[r].lines)
        .collect();
    let inside = |p: &RepoPath| p.strip_prefix(&part.source).is_some();
    candidate.rationale = format!(
        "{} is built after the rest and again with every change to it; of {} builds {} changed {}, {} something else. In a stage of its own it is built beside the rest, and only for its own files.",
        part.source,
        view.n_builds(),
        view.n_touching(inside),
        part.source,
        view.n_touching(|p| !inside(p))
    );
    let mut doubts = vec![format!(
        "check that building {} reads and writes nothing outside of it",
        part.source
    )];
    let moved = tools.iter().filter(|t| t.is_own);
    let lines: Vec<String> = moved
        .map(|t| stage.instructions[t.run].lines.first.to_string())
        .collect();
    if !lines.is_empty() {
        doubts.push(format!(
            "that nothing needs what line {} installs while the image runs",
            lines.join(" and ")
        ));
    }
    candidate.safety = Safety::of(
        vec![format!(
            "all of {} is copied to where it stood, before the next instruction",
            part.dir
        )],
        vec![doubts.join(", and ")],
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn source_of<'t>(view: &View<'t>, instruction: &Instruction) -> Option<&'t str> {
    view.text().get(instruction.span.range())
}

fn is_quiet(seen: &Seen) -> bool {
    matches!(
        seen.name(),
        "" | "cd" | "set" | "export" | "true" | ":" | "echo" | "rm"
    )
}

/// Whether a command installs the tools themselves.
fn fetches_tools(seen: &Seen) -> bool {
    seen.name() == "corepack" || (TOOLS.contains(&seen.name()) && is_global(seen.args()))
}

/// Where the commands of a RUN that builds a front-end run, if it does nothing else.
fn front_end(of: &StageView<'_>, run: usize) -> Option<String> {
    let all = seen(&of.stage.instructions[run])?;
    let cwd = of.cwd(run);
    let mut dirs = BTreeSet::new();
    for one in all.iter().filter(|s| !is_quiet(s)) {
        let leads_out = one.args().iter().any(|a| a.contains("../"));
        if !TOOLS.contains(&one.name()) || fetches_tools(one) || leads_out {
            return None;
        }
        if one.name() == "npm" && one.subcommand() == "cache" {
            continue;
        }
        dirs.insert(place_of(one, cwd)?);
    }
    let dir = dirs.pop_first().filter(|_| dirs.is_empty())?;
    // What it takes away elsewhere would stay.
    let removes_elsewhere = |s: &Seen| {
        let here = s.directory.as_deref().and_then(|d| absolute(Some(cwd), d));
        let mut words = s.args().iter().filter(|a| !a.starts_with('-'));
        s.name() == "rm"
            && words.any(|word| {
                let to = absolute(here.as_deref(), word);
                let is_own = word.starts_with("~/.") || word.starts_with("/tmp/");
                !is_own && to.is_none_or(|to| !is_within(&to, &dir))
            })
    };
    (is_within(&dir, cwd) && !all.iter().any(removes_elsewhere)).then_some(dir)
}

/// Where a command of a front-end's tools works, started in a RUN at `cwd`: where it runs, or what an option names.
fn place_of(seen: &Seen, cwd: &str) -> Option<String> {
    let here = absolute(Some(cwd), seen.directory.as_deref()?)?;
    let flags: &[&str] = match seen.name() {
        "npm" => &["--prefix", "-C"],
        "pnpm" => &["--dir", "-C"],
        "yarn" => &["--cwd"],
        _ => &[],
    };
    const ELSEWHERE: [&str; 4] = ["--prefix", "--cwd", "--dir", "-C"];
    // What stands behind `--` is for the script.
    let mut words = seen.args().iter().take_while(|a| *a != "--");
    let mut named = None;
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word.as_str(), None),
        };
        if flags.contains(&flag) {
            let value = value.or_else(|| words.next().map(String::as_str))?;
            if value.contains(['$', '~']) || named.replace(value).is_some() {
                return None;
            }
        } else if ELSEWHERE.contains(&flag) {
            return None;
        }
    }
    absolute(Some(&here), named.unwrap_or_default())
}

fn part(of: &StageView<'_>) -> Option<Part> {
    let (view, stage) = (of.view, of.stage);
    let n = stage.instructions.len();
    let dir = (0..n).find_map(|run| front_end(of, run))?;
    let runs: Vec<usize> = (0..n)
        .filter(|&run| front_end(of, run).as_ref() == Some(&dir))
        .collect();
    let (first, last) = (*runs.first()?, *runs.last()?);
    let cwd = of.cwd(first).to_owned();
    if cwd.starts_with(BASE) || runs.iter().any(|&run| of.cwd(run) != cwd) {
        return None;
    }
    let image = of.image_at(first);
    let manifest = &image.get(&format!("{dir}/package.json"))?.from;
    let source = manifest.parent()?;
    // All that stands there must come from one directory of the context, and be there before its first RUN.
    let is_there = |(to, from): (&String, &RepoPath)| {
        let rest = to.strip_prefix(&dir)?.strip_prefix('/')?;
        Some(*from == source.join(rest.as_bytes()))
    };
    let brought = image.iter().map(|(to, b)| (to, &b.from));
    let is_whole = !source.is_root()
        && brought.filter_map(is_there).all(|same| same)
        && !of.brings[first..=last]
            .iter()
            .flatten()
            .any(|files| files.keys().any(|to| is_within(to, &dir)));
    let blocked = stage.instructions[..=last]
        .iter()
        .any(|i| matches!(i.kind, Kind::User(_) | Kind::Shell(_) | Kind::Onbuild(_)));
    let mounted = runs.iter().any(|&r| {
        stage.instructions[r]
            .flag_values("mount")
            .any(|m| !m.contains("type=cache"))
    });
    if !is_whole || blocked || mounted || goes_by_numbers(view.dockerfile) {
        return None;
    }
    // Configurations that write or read beside the directory.
    let is_config = |p: &RepoPath| {
        p.strip_prefix(&source).is_some_and(|rest| {
            let name = rest.to_string();
            !name.contains('/')
                && (name.contains("config") || name.ends_with(".json") || name.starts_with(".env"))
                && !name.contains("lock")
        })
    };
    let beside = mentions(view, &["../", "'..'", "\"..\""], is_config);
    if !beside.found.is_empty() || !beside.is_complete {
        return None;
    }
    Some(Part {
        runs,
        dir,
        cwd,
        source,
    })
}

/// ENV lines above `last`; `None` where one, or a RUN, hangs on another variable.
fn variables(of: &StageView<'_>, last: usize) -> Option<String> {
    let mut lines = String::new();
    let mut set: BTreeSet<String> = BTreeSet::new();
    for instruction in &of.stage.instructions[..=last] {
        match &instruction.kind {
            Kind::Env(pairs) => {
                if mentioned(&instruction.original).iter().any(|n| n != "PATH") {
                    return None;
                }
                set.extend(pairs.iter().map(|p| p.name.clone()));
                let _ = writeln!(lines, "{}", source_of(of.view, instruction)?);
            }
            Kind::Arg(items) => set.extend(items.iter().map(|i| format!("{} ", i.name))),
            Kind::Run(_) => {
                let words = mentioned(&instruction.original);
                if words.iter().any(|w| set.contains(&format!("{w} "))) {
                    return None;
                }
            }
            _ => {}
        }
    }
    Some(lines)
}

/// The directory's own name, if no stage has it.
fn free_name(view: &View<'_>, source: &RepoPath) -> Option<String> {
    let own = String::from_utf8_lossy(source.file_name()?).to_ascii_lowercase();
    let is_word = own
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    let is_plain = is_word && own.starts_with(|c: char| c.is_ascii_lowercase());
    let is_free = |n: &str| !is_taken(view.dockerfile, n);
    [own, "front-end".to_owned()]
        .into_iter()
        .enumerate()
        .find(|(n, name)| is_free(name) && (*n > 0 || is_plain))
        .map(|(_, name)| name)
}

fn edits(
    of: &StageView<'_>,
    part: &Part,
    tools: &[Tool],
    name: &str,
    stage_text: String,
) -> Option<Vec<TextEdit>> {
    let (text, stage) = (of.view.text(), of.stage);
    let last = *part.runs.last()?;
    let above = end_before(of.view, stage.index);
    let mut edits = vec![TextEdit::insert(
        block(text, above, &stage.from).start,
        stage_text,
    )];
    let mut gone: Vec<usize> = part.runs.iter().copied().filter(|&r| r != last).collect();
    gone.extend(tools.iter().filter(|t| t.is_own).map(|t| t.run));
    for index in gone {
        let whole = block_of(text, stage, index);
        // What is said above it stays.
        let own = Span::new(stage.instructions[index].span.start, whole.end);
        edits.push(TextEdit::delete(without_blank_twin(text, own)));
    }
    edits.push(TextEdit::replace(
        stage.instructions[last].span,
        format!("COPY --from={name} {} {}", part.dir, part.dir),
    ));
    Some(edits)
}
