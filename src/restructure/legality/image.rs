//! The same files reach the image, from the same places.

use super::super::candidate::Candidate;
use super::super::effect::destination;
use super::super::layout::{BASE, Place, absolute, built_on, expand, places, stage_named, unquote};
use super::super::through;
use super::super::view::View;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Instruction, Kind, Source, Stage, Transfer};
use std::collections::{BTreeMap, BTreeSet};

/// The stages that make the target's image, oldest first.
pub(super) fn chain<'a>(view: &View<'a>) -> Vec<&'a Stage> {
    let stages = &view.dockerfile.stages;
    let mut chain: Vec<&Stage> = built_on(view.dockerfile, view.target)
        .filter_map(|stage| stages.get(stage))
        .collect();
    chain.reverse();
    chain
}

/// What reaches the image by COPY and ADD: the path in the image to where it comes from, with mode and perhaps owner. A
/// copy whose files are not known is one entry under its words; a stage is called by its name if that is one of `names`,
/// and what is `carried` by the place where it was.
fn brought(
    view: &View<'_>,
    names: &BTreeSet<&str>,
    with_owner: bool,
    carried: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let all = places(view.dockerfile);
    let mut files = BTreeMap::new();
    // Files of other stages that a later COPY from the context replaces: name by name to what stands for their copy.
    let mut passing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stage in chain(view) {
        for (instruction, place) in stage.instructions.iter().zip(&all[stage.index]) {
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            let place = Place {
                cwd: Some(place.cwd.clone().unwrap_or_else(|| BASE.to_owned())),
                ..place.clone()
            };
            let owner = format!(
                "{:?} {:?}",
                instruction.flag("chown").filter(|_| with_owner),
                instruction.flag("chmod")
            );
            match through::brought(view, &all, stage.index, instruction, &place) {
                Some(known) => {
                    passing.retain(|key, left| {
                        left.retain(|to| !known.contains_key(to));
                        if left.is_empty() {
                            files.remove(key);
                        }
                        !left.is_empty()
                    });
                    files.extend(
                        known
                            .into_iter()
                            .map(|(to, from)| (to, format!("{from} {owner}"))),
                    );
                }
                None => {
                    let from = instruction.flag("from");
                    let from = from.map(|f| origin(view.dockerfile, stage.index, f, names));
                    let key = words(from.as_deref(), instruction, transfer, (&place, carried));
                    if let Some(named) = named_files(transfer, &place) {
                        passing.insert(key.clone(), named);
                    }
                    files.insert(key, owner);
                }
            }
        }
    }
    files
}

/// Where the sources of a copy into a directory go, if all are named without a pattern.
fn named_files(transfer: &Transfer, place: &Place) -> Option<BTreeSet<String>> {
    let written = expand(&unquote(&transfer.destination), &place.variables)?;
    if !written.ends_with('/') {
        return None;
    }
    let each = transfer.sources.iter().map(|source| match source {
        Source::Path(path) if !path.contains(['*', '?', '[', '$']) && !path.ends_with('/') => {
            let name = path.rsplit('/').next()?;
            absolute(place.cwd.as_deref(), &format!("{written}{name}"))
        }
        _ => None,
    });
    each.collect()
}

/// What `--from=from` in `stage` means: an image, a stage by one of `names`, or one by what its chain begins with.
fn origin(dockerfile: &Dockerfile, stage: usize, from: &str, names: &BTreeSet<&str>) -> String {
    let Some(found) = stage_named(dockerfile, stage, from) else {
        return from.to_owned();
    };
    let name = dockerfile.stages[found].name.as_deref();
    if let Some(name) = name.filter(|n| names.contains(n)) {
        return name.to_owned();
    }
    let first = built_on(dockerfile, found).last();
    let first = &dockerfile.stages[first.unwrap_or(found)];
    format!("FROM {}", first.base().image)
}

/// A copy by its words: where from, what, where to.
fn words(
    from: Option<&str>,
    instruction: &Instruction,
    transfer: &Transfer,
    (place, carried): (&Place, &BTreeMap<String, String>),
) -> String {
    let to = destination(transfer, place).unwrap_or_else(|| transfer.destination.clone());
    let excluded: Vec<&str> = instruction.flag_values("exclude").collect();
    let sources: Vec<&str> = transfer
        .sources
        .iter()
        .map(|s| match s {
            Source::Path(path) => carried.get(path).unwrap_or(path).as_str(),
            Source::Heredoc(n) => instruction
                .heredocs
                .get(*n)
                .map_or("", |h| h.content.as_str()),
        })
        .collect();
    format!(
        "copy of {} from {} to {to} {excluded:?}",
        sources.join(" "),
        from.unwrap_or("the context")
    )
}

pub(super) fn image_files(
    before: &View<'_>,
    after: &View<'_>,
    candidate: &Candidate,
) -> Result<(), String> {
    let names = before.dockerfile.stages.iter();
    let names: BTreeSet<&str> = names.filter_map(|s| s.name.as_deref()).collect();
    let of = |view, carried| brought(view, &names, !candidate.shifts_owner, carried);
    let (old, new) = (of(before, &BTreeMap::new()), of(after, &candidate.carried));
    if let Some((to, from)) = new.iter().find(|(to, from)| old.get(*to) != Some(from)) {
        let is_new = !old.contains_key(to);
        return Err(if is_new {
            format!("{to} is new in the image")
        } else {
            format!("{to} in the image now is {from}")
        });
    }
    match old.keys().find(|to| !new.contains_key(*to)) {
        Some(to) if candidate.safety.is_safe() => Err(format!(
            "{to} is no longer in the image, and the candidate is called safe"
        )),
        _ => Ok(()),
    }
}
