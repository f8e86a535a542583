//! npm: `npm ci` and `npm install` read the manifest, the lockfile, `.npmrc`, the workspaces and what scripts name.

use super::lifecycle::Scripts;
use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Role, Verdict, node};
use crate::tree::RepoPath;

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "npm",
    plan,
    cache,
};

const INSTALLS: &[&str] = &[
    "ci",
    "clean-install",
    "install",
    "i",
    "install-clean",
    "add",
];

/// `npm` options that take the next word as their value.
const VALUED: &[&str] = &[
    "--prefix",
    "-C",
    "--loglevel",
    "--registry",
    "-w",
    "--workspace",
    "--cache",
    "--omit",
    "--include",
];

fn plan(call: &Call<'_>) -> Verdict {
    let dir = project(call)?;
    let files = &call.files;
    let Some(dir) = dir else {
        return Some(Err(
            "its --prefix is not a directory of the context".to_owned()
        ));
    };
    let is_off = call.has("--ignore-scripts");
    let scripts = if is_off { Scripts::Off } else { Scripts::All };
    let lockfiles = ["package-lock.json", "npm-shrinkwrap.json", ".npmrc"];
    let verdict = node::needs(files, &dir, &lockfiles, scripts).map(|mut needs| {
        let locked = ["package-lock.json", "npm-shrinkwrap.json"]
            .iter()
            .any(|l| needs.files.contains(&dir.join(l.as_bytes())));
        if !locked && matches!(verb(call), Some("ci" | "clean-install")) {
            needs.absent("there is no lockfile for npm ci to read");
        }
        if locked && !is_off && lock_runs_scripts_on_project(call, &dir) {
            needs.doubt("a locked dependency comes from a local path".to_owned());
        }
        (Role::Install, needs)
    });
    Some(verdict)
}

/// The project's directory; `None` when this is no install of the project, `Some(None)` when it is not to be known.
fn project(call: &Call<'_>) -> Option<Option<RepoPath>> {
    if call.program() != "npm" || !INSTALLS.contains(&verb(call)?) || node::is_global(call.args()) {
        return None;
    }
    // `npm install name` adds that package; with a manifest beside it, it installs the project as well. Left alone.
    if positional(call).len() > 1 {
        return None;
    }
    Some(node::project(call, &["--prefix", "-C"]))
}

fn verb<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    positional(call).first().copied()
}

fn positional<'a>(call: &'a Call<'_>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut words = call.args().iter().map(String::as_str);
    while let Some(word) = words.next() {
        if VALUED.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            found.push(word);
        }
    }
    found
}

/// A lockfile entry that points at a file of the project (`"resolved": "file:…"`) other than a workspace link.
fn lock_runs_scripts_on_project(call: &Call<'_>, dir: &RepoPath) -> bool {
    let lock = call.files.json(&dir.join(b"package-lock.json"));
    let Some(packages) = lock.as_ref().and_then(|l| l.get("packages")?.as_object()) else {
        return false;
    };
    packages.values().any(|p| {
        let resolved = p.get("resolved").and_then(|r| r.as_str()).unwrap_or("");
        resolved
            .strip_prefix("file:")
            .is_some_and(|r| within(dir, r).is_none_or(|r| !call.files.has(&r)))
    })
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "npm" && INSTALLS.contains(&verb(call)?)).then_some(())?;
    // The directory is then none: npm makes one called `false` where it runs.
    if call.has("--no-cache") {
        return None;
    }
    CacheDir::of("~/.npm")
}
