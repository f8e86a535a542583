//! The words by which a text asks git: its commands, and the tools that take the version from it.

use super::super::mentions::{holds, positions};

/// Tools that ask git for the version while they build, by a word of the manifest that turns them on. Sources: their
/// manuals, as the package registries of their languages name them.
pub(super) const GIT_VERSIONED: &[&str] = &[
    // Python
    "hatch-vcs",
    "setuptools_scm",
    "setuptools-scm",
    "setuptools-git",
    "setuptools-git-ver",
    "setuptools-git-version",
    "setuptools-git-versioning",
    "versioneer",
    "miniver",
    "poetry-dynamic-versioning",
    "poetry-git-version-plugin",
    "dunamai",
    "pbr",
    "vcs-versioning",
    "versioningit",
    "flit_scm",
    "pdm-scm",
    "uv-dynamic-versioning",
    "mkdocs-git-revision-date-localized-plugin",
    "mkdocs-git-revision-date-plugin",
    "mkdocs-git-authors-plugin",
    "sphinx-last-updated-by-git",
    // Rust
    "vergen",
    "vergen-git2",
    "vergen-gix",
    "vergen-gitcl",
    "git-version",
    "git_version",
    "shadow-rs",
    "build-info",
    "built",
    "gix",
    "git-testament",
    // Java, Kotlin, Scala
    "git-commit-id-plugin",
    "git-commit-id-maven-plugin",
    "buildnumber-maven-plugin",
    "maven-git-versioning-extension",
    "me.qoomon.git-versioning",
    "gradle-git-properties",
    "com.gorylenko.gradle-git-properties",
    "jgitver",
    "axion-release",
    "nebula.release",
    "nebula.netflixoss",
    "jgit",
    "grgit",
    "com.palantir.git-version",
    "shipkit-auto-version",
    "reckon",
    "sbt-git",
    "sbt-dynver",
    "sbt-buildinfo",
    // .NET
    "Nerdbank.GitVersioning",
    "GitVersion",
    "GitVersion.MsBuild",
    "GitVersionTask",
    "MinVer",
    "GitInfo",
    // JavaScript
    "git-rev-sync",
    "simple-git",
    "git-revision-webpack-plugin",
    "vite-plugin-git-revision",
    "unplugin-info",
    "git-describe",
    "git-last-commit",
    "git-raw-commits",
    "last-commit-log",
    "git-repo-info",
    "git-revision-date",
    "showLastUpdateTime",
    // Haskell: Development.GitRev, GitHash
    "gitrev",
    "githash",
    // C and C++: CMake's FindGit with rpavlik's module, gnulib, Meson
    "GetGitRevisionDescription",
    "git-version-gen",
    "vcs_tag",
    // Go
    "-buildvcs=true",
    "goreleaser",
];

/// What a text that calls no command of git may still say for it.
const ELSEWHERE: [&str; 7] = [
    "rev-parse HEAD",
    "\"rev-parse\"",
    "'rev-parse'",
    "\"describe\"",
    "git.properties",
    ".git/HEAD",
    "git config --get",
];

/// Commands that tell of the repository in which they run (`git help -a`).
const TELLING: [&str; 22] = [
    "archive",
    "blame",
    "branch",
    "cat-file",
    "describe",
    "diff",
    "diff-index",
    "for-each-ref",
    "grep",
    "log",
    "ls-files",
    "ls-tree",
    "merge-base",
    "name-rev",
    "rev-list",
    "rev-parse",
    "shortlog",
    "show",
    "show-ref",
    "status",
    "submodule",
    "symbolic-ref",
];

/// Commands that need a repository to work on.
const WORKING: [&str; 14] = [
    "add",
    "checkout",
    "clean",
    "commit",
    "fetch",
    "merge",
    "pull",
    "remote",
    "reset",
    "restore",
    "stash",
    "switch",
    "update-index",
    "worktree",
];

/// Options of git before its command that take the next word.
const VALUED: [&str; 4] = ["-C", "-c", "--git-dir", "--work-tree"];

