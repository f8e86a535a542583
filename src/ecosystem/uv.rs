//! uv: with `--no-install-project` it reads the manifest and the lockfile; `uv pip` is pip.

use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict, pip, python};
use crate::tree::RepoPath;
use toml::Value;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "uv",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "uv" {
        return None;
    }
    let args = call.args();
    let at = args.iter().position(|w| !w.starts_with('-'))?;
    match (args[at].as_str(), args.get(at + 1).map(String::as_str)) {
        ("sync", _) => Some(sync(call)),
        ("export", _) => Some(sync(call).map(|(_, needs)| (Role::Install, needs))),
        ("pip", Some("compile")) => Some(pip_sync(call, &compiled(&args[at + 2..]))),
        ("pip", Some("install")) => Some(pip::install(call, &args[at + 2..])),
        ("pip", Some("sync")) => Some(pip_sync(call, &args[at + 2..])),
        _ => None,
    }
}

fn sync(call: &Call<'_>) -> Result<(Role, Needs), String> {
    let files = &call.files;
    let mut needs = Needs::default();
    let path = call.dir.join(b"pyproject.toml");
    python::metadata(files, call.dir, &mut needs);
    if needs.files.is_empty() {
        return Err("there is no pyproject.toml where it runs".to_owned());
    }
    needs.names(files, call.dir, &["uv.lock", "uv.toml", ".python-version"]);
    let pyproject = files.toml(&path).unwrap_or_default();
    let members = members(call, &pyproject);
    for member in &members {
        needs.file(files, &member.join(b"pyproject.toml"));
    }
    local_sources(call, call.dir, &pyproject, &members, &mut needs);
    for member in &members {
        let own = files.toml(&member.join(b"pyproject.toml"));
        local_sources(call, member, &own.unwrap_or_default(), &members, &mut needs);
    }
    if !call.has("--frozen") {
        python::dynamic_dependencies(files, call.dir, &mut needs);
    }
    let locked = needs.files.contains(&call.dir.join(b"uv.lock"));
    if !locked {
        python::project(files, call.dir, &mut needs);
        needs.doubt("there is no uv.lock, so that uv may have to build the project to know its dependencies".to_owned());
    }
    let skip = if members.is_empty() {
        "--no-install-project"
    } else {
        "--no-install-workspace"
    };
    let skips = call.has("--no-install-workspace")
        || (members.is_empty() && call.has("--no-install-project"));
    let is_package = python::at(&pyproject, &["tool", "uv", "package"]).and_then(Value::as_bool);
    let has_build = pyproject.contains_key("build-system");
    let installs_project = is_package.unwrap_or(has_build);
    if skips || (!installs_project && members.is_empty()) {
        return Ok((Role::Install, needs));
    }
    // Kept apart from the checks that a frozen or locked sync does: without the members' sources `--locked` still holds.
    needs.shown(format!(
        "with {skip} uv reads neither the packages nor the readme of the project"
    ));
    Ok((Role::Prefetch(format!("{} {skip}", call.line())), needs))
}

fn pip_sync(call: &Call<'_>, after: &[String]) -> Result<(Role, Needs), String> {
    let mut needs = Needs::default();
    for name in after.iter().filter(|w| !w.starts_with('-')) {
        let path = call
            .path(name)
            .ok_or_else(|| format!("where {name} lies is not known"))?;
        python::requirements(&call.files, call.dir, &path, &mut needs)?;
    }
    Ok((Role::Install, needs))
}

/// What `uv pip compile` is given to read.
fn compiled(after: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = after.iter();
    while let Some(word) = words.next() {
        if matches!(
            word.as_str(),
            "-o" | "--output-file" | "--python-version" | "--extra"
        ) {
            words.next();
        } else if !word.starts_with('-') {
            found.push(word.clone());
        }
    }
    found
}

/// Directories of `[tool.uv.workspace] members`.
fn members(call: &Call<'_>, pyproject: &toml::Table) -> Vec<RepoPath> {
    let list = |key: &str| {
        let listed =
            python::at(pyproject, &["tool", "uv", "workspace", key]).and_then(Value::as_array);
        listed
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .take(256)
            .collect::<Vec<_>>()
    };
    let dirs = |pattern: &&str| call.files.member_dirs(call.dir, pattern, "pyproject.toml");
    let excluded: Vec<RepoPath> = list("exclude").iter().flat_map(dirs).collect();
    let mut found: Vec<RepoPath> = list("members")
        .iter()
        .flat_map(dirs)
        .filter(|m| !excluded.contains(m) && m != call.dir)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// `[tool.uv.sources] name = { path = "…" }`: uv builds these, so they are needed whole.
fn local_sources(
    call: &Call<'_>,
    dir: &RepoPath,
    pyproject: &toml::Table,
    members: &[RepoPath],
    needs: &mut Needs,
) {
    let sources = python::at(pyproject, &["tool", "uv", "sources"]).and_then(Value::as_table);
    for (name, value) in sources.into_iter().flatten() {
        let Some(local) = value.get("path").and_then(Value::as_str) else {
            continue;
        };
        match within(dir, local) {
            Some(found) if members.contains(&found) || found == *call.dir => {}
            Some(found) if needs.path(&call.files, &found) => {
                needs.shown(format!("the local dependency {found} is copied with it"))
            }
            _ => needs.absent(format!(
                "{name} comes from {local}, which is not in the context"
            )),
        }
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    let has = |verb: &str| call.args().iter().any(|a| a == verb);
    let downloads = match call.verb() {
        Some("sync") => true,
        Some("pip") => has("install") || has("sync"),
        _ => false,
    };
    let is_on = call.env.get("UV_NO_CACHE").is_none_or(|v| v == "0");
    (call.program() == "uv" && downloads && is_on && !keeps_otherwise(call)).then_some(())?;
    CacheDir::of("~/.cache/uv")
}

/// Whether uv is told to keep nothing, to keep it in a place of the project's, or to lead what it installs into it
/// (docs.astral.sh/uv/reference/settings).
fn keeps_otherwise(call: &Call<'_>) -> bool {
    let link = call.option(&["--link-mode"]);
    let link = link.or_else(|| call.env.get("UV_LINK_MODE").map(String::as_str));
    let mut above = std::iter::successors(Some(call.dir.clone()), RepoPath::parent);
    let manifest = above.find_map(|dir| call.files.toml(&dir.join(b"pyproject.toml")));
    let settings = manifest.as_ref().and_then(|m| m.get("tool")?.get("uv"));
    let setting = |name: &str| settings.and_then(|s| s.get(name));
    let of_project = || setting("link-mode").and_then(toml::Value::as_str);
    link.or_else(of_project) == Some("symlink")
        || setting("cache-dir").is_some()
        || setting("no-cache").and_then(toml::Value::as_bool) == Some(true)
}
