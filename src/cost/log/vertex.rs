//! BuildKit's vertices, as plain and rawjson progress tell them, put together into a build.

use super::build::Format;
use super::build::Internal;
use super::build::LogBuild;
use super::build::LogStep;
use super::build::Outcome;
use super::build::Role;
use super::build::TotalSource;
use super::name::Name;
use super::name::parse_name;
use super::spans;
use super::spans::Spans;
use super::spans::union_ms;
use super::total;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a log says about one vertex.
#[derive(Clone, Debug, Default)]
pub(super) struct Vertex {
    /// As printed; empty while only its output was seen.
    pub(super) name: String,
    /// Starts and ends, milliseconds since 1970.
    pub(super) intervals: BTreeMap<i64, i64>,
    /// Duration as printed by plain progress.
    pub(super) done_ms: Option<u64>,
    pub(super) is_cached: bool,
    pub(super) is_canceled: bool,
    pub(super) error: Option<String>,
    /// Compressed bytes of layers pulled, by digest.
    pub(super) pulled: BTreeMap<String, u64>,
    pub(super) has_unpacked: bool,
    pub(super) context_bytes: Option<u64>,
    /// Keys of vertices it waits for.
    pub(super) inputs: Vec<String>,
    /// Transfers of layers inside it.
    pub(super) spans: Spans,
    /// The layers its result consists of, base first: digests and compressed bytes; empty where unknown.
    pub(super) layers: Layers,
}

/// Layers, base first: digests and compressed bytes. Shared, as many vertices may have the same.
pub(super) type Layers = Arc<[(String, u64)]>;

impl Vertex {
    /// The time in which it worked: intervals may overlap and repeat.
    fn duration_ms(&self) -> Option<u64> {
        if self.intervals.is_empty() {
            return self.done_ms;
        }
        Some(union_ms(self.intervals.iter().map(|(&a, &b)| (a, b))))
    }

    fn interval(&self) -> Option<(i64, i64)> {
        Some((
            *self.intervals.keys().next()?,
            *self.intervals.values().max()?,
        ))
    }

    fn outcome(&self) -> Outcome {
        match &self.error {
            Some(error) if error.contains("context canceled") => Outcome::Canceled,
            Some(_) => Outcome::Failed,
            None if self.is_canceled => Outcome::Canceled,
            None if self.is_cached => Outcome::Cached,
            None if self.duration_ms().is_some() => Outcome::Ran,
            None => Outcome::Unfinished,
        }
    }

    fn pulled_bytes(&self) -> Option<u64> {
        let has_pulled = !self.pulled.is_empty() || self.has_unpacked;
        has_pulled.then(|| {
            self.pulled
                .values()
                .fold(0, |sum: u64, b| sum.saturating_add(*b))
        })
    }
}

/// A build's vertices in order of appearance, by whatever names them in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Vertices {
    order: Vec<String>,
    by_key: BTreeMap<String, Vertex>,
    is_full: bool,
}

/// What a vertex is built on is looked for among its first inputs.
const MAX_BASES: usize = 20;
/// More vertices than this in one build are not read.
const MAX_VERTICES: usize = 20_000;

impl Vertices {
    /// The vertex of that key, made if it is new; `None` when there are too many.
    pub(super) fn get(&mut self, key: &str) -> Option<&mut Vertex> {
        if !self.by_key.contains_key(key) {
            if self.order.len() >= MAX_VERTICES {
                self.is_full = true;
                return None;
            }
            self.order.push(key.to_owned());
        }
        Some(self.by_key.entry(key.to_owned()).or_default())
    }