/// Whether a text calls git for what `.git` knows.
pub fn asks_git(text: &[u8]) -> bool {
    ELSEWHERE.iter().any(|word| holds(text, word.as_bytes()))
        || commands(text).any(|c| TELLING.contains(&c) || c == "tag")
}

/// Whether a text that is run calls git for what `.git` knows, or to work on a repository that it has not made itself.
pub(super) fn needs_git(text: &[u8]) -> bool {
    let makes = || commands(text).any(|c| matches!(c, "clone" | "init"));
    asks_git(text) || (commands(text).any(|c| WORKING.contains(&c)) && !makes())
}

/// The commands of git that a text names, as a shell, a Makefile or a list of strings writes them.
fn commands(text: &[u8]) -> impl Iterator<Item = &str> {
    positions(text, b"git")
        .chain(positions(text, b"GIT"))
        .filter_map(|at| command_at(text, at))
}

/// Bytes behind `git` in which its command stands.
const FAR: usize = 200;

/// The command behind the `git` at `at`, where that is the program's name.
fn command_at(text: &[u8], at: usize) -> Option<&str> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if at > 0 && text.get(at - 1).is_some_and(|&b| is_name(b)) {
        return None;
    }
    let rest = text.get(at + 3..)?;
    let mut rest = &rest[..rest.len().min(FAR)];
    // `$(GIT)`, `${GIT_EXECUTABLE}`.
    if text[at] == b'G' {
        rest = rest.strip_prefix(b"_EXECUTABLE").unwrap_or(rest);
        let is_variable = at > 0 && matches!(text[at - 1], b'{' | b'(' | b'$');
        is_variable.then_some(())?;
        let closed = rest.strip_prefix(b")").or(rest.strip_prefix(b"}"));
        rest = closed.unwrap_or(rest);
    }
    let first = *rest.first()?;
    if !(first.is_ascii_whitespace() || matches!(first, b'"' | b'\'' | b',')) {
        return None;
    }
    // In a list of strings the next may stand on the next line.
    let is_quoted = matches!(first, b'"' | b'\'');
    let end = rest.iter().position(|&b| b == b'\n' && !is_quoted);
    // A letter cut at the end of the window ends the text as well.
    let rest = &rest[..end.unwrap_or(rest.len())];
    let rest = std::str::from_utf8(rest)
        .or_else(|e| std::str::from_utf8(&rest[..e.valid_up_to()]))
        .ok()?;
    let mut words = rest
        .split(|c: char| c.is_whitespace() || "\"',[]();|&`\\".contains(c))
        .filter(|w| !w.is_empty());
    loop {
        match words.next()? {
            word if VALUED.contains(&word) => drop(words.next()?),
            word if word.starts_with('-') => {}
            word => return Some(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_asked_in_every_spelling() {
        let check = |text: &str, expected: bool| {
            assert_eq!(asks_git(text.as_bytes()), expected, "{text}");
        };
        check("VERSION := $(shell git describe --tags)", true);
        check("git -C \"$dir\" --no-pager log -1", true);
        check("$(GIT) rev-parse --short HEAD", true);
        check("COMMAND ${GIT_EXECUTABLE} describe", true);
        check("check_output([\"git\", \"describe\"])", true);
        check("run(\n  [\n    'git',\n    'rev-list',\n", true);
        check("git clone https://example.com/a", false);
        check("digit show", false);
        check("git-lfs log", false);
        check("apk add git\nlog x", false);
        check("https://example.com/a.git describe", true);
        check("", false);
        check("git", false);
    }

    #[test]
    fn a_repository_made_on_the_way_is_no_other() {
        let check = |text: &str, expected: bool| {
            assert_eq!(needs_git(text.as_bytes()), expected, "{text}");
        };
        check("url=$(git remote get-url origin)", true);
        check("git fetch --tags", true);
        check("git clone x && cd x && git checkout v1", false);
        check("git config --global user.name a", false);
        check("git clone x && git rev-parse HEAD", true);
    }
}
