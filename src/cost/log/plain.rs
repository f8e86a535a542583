//! BuildKit's plain progress.
//!
//! `#n NAME` opens a vertex, `#n 1.234 text` is its output, `#n CACHED|DONE 1.2s|ERROR …|CANCELED` ends it, `#n ...` leaves
//! it for another (moby/buildkit util/progress/progressui/printer.go).

use super::build::Format;
use super::build::LogBuild;
use super::clean::Line;
use super::name::is_name;
use super::time::parse_duration;
use super::time::parse_size;
use super::vertex::Vertices;

/// A build being read.
#[derive(Default)]
pub(super) struct Plain {
    vertices: Vertices,
    first: Option<i64>,
    last: Option<i64>,
    error: Option<String>,
    n_ended: usize,
}

impl Plain {
    /// Whether a line has the shape `#n …`.
    pub(super) fn number(text: &str) -> Option<(&str, &str)> {
        let rest = text.strip_prefix('#')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = rest.split_at(digits);
        if digits == 0 || digits > 7 || !(rest.is_empty() || rest.starts_with(' ')) {
            return None;
        }
        Some((number, rest.trim()))
    }

    /// Whether the line opens another build: numbers start again.
    pub(super) fn is_restart(&self, number: &str, rest: &str) -> bool {
        if self.vertices.is_empty() {
            return false;
        }
        let Some(known) = self.vertices.known(number) else {
            return number == "0" && rest.starts_with("building with ");
        };
        let renamed = is_name(rest)
            && !known.name.is_empty()
            && known.name != rest
            && rest.starts_with('[')
            && known.name.starts_with('[');
        renamed
            || (number == "1" && known.name == rest && known.done_ms.is_some() && self.n_ended > 3)
    }

    pub(super) fn line(&mut self, number: &str, rest: &str, line: &Line) {
        self.first = self.first.or(line.time);
        self.last = line.time.or(self.last);
        if number == "0" && rest.starts_with("building with ") {
            return;
        }
        let Some(vertex) = self.vertices.get(number) else {
            return;
        };
        let mut words = rest.split_whitespace();
        match (words.next(), words.next()) {
            (None | Some("..."), None) => {}
            (Some("CACHED"), None) => {
                vertex.is_cached = true;
                self.n_ended += 1;
            }
            (Some("CANCELED"), None) => vertex.is_canceled = true,
            (Some("DONE"), Some(time)) => {
                // A vertex may work several times; each DONE tells the sum so far.
                vertex.done_ms = vertex.done_ms.max(parse_duration(time));
                self.n_ended += 1;
            }
            (Some("ERROR" | "ERROR:"), Some(_)) => {
                let message = rest
                    .trim_start_matches("ERROR")
                    .trim_start_matches(':')
                    .trim();
                vertex.error = Some(short(message));
                self.n_ended += 1;
            }
            (Some(first), second) => {
                let is_output = first.contains('.') && first.parse::<f64>().is_ok();
                if vertex.name.is_empty() && !is_output && is_name(rest) {
                    vertex.name = short(rest);
                } else if first.starts_with("sha256:") {
                    // `sha256:… 1.66MB / 1.66MB 0.3s done`: the bytes behind the stroke are the layer's.
                    let size = rest
                        .split(" / ")
                        .nth(1)
                        .and_then(|r| r.split_whitespace().next())
                        .and_then(parse_size);
                    if let Some(size) = size.filter(|_| vertex.pulled.len() < 1000) {
                        vertex.pulled.insert(first.to_owned(), size);
                    }
                } else if let Some(ms) = finished(rest) {
                    // Only how long, not when.
                    vertex.spans.add(ms.0, (0, ms.1));
                } else if first == "extracting" && second.is_some_and(|s| s.starts_with("sha256:"))
                {
                    vertex.has_unpacked = true;
                } else if first == "transferring" && rest.starts_with("transferring context:") {
                    let size = rest.split_whitespace().nth(2).and_then(parse_size);
                    vertex.context_bytes = vertex.context_bytes.max(size);
                }
            }
            (None, Some(_)) => {}
        }
    }

    /// A line that belongs to no vertex.
    pub(super) fn other(&mut self, line: &Line) {
        if let Some(error) = solve_error(&line.text) {
            self.error = Some(error);
        }
    }

    pub(super) fn finish(self) -> Option<LogBuild> {
        let lines_ms = self
            .first
            .zip(self.last)
            .and_then(|(a, b)| u64::try_from(b.saturating_sub(a)).ok());
        let build = self.vertices.build(Format::Plain, lines_ms, self.error);
        (!build.steps.is_empty() || !build.internal.is_empty()).then_some(build)
    }
}

/// `exporting layers 0.5s done`: the work and its milliseconds. Downloads tell theirs too, but not what ran beside what.
fn finished(rest: &str) -> Option<(&str, i64)> {
    let (work, time) = rest.strip_suffix(" done")?.rsplit_once(' ')?;
    let ms = i64::try_from(parse_duration(time)?).ok()?;
    ["exporting layers", "pushing layers"]
        .contains(&work)
        .then_some((work, ms))
}

/// The message of the line that ends a failed build.
pub(super) fn solve_error(text: &str) -> Option<String> {
    let at = text.find("failed to solve: ")?;
    let is_end = text[..at].is_empty()
        || ["error: ", "ERROR: ", "ERROR: failed to build: ", "Error: "].contains(&&text[..at]);
    is_end.then(|| short(&text[at + "failed to solve: ".len()..]))
}

/// At most so much of a text is kept.
pub(super) fn short(text: &str) -> String {
    text.chars().take(8000).collect()
}
