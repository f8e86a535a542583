//! Cargo: dependencies are built from the manifests with empty stand-ins for every target, which are cleaned away again.
//!
//! `cargo fetch` would only download. A stand-in build compiles the dependencies; `cargo clean -p` then forgets the
//! project's own crates, so that Cargo, which goes by modification times, cannot take a stand-in for the real thing.

use super::cargo_chef::cook;
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
        ["build" | "b" | "rustc" | "test" | "check" | "zigbuild", ..]
        | ["auditable", "build" | "b", ..] => Some(prefetch(call, false)),
        ["install", ..] | ["auditable", "install", ..] if call.option(&["--path"]).is_some() => {
            Some(prefetch(call, true))
        }
        ["chef", "cook", ..] => Some(cook(call).map(|needs| (Role::Install, needs))),
        ["fetch", ..] => Some(prefetch(call, false)),
        _ => None,
    }
}

/// One crate of the workspace.
pub(super) struct Crate {
    name: String,
    /// Where its manifest lies.
    pub(super) dir: RepoPath,
    /// Paths of libraries (empty files will do) and of programs (which need a `main`).
    pub(super) empty: BTreeSet<RepoPath>,
    /// See `empty`.
    pub(super) mains: BTreeSet<RepoPath>,
}

/// Cargo's own rule (doc.rust-lang.org/cargo/commands/cargo-install.html, "Dealing with the Lockfile").
pub(super) const NOT_LOCKED: &str = "cargo install without --locked takes the newest versions that fit, which need not be those of Cargo.lock that were built before";

/// `+nightly`, which rustup takes for the toolchain.
pub(super) fn toolchain_word<'c>(call: &'c Call<'_>) -> Option<&'c String> {
    call.args().first().filter(|w| w.starts_with('+'))
}

/// Whether a word may stand for the profile, which `cargo clean` has to be told: `--$PROFILE`, `$CARGO_FLAGS`,
/// `$(test … && echo --release)`.
fn may_be_a_profile(call: &Call<'_>) -> bool {
    let valued = [
        "--bin",
        "--config",
        "--example",
        "--features",
        "--jobs",
        "--manifest-path",
        "--package",
        "--path",
        "--profile",
        "--root",
        "--target",
        "--target-dir",
        "-F",
        "-Z",
        "-j",
        "-p",
    ];
    let is_open = |word: &str| word.contains(['$', '`']);
    let may_be = |word: &String| {
        if !word.starts_with(['-', '$', '`']) {
            return false;
        }
        let name = word.split('=').next().filter(|_| word.starts_with('-'));
        // What a variable switches on is written there: `${FEATURES:+--features ${FEATURES}}`.
        let switched = word.split_once(":+").map(|(_, words)| words);
        let known = call.expanded(word);
        match (known.as_deref().or(switched), name) {
            (Some(text), _) => text.contains("release") || text.contains("profile"),
            (None, Some(name)) => is_open(name),
            (None, None) => true,
        }
    };
    let args = call.args();
    args.iter().enumerate().any(|(n, word)| {
        let before = n.checked_sub(1).and_then(|n| args.get(n));
        is_open(word) && before.is_none_or(|b| !valued.contains(&b.as_str())) && may_be(word)
    })
}

fn prefetch(call: &Call<'_>, installs: bool) -> Result<(Role, Needs), String> {
    if may_be_a_profile(call) {
        return Err("by which profile it builds is not known".to_owned());
    }
    let (mut needs, crates) = workspace(call)?;
    let has_lock = |p: &RepoPath| p.file_name() == Some(b"Cargo.lock");
    if (call.has("--locked") || call.has("--frozen")) && !needs.files.iter().any(has_lock) {
        return Err("it asks for a Cargo.lock, which is not in the repository".to_owned());
    }
    if let Some(name) = needed_outside(call, &crates) {
        return Err(format!(
            "crates that are downloaded are built with {name}, which is one of the project's"
        ));
    }
    needs.shown("every Cargo.toml of the workspace is copied with it, and each target has a stand-in that is cleaned away".to_owned());
    let line = stand_in(call, call.dir, &crates, installs, &mut needs)?;
    Ok((Role::Prefetch(line), needs))
}

/// The crate of the project that one of a registry is built with, as a patch puts it there: nothing could stand in for
/// it.
fn needed_outside<'c>(call: &Call<'_>, crates: &'c [Crate]) -> Option<&'c str> {
    let root = workspace_root(&call.files, &started(call)?);
    let lock = call.files.toml(&root.join(b"Cargo.lock"))?;
    let packages = lock.get("package")?.as_array()?;
    let text = |package: &'_ Value, key: &str| package.get(key)?.as_str().map(str::to_owned);
    let is_own = |p: &&Value| p.get("source").is_none();
    let own: BTreeSet<(String, String)> = packages
        .iter()
        .filter(is_own)
        .filter_map(|p| Some((text(p, "name")?, text(p, "version")?)))
        .collect();
    let downloaded = packages.iter().filter(|p| !is_own(p));
    let wanted = downloaded.filter_map(|p| p.get("dependencies")?.as_array());
    let names = wanted.flatten().filter_map(Value::as_str);
    // `itoa`, and where there are several of that name `itoa 1.0.9`, with its source unless it is the project's.
    let found: BTreeSet<&str> = names
        .filter(|dependency| {
            let mut words = dependency.split(' ');
            let (name, version) = (words.next(), words.next());
            words.next().is_none()
                && own
                    .iter()
                    .any(|(n, v)| Some(n.as_str()) == name && version.is_none_or(|w| w == v))
        })
        .filter_map(|dependency| dependency.split(' ').next())
        .collect();
    let mut names = crates.iter().map(|c| c.name.as_str());
    names.find(|name| found.contains(name))
}

