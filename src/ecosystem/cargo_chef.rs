//! cargo-chef: how it builds the dependencies of a command.

use super::cargo::{
    Crate, NOT_LOCKED, SETTINGS, Shared, members, path_dependencies, started, toolchain_word,
    workspace, workspace_root,
};
use super::files::Files;
use super::made::Made;
use super::needs::{Needs, within};
use super::{Call, make, python, text};
use crate::tree::RepoPath;
use std::collections::BTreeSet;
use toml::Value;

/// How cargo-chef builds the dependencies of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// `cargo chef cook …` with the command's own features, profile and target.
    pub cook: String,
    /// The workspace's directory, where it runs.
    pub root: RepoPath,
    /// Packages of the workspace.
    pub n_crates: usize,
    /// Their libraries, programs and build scripts.
    pub n_targets: usize,
    /// The file that names the toolchain, if there is one.
    pub toolchain: Option<RepoPath>,
    /// What was shown, whole sentences.
    pub reasons: Vec<String>,
    /// What was not.
    pub doubts: Vec<String>,
}

/// Options of Cargo that `cargo chef cook` has too (its `--help`, 0.1.78), and whether a value follows.
const COOK_OPTIONS: &[(&str, bool)] = &[
    ("--all-features", false),
    ("--all-targets", false),
    ("--benches", false),
    ("--bin", true),
    ("--bins", false),
    ("--examples", false),
    ("--features", true),
    ("--jobs", true),
    ("--locked", false),
    ("--manifest-path", true),
    ("--no-default-features", false),
    ("--package", true),
    ("--profile", true),
    ("--release", false),
    ("--target", true),
    ("--target-dir", true),
    ("--tests", false),
    ("--timings", false),
    ("--verbose", false),
    ("--workspace", false),
    ("-Z", true),
    ("-j", true),
    ("-p", true),
    ("-v", false),
];

/// Options that it has under another name; what is fetched first cannot be asked for offline. `--all` is the old name
/// (doc.rust-lang.org/cargo/commands/cargo-build.html).
const RENAMED: &[(&str, &str)] = &[
    ("--all", "--workspace"),
    ("--frozen", "--locked"),
    ("-F", "--features"),
    ("-r", "--release"),
];

/// Options that make no difference to what is compiled, and whether a value follows.
const IDLE_OPTIONS: &[(&str, bool)] = &[
    ("--color", true),
    ("--force", false),
    ("--message-format", true),
    ("--no-run", false),
    ("--no-track", false),
    ("--offline", false),
    ("--path", true),
    ("--quiet", false),
    ("--root", true),
    ("-f", false),
    ("-q", false),
];

/// The recipe for a command that builds, or for the first that a `make` builds with; `None` for any other command, and
/// where cargo-chef does not fit: crates beside the project, vendored dependencies, options that it has not.
pub fn recipe(call: &Call<'_>) -> Option<Recipe> {
    direct(call).or_else(|| behind_make(call))
}

/// Variables by which Cargo and the compiler go, for all crates.
const STEERING: [&str; 7] = ["AR", "CARGO", "CC", "CFLAGS", "CXX", "CXXFLAGS", "RUST"];

