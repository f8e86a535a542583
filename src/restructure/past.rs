//! A Dockerfile of today in the versions of a past commit: the tags of its images, the values of its ARGs and ENVs, and
//! what its commands name.
//!
//! A text that is pinned over a history shows what the repository's files do to its steps, and hides what the
//! Dockerfile's own upkeep does: a base image's new tag, `ENV TOOL_VERSION 1.2` become `1.3`. Those are taken from each
//! commit's own Dockerfile, by name, where they are literal, look like a version and mean one thing in the whole file.
//!
//! Never: changes what stands in the way of a proposal. A value that the draft itself changed stays as it is.

use super::candidate::TextEdit;
use super::layout::unquote;
use super::written;
use crate::dockerfile;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::dockerfile::edit::apply;
use std::collections::{BTreeMap, BTreeSet};

/// What a version belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// An image, by its repository: `docker.io/library/node`.
    Image(String),
    /// An ARG's or ENV's variable.
    Variable(String),
    /// A version in a command, by the word that it stands in.
    Word(String),
}

/// The versions that a Dockerfile names, each once.
pub type Versions = BTreeMap<Name, String>;

/// Where versions stand in a text.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    text: String,
    slots: Vec<(Name, Span, String)>,
}

impl Slots {
    /// The places of `text`; none when it does not parse.
    pub fn of(text: &str) -> Self {
        let mut slots = Vec::new();
        if let Ok(parsed) = dockerfile::parse(text) {
            for instruction in parsed.dockerfile.instructions() {
                of_instruction(text, instruction, &mut slots);
            }
        }
        Self {
            text: text.to_owned(),
            slots,
        }
    }

    /// The versions that mean one thing in the whole text.
    pub fn versions(&self) -> Versions {
        let mut all: BTreeMap<&Name, Option<&str>> = BTreeMap::new();
        for (name, _, value) in &self.slots {
            all.entry(name)
                .and_modify(|known| *known = known.filter(|k| k == value))
                .or_insert(Some(value));
        }
        all.into_iter()
            .filter_map(|(name, value)| Some((name.clone(), value?.to_owned())))
            .filter(|(_, value)| is_version(value))
            .collect()
    }

    /// The text with what is `now` become `past`.
    pub fn with(&self, now: &Versions, past: &Versions) -> String {
        let edits: Vec<TextEdit> = self
            .slots
            .iter()
            .filter_map(|(name, span, value)| {
                let (now, past) = (now.get(name)?, past.get(name)?);
                (value == now && now != past).then(|| TextEdit::replace(*span, past.clone()))
            })
            .collect();
        apply(&self.text, &edits).unwrap_or_else(|_| self.text.clone())
    }
}

/// What the versions that an instruction of `text` gives belong to.
pub fn names_in(text: &str, instruction: &Instruction) -> BTreeSet<Name> {
    let mut slots = Vec::new();
    of_instruction(text, instruction, &mut slots);
    slots.into_iter().map(|(name, ..)| name).collect()
}

