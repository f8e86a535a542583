//! Files of a stage below are copied again with their owner, in place of a RUN that gives it to them.
//!
//! Before:
//! ```dockerfile
//! FROM production AS test
//! RUN chown -R app:app /opt/venv
//! ```
//! After:
//! ```dockerfile
//! FROM production AS test
//! COPY --from=build --chown=app:app /opt/venv /opt/venv
//! RUN chown app:app /opt/venv
//! ```
//! The layer holds as much, but no container looks at each file to copy it up. A directory that is there keeps its owner
//! when it is copied onto (moby/buildkit: fsutil's `copyDirectory`), so it still gets it by itself. Only where all of it
//! came by that one COPY: what has been written over it would come undone.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::effect::Files;
use super::super::layout::{is_within, stage_named};
use super::super::lift::declare;
use super::owner::{Ground, RULE};
use super::owner_before::{Line, named};
use super::owner_run::is_shared;
use super::system_first::is_transfer;
use crate::dockerfile::ast::{Kind, Source, Transfer};

/// The candidate for a RUN into whose directory its own stage copies nothing.
pub(super) fn copied_again(ground: &Ground<'_>) -> Option<Candidate> {
    let (view, chown) = (ground.view, ground.chown);
    let [dir] = chown.dirs.as_slice() else {
        return None;
    };
    let before = &ground.lines[..ground.run];
    let is_copy = |n: &usize| is_transfer(before[*n].step) && !is_beside(&before[*n], &dir.at);
    let copies: Vec<usize> = (0..before.len()).filter(is_copy).collect();
    let [copy] = copies.as_slice() else {
        return None;
    };
    let line = &ground.lines[ground.run];
    let is_below = line.place.directories.iter().any(|d| is_within(d, &dir.at));
    if *copy >= ground.own || !chown.is_alone || is_shared(&dir.at) || is_below {
        return None;
    }
    let doubtful = touched_since(&before[copy + 1..], &dir.at)?;
    let again = again(&before[*copy], line.stage, ground)?;
    let (number, from) = (line.number(), before[*copy].number());
    let mut candidate = Candidate::new(
        RULE.id,
        format!("copy what line {from} copies again with its owner in place of line {number}"),
    );
    let only = chown.rewritten(&[], std::slice::from_ref(&dir.written));
    let text = format!("{again}\nRUN {only}");
    candidate
        .edits
        .push(TextEdit::replace(line.step.span, text));
    candidate.shifts_owner = true;
    candidate.lines = vec![before[*copy].step.lines, line.step.lines];
    candidate.rationale = format!(
        "Line {number} changes nothing but the owner of what line {from} has copied, file by file; copied once more, the files have it from the start, and the layer is no larger."
    );
    let shown = format!(
        "all of {} came by line {from}, and it is copied from where it came",
        dir.at
    );
    let mut doubts = vec![format!(
        "check that {} needs to own nothing else in {}",
        chown.owner, dir.at
    )];
    if !doubtful.is_empty() {
        doubts.push(format!(
            "check that what {} runs writes nothing there: it would be overwritten",
            named(&doubtful)
        ));
    }
    candidate.safety = Safety::of(vec![shown], doubts);
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// Whether a copy is known to write elsewhere.
fn is_beside(copy: &Line<'_>, dir: &str) -> bool {
    copy.to()
        .is_some_and(|to| !is_within(&to, dir) && !is_within(dir, &to))
}

/// The RUNs since the copy of which it is not known whether they touch the directory; `None` where one does.
fn touched_since(since: &[Line<'_>], dir: &str) -> Option<Vec<usize>> {
    let mut doubtful = Vec::new();
    for line in since.iter().filter(|l| l.touches(dir)) {
        let is_known = !matches!(line.effect.files, Files::Anything);
        if is_known || line.step.with_bodies().contains(dir) {
            return None;
        }
        doubtful.push(line.number());
    }
    Some(doubtful)
}

/// The COPY as it reads in stage `stage` with the owner that the RUN gives.
fn again(copy: &Line<'_>, stage: usize, ground: &Ground<'_>) -> Option<String> {
    let (step, chown) = (copy.step, ground.chown);
    let Kind::Copy(Transfer {
        sources,
        destination,
        json: false,
    }) = &step.kind
    else {
        return None;
    };
    let [Source::Path(source)] = sources.as_slice() else {
        return None;
    };
    let from = step.flag("from")?;
    let dockerfile = ground.view.dockerfile;
    let is_same = stage_named(dockerfile, copy.stage, from) == stage_named(dockerfile, stage, from);
    let is_plain = |w: &&str| !w.contains(['$', '*', '?', '[', '\\', '"', ' ', '\'']);
    let is_known = ["from", "chown", "chmod", "link"];
    let has_others = step
        .flags
        .iter()
        .any(|f| !is_known.contains(&f.name.as_str()));
    let is_whole = copy.to().as_deref() == chown.dirs.first().map(|d| d.at.as_str());
    // Files of another group keep it under `chown USER`.
    let group = step
        .flag("chown")
        .map_or(Some("root"), |o| Some(o.split_once(':')?.1));
    let owner = match chown.owner.contains(':') {
        true => chown.owner.clone(),
        false => format!("{}:{}", chown.owner, group?),
    };
    let words = [from, source, destination];
    let is_good = is_same && is_whole && !has_others && words.iter().all(is_plain);
    if !is_good || !destination.starts_with('/') || step.flag("chown") == Some(owner.as_str()) {
        return None;
    }
    let mode = step.flag("chmod").map(|m| format!(" --chmod={m}"));
    Some(format!(
        "COPY --from={from} --chown={owner}{} {source} {destination}",
        mode.unwrap_or_default()
    ))
}
