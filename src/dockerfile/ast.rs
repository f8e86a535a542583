//! The typed Dockerfile: stages, instructions and their arguments, each with its place in the text.
//!
//! Never: expands a variable, knows a builder. Words are kept as written (quotes and `$` included), as
//! BuildKit's parser leaves them before dispatch (moby/buildkit frontend/dockerfile/instructions).

use super::error::Error;
use super::span::Lines;
use super::span::Span;

/// A Dockerfile that BuildKit's parser and instruction checks accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The text it was read from, byte for byte.
    pub text: String,
    /// Parser directives, in order.
    pub directives: Vec<Directive>,
    /// The escape character: `\` or a back-tick.
    pub escape: char,
    /// ARG instructions before the first FROM.
    pub globals: Vec<Instruction>,
    /// The stages, in order; at least one.
    pub stages: Vec<Stage>,
}

impl Dockerfile {
    /// Every instruction in order: globals, then each stage's FROM and what follows.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.globals.iter().chain(
            self.stages
                .iter()
                .flat_map(|s| std::iter::once(&s.from).chain(&s.instructions)),
        )
    }

    /// The value of a parser directive (`syntax`, `escape`, `check`).
    pub fn directive(&self, name: &str) -> Option<&str> {
        self.directives
            .iter()
            .find(|d| d.name == name)
            .map(|d| d.value.as_str())
    }
}

/// `# name=value` at the top of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Name in lower case.
    pub name: String,
    /// Value, trimmed.
    pub value: String,
    /// The line's bytes.
    pub span: Span,
}

/// FROM and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Position in the file, from 0.
    pub index: usize,
    /// Name after AS, in lower case.
    pub name: Option<String>,
    /// The FROM instruction; its kind is always [`Kind::From`].
    pub from: Instruction,
    /// The instructions after FROM.
    pub instructions: Vec<Instruction>,
}

impl Stage {
    /// FROM's arguments.
    pub fn base(&self) -> &From {
        match &self.from.kind {
            Kind::From(from) => from,
            _ => unreachable!("a stage begins with FROM"),
        }
    }
}

/// One instruction as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Keyword in capitals.
    pub keyword: &'static str,
    /// Arguments.
    pub kind: Kind,
    /// The logical line after continuations are joined and comments dropped, keyword included, heredoc bodies not,
    /// trimmed (BuildKit's `Node.Original`).
    pub original: String,
    /// Flags, in order, quotes removed.
    pub flags: Vec<Flag>,
    /// Heredocs, in order; those of an ONBUILD belong to its trigger.
    pub heredocs: Vec<Heredoc>,
    /// Bytes from the keyword to the end of the last line, without its line break; heredoc bodies included.
    pub span: Span,
    /// First and last line.
    pub lines: Lines,
}

impl Instruction {
    /// The instruction with the bodies of its here-documents, a line break before each.
    pub fn with_bodies(&self) -> String {
        let bodies: Vec<&str> = self.heredocs.iter().map(|h| h.content.as_str()).collect();
        format!("{}\n{}", self.original, bodies.join("\n"))
    }

    /// What an ARG declares; nothing for any other instruction.
    pub fn arguments(&self) -> &[ArgItem] {
        match &self.kind {
            Kind::Arg(items) => items,
            _ => &[],
        }
    }

    /// The names that an ARG or ENV sets; none for any other instruction.
    pub fn sets(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Arg(items) => items.iter().map(|item| item.name.as_str()).collect(),
            Kind::Env(pairs) => pairs.iter().map(|pair| pair.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// What a RUN gives to a shell; `None` for words without one, and for any other instruction.
    pub fn shell_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Run(Run {
                command: Command::Shell(text),
            }) => Some(text),
            _ => None,
        }
    }

    /// The value of flag `name`: `Some("")` when given without a value.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags
            .iter()
            .rev()
            .find(|f| f.name == name)
            .map(|f| f.value.as_deref().unwrap_or(""))
    }

    /// Whether a boolean flag (`--link`, `--parents`, …) is on: given bare or as `=true`.
    pub fn is_on(&self, name: &str) -> bool {
        self.flag(name)
            .is_some_and(|v| v.is_empty() || v.eq_ignore_ascii_case("true"))
    }

    /// All values of a flag that may be repeated (`--mount`, `--exclude`), in order.
    pub fn flag_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.flags
            .iter()
            .filter(move |f| f.name == name)
            .map(|f| f.value.as_deref().unwrap_or(""))
    }
}

/// `--name` or `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Name without dashes.
    pub name: String,
    /// Value after `=`, quotes removed, variables as written.
    pub value: Option<String>,
    /// Where the flag stands.
    pub span: Span,
}

/// One here-document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// Delimiter without quotes.
    pub name: String,
    /// File descriptor before `<<`, 0 when not given.
    pub descriptor: u32,
    /// `<<-`: leading tabs are stripped (the content here has them stripped already).
    pub chomp: bool,
    /// False when the delimiter was quoted.
    pub expand: bool,
    /// The body with its line breaks.
    pub content: String,
    /// The body's bytes in the text.
    pub span: Span,
}

/// An instruction's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Add(Transfer),
    Arg(Vec<ArgItem>),
    Cmd(Command),
    Copy(Transfer),
    Entrypoint(Command),
    Env(Vec<Pair>),
    Expose(Vec<String>),
    From(From),
    Healthcheck(Healthcheck),
    Label(Vec<Pair>),
    Maintainer(String),
    Onbuild(Trigger),
    Run(Run),
    Shell(Vec<String>),
    StopSignal(String),
    User(String),
    Volume(Vec<String>),
    Workdir(String),
}

/// Exec form or shell form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// JSON array: the decoded strings.
    Exec(Vec<String>),
    /// Shell text after joining; for `RUN <<EOF` alone, the text as written (`<<EOF`).
    Shell(String),
}

/// ONBUILD's argument. BuildKit reads a trigger only where it is fired, so a bad one is no refusal of this file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The trigger's text after joining, heredoc bodies included (what goes into the image's configuration).
    pub text: String,
    /// The trigger as an instruction of its own (its place is its place in this file), or why firing it is refused.
    pub parsed: Result<Box<Instruction>, Error>,
}

/// FROM's arguments, variables as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// Image or stage.
    pub image: String,
    /// `--platform`.
    pub platform: Option<String>,
    /// Name after AS, in lower case.
    pub name: Option<String>,
    /// Bytes of the image word.
    pub image_span: Span,
}

/// RUN's arguments; `--mount`, `--network`, `--security`, `--device` are in the flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What is run.
    pub command: Command,
}

/// COPY's and ADD's arguments; `--from`, `--chown`, … are in the flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Sources as written; a heredoc source as its word (`<<EOF`), its body in `heredocs`.
    pub sources: Vec<Source>,
    /// Destination as written.
    pub destination: String,
    /// True for the JSON form.
    pub json: bool,
}

/// One source of COPY or ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A path, pattern or URL as written; `.` for a `$PWD` that nothing sets.
    Path(String),
    /// Index into the instruction's heredocs.
    Heredoc(usize),
}

/// NAME=value of ENV and LABEL, as written (quotes included).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// False for the old form `ENV name value`, whose value is the rest of the line.
    pub equals: bool,
}

/// One name of ARG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgItem {
    /// Name.
    pub name: String,
    /// Default as written, if any.
    pub default: Option<String>,
}

/// HEALTHCHECK's arguments; intervals are in the flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// `HEALTHCHECK NONE`.
    None,
    /// `HEALTHCHECK CMD …`.
    Cmd(Command),
}
