//! Redirections of a command, and the bodies of its heredocs.

use super::command::Redirection;
use super::parse::Mode;
use super::parse::Parser;
use super::word::Lexed;
use crate::dockerfile::Span;

impl Parser<'_> {
    pub(super) fn redirect(&mut self, operator: String, span: Span) {
        let command = self.command(span);
        command.redirections.push(Redirection {
            operator,
            target: String::new(),
            body: None,
            span,
        });
        self.mode = Mode::Target;
    }

    pub(super) fn target(&mut self, lexed: Lexed) {
        self.mode = Mode::Command;
        let inner = self.substituted(&lexed);
        let index = self.script.commands.len();
        let command = self.command(lexed.word.span);
        command.substitutions.extend(inner);
        let n = command.redirections.len();
        let Some(redirection) = command.redirections.last_mut() else {
            return;
        };
        redirection.span.end = lexed.word.span.end;
        redirection.target = lexed.word.text;
        let kind = redirection
            .operator
            .trim_start_matches(|c: char| c.is_ascii_digit());
        if kind == "<<" || kind == "<<-" {
            let heredoc = (redirection.target.clone(), kind == "<<-", index, n - 1);
            self.heredocs.push(heredoc);
        }
    }

    /// The bodies of the heredocs of the line just ended.
    pub(super) fn read_heredocs(&mut self) {
        for (delimiter, chomp, command, redirection) in std::mem::take(&mut self.heredocs) {
            let start = self.cursor.at;
            let (body_end, next) = heredoc_end(
                &self.cursor.text[..self.cursor.end],
                start,
                delimiter.as_bytes(),
                chomp,
            );
            let body = String::from_utf8_lossy(&self.cursor.text[start..body_end]).into_owned();
            self.cursor.is_complete &= body_end < next;
            self.cursor.at = next;
            let found = self
                .script
                .commands
                .get_mut(command)
                .and_then(|c| c.redirections.get_mut(redirection));
            if let Some(redirection) = found {
                redirection.body = Some(body);
            }
        }
    }
}

/// End of the body that begins at `start`, and where the text goes on. Equal when the delimiter never comes.
fn heredoc_end(text: &[u8], start: usize, delimiter: &[u8], chomp: bool) -> (usize, usize) {
    let mut at = start.min(text.len());
    while at < text.len() {
        let end = text[at..]
            .iter()
            .position(|&b| b == b'\n')
            .map_or(text.len(), |n| at + n);
        let mut line = &text[at..end];
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if chomp {
            let tabs = line.iter().take_while(|&&b| b == b'\t').count();
            line = &line[tabs..];
        }
        if line == delimiter {
            return (at, (end + 1).min(text.len()).max(at + 1));
        }
        at = end + 1;
    }
    (text.len(), text.len())
}