/// The recipe for the first command with Cargo behind a `make`, its variables as they are where nothing more is set.
fn behind_make(call: &Call<'_>) -> Option<Recipe> {
    let goal = make::as_called(call).filter(|goal| !goal.has_includes)?;
    let exported = goal.exported?;
    let is_steering = |name: &str| STEERING.iter().any(|s| name.starts_with(s));
    if exported
        .iter()
        .any(|(name, value)| value.is_none() && is_steering(name))
    {
        return None;
    }
    let is_cargo = |made: &&Made| made.seen.name() == "cargo" && made.place.is_none();
    let mut builds = goal.commands.iter().filter(is_cargo);
    let (made, mut recipe) = builds.find_map(|made| {
        let is_known =
            !made.seen.conditional && !made.seen.words.iter().any(|w| w.contains(make::UNKNOWN));
        let at = made.inner(call, &goal.dir).filter(|_| is_known)?;
        Some((made, direct(&at.call(call))?))
    })?;
    // Build scripts of dependencies get what the Makefile sets.
    let own = made.seen.assignments.iter().cloned();
    let known = exported
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let set: Vec<String> = known
        .chain(own)
        .map(|(name, value)| format!("{name}={}", text::quoted(&value)))
        .collect();
    if !set.is_empty() {
        recipe.cook = format!("{} {}", set.join(" "), recipe.cook);
    }
    recipe.doubts.push(
        "variables and conditions of the Makefile are taken as they are where no more is set"
            .to_owned(),
    );
    let unset: Vec<&str> = exported
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if !unset.is_empty() {
        recipe.doubts.push(format!(
            "the Makefile sets {} when it is run: check that no dependency is built by that",
            unset.join(" and ")
        ));
    }
    Some(recipe)
}

fn direct(call: &Call<'_>) -> Option<Recipe> {
    let toolchain = toolchain_word(call);
    let args = &call.args()[usize::from(toolchain.is_some())..];
    // As it is found by name: what it writes is known of this very text.
    if call.words.first().map(String::as_str) != Some("cargo") {
        return None;
    }
    let (kind, rest) = match args {
        [verb, rest @ ..] if matches!(verb.as_str(), "build" | "b") => ("", rest),
        [verb, rest @ ..] if matches!(verb.as_str(), "check" | "c") => (" --check", rest),
        [verb, rest @ ..] if matches!(verb.as_str(), "test" | "t") => (" --tests", rest),
        [verb, rest @ ..] if verb == "zigbuild" => (" --zigbuild", rest),
        // It wraps the compiler for the workspace's own crates (rust-secure-code/cargo-auditable).
        [verb, build, rest @ ..] if verb == "auditable" && build == "build" => ("", rest),
        [verb, rest @ ..] if verb == "install" && call.option(&["--path"]).is_some() => ("", rest),
        _ => return None,
    };
    let installs = call.verb_after_toolchain() == Some("install");
    let plus = toolchain.map(|t| format!("{t} ")).unwrap_or_default();
    let (mut cook, passed) = cook_options(call, rest)?;
    if installs && !call.has("--debug") && call.option(&["--profile"]).is_none() {
        cook.insert(0, "--release".to_owned());
    }
    let (mut needs, crates) = workspace(call).ok()?;
    let start = started(call)?;
    let root = workspace_root(&call.files, &start);
    // A recipe holds no other crates, and without their manifests nothing is built.
    let all = all_members(&call.files, &root);
    if !crates.iter().all(|c| all.contains(&c.dir)) {
        return None;
    }
    if start != root || installs {
        // What a package of its own directory is, the whole workspace is not.
        let names = |list: &[&str]| {
            let mut words = rest.iter().filter_map(|w| w.split('=').next());
            words.any(|w| list.contains(&w))
        };
        let is_relative = names(&["--manifest-path", "--target-dir"]);
        let has_own = |n: &&str| call.files.has(&start.join(n.as_bytes()));
        if *call.dir != root && is_relative || start != root && SETTINGS.iter().any(has_own) {
            return None;
        }
        let is_picked = names(&["-p", "--package", "--workspace", "--all", "--manifest-path"]);
        let manifest = call.files.toml(&start.join(b"Cargo.toml"))?;
        let name = python::at(&manifest, &["package", "name"])?.as_str()?;
        if !is_picked {
            cook.push(format!("-p {}", text::quoted(name)));
        }
    }
    if installs && !cook.iter().any(|w| w == "--locked") {
        needs.doubt(NOT_LOCKED);
    }
    let toolchain = ["rust-toolchain.toml", "rust-toolchain"]
        .iter()
        .map(|n| root.join(n.as_bytes()))
        .find(|p| call.files.has(p));
    let options: String = cook.iter().map(|w| format!(" {w}")).collect();
    Some(Recipe {
        cook: format!("cargo {plus}chef cook{kind}{options} --recipe-path recipe.json"),
        root,
        n_crates: crates.len(),
        n_targets: crates.iter().map(|c| c.empty.len() + c.mains.len()).sum(),
        toolchain,
        reasons: needs.reasons,
        doubts: needs.doubts.into_iter().chain(passed).collect(),
    })
}

