//! What Cargo reads of the project to build it: the manifests, the sources of every package, and what those name.
//!
//! A macro or a build script may open any file. What the strings of the sources name is taken for read; so are the
//! directories that well-known crates look into unasked. An answer holds as far as names go, and says by which files it
//! was found ([`super::Reads::named_by`]).

use super::cargo::{self, Crate};
use super::files::Files;
use super::needs::within;
use super::rust_source::{self, Named};
use super::{Call, Reads};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Sources that are looked at for one build, and bytes of each.
const MOST_FILES: usize = 4000;
const LARGEST: usize = 512 << 10;

/// What crates read beside a package's manifest without being told, from their manuals.
const UNASKED: &[(&str, &[&str])] = &[
    ("askama", &["askama.toml", "templates"]),
    ("askama_axum", &["askama.toml", "templates"]),
    ("diesel", &["diesel.toml"]),
    ("diesel_migrations", &["migrations"]),
    ("refinery", &["migrations"]),
    ("rinja", &["rinja.toml", "templates"]),
    ("rust-i18n", &["locales"]),
    ("sailfish", &["sailfish.toml", "templates"]),
    ("sea-orm", &["migration"]),
    ("sqlx", &[".env", ".sqlx", "migrations", "sqlx-data.json"]),
    ("tauri-build", &["capabilities", "icons", "tauri.conf.json"]),
];

/// Crates by which a build asks git, and macros' names.
const ASKS_GIT: &[&str] = &[
    "build-data",
    "build_info",
    "built",
    "git-version",
    "git_version",
    "gix",
    "shadow-rs",
    "vergen",
    "vergen-git2",
    "vergen-gitcl",
    "vergen-gix",
];

/// What a command reads of the project if it is a part of building with Cargo; `None` where it is another one. `git` says
/// whether the checkout's `.git` is there to be asked.
pub(super) fn reads(call: &Call<'_>, git: bool) -> Option<Result<Reads, String>> {
    if call.program() != "cargo" {
        return None;
    }
    let words: Vec<&str> = call
        .args()
        .iter()
        .map(String::as_str)
        .filter(|w| !w.starts_with(['-', '+']))
        .collect();
    match words.as_slice() {
        ["build" | "b" | "check" | "fetch" | "rustc" | "zigbuild", ..]
        | ["auditable", "build" | "b", ..] => Some(of_workspace(call, git)),
        ["install", ..] | ["auditable", "install", ..] if call.option(&["--path"]).is_some() => {
            Some(of_workspace(call, git))
        }
        ["install" | "binstall", _, ..] if call.option(&["--git"]).is_none() => {
            Some(Ok(Reads::default()))
        }
        // It leaves the same recipe whatever else is there.
        ["chef", "prepare", ..] => Some(Err("its recipe is known by its bytes".to_owned())),
        ["chef", "cook", ..] => Some(cooked(call)),
        ["clean" | "version", ..] | [] => Some(Ok(Reads::default())),
        [verb, ..] => Some(Err(format!("cargo {verb} may read any file"))),
    }
}

/// What cargo-chef reads when it cooks: its recipe holds the manifests.
fn cooked(call: &Call<'_>) -> Result<Reads, String> {
    let recipe = call.option(&["--recipe-path"]).unwrap_or("recipe.json");
    let mut reads = Reads::default();
    reads.files.extend(call.path(recipe));
    Ok(reads)
}

fn of_workspace(call: &Call<'_>, git: bool) -> Result<Reads, String> {
    let (needs, crates) = cargo::workspace(call)?;
    let files = &call.files;
    let start = cargo::started(call).unwrap_or_else(|| call.dir.clone());
    let root = cargo::workspace_root(files, &start);
    let mut reads = Reads {
        files: needs.files,
        trees: needs.dirs,
        ..Reads::default()
    };
    let mut sources = Vec::new();
    for one in &crates {
        let manifest = one.dir.join(b"Cargo.toml");
        let text = files.text(&manifest).unwrap_or_default();
        if git && ASKS_GIT.iter().any(|name| text.contains(name)) {
            return Err(format!("{manifest} names a crate that asks git"));
        }
        for (name, places) in UNASKED {
            if depends_on(&text, name) {
                for place in *places {
                    take(&mut reads, files, &one.dir.join(place.as_bytes()));
                    take(&mut reads, files, &root.join(place.as_bytes()));
                }
            }
        }
        reads.named_by.insert(manifest);
        let src = one.dir.join(b"src");
        if files.has_dir(&src) {
            reads.trees.insert(src);
        }
        for target in one.empty.iter().chain(&one.mains) {
            reads.files.insert(target.clone());
            let is_script = target.file_name() == Some(b"build.rs");
            if is_script {
                if files.text(target).is_none_or(|text| names_all(&text)) {
                    return Err(format!("{target} may read all of its package"));
                }
                reads.named_by.insert(target.clone());
                sources.push(target.clone());
            }
            let dir = target.parent().unwrap_or_else(RepoPath::root);
            if !is_script && dir == one.dir {
                return Err(format!(
                    "the sources of {} lie beside its manifest",
                    one.dir
                ));
            }
            // A target that is not built has to be there; what it reads is not read.
            if !is_script && !is_beside(&dir, &one.dir) {
                reads.trees.insert(dir);
            }
        }
    }
    // Linkers and their scripts.
    let is_config = |p: &&RepoPath| p.parent().is_some_and(|d| d.file_name() == Some(b".cargo"));
    sources.extend(reads.files.iter().filter(is_config).cloned());
    let trees = reads.trees.iter().flat_map(|dir| files.below(dir));
    sources.extend(trees.filter(|p| is_rust(p)).cloned());
    follow(&mut reads, files, &crates, sources, git)?;
    Ok(reads)
}

