//! An install of packages below another one, which needs nothing of it, gets a stage of its own beside it.
//!
//! Before:
//! ```dockerfile
//! FROM ruby:3.3 AS build
//! RUN apt-get update && apt-get install -y nodejs npm
//! WORKDIR /app
//! COPY Gemfile Gemfile.lock ./
//! RUN bundle install
//! COPY package.json package-lock.json ./
//! RUN npm ci
//! COPY . .
//! ```
//! After:
//! ```dockerfile
//! FROM ruby:3.3 AS build-base
//! RUN apt-get update && apt-get install -y nodejs npm
//! WORKDIR /app
//!
//! FROM build-base AS packages
//! COPY package-lock.json package.json ./
//! RUN npm ci
//!
//! FROM build-base AS build
//! COPY Gemfile Gemfile.lock ./
//! RUN bundle install
//! COPY package.json package-lock.json ./
//! COPY --from=packages /app/node_modules /app/node_modules
//! COPY . .
//! ```
//! Both are installed at once, and neither again for the other's manifests. Only where `node_modules` is all that the
//! install leaves: no script of the project runs on the way, and no settings are written.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::installs::{Install, StageView};
use super::super::layout::{BASE, goes_by_numbers, is_within, reachable};
use super::super::lift::declare;
use super::super::mounts::downloads::{is_root, user_doubt};
use super::super::view::View;
use super::own_packages::{Border, edits, free_name, is_of_node};
use super::own_stage::RULE;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use serde_json::Value;
use std::collections::BTreeSet;

/// What decides which packages are installed, besides the manifest.
const LOCKFILES: &[&str] = &[
    "bun.lock",
    "bun.lockb",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
];

/// Scripts of a project that its install runs.
const LIFECYCLE: &[&str] = &[
    "install",
    "postinstall",
    "preinstall",
    "prepare",
    "prepublish",
];

/// Packages that put what they fetch into the user's home.
const AT_HOME: &[&str] = &["cypress", "puppeteer"];

/// Beginnings of the names of variables that are for other ecosystems' tools, and for no install of Node's.
const OF_OTHERS: &[&str] = &[
    "BUNDLE_",
    "COMPOSER_",
    "DJANGO_",
    "GEM_",
    "MIX_",
    "PIP_",
    "POETRY_",
    "PYTHON",
    "RACK_",
    "RAILS_",
    "UV_",
];

/// Their programs.
const TOOLS_OF_OTHERS: &[&str] = &[
    "bundle", "bundler", "composer", "gem", "mix", "pip", "pip3", "pipenv", "poetry", "uv",
];

/// For each stage, its installs of Node's packages that stand below others'.
pub(super) fn beside(view: &View<'_>) -> Vec<Candidate> {
    let stages = StageView::all(view);
    if goes_by_numbers(view.dockerfile) {
        return Vec::new();
    }
    let needed = reachable(view.dockerfile, view.target).into_iter();
    let of_stage = |stage: usize| {
        let of = &stages[stage];
        let installs = of.whole_installs().filter(|install| is_of_node(install));
        installs.filter_map(|install| candidate(of, install))
    };
    needed.flat_map(of_stage).collect()
}

