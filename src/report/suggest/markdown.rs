//! Proposals as Markdown.

use super::patch::patch;
use super::words::{
    adds, change, details, idle_heading, idles, nothing, safety, small_groups, summary,
};
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
    let is_elsewhere = suggestions.elsewhere.is_some();
    if suggestions.order.is_empty() {
        writeln!(sink, "**{}**", nothing(suggestions))?;
        if let Some(first) = suggestions.caveats.first().filter(|_| is_elsewhere) {
            writeln!(sink, "\n{}", escaped(&first.to_string()))?;
        }
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
            let proposal = &suggestion.proposal;
            let safety = safety(&proposal.candidate.safety).0;
            let name = format!("`{}`, {safety}", proposal.id);
            bullet(
                sink,
                &proposal.candidate.title,
                &name,
                &adds(suggestions, suggestion),
            )?;
        }
    }
    if !suggestions.unwanted.is_empty() {
        writeln!(sink, "\n### Ignored\n")?;
        for unwanted in &suggestions.unwanted {
            let name = format!("`{}`", unwanted.rule);
            bullet(sink, &unwanted.title, &name, &unwanted.reason)?;
        }
    }
    if all && !(suggestions.idle.is_empty() && suggestions.dropped.is_empty()) {
        writeln!(sink, "\n### {}\n", idle_heading(suggestions))?;
        for suggestion in &suggestions.idle {
            let proposal = &suggestion.proposal;
            let name = format!("`{}`", proposal.id);
            bullet(sink, &proposal.candidate.title, &name, &idles(suggestion))?;
        }
        for dropped in &suggestions.dropped {
            let name = format!("`{}`", dropped.rule);
            let said = format!("dropped by the check: {}", dropped.why);
            bullet(sink, &dropped.title, &name, &said)?;
        }
    }
    Ok(())
}

/// One line of a list: what it is, its name in brackets, what is said of it.
fn bullet(sink: &mut dyn io::Write, title: &str, name: &str, said: &str) -> io::Result<()> {
    writeln!(sink, "- {} ({name}): {}", escaped(title), escaped(said))
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
