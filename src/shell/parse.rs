//! Tokens to commands and to the pieces of the outermost list.
//!
//! A stack instead of recursion: nothing a text nests can exhaust ours. Only `$(…)` recurses, to a fixed depth.

use super::command::Assignment;
use super::command::Command;
use super::command::Connector;
use super::command::Nesting;
use super::command::Piece;
use super::command::Script;
use super::compound::Frame;
use super::word::Cursor;
use super::word::Lexed;
use super::word::MAX_DEPTH;
use super::word::Token;
use crate::dockerfile::Span;

/// More commands than this are not read.
const MAX_COMMANDS: usize = 20_000;
/// Reads a shell text, as it stands in [`crate::graph::Step::command`].
pub fn parse(text: &str) -> Script {
    parse_at(text.as_bytes(), 0, text.len(), None, 0)
}

/// Reads the arguments of a RUN as written in a Dockerfile: lines joined by `escape`, lines of comment between them.
/// Spans are in `text`.
pub fn parse_instruction(text: &str, escape: char) -> Script {
    let escape = u8::try_from(escape).unwrap_or(b'\\');
    parse_at(text.as_bytes(), 0, text.len(), Some(escape), 0)
}

/// Reads the part `span` of a text; spans are in the whole.
pub(super) fn parse_part(text: &str, span: Span) -> Script {
    let end = span.end.min(text.len());
    parse_at(text.as_bytes(), span.start.min(end), end, None, 0)
}

fn parse_at(
    text: &[u8],
    start: usize,
    end: usize,
    dockerfile_escape: Option<u8>,
    depth: usize,
) -> Script {
    let cursor = Cursor {
        text,
        at: start,
        end,
        dockerfile_escape,
        is_complete: true,
    };
    let mut parser = Parser::new(cursor, depth);
    while let Some((token, span)) = parser.cursor.next() {
        if parser.script.commands.len() >= MAX_COMMANDS {
            parser.cursor.is_complete = false;
            break;
        }
        parser.token(token, span);
    }
    parser.finish()
}

/// What the next words mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Words of a command, or a reserved word where one may begin.
    Command,
    /// The target of the last redirection.
    Target,
    /// `for NAME in …` up to `do`.
    For,
    /// `case WORD in`.
    CaseWord,
    /// A pattern of `case`, up to `)`.
    Pattern,
    /// `function NAME`.
    FunctionName,
    /// Inside `[[ … ]]`.
    Test,
}

/// What is read so far.
pub(super) struct Parser<'a> {
    pub(super) cursor: Cursor<'a>,
    depth: usize,
    pub(super) script: Script,
    pub(super) stack: Vec<Frame>,
    current: Option<Command>,
    pub(super) connector: Connector,
    pub(super) mode: Mode,
    pub(super) n_branches: usize,
    /// (delimiter, strip tabs, command, redirection) of heredocs whose bodies begin after this line.
    pub(super) heredocs: Vec<(String, bool, usize, usize)>,
    piece: Option<Piece>,
    /// Words that a loop goes over or `case` looks at, and the commands in them: for the next command.
    pub(super) over: Vec<crate::shell::Word>,
    over_inner: Vec<Command>,
    /// Where the token begins that is acted upon.
    pub(super) token_at: usize,
    /// Where the last `case` begins.
    pub(super) case_at: usize,
    /// The patterns that stand before the `)` of an arm.
    pub(super) patterns: Vec<String>,
}

impl<'a> Parser<'a> {
    fn new(cursor: Cursor<'a>, depth: usize) -> Self {
        Self {
            cursor,
            depth,
            script: Script::default(),
            stack: Vec::new(),
            current: None,
            connector: Connector::Start,
            mode: Mode::Command,
            n_branches: 0,
            heredocs: Vec::new(),
            piece: None,
            over: Vec::new(),
            over_inner: Vec::new(),
            token_at: 0,
            case_at: 0,
            patterns: Vec::new(),
        }
    }