/// The versions of one commit's Dockerfile that today's has too, with other values.
pub fn changed(now: &Versions, past: &Versions) -> Versions {
    past.iter()
        .filter(|(name, value)| now.get(name).is_some_and(|n| n != *value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A tag, a digest, a version, a checksum or a link to one: something with a digit that is no path of the image, or
/// a tag by name.
fn is_version(value: &str) -> bool {
    let tag = value.strip_prefix([':', '@']);
    tag.is_some_and(|t| !t.contains('$'))
        || (value.bytes().any(|b| b.is_ascii_digit())
            && !value.contains(['$', '\\', '\n', ' '])
            && (!value.contains('/') || value.contains("://")))
}

fn of_instruction(text: &str, instruction: &Instruction, slots: &mut Vec<(Name, Span, String)>) {
    match &instruction.kind {
        Kind::From(from) => slots.extend(image(&from.image, from.image_span)),
        Kind::Arg(items) => {
            for item in items {
                if let Some(default) = &item.default {
                    slots.extend(variable(text, instruction, &item.name, default));
                }
            }
        }
        Kind::Env(pairs) => {
            for pair in pairs {
                slots.extend(variable(text, instruction, &pair.name, &pair.value));
            }
        }
        Kind::Run(_) | Kind::Add(_) => {
            let words = written::versions(text, instruction.span);
            slots.extend(
                words
                    .into_iter()
                    .map(|(word, span, value)| (Name::Word(word), span, value)),
            );
        }
        Kind::Copy(_) => {
            for flag in instruction.flags.iter().filter(|f| f.name == "from") {
                let word = flag.value.as_deref().unwrap_or_default();
                let written = text.get(flag.span.range()).unwrap_or_default();
                if written.ends_with(word) {
                    let start = flag.span.end - word.len();
                    slots.extend(image(word, Span::new(start, flag.span.end)));
                }
            }
        }
        _ => {}
    }
}

/// The tag and digest of an image's name, with the mark before them; an empty tag is none.
fn image(word: &str, span: Span) -> Option<(Name, Span, String)> {
    let name_end = word.rfind('/').map_or(0, |i| i + 1);
    let at = name_end + word[name_end..].find([':', '@'])?;
    (!word[..at].is_empty()
        && !word.contains(['$', '"', '\''])
        && span.end - span.start == word.len())
    .then(|| {
        (
            Name::Image(word[..at].to_owned()),
            Span::new(span.start + at, span.end),
            word[at..].to_owned(),
        )
    })
}

/// Where `value` stands after `name` in the instruction.
fn variable(
    text: &str,
    instruction: &Instruction,
    name: &str,
    value: &str,
) -> Option<(Name, Span, String)> {
    if value.is_empty() {
        return None;
    }
    let source = text.get(instruction.span.range())?;
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut from = instruction.keyword.len();
    loop {
        let at = from + source.get(from..)?.find(name)?;
        from = at + name.len();
        let before = source.as_bytes()[at - 1];
        let after = source.as_bytes().get(from).copied()?;
        if !is_word(before) && matches!(after, b'=' | b' ' | b'\t') && before != b'$' {
            break;
        }
    }
    let rest = source[from + 1..].trim_start();
    let start = source.len() - rest.len();
    rest.starts_with(value).then(|| {
        let start = instruction.span.start + start;
        (
            Name::Variable(name.to_owned()),
            Span::new(start, start + value.len()),
            unquote(value),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_commit_had_in_other_versions_is_put_back() {
        let check = |today: &str, past: &str, draft: &str, expected: &str| {
            let now = Slots::of(today).versions();
            let past = changed(&now, &Slots::of(past).versions());
            assert_eq!(
                Slots::of(draft).with(&now, &past),
                expected,
                "{today}{past:?}"
            );
        };
        let same = |today: &str, past: &str, expected: &str| check(today, past, today, expected);
        same(
            "FROM node:22-slim AS b\nFROM b\n",
            "FROM node:20-slim\n",
            "FROM node:20-slim AS b\nFROM b\n",
        );
        same(
            "FROM a.b:5000/c/d@sha256:1\n",
            "FROM a.b:5000/c/d:2@sha256:0\n",
            "FROM a.b:5000/c/d:2@sha256:0\n",
        );
        same(
            "FROM a\nENV V 1.2\nRUN x $V\n",
            "FROM a\nENV V=1.1\n",
            "FROM a\nENV V 1.1\nRUN x $V\n",
        );
        same(
            "ARG R=3\nFROM a:$R\nENV A=\"1.0\" \\\n  BA=2.0\n",
            "ARG R=2\nFROM a:$R\nENV BA=1.9 A=0.9\n",
            "ARG R=2\nFROM a:$R\nENV A=0.9 \\\n  BA=1.9\n",
        );
        same(
            "FROM a\nCOPY --from=t:2 /x /\n",
            "FROM a\nCOPY --from=t:1 /y /\n",
            "FROM a\nCOPY --from=t:1 /x /\n",
        );
        // Two values in one file, paths, words, and variables are left alone.
        same(
            "FROM n:2\nFROM n:3\n",
            "FROM n:1\nFROM n:1\n",
            "FROM n:2\nFROM n:3\n",
        );
        same(
            "FROM a\nENV H=/opt/2 M=prod V=$X2\n",
            "FROM a\nENV H=/opt/1 M=dev V=$X1\n",
            "FROM a\nENV H=/opt/2 M=prod V=$X2\n",
        );
        // What commands name, one by one, wherever they stand.
        same(
            "FROM a\nRUN pip install x==2.0 y==1.0 && curl -O https://z/1.1/t-3.0.tgz\n",
            "FROM a\nRUN pip install x==1.9 w==1.0\nRUN curl -O https://z/1.0/t-3.0.tgz\n",
            "FROM a\nRUN pip install x==1.9 y==1.0 && curl -O https://z/1.0/t-3.0.tgz\n",
        );
        same(
            "FROM a\nRUN x --version 2.0 && y --version 3.0\n",
            "FROM a\nRUN x --version 1.0 && y --version 1.0\n",
            "FROM a\nRUN x --version 2.0 && y --version 3.0\n",
        );
        // A text that does not parse has none; what the draft changed itself stays.
        same("FROM a:2\n", "FORM a:1\n", "FROM a:2\n");
        check("FROM a:latest\n", "FROM a:1\n", "FROM a:2\n", "FROM a:2\n");
        check(
            "FROM a:latest\n",
            "FROM a:1\n",
            "FROM a:latest AS x\n",
            "FROM a:1 AS x\n",
        );
    }
}
