//! A real build's log held against the replay of its commit: step by step, with the likely cause of each difference.
//!
//! Never: reads a file; calls agreement what could not be compared.

use crate::cache::Lookup;
use crate::cost::log::LogBuild;
use crate::cost::log::LogStep;
use crate::cost::log::Outcome;
use crate::cost::normalised;
use crate::graph::Origin;
use crate::graph::Step;
use crate::replay::Built;

/// One step of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The stage, as the builder prints it.
    pub stage: Option<String>,
    /// `n` of `n/m`.
    pub index: usize,
    /// The instruction.
    pub text: String,
    /// What the replay says; `None` if it has no such step.
    pub predicted: Option<Prediction>,
    /// What the log says; `None` if it has no such step.
    pub actual: Option<Outcome>,
    /// What comes of it.
    pub verdict: Verdict,
    /// For a difference, what has likely caused it.
    pub cause: Option<Cause>,
}

/// What the replay says of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// Cached.
    Hit,
    /// It runs.
    Miss,
    /// Not to be known.
    Unknown,
}

/// Whether both say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// They do.
    Agree,
    /// They do not.
    Differ,
    /// One of them does not say.
    Open,
}

/// What likely caused a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Nothing at all was cached: `--no-cache`, or a builder that was new or had been pruned.
    NoCache,
    /// A stage ran from its first step, though other stages were cached: its base image's tag has moved.
    MovedBase,
    /// Whole stages ran that the image does not hold, while its own were cached: the cache had been exported with
    /// `mode=min`.
    ExportMode,
    /// It was cached though the replay never built it: another build, of another branch or job, had filled the cache.
    OtherCache,
    /// What a RUN of another stage left behind was the same or differed, against `--run-outputs`.
    RunOutputs,
    /// It ran because a step before it did.
    Follows,
    /// The log has another text there: another Dockerfile, target or argument was built.
    OtherText,
    /// The record was gone, or a file git does not know had changed.
    Unexplained,
}

impl Cause {
    /// In plain words, a whole sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NoCache => {
                "Nothing was cached: --no-cache, or the builder was new or had been pruned."
            }
            Self::MovedBase => {
                "The stage ran from its first step while others were cached: its base image's tag has likely moved."
            }
            Self::ExportMode => {
                "Stages outside the image ran while its own were cached: the cache was likely exported with mode=min."
            }
            Self::OtherCache => {
                "It was cached though none of the replayed builds made it: a build of another branch or job likely filled the cache."
            }
            Self::RunOutputs => {
                "It reads what a RUN of another stage wrote: --run-outputs likely has the other value here."
            }
            Self::Follows => "It ran because a step before it did.",
            Self::OtherText => {
                "The log has another instruction there: another Dockerfile, target or argument was likely built."
            }
            Self::Unexplained => {
                "The cached result was likely removed, or something git does not hold had changed."
            }
        }
    }
}

/// A log against a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The steps, in the replay's order, then those that only the log has. FROM is left out: its flag tells nothing.
    pub rows: Vec<Row>,
}

impl Verified {
    /// Rows with that verdict.
    pub fn n(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|r| r.verdict == verdict).count()
    }

    /// Agreeing steps in hundredths of those compared; `None` if none could be.
    pub fn agreement_percent(&self) -> Option<usize> {
        (self.n(Verdict::Agree) * 100).checked_div(self.n(Verdict::Agree) + self.n(Verdict::Differ))
    }
}

/// Holds a log against the replay of its commit.
pub fn verify(built: &Built, log: &LogBuild) -> Verified {
    let mut taken = vec![false; log.steps.len()];
    let mut rows = Vec::new();
    let mut pairs = Vec::new();
    for id in &built.steps.shown {
        let step = &built.steps.steps[id.0];
        if step.instruction == "FROM" {
            continue;
        }
        let found = find(step, log, &taken);
        if let Some(at) = found {
            taken[at] = true;
        }
        rows.push(row(
            step,
            &built.lookups[id.0],
            found.map(|at| &log.steps[at]),
        ));
        pairs.push((id.0, found));
    }
    let view = View {
        built,
        log,
        pairs: &pairs,
    };
    for n in 0..rows.len() {
        if rows[n].verdict == Verdict::Differ {
            rows[n].cause = Some(view.cause(n, &rows));
        }
    }
    let only_logged = log
        .steps
        .iter()
        .zip(&taken)
        .filter(|(s, taken)| !**taken && !s.is_from());
    rows.extend(only_logged.map(|(s, _)| Row {
        stage: s.stage.clone(),
        index: s.index,
        text: s.text.clone(),
        predicted: None,
        actual: Some(s.outcome),
        verdict: if is_told(s.outcome) {
            Verdict::Differ
        } else {
            Verdict::Open
        },
        cause: is_told(s.outcome).then_some(Cause::OtherText),
    }));
    Verified { rows }
}

