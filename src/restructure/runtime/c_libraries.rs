//! C libraries that a compiled program loads when it starts, beside the C library itself.
//!
//! A program that was linked against one cannot start on a base without it. Known by what the stage installs to compile
//! against, and for Rust by the crates of Cargo.lock that bind such libraries.

use super::super::command::{Group, group_of, installs};
use super::single::Single;
use std::collections::BTreeSet;

/// Development packages that nothing is linked against at run time, or the C library's own.
const HARMLESS: &[&str] = &[
    "libc-dev",
    "libc6-dev",
    "libclang-dev",
    "libprotobuf-dev",
    "libstdc++-dev",
    "linux-libc-dev",
    "llvm-dev",
    "musl-dev",
    "protobuf-dev",
    "python-dev",
    "python3-dev",
];

/// The first package with the headers of a C library that the stage installs, unless what is linked statically comes
/// along.
pub(super) fn headers(single: &Single<'_>) -> Option<String> {
    let named: Vec<&str> = single
        .commands()
        .filter(|(_, s)| group_of(s.name()) == Some(Group::System) && installs(s))
        .flat_map(|(_, s)| s.args())
        .map(|word| word.split(['=', '~', '<', '>']).next().unwrap_or(word))
        .collect();
    let is_static = named.iter().any(|n| n.ends_with("-static"));
    let of_library =
        |n: &&&str| (n.ends_with("-dev") || n.ends_with("-devel")) && !HARMLESS.contains(*n);
    let found = named.iter().find(of_library).filter(|_| !is_static);
    found.map(|n| (*n).to_owned())
}

/// Whether the stage installs a C compiler.
pub(super) fn has_compiler(single: &Single<'_>) -> bool {
    let mut all = single
        .commands()
        .filter(|(_, s)| group_of(s.name()) == Some(Group::System) && installs(s))
        .flat_map(|(_, s)| s.args());
    all.any(|n| {
        matches!(
            n.as_str(),
            "build-base" | "build-essential" | "clang" | "gcc"
        )
    })
}

/// Whether a crate that the program's Cargo.lock names loads a C library which it does not bring.
pub(super) fn is_bound_by_crates(single: &Single<'_>) -> bool {
    let image = single.of.image_at(single.stage.instructions.len());
    let is_lock = |to: &&String| to.ends_with("/Cargo.lock");
    let mut locks = image.keys().filter(is_lock);
    // A slim image has no libraries that a crate would rather take than build its own.
    let is_slim = single.image.contains("slim") || single.image.contains("alpine");
    locks.any(|to| {
        let text = image.get(to).and_then(|b| single.view.read_text(&b.from));
        text.is_some_and(|lock| binds(&lock, is_slim))
    })
}

/// Whether a lockfile names such a crate. What builds a library itself says so by what it depends on: a crate with the
/// library's source, or a C compiler.
fn binds(lock: &str, is_slim: bool) -> bool {
    lock.split("[[package]]").skip(1).any(|package| {
        let value = |line: &str| line.trim().trim_matches([',', '"', ' ']).to_owned();
        let name = package.lines().find_map(|l| l.strip_prefix("name = "));
        let name = name.map(value).unwrap_or_default();
        let (_, listed) = package.split_once("dependencies = [").unwrap_or_default();
        let listed = listed.split(']').next().unwrap_or_default();
        let listed: BTreeSet<String> = listed
            .lines()
            .map(value)
            .map(|d| d.split(' ').next().unwrap_or_default().to_owned())
            .collect();
        let has = |names: &[&str]| names.iter().any(|n| listed.contains(*n));
        let has_source = listed.iter().any(|d| d.ends_with("-src"));
        let looks = has(&["pkg-config", "system-deps", "vcpkg"]);
        let builds = has(&["cc", "cmake"]);
        match name.as_str() {
            "openssl-sys" => !has_source,
            // They take what the image has, and build their own where it has none.
            "bzip2-sys" | "curl-sys" | "libz-sys" | "lzma-sys" => !is_slim,
            _ => name.ends_with("-sys") && looks && !builds && !has_source,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_load_a_library_are_known() {
        let check = |name: &str, dependencies: &[&str], is_slim: bool, expected: bool| {
            let listed: Vec<String> = dependencies
                .iter()
                .map(|d| format!(" \"{d}\",\n"))
                .collect();
            let lock = format!(
                "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"{name}\"\nversion = \"0.9.1\"\ndependencies = [\n{}]\n",
                listed.concat()
            );
            assert_eq!(binds(&lock, is_slim), expected, "{lock}");
        };
        check("openssl-sys", &["cc", "libc", "pkg-config"], true, true);
        check(
            "openssl-sys",
            &["cc", "openssl-src", "pkg-config"],
            true,
            false,
        );
        check("pq-sys", &["libc", "pkg-config", "vcpkg"], true, true);
        check("pq-sys", &["libc", "pkg-config", "pq-src"], true, false);
        check("libsqlite3-sys", &["pkg-config", "vcpkg"], true, true);
        check(
            "libsqlite3-sys",
            &["cc", "pkg-config", "vcpkg"],
            true,
            false,
        );
        check(
            "mysqlclient-sys",
            &["pkg-config 0.3.30", "vcpkg"],
            true,
            true,
        );
        check("libz-sys", &["cc", "pkg-config"], true, false);
        check("libz-sys", &["cc", "pkg-config"], false, true);
        check("zstd-sys", &["cc", "pkg-config"], false, false);
        check("windows-sys", &["windows-targets"], false, false);
        check("serde", &[], false, false);
    }
}
