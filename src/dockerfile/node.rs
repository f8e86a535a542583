//! A joined line by the grammar of its keyword, before its arguments are checked.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser (newNodeFromLine and line_parsers.go). What is refused
//! here is refused before any instruction is checked.

use super::error::shown;
use super::json;
use super::json::NotStrings;
use super::words;
use super::words::Word;
use std::ops::Range;

/// The instructions that BuildKit knows.
pub(super) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// What is wrong with a line, and which bytes of the joined line show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// A lower-case fragment.
    pub message: String,
    /// Range in the joined line.
    pub range: Range<usize>,
    /// What would help.
    pub help: Option<String>,
}

impl Fault {
    /// A fault without help.
    pub(super) fn new(range: &Range<usize>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            range: range.clone(),
            help: None,
        }
    }

    /// Adds what would help.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A line taken apart.
pub(super) struct Node {
    /// The keyword as written.
    pub word: Word,
    /// The keyword in capitals; `None` when there is no such instruction.
    pub keyword: Option<&'static str>,
    /// Flags, quotes taken off.
    pub flags: Vec<Word>,
    /// Arguments.
    pub args: Args,
    /// From the keyword to the end.
    pub range: Range<usize>,
}

/// Arguments by shape.
pub(super) enum Args {
    /// None at all.
    None,
    /// A JSON array.
    Json(Vec<String>),
    /// The rest of the line as it stands.
    Text(Word),
    /// Words.
    Words(Vec<Word>),
    /// `name value`, the old form of ENV and LABEL.
    Old(String, String),
    /// HEALTHCHECK's type and command.
    Health(Word, Box<Self>),
    /// ONBUILD's trigger.
    Trigger(Box<Node>),
}

impl Node {
    /// Takes `line[from..]` apart.
    pub(super) fn read(line: &str, from: usize, escape: char) -> Result<Self, Fault> {
        let parts = words::split(line, from, escape);
        let upper = parts.keyword.text.to_lowercase().to_uppercase();
        let keyword = KEYWORDS.into_iter().find(|k| *k == upper);
        let args = match keyword {
            Some("ONBUILD") if !parts.rest.is_empty() => {
                Args::Trigger(Box::new(trigger(line, &parts.rest, escape)?))
            }
            Some(keyword) => arguments(keyword, line, &parts.rest, escape)?,
            None => Args::None,
        };
        let end = line.trim_end().len().max(parts.keyword.range.end);
        Ok(Self {
            range: parts.keyword.range.start..end,
            word: parts.keyword,
            keyword,
            flags: parts.flags,
            args,
        })
    }

    /// Whether heredocs are looked for in this line.
    pub(super) fn takes_heredocs(&self) -> bool {
        match &self.args {
            Args::Trigger(trigger) => trigger.takes_heredocs(),
            Args::Json(_) => false,
            _ => matches!(self.keyword, Some("ADD" | "COPY" | "RUN")),
        }
    }
}

/// An ONBUILD's trigger. One that is an ONBUILD itself is refused later, and not followed here.
fn trigger(line: &str, rest: &Range<usize>, escape: char) -> Result<Node, Fault> {
    let parts = words::split(line, rest.start, escape);
    if parts.keyword.text.eq_ignore_ascii_case("ONBUILD") {
        let range = parts.keyword.range.clone();
        return Ok(Node {
            word: parts.keyword,
            keyword: Some("ONBUILD"),
            flags: Vec::new(),
            args: Args::None,
            range,
        });
    }
    Node::read(line, rest.start, escape)
}

fn arguments(keyword: &str, line: &str, rest: &Range<usize>, escape: char) -> Result<Args, Fault> {
    let text = &line[rest.clone()];
    if text.is_empty() {
        return Ok(Args::None);
    }
    match keyword {
        "ADD" | "COPY" | "VOLUME" => {
            Ok(array(text, rest)?.unwrap_or_else(|| Args::Words(words::plain(line, rest.clone()))))
        }
        "CMD" | "ENTRYPOINT" | "RUN" | "SHELL" => {
            Ok(array(text, rest)?.unwrap_or_else(|| raw(text, rest)))
        }
        "EXPOSE" | "FROM" => Ok(Args::Words(words::plain(line, rest.clone()))),
        "ARG" => Ok(Args::Words(words::quoted(line, rest.clone(), escape))),
        "ENV" | "LABEL" => pairs(keyword, line, rest, escape),
        "HEALTHCHECK" => health(line, rest),
        _ => Ok(raw(text, rest)),
    }
}

