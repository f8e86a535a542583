//! The other Dockerfiles of the tree, which may be built with the same ignore file.

use super::git::asked::sources_in;
use super::view::View;
use crate::dockerfile::parse;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// Where the tree's other Dockerfiles are.
pub(super) fn others<'a>(view: &View<'a>) -> impl Iterator<Item = &'a RepoPath> {
    let own = view.path.strip_prefix(view.context);
    let is_one = |p: &RepoPath| {
        let name = p.file_name().unwrap_or_default().to_ascii_lowercase();
        let name = String::from_utf8_lossy(&name).into_owned();
        (name.contains("dockerfile") || name.contains("containerfile")) && !name.ends_with("ignore")
    };
    let all = view.files.iter().chain(view.ignored).map(|(p, _)| p);
    all.filter(move |p| is_one(p) && Some(*p) != own.as_ref())
}

/// What the tree's other Dockerfiles copy or mount by name: they may be built with the same ignore file.
pub(super) fn named_by_others(view: &View<'_>) -> BTreeSet<String> {
    let texts = others(view).filter_map(|path| view.read_text(path));
    let parsed = texts.filter_map(|text| parse(&text).ok());
    parsed.flat_map(|p| sources_in(&p.dockerfile)).collect()
}
