//! Here-documents: which words open one, and where their bodies end.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser/parser.go (heredocsFromLine, heredocFromMatch).

use super::ast::Heredoc;
use super::expand::Lexer;
use super::lines::LineReader;
use super::span::Span;

/// A heredoc's opening word, taken apart.
pub(super) struct Opening {
    /// Delimiter without quotes.
    pub name: String,
    descriptor: u32,
    chomp: bool,
    expand: bool,
}

/// The heredocs that a joined line opens, in order. A line that cannot be lexed opens none, as in BuildKit.
pub(super) fn openings(line: &str) -> Vec<Opening> {
    if !line.contains("<<") {
        return Vec::new();
    }
    let words = Lexer::raw('\\').words(line, &|_| None).unwrap_or_default();
    words.iter().filter_map(|word| opening(word)).collect()
}

/// `word` as the opening of a heredoc: digits, `<<`, perhaps `-`, and one delimiter without `<`.
pub(super) fn opening(word: &str) -> Option<Opening> {
    let digits = word
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(word.len());
    let after = word[digits..].strip_prefix("<<")?;
    let (chomp, after) = after
        .strip_prefix('-')
        .map_or((false, after), |rest| (true, rest));
    let delimiter = after.trim_start_matches(['\t', '\n', '\u{c}', '\r', ' ']);
    if delimiter.is_empty() || delimiter.contains('<') {
        return None;
    }
    let mut lexer = Lexer::new('\\');
    lexer.skip_unset = true;
    let bare = single(lexer.words(delimiter, &|_| None).ok()?)?;
    lexer.raw_quotes = true;
    let raw = single(lexer.words(delimiter, &|_| None).ok()?)?;
    let quotes = |word: &str| word.chars().filter(|c| matches!(c, '\'' | '"')).count();
    Some(Opening {
        expand: quotes(&bare) == quotes(&raw),
        name: bare,
        descriptor: word[..digits]
            .parse()
            .unwrap_or(if digits == 0 { 0 } else { u32::MAX }),
        chomp,
    })
}

fn single(words: Vec<String>) -> Option<String> {
    <[String; 1]>::try_from(words).ok().map(|[word]| word)
}

/// Reads the body of a heredoc from the lines that follow, and says where the line with its delimiter ends; `Err` with
/// what was read when that never comes. `end` is the place of a body without lines.
pub(super) fn body(
    opening: Opening,
    reader: &mut LineReader,
    end: usize,
) -> Result<(Heredoc, usize), Heredoc> {
    let mut heredoc = Heredoc {
        name: opening.name,
        descriptor: opening.descriptor,
        chomp: opening.chomp,
        expand: opening.expand,
        content: String::new(),
        span: Span::new(end, end),
    };
    let mut first = true;
    let mut last_end = end;
    for line in reader.by_ref() {
        if std::mem::take(&mut first) {
            heredoc.span = Span::new(line.start, line.start);
        }
        let (text, raw) = match heredoc.chomp {
            true => (
                line.text().trim_start_matches('\t'),
                line.raw.trim_start_matches('\t'),
            ),
            false => (line.text(), line.raw),
        };
        if text == heredoc.name {
            return Ok((heredoc, line.end()));
        }
        heredoc.content.push_str(raw);
        heredoc.span.end = line.start + line.raw.len();
        last_end = line.end();
    }
    heredoc.span.end = last_end.max(heredoc.span.start);
    Err(heredoc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &[&str]) {
        let names: Vec<String> = openings(line).into_iter().map(|o| o.name).collect();
        assert_eq!(names, expected, "{line}");
    }

    #[test]
    fn words_that_open_heredocs() {
        check("RUN <<EOF", &["EOF"]);
        check("RUN cat <<EOF > /f && cat 3<<-'B C'", &["EOF", "B C"]);
        check("COPY << EOF /x", &["EOF"]);
        check("RUN a<<EOF", &[]);
        check("RUN cat <<<EOF", &[]);
        check("RUN don't <<EOF", &[]);
        check("RUN x ${a b} <<EOF", &[]);
        check("RUN echo $((1 << 2))", &["2))"]);
        check("RUN echo \"<<EOF\"", &[]);
    }

    #[test]
    fn a_quoted_delimiter_stops_expansion() {
        for (word, expand) in [
            ("<<EOF", true),
            ("<<\"EOF\"", false),
            ("<<'EOF'", false),
            ("<<E\"O\"F", false),
        ] {
            let opening = opening(word).unwrap();
            assert_eq!(
                (opening.name.as_str(), opening.expand),
                ("EOF", expand),
                "{word}"
            );
        }
    }

    #[test]
    fn bodies_end_at_their_delimiter() {
        let read =
            |text: &str, word: &str| body(opening(word).unwrap(), &mut LineReader::new(text), 0);
        assert_eq!(
            read("a\r\n\tEOF\nEOF\nrest", "<<EOF").unwrap().0.content,
            "a\r\n\tEOF\n"
        );
        assert_eq!(read("\t\ta\n\tEOF\n", "<<-EOF").unwrap().0.content, "a\n");
        assert_eq!(read("a\n", "<<EOF").unwrap_err().content, "a\n");
    }
}
