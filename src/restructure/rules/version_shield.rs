//! A stage that blanks the version in a manifest, so that a version bump alone does not install again.
//!
//! Before:
//! ```dockerfile
//! FROM node:22
//! WORKDIR /app
//! COPY package.json yarn.lock ./
//! RUN yarn --frozen-lockfile
//! COPY . .
//! ```
//! After:
//! ```dockerfile
//! FROM node:22 AS manifests
//! WORKDIR /app
//! COPY package.json yarn.lock ./
//! RUN sed -i 's/^\(  "version": \)".*"/\1"0.0.0"/' package.json
//!
//! FROM node:22
//! WORKDIR /app
//! COPY --from=manifests /app/package.json /app/yarn.lock ./
//! RUN yarn --frozen-lockfile
//! COPY . .
//! ```
//! The install hits as long as the blanked files are the same bytes: a COPY out of a stage is matched by its content.
//! The bytes of every manifest of the history tell how often that is; where they are not at hand (a partial clone), its
//! name and the lockfile's do. Proposed only if a later COPY brings the real one.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::filter::{Filter, MIX_EXS, PACKAGE_JSON, PACKAGE_LOCK, PYPROJECT};
use super::super::installs::{Install, StageView};
use super::super::layout::{goes_by_numbers, is_taken, places, reachable};
use super::super::lift::declare;
use super::super::moving::{block, end_before};
use super::super::view::View;
use super::Rule;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "version-shield",
    summary: "a version bump alone does not install again",
    propose,
};

/// Manifests that hold the version.
struct Shield {
    /// What is blanked; the first is the manifest itself.
    filters: &'static [Filter],
    /// Lockfile names that tell whether dependencies changed.
    locks: &'static [&'static str],
    /// The ecosystems whose other lockfiles do not repeat the version.
    ecosystems: &'static [&'static str],
}

impl Shield {
    fn name(&self) -> &'static str {
        self.filters[0].name
    }

    fn command(&self) -> String {
        let all: Vec<String> = self.filters.iter().map(Filter::command).collect();
        all.join(" && ")
    }
}

const SHIELDS: &[Shield] = &[
    Shield {
        filters: &[PACKAGE_JSON],
        locks: &["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"],
        ecosystems: &["yarn", "pnpm", "bun"],
    },
    Shield {
        filters: &[PACKAGE_JSON, PACKAGE_LOCK],
        locks: &["package-lock.json"],
        ecosystems: &["npm"],
    },
    Shield {
        filters: &[MIX_EXS],
        locks: &["mix.lock"],
        ecosystems: &["mix"],
    },
    Shield {
        filters: &[PYPROJECT],
        locks: &["poetry.lock"],
        ecosystems: &["poetry"],
    },
];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        let whole = of.whole_installs().filter(|i| !i.is_hidden);
        let shields = whole.flat_map(|i| SHIELDS.iter().filter_map(|s| candidate(&of, i, s)));
        found.extend(shields.collect::<Vec<_>>());
    }
    found
}

fn candidate(of: &StageView<'_>, install: &Install, shield: &Shield) -> Option<Candidate> {
    let view = of.view;
    if !install
        .ecosystems
        .iter()
        .all(|e| shield.ecosystems.contains(e))
    {
        return None;
    }
    // One COPY of manifests alone, directly in the install's directory.
    let manifest = format!("{}/{}", install.dir.trim_end_matches('/'), shield.name());
    let copy = (0..install.run).rev().find(|&i| {
        of.brings[i]
            .as_ref()
            .is_some_and(|f| f.contains_key(&manifest))
    })?;
    let files = of.brings[copy].as_ref()?;
    let is_flat = files.keys().all(|to| {
        to.rsplit_once('/')
            .is_some_and(|(dir, _)| dir == install.dir.trim_end_matches('/'))
    });
    let instruction = &of.stage.instructions[copy];
    if !is_flat
        || !files.keys().all(|to| install.reads.contains(to))
        || instruction.keyword != "COPY"
        || instruction.flags.iter().any(|f| f.name != "link")
    {
        return None;
    }
    let source = files.get(&manifest)?;
    // Each file that is blanked comes with this COPY, and has its version where the filter looks.
    let mut blanked = Vec::new();
    for filter in shield.filters {
        let at = format!("{}/{}", install.dir.trim_end_matches('/'), filter.name);
        let from = files.get(&at)?;
        let n = filter.n_lines(&view.read_text(from)?);
        if n == 0 || (filter.name == shield.name() && n != 1) {
            return None;
        }
        blanked.push((from, *filter));
    }
    let evidence = evidence(view, files, &blanked, shield)?;
    // The real manifest must come back.
    let mut later = of.brings.iter().skip(install.run + 1).flatten();
    let returns = later.any(|later| later.get(&manifest) == Some(source));
    if !returns {
        return None;
    }
    let names: Vec<String> = files.keys().cloned().collect();
    let name = free_name(view)?;
    let base = view.text().get(of.stage.from.span.range())?;
    let base = base
        .split_whitespace()
        .take_while(|w| !w.eq_ignore_ascii_case("as"))
        .collect::<Vec<_>>()
        .join(" ");
    let copied = copy_text(view.text(), instruction)?;
    let stage = format!(
        "{base} AS {name}\nWORKDIR {}\n{copied}\nRUN {}\n\n",
        install.dir,
        shield.command()
    );
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "blank the version in {source} before the install of line {}",
            of.stage.instructions[install.run].lines.first
        ),
    );
    let at = block(
        view.text(),
        end_before(view, of.stage.index),
        &of.stage.from,
    )
    .start;
    let link = if instruction.is_on("link") {
        " --link"
    } else {
        ""
    };
    candidate.edits = vec![
        TextEdit::insert(at, stage),
        TextEdit::replace(
            instruction.span,
            format!(
                "COPY --from={name}{link} {} {}/",
                names.join(" "),
                install.dir.trim_end_matches('/')
            ),
        ),
    ];
    candidate.lines = vec![instruction.lines];
    candidate.rationale = evidence.said;
    let mut reasons = vec![format!("a later COPY brings the real {source}")];
    reasons.extend(evidence.shown);
    let mut doubts = vec![format!(
        "check that no script of the install reads the version in {source}"
    )];
    doubts.extend(evidence.doubt);
    candidate.safety = Safety::of(reasons, doubts);
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn copy_text<'t>(text: &'t str, instruction: &Instruction) -> Option<&'t str> {
    matches!(instruction.kind, Kind::Copy(_)).then(|| text.get(instruction.span.range()))?
}

