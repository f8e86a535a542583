//! Crystal: the compiler keeps what it made of sources that stay the same. (What `shards` installs: `listed.rs`.)

use super::{CacheDir, Call, Ecosystem, Verdict};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "crystal",
    plan,
    cache,
};

fn plan(_: &Call<'_>) -> Verdict {
    None
}

/// crystal(1), `CRYSTAL_CACHE_DIR`: by default `crystal` in the user's cache directory. A release is one module, of which
/// nothing stays the same.
fn cache(call: &Call<'_>) -> Option<CacheDir> {
    let compiles = match call.program() {
        "crystal" => matches!(call.verb(), Some("build" | "run" | "spec")),
        "shards" => call.verb() == Some("build"),
        _ => false,
    };
    (compiles && !call.has("--release") && !call.has("--single-module")).then_some(())?;
    CacheDir::compiled("~/.cache/crystal")
}
