//! The files that a COPY or ADD brings, and where they lie in the image then.

use super::super::view::View;
use super::Place;
use super::paths::{absolute, is_within};
use super::pattern::matches_above;
use super::words::{expand, unquote};
use crate::dockerfile::ast::{Instruction, Source, Transfer};
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// The files a COPY or ADD from the context brings: path in the image to path in the context. `None` when that is not
/// known (`--from`, a URL, a heredoc, a variable without value, an unknown directory).
pub fn delivered(
    view: &View<'_>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    if instruction.flag("from").is_some() {
        return None;
    }
    // One name among thousands is not worth a look at all of them.
    let files = |wanted: &RepoPath| {
        let is_pattern = wanted.as_bytes().iter().any(|b| b"*?[\\".contains(b));
        let (start, end) = match is_pattern || wanted.is_root() {
            true => (0, view.files.len()),
            false => {
                let start = view.files.partition_point(|(path, _)| path < wanted);
                let begins =
                    |(path, _): &&(RepoPath, _)| path.as_bytes().starts_with(wanted.as_bytes());
                let n = view.files[start..].iter().take_while(begins).count();
                (start, start + n)
            }
        };
        let found = view.files[start..end].iter();
        found.map(|(path, _)| (path, path)).collect()
    };
    laid(&files, instruction, transfer, place)
}

/// Where files that a COPY may mean lie in what it copies from, and their paths in the context.
pub(super) type Lying<'f> = Vec<(&'f RepoPath, &'f RepoPath)>;

/// As [`delivered`], of any files: `files` gives at least those that a source, a path or a pattern, means.
pub(in crate::restructure) fn laid<'f>(
    files: &dyn Fn(&RepoPath) -> Lying<'f>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    if instruction.flag("exclude").is_some() {
        return None;
    }
    let parents = instruction.is_on("parents");
    let written = expand(&unquote(&transfer.destination), &place.variables)?;
    let destination = absolute(place.cwd.as_deref(), &written)?;
    let mut laid = BTreeMap::new();
    for source in &transfer.sources {
        let Source::Path(word) = source else {
            return None;
        };
        if word.contains("://") || word.starts_with("git@") {
            return None;
        }
        let word = expand(&unquote(word), &place.variables)?;
        let wanted = RepoPath::new(&word);
        let names: Vec<&[u8]> = wanted.names().collect();
        let depth = names.len();
        let mut found = files(&wanted);
        found.retain(|(at, _)| matches_above(&names, at));
        let into_directory = written.ends_with('/')
            || written == "."
            || written.ends_with("/.")
            || transfer.sources.len() > 1
            || (found.len() > 1 && found.iter().all(|(at, _)| at.names().count() == depth))
            || place.directories.iter().any(|d| is_within(d, &destination))
            || is_made(place, &destination);
        for (at, path) in found {
            let below: Vec<&[u8]> = at.names().skip(depth).collect();
            let tail = if parents {
                at.to_string()
            } else if below.is_empty() {
                if into_directory {
                    last_name(at)
                } else {
                    String::new()
                }
            } else {
                String::from_utf8_lossy(&below.join(&b'/')).into_owned()
            };
            // Names of the tree are clean: nothing is left to be resolved.
            let to = match (destination.as_str(), tail.as_str()) {
                (_, "") => destination.clone(),
                ("/", tail) => format!("/{tail}"),
                (dir, tail) => format!("{dir}/{tail}"),
            };
            laid.insert(to, path.clone());
        }
    }
    Some(laid)
}

/// Whether a directory is there that an instruction above has made, so that a file goes into it.
pub(in crate::restructure) fn is_made(place: &Place, directory: &str) -> bool {
    directory != "/" && place.there.iter().any(|d| is_within(d, directory))
}

fn last_name(path: &RepoPath) -> String {
    path.file_name()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .unwrap_or_default()
}
