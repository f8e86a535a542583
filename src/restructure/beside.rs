//! What a working copy holds beside what git does: the files that `.gitignore` names are made there, and a COPY of their
//! directory brings them along.

use super::ignore_file::escaped;
use super::view::View;
use crate::context::IgnoreRules;
use crate::tree::RepoPath;

/// So many of the files that name them are looked at.
const MOST_FILES: usize = 30;

/// Where a COPY of a directory of the context brings what git does not hold.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The directory of the image.
    to: String,
    /// The context's directory.
    from: RepoPath,
    /// What working copies have there, and git does not.
    usual: IgnoreRules,
    /// The ignore file.
    hidden: IgnoreRules,
}

impl Beside {
    /// `None` where nothing says what a working copy has.
    pub fn new(view: &View<'_>, to: String, from: RepoPath) -> Option<Self> {
        let text = usual_below(view, &from);
        let hidden = view.ignore.map_or("", |(_, text)| text);
        Some(Self {
            to,
            from,
            usual: IgnoreRules::parse(text.as_bytes())
                .ok()
                .filter(|rules| !rules.is_empty())?,
            hidden: IgnoreRules::parse(hidden.as_bytes()).ok()?,
        })
    }

    /// Whether a working copy may have what is brought to `path` of the image.
    pub fn may_bring(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(self.to.trim_end_matches('/')) else {
            return false;
        };
        let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
            return false;
        };
        let path = self.from.join(rest.as_bytes());
        self.usual.is_ignored(&path) && !self.hidden.is_ignored(&path)
    }
}

/// What the files named `.gitignore` say for `from`, as an ignore file of the context says it.
fn usual_below(view: &View<'_>, from: &RepoPath) -> String {
    let is_one = |path: &&RepoPath| path.file_name() == Some(b".gitignore");
    let all = view.files.iter().chain(view.ignored).map(|(path, _)| path);
    let mut text = String::new();
    for path in all.filter(is_one).take(MOST_FILES) {
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        let is_near = dir.strip_prefix(from).is_some() || from.strip_prefix(&dir).is_some();
        let said = match is_near {
            true => (view.read)(path),
            false => None,
        };
        let said = String::from_utf8(said.unwrap_or_default()).unwrap_or_default();
        for line in said.lines() {
            text.extend(translated(line, &dir));
        }
    }
    text
}

/// A line of the `.gitignore` of `dir` as a line of the ignore file (git-scm.com/docs/gitignore, "Pattern format").
fn translated(line: &str, dir: &RepoPath) -> Option<String> {
    let line = line.trim_end();
    let (sign, pattern) = match line.strip_prefix('!') {
        Some(rest) => ("!", rest),
        None => ("", line),
    };
    let pattern = pattern.trim_end_matches('/');
    if pattern.is_empty() || pattern.starts_with('#') {
        return None;
    }
    let at_any_depth = match pattern.contains('/') {
        true => "",
        false => "**/",
    };
    let above = match dir.is_root() {
        true => String::new(),
        false => format!("{}/", escaped(&dir.to_string())),
    };
    let pattern = pattern.trim_start_matches('/');
    Some(format!("{sign}{above}{at_any_depth}{pattern}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_gitignore_name_what_a_working_copy_has() {
        let check = |line: &str, dir: &str, path: &str, expected: bool| {
            let text = translated(line, &RepoPath::new(dir)).unwrap_or_default();
            let got = IgnoreRules::hides(&text, &RepoPath::new(path));
            assert_eq!(got, expected, "{line} in {dir}: {path}");
        };
        check(".env", "", ".env", true);
        check(".env", "", "api/.env", true);
        check("/config.php", "", "config.php", true);
        check("/config.php", "", "app/config.php", false);
        check("dist/", "web", "web/dist/index.js", true);
        check("dist/", "web", "dist/index.js", false);
        check("var/cache", "", "var/cache/x", true);
        check("var/cache", "", "app/var/cache/x", false);
        check("[Oo]bj", "", "src/obj", true);
        check("# dist", "", "dist", false);
        check("", "", "dist", false);
    }
}
