//! What a shell text consists of: commands, their words, and what joins them.

use crate::dockerfile::Span;

/// A shell text, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Simple commands in the order in which they stand, those inside `if`, loops and groups included.
    /// Those of `$(…)` are in [`Command::substitutions`].
    pub commands: Vec<Command>,
    /// The outermost list, cut at `&&`, `||`, `;`, `&` and line breaks. A pipeline or an `if … fi` is one piece.
    pub pieces: Vec<Piece>,
    /// False when something was left open or unread: a quote without end, too deep, too long.
    pub is_complete: bool,
    /// The functions that it defines, in the order in which they stand.
    pub(super) functions: Vec<Function>,
    /// Its `if` and `case`, those within others after these.
    pub(super) choices: Vec<Choice>,
}

/// A function that a text defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// From its name to the end of its body.
    pub(super) span: Span,
    /// The body with its braces.
    pub(super) body: Span,
}

/// An `if` or a `case`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    /// From `if` to `fi`, from `case` to `esac`.
    pub(super) span: Span,
    /// What a `case` looks at.
    pub(super) over: String,
    pub(super) arms: Vec<Arm>,
    /// Whether one arm goes on to the next (`;&`).
    pub(super) falls: bool,
    /// In how many compounds it stands.
    pub(super) depth: usize,
    /// What joins it to the command before.
    pub(super) connector: Connector,
    /// Whether it may be skipped as a whole.
    pub(super) conditional: bool,
}

/// One of the ways that a choice may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arm {
    pub(super) asked: Asked,
    pub(super) body: Span,
}

/// What has to hold for an arm to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The list of commands after `if` or `elif` succeeds.
    Condition(Span),
    /// What the `case` looks at is like one of these.
    Patterns(Vec<String>),
    /// None of those before was taken.
    Else,
}

impl Script {
    /// The commands of one piece.
    pub fn commands_of(&self, piece: &Piece) -> &[Command] {
        self.commands
            .get(piece.commands.0..piece.commands.1)
            .unwrap_or_default()
    }

    /// The pieces of a text that is one `a && b && c` chain; `None` if anything else joins two of its pieces.
    pub fn and_chain(&self) -> Option<&[Piece]> {
        let is_chain = self.is_complete
            && self
                .pieces
                .iter()
                .skip(1)
                .all(|p| p.connector == Connector::And);
        (is_chain && !self.pieces.is_empty()).then_some(self.pieces.as_slice())
    }
}

/// One element of the outermost list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What joins it to the piece before.
    pub connector: Connector,
    /// Its bytes, without the connector and blanks around it.
    pub span: Span,
    /// Its commands: first and one past the last index in [`Script::commands`].
    pub commands: (usize, usize),
}

/// What stands between a command and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connector {
    /// Nothing: the first of the text or of a body.
    #[default]
    Start,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `;`, a line break, or the next branch of a `case`
    Then,
    /// `|` or `|&`
    Pipe,
    /// `&`
    Background,
}

/// What a command stands in, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nesting {
    /// `( … )`
    Subshell,
    /// `{ … }`
    Group,
    /// The condition of `if` or `elif`.
    Condition,
    /// What follows `then` or `else`.
    Branch,
    /// The condition of `while` or `until`.
    LoopCondition,
    /// What follows `do`.
    Loop,
    /// A branch of `case`.
    Case,
    /// The body of a function definition: not run where it stands.
    Function,
}

/// One simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// `A=1` before the name, or alone.
    pub assignments: Vec<Assignment>,
    /// The name and its arguments, without redirections.
    pub words: Vec<Word>,
    /// `> file`, `2>&1`, `<<EOF`, …
    pub redirections: Vec<Redirection>,
    /// From the first byte of the first part to the end of the last.
    pub span: Span,
    /// What joins it to the command before in the same list.
    pub connector: Connector,
    /// What it stands in, outermost first.
    pub nesting: Vec<Nesting>,
    /// Whether it may be skipped though the text succeeds: in a branch, a loop, a function, or after `||`.
    pub conditional: bool,
    /// For the commands of an `if` or `case`: which one of the text, and which branch of it (the innermost).
    pub branch: Option<(usize, usize)>,
    /// Commands of `$(…)`, `` `…` `` and `<(…)` in its parts, in order; their spans are in the whole text too
    /// (in those of back-quotes as far as nothing is escaped there). Those in [`Command::over`] come first.
    pub substitutions: Vec<Self>,
    /// For the first command of a loop or `case`: what the loop goes over or `case` looks at (`i in a b`, `$x`).
    pub over: Vec<Word>,
}

impl Command {
    /// The first word, without its directory: `npm` for `/usr/bin/npm`. Empty for assignments alone.
    pub fn name(&self) -> &str {
        let word = self.words.first().map_or("", |w| w.text.as_str());
        word.rsplit('/').next().unwrap_or(word)
    }

    /// The words after the name.
    pub fn args(&self) -> Vec<&str> {
        self.words.iter().skip(1).map(|w| w.text.as_str()).collect()
    }
}

/// One word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// Quotes and escapes removed; expansions as written (`$HOME`, `$(nproc)`).
    pub text: String,
    /// Its bytes, quotes included.
    pub span: Span,
    /// Whether a variable or a command is expanded in it.
    pub expands: bool,
    /// Whether any part was quoted or escaped.
    pub quoted: bool,
}

/// `NAME=value` before a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// The value, quotes removed.
    pub value: String,
    /// Its bytes.
    pub span: Span,
}

/// A redirection of a command's input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// `>`, `>>`, `<`, `2>&`, `<<-`, … with its descriptor.
    pub operator: String,
    /// File, descriptor, here-string or heredoc delimiter.
    pub target: String,
    /// The heredoc's body, as written.
    pub body: Option<String>,
    /// Its bytes, the body not included.
    pub span: Span,
}