    pub(super) fn known(&self, key: &str) -> Option<&Vertex> {
        self.by_key.get(key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Vertex> + Clone {
        self.order.iter().filter_map(|k| self.by_key.get(k))
    }

    /// The build they make up.
    pub(super) fn build(
        self,
        format: Format,
        lines_ms: Option<u64>,
        error: Option<String>,
    ) -> LogBuild {
        let mut build = LogBuild {
            format,
            steps: Vec::new(),
            internal: Vec::new(),
            transfers: spans::transfers(self.iter()),
            total_ms: None,
            total_source: TotalSource::Timestamps,
            error,
            problems: Vec::new(),
        };
        let positions = self.place(&mut build);
        let failed = build
            .steps
            .iter()
            .find_map(|s| s.error.clone().filter(|_| s.outcome == Outcome::Failed));
        build.error = build.error.or(failed);
        self.connect(&mut build, &positions);
        self.describe_gaps(&mut build);
        let span = self.iter().filter_map(Vertex::interval).fold(
            None,
            |span: Option<(i64, i64)>, (a, b)| {
                Some(span.map_or((a, b), |(c, d)| (a.min(c), b.max(d))))
            },
        );
        build.total_ms = span
            .and_then(|(a, b)| u64::try_from(b.saturating_sub(a)).ok())
            .or(lines_ms);
        if build.total_ms.is_none() {
            build.total_source = TotalSource::Durations;
            build.total_ms = total::from_durations(&build);
        }
        build
    }

    /// Fills in steps and internal work; returns each vertex's step.
    fn place(&self, build: &mut LogBuild) -> BTreeMap<String, usize> {
        // Stages in order of appearance, steps of a stage by index.
        let mut stages: Vec<Option<String>> = Vec::new();
        let mut slots: BTreeMap<(usize, usize), Vec<&String>> = BTreeMap::new();
        for key in &self.order {
            let vertex = &self.by_key[key];
            match parse_name(&vertex.name) {
                Name::Step { stage, index, .. } => {
                    let at = stages.iter().position(|s| *s == stage).unwrap_or_else(|| {
                        stages.push(stage);
                        stages.len() - 1
                    });
                    slots.entry((at, index)).or_default().push(key);
                }
                Name::Internal(role) if !vertex.name.is_empty() => build.internal.push(Internal {
                    name: vertex.name.clone(),
                    role,
                    duration_ms: vertex.duration_ms(),
                    bytes: vertex.context_bytes,
                }),
                Name::Internal(_) => {}
            }
        }
        let mut positions = BTreeMap::new();
        for keys in slots.into_values() {
            keys.iter().for_each(|k| {
                positions.insert((*k).clone(), build.steps.len());
            });
            build.steps.extend(self.merged(&keys));
        }
        positions
    }

    /// One step out of the vertices that share its `n/m`: two for `COPY --link` (the copy, and `LINK COPY …` which
    /// merges it onto its base) and for ADD of a URL.
    fn merged(&self, keys: &[&String]) -> Option<LogStep> {
        let vertices: Vec<&Vertex> = keys.iter().filter_map(|k| self.by_key.get(*k)).collect();
        let main = vertices
            .iter()
            .find(|v| !v.name.contains("] LINK "))
            .or(vertices.first())?;
        let Name::Step {
            stage,
            index,
            total,
            text,
        } = parse_name(&main.name)
        else {
            return None;
        };
        let text = text
            .strip_prefix("LINK ")
            .map_or(text.clone(), str::to_owned);
        let sum = vertices
            .iter()
            .filter_map(|v| v.duration_ms())
            .fold(None, |sum: Option<u64>, ms| {
                Some(sum.unwrap_or(0).saturating_add(ms))
            });
        let failed = vertices.iter().find(|v| v.error.is_some()).unwrap_or(main);
        let bytes = vertices
            .iter()
            .filter_map(|v| v.pulled_bytes())
            .fold(None, |sum: Option<u64>, b| {
                Some(sum.unwrap_or(0).saturating_add(b))
            });
        Some(LogStep {
            stage,
            index,
            total,
            text,
            outcome: failed.outcome(),
            duration_ms: sum,
            interval: main.interval(),
            error: failed.error.clone(),
            pulled_bytes: bytes,
            layer_bytes: self.made(main),
            inputs: Vec::new(),
        })
    }

    /// Compressed bytes of the layers that a vertex put on those of what it is built on.
    fn made(&self, vertex: &Vertex) -> Option<u64> {
        let below = |key: &String| {
            let base = &self.by_key.get(key)?.layers;
            vertex.layers.starts_with(base).then_some(base.len())
        };
        let inputs = vertex.inputs.iter().take(MAX_BASES);
        let n_below = inputs.filter_map(below).max().unwrap_or(0);
        let own = vertex.layers.get(n_below..).unwrap_or_default();
        let sum = |sum: u64, (_, bytes): &(String, u64)| sum.saturating_add(*bytes);
        (!vertex.layers.is_empty()).then(|| own.iter().fold(0, sum))
    }

    /// What waits for what: by the vertices' inputs where the log has them, else by the texts.
    fn connect(&self, build: &mut LogBuild, positions: &BTreeMap<String, usize>) {
        if self.by_key.values().all(|v| v.inputs.is_empty()) {
            return total::connect_by_text(&mut build.steps);
        }
        let mut inputs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); build.steps.len()];
        for (key, &at) in positions {
            let named = self.by_key[key].inputs.iter();
            let known = named.filter_map(|input| positions.get(input).copied());
            inputs[at].extend(known.filter(|&from| from != at));
        }
        for (step, inputs) in build.steps.iter_mut().zip(inputs) {
            step.inputs.extend(inputs);
        }
    }

    fn describe_gaps(&self, build: &mut LogBuild) {
        let nameless = self.iter().filter(|v| v.name.is_empty()).count();
        if nameless > 0 {
            build.problems.push(format!(
                "{nameless} steps were already running where the log begins; they are left out."
            ));
        }
        if self.is_full {
            build.problems.push(format!(
                "Only the first {MAX_VERTICES} steps of this build were read."
            ));
        }
        let open = build
            .steps
            .iter()
            .filter(|s| s.outcome == Outcome::Unfinished)
            .count();
        let has_ended = build.error.is_some()
            || build
                .internal
                .iter()
                .any(|i| i.role == Role::Export && i.duration_ms.is_some());
        if open > 0 && !has_ended {
            build
                .problems
                .push(format!("The log ends before {open} of its steps do."));
        }
    }
}
