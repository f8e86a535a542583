//! Small readers for manifest languages that need no parser of their own: quoting, XML tags, YAML lists, literals.
//!
//! Never: fails; what is not understood is not there.

/// A word as the shell takes it, in single quotes where it needs them; a `$` is left to the shell, and so is a word that
/// is all asked of a command.
pub(super) fn quoted(word: &str) -> String {
    if is_asked(word) {
        return word.to_owned();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+^~".contains(c) || !c.is_ascii();
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if word.contains('$') && !word.contains(['"', '\\', '`', '\'']) {
        // Without blanks the value is taken as it was; an empty one vanishes. So do the words that a variable may stand
        // for: `${FEATURES:+--features ${FEATURES}}`.
        return if has_open_blank(word) {
            format!("\"{word}\"")
        } else {
            word.to_owned()
        };
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Whether all of a word is `$(…)`: as written it may come to several words, or to none.
fn is_asked(word: &str) -> bool {
    let inner = word.strip_prefix("$(").and_then(|w| w.strip_suffix(')'));
    let Some(inner) = inner.filter(|i| !i.starts_with('(') && !i.contains(['`', '\n'])) else {
        return false;
    };
    let mut depth = 0_usize;
    let stays_open = inner.chars().all(|c| {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return false,
            ')' => depth -= 1,
            _ => {}
        }
        true
    });
    stays_open && depth == 0
}

/// Whether a word has a blank outside of `${…}`.
fn has_open_blank(word: &str) -> bool {
    let mut depth = 0_usize;
    let mut before = ' ';
    for c in word.chars() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 => return true,
            _ => {}
        }
        before = c;
    }
    false
}

/// The text of every element `<name>…</name>` without elements inside it, comments removed, trimmed.
pub(super) fn xml_texts(xml: &str, name: &str) -> Vec<String> {
    let xml = without_xml_comments(xml);
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = xml.as_str();
    while let Some(at) = rest.find(&open) {
        rest = &rest[at + open.len()..];
        let Some(end) = rest.find(&close) else { break };
        if !rest[..end].contains('<') {
            found.push(rest[..end].trim().to_owned());
        }
        rest = &rest[end..];
    }
    found
}

/// The inside of the first element `<name …>…</name>`, comments removed.
pub(super) fn xml_inside(xml: &str, name: &str) -> Option<String> {
    let xml = without_xml_comments(xml);
    let mut from = 0;
    while let Some(at) = xml[from..].find(&format!("<{name}")) {
        let start = from + at + name.len() + 1;
        from = start;
        let rest = &xml[start..];
        if !rest.starts_with(|c: char| c == '>' || c == '/' || c.is_whitespace()) {
            continue;
        }
        let end_of_tag = rest.find('>')?;
        if rest[..end_of_tag].ends_with('/') {
            continue;
        }
        let inside = &rest[end_of_tag + 1..];
        return Some(inside[..inside.find(&format!("</{name}>"))?].to_owned());
    }
    None
}

/// The values of attribute `attribute` of every element `name`.
pub(super) fn xml_attributes(xml: &str, name: &str, attribute: &str) -> Vec<String> {
    let xml = without_xml_comments(xml);
    let mut found = Vec::new();
    let mut rest = xml.as_str();
    while let Some(at) = rest.find(&format!("<{name}")) {
        rest = &rest[at + name.len() + 1..];
        if !rest.starts_with(|c: char| c.is_whitespace()) {
            continue;
        }
        let tag = &rest[..rest.find('>').unwrap_or(rest.len())];
        found.extend(attribute_of(tag, attribute));
    }
    found
}

/// The value of one attribute in the inside of a tag.
fn attribute_of(tag: &str, attribute: &str) -> Option<String> {
    let mut from = 0;
    loop {
        let at = from + tag[from..].find(attribute)?;
        from = at + attribute.len();
        let before = tag[..at].chars().next_back();
        let Some(value) = tag[from..].trim_start().strip_prefix('=') else {
            continue;
        };
        if before.is_some_and(|c| !c.is_whitespace()) {
            continue;
        }
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let value = &value[1..];
        return Some(value[..value.find(quote)?].to_owned());
    }
}

fn without_xml_comments(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some(at) = rest.find("<!--") {
        out.push_str(&rest[..at]);
        rest = rest[at..]
            .find("-->")
            .map_or("", |end| &rest[at + end + 3..]);
    }
    out.push_str(rest);
    out
}

/// The items of a block or flow list under the top-level key `key` of a YAML text.
pub(super) fn yaml_list(yaml: &str, key: &str) -> Vec<String> {
    let mut lines = yaml.lines();
    let Some(head) = lines.find_map(|l| l.strip_prefix(key)?.strip_prefix(':')) else {
        return Vec::new();
    };
    let head = yaml_plain(head).trim();
    if let Some(flow) = head.strip_prefix('[') {
        let inside = flow.strip_suffix(']').unwrap_or(flow);
        return inside
            .split(',')
            .map(yaml_scalar)
            .filter(|s| !s.is_empty())
            .collect();
    }
    lines
        .map(yaml_plain)
        .filter(|l| !l.trim().is_empty())
        .take_while(|l| l.starts_with(' ') || l.starts_with('-') || l.starts_with('\t'))
        .filter_map(|l| l.trim().strip_prefix('-').map(yaml_scalar))
        .collect()
}

