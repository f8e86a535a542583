//! SARIF 2.1.0 for code scanning.
//!
//! Source: OASIS, Static Analysis Results Interchange Format 2.1.0; GitHub, "SARIF support for code scanning".

use super::fingerprint::fingerprint;
use super::notice::Level;
use super::notice::Notice;
use super::notice::help;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::io;
use std::io::Write;

/// The whole log, one run.
pub fn write(notices: &[Notice], sink: &mut dyn Write) -> io::Result<()> {
    let rules: BTreeSet<&str> = notices.iter().map(|n| n.rule.as_str()).collect();
    let index = |rule: &str| rules.iter().position(|r| *r == rule);
    let results: Vec<Value> = notices
        .iter()
        .map(|notice| {
            json!({
                "ruleId": notice.rule,
                "ruleIndex": index(&notice.rule),
                "level": level(notice.level),
                "message": { "text": notice.text },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": uri(&notice.path), "uriBaseId": "%SRCROOT%" },
                    "region": { "startLine": notice.line, "endLine": notice.last_line.max(notice.line) },
                } }],
                "partialFingerprints": { "stratigraph/v1": fingerprint(notice) },
            })
        })
        .collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|rule| {
            let what = help(rule).unwrap_or("see the remark itself");
            json!({
                "id": rule,
                "name": rule,
                "shortDescription": { "text": sentence(what) },
                "help": { "text": format!("{} Accept it with a comment above the instruction: # stratigraph: ignore={rule} and the reason.", sentence(what)) },
            })
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "stratigraph", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "results": results,
            "columnKind": "unicodeCodePoints",
        }],
    });
    serde_json::to_writer_pretty(&mut *sink, &log)?;
    writeln!(sink)
}

/// Capital letter and full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    format!("{first}{}.", letters.as_str())
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
    }
}

/// A relative reference (RFC 3986): a colon in the first segment would make it absolute.
fn uri(path: &str) -> String {
    super::markup::path(path)
}
