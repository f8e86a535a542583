//! The one check that every candidate of every rule passes or is dropped by: what is protected, what was promised.
//!
//! It judges the text before against the text after and asks no rule how it got there:
//! 1. the edits fit and the result parses;
//! 2. every comment stands; every FROM and RUN stands as often as before, but for what the candidate declares;
//! 3. the image's configuration (CMD, ENTRYPOINT, USER, EXPOSE, VOLUME, LABEL, ENV, WORKDIR, …) ends as it ended;
//! 4. the same files reach the image, from the same places with the same owner and mode (the owner aside where a RUN gave
//!    it that the candidate replaces); where some do not, the candidate is not called safe;
//! 5. every COPY still finds what it names, under the ignore file as it would be;
//! 6. no RUN comes above the COPY of a file that it names;
//! 7. no RUN that resolves dependencies comes above the COPY of a file that it reads;
//! 8. where two kept instructions changed places, it was shown that their order does not matter, or the candidate is
//!    not called safe.

use super::candidate::Candidate;
use super::effect::{Effect, conflict, effect};
use super::findable;
use super::layout::{
    BASE, Place, absolute, built_on, delivered, expand, parent, places, selected, stage_named,
    unquote,
};
use super::rewritten::{positions, stage_after};
use super::view::View;
use crate::context::IgnoreRules;
use crate::dockerfile::Dockerfile;
use crate::dockerfile::ast::{Command, Healthcheck, Instruction, Kind, Source, Stage, Transfer};
use crate::tree::{FileStamp, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// Checks `candidate` on `view`; the rewritten Dockerfile, or the first violation as a whole sentence.
pub fn check(view: &View<'_>, candidate: &Candidate) -> Result<Dockerfile, String> {
    let text = candidate
        .rewritten(view.text())
        .ok_or("the edits do not fit the text")?;
    let after = crate::dockerfile::parse(&text)
        .map_err(|e| format!("the rewritten text does not parse: {e}"))?
        .dockerfile;
    if candidate.ignore.is_none() && text == view.text() {
        return Err("nothing changes".to_owned());
    }
    comments(view.text(), &text)?;
    promised(view.dockerfile, &after, candidate)?;
    let files = visible_after(view, candidate);
    let target = target_after(view, &after, candidate)?;
    let then = View {
        dockerfile: &after,
        files: &files,
        target,
        ..*view
    };
    if candidate.changes_image {
        let restarts = candidate.restarts && !candidate.safety.is_safe();
        kept_configuration(view, &then, restarts)?;
    } else {
        configuration(view, &then)?;
        image_files(view, &then, candidate)?;
    }
    sources_exist(view, &then)?;
    findable::check(view, &then)?;
    if candidate.safety.is_safe() {
        order(view, &then, candidate)?;
    }
    Ok(after)
}

/// The files the builder would see under the candidate's ignore file.
pub fn visible_after(view: &View<'_>, candidate: &Candidate) -> Vec<(RepoPath, FileStamp)> {
    let Some(new) = &candidate.ignore else {
        return view.files.to_vec();
    };
    let Ok(rules) = IgnoreRules::parse(new.text.as_bytes()) else {
        return view.files.to_vec();
    };
    let mut files: Vec<_> = view
        .files
        .iter()
        .chain(view.ignored)
        .filter(|(p, _)| !rules.is_ignored(p))
        .cloned()
        .collect();
    files.sort();
    files
}

/// The target's index in the rewritten file: by name, else the last if it was the last, else the same count.
fn target_after(
    view: &View<'_>,
    after: &Dockerfile,
    candidate: &Candidate,
) -> Result<usize, String> {
    let before = view.dockerfile;
    let stage = before
        .stages
        .get(view.target)
        .ok_or("the target is not in the Dockerfile")?;
    let named = stage
        .name
        .as_ref()
        .and_then(|n| after.stages.iter().position(|s| s.name.as_ref() == Some(n)));
    let last = (view.target + 1 == before.stages.len()).then(|| after.stages.len() - 1);
    let same = (after.stages.len() == before.stages.len()).then_some(view.target);
    named
        .or(last)
        .or(same)
        .ok_or_else(|| format!("{} loses the target stage", candidate.rule))
}

fn comments(before: &str, after: &str) -> Result<(), String> {
    let count = |text: &str| {
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|l| l.starts_with('#')) {
            *lines.entry(line.to_owned()).or_default() += 1;
        }
        lines
    };
    let after = count(after);
    match count(before)
        .into_iter()
        .find(|(line, n)| after.get(line).copied().unwrap_or(0) < *n)
    {
        Some((line, _)) => Err(format!("the comment `{line}` is lost")),
        None => Ok(()),
    }
}

