//! The packages of the image, left over once a build's chain has taken the others out, get a stage of their own.
//!
//! Before:
//! ```dockerfile
//! FROM node:22 AS build
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci
//! COPY . .
//! RUN npm run build && npm prune --omit=dev
//! FROM node:22-slim
//! WORKDIR /app
//! COPY --from=build /app /app
//! ```
//! After:
//! ```dockerfile
//! FROM node:22 AS build-base
//! WORKDIR /app
//! COPY package.json package-lock.json ./
//! RUN npm ci
//!
//! FROM build-base AS packages
//! RUN npm prune --omit=dev
//!
//! FROM build-base AS build
//! COPY . .
//! RUN npm run build && rm -rf node_modules
//! FROM node:22-slim
//! WORKDIR /app
//! COPY --from=packages /app/node_modules /app/node_modules
//! COPY --from=build /app /app
//! ```
//! A part of `own-stage`, beside `own_packages`: the command itself is kept, and runs on what the same install has made.
//! Where another stage has made that, the new one goes on from it.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::seen;
use super::super::effect::destination;
use super::super::installs::{Install, StageView, is_quiet};
use super::super::layout::{absolute, built_on, is_within, mentioned, parent, stage_named};
use super::super::lift::declare;
use super::super::moving::{block_of, line_end};
use super::super::run_text::{run_flags, run_text};
use super::super::targets::built_alone;
use super::own_packages::{
    Border, Taker, cut_out, edits, free_name, is_of_node, is_shared, only_builds, prepares, takers,
};
use super::own_stage::RULE;
use crate::builder::Builder;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::ecosystem::PROJECT_SCRIPTS;
use crate::shell::{self, Connector, Seen};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Range;

/// Options by which an install takes the same packages.
const FREE: &[&str] = &[
    "--force",
    "--frozen-lockfile",
    "--legacy-peer-deps",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--non-interactive",
    "--offline",
    "--prefer-offline",
    "--pure-lockfile",
    "--quiet",
    "--silent",
    "-f",
];

/// Options by which it leaves those for development out.
const PRODUCTION: &[&str] = &[
    "--omit=dev",
    "--only=prod",
    "--only=production",
    "--prod",
    "--production",
    "--production=true",
];

/// Files by which packages are chosen, beside the manifest.
const SETTINGS: &[&str] = &[
    ".npmrc",
    ".pnpmfile.cjs",
    ".yarnclean",
    ".yarnrc",
    ".yarnrc.yml",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "yarn.lock",
];

/// Programs that write among the packages.
const WRITERS: &[&str] = &["ngcc", "patch-package", "prisma", "zenstack"];

