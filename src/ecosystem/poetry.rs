//! Poetry: with `--no-root` it reads the manifest and the lockfile; without, it installs the project as well.

use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict, python};
use toml::{Table, Value};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "poetry",
    plan,
    cache,
};

/// Why the source is not needed.
const NO_ROOT: &str =
    "with --no-root Poetry reads neither the packages nor the readme of the project";

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "poetry" {
        return None;
    }
    match call.verb()? {
        "install" | "sync" => Some(install(call)),
        // Writes a requirements file from the lock; what it writes goes to standard output or a file of its own.
        "export" => {
            let mut needs = needs(call);
            if needs.doubts.is_empty() {
                needs.reasons.retain(|r| r != NO_ROOT);
                needs.shown(
                    "`poetry export` reads neither the packages nor the readme of the project"
                        .to_owned(),
                );
            }
            Some(Ok((Role::Install, needs)))
        }
        _ => None,
    }
}

fn install(call: &Call<'_>) -> Result<(Role, Needs), String> {
    let needs = needs(call);
    if needs.files.is_empty() {
        return Err("there is no pyproject.toml where it runs".to_owned());
    }
    let pyproject = call
        .files
        .toml(&call.dir.join(b"pyproject.toml"))
        .unwrap_or_default();
    let is_package = python::at(&pyproject, &["tool", "poetry", "package-mode"])
        .and_then(Value::as_bool)
        != Some(false);
    if call.has("--only-root") {
        return Err("it installs the project alone".to_owned());
    }
    if call.has("--no-root") || !is_package {
        let mut needs = needs;
        if !call.has("--no-root") && needs.doubts.is_empty() {
            needs.reasons.retain(|r| r != NO_ROOT);
            needs.shown("pyproject.toml says that the project is no package (package-mode), so that Poetry reads nothing else of it".to_owned());
        }
        return Ok((Role::Install, needs));
    }
    // Older ones do not know the option, and leave a project out whose package they do not find.
    let is_old = |v: &String| v.starts_with("0.");
    if call.env.get("POETRY_VERSION").is_some_and(is_old) {
        if has_package(call, &pyproject) {
            return Err("this Poetry knows no --no-root, and installs the project".to_owned());
        }
        let mut needs = needs;
        needs.reasons.clear();
        needs.doubt(
            "check that this old Poetry installs without the project's own files".to_owned(),
        );
        return Ok((Role::Install, needs));
    }
    Ok((Role::Prefetch(format!("{} --no-root", call.line())), needs))
}

/// Whether there is, or may be, a package of the project's name.
fn has_package(call: &Call<'_>, pyproject: &Table) -> bool {
    let of = |key: &str| python::at(pyproject, &["tool", "poetry", key]);
    let Some(name) = of("name").and_then(Value::as_str) else {
        return true;
    };
    let name = name.to_lowercase().replace(['-', '.'], "_");
    let places = [
        format!("{name}.py"),
        format!("{name}/__init__.py"),
        format!("src/{name}.py"),
        format!("src/{name}/__init__.py"),
    ];
    let mut places = places.iter().map(|p| call.dir.join(p.as_bytes()));
    of("packages").is_some() || places.any(|path| call.files.has(&path))
}

/// pyproject.toml, the lock, settings, and local packages that the lock refers to.
fn needs(call: &Call<'_>) -> Needs {
    let files = &call.files;
    let mut needs = Needs::default();
    let path = call.dir.join(b"pyproject.toml");
    python::metadata(files, call.dir, &mut needs);
    needs.names(files, call.dir, &["poetry.lock", "poetry.toml"]);
    let pyproject = files.toml(&path).unwrap_or_default();
    let groups = python::at(&pyproject, &["tool", "poetry", "group"]).and_then(Value::as_table);
    let grouped = groups
        .into_iter()
        .flatten()
        .filter_map(|(_, g)| g.get("dependencies"));
    let main = python::at(&pyproject, &["tool", "poetry", "dependencies"]);
    let old = python::at(&pyproject, &["tool", "poetry", "dev-dependencies"]);
    for (name, value) in main
        .into_iter()
        .chain(old)
        .chain(grouped)
        .filter_map(Value::as_table)
        .flatten()
    {
        let Some(local) = value.get("path").and_then(Value::as_str) else {
            continue;
        };
        match within(call.dir, local) {
            Some(found) if needs.path(files, &found) => {
                needs.shown(format!("the local dependency {found} is copied with it"))
            }
            _ => needs.absent(format!(
                "{name} comes from {local}, which is not in the context"
            )),
        }
    }
    if needs.doubts.is_empty() {
        needs.shown(NO_ROOT.to_owned());
    }
    needs
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "poetry" && matches!(call.verb(), Some("install" | "sync"))).then_some(())?;
    CacheDir::of("~/.cache/pypoetry")
}
