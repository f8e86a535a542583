//! Parser directives: `# syntax=`, `# escape=`, `# check=` at the very top.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser/directives.go.

use super::ast::Directive;
use super::error::Refusal;
use super::span::Span;

/// The directives read so far, while they may still come.
pub(super) struct Directives {
    /// In order.
    pub found: Vec<Directive>,
    /// The escape character they ask for.
    pub escape: char,
    over: bool,
}

impl Directives {
    /// Before the first line.
    pub(super) fn new() -> Self {
        Self {
            found: Vec::new(),
            escape: '\\',
            over: false,
        }
    }

    /// Reads the next line (trimmed at both ends of blanks and breaks); the first that is no directive ends them.
    pub(super) fn read(&mut self, line: &str, span: Span) -> Result<(), Refusal> {
        if self.over {
            return Ok(());
        }
        let Some((name, value)) = directive(line) else {
            self.over = true;
            return Ok(());
        };
        let seen = self.found.iter().any(|d| d.name == name);
        self.found.push(Directive {
            name: name.to_owned(),
            value: value.to_owned(),
            span,
        });
        if seen {
            return Err(Refusal::new(format!(
                "the parser directive `{name}` is given twice"
            )));
        }
        if name == "escape" {
            self.escape = match value {
                "\\" => '\\',
                "`" => '`',
                _ => {
                    return Err(Refusal::new(format!(
                        "the escape character is `{value}`, but only \\ and ` are allowed"
                    )));
                }
            };
        }
        Ok(())
    }
}

/// Name and value, if the line is a directive that BuildKit knows.
fn directive(line: &str) -> Option<(&'static str, &str)> {
    let (name, value) = line.strip_prefix('#')?.trim_start().split_once('=')?;
    let name = name.trim_end_matches(BLANKS);
    let name = ["syntax", "escape", "check"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))?;
    let trimmed = value.trim_matches(BLANKS);
    if trimmed.is_empty() {
        // A value of blanks alone is the last of them.
        let last = value.chars().next_back()?;
        return Some((name, &value[value.len() - last.len_utf8()..]));
    }
    Some((name, trimmed))
}

/// `\s` of Go's regular expressions.
const BLANKS: [char; 5] = ['\t', '\n', '\u{c}', '\r', ' '];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_known_by_name() {
        for (line, expected) in [
            (
                "# syntax=docker/dockerfile:1",
                Some(("syntax", "docker/dockerfile:1")),
            ),
            ("#Escape = `  ", Some(("escape", "`"))),
            (
                "# check = skip=all;error=true",
                Some(("check", "skip=all;error=true")),
            ),
            ("# other=1", None),
            ("# syntax", None),
            ("# syntax=", None),
            ("# escape= ", Some(("escape", " "))),
            ("syntax=x", None),
        ] {
            assert_eq!(directive(line), expected, "{line}");
        }
    }
}
