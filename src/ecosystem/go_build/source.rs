//! The head of a Go file: which packages it imports, and which files it embeds.
//!
//! Source of the grammar: the Go specification (source file organization) and go/build's read.go, which reads as far as
//! the imports too, and looks for `//go:embed` at the beginnings of lines in the rest.

/// So many imports and embedded patterns are taken from one file.
const MOST: usize = 4_000;

/// What the head of a Go file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// Import paths as written, without quotes.
    pub(super) imports: Vec<String>,
    /// Patterns of `//go:embed`.
    pub(super) embeds: Vec<String>,
    /// Whether it says that no build takes it (`//go:build ignore`).
    pub(super) is_ignored: bool,
    /// Whether its comments point to a directory above, as `#cgo` and `#include` lines do.
    pub(super) points_up: bool,
}

impl Source {
    /// Reads a file; `None` where it does not begin as a Go file does.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut lexer = Lexer::new(bytes);
        let mut source = Self::default();
        if lexer.word()? != b"package" {
            return None;
        }
        // What stands after the package clause constrains nothing.
        source.is_ignored = lexer.is_ignored;
        lexer.word()?;
        while lexer.is_import()? {
            if lexer.takes(b'(')? {
                while !lexer.takes(b')')? {
                    source.add_import(lexer.spec()?)?;
                }
            } else {
                source.add_import(lexer.spec()?)?;
            }
        }
        let (head, rest) = bytes.split_at(lexer.at.min(bytes.len()));
        source.points_up = head.windows(3).any(|w| w == b"../");
        for line in rest.split(|&b| b == b'\n') {
            let line = line.trim_ascii_start();
            if let Some(patterns) = line.strip_prefix(b"//go:embed") {
                source.add_embeds(patterns)?;
            }
        }
        Some(source)
    }

    fn add_import(&mut self, path: String) -> Option<()> {
        self.imports.push(path);
        (self.imports.len() <= MOST).then_some(())
    }

    /// The words after `//go:embed`, each alone or in quotes.
    fn add_embeds(&mut self, line: &[u8]) -> Option<()> {
        let text = std::str::from_utf8(line).ok()?;
        // Another word of the language may begin like it.
        if !text.starts_with([' ', '\t']) {
            return Some(());
        }
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (word, after) = match rest.strip_prefix(['"', '`']) {
                Some(inside) => inside.split_once(&rest[..1])?,
                None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
            };
            self.embeds.push(word.to_owned());
            rest = after.trim_start();
            (self.embeds.len() <= MOST && !word.contains('\\')).then_some(())?;
        }
        Some(())
    }
}

/// `//go:build ignore` or `// +build ignore`.
fn is_never_built(line: &[u8]) -> bool {
    let Some(words) = line.trim_ascii().strip_prefix(b"//") else {
        return false;
    };
    matches!(
        words.trim_ascii(),
        b"go:build ignore" | b"+build ignore" | b"go:build tools" | b"+build tools"
    )
}

/// Go's tokens, as far as the imports need them.
struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a comment passed so far says that no build takes the file.
    is_ignored: bool,
}

