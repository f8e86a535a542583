//! GitLab's code quality report.
//!
//! Source: GitLab, "Code Quality report format" (doc/ci/testing/code_quality.md): a JSON array; `fingerprint` tells
//! remarks apart between the branches.

use super::fingerprint::fingerprint;
use super::notice::Level;
use super::notice::Notice;
use serde_json::Value;
use serde_json::json;
use std::io;
use std::io::Write;

/// The whole report.
pub fn write(notices: &[Notice], sink: &mut dyn Write) -> io::Result<()> {
    let all: Vec<Value> = notices
        .iter()
        .map(|notice| {
            json!({
                "description": notice.text,
                "check_name": notice.rule,
                "fingerprint": fingerprint(notice),
                "severity": match notice.level {
                    Level::Note => "info",
                    Level::Warning => "minor",
                },
                "location": { "path": notice.path, "lines": { "begin": notice.line, "end": notice.last_line.max(notice.line) } },
            })
        })
        .collect();
    serde_json::to_writer_pretty(&mut *sink, &all)?;
    writeln!(sink)
}
