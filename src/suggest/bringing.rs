//! Builds that bring files which git does not hold: programs and archives that are made before the image is built.

use super::answer::Condition;
use crate::context::IgnoreRules;
use crate::history::BuildInput;
use crate::restructure::View;
use crate::restructure::legality::{remote_sources, unheld_sources};
use crate::tree::{Change, FileKind, FileStamp, RepoPath};
use std::collections::BTreeSet;

/// The builds as they would be if each brought its own version of the files that COPY names and no commit holds, and
/// the condition in words, with what ADD fetches; `None` where git holds all.
pub(super) fn bringing(
    view: &View<'_>,
    inputs: &[BuildInput],
) -> Option<(Condition, Vec<BuildInput>)> {
    let held: BTreeSet<&RepoPath> = inputs
        .iter()
        .flat_map(|input| &input.changes)
        .map(|change| &change.path)
        .collect();
    let ignore = view.ignore.map_or("", |(_, text)| text);
    let rules = IgnoreRules::parse(ignore.as_bytes()).unwrap_or_default();
    let mut brought = brought(unheld_sources(view), &held);
    brought.retain(|(_, path)| !rules.is_ignored(path));
    let fetched = remote_sources(view);
    if brought.is_empty() && fetched.is_empty() {
        return None;
    }
    let mut inputs = inputs.to_vec();
    let mut before = None;
    for input in &mut inputs {
        // Not the commit's content, but as different from build to build as that.
        let stamp = FileStamp {
            kind: FileKind::Regular,
            id: input.commit.id,
        };
        let changes = brought.iter().map(|(_, path)| Change {
            path: path.clone(),
            old: before,
            new: Some(stamp),
        });
        input.changes.extend(changes);
        before = Some(stamp);
    }
    let mut paths: Vec<String> = brought.into_iter().map(|(source, _)| source).collect();
    paths.extend(fetched);
    Some((Condition::Brought { paths }, inputs))
}

/// Of `sources` those that are not among what git `held`, each with a path that it selects. A commit that holds them, or
/// something in their place, tells more than a supposition.
fn brought(sources: BTreeSet<String>, held: &BTreeSet<&RepoPath>) -> Vec<(String, RepoPath)> {
    let in_place = |one: &RepoPath, other: &RepoPath| {
        other.strip_prefix(one).is_some() || one.strip_prefix(other).is_some()
    };
    let mut brought: Vec<(String, RepoPath)> = Vec::new();
    for source in sources {
        let Some(path) = one_of(&source) else {
            continue;
        };
        let is_held = held.iter().any(|held| in_place(&path, held));
        if !is_held && brought.iter().all(|(_, other)| !in_place(&path, other)) {
            brought.push((source, path));
        }
    }
    brought
}

/// A path that a source of COPY selects; `None` for patterns of which none is easily told.
fn one_of(source: &str) -> Option<RepoPath> {
    if source.contains(['[', '\\']) {
        return None;
    }
    let path = RepoPath::new(source.replace(['*', '?'], "x"));
    Some(path).filter(|path| !path.is_root())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_commit_held_is_not_supposed() {
        let check = |held: &str, sources: &[&str], expected: &[&str]| {
            let held = RepoPath::new(held);
            let sources = sources.iter().map(|s| (*s).to_owned()).collect();
            let told: Vec<String> = brought(sources, &BTreeSet::from([&held]))
                .into_iter()
                .map(|(source, path)| format!("{source} {path}"))
                .collect();
            assert_eq!(told, expected, "{held}");
        };
        check(
            "src/a",
            &["bin/app", "*.jar"],
            &["*.jar x.jar", "bin/app bin/app"],
        );
        check("bin/app", &["bin/app"], &[]);
        check("bin/app/x", &["bin/app"], &[]);
        check("bin", &["bin/app"], &[]);
        check("bin/other", &["bin/app"], &["bin/app bin/app"]);
        check("src/a", &["out", "out/app"], &["out out"]);
        check("src/a", &["[ab].jar", "a\\*", "."], &[]);
    }
}