/// The candidate of a stage that others take files from.
pub(super) fn pruned(stages: &[StageView<'_>], of: &StageView<'_>) -> Option<Candidate> {
    let view = of.view;
    let name = of.stage.name.as_deref()?;
    let prune = Prune::only(of)?;
    let ground = Ground::of(stages, of, &prune)?;
    if built_alone(view, name).is_some() || !ground.is_same(of, &prune) || !is_last(of, &prune) {
        return None;
    }
    let takers = takers(of, ground.install)?;
    let own = free_name(view, &["packages".to_owned(), format!("{name}-packages")])?;
    let line = of.stage.instructions[prune.run].lines.first;
    let mut candidate = Candidate::new(
        RULE.id,
        format!("install the packages of the image (line {line}) in a stage of their own"),
    );
    candidate.edits = ground.edits(of, &prune, &own, &takers)?;
    candidate.changes_image = true;
    candidate.lines = vec![of.stage.instructions[prune.run].lines];
    let image = ground.of.image_at(ground.install.run);
    let reads = ground.install.reads.iter();
    let reads = |p: &_| {
        reads
            .clone()
            .any(|to| image.get(to).is_some_and(|b| b.from == *p))
    };
    candidate.rationale = format!(
        "Line {line} takes packages out again after each build, though what is left follows from manifests alone, which {} of {} builds changed. In a stage of its own that stands beside the build.",
        view.n_touching(reads),
        view.n_builds()
    );
    let left = (!prune.clears).then(|| {
        format!(
            "check that the build leaves nothing in {}/node_modules that the image needs",
            ground.install.dir
        )
    });
    let others = ground.between.clone().filter(|&n| n != prune.run);
    let others = others.filter(|&n| !only_builds(&of.stage.instructions[n]));
    let others = others.map(|n| {
        let line = of.stage.instructions[n].lines.first;
        format!("check that line {line} prepares nothing for the install")
    });
    candidate.safety = Safety::of(
        vec![format!(
            "it runs as it is, on what the same install makes of the same manifests, and others take {}/node_modules of it",
            ground.install.dir
        )],
        left.into_iter().chain(others).collect(),
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// The part of a RUN's chain that leaves the packages of the image.
struct Prune {
    run: usize,
    /// Its words, and those of what clears their place before it.
    words: Vec<Vec<String>>,
    program: String,
    /// Whether the packages that the build has used are gone before it.
    clears: bool,
    /// Whether it runs scripts of the project.
    runs_scripts: bool,
    /// Whether it runs no script at all, not of packages either.
    is_quiet: bool,
    /// The instruction that it comes to alone.
    alone: String,
    /// Its bytes in the Dockerfile's text, and those with what joins it to the rest of the chain; `None` without a rest.
    span: Span,
    gone: Option<Span>,
    /// The commands behind it in the chain.
    after: Vec<Seen>,
}

impl Prune {
    /// The only one of a stage.
    fn only(of: &StageView<'_>) -> Option<Self> {
        let mut all = (0..of.stage.instructions.len()).filter_map(|run| Self::of(of, run));
        let one = all.next()?;
        all.next().is_none().then_some(one)
    }

    /// Whether it does the same without variable `name`.
    fn is_free_of(&self, name: &str) -> bool {
        let is_said = mentioned(&self.alone).contains(name);
        !is_said && is_of_no_install(name) && (self.is_quiet || is_of_builds(name))
    }

    fn of(of: &StageView<'_>, run: usize) -> Option<Self> {
        let instruction = &of.stage.instructions[run];
        let read = run_text(of.view, instruction)?;
        let (pieces, seen) = (&read.script.pieces, read.script.seen());
        let of_piece = |n: usize| {
            let (from, to) = pieces[n].commands;
            let mut own = seen.iter().filter(|s| (from..to).contains(&s.command));
            let one = own.next()?;
            let is_plain = read.script.commands_of(&pieces[n]).iter().all(|c| {
                c.nesting.is_empty() && c.redirections.is_empty() && c.substitutions.is_empty()
            });
            let is_here = one.directory.as_deref() == Some("") && !one.conditional;
            (own.next().is_none() && is_plain && is_here).then_some(one)
        };
        let mut all = (0..pieces.len()).filter_map(|n| Some((n, of_piece(n)?, way(of_piece(n)?)?)));
        let (last, command, (clears, runs_scripts)) = all.next()?;
        let before = last.checked_sub(1).and_then(of_piece);
        let is_cleared = before.is_some_and(clears_packages);
        let first = last - usize::from(is_cleared);
        let is_chain = pieces
            .iter()
            .skip(1)
            .all(|p| matches!(p.connector, Connector::And | Connector::Then));
        let mut mounts = instruction.flags.iter();
        let is_cached = mounts.all(|f| {
            let value = f.value.as_deref().unwrap_or_default();
            f.name == "mount" && value.contains("type=cache")
        });
        if !is_chain || !is_cached || !instruction.heredocs.is_empty() || all.next().is_some() {
            return None;
        }
        let at = |from: usize, to: usize| Span::new(read.start + from, read.start + to);
        let (from, to) = (pieces[first].span.start, pieces[last].span.end);
        let gone = match (first.checked_sub(1), pieces.get(last + 1)) {
            (Some(before), _) => Some((pieces[before].span.end, to)),
            (None, Some(next)) => Some((from, next.span.start)),
            (None, None) => None,
        };
        let (start, end) = gone.unwrap_or((from, to));
        if read.text.get(start..end)?.contains('#') {
            return None;
        }
        let flags = run_flags(of.view.text(), instruction)?;
        let body = read.text.get(from..to)?;
        let behind = pieces[last].commands.1;
        Some(Self {
            run,
            words: before
                .filter(|_| is_cleared)
                .into_iter()
                .chain([command])
                .map(|s| s.words.clone())
                .collect(),
            program: command.name().to_owned(),
            clears: clears || is_cleared,
            is_quiet: command.subcommand() == "prune"
                || command.words.iter().any(|w| w == "--ignore-scripts"),
            runs_scripts,
            alone: format!("RUN{flags} {body}\n"),
            span: at(from, to),
            gone: gone.map(|(from, to)| at(from, to)),
            after: seen
                .iter()
                .filter(|s| s.command >= behind)
                .cloned()
                .collect(),
        })
    }
}

/// Whether a command leaves the packages of the image: whether all others are gone before it, and whether it runs scripts
/// of the project.
fn way(seen: &Seen) -> Option<(bool, bool)> {
    let (mut verb, mut is_production, mut runs_scripts) = (None, false, true);
    let mut words = seen.args().iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--omit" if words.next() == Some("dev") => is_production = true,
            "--only" if matches!(words.next(), Some("prod" | "production")) => is_production = true,
            "-P" if seen.name() == "pnpm" => is_production = true,
            "--ignore-scripts" => runs_scripts = false,
            _ if PRODUCTION.contains(&word) => is_production = true,
            _ if FREE.contains(&word) => {}
            _ if word.starts_with('-') || verb.is_some() => return None,
            _ => verb = Some(word),
        }
    }
    let is_told = seen
        .assignments
        .iter()
        .all(|(name, value)| name == "NODE_ENV" && value == "production");
    let found = match (seen.name(), verb) {
        ("npm", Some("prune")) => (false, false),
        ("npm", Some("ci" | "clean-install")) => (true, runs_scripts),
        ("npm" | "pnpm", Some("install" | "i")) => (false, runs_scripts),
        ("pnpm", Some("prune")) => (false, runs_scripts),
        ("yarn", None | Some("install")) => (false, runs_scripts),
        _ => return None,
    };
    (is_production && is_told).then_some(found)
}

/// Whether a command takes the packages away that are there.
fn clears_packages(seen: &Seen) -> bool {
    let mut words = seen.args().iter().filter(|a| !a.starts_with('-'));
    let named = words
        .next()
        .map(|w| w.trim_start_matches("./").trim_end_matches('/'));
    seen.name() == "rm" && named == Some("node_modules") && words.next().is_none()
}

/// What the command goes on from.
struct Ground<'s, 'a> {
    /// The stage that installs: the same, one that it is built on, or one that the packages are copied from.
    of: &'s StageView<'a>,
    install: &'s Install,
    manifest: Value,
    /// In the same stage, the first instruction that the command does not need.
    split: Option<usize>,
    /// What then does not stand before the command any more; at the end its own RUN.
    between: Range<usize>,
}

impl<'s, 'a> Ground<'s, 'a> {
    fn of(stages: &'s [StageView<'a>], of: &'s StageView<'a>, prune: &Prune) -> Option<Self> {
        let dir = of.cwd(prune.run);
        if let Some(install) = only_install(of, 0..prune.run, dir, &prune.program)? {
            let split = (0..prune.run).find(|&n| !is_shared(of, install, n))?;
            return (split > install.run).then_some(Self {
                of,
                install,
                manifest: manifest(of, install)?,
                split: Some(split),
                between: split..prune.run + 1,
            });
        }
        let packages = format!("{}/node_modules", dir.trim_end_matches('/'));
        let copied = (0..prune.run).find_map(|n| giver(of, n, &packages));
        let giver = copied.or_else(|| parent(of.view.dockerfile, of.stage.index))?;
        let from = stages.get(giver)?;
        let all = 0..from.stage.instructions.len();
        let install = only_install(from, all, dir, &prune.program)??;
        from.stage.name.as_ref()?;
        // What a system's own libraries decide is made of its packages.
        let first = |stage: usize| {
            let all = built_on(of.view.dockerfile, stage).last();
            all.map(|s| &of.view.dockerfile.stages[s].base().image)
        };
        if first(giver) != first(of.stage.index) {
            return None;
        }
        Some(Self {
            of: from,
            install,
            manifest: manifest(from, install)?,
            split: None,
            between: 0..prune.run + 1,
        })
    }

    /// Whether the command finds there what it would find at its place: the same manifests and settings, and nothing that
    /// was meant for it.
    fn is_same(&self, of: &StageView<'_>, prune: &Prune) -> bool {
        let (install, steps) = (self.install, &of.stage.instructions);
        let at = self.split.unwrap_or(self.of.stage.instructions.len());
        let (there, here) = (self.of.image_at(at), of.image_at(prune.run));
        let is_kept = |to: &String| {
            let from = there.get(to).map(|b| &b.from);
            from.is_some() && from == here.get(to).map(|b| &b.from)
        };
        let dir = install.dir.trim_end_matches('/');
        let packages = format!("{dir}/node_modules");
        let is_new = |name: &&str| {
            let path = format!("{dir}/{name}");
            here.contains_key(&path) && !install.reads.contains(&path)
        };
        // Its client is made by its own install, of a schema that stands there.
        let is_schema =
            |path: &String| path.ends_with(".prisma") || path.contains("/prisma.config.");
        let lacks_schema = self.manifest.to_string().contains("prisma")
            && here
                .keys()
                .any(|path| is_schema(path) && !install.reads.contains(path));
        let scripts = self.manifest.get("scripts").and_then(Value::as_object);
        let has_script = |name: &&str| scripts.is_some_and(|s| s.contains_key(*name));
        let is_free = |instruction: &Instruction| match &instruction.kind {
            Kind::User(_) | Kind::Shell(_) | Kind::Onbuild(_) => false,
            Kind::Arg(items) => items.iter().all(|i| prune.is_free_of(&i.name)),
            Kind::Env(pairs) => pairs.iter().all(|p| prune.is_free_of(&p.name)),
            _ => true,
        };
        let brings = |n: usize| {
            let mut brought = of.brings[n].iter().flat_map(|files| files.keys());
            brought.any(|to| is_within(to, &packages))
        };
        // With BuildKit a stage has the arguments of the one that it is built on.
        let is_lost = |i: &Instruction| {
            matches!(i.kind, Kind::Arg(_)) && of.view.builder != Builder::BuildKit
        };
        let shared = &self.of.stage.instructions[..at];
        install.reads.iter().all(is_kept)
            && !SETTINGS.iter().any(|n| is_new(n))
            && self.manifest.get("workspaces").is_none()
            // What the install itself reads is not asked: it stays where it is.
            && !(prune.runs_scripts && (!install.doubts.is_empty() || PROJECT_SCRIPTS.iter().any(|n| has_script(n))))
            && !lacks_schema
            && !has_local_packages(&self.manifest)
            && self.between.clone().all(|n| is_free(&steps[n]))
            && !shared.iter().any(is_lost)
            && !self.between.clone().any(|n| self.writes(of, prune, n))
            && !(0..steps.len()).any(brings)
    }

    /// Whether RUN `n` prepares something for the command, or shows that it works on the packages.
    fn writes(&self, of: &StageView<'_>, prune: &Prune, n: usize) -> bool {
        let instruction = &of.stage.instructions[n];
        if !matches!(instruction.kind, Kind::Run(_)) {
            return false;
        }
        let names = self.install.reads.iter();
        let mut names = names.filter_map(|to| to.rsplit('/').next());
        let is_its_own = n == prune.run;
        if !is_its_own && prepares(of, self.install, n)
            || names.any(|name| instruction.original.contains(name))
        {
            return true;
        }
        let mut open = of.commands_behind(n);
        open.retain(|w| !(is_its_own && prune.words.contains(w)));
        let scripts = self.manifest.get("scripts").and_then(Value::as_object);
        let mut known = BTreeSet::new();
        while let Some(words) = open.pop() {
            if installs_more(&words)
                || gives_away(&words)
                || !prune.clears && works_on_packages(&words)
            {
                return true;
            }
            for (name, text) in scripts.into_iter().flatten() {
                if calls(&words, name) && known.insert(name) {
                    let script = shell::parse(text.as_str().unwrap_or_default());
                    open.extend(script.seen().into_iter().map(|s| s.words));
                }
            }
        }
        false
    }

    fn edits(
        &self,
        of: &StageView<'_>,
        prune: &Prune,
        own: &str,
        takers: &[Taker<'_>],
    ) -> Option<Vec<TextEdit>> {
        let text = of.view.text();
        let takes_all = takers.iter().any(|t| t.above.is_some());
        let (taken, cut) = match (prune.gone, takes_all) {
            (None, false) => cut_out(of, &[prune.run])?,
            (Some(gone), false) => (prune.alone.clone(), vec![TextEdit::delete(gone)]),
            (_, true) => {
                let clear = TextEdit::replace(prune.span, "rm -rf node_modules");
                (prune.alone.clone(), vec![clear])
            }
        };
        let mut all = match self.split {
            Some(split) => {
                let run = prune.run;
                edits(of, &Border { split, run }, own, (taken, cut))?
            }
            None => {
                let stage = self.of.stage;
                let dir = &self.install.dir;
                let directory = match self.of.cwd(self.install.run) == dir {
                    true => String::new(),
                    false => format!("WORKDIR {dir}\n"),
                };
                let after = &stage.instructions[self.install.run..];
                if after
                    .iter()
                    .any(|i| matches!(i.kind, Kind::Workdir(_) | Kind::User(_)))
                {
                    return None;
                }
                let name = stage.name.as_deref()?;
                let at = line_end(text, stage.instructions.last()?.span.end);
                let new = format!("\nFROM {name} AS {own}\n{directory}{taken}");
                let mut all = cut;
                all.push(TextEdit::insert(at, new));
                all
            }
        };
        for taker in takers {
            all.push(match &taker.above {
                None => TextEdit::replace(taker.flag.span, format!("--from={own}")),
                Some(inside) => self.copy_beside(of, taker, inside, own)?,
            });
        }
        Some(all)
    }

    /// A COPY of the packages before one that brings all the rest.
    fn copy_beside(
        &self,
        of: &StageView<'_>,
        taker: &Taker<'_>,
        inside: &str,
        own: &str,
    ) -> Option<TextEdit> {
        let text = of.view.text();
        let instruction = &taker.stage.instructions[taker.index];
        let Kind::Copy(transfer) = &instruction.kind else {
            return None;
        };
        let mut flags = String::new();
        for flag in &instruction.flags {
            match flag.name.as_str() {
                "from" => flags.push_str(&format!("--from={own} ")),
                "chown" | "chmod" | "link" => {
                    flags.push_str(text.get(flag.span.range())?);
                    flags.push(' ');
                }
                _ => return None,
            }
        }
        let to = transfer.destination.trim_end_matches('/');
        if transfer.json || to.contains(['"', '\'']) {
            return None;
        }
        let from = format!("{}/node_modules", self.install.dir.trim_end_matches('/'));
        let at = block_of(text, taker.stage, taker.index).start;
        Some(TextEdit::insert(
            at,
            format!("COPY {flags}{from} {to}/{inside}\n"),
        ))
    }
}

/// The one install of packages in `dir` among `runs`, with a lockfile; `Some(None)` where there
/// is none at all.
fn only_install<'s>(
    of: &'s StageView<'_>,
    runs: Range<usize>,
    dir: &str,
    program: &str,
) -> Option<Option<&'s Install>> {
    let mut all = runs
        .flat_map(|n| of.installs(n))
        .filter(|i| is_of_node(i) && i.dir == dir);
    let Some(install) = all.next() else {
        return Some(None);
    };
    let has_lock = install.reads.iter().any(|to| {
        let name = to.rsplit('/').next().unwrap_or_default();
        matches!(
            name,
            "package-lock.json" | "npm-shrinkwrap.json" | "yarn.lock" | "pnpm-lock.yaml"
        )
    });
    let is_whole = all.next().is_none()
        && install.ecosystems == [program]
        && install.absent.is_empty()
        && !install.is_hidden
        && has_lock;
    is_whole.then_some(Some(install))
}

