//! The classic builder's and Buildah's output: one step after the other.
//!
//! Classic: `Step i/N : TEXT`, ` ---> Using cache`, ` ---> Running in ID`, ` ---> ID`, `Successfully built ID`
//! (moby daemon/builder/dockerfile). Buildah: `STEP i/N: TEXT` with `[s/S] ` before it in files of several stages,
//! `--> Using cache ID`, `--> ID` (containers/buildah imagebuildah/stage_executor.go). Neither prints durations: they
//! are known where a CI stamped the lines.

use super::build::Format;
use super::build::LogBuild;
use super::build::LogStep;
use super::build::Outcome;
use super::build::TotalSource;
use super::clean::Line;
use super::plain::short;

/// More steps than this in one build are not read.
const MAX_STEPS: usize = 20_000;

/// The head of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) format: Format,
    stage: Option<String>,
    index: usize,
    total: usize,
    text: String,
}

/// Whether a line begins a step.
pub(super) fn head(text: &str) -> Option<Head> {
    if let Some(rest) = text.strip_prefix("Step ") {
        let (counter, text) = rest.split_once(" : ")?;
        let (index, total) = counter.split_once('/')?;
        return Some(Head {
            format: Format::Classic,
            stage: None,
            index: index.parse().ok()?,
            total: total.parse().ok()?,
            text: short(text),
        });
    }
    let (stage, rest) = match text.strip_prefix('[').and_then(|r| r.split_once("] ")) {
        Some((label, rest)) => (Some(label.split_once('/')?.0.to_owned()), rest),
        None => (None, text),
    };
    let (counter, text) = rest.strip_prefix("STEP ")?.split_once(": ")?;
    let (index, total) = counter.split_once('/').unwrap_or((counter, "0"));
    if stage.as_ref().is_some_and(|s| s.parse::<usize>().is_err()) {
        return None;
    }
    Some(Head {
        format: Format::Buildah,
        stage,
        index: index.parse().ok()?,
        total: total.parse().ok()?,
        text: short(text),
    })
}

/// A build being read.
pub(super) struct Sequential {
    format: Format,
    steps: Vec<LogStep>,
    /// When the step now running began.
    began: Option<i64>,
    first: Option<i64>,
    last: Option<i64>,
    has_ended: bool,
    error: Option<String>,
    problems: Vec<String>,
}

impl Sequential {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            steps: Vec::new(),
            began: None,
            first: None,
            last: None,
            has_ended: false,
            error: None,
            problems: Vec::new(),
        }
    }

    /// Whether the head belongs to another build.
    pub(super) fn is_restart(&self, head: &Head) -> bool {
        head.format != self.format
            || (head.index == 1
                && self
                    .steps
                    .iter()
                    .any(|s| s.stage == head.stage && s.index == 1))
    }

    pub(super) fn step(&mut self, head: Head, line: &Line) {
        self.tick(line);
        let before = self.steps.iter().rev().find(|s| s.stage == head.stage);
        let expected = before.map_or(1, |s| s.index + 1);
        let total = before.map_or(head.total, |s| s.total);
        if head.index < expected
            || head.total != total
            || head.index > head.total.max(head.index)
            || self.steps.len() >= MAX_STEPS
        {
            // The output of a RUN that builds something itself.
            return;
        }
        if head.index > expected {
            self.problems.push(format!(
                "Steps {expected} to {} are missing before \"{}\".",
                head.index - 1,
                head.text
            ));
        }
        self.end_step(line.time, Outcome::Ran);
        self.began = line.time;
        self.steps.push(LogStep {
            stage: head.stage,
            index: head.index,
            total: head.total,
            text: head.text,
            outcome: Outcome::Unfinished,
            duration_ms: None,
            interval: None,
            error: None,
            pulled_bytes: None,
            layer_bytes: None,
            inputs: Vec::new(),
        });
    }

    /// A line that begins no step.
    pub(super) fn other(&mut self, line: &Line) {
        self.tick(line);
        let text = line.text.trim();
        let is_using = text.starts_with("---> Using cache")
            || text.starts_with("--> Using cache")
            || text.starts_with("--> Cache pulled from remote");
        if is_using {
            if let Some(step) = self.steps.last_mut() {
                step.outcome = Outcome::Cached;
            }
        } else if is_end(text) {
            self.end_step(line.time, Outcome::Ran);
            self.has_ended = true;
        } else if let Some(message) = failure(text) {
            self.error = Some(short(message));
            if let Some(step) = self
                .steps
                .last_mut()
                .filter(|s| s.outcome == Outcome::Unfinished)
            {
                step.error = Some(short(message));
            }
            self.end_step(line.time, Outcome::Failed);
            self.has_ended = true;
        } else if text.starts_with("--> ") && self.format == Format::Buildah {
            self.end_step(line.time, Outcome::Ran);
        }
        let is_fetching = text.contains("Pull complete") || text.starts_with("Copying blob");
        if let Some(step) = self.steps.last_mut().filter(|s| is_fetching && s.is_from()) {
            step.pulled_bytes = step.pulled_bytes.or(Some(0));
        }
    }

    fn tick(&mut self, line: &Line) {
        if !self.has_ended {
            self.first = self.first.or(line.time);
            self.last = line.time.or(self.last);
        }
    }

    /// Ends the running step, if it has not ended.
    fn end_step(&mut self, now: Option<i64>, outcome: Outcome) {
        let Some(step) = self.steps.last_mut() else {
            return;
        };
        if step.outcome == Outcome::Unfinished {
            step.outcome = outcome;
        }
        if let Some((from, to)) = self.began.zip(now).filter(|_| step.interval.is_none()) {
            step.interval = Some((from, to));
            step.duration_ms = u64::try_from(to.saturating_sub(from)).ok();
        }
    }

    pub(super) fn finish(mut self) -> Option<LogBuild> {
        if self.steps.is_empty() {
            return None;
        }
        if self
            .steps
            .last()
            .is_some_and(|s| s.outcome == Outcome::Unfinished)
        {
            self.problems
                .push("The log ends before its last step does.".to_owned());
        }
        let last = self.steps.last().map_or((0, 0), |s| (s.index, s.total));
        if !self.has_ended && last.0 < last.1 {
            self.problems
                .push(format!("The log ends after step {} of {}.", last.0, last.1));
        }
        for at in 1..self.steps.len() {
            self.steps[at].inputs = vec![at - 1];
        }
        let total_ms = self
            .first
            .zip(self.last)
            .and_then(|(a, b)| u64::try_from(b.saturating_sub(a)).ok());
        Some(LogBuild {
            format: self.format,
            steps: self.steps,
            internal: Vec::new(),
            transfers: Vec::new(),
            total_ms,
            total_source: TotalSource::Timestamps,
            error: self.error,
            problems: self.problems,
        })
    }
}

fn is_end(text: &str) -> bool {
    text.starts_with("Successfully built ")
        || text.starts_with("COMMIT ")
        || text.contains("] COMMIT ")
        || text == "COMMIT"
}

fn failure(text: &str) -> Option<&str> {
    if text.starts_with("The command '") && text.contains("returned a non-zero code") {
        return Some(text);
    }
    let starts = [
        "Error: building at STEP ",
        "error building at STEP ",
        "Error: error building at STEP ",
        "COPY failed: ",
        "ADD failed: ",
    ];
    starts.iter().any(|s| text.starts_with(s)).then_some(text)
}