/// What the history says for the shield.
struct Evidence {
    said: String,
    shown: Option<String>,
    doubt: Option<String>,
}

/// How often the copied files changed, and how often they did but for the version; `None` where that is too seldom.
fn evidence(
    view: &View<'_>,
    files: &BTreeMap<String, RepoPath>,
    blanked: &[(&RepoPath, Filter)],
    shield: &Shield,
) -> Option<Evidence> {
    let (source, _) = blanked.first()?;
    let n_builds = view.n_builds();
    let series: Option<Vec<_>> = blanked
        .iter()
        .map(|(path, filter)| (view.filtered)(path, filter).filter(|s| s.len() == n_builds + 1))
        .collect();
    let Some(series) = series else {
        return by_names(view, source, shield);
    };
    let is_blanked = |path: &RepoPath| blanked.iter().any(|(b, _)| *b == path);
    let (mut n_changed, mut n_bumps) = (0, 0);
    for (n, paths) in view.changes.iter().enumerate() {
        let others = files
            .values()
            .any(|from| !is_blanked(from) && paths.contains(from));
        if !others && !paths.iter().any(is_blanked) {
            continue;
        }
        n_changed += 1;
        let differs = series.iter().any(|s| s[n] != s[n + 1]);
        n_bumps += usize::from(!others && !differs);
    }
    if n_bumps < 2 {
        return None;
    }
    let names: Vec<&str> = blanked.iter().map(|(_, f)| f.name).collect();
    Some(Evidence {
        said: format!(
            "{n_changed} of {n_builds} builds changed what the install reads; in {n_bumps} of these only the version moved, by which it does not go."
        ),
        shown: Some(format!(
            "with the version blanked, {} {} the same bytes before and after each of these {n_bumps} changes; a COPY out of a stage is matched by the bytes it copies, and what stands on it is found again",
            names.join(" and "),
            if names.len() == 1 { "is" } else { "are" }
        )),
        doubt: None,
    })
}

/// The same by the names of changed files alone, where their bytes are not at hand.
fn by_names(view: &View<'_>, source: &RepoPath, shield: &Shield) -> Option<Evidence> {
    let dir = source.parent().unwrap_or_else(RepoPath::root);
    let is_lock = |path: &RepoPath| shield.locks.iter().any(|l| dir.join(l.as_bytes()) == *path);
    // A lockfile that repeats the version moves with it.
    if shield.filters.len() > 1 {
        return None;
    }
    let touching: Vec<_> = view.changes.iter().filter(|p| p.contains(source)).collect();
    let own = touching.len();
    let both = touching.iter().filter(|p| p.iter().any(is_lock)).count();
    let is_often = own * 10 >= view.n_builds() && own >= 3 && both * 2 <= own;
    is_often.then(|| Evidence {
        said: format!(
            "{source} changed in {own} of {} builds, its lockfile with it in {both}: most of the others only move the version, which the install does not go by.",
            view.n_builds()
        ),
        shown: None,
        doubt: Some(format!(
            "not every {source} of the history is at hand, so how often only the version moved is not known"
        )),
    })
}

/// A stage name that is not taken.
fn free_name(view: &View<'_>) -> Option<&'static str> {
    let taken = |n: &str| is_taken(view.dockerfile, n);
    // A stage in front would move those that are named by number.
    if goes_by_numbers(view.dockerfile) {
        return None;
    }
    ["manifests", "shielded-manifests"]
        .into_iter()
        .find(|n| !taken(n))
}