/// Adds what the strings of `open` name, and what those of the sources among it name in turn.
fn follow(
    reads: &mut Reads,
    files: &Files<'_>,
    crates: &[Crate],
    mut open: Vec<RepoPath>,
    git: bool,
) -> Result<(), String> {
    let root = RepoPath::root();
    let all = files.below(&root);
    let names: BTreeSet<&[u8]> = all.flat_map(RepoPath::names).collect();
    // Most strings name nothing.
    let is_name = |word: &str| {
        let last = word.trim_end_matches('/').rsplit('/').next();
        last.is_some_and(|last| names.contains(last.as_bytes()))
    };
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MOST_FILES {
            return Err("its sources are too many".to_owned());
        }
        let package = crates.iter().map(|c| &c.dir);
        let package = package.filter(|dir| path.strip_prefix(dir).is_some());
        let package = package.max_by_key(|dir| dir.names().count()).cloned();
        let text = files.text(&path).filter(|t| t.len() <= LARGEST);
        let text = text.ok_or_else(|| format!("{path} cannot be read"))?;
        let text = rust_source::without_tests(&text);
        if git && asks_git(&text) {
            return Err(format!("{path} asks git"));
        }
        let above = std::iter::successors(package, RepoPath::parent);
        let bases: Vec<RepoPath> = path.parent().into_iter().chain(above).collect();
        for Named { word, is_beside } in rust_source::strings(&text) {
            let word = word.strip_prefix("$CARGO_MANIFEST_DIR").unwrap_or(word);
            let word = word.trim_start_matches('/');
            if !is_name(word) {
                continue;
            }
            let bases = if is_beside { &bases[..1] } else { &bases };
            let named = bases.iter().filter_map(|base| within(base, word));
            // A name for all of a package is no name.
            let named = named.filter(|p| !crates.iter().any(|c| c.dir.strip_prefix(p).is_some()));
            for place in named {
                open.extend(take(reads, files, &place));
            }
        }
    }
    Ok(())
}

fn is_rust(path: &RepoPath) -> bool {
    path.file_name().is_some_and(|n| n.ends_with(b".rs"))
}

/// Adds what stands at `place`, where something does, and gives the sources that are new by it.
fn take(reads: &mut Reads, files: &Files<'_>, place: &RepoPath) -> Vec<RepoPath> {
    if files.has(place) {
        let is_new = reads.files.insert(place.clone());
        return Vec::from_iter(Some(place.clone()).filter(|p| is_new && is_rust(p)));
    }
    if !files.has_dir(place) || !reads.trees.insert(place.clone()) {
        return Vec::new();
    }
    files.below(place).filter(|p| is_rust(p)).cloned().collect()
}
/// Whether `dir` holds only targets that a build leaves alone: `tests`, `benches`, `examples` of the package in `package`.
fn is_beside(dir: &RepoPath, package: &RepoPath) -> bool {
    let rest = dir.strip_prefix(package);
    let first = rest.and_then(|rest| rest.names().next().map(<[u8]>::to_vec));
    let first = first.unwrap_or_default();
    [b"tests".as_slice(), b"benches", b"examples", b"src"].contains(&first.as_slice())
}

/// Whether a manifest's text has a dependency of this name.
fn depends_on(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let line = line
            .strip_prefix('[')
            .map_or(line, |l| l.rsplit('.').next().unwrap_or(l));
        let rest = line.strip_prefix(name);
        rest.is_some_and(|r| r.trim_start().starts_with(['=', ']', '.']))
    })
}

fn asks_git(text: &str) -> bool {
    text.contains("\"git\"") || text.contains("git_version!") || text.contains("\".git")
}

