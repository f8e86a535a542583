//! Reports as GitHub-flavoured Markdown.
//!
//! Never: lets text from a repository start a mention, a link or HTML.

use super::table::{Table, escape_cell};
use super::view::Report;
use std::io;

/// Writes a report.
pub fn write(report: &Report, sink: &mut dyn io::Write) -> io::Result<()> {
    writeln!(sink, "# {}\n", escape_cell(&report.title))?;
    for sentence in &report.replayed {
        writeln!(sink, "{}\n", escape_cell(sentence))?;
    }
    if !report.figures.is_empty() {
        writeln!(sink, "| | | |\n| --- | ---: | --- |")?;
        for figure in &report.figures {
            writeln!(
                sink,
                "| {} | **{}** | {} |",
                figure.name,
                figure.value,
                escape_cell(&figure.note)
            )?;
        }
        writeln!(sink)?;
    }
    if !report.steps.rows.is_empty() {
        heading(
            sink,
            "The Dockerfile's steps as they are now, over all these builds",
        )?;
        table(&report.steps, sink)?;
        if let Some(note) = &report.steps_note {
            writeln!(sink, "and {}\n", escape_cell(note))?;
        }
    }
    if !report.causes.rows.is_empty() {
        heading(sink, "What made steps run again")?;
        table(&report.causes, sink)?;
    }
    if !report.findings.is_empty() {
        heading(sink, "What could be better")?;
        for finding in &report.findings {
            let place = if finding.place.is_empty() {
                String::new()
            } else {
                format!("**{}:** ", finding.place)
            };
            writeln!(sink, "- {place}{}", escape_cell(&finding.text))?;
            if !finding.detail.is_empty() {
                writeln!(sink, "  {}", escape_cell(&finding.detail))?;
            }
        }
        writeln!(sink)?;
    }
    notes(&report.caveats, sink)
}

/// The caveats, folded.
pub(super) fn notes(caveats: &[String], sink: &mut dyn io::Write) -> io::Result<()> {
    if caveats.is_empty() {
        return Ok(());
    }
    writeln!(
        sink,
        "<details><summary>How these numbers are made</summary>\n"
    )?;
    for caveat in caveats {
        writeln!(sink, "- {}", escape_cell(caveat))?;
    }
    writeln!(sink, "\n</details>")
}

/// A heading of the second level.
pub(super) fn heading(sink: &mut dyn io::Write, text: &str) -> io::Result<()> {
    writeln!(sink, "## {}\n", escape_cell(text))
}

/// A table and an empty line.
pub(super) fn table(table: &Table, sink: &mut dyn io::Write) -> io::Result<()> {
    for line in table.markdown() {
        writeln!(sink, "{line}")?;
    }
    writeln!(sink)
}
