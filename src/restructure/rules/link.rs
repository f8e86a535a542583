//! `COPY --link` for layers that do not depend on what is below them.
//!
//! Before:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y nginx
//! COPY --from=build /app/dist /srv/www/
//! ```
//! After:
//! ```dockerfile
//! RUN apt-get update && apt-get install -y nginx
//! COPY --link --from=build /app/dist /srv/www/
//! ```
//! A linked layer is kept when a step or the base below it changes. It cannot follow a symlink in the destination, look
//! up a user by name, or keep the mode of a directory that is there already; a destination where one of these may
//! matter is not linked, or is for review.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::effect::destination;
use super::super::layout::{places, reachable};
use super::super::view::{Feature, View};
use super::Rule;
use crate::dockerfile::ast::Kind;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "link",
    summary: "COPY --link for layers that do not depend on what is below",
    propose,
};

/// Symlinks, or directories with a mode of their own, in common base images.
const SPECIAL: &[&str] = &[
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/lib32",
    "/tmp",
    "/var/run",
    "/var/lock",
    "/var/tmp",
    "/run",
    "/root",
    "/home",
    "/etc/ssl/private",
];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    if !view.has(Feature::Link) {
        return Vec::new();
    }
    let all = places(view.dockerfile);
    let mut candidate = Candidate::new("link", String::new());
    let mut doubts = Vec::new();
    for index in reachable(view.dockerfile, view.target) {
        let stage = &view.dockerfile.stages[index];
        for (n, (instruction, place)) in stage.instructions.iter().zip(&all[index]).enumerate() {
            let Kind::Copy(transfer) = &instruction.kind else {
                continue;
            };
            let chown = instruction.flag("chown").unwrap_or_default();
            let by_name = chown.bytes().any(|b| !b.is_ascii_digit() && b != b':');
            // `--link --chmod` is a plain COPY (BuildKit: dockerfile2llb/convert_copy.go).
            if instruction.flag("link").is_some()
                || by_name
                || instruction.flag("chmod").is_some()
                || !transfer.destination.ends_with('/') && transfer.destination != "."
            {
                continue;
            }
            let Some(to) = destination(transfer, place) else {
                continue;
            };
            if to == "/"
                || SPECIAL
                    .iter()
                    .any(|s| super::super::layout::is_within(&to, s))
            {
                continue;
            }
            // A step of the same stage that runs in or after it gains nothing from the link, and may have made the
            // destination a symlink.
            let runs_after = stage.instructions[n + 1..]
                .iter()
                .any(|i| matches!(i.kind, Kind::Run(_)));
            let runs_before = stage.instructions[..n]
                .iter()
                .any(|i| matches!(i.kind, Kind::Run(_) | Kind::Copy(_) | Kind::Add(_)));
            if runs_after || !runs_before {
                continue;
            }
            let made_here = place.directories.contains(&to) && place.user.is_none();
            if !made_here {
                doubts.push(format!(
                    "check that {to} (line {}) is no symlink in the image and has mode 0755",
                    instruction.lines.first
                ));
            }
            candidate.edits.push(TextEdit::insert(
                instruction.span.start + "COPY".len(),
                " --link",
            ));
            candidate.lines.push(instruction.lines);
        }
    }
    if candidate.edits.is_empty() {
        return Vec::new();
    }
    let lines: Vec<String> = candidate
        .lines
        .iter()
        .map(|l| l.first.to_string())
        .collect();
    candidate.title = format!(
        "copy with --link in line{} {}",
        if lines.len() == 1 { "" } else { "s" },
        lines.join(", ")
    );
    doubts.truncate(2);
    candidate.safety = Safety::of(
        vec!["the destinations are made by WORKDIR, and no owner is looked up by name".to_owned()],
        doubts,
    );
    candidate.rationale = "These layers hold the same files whatever is below them; linked, they are kept when a step or the base below changes.".to_owned();
    vec![candidate]
}
