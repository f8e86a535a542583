//! What an install reads bound for it in place of the whole source.
//!
//! Before:
//! ```dockerfile
//! RUN --mount=type=bind,target=. go mod download
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=bind,source=go.mod,target=go.mod --mount=type=bind,source=go.sum,target=go.sum go mod download
//! ```
//! What a COPY above has put there already needs no mount. Only of mounts that cannot be written to: what was left in the
//! others was left nowhere.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::installs::{Install, StageView};
use super::super::layout::{Place, absolute, expand, is_within, parent};
use super::super::lift::declare;
use super::bind_manifests::{MOST_BINDS, RULE, bind};
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Flag, Instruction, Kind};
use crate::dockerfile::mount::{Mount, MountKind};
use crate::tree::RepoPath;

/// The candidate for RUN `run` of `stages[stage]`.
pub(super) fn narrowed(stages: &[StageView<'_>], stage: usize, run: usize) -> Option<Candidate> {
    let of = &stages[stage];
    let instruction = &of.stage.instructions[run];
    let (flag, target) = whole_source(instruction, &of.places[run])?;
    let install = of.bound_install(run)?;
    let is_shown = !install.is_hidden && install.dirs.is_empty() && install.absent.is_empty();
    if !is_shown || hides_more(stages, stage, run, &target) {
        return None;
    }
    let binds = binds(of, &install, run, &target)?;
    let line = instruction.lines.first;
    let title = match binds.is_empty() {
        true => format!("take the mount of the whole source from line {line}"),
        false => format!("bind what line {line} reads in place of the whole source"),
    };
    let mut candidate = Candidate::new(RULE.id, title);
    candidate.edits = vec![in_place_of(of.view.text(), flag, &binds)];
    candidate.lines = vec![instruction.lines];
    candidate.rationale = format!(
        "Line {line} runs again with each change to the source, which is mounted whole, yet {} reads only {} of its files.",
        install.shown,
        install.reads.len()
    );
    candidate.safety = Safety::of(
        vec![
            "every file that the install reads stands where the mount had it".to_owned(),
            "the install could not write to the mount, so it leaves nothing there".to_owned(),
        ],
        install.doubts,
    );
    declare(&mut candidate, of.view)?;
    candidate.vouched = vec![instruction.original.clone()];
    Some(candidate)
}

/// The flag that mounts the whole context, to be read alone, and where; `None` where more is mounted than caches.
fn whole_source<'i>(instruction: &'i Instruction, place: &Place) -> Option<(&'i Flag, String)> {
    let expanded = |text: &str| Ok(expand(text, &place.variables).unwrap_or(text.to_owned()));
    let mut found = None;
    for flag in &instruction.flags {
        if flag.name != "mount" {
            return None;
        }
        let mount = Mount::parse(flag.value.as_deref()?, &expanded).ok()?;
        match mount.kind {
            MountKind::Cache | MountKind::Secret | MountKind::Ssh => {}
            MountKind::Bind if found.is_none() => {
                let is_whole = RepoPath::new(&mount.source).is_root();
                if !mount.from.is_empty() || !mount.read_only || !is_whole {
                    return None;
                }
                found = Some((flag, absolute(place.cwd.as_deref(), &mount.target)?));
            }
            _ => return None,
        }
    }
    found
}

/// Whether the mount lies over what an earlier RUN may have left there, which would come to light.
fn hides_more(stages: &[StageView<'_>], stage: usize, run: usize, target: &str) -> bool {
    let dockerfile = stages[stage].view.dockerfile;
    let chain = std::iter::successors(Some(stage), |s| parent(dockerfile, *s));
    chain.filter_map(|s| stages.get(s)).any(|of| {
        let end = if of.stage.index == stage {
            run
        } else {
            usize::MAX
        };
        let runs = of.stage.instructions.iter().enumerate().take(end);
        runs.into_iter().any(|(n, i)| {
            matches!(i.kind, Kind::Run(_))
                && (is_within(of.cwd(n), target) || i.original.contains(target))
        })
    })
}

/// The mounts for what the install reads and no COPY has put there; `None` where that cannot be said in few words.
fn binds(of: &StageView<'_>, install: &Install, run: usize, target: &str) -> Option<Vec<String>> {
    let image = of.image_at(run);
    let mut binds = Vec::new();
    for to in install.reads.iter().filter(|to| is_within(to, target)) {
        let rest = to.strip_prefix(target)?.trim_start_matches('/');
        let is_there = image.get(to).is_some_and(|b| b.from == RepoPath::new(rest));
        if !is_there {
            binds.push(bind(to, rest, of.cwd(run))?);
        }
    }
    (binds.len() <= MOST_BINDS).then_some(binds)
}

/// The edit that writes `binds` where `flag` stands, each set apart as it is from what follows.
fn in_place_of(text: &str, flag: &Flag, binds: &[String]) -> TextEdit {
    let after = text.get(flag.span.end..).unwrap_or_default();
    let n_blanks = after.len()
        - after
            .trim_start_matches([' ', '\t', '\r', '\n', '\\', '`'])
            .len();
    let apart = &after[..n_blanks];
    if binds.is_empty() {
        return TextEdit::delete(Span::new(flag.span.start, flag.span.end + n_blanks));
    }
    TextEdit::replace(flag.span, binds.join(apart))
}
