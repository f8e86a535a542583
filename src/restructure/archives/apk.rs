//! apk: index and packages in `/etc/apk/cache`.
//!
//! Before:
//! ```dockerfile
//! RUN apk add --no-cache git
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,target=/etc/apk/cache,sharing=locked \
//!     apk add --update-cache git
//! ```
//! apk keeps packages exactly where `/etc/apk/cache` is a directory, and never in `/var/cache/apk`, which holds the index
//! alone (apk-cache(5); apk-tools src/database.c, `apk_db_cache_active`, `setup_cache`). `--no-cache` fetches the index
//! each time and, from apk 3 on, keeps no package; without it an index of the last four hours is taken as it is,
//! with `--update-cache` one of the last minute.
//!
//! The builder takes the mount's empty directory out of the layer again (BuildKit executor/stubs.go), and no other RUN
//! finds a cache: each stands for itself.

use super::super::candidate::TextEdit;
use super::super::mounts::kept::Emptied;
use super::super::view::View;
use super::edit::with_mounts;
use super::family::{Family, Kept};
use super::found::{Run, has_mount};
use crate::dockerfile::Span;
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;

const PROGRAMS: [&str; 1] = ["apk"];
const CACHE: &str = "/etc/apk/cache";
/// Where a mount is of use only with a link to it.
const STATIC: &str = "/var/cache/apk";
const NO_CACHE: &str = "--no-cache";
/// Options that bring the index up to date.
const UPDATES: [&str; 3] = ["-U", "--update", "--update-cache"];

/// apk's mounts in `family`.
pub(super) fn kept<'a>(family: &Family<'_, 'a>) -> Option<Kept<'a>> {
    let still = "Packages are still unpacked, and the index is still asked for.";
    let mut kept = Kept::new("apk", vec![CACHE], still);
    kept.reasons = vec![
        "apk takes a package from its cache only under the checksum that the index gives"
            .to_owned(),
        "the index is brought up to date as before".to_owned(),
    ];
    let has_mounts = |i: &Instruction| has_mount(i, &[CACHE, STATIC]) || i.original.contains(CACHE);
    kept.with_each_run(family, &PROGRAMS, has_mounts, |run| {
        changed(family.view, run)
    })
}

/// What is done to one RUN; `None` where nothing is installed, or elsewhere.
fn changed(view: &View<'_>, run: &Run<'_>) -> Option<Emptied> {
    let own: Vec<&Seen> = run.of(&PROGRAMS).collect();
    if !own.iter().any(|s| installs(s)) || own.iter().any(|s| is_special(s)) {
        return None;
    }
    let mut changed = run.emptied(view, "apk", &[CACHE])?;
    changed.edits.extend(with_mounts(view, run, &[CACHE], &[])?);
    let mut is_updated = false;
    for seen in own {
        if seen.subcommand() == "update" && !seen.conditional {
            is_updated = true;
        }
        if installs(seen) || seen.subcommand() == "update" {
            let updates = is_updated
                || seen.subcommand() == "update"
                || seen.args().iter().any(|w| UPDATES.contains(&w.as_str()));
            changed.edits.extend(updated(run, seen, updates)?);
            if seen.args().iter().any(|w| w == NO_CACHE) {
                changed.words.push(NO_CACHE.to_owned());
            }
        }
    }
    Some(changed)
}

/// `--no-cache` out of a command, and `--update-cache` in, unless it `updates` by itself. `None` where its words are not
/// those of the text.
fn updated(run: &Run<'_>, seen: &Seen, updates: bool) -> Option<Vec<TextEdit>> {
    let command = run.text.script.commands.get(seen.command)?;
    let at = |span: Span| Span::new(run.text.start + span.start, run.text.start + span.end);
    let mut edits = Vec::new();
    let mut is_in = updates;
    for (n, word) in command.words.iter().enumerate().skip(1) {
        if word.text != NO_CACHE {
            continue;
        }
        if is_in {
            let before = command.words.get(n - 1)?.span.end;
            edits.push(TextEdit::delete(at(Span::new(before, word.span.end))));
        } else {
            edits.push(TextEdit::replace(at(word.span), "--update-cache"));
            is_in = true;
        }
    }
    if !is_in {
        let verb = command.words.iter().find(|w| w.text == seen.subcommand())?;
        edits.push(TextEdit::insert(at(verb.span).end, " --update-cache"));
    }
    Some(edits)
}

fn installs(seen: &Seen) -> bool {
    matches!(seen.subcommand(), "add" | "upgrade" | "fix")
}

/// Whether a command works on another root, another cache, or without a network.
fn is_special(seen: &Seen) -> bool {
    let options = [
        "-p",
        "--root",
        "--cache-dir",
        "--cache-max-age",
        "--no-network",
        "--initdb",
    ];
    let is_known = matches!(
        seen.subcommand(),
        "add" | "upgrade" | "fix" | "update" | "del" | "info" | ""
    );
    let mut args = seen.args().iter();
    !is_known || args.any(|w| options.contains(&w.split('=').next().unwrap_or_default()))
}
