//! A build graph as Mermaid, Graphviz, JSON (`stratigraph.graph/1`) or a list.
//!
//! Never: knows a cache or a history.

use super::format::clip;
use crate::context::Selector;
use crate::graph::{Input, Origin, Step, StepId};
use crate::replay::Steps;
use serde::Serialize;
use std::io;

const SCHEMA: &str = "stratigraph.graph/1";

#[derive(Serialize)]
struct Graph<'a> {
    schema: &'static str,
    steps: Vec<WireStep<'a>>,
}

#[derive(Serialize)]
struct WireStep<'a> {
    id: usize,
    stage: Option<&'a str>,
    index: usize,
    total: usize,
    line: usize,
    last_line: usize,
    instruction: &'a str,
    text: &'a str,
    shown: bool,
    inputs: Vec<WireInput<'a>>,
}

#[derive(Serialize)]
struct WireInput<'a> {
    from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<usize>,
    /// Paths and patterns that are read; absent where the step is built on the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    reads: Option<Vec<&'a str>>,
}

/// Writes the JSON form.
pub fn json(steps: &Steps, sink: &mut dyn io::Write) -> io::Result<()> {
    let wire = (0..steps.steps.len())
        .map(|id| wire_step(steps, id))
        .collect();
    let graph = Graph {
        schema: SCHEMA,
        steps: wire,
    };
    serde_json::to_writer_pretty(&mut *sink, &graph).map_err(io::Error::from)?;
    sink.write_all(b"\n")
}

fn wire_step(steps: &Steps, id: usize) -> WireStep<'_> {
    let step = &steps.steps[id];
    WireStep {
        id,
        stage: step.stage.as_deref(),
        index: step.index,
        total: step.total,
        line: step.lines.first,
        last_line: step.lines.last,
        instruction: &step.instruction,
        text: &step.text,
        shown: steps.shown.contains(&StepId(id)),
        inputs: step.inputs.iter().map(wire_input).collect(),
    }
}

fn wire_input(input: &Input) -> WireInput<'_> {
    let (from, step) = match &input.origin {
        Origin::Step(id) => ("step", Some(id.0)),
        Origin::Context => ("context", None),
    };
    let reads = input
        .selectors
        .as_ref()
        .map(|s| s.iter().map(|s| s.path.as_str()).collect());
    WireInput { from, step, reads }
}

