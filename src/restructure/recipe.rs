//! Recipes: what cargo-chef's first step writes, and what that follows from.
//!
//! A recipe follows from manifests, lockfile, toolchain, configuration, and the names of targets
//! (LukeMathWalker/cargo-chef src/skeleton/mod.rs; equal versions of the project's own packages it masks).

use crate::replay::{Filters, Part};
use crate::shell;
use crate::shell::Seen;
use crate::tree::RepoPath;

/// The step as the `cargo-chef` rule writes it.
pub(super) const PREPARE: &str = "cargo chef prepare --recipe-path recipe.json";

/// Its options that a value follows (its `--help`, 0.1.78).
const OPTIONS: [&str; 2] = ["--recipe-path", "--bin"];

/// The recipe that `command` writes, as it names it; `None` for any other command, and where more is done with it.
pub(super) fn written(command: &str) -> Option<String> {
    let script = shell::parse(command);
    let [only] = script.commands.as_slice() else {
        return None;
    };
    let is_plain = script.is_complete
        && only.assignments.is_empty()
        && only.redirections.is_empty()
        && only.substitutions.is_empty()
        && only.nesting.is_empty()
        && !only.words.iter().any(|word| word.expands);
    let mut words = only.words.iter().map(|word| word.text.as_str());
    if !is_plain || words.next() != Some("cargo") {
        return None;
    }
    let mut words = words.skip_while(|word| word.starts_with('+'));
    if (words.next(), words.next()) != (Some("chef"), Some("prepare")) {
        return None;
    }
    let mut recipe = "recipe.json";
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, value),
            None => (word, words.next()?),
        };
        if !OPTIONS.contains(&option) {
            return None;
        }
        if option == "--recipe-path" {
            recipe = value;
        }
    }
    let recipe = recipe.strip_prefix("./").unwrap_or(recipe);
    let is_simple = |name: &str| !matches!(name, "" | "." | "..");
    let mut names = recipe.strip_prefix('/').unwrap_or(recipe).split('/');
    names.all(is_simple).then(|| recipe.to_owned())
}

/// Whether a command writes a recipe, wherever; it looks at manifests and names alone.
pub(super) fn writes_recipe(seen: &Seen) -> bool {
    let mut words = seen.args().iter().filter(|w| !w.starts_with('+'));
    let is_said = |one: &str, other: Option<&String>| other.is_some_and(|w| w == one);
    seen.name() == "cargo" && is_said("chef", words.next()) && is_said("prepare", words.next())
}

/// Says what `command` writes if that is a recipe.
pub(super) fn add_recipe(filters: &mut Filters, command: &str) {
    if let Some(recipe) = written(command) {
        filters.add_digest(command, &recipe, is_in_recipe);
    }
}

/// Whether a recipe holds this file, and whether its bytes count or only that it is there.
fn is_in_recipe(path: &RepoPath) -> Option<Part> {
    let name = path.file_name()?;
    let folder = |wanted: &[u8]| path.names().rev().skip(1).any(|n| n == wanted);
    match name {
        b"Cargo.toml" | b"Cargo.lock" | b"rust-toolchain" | b"rust-toolchain.toml" => {
            Some(Part::Bytes)
        }
        b"config.toml" | b"config" if folder(b".cargo") => Some(Part::Bytes),
        b"main.rs" | b"lib.rs" | b"build.rs" => Some(Part::Name),
        _ => {
            let is_target = name.ends_with(b".rs")
                && [&b"bin"[..], b"examples", b"tests", b"benches"]
                    .iter()
                    .any(|f| folder(f));
            is_target.then_some(Part::Name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_known_by_its_command() {
        for (command, want) in [
            (PREPARE, Some("recipe.json")),
            ("cargo chef prepare", Some("recipe.json")),
            (
                "cargo chef prepare  --recipe-path  recipe.json",
                Some("recipe.json"),
            ),
            (
                "cargo +nightly chef prepare --recipe-path=/tmp/r.json --bin app",
                Some("/tmp/r.json"),
            ),
            (
                "cargo chef prepare --recipe-path ./out/r.json",
                Some("out/r.json"),
            ),
            ("cargo chef prepare --recipe-path ../r.json", None),
            ("cargo chef prepare --recipe-path $RECIPE", None),
            ("cargo chef prepare --recipe-path", None),
            ("cargo chef prepare --verbose x", None),
            ("cargo chef prepare > log", None),
            ("date > stamp && cargo chef prepare", None),
            ("cargo chef prepare || true", None),
            ("CARGO_HOME=/c cargo chef prepare", None),
            ("cargo chef cook --recipe-path recipe.json", None),
            ("", None),
        ] {
            assert_eq!(written(command).as_deref(), want, "{command}");
        }
    }
}
