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
use super::edit::with_mounts;
use super::found::{Reading, Run, has_mount, read};
use super::proposal::{Family, Kept};
use crate::shell::Seen;

const PROGRAMS: [&str; 2] = ["dnf", "dnf5"];
const KEEP: &str = "--setopt=keepcache=1";
const REFRESH: &str = "--refresh";

/// dnf's mounts in `family`.
pub(super) fn kept<'a>(family: &Family<'_, 'a>) -> Option<Kept<'a>> {
    let view = family.view;
    let first = view.dockerfile.stages.get(*family.stages.first()?)?;
    let target = dnf_cache(&first.base().image)?;
    let mut kept = Kept {
        name: "dnf",
        targets: vec![target],
        lines: Vec::new(),
        edits: Vec::new(),
        taken_out: Vec::new(),
        reasons: vec![
            "dnf takes a package from its cache only under the checksum that the metadata gives"
                .to_owned(),
            "the metadata is brought up to date as before".to_owned(),
        ],
        doubts: Vec::new(),
        still: "Packages are still unpacked, and the metadata is still asked for.",
    };
    for &stage in &family.stages {
        let instructions = &view.dockerfile.stages[stage].instructions;
        for (index, instruction) in instructions.iter().enumerate() {
            if has_mount(instruction, &[target]) {
                return None;
            }
            let place = family.places.get(stage)?.get(index)?;
            let Reading::Plain(run) = read(view, instruction, place, &PROGRAMS) else {
                continue;
            };
            let own: Vec<&Seen> = run.of(&PROGRAMS).collect();
            if !own.iter().any(|s| installs(s)) || own.iter().any(|s| is_special(s)) {
                continue;
            }
            let Some(emptied) = run.emptied(view, "dnf", &kept.targets) else {
                continue;
            };
            let Some(told) = told(&run, &own) else {
                continue;
            };
            kept.edits
                .extend(with_mounts(view, &run, &kept.targets, &[])?);
            kept.edits.extend(told);
            kept.edits.extend(emptied.edits);
            kept.taken_out.extend(emptied.words);
            kept.doubts.extend(emptied.doubts);
            kept.doubts.extend(run.doubt_of_scripts(&kept.targets));
            kept.lines.push(run.instruction.lines);
        }
    }
    (!kept.lines.is_empty()).then_some(kept)
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
