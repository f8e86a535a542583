//! Tokens: words with their quotes removed, operators, line breaks.

use super::command::Word;
use crate::dockerfile::Span;

/// How deep `$(…)` may nest before the rest is taken as plain text.
pub(super) const MAX_DEPTH: usize = 24;

/// The text and where we are in it.
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// Ends before the text does inside `$(…)`.
    pub(super) end: usize,
    /// The Dockerfile's escape character, when the text is an instruction as written.
    pub(super) dockerfile_escape: Option<u8>,
    /// False once something was left open.
    pub(super) is_complete: bool,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Lexed),
    /// `&&`, `||`, `;`, `|`, `&`, `(`, `)`, `;;`, …
    Operator(&'static str),
    /// `<`, `>>`, … with the descriptor before it.
    Redirect(String),
    Newline,
}

/// A word and the inner texts of its command substitutions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lexed {
    pub(super) word: Word,
    pub(super) inner: Vec<Span>,
    /// Length of `NAME=` or `NAME+=` at the start, when unquoted.
    pub(super) assignment: Option<usize>,
}

/// Longest first.
const OPERATORS: [&str; 12] = [
    ";;&", "&&", "||", ";;", ";&", "|&", "((", "&", "|", ";", "(", ")",
];
const REDIRECTS: [&str; 12] = [
    "<<-", "<<<", "&>>", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "<", ">",
];

