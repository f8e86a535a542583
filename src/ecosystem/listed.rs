//! Package managers whose install reads files of fixed names: Go's vendoring tools before modules, Bower, Crystal, Nim,
//! Gleam, Leiningen, rebar3, Stack, Cabal, Zig, PDM, opam, cpanm, Carton, renv.
//!
//! Sources: the tools' own manuals. What a manifest names elsewhere is a doubt.

use super::haskell::{cabal_packages, stack_packages};
use super::needs::Needs;
use super::{CacheDir, Call, Ecosystem, Role, Verdict};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// One command of a tool.
struct Tool {
    program: &'static str,
    /// Its first words; none for a tool that is known by a flag alone.
    verbs: &'static [&'static str],
    /// With one of these flags it resolves dependencies and nothing else; with an empty flag it always does.
    alone: &'static [&'static str],
    /// The line that resolves them where it does more; `None` where there is none.
    before: Option<Before>,
    /// At least one of these must be there; `*` stands for any beginning of a name.
    manifests: &'static [&'static str],
    /// Read beside them.
    also: &'static [&'static str],
    /// Words of a manifest that may name files elsewhere.
    elsewhere: &'static [&'static str],
    /// The word of a manifest without which it names no dependency; empty where each may.
    names_one: &'static str,
    /// What cannot be shown of the line put before.
    doubt: Option<&'static str>,
    /// Directories of further packages with manifests of their own.
    members: fn(&Call<'_>) -> BTreeSet<RepoPath>,
}

