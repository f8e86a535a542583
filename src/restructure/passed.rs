//! Which files of the tree pass a build argument with a value that they work out at each build: workflows, Makefiles,
//! scripts, bake and compose files.
//!
//! Evidence, not proof: a line that names the argument and gives it something with a `$` or a `{{`.

use super::mentions::holds;
use super::view::View;
use crate::tree::RepoPath;

/// So many files are looked at, and so many bytes of each.
const MAX_FILES: usize = 400;
const MAX_FILE: usize = 1 << 18;

/// The first file, in order, that passes `name` with a value of the moment.
pub fn passed_by(view: &View<'_>, name: &str) -> Option<RepoPath> {
    let mut files: Vec<&RepoPath> = view
        .files
        .iter()
        .chain(view.ignored)
        .map(|(path, _)| path)
        .filter(|path| may_build(path))
        .collect();
    files.sort();
    files
        .into_iter()
        .take(MAX_FILES)
        .find(|path| {
            (view.read)(path).is_some_and(|bytes| {
                let looked = &bytes[..bytes.len().min(MAX_FILE)];
                looked
                    .split(|&b| b == b'\n')
                    .any(|line| holds(line, name.as_bytes()) && gives(line, name.as_bytes()))
            })
        })
        .cloned()
}

/// Whether a file is one that people build images with.
fn may_build(path: &RepoPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let in_folder = [
        ".github/",
        ".gitlab/",
        ".circleci/",
        ".gitea/",
        ".forgejo/",
        ".woodpecker/",
    ];
    in_folder.iter().any(|f| text.starts_with(f))
        || ["makefile", "justfile", "jenkinsfile", "earthfile"].contains(&lower.as_str())
        || lower.ends_with(".sh")
        || lower.ends_with(".mk")
        || lower.ends_with(".hcl")
        || [
            ".gitlab-ci",
            ".drone",
            ".woodpecker",
            ".travis",
            "azure-pipelines",
            "bitbucket-pipelines",
            "cloudbuild",
            "compose",
            "docker-compose",
            "docker-bake",
            "taskfile",
            "skaffold",
            ".goreleaser",
        ]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// Whether a line gives `name` a value with a variable in it: `--build-arg NAME=$(git …)`, `NAME=${{ github.sha }}`,
/// `NAME: ${VERSION}`, a bare `--build-arg NAME`.
fn gives(line: &[u8], name: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let name = String::from_utf8_lossy(name);
    let Some((before, after)) = text.split_once(name.as_ref()) else {
        return false;
    };
    let before = before.trim_end();
    // What reads the variable names it too.
    if before.ends_with(['$', '{', '.']) {
        return false;
    }
    let value = after.trim_start_matches(['"', '\'']).trim_start();
    let is_bare = value.is_empty() || after.starts_with(' ');
    if is_bare && before.ends_with("--build-arg") {
        return true;
    }
    value
        .strip_prefix(['=', ':'])
        .is_some_and(|v| v.contains('$') || v.contains("{{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_passes_a_value_of_the_moment_is_told_from_others() {
        let check = |line: &str, expected: bool| {
            assert_eq!(gives(line.as_bytes(), b"SHA"), expected, "{line}");
        };
        check("docker build --build-arg SHA=$(git rev-parse HEAD) .", true);
        check("            SHA=${{ github.sha }}", true);
        check("  SHA: \"${VERSION}\"", true);
        check("docker build --build-arg SHA .", true);
        check("            SHA=1.2.3", false);
        check("echo $SHA", false);
        check("the SHA of a commit", false);
        check("", false);
    }

    #[test]
    fn files_that_build_are_told_by_name() {
        let check = |path: &str, expected: bool| {
            assert_eq!(may_build(&RepoPath::from(path)), expected, "{path}");
        };
        check(".github/workflows/docker.yml", true);
        check("Makefile", true);
        check("hack/build.sh", true);
        check("docker-compose.prod.yml", true);
        check("src/main.rs", false);
        check("docs/github/x.md", false);
    }
}
