//! `package.json` and its kin: workspaces, local dependencies, lifecycle scripts and the files they name.

use super::files::Files;
use super::needs::{Needs, within};
use super::text;
use crate::tree::RepoPath;
use serde_json::Value;
use std::collections::BTreeSet;

/// Which lifecycle scripts an install in the project itself runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scripts {
    /// npm, pnpm, Bun and classic Yarn (docs.npmjs.com/cli/using-npm/scripts, "npm ci" and "npm install").
    All,
    /// Yarn 2 on: `prepare` is for packing alone (yarnpkg.com/advanced/lifecycle-scripts).
    OfInstall,
    /// It is told to run none.
    Off,
}

impl Scripts {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::All => &[
                "preinstall",
                "install",
                "postinstall",
                "prepublish",
                "preprepare",
                "prepare",
                "postprepare",
            ],
            Self::OfInstall => &["preinstall", "install", "postinstall"],
            Self::Off => &[],
        }
    }
}

/// Programs of scripts that read nothing of the project (or nothing that changes an install's result).
const HARMLESS: &[&str] = &[
    "husky",
    "is-ci",
    "only-allow",
    "ngcc",
    "true",
    "echo",
    "exit",
    "simple-git-hooks",
    "opencollective",
    "opencollective-postinstall",
    "check-node-version",
    "npm-force-resolutions",
    "corepack",
    "skip-ci",
    "in-ci",
    "rimraf",
    "check-engine",
    "pnpm-deduplicate",
    "yarn-deduplicate",
    "playwright",
    "puppeteer",
    "cypress",
    "electron-builder",
    "node-gyp-build",
    "husky-init",
];

/// Programs of scripts that set hooks up and fail where there is no repository.
const OF_GIT: &[&str] = &["git", "lefthook"];

/// What an install in `dir` reads: its manifests, its workspaces' manifests, and what their scripts name.
/// `Err` when a script needs the source.
pub(super) fn needs(
    files: &Files<'_>,
    dir: &RepoPath,
    lockfiles: &[&str],
    scripts: Scripts,
) -> Result<Needs, String> {
    let mut needs = Needs::default();
    let root = dir.join(b"package.json");
    if !needs.file(files, &root) {
        return Err("there is no package.json where it runs".to_owned());
    }
    needs.names(files, dir, lockfiles);
    let Some(manifest) = files.json(&root) else {
        needs.doubt(format!("{root} could not be read as JSON"));
        return Ok(needs);
    };
    let members = members(files, dir, &manifest);
    for member in &members {
        let path = member.join(b"package.json");
        needs.file(files, &path);
        // Packages may ask for settings of their own (registry, engine checks).
        needs.names(files, member, &[".npmrc"]);
    }
    if !members.is_empty() {
        needs.shown(format!(
            "the {} workspace manifests are copied with it",
            members.len()
        ));
    }
    for package in std::iter::once(dir).chain(&members) {
        let Some(json) = files.json(&package.join(b"package.json")) else {
            continue;
        };
        local_dependencies(files, package, &json, &mut needs);
        prisma_client(files, package, &json, &mut needs);
        patches(files, package, &json, &mut needs);
        lifecycle(files, package, &json, scripts, &mut needs)?;
    }
    if scripts != Scripts::Off && needs.doubts.is_empty() {
        needs.shown("its lifecycle scripts read no other file of the project".to_owned());
    }
    Ok(needs)
}

/// Directories of the workspace's members, those of `pnpm-workspace.yaml` and of `workspaces` in package.json.
pub(super) fn members(files: &Files<'_>, dir: &RepoPath, manifest: &Value) -> BTreeSet<RepoPath> {
    let listed = manifest
        .get("workspaces")
        .map(|w| w.get("packages").unwrap_or(w));
    let mut patterns: Vec<String> = listed
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|p| p.as_str().map(str::to_owned))
        .collect();
    if let Some(yaml) = files.text(&dir.join(b"pnpm-workspace.yaml")) {
        patterns.extend(text::yaml_list(&yaml, "packages"));
    }
    let mut members = BTreeSet::new();
    for pattern in patterns.iter().take(256) {
        let (found, removes) = match pattern.strip_prefix('!') {
            Some(pattern) => (pattern, true),
            None => (pattern.as_str(), false),
        };
        for member in files.member_dirs(dir, found, "package.json") {
            if removes {
                members.remove(&member);
            } else if !member.names().any(|n| n == b"node_modules") && member != *dir {
                members.insert(member);
            }
        }
    }
    members
}

