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
//! up a user by name, or keep the owner and mode of a directory that is there already (moby/buildkit issue 4964); a
//! destination where one of these may matter is not linked, or is for review.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command;
use super::super::effect::destination;
use super::super::layout::{
    Place, absolute, built_on, delivered, expand, is_within, names_root, places, reachable, unquote,
};
use super::super::view::{Feature, View};
use super::Rule;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::shell::Seen;
use crate::tree::{FileKind, RepoPath};

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
            if is_given_away(view, &all, (index, n), &to, chown) {
                continue;
            }
            let made_here = place.directories.contains(&to) && place.user.is_none();
            if !made_here && !is_all_copied(view, (index, n), &all[index], &to) {
                doubts.push(format!(
                    "check that {to} (line {}) is no symlink in the image and, as all above it, is root's with mode 0755",
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
        vec!["the destinations are made by WORKDIR and by COPY alone, and no owner is looked up by name".to_owned()],
        doubts,
    );
    candidate.rationale = "These layers hold the same files whatever is below them; linked, they are kept when a step or the base below changes.".to_owned();
    vec![candidate]
}

/// Whether a stage starts from nothing, and above instruction `at` (stage and position) are only COPYs of known files of
/// the context, none of them a symlink or in `to`: then the builder itself makes `to` and all above it.
fn is_all_copied(view: &View<'_>, at: (usize, usize), places: &[Place], to: &str) -> bool {
    let (stage, n) = at;
    let stage = &view.dockerfile.stages[stage];
    let is_link = |from: &RepoPath| {
        let found = view.files.binary_search_by(|(p, _)| p.cmp(from));
        found.is_ok_and(|at| view.files[at].1.kind == FileKind::Symlink)
    };
    let mut above = stage.instructions.iter().zip(places).take(n);
    stage.base().image == "scratch"
        && above.all(|(step, place)| match &step.kind {
            Kind::Copy(transfer) => delivered(view, step, transfer, place).is_some_and(|files| {
                let mut files = files.iter();
                files.all(|(path, from)| !is_within(path, to) && !is_link(from))
            }),
            Kind::Add(_) | Kind::Run(_) | Kind::User(_) => false,
            _ => true,
        })
}

/// Whether a step above instruction `at` (stage and position), in its stage or those it is built on, gives `to` or a
/// directory above it an owner or a mode: a linked layer brings these directories as root's with mode 0755.
fn is_given_away(
    view: &View<'_>,
    all: &[Vec<Place>],
    at: (usize, usize),
    to: &str,
    chown: &str,
) -> bool {
    let (own, n) = at;
    built_on(view.dockerfile, own).any(|stage| {
        let steps = view.dockerfile.stages[stage].instructions.iter();
        let above = if stage == own { n } else { usize::MAX };
        let mut above = steps.zip(&all[stage]).take(above);
        above.any(|(instruction, place)| gives(instruction, place, to, chown))
    })
}

/// Whether one instruction may give `to` or a directory above it an owner or a mode; not where a copy does what one with
/// `--chown` of `chown` does again.
fn gives(instruction: &Instruction, place: &Place, to: &str, chown: &str) -> bool {
    let covers = |dir: Option<String>| dir.is_none_or(|d| d != "/" && is_within(to, &d));
    let is_others = || !place.user.as_deref().is_none_or(names_root);
    match &instruction.kind {
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            let flags = ["chown", "chmod"];
            let there = destination(transfer, place);
            let is_same = there.as_deref() == Some(to)
                && instruction.flag("chown").unwrap_or_default() == chown
                && instruction.flag("chmod").is_none();
            !is_same && flags.iter().any(|f| instruction.flag(f).is_some()) && covers(there)
        }
        // It makes the directory as the user's.
        Kind::Workdir(path) if is_others() => {
            let path = expand(&unquote(path), &place.variables);
            let path = path.and_then(|p| absolute(place.cwd.as_deref(), &p));
            path.is_none_or(|p| is_within(to, &p) || is_within(&p, to))
        }
        Kind::Run(_) => match command::seen(instruction) {
            Some(seen) => seen.iter().any(|s| may_give(s, place, to)),
            None => CHANGERS
                .iter()
                .any(|c| instruction.with_bodies().contains(c)),
        },
        _ => false,
    }
}

