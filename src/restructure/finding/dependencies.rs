//! Where the installs of dependencies stand: below the source, below files they do not read, or after a split that
//! nothing uses.

use super::super::installs::StageView;
use super::super::manifests::{is_dependency_file, is_manifest};
use super::super::mentions::mentions;
use super::super::view::View;
use super::copied::{Copied, heat, is_vendored};
use super::kind::Finding;
use super::resolving::resolving;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

pub(super) fn installs_below(
    view: &View<'_>,
    read: &StageView<'_>,
    copies: &[Copied<'_>],
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut resolved: BTreeSet<String> = BTreeSet::new();
    for (index, instruction) in read.stage.instructions.iter().enumerate() {
        for command in resolving(read, index) {
            // What a mount keeps is in no layer: no other order of the lines helps it.
            if !resolved.insert(command.tool) || read.leaves_nothing(index) {
                continue;
            }
            let (name, is_build) = (command.name, command.is_build);
            let above = copies.iter().filter(|c| c.index < index);
            if let Some(broad) = above.clone().filter(|c| c.is_broad).max_by_key(|c| c.heat) {
                let all = &copies[..copies.partition_point(|c| c.index < index)];
                let n = heat(view, all);
                found.push(before_install(view, instruction, broad, n, &name, is_build));
            } else if !is_build {
                found.extend(above.filter_map(|c| intruder(view, instruction, c, &name)));
            }
        }
    }
    found
}

fn before_install(
    view: &View<'_>,
    instruction: &Instruction,
    broad: &Copied<'_>,
    n_builds: usize,
    name: &str,
    is_build: bool,
) -> Finding {
    let (line, above) = (instruction.lines.first, broad.instruction.lines.first);
    let what = if is_build {
        format!("`{name}` fetches all dependencies")
    } else {
        format!("`{name}` installs dependencies")
    };
    Finding {
        line: above,
        kind: "copy-before-install",
        text: format!(
            "Line {above} copies the source before {what} in line {line}, so they are fetched again with every change of any copied file ({} of {} builds).",
            n_builds,
            view.n_builds()
        ),
        rule: Some("deps-first"),
        builds: Some(n_builds),
    }
}

/// Files that no install reads, by the look of their names.
fn intruder(
    view: &View<'_>,
    instruction: &Instruction,
    copy: &Copied<'_>,
    name: &str,
) -> Option<Finding> {
    let is_prose = |p: &&RepoPath| {
        let text = p.to_string();
        let file = text
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let prose = file.starts_with("changelog")
            || file.starts_with("license")
            || file.starts_with("readme")
            || file.starts_with("history.")
            || file.starts_with("contributing");
        prose
            && !is_vendored(p)
            && mentions(view, &[text.as_str()], is_manifest)
                .found
                .is_empty()
    };
    let guilty: Vec<String> = copy
        .files
        .iter()
        .filter(is_prose)
        .map(ToString::to_string)
        .collect();
    let n = view.n_touching(|p| guilty.iter().any(|g| *g == p.to_string()));
    if guilty.is_empty() || n == 0 {
        return None;
    }
    let (line, at) = (instruction.lines.first, copy.instruction.lines.first);
    Some(Finding {
        line: at,
        kind: "intruder",
        text: format!(
            "Line {at} copies {} above `{name}` in line {line}, which does not read {}; {n} of {} builds changed {}.",
            guilty.join(", "),
            if guilty.len() == 1 { "it" } else { "them" },
            view.n_builds(),
            if guilty.len() == 1 { "it" } else { "them" }
        ),
        rule: Some("dead-split"),
        builds: Some(n),
    })
}

pub(super) fn dead_split(
    view: &View<'_>,
    read: &StageView<'_>,
    copies: &[Copied<'_>],
) -> Option<Finding> {
    // Manifests first, then more files, and no RUN between that could use the manifests.
    let instructions = &read.stage.instructions;
    let is_manifests = |c: &&Copied<'_>| !c.takes_git && c.files.iter().all(is_dependency_file);
    let first = copies
        .iter()
        .filter(is_manifests)
        .find(|c| !c.is_broad && !c.files.is_empty())?;
    let rest = copies
        .iter()
        .find(|c| c.index > first.index && !is_manifests(c))?;
    // Where the source comes first, that is the finding.
    if copies.iter().any(|c| c.index < first.index && c.is_broad) {
        return None;
    }
    let is_run = |i: &usize| matches!(instructions[*i].kind, Kind::Run(_));
    if (first.index..rest.index).any(|i| is_run(&i)) {
        return None;
    }
    let uses = (rest.index..instructions.len()).find(|i| !resolving(read, *i).is_empty())?;
    let above = &copies[..copies.partition_point(|c| c.index < uses)];
    let (n, all) = (view.n_builds(), heat(view, above));
    let needed = view.n_touching(|p| {
        let brought = above.iter().any(|c| c.files.contains(p));
        brought && is_dependency_file(p)
    });
    // What happens in fewer than one build of a hundred is not worth a word.
    if n > 0 && (all - needed) * 100 < n {
        return None;
    }
    let line = |i: usize| instructions[i].lines.first;
    Some(Finding {
        line: line(first.index),
        kind: "dead-split",
        text: format!(
            "Line {} copies manifests on their own, but nothing is installed before line {} copies more; line {} then fetches dependencies whenever any of these files changes: in {all} of {n} builds, where {needed} changed a manifest.",
            line(first.index),
            line(rest.index),
            line(uses),
        ),
        rule: Some("dead-split"),
        builds: Some(all),
    })
}