/// The line to put above the source.
enum Before {
    /// This one.
    Line(&'static str),
    /// The command itself with this flag.
    With(&'static str),
    /// What stands before the verb, and this in its place.
    Instead(&'static str),
}

const NOTHING: Tool = Tool {
    program: "",
    verbs: &[],
    alone: &[""],
    before: None,
    manifests: &[],
    also: &[],
    elsewhere: &[],
    names_one: "",
    doubt: None,
    members: |_| BTreeSet::new(),
};

/// golang.github.io/dep, github.com/Masterminds/glide, kardianos/govendor, tools/godep: what is vendored stays beside the
/// source.
pub(super) const DEP: Ecosystem = of("dep", |call| plan(call, DEP_TOOLS));
const DEP_TOOLS: &[Tool] = &[
    Tool {
        program: "dep",
        verbs: &["ensure"],
        alone: &["-vendor-only", "--vendor-only"],
        before: Some(Before::With("-vendor-only")),
        manifests: &["Gopkg.toml"],
        also: &["Gopkg.lock"],
        ..NOTHING
    },
    Tool {
        program: "glide",
        verbs: &["install"],
        manifests: &["glide.yaml"],
        also: &["glide.lock"],
        ..NOTHING
    },
    Tool {
        program: "govendor",
        verbs: &["sync"],
        manifests: &["vendor/vendor.json"],
        ..NOTHING
    },
    Tool {
        program: "godep",
        verbs: &["restore"],
        manifests: &["Godeps/Godeps.json"],
        ..NOTHING
    },
];

pub(super) const BOWER: Ecosystem = of("bower", |call| plan(call, BOWER_TOOLS));
const BOWER_TOOLS: &[Tool] = &[Tool {
    program: "bower",
    verbs: &["install", "i"],
    manifests: &["bower.json"],
    also: &[".bowerrc"],
    elsewhere: &["postinstall"],
    ..NOTHING
}];

pub(super) const SHARDS: Ecosystem = of("shards", |call| plan(call, SHARDS_TOOLS));
const SHARDS_TOOLS: &[Tool] = &[
    Tool {
        program: "shards",
        verbs: &["install"],
        manifests: &["shard.yml"],
        also: &["shard.lock", "shard.override.yml"],
        elsewhere: &["path:", "postinstall:"],
        ..NOTHING
    },
    Tool {
        program: "shards",
        verbs: &["build"],
        alone: &[],
        before: Some(Before::Line("shards install")),
        manifests: &["shard.yml"],
        also: &["shard.lock", "shard.override.yml"],
        elsewhere: &["path:", "postinstall:"],
        ..NOTHING
    },
];

/// nim-lang.github.io/nimble: `-d` installs the dependencies of the package alone.
pub(super) const NIMBLE: Ecosystem = of("nimble", |call| plan(call, NIMBLE_TOOLS));
const NIMBLE_TOOLS: &[Tool] = &[Tool {
    program: "nimble",
    verbs: &["install", "build", "c", "cc", "cpp", "release"],
    alone: &["-d", "--depsOnly"],
    before: Some(Before::Line("nimble install -y -d")),
    manifests: &["*.nimble"],
    also: &["nimble.lock", "nimble.paths", "config.nims"],
    elsewhere: &["include ", "import ", "staticRead", "readFile"],
    ..NOTHING
}];

pub(super) const GLEAM: Ecosystem = of("gleam", |call| plan(call, GLEAM_TOOLS));
const GLEAM_TOOLS: &[Tool] = &[
    Tool {
        program: "gleam",
        verbs: &["deps"],
        manifests: &["gleam.toml"],
        also: &["manifest.toml"],
        elsewhere: &["path ="],
        ..NOTHING
    },
    Tool {
        program: "gleam",
        verbs: &["build", "export", "run"],
        alone: &[],
        before: Some(Before::Line("gleam deps download")),
        manifests: &["gleam.toml"],
        also: &["manifest.toml"],
        elsewhere: &["path ="],
        ..NOTHING
    },
];

pub(super) const LEIN: Ecosystem = of("leiningen", |call| plan(call, LEIN_TOOLS));
const LEIN_TOOLS: &[Tool] = &[
    Tool {
        program: "lein",
        verbs: &["deps"],
        manifests: &["project.clj"],
        also: &["profiles.clj"],
        elsewhere: &["slurp", "load-file"],
        ..NOTHING
    },
    Tool {
        program: "lein",
        verbs: &["uberjar", "compile", "jar", "cljsbuild", "ring", "do"],
        alone: &[],
        before: Some(Before::Line("lein deps")),
        manifests: &["project.clj"],
        also: &["profiles.clj"],
        elsewhere: &["slurp", "load-file"],
        ..NOTHING
    },
];

/// rebar3.org/docs/commands: `get-deps` fetches what rebar.config and rebar.lock name, `compile --deps_only` compiles it.
pub(super) const REBAR: Ecosystem = of("rebar3", |call| plan(call, REBAR_TOOLS));
const REBAR_TOOLS: &[Tool] = &[
    Tool {
        verbs: &["get-deps"],
        ..REBAR_TOOL
    },
    Tool {
        verbs: &["compile", "release", "tar", "escriptize"],
        alone: &["--deps_only", "-d"],
        before: Some(Before::Instead("compile --deps_only")),
        doubt: Some("rebar3 knows --deps_only from version 3.14 on"),
        ..REBAR_TOOL
    },
];

const REBAR_TOOL: Tool = Tool {
    program: "rebar3",
    manifests: &["rebar.config"],
    // Without its .app.src a directory is no application.
    also: &["rebar.lock", "rebar.config.script", "src/*.app.src"],
    elsewhere: &["_checkouts", "{path,"],
    members: |call| {
        let apps = call.files.member_dirs(call.dir, "apps/*", "rebar.config");
        let below = call.dir.join(b"apps");
        let sources = call.files.below(&below);
        let found = sources.filter(|p| p.as_bytes().ends_with(b".app.src"));
        let dirs = found.filter_map(|p| p.parent()?.parent());
        apps.into_iter().chain(dirs).collect()
    },
    ..NOTHING
};

/// ziglang.org/download/0.12.0/release-notes.html: `--fetch` exits when the dependencies are there.
pub(super) const ZIG: Ecosystem = of("zig", |call| plan(call, ZIG_TOOLS));
const ZIG_TOOLS: &[Tool] = &[Tool {
    program: "zig",
    verbs: &["build"],
    alone: &["--fetch", "--fetch=needed", "--fetch=all"],
    before: Some(Before::Line("zig build --fetch")),
    manifests: &["build.zig.zon"],
    also: &["build.zig"],
    elsewhere: &[".path"],
    names_one: ".url",
    doubt: Some("zig knows --fetch from version 0.12 on"),
    ..NOTHING
}];

/// docs.haskellstack.org: `--only-dependencies` builds no target of the project.
pub(super) const STACK: Ecosystem = of("stack", |call| plan(call, STACK_TOOLS));
const STACK_TOOLS: &[Tool] = &[
    Tool {
        program: "stack",
        verbs: &["build", "install", "test"],
        alone: &[
            "--only-dependencies",
            "--dependencies-only",
            "--only-snapshot",
        ],
        before: Some(Before::With("--only-dependencies")),
        manifests: &["stack.yaml"],
        also: &["stack.yaml.lock", "package.yaml", "*.cabal"],
        elsewhere: &["extra-deps:\n- ./", "extra-deps:\n  - ./"],
        members: stack_packages,
        ..NOTHING
    },
    Tool {
        program: "stack",
        verbs: &["setup"],
        manifests: &["stack.yaml"],
        also: &["stack.yaml.lock"],
        ..NOTHING
    },
];

/// cabal.readthedocs.io: as Stack; the freeze file and the project file decide the versions.
pub(super) const CABAL: Ecosystem = of("cabal", |call| plan(call, CABAL_TOOLS));
const CABAL_TOOLS: &[Tool] = &[
    Tool {
        verbs: &["build", "v2-build", "new-build"],
        before: Some(Before::With("--only-dependencies")),
        ..CABAL_TOOL
    },
    Tool {
        verbs: &["install", "v2-install", "new-install"],
        before: Some(Before::Line("cabal build --only-dependencies")),
        ..CABAL_TOOL
    },
];

const CABAL_TOOL: Tool = Tool {
    program: "cabal",
    alone: &["--only-dependencies", "--dependencies-only"],
    manifests: &["*.cabal", "cabal.project"],
    also: &["cabal.project.local", "cabal.project.freeze", "Setup.hs"],
    members: cabal_packages,
    ..NOTHING
};

/// pdm-project.org: `--no-self` leaves the project out.
pub(super) const PDM: Ecosystem = of("pdm", |call| plan(call, PDM_TOOLS));
const PDM_TOOLS: &[Tool] = &[Tool {
    program: "pdm",
    verbs: &["install", "sync"],
    alone: &["--no-self"],
    before: Some(Before::With("--no-self")),
    manifests: &["pyproject.toml"],
    also: &["pdm.lock", "pdm.toml", ".python-version"],
    elsewhere: &["path =", "file:///${PROJECT_ROOT}"],
    ..NOTHING
}];

pub(super) const OPAM: Ecosystem = of("opam", |call| plan(call, OPAM_TOOLS));
const OPAM_TOOLS: &[Tool] = &[Tool {
    program: "opam",
    verbs: &["install"],
    alone: &["--deps-only"],
    manifests: &["*.opam"],
    also: &["*.opam.locked"],
    elsewhere: &["file://"],
    ..NOTHING
}];

pub(super) const PERL: Ecosystem = of("cpan", |call| plan(call, PERL_TOOLS));
const PERL_TOOLS: &[Tool] = &[
    Tool {
        program: "cpanm",
        alone: &["--installdeps"],
        manifests: &["cpanfile", "META.json", "Makefile.PL", "Build.PL"],
        also: &["dist.ini"],
        ..NOTHING
    },
    Tool {
        program: "carton",
        verbs: &["install"],
        manifests: &["cpanfile"],
        also: &["cpanfile.snapshot"],
        ..NOTHING
    },
];

pub(super) const RENV: Ecosystem = of("renv", renv);

const fn of(name: &'static str, plan: fn(&Call<'_>) -> Verdict) -> Ecosystem {
    Ecosystem {
        name,
        plan,
        cache: |_: &Call<'_>| -> Option<CacheDir> { None },
    }
}

fn plan(call: &Call<'_>, tools: &[Tool]) -> Verdict {
    let verb = verb(call);
    let is_it = |tool: &&Tool| {
        tool.program == call.program()
            && if tool.verbs.is_empty() {
                tool.alone.iter().any(|flag| call.has(flag))
            } else {
                tool.verbs.contains(&verb)
            }
    };
    let tool = tools.iter().find(is_it)?;
    // Packages by name, and no word of the project; a word after an option may be its value.
    // `exe:app` is a target of the project.
    let is_package = |pair: &[String]| {
        !pair[0].starts_with('-')
            && !pair[1].starts_with('-')
            && pair[1] != "."
            && !pair[1].contains(':')
    };
    if matches!(verb, "install" | "i") && call.args().windows(2).any(is_package) {
        return None;
    }
    Some(resolve(call, tool))
}

/// The verb; `rebar3 as prod release` names a profile before it.
fn verb<'c>(call: &'c Call<'_>) -> &'c str {
    match call.args() {
        [lead, _, verb, ..] if lead == "as" && call.program() == "rebar3" => verb,
        _ => call.verb().unwrap_or_default(),
    }
}

fn resolve(call: &Call<'_>, tool: &Tool) -> Result<(Role, Needs), String> {
    let mut needs = Needs::default();
    let mut manifests = matching(call, call.dir, tool.manifests);
    if manifests.is_empty() {
        return Err(format!("there is no {} where it runs", tool.manifests[0]));
    }
    let mut also = matching(call, call.dir, tool.also);
    for dir in (tool.members)(call) {
        manifests.extend(matching(call, &dir, tool.manifests));
        also.extend(matching(call, &dir, tool.also));
    }
    for path in manifests.iter().chain(&also) {
        needs.file(&call.files, path);
    }
    let mut names_one = false;
    for path in &manifests {
        let text = call.files.text(path).unwrap_or_default();
        let uncommented = text
            .lines()
            .filter(|l| !l.trim_start().starts_with(['#', '%', ';']));
        let text = uncommented.collect::<Vec<_>>().join("\n");
        names_one |= text.contains(tool.names_one);
        if let Some(word) = tool.elsewhere.iter().find(|w| text.contains(*w)) {
            needs.doubt(format!(
                "{path} says `{}`: check that it names no file that is not copied with it",
                word.trim()
            ));
        }
    }
    if !names_one {
        return Err("its manifest names no dependency".to_owned());
    }
    let is_alone = tool
        .alone
        .iter()
        .any(|flag| flag.is_empty() || call.has(flag));
    if is_alone {
        needs.shown(format!("{} reads its manifests alone", tool.program));
        return Ok((Role::Install, needs));
    }
    let line = match &tool.before {
        Some(Before::Line(line)) => (*line).to_owned(),
        Some(Before::With(flag)) => format!("{} {flag}", call.line()),
        Some(Before::Instead(verb)) => {
            let own = self::verb(call);
            let words = call.words.iter().take_while(|w| *w != own);
            let words: Vec<&str> = words.map(String::as_str).chain([*verb]).collect();
            words.join(" ")
        }
        None => return Err(format!("{} builds the project too", tool.program)),
    };
    needs.shown(format!("`{line}` reads the manifests alone"));
    tool.doubt.into_iter().for_each(|doubt| needs.doubt(doubt));
    Ok((Role::Prefetch(line), needs))
}

/// The files of `dir` with one of these names; `*` stands for any beginning, and a directory may stand before it.
fn matching(call: &Call<'_>, dir: &RepoPath, names: &[&str]) -> Vec<RepoPath> {
    let mut found = Vec::new();
    for name in names {
        let (below, name) = name.rsplit_once("/*").map_or(("", *name), |(d, n)| (d, n));
        let whole = format!("*{name}");
        let (dir, name) = match below {
            "" => (dir.clone(), name),
            below => (dir.join(below.as_bytes()), whole.as_str()),
        };
        let dir = &dir;
        match name.strip_prefix('*') {
            Some(end) => found.extend(
                call.files
                    .below(dir)
                    .filter(|p| {
                        p.as_bytes().ends_with(end.as_bytes()) && p.parent().as_ref() == Some(dir)
                    })
                    .cloned(),
            ),
            None => {
                found.extend(Some(dir.join(name.as_bytes())).filter(|path| call.files.has(path)));
            }
        }
    }
    found
}

/// `Rscript -e 'renv::restore()'` (rstudio.github.io/renv, "Using renv with Docker").
fn renv(call: &Call<'_>) -> Verdict {
    let is_restore = matches!(call.program(), "Rscript" | "R")
        && call.args().iter().any(|w| w.contains("renv::restore("));
    if !is_restore {
        return None;
    }
    let mut needs = Needs::default();
    if !needs.file(&call.files, &call.dir.join(b"renv.lock")) {
        return Some(Err("there is no renv.lock where it runs".to_owned()));
    }
    needs.names(
        &call.files,
        call.dir,
        &[
            ".Rprofile",
            "renv/activate.R",
            "renv/settings.json",
            "renv/settings.dcf",
        ],
    );
    needs.shown("renv restores what renv.lock names".to_owned());
    Some(Ok((Role::Install, needs)))
}
