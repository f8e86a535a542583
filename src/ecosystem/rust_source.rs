//! The strings of a Rust source that may name a file, as far as a build compiles them.

/// A string, and whether the compiler looks for it beside the source alone: what `include_str!` and its kin take
/// (doc.rust-lang.org/std/macro.include_str.html). In a macro, that is beside the source that calls it.
pub(super) struct Named<'t> {
    pub(super) word: &'t str,
    pub(super) is_beside: bool,
}

/// The strings of a source that may be a path; of a pattern the directory before it.
pub(super) fn strings(text: &str) -> impl Iterator<Item = Named<'_>> {
    let mut before = "";
    let has_macros = text.contains("macro_rules!");
    text.split('"').filter_map(move |part| {
        let above = std::mem::replace(&mut before, part);
        if part.len() >= 256 {
            return None;
        }
        let word = match part.find(['*', '?', '{']) {
            Some(end) => part[..end].rsplit_once('/')?.0,
            None => part,
        };
        let is_odd = |c: char| c.is_whitespace() || "()<>:;,".contains(c);
        (!word.is_empty() && !word.contains(is_odd)).then(|| Named {
            word,
            is_beside: !has_macros && is_of_the_compiler(above),
        })
    })
}

/// Whether what stands before a string says that the compiler itself opens the file that it names.
fn is_of_the_compiler(before: &str) -> bool {
    let macros = ["include!(", "include_bytes!(", "include_str!("];
    macros.iter().any(|m| before.trim_end().ends_with(m))
}

/// A source without its modules of tests, which a build leaves out. Of those alone that stand at the margin, as far as
/// the brace there that closes them.
pub(super) fn without_tests(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once("\n#[cfg(test)]\n") {
        let is_module = |line: &&str| line.ends_with('{') && is_module(line);
        let opens = inner
            .lines()
            .find(|l| !l.starts_with("#["))
            .filter(is_module);
        let end = opens.and_then(|_| inner.find("\n}\n").map(|at| at + 2).or(at_end(inner)));
        kept.push_str(before);
        if end.is_none() {
            kept.push_str("\n#[cfg(test)]\n");
        }
        rest = &inner[end.unwrap_or(0)..];
    }
    kept.push_str(rest);
    kept
}

fn at_end(text: &str) -> Option<usize> {
    text.ends_with("\n}").then_some(text.len())
}

fn is_module(line: &str) -> bool {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    line.strip_prefix("pub(crate) ")
        .unwrap_or(line)
        .starts_with("mod ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_told_by_who_opens_them() {
        let check = |text: &str, expected: &[(&str, bool)]| {
            let found: Vec<_> = strings(text).map(|n| (n.word, n.is_beside)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("include_str!(\"../a.md\")", &[("../a.md", true)]);
        check("include_bytes!(\n    \"a.bin\",\n)", &[("a.bin", true)]);
        check("#[path = \"y.rs\"]", &[("y.rs", false), ("]", false)]);
        check("macro_rules! a include_str!(\"a\"", &[("a", false)]);
        check("open(\"a/*.md\")", &[("a", false)]);
        check("embed!(\"a.md\")", &[("a.md", false)]);
    }

    #[test]
    fn modules_of_tests_are_left_out() {
        let check = |text: &str, expected: &str| assert_eq!(without_tests(text), expected);
        check("a\n#[cfg(test)]\nmod t {\n    x\n}\nb\n", "a\nb\n");
        check("a\n#[cfg(test)]\n#[rustfmt::skip]\nmod t {\n}", "a");
        check(
            "a\n#[cfg(test)]\nmod t;\nb\n",
            "a\n#[cfg(test)]\nmod t;\nb\n",
        );
        check(
            "a\n#[cfg(test)]\nmod t {\n x\n",
            "a\n#[cfg(test)]\nmod t {\n x\n",
        );
        check(
            "a\n#[cfg(test)]\nuse x::{\n y};\nb\n",
            "a\n#[cfg(test)]\nuse x::{\n y};\nb\n",
        );
    }
}
