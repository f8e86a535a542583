//! What files are for, by their names: manifests, sources, what builds seldom or never read.

use crate::ecosystem::matches_name;
use crate::tree::RepoPath;

/// File names that installs of dependencies read, exactly. Sources: the package managers' manuals.
const MANIFESTS: &[&str] = &[
    ".mvn",
    ".npmrc",
    ".pnpmfile.cjs",
    ".python-version",
    ".ruby-version",
    ".yarnrc",
    ".yarnrc.yml",
    "Cargo.lock",
    "Cargo.toml",
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "Gemfile",
    "Gemfile.lock",
    "NuGet.Config",
    "Package.resolved",
    "Package.swift",
    "Pipfile",
    "Pipfile.lock",
    "build.gradle",
    "build.gradle.kts",
    "build.sbt",
    "bun.lock",
    "bun.lockb",
    "bunfig.toml",
    "cabal.project",
    "composer.json",
    "composer.lock",
    "constraints.txt",
    "deno.json",
    "deno.lock",
    "environment.yml",
    "global.json",
    "go.mod",
    "go.sum",
    "go.work",
    "go.work.sum",
    "gradle.lockfile",
    "gradle.properties",
    "gradlew",
    "libs.versions.toml",
    "lerna.json",
    "mix.exs",
    "mix.lock",
    "mvnw",
    "npm-shrinkwrap.json",
    "nuget.config",
    "package-lock.json",
    "package.json",
    "package.yaml",
    "packages.lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "poetry.lock",
    "pom.xml",
    "pyproject.toml",
    "rebar.config",
    "rebar.lock",
    "recipe.json",
    "rust-toolchain",
    "rust-toolchain.toml",
    "settings.gradle",
    "settings.gradle.kts",
    "setup.cfg",
    "setup.py",
    "stack.yaml",
    "stack.yaml.lock",
    "turbo.json",
    "uv.lock",
    "vcpkg.json",
    "yarn.lock",
];

/// Endings of such names.
const MANIFEST_ENDINGS: &[&str] = &[
    ".cabal", ".csproj", ".fsproj", ".gemspec", ".nimble", ".opam", ".sln", ".slnx", ".vbproj",
];

/// Whether an install of dependencies may read this file, by its name alone.
pub fn is_manifest(path: &RepoPath) -> bool {
    let Some(name) = path.file_name() else {
        return false;
    };
    let name = String::from_utf8_lossy(name);
    let in_folder = |folder: &[u8]| path.names().rev().skip(1).any(|n| n == folder);
    MANIFESTS.contains(&name.as_ref())
        || MANIFEST_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (name.ends_with(".txt") && (name.contains("requirements") || in_folder(b"requirements")))
        || (name.ends_with(".patch") && in_folder(b"patches"))
        || in_folder(b".mvn")
        || in_folder(b".yarn")
        // Mix reads the project's configuration before it compiles dependencies.
        || (name.ends_with(".exs") && in_folder(b"config"))
}

/// Files that no step of a build reads unless it names them: of continuous integration, of editors, of the builder.
/// First names of paths or file names, in lower case; `*` is any rest.
pub(super) const NOBODY: &[&str] = &[
    "*.dockerfile",
    ".azure-pipelines",
    ".buildkite",
    ".circleci",
    ".codecov.yml",
    ".devcontainer",
    ".dockerignore",
    ".drone.yml",
    ".editorconfig",
    ".github",
    ".gitlab",
    ".gitlab-ci.yml",
    ".hadolint*",
    ".idea",
    ".mailmap",
    ".pre-commit-config.yaml",
    ".renovaterc*",
    ".travis.yml",
    ".vscode",
    ".woodpecker*",
    "appveyor.yml",
    "azure-pipelines*",
    "bitbucket-pipelines.yml",
    "codecov.yml",
    "compose.y*ml",
    "containerfile*",
    "docker-compose*",
    "dockerfile*",
    "jenkinsfile*",
    "renovate.json*",
];

/// Files that builds seldom read: documentation and tests.
pub(super) const FEW: &[&str] = &[
    "*.adoc",
    "*.md",
    "*.mdx",
    "*.rst",
    "*.spec.*",
    "*.test.*",
    "*_spec.rb",
    "*_test.go",
    "*_test.py",
    ".gitattributes",
    ".gitignore",
    "__tests__",
    "authors*",
    "benches",
    "changelog*",
    "codeowners",
    "contributing*",
    "copying",
    "cypress",
    "doc",
    "docs",
    "e2e",
    "examples",
    "fuzz",
    "licence*",
    "license*",
    "notice*",
    "screenshots",
    "spec",
    "test",
    "tests",
];

/// Whether the first name of `path` or its last is one of `table`.
pub(super) fn is_of(table: &[&str], path: &RepoPath) -> bool {
    let is_one = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        table
            .iter()
            .any(|pattern| matches_name(pattern.as_bytes(), name.as_bytes()))
    };
    path.names().next().is_some_and(is_one) || path.file_name().is_some_and(is_one)
}

/// Kinds of programs, by what their compilers read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Go.
    Go,
    /// Rust.
    Rust,
    /// Java and its relatives.
    Jvm,
    /// .NET.
    DotNet,
    /// Elixir.
    Elixir,
    /// Web bundles: anything may be imported.
    Web,
}

impl Kind {
    /// Whether compilers of this kind read such a file, by its name.
    pub(super) fn compiles(self, path: &RepoPath) -> bool {
        let name = path.file_name().unwrap_or_default();
        let ends = |endings: &[&str]| endings.iter().any(|e| name.ends_with(e.as_bytes()));
        let is_in = |folder: &[u8]| path.names().any(|n| n == folder);
        match self {
            Self::Go => {
                ends(&[".go", ".c", ".h", ".s", ".S", ".cc", ".cpp", ".proto"])
                    && !ends(&["_test.go"])
            }
            Self::Rust => ends(&[".rs", ".toml", ".proto", ".sql", ".c", ".h"]),
            Self::Jvm => {
                ends(&[".java", ".kt", ".kts", ".scala", ".groovy", ".clj"]) && !is_in(b"test")
                    || is_in(b"main")
            }
            Self::DotNet => ends(&[
                ".cs", ".fs", ".vb", ".cshtml", ".razor", ".resx", ".xaml", ".json", ".config",
            ]),
            Self::Elixir => {
                ends(&[".ex", ".exs", ".eex", ".heex", ".leex", ".erl"])
                    || is_in(b"priv")
                    || is_in(b"assets")
            }
            Self::Web => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_known_by_name() {
        for (path, want) in [
            ("package.json", true),
            ("web/package-lock.json", true),
            ("requirements/base.txt", true),
            ("requirements-dev.txt", true),
            ("src/App.csproj", true),
            (".mvn/wrapper/maven-wrapper.properties", true),
            ("config/prod.exs", true),
            ("test/a_test.exs", false),
            ("src/main.rs", false),
            ("docs/notes.txt", false),
            ("", false),
        ] {
            assert_eq!(is_manifest(&RepoPath::new(path)), want, "{path}");
        }
    }
}