    fn token(&mut self, token: Token, span: Span) {
        self.token_at = span.start;
        if token != Token::Newline {
            self.extend_piece(&token, span);
        }
        match (self.mode, token) {
            (Mode::Target, Token::Word(lexed)) => self.target(lexed),
            (Mode::Test, token) => self.test(token, span),
            (Mode::For, Token::Word(lexed)) if is_plain(&lexed, "do") => self.enter_loop(),
            (Mode::CaseWord, Token::Word(lexed)) if is_plain(&lexed, "in") => {
                self.enter_case();
            }
            (Mode::For | Mode::CaseWord, Token::Word(lexed)) => self.looked_at(lexed),
            (Mode::For | Mode::CaseWord, _) => {}
            (Mode::Pattern, Token::Word(lexed)) if is_plain(&lexed, "esac") => self.leave_case(),
            (Mode::Pattern, Token::Operator(")")) => self.enter_arm(),
            (Mode::Pattern, Token::Word(lexed)) => self.patterns.push(lexed.word.text),
            (Mode::Pattern, _) => {}
            (Mode::FunctionName, token) => {
                let name = match token {
                    Token::Word(lexed) => lexed.word.text,
                    _ => String::new(),
                };
                self.define(&name, span);
                self.mode = Mode::Command;
            }
            (_, Token::Newline) => self.newline(),
            (_, Token::Redirect(operator)) => self.redirect(operator, span),
            (_, Token::Operator(operator)) => self.operator(operator),
            (Mode::Command, Token::Word(lexed)) => self.word(lexed),
        }
    }

    // Pieces of the outermost list.

    fn extend_piece(&mut self, token: &Token, span: Span) {
        let at_top = self.stack.is_empty();
        let ends = at_top && matches!(token, Token::Operator("&&" | "||" | ";" | "&"));
        match &mut self.piece {
            Some(piece) if !ends => piece.span.end = span.end,
            None if !ends => {
                let first = self.script.commands.len();
                self.piece = Some(Piece {
                    connector: self.connector,
                    span,
                    commands: (first, first),
                });
            }
            _ => {}
        }
    }

    fn end_piece(&mut self) {
        if let Some(mut piece) = self.piece.take() {
            piece.commands.1 = self.script.commands.len();
            self.script.pieces.push(piece);
        }
    }

    // Commands.

    pub(super) fn command(&mut self, span: Span) -> &mut Command {
        let (connector, stack) = (self.connector, &self.stack);
        let (over, inner) = (&mut self.over, &mut self.over_inner);
        let command = self.current.get_or_insert_with(|| Command {
            span,
            connector,
            over: std::mem::take(over),
            substitutions: std::mem::take(inner),
            nesting: stack.iter().map(|f| f.nesting).collect(),
            conditional: connector == Connector::Or || stack.last().is_some_and(|f| f.conditional),
            branch: stack.last().and_then(|f| f.branch),
            ..Command::default()
        });
        command.span.end = command.span.end.max(span.end);
        command
    }

    fn word(&mut self, lexed: Lexed) {
        let is_first = self.current.is_none();
        if is_first && !lexed.word.quoted && self.reserved(&lexed.word.text) {
            return;
        }
        let inner = self.substituted(&lexed);
        let command = self.command(lexed.word.span);
        command.substitutions.extend(inner);
        match lexed.assignment {
            Some(n) if command.words.is_empty() => {
                let (name, value) = lexed.word.text.split_at(n.min(lexed.word.text.len()));
                let name = name.trim_end_matches(['=', '+']).to_owned();
                command.assignments.push(Assignment {
                    name,
                    value: value.to_owned(),
                    span: lexed.word.span,
                });
            }
            _ => {
                let is_test = command.words.is_empty() && lexed.word.text == "[[";
                command.words.push(lexed.word);
                if is_test {
                    self.mode = Mode::Test;
                }
            }
        }
    }

