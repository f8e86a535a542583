//! pnpm: `pnpm install` reads manifests of the workspace; `pnpm fetch` the lockfile alone.

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
    let dir = match call.option(&["--dir", "-C"]) {
        Some(dir) => match within(call.dir, dir) {
            Some(dir) => dir,
            None => return Some(Err("its --dir is not a directory of the context".to_owned())),
        },
        None => call.dir.clone(),
    };
    match verb {
        "fetch" => Some(Ok((Role::Install, fetched(call, &dir)))),
        "install" | "i" => {
            let scripts = !call.has("--ignore-scripts");
            Some(
                node::needs(&call.files, &dir, FILES, scripts).map(|mut needs| {
                    settings(call, &dir, &mut needs);
                    (Role::Install, needs)
                }),
            )
        }
        _ => None,
    }
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
    if call.program() != "pnpm" || call.has("-g") || call.has("--global") {
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
    // `pnpm install name` adds a package.
    (found.len() == 1).then(|| found[0])
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    matches!(verb(call), Some("install" | "i")).then_some(())?;
    CacheDir::of("~/.local/share/pnpm/store")
}