/// What settings of Cargo's have other sources for crates by (doc.rust-lang.org/cargo/reference/config.html).
const REPLACING: [&str; 4] = ["[patch", "directory", "local-registry", "paths"];

/// What `cargo chef cook` reads where the source stands already: its recipe, and what Cargo and rustup look for before
/// that is read. Or why it may read more.
pub(super) fn cook(call: &Call<'_>) -> Result<Needs, String> {
    let (needed, crates) = workspace(call)?;
    let files = &call.files;
    let start = started(call).ok_or("where its manifest lies is not known")?;
    let root = workspace_root(files, &start);
    let recipe = call.option(&["--recipe-path"]).unwrap_or("recipe.json");
    let recipe = call
        .path(recipe)
        .ok_or("where its recipe lies is not known")?;
    if files.has(&recipe) {
        return Err(format!("its recipe may be {recipe} of the repository"));
    }
    let is_setting = |p: &&RepoPath| {
        let path = p.to_string();
        let is_one = |s: &&str| path == **s || path.ends_with(&format!("/{s}"));
        SETTINGS.iter().any(is_one)
    };
    let mut needs = Needs {
        files: needed.files.iter().filter(is_setting).cloned().collect(),
        ..Needs::default()
    };
    // A linker, a target's description.
    let words = call.args().iter();
    let mut named: Vec<RepoPath> = words
        .filter_map(|w| call.path(w.rsplit('=').next()?))
        .collect();
    for path in needs.files.clone() {
        let text = files.text(&path).ok_or("its settings could not be read")?;
        if REPLACING.iter().any(|key| text.contains(key)) {
            return Err(format!("{path} puts other sources in the place of crates"));
        }
        let dir = path.parent().unwrap_or_else(RepoPath::root);
        named.extend(named_in(&root, &dir, &text));
    }
    for path in named {
        if !needs.files.contains(&path) && needs.file(files, &path) {
            needs.doubt(format!(
                "check that {path} needs nothing else of the project"
            ));
        }
    }
    others(files, &root, &crates, &mut needs);
    needs.made.insert(recipe);
    needs.shown("cargo-chef writes the manifests, the lockfile and a stand-in for each target from its recipe, over what is there");
    Ok(needs)
}

/// Adds the crates that no recipe holds, with their sources: patches, and what lies outside the workspace.
fn others(files: &Files<'_>, root: &RepoPath, crates: &[Crate], needs: &mut Needs) {
    let all = all_members(files, root);
    let mut named = Vec::new();
    for other in crates.iter().filter(|c| !all.contains(&c.dir)) {
        needs.dir(files, &other.dir);
        let own_root = workspace_root(files, &other.dir);
        if own_root != *root {
            needs.file(files, &own_root.join(b"Cargo.toml"));
        }
        named.push(other.dir.to_string());
    }
    if !named.is_empty() {
        needs.doubt(format!(
            "check that {}, whose sources no recipe holds, read nothing beside their folders",
            named.join(", ")
        ));
    }
}

/// The paths that the strings of a settings file may be, from where Cargo runs and from beside the file's folder.
fn named_in(root: &RepoPath, dir: &RepoPath, text: &str) -> Vec<RepoPath> {
    let words = text.split(|c: char| c.is_whitespace() || "\"'=,[]".contains(c));
    let words = words.filter(|w| !w.is_empty());
    let beside = dir.parent().unwrap_or_else(RepoPath::root);
    words
        .flat_map(|w| [within(root, w), within(&beside, w), within(dir, w)])
        .flatten()
        .collect()
}

