//! Edits of a RUN that gives a package manager its mounts, in the RUN's own way of writing.

use super::super::candidate::TextEdit;
use super::super::view::View;
use super::found::{Run, own_mounts};
use crate::dockerfile::Span;
use crate::shell::{Connector, Piece};

/// Mounts are set in by this where the RUN has no line of its own to go by.
const INDENT: &str = "    ";

/// Puts mounts at `targets` behind RUN, each on a line of its own, and `commands` before the first command that does
/// something. A mount that is there is told that only one build at a time may use it.
pub(super) fn with_mounts(
    view: &View<'_>,
    run: &Run<'_>,
    targets: &[&str],
    commands: &[&str],
) -> Option<Vec<TextEdit>> {
    let own = own_mounts(run.instruction, targets);
    let is_missing = |t: &&&str| !own.iter().any(|m| m.at == **t);
    let missing: Vec<&&str> = targets.iter().filter(is_missing).collect();
    let mut edits: Vec<TextEdit> = before_first(run, commands).into_iter().collect();
    for mount in own.iter().filter(|m| !m.says_sharing) {
        let end = mount.flag.span.end;
        // A quote at its end would be left behind.
        let is_bare = view
            .text()
            .get(..end)?
            .ends_with(|c: char| c.is_alphanumeric() || c == '/');
        edits.push(is_bare.then(|| TextEdit::insert(end, ",sharing=locked"))?);
    }
    if missing.is_empty() {
        return Some(edits);
    }
    let at = run.instruction.span.start + "RUN".len();
    let rest = view.text().get(at..run.instruction.span.end)?;
    let escape = view.dockerfile.escape;
    let indent = indent(rest);
    let mount = |target: &&&str| format!("--mount=type=cache,target={target},sharing=locked");
    let mounts: Vec<String> = missing.iter().map(mount).collect();
    let mut flags = format!(" {}", mounts.join(&format!(" {escape}\n{indent}")));
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let is_continued = rest.trim_start_matches([' ', '\t']).starts_with(escape);
    let mut span = Span::new(at, at);
    if !is_continued {
        flags = format!("{flags} {escape}\n{indent}");
        span = Span::new(at, at + blanks);
    }
    edits.push(TextEdit::replace(span, flags));
    Some(edits)
}

/// What the RUN's second line is set in by; not further than is usual where that one only goes on with a command.
fn indent(rest: &str) -> String {
    let lines = rest.lines().skip(1).map(|l| (l, l.trim_start()));
    let mut code = lines.filter(|(_, code)| !code.is_empty() && !code.starts_with('#'));
    let Some((line, code)) = code.next() else {
        return INDENT.to_owned();
    };
    let joins = |text: &str| text.starts_with(['&', ';', '|']) || text.ends_with(['&', ';', '|']);
    let first = rest.lines().next().unwrap_or_default();
    let is_command = joins(code) || joins(first.trim_end_matches(['\\', '`', ' ', '\t']));
    let indent = &line[..line.len() - code.len()];
    match indent {
        "" => INDENT.to_owned(),
        tabs if !is_command && tabs.starts_with('\t') => "\t".to_owned(),
        long if !is_command && long.len() > INDENT.len() => INDENT.to_owned(),
        indent => indent.to_owned(),
    }
}

/// `commands` before the first piece that is more than an option of the shell, joined as that one is to its neighbour.
fn before_first(run: &Run<'_>, commands: &[&str]) -> Option<TextEdit> {
    if commands.is_empty() {
        return None;
    }
    let pieces = &run.text.script.pieces;
    let is_option = |p: &Piece| {
        let commands = run.text.script.commands_of(p);
        commands.iter().all(|c| c.name() == "set")
    };
    let first = pieces.iter().position(|p| !is_option(p)).unwrap_or(0);
    let between = |n: usize| {
        let (one, next) = (pieces.get(n.checked_sub(1)?)?, pieces.get(n)?);
        let text = run.text.text.get(one.span.end..next.span.start)?;
        let is_chain = matches!(next.connector, Connector::And | Connector::Then);
        let is_plain = |c: char| c.is_whitespace() || "&;\\`".contains(c);
        (is_chain && text.chars().all(is_plain)).then(|| text.to_owned())
    };
    let joint = between(first + 1).or_else(|| between(first));
    let joint = joint.unwrap_or_else(|| " && ".to_owned());
    let text: String = commands.iter().map(|c| format!("{c}{joint}")).collect();
    let at = run.text.start + pieces.get(first)?.span.start;
    Some(TextEdit::insert(at, text))
}
