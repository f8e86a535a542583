//! Package managers whose install reads files of fixed names: Go's vendoring tools before modules, Bower, Crystal, Nim,
//! Gleam, Leiningen, rebar3, Stack, Cabal, PDM, opam, cpanm, Carton, renv.
//!
//! Sources: the tools' own manuals. What a manifest names elsewhere is a doubt.

use super::needs::{Needs, within};
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
    /// Directories of further packages with manifests of their own.
    members: fn(&Call<'_>) -> BTreeSet<RepoPath>,
}

/// The line to put above the source.
enum Before {
    /// This one.
    Line(&'static str),
    /// The command itself with this flag.
    With(&'static str),
}

const NOTHING: Tool = Tool {
    program: "",
    verbs: &[],
    alone: &[""],
    before: None,
    manifests: &[],
    also: &[],
    elsewhere: &[],
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

/// rebar3.org/docs: `get-deps` fetches what rebar.config and rebar.lock name.
pub(super) const REBAR: Ecosystem = of("rebar3", |call| plan(call, REBAR_TOOLS));
const REBAR_TOOLS: &[Tool] = &[
    Tool {
        program: "rebar3",
        verbs: &["get-deps"],
        manifests: &["rebar.config"],
        also: &["rebar.lock", "rebar.config.script"],
        elsewhere: &["_checkouts", "{path,"],
        members: |call| call.files.member_dirs(call.dir, "apps/*", "rebar.config"),
        ..NOTHING
    },
    Tool {
        program: "rebar3",
        verbs: &["compile", "release", "tar", "escriptize"],
        alone: &[],
        before: Some(Before::Line("rebar3 get-deps")),
        manifests: &["rebar.config"],
        also: &["rebar.lock", "rebar.config.script"],
        elsewhere: &["_checkouts", "{path,"],
        members: |call| call.files.member_dirs(call.dir, "apps/*", "rebar.config"),
    },
];

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
const CABAL_TOOLS: &[Tool] = &[Tool {
    program: "cabal",
    verbs: &["build", "v2-build", "new-build", "install", "v2-install"],
    alone: &["--only-dependencies", "--dependencies-only"],
    before: Some(Before::Line("cabal build --only-dependencies")),
    manifests: &["*.cabal"],
    also: &[
        "cabal.project",
        "cabal.project.local",
        "cabal.project.freeze",
        "Setup.hs",
    ],
    ..NOTHING
}];

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
    let verb = call.verb().unwrap_or_default();
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
    let is_package =
        |pair: &[String]| !pair[0].starts_with('-') && !pair[1].starts_with('-') && pair[1] != ".";
    if matches!(verb, "install" | "i") && call.args().windows(2).any(is_package) {
        return None;
    }
    Some(resolve(call, tool))
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
    for path in &manifests {
        let text = call.files.text(path).unwrap_or_default();
        let uncommented = text
            .lines()
            .filter(|l| !l.trim_start().starts_with(['#', '%', ';']));
        let text = uncommented.collect::<Vec<_>>().join("\n");
        if let Some(word) = tool.elsewhere.iter().find(|w| text.contains(*w)) {
            needs.doubt(format!(
                "{path} says `{}`: check that it names no file that is not copied with it",
                word.trim()
            ));
        }
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
        None => return Err(format!("{} builds the project too", tool.program)),
    };
    needs.shown(format!("`{line}` reads the manifests alone"));
    Ok((Role::Prefetch(line), needs))
}

/// The directories that stack.yaml lists as packages.
fn stack_packages(call: &Call<'_>) -> BTreeSet<RepoPath> {
    let text = call.files.text(&call.dir.join(b"stack.yaml"));
    let text = text.unwrap_or_default();
    let lines = text.lines().skip_while(|l| !l.starts_with("packages:"));
    let listed = lines
        .skip(1)
        .take_while(|l| l.is_empty() || l.starts_with([' ', '-', '#']));
    let names = listed.filter_map(|l| l.trim().strip_prefix("- "));
    names
        .filter_map(|name| within(call.dir, name.trim().trim_matches(['"', '\''])))
        .filter(|dir| dir != call.dir)
        .collect()
}

/// The files of `dir` with one of these names; `*` stands for any beginning.
fn matching(call: &Call<'_>, dir: &RepoPath, names: &[&str]) -> Vec<RepoPath> {
    let mut found = Vec::new();
    for name in names {
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
                found.extend(Some(dir.join(name.as_bytes())).filter(|path| call.files.has(path)))
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
