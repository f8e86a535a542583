//! Classes of files that builds seldom read, by their names: documentation, CI and editor files, tests, Dockerfiles.

use super::bare::{Bare, Named};
use super::broad::{Broad, reaches_image};
use super::embedded::Embedded;
use super::folders::{MOST_IN_FOLDERS, in_text, of_source};
use super::referred::{Referred, referred, words_of};
use super::testing::{is_for_tests, is_of_tests, runs_tests};
use super::wanted::{is_kept_by_user, is_named};
use crate::ecosystem::matches_name;
use crate::restructure::candidate::{Candidate, Safety};
use crate::restructure::git::asked::{names_in_copies, run_texts};
use crate::restructure::ignore_file::{escaped, with_lines};
use crate::restructure::mentions::{holds, mentions};
use crate::restructure::named::scripts_run;
use crate::restructure::sentence::abridged;
use crate::restructure::view::View;
use crate::tree::RepoPath;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// A class of files that builds seldom read.
pub(super) struct Class {
    /// For titles.
    what: &'static str,
    /// First names of paths, in lower case; `*` is any part.
    names: &'static [&'static str],
    /// Whether files of these names are of the class in any folder.
    in_folders: bool,
}

/// What the class of tests is called.
const TESTS: &str = "tests";

pub(super) const CLASSES: &[Class] = &[
    Class {
        what: "documentation",
        names: &[
            "docs",
            "doc",
            "documentation",
            "*.md",
            "*.mdx",
            "*.rst",
            "*.adoc",
            "license*",
            "licence*",
            "copying",
            "authors*",
            "notice*",
            "changelog*",
            "changes*",
            "contributors*",
            "codeowners",
            "examples",
            "example",
            "screenshots",
        ],
        in_folders: false,
    },
    Class {
        what: "CI and editor files",
        names: &[
            ".github",
            ".gitlab",
            ".gitlab-ci.yml",
            ".circleci",
            ".travis.yml",
            ".drone.yml",
            ".buildkite",
            ".ci",
            "jenkinsfile*",
            "azure-pipelines*",
            ".azure-pipelines",
            "appveyor.yml",
            ".appveyor.yml",
            "bitbucket-pipelines.yml",
            ".woodpecker*",
            ".vscode",
            ".idea",
            ".devcontainer",
            ".editorconfig",
            ".gitignore",
            ".gitattributes",
            ".mailmap",
            ".pre-commit-config.yaml",
            "renovate.json*",
            ".renovaterc*",
            "dependabot.yml",
            ".codecov.yml",
            "codecov.yml",
            ".coveralls.yml",
            ".fossa.yml",
            "netlify.toml",
            "vercel.json",
            "fly.toml",
            "render.yaml",
            "app.json",
            "procfile",
            "crowdin.yml",
            ".all-contributorsrc",
            "helm",
            "charts",
            "k8s",
            "kubernetes",
            "terraform",
            "ansible",
            ".release-please-manifest.json",
            "release-please-config.json",
            ".goreleaser*",
            ".gitea",
            ".forgejo",
            ".gitlab-ci*",
            ".cirrus.*",
            ".semaphore",
            ".builds",
            ".build.yml",
            ".teamcity",
            ".tekton",
            "cloudbuild*.y*ml",
            "skaffold*.y*ml",
            "tiltfile",
            ".mergify.yml",
            ".gitpod*",
            ".zed",
            ".vs",
            "*.code-workspace",
        ],
        in_folders: false,
    },
    Class {
        what: TESTS,
        names: &[
            "test",
            "tests",
            "spec",
            "specs",
            "e2e",
            "cypress",
            "__tests__",
            "integration-tests",
            "benches",
            "bench",
            "benchmarks",
            "fuzz",
        ],
        in_folders: false,
    },
    Class {
        what: "files about the image alone",
        names: &[
            "dockerfile*",
            "*.dockerfile",
            ".dockerignore",
            "docker-compose*",
            "compose.y*ml",
            "compose.*",
            "containerfile*",
            "*.containerfile",
            "docker-bake*",
            ".hadolint*",
        ],
        in_folders: true,
    },
];

