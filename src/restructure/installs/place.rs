//! Where a RUN's project stands in the image.

use super::super::layout;
use super::super::layout::{Place, absolute, built_on, expand, is_within};
use super::super::view::View;
use super::Brought;
use super::stage::StageView;
use crate::dockerfile::ast::{Instruction, Kind};
use crate::dockerfile::mount::{Mount, MountKind};
use crate::shell::Script;
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// Where the cache mounts and tmpfs of a RUN stand, absolute as far as that can be told.
pub(in crate::restructure) fn mounts(instruction: &Instruction, place: &Place) -> Vec<String> {
    let expanded = |text: &str| Ok(expand(text, &place.variables).unwrap_or(text.to_owned()));
    let read = |value: &str| Mount::parse(value, &expanded).ok();
    let all = instruction.flag_values("mount").filter_map(read);
    all.filter(|m| matches!(m.kind, MountKind::Cache | MountKind::Tmpfs))
        .map(|m| absolute(place.cwd.as_deref(), &m.target).unwrap_or(m.target))
        .collect()
}

/// What mounts of a RUN bring of the context, by where it stands, absolute, with the files below; a place that a mount
/// brings from elsewhere has none that are known.
pub(super) fn bound(
    view: &View<'_>,
    instruction: &Instruction,
    place: &Place,
) -> Vec<(String, BTreeMap<String, RepoPath>)> {
    let expanded = |text: &str| Ok(expand(text, &place.variables).unwrap_or(text.to_owned()));
    let read = |value: &str| Mount::parse(value, &expanded).ok();
    let all = instruction.flag_values("mount").filter_map(read);
    let binds = all.filter(|m| m.kind == MountKind::Bind);
    binds
        .filter_map(|mount| {
            let target = absolute(place.cwd.as_deref(), &mount.target)?;
            if !mount.from.is_empty() {
                return Some((target, BTreeMap::new()));
            }
            let source = RepoPath::new(mount.source);
            let files = view.files.iter().filter_map(|(path, _)| {
                let rest = path.strip_prefix(&source)?;
                Some((absolute(Some(&target), &rest.to_string())?, path.clone()))
            });
            let files = files.collect();
            Some((target, files))
        })
        .collect()
}

/// The tag of the official Python image that a stage stands on, if it does.
pub(super) fn python_of_base(view: &View<'_>, stage: usize) -> Option<String> {
    let first = built_on(view.dockerfile, stage).last()?;
    let image = layout::image(view.dockerfile, first);
    let (name, tag) = image.rsplit('/').next()?.split_once(':')?;
    (name == "python").then(|| tag.to_owned())
}

/// Whether an image keeps programs and settings of its own in `dir`.
pub(in crate::restructure) fn is_system_directory(dir: &str) -> bool {
    let whole = [
        "/bin",
        "/etc",
        "/lib",
        "/sbin",
        "/usr/bin",
        "/usr/lib",
        "/usr/local",
        "/usr/sbin",
        "/usr/share",
    ];
    let shared = [
        "/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/usr/src", "/var", "/var/lib",
    ];
    whole.iter().any(|p| is_within(dir, p)) || shared.contains(&dir)
}

/// Whether one of the words of `script` is a directory or file outside `root` to which files of the context were
/// brought.
pub(super) fn reaches_out(
    script: &Script,
    image: &BTreeMap<String, Brought>,
    root: &str,
    place: &Place,
) -> bool {
    let words = script.commands.iter().flat_map(|c| &c.words);
    words.into_iter().any(|word| {
        let text = expand(&word.text, &place.variables).unwrap_or(word.text.clone());
        let path = text.split(['[', '*', '?', '$']).next().unwrap_or_default();
        let path = path.trim_end_matches('/');
        path.len() > 1
            && path.starts_with('/')
            && !is_within(path, root)
            && image.keys().any(|to| is_within(to, path))
    })
}

/// The project's place: the outermost destination of a COPY that the working directory lies in, or holds.
pub(super) fn root_of(of: &StageView<'_>, run: usize, cwd: &str) -> String {
    let mut root = cwd.to_owned();
    for (index, instruction) in of.stage.instructions.iter().enumerate().take(run) {
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
            continue;
        };
        let Some(to) = super::super::effect::destination(transfer, &of.places[index]) else {
            continue;
        };
        if is_within(&root, &to) && to != "/" {
            root = to;
        }
    }
    for to in of.inherited.keys() {
        let dir = to.rsplit_once('/').map_or("/", |(d, _)| d);
        if !dir.is_empty() && dir != "/" && is_within(&root, dir) {
            root = dir.to_owned();
        }
    }
    // Directories between, as far as files have been put there, or beside it.
    let image = of.image_at(run);
    while let Some((up, _)) = root
        .rsplit_once('/')
        .filter(|(up, _)| up.matches('/').count() >= 1)
    {
        let is_beside = |p: &String| {
            let is_direct = p.rsplit_once('/').is_some_and(|(d, _)| d == up);
            let is_below = is_within(p, up) && !is_within(p, &root);
            is_direct || (is_below && !is_system_directory(up))
        };
        if !image.keys().any(is_beside) {
            break;
        }
        root = up.to_owned();
    }
    root
}

/// `path` relative to absolute `root`; `None` when it is not below.
pub(super) fn below(path: &str, root: &str) -> Option<RepoPath> {
    is_within(path, root).then(|| RepoPath::new(path.strip_prefix(root).unwrap_or(path)))
}

/// `path` as written from `cwd`: empty for the same, `web` for a directory below; `None` when it is not below.
pub(in crate::restructure) fn relative(path: &str, cwd: &str) -> Option<String> {
    below(path, cwd).map(|p| p.to_string())
}