/// FROM and RUN texts as often as before, but for what is declared.
fn promised(before: &Dockerfile, after: &Dockerfile, candidate: &Candidate) -> Result<(), String> {
    let mut wanted = steps(before);
    for text in candidate.replaced.iter().flat_map(|r| &r.before) {
        let n = wanted.get_mut(text).filter(|n| **n > 0);
        *n.ok_or_else(|| format!("`{text}` is declared replaced and is not there"))? -= 1;
    }
    for text in candidate.replaced.iter().flat_map(|r| &r.after) {
        *wanted.entry(text.clone()).or_default() += 1;
    }
    wanted.retain(|_, n| *n > 0);
    let found = steps(after);
    if wanted == found {
        return Ok(());
    }
    let differs = wanted
        .keys()
        .chain(found.keys())
        .find(|k| wanted.get(*k) != found.get(*k));
    Err(format!(
        "the step `{}` is dropped or added without being declared",
        differs.map_or("", String::as_str)
    ))
}

fn steps(dockerfile: &Dockerfile) -> BTreeMap<String, usize> {
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for instruction in dockerfile.instructions() {
        if matches!(instruction.keyword, "FROM" | "RUN" | "ONBUILD") {
            *texts.entry(instruction.original.clone()).or_default() += 1;
        }
    }
    texts
}

/// The stages that make the target's image, oldest first.
fn chain(dockerfile: &Dockerfile, target: usize) -> Vec<&Stage> {
    let mut stages = Vec::new();
    let mut next = Some(target);
    while let Some(stage) = next {
        stages.extend(dockerfile.stages.get(stage));
        next = parent(dockerfile, stage);
    }
    stages.reverse();
    stages
}

/// What the image's configuration ends as: name of the part to its value.
fn final_configuration(view: &View<'_>) -> BTreeMap<String, String> {
    let mut parts = BTreeMap::new();
    let mut shell = String::new();
    let of_command = |command: &Command, shell: &str| match command {
        Command::Exec(words) => format!("{words:?}"),
        Command::Shell(text) => format!("{shell} {text}"),
    };
    for instruction in chain(view.dockerfile, view.target)
        .into_iter()
        .flat_map(|s| &s.instructions)
    {
        match &instruction.kind {
            Kind::Cmd(command) => {
                parts.insert("CMD".to_owned(), of_command(command, &shell));
            }
            Kind::Entrypoint(command) => {
                parts.insert("ENTRYPOINT".to_owned(), of_command(command, &shell));
            }
            Kind::Healthcheck(check) => {
                let command = match check {
                    Healthcheck::None => "NONE".to_owned(),
                    Healthcheck::Cmd(command) => of_command(command, &shell),
                };
                parts.insert(
                    "HEALTHCHECK".to_owned(),
                    format!("{:?} {command}", names_and_values(instruction)),
                );
            }
            Kind::User(user) => {
                parts.insert("USER".to_owned(), user.clone());
            }
            Kind::StopSignal(signal) => {
                parts.insert("STOPSIGNAL".to_owned(), signal.clone());
            }
            Kind::Shell(words) => {
                shell = format!("{words:?}");
                parts.insert("SHELL".to_owned(), shell.clone());
            }
            Kind::Expose(ports) => {
                parts.extend(ports.iter().map(|p| (format!("EXPOSE {p}"), String::new())))
            }
            Kind::Volume(paths) => {
                parts.extend(paths.iter().map(|p| (format!("VOLUME {p}"), String::new())))
            }
            Kind::Label(pairs) => parts.extend(
                pairs
                    .iter()
                    .map(|p| (format!("LABEL {}", p.name), p.value.clone())),
            ),
            Kind::Env(pairs) => parts.extend(
                pairs
                    .iter()
                    .map(|p| (format!("ENV {}", p.name), p.value.clone())),
            ),
            Kind::Onbuild(trigger) => {
                parts.insert(format!("ONBUILD {}", trigger.text), String::new());
            }
            Kind::Workdir(path) => {
                parts.insert("WORKDIR".to_owned(), path.clone());
            }
            Kind::Maintainer(_)
            | Kind::Add(_)
            | Kind::Arg(_)
            | Kind::Copy(_)
            | Kind::From(_)
            | Kind::Run(_) => {}
        }
    }
    parts
}

fn names_and_values(instruction: &Instruction) -> Vec<(&str, Option<&str>)> {
    instruction
        .flags
        .iter()
        .map(|f| (f.name.as_str(), f.value.as_deref()))
        .collect()
}

/// As [`configuration`] for a candidate that changes what the image holds: a user may be named where none was, and
/// variables may be added; with `restarts`, the program may be started another way.
fn kept_configuration(before: &View<'_>, after: &View<'_>, restarts: bool) -> Result<(), String> {
    let (mut old, mut new) = (final_configuration(before), final_configuration(after));
    new.retain(|part, _| old.contains_key(part) || !(part == "USER" || part.starts_with("ENV ")));
    if restarts {
        for part in ["ENTRYPOINT", "CMD"] {
            if old.contains_key(part) == new.contains_key(part) {
                old.remove(part);
                new.remove(part);
            }
        }
    }
    match old
        .keys()
        .chain(new.keys())
        .find(|k| old.get(*k) != new.get(*k))
    {
        Some(part) => Err(format!("the image's {part} changes")),
        None => Ok(()),
    }
}

