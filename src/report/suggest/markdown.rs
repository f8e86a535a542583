//! Proposals as Markdown.

use super::patch::patch;
use super::words::{adds, change, details, idles, nothing, safety, small_groups, summary};
use crate::report::markup::block;
use crate::suggest::{Saving, Suggestions};
use std::io;

/// Writes as Markdown.
pub fn write_markdown(
    suggestions: &Suggestions,
    all: bool,
    sink: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(sink, "## Suggestions for `{}`\n", suggestions.dockerfile)?;
    for line in summary(suggestions) {
        writeln!(sink, "{}\n", escaped(&line))?;
    }
    if suggestions.order.is_empty() {
        writeln!(sink, "**{}**", nothing(suggestions))?;
    } else {
        writeln!(
            sink,
            "| | change | alone, per build | on top | safety |\n| --- | --- | --- | --- | --- |"
        )?;
        for (n, suggestion) in suggestions.order.iter().enumerate() {
            let figure = |s: &Option<Saving>| {
                s.as_ref()
                    .map_or_else(|| "–".to_owned(), |s| change(s.per_build.1))
            };
            let candidate = &suggestion.proposal.candidate;
            writeln!(
                sink,
                "| {} | {} (`{}`) | {} | {} | {} |",
                n + 1,
                escaped(&candidate.title),
                suggestion.proposal.id,
                figure(&suggestion.alone),
                figure(&suggestion.on_top),
                safety(&candidate.safety).0
            )?;
        }
        for suggestion in &suggestions.order {
            writeln!(
                sink,
                "\n### {}\n",
                escaped(&suggestion.proposal.candidate.title)
            )?;
            for line in details(suggestion) {
                writeln!(sink, "- {}", escaped(&line))?;
            }
        }
        let patch = patch(suggestions, &suggestions.now, &suggestions.then);
        writeln!(sink, "\n{}", block("diff", &patch))?;
    }
    for (heading, group) in small_groups(suggestions, "Small") {
        if group.is_empty() {
            continue;
        }
        writeln!(sink, "\n### {heading}\n")?;
        for suggestion in group {
            writeln!(
                sink,
                "- {} (`{}`, {}): {}",
                escaped(&suggestion.proposal.candidate.title),
                suggestion.proposal.id,
                safety(&suggestion.proposal.candidate.safety).0,
                escaped(&adds(suggestion))
            )?;
        }
    }
    if !suggestions.unwanted.is_empty() {
        writeln!(sink, "\n### Ignored\n")?;
        for unwanted in &suggestions.unwanted {
            writeln!(
                sink,
                "- {} (`{}`): {}",
                escaped(&unwanted.title),
                unwanted.rule,
                escaped(&unwanted.reason)
            )?;
        }
    }
    if all && !(suggestions.idle.is_empty() && suggestions.dropped.is_empty()) {
        writeln!(sink, "\n### Does not pay on this history\n")?;
        for suggestion in &suggestions.idle {
            writeln!(
                sink,
                "- {} (`{}`): {}",
                escaped(&suggestion.proposal.candidate.title),
                suggestion.proposal.id,
                escaped(&idles(suggestion))
            )?;
        }
        for dropped in &suggestions.dropped {
            writeln!(
                sink,
                "- {} (`{}`): dropped by the check: {}",
                escaped(&dropped.title),
                dropped.rule,
                escaped(&dropped.why)
            )?;
        }
    }
    Ok(())
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}