/// The stage that instruction `n` copies the packages from, to where they were.
fn giver(of: &StageView<'_>, n: usize, packages: &str) -> Option<usize> {
    let instruction = &of.stage.instructions[n];
    let (Kind::Copy(transfer), Some(from)) = (&instruction.kind, instruction.flag("from")) else {
        return None;
    };
    let [Source::Path(path)] = transfer.sources.as_slice() else {
        return None;
    };
    let is_it = absolute(Some("/"), path).as_deref() == Some(packages)
        && destination(transfer, &of.places[n]).as_deref() == Some(packages);
    is_it
        .then(|| stage_named(of.view.dockerfile, of.stage.index, from))
        .flatten()
}

fn manifest(of: &StageView<'_>, install: &Install) -> Option<Value> {
    let path = format!("{}/package.json", install.dir.trim_end_matches('/'));
    let image = of.image_at(install.run);
    serde_json::from_slice(&(of.view.read)(&image.get(&path)?.from)?).ok()
}

/// Whether a package is a directory of the project.
fn has_local_packages(manifest: &Value) -> bool {
    let tables = [
        "dependencies",
        "optionalDependencies",
        "overrides",
        "resolutions",
    ];
    let named = tables.iter().filter_map(|t| manifest.get(*t)?.as_object());
    let is_local = |v: &Value| {
        let local = ["file:", "link:", "portal:"];
        v.as_str()
            .is_some_and(|v| local.iter().any(|l| v.starts_with(l)))
    };
    named.flatten().any(|(_, v)| is_local(v))
}

