//! Manifests that a RUN writes where an install runs, which finds them by their names.

use super::super::installs::Action;
use super::super::layout::{absolute, expand};
use super::super::manifests::is_dependency_file;
use super::super::run_text::run_text;
use super::Lift;
use crate::shell::Seen;
use crate::tree::RepoPath;

/// Manifests of package managers of fixed names, beside those of [`is_dependency_file`].
const OTHERS: &[&str] = &[
    "Build.PL",
    "META.json",
    "Makefile.PL",
    "bower.json",
    "build.zig.zon",
    "cpanfile",
    "cpanfile.snapshot",
    "gleam.toml",
    "glide.yaml",
    "manifest.toml",
    "project.clj",
    "rebar.config",
    "shard.yml",
    "stack.yaml",
];

impl Lift<'_, '_> {
    /// Whether RUN `index` writes a manifest into the directory of the install, which has to stay below it then.
    pub(super) fn writes_manifest(&self, index: usize) -> bool {
        let instruction = &self.of.stage.instructions[index];
        let is_again = matches!(self.install.action, Action::Prefetch(_));
        let Some(run) = run_text(self.of.view, instruction).filter(|_| !is_again) else {
            return false;
        };
        let variables = &self.of.places[index].variables;
        run.script.seen().iter().any(|seen| {
            let here = seen.directory.as_deref();
            let here = here.and_then(|d| absolute(Some(self.of.cwd(index)), d));
            let command = run.script.commands.get(seen.command);
            let targets = command.into_iter().flat_map(|c| &c.redirections);
            let targets = targets.filter(|r| r.operator.contains('>') && !r.operator.contains('&'));
            let mut words = targets.map(|r| &r.target).chain(made_by(seen));
            words.any(|word| {
                let path = expand(word, variables).and_then(|w| absolute(here.as_deref(), &w));
                let Some((dir, name)) = path.as_deref().and_then(|p| p.rsplit_once('/')) else {
                    return false;
                };
                dir == self.install.dir.trim_end_matches('/') && is_manifest(name)
            })
        })
    }
}

/// The words of a command that name what it makes.
fn made_by(seen: &Seen) -> &[String] {
    let args = seen.args();
    match seen.name() {
        "tee" | "touch" => args,
        "cp" | "mv" => &args[args.len().saturating_sub(1)..],
        _ => &[],
    }
}

fn is_manifest(name: &str) -> bool {
    OTHERS.contains(&name) || is_dependency_file(&RepoPath::new(name))
}