/// The entries `name: value` under the top-level key `key` of a YAML text.
pub(super) fn yaml_map(yaml: &str, key: &str) -> Vec<(String, String)> {
    let head = format!("{key}:");
    // Lockfiles are long, and most hold none.
    if !yaml.contains(&head) {
        return Vec::new();
    }
    let mut lines = yaml.lines();
    if !lines.any(|l| yaml_plain(l) == head) {
        return Vec::new();
    }
    lines
        .map(yaml_plain)
        .filter(|l| !l.trim().is_empty())
        .take_while(|l| l.starts_with(' ') || l.starts_with('\t'))
        .filter_map(|l| {
            // The key may hold colons inside quotes or as `a@npm:1`; the value comes after the last `: `.
            let (name, value) = l.trim().rsplit_once(": ")?;
            Some((yaml_scalar(name), yaml_scalar(value)))
        })
        .collect()
}

/// The values of every `key: value` at any depth of a YAML text.
pub(super) fn yaml_values(yaml: &str, key: &str) -> Vec<String> {
    let begins = |l: &&str| {
        let l = l.trim_start();
        l.strip_prefix("- ").unwrap_or(l).starts_with(key)
    };
    yaml.lines()
        .filter(begins)
        .map(yaml_plain)
        .filter_map(|l| {
            let l = l.trim();
            let l = l.strip_prefix("- ").unwrap_or(l);
            Some(yaml_scalar(l.strip_prefix(key)?.strip_prefix(':')?))
        })
        .filter(|v| !v.is_empty())
        .collect()
}

/// A line without its comment and trailing blanks.
fn yaml_plain(line: &str) -> &str {
    let line = if line.trim_start().starts_with('#') {
        ""
    } else {
        line.split_once(" #").map_or(line, |(l, _)| l)
    };
    line.trim_end()
}

fn yaml_scalar(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.strip_suffix(quote).unwrap_or(inside).to_owned();
        }
    }
    text.to_owned()
}

/// The string literals that come directly after `lead` (blanks and an opening parenthesis between them allowed):
/// `File.read!("VERSION")` with `File.read!` gives `VERSION`. Lines that begin with one of `comments` are passed over.
pub(super) fn literals_after(text: &str, lead: &str, comments: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        if comments.iter().any(|c| line.trim_start().starts_with(c)) {
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find(lead) {
            rest = &rest[at + lead.len()..];
            let open = rest.trim_start_matches([' ', '\t', '(', '[']);
            let Some(quote) = open.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let inside = &open[1..];
            if let Some(end) = inside.find(quote) {
                found.push(inside[..end].to_owned());
                rest = &inside[end..];
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_part_them() {
        let check = |word: &str, want: &str| assert_eq!(quoted(word), want);
        check("a-b", "a-b");
        check("a b", "'a b'");
        check("$A b", "\"$A b\"");
        check("${A:-x}", "${A:-x}");
        check("${A:+--features ${A}}", "${A:+--features ${A}}");
        check("${A:+x y} z", "\"${A:+x y} z\"");
    }

    #[test]
    fn readers_take_what_is_written_and_no_more() {
        let pom = "<project><!-- <module>no</module> --><modules><module> a </module><module>b</module></modules>\
                   <parent><relativePath>../up/pom.xml</relativePath></parent></project>";
        assert_eq!(xml_texts(pom, "module"), ["a", "b"]);
        assert_eq!(
            xml_inside(pom, "parent").as_deref(),
            Some("<relativePath>../up/pom.xml</relativePath>")
        );
        let proj =
            r#"<ProjectReference Include="..\Lib\Lib.csproj" /><ProjectReferenceX Include="no"/>"#;
        assert_eq!(
            xml_attributes(proj, "ProjectReference", "Include"),
            ["..\\Lib\\Lib.csproj"]
        );
        assert_eq!(xml_inside("<a", "a"), None);
        let yaml =
            "packages:\n  - 'apps/*' # members\n\n  - \"!x\"\nother:\n  - no\nflow: [a, 'b']\n";
        assert_eq!(yaml_list(yaml, "packages"), ["apps/*", "!x"]);
        assert_eq!(yaml_list(yaml, "flow"), ["a", "b"]);
        assert_eq!(
            yaml_map(
                "patchedDependencies:\n  \"a@1\": patches/a.patch\n",
                "patchedDependencies"
            ),
            [("a@1".to_owned(), "patches/a.patch".to_owned())]
        );
        assert_eq!(
            yaml_values("plugins:\n  - path: .yarn/p.cjs\n    spec: x\n", "path"),
            [".yarn/p.cjs"]
        );
        assert_eq!(
            literals_after(
                "# File.read!(\"no\")\n v = File.read!( \"VERSION\")",
                "File.read!",
                &["#"]
            ),
            ["VERSION"]
        );
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("--x=$Y"), "--x=$Y");
        assert_eq!(quoted("$A b"), "\"$A b\"");
        assert_eq!(quoted("$(test \"$A\" = b)"), "$(test \"$A\" = b)");
        assert_eq!(quoted("$(a)$(b c)"), "\"$(a)$(b c)\"");
    }
}