fn configuration(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    let (old, new) = (final_configuration(before), final_configuration(after));
    if old == new {
        return Ok(());
    }
    let part = old
        .keys()
        .chain(new.keys())
        .find(|k| old.get(*k) != new.get(*k));
    Err(format!(
        "the image's {} changes",
        part.map_or("configuration", String::as_str)
    ))
}

/// What reaches the image by COPY and ADD: the path in the image to where it comes from, with mode and perhaps owner. A
/// copy whose files are not known is one entry under its words; a stage is called by its name if that is one of `names`.
fn brought(view: &View<'_>, names: &BTreeSet<&str>, with_owner: bool) -> BTreeMap<String, String> {
    let all = places(view.dockerfile);
    let mut files = BTreeMap::new();
    // Files of other stages that a later COPY from the context replaces: name by name to what stands for their copy.
    let mut passing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stage in chain(view.dockerfile, view.target) {
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
            match delivered(view, instruction, transfer, &place) {
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
                    let key = words(from.as_deref(), instruction, transfer, &place);
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
    place: &Place,
) -> String {
    let to =
        super::effect::destination(transfer, place).unwrap_or_else(|| transfer.destination.clone());
    let excluded: Vec<&str> = instruction.flag_values("exclude").collect();
    let sources: Vec<&str> = transfer
        .sources
        .iter()
        .map(|s| match s {
            Source::Path(path) => path.as_str(),
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

fn image_files(before: &View<'_>, after: &View<'_>, candidate: &Candidate) -> Result<(), String> {
    let names = before.dockerfile.stages.iter();
    let names: BTreeSet<&str> = names.filter_map(|s| s.name.as_deref()).collect();
    let of = |view| brought(view, &names, !candidate.shifts_owner);
    let (old, new) = (of(before), of(after));
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

/// Every literal source of COPY and ADD that was found before is found after, and every new one is found.
fn sources_exist(before: &View<'_>, after: &View<'_>) -> Result<(), String> {
    let missing = missing_sources(before);
    match missing_sources(after)
        .into_iter()
        .find(|m| !missing.contains(m))
    {
        Some(source) => Err(format!("COPY names {source}, which is not in the context")),
        None => Ok(()),
    }
}

/// The literal sources of COPY and ADD that the context does not hold.
pub fn missing_sources(view: &View<'_>) -> BTreeSet<String> {
    let all = places(view.dockerfile);
    let mut missing = BTreeSet::new();
    for stage in &view.dockerfile.stages {
        for (instruction, place) in stage.instructions.iter().zip(&all[stage.index]) {
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            if instruction.flag("from").is_some() {
                continue;
            }
            for source in &transfer.sources {
                let Source::Path(written) = source else {
                    continue;
                };
                let Some(path) = expand(&unquote(written), &place.variables) else {
                    continue;
                };
                let is_literal = !path.contains(['*', '?', '['])
                    && !path.contains("://")
                    && !path.starts_with("git@");
                let is_root = RepoPath::new(&path).is_root();
                if is_literal
                    && !is_root
                    && selected(view.files.iter().map(|(p, _)| p), &path).is_empty()
                {
                    missing.insert(path);
                }
            }
        }
    }
    missing
}

/// Kept instructions whose order changed may change it.
fn order(before: &View<'_>, after: &View<'_>, candidate: &Candidate) -> Result<(), String> {
    let unread = &candidate.unread;
    let vouched = |i: &Instruction| candidate.vouched.contains(&i.original);
    let all = places(before.dockerfile);
    for stage in &before.dockerfile.stages {
        let Some(then) = stage_after(stage, before.dockerfile, after.dockerfile) else {
            continue;
        };
        let moved = positions(stage, then);
        for (i, &(first, at)) in moved.iter().enumerate() {
            for &(second, later) in &moved[i + 1..] {
                let is_shown =
                    vouched(&stage.instructions[first]) || vouched(&stage.instructions[second]);
                if later > at || is_shown {
                    continue;
                }
                let of = |n: usize| effect(before, &stage.instructions[n], &all[stage.index][n]);
                let (mut one, mut other) = (of(first), of(second));
                let is_read = |by: &Effect, name: &String| {
                    !unread.contains(name) || by.mentions.contains(name) || by.sets.contains(name)
                };
                one.sets.retain(|name| is_read(&other, name));
                other.sets.retain(|name| is_read(&one, name));
                if let Some(why) = conflict(&one, &other) {
                    let line = |n: usize| stage.instructions[n].lines.first;
                    return Err(format!(
                        "lines {} and {} change places though {why}",
                        line(first),
                        line(second)
                    ));
                }
            }
        }
    }
    Ok(())
}