impl Cursor<'_> {
    /// The byte at the cursor after line continuations; `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_continuations();
        self.byte(0)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        let at = self.at + ahead;
        if at < self.end {
            self.text.get(at).copied()
        } else {
            None
        }
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.text[self.at..self.end].starts_with(prefix.as_bytes())
    }

    /// A Dockerfile joins lines before the shell sees them: escape, blanks, line break, then whole lines of comment.
    fn skip_continuations(&mut self) {
        let Some(escape) = self.dockerfile_escape else {
            return;
        };
        while self.byte(0) == Some(escape) {
            let Some(after) = line_break(&self.text[..self.end], self.at + 1) else {
                return;
            };
            self.at = after;
            while let Some(next) = comment_or_empty_line(&self.text[..self.end], self.at) {
                self.at = next;
            }
        }
    }

    /// Blanks, escaped line breaks and comments.
    fn skip_blanks(&mut self) {
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.byte(1) == Some(b'\n') => self.at += 2,
                b'\\' if self.byte(1) == Some(b'\r') && self.byte(2) == Some(b'\n') => self.at += 3,
                b'#' => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// The byte that the next token begins with.
    pub(super) fn peek_word(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.peek()
    }

    /// The next token with its bytes.
    pub(super) fn next(&mut self) -> Option<(Token, Span)> {
        self.skip_blanks();
        let start = self.at;
        let first = self.peek()?;
        let token = if first == b'\n' {
            self.at += 1;
            Token::Newline
        } else if let Some(redirect) = self.redirect() {
            Token::Redirect(redirect)
        } else if let Some(operator) = OPERATORS.iter().find(|o| self.starts_with(o)) {
            self.at += operator.len();
            Token::Operator(operator)
        } else {
            let mut lexed = Lexed::default();
            self.word(&mut lexed);
            lexed.word.span = Span::new(start, self.at);
            Token::Word(lexed)
        };
        Some((token, Span::new(start, self.at)))
    }

    /// `2>`, `<<-`, `&>`; not `<(…)`, which is a word.
    fn redirect(&mut self) -> Option<String> {
        let digits = self.text[self.at..self.end]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .take(4)
            .count();
        let rest = &self.text[self.at + digits..self.end];
        let operator = REDIRECTS.iter().find(|o| rest.starts_with(o.as_bytes()))?;
        let is_substitution = operator.len() == 1 && rest.get(1) == Some(&b'(');
        if is_substitution || (digits > 0 && operator.starts_with('&')) {
            return None;
        }
        let whole = String::from_utf8_lossy(&self.text[self.at..self.at + digits + operator.len()])
            .into_owned();
        self.at += whole.len();
        Some(whole)
    }

    fn word(&mut self, lexed: &mut Lexed) {
        let mut bytes = Vec::new();
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' | b'\n' | b'\r' | b'&' | b'|' | b';' | b')' => break,
                b'(' if bytes.last() == Some(&b'=') && lexed.assignment == Some(bytes.len()) => {
                    self.parenthesis(&mut bytes, 0)
                }
                b'(' => break,
                b'<' | b'>' if self.byte(1) == Some(b'(') && bytes.is_empty() => {
                    self.substitution(lexed, &mut bytes, 2)
                }
                b'<' | b'>' => break,
                b'=' if lexed.assignment.is_none() && is_name(&bytes) && !lexed.word.quoted => {
                    self.at += 1;
                    bytes.push(b);
                    lexed.assignment = Some(bytes.len());
                }
                b'\\' => {
                    self.at += 1;
                    lexed.word.quoted = true;
                    match self.byte(0) {
                        Some(b'\n') => self.at += 1,
                        Some(next) => {
                            bytes.push(next);
                            self.at += 1;
                        }
                        None => bytes.push(b'\\'),
                    }
                }
                b'\'' => self.single(lexed, &mut bytes),
                b'"' => self.double(lexed, &mut bytes),
                b'$' if self.byte(1) == Some(b'\'') => {
                    self.at += 1;
                    self.single(lexed, &mut bytes);
                }
                b'$' | b'`' => self.dollar(lexed, &mut bytes),
                _ => {
                    bytes.push(b);
                    self.at += 1;
                }
            }
        }
        lexed.word.text = String::from_utf8_lossy(&bytes).into_owned();
    }

    fn single(&mut self, lexed: &mut Lexed, bytes: &mut Vec<u8>) {
        lexed.word.quoted = true;
        self.at += 1;
        while let Some(b) = self.peek() {
            self.at += 1;
            if b == b'\'' {
                return;
            }
            bytes.push(b);
        }
        self.is_complete = false;
    }

    fn double(&mut self, lexed: &mut Lexed, bytes: &mut Vec<u8>) {
        lexed.word.quoted = true;
        self.at += 1;
        while let Some(b) = self.peek() {
            match b {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => match self.byte(1) {
                    Some(b'\n') => self.at += 2,
                    Some(next @ (b'$' | b'`' | b'"' | b'\\')) => {
                        bytes.push(next);
                        self.at += 2;
                    }
                    _ => {
                        bytes.push(b);
                        self.at += 1;
                    }
                },
                b'$' | b'`' => self.dollar(lexed, bytes),
                _ => {
                    bytes.push(b);
                    self.at += 1;
                }
            }
        }
        self.is_complete = false;
    }

    /// `$NAME`, `${…}`, `$(…)`, `$((…))` and back-quotes: kept as written.
    fn dollar(&mut self, lexed: &mut Lexed, bytes: &mut Vec<u8>) {
        let start = self.at;
        if self.byte(0) == Some(b'`') {
            lexed.word.expands = true;
            self.at += 1;
            let inner = self.at;
            while let Some(b) = self.byte(0).filter(|&b| b != b'`') {
                self.at += if b == b'\\' { 2 } else { 1 };
            }
            self.at = self.at.min(self.end);
            lexed.inner.push(Span::new(inner, self.at));
            self.is_complete &= self.at < self.end;
            self.at = (self.at + 1).min(self.end);
            bytes.extend_from_slice(&self.text[start..self.at]);
            return;
        }
        match self.byte(1) {
            Some(b'(') if self.byte(2) == Some(b'(') => {
                lexed.word.expands = true;
                self.at += 1;
                self.parenthesis(bytes, 1);
            }
            Some(b'(') => self.substitution(lexed, bytes, 2),
            Some(b'{') => {
                lexed.word.expands = true;
                self.at = self.closing(self.at + 2, b'{', b'}');
                bytes.extend_from_slice(&self.text[start..self.at]);
            }
            next => {
                lexed.word.expands |=
                    next.is_some_and(|b| b.is_ascii_alphanumeric() || b"_@*#?-$!".contains(&b));
                bytes.push(b'$');
                self.at += 1;
            }
        }
    }

    /// `( … )` taken whole as part of a word, with `before` bytes in front of it.
    fn parenthesis(&mut self, bytes: &mut Vec<u8>, before: usize) {
        let start = self.at - before;
        self.at = self.closing(self.at + 1, b'(', b')');
        bytes.extend_from_slice(&self.text[start..self.at]);
    }

    /// `$(…)` or `<(…)`: kept as written, its inside noted.
    fn substitution(&mut self, lexed: &mut Lexed, bytes: &mut Vec<u8>, opening: usize) {
        let start = self.at;
        lexed.word.expands = true;
        self.at = self.closing(self.at + opening, b'(', b')');
        let is_closed = self.text[start..self.at].ends_with(b")");
        let inner_end = if is_closed { self.at - 1 } else { self.at };
        lexed
            .inner
            .push(Span::new(start + opening, inner_end.max(start + opening)));
        bytes.extend_from_slice(&self.text[start..self.at]);
    }

    /// One past the byte that closes what was opened before `from`; quotes are respected. The end if nothing does.
    fn closing(&mut self, from: usize, open: u8, close: u8) -> usize {
        let (mut at, mut depth, mut quote) = (from, 1usize, None);
        // How deep each open `case` stands: a `)` there ends a pattern.
        let mut cases: Vec<usize> = Vec::new();
        while at < self.end {
            let b = self.text[at];
            match (quote, b) {
                (None, b'c') if open == b'(' && self.is_word(at, b"case") => cases.push(depth),
                (None, b'e') if open == b'(' && self.is_word(at, b"esac") => {
                    cases.pop();
                }
                (None, b')') if cases.last() == Some(&depth) => {}
                (Some(b'\''), b'\'') | (Some(b'"'), b'"') => quote = None,
                (None | Some(b'"'), b'\\') => at += 1,
                (None, b'\'' | b'"') => quote = Some(b),
                (None, _) if b == open => depth += 1,
                (None, _) if b == close => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        self.is_complete = false;
        self.end
    }

    /// Whether `word` stands at `at` as a word of its own.
    fn is_word(&self, at: usize, word: &[u8]) -> bool {
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-_./$=".contains(b);
        let text = &self.text[..self.end];
        let before = at.checked_sub(1).and_then(|n| text.get(n));
        let after = text.get(at + word.len());
        text[at..].starts_with(word) && !before.is_some_and(is_part) && !after.is_some_and(is_part)
    }
}

fn is_name(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_suffix(b"+").unwrap_or(bytes);
    bytes
        .first()
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// One past the line break at `at`, blanks before it allowed.
fn line_break(text: &[u8], at: usize) -> Option<usize> {
    let blanks = text[at.min(text.len())..]
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
        .count();
    (text.get(at + blanks) == Some(&b'\n')).then_some(at + blanks + 1)
}

fn comment_or_empty_line(text: &[u8], at: usize) -> Option<usize> {
    let blanks = text[at..]
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r'))
        .count();
    let first = *text.get(at + blanks)?;
    if first != b'#' && first != b'\n' {
        return None;
    }
    let rest = text[at..]
        .iter()
        .position(|&b| b == b'\n')
        .map_or(text.len(), |n| at + n + 1);
    (rest > at).then_some(rest)
}