    fn looked_at(&mut self, lexed: Lexed) {
        let inner = self.substituted(&lexed);
        self.over_inner.extend(inner);
        self.over.push(lexed.word);
    }

    pub(super) fn substituted(&mut self, lexed: &Lexed) -> Vec<Command> {
        if self.depth >= MAX_DEPTH {
            self.cursor.is_complete &= lexed.inner.is_empty();
            return Vec::new();
        }
        let mut commands = Vec::new();
        for span in &lexed.inner {
            let script = parse_at(
                self.cursor.text,
                span.start,
                span.end,
                self.cursor.dockerfile_escape,
                self.depth + 1,
            );
            self.cursor.is_complete &= script.is_complete;
            commands.extend(script.commands);
        }
        commands
    }

    fn test(&mut self, token: Token, span: Span) {
        let word = match token {
            Token::Word(lexed) => lexed.word,
            Token::Operator(o) => crate::shell::Word {
                text: o.to_owned(),
                span,
                ..Default::default()
            },
            Token::Redirect(o) => crate::shell::Word {
                text: o,
                span,
                ..Default::default()
            },
            Token::Newline => return,
        };
        if word.text == "]]" {
            self.mode = Mode::Command;
        }
        self.command(span).words.push(word);
    }

    fn operator(&mut self, operator: &'static str) {
        self.mode = Mode::Command;
        match operator {
            "(" | "((" if self.current.as_ref().is_some_and(|c| c.words.len() == 1) => {
                // `name()`: the definition of a function.
                let word = self.current.take().and_then(|c| c.words.into_iter().next());
                let word = word.unwrap_or_default();
                self.define(&word.text, word.span);
            }
            // The same behind `function name`.
            "(" if self.is_header() && self.cursor.peek_word() == Some(b')') => {}
            "((" => {
                self.push(Nesting::Subshell, None);
                self.push(Nesting::Subshell, None);
            }
            "(" => self.push(Nesting::Subshell, None),
            ")" if self.is_header() => {}
            ")" => self.pop(&[Nesting::Subshell]),
            ";;" | ";&" | ";;&" => self.leave_arm(operator),
            "|" | "|&" => self.join(Connector::Pipe),
            "&&" => self.join(Connector::And),
            "||" => self.join(Connector::Or),
            "&" => self.join(Connector::Background),
            _ => self.join(Connector::Then),
        }
    }

    /// Whether the body of a function has still to begin.
    fn is_header(&self) -> bool {
        let top = self.stack.last();
        top.is_some_and(|f| f.nesting == Nesting::Function)
    }

    fn join(&mut self, connector: Connector) {
        self.end_command();
        self.connector = connector;
        if self.stack.is_empty() && connector != Connector::Pipe {
            self.end_piece();
        }
    }

    /// Ends a command, unless an operator before it asks for another.
    fn newline(&mut self) {
        self.mode = Mode::Command;
        let is_open = self.current.is_some();
        self.end_command();
        self.read_heredocs();
        let follows =
            self.stack.is_empty() && self.piece.is_some() && self.connector == Connector::Then;
        if is_open || follows {
            self.join(Connector::Then);
        }
    }

    pub(super) fn end_command(&mut self) {
        if let Some(command) = self.current.take() {
            self.script.commands.push(command);
            self.connector = Connector::Then;
        }
    }

    fn finish(mut self) -> Script {
        self.end_command();
        self.cursor.is_complete &= self.stack.is_empty() && self.heredocs.is_empty();
        self.end_piece();
        self.script.is_complete = self.cursor.is_complete;
        self.script
    }
}

