//! What is there to be fetched anew, and what stays as it is.

use super::super::super::candidate::{Candidate, Safety};
use super::super::super::command::seen;
use super::super::super::layout::{Place, expand, unquote};
use super::super::super::tools::{clones, is_pinned_clone};
use super::super::super::view::View;
use super::super::changing::is_cache_bust;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::shell;
use crate::shell::Seen;

/// Whether an ADD brings one release of something from elsewhere: its address names a version, or its content is pinned.
pub(super) fn is_release(instruction: &Instruction, place: &Place) -> bool {
    let Kind::Add(transfer) = &instruction.kind else {
        return false;
    };
    let names_version = |text: &str| {
        let bytes = text.as_bytes();
        let is_number =
            |w: &[u8]| matches!(w, [a, b'.', b] if a.is_ascii_digit() && b.is_ascii_digit());
        bytes.windows(3).any(is_number) || text.to_ascii_uppercase().contains("VERSION")
    };
    transfer.sources.iter().all(|source| match source {
        Source::Path(path) => {
            let address = expand(&unquote(path), &place.variables).unwrap_or_else(|| path.clone());
            let path = address
                .split_once("://")
                .and_then(|(_, rest)| rest.split_once('/'));
            path.is_some_and(|(_, path)| {
                !path.contains('?')
                    && (names_version(path) || instruction.flag("checksum").is_some())
            })
        }
        Source::Heredoc(_) => false,
    })
}

/// Whether an instruction is there, or may be, to make what is fetched below it fresh: a file that is not from the
/// context (`ADD https://api.example.com/version.json`) or an argument of that name. What fetches stays below it.
pub(super) fn renews(instruction: &Instruction, place: &Place) -> bool {
    match &instruction.kind {
        Kind::Add(_) if is_release(instruction, place) => false,
        Kind::Add(transfer) => transfer.sources.iter().any(|source| match source {
            Source::Path(path) => expand(&unquote(path), &place.variables)
                .is_none_or(|p| p.contains("://") || p.starts_with("git@")),
            Source::Heredoc(_) => false,
        }),
        Kind::Arg(items) => items.iter().any(|item| is_cache_bust(&item.name)),
        Kind::Env(pairs) => pairs.iter().any(|pair| is_cache_bust(&pair.name)),
        _ => false,
    }
}

/// Whether a RUN copies a repository as it is now: what it finds is another each time.
pub(super) fn clones_newest(instruction: &Instruction) -> bool {
    let seen = seen(instruction).unwrap_or_default();
    let chooses = |s: &Seen| {
        s.name() == "git"
            && matches!(
                s.subcommand(),
                "checkout" | "reset" | "switch" | "submodule"
            )
    };
    seen.iter().any(|s| clones(s) && !is_pinned_clone(s)) && !seen.iter().any(chooses)
}

/// Whether a RUN fetches what is newest then: a repository as it is now, or what another fetch names.
pub(super) fn fetches_newest(run: &Instruction) -> bool {
    let Some(text) = run.shell_text() else {
        return false;
    };
    let asks = |c: &shell::Command| {
        c.substitutions
            .iter()
            .any(|s| matches!(s.name(), "curl" | "wget"))
    };
    clones_newest(run) || shell::parse(text).commands.iter().any(asks)
}

/// Has it checked whether a RUN that brings the packages of the image up to date may stand where it is run less often.
pub(super) fn doubt_upgrades(view: &View<'_>, candidate: &mut Candidate) {
    let is_moved = |i: &&Instruction| {
        let mut edits = candidate.edits.iter();
        edits.any(|e| e.span.start < i.span.end && i.span.start < e.span.end)
    };
    let mut moved = view.dockerfile.instructions().filter(is_moved);
    let upgrading = moved.find(|i| upgrades(i));
    let Some(line) = upgrading.map(|i| i.lines.first) else {
        return;
    };
    let doubt = format!(
        "line {line} brings the packages of the image up to date: check that this need not be done with each change of the source"
    );
    let before = candidate.safety.doubt().map(str::to_owned);
    candidate.safety = Safety::of(
        candidate.safety.reasons().to_vec(),
        before.into_iter().chain([doubt]).collect(),
    );
}

/// Whether a RUN brings the packages of the image up to date.
pub(in super::super) fn upgrades(run: &Instruction) -> bool {
    let upgrades = |s: &Seen| match s.name() {
        "apk" | "apt" | "apt-get" => {
            matches!(s.subcommand(), "dist-upgrade" | "full-upgrade" | "upgrade")
        }
        "dnf" | "microdnf" | "yum" => {
            let words = s.args().iter().filter(|a| !a.starts_with('-'));
            matches!(s.subcommand(), "update" | "upgrade") && words.count() == 1
        }
        _ => false,
    };
    seen(run).is_some_and(|all| all.iter().any(upgrades))
}
