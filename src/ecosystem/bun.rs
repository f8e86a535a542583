//! Bun: `bun install` reads the manifest, its lockfile, `bunfig.toml` and `.npmrc`.

use super::lifecycle::Scripts;
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
    let Some(dir) = node::project(call, &["--cwd"]) else {
        return Some(Err("its --cwd is not a directory of the context".to_owned()));
    };
    let lockfiles = ["bun.lock", "bun.lockb", "bunfig.toml", ".npmrc"];
    let scripts = if call.has("--ignore-scripts") {
        Scripts::Off
    } else {
        Scripts::All
    };
    Some(node::needs(&call.files, &dir, &lockfiles, scripts).map(|needs| (Role::Install, needs)))
}

fn is_install(call: &Call<'_>) -> bool {
    call.program() == "bun"
        && matches!(call.verb(), Some("install" | "i" | "ci"))
        && !call.has("-g")
        && !call.has("--global")
        && n_positional(call) == 1
}

/// The words that are neither options nor their values.
fn n_positional(call: &Call<'_>) -> usize {
    let valued = ["--cwd", "--filter", "-F", "--backend", "--registry"];
    let mut words = call.args().iter().map(String::as_str);
    let mut n = 0;
    while let Some(word) = words.next() {
        if valued.contains(&word) {
            words.next();
        } else {
            n += usize::from(!word.starts_with('-'));
        }
    }
    n
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    is_install(call).then_some(())?;
    CacheDir::of("~/.bun/install/cache")
}
