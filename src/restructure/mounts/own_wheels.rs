//! Wheels that pip builds itself, and keeps by the name of what they were built from.
//!
//! A wheel built from an archive is found again by the archive's place and name where that holds a version, also of one
//! that the build itself made; and what it was linked with counts for nothing. Source: pip, src/pip/_internal/cache.py and
//! wheel_builder.py (`_should_cache`).

use super::super::command;
use crate::dockerfile::ast::Instruction;
use crate::shell::Seen;

/// What is to be checked where pip keeps what the RUN has built.
pub(in crate::restructure) fn doubt(run: &Instruction) -> Option<String> {
    let commands = command::seen(run).unwrap_or_default();
    let mut words = commands
        .iter()
        .filter(|s| installs(s))
        .flat_map(|s| s.args());
    let mut found = words
        .by_ref()
        .filter(|w| is_archive(w) || w.starts_with("--no-binary"));
    let word = found.next()?;
    Some(if is_archive(word) {
        format!(
            "pip keeps the wheel that it builds of {word} by that name: check that its version changes with what is in it"
        )
    } else {
        "pip keeps the wheels that it builds itself (--no-binary): check that what they are linked with stays the same while their versions do".to_owned()
    })
}

/// The `id` that the mount needs where images of other distributions may have one at the same place, which is its name
/// where it has no other: a wheel built for musl is called `linux_x86_64` as one for glibc is.
pub(in crate::restructure) fn id(ecosystem: &str, image: &str) -> Option<String> {
    let keeps = matches!(ecosystem, "pip" | "pip-tools" | "pipenv" | "poetry" | "uv");
    (keeps && image.contains("alpine")).then(|| format!("{ecosystem}-musl"))
}

fn installs(seen: &Seen) -> bool {
    let is_pip = |w: &str| {
        w == "pip"
            || w.strip_prefix("pip")
                .is_some_and(|v| v.starts_with(['2', '3']))
    };
    let mut words = seen.words.iter().map(String::as_str);
    let has_pip = is_pip(seen.name()) || seen.name().starts_with("python") && words.any(is_pip);
    has_pip && seen.args().iter().any(|w| w == "install" || w == "wheel")
}

/// Whether a word is a source archive that lies in the image.
fn is_archive(word: &str) -> bool {
    let ends = [".tar.gz", ".tar.bz2", ".tgz", ".zip"];
    !word.contains("://") && ends.iter().any(|end| word.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile;

    #[test]
    fn wheels_for_musl_have_a_mount_of_their_own() {
        assert_eq!(id("pip", "python:3-alpine").as_deref(), Some("pip-musl"));
        assert_eq!(id("pip", "python:3-slim"), None);
        assert_eq!(id("npm", "node:22-alpine"), None);
    }

    #[test]
    fn what_is_built_of_something_that_may_differ_is_doubted() {
        let check = |run: &str, expected: bool| {
            let text = format!("FROM python:3\nRUN {run}\n");
            let parsed = dockerfile::parse(&text).unwrap().dockerfile;
            let step = &parsed.stages[0].instructions[0];
            assert_eq!(doubt(step).is_some(), expected, "{run}");
        };
        check("pip install dist/a-*.tar.gz", true);
        check("make sdist && pip3 install ./a-1.0.zip", true);
        check("python3 -m pip install --no-binary :all: pysam", true);
        check("pip wheel --no-binary=lxml -r requirements.txt", true);
        check("pip install https://a.example/a-1.0.tar.gz", false);
        check("pip install dist/a-1.0-py3-none-any.whl", false);
        check("pip install -r requirements.txt", false);
        check("tar xf a.tar.gz && pip install ./a", false);
    }
}
