//! Text of others inside Markdown: shown as it is, without becoming markup, a mention, a reference or a link.
//!
//! Forges look for mentions and references after Markdown has been parsed, so escaping with a backslash does not stop
//! them; an invisible character does (U+200B). Code spans and blocks are left alone by all three.

/// The invisible character that keeps two others apart.
const APART: char = '\u{200B}';
/// What means something in the middle of a line of Markdown.
const PUNCTUATION: &str = "\\`*_[]|";
/// What opens mentions and references of GitHub, GitLab and Gitea.
const SIGILS: &str = "@#!~%$^";

/// Running text.
pub(super) fn prose(text: &str, most: usize) -> String {
    tamed(text, most, true)
}

/// Running text inside an HTML element, where Markdown is not read.
pub(super) fn html(text: &str, most: usize) -> String {
    tamed(text, most, false)
}

fn tamed(text: &str, most: usize, is_markdown: bool) -> String {
    let mut out = String::new();
    let mut last = ' ';
    for c in shortened(text, most).chars() {
        let word = c.is_alphanumeric() || matches!(c, '"' | '\'' | '_' | '{' | '[');
        let www = last == '.' && out.to_ascii_lowercase().ends_with("www.");
        if SIGILS.contains(last) && word || last == ':' && c == '/' || www {
            out.push(APART);
        }
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => {
                out.push_str("&amp;");
                out.push(APART);
            }
            // What would open a list, a heading, a rule or a quotation.
            '-' | '+' | '=' | '#' if is_markdown && out.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if is_markdown && out.bytes().all(|b| b.is_ascii_digit()) => {
                out.push('\\');
                out.push(c);
            }
            _ if is_markdown && PUNCTUATION.contains(c) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        last = c;
    }
    out
}

/// Code in the cell of a table, where `|` ends the cell even inside code.
pub(super) fn code_cell(text: &str, most: usize) -> String {
    code(text, most).replace('|', "\\|")
}

/// Code in a line: a span that nothing in `text` can end.
pub(super) fn code(text: &str, most: usize) -> String {
    let text = shortened(text, most);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let mut inner = String::new();
    let mut last = ' ';
    for c in text.chars() {
        // Code is not searched for markup; should a forge do so all the same, it finds none.
        let opens = last == '<' && (c.is_ascii_alphabetic() || c == '/' || c == '!');
        if opens || last == '@' && c.is_ascii_alphanumeric() || last == ':' && c == '/' {
            inner.push(APART);
        }
        inner.push(c);
        last = c;
    }
    // A span that begins or ends with a tick needs a blank there.
    let pad = if inner.starts_with('`') || inner.ends_with('`') || inner.is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{pad}{inner}{pad}{ticks}")
}

/// A block of code, exactly as given but for control characters, in a fence that nothing in it can close.
pub(super) fn block(language: &str, text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| !is_hidden(*c) || matches!(c, '\n' | '\t'))
        .collect();
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!(
        "{fence}{language}\n{}\n{fence}",
        text.trim_end_matches('\n')
    )
}

/// A path in an address.
pub(super) fn path(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].map(|h| char::from(b"0123456789ABCDEF"[usize::from(h)])),
            );
        }
    }
    out
}

/// On one line, without what cannot be seen, at most `most` characters.
fn shortened(text: &str, most: usize) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_hidden(*c))
        .collect();
    let line = visible
        .split(' ')
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let cut: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Control characters, and those that turn or hide text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_left() {
        let check = |text: &str, expected: &str| assert_eq!(code(text, 60), expected, "{text:?}");
        check("RUN npm ci", "`RUN npm ci`");
        check("a `b` c", "``a `b` c``");
        check("`", "`` ` ``");
        check("a | b", "`a | b`");
        check("x\ny\t z", "`x y z`");
        check(
            "<img @me http://x",
            "`<\u{200B}img @\u{200B}me http:\u{200B}//x`",
        );
        check("a < b", "`a < b`");
        check("", "`  `");
        assert_eq!(code("abcdef", 4), "`abc…`");
        assert_eq!(code_cell("a | b", 9), "`a \\| b`");
    }

    #[test]
    fn prose_stays_prose() {
        let check = |text: &str, expected: &str| {
            assert_eq!(prose(text, 60).replace(APART, "·"), expected, "{text:?}")
        };
        check("<b>&", "&lt;b&gt;&amp;·");
        check(
            "@all #1 !2 http://x a@b.c",
            "@·all #·1 !·2 http:·// x a@·b.c"
                .replace("// x", "//x")
                .as_str(),
        );
        check("[a](b) *c* d_e", "\\[a\\](b) \\*c\\* d\\_e");
        check("WWW.x 3.12 a-b", "WWW.·x 3.12 a-b");
        check("1. x", "1\\. x");
        check("- x", "\\- x");
        check("safe\u{202E}txet", "safetxet");
    }

    #[test]
    fn a_block_is_not_closed_by_what_is_in_it() {
        assert_eq!(
            block("diff", "-a\n```\n+b\n"),
            "````diff\n-a\n```\n+b\n````"
        );
    }
}
