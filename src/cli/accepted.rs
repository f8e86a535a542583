//! Findings that somebody accepted: by `[[ignore]]` in the configuration, or by a comment in the Dockerfile.

use super::config::Config;
use super::config::Ignored;
use crate::caveat::Caveat;
use crate::dockerfile;
use crate::dockerfile::suppress::Suppression;
use crate::dockerfile::suppress::suppressions;
use crate::restructure::Accepted;
use crate::restructure::finding::Finding;
use crate::restructure::finding::KINDS;

/// Drops what is accepted from `findings`, and says how many that were and which comments cover nothing.
pub(super) fn drop_accepted(
    findings: &mut Vec<Finding>,
    caveats: &mut Vec<Caveat>,
    config: Option<&Config>,
    path: &str,
    text: &str,
) {
    let ignored = config.map_or(&[][..], |c| &c.ignored);
    let lines: Vec<dockerfile::Lines> = match dockerfile::parse(text) {
        Ok(parsed) => parsed.dockerfile.instructions().map(|i| i.lines).collect(),
        Err(_) => Vec::new(),
    };
    let (comments, odd) = suppressions(text, &lines);
    caveats.extend(odd);
    caveats.extend(unknown(ignored, &comments));
    let before = findings.len();
    findings.retain(|f| {
        !ignored.iter().any(|i| accepts(i, f, path)) && !comments.iter().any(|c| covers(c, f))
    });
    match before - findings.len() {
        0 => {}
        1 => caveats.push(Caveat::general("1 finding is accepted and not shown.")),
        n => caveats.push(Caveat::general(format!(
            "{n} findings are accepted and not shown."
        ))),
    }
}

/// What the configuration accepts in a Dockerfile, as those who propose take it.
pub(super) fn listed(config: Option<&Config>, path: &str) -> Vec<Accepted> {
    let ignored = config.map_or(&[][..], |c| &c.ignored);
    let here = ignored
        .iter()
        .filter(|i| i.dockerfile.as_ref().is_none_or(|d| d == path));
    here.map(|i| Accepted {
        rule: i.rule.clone(),
        line: i.line,
        reason: i.reason.clone(),
    })
    .collect()
}

fn accepts(ignored: &Ignored, finding: &Finding, path: &str) -> bool {
    is_named(&ignored.rule, finding)
        && ignored.dockerfile.as_ref().is_none_or(|d| d == path)
        && ignored.line.is_none_or(|line| line == finding.line)
}

fn covers(comment: &Suppression, finding: &Finding) -> bool {
    let lines = comment.covers;
    is_named(&comment.rule, finding) && lines.first <= finding.line && finding.line <= lines.last
}

/// By its own name, or by the rule whose proposals answer it.
fn is_named(rule: &str, finding: &Finding) -> bool {
    rule == finding.kind || finding.rule == Some(rule)
}

/// A name that no finding has accepts nothing, which nobody would notice.
fn unknown(ignored: &[Ignored], comments: &[Suppression]) -> Vec<Caveat> {
    let is_known = |rule: &str| {
        KINDS.iter().any(|(kind, _)| *kind == rule)
            || crate::restructure::rules::ALL.iter().any(|r| r.id == rule)
    };
    let names = ignored
        .iter()
        .map(|i| &i.rule)
        .chain(comments.iter().map(|c| &c.rule));
    names
        .filter(|rule| !is_known(rule))
        .map(|rule| {
            Caveat::general(format!(
                "`{rule}` is to be ignored, but no finding has this name."
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::config::FILE_NAME;
    use super::*;
    use std::path::Path;

    const TEXT: &str = "FROM a\n# stratigraph: ignore=dead-split we know\nCOPY . .\nRUN b\n";

    fn finding(line: usize, kind: &'static str) -> Finding {
        Finding {
            line,
            kind,
            text: String::new(),
            rule: None,
            builds: None,
        }
    }

    fn check(config: &str, expected: &[(usize, &str)], said: &[&str]) {
        let config = Config::parse(config, FILE_NAME, Path::new("")).unwrap();
        let mut findings = vec![
            finding(3, "dead-split"),
            finding(3, "intruder"),
            finding(4, "dead-split"),
            finding(0, "no-ignore-file"),
        ];
        let mut caveats = Vec::new();
        drop_accepted(
            &mut findings,
            &mut caveats,
            Some(&config),
            "Dockerfile",
            TEXT,
        );
        let left: Vec<_> = findings.iter().map(|f| (f.line, f.kind)).collect();
        assert_eq!(left, expected, "{config:?}");
        assert_eq!(
            caveats.iter().map(ToString::to_string).collect::<Vec<_>>(),
            said
        );
    }

    #[test]
    fn a_comment_covers_its_instruction_and_the_file_the_rest() {
        let one = "1 finding is accepted and not shown.";
        let two = "2 findings are accepted and not shown.";
        check(
            "",
            &[(3, "intruder"), (4, "dead-split"), (0, "no-ignore-file")],
            &[one],
        );
        let ignore = |more: &str| format!("[[ignore]]\nreason = \"x\"\n{more}");
        check(
            &ignore("rule = \"intruder\""),
            &[(4, "dead-split"), (0, "no-ignore-file")],
            &[two],
        );
        check(
            &ignore("rule = \"intruder\"\nline = 9"),
            &[(3, "intruder"), (4, "dead-split"), (0, "no-ignore-file")],
            &[one],
        );
        check(
            &ignore("rule = \"intruder\"\ndockerfile = \"x\""),
            &[(3, "intruder"), (4, "dead-split"), (0, "no-ignore-file")],
            &[one],
        );
        check(
            &ignore("rule = \"intruders\""),
            &[(3, "intruder"), (4, "dead-split"), (0, "no-ignore-file")],
            &[
                "`intruders` is to be ignored, but no finding has this name.",
                one,
            ],
        );
    }
}
