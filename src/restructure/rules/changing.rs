//! Which values differ from build to build, by how they are passed and what they are called.

use super::super::view::View;
use crate::dockerfile::ast::{ArgItem, Dockerfile, Instruction, Kind};
use std::collections::BTreeSet;

/// Words in names of values that differ at every build.
const CHANGING: &[&str] = &[
    "COMMIT",
    "SHA",
    "REVISION",
    "VCS_REF",
    "GIT_REF",
    "GIT_REV",
    "GIT_HASH",
    "BUILD_DATE",
    "BUILD_TIME",
    "BUILDTIME",
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_NUM",
    "TIMESTAMP",
    "CREATED",
    "GIT_BRANCH",
    "GIT_TAG",
];

/// Names that a project bumps with each release.
const RELEASED: &[&str] = &[
    "APP_VERSION",
    "VERSION",
    "RELEASE",
    "BUILD_VERSION",
    "PACKAGE_VERSION",
];

/// Whether `name` says that its value is there to run again what stands below it.
pub(in crate::restructure) fn is_cache_bust(name: &str) -> bool {
    const WAYS: [&str; 5] = [
        "BUSTCACHE",
        "CACHEBUST",
        "CACHEINVALID",
        "FORCEREBUILD",
        "INVALIDATECACHE",
    ];
    // `CACHE_DATE`
    const MARKS: [&str; 6] = ["BREAK", "BREAKER", "DATE", "EPOCH", "REFRESH", "TIMESTAMP"];
    let upper = name.to_ascii_uppercase();
    let has = |words: &[&str]| upper.split('_').any(|word| words.contains(&word));
    let plain = upper.replace('_', "");
    plain == "NOCACHE"
        || WAYS.iter().any(|way| plain.contains(way))
        || (has(&["CACHE"]) && has(&MARKS))
}

/// Whether the value of `name` differs from build to build: it is passed so, or is called so and has no fixed value.
pub(in crate::restructure) fn changes(view: &View<'_>, name: &str) -> bool {
    if is_cache_bust(name) {
        return false;
    }
    if let Some((_, varies)) = view.build_args.iter().find(|(n, _)| n == name) {
        return *varies;
    }
    is_called_changing(name)
}

/// Whether a name says that its value differs from build to build.
fn is_called_changing(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_word = |word: &str| {
        upper == word
            || upper.starts_with(&format!("{word}_"))
            || upper.ends_with(&format!("_{word}"))
            || upper.contains(&format!("_{word}_"))
    };
    CHANGING.iter().any(|w| is_word(w)) && !upper.contains("SHA256") && !upper.contains("SHA512")
        || RELEASED.contains(&upper.as_str())
}

/// Whether an argument's value differs from build to build: one with a literal default that is not passed does not.
pub(in crate::restructure) fn argument_changes(view: &View<'_>, item: &ArgItem) -> bool {
    if is_cache_bust(&item.name) {
        return false;
    }
    if is_passed(view, &item.name) {
        return changes(view, &item.name);
    }
    let global = view.dockerfile.globals.iter().find_map(|i| match &i.kind {
        Kind::Arg(items) => items
            .iter()
            .find(|g| g.name == item.name)?
            .default
            .as_deref(),
        _ => None,
    });
    match item.default.as_deref().or(global) {
        None => changes(view, &item.name),
        default => expects_values(&item.name, default),
    }
}

/// Whether an argument that nobody passed is there to be passed, with another value at each build: by its name, and
/// unless it has a value of its own.
fn expects_values(name: &str, default: Option<&str>) -> bool {
    match default {
        None => is_called_changing(name),
        Some(_) => {
            is_placeholder(default)
                && (is_called_changing(name) || name.to_ascii_uppercase().ends_with("_VERSION"))
        }
    }
}

/// The arguments of a Dockerfile that are likely to have another value at each build if they are passed: a commit, a date,
/// the image's own version, what is there to make steps run again. None that choose a base image.
pub fn new_at_each_build(dockerfile: &Dockerfile) -> BTreeSet<String> {
    let bases: Vec<&str> = dockerfile
        .stages
        .iter()
        .map(|s| s.from.original.as_str())
        .collect();
    let items = dockerfile.instructions().flat_map(Instruction::arguments);
    items
        .filter(|item| {
            expects_values(&item.name, item.default.as_deref()) || is_cache_bust(&item.name)
        })
        .map(|item| item.name.clone())
        .filter(|name| {
            let read = [format!("${name}"), format!("${{{name}")];
            !bases
                .iter()
                .any(|base| read.iter().any(|r| base.contains(r)))
        })
        .collect()
}

/// Whether the builder itself gives the argument its value.
pub(in crate::restructure) fn is_given_by_the_builder(name: &str) -> bool {
    [
        "TARGET",
        "BUILDPLATFORM",
        "BUILDOS",
        "BUILDARCH",
        "BUILDVARIANT",
        "BUILDKIT_",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

pub(super) fn is_passed(view: &View<'_>, name: &str) -> bool {
    view.build_args.iter().any(|(n, _)| n == name)
}

/// A default that says a real value is expected.
fn is_placeholder(default: Option<&str>) -> bool {
    let text = default
        .unwrap_or_default()
        .trim_matches(['"', '\''])
        .to_ascii_lowercase();
    matches!(
        text.as_str(),
        "" | "dev"
            | "unknown"
            | "none"
            | "development"
            | "local"
            | "latest"
            | "nightly"
            | "edge"
            | "canary"
            | "snapshot"
            | "head"
            | "main"
            | "master"
            | "unset"
            | "undefined"
            | "0"
            | "0.0.0"
            | "n/a"
            | "unspecified"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_there_to_be_passed() {
        let check = |text: &str, want: &[&str]| {
            let parsed = crate::dockerfile::parse(&format!("{text}\n")).unwrap();
            let found = new_at_each_build(&parsed.dockerfile);
            assert_eq!(
                found.iter().map(String::as_str).collect::<Vec<_>>(),
                want,
                "{text}"
            );
        };
        check(
            "FROM a\nARG GIT_COMMIT\nARG SERVER_VERSION=nightly",
            &["GIT_COMMIT", "SERVER_VERSION"],
        );
        check("FROM a\nARG NODE_VERSION=22\nARG PORT\nARG UID=1000", &[]);
        check("ARG VERSION\nFROM a:${VERSION:-1}\nARG VERSION", &[]);
        check("ARG VERSION\nFROM a\nARG VERSION", &["VERSION"]);
        check("FROM a\nARG CACHEBUST=1\nARG TARGETARCH", &["CACHEBUST"]);
    }
}