fn is_plain(lexed: &Lexed, text: &str) -> bool {
    !lexed.word.quoted && lexed.word.text == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The commands as `connector(nesting)words`, for instance `&&{npm ci`.
    fn shown(script: &Script) -> String {
        let one = |c: &Command| {
            let joined = match c.connector {
                Connector::Start => "",
                Connector::And => "&&",
                Connector::Or => "||",
                Connector::Then => ";",
                Connector::Pipe => "|",
                Connector::Background => "&",
            };
            let nested: String = c
                .nesting
                .iter()
                .map(|n| match n {
                    Nesting::Subshell => "(",
                    Nesting::Group => "{",
                    Nesting::Condition => "if:",
                    Nesting::Branch => "then:",
                    Nesting::LoopCondition => "while:",
                    Nesting::Loop => "do:",
                    Nesting::Case => "case:",
                    Nesting::Function => "fn:",
                })
                .collect();
            let set: String = c
                .assignments
                .iter()
                .map(|a| format!("{}={} ", a.name, a.value))
                .collect();
            let words: Vec<&str> = c.words.iter().map(|w| w.text.as_str()).collect();
            let to: String = c
                .redirections
                .iter()
                .map(|r| format!(" {}{}", r.operator, r.target))
                .collect();
            format!("{joined}{nested}{set}{}{to}", words.join("_"))
        };
        script
            .commands
            .iter()
            .map(one)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn check(text: &str, expected: &str) {
        let script = parse(text);
        assert_eq!(shown(&script), expected, "{text}");
        assert!(script.is_complete, "{text}");
    }

    #[test]
    fn chains() {
        check("npm ci", "npm_ci");
        check("a && b || c; d & e | f", "a &&b ||c ;d &e |f");
        check("a\n\n b # c && d\ne", "a ;b ;e");
        check("a &&\n  b \\\n  c", "a &&b_c");
        check("set -ex; \\\n a; \\\n b", "set_-ex ;a ;b");
        check("", "");
        check("# only a comment", "");
    }

    #[test]
    fn words_and_quotes() {
        check(r#"echo "a b" 'c "d' e\ f"#, r#"echo_a b_c "d_e f"#);
        check(r#"echo "\"$X\" \n" a"b"c"#, r#"echo_"$X" \n_abc"#);
        check(
            "echo a#b ${X:-'}'} $((1+(2))) $(nproc)",
            "echo_a#b_${X:-'}'}_$((1+(2)))_$(nproc)",
        );
        check("A=1 B='x y' make C=2", "A=1 B=x y make_C=2");
        check(
            "A=$(case $(arch) in x86) echo a;; (y) b;; esac); c",
            "A=$(case $(arch) in x86) echo a;; (y) b;; esac)  ;c",
        );
        check("A=(x y) B+=z", "A=(x y) B=z ");
        check("echo $'a b' \u{e9}", "echo_a b_\u{e9}");
    }

    #[test]
    fn redirections() {
        check("a >f 2>&1 </dev/null b", "a_b >f 2>&1 </dev/null");
        check("a >> 'f g' && b", "a >>f g &&b");
        check(
            "cat <<EOF >x && b\nhello && c\nEOF\nd",
            "cat <<EOF >x &&b ;d",
        );
        check("cat <<-'E'\n\tx\n\tE\nd", "cat <<-E ;d");
        assert_eq!(
            parse("cat <<EOF\na\nb\nEOF\n").commands[0].redirections[0]
                .body
                .as_deref(),
            Some("a\nb\n")
        );
        check("diff <(a b) c", "diff_<(a b)_c");
    }

    #[test]
    fn compounds() {
        check(
            "if [ -f a ]; then b; else c; fi && d",
            "if:[_-f_a_] then:b then:c &&d",
        );
        check(
            "if a; then b; elif c; then d; fi",
            "if:a then:b if:c then:d",
        );
        check("for i in 1 2; do a $i; done; b", "do:a_$i ;b");
        check("while a; do b; done | c", "while:a do:b |c");
        check("case $x in a|b) c;; (d) e ;; esac; f", "case:c case:e ;f");
        check("(a && b); { c; d; } || e", "(a &&(b {c ;{d ||e");
        check("f() { a; }; function g { b; }; f", "fn:{a fn:{b ;f");
        check(
            "function f() { a; }; function g () ( b ); f",
            "fn:{a fn:(b ;f",
        );
        check("[[ -f a && $b == c ]] && d", "[[_-f_a_&&_$b_==_c_]] &&d");
        check("! a && echo if then", "a &&echo_if_then");
    }

    #[test]
    fn branches_are_told_apart() {
        let script = parse("if a; then b; elif c; then d; else e; fi; f");
        let branches: Vec<_> = script.commands.iter().map(|c| c.branch).collect();
        assert_eq!(
            branches,
            [
                Some((1, 0)),
                Some((1, 1)),
                Some((1, 2)),
                Some((1, 3)),
                Some((1, 4)),
                None
            ]
        );
        let conditional: Vec<_> = script.commands.iter().map(|c| c.conditional).collect();
        assert_eq!(conditional, [false, true, false, true, true, false]);
    }

    #[test]
    fn substitutions_are_read_with_their_places() {
        let text = "make -j$(nproc) V=`git describe --tags`";
        let command = &parse(text).commands[0];
        let inner: Vec<&str> = command
            .substitutions
            .iter()
            .map(|c| &text[c.span.range()])
            .collect();
        assert_eq!(inner, ["nproc", "git describe --tags"]);
    }

    #[test]
    fn pieces_cut_the_outermost_list() {
        let text = "set -e; a | b && (c && d) \\\n && if e; then f; fi; g";
        let script = parse(text);
        let pieces: Vec<&str> = script
            .pieces
            .iter()
            .map(|p| &text[p.span.range()])
            .collect();
        assert_eq!(
            pieces,
            ["set -e", "a | b", "(c && d)", "if e; then f; fi", "g"]
        );
        assert_eq!(script.commands_of(&script.pieces[3]).len(), 2);
        assert!(script.and_chain().is_none());
        assert_eq!(
            parse("a && b && c").and_chain().map(<[Piece]>::len),
            Some(3)
        );
    }

    #[test]
    fn an_instruction_as_written_may_hold_lines_of_comment() {
        let text =
            "apt-get update \\\n  # tools\n\n && apt-get install \\  \n  curl \\\n  # end\n  git";
        let script = parse_instruction(text, '\\');
        assert_eq!(shown(&script), "apt-get_update &&apt-get_install_curl_git");
        assert_eq!(&text[script.commands[0].span.range()], "apt-get update");
        assert_eq!(shown(&parse_instruction("a `\n b", '`')), "a_b");
    }

    #[test]
    fn what_is_left_open_is_said() {
        for text in [
            "echo 'a",
            "echo \"a",
            "echo $(a",
            "echo `a",
            "(a",
            "if a; then b",
            "cat <<E\nx",
            "echo ${a",
        ] {
            assert!(!parse(text).is_complete, "{text}");
        }
        let deep = "$(".repeat(10_000);
        assert!(!parse(&deep).is_complete);
        let deep = "( ".repeat(10_000);
        assert!(!parse(&deep).is_complete);
    }

    proptest! {
        #[test]
        fn any_text_is_read_in_order_and_within_bounds(text in r#"([a-z ]|[-&|;(){}<>\n"'`$\\#=!]|if |then |fi|do |case x in |esac|<<E|\u{e9}){0,60}"#) {
            for script in [parse(&text), parse_instruction(&text, '\\')] {
                let mut last = 0;
                for piece in &script.pieces {
                    prop_assert!(piece.span.start >= last && piece.span.end <= text.len() && piece.span.start <= piece.span.end);
                    prop_assert!(piece.commands.0 <= piece.commands.1 && piece.commands.1 <= script.commands.len());
                    last = piece.span.end;
                }
                for command in &script.commands {
                    prop_assert!(command.span.end <= text.len() && command.span.start <= command.span.end);
                    prop_assert!(text.get(command.span.range()).is_some());
                }
                script.seen();
            }
        }
    }
}
