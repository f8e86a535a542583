//! The replay's trace: one JSON line per build (`stratigraph.replay/1`).
//!
//! Never: holds a line back; a build is written as soon as it is known. The structs here are the wire format and
//! nothing else. Text that is not UTF-8 (paths, instructions) is written lossily, with U+FFFD.

use crate::cache::{Lookup, MissReason};
use crate::dockerfile;
use crate::graph::StepId;
use crate::replay::{BuildOutcome, Built};
use serde::Serialize;
use std::io;

const SCHEMA: &str = "stratigraph.replay/1";

#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    commit: String,
    time: i64,
    buildable: bool,
    error: Option<Refusal<'a>>,
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    message: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct Step<'a> {
    stage: Option<&'a str>,
    index: usize,
    total: usize,
    line: usize,
    instruction: &'a str,
    text: &'a str,
    outcome: &'static str,
    reason: Option<Reason<'a>>,
}

/// Why a step did not hit; the contract's kinds. Shared by all JSON outputs.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Reason<'a> {
    Cold,
    Definition {
        what: &'a str,
        old: &'a str,
        new: &'a str,
    },
    Content {
        paths: Vec<String>,
        n_paths: usize,
    },
    Base {
        old: &'a str,
        new: &'a str,
    },
    Input {
        step: Place<'a>,
    },
    NotExported,
    Evicted,
    Unknown {
        why: &'a str,
    },
}

/// A step by what the builder prints and by its line.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    stage: Option<&'a str>,
    index: usize,
    line: usize,
}

/// Writes one build's line.
pub fn write(build: &BuildOutcome, sink: &mut dyn io::Write) -> io::Result<()> {
    let (error, steps) = match &build.result {
        Ok(built) => (None, steps(built)),
        Err(error) => (Some(refusal(error)), Vec::new()),
    };
    let line = Line {
        schema: SCHEMA,
        commit: build.commit.to_string(),
        time: build.time,
        buildable: error.is_none(),
        error,
        steps,
    };
    let mut text = serde_json::to_vec(&line).map_err(io::Error::from)?;
    text.push(b'\n');
    sink.write_all(&text)?;
    sink.flush()
}

fn refusal(error: &dockerfile::Error) -> Refusal<'_> {
    let known = error.line > 0;
    Refusal {
        message: &error.message,
        line: known.then_some(error.line),
        column: known.then_some(error.column),
        help: error.help.as_deref(),
    }
}

fn steps(built: &Built) -> Vec<Step<'_>> {
    built
        .steps
        .shown
        .iter()
        .map(|&id| step(built, id))
        .collect()
}

fn step(built: &Built, id: StepId) -> Step<'_> {
    let step = &built.steps.steps[id.0];
    Step {
        stage: step.stage.as_deref(),
        index: step.index,
        total: step.total,
        line: step.lines.first,
        instruction: &step.instruction,
        text: &step.text,
        outcome: outcome(&built.lookups[id.0]),
        reason: reason(built, id),
    }
}

/// `hit`, `miss` or `unknown`.
pub(super) fn outcome(lookup: &Lookup) -> &'static str {
    match lookup {
        Lookup::Hit { .. } => "hit",
        Lookup::Miss(_) => "miss",
        Lookup::Unknown { .. } => "unknown",
    }
}

/// The reason of one step of a build; `None` for a hit.
pub(super) fn reason(built: &Built, id: StepId) -> Option<Reason<'_>> {
    Some(match &built.lookups[id.0] {
        Lookup::Hit { .. } => return None,
        Lookup::Unknown { why } => Reason::Unknown { why },
        Lookup::Miss(MissReason::Cold) => Reason::Cold,
        Lookup::Miss(MissReason::Definition { what, old, new }) => {
            Reason::Definition { what, old, new }
        }
        Lookup::Miss(MissReason::Content { paths, n_paths }) => Reason::Content {
            paths: paths.iter().map(ToString::to_string).collect(),
            n_paths: *n_paths,
        },
        Lookup::Miss(MissReason::Base { old, new }) => Reason::Base { old, new },
        Lookup::Miss(MissReason::Input { step }) => Reason::Input {
            step: place(built, *step),
        },
        Lookup::Miss(MissReason::NotExported) => Reason::NotExported,
        Lookup::Miss(MissReason::Evicted) => Reason::Evicted,
    })
}

fn place(built: &Built, id: StepId) -> Place<'_> {
    let step = &built.steps.steps[id.0];
    Place {
        stage: step.stage.as_deref(),
        index: step.index,
        line: step.lines.first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::Lines;
    use crate::graph;
    use crate::replay::Steps;
    use crate::tree::{ObjectId, RepoPath};
    use std::sync::Arc;

    fn line(result: Result<Built, dockerfile::Error>) -> serde_json::Value {
        let build = BuildOutcome {
            commit: ObjectId::from_bytes(&[7; 20]).unwrap(),
            time: 5,
            result,
        };
        let mut text = Vec::new();
        write(&build, &mut text).unwrap();
        assert_eq!(
            text.iter().filter(|&&b| b == b'\n').count(),
            1,
            "one line per build"
        );
        serde_json::from_slice(&text).unwrap()
    }

    fn copy_step() -> graph::Step {
        graph::Step {
            stage: Some("build".to_owned()),
            stage_index: 0,
            index: 5,
            total: 7,
            lines: Lines { first: 9, last: 9 },
            instruction: "COPY".to_owned(),
            text: "COPY src ./src".to_owned(),
            command: String::new(),
            inputs: Vec::new(),
            definition: Vec::new(),
        }
    }

    #[test]
    fn a_build_is_written_as_the_contract_shows() {
        let paths = vec![RepoPath::new("src/a.js")];
        let built = Built {
            steps: Arc::new(Steps {
                steps: vec![copy_step()],
                shown: vec![StepId(0)],
            }),
            lookups: vec![Lookup::Miss(MissReason::Content { paths, n_paths: 1 })],
        };
        assert_eq!(
            line(Ok(built)),
            serde_json::json!({
                "schema": "stratigraph.replay/1", "commit": "07".repeat(20), "time": 5, "buildable": true, "error": null,
                "steps": [{"stage": "build", "index": 5, "total": 7, "line": 9, "instruction": "COPY",
                           "text": "COPY src ./src", "outcome": "miss",
                           "reason": {"kind": "content", "paths": ["src/a.js"], "n_paths": 1}}]
            })
        );
    }

    #[test]
    fn an_unbuildable_commit_says_where() {
        let error = dockerfile::Error::at(
            "FROM a\nRUM b\n",
            dockerfile::Span::new(7, 10),
            "unknown instruction RUM",
        );
        let got = line(Err(error));
        assert_eq!(got["buildable"], false);
        assert_eq!(
            got["error"],
            serde_json::json!({"message": "unknown instruction RUM", "line": 2, "column": 1, "help": null})
        );
        assert_eq!(
            line(Err(dockerfile::Error::whole("no Dockerfile")))["error"]["line"],
            serde_json::Value::Null
        );
    }
}
