//! Scripts that the project's own files call for at an install, and scripts that a RUN calls.

use super::super::view::View;
use crate::ecosystem::{HARMLESS, PROJECT_SCRIPTS};
use crate::shell;
use crate::tree::RepoPath;
use serde_json::Value;

/// So many files are looked at, and none that is longer (bytes).
const MOST_FILES: usize = 400;
const MOST_READ: usize = 1 << 18;

/// Scripts of composer.json that an install runs (getcomposer.org/doc/articles/scripts.md).
const OF_COMPOSER: &[&str] = &[
    "pre-install-cmd",
    "post-install-cmd",
    "pre-update-cmd",
    "post-update-cmd",
    "pre-autoload-dump",
    "post-autoload-dump",
    "post-root-package-install",
];

/// Programs of such scripts that go by no variable of the project, or by their own, beside those that read nothing of it.
const BY_NONE: &[&str] = &[":", "cd", "lefthook", "patch-package", "rm"];

/// Whether a file called `name` among those that `is_there` takes calls for a script at an install that may read anything.
pub(super) fn runs_some(view: &View<'_>, name: &str, is_there: &dyn Fn(&RepoPath) -> bool) -> bool {
    let manifests = view.files.iter().map(|(p, _)| p);
    let manifests = manifests.filter(|p| p.file_name() == Some(name.as_bytes()) && is_there(p));
    manifests
        .take(MOST_FILES)
        .any(|path| view.read_text(path).is_none_or(|text| calls_some(&text)))
}

/// Whether a manifest's text calls for one.
fn calls_some(text: &str) -> bool {
    let Ok(manifest) = serde_json::from_str::<Value>(text) else {
        return true;
    };
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    let mut of_install = scripts.into_iter().flatten().filter(|(name, _)| {
        [PROJECT_SCRIPTS, OF_COMPOSER]
            .iter()
            .any(|of| of.contains(&name.as_str()))
    });
    of_install.any(|(_, script)| match script {
        Value::String(text) => may_read(text),
        Value::Array(texts) => texts.iter().any(|t| t.as_str().is_none_or(may_read)),
        _ => true,
    })
}

fn may_read(text: &str) -> bool {
    let script = shell::parse(text);
    let is_known = |s: &shell::Seen| {
        let all = [HARMLESS, BY_NONE];
        s.name().is_empty() || all.iter().any(|of| of.contains(&s.name()))
    };
    !script.is_complete || !script.seen().iter().all(is_known)
}

/// The text of the one shell script called `word` among the files that `is_there` takes; `None` where there is none, or
/// another program is to read it.
pub(super) fn called(
    view: &View<'_>,
    word: &str,
    is_there: &dyn Fn(&RepoPath) -> bool,
) -> Option<String> {
    let name = word.rsplit('/').next().filter(|n| !n.is_empty())?;
    let files = view.files.iter().map(|(p, _)| p);
    let mut named = files.filter(|p| p.file_name() == Some(name.as_bytes()) && is_there(p));
    let (path, other) = (named.next()?, named.next());
    let text = view.read_text(path).filter(|t| t.len() <= MOST_READ)?;
    let is_shell = shell::is_script(name, &text);
    (other.is_none() && is_shell).then_some(text)
}

/// The functions that a script defines.
pub(super) fn functions(text: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("function ").unwrap_or(line);
        let (name, rest) = line.split_once(['(', ' ', '{'])?;
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-:.".contains(&b));
        let is_definition =
            rest.trim_start().starts_with(')') || rest.trim_start().starts_with("()");
        (is_name && is_definition).then(|| name.to_owned())
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_an_install_are_read() {
        let check = |text: &str, want: bool| assert_eq!(calls_some(text), want, "{text}");
        check("{}", false);
        check(r#"{"scripts":{"build":"vite build"}}"#, false);
        check(r#"{"scripts":{"prepare":"husky install"}}"#, false);
        check(
            r#"{"scripts":{"postinstall":"patch-package && npm run build"}}"#,
            true,
        );
        check(
            r#"{"scripts":{"post-install-cmd":["@auto-scripts"]}}"#,
            true,
        );
        check("{", true);
    }

    #[test]
    fn functions_of_a_script_are_found() {
        let text = "a() {\n  ls\n}\nfunction b () {\n}\nc d\n(e)\n";
        assert_eq!(functions(text), ["a", "b"]);
    }
}
