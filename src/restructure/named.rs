//! Which files a RUN names, where it is not known what it reads.

use super::command::seen;
use super::layout::{BASE, Place, absolute, is_within, last_name};
use super::manifests::is_dependency_file;
use super::mentions::{holds, mentions};
use super::present::present;
use super::view::View;
use crate::dockerfile::ast::Instruction;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Where more names than these are found in files, it is not asked which others are.
const MOST_NAMED: usize = 8;

/// Those of `paths`, absolute in the image, that RUN `at` (stage, index) names, or a file of the context, other than
/// `own`, that it can come upon. `None` where it may read them unnamed: it works where they are, or names a directory that
/// they are in. `places` are those of all stages.
pub(super) fn named(
    view: &View<'_>,
    places: &[Vec<Place>],
    at: (usize, usize),
    paths: &BTreeSet<&str>,
    own: &BTreeSet<&RepoPath>,
) -> Option<BTreeSet<String>> {
    let (stage, index) = at;
    let instruction = view.dockerfile.stages.get(stage)?.instructions.get(index)?;
    let here = places
        .get(stage)?
        .get(index)?
        .cwd
        .as_deref()
        .unwrap_or(BASE);
    if here != "/" && paths.iter().any(|p| is_within(p, here)) {
        return None;
    }
    let text = instruction.with_bodies();
    if paths.iter().any(|p| names_a_directory_of(&text, p)) {
        return None;
    }
    if works_among(instruction, here, paths) || builds_among(instruction, here, paths) {
        return None;
    }
    let there = present(view, places, stage, index)?;
    let mut words: BTreeSet<&str> = paths.iter().map(|p| last_name(p)).collect();
    let mut by_files: BTreeSet<String> = BTreeSet::new();
    while !words.is_empty() {
        let open: Vec<&str> = words.iter().copied().collect();
        let found = mentions(view, &open, |p| there.contains(p) && !own.contains(p));
        if !found.is_complete || by_files.len() > MOST_NAMED {
            return None;
        }
        if found.found.is_empty() {
            break;
        }
        for (_, word) in found.found {
            words.remove(word.as_str());
            by_files.insert(word);
        }
    }
    let is_named = |p: &&&str| {
        holds(text.as_bytes(), last_name(p).as_bytes()) || by_files.contains(last_name(p))
    };
    Some(
        paths
            .iter()
            .filter(is_named)
            .map(|p| (*p).to_owned())
            .collect(),
    )
}

/// Whether RUN `at`, or a file that it can come upon, names one of `paths`, whatever directories it works in; also where that
/// is not known. `places` are those of all stages.
pub(super) fn says_one(
    view: &View<'_>,
    places: &[Vec<Place>],
    at: (usize, usize),
    paths: &BTreeSet<&str>,
) -> bool {
    let (stage, index) = at;
    let text = view.dockerfile.stages[stage].instructions[index].with_bodies();
    let words: Vec<&str> = paths.iter().map(|p| last_name(p)).collect();
    if words.iter().any(|w| holds(text.as_bytes(), w.as_bytes())) {
        return true;
    }
    let Some(there) = present(view, places, stage, index) else {
        return true;
    };
    let found = mentions(view, &words, |p| there.contains(p));
    !found.is_complete || !found.found.is_empty()
}

/// So many files that a RUN calls are looked into, and none that is longer (bytes).
const MOST_CALLED: usize = 40;
const MOST_READ: usize = 1 << 18;

/// The first file among `there` that holds one of `words` and that `text` names by its name, or a file that it names does.
pub(super) fn called_with(
    view: &View<'_>,
    there: &BTreeSet<RepoPath>,
    text: &str,
    words: &[&str],
) -> Option<RepoPath> {
    let mut closed: BTreeSet<&RepoPath> = BTreeSet::new();
    let mut texts = vec![text.as_bytes().to_vec()];
    while let Some(text) = texts.pop() {
        let named: BTreeSet<&[u8]> = text.split(|b| !is_of_name(*b)).collect();
        for path in there {
            let is_named = path.file_name().is_some_and(|name| named.contains(name));
            if !is_named || closed.len() >= MOST_CALLED || !closed.insert(path) {
                continue;
            }
            let Some(inner) = (view.read)(path).filter(|i| i.len() <= MOST_READ) else {
                continue;
            };
            if words.iter().any(|word| holds(&inner, word.as_bytes())) {
                return Some(path.clone());
            }
            texts.push(inner);
        }
    }
    None
}

