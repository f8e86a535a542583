//! A comparison for people: for terminals, and as Markdown.

use super::tables::{commits, figures, steps};
use super::words::Compared;
use super::words::{NOTHING_DIFFERS, caveats, headline, nothing_differs, sentences};
use crate::report::markdown;
use crate::report::table::escape_cell;
use crate::report::terminal::{Look, Page};
use std::io;

/// Writes it for a terminal.
pub fn terminal(compared: &Compared<'_>, look: Look, sink: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { look, sink };
    page.title(&headline(compared))?;
    for sentence in sentences(compared) {
        page.paragraph("", &sentence)?;
    }
    if compared.comparison.pairs.is_empty() {
        return notes(&mut page, compared);
    }
    if nothing_differs(compared.comparison) {
        page.paragraph("", NOTHING_DIFFERS)?;
        return notes(&mut page, compared);
    }
    page.blank()?;
    page.table(&figures(compared.comparison))?;
    let steps = steps(compared.comparison);
    if !steps.rows.is_empty() {
        page.heading("The steps responsible")?;
        page.table(&steps)?;
    }
    let commits = commits(compared.comparison);
    if !commits.rows.is_empty() {
        page.heading("Where they differ most")?;
        page.table(&commits)?;
    }
    notes(&mut page, compared)
}

fn notes(page: &mut Page<'_>, compared: &Compared<'_>) -> io::Result<()> {
    page.heading("Note")?;
    for caveat in caveats(compared) {
        page.paragraph("  ", &caveat)?;
    }
    Ok(())
}

/// Writes it as Markdown.
pub fn markdown(compared: &Compared<'_>, sink: &mut dyn io::Write) -> io::Result<()> {
    writeln!(sink, "# {}\n", escape_cell(&headline(compared)))?;
    for sentence in sentences(compared) {
        writeln!(sink, "{}\n", escape_cell(&sentence))?;
    }
    let is_empty = compared.comparison.pairs.is_empty();
    if !is_empty && nothing_differs(compared.comparison) {
        writeln!(sink, "{NOTHING_DIFFERS}\n")?;
    } else if !is_empty {
        markdown::table(&figures(compared.comparison), sink)?;
        for (title, table) in [
            ("The steps responsible", steps(compared.comparison)),
            ("Where they differ most", commits(compared.comparison)),
        ] {
            if !table.rows.is_empty() {
                markdown::heading(sink, title)?;
                markdown::table(&table, sink)?;
            }
        }
    }
    markdown::notes(&caveats(compared), sink)
}