impl Class {
    /// Whether these are the tests.
    pub(super) fn is_of_tests(&self) -> bool {
        self.what == TESTS
    }

    /// Whether a path that begins with `name`, in lower case, is of the class.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut names = self.names.iter();
        names.any(|n| matches_name(n.as_bytes(), name.as_bytes()))
    }

    /// By which name `path` is of the class: its first, or all of it.
    fn name_of(&self, path: &RepoPath) -> Option<String> {
        let is_one = |name: &[u8]| {
            let lower = name.to_ascii_lowercase();
            self.names
                .iter()
                .any(|n| matches_name(n.as_bytes(), &lower))
        };
        let first = path.names().next()?;
        let name = if is_one(first) {
            first
        } else if self.in_folders && path.file_name().is_some_and(is_one) {
            path.as_bytes()
        } else {
            return None;
        };
        std::str::from_utf8(name).ok().map(str::to_owned)
    }
}

/// Settings of editors, which some compilers and formatters take for theirs.
const EDITORCONFIG: &str = ".editorconfig";

/// Whether a build of the tree may go by [`EDITORCONFIG`]: C#'s compiler takes the severities of its analyzers from it, and
/// so does what checks Kotlin's style.
fn is_compiled_by(view: &View<'_>) -> bool {
    let ends = |path: &RepoPath, ends: &[&[u8]]| ends.iter().any(|e| path.as_bytes().ends_with(e));
    let is_dotnet = |p: &RepoPath| ends(p, &[b".csproj", b".fsproj", b".vbproj"]);
    let is_of_java = |p: &RepoPath| ends(p, &[b".gradle", b".gradle.kts", b"pom.xml", b".toml"]);
    let checks = ["ktlint", "spotless"];
    view.files.iter().any(|(p, _)| is_dotnet(p))
        || !mentions(view, &checks, is_of_java).found.is_empty()
}

/// What is asked of a build, whichever the class: found once for all of them.
pub(super) struct Asked<'a> {
    view: &'a View<'a>,
    broad: &'a [Broad<'a>],
    tests_run: bool,
    /// What COPYs, mounts and other Dockerfiles name.
    named: [BTreeSet<String>; 2],
    /// The texts of RUNs, and those of the scripts that they name.
    runs: Vec<String>,
    scripts: Vec<Vec<u8>>,
    /// These look through the tree: only where there is something to leave out.
    embedded: OnceCell<Embedded>,
    bare: OnceCell<Bare>,
}

impl<'a> Asked<'a> {
    /// `elsewhere` is what other Dockerfiles name.
    pub(super) fn new(
        view: &'a View<'a>,
        broad: &'a [Broad<'a>],
        elsewhere: BTreeSet<String>,
    ) -> Self {
        let runs: Vec<String> = run_texts(view).collect();
        Self {
            view,
            broad,
            tests_run: runs_tests(view),
            named: [names_in_copies(view), elsewhere],
            scripts: scripts_run(view, &runs),
            runs,
            embedded: OnceCell::new(),
            bare: OnceCell::new(),
        }
    }
}

