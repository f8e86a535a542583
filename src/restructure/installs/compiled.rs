//! Where Cargo puts what it compiles.

use super::super::layout::absolute;
use super::stage::StageView;
use crate::ecosystem;
use crate::shell::Seen;

/// Variables that name another place (doc.rust-lang.org/cargo/reference/environment-variables.html).
const TOLD_BY: [&str; 2] = ["CARGO_BUILD_TARGET_DIR", "CARGO_TARGET_DIR"];
/// The option that does.
const OPTION: &str = "--target-dir";
/// Options that name the package, which may be of a workspace elsewhere.
const PACKAGE: [&str; 2] = ["--manifest-path", "--path"];

impl StageView<'_> {
    /// The directories, absolute, into which Cargo compiles in RUN `run`, and whether from a recipe of cargo-chef, which
    /// stands where it is cooked; none where something says another place.
    pub(in crate::restructure) fn cargo_targets(&self, run: usize) -> Vec<(String, bool)> {
        let Some(read) = self.read_with_mounts(run) else {
            return Vec::new();
        };
        let builds = read.seen.iter().filter_map(|seen| {
            let is_cooked = compiles(seen)?;
            let is_told = seen
                .assignments
                .iter()
                .any(|(n, _)| TOLD_BY.contains(&n.as_str()))
                || TOLD_BY.iter().any(|name| read.env.contains_key(*name));
            if is_told || seen.args().iter().any(|w| w.starts_with(OPTION)) {
                return None;
            }
            let root = read.with_call(seen, ecosystem::built_in).flatten();
            let root = root.and_then(|r| absolute(Some(&read.root), &r.to_string()));
            // Without manifests, as above a recipe, it works where it runs.
            let is_elsewhere = |w: &String| PACKAGE.iter().any(|o| w.starts_with(o));
            let here = match root {
                Some(root) => root,
                None if seen.args().iter().any(is_elsewhere) => return None,
                None => read.place_of(seen)?,
            };
            Some((format!("{}/target", here.trim_end_matches('/')), is_cooked))
        });
        builds.collect()
    }
}

/// Whether a command of Cargo's that compiles the project where it runs cooks a recipe; `None` for any other command.
fn compiles(seen: &Seen) -> Option<bool> {
    let mut words = seen.args().iter().filter(|w| !w.starts_with(['-', '+']));
    let mut next = || words.next().map(String::as_str);
    if seen.name() != "cargo" {
        return None;
    }
    match next()? {
        "b" | "build" | "rustc" | "zigbuild" => Some(false),
        "auditable" => matches!(next()?, "b" | "build").then_some(false),
        "chef" => (next()? == "cook").then_some(true),
        "install" => {
            let is_path = |w: &String| w == "--path" || w.starts_with("--path=");
            seen.args().iter().any(is_path).then_some(false)
        }
        _ => None,
    }
}
