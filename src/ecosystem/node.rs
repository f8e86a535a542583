//! `package.json` and its kin: workspaces, local dependencies, patches and the files they name.

use super::call::Call;
use super::files::Files;
use super::lifecycle::{self, Scripts};
use super::needs::{Needs, within};
use super::{prisma, text};
use crate::tree::RepoPath;
use serde_json::Value;
use std::collections::BTreeSet;

/// Options of npm, Yarn and pnpm by which an install takes the same packages.
pub const SAME_PACKAGES: &[&str] = &[
    "--frozen-lockfile",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--non-interactive",
    "--offline",
    "--prefer-offline",
    "--silent",
];

/// Whether npm, Yarn, pnpm, Bun or Corepack, given these arguments, deals with tools for everyone and with no project.
pub fn is_global(args: &[String]) -> bool {
    let is_flag = |a: &String| matches!(a.as_str(), "-g" | "--global" | "--location=global");
    let verb = args.iter().find(|a| !a.starts_with('-'));
    args.iter().any(is_flag) || verb.is_some_and(|v| v == "global")
}

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
            "the manifests of {} workspaces are copied with it",
            members.len()
        ));
    }
    for member in &members {
        programs(files, member, &mut needs);
    }
    for package in std::iter::once(dir).chain(&members) {
        let Some(json) = files.json(&package.join(b"package.json")) else {
            continue;
        };
        local_dependencies(files, package, &json, &mut needs);
        prisma::client(files, package, &json, &mut needs);
        patches(files, package, &json, &mut needs);
        lifecycle::read(files, package, &json, scripts, &mut needs)?;
    }
    if scripts != Scripts::Off && needs.doubts.is_empty() {
        needs.shown("its lifecycle scripts read no other file of the project".to_owned());
    }
    Ok(needs)
}

/// Where an install works: the directory that one of `options` names, else [`root`]'s; `None` where that is not known.
pub(super) fn project(call: &Call<'_>, options: &[&str]) -> Option<RepoPath> {
    match call.option(options) {
        Some(dir) => call.path(dir),
        None => Some(root(&call.files, call.dir.clone())),
    }
}

/// Where an install that is called in `dir` works: the root of the workspace that `dir` is a member of, else there. (npm's
/// config `loadLocalPrefix`, and the other three's manuals on workspaces.)
fn root(files: &Files<'_>, dir: RepoPath) -> RepoPath {
    let above = std::iter::successors(dir.parent(), RepoPath::parent);
    let has_it = |root: &RepoPath| {
        let manifest = files.json(&root.join(b"package.json"));
        manifest.is_some_and(|m| members(files, root, &m).contains(&dir))
    };
    above.into_iter().find(has_it).unwrap_or(dir)
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

/// The files that a workspace's `bin` names: an install links a program for other workspaces only where its file is there
/// (npm's bin-links, `link-gently.js`; pnpm's `link-bins`).
fn programs(files: &Files<'_>, member: &RepoPath, needs: &mut Needs) {
    let Some(manifest) = files.json(&member.join(b"package.json")) else {
        return;
    };
    let listed = manifest.get("bin").into_iter().flat_map(|bin| match bin {
        Value::Object(by_name) => by_name.values().collect(),
        one => vec![one],
    });
    let paths = listed.filter_map(Value::as_str);
    let mut has_some = false;
    for path in paths.filter_map(|p| within(member, p)).take(256) {
        has_some |= needs.file(files, &path);
    }
    let dir = manifest.pointer("/directories/bin").and_then(Value::as_str);
    let dir = dir.and_then(|d| within(member, d)).filter(|d| d != member);
    has_some |= dir.is_some_and(|dir| needs.dir(files, &dir));
    if has_some {
        needs.shown("the programs that workspaces name as theirs are copied with it".to_owned());
    }
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
