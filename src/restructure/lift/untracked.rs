//! What git does not hold and a working copy may: packages installed there, which a COPY that now stands below the install
//! would put over those of the image.

use super::super::git::asked::names_in_copies;
use super::super::ignore_file::with_lines;
use super::super::installs::Action;
use super::super::layout::{absolute, expand, is_within};
use super::super::other_dockerfiles::named_by_others;
use super::Lift;
use crate::context::IgnoreRules;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::ecosystem;
use crate::restructure::candidate::Candidate;
use crate::shell;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Where an ecosystem lays down what it installs, from the directory it runs in.
fn laid(ecosystem: &str) -> &'static [&'static str] {
    match ecosystem {
        "npm" | "yarn" | "pnpm" | "bun" => &["node_modules"],
        "bundler" => &["vendor/bundle"],
        "cargo" => &["target/release", "target/debug"],
        "composer" => &["vendor"],
        "mix" => &["deps", "_build"],
        "nuget" => &["obj"],
        "pipenv" | "poetry" | "uv" => &[".venv"],
        "swift" => &[".build"],
        _ => &[],
    }
}

/// A place of the context from where a COPY would put something over what was installed.
pub(super) struct Over {
    /// In the context.
    path: RepoPath,
    /// Its line in the ignore file.
    line: String,
    /// Whether the ignore file keeps it out.
    is_hidden: bool,
    /// Whether `.gitignore` names it: then working copies have it.
    is_usual: bool,
}

impl Lift<'_, '_> {
    /// Files that a later COPY would put over what has been installed.
    pub(super) fn check_overwritten(&mut self) {
        let names = self.install.ecosystems.iter().flat_map(|e| laid(e));
        let of_manifests = self.install.reads.iter().filter_map(|r| r.rsplit_once('/'));
        let mut dirs: BTreeSet<&str> = of_manifests.map(|(dir, _)| dir).collect();
        dirs.insert(self.install.dir.trim_end_matches('/'));
        let beside = |name: &&str| {
            dirs.iter()
                .map(move |dir| format!("{dir}/{name}/"))
                .collect::<Vec<_>>()
        };
        let mut places: Vec<String> = names.flat_map(beside).collect();
        if let Some(vendor) = self.vendor_of_composer() {
            places.retain(|p| !p.ends_with("/vendor/"));
            places.push(format!("{vendor}/"));
        }
        let brought = self.polluters.iter();
        let brought = brought.filter_map(|&i| self.of.brings[i].as_ref());
        let mut brought = brought.flat_map(|b| b.keys());
        let is_hit = |to: &&String| {
            places.iter().any(|p| to.starts_with(p)) && !self.install.reads.contains(*to)
        };
        if let Some(to) = brought.find(is_hit) {
            self.doubts.push(format!(
                "the context holds {to}, which is then put over what was installed"
            ));
        }
    }

    /// Where Composer lays down packages by its manifest's own word: absolute.
    fn vendor_of_composer(&self) -> Option<String> {
        let is_one = |p: &&String| p.ends_with("/composer.json");
        let manifest = self.install.reads.iter().find(is_one)?;
        let image = self.of.image_at(self.install.run);
        let text = self.of.view.read_text(&image.get(manifest)?.from)?;
        let (dir, _) = manifest.rsplit_once('/')?;
        absolute(Some(dir), &ecosystem::vendor_dir(&text)?)
    }

