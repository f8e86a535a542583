//! What the command goes on from at its new place, and whether that is what it would find at its own.

use super::super::super::effect::destination;
use super::super::super::installs::{Install, StageView};
use super::super::super::layout::{absolute, built_on, is_within, parent, stage_named};
use super::command::Prune;
use super::signs::{calls, gives_away, installs_more, works_on_packages};
use super::{is_of_node, is_shared, prepares};
use crate::builder::Builder;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::ecosystem::PROJECT_SCRIPTS;
use crate::shell;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::Range;

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

/// What the command goes on from.
pub(super) struct Ground<'s, 'a> {
    /// The stage that installs: the same, one that it is built on, or one that the packages are copied from.
    pub(super) of: &'s StageView<'a>,
    pub(super) install: &'s Install,
    pub(super) manifest: Value,
    /// In the same stage, the first instruction that the command does not need.
    pub(super) split: Option<usize>,
    /// What then does not stand before the command any more; at the end its own RUN.
    pub(super) between: Range<usize>,
}

impl<'s, 'a> Ground<'s, 'a> {
    pub(super) fn of(
        stages: &'s [StageView<'a>],
        of: &'s StageView<'a>,
        prune: &Prune,
    ) -> Option<Self> {
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
    pub(super) fn is_same(&self, of: &StageView<'_>, prune: &Prune) -> bool {
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
            && !SETTINGS.iter().any(is_new)
            && self.manifest.get("workspaces").is_none()
            // What the install itself reads is not asked: it stays where it is.
            && !(prune.runs_scripts && (!install.doubts.is_empty() || PROJECT_SCRIPTS.iter().any(has_script)))
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
