//! Manifests, lockfiles and other files that say how a build goes, by their names.

use crate::tree::RepoPath;

/// Manifests and lockfiles, by name.
pub(super) fn is_dependency_file(path: &RepoPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    let exact = [
        "go.sum",
        "go.work",
        "go.work.sum",
        "Gemfile",
        "Pipfile",
        ".npmrc",
        ".yarnrc.yml",
        ".yarnrc",
        "mvnw",
        "gradlew",
        "bun.lockb",
        "pnpm-workspace.yaml",
        "build.gradle",
        "settings.gradle",
        "global.json",
        "go.mod",
        "mix.lock",
        "tox.ini",
    ];
    let is_config = name.contains(".config.");
    exact.contains(&name)
        || text.starts_with(".mvn/")
        || name.ends_with(".lock")
        || name.ends_with("-lock.json")
        || name.ends_with("-lock.yaml")
        || name.ends_with(".sln")
        || (is_manifest(path) && !name.ends_with(".sh") && !is_config)
}

/// Files that say how the build goes.
pub(super) fn is_manifest(path: &RepoPath) -> bool {
    let text = path.to_string();
    let name = text.rsplit('/').next().unwrap_or_default();
    let ending = [
        ".gemspec",
        ".csproj",
        ".fsproj",
        ".props",
        ".targets",
        ".gradle",
        ".gradle.kts",
        ".sbt",
        ".cabal",
        ".mk",
        ".cmake",
        ".nimble",
    ];
    let exact = [
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "Cargo.toml",
        "build.rs",
        "package.json",
        "pom.xml",
        "mix.exs",
        "Makefile",
        "makefile",
        "GNUmakefile",
        "CMakeLists.txt",
        "justfile",
        "Justfile",
        "Taskfile.yml",
        "Rakefile",
        "composer.json",
        "meson.build",
        "configure.ac",
        "extensions.xml",
        "magefile.go",
        "version.json",
        "flake.nix",
        "package.yaml",
        "Setup.hs",
    ];
    exact.contains(&name)
        || ending.iter().any(|e| name.ends_with(e))
        || name.ends_with(".sh")
        || name.contains(".config.")
        || name.starts_with("requirements")
}