/// The log's step with the same place and text; failing that the same text in the stage, then the same place with
/// another text.
fn find(step: &Step, log: &LogBuild, taken: &[bool]) -> Option<usize> {
    let text = normalised(&step.text);
    let free = || {
        log.steps
            .iter()
            .enumerate()
            .filter(|(at, s)| !taken[*at] && !s.is_from() && s.stage == step.stage)
    };
    let same_place = |s: &LogStep| s.index == step.index;
    let same_text = |s: &LogStep| normalised(&s.text) == text;
    free()
        .find(|(_, s)| same_place(s) && same_text(s))
        .or_else(|| free().find(|(_, s)| same_text(s)))
        .or_else(|| free().find(|(_, s)| same_place(s)))
        .map(|(at, _)| at)
}

/// Whether an outcome tells if the cache was hit. A step that failed did run.
fn is_told(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Ran | Outcome::Cached | Outcome::Failed)
}

fn row(step: &Step, lookup: &Lookup, logged: Option<&LogStep>) -> Row {
    let predicted = match lookup {
        Lookup::Hit { .. } => Prediction::Hit,
        Lookup::Miss(_) => Prediction::Miss,
        Lookup::Unknown { .. } => Prediction::Unknown,
    };
    let actual = logged.map(|s| s.outcome);
    let verdict = match (predicted, actual) {
        (Prediction::Unknown, _) | (_, None | Some(Outcome::Canceled | Outcome::Unfinished)) => {
            Verdict::Open
        }
        (Prediction::Hit, Some(Outcome::Cached))
        | (Prediction::Miss, Some(Outcome::Ran | Outcome::Failed)) => Verdict::Agree,
        (Prediction::Hit, Some(Outcome::Ran | Outcome::Failed))
        | (Prediction::Miss, Some(Outcome::Cached)) => Verdict::Differ,
    };
    Row {
        stage: step.stage.clone(),
        index: step.index,
        text: step.text.clone(),
        predicted: Some(predicted),
        actual,
        verdict,
        cause: None,
    }
}

/// What causes are told from.
struct View<'a> {
    built: &'a Built,
    log: &'a LogBuild,
    /// For each row the replay's step and the log's.
    pairs: &'a [(usize, Option<usize>)],
}

impl View<'_> {
    fn cause(&self, n: usize, rows: &[Row]) -> Cause {
        let (step, logged) = (
            &self.built.steps.steps[self.pairs[n].0],
            self.pairs[n].1.map(|at| &self.log.steps[at]),
        );
        if logged.is_some_and(|s| normalised(&s.text) != normalised(&step.text)) {
            return Cause::OtherText;
        }
        let ran = |r: &Row| matches!(r.actual, Some(Outcome::Ran | Outcome::Failed));
        let told: Vec<&Row> = rows
            .iter()
            .filter(|r| r.actual.is_some_and(is_told))
            .collect();
        let reads_stage = step
            .inputs
            .iter()
            .any(|i| i.selectors.is_some() && matches!(i.origin, Origin::Step(_)));
        if rows[n].actual == Some(Outcome::Cached) {
            return if reads_stage {
                Cause::RunOutputs
            } else {
                Cause::OtherCache
            };
        }
        if told.iter().all(|r| ran(r)) {
            return Cause::NoCache;
        }
        let stage: Vec<&&Row> = told.iter().filter(|r| r.stage == rows[n].stage).collect();
        let before = stage
            .iter()
            .filter(|r| r.index < rows[n].index)
            .any(|r| ran(r));
        if stage.iter().all(|r| ran(r)) {
            return if self.has_pulled(step) || !self.is_outside_image(step) {
                Cause::MovedBase
            } else {
                Cause::ExportMode
            };
        }
        if reads_stage && !before {
            return Cause::RunOutputs;
        }
        if before {
            Cause::Follows
        } else {
            Cause::Unexplained
        }
    }

    /// Whether the log shows the stage's base image being fetched.
    fn has_pulled(&self, step: &Step) -> bool {
        let from = self
            .log
            .steps
            .iter()
            .find(|s| s.is_from() && s.stage == step.stage);
        from.is_some_and(|s| s.pulled_bytes.is_some())
    }

    /// Whether the step's stage is not the one that is exported.
    fn is_outside_image(&self, step: &Step) -> bool {
        self.built
            .steps
            .steps
            .last()
            .is_some_and(|last| last.stage_index != step.stage_index)
    }
}
