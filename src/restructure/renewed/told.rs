//! What is said of such arguments: where builds are given a value of their own, and where they are not.

use super::super::sentence;
use super::Renewed;
use crate::caveat::Caveat;
use std::collections::BTreeSet;

/// That each build is given its own.
pub fn given(renewed: &[Renewed]) -> Option<Caveat> {
    let Words { list, files, them } = words(renewed)?;
    Some(Caveat::general(format!(
        "Each build is given its own {list}, as {files} passes {them}: where yours do not, say what they pass with --build-arg {}=VALUE.",
        renewed.first()?.name
    )))
}

/// That builds are given none here, and where they are.
pub fn not_given(renewed: &[Renewed]) -> Option<Caveat> {
    let Words { list, files, them } = words(renewed)?;
    Some(Caveat::general(format!(
        "{files} passes {list} with another value at each commit. Builds are given none here, so steps below {} hit more often than in builds that pass {them}; `stratigraph suggest` gives each build its own.",
        if renewed.len() > 1 {
            "their declarations"
        } else {
            "its declaration"
        }
    )))
}

struct Words {
    list: String,
    files: String,
    them: &'static str,
}

fn words(renewed: &[Renewed]) -> Option<Words> {
    let names: Vec<&str> = renewed.iter().map(|one| one.name.as_str()).collect();
    let them = match names.len() {
        0 => return None,
        1 => "it",
        _ => "them",
    };
    let files: BTreeSet<String> = renewed.iter().map(|one| one.by.to_string()).collect();
    let files: Vec<String> = files.into_iter().collect();
    Some(Words {
        list: sentence::all(&names),
        files: files.join(" or "),
        them,
    })
}
