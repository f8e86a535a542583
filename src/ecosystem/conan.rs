//! Conan: `conan install` reads conanfile.txt or conanfile.py, the lock and profiles named.

use super::needs::Needs;
use super::{CacheDir, Call, Ecosystem, Role, Verdict};

pub(super) const ECOSYSTEM: Ecosystem = Ecosystem {
    name: "conan",
    plan,
    cache,
};

fn plan(call: &Call<'_>) -> Verdict {
    if call.program() != "conan" || call.verb() != Some("install") {
        return None;
    }
    let named = recipe(call).unwrap_or(".");
    let Some(path) = call.path(named) else {
        return Some(Err(format!("where {named} lies is not known")));
    };
    let mut needs = Needs::default();
    let is_file = needs.file(&call.files, &path);
    let dir = if is_file {
        path.parent().unwrap_or_else(crate::tree::RepoPath::root)
    } else {
        path
    };
    if !is_file {
        needs.names(&call.files, &dir, &["conanfile.txt", "conanfile.py"]);
    }
    if needs.files.is_empty() {
        return Some(Err("there is no conanfile where it runs".to_owned()));
    }
    needs.names(&call.files, &dir, &["conan.lock"]);
    for profile in call.options(&[
        "-pr",
        "--profile",
        "-pr:b",
        "-pr:h",
        "--profile:build",
        "--profile:host",
        "--lockfile",
        "-l",
    ]) {
        if let Some(path) = call.path(profile) {
            needs.file(&call.files, &path);
        }
    }
    let python = call
        .files
        .text(&dir.join(b"conanfile.py"))
        .unwrap_or_default();
    if python.contains("load(") || python.contains("open(") || python.contains("Git(") {
        needs.doubt("conanfile.py reads another file or git".to_owned());
    }
    if needs.doubts.is_empty() {
        needs.shown("conan install reads the conanfile and no source".to_owned());
    }
    Some(Ok((Role::Install, needs)))
}

/// The first word after `install` that is neither an option nor an option's value.
fn recipe<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let words = call.args().iter().map(String::as_str);
    let mut words = words.skip_while(|w| *w != "install").skip(1);
    while let Some(word) = words.next() {
        if VALUED.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some(word);
        }
    }
    None
}

/// Options that take the next word as their value (`--build=missing` alone takes its own).
const VALUED: &[&str] = &[
    "-pr",
    "-pr:b",
    "-pr:h",
    "-pr:a",
    "--profile",
    "--profile:build",
    "--profile:host",
    "--profile:all",
    "-s",
    "-s:b",
    "-s:h",
    "--settings",
    "-o",
    "-o:h",
    "--options",
    "-c",
    "--conf",
    "-of",
    "-if",
    "--output-folder",
    "--install-folder",
    "-l",
    "--lockfile",
    "-g",
    "--generator",
    "-r",
    "--remote",
    "-b",
    "--build",
    "--name",
    "--version",
    "--user",
    "--channel",
];

fn cache(call: &Call<'_>) -> Option<CacheDir> {
    (call.program() == "conan").then_some(())?;
    CacheDir::store("~/.conan2")
}
