//! Which files a source word of COPY selects: Go's `filepath.Match`, name by name.

use crate::tree::RepoPath;

/// The context paths (files) that one source word of COPY selects among `files`, sorted; wildcards as Go's
/// `filepath.Match`, name by name; `--exclude` is not looked at.
pub fn selected<'a>(files: impl Iterator<Item = &'a RepoPath>, source: &str) -> Vec<&'a RepoPath> {
    let wanted = RepoPath::new(source);
    let names: Vec<&[u8]> = wanted.names().collect();
    files.filter(|path| matches_above(&names, path)).collect()
}

/// True when the pattern's names match the first names of `path`.
pub(super) fn matches_above(pattern: &[&[u8]], path: &RepoPath) -> bool {
    let mut names = path.names();
    pattern
        .iter()
        .all(|p| names.next().is_some_and(|name| glob(p, name)))
}

/// Go's `filepath.Match` for one name: `*`, `?`, `[a-z]`, `[^a]`, `\x`. Linear in memory, quadratic in time at worst.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        if let Some(next) = one(pattern, p, name[n]) {
            p = next;
            n += 1;
            continue;
        }
        match star {
            Some((after, from)) => {
                p = after;
                n = from + 1;
                star = Some((after, n));
            }
            None => return false,
        }
    }
    pattern[p..].iter().all(|&b| b == b'*')
}

/// The position after the pattern element at `p` if it matches `byte`.
fn one(pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' => (pattern.get(p + 1) == Some(&byte)).then_some(p + 2),
        b'[' => {
            let end = p + 1 + pattern[p + 1..].iter().position(|&b| b == b']')?;
            let body = &pattern[p + 1..end];
            let (negated, body) = body
                .strip_prefix(b"^")
                .map_or((false, body), |rest| (true, rest));
            let mut i = 0;
            let mut found = false;
            while i < body.len() {
                if i + 2 < body.len() && body[i + 1] == b'-' {
                    found |= (body[i]..=body[i + 2]).contains(&byte);
                    i += 3;
                } else {
                    found |= body[i] == byte;
                    i += 1;
                }
            }
            (found != negated).then_some(end + 1)
        }
        literal => (literal == byte).then_some(p + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_matches_as_filepath_match_does() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(
                glob(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        };
        check("*", "", true);
        check("package*.json", "package-lock.json", true);
        check("package*.json", "package.json5", false);
        check("a*b*c", "axbxbxc", true);
        check("[a-c]?", "bz", true);
        check("[^a-c]?", "bz", false);
        check("[a", "a", false);
        check("\\*", "*", true);
        check("\\*", "a", false);
    }
}
