//! Which files of the tree pass a build argument with a value that they work out at each build: workflows, Makefiles,
//! scripts, bake and compose files.
//!
//! Evidence, not proof: a line that names the argument and gives it something with a `$` or a `{{`, or lines that give
//! it different values.

use super::build_commands::{build_commands, first_word};
use super::mentions::holds;
use super::view::View;
use crate::dockerfile::ast::Instruction;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// So many files are looked at.
const MAX_FILES: usize = 400;
/// So many bytes of each.
const MAX_FILE: usize = 1 << 18;

/// That files of the tree pass an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The first of them, in order.
    pub by: RepoPath,
    /// What they give it.
    pub values: Values,
}

/// What an argument is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// One that is worked out at each build.
    OfTheMoment,
    /// These, one in each command that builds the image; `None` where a command leaves it as it is.
    Fixed(BTreeSet<Option<String>>),
}

/// The first file, in order, that passes `name` with a value of the moment, or those that pass it with several.
pub fn passed_by(view: &View<'_>, name: &str) -> Option<RepoPath> {
    let differs = |values: &Values| match values {
        Values::OfTheMoment => true,
        Values::Fixed(values) => values.len() > 1,
    };
    let passed = passed(view, name).filter(|p| differs(&p.values));
    passed.map(|p| p.by)
}

/// Who passes `name`, and what; `None` where nobody does.
pub fn passed(view: &View<'_>, name: &str) -> Option<Passed> {
    let (mut first, mut values) = (None, BTreeSet::new());
    for (path, bytes) in building(view) {
        let (path, looked) = (&path, bytes.as_slice());
        if !holds(looked, name.as_bytes()) {
            continue;
        }
        if is_of_the_moment(path, looked, name) && !builds_others_alone(looked, view.path) {
            return Some(Passed {
                by: path.clone(),
                values: Values::OfTheMoment,
            });
        }
        let own = default(view, name);
        let fixed = fixed(looked, view.path, name).into_iter();
        let fixed: BTreeSet<_> = fixed
            .map(|value| value.filter(|v| own != Some(v)))
            .collect();
        if fixed.iter().any(Option::is_some) {
            first.get_or_insert_with(|| path.clone());
            values.extend(fixed);
        }
    }
    let values = Values::Fixed(values);
    first.map(|by| Passed { by, values })
}

/// Those of `names` that a file which people build images with says at all: they may be passed there, a switch (`DEBUG=1`)
/// as well.
pub(super) fn may_be_passed(view: &View<'_>, mut names: BTreeSet<String>) -> BTreeSet<String> {
    if !names.is_empty() {
        let files = building(view);
        names.retain(|name| files.iter().any(|(_, text)| holds(text, name.as_bytes())));
    }
    names
}

/// The files that people build images with, by their paths in the repository, in order, each with its first bytes.
pub(super) fn building(view: &View<'_>) -> Vec<(RepoPath, Vec<u8>)> {
    let all = view.files.iter().chain(view.ignored).map(|(path, _)| path);
    let inside = building_of(all, view.read).into_iter();
    let inside = inside.map(|(path, bytes)| (view.context.join(path.as_bytes()), bytes));
    let first = |bytes: &[u8]| bytes[..bytes.len().min(MAX_FILE)].to_vec();
    let outside = view.outside.iter().take(MAX_FILES);
    let outside = outside.map(|(path, bytes)| (path.clone(), first(bytes)));
    let mut found: Vec<(RepoPath, Vec<u8>)> = inside.chain(outside).collect();
    found.sort();
    found
}

/// Those of `files` that people build images with, in order, each with its first bytes.
pub fn building_of<'p>(
    files: impl Iterator<Item = &'p RepoPath>,
    read: &dyn Fn(&RepoPath) -> Option<Vec<u8>>,
) -> Vec<(RepoPath, Vec<u8>)> {
    let mut files: Vec<&RepoPath> = files.filter(|path| may_build(path)).collect();
    files.sort();
    let read = |path: &RepoPath| {
        let mut bytes = read(path)?;
        bytes.truncate(MAX_FILE);
        Some((path.clone(), bytes))
    };
    files.into_iter().take(MAX_FILES).filter_map(read).collect()
}

