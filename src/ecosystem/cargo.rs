//! Cargo: dependencies are built from the manifests with empty stand-ins for every target, which are cleaned away again.
//!
//! `cargo fetch` would only download. A stand-in build compiles the dependencies; `cargo clean -p` then forgets the
//! project's own crates, so that Cargo, which goes by modification times, cannot take a stand-in for the real thing.

use super::files::Files;
use super::needs::{Needs, within};
use super::{CacheDir, Call, Ecosystem, Role, Verdict, python, text};
use crate::tree::RepoPath;
use std::collections::BTreeSet;
use toml::{Table, Value};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "cargo",
    plan,
    cache,
};

/// Stand-ins for more targets than this would be longer than the gain is worth reading.
const MOST_TARGETS: usize = 24;

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "cargo" {
        return None;
    }
    let words: Vec<&str> = call
        .args()
        .iter()
        .map(String::as_str)
        .filter(|w| !w.starts_with('-') && !w.starts_with('+'))
        .collect();
    match words.as_slice() {
        [
            "build" | "b" | "rustc" | "test" | "check" | "auditable" | "zigbuild",
            ..,
        ] => Some(prefetch(call, false)),
        ["install", ..] if call.option(&["--path"]).is_some() => Some(prefetch(call, true)),
        ["chef", "cook", ..] => Some(Err("cargo-chef cooks from a recipe".to_owned())),
        ["fetch", ..] => Some(prefetch(call, false)),
        _ => None,
    }
}

/// One crate of the workspace.
struct Crate {
    name: String,
    /// Paths of libraries (empty files will do) and of programs (which need a `main`).
    empty: BTreeSet<RepoPath>,
    mains: BTreeSet<RepoPath>,
}

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