/// Whether a build script names the directory that it runs in, or one above: all of the package.
fn names_all(text: &str) -> bool {
    ["\".\"", "\"./\"", "\"..\"", "\"../\"", "\"/\""]
        .iter()
        .any(|all| text.contains(all))
}

#[cfg(test)]
mod tests {
    use super::super::Call;
    use super::super::files::tests::Fixture;
    use super::reads;
    use crate::tree::RepoPath;
    use std::collections::BTreeMap;

    fn check(line: &str, with: &[(&str, &str)], expected: &str) {
        let mut tree = vec![
            ("Cargo.toml", "[package]\nname = \"a\"\n"),
            (
                "src/main.rs",
                "mod x;\nconst P: &str = include_str!(\"../page.html\");",
            ),
            ("page.html", ""),
            ("templates/a/b.html", ""),
            ("docs/a.md", ""),
        ];
        tree.extend(with);
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let shown = Fixture::new(&tree).with(|files| {
            let call = Call {
                words: &words,
                env: &BTreeMap::new(),
                files: *files,
                dir: &RepoPath::root(),
                root: "/src",
            };
            match reads(&call, true) {
                None => "-".to_owned(),
                Some(Err(reason)) => format!("! {reason}"),
                Some(Ok(reads)) => {
                    let trees = reads.trees.iter().map(|p| format!("{p}/"));
                    let files = reads.files.iter().map(ToString::to_string);
                    trees.chain(files).collect::<Vec<_>>().join(" ")
                }
            }
        });
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn what_sources_name_is_read() {
        let plain = "src/ Cargo.toml page.html src/main.rs";
        check("cargo build --release", &[], plain);
        check("cargo +nightly install --path .", &[], plain);
        check("cargo chef cook --recipe-path r.json", &[], "r.json");
        check("cargo install sqlx-cli", &[], "");
        check("npm ci", &[], "-");
        check(
            "cargo build",
            &[(
                "src/x.rs",
                "#[folder = \"$CARGO_MANIFEST_DIR/templates/**/*.html\"]",
            )],
            "src/ templates/ Cargo.toml page.html src/main.rs",
        );
        check(
            "cargo build",
            &[(
                "Cargo.toml",
                "[package]\nname = \"a\"\n[dependencies.askama]\nversion = \"1\"\n",
            )],
            "src/ templates/ Cargo.toml page.html src/main.rs",
        );
        check(
            "cargo build",
            &[
                ("src/x.rs", "#[path = \"../gen/y.rs\"]"),
                ("gen/y.rs", "x(\"../docs/a.md\")"),
            ],
            "src/ Cargo.toml docs/a.md gen/y.rs page.html src/main.rs",
        );
        check(
            "cargo build",
            &[("build.rs", "x(\"docs\")"), ("tests/t.rs", "\"templates\"")],
            "docs/ src/ Cargo.toml build.rs page.html src/main.rs",
        );
    }

    #[test]
    fn what_the_compiler_opens_lies_beside_the_source() {
        let plain = "src/ Cargo.toml page.html src/main.rs";
        let with = |text| [("README.md", ""), ("src/deep/x.rs", text)];
        check("cargo build", &with("include_str!(\"README.md\")"), plain);
        check(
            "cargo build",
            &with("open(\"README.md\")"),
            "src/ Cargo.toml README.md page.html src/main.rs",
        );
        let tests = "\n#[cfg(test)]\nmod tests {\n    open(\"README.md\");\n}\n";
        check("cargo build", &with(tests), plain);
    }

    #[test]
    fn settings_of_cargo_name_what_links() {
        let link = "[build]\nrustflags = [\"-C\", \"link-arg=-Tmem.x\"]\nlinker = \"docs/a.md\"\n";
        check(
            "cargo build",
            &[(".cargo/config.toml", link)],
            "src/ .cargo/config.toml Cargo.toml docs/a.md page.html src/main.rs",
        );
    }

    #[test]
    fn what_may_read_anything_is_an_error() {
        check("cargo test", &[], "! cargo test may read any file");
        check(
            "cargo chef prepare",
            &[],
            "! its recipe is known by its bytes",
        );
        check("cargo sqlx prepare", &[], "! cargo sqlx may read any file");
        check(
            "cargo build",
            &[("build.rs", "Command::new(\"git\")")],
            "! build.rs asks git",
        );
        check(
            "cargo build",
            &[("build.rs", "read_dir(\".\")")],
            "! build.rs may read all of its package",
        );
        check(
            "cargo build",
            &[(
                "Cargo.toml",
                "[package]\nname = \"a\"\n[build-dependencies]\nvergen = \"9\"\n",
            )],
            "! Cargo.toml names a crate that asks git",
        );
    }
}
