//! Sizes beside the logs: `docker history --format json`, manifests, image configurations.

use super::build::SizeRecord;
use super::time::parse_size;
use serde::Deserialize;
use serde_json::Value;

/// More layers than this in one image are not read.
const MAX_LAYERS: usize = 2000;

/// One line of `docker history --format json --no-trunc`.
#[derive(Deserialize)]
struct HistoryLine {
    #[serde(rename = "CreatedBy")]
    created_by: String,
    #[serde(rename = "Size")]
    size: Value,
}

/// Reads one line of `docker history`.
pub(super) fn history_line(text: &str) -> Option<SizeRecord> {
    let line: HistoryLine = text
        .contains("\"CreatedBy\"")
        .then(|| serde_json::from_str(text).ok())
        .flatten()?;
    let unpacked = match &line.size {
        Value::String(size) => parse_size(size)?,
        Value::Number(size) => size.as_u64()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(SizeRecord::Layer {
        text: created_by(&line.created_by),
        unpacked,
    })
}

/// Reads a whole file of JSON: a manifest, a configuration, or `docker buildx imagetools inspect` with both.
pub(super) fn document(text: &str) -> Vec<SizeRecord> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Vec::new();
    };
    let mut records = Vec::new();
    let parts = [Some(&value), value.get("manifest"), value.get("image")];
    for part in parts.into_iter().flatten() {
        let layers = part.get("layers").and_then(Value::as_array);
        if let Some(sizes) = layers.and_then(|l| {
            l.iter()
                .take(MAX_LAYERS)
                .map(|l| l.get("size").and_then(Value::as_u64))
                .collect::<Option<Vec<u64>>>()
        }) {
            records.push(SizeRecord::Manifest(sizes));
        }
        if let Some(history) = part.get("history").and_then(Value::as_array) {
            let with_layer = history.iter().filter(|h| {
                !h.get("empty_layer")
                    .and_then(Value::as_bool)
                    .unwrap_or(false)
            });
            let texts = with_layer
                .take(MAX_LAYERS)
                .map(|h| created_by(h.get("created_by").and_then(Value::as_str).unwrap_or("")));
            records.push(SizeRecord::History(texts.collect()));
        }
    }
    records
}

/// The instruction out of an image's history: `RUN |1 A=b /bin/sh -c npm ci # buildkit` is `RUN npm ci`.
pub(super) fn created_by(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim();
    if let Some(instruction) = text.strip_prefix("/bin/sh -c #(nop)") {
        return instruction.trim().to_owned();
    }
    let is_run = text.starts_with("RUN ");
    let mut rest = text.strip_prefix("RUN ").unwrap_or(text);
    if let Some(args) = rest.strip_prefix('|') {
        // `|n` and n arguments, then the shell.
        rest = args.find("/bin/sh -c ").map_or(rest, |at| &args[at..]);
    }
    match rest.strip_prefix("/bin/sh -c ") {
        Some(command) => format!("RUN {}", command.trim()),
        None if is_run => format!("RUN {}", rest.trim()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_are_read() {
        let check = |text: &str, expected: &str| assert_eq!(created_by(text), expected);
        check("RUN /bin/sh -c npm ci # buildkit", "RUN npm ci");
        check(
            "RUN |2 A=b C=d e /bin/sh -c npm ci # buildkit",
            "RUN npm ci",
        );
        check("/bin/sh -c npm ci", "RUN npm ci");
        check("|1 A=b /bin/sh -c npm ci", "RUN npm ci");
        check("COPY src ./src # buildkit", "COPY src ./src");
        check("/bin/sh -c #(nop)  CMD [\"x\"]", "CMD [\"x\"]");
        let line = r#"{"Comment":"buildkit.dockerfile.v0","CreatedBy":"COPY a b # buildkit","ID":"x","Size":"1.5kB"}"#;
        assert_eq!(
            history_line(line),
            Some(SizeRecord::Layer {
                text: "COPY a b".to_owned(),
                unpacked: 1500
            })
        );
        assert_eq!(history_line("{}"), None);
    }

    #[test]
    fn manifests_and_configurations_are_read() {
        assert_eq!(
            document(r#"{"schemaVersion":2,"layers":[{"size":3},{"size":4}]}"#),
            [SizeRecord::Manifest(vec![3, 4])]
        );
        let config = r#"{"history":[{"created_by":"ADD x"},{"created_by":"ENV a","empty_layer":true},{"created_by":"RUN /bin/sh -c y # buildkit"}]}"#;
        assert_eq!(
            document(config),
            [SizeRecord::History(vec![
                "ADD x".to_owned(),
                "RUN y".to_owned()
            ])]
        );
        assert!(document("{").is_empty());
    }
}
