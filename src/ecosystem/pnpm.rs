//! pnpm: `pnpm install` reads manifests of the workspace; `pnpm fetch` the lockfile alone.

use super::lifecycle::Scripts;
use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Needs, Role, Verdict, node, text};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "pnpm",
    plan,
    cache,
};

const FILES: &[&str] = &[
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".npmrc",
    ".pnpmfile.cjs",
    "pnpmfile.js",
    "pnpmfile.cjs",
    ".pnpmfile.mjs",
];

fn plan(call: &Call<'_>) -> Verdict {
    let verb = verb(call)?;
    let Some(dir) = node::project(call, &["--dir", "-C"]) else {
        return Some(Err("its --dir is not a directory of the context".to_owned()));
    };
    match verb {
        "fetch" => Some(Ok((Role::Install, fetched(call, &dir)))),
        "install" | "i" | "ci" => Some(install(call, &dir)),
        _ => None,
    }
}

fn install(call: &Call<'_>, dir: &RepoPath) -> Result<(Role, Needs), String> {
    let scripts = if call.has("--ignore-scripts") {
        Scripts::Off
    } else {
        Scripts::All
    };
    let needs = node::needs(&call.files, dir, FILES, scripts).and_then(|needs| {
        let quiet = node::needs(&call.files, dir, FILES, Scripts::Off)?;
        match needs.doubts.len() > quiet.doubts.len() && has_lock(call, dir) {
            true => Err("what its scripts read is not known".to_owned()),
            false => Ok(needs),
        }
    });
    match needs {
        Ok(mut needs) => {
            settings(call, dir, &mut needs);
            Ok((Role::Install, needs))
        }
        // What its scripts read keeps the install below; the downloads follow from the lockfile alone.
        Err(_) if has_lock(call, dir) => {
            let mut needs = fetched(call, dir);
            needs.shown("pnpm fetch reads the lockfile and settings and no package.json");
            let manifest = call.files.json(&dir.join(b"package.json"));
            if manifest.is_some_and(|m| m.get("packageManager").is_some()) {
                needs.doubt("package.json pins the version of pnpm, which pnpm fetch does not see: check that the image has that one");
            }
            Ok((Role::Prefetch(fetch_line(call)), needs))
        }
        Err(reason) => Err(reason),
    }
}

/// Whether `pnpm fetch` can bring what the install needs.
fn has_lock(call: &Call<'_>, dir: &RepoPath) -> bool {
    call.files.has(&dir.join(b"pnpm-lock.yaml")) && !call.has("--offline")
}

/// `pnpm fetch`, for production where the install is.
fn fetch_line(call: &Call<'_>) -> String {
    let program = call.words.first().map_or("pnpm", String::as_str);
    let mut line = program.to_owned();
    if let Some(dir) = call.option(&["--dir", "-C"]) {
        line = format!("{line} --dir {}", text::quoted(dir));
    }
    line.push_str(" fetch");
    for only in ["--prod", "-P", "--dev", "-D"] {
        if call.has(only) {
            line = format!("{line} {only}");
        }
    }
    line
}

/// `pnpm fetch` ignores package.json (pnpm.io/cli/fetch); patches and the pnpmfile it does read.
fn fetched(call: &Call<'_>, dir: &RepoPath) -> Needs {
    let mut needs = Needs::default();
    needs.names(&call.files, dir, FILES);
    settings(call, dir, &mut needs);
    needs
}

/// Patches and the configuration that `pnpm-workspace.yaml` and the lockfile name.
fn settings(call: &Call<'_>, dir: &RepoPath, needs: &mut Needs) {
    for from in ["pnpm-workspace.yaml", "pnpm-lock.yaml"] {
        let Some(yaml) = call.files.text(&dir.join(from.as_bytes())) else {
            continue;
        };
        let listed = text::yaml_map(&yaml, "patchedDependencies")
            .into_iter()
            .map(|(_, path)| path);
        let deeper = text::yaml_values(&yaml, "path")
            .into_iter()
            .filter(|p| p.ends_with(".patch"));
        for path in listed
            .chain(deeper)
            .filter(|p| p.contains('.') && p.contains('/'))
        {
            if !within(dir, &path).is_some_and(|p| needs.file(&call.files, &p)) {
                needs.absent(format!(
                    "the patch {path} that {from} names is not in the repository"
                ));
            }
        }
    }
}

fn verb<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let found = plain(call)?;
    // `pnpm install name` adds a package.
    (found.len() == 1).then(|| found[0])
}

/// The verb and what it is given, flags aside; `None` where it is not pnpm in a project.
fn plain<'a>(call: &'a Call<'_>) -> Option<Vec<&'a str>> {
    if call.program() != "pnpm" || node::is_global(call.args()) {
        return None;
    }
    let mut found = Vec::new();
    let mut words = call.args().iter().map(String::as_str);
    while let Some(word) = words.next() {
        if matches!(
            word,
            "--dir" | "-C" | "--filter" | "-F" | "--store-dir" | "--reporter" | "--loglevel"
        ) {
            words.next();
        } else if !word.starts_with('-') {
            found.push(word);
        }
    }
    Some(found)
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    // What is deployed is put together from the store (pnpm.io/cli/deploy).
    let deploys = || plain(call).is_some_and(|words| matches!(words.as_slice(), ["deploy", _]));
    (matches!(verb(call), Some("install" | "i" | "ci")) || deploys()).then_some(())?;
    (!keeps_elsewhere(call)).then_some(())?;
    CacheDir::of("~/.local/share/pnpm/store")
}

/// Settings by which the store is elsewhere, or what is installed leads into it (pnpm.io/settings).
const STORES: [&str; 4] = [
    "store-dir",
    "storeDir",
    "enable-global-virtual-store",
    "enableGlobalVirtualStore",
];

/// Whether a file of the project names another store, or packages are linked into it.
fn keeps_elsewhere(call: &Call<'_>) -> bool {
    let mut dirs = std::iter::successors(Some(call.dir.clone()), RepoPath::parent);
    dirs.any(|dir| {
        let files = [".npmrc", "pnpm-workspace.yaml"].map(|name| dir.join(name.as_bytes()));
        let mut texts = files.iter().filter_map(|path| call.files.text(path));
        texts.any(|text| {
            let mut lines = text.lines().map(str::trim_start);
            lines.any(|line| STORES.iter().any(|name| line.starts_with(name)))
        })
    })
}
