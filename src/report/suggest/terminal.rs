//! Proposals for a terminal.

use super::patch::patch;
use super::words::{
    adds, details, idle_count, idle_heading, idles, nothing, per_build, safety, small_groups,
    summary,
};
use crate::report::terminal::Look;
use crate::suggest::Suggestions;
use std::io;

/// Writes for a terminal. `all`: what does not pay as well.
pub fn write_terminal(
    suggestions: &Suggestions,
    all: bool,
    look: Look,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    let bold = |text: &str| {
        if look.colour {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    };
    for line in summary(suggestions) {
        wrapped(sink, "", &line, look.width)?;
    }
    if suggestions.order.is_empty() {
        writeln!(sink)?;
        writeln!(sink, "{}", bold(nothing(suggestions)))?;
    }
    for (n, suggestion) in suggestions.order.iter().enumerate() {
        let candidate = &suggestion.proposal.candidate;
        writeln!(sink)?;
        let (word, _) = safety(&candidate.safety);
        writeln!(
            sink,
            "{}",
            bold(&format!(
                "{}. {} [{}, {word}]",
                n + 1,
                candidate.title,
                suggestion.proposal.id
            ))
        )?;
        for line in details(suggestion) {
            wrapped(sink, "   ", &line, look.width)?;
        }
    }
    if !suggestions.order.is_empty() {
        writeln!(sink)?;
        write_diff(
            sink,
            &patch(suggestions, &suggestions.now, &suggestions.then),
            look,
        )?;
    }
    if !suggestions.instead.is_empty() {
        writeln!(sink)?;
        writeln!(sink, "{}", bold("Alone, not on top of these"))?;
        for suggestion in &suggestions.instead {
            let saves = suggestion.alone.as_ref().map(per_build).unwrap_or_default();
            wrapped(
                sink,
                "   ",
                &format!(
                    "{} [{}]: alone it saves {saves}",
                    suggestion.proposal.candidate.title, suggestion.proposal.id
                ),
                look.width,
            )?;
        }
    }
    let more = if suggestions.order.is_empty() {
        "Small"
    } else {
        "Small, on top of these"
    };
    for (heading, group) in small_groups(suggestions, more) {
        if group.is_empty() {
            continue;
        }
        writeln!(sink)?;
        writeln!(sink, "{}", bold(heading))?;
        for suggestion in group {
            let candidate = &suggestion.proposal.candidate;
            let line = format!(
                "{} [{}, {}]: {}",
                candidate.title,
                suggestion.proposal.id,
                safety(&candidate.safety).0,
                adds(suggestions, suggestion)
            );
            wrapped(sink, "   ", &line, look.width)?;
        }
    }
    rest(suggestions, all, look, sink)?;
    if !suggestions.order.is_empty() {
        writeln!(sink)?;
        writeln!(
            sink,
            "stratigraph suggest --apply writes the recommended changes, --apply ID one of them."
        )?;
    }
    Ok(())
}

fn rest(
    suggestions: &Suggestions,
    all: bool,
    look: Look,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    for unwanted in &suggestions.unwanted {
        let line = format!(
            "Ignored: {} [{}]: {}",
            unwanted.title, unwanted.rule, unwanted.reason
        );
        wrapped(sink, "", &line, look.width)?;
    }
    let n = suggestions.idle.len();
    if n == 0 && (!all || suggestions.dropped.is_empty()) {
        return caveats(suggestions, look, sink);
    }
    writeln!(sink)?;
    if !all {
        writeln!(sink, "{}", idle_count(suggestions, n))?;
        return caveats(suggestions, look, sink);
    }
    writeln!(sink, "{}", idle_heading(suggestions))?;
    for suggestion in &suggestions.idle {
        wrapped(
            sink,
            "   ",
            &format!(
                "{} [{}]: {}",
                suggestion.proposal.candidate.title,
                suggestion.proposal.id,
                idles(suggestion)
            ),
            look.width,
        )?;
    }
    for dropped in &suggestions.dropped {
        wrapped(
            sink,
            "   ",
            &format!(
                "{} [{}]: dropped by the check: {}",
                dropped.title, dropped.rule, dropped.why
            ),
            look.width,
        )?;
    }
    caveats(suggestions, look, sink)
}

fn caveats(suggestions: &Suggestions, look: Look, sink: &mut dyn io::Write) -> io::Result<()> {
    if suggestions.caveats.is_empty() {
        return Ok(());
    }
    writeln!(sink)?;
    for caveat in suggestions.caveats.iter().take(4) {
        wrapped(sink, "", &format!("Note: {caveat}"), look.width)?;
    }
    Ok(())
}

fn write_diff(sink: &mut dyn io::Write, patch: &str, look: Look) -> io::Result<()> {
    for line in patch.lines() {
        let code = match line.as_bytes().first() {
            Some(b'+') => "\u{1b}[32m",
            Some(b'-') => "\u{1b}[31m",
            _ => "",
        };
        if look.colour && !code.is_empty() {
            writeln!(sink, "{code}{line}\u{1b}[0m")?;
        } else {
            writeln!(sink, "{line}")?;
        }
    }
    Ok(())
}

/// A paragraph broken at blanks; control characters become blanks.
fn wrapped(sink: &mut dyn io::Write, indent: &str, text: &str, width: usize) -> io::Result<()> {
    let mut line = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
    {
        if !line.is_empty()
            && indent.len() + line.chars().count() + 1 + word.chars().count() > width
        {
            writeln!(sink, "{indent}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() {
        Ok(())
    } else {
        writeln!(sink, "{indent}{line}")
    }
}