/// Whether a command calls the script `name` of the manifest, or may: by itself, or with what goes before and behind.
fn calls(words: &[String], name: &str) -> bool {
    let Some((program, args)) = words.split_first() else {
        return false;
    };
    let is_runner = [
        "bun",
        "concurrently",
        "npm",
        "npm-run-all",
        "pnpm",
        "run-p",
        "run-s",
        "yarn",
    ];
    let is_it = |word: &String| {
        let word = word.strip_prefix("npm:").unwrap_or(word);
        let own = ["pre", "post"]
            .iter()
            .find_map(|lead| name.strip_prefix(lead));
        match word.strip_suffix('*') {
            Some(lead) => name.starts_with(lead),
            None => word == name || own == Some(word),
        }
    };
    is_runner.contains(&program.as_str())
        && args
            .iter()
            .flat_map(|a| a.split(' ').map(str::to_owned))
            .any(|w| is_it(&w))
}

/// Whether a command changes which packages there are.
fn installs_more(words: &[String]) -> bool {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let verb = words.iter().skip(1).find(|w| !w.starts_with('-'));
    let changes = |v: &String| {
        matches!(
            v.as_str(),
            "add" | "ci" | "dedupe" | "i" | "install" | "link" | "rebuild" | "remove" | "update"
        )
    };
    let is_of_node = matches!(first, "npm" | "yarn" | "pnpm" | "bun");
    is_of_node && (first == "yarn" && verb.is_none() || verb.is_some_and(changes))
}

