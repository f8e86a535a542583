//! The replay's trace: one JSON line per build (`stratigraph.replay/1`).
//!
//! Never: holds a line back; a build is written as soon as it is known. The structs here are the wire format and
//! nothing else. Text that is not UTF-8 (paths, instructions) is written lossily, with U+FFFD.

use crate::cache::{Lookup, MissReason};
use crate::dockerfile;
use crate::graph::StepId;
use crate::replay::{BuildOutcome, Built, Steps};
use serde::Serialize;
use std::io;
use std::sync::Arc;

const SCHEMA: &str = "stratigraph.replay/1";

/// A line without its last member, `steps`.
#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    commit: String,
    time: i64,
    buildable: bool,
    error: Option<Refusal<'a>>,
}

#[derive(Serialize)]
struct Refusal<'a> {
    message: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    help: Option<&'a str>,
}

/// One step of a build, as all JSON outputs show it.
#[derive(Serialize)]
pub(super) struct Step<'a> {
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

/// Writes builds' lines. Most steps of most builds hit, and read the same each time: they are worded once for a plan.
#[derive(Default)]
pub struct Trace {
    /// The steps of the build before.
    steps: Option<Arc<Steps>>,
    /// How each of them is shown where it hits, in the order shown.
    hits: Vec<Vec<u8>>,
    line: Vec<u8>,
}

impl Trace {
    /// Writes one build's line.
    ///
    /// # Errors
    /// What the sink refuses.
    pub fn write(&mut self, build: &BuildOutcome, sink: &mut dyn io::Write) -> io::Result<()> {
        let error = build.result.as_ref().err();
        let head = Head {
            schema: SCHEMA,
            commit: build.commit.to_string(),
            time: build.time,
            buildable: error.is_none(),
            error: error.map(refusal),
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &head)?;
        // The head's closing brace makes room for the steps.
        self.line.pop();
        self.line.extend(br#","steps":["#);
        if let Ok(built) = &build.result {
            self.steps(built)?;
        }
        self.line.extend(b"]}\n");
        sink.write_all(&self.line)?;
        sink.flush()
    }

    fn steps(&mut self, built: &Built) -> io::Result<()> {
        let known = self.steps.as_ref();
        if !known.is_some_and(|known| Arc::ptr_eq(known, &built.steps)) {
            self.hits = hits(&built.steps)?;
            self.steps = Some(built.steps.clone());
        }
        for (n, &id) in built.steps.shown.iter().enumerate() {
            if n > 0 {
                self.line.push(b',');
            }
            match &built.lookups[id.0] {
                Lookup::Hit { .. } => self.line.extend(&self.hits[n]),
                lookup => {
                    let shown = step(&built.steps, id, outcome(lookup), reason(built, id));
                    serde_json::to_writer(&mut self.line, &shown)?;
                }
            }
        }
        Ok(())
    }
}

/// The steps shown, as they are written where they hit.
fn hits(steps: &Steps) -> io::Result<Vec<Vec<u8>>> {
    let hit = outcome(&Lookup::Hit { build: None });
    let shown = steps.shown.iter();
    shown
        .map(|&id| Ok(serde_json::to_vec(&step(steps, id, hit, None))?))
        .collect()
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

pub(super) fn step<'a>(
    steps: &'a Steps,
    id: StepId,
    outcome: &'static str,
    reason: Option<Reason<'a>>,
) -> Step<'a> {
    let step = &steps.steps[id.0];
    Step {
        stage: step.stage.as_deref(),
        index: step.index,
        total: step.total,
        line: step.lines.first,
        instruction: &step.instruction,
        text: &step.text,
        outcome,
        reason,
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
    use crate::tree::{ObjectId, RepoPath};

    fn line(result: Result<Built, dockerfile::Error>) -> serde_json::Value {
        let build = BuildOutcome {
            commit: ObjectId::from_bytes(&[7; 20]).unwrap(),
            time: 5,
            result,
        };
        let mut text = Vec::new();
        Trace::default().write(&build, &mut text).unwrap();
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
            definition: graph::Definition::default(),
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