    /// Where the context may hold another copy of what the install makes, which a COPY below it would bring.
    pub(super) fn over(&self) -> Vec<Over> {
        // What stays where it was sets it right again.
        if matches!(self.install.action, Action::Prefetch(_)) {
            return Vec::new();
        }
        let view = self.of.view;
        let ignore = view.ignore.map_or("", |(_, text)| text);
        let gitignore = view.read_text(&RepoPath::new(".gitignore"));
        let gitignore = gitignore.unwrap_or_default();
        let mut found = Vec::new();
        for made in self.made() {
            let Some(path) = self.source_of(&made) else {
                continue;
            };
            let name = path.file_name().unwrap_or_default();
            let has_name = |p: &RepoPath| p.names().any(|n| n == name);
            if view.below(&path).next().is_some() {
                continue;
            }
            let of_many = self.install.reads.iter().filter_map(|r| r.rsplit_once('/'));
            let of_many: BTreeSet<&str> = of_many.map(|(dir, _)| dir).collect();
            let is_alone = view.files.iter().any(|(f, _)| has_name(f)) || of_many.len() < 2;
            let name = String::from_utf8_lossy(name).into_owned();
            let line = match is_alone {
                true => path.to_string(),
                false => format!("**/{name}"),
            };
            found.push(Over {
                is_hidden: IgnoreRules::hides(ignore, &path.join(b"x")),
                is_usual: gitignore.lines().any(|l| names(l, &path, &name)),
                path,
                line,
            });
        }
        found
    }

    /// Directories of the image that the install makes: absolute.
    pub(super) fn made(&self) -> BTreeSet<String> {
        let restores_again = !self.of.view.text().contains("--no-restore");
        let all = self.install.ecosystems.iter();
        let names = all.filter(|e| !(**e == "nuget" && restores_again));
        // An environment that is named is used, whatever stands in the project.
        let variables = &self.of.places[self.install.run].variables;
        let is_named = variables.contains_key("VIRTUAL_ENV");
        let names = names.filter(|e| !(matches!(**e, "pipenv" | "poetry") && is_named));
        let mut made: BTreeSet<String> = BTreeSet::new();
        for name in names {
            let dir = Some(self.dir_of(name));
            made.extend(laid(name).iter().filter_map(|n| absolute(dir, n)));
        }
        for (n, step) in self.of.stage.instructions.iter().enumerate() {
            if n > self.install.run {
                break;
            }
            let place = &self.of.places[n];
            let environments = environments(step);
            made.extend(environments.iter().filter_map(|(at, word)| {
                let word = expand(word, &place.variables)?;
                let here = absolute(place.cwd.as_deref(), at)?;
                absolute(Some(&here), &word)
            }));
        }
        made
    }

    /// Where an ecosystem lays down what it installs: where the install runs, for a front-end beside its manifest, which a
    /// word of the command may name (`npm --prefix web ci`).
    fn dir_of(&self, ecosystem: &str) -> &str {
        let own = self.install.dir.as_str();
        if !matches!(ecosystem, "npm" | "yarn" | "pnpm" | "bun") {
            return own;
        }
        let reads = self.install.reads.iter();
        let manifests = reads.filter_map(|r| r.strip_suffix("/package.json"));
        let dirs: Vec<&str> = manifests.collect();
        match dirs.as_slice() {
            [one] if !one.is_empty() && is_within(one, own) => one,
            _ => own,
        }
    }

    /// The directory of the context that a COPY which stays brings to `made`, if it brings all that is in one above it.
    fn source_of(&self, made: &str) -> Option<RepoPath> {
        let (above, name) = made.rsplit_once('/')?;
        self.polluters
            .iter()
            .filter(|i| self.stay.contains(i))
            .find_map(|&i| {
                let (Kind::Copy(transfer) | Kind::Add(transfer)) =
                    &self.of.stage.instructions[i].kind
                else {
                    return None;
                };
                let brought = self.of.brings[i].as_ref()?;
                let from = brought.iter().find_map(|(to, from)| {
                    let rest = to.strip_prefix(above)?.strip_prefix('/')?;
                    let whole = from.to_string();
                    let dir = whole.strip_suffix(rest)?;
                    (dir.is_empty() || dir.ends_with('/')).then(|| RepoPath::new(dir))
                })?;
                let path = from.join(name.as_bytes());
                let takes = |s: &Source| match s {
                    Source::Path(p) => {
                        let source = RepoPath::new(p);
                        !p.contains(['*', '?', '[', '$'])
                            && !self.of.view.has_file(&source)
                            && path.strip_prefix(&source).is_some()
                    }
                    Source::Heredoc(_) => false,
                };
                transfer.sources.iter().any(takes).then_some(path)
            })
    }