/// The options of `cargo chef cook` for those of a command, and what could not be shown about them.
fn cook_options(call: &Call<'_>, rest: &[String]) -> Option<(Vec<String>, Vec<String>)> {
    let mut cook = Vec::new();
    let mut passed = Vec::new();
    let mut words = rest.iter().take_while(|w| *w != "--");
    while let Some(word) = words.next() {
        // An argument of the build that may hold further options.
        if word.starts_with('$') && !word.contains('(') && call.knows(word) {
            cook.push(word.clone());
            passed.push(format!(
                "cargo chef cook takes the options that {word} holds"
            ));
            continue;
        }
        // One whose name an argument holds: `--$PROFILE`.
        if word.starts_with("--$") && !word.contains('(') && call.knows(word) {
            let said = call.expanded(word)?;
            let is_option = |(option, takes_value): &(&str, bool)| *option == said && !takes_value;
            COOK_OPTIONS.iter().find(|o| is_option(o))?;
            cook.push(word.clone());
            passed.push(format!(
                "{word} is an option of cargo chef cook whatever is passed"
            ));
            continue;
        }
        let name = word.split('=').next().unwrap_or(word);
        let attached = || {
            word.get(..2)
                .filter(|n| matches!(*n, "-Z" | "-j" | "-p") && word.len() > 2)
        };
        let of = |list: &[(&str, bool)]| list.iter().find(|(o, _)| *o == name).map(|(_, v)| *v);
        if let Some(takes_value) = of(IDLE_OPTIONS) {
            if takes_value && name == word.as_str() {
                words.next()?;
            }
            continue;
        }
        if word == "--debug" && call.verb_after_toolchain() == Some("install") {
            continue;
        }
        let renamed = RENAMED
            .iter()
            .find(|(old, _)| *old == name)
            .map(|(_, new)| *new);
        let known = renamed.unwrap_or(name);
        let takes_value = COOK_OPTIONS
            .iter()
            .find(|(o, _)| *o == known)
            .map(|(_, v)| *v);
        let takes_value = takes_value.or(attached().map(|_| false))?;
        let written = match renamed {
            Some(new) => word.replacen(name, new, 1),
            None => word.clone(),
        };
        cook.push(text::quoted(&written));
        if takes_value && name == word.as_str() {
            cook.push(text::quoted(words.next()?));
        }
    }
    Some((cook, passed))
}

/// The packages of a workspace: those that it lists, and those below its root that their dependencies name by path; no
/// patches (doc.rust-lang.org/cargo/reference/workspaces.html). A package alone has no members.
fn all_members(files: &Files<'_>, root: &RepoPath) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::from([root.clone()]);
    let Some(manifest) = files.toml(&root.join(b"Cargo.toml")) else {
        return found;
    };
    if !manifest.contains_key("workspace") {
        return found;
    }
    let shared = Shared::new(files, root);
    let excluded = python::at(&manifest, &["workspace", "exclude"]).and_then(Value::as_array);
    let excluded = excluded.into_iter().flatten().filter_map(Value::as_str);
    let excluded: Vec<RepoPath> = excluded.filter_map(|e| within(root, e)).collect();
    let listed: BTreeSet<RepoPath> = members(files, root, &manifest).into_iter().collect();
    let mut open: Vec<RepoPath> = listed.into_iter().chain([root.clone()]).collect();
    while let Some(dir) = open.pop() {
        found.insert(dir.clone());
        let Some(manifest) = files.toml(&dir.join(b"Cargo.toml")) else {
            continue;
        };
        let mut unsaid = Needs::default();
        let named = path_dependencies(&dir, &manifest, &shared, false, &mut unsaid);
        let is_member = |dir: &RepoPath| {
            dir.strip_prefix(root).is_some()
                && !excluded.iter().any(|e| dir.strip_prefix(e).is_some())
        };
        open.extend(
            named
                .into_iter()
                .filter(|dir| is_member(dir) && !found.contains(dir)),
        );
        if found.len() > 500 {
            break;
        }
    }
    found
}
