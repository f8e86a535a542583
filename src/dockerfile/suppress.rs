//! `# stratigraph: ignore=RULE reason`: findings that a comment in the Dockerfile accepts.
//!
//! The comment stands on a line of its own and covers the instruction that follows. Several rules are separated by
//! commas. Without a reason it covers nothing, and that is said.

use super::span::Lines;
use crate::caveat::Caveat;

/// What opens such a comment, after `#` and blanks.
const OPENING: &str = "stratigraph:";

/// An accepted finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The rule's name.
    pub rule: String,
    /// Why it is accepted.
    pub reason: String,
    /// The comment's line.
    pub line: usize,
    /// The instruction that it covers.
    pub covers: Lines,
}

/// The accepted findings of a text whose instructions stand at `instructions` (in order), and a caveat for every
/// comment that is meant as one but covers nothing.
pub fn suppressions(text: &str, instructions: &[Lines]) -> (Vec<Suppression>, Vec<Caveat>) {
    let (mut found, mut caveats) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let Some(rest) = comment(line) else { continue };
        // A heredoc's body or a comment between continued lines is the instruction's own.
        if instructions
            .iter()
            .any(|i| i.first <= number && number <= i.last)
        {
            continue;
        }
        match read(rest) {
            Ok((rules, reason)) => match instructions.iter().find(|i| i.first > number) {
                Some(next) => found.extend(rules.into_iter().map(|rule| Suppression {
                    rule: rule.to_owned(),
                    reason: reason.to_owned(),
                    line: number,
                    covers: *next,
                })),
                None => caveats.push(unused(number, "no instruction follows")),
            },
            Err(why) => caveats.push(unused(number, why)),
        }
    }
    (found, caveats)
}

/// What follows `# stratigraph:`.
fn comment(line: &str) -> Option<&str> {
    line.trim_start()
        .strip_prefix('#')?
        .trim_start()
        .strip_prefix(OPENING)
        .map(str::trim)
}

fn read(text: &str) -> Result<(Vec<&str>, &str), &'static str> {
    let text = text
        .strip_prefix("ignore")
        .map(str::trim_start)
        .and_then(|t| t.strip_prefix('='));
    let text = text
        .ok_or("it is not of the form ignore=RULE reason")?
        .trim_start();
    let (names, reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rules: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
    let is_name = |name: &&str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if rules.is_empty() || !rules.iter().all(is_name) {
        return Err("it names no rule");
    }
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("it gives no reason");
    }
    Ok((rules, reason))
}

fn unused(line: usize, why: &str) -> Caveat {
    Caveat::at(
        format!("line {line}"),
        format!("The comment `# stratigraph: …` covers nothing: {why}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instructions are lines that open with a capital letter; each is one line.
    fn check(text: &str, expected: &[&str]) {
        let lines: Vec<Lines> = text
            .lines()
            .enumerate()
            .filter(|(_, l)| l.starts_with(|c: char| c.is_ascii_uppercase()))
            .map(|(i, _)| Lines {
                first: i + 1,
                last: i + 1,
            })
            .collect();
        let (found, caveats) = suppressions(text, &lines);
        let mut shown: Vec<String> = found
            .iter()
            .map(|s| format!("{}@{} {}", s.rule, s.covers.first, s.reason))
            .collect();
        shown.extend(caveats.iter().map(ToString::to_string));
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn a_comment_covers_the_next_instruction() {
        check(
            "FROM a\n# stratigraph: ignore=deps-first we vendor\nCOPY . .\nRUN x",
            &["deps-first@3 we vendor"],
        );
        check(
            "#stratigraph:ignore=a,b why\n\n# other\nFROM a",
            &["a@4 why", "b@4 why"],
        );
        check(
            "  #  stratigraph:  ignore = a  two words \nFROM a",
            &["a@2 two words"],
        );
        check("# nothing of ours\nFROM a", &[]);
        check("FROM a # stratigraph: ignore=a why", &[]);
    }

    #[test]
    fn a_comment_that_covers_nothing_is_said() {
        let said =
            |why: &str| format!("line 1: The comment `# stratigraph: …` covers nothing: {why}.");
        check(
            "# stratigraph: ignore=a\nFROM a",
            &[&said("it gives no reason")],
        );
        check(
            "# stratigraph: ignore= \nFROM a",
            &[&said("it names no rule")],
        );
        check(
            "# stratigraph: ignore=<b> x\nFROM a",
            &[&said("it names no rule")],
        );
        check(
            "# stratigraph: ingore=a why\nFROM a",
            &[&said("it is not of the form ignore=RULE reason")],
        );
        check(
            "# stratigraph: ignore=a why\n",
            &[&said("no instruction follows")],
        );
    }

    #[test]
    fn a_heredocs_body_is_not_ours() {
        let text = "RUN <<E\n# stratigraph: ignore=a why\nE\nRUN b";
        let lines = [Lines { first: 1, last: 3 }, Lines { first: 4, last: 4 }];
        assert_eq!(suppressions(text, &lines), (Vec::new(), Vec::new()));
    }
}
