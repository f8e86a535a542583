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
//! The install hits as long as the blanked files are the same bytes. Proposed where a manifest changed often and the
//! lockfile beside it seldom, and only if a later COPY brings the real one.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::installs::{Action, Install, StageView};
use super::super::layout::{places, reachable};
use super::super::lift::declare;
use super::super::view::View;
use super::Rule;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::tree::RepoPath;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "version-shield",
    summary: "a version bump alone does not install again",
    propose,
};

/// One manifest's version line.
struct Shield {
    /// File name.
    name: &'static str,
    /// Lockfile names that tell whether dependencies changed.
    locks: &'static [&'static str],
    /// The ecosystems whose lockfile does not repeat the version.
    ecosystems: &'static [&'static str],
    /// What the line begins with, for a look whether it is there.
    lead: &'static str,
    /// The sed program.
    sed: &'static str,
}

const SHIELDS: &[Shield] = &[
    Shield {
        name: "package.json",
        locks: &["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"],
        ecosystems: &["yarn", "pnpm", "bun"],
        lead: "  \"version\": \"",
        sed: r#"s/^\(  "version": \)".*"/\1"0.0.0"/"#,
    },
    Shield {
        name: "mix.exs",
        locks: &["mix.lock"],
        ecosystems: &["mix"],
        lead: "      version: \"",
        sed: r#"s/^\(      version: \)".*"/\1"0.0.0"/"#,
    },
    Shield {
        name: "pyproject.toml",
        locks: &["poetry.lock"],
        ecosystems: &["poetry"],
        lead: "version = \"",
        sed: r#"s/^\(version = \)".*"/\1"0.0.0"/"#,
    },
];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in reachable(view.dockerfile, view.target) {
        let of = StageView::new(view, &all, stage);
        for run in 0..of.stage.instructions.len() {
            let whole = of
                .installs(run)
                .iter()
                .filter(|i| i.action == Action::Whole);
            let shields = whole.flat_map(|i| SHIELDS.iter().filter_map(|s| candidate(&of, i, s)));
            found.extend(shields.collect::<Vec<_>>());
        }
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
    let manifest = format!("{}/{}", install.dir.trim_end_matches('/'), shield.name);
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
    let text = view.read_text(source)?;
    if text.lines().filter(|l| l.starts_with(shield.lead)).count() != 1
        || !bumps_often(view, source, shield)
    {
        return None;
    }
    // The real manifest must come back.
    let returns = of
        .brings
        .iter()
        .skip(install.run + 1)
        .flatten()
        .any(|later| later.get(&manifest) == Some(source));
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
        "{base} AS {name}\nWORKDIR {}\n{copied}\nRUN sed -i '{}' {}\n\n",
        install.dir, shield.sed, shield.name
    );
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "blank the version in {source} before the install of line {}",
            of.stage.instructions[install.run].lines.first
        ),
    );
    let at = super::super::moving::block(
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
    let (own, with_lock) = counts(view, source, shield);
    candidate.rationale = format!(
        "{source} changed in {own} of {} builds, its lockfile with it in {with_lock}: most of the others only move the version, which the install does not go by.",
        view.n_builds()
    );
    candidate.safety = Safety::of(
        vec![format!("a later COPY brings the real {source}")],
        vec![format!(
            "check that no script of the install reads the version in {source}"
        )],
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

fn copy_text<'t>(text: &'t str, instruction: &Instruction) -> Option<&'t str> {
    matches!(instruction.kind, Kind::Copy(_)).then(|| text.get(instruction.span.range()))?
}

/// Builds that changed the manifest, and those of them that changed a lockfile beside it too.
fn counts(view: &View<'_>, source: &RepoPath, shield: &Shield) -> (usize, usize) {
    let dir = source.parent().unwrap_or_else(RepoPath::root);
    let locks: Vec<RepoPath> = shield
        .locks
        .iter()
        .map(|l| dir.join(l.as_bytes()))
        .collect();
    let touching = || view.changes.iter().filter(|paths| paths.contains(source));
    let both = touching()
        .filter(|paths| paths.iter().any(|p| locks.contains(p)))
        .count();
    (touching().count(), both)
}

fn bumps_often(view: &View<'_>, source: &RepoPath, shield: &Shield) -> bool {
    let (own, both) = counts(view, source, shield);
    own * 10 >= view.n_builds() && own >= 3 && both * 2 <= own
}

/// A stage name that is not taken.
fn free_name(view: &View<'_>) -> Option<&'static str> {
    let taken = |n: &str| {
        view.dockerfile
            .stages
            .iter()
            .any(|s| s.name.as_deref() == Some(n))
    };
    // A stage in front would move those that are named by number.
    let by_number = |i: &Instruction| {
        i.flag("from")
            .is_some_and(|f| f.bytes().all(|b| b.is_ascii_digit()))
    };
    if view.dockerfile.instructions().any(by_number) {
        return None;
    }
    ["manifests", "shielded-manifests"]
        .into_iter()
        .find(|n| !taken(n))
}

/// Where what stands before a stage's FROM ends.
fn end_before(view: &View<'_>, stage: usize) -> usize {
    let dockerfile = view.dockerfile;
    let last = match stage.checked_sub(1).and_then(|s| dockerfile.stages.get(s)) {
        Some(above) => Some(above.instructions.last().unwrap_or(&above.from).span.end),
        None => dockerfile
            .globals
            .last()
            .map(|i| i.span.end)
            .or_else(|| dockerfile.directives.last().map(|d| d.span.end)),
    };
    last.map_or(0, |end| {
        view.text()[end..]
            .find('\n')
            .map_or(view.text().len(), |i| end + i + 1)
    })
}