/// The candidate of one class.
pub(super) fn of_class(asked: &Asked<'_>, class: &Class) -> Option<Candidate> {
    let Asked {
        view,
        broad,
        tests_run,
        ref runs,
        ref scripts,
        ..
    } = *asked;
    if class.what == TESTS && (tests_run || is_for_tests(view)) {
        return None;
    }
    let kept = |first: &str| {
        asked.named.iter().any(|named| is_named(named, first))
            || first == EDITORCONFIG && is_compiled_by(view)
    };
    let mut tops: BTreeMap<String, usize> = BTreeMap::new();
    for (path, _) in view.files {
        let Some(name) = class.name_of(path).filter(|n| !tops.contains_key(n)) else {
            continue;
        };
        let top = RepoPath::new(&name);
        let touched = view.n_touching(|p| p.strip_prefix(&top).is_some());
        let in_run = runs.iter().any(|r| in_text(r, &name));
        // What tests read of a folder need not be named.
        if tests_run && name.contains('/') && is_of_tests(path) {
            continue;
        }
        let in_script = || {
            let mut words = words_of(view, &name);
            words.push(name.clone());
            let holds_one = |script: &Vec<u8>| words.iter().any(|w| holds(script, w.as_bytes()));
            scripts.iter().any(holds_one)
        };
        let is_wanted = kept(&name) || in_run || is_kept_by_user(view, &name);
        if touched > 0 && !is_wanted && !in_script() {
            tops.insert(name, touched);
        }
    }
    // So many in folders are none that a few names would keep out.
    if tops.keys().filter(|n| n.contains('/')).count() > MOST_IN_FOLDERS {
        tops.retain(|n, _| !n.contains('/'));
    }
    if !tops.is_empty() {
        let embedded = asked.embedded.get_or_init(|| Embedded::of(view, tests_run));
        tops.retain(|first, _| !embedded.has(&RepoPath::new(first)));
    }
    let mut mentioned = Vec::new();
    if !tops.is_empty() {
        let bare = asked.bare.get_or_init(|| Bare::of(view));
        tops.retain(|first, _| match bare.names(view, first) {
            Named::No => true,
            Named::Surely => false,
            Named::Perhaps(path) => {
                mentioned.push(format!("{path} mentions {first}"));
                true
            }
        });
    }
    // What the tree itself refers to stays, unless it is only other documentation that does.
    tops.retain(|first, _| match referred(view, first, tests_run) {
        Referred::No => true,
        Referred::ByManifest => false,
        // They are part of what is run.
        Referred::Elsewhere(path, _) if tests_run && is_of_tests(&path) => false,
        Referred::Elsewhere(path, word) => {
            mentioned.push(format!("{path} mentions {word}"));
            true
        }
    });
    if tops.is_empty() {
        return None;
    }
    let mut said = BTreeSet::new();
    mentioned.retain(|what| said.insert(what.clone()));
    mentioned.truncate(3);
    let it = if mentioned.len() == 1 { "it" } else { "them" };
    let mut doubts = Vec::new();
    if !mentioned.is_empty() {
        doubts.push(format!(
            "{}: check that no build step reads {it}",
            mentioned.join(", ")
        ));
    }
    let names: Vec<String> = tops.keys().cloned().collect();
    let folders = of_source(&names);
    if !folders.is_empty() {
        let folders: Vec<String> = folders.into_iter().map(str::to_owned).collect();
        doubts.push(format!(
            "check that no build step takes {} whole, with these files",
            abridged(&folders, 3)
        ));
    }
    let reaching = broad.iter().find_map(|b| {
        let each = names.iter().filter_map(|n| reaches_image(view, b, Some(n)));
        Some((b.instruction.lines.first, each.max()?))
    });
    if let Some((line, takes)) = reaching {
        doubts.push(format!(
            "line {line} {takes} these files into the image; check that nothing needs them at run time"
        ));
    }
    let lines: Vec<String> = names.iter().map(|n| escaped(n)).collect();
    let mut candidate = with_lines(view, "ignore", &lines)?;
    candidate.title = format!("ignore {}: {}", class.what, abridged(&names, 3));
    let paths: Vec<RepoPath> = names.iter().map(RepoPath::new).collect();
    let n = view.n_touching(|p| paths.iter().any(|top| p.strip_prefix(top).is_some()));
    candidate.rationale = format!(
        "{} of {} builds changed these files, which no step reads; each time line {} and what follows ran again.",
        n,
        view.n_builds(),
        broad[0].instruction.lines.first
    );
    candidate.safety = Safety::of(
        vec!["no COPY, mount or RUN names these files, and no manifest refers to them".to_owned()],
        doubts,
    );
    candidate.lines = broad.iter().map(|b| b.instruction.lines).collect();
    Some(candidate)
}