/// Whether a front-end's build reads what is set, and no install.
fn is_of_builds(name: &str) -> bool {
    let leads = [
        "NEXT_",
        "NUXT_",
        "PUBLIC_",
        "REACT_APP_",
        "VITE_",
        "VUE_APP_",
    ];
    name == "NODE_ENV" || leads.iter().any(|l| name.starts_with(l))
}

/// Whether no package manager reads what is set.
fn is_of_no_install(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let of_tools = ["npm_", "yarn_", "pnpm_", "corepack_"];
    let of_all = [
        "home",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "node_options",
        "path",
    ];
    !of_tools.iter().any(|t| name.starts_with(t)) && !of_all.contains(&name.as_str())
}

/// Whether the words of a command show that it works on the packages, and not only starts a program of them.
fn works_on_packages(words: &[String]) -> bool {
    const PLACE: &str = "node_modules";
    let names = |word: &String| {
        let mut found = word.match_indices(PLACE);
        found.any(|(at, _)| !word[at + PLACE.len()..].starts_with("/.bin"))
    };
    let is_writer = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        WRITERS.contains(&name.split('@').next().unwrap_or(name))
    };
    words.iter().any(|w| names(w) || is_writer(w))
}

/// Whether a command gives files to others, perhaps the packages among them.
fn gives_away(words: &[String]) -> bool {
    let first = words.first().map(String::as_str);
    matches!(first, Some("chgrp" | "chmod" | "chown"))
}