/// The recipe for a command that builds; `None` for any other command, and where cargo-chef does not fit: crates beside
/// the project, vendored dependencies, options that it has not.
pub fn recipe(call: &Call<'_>) -> Option<Recipe> {
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

/// Cargo's own rule (doc.rust-lang.org/cargo/commands/cargo-install.html, "Dealing with the Lockfile").
const NOT_LOCKED: &str = "cargo install without --locked takes the newest versions that fit, which need not be those of Cargo.lock that were built before";

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

/// `+nightly`, which rustup takes for the toolchain.
fn toolchain_word<'c>(call: &'c Call<'_>) -> Option<&'c String> {
    call.args().first().filter(|w| w.starts_with('+'))
}

fn prefetch(call: &Call<'_>, installs: bool) -> Result<(Role, Needs), String> {
    let (mut needs, crates) = workspace(call)?;
    needs.shown("every Cargo.toml of the workspace is copied with it, and each target has a stand-in that is cleaned away".to_owned());
    let line = stand_in(call, call.dir, &crates, installs, &mut needs)?;
    Ok((Role::Prefetch(line), needs))
}

/// The manifests of the workspace that the command builds, and its packages; or why their dependencies cannot be built
/// apart.
fn workspace(call: &Call<'_>) -> Result<(Needs, Vec<Crate>), String> {
    let files = &call.files;
    let start = started(call).ok_or("where its manifest lies is not known")?;
    if !files.has(&start.join(b"Cargo.toml")) {
        return Err("there is no Cargo.toml where it runs".to_owned());
    }
    let root = workspace_root(files, &start);
    let mut needs = Needs::default();
    let mut crates = Vec::new();
    let mut open = vec![start.clone(), root.clone()];
    let mut seen = BTreeSet::new();
    while let Some(dir) = open.pop() {
        let path = dir.join(b"Cargo.toml");
        if seen.len() > 500 || !seen.insert(dir.clone()) {
            continue;
        }
        let Some(manifest) = files.toml(&path) else {
            needs.absent(format!("{path} is not in the context or could not be read"));
            continue;
        };
        needs.file(files, &path);
        open.extend(members(files, &dir, &manifest));
        open.extend(path_dependencies(&dir, &manifest, &mut needs));
        if dir != root && dir.strip_prefix(&root).is_none() {
            return Err(format!("the crate {dir} lies beside the project"));
        }
        crates.extend(crate_of(files, &dir, &manifest, &mut needs));
    }
    if !needs.absent.is_empty() {
        // As where the file builds on stand-ins of its own already.
        return Err(needs.absent.join("; "));
    }
    // Cargo looks for its configuration, and rustup for the toolchain's file, upwards from where it runs.
    for dir in std::iter::successors(Some(call.dir.clone()), RepoPath::parent) {
        needs.names(files, &dir, SETTINGS);
        if config_vendors(files, &dir) {
            return Err("its dependencies are vendored".to_owned());
        }
    }
    needs.names(files, &root, &["Cargo.lock"]);
    Ok((needs, crates))
}

/// The directory of the manifest that the command is given, or where it runs.
fn started(call: &Call<'_>) -> Option<RepoPath> {
    let manifest = call
        .option(&["--manifest-path"])
        .map(|p| call.path(p)?.parent());
    manifest
        .or(call.option(&["--path"]).map(|p| call.path(p)))
        .unwrap_or_else(|| Some(call.dir.clone()))
}

/// Files of settings, in each directory from the package up.
const SETTINGS: &[&str] = &[
    "rust-toolchain",
    "rust-toolchain.toml",
    "clippy.toml",
    ".cargo/config",
    ".cargo/config.toml",
];

/// Where the workspace of the package in `start` has its root: the nearest manifest upwards that has a `[workspace]` and
/// does not exclude it (doc.rust-lang.org/cargo/reference/workspaces.html).
fn workspace_root(files: &Files<'_>, start: &RepoPath) -> RepoPath {
    let named = files.toml(&start.join(b"Cargo.toml"));
    let named = named.and_then(|m| {
        let path = python::at(&m, &["package", "workspace"])?
            .as_str()?
            .to_owned();
        within(start, &path)
    });
    if let Some(root) = named.filter(|r| files.has(&r.join(b"Cargo.toml"))) {
        return root;
    }
    let is_root = |dir: &RepoPath| {
        let Some(manifest) = files.toml(&dir.join(b"Cargo.toml")) else {
            return false;
        };
        let excluded = python::at(&manifest, &["workspace", "exclude"]).and_then(Value::as_array);
        let mut excluded = excluded.into_iter().flatten().filter_map(Value::as_str);
        manifest.contains_key("workspace")
            && !excluded.any(|e| within(dir, e).is_some_and(|e| start.strip_prefix(&e).is_some()))
    };
    let mut above = std::iter::successors(Some(start.clone()), RepoPath::parent);
    above.find(is_root).unwrap_or_else(|| start.clone())
}

fn config_vendors(files: &Files<'_>, dir: &RepoPath) -> bool {
    [".cargo/config", ".cargo/config.toml"].iter().any(|n| {
        files
            .toml(&dir.join(n.as_bytes()))
            .is_some_and(|c| python::at(&c, &["source", "vendored-sources"]).is_some())
    })
}

fn members(files: &Files<'_>, dir: &RepoPath, manifest: &Table) -> Vec<RepoPath> {
    let listed = |key| {
        python::at(manifest, &["workspace", key])
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    };
    let excluded: Vec<RepoPath> = listed("exclude").filter_map(|e| within(dir, e)).collect();
    let found = listed("members")
        .take(256)
        .flat_map(|m| files.member_dirs(dir, m, "Cargo.toml"));
    found
        .filter(|m| !excluded.iter().any(|e| m.strip_prefix(e).is_some()))
        .collect()
}

fn path_dependencies(dir: &RepoPath, manifest: &Table, needs: &mut Needs) -> Vec<RepoPath> {
    let mut tables: Vec<&Table> = Vec::new();
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let add = |table: &Table| {
        kinds
            .iter()
            .filter_map(|k| table.get(*k)?.as_table().cloned())
            .collect::<Vec<Table>>()
    };
    let mut owned = add(manifest);
    let targets = manifest.get("target").and_then(Value::as_table);
    for target in targets
        .into_iter()
        .flatten()
        .filter_map(|(_, t)| t.as_table())
    {
        owned.extend(add(target));
    }
    tables.extend(&owned);
    tables.extend(python::at(manifest, &["workspace", "dependencies"]).and_then(Value::as_table));
    let patches = manifest.get("patch").and_then(Value::as_table);
    tables.extend(
        patches
            .into_iter()
            .flatten()
            .filter_map(|(_, p)| p.as_table()),
    );
    let mut found = Vec::new();
    for (name, value) in tables.into_iter().flatten() {
        let Some(path) = value.get("path").and_then(Value::as_str) else {
            continue;
        };
        match within(dir, path) {
            Some(path) => found.push(path),
            None => needs.doubt(format!("{name} comes from {path}, outside the context")),
        }
    }
    found
}

/// The targets of one package, as Cargo finds them (doc.rust-lang.org/cargo/guide/project-layout.html).
fn crate_of(
    files: &Files<'_>,
    dir: &RepoPath,
    manifest: &Table,
    needs: &mut Needs,
) -> Option<Crate> {
    let package = manifest.get("package").and_then(Value::as_table)?;
    let name = package.get("name").and_then(Value::as_str)?.to_owned();
    let mut one = Crate {
        name,
        empty: BTreeSet::new(),
        mains: BTreeSet::new(),
    };
    let lib = python::at(manifest, &["lib", "path"])
        .and_then(Value::as_str)
        .unwrap_or("src/lib.rs");
    one.empty.extend(within(dir, lib).filter(|p| files.has(p)));
    one.mains
        .extend(Some(dir.join(b"src/main.rs")).filter(|p| files.has(p)));
    let bins: Vec<RepoPath> = files
        .below(&dir.join(b"src/bin"))
        .filter(|p| is_target(p, &dir.join(b"src/bin")))
        .cloned()
        .collect();
    one.mains.extend(bins);
    for kind in ["bin", "example", "test", "bench"] {
        for target in manifest
            .get(kind)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let named = target
                .get("path")
                .and_then(Value::as_str)
                .and_then(|p| within(dir, p));
            let by_name = target.get("name").and_then(Value::as_str).map(|n| {
                dir.join(
                    format!("{kind}{}/{n}.rs", if kind == "bench" { "es" } else { "s" }).as_bytes(),
                )
            });
            one.mains.extend(named.or(by_name).filter(|p| files.has(p)));
        }
    }
    let build = package
        .get("build")
        .and_then(Value::as_str)
        .unwrap_or("build.rs");
    if let Some(script) = within(dir, build).filter(|p| files.has(p)) {
        one.mains.insert(script);
    }
    // A readme or licence that the manifest names is read when packaging, not when building.
    let targets = one.empty.iter().chain(&one.mains);
    if targets
        .into_iter()
        .all(|t| t.file_name() == Some(b"build.rs"))
    {
        needs.absent(format!("no target of {} is there", dir.join(b"Cargo.toml")));
    }
    Some(one)
}

