//! Reports for a terminal: at most about forty lines, readable without a manual.
//!
//! Never: asks the terminal; it is told width and colour.

use super::table::Table;
use super::view::{Remark, Report};
use anstyle::{AnsiColor, Style};
use std::io;

/// How a report may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether escape codes for colour are welcome.
    pub colour: bool,
}

/// So many findings are listed.
const MAX_FINDINGS: usize = 4;
/// So many caveats are listed.
const MAX_CAVEATS: usize = 3;

const TITLE: Style = Style::new().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const VALUE: Style = AnsiColor::Cyan.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default();

/// Writes a report.
pub fn write(report: &Report, look: Look, sink: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { look, sink };
    page.styled(TITLE, &report.title)?;
    for sentence in &report.replayed {
        page.paragraph("", sentence)?;
    }
    if !report.figures.is_empty() {
        page.blank()?;
        for figure in &report.figures {
            page.figure(figure.name, &figure.value, &figure.note)?;
        }
    }
    if !report.steps.rows.is_empty() {
        page.heading("The Dockerfile's steps as they are now, over all these builds")?;
        page.table(&report.steps)?;
        if let Some(note) = &report.steps_note {
            page.faint(&format!("  and {note}"))?;
        }
    }
    if !report.causes.rows.is_empty() {
        page.heading("What made steps run again")?;
        page.table(&report.causes)?;
    }
    if !report.findings.is_empty() {
        page.heading("What could be better")?;
        for finding in report.findings.iter().take(MAX_FINDINGS) {
            page.remark(finding)?;
        }
        page.rest(report.findings.len(), MAX_FINDINGS, "finding", "findings")?;
    }
    if !report.caveats.is_empty() {
        page.heading("Note")?;
        for caveat in report.caveats.iter().take(MAX_CAVEATS) {
            page.paragraph("  ", caveat)?;
        }
        page.rest(report.caveats.len(), MAX_CAVEATS, "note", "notes")?;
    }
    Ok(())
}

/// Lines going to a sink.
pub(super) struct Page<'a> {
    pub(super) look: Look,
    pub(super) sink: &'a mut dyn io::Write,
}

impl Page<'_> {
    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.sink)
    }

    pub(super) fn styled(&mut self, style: Style, text: &str) -> io::Result<()> {
        let text = self.paint(style, text);
        writeln!(self.sink, "{text}")
    }

    pub(super) fn title(&mut self, text: &str) -> io::Result<()> {
        self.styled(TITLE, text)
    }

    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        self.blank()?;
        self.styled(HEADING, text)
    }

    pub(super) fn faint(&mut self, text: &str) -> io::Result<()> {
        self.styled(FAINT, text)
    }

    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.look.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Text wrapped to the width, each line after `indent`.
    pub(super) fn paragraph(&mut self, indent: &str, text: &str) -> io::Result<()> {
        for line in wrap(text, self.look.width.saturating_sub(indent.chars().count())) {
            writeln!(self.sink, "{indent}{line}")?;
        }
        Ok(())
    }

    /// `  rebuild        2 min 10 s   a build on average …`, the note wrapped below itself.
    pub(super) fn figure(&mut self, name: &str, value: &str, note: &str) -> io::Result<()> {
        const NOTE_AT: usize = 32;
        let head = format!("  {name:<15}{}", self.paint(VALUE, value));
        let used = 17 + value.chars().count();
        let gap = " ".repeat(NOTE_AT.saturating_sub(used).max(2));
        for (i, line) in wrap(note, self.look.width.saturating_sub(NOTE_AT))
            .into_iter()
            .enumerate()
        {
            match i {
                0 => writeln!(self.sink, "{head}{gap}{line}")?,
                _ => writeln!(self.sink, "{}{line}", " ".repeat(NOTE_AT))?,
            }
        }
        Ok(())
    }

    pub(super) fn table(&mut self, table: &Table) -> io::Result<()> {
        for (i, line) in table.plain(self.look.width).iter().enumerate() {
            if i == 0 {
                self.faint(line)?
            } else {
                writeln!(self.sink, "{line}")?
            }
        }
        Ok(())
    }

    pub(super) fn remark(&mut self, remark: &Remark) -> io::Result<()> {
        let place = if remark.place.is_empty() {
            String::new()
        } else {
            format!("{}: ", remark.place)
        };
        let room = self.look.width.saturating_sub(4);
        for (i, line) in wrap(&format!("{place}{}", remark.text), room)
            .iter()
            .enumerate()
        {
            let line = if i == 0 && line.starts_with(&place) {
                format!("{}{}", self.paint(WARN, &place), &line[place.len()..])
            } else {
                line.clone()
            };
            writeln!(self.sink, "{}{line}", if i == 0 { "  - " } else { "    " })?;
        }
        if remark.detail.is_empty() {
            Ok(())
        } else {
            self.paragraph("    ", &remark.detail)
        }
    }

    fn rest(&mut self, all: usize, shown: usize, one: &str, many: &str) -> io::Result<()> {
        match all.saturating_sub(shown) {
            0 => Ok(()),
            n => self.faint(&format!(
                "  and {}; --format json has all",
                super::format::count(n as u64, one, many)
            )),
        }
    }
}

/// Breaks a text at blanks into lines of at most `width` characters; longer words stay whole. At least one line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut lines = vec![String::new()];
    for word in clean.split(' ').filter(|w| !w.is_empty()) {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_words_and_width() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("averylongword x", 4), ["averylongword", "x"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(
            wrap("a\u{1b}[31mb", 10),
            ["a [31mb"],
            "no escape code gets through"
        );
    }

    #[test]
    fn colour_is_asked_for() {
        for (colour, want) in [(true, true), (false, false)] {
            let mut out = Vec::new();
            let mut page = Page {
                look: Look { width: 80, colour },
                sink: &mut out,
            };
            page.figure("rebuild", "2 min", "note").unwrap();
            assert_eq!(out.contains(&0x1b), want);
        }
    }
}