/// Whether nothing behind the command in its stage works on the packages that it leaves.
fn is_last(of: &StageView<'_>, prune: &Prune) -> bool {
    let dir = of.cwd(prune.run);
    let packages = format!("{}/node_modules", dir.trim_end_matches('/'));
    let is_apart = |run: usize, one: &Seen| {
        let here = one.directory.as_deref();
        let here = here.and_then(|d| absolute(Some(of.cwd(run)), d));
        let is_other = |word: &String| {
            let place = match word.find(['*', '?', '[']) {
                Some(at) => word[..at].rsplit_once('/').map_or(".", |(dir, _)| dir),
                None => word.as_str(),
            };
            let to = absolute(here.as_deref(), place);
            !word.contains(['$', '`'])
                && to.is_some_and(|to| !is_within(&packages, &to) && !is_within(&to, &packages))
        };
        let mut words = one.args().iter().filter(|a| !a.starts_with('-'));
        match one.name() {
            _ if is_quiet(one) => true,
            "cp" | "ls" | "mkdir" | "mv" | "rm" | "touch" => words.all(is_other),
            "npm" | "pnpm" | "yarn" => matches!(one.subcommand(), "cache" | "store"),
            _ => false,
        }
    };
    let below = prune.run + 1..of.stage.instructions.len();
    let mut runs = below.filter(|&n| matches!(of.stage.instructions[n].kind, Kind::Run(_)));
    prune.after.iter().all(|s| is_apart(prune.run, s))
        && runs.all(|n| {
            let all = seen(&of.stage.instructions[n]);
            all.is_some_and(|all| all.iter().all(|s| is_apart(n, s)))
        })
}

