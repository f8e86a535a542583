//! dnf: metadata and packages in `/var/cache/dnf`, from dnf 5 on in `/var/cache/libdnf5`.
//!
//! Before:
//! ```dockerfile
//! RUN dnf install -y git && dnf clean all
//! ```
//! After:
//! ```dockerfile
//! RUN --mount=type=cache,target=/var/cache/dnf,sharing=locked \
//!     dnf --refresh --setopt=keepcache=1 install -y git
//! ```
//! Packages go after each transaction unless `keepcache` is set (dnf.conf(5), dnf5-caching(7)). Metadata from the mount is
//! taken to be new for two days (`metadata_expire`); with `--refresh` (dnf(8)) it is looked after as where there is none.
//! Only images whose version of dnf their tag tells: yum, microdnf and tdnf keep theirs elsewhere or have no such option.

use super::super::base::dnf_cache;
use super::super::candidate::TextEdit;
use super::super::layout;
use super::super::mounts::kept::Emptied;
use super::super::view::View;
use super::edit::with_mounts;
use super::family::{Family, Kept};
use super::found::{Run, has_mount};
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;

const PROGRAMS: [&str; 2] = ["dnf", "dnf5"];
const KEEP: &str = "--setopt=keepcache=1";
const REFRESH: &str = "--refresh";

/// dnf's mounts in `family`.
pub(super) fn kept<'a>(family: &Family<'_, 'a>) -> Option<Kept<'a>> {
    let view = family.view;
    let target = dnf_cache(&layout::image(view.dockerfile, *family.stages.first()?))?;
    let still = "Packages are still unpacked, and the metadata is still asked for.";
    let mut kept = Kept::new("dnf", vec![target], still);
    kept.reasons = vec![
        "dnf takes a package from its cache only under the checksum that the metadata gives"
            .to_owned(),
        "the metadata is brought up to date as before".to_owned(),
    ];
    let has_mounts = |i: &Instruction| has_mount(i, &[target]);
    kept.with_each_run(family, &PROGRAMS, has_mounts, |run| {
        changed(view, run, target)
    })
}

/// What is done to one RUN; `None` where nothing is installed, or elsewhere.
fn changed(view: &View<'_>, run: &Run<'_>, target: &str) -> Option<Emptied> {
    let own: Vec<&Seen> = run.of(&PROGRAMS).collect();
    if !own.iter().any(|s| installs(s)) || own.iter().any(|s| is_special(s)) {
        return None;
    }
    let mut changed = run.emptied(view, "dnf", &[target])?;
    changed
        .edits
        .extend(with_mounts(view, run, &[target], &[])?);
    changed.edits.extend(told(run, &own)?);
    Some(changed)
}

/// The options that tell each command to keep packages, and the first to look for newer metadata.
fn told(run: &Run<'_>, own: &[&Seen]) -> Option<Vec<TextEdit>> {
    let mut edits = Vec::new();
    let mut is_first = true;
    for seen in own.iter().filter(|s| installs(s)) {
        let has = |option: &str| seen.args().iter().any(|w| w == option);
        let mut options = String::new();
        if is_first && !has(REFRESH) {
            options = format!("{options} {REFRESH}");
        }
        if !seen.args().iter().any(|w| w.contains("keepcache")) {
            options = format!("{options} {KEEP}");
        }
        is_first &= seen.conditional;
        let command = run.text.script.commands.get(seen.command)?;
        let program = command.words.iter().find(|w| w.text == seen.name())?;
        edits.push(TextEdit::insert(run.text.start + program.span.end, options));
    }
    Some(edits)
}

/// What a command is to do.
fn verb(seen: &Seen) -> &str {
    let mut words = seen.args().iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-c" | "-x" | "--enablerepo" | "--disablerepo" | "--repo" | "--repoid" | "--setopt"
            | "--releasever" | "--exclude" => {
                words.next();
            }
            word if word.starts_with('-') => {}
            word => return word,
        }
    }
    ""
}

fn installs(seen: &Seen) -> bool {
    matches!(
        verb(seen),
        "distro-sync" | "install" | "reinstall" | "update" | "upgrade"
    )
}

/// Whether a command asks the metadata for something else, works on another root, or looks for its cache elsewhere.
fn is_special(seen: &Seen) -> bool {
    let is_known = installs(seen)
        || matches!(
            verb(seen),
            "autoremove" | "clean" | "config-manager" | "remove" | ""
        );
    let options = [
        "-C",
        "-c",
        "--cacheonly",
        "--config",
        "--downloadonly",
        "--installroot",
    ];
    !is_known
        || seen.args().iter().any(|w| {
            options.contains(&w.split('=').next().unwrap_or_default()) || w.contains("cachedir")
        })
}
