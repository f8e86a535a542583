//! Ignore rules: last match wins, parents count, and which file they come from.

use super::pattern::IgnorePattern;
use crate::tree::RepoPath;
use std::fmt;

/// The content of an ignore file, or a list of `--exclude` patterns.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: IgnorePattern,
    /// `!`: takes back in what an earlier rule ignored.
    exception: bool,
}

/// A pattern that Docker refuses; such a file ends the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    line: usize,
    pattern: String,
    message: String,
}

impl PatternError {
    /// The line in the ignore file, from 1 (or the position in the list of patterns).
    pub fn line(&self) -> usize {
        self.line
    }

    /// The pattern as written.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} `{}`", self.line, self.message, self.pattern)
    }
}

impl std::error::Error for PatternError {}

/// Which rules matched a directory or one of those above it: what its entries need to be judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Matched(Box<[bool]>);

impl IgnoreRules {
    /// Reads an ignore file (moby/patternmatcher ignorefile/ignorefile.go `ReadAll`).
    /// Errors: the first pattern that Docker refuses.
    pub fn parse(bytes: &[u8]) -> Result<Self, PatternError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rules = Vec::new();
        for (at, line) in bytes.split(|&b| b == b'\n').enumerate() {
            if line.starts_with(b"#") {
                continue;
            }
            let line = trim(line);
            if line.is_empty() {
                continue;
            }
            let (exception, text) = match line.strip_prefix(b"!") {
                Some(rest) => (true, trim(rest)),
                None => (false, line),
            };
            let mut cleaned = clean(text);
            if cleaned.len() > 1 && cleaned.starts_with(b"/") {
                cleaned.remove(0);
            }
            rules.push(rule(exception, &cleaned).map_err(|message| error(at + 1, line, message))?);
        }
        Ok(Self { rules })
    }

    /// Takes patterns one by one, as `--exclude` gives them: trimmed and cleaned, a leading `/` stays.
    /// Errors: the first pattern that Docker refuses; its line is the position in the list.
    pub fn from_patterns<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let mut rules = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            let written = trim(pattern.as_ref().as_bytes());
            if written.is_empty() {
                continue;
            }
            let cleaned = clean(written);
            let (exception, text) = match cleaned.strip_prefix(b"!") {
                Some(rest) => (true, rest),
                None => (false, cleaned.as_slice()),
            };
            rules.push(rule(exception, text).map_err(|message| error(at + 1, written, message))?);
        }
        Ok(Self { rules })
    }

    /// True if there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// True if something may be taken back in by a `!`.
    pub fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.exception)
    }

    /// Whether an ignore file with `text` hides `path`; false when Docker refuses the file.
    pub fn hides(text: &str, path: &RepoPath) -> bool {
        Self::parse(text.as_bytes()).is_ok_and(|rules| rules.is_ignored(path))
    }

    /// Whether a path is ignored, itself or through a directory above it. The root never is.
    ///
    /// A context's transfer goes by `enter`, directory by directory, which differs for a rule that was passed
    /// over at a directory because it could not have changed the verdict there, and could further down
    /// (moby/patternmatcher `MatchesOrParentMatches` and `MatchesUsingParentResults`).
    pub fn is_ignored(&self, path: &RepoPath) -> bool {
        let bytes = path.as_bytes();
        let mut ignored = false;
        for rule in self.rules.iter().filter(|_| !path.is_root()) {
            if rule.exception == ignored
                && ends(bytes).any(|end| rule.pattern.matches(&bytes[..end]))
            {
                ignored = !rule.exception;
            }
        }
        ignored
    }

    /// Whether an entry is ignored, given what matched the directory that it is in.
    pub(super) fn judge(&self, path: &[u8], above: &Matched) -> bool {
        let mut ignored = false;
        for (at, rule) in self.rules.iter().enumerate() {
            if above.has(at) || (rule.exception == ignored && above.lets_match(rule, path)) {
                ignored = !rule.exception;
            }
        }
        ignored
    }

    /// The same for a directory, with what its own entries need to know.
    pub(super) fn enter(&self, path: &[u8], above: &Matched) -> (bool, Matched) {
        let mut ignored = false;
        let mut matched = vec![false; self.rules.len()];
        for (at, rule) in self.rules.iter().enumerate() {
            // A rule that could not change the verdict is not looked at, and counts as not matching further down
            // (moby/patternmatcher `MatchesUsingParentResults`, which is what the transfer of a context uses).
            matched[at] =
                above.has(at) || (rule.exception == ignored && above.lets_match(rule, path));
            if matched[at] {
                ignored = !rule.exception;
            }
        }
        (ignored, Matched(matched.into()))
    }
}

impl Matched {
    /// Whether a rule that matched nothing above matches `path`. Where nothing is known of the directories above
    /// (the default), they are tried here.
    fn lets_match(&self, rule: &Rule, path: &[u8]) -> bool {
        match self.0.is_empty() {
            true => ends(path).any(|end| rule.pattern.matches(&path[..end])),
            false => rule.pattern.matches(path),
        }
    }

    fn has(&self, rule: usize) -> bool {
        self.0.get(rule).copied().unwrap_or(false)
    }
}

/// The paths at which an ignore file is looked for, first one first, from the repository's root.
/// The first that exists counts, even if it is empty (BuildKit: frontend/dockerui/config.go).
/// `dockerfile` and `context` are paths from the repository's root.
pub fn ignore_files(dockerfile: &RepoPath, context: &RepoPath) -> Vec<RepoPath> {
    let mut beside = dockerfile.as_bytes().to_vec();
    beside.extend(b".dockerignore");
    vec![RepoPath::new(beside), context.join(b".dockerignore")]
}

/// The same for Buildah, which has a name of its own that comes first.
pub fn ignore_files_of_buildah(dockerfile: &RepoPath, context: &RepoPath) -> Vec<RepoPath> {
    let beside = |suffix: &[u8]| RepoPath::new([dockerfile.as_bytes(), suffix].concat());
    vec![
        beside(b".containerignore"),
        beside(b".dockerignore"),
        context.join(b".containerignore"),
        context.join(b".dockerignore"),
    ]
}

/// The same for the builder before BuildKit, which knows the root's alone.
pub fn ignore_files_of_classic(context: &RepoPath) -> Vec<RepoPath> {
    vec![context.join(b".dockerignore")]
}

/// Where the directories above a path end in it, and the path itself.
fn ends(path: &[u8]) -> impl Iterator<Item = usize> {
    let slashes = path
        .iter()
        .enumerate()
        .filter(|&(_, &b)| b == b'/')
        .map(|(at, _)| at);
    slashes.chain([path.len()])
}

fn rule(exception: bool, text: &[u8]) -> Result<Rule, String> {
    if exception && text.is_empty() {
        return Err("illegal exclusion pattern".to_owned());
    }
    Ok(Rule {
        pattern: IgnorePattern::new(text)?,
        exception,
    })
}

fn error(line: usize, pattern: &[u8], message: String) -> PatternError {
    PatternError {
        line,
        pattern: String::from_utf8_lossy(pattern).into_owned(),
        message,
    }
}

/// White space as Go's `strings.TrimSpace` has it.
fn trim(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => bytes.trim_ascii(),
    }
}

/// Go's `filepath.Clean`.
fn clean(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let rooted = text.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    for name in text.split(|&b| b == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => {
                names.pop();
            }
            b".." if rooted => {}
            _ => names.push(name),
        }
    }
    let joined = names.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