/// The manifests of the workspace that the command builds, and its packages; or why their dependencies cannot be built
/// apart.
pub(super) fn workspace(call: &Call<'_>) -> Result<(Needs, Vec<Crate>), String> {
    let files = &call.files;
    let start = started(call).ok_or("where its manifest lies is not known")?;
    if !files.has(&start.join(b"Cargo.toml")) {
        return Err("there is no Cargo.toml where it runs".to_owned());
    }
    let root = workspace_root(files, &start);
    let shared = Shared::new(files, &root);
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
        open.extend(path_dependencies(
            &dir, &manifest, &shared, true, &mut needs,
        ));
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
pub(super) fn started(call: &Call<'_>) -> Option<RepoPath> {
    let manifest = call
        .option(&["--manifest-path"])
        .map(|p| call.path(p)?.parent());
    manifest
        .or(call.option(&["--path"]).map(|p| call.path(p)))
        .unwrap_or_else(|| Some(call.dir.clone()))
}

/// The root of the workspace that a command of Cargo's works in, below which it puts what it compiles; `None` where no
/// manifest is there.
pub fn built_in(call: &Call<'_>) -> Option<RepoPath> {
    let start = started(call)?;
    let is_there = call.files.has(&start.join(b"Cargo.toml"));
    is_there.then(|| workspace_root(&call.files, &start))
}

/// Files of settings, in each directory from the package up.
pub(super) const SETTINGS: &[&str] = &[
    "rust-toolchain",
    "rust-toolchain.toml",
    ".cargo/config",
    ".cargo/config.toml",
];

/// Where the workspace of the package in `start` has its root: the nearest manifest upwards that has a `[workspace]` and
/// does not exclude it (doc.rust-lang.org/cargo/reference/workspaces.html).
pub(super) fn workspace_root(files: &Files<'_>, start: &RepoPath) -> RepoPath {
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

/// The directories that a workspace lists as members.
pub(super) fn members(files: &Files<'_>, dir: &RepoPath, manifest: &Table) -> Vec<RepoPath> {
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

/// What members of a workspace take over from its root.
pub(super) struct Shared {
    root: RepoPath,
    dependencies: Table,
}

impl Shared {
    /// Of the workspace at `root`.
    pub(super) fn new(files: &Files<'_>, root: &RepoPath) -> Self {
        let manifest = files.toml(&root.join(b"Cargo.toml")).unwrap_or_default();
        let listed = python::at(&manifest, &["workspace", "dependencies"]);
        Self {
            root: root.clone(),
            dependencies: listed
                .and_then(Value::as_table)
                .cloned()
                .unwrap_or_default(),
        }
    }
}

/// The directories that the dependencies of a manifest name, with those that its patches put in the place of others.
pub(super) fn path_dependencies(
    dir: &RepoPath,
    manifest: &Table,
    shared: &Shared,
    with_patches: bool,
    needs: &mut Needs,
) -> Vec<RepoPath> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flatten().map(|(_, t)| t);
    let lists = targets.filter_map(Value::as_table).chain([manifest]);
    let mut tables: Vec<&Table> = lists
        .flat_map(|list| kinds.iter().filter_map(|k| list.get(*k)?.as_table()))
        .collect();
    let patches = manifest.get("patch").filter(|_| with_patches);
    let patches = patches.and_then(Value::as_table);
    tables.extend(
        patches
            .into_iter()
            .flatten()
            .filter_map(|(_, p)| p.as_table()),
    );
    let mut found = Vec::new();
    for (name, value) in tables.into_iter().flatten() {
        // What no member takes over is not looked at.
        let is_shared = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let (from, value) = match shared.dependencies.get(name).filter(|_| is_shared) {
            Some(value) => (&shared.root, value),
            None => (dir, value),
        };
        let Some(path) = value.get("path").and_then(Value::as_str) else {
            continue;
        };
        match within(from, path) {
            Some(path) => found.push(path),
            None => needs.absent(format!("{name} comes from {path}, outside the context")),
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
        dir: dir.clone(),
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
        for (name, names) in [
            ("--config", &["--config"][..]),
            ("--features", &["--features", "-F"]),
        ] {
            let values = call.options(names).into_iter();
            line.extend(values.map(|value| format!("{name} {}", text::quoted(value))));
        }
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
    let fetches = match call.verb_after_toolchain()? {
        "b" | "build" | "install" | "fetch" | "check" | "rustc" | "test" | "auditable"
        | "zigbuild" | "nextest" | "run" => true,
        // `prepare` looks at the manifests alone.
        "chef" => call.has("cook"),
        _ => false,
    };
    (call.program() == "cargo" && fetches).then_some(())?;
    CacheDir::store("/usr/local/cargo/registry")
}