/// Commands that change owners or modes, or make a directory with one of its own.
const CHANGERS: [&str; 10] = [
    "chown",
    "chmod",
    "chgrp",
    "setfacl",
    "useradd",
    "adduser",
    "usermod",
    "install",
    "mkhomedir",
    "mkdir",
];

/// Whether a command may give `to` or a directory above it an owner or a mode.
fn may_give(seen: &Seen, place: &Place, to: &str) -> bool {
    let is_changer = |w: &String| {
        let name = w.rsplit('/').next().unwrap_or_default();
        CHANGERS[..4].contains(&name)
    };
    let has_mode = |short: &str, long: &str| {
        let is_it =
            |a: &String| a.starts_with(short) && !a.starts_with("--") || a.starts_with(long);
        seen.args().iter().any(is_it)
    };
    let is_one = match seen.name() {
        "mkdir" => has_mode("-m", "--mode"),
        "install" => {
            has_mode("-d", "--directory") || has_mode("-o", "--owner") || has_mode("-m", "--mode")
        }
        "useradd" | "adduser" | "usermod" => true,
        // `find … -exec chown`, `xargs chmod`.
        _ => seen.words.iter().any(is_changer),
    };
    if !is_one {
        return false;
    }
    if seen.name() == "xargs" {
        return true;
    }
    let cwd = seen.directory.as_deref().and_then(|d| match d {
        "" => place.cwd.clone(),
        d => absolute(place.cwd.as_deref(), d),
    });
    let named = seen.args().iter().filter(|w| !w.starts_with('-'));
    named.into_iter().any(|word| {
        let Some(word) = expand(word, &place.variables) else {
            return true;
        };
        // Of a pattern, what stands before it.
        let is_pattern = |c: char| matches!(c, '*' | '?' | '[' | '{' | '`');
        let Some(end) = word.find(is_pattern) else {
            let path = absolute(cwd.as_deref(), &word);
            return path.is_none_or(|p| p != "/" && is_within(to, &p));
        };
        let start = absolute(cwd.as_deref(), &word[..end]);
        start.is_none_or(|s| to.starts_with(&s))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;

    #[test]
    fn an_owner_given_above_is_seen() {
        let check = |step: &str, expected: bool| {
            let text = format!("FROM debian:12\nWORKDIR /opt/app\n{step}\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let place = &places(&parsed)[0][1];
            let step = &parsed.stages[0].instructions[1];
            let given = gives(step, place, "/opt/app/static", "1000");
            assert_eq!(given, expected, "{text}");
        };
        check("RUN chown off:off -R /opt/app", true);
        check("RUN chown -R app .", true);
        check("RUN cd / && chown -R app opt", true);
        check("RUN chmod 0700 /opt/app/static", true);
        check("RUN chmod -R g+w /opt/*", true);
        check("RUN chown -R app \"$DIR\"", true);
        check("RUN find /opt -type d -exec chmod 755 {} +", true);
        check("RUN mkdir -m 0700 -p /opt/app/static", true);
        check("RUN useradd -m -d /opt/app app", true);
        check("COPY --chown=1000 a /opt/app/", true);
        check("RUN chown -R app /opt/app/media", false);
        check("RUN chown -R app /srv", false);
        check("RUN chmod +x /opt/app/run.sh", false);
        check("RUN mkdir -p /opt/app/static", false);
        check("RUN useradd -m app", false);
        check("RUN chown root /", false);
        check("COPY --chown=1000 a /opt/app/media/", false);
        check("COPY --chown=1000 a /opt/app/static/", false);
        check("COPY --chown=1001 a /opt/app/static/", true);
        check("COPY a /opt/app/", false);
    }
}