/// `src/bin/x.rs` and `src/bin/x/main.rs`.
fn is_target(path: &RepoPath, dir: &RepoPath) -> bool {
    let names: Vec<Vec<u8>> = path
        .strip_prefix(dir)
        .map(|r| r.names().map(<[u8]>::to_vec).collect())
        .unwrap_or_default();
    match names.as_slice() {
        [file] => file.ends_with(b".rs"),
        [_, file] => file == b"main.rs",
        _ => false,
    }
}

/// The command line: make the stand-ins, build, forget the project's crates, remove the stand-ins.
fn stand_in(
    call: &Call<'_>,
    start: &RepoPath,
    crates: &[Crate],
    installs: bool,
    needs: &mut Needs,
) -> Result<String, String> {
    let shown = |path: &RepoPath| Some(text::quoted(&seen_from(start, path)));
    let empty: BTreeSet<String> = crates
        .iter()
        .flat_map(|c| &c.empty)
        .filter_map(&shown)
        .collect();
    let mains: BTreeSet<String> = crates
        .iter()
        .flat_map(|c| &c.mains)
        .filter_map(&shown)
        .collect();
    if crates.is_empty() || empty.len() + mains.len() == 0 {
        return Err("no target was found to stand in for".to_owned());
    }
    if empty.len() + mains.len() > MOST_TARGETS {
        return Err(
            "the workspace has too many targets for stand-ins; cargo-chef would do".to_owned(),
        );
    }
    let all: Vec<&String> = empty.iter().chain(&mains).collect();
    let dirs: BTreeSet<&str> = all
        .iter()
        .filter_map(|p| p.rsplit_once('/').map(|(d, _)| d))
        .collect();
    // `cargo install --path server` builds what `cargo build --manifest-path server/Cargo.toml` does.
    let named = call.option(&["--manifest-path"]).map(str::to_owned);
    let path = call.option(&["--path"]).map(|p| p.trim_end_matches('/'));
    let path = path.filter(|p| !matches!(*p, "." | "./"));
    let manifest = named
        .or(path.map(|p| format!("{p}/Cargo.toml")))
        .map(|m| format!(" --manifest-path {}", text::quoted(&m)))
        .unwrap_or_default();
    let mut steps = Vec::new();
    if !dirs.is_empty() {
        steps.push(format!("mkdir -p {}", joined(dirs.iter().copied())));
    }
    if !empty.is_empty() {
        steps.push(format!(
            "touch {}",
            joined(empty.iter().map(String::as_str))
        ));
    }
    match mains.len() {
        0 => {}
        1 => steps.push(format!(
            "echo 'fn main() {{}}' > {}",
            joined(mains.iter().map(String::as_str))
        )),
        _ => steps.push(format!(
            "echo 'fn main() {{}}' | tee {} > /dev/null",
            joined(mains.iter().map(String::as_str))
        )),
    }
    if installs {
        let kept: Vec<&str> = [
            "--locked",
            "--frozen",
            "--all-features",
            "--no-default-features",
        ]
        .into_iter()
        .filter(|f| call.has(f))
        .collect();
        let program = call.words.first().map_or("cargo", String::as_str);
        let plus = toolchain_word(call).map(|t| format!(" {t}"));
        let mut line = vec![format!(
            "{}{} build --release{manifest}",
            text::quoted(program),
            plus.unwrap_or_default()
        )];
        line.extend(kept.into_iter().map(str::to_owned));
        line.extend(
            call.option(&["--features", "-F"])
                .map(|f| format!("--features {}", text::quoted(f))),
        );
        line.extend(
            call.option(&["--target"])
                .map(|t| format!("--target {}", text::quoted(t))),
        );
        steps.push(line.join(" "));
        if !call.has("--locked") && !call.has("--frozen") {
            needs.doubt(NOT_LOCKED);
        }
    } else {
        // What is at hand offline is what this one is to fetch.
        let online = |word: &&String| *word != "--offline";
        let words = call.words.iter().filter(online).map(|w| match w.as_str() {
            "--frozen" => "--locked".to_owned(),
            word => text::quoted(word),
        });
        steps.push(words.collect::<Vec<_>>().join(" "));
    }
    let profile = if installs || call.has("--release") || call.has("-r") {
        " --release".to_owned()
    } else {
        call.option(&["--profile"])
            .map(|p| format!(" --profile {}", text::quoted(p)))
            .unwrap_or_default()
    };
    let target = call
        .option(&["--target"])
        .map(|t| format!(" --target {}", text::quoted(t)))
        .unwrap_or_default();
    let names: Vec<String> = crates
        .iter()
        .map(|c| format!("-p {}", text::quoted(&c.name)))
        .collect();
    if !call.has("fetch") {
        let program = call.words.first().map_or("cargo", String::as_str);
        let plus = toolchain_word(call).map(|t| format!(" {t}"));
        steps.push(format!(
            "{}{} clean{profile}{target}{manifest} {}",
            text::quoted(program),
            plus.unwrap_or_default(),
            names.join(" ")
        ));
    }
    steps.push(format!("rm {}", joined(all.iter().map(|s| s.as_str()))));
    Ok(steps.join(" \\\n    && "))
}

/// `path` as written from `dir`, with `..` where it lies beside.
fn seen_from(dir: &RepoPath, path: &RepoPath) -> String {
    let mut up = String::new();
    let mut above = std::iter::successors(Some(dir.clone()), RepoPath::parent);
    let rest = above.find_map(|d| {
        let rest = path.strip_prefix(&d);
        if rest.is_none() {
            up.push_str("../");
        }
        rest
    });
    format!("{up}{}", rest.unwrap_or_else(|| path.clone()))
}

fn joined<'s>(words: impl Iterator<Item = &'s str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "cargo"
        && matches!(
            call.verb_after_toolchain(),
            Some("build" | "install" | "fetch" | "check" | "test" | "chef")
        ))
    .then_some(())?;
    CacheDir::store("/usr/local/cargo/registry")
}
