//! What tools look for upwards from where they run.

use super::super::mentions::mentions;
use super::super::view::View;
use super::narrow::is_in;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Files that tools look for upwards from where they run, whatever else they find on the way.
const FOUND_ABOVE: &[&str] = &[
    ".cargo",
    ".npmrc",
    ".yarnrc.yml",
    ".yarn",
    "Directory.Build.props",
    "Directory.Build.targets",
    "Directory.Packages.props",
    "global.json",
    "nuget.config",
    "NuGet.config",
    "NuGet.Config",
    "rust-toolchain",
    "rust-toolchain.toml",
];

/// The same for what the compilers of .NET and the analyzers that they run look for: severities may turn a warning into an
/// error (learn.microsoft.com, "Configuration files for code analysis rules").
const OF_DOTNET: &[&str] = &[".editorconfig", ".globalconfig", "stylecop.json"];

/// The same for what the packages of a front-end's build look for (browserslist, postcss-load-config, ESLint).
const OF_FRONT_ENDS: &[&str] = &[
    ".browserslistrc",
    ".eslintrc",
    ".eslintrc.cjs",
    ".eslintrc.js",
    ".eslintrc.json",
    ".postcssrc",
    "postcss.config.cjs",
    "postcss.config.js",
    "postcss.config.mjs",
];

/// What tools look for upwards, where `programs` run.
pub(super) fn found_above(programs: &BTreeSet<String>) -> impl Iterator<Item = &'static str> {
    let runs = |names: &[&str]| names.iter().any(|n| programs.contains(*n));
    let of = |names, is_asked| if is_asked { names } else { &[][..] };
    let dotnet = of(OF_DOTNET, runs(&["dotnet", "msbuild"]));
    let nodes = ["bun", "node", "npm", "npx", "pnpm", "yarn"];
    let front_ends = of(OF_FRONT_ENDS, runs(&nodes));
    let all = FOUND_ABOVE.iter().chain(dotnet).chain(front_ends);
    all.copied()
}

/// Manifests that tools look for upwards where a directory has none of its own: the steps are then those of the project
/// at the root, and may read all of it.
const PROJECTS: &[&str] = &[
    "go.mod",
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "Gemfile",
    "composer.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "mix.exs",
    "tsconfig.json",
];

/// Programs that look for few of the manifests, with those that they look for: Ruby's are what Bundler installs, and what
/// is run with it.
const OF_ONE_KIND: &[(&[&str], &[&str])] = &[
    (
        &["bundle", "gem", "jekyll", "middleman", "nanoc"],
        &["Gemfile"],
    ),
    (OF_NODE, &["package.json", "tsconfig.json"]),
];

/// Programs of a front-end's build.
const OF_NODE: &[&str] = &[
    "bun", "corepack", "node", "npm", "npx", "pnpm", "tsc", "vite", "yarn",
];

/// Words in a package.json by which its scripts may build with what has another manifest.
const OF_OTHERS: &[&str] = &[
    "bundle", "cargo", "composer", "go", "gradle", "gradlew", "make", "mix", "mvn", "mvnw", "pip",
    "poetry", "python", "python3", "sh", "uv", "wasm",
];

/// The manifests of [`PROJECTS`] that `programs`, which work in `needed`, may look for.
pub(super) fn asked_for(
    view: &View<'_>,
    needed: &BTreeSet<String>,
    programs: &BTreeSet<String>,
) -> &'static [&'static str] {
    let is_all = |names: &[&str]| programs.iter().all(|p| names.contains(&p.as_str()));
    let all = OF_ONE_KIND
        .iter()
        .find(|(names, _)| !programs.is_empty() && is_all(names));
    let Some((names, manifests)) = all else {
        return PROJECTS;
    };
    let is_manifest = |p: &RepoPath| is_in(p, needed) && p.file_name() == Some(b"package.json");
    let calls = || {
        let found = mentions(view, OF_OTHERS, is_manifest);
        !found.found.is_empty() || !found.is_complete
    };
    if *names == OF_NODE && calls() {
        return PROJECTS;
    }
    manifests
}
