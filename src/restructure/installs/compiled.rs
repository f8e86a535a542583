//! Where Cargo puts what it compiles.

use super::stage::StageView;
use crate::shell::Seen;

/// Variables that name another place (doc.rust-lang.org/cargo/reference/environment-variables.html).
const TOLD_BY: [&str; 2] = ["CARGO_BUILD_TARGET_DIR", "CARGO_TARGET_DIR"];
/// Options that do, or name another workspace.
const OPTIONS: [&str; 2] = ["--manifest-path", "--target-dir"];

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
            let is_told = is_told
                || seen
                    .args()
                    .iter()
                    .any(|w| OPTIONS.iter().any(|o| w.starts_with(o)));
            let here = read.place_of(seen).filter(|_| !is_told)?;
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
        "b" | "build" | "zigbuild" => Some(false),
        "auditable" => matches!(next()?, "b" | "build").then_some(false),
        "chef" => (next()? == "cook").then_some(true),
        "install" => {
            let mut args = seen.args().iter();
            let path = args.find_map(|w| match w.as_str() {
                "--path" => Some(""),
                word => word.strip_prefix("--path="),
            })?;
            let path = if path.is_empty() { args.next()? } else { path };
            matches!(path, "." | "./").then_some(false)
        }
        _ => None,
    }
}
