//! What became of each step at each build, as a grid: the view model of the heat map.
//!
//! Never: draws.

use super::format::{clip, date, one_line};
use crate::analyze::{Analysis, Build, BuiltFacts};
use crate::cache::Lookup;
use crate::graph::StepId;

/// Wider grids show the newest builds only.
const MAX_COLUMNS: usize = 400;
/// Taller grids show the first steps only.
const MAX_ROWS: usize = 80;

/// Steps by builds.
#[derive(Clone, Debug)]
pub struct Heat {
    /// `12 RUN npm ci`, in the order of the file.
    pub rows: Vec<String>,
    /// `4f2a91c, 2025-01-31: subject`, oldest first.
    pub columns: Vec<String>,
    /// By row, then column.
    pub cells: Vec<Vec<Cell>>,
    /// Builds that are not shown.
    pub n_older: usize,
}

/// One step at one build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// No such step then, or no build.
    Absent,
    /// Cached.
    Hit,
    /// Ran for a change of its own.
    Root,
    /// Ran since an earlier step did.
    Cascade,
    /// Not to be known.
    Unknown,
}

/// The grid of an analysis; `None` where there is nothing to show.
pub fn heat(analysis: &Analysis) -> Option<Heat> {
    let n_older = analysis.builds.len().saturating_sub(MAX_COLUMNS);
    let builds = &analysis.builds[n_older..];
    let steps = &analysis.steps[..analysis.steps.len().min(MAX_ROWS)];
    if builds.is_empty() || steps.is_empty() {
        return None;
    }
    let row = |id: StepId| {
        builds
            .iter()
            .map(|build| cell(analysis, build, id))
            .collect()
    };
    Some(Heat {
        rows: steps
            .iter()
            .map(|s| {
                format!(
                    "{} {}",
                    s.step.lines.first,
                    clip(&one_line(&s.step.text), 48)
                )
            })
            .collect(),
        columns: builds.iter().map(column).collect(),
        cells: steps.iter().map(|s| row(s.id)).collect(),
        n_older,
    })
}

fn column(build: &Build) -> String {
    let id: String = build.commit.id.to_string().chars().take(10).collect();
    format!(
        "{id}, {}: {}",
        date(build.time),
        clip(&build.commit.subject, 60)
    )
}

fn cell(analysis: &Analysis, build: &Build, id: StepId) -> Cell {
    let Ok(facts) = &build.result else {
        return Cell::Absent;
    };
    match lookup_of(analysis, facts, id) {
        None => Cell::Absent,
        Some(Lookup::Hit { .. }) => Cell::Hit,
        Some(Lookup::Miss(reason)) if reason.is_root() => Cell::Root,
        Some(Lookup::Miss(_)) => Cell::Cascade,
        Some(Lookup::Unknown { .. }) => Cell::Unknown,
    }
}

/// The lookup at one build of the step that is `id` now.
fn lookup_of<'a>(analysis: &Analysis, facts: &'a BuiltFacts, id: StepId) -> Option<&'a Lookup> {
    let version = &analysis.versions[facts.version];
    let then = version.to_current.iter().position(|now| *now == Some(id))?;
    facts.built.lookups.get(then)
}
