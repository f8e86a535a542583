//! BuildKit's rawjson progress: one status object a line (moby/buildkit client/graph.go `SolveStatus`).

use super::build::Format;
use super::build::LogBuild;
use super::plain::short;
use super::time::parse_time;
use super::vertex::Layers;
use super::vertex::Vertices;
use serde::Deserialize;
use serde::Deserializer;

/// One line.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) vertexes: Option<Vec<RawVertex>>,
    #[serde(default)]
    pub(super) statuses: Option<Vec<RawStatus>>,
}

/// A vertex, repeated at each change.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RawVertex {
    #[serde(default)]
    pub(super) digest: String,
    #[serde(default)]
    pub(super) inputs: Option<Vec<String>>,
    #[serde(default)]
    pub(super) name: String,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "time")]
    pub(super) started: Option<i64>,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "time")]
    pub(super) completed: Option<i64>,
    #[serde(default)]
    pub(super) cached: bool,
    #[serde(default)]
    pub(super) error: Option<String>,
}

/// Progress inside a vertex.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RawStatus {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) vertex: String,
    #[serde(default)]
    pub(super) total: i64,
    #[serde(default)]
    pub(super) current: i64,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "time")]
    pub(super) started: Option<i64>,
    /// Milliseconds since 1970.
    #[serde(default, deserialize_with = "time")]
    pub(super) completed: Option<i64>,
}

/// A time as printed; one that is damaged is none.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(parse_time))
}

/// A build being read.
#[derive(Default)]
pub(super) struct RawJson {
    vertices: Vertices,
    /// The digest of the first definition; each build has its own.
    definition: String,
    error: Option<String>,
}

/// Inputs of a vertex beyond this are not kept.
const MAX_INPUTS: usize = 1000;
/// Intervals of a vertex beyond this are not kept.
const MAX_INTERVALS: usize = 10_000;

impl RawJson {
    /// Reads one line; `None` if it is no status.
    pub(super) fn parse(text: &str) -> Option<Status> {
        let has_key = ["\"vertexes\"", "\"statuses\"", "\"logs\"", "\"warnings\""]
            .iter()
            .any(|k| text.contains(k));
        has_key.then(|| serde_json::from_str(text).ok()).flatten()
    }

    /// Whether the status belongs to another build than those before.
    pub(super) fn is_restart(&self, status: &Status) -> bool {
        let definition = definition(status);
        definition.is_some_and(|d| {
            !self.definition.is_empty() && d != self.definition && self.vertices.known(d).is_none()
        })
    }

    pub(super) fn status(&mut self, status: Status) {
        if let Some(digest) = definition(&status).filter(|_| self.definition.is_empty()) {
            self.definition = digest.to_owned();
        }
        for raw in status.vertexes.unwrap_or_default() {
            let Some(vertex) = self.vertices.get(&raw.digest) else {
                continue;
            };
            if !raw.name.is_empty() {
                vertex.name = short(&raw.name);
            }
            if vertex.inputs.is_empty() {
                vertex.inputs = raw.inputs.unwrap_or_default();
                vertex.inputs.truncate(MAX_INPUTS);
            }
            if let Some((start, end)) = raw.started.zip(raw.completed) {
                if vertex.intervals.len() < MAX_INTERVALS {
                    vertex
                        .intervals
                        .entry(start)
                        .and_modify(|e| *e = end.max(*e))
                        .or_insert(end);
                }
                vertex.is_cached = raw.cached;
            }
            if let Some(error) = raw.error.filter(|e| !e.is_empty()) {
                vertex.error = Some(short(&error));
            }
        }
        for raw in status.statuses.unwrap_or_default() {
            // Only vertices that were announced; a status alone names nothing.
            let Some(vertex) = self
                .vertices
                .known(&raw.vertex)
                .is_some()
                .then(|| self.vertices.get(&raw.vertex))
                .flatten()
            else {
                continue;
            };
            let bytes = u64::try_from(raw.total.max(raw.current)).unwrap_or(0);
            if let Some(span) = raw.started.zip(raw.completed) {
                vertex.spans.add(&raw.id, span);
            }
            if raw.id.starts_with("sha256:") && vertex.pulled.len() < 1000 {
                let known = vertex.pulled.entry(raw.id).or_default();
                *known = bytes.max(*known);
            } else if raw.id.starts_with("extracting sha256:") {
                vertex.has_unpacked = true;
            } else if raw.id.starts_with("transferring context:") {
                vertex.context_bytes = Some(bytes.max(vertex.context_bytes.unwrap_or(0)));
            }
        }
    }

    /// The layers that a vertex's result consists of.
    pub(super) fn layers(&mut self, digest: &str, layers: Layers) {
        if self.vertices.known(digest).is_some()
            && let Some(vertex) = self.vertices.get(digest)
        {
            vertex.layers = layers;
        }
    }

    /// The build's error, where no vertex tells it.
    pub(super) fn fail(&mut self, error: &str) {
        self.error.get_or_insert_with(|| short(error));
    }

    /// A line beside the statuses.
    pub(super) fn other(&mut self, text: &str) {
        if let Some(error) = super::plain::solve_error(text) {
            self.error = Some(error);
        }
    }

    pub(super) fn finish(self, format: Format) -> Option<LogBuild> {
        let build = self.vertices.build(format, None, self.error);
        (!build.steps.is_empty() || !build.internal.is_empty()).then_some(build)
    }
}

fn definition(status: &Status) -> Option<&str> {
    let vertices = status.vertexes.as_deref().unwrap_or_default();
    vertices
        .iter()
        .find(|v| v.name.starts_with("[internal] load build definition"))
        .map(|v| v.digest.as_str())
}
