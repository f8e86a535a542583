//! Deno: `deno install` reads deno.json, its lock and package.json; `deno cache main.ts` follows the source's imports.

use super::needs::Needs;
use super::{CacheDir, Call, Ecosystem, Role, Verdict};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "deno",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "deno" {
        return None;
    }
    match call.verb()? {
        "install" if !call.has("-g") && !call.has("--global") && !call.has("--entrypoint") => {
            let mut needs = Needs::default();
            needs.names(
                &call.files,
                call.dir,
                &[
                    "deno.json",
                    "deno.jsonc",
                    "deno.lock",
                    "package.json",
                    "import_map.json",
                    ".npmrc",
                ],
            );
            if needs.files.is_empty() {
                return Some(Err("there is no deno.json where it runs".to_owned()));
            }
            needs.shown("deno install reads its configuration and lock and no source".to_owned());
            Some(Ok((Role::Install, needs)))
        }
        "cache" | "install" => {
            // deps.ts is the customary file of imports; it may be cached alone if it imports nothing local.
            let only = call
                .args()
                .iter()
                .skip(1)
                .filter(|w| !w.starts_with('-'))
                .collect::<Vec<_>>();
            let [entry] = only.as_slice() else {
                return Some(Err("it follows the imports of the source".to_owned()));
            };
            let path = super::needs::within(call.dir, entry)?;
            let source = call.files.text(&path).unwrap_or_default();
            if source.is_empty()
                || source.contains("\"./")
                || source.contains("'./")
                || source.contains("\"../")
                || source.contains("'../")
            {
                return Some(Err("it follows the imports of the source".to_owned()));
            }
            let mut needs = Needs::default();
            needs.file(&call.files, &path);
            needs.names(
                &call.files,
                call.dir,
                &["deno.json", "deno.jsonc", "deno.lock", "import_map.json"],
            );
            needs.shown(format!("{path} imports no local file"));
            Some(Ok((Role::Install, needs)))
        }
        _ => None,
    }
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "deno" && matches!(call.verb(), Some("install" | "cache"))).then_some(())?;
    CacheDir::store("/deno-dir")
}