impl<'a> Lexer<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        Self {
            bytes,
            at,
            is_ignored: false,
        }
    }

    /// Goes to the next byte that is neither blank nor in a comment; `None` in a comment without end.
    fn skip(&mut self) -> Option<()> {
        while let Some(&byte) = self.bytes.get(self.at) {
            let rest = &self.bytes[self.at..];
            if byte.is_ascii_whitespace() || byte == b';' {
                self.at += 1;
            } else if rest.starts_with(b"//") {
                let len = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                self.is_ignored |= is_never_built(&rest[..len]);
                self.at += len;
            } else if rest.starts_with(b"/*") {
                let end = rest[2..].windows(2).position(|w| w == b"*/")?;
                self.at += end + 4;
            } else {
                break;
            }
        }
        Some(())
    }

    /// A word of letters; letters beyond ASCII count.
    fn word(&mut self) -> Option<&'a [u8]> {
        self.skip()?;
        let rest = &self.bytes[self.at..];
        let is_letter = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || !b.is_ascii();
        let len = rest
            .iter()
            .position(|b| !is_letter(b))
            .unwrap_or(rest.len());
        self.at += len;
        (len > 0).then(|| &rest[..len])
    }

    /// Whether an import declaration follows; it is then passed.
    fn is_import(&mut self) -> Option<bool> {
        let before = self.at;
        self.skip()?;
        let is_so = self.word() == Some(b"import");
        if !is_so {
            self.at = before;
        }
        Some(is_so)
    }

    /// Whether `byte` follows; it is then passed.
    fn takes(&mut self, byte: u8) -> Option<bool> {
        self.skip()?;
        let is_so = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_so);
        Some(is_so)
    }

    /// One import: a name, a dot or nothing, and the path.
    fn spec(&mut self) -> Option<String> {
        self.skip()?;
        match self.bytes.get(self.at)? {
            b'"' | b'`' => {}
            b'.' => self.at += 1,
            _ => {
                self.word()?;
            }
        }
        self.skip()?;
        let quote = *self
            .bytes
            .get(self.at)
            .filter(|b| matches!(b, b'"' | b'`'))?;
        let inside = &self.bytes[self.at + 1..];
        let len = inside.iter().position(|&b| b == quote)?;
        self.at += len + 2;
        let path = std::str::from_utf8(&inside[..len]).ok()?;
        // Nobody escapes a letter of a path; what would, is not followed.
        (!path.is_empty() && !path.contains(['\\', '\n'])).then(|| path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Source;
    use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

    /// The imports, then the embedded patterns after `|`; `-` where it is no Go file.
    fn check(text: &str, expected: &str) {
        let shown = Source::read(text.as_bytes()).map_or("-".to_owned(), |s| {
            format!("{} | {}", s.imports.join(" "), s.embeds.join(" "))
        });
        assert_eq!(shown.trim(), expected.trim(), "{text}");
    }

    #[test]
    fn imports_are_read_as_the_language_has_them() {
        check("package a\nimport \"fmt\"\nfunc f() {}", "fmt |");
        check("package a;import(\"a\";\"b/c\")", "a b/c |");
        check(
            "// Copyright\n/* import \"no\" */\npackage a // x\n\nimport (\n\tx \"a\" // \"no\"\n\t_ `b`\n\t. \"c\"\n)\nimport d \"d\"\n",
            "a b c d |",
        );
        check("\u{feff}package é\r\nimport é \"x\"\r\n", "x |");
        check("package a\nimport ()\nvar x = `import \"no\"`\n", "|");
        check(
            "package a\n// #include <x.h>\nimport \"C\"\nimport \"y\"\n",
            "C y |",
        );
        check("package a\nvar s = `\nimport \"no\"\n`", "|");
        check("package a\nimportant()\nimport \"no\"\n", "|");
        check("package a", "|");
    }

    #[test]
    fn embedded_patterns_stand_at_the_beginning_of_a_line() {
        check(
            "package a\nimport _ \"embed\"\n//go:embed a.txt  all:static/* \"b c\" `d`\nvar f string\n",
            "embed | a.txt all:static/* b c d",
        );
        check(
            "package a\nimport \"embed\"\nvar (\n\t//go:embed dist\r\n\tf embed.FS\n)\n",
            "embed | dist",
        );
        check(
            "package a\nimport \"embed\"\nvar x = 1 //go:embed no\n//go:embedded no\n",
            "embed |",
        );
    }

    #[test]
    fn what_is_no_go_file_or_hides_a_path_is_not_followed() {
        for text in [
            "",
            "{{ .Package }}",
            "package",
            "package a\nimport \"\\x61\"\n",
            "package a\nimport \"a",
            "package a\nimport (\"a\"",
            "package a\nimport x y \"a\"",
            "package a\n/* import \"x\"\n",
            "package a\nimport \"\"\n",
            "package a\nimport \"embed\"\n//go:embed \"open\n",
        ] {
            check(text, "-");
        }
    }

    #[test]
    fn marks_are_seen() {
        let read = |text: &str| Source::read(text.as_bytes()).unwrap();
        assert!(read("//go:build ignore\n\npackage main\n").is_ignored);
        assert!(!read("//go:build linux\n\npackage main\n").is_ignored);
        assert!(!read("package main\n//go:build ignore\n").is_ignored);
        let cgo = "package a\n// #cgo CFLAGS: -I../include\nimport \"C\"\nvar x = \"../\"\n";
        assert!(read(cgo).points_up);
        assert!(!read("package a\nimport \"C\"\nvar x = \"../\"\n").points_up);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            Source::read(&bytes);
        }

        #[test]
        fn hostile_go_does_no_harm(
            text in "(package |import |a|\"|`|\\(|\\)|;|\n|//|/\\*|\\*/|//go:embed |\\\\|é|\\.|,| ){0,80}",
        ) {
            Source::read(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_read(paths in proptest::collection::vec("[a-z]{1,8}(/[a-z]{1,8}){0,3}", 0..8)) {
            let block: String = paths.iter().map(|p| format!("\t\"{p}\"\n")).collect();
            let source = Source::read(format!("package a\n\nimport (\n{block})\n").as_bytes());
            prop_assert!(source.is_some_and(|s| s.imports == paths));
        }
    }
}