/// The value that an argument has where it is not passed.
pub fn default<'a>(view: &View<'a>, name: &str) -> Option<&'a str> {
    let items = view
        .dockerfile
        .instructions()
        .flat_map(Instruction::arguments);
    let mut own = items.filter(|item| item.name == name);
    own.find_map(|item| item.default.as_deref())
}

/// Whether a line of the file at `path` gives `name` a value that is worked out at each build.
fn is_of_the_moment(path: &RepoPath, text: &[u8], name: &str) -> bool {
    let mut keys = path.as_bytes().ends_with(b"ml").then(Keys::default);
    let is_script = path.as_bytes().ends_with(b".sh") || text.starts_with(b"#!");
    text.split(|&b| b == b'\n').any(|line| {
        // A variable of a script's own may have the same name.
        if is_script && !holds(line, b"build-arg") && !holds(line, b"args") {
            return false;
        }
        let is_argument = keys.as_mut().is_none_or(|keys| keys.takes(line, name));
        is_argument && holds(line, name.as_bytes()) && given(line, name) == Some(Given::Moment)
    })
}

/// Whether a file names other Dockerfiles as what it builds, and `dockerfile` nowhere.
fn builds_others_alone(text: &[u8], dockerfile: &RepoPath) -> bool {
    let text = String::from_utf8_lossy(text);
    let own = dockerfile.to_string();
    let plain = |c: char| c.is_whitespace() || "\"',=".contains(c);
    let (mut n_others, mut n_builds, mut n_contexts) = (0, 0, 0);
    for line in text.lines() {
        let builds = [
            "build-push-action",
            "buildx build",
            "docker build",
            "podman build",
        ];
        n_builds += usize::from(builds.iter().any(|b| line.contains(b)));
        n_contexts += usize::from(line.contains("context:"));
        // A service by its directory alone.
        if line.trim_start().starts_with("build: ") {
            return false;
        }
        let mut words = line.split(plain).filter(|w| !w.is_empty());
        let is_flag = |w: &str| matches!(w, "-f" | "--file" | "file:" | "dockerfile:");
        while let Some(flag) = words.next() {
            if !is_flag(flag.trim_start_matches("- ")) {
                continue;
            }
            let Some(named) = words.next().map(|w| w.trim_start_matches("./")) else {
                continue;
            };
            // What a variable names may be any of them.
            if named.contains('$') || own == named || own.ends_with(&format!("/{named}")) {
                return false;
            }
            n_others += usize::from(named.to_ascii_lowercase().contains("dockerfile"));
        }
    }
    n_others > 0 && n_others >= n_builds.max(n_contexts)
}

/// What the commands of a file that build `dockerfile` give `name`, where it is always the same.
fn fixed(text: &[u8], dockerfile: &RepoPath, name: &str) -> BTreeSet<Option<String>> {
    let mut values = BTreeSet::new();
    for command in build_commands(&String::from_utf8_lossy(text)) {
        if !command.is_of(dockerfile) {
            continue;
        }
        let flags = command.text.split("--build-arg").skip(1);
        let mut flags = flags.map(|flag| format!("--build-arg{flag}"));
        match flags.find_map(|flag| given(flag.as_bytes(), name)) {
            Some(Given::Fixed(value)) => {
                values.insert(Some(value));
            }
            None if command.builds && !holds(command.text.as_bytes(), name.as_bytes()) => {
                values.insert(None);
            }
            _ => {}
        }
    }
    values
}

/// The keys of a YAML file that a line stands below, each with its indentation.
#[derive(Default)]
struct Keys(Vec<(usize, String)>);

