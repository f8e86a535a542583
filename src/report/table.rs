//! One table, several dialects: plain text with a bounded width, and Markdown.
//!
//! Never: knows what its columns mean.

use super::format::clip;

/// Which side a column's text keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Its side.
    pub align: Align,
    /// The least width it may be cut to where the table is too wide; `None`: never cut.
    pub least: Option<usize>,
    /// Whether its text is code. A row whose first cell is empty is a heading of its own and never code.
    pub is_code: bool,
}

impl Column {
    /// A column of text that may be cut to `least` characters.
    pub fn text(title: &'static str, least: usize) -> Self {
        Self {
            title,
            align: Align::Left,
            least: Some(least),
            is_code: false,
        }
    }

    /// A column of code that may be cut to `least` characters.
    pub fn code(title: &'static str, least: usize) -> Self {
        Self {
            is_code: true,
            ..Self::text(title, least)
        }
    }

    /// A column of numbers, never cut.
    pub fn number(title: &'static str) -> Self {
        Self {
            title,
            align: Align::Right,
            least: None,
            is_code: false,
        }
    }
}

/// Rows of cells.
#[derive(Clone, Debug)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; each has one cell per column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Heading and rows as lines of at most `width` characters, as far as columns may be cut. The first line is the
    /// heading.
    pub fn plain(&self, width: usize) -> Vec<String> {
        let widths = self.widths(width);
        let heading: Vec<String> = self.columns.iter().map(|c| c.title.to_owned()).collect();
        std::iter::once(&heading)
            .chain(&self.rows)
            .map(|row| self.line(row, &widths))
            .collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let cell = |(i, text): (usize, &String)| {
            let text = clip(text, widths[i]);
            match self.columns[i].align {
                Align::Left => format!("{text:<width$}", width = widths[i]),
                Align::Right => format!("{text:>width$}", width = widths[i]),
            }
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned()
    }

    /// Natural widths, the widest of those that may be cut cut first.
    fn widths(&self, width: usize) -> Vec<usize> {
        let natural = |(i, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| row[i].chars().count());
            cells
                .chain([column.title.chars().count()])
                .max()
                .unwrap_or_default()
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(natural).collect();
        let available = width.saturating_sub(2 * self.columns.len());
        while widths.iter().sum::<usize>() > available {
            let can_shrink =
                |&i: &usize| self.columns[i].least.is_some_and(|least| widths[i] > least);
            let Some(widest) = (0..widths.len())
                .filter(can_shrink)
                .max_by_key(|&i| widths[i])
            else {
                break;
            };
            widths[widest] -= 1;
        }
        widths
    }

    /// As a table of GitHub's Markdown.
    pub fn markdown(&self) -> Vec<String> {
        let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let rule = |c: &Column| {
            if c.align == Align::Right {
                "---:"
            } else {
                "---"
            }
            .to_owned()
        };
        let mut lines = vec![
            row(self.columns.iter().map(|c| c.title.to_owned()).collect()),
            row(self.columns.iter().map(rule).collect()),
        ];
        let cells = |cells: &Vec<String>| {
            let is_heading = cells.first().is_some_and(String::is_empty);
            let cell = |(i, text): (usize, &String)| match self.columns[i].is_code && !is_heading {
                true => code_span(text).replace('|', r"\|"),
                false => escape_cell(text),
            };
            row(cells.iter().enumerate().map(cell).collect())
        };
        lines.extend(self.rows.iter().map(cells));
        lines
    }
}

/// Text that stands for itself in a cell of a Markdown table, and starts no mention, link or HTML.
pub fn escape_cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A zero-width joiner keeps the host from making it a mention.
            '@' => out.push_str("@\u{200d}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text as a Markdown code span, whatever back-ticks it has; for cells, too.
pub fn code_span(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if clean.trim().is_empty() {
        return String::new();
    }
    let longest = clean
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if clean.starts_with('`') || clean.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{clean}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            columns: vec![
                Column::number("line"),
                Column::code("instruction", 8),
                Column::number("ran"),
            ],
            rows: vec![
                vec![
                    "5".to_owned(),
                    "COPY package.json ./".to_owned(),
                    "12%".to_owned(),
                ],
                vec!["12".to_owned(), "RUN a|b".to_owned(), "98%".to_owned()],
            ],
        }
    }

    #[test]
    fn plain_tables_keep_to_the_width() {
        assert_eq!(
            table().plain(80),
            [
                "  line  instruction           ran",
                "     5  COPY package.json ./  12%",
                "    12  RUN a|b               98%"
            ]
        );
        assert!(
            table()
                .plain(24)
                .iter()
                .all(|line| line.chars().count() <= 24),
            "{:?}",
            table().plain(24)
        );
        assert_eq!(table().plain(24)[1], "     5  COPY packa…  12%");
    }

    #[test]
    fn markdown_escapes_what_would_end_a_cell() {
        assert_eq!(table().markdown()[1], "| ---: | --- | ---: |");
        assert_eq!(table().markdown()[3], "| 12 | `RUN a\\|b` | 98% |");
        assert_eq!(escape_cell("<b>@team\n"), "&lt;b&gt;@\u{200d}team ");
    }

    #[test]
    fn code_spans_hold_any_text() {
        assert_eq!(code_span("a b"), "`a b`");
        assert_eq!(code_span("a`b"), "``a`b``");
        assert_eq!(code_span("`a"), "`` `a ``");
        assert_eq!(code_span(" "), "");
    }
}
