//! The lists behind `--commits` and `--builds`: text in, requests out, strictly.
//!
//! Never: reads a file, looks a commit up.

use super::error::CliError;
use super::hint::nearest;
use crate::history::Request;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A build as asked for: a revision and what differs from the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The revision as written.
    pub(super) rev: String,
    /// Overrides.
    pub(super) request: Request,
    /// Line in the list, from 1.
    pub(super) line: usize,
}

/// Reads `--commits`: a revision a line; empty lines are skipped.
pub(super) fn commits(text: &str) -> Result<Vec<Asked>, CliError> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty());
    lines
        .map(|(line, rev)| match rev.contains(char::is_whitespace) {
            false => Ok(Asked {
                rev: rev.to_owned(),
                request: Request::default(),
                line,
            }),
            true => Err(CliError::usage(format!(
                "--commits, line {line}: one commit a line, nothing else"
            ))
            .with_help("for instance the output of: git log --format=%H --reverse")),
        })
        .collect()
}

/// Reads `--builds`: JSON Lines; empty lines are skipped.
pub(super) fn builds(text: &str) -> Result<Vec<Asked>, CliError> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(i, line)| build(line, i + 1)).collect()
}

const KEYS: [&str; 5] = ["commit", "build_args", "target", "time", "branch"];

fn build(text: &str, line: usize) -> Result<Asked, CliError> {
    let wrong = |what: String| CliError::usage(format!("--builds, line {line}: {what}"));
    let value: Value = serde_json::from_str(text).map_err(|e| {
        wrong("not JSON".to_owned())
            .with_source(e)
            .with_help("one object a line, as in {\"commit\": \"HEAD\"}")
    })?;
    let Value::Object(object) = value else {
        return Err(wrong("not an object".to_owned()).with_help("write {\"commit\": \"…\"}"));
    };
    if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let error = wrong(format!("unknown key \"{key}\""));
        return Err(match nearest(key, KEYS) {
            Some(known) => error.with_help(format!("did you mean \"{known}\"?")),
            None => error.with_help(format!("known are {}", KEYS.join(", "))),
        });
    }
    let rev = string(&object, "commit")
        .map_err(&wrong)?
        .filter(|rev| !rev.is_empty());
    let rev = rev.ok_or_else(|| wrong("\"commit\" is missing".to_owned()))?;
    let time = match object.get("time") {
        None | Some(Value::Null) => None,
        Some(time) => Some(
            time.as_i64()
                .ok_or_else(|| wrong("\"time\" is not a whole number of seconds".to_owned()))?,
        ),
    };
    let request = Request {
        build_args: build_args(object.get("build_args")).map_err(&wrong)?,
        target: string(&object, "target")
            .map_err(&wrong)?
            .filter(|t| !t.is_empty()),
        time,
        branch: string(&object, "branch").map_err(&wrong)?,
    };
    Ok(Asked { rev, request, line })
}

fn string(object: &Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("\"{key}\" is not a string")),
    }
}

fn build_args(value: Option<&Value>) -> Result<BTreeMap<String, Option<String>>, String> {
    let object = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(object)) => object,
        Some(_) => return Err("\"build_args\" is not an object".to_owned()),
    };
    object
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), Some(text.clone()))),
            Value::Null => Ok((name.clone(), None)),
            _ => Err(format!(
                "build argument \"{name}\" is neither a string nor null"
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_everything() {
        let text = "\n{\"commit\":\"abc\",\"build_args\":{\"V\":\"1\",\"W\":null},\"target\":\"t\",\"time\":5,\"branch\":\"main\"}\n";
        let got = builds(text).unwrap();
        let build_args = BTreeMap::from([
            ("V".to_owned(), Some("1".to_owned())),
            ("W".to_owned(), None),
        ]);
        let request = Request {
            build_args,
            target: Some("t".to_owned()),
            time: Some(5),
            branch: Some("main".to_owned()),
        };
        assert_eq!(
            got,
            [Asked {
                rev: "abc".to_owned(),
                request,
                line: 2
            }]
        );
    }

    #[test]
    fn refusals_name_the_line_and_the_matter() {
        for (text, want) in [
            ("{\"commit\":\"a\"}\n{", "line 2: not JSON"),
            ("[]", "line 1: not an object"),
            ("{}", "line 1: \"commit\" is missing"),
            ("{\"commit\":1}", "line 1: \"commit\" is not a string"),
            ("{\"comit\":\"a\"}", "did you mean \"commit\""),
            ("{\"commit\":\"a\",\"time\":1.5}", "whole number"),
            (
                "{\"commit\":\"a\",\"build_args\":[]}",
                "\"build_args\" is not an object",
            ),
            (
                "{\"commit\":\"a\",\"build_args\":{\"V\":1}}",
                "build argument \"V\"",
            ),
        ] {
            let error = builds(text).unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn commits_are_one_a_line() {
        let got: Vec<_> = commits("a\r\n\n  b\n")
            .unwrap()
            .into_iter()
            .map(|a| (a.rev, a.line))
            .collect();
        assert_eq!(got, [("a".to_owned(), 1), ("b".to_owned(), 3)]);
        assert!(commits("a b").unwrap_err().to_string().contains("line 1"));
    }
}