impl Keys {
    /// Takes the next line; false where it is a key `name` that no build arguments stand above: an input of an action that
    /// has the same name.
    fn takes(&mut self, line: &[u8], name: &str) -> bool {
        let text = String::from_utf8_lossy(line);
        let plain = text.trim_start().trim_start_matches("- ").trim_start();
        let Some((key, _)) = plain.split_once(':').filter(|_| !plain.starts_with('#')) else {
            return true;
        };
        let indent = text.len() - plain.len();
        self.0.retain(|(above, _)| *above < indent);
        let below = self.0.last().map(|(_, key)| key.to_ascii_lowercase());
        let key = key.trim().trim_matches(['"', '\'']);
        self.0.push((indent, key.to_owned()));
        key != name || below.is_some_and(|above| above.contains("arg"))
    }
}

/// What a line gives an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    /// A value that is worked out at each build.
    Moment,
    /// Always this one, by `--build-arg`.
    Fixed(String),
}

/// Words of names of scripts that build images.
const BUILDS: [&str; 5] = ["build", "docker", "image", "publish", "release"];

/// Whether a file is one that people build images with.
pub fn may_build(path: &RepoPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let names = [
        "makefile",
        "justfile",
        "jenkinsfile",
        "earthfile",
        "pom.xml",
        "package.json",
    ];
    // A Dockerfile only receives.
    if lower.contains("dockerfile") {
        return false;
    }
    // `docker-build`, a script without an ending.
    let is_called_so = !lower.contains('.') && BUILDS.iter().any(|b| lower.contains(b));
    is_about_images(path)
        || is_called_so
        || names.contains(&lower.as_str())
        || [".sh", ".mk", ".hcl"].iter().any(|e| lower.ends_with(e))
}

/// Whether a file speaks to what builds images, from outside, and is read by no step inside.
pub fn is_about_images(path: &RepoPath) -> bool {
    let text = path.to_string();
    let lower = text
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let folders = [
        ".github/",
        ".gitlab/",
        ".circleci/",
        ".gitea/",
        ".forgejo/",
        ".woodpecker/",
        // Docker Hub's.
        "hooks/",
    ];
    let starts = [
        ".gitlab-ci",
        ".drone",
        ".woodpecker",
        ".travis",
        "azure-pipelines",
        "bitbucket-pipelines",
        "cloudbuild",
        "compose.",
        "docker-compose",
        "docker-bake",
        "taskfile",
        "skaffold",
        ".goreleaser",
    ];
    folders.iter().any(|f| text.starts_with(f)) || starts.iter().any(|s| lower.starts_with(s))
}