/// The texts, without comments, of the scripts of the tree that `texts` name, or scripts that they name do: what they work
/// on is read where they are run.
pub(super) fn scripts_run(view: &View<'_>, texts: &[String]) -> Vec<Vec<u8>> {
    let is_plain = |p: &&RepoPath| {
        let name = p.file_name().unwrap_or_default();
        !name.contains(&b'.') || name.ends_with(b".sh") || name.ends_with(b".bash")
    };
    let all: Vec<&RepoPath> = view.files.iter().map(|(p, _)| p).filter(is_plain).collect();
    let mut closed: BTreeSet<&RepoPath> = BTreeSet::new();
    let mut open: Vec<Vec<u8>> = texts.iter().map(|t| t.clone().into_bytes()).collect();
    let mut scripts = Vec::new();
    while let Some(text) = open.pop() {
        let named: BTreeSet<&[u8]> = text.split(|b| !is_of_name(*b)).collect();
        for path in &all {
            let is_named = path.file_name().is_some_and(|name| named.contains(name));
            if !is_named || closed.len() >= MOST_CALLED || !closed.insert(path) {
                continue;
            }
            let inner = (view.read)(path).filter(|i| i.len() <= MOST_READ);
            let Some(inner) = inner.filter(|i| i.starts_with(b"#!")) else {
                continue;
            };
            let says = |line: &&[u8]| !line.trim_ascii_start().starts_with(b"#");
            let lines: Vec<&[u8]> = inner.split(|b| *b == b'\n').filter(says).collect();
            let said = lines.join(&b'\n');
            scripts.push(said.clone());
            open.push(said);
        }
    }
    scripts
}

/// Whether a byte may be part of a script's name.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte)
}

/// Whether a command goes to a directory that one of `paths` is below, names it from where it works, or goes nobody
/// knows where: `cd app && make`, `make -C app`.
fn works_among(instruction: &Instruction, here: &str, paths: &BTreeSet<&str>) -> bool {
    let holds_one = |dir: &str| dir != "/" && paths.iter().any(|p| is_within(p, dir) && *p != dir);
    seen(instruction).into_iter().flatten().any(|command| {
        let at = match command.directory.as_deref() {
            Some("") => Some(here.to_owned()),
            Some(dir) => absolute(Some(here), dir),
            None => None,
        };
        let Some(at) = at else { return true };
        let names = |word: &String| {
            let word = word.split_once('=').map_or(word.as_str(), |(_, w)| w);
            !word.starts_with('-') && absolute(Some(&at), word).is_some_and(|dir| holds_one(&dir))
        };
        holds_one(&at) || command.args().iter().any(names)
    })
}

/// Whether a command is told what to build by a manifest beside which, or below, one of `paths` lies:
/// `mvn -f /app/pom.xml package`.
fn builds_among(instruction: &Instruction, here: &str, paths: &BTreeSet<&str>) -> bool {
    seen(instruction).into_iter().flatten().any(|command| {
        let at = match command.directory.as_deref() {
            Some("") => Some(here.to_owned()),
            Some(dir) => absolute(Some(here), dir),
            None => None,
        };
        command.args().iter().any(|word| {
            let word = word.rsplit_once('=').map_or(word.as_str(), |(_, w)| w);
            // A list of packages is read alone.
            let is_list = last_name(word).starts_with("requirements");
            if is_list || !is_dependency_file(&RepoPath::new(last_name(word))) {
                return false;
            }
            let file = absolute(at.as_deref(), word);
            let folder = file.as_deref().and_then(|f| f.rsplit_once('/'));
            folder.is_some_and(|(dir, _)| paths.iter().any(|p| is_within(p, dir)))
        })
    })
}

/// Whether `text` names a directory that `path` is below, as a whole: `chown -R app /app`, `/usr/local/bin/*`.
fn names_a_directory_of(text: &str, path: &str) -> bool {
    let mut directory = path;
    while let Some((above, _)) = directory.rsplit_once('/').filter(|(a, _)| !a.is_empty()) {
        directory = above;
        for (at, _) in text.match_indices(directory) {
            let rest = text[at + directory.len()..].trim_start_matches('/');
            let is_start = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
            let is_whole = rest
                .starts_with(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
                || rest.is_empty();
            // `\/usr\/share` in a script of sed goes on.
            if is_start && is_whole && !rest.starts_with("\\/") {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_as_a_whole() {
        let check = |text: &str, path: &str, want: bool| {
            assert_eq!(names_a_directory_of(text, path), want, "{text} {path}");
        };
        check("chown -R app /app", "/app/start.sh", true);
        check("chown -R app /app/data", "/app/start.sh", false);
        check("chmod +x /usr/local/bin/*", "/usr/local/bin/a", true);
        check("curl -o /usr/local/bin/b x", "/usr/local/bin/a", false);
        check("tar -C /usr/local -xz", "/usr/local/bin/a", true);
        check("cp -r /application /x", "/app/a", false);
        check(
            "sed 's/try \\/usr\\/share/x/' /b",
            "/usr/local/bin/a",
            false,
        );
        check("make", "/entrypoint.sh", false);
    }
}
