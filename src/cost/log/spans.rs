//! When a vertex moved layers: the statuses inside it whose times or bytes tell how fast something is.

use super::build::Traffic;
use super::build::Transfer;
use super::vertex::Vertex;
use std::collections::BTreeMap;

/// Start and end by the status's name. Times are milliseconds from any point in time that the build shares.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans(BTreeMap<String, Span>);

/// Start and end.
type Span = (i64, i64);

/// Spans of a vertex beyond this are not kept.
const MAX_SPANS: usize = 1000;
/// What is sent in less time was there already and only asked for.
const SENT_MS: i64 = 50;

/// What a status is about, and the layer's digest where it is about one.
fn traffic(id: &str) -> Option<(Traffic, &str)> {
    match id {
        "exporting layers" => return Some((Traffic::Compress, "")),
        "pushing layers" => return Some((Traffic::Push, "")),
        _ => {}
    }
    if id.starts_with("sha256:") {
        return Some((Traffic::Download, id));
    }
    let unpacked = id.strip_prefix("extracting ").map(|d| (Traffic::Unpack, d));
    let written = id
        .strip_prefix("writing layer ")
        .map(|d| (Traffic::PushCache, d));
    unpacked
        .or(written)
        .filter(|(_, d)| d.starts_with("sha256:"))
}

impl Spans {
    /// One status; those of other kinds are passed over, of several of one name the last counts.
    pub(super) fn add(&mut self, id: &str, span: Span) {
        let is_new = !self.0.contains_key(id);
        if traffic(id).is_some() && (!is_new || self.0.len() < MAX_SPANS) {
            self.0.insert(id.to_owned(), span);
        }
    }
}

/// The transfers of a build's vertices, one entry for each sort.
pub(super) fn transfers<'a>(vertices: impl Iterator<Item = &'a Vertex> + Clone) -> Vec<Transfer> {
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    for vertex in vertices.clone() {
        let pulled = vertex.pulled.iter().map(|(d, b)| (d.as_str(), *b));
        let made = vertex.layers.iter().map(|(d, b)| (d.as_str(), *b));
        sizes.extend(pulled.chain(made));
    }
    let mut seen: BTreeMap<Traffic, Vec<(Span, Option<u64>)>> = BTreeMap::new();
    for vertex in vertices {
        // A cache in a directory of the client is no upload.
        let is_remote = !vertex.name.contains("client directory");
        for (id, &span) in &vertex.spans.0 {
            let Some((traffic, digest)) = traffic(id) else {
                continue;
            };
            let is_sent = is_remote && span.1.saturating_sub(span.0) >= SENT_MS;
            if traffic != Traffic::PushCache || is_sent {
                let bytes = sizes.get(digest).copied();
                seen.entry(traffic).or_default().push((span, bytes));
            }
        }
    }
    seen.into_iter()
        .map(|(traffic, mut spans)| {
            spans.sort_unstable();
            let bytes = spans
                .iter()
                .map(|(_, bytes)| *bytes)
                .try_fold(0u64, |sum, b| Some(sum.saturating_add(b?)));
            Transfer {
                traffic,
                bytes,
                ms: union_ms(spans.iter().map(|(span, _)| *span)),
            }
        })
        .collect()
}

/// The time covered by intervals that may overlap, in order of their starts.
pub(super) fn union_ms(spans: impl Iterator<Item = Span>) -> u64 {
    let (mut sum, mut reached) = (0i64, i64::MIN);
    for (start, end) in spans {
        let from = start.max(reached);
        sum = sum.saturating_add(end.saturating_sub(from).max(0));
        reached = reached.max(end);
    }
    u64::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_add_up_by_sort() {
        let mut from = Vertex::default();
        for (digest, bytes, span) in [("sha256:a", 3, (0, 100)), ("sha256:b", 4, (50, 120))] {
            from.pulled.insert(digest.to_owned(), bytes);
            from.spans.add(digest, span);
            from.spans
                .add(&format!("extracting {digest}"), (span.1, span.1 + 10));
        }
        from.spans.add("resolve x", (0, 9));
        let mut export = Vertex::default();
        export.spans.add("exporting layers", (200, 260));
        export.spans.add("writing layer sha256:b", (260, 360));
        // Was there already.
        export.spans.add("writing layer sha256:a", (260, 261));
        let found = transfers([&from, &export].into_iter());
        let show = |t: &Transfer| (t.traffic, t.bytes, t.ms);
        assert_eq!(
            found.iter().map(show).collect::<Vec<_>>(),
            [
                (Traffic::Download, Some(7), 120),
                (Traffic::Unpack, Some(7), 20),
                (Traffic::Compress, None, 60),
                (Traffic::PushCache, Some(4), 100),
            ]
        );
    }
}