/// What a line gives `name`: `--build-arg NAME=$(git …)`, `NAME=${{ github.sha }}`, `NAME: ${VERSION}`,
/// `<NAME>${project.version}</NAME>`, a bare `--build-arg NAME`; or one value, `--build-arg NAME=./x`.
fn given(line: &[u8], name: &str) -> Option<Given> {
    let text = String::from_utf8_lossy(line);
    let (before, after) = text.split_once(name)?;
    let before = before.trim_end();
    // What reads the variable names it too.
    if before.ends_with(['$', '{', '.', '/']) {
        return None;
    }
    let is_flag = before
        .trim_end_matches(['"', '\''])
        .trim_end()
        .ends_with("--build-arg")
        || before.ends_with("--build-arg=");
    let value = after.trim_start_matches(['"', '\'']).trim_start();
    if is_flag && (value.is_empty() || after.starts_with(' ')) {
        return Some(Given::Moment);
    }
    let element = before
        .ends_with('<')
        .then(|| value.strip_prefix('>'))
        .flatten();
    let value = element.or_else(|| value.strip_prefix(['=', ':']))?;
    let value = if is_flag { first_word(value) } else { value };
    // A default that stands there, or one of a list, is what most builds have.
    // A secret is the same at each build.
    if [":-", "matrix.", "secrets."]
        .iter()
        .any(|w| value.contains(w))
    {
        return None;
    }
    if value.contains(['$', '`']) || value.contains("{{") {
        return Some(Given::Moment);
    }
    let word = value.split_whitespace().next()?;
    let word = word.trim_matches(['"', '\'', '\\']).to_owned();
    let is_switch = ["", "0", "1", "true", "false", "yes", "no", "on", "off"]
        .contains(&word.to_ascii_lowercase().as_str());
    (is_flag && !is_switch).then_some(Given::Fixed(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_passes_a_value_of_the_moment_is_told_from_others() {
        let check = |line: &str, expected: bool| {
            let is = given(line.as_bytes(), "SHA") == Some(Given::Moment);
            assert_eq!(is, expected, "{line}");
        };
        check("<SHA>${project.version}</SHA>", true);
        assert_eq!(
            given(b"docker build --build-arg SHA=./x .", "SHA"),
            Some(Given::Fixed("./x".to_owned()))
        );
        check("docker build --build-arg SHA=$(git rev-parse HEAD) .", true);
        check("            SHA=${{ github.sha }}", true);
        check("  SHA: \"${VERSION}\"", true);
        check("docker build --build-arg SHA .", true);
        check("            SHA=1.2.3", false);
        check("  SHA: ${SHA:-none}", false);
        check("  SHA: ${{ matrix.sha }}", false);
        check("  SHA=${{ secrets.SHA }}", false);
        assert_eq!(given(b"build --build-arg SHA=true", "SHA"), None);
        assert_eq!(
            given(b"build --build-arg SHA=x -t $IMAGE .", "SHA"),
            Some(Given::Fixed("x".to_owned()))
        );
        check("build --build-arg \"SHA=$(git rev-parse HEAD)\" .", true);
        check("build --build-arg SHA=`date` .", true);
        check("echo $SHA", false);
        check("the SHA of a commit", false);
        check("", false);
    }

    #[test]
    fn a_key_of_yaml_is_an_argument_only_below_arguments() {
        let check = |text: &str, expected: bool| {
            let mut keys = Keys::default();
            let all = text.lines().map(|line| keys.takes(line.as_bytes(), "SHA"));
            assert_eq!(all.last(), Some(expected), "{text}");
        };
        check("with:\n  SHA: ${{ x }}", false);
        check("build:\n  args:\n    A: 1\n    SHA: $X", true);
        check("- build-args: |\n    SHA=$X", true);
        check("args:\n  A: 1\nwith:\n  SHA: $X", false);
        check("run: docker build --build-arg SHA=$X .", true);
        check("SHA: 1", false);
    }

    #[test]
    fn a_file_that_builds_other_dockerfiles_is_told() {
        let check = |text: &str, expected: bool| {
            let own = RepoPath::new("app/Dockerfile");
            assert_eq!(
                builds_others_alone(text.as_bytes(), &own),
                expected,
                "{text}"
            );
        };
        let action = "uses: docker/build-push-action@v6\n  with:\n    context: .\n";
        check(&format!("{action}    file: Dockerfile.tools\n"), true);
        check(&format!("{action}    file: ./app/Dockerfile\n"), false);
        check(
            &format!("{action}    file: ${{{{ matrix.file }}}}\n"),
            false,
        );
        check(
            &format!("{action}    file: Dockerfile.tools\n{action}"),
            false,
        );
        check("docker build -f tools/Dockerfile.ci .", true);
        check("docker build .\ndocker build -f Dockerfile.ci .", false);
        check(
            "a:\n  build: .\nb:\n  build:\n    dockerfile: Dockerfile.b",
            false,
        );
        check("args: A=1", false);
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
        check("docker-build", true);
        check("src/main.rs", false);
        check(".github/docker/old.Dockerfile", false);
        check("docs/github/x.md", false);
    }
}