    /// Keeps what a working copy may hold out of the context; a doubt where that cannot be said.
    pub(super) fn keep_out(
        &self,
        over: &[Over],
        candidate: &mut Candidate,
        doubts: &mut Vec<String>,
    ) {
        let view = self.of.view;
        let mut missing: Vec<&Over> = over.iter().filter(|o| !o.is_hidden && o.is_usual).collect();
        missing.dedup_by(|a, b| a.line == b.line);
        if missing.is_empty() {
            return;
        }
        let mut named = names_in_copies(view);
        named.extend(named_by_others(view));
        let is_named = |o: &&&Over| {
            let path = o.path.to_string();
            named.iter().any(|n| is_within(n, &path))
        };
        let lines: Vec<String> = missing.iter().map(|o| o.line.clone()).collect();
        let kept = match missing.iter().any(|o| is_named(&o)) {
            true => None,
            false => with_lines(view, candidate.rule, &lines),
        };
        match kept {
            Some(with) => candidate.ignore = with.ignore,
            None => doubts.push(format!(
                "check that the context holds no {}, which would be put over what was installed",
                lines.join(" and ")
            )),
        }
    }

    /// What is to be known of it, for the rationale.
    pub(super) fn told_of(over: &[Over]) -> Option<String> {
        let first = over.first()?;
        let lines: BTreeSet<&str> = over.iter().map(|o| o.line.as_str()).collect();
        let lines: Vec<&str> = lines.into_iter().collect();
        let lines = lines.join(" and ");
        let would = "a copy of it in the context would be put over the installed one.";
        Some(match (first.is_hidden, first.is_usual) {
            (true, _) => format!("Keep {lines} in the ignore file: {would}"),
            (false, true) => format!("{lines} goes into the ignore file with it: {would}"),
            (false, false) => format!("Put {lines} into the ignore file: {would}"),
        })
    }
}

/// Whether a line of `.gitignore` names a directory.
fn names(line: &str, path: &RepoPath, name: &str) -> bool {
    let line = line.trim();
    // `[Oo]bj/`.
    let line = match line.strip_prefix('[').and_then(|l| l.split_once(']')) {
        Some((first, rest)) => format!("{}{rest}", first.chars().last().unwrap_or_default()),
        None => line.to_owned(),
    };
    let line = line.trim_start_matches("**/").trim_matches(['/', '*']);
    line == name || line == path.to_string()
}

/// The environments of Python, and sandboxes of Cabal, that a RUN makes: where it stands, as a `cd` says, and the word.
fn environments(step: &Instruction) -> Vec<(String, String)> {
    let Some(text) = step.shell_text() else {
        return Vec::new();
    };
    let all = shell::parse(text).seen();
    let made = all.iter().filter_map(|seen| {
        let is_uv = seen.name() == "uv" && seen.subcommand() == "venv";
        let is_one = matches!(seen.name(), "venv" | "virtualenv") || is_uv;
        let mut words = seen.args().iter().filter(|a| !a.starts_with('-'));
        let is_sandbox = seen.name() == "cabal" && seen.subcommand() == "sandbox";
        let sandbox = is_sandbox.then(|| ".cabal-sandbox".to_owned());
        let word = words.nth(usize::from(is_uv)).filter(|_| is_one);
        let word = word.cloned().or(sandbox)?;
        Some((
            seen.directory
                .clone()
                .filter(|d| !d.is_empty())
                .unwrap_or(".".to_owned()),
            word,
        ))
    });
    made.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitignore_names_directories_in_many_ways() {
        let check = |line: &str, path: &str, want: bool| {
            let path = RepoPath::new(path);
            let name = path.to_string();
            let name = name.rsplit('/').next().unwrap();
            assert_eq!(names(line, &path, name), want, "{line} {path}");
        };
        check("node_modules", "web/node_modules", true);
        check("/node_modules/", "node_modules", true);
        check("**/node_modules", "a/node_modules", true);
        check("[Oo]bj/", "src/obj", true);
        check("node_modules_old", "node_modules", false);
        check("/vendor/bundle", "vendor/bundle", true);
    }
}
