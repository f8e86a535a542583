//! Composer: without scripts and autoloader `composer install` reads composer.json and its lock; both can follow later.

use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict};
use crate::tree::RepoPath;
use serde_json::Value;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "composer",
    plan,
    cache,
};

/// Where a manifest has Composer lay down packages, relative to it; `None` where it leaves that to Composer.
pub fn vendor_dir(manifest: &str) -> Option<String> {
    let manifest: Value = serde_json::from_str(manifest).ok()?;
    let dir = manifest.pointer("/config/vendor-dir")?.as_str()?;
    Some(dir.to_owned())
}

fn plan(call: &Call<'_>) -> Verdict {
    if !is_install(call) {
        return None;
    }
    Some(install(call))
}

fn is_install(call: &Call<'_>) -> bool {
    matches!(call.program(), "composer" | "composer.phar")
        && matches!(call.verb(), Some("install" | "i"))
}

fn install(call: &Call<'_>) -> Result<(Role, Needs), String> {
    let files = &call.files;
    let dir = call.dir_by(&["--working-dir", "-d"]);
    let dir = dir.ok_or("its working directory is not known")?;
    let mut needs = Needs::default();
    needs.names(
        files,
        &dir,
        &[
            "composer.json",
            "composer.lock",
            "symfony.lock",
            "auth.json",
        ],
    );
    let path = dir.join(b"composer.json");
    if !needs.files.contains(&path) {
        return Err("there is no composer.json where it runs".to_owned());
    }
    let Some(manifest) = files.json(&path) else {
        needs.doubt(format!("{path} could not be read as JSON"));
        return Ok((Role::Install, needs));
    };
    repositories(call, &dir, &manifest, &mut needs);
    merged(call, &dir, &manifest, &mut needs);
    patches(call, &dir, &manifest, &mut needs);
    if call.program() == "composer.phar" {
        needs.names(files, call.dir, &["composer.phar"]);
    }
    let no_scripts = call.has("--no-scripts") || !has_install_scripts(&manifest);
    let no_autoloader = call.has("--no-autoloader");
    if no_scripts && no_autoloader {
        needs.shown(
            "without scripts and autoloader Composer reads composer.json and its lock alone"
                .to_owned(),
        );
        return Ok((Role::Install, needs));
    }
    // Without the two, nothing of the project is read; the command itself stays and does what was left out.
    let mut line = call.line();
    for flag in ["--no-scripts", "--no-autoloader"] {
        if !call.has(flag) {
            line.push(' ');
            line.push_str(flag);
        }
    }
    let line = line
        .replace(" --optimize-autoloader", "")
        .replace(" --classmap-authoritative", "")
        .replace(" -o ", " ")
        .replace(" -a ", " ");
    needs.shown("without scripts and autoloader Composer reads composer.json and its lock alone; the later install does both".to_owned());
    Ok((Role::Prefetch(line), needs))
}

/// Further manifests that wikimedia/composer-merge-plugin takes up.
fn merged(call: &Call<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    for key in ["include", "require"] {
        let listed = manifest.pointer(&format!("/extra/merge-plugin/{key}"));
        let listed = listed.and_then(Value::as_array).into_iter().flatten();
        for pattern in listed.filter_map(Value::as_str) {
            let (base, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
            let found = call.files.member_dirs(dir, base, name);
            for one in &found {
                needs.file(&call.files, &one.join(name.as_bytes()));
                needs.shown(format!(
                    "{pattern}, which the merge plugin takes up, is copied with it"
                ));
            }
            if found.is_empty() {
                needs.absent(format!(
                    "{pattern} of the merge plugin is not in the context"
                ));
            }
        }
    }
}

/// Patches of cweagans/composer-patches, in composer.json or a file that it names.
fn patches(call: &Call<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    let files = &call.files;
    let required = ["require", "require-dev"]
        .iter()
        .filter_map(|k| manifest.get(*k)?.as_object());
    let uses_plugin = required
        .flatten()
        .any(|(name, _)| name == "cweagans/composer-patches");
    let file = manifest
        .pointer("/extra/patches-file")
        .or_else(|| manifest.pointer("/extra/composer-patches/patches-file"))
        .and_then(Value::as_str);
    let mut sources: Vec<Value> = manifest
        .pointer("/extra/patches")
        .cloned()
        .into_iter()
        .collect();
    if let Some(name) = file {
        let path = within(dir, name).filter(|p| needs.file(files, p));
        match path.and_then(|p| files.json(&p)) {
            Some(json) => sources.extend(json.get("patches").cloned()),
            None => needs.absent(format!(
                "the list of patches {name} is not in the repository"
            )),
        }
    }
    if uses_plugin {
        needs.names(files, dir, &["patches.json", "patches.lock.json"]);
        let json = files.json(&dir.join(b"patches.json"));
        sources.extend(json.and_then(|j| j.get("patches").cloned()));
    }
    let mut open: Vec<&Value> = sources.iter().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(entries) => open.extend(entries.values()),
            Value::Array(entries) => open.extend(entries),
            Value::String(name)
                if is_patch(name) && !within(dir, name).is_some_and(|p| needs.file(files, &p)) =>
            {
                needs.absent(format!("the patch {name} is not in the repository"));
            }
            _ => {}
        }
    }
}

/// A patch's file, not its description or address.
fn is_patch(name: &str) -> bool {
    !name.contains("://")
        && !name.contains(' ')
        && [".patch", ".diff"].iter().any(|e| name.ends_with(e))
}

/// Repositories of type `path` and `artifact`.
fn repositories(call: &Call<'_>, dir: &RepoPath, manifest: &Value, needs: &mut Needs) {
    let listed = manifest.get("repositories");
    let array = listed.and_then(Value::as_array).into_iter().flatten();
    let object = listed
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(_, r)| r);
    for repository in array.chain(object) {
        if !matches!(
            repository.get("type").and_then(Value::as_str),
            Some("path" | "artifact")
        ) {
            continue;
        }
        let url = repository
            .get("url")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if url.contains('*') {
            for found in call.files.member_dirs(dir, url, "composer.json") {
                needs.dir(&call.files, &found);
                needs.shown(format!("the local package {found} is copied with it"));
            }
        } else if within(dir, url).is_some_and(|p| needs.dir(&call.files, &p)) {
            needs.shown(format!("the local package {url} is copied with it"));
        } else {
            needs.absent(format!("the local repository {url} is not in the context"));
        }
    }
}

fn has_install_scripts(manifest: &Value) -> bool {
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    scripts.is_some_and(|s| {
        s.keys()
            .any(|k| k.starts_with("pre-") || k.starts_with("post-"))
    })
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (is_install(call) && !call.has("--no-cache")).then_some(())?;
    CacheDir::of("~/.composer/cache")
}