/// `file:`, `link:` and `portal:` dependencies.
fn local_dependencies(files: &Files<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    let kinds = [
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "resolutions",
        "overrides",
    ];
    for (name, value) in kinds
        .iter()
        .filter_map(|k| manifest.get(*k)?.as_object())
        .flatten()
    {
        let Some(value) = value.as_str() else {
            continue;
        };
        let local = ["file:", "portal:", "link:"]
            .iter()
            .find_map(|p| value.strip_prefix(p));
        let Some(path) = local else { continue };
        let Some(path) = within(dir, path) else {
            needs.doubt(format!("{name} comes from {value}, outside the context"));
            continue;
        };
        let found = if value.starts_with("link:") {
            needs.file(files, &path.join(b"package.json"))
        } else {
            needs.path(files, &path)
        };
        if found {
            needs.shown(format!("the local dependency {path} is copied with it"));
        } else {
            needs.absent(format!(
                "{name} comes from {path}, which is not in the repository"
            ));
        }
    }
}

/// `@prisma/client` generates itself at install from the schema if it finds one.
fn prisma_client(files: &Files<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    let uses = ["dependencies", "devDependencies"].iter().any(|k| {
        manifest
            .get(*k)
            .is_some_and(|d| d.get("@prisma/client").is_some())
    });
    if uses {
        prisma_schema(files, dir, manifest, needs);
    }
}

fn prisma_schema(files: &Files<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) -> bool {
    let named = manifest
        .pointer("/prisma/schema")
        .and_then(Value::as_str)
        .and_then(|p| within(dir, p));
    let mut found = named.is_some_and(|p| needs.path(files, &p));
    for path in ["prisma/schema.prisma", "schema.prisma"] {
        found |= needs.file(files, &dir.join(path.as_bytes()));
    }
    let schemas: Vec<RepoPath> = files
        .below(&dir.join(b"prisma/schema"))
        .filter(|p| p.as_bytes().ends_with(b".prisma"))
        .cloned()
        .collect();
    found |= !schemas.is_empty();
    needs.files.extend(schemas);
    needs.names(
        files,
        dir,
        &["prisma.config.ts", "prisma.config.js", "prisma.config.mjs"],
    );
    if found {
        needs.shown(
            "the Prisma schema, which the client is generated from, is copied with it".to_owned(),
        );
    }
    found
}

/// Patch files that the package manager applies at install.
fn patches(files: &Files<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    let listed = manifest
        .pointer("/pnpm/patchedDependencies")
        .and_then(Value::as_object);
    let bun = manifest
        .get("patchedDependencies")
        .and_then(Value::as_object);
    for path in listed
        .into_iter()
        .chain(bun)
        .flatten()
        .filter_map(|(_, p)| p.as_str())
    {
        patch(files, dir, path, needs);
    }
    // Yarn's `patch:name@npm%3A1.0.0#./patches/name.patch`, `~/` for the project's root; `~builtin<…>` is Yarn's own.
    let tables = ["dependencies", "devDependencies", "resolutions"];
    let sources = tables.iter().filter_map(|k| manifest.get(*k)?.as_object());
    for source in sources.flatten().filter_map(|(_, v)| v.as_str()) {
        let Some((_, named)) = source
            .strip_prefix("patch:")
            .and_then(|s| s.split_once('#'))
        else {
            continue;
        };
        let named = named.split("::").next().unwrap_or(named).split('&');
        for path in named.filter(|p| !p.contains("builtin<")) {
            let path = path.trim_start_matches("optional!");
            patch(files, dir, path.trim_start_matches("~/"), needs);
        }
    }
    needs.dir(files, &dir.join(b".yarn/patches"));
}