fn raw(text: &str, range: &Range<usize>) -> Args {
    Args::Text(Word {
        text: text.to_owned(),
        range: range.clone(),
    })
}

/// A JSON array of strings; `None` when the text is something else, a fault when it is an array of something else.
fn array(text: &str, range: &Range<usize>) -> Result<Option<Args>, Fault> {
    match json::strings(text) {
        Ok(strings) => Ok(Some(Args::Json(strings))),
        Err(NotStrings::NotJson) => Ok(None),
        Err(NotStrings::OtherValues) => {
            Err(Fault::new(range, "a JSON array here may hold strings only")
                .help("put each element in double quotes"))
        }
    }
}

fn pairs(keyword: &str, line: &str, rest: &Range<usize>, escape: char) -> Result<Args, Fault> {
    let words = words::quoted(line, rest.clone(), escape);
    let Some(first) = words.first() else {
        return Ok(Args::None);
    };
    if !first.text.contains('=') {
        let first = first.clone();
        return match words::first_and_rest(line, rest.clone()) {
            Some((name, value)) => Ok(Args::Old(name.to_owned(), value.to_owned())),
            None => Err(Fault::new(
                &first.range,
                format!(
                    "{keyword} needs a name and a value, but there is only `{}`",
                    first.text
                ),
            )
            .help(format!("write `{keyword} {}=…`", first.text))),
        };
    }
    if let Some(word) = words.iter().find(|w| !w.text.contains('=')) {
        let shown = shown(&word.text);
        return Err(Fault::new(
            &word.range,
            format!("`{shown}` has no `=`: every word of {keyword} must be name=value"),
        )
        .help("put quotes around a value that holds blanks"));
    }
    Ok(Args::Words(words))
}

fn health(line: &str, rest: &Range<usize>) -> Result<Args, Fault> {
    let bytes = &line.as_bytes()[rest.clone()];
    let mut end = rest.start
        + bytes
            .iter()
            .position(|b| words::is_blank_byte(*b))
            .unwrap_or(bytes.len());
    while !line.is_char_boundary(end) {
        end += 1;
    }
    let kind = Word {
        text: line[rest.start..end].to_owned(),
        range: rest.start..end,
    };
    let start = rest.end - line[end..rest.end].trim_start().len();
    let text = &line[start..rest.end];
    let command = match text {
        "" => Args::None,
        _ => array(text, &(start..rest.end))?.unwrap_or_else(|| raw(text, &(start..rest.end))),
    };
    Ok(Args::Health(kind, Box::new(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_known_in_any_case() {
        let keyword = |line: &str| Node::read(line, 0, '\\').unwrap().keyword;
        assert_eq!(keyword("rUn x"), Some("RUN"));
        assert_eq!(keyword("RUNN x"), None);
        assert_eq!(keyword("onbuild add a b"), Some("ONBUILD"));
    }

    #[test]
    fn faults_of_the_line_itself() {
        let fault = |line: &str| {
            Node::read(line, 0, '\\')
                .err()
                .map(|f| (f.message, line[f.range].to_owned()))
        };
        assert!(fault("ENV A").unwrap().0.contains("name and a value"));
        assert_eq!(fault("ENV A=b c d=e").unwrap().1, "c");
        assert_eq!(fault("RUN [1]").unwrap().1, "[1]");
        assert!(fault("ONBUILD ENV A").is_some());
        assert_eq!(fault("RUN ['a']"), None);
        assert_eq!(
            fault(&format!("{}RUN [1]", "ONBUILD ".repeat(20_000))),
            None
        );
    }
}
