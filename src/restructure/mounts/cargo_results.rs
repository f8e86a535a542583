//! What other stages take of what Cargo has compiled: files that it leaves by their names, each taken by a copy that can be
//! told another place.

use super::super::installs::StageView;
use super::super::layout::{
    At, Place, absolute, expand, is_within, last_name, mentioned, mount_field, overlap, places,
    stage_named, unquote,
};
use super::super::run_text::run_text;
use super::super::view::View;
use super::cargo_work::{Work, place_of};
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Source};
use std::collections::{BTreeMap, BTreeSet};

/// Where what is taken of it is put, which is in every image.
pub(super) const OUT: &str = "/usr/local/bin";

/// Directories among the results (doc.rust-lang.org/cargo/reference/build-cache.html).
const DIRECTORIES: [&str; 6] = ["build", "bundle", "deps", "doc", "examples", "incremental"];

/// A file that a copy takes from there: the copy, the source as written, the file's path.
pub(super) struct Taken {
    pub(super) by: At,
    pub(super) written: String,
    pub(super) path: String,
}

/// What other stages take of what `work` compiles, from its stage or those built on it (`heirs`); `None` where that is not
/// a file each, or may be more than is known.
pub(super) fn taken(
    of: &StageView<'_>,
    work: &Work,
    heirs: &BTreeSet<usize>,
) -> Option<Vec<Taken>> {
    let (view, at) = (of.view, work.at.as_str());
    let all = places(view.dockerfile);
    let mut found = Vec::new();
    for later in &view.dockerfile.stages {
        let is_it = |name: &str| {
            let stage = stage_named(view.dockerfile, later.index, name);
            stage.is_some_and(|stage| heirs.contains(&stage))
        };
        for (index, step) in later.instructions.iter().enumerate() {
            let by = At {
                stage: later.index,
                index,
            };
            let mounts_it = step.flag_values("mount").any(|mount| {
                let source = mount_field(mount, "source").or(mount_field(mount, "src"));
                let source = format!("/{}", source.unwrap_or_default().trim_matches('/'));
                mount_field(mount, "from").is_some_and(is_it)
                    && (overlap(&source, at) || overlap(&source, OUT) || source.contains('$'))
            });
            if mounts_it {
                return None;
            }
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &step.kind else {
                continue;
            };
            if !step.flag("from").is_some_and(is_it) {
                continue;
            }
            for source in &transfer.sources {
                let Source::Path(written) = source else {
                    continue;
                };
                let path = known(view, written, &all[by.stage][by.index])?;
                if overlap(&path, OUT) {
                    return None;
                }
                let written = written.clone();
                if is_within(&path, at) {
                    (is_result(&path, at) || is_put(of, work, &path)).then_some(())?;
                    found.push(Taken { by, written, path });
                } else if overlap(&path, at) || may_match(&path, at) {
                    return None;
                }
            }
        }
    }
    let named = found.iter().map(|t| (last_name(&t.path), &t.path));
    let mut by_name: BTreeMap<&str, &String> = BTreeMap::new();
    for (name, path) in named {
        if by_name
            .insert(name, path)
            .is_some_and(|other| other != path)
        {
            return None;
        }
    }
    Some(found)
}

/// Whether the RUNs put a file themselves right there, by its name: `mv target/release/app target/app`.
fn is_put(of: &StageView<'_>, work: &Work, path: &str) -> bool {
    let is_direct = path.rsplit_once('/').is_some_and(|(dir, _)| dir == work.at);
    is_direct
        && work.runs().any(|run| {
            let text = run_text(of.view, &of.stage.instructions[run]);
            let seen = text.map(|t| t.script.seen()).unwrap_or_default();
            seen.iter().any(|s| {
                let to = s.args().last().filter(|_| matches!(s.name(), "cp" | "mv"));
                to.and_then(|to| place_of(of, run, s, to)).as_deref() == Some(path)
            })
        })
}

/// A source of a copy, absolute, with the values of variables that are known and nobody passes.
fn known(view: &View<'_>, written: &str, place: &Place) -> Option<String> {
    let is_passed = |name: &String| view.build_args.iter().any(|(passed, _)| passed == name);
    if mentioned(written).iter().any(is_passed) {
        return None;
    }
    let path = expand(&unquote(written), &place.variables)?;
    absolute(Some("/"), &path)
}

/// Whether `path` names one file that Cargo puts beside its directories: `target/release/app`, `target/TRIPLE/release/app`.
fn is_result(path: &str, at: &str) -> bool {
    let rest = path.strip_prefix(at).unwrap_or_default();
    let parts: Vec<&str> = rest.trim_start_matches('/').split('/').collect();
    let is_plain = |part: &&str| !part.is_empty() && !part.contains(['*', '?', '[', ' ']);
    let name = match parts.as_slice() {
        [_, name] => name,
        [triple, _, name] if triple.contains('-') => name,
        _ => return false,
    };
    let is_profile = |part: &str| !part.contains('-');
    parts.iter().all(is_plain)
        && !DIRECTORIES.contains(name)
        && !name.starts_with('.')
        && is_profile(parts[parts.len() - 2])
}

/// Whether a pattern may stand for something at or above `at`.
fn may_match(path: &str, at: &str) -> bool {
    let Some(end) = path.find(['*', '?', '[']) else {
        return false;
    };
    let dir = path[..end].rsplit_once('/').map_or("", |(dir, _)| dir);
    at.starts_with(&path[..end]) || is_within(dir, at)
}

/// Where a source stands in the text of a copy.
pub(super) fn source_span(view: &View<'_>, copy: &Instruction, written: &str) -> Option<Span> {
    let from = copy.flags.last().map_or(copy.span.start, |f| f.span.end);
    let text = view.text().get(from..copy.span.end)?;
    let is_edge = |c: Option<char>| {
        c.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | ','))
    };
    let is_alone = |at: &usize| {
        let end = at + written.len();
        is_edge(text[..*at].chars().next_back()) && is_edge(text[end..].chars().next())
    };
    let at = text
        .match_indices(written)
        .map(|(at, _)| at)
        .find(is_alone)?;
    Some(Span::new(from + at, from + at + written.len()))
}

#[cfg(test)]
mod tests {
    use super::{is_result, may_match};

    #[test]
    fn only_a_file_that_cargo_leaves_by_its_name_is_taken() {
        let check =
            |path: &str, want: bool| assert_eq!(is_result(path, "/a/target"), want, "{path}");
        check("/a/target/release/app", true);
        check("/a/target/x86_64-unknown-linux-musl/release/app", true);
        check("/a/target/release/libapp.so", true);
        check("/a/target/release", false);
        check("/a/target/x86_64-unknown-linux-musl/release", false);
        check("/a/target/release/deps", false);
        check("/a/target/release/*", false);
        check("/a/target/release/build/x/out", false);
        check("/a/target", false);
    }

    #[test]
    fn a_pattern_may_stand_for_the_directory() {
        assert!(may_match("/a/t*", "/a/target"));
        assert!(may_match("/*/x", "/a/target"));
        assert!(!may_match("/a/s*", "/a/target"));
        assert!(!may_match("/b/*", "/a/target"));
    }
}