fn patch(files: &Files<'_>, dir: &RepoPath, path: &str, needs: &mut Needs) {
    if !within(dir, path).is_some_and(|p| needs.file(files, &p)) {
        needs.absent(format!(
            "the patch {path} that package.json names is not in the repository"
        ));
    }
}

/// What the lifecycle scripts read; `Err` when one needs the source.
fn lifecycle(
    files: &Files<'_>,
    dir: &RepoPath,
    manifest: &Value,
    run: Scripts,
    needs: &mut Needs,
) -> Result<(), String> {
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    for name in run.names() {
        if let Some(script) = scripts.and_then(|s| s.get(*name)?.as_str()) {
            read_script(files, dir, manifest, name, script, needs, 0)?;
        }
    }
    // node-gyp builds a package with binding.gyp at install.
    if run != Scripts::Off && files.has(&dir.join(b"binding.gyp")) {
        return Err("the install compiles the project's own addon (binding.gyp)".to_owned());
    }
    Ok(())
}

/// The commands of a script, cut where the shell cuts outside of quotes.
fn parts(script: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, c) in script.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '&' | '|' | ';' | '(' | ')') => {
                parts.push(script[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(script[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// One script's text. Chains are cut at `&&`, `||` and `;`: what a chain does not run cannot read less.
fn read_script(
    files: &Files<'_>,
    dir: &RepoPath,
    manifest: &Value,
    name: &str,
    script: &str,
    needs: &mut Needs,
    depth: usize,
) -> Result<(), String> {
    if depth > 4 {
        needs.doubt(format!(
            "the script {name} calls others too deeply to follow"
        ));
        return Ok(());
    }
    for part in parts(script) {
        let mut words: Vec<&str> = part
            .split_whitespace()
            .filter(|w| !w.contains('=') || w.starts_with('-'))
            .collect();
        while matches!(
            words.first(),
            Some(
                &("npx"
                    | "cross-env"
                    | "env"
                    | "dotenv"
                    | "-y"
                    | "--yes"
                    | "--no"
                    | "--no-install"
                    | "exec"
                    | "dlx"
                    | "--")
            )
        ) {
            words.remove(0);
        }
        let Some(program) = words.first().copied() else {
            continue;
        };
        let program = program.rsplit('/').next().unwrap_or(program);
        match program {
            _ if HARMLESS.contains(&program) => {}
            // `|| true` behind it: then it may fail.
            _ if OF_GIT.contains(&program) && script.contains("||") => {}
            _ if OF_GIT.contains(&program) => needs.doubt(format!(
                "the install runs the script {name}, and `{part}` fails where there is no .git yet"
            )),
            "patch-package" => {
                needs.dir(files, &dir.join(b"patches"));
                if let Some(at) = words.iter().position(|w| *w == "--patch-dir") {
                    let _ = words
                        .get(at + 1)
                        .and_then(|p| within(dir, p))
                        .map(|p| needs.dir(files, &p));
                }
                needs.shown("patch-package applies patches/, which is copied with it".to_owned());
            }
            "prisma" if words.get(1) == Some(&"generate") => {
                let named = words.iter().find_map(|w| w.strip_prefix("--schema="));
                let after = words
                    .iter()
                    .position(|w| *w == "--schema")
                    .and_then(|i| words.get(i + 1).copied());
                let given = named.or(after).and_then(|p| within(dir, p));
                if !given.is_some_and(|p| needs.path(files, &p))
                    && !prisma_schema(files, dir, manifest, needs)
                {
                    needs.absent(format!(
                        "the script {name} runs prisma generate, whose schema was not found"
                    ));
                }
            }
            // A line of JavaScript without modules reads no file.
            "node" | "bun"
                if matches!(words.get(1), Some(&("-e" | "--eval" | "-p" | "--print")))
                    && !["require", "import", "Bun."]
                        .iter()
                        .any(|w| part.contains(w)) => {}
            "node" | "sh" | "bash" | "tsx" | "ts-node" | "zx" => {
                local_script(files, dir, name, &words, needs)
            }
            "npm" | "yarn" | "pnpm" | "bun" | "run-s" | "run-p" => {
                let called = words[1..]
                    .iter()
                    .find(|w| **w != "run" && **w != "run-script" && !w.starts_with('-'));
                let text = called.and_then(|c| manifest.get("scripts")?.get(*c)?.as_str());
                match (called, text) {
                    (Some(called), Some(text)) => {
                        read_script(files, dir, manifest, called, text, needs, depth + 1)?
                    }
                    (Some(&("dedupe" | "config" | "rebuild")), None) => {}
                    _ => needs.doubt(format!(
                        "the script {name} runs `{part}`, whose reads are not known"
                    )),
                }
            }
            _ if BUILDERS.contains(&program) => {
                return Err(format!(
                    "the install runs the script {name}, and `{part}` reads the source"
                ));
            }
            _ if within(dir, words[0]).is_some_and(|p| files.has(&p)) => {
                local_script(files, dir, name, &[&["sh"], &words[..]].concat(), needs)
            }
            _ => needs.doubt(format!(
                "the install runs the script {name}, and what `{part}` reads is not known"
            )),
        }
    }
    Ok(())
}

/// Programs of scripts that read the source.
const BUILDERS: &[&str] = &[
    "tsc",
    "vite",
    "webpack",
    "rollup",
    "esbuild",
    "tsup",
    "nuxt",
    "nuxi",
    "next",
    "ng",
    "vue-cli-service",
    "react-scripts",
    "svelte-kit",
    "astro",
    "gatsby",
    "babel",
    "gulp",
    "grunt",
    "turbo",
    "nx",
    "lerna",
    "tsdown",
    "unbuild",
    "microbundle",
    "bob",
    "make",
    "cmake",
    "node-gyp",
    "cmake-js",
    "preconstruct",
    "parcel",
    "swc",
    "wxt",
    "quasar",
    "fumadocs-mdx",
];

/// A script file that an install runs, and what it loads by a relative path.
fn local_script(files: &Files<'_>, dir: &RepoPath, name: &str, words: &[&str], needs: &mut Needs) {
    let mut args = words[1..].iter().skip_while(|w| w.starts_with('-'));
    if words[1..]
        .iter()
        .any(|w| matches!(*w, "-e" | "-p" | "--eval" | "-c"))
    {
        // An inline program: harmless when it names no path.
        if words
            .iter()
            .any(|w| w.contains("require") || w.contains("./") || w.contains("readFile"))
        {
            needs.doubt(format!(
                "the script {name} runs an inline program that may read files"
            ));
        }
        return;
    }
    let Some(path) = args
        .next()
        .and_then(|w| within(dir, w.trim_matches(['"', '\''])))
    else {
        needs.doubt(format!("what the script {name} runs is not known"));
        return;
    };
    let mut wanted = vec![path];
    let mut n_seen = 0;
    while let Some(path) = wanted.pop() {
        n_seen += 1;
        let found = ["", ".js", ".mjs", ".cjs", ".ts", "/index.js"]
            .iter()
            .map(|e| RepoPath::new([path.as_bytes(), e.as_bytes()].concat()))
            .find(|p| files.has(p));
        let Some(found) = found else {
            needs.absent(format!(
                "the script {name} reads {path}, which was not found"
            ));
            continue;
        };
        if n_seen > 32 || !needs.files.insert(found.clone()) {
            continue;
        }
        needs.shown(format!(
            "{found}, which the script {name} runs, is copied with it"
        ));
        let Some(source) = files.text(&found) else {
            continue;
        };
        let base = found.parent().unwrap_or_else(RepoPath::root);
        for lead in ["require", "from", "import"] {
            let loaded = text::literals_after(&source, lead, &["//", "*"]);
            wanted.extend(
                loaded
                    .iter()
                    .filter(|l| l.starts_with('.'))
                    .filter_map(|l| within(&base, l)),
            );
        }
        let reads = [
            "readFile",
            "readdir",
            "copyFile",
            "cpSync",
            "createReadStream",
            "glob(",
            "exec(",
            "execSync",
            "spawn",
        ];
        if reads.iter().any(|r| source.contains(r)) {
            needs.doubt(format!(
                "{found}, which the script {name} runs, opens files or starts programs of its own"
            ));
        }
    }
}
