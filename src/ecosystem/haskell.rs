//! The packages that a Haskell project file lists: stack.yaml and cabal.project.

use super::Call;
use super::files::matches_name;
use super::needs::within;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// The directories that stack.yaml lists as packages.
pub(super) fn stack_packages(call: &Call<'_>) -> BTreeSet<RepoPath> {
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

/// The directories of the packages of cabal.project: `packages: ./ lib/* tools/x/x.cabal`, on one line or several
/// (cabal.readthedocs.io, "Specifying the local packages").
pub(super) fn cabal_packages(call: &Call<'_>) -> BTreeSet<RepoPath> {
    let text = call.files.text(&call.dir.join(b"cabal.project"));
    let text = text.unwrap_or_default();
    let mut patterns: Vec<Vec<String>> = Vec::new();
    let mut is_listed = false;
    for line in text.lines().map(|l| l.split("--").next().unwrap_or(l)) {
        let mut rest = line;
        if !line.starts_with([' ', '\t']) && !line.trim().is_empty() {
            let (field, value) = line.split_once(':').unwrap_or(("", ""));
            is_listed = matches!(field.trim(), "packages" | "optional-packages");
            rest = value;
        }
        if is_listed {
            let words = rest.split([' ', '\t', ',']).filter(|w| !w.is_empty());
            let names = words.map(|w| w.split('/').filter(|n| !matches!(*n, "" | ".")));
            patterns.extend(names.map(|n| n.map(str::to_owned).collect()));
        }
        if patterns.len() > 256 {
            break;
        }
    }
    let is_package = |path: &&RepoPath| {
        path.as_bytes().ends_with(b".cabal")
            && path.strip_prefix(call.dir).is_some_and(|rest| {
                let names: Vec<&[u8]> = rest.names().collect();
                let (_, dir) = names.split_last().unwrap_or((&&b""[..], &[]));
                let fits = |names: &[&[u8]], pattern: &[String]| {
                    let mut both = names.iter().zip(pattern);
                    names.len() == pattern.len() && both.all(|(n, p)| matches_name(p.as_bytes(), n))
                };
                patterns.iter().any(|p| fits(&names, p) || fits(dir, p))
            })
    };
    let found = call.files.below(call.dir).filter(is_package);
    let dirs = found.filter_map(RepoPath::parent);
    dirs.filter(|dir| dir != call.dir).collect()
}
