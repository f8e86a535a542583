//! Yarn, classic and berry: `yarn install` reads the manifest, the lockfile, `.yarnrc`, `.yarnrc.yml` and what they name.

use super::lifecycle::Scripts;
use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Role, Verdict, node, text};
use crate::shell::tells_of_itself;
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "yarn",
    plan,
    cache,
};

const FILES: &[&str] = &[
    "yarn.lock",
    ".yarnrc",
    ".yarnrc.yml",
    ".npmrc",
    ".pnp.cjs",
    ".pnp.loader.mjs",
];

fn plan(call: &Call<'_>) -> Verdict {
    if !is_install(call) {
        return None;
    }
    let Some(dir) = node::project(call, &["--cwd"]) else {
        return Some(Err("its --cwd is not a directory of the context".to_owned()));
    };
    let is_off = call.has("--ignore-scripts") || call.option(&["--mode"]) == Some("skip-build");
    let scripts = match is_off {
        true => Scripts::Off,
        false if is_berry(call, &dir) => Scripts::OfInstall,
        false => Scripts::All,
    };
    Some(
        node::needs(&call.files, &dir, FILES, scripts).map(|mut needs| {
            settings(call, &dir, &mut needs);
            (Role::Install, needs)
        }),
    )
}

/// Whether it is Yarn 2 or newer, by its settings' name, its lockfile, or the version that package.json asks for.
fn is_berry(call: &Call<'_>, dir: &RepoPath) -> bool {
    let has = |name: &[u8]| call.files.has(&dir.join(name));
    let manifest = call.files.json(&dir.join(b"package.json"));
    let asked = manifest
        .as_ref()
        .and_then(|m| m.get("packageManager")?.as_str());
    let newer = |v: &str| {
        v.strip_prefix("yarn@")
            .is_some_and(|v| !v.starts_with("1.") && v != "1")
    };
    let lock = call.files.text(&dir.join(b"yarn.lock")).unwrap_or_default();
    has(b".yarnrc.yml") || asked.is_some_and(newer) || lock.contains("__metadata:")
}

/// The program and plugins that `.yarnrc.yml` and `.yarnrc` name, and an offline mirror or checked-in cache.
fn settings(call: &Call<'_>, dir: &RepoPath, needs: &mut super::Needs) {
    let files = &call.files;
    let berry = files.text(&dir.join(b".yarnrc.yml")).unwrap_or_default();
    let mut named = text::yaml_values(&berry, "yarnPath");
    named.extend(text::yaml_values(&berry, "path"));
    named.extend(
        berry
            .lines()
            .filter_map(|l| l.trim().strip_prefix("- "))
            .filter(|p| p.ends_with(".cjs") && !p.contains(':'))
            .map(str::to_owned),
    );
    let classic = files.text(&dir.join(b".yarnrc")).unwrap_or_default();
    named.extend(text::literals_after(&classic, "yarn-path", &["#"]));
    named.extend(text::literals_after(
        &classic,
        "yarn-offline-mirror",
        &["#"],
    ));
    for path in named.iter().filter(|p| p.contains('/')).take(64) {
        if !within(dir, path).is_some_and(|p| needs.path(files, &p)) {
            needs.absent(format!(
                "{path}, which Yarn's settings name, is not in the repository"
            ));
        }
    }
    for whole in [".yarn/releases", ".yarn/plugins", ".yarn/cache"] {
        if needs.dir(files, &dir.join(whole.as_bytes())) {
            needs.shown(format!("{whole} is copied with it"));
        }
    }
}

fn is_install(call: &Call<'_>) -> bool {
    if call.program() != "yarn" || tells_of_itself(call.words) {
        return false;
    }
    let mut words = call.args().iter().map(String::as_str);
    let mut verb = None;
    // `yarn workspaces focus` installs what some members need, from the same files.
    let focuses = call.has("workspaces") && call.has("focus");
    while let Some(word) = words.next() {
        if matches!(
            word,
            "--cwd"
                | "--network-timeout"
                | "--mode"
                | "--registry"
                | "--cache-folder"
                | "--network-concurrency"
        ) {
            words.next();
        } else if !word.starts_with('-') {
            verb = Some(word);
            break;
        }
    }
    match verb {
        None => true,
        Some(verb) => verb == "install" || (verb == "workspaces" && focuses),
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    if !is_install(call) {
        return None;
    }
    let is_setting = |dir: &RepoPath| call.files.has(&dir.join(b".yarnrc.yml"));
    let mut above = std::iter::successors(Some(call.dir.clone()), RepoPath::parent);
    let dir = above.find(is_setting).unwrap_or_else(|| call.dir.clone());
    if !is_berry(call, &dir) {
        let told = call.files.text(&dir.join(b".yarnrc"));
        let is_elsewhere = told.is_some_and(|text| text.contains("cache-folder"));
        return CacheDir::of("/usr/local/share/.cache/yarn").filter(|_| !is_elsewhere);
    }
    // yarnpkg.com/configuration/yarnrc.
    let text = call.files.text(&dir.join(b".yarnrc.yml"));
    let text = text.unwrap_or_default();
    let setting = |name: &str| text::yaml_values(&text, name).pop();
    let is_elsewhere = ["cacheFolder", "globalFolder"]
        .iter()
        .any(|name| setting(name).is_some());
    let of_environment = call.env.get("YARN_ENABLE_GLOBAL_CACHE").cloned();
    let is_for_all = match of_environment.or_else(|| setting("enableGlobalCache")) {
        Some(value) => matches!(value.as_str(), "true" | "1"),
        // Before, each project has its own, in its directory.
        None => major(call, &dir).is_some_and(|n| n >= 4),
    };
    if is_elsewhere || !is_for_all {
        return None;
    }
    // With plug'n'play the packages are read from it in place.
    match setting("nodeLinker").as_deref() {
        Some("node-modules" | "pnpm") if setting("nmMode").is_none() => {
            CacheDir::of("~/.yarn/berry/cache")
        }
        Some("node-modules" | "pnpm") => None,
        _ => CacheDir::store("~/.yarn/berry/cache"),
    }
}

/// Yarn's major version, of 2 and newer: what package.json asks for, the program that the settings name, or the lockfile's
/// own version (`LOCKFILE_VERSION` of yarnpkg/berry: 6 by Yarn 3, 8 by Yarn 4).
fn major(call: &Call<'_>, dir: &RepoPath) -> Option<u32> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse::<u32>().ok()
    };
    let text = |name: &[u8]| call.files.text(&dir.join(name)).unwrap_or_default();
    let manifest = call.files.json(&dir.join(b"package.json"));
    let asked = manifest.as_ref().and_then(|m| {
        let asked = m.get("packageManager")?.as_str()?;
        number(asked.strip_prefix("yarn@")?)
    });
    let named = || {
        let path = text::yaml_values(&text(b".yarnrc.yml"), "yarnPath").pop()?;
        number(path.rsplit('/').next()?.strip_prefix("yarn-")?)
    };
    let locked = || {
        let lock = text(b"yarn.lock");
        let meta = &lock[lock.find("__metadata:")?..];
        let version = text::yaml_values(meta, "version");
        let version: u32 = version.first()?.parse().ok()?;
        Some(match version {
            ..=5 => 2,
            6 => 3,
            _ => 4,
        })
    };
    asked.or_else(named).or_else(locked)
}