fn candidate(of: &StageView<'_>, install: &Install) -> Option<Candidate> {
    let view = of.view;
    let own = &of.stage.instructions[install.run];
    let above = above(of, install)?;
    let is_alone = leaves_packages_alone(own) && has_plain_manifests(of, install);
    // Where no WORKDIR says where it is, it cannot be copied from there.
    let is_known = !is_within(&install.dir, BASE) && !is_within(of.cwd(install.run), BASE);
    if !is_alone || !is_known || !above.is_left_out(of, install) {
        return None;
    }
    let border = Border {
        split: above.split,
        run: install.run,
    };
    let name = free_name(view, &["packages".to_owned(), "node-packages".to_owned()])?;
    let line_break = if view.text().contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let owner = owner(of, install)?;
    let copies = of.copies_of(install, of.cwd(install.run))?;
    let copies = copies.replace("COPY ", &format!("COPY {owner}"));
    let run = view.text().get(own.span.range())?;
    let taken = format!("{}{run}{line_break}", copies.replace('\n', line_break));
    let packages = packages_of(install);
    let copy = format!("COPY {owner}--from={name} {packages} {packages}");
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "run {} (line {}) in a stage of its own",
            install.shown, own.lines.first
        ),
    );
    candidate.edits = edits(
        of,
        &border,
        &name,
        (taken, vec![TextEdit::replace(own.span, copy)]),
    )?;
    candidate.changes_image = true;
    candidate.lines = vec![own.lines];
    let image = of.image_at(install.run);
    let changing = |reads: &BTreeSet<String>| {
        let from: BTreeSet<_> = reads
            .iter()
            .filter_map(|to| Some(&image.get(to)?.from))
            .collect();
        view.n_touching(|path| from.contains(path))
    };
    candidate.rationale = format!(
        "Line {} runs again with every change to what line {} installs, and needs nothing of it: of {} builds {} changed the manifests of the latter, {} its own. In a stage of its own it is run beside it.",
        own.lines.first,
        of.stage.instructions[above.last].lines.first,
        view.n_builds(),
        changing(&above.reads),
        changing(&install.reads)
    );
    let scripts = (!runs_no_scripts(of, install)).then(|| {
        format!("check that no package leaves anything beside {packages} while it is installed, as those do that fetch a browser")
    });
    candidate.safety = Safety::of(
        vec![format!(
            "it reads {} alone, runs no script of the project, and {packages} is copied to where it was",
            names(&install.reads)
        )],
        scripts
            .into_iter()
            .chain(user_doubt(of, install.run))
            .chain(install.doubts.clone())
            .collect(),
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// The other installs of the stage that stand above one.
struct Above {
    /// The first instruction that they alone need; what stands before is for all.
    split: usize,
    /// The last of their RUNs.
    last: usize,
    /// Those RUNs.
    runs: BTreeSet<usize>,
    /// Absolute paths in the image that they read.
    reads: BTreeSet<String>,
}

fn above(of: &StageView<'_>, install: &Install) -> Option<Above> {
    let is_other = |other: &&Install| {
        other.run < install.run
            && !other.reads.is_empty()
            && other.reads.is_disjoint(&install.reads)
            && other.made.is_empty()
    };
    let others: Vec<&Install> = of.whole_installs().filter(is_other).collect();
    let runs: BTreeSet<usize> = others.iter().map(|i| i.run).collect();
    let reads: BTreeSet<String> = others
        .iter()
        .flat_map(|i| i.reads.iter().cloned())
        .collect();
    let brings = |n: &usize| {
        let files = of.brings[*n].iter().flatten();
        files.into_iter().any(|(to, _)| reads.contains(to))
    };
    let last = *runs.last()?;
    let split = (0..=last).find(|n| runs.contains(n) || brings(n))?;
    Some(Above {
        split,
        last,
        runs,
        reads,
    })
}

impl Above {
    /// Whether the other install needs nothing of all that stands between these installs' first manifest and itself, but
    /// for its own manifests.
    fn is_left_out(&self, of: &StageView<'_>, install: &Install) -> bool {
        let packages = packages_of(install);
        let is_of_others = |s: &Seen| s.is_quiet() || TOOLS_OF_OTHERS.contains(&s.name());
        let is_left = |n: usize| {
            let instruction = &of.stage.instructions[n];
            match &instruction.kind {
                Kind::Copy(_) | Kind::Add(_) => of.brings[n]
                    .as_ref()
                    .is_some_and(|files| !files.keys().any(|to| is_within(to, &packages))),
                Kind::Run(_) => {
                    let all = seen(instruction);
                    let is_known = all.is_some_and(|all| all.iter().all(is_of_others));
                    (self.runs.contains(&n) || is_known) && !of.brings_program(n, &install.programs)
                }
                Kind::Env(pairs) => pairs
                    .iter()
                    .all(|pair| OF_OTHERS.iter().any(|lead| pair.name.starts_with(lead))),
                Kind::Workdir(_) | Kind::Label(_) => true,
                _ => false,
            }
        };
        // A volume keeps nothing.
        let mut above = of.stage.instructions[..install.run].iter();
        !above.any(|i| matches!(i.kind, Kind::Volume(_) | Kind::Onbuild(_)))
            && (self.split..install.run).all(is_left)
    }
}

/// The `--chown` that files of the install need, with a blank behind it: none for root, whose is what COPY makes.
/// `None` where the user is not known, or the group not told by a COPY of its manifests.
fn owner(of: &StageView<'_>, install: &Install) -> Option<String> {
    let user = of.places[install.run].user.as_deref();
    let user = user.filter(|u| !matches!(u.split(':').next(), Some("root" | "0")));
    let Some(user) = user else {
        return is_root(of, install.run).then(String::new);
    };
    let image = of.image_at(install.run);
    let brought_by = install.reads.iter().filter_map(|to| image.get(to)?.by);
    let mut owners = brought_by.filter_map(|n| of.stage.instructions[n].flag("chown"));
    let name = user.split(':').next();
    let is_it = |owner: &&str| *owner == user || owner.split(':').next() == name;
    let owner = owners.find(is_it).filter(|o| o.contains(':'))?;
    Some(format!("--chown={owner} "))
}

/// Where the packages lie, absolute.
fn packages_of(install: &Install) -> String {
    format!("{}/node_modules", install.dir.trim_end_matches('/'))
}

/// Whether a RUN installs the packages of its directory, and leaves nothing else.
fn leaves_packages_alone(instruction: &Instruction) -> bool {
    let is_one = |s: &Seen| {
        let mut words = s.args().iter().filter(|a| !a.starts_with('-'));
        let verb = words.next().map(String::as_str);
        let is_verb = match s.name() {
            "" | "cd" | "echo" | "set" | "true" => return true,
            "npm" => matches!(verb, Some("ci" | "clean-install" | "i" | "install")),
            "pnpm" | "bun" => matches!(verb, Some("i" | "install")),
            "yarn" => matches!(verb, None | Some("install")),
            _ => return false,
        };
        let is_cleaning = verb == Some("cache") || (s.name() == "pnpm" && verb == Some("store"));
        let leads = [
            "--cwd",
            "--dir",
            "--global",
            "--modules",
            "--prefix",
            "--virtual",
            "-C",
            "-g",
        ];
        let is_here = s
            .args()
            .iter()
            .all(|a| !leads.iter().any(|l| a.starts_with(l)));
        is_cleaning || (is_verb && words.next().is_none() && is_here)
    };
    let is_known = instruction.flags.iter().all(|flag| {
        let value = flag.value.as_deref().unwrap_or_default();
        flag.name == "mount" && !value.contains("type=bind") && value.contains("type=")
    });
    is_known
        && instruction.heredocs.is_empty()
        && seen(instruction).is_some_and(|all| all.iter().all(is_one))
}

/// Whether the manifests are one package's with its lockfile, and speak of nothing that is written elsewhere.
fn has_plain_manifests(of: &StageView<'_>, install: &Install) -> bool {
    let image = of.image_at(install.run);
    let read = |to: &String| (of.view.read)(&image.get(to)?.from);
    let named = |name: &str| {
        let all = install.reads.iter();
        all.filter(move |to| to.rsplit('/').next() == Some(name))
            .collect::<Vec<_>>()
    };
    let [manifest] = named("package.json")[..] else {
        return false;
    };
    let manifest = read(manifest).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(manifest) = manifest else {
        return false;
    };
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    let runs = |name: &&str| scripts.is_some_and(|scripts| scripts.contains_key(*name));
    let manager = manifest
        .get("packageManager")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_later_yarn = manager
        .strip_prefix("yarn@")
        .is_some_and(|v| !v.starts_with('1'))
        || !named(".yarnrc.yml").is_empty();
    let says = |to: &String| {
        read(to).is_none_or(|bytes| {
            let holds = |word: &&str| bytes.windows(word.len()).any(|w| w == word.as_bytes());
            AT_HOME.iter().any(holds)
        })
    };
    let is_plain = install.dirs.is_empty()
        && install.absent.is_empty()
        && install.made.is_empty()
        && install.settings.is_empty()
        && !install.is_hidden;
    is_plain
        && !is_later_yarn
        && manifest.get("workspaces").is_none()
        && !LIFECYCLE.iter().any(runs)
        && LOCKFILES.iter().any(|name| !named(name).is_empty())
        && !install.reads.iter().any(says)
}

/// Whether no package's script runs: by an option, or as npm's lockfile tells of none.
fn runs_no_scripts(of: &StageView<'_>, install: &Install) -> bool {
    let own = seen(&of.stage.instructions[install.run]).unwrap_or_default();
    let is_told = own
        .iter()
        .any(|s| s.words.iter().any(|w| w == "--ignore-scripts"));
    let image = of.image_at(install.run);
    let lockfile = install
        .reads
        .iter()
        .find(|to| to.ends_with("/package-lock.json"));
    let lockfile = lockfile.and_then(|to| (of.view.read)(&image.get(to)?.from));
    let lockfile = lockfile.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let has_none = lockfile.is_some_and(|lock| {
        let packages = lock.get("packages").and_then(Value::as_object);
        packages.is_some_and(|all| all.values().all(|p| p.get("hasInstallScript").is_none()))
    });
    is_told || has_none
}

/// The names of files, as a sentence has them.
fn names(paths: &BTreeSet<String>) -> String {
    let names = paths.iter().filter_map(|to| to.rsplit('/').next());
    names.collect::<Vec<_>>().join(", ")
}