/// Writes a Mermaid flow chart.
pub fn mermaid(steps: &Steps, sink: &mut dyn io::Write) -> io::Result<()> {
    let quote = |text: &str| {
        clip(text, LABEL)
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    writeln!(sink, "flowchart TD")?;
    for node in nodes(steps) {
        match node.kind {
            NodeKind::Step => writeln!(sink, "    {}[\"{}\"]", node.name, quote(&node.label))?,
            NodeKind::Source => writeln!(sink, "    {}([\"{}\"])", node.name, quote(&node.label))?,
        }
    }
    for edge in edges(steps) {
        match edge.reads {
            None => writeln!(sink, "    {} --> {}", edge.from, edge.to)?,
            Some(reads) => writeln!(
                sink,
                "    {} -. \"{}\" .-> {}",
                edge.from,
                quote(&reads),
                edge.to
            )?,
        }
    }
    Ok(())
}

/// Writes a Graphviz digraph.
pub fn dot(steps: &Steps, sink: &mut dyn io::Write) -> io::Result<()> {
    let quote = |text: &str| clip(text, LABEL).replace('\\', "\\\\").replace('"', "\\\"");
    writeln!(
        sink,
        "digraph build {{\n    node [shape=box, fontname=\"sans-serif\"];\n    edge [fontname=\"sans-serif\"];"
    )?;
    for node in nodes(steps) {
        let shape = if matches!(node.kind, NodeKind::Source) {
            ", shape=ellipse"
        } else {
            ""
        };
        writeln!(
            sink,
            "    {} [label=\"{}\"{shape}];",
            node.name,
            quote(&node.label)
        )?;
    }
    for edge in edges(steps) {
        match edge.reads {
            None => writeln!(sink, "    {} -> {};", edge.from, edge.to)?,
            Some(reads) => {
                writeln!(
                    sink,
                    "    {} -> {} [style=dashed, label=\"{}\"];",
                    edge.from,
                    edge.to,
                    quote(&reads)
                )?;
            }
        }
    }
    writeln!(sink, "}}")
}

/// Writes a list for people: each step with its line and what it reads.
pub fn terminal(steps: &Steps, width: usize, sink: &mut dyn io::Write) -> io::Result<()> {
    for &id in &steps.shown {
        let step = &steps.steps[id.0];
        let head = format!("line {:>4}  {}", step.lines.first, label(step));
        writeln!(sink, "{}", clip(&head, width))?;
        let read = step
            .inputs
            .iter()
            .enumerate()
            .filter(|(i, input)| *i > 0 || input.selectors.is_some());
        for (_, input) in read {
            let from = origin_label(steps, &input.origin);
            let line = match &input.selectors {
                Some(selectors) => format!("           reads {} of {from}", selected(selectors)),
                None => format!("           on top of {from}"),
            };
            writeln!(sink, "{}", clip(&line, width))?;
        }
    }
    Ok(())
}

/// Longer labels make charts unreadable.
const LABEL: usize = 90;

enum NodeKind {
    Step,
    Source,
}

struct Node {
    name: String,
    label: String,
    kind: NodeKind,
}

struct Edge {
    from: String,
    to: String,
    /// What is read; `None` where `to` is built on `from`.
    reads: Option<String>,
}

/// Steps first, then each source once, in order of first use.
fn nodes(steps: &Steps) -> Vec<Node> {
    let step = |(id, step): (usize, &Step)| Node {
        name: format!("s{id}"),
        label: label(step),
        kind: NodeKind::Step,
    };
    let mut nodes: Vec<Node> = steps.steps.iter().enumerate().map(step).collect();
    let sources = sources(steps);
    nodes.extend(sources.iter().enumerate().map(|(i, origin)| Node {
        name: format!("o{i}"),
        label: origin_label(steps, origin),
        kind: NodeKind::Source,
    }));
    nodes
}

fn edges(steps: &Steps) -> Vec<Edge> {
    let sources = sources(steps);
    let name = |origin: &Origin| match origin {
        Origin::Step(id) => format!("s{}", id.0),
        other => format!(
            "o{}",
            sources.iter().position(|s| *s == other).unwrap_or_default()
        ),
    };
    let of_step = |(id, step): (usize, &Step)| -> Vec<Edge> {
        let edge = |input: &Input| Edge {
            from: name(&input.origin),
            to: format!("s{id}"),
            reads: input.selectors.as_deref().map(selected),
        };
        step.inputs.iter().map(edge).collect()
    };
    steps.steps.iter().enumerate().flat_map(of_step).collect()
}

fn sources(steps: &Steps) -> Vec<&Origin> {
    let mut seen: Vec<&Origin> = Vec::new();
    for origin in steps
        .steps
        .iter()
        .flat_map(|s| &s.inputs)
        .map(|i| &i.origin)
    {
        if !matches!(origin, Origin::Step(_)) && !seen.contains(&origin) {
            seen.push(origin);
        }
    }
    seen
}

/// `[build 3/7] RUN npm ci`, as the builder shows it.
pub(super) fn label(step: &Step) -> String {
    if step.index == 0 {
        return step.text.clone();
    }
    match &step.stage {
        Some(stage) => format!("[{stage} {}/{}] {}", step.index, step.total, step.text),
        None => format!("[{}/{}] {}", step.index, step.total, step.text),
    }
}

fn origin_label(steps: &Steps, origin: &Origin) -> String {
    match origin {
        Origin::Step(id) => steps.steps.get(id.0).map(label).unwrap_or_default(),
        Origin::Context => "the context".to_owned(),
    }
}

fn selected(selectors: &[Selector]) -> String {
    let path = |s: &Selector| {
        if s.path.is_empty() {
            "everything".to_owned()
        } else {
            s.path.clone()
        }
    };
    if selectors.is_empty() {
        return "everything".to_owned();
    }
    selectors.iter().map(path).collect::<Vec<_>>().join(", ")
}
