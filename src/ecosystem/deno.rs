//! Deno: `deno install` reads deno.json, its lock and package.json; `deno cache main.ts` follows the source's imports.

use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict};
use crate::tree::RepoPath;
use serde_json::Value;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "deno",
    plan,
    cache,
};

/// Files of one project or member of a workspace.
const NAMES: &[&str] = &["deno.json", "deno.jsonc", "package.json"];

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "deno" {
        return None;
    }
    let verb = call.verb()?;
    let words = call.args().iter().skip_while(|w| *w != verb).skip(1);
    let named: Vec<&str> = words
        .map(String::as_str)
        .filter(|w| !w.starts_with('-'))
        .collect();
    let is_tool = call.has("-g") || call.has("--global");
    match verb {
        "install" | "i" if is_tool => None,
        "install" | "i" if call.has("--entrypoint") || call.has("-e") => Some(cached(call, &named)),
        // With a name it adds a package (Deno 2) or installs a program (Deno 1).
        "install" | "i" if !named.is_empty() => None,
        "install" | "i" => Some(needs(call).map(|n| (Role::Install, n))),
        "cache" => Some(cached(call, &named)),
        _ => None,
    }
}

/// What `deno install` reads.
fn needs(call: &Call<'_>) -> Result<Needs, String> {
    let mut needs = Needs::default();
    project(call, call.dir, &mut needs);
    if needs.files.is_empty() {
        return Err("there is no deno.json where it runs".to_owned());
    }
    needs.names(
        &call.files,
        call.dir,
        &["deno.lock", ".npmrc", "import_map.json"],
    );
    needs.shown("deno install reads its configuration and lock and no source".to_owned());
    Ok(needs)
}

/// The configuration in `dir`, the import map that it names, and the members of its workspace.
fn project(call: &Call<'_>, dir: &RepoPath, needs: &mut Needs) {
    let files = &call.files;
    let mut open = vec![dir.clone()];
    while let Some(dir) = open.pop() {
        if NAMES
            .iter()
            .any(|n| needs.files.contains(&dir.join(n.as_bytes())))
        {
            continue;
        }
        needs.names(files, &dir, NAMES);
        for name in NAMES.iter().filter(|n| files.has(&dir.join(n.as_bytes()))) {
            let path = dir.join(name.as_bytes());
            let Some(json) = configuration(call, &path) else {
                needs.doubt(format!("{path} could not be read as JSON"));
                continue;
            };
            let strings = |value: Option<&Value>| -> Vec<String> {
                let list = value.and_then(Value::as_array).into_iter().flatten();
                list.filter_map(|v| v.as_str().map(str::to_owned)).collect()
            };
            let map = json.get("importMap").and_then(Value::as_str);
            let locks = json.pointer("/lock/path").or(json.get("lock"));
            let named = map.into_iter().chain(locks.and_then(Value::as_str));
            for named in named.filter(|n| !n.contains("://")) {
                if within(&dir, named).is_some_and(|p| needs.file(files, &p)) {
                    needs.shown(format!("{named}, which {path} names, is copied with it"));
                } else {
                    needs.absent(format!(
                        "{path} names {named}, which is not in the repository"
                    ));
                }
            }
            let listed = json.get("workspace").or(json.get("workspaces"));
            let members = listed.map(|l| l.get("members").unwrap_or(l));
            let links = strings(json.get("links").or(json.get("patch")));
            for pattern in strings(members).iter().chain(&links) {
                for name in NAMES {
                    open.extend(files.member_dirs(&dir, pattern, name));
                }
            }
        }
    }
}

/// The file as JSON, comments of whole lines left out (deno.jsonc).
fn configuration(call: &Call<'_>, path: &RepoPath) -> Option<Value> {
    let text = call.files.text(path)?;
    let kept = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    serde_json::from_str(&kept.collect::<Vec<_>>().join("\n")).ok()
}

/// Modules are fetched as the imports of `named` tell: alone where no import is local, else by way of the configuration.
fn cached(call: &Call<'_>, named: &[&str]) -> Result<(Role, Needs), String> {
    let files = &call.files;
    let follows = "it follows the imports of the source";
    if let [entry] = named
        && let Some(path) = call.path(entry)
        && let Some(source) = files.text(&path)
    {
        let is_local = ["\"./", "'./", "\"../", "'../", "\"@/", "'@/"];
        if !is_local.iter().any(|lead| source.contains(lead)) && !source.is_empty() {
            // deps.ts is the customary file of imports.
            let mut needs = Needs::default();
            needs.file(files, &path);
            project(call, call.dir, &mut needs);
            needs.names(files, call.dir, &["deno.lock", "import_map.json"]);
            needs.shown(format!("{path} imports no local file"));
            return Ok((Role::Install, needs));
        }
    }
    let lists = |name: &&&str| {
        let json = configuration(call, &call.dir.join(name.as_bytes()));
        json.is_some_and(|j| {
            ["imports", "importMap", "dependencies"]
                .iter()
                .any(|k| j.get(*k).is_some())
        })
    };
    if !NAMES.iter().any(|n| lists(&n)) {
        return Err(follows.to_owned());
    }
    let mut needs = needs(call)?;
    needs.doubt("deno install without a name is of Deno 2: check the image's version, and that the imports are listed in its configuration");
    Ok((Role::Prefetch("deno install".to_owned()), needs))
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "deno" && matches!(call.verb(), Some("install" | "cache"))).then_some(())?;
    CacheDir::store("/deno-dir")
}
