//! Bun: `bun install` reads the manifest, its lockfile, `bunfig.toml` and `.npmrc`.

use super::needs::within;
use super::{CacheDir, Call, Ecosystem, Role, Verdict, node};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "bun",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if !is_install(call) {
        return None;
    }
    let dir = match call.option(&["--cwd"]) {
        Some(cwd) => match within(call.dir, cwd) {
            Some(dir) => dir,
            None => return Some(Err("its --cwd is not a directory of the context".to_owned())),
        },
        None => call.dir.clone(),
    };
    let lockfiles = ["bun.lock", "bun.lockb", "bunfig.toml", ".npmrc"];
    let scripts = !call.has("--ignore-scripts");
    Some(node::needs(&call.files, &dir, &lockfiles, scripts).map(|needs| (Role::Install, needs)))
}

fn is_install(call: &Call<'_>) -> bool {
    call.program() == "bun"
        && matches!(call.verb(), Some("install" | "i" | "ci"))
        && !call.has("-g")
        && !call.has("--global")
        && call.args().iter().filter(|w| !w.starts_with('-')).count() == 1
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    is_install(call).then_some(())?;
    CacheDir::of("~/.bun/install/cache")
}
