//! Which files of the tree build a stage by itself: `--target NAME`, `target: NAME` of workflows, compose and bake files.
//!
//! Evidence, not proof, and sooner too much of it: where a file chooses the stage by a variable, each name in it counts.

use super::mentions::holds;
use super::passed::may_build;
use super::view::View;
use crate::tree::RepoPath;

/// So many files are looked at, and so many bytes of each.
const MAX_FILES: usize = 400;
const MAX_FILE: usize = 1 << 18;

/// The first file, in order, that builds stage `name`, or may; the Dockerfile itself where its comments say so.
pub(super) fn built_alone(view: &View<'_>, name: &str) -> Option<RepoPath> {
    let comments: String = view
        .text()
        .lines()
        .filter(|line| line.trim_start().starts_with('#'))
        .flat_map(|line| [line, "\n"])
        .collect();
    if names_target(comments.as_bytes(), name) {
        return Some(view.path.clone());
    }
    let all = view.files.iter().chain(view.ignored).map(|(path, _)| path);
    let mut files: Vec<&RepoPath> = all.filter(|p| may_build(p) || may_tell(p)).collect();
    files.sort();
    let builds = |path: &&RepoPath| {
        let bytes = (view.read)(path).unwrap_or_default();
        let looked = &bytes[..bytes.len().min(MAX_FILE)];
        (may_build(path) || speaks_of_images(looked)) && names_target(looked, name)
    };
    files.into_iter().take(MAX_FILES).find(builds).cloned()
}

/// Whether a file may say how images are built, beside those that build them: a manual, a script of the developers.
fn may_tell(path: &RepoPath) -> bool {
    let lower = path.to_string().to_ascii_lowercase();
    let is_about = [
        "docker", "build", "image", "release", "script", "tools/", "ci/",
    ]
    .iter()
    .any(|word| lower.contains(word));
    let name = lower.rsplit('/').next().unwrap_or_default();
    let is_script = [".py", ".js", ".ts", ".rb", ".ps1", ".bat"]
        .iter()
        .any(|ending| name.ends_with(ending));
    let is_manual = name.ends_with(".md") && (name.starts_with("readme") || lower.contains("doc"));
    is_manual || (is_script && is_about)
}

/// Whether a text speaks of building images.
fn speaks_of_images(text: &[u8]) -> bool {
    ["docker", "podman", "buildah"]
        .iter()
        .any(|word| holds(text, word.as_bytes()))
}

/// Whether `text` gives `name` as the stage to build.
fn names_target(text: &[u8], name: &str) -> bool {
    let text = String::from_utf8_lossy(text);
    let is_choice = |line: &&str| {
        let lower = line.to_ascii_lowercase();
        ["target:", "target =", "target=", "--target", "\"target\""]
            .iter()
            .any(|word| lower.contains(word))
    };
    let mut is_open = false;
    for line in text.lines().filter(is_choice) {
        if holds(line.as_bytes(), name.as_bytes()) {
            return true;
        }
        // The name stands elsewhere.
        is_open |= line.contains('$') || line.contains("{{") || line.contains("target\",");
    }
    is_open && text.lines().any(|line| gives(line, name))
}

/// Keys of workflows whose values are no stages.
const OTHER_KEYS: &[&str] = &["id", "if", "key", "name", "needs", "run", "scope", "uses"];

/// Whether a line holds `name` as a value or as one of a list: `- base`, `stage: [base, prod]`, `STAGE=base`, `"base"`.
fn gives(line: &str, name: &str) -> bool {
    let trimmed = line.trim_start().trim_start_matches("- ");
    let key = trimmed.split(':').next().unwrap_or_default();
    if OTHER_KEYS.contains(&key) {
        return false;
    }
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let opens = before.ends_with(['"', '\'', '[', '(', '=', ',', '|'])
            || (before.ends_with(' ') && before.trim_end().ends_with(['-', ':', '=', ',', '[']));
        let closes =
            after.is_empty() || after.starts_with(['"', '\'', ']', ')', ',', ' ', '\r', ';']);
        opens && closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_built_alone_where_a_line_names_it() {
        let check = |text: &str, expected: bool| {
            assert_eq!(names_target(text.as_bytes(), "base"), expected, "{text}");
        };
        check("docker build --target base .", true);
        check("docker build --target=base .", true);
        check("    build:\n      target: base\n", true);
        check("target \"x\" {\n  target = \"base\"\n}", true);
        check("docker build --target prod .\n# base", false);
        check("target: ${{ matrix.stage }}\nstage: [base, prod]", true);
        check("target: ${{ matrix.stage }}\nstage: [prod]", false);
        check("cmd = [\"--target\", stage]\nstages = [\"base\"]", true);
        check(
            "target: ${{ matrix.stage }}\nneeds: base\nrun: docker base .",
            false,
        );
        check("target: ${{ matrix.stage }}\n  - base", true);
        check(
            "docker build --target $X .\nfor X in \"base\" \"prod\"",
            true,
        );
        check("docker build --target $X .\nbuild-base base:", false);
        check("the base image", false);
        check("", false);
    }
}