#[cfg(test)]
mod tests {
    use super::{calls, way};
    use crate::shell;

    #[test]
    fn what_leaves_the_packages_of_the_image() {
        let check = |line: &str, want: Option<(bool, bool)>| {
            assert_eq!(way(&shell::parse(line).seen()[0]), want, "{line}");
        };
        check("npm prune --production", Some((false, false)));
        check("npm prune --omit dev", Some((false, false)));
        check("npm ci --omit=dev", Some((true, true)));
        check(
            "npm ci --only=production --ignore-scripts",
            Some((true, false)),
        );
        check("yarn --production --prefer-offline", Some((false, true)));
        check(
            "yarn install --production=true --frozen-lockfile",
            Some((false, true)),
        );
        check(
            "NODE_ENV=production npm prune --production",
            Some((false, false)),
        );
        check("pnpm prune --prod --ignore-scripts", Some((false, false)));
        check("pnpm install -P", Some((false, true)));
        check("npm prune", None);
        check("npm ci", None);
        check("yarn install --production=false", None);
        check("npm install --production left-pad", None);
        check("npm ci --omit=optional", None);
        check("npm ci --production -C web", None);
        check("yarn build --production", None);
    }
    #[test]
    fn scripts_are_called_by_runners_alone() {
        let check = |line: &str, name: &str, want: bool| {
            let words = shell::parse(line).seen()[0].words.clone();
            assert_eq!(calls(&words, name), want, "{line}");
        };
        check("npm run build", "build", true);
        check("yarn build", "prebuild", true);
        check("run-p lint build:*", "build:css", true);
        check("concurrently 'npm run build' 'npm:css'", "build", true);
        check("concurrently 'npm run build' 'npm:css'", "css", true);
        check("tsc build", "build", false);
        check("npm run build", "test", false);
    }
}
