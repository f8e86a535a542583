//! Two revisions' layouts of the repository: how the head's differs, and the base's history laid out as either.
//!
//! Never: decides what a builder would do.

use super::error::CliError;
use super::load::Project;
use crate::caveat::Caveat;
use crate::history::BuildInput;
use crate::history::Layout;
use crate::history::Relay;
use crate::history::alike;
use crate::history::below;
use crate::report::format::count;
use crate::report::format::list;
use crate::tree::ObjectId;
use crate::tree::RepoPath;

/// So many pairs of files are read to see whether one is the other rewritten; larger files are not.
const MAX_READ: usize = 500;
const MAX_BYTES: usize = 1 << 20;
/// So many files are named.
const MAX_NAMED: usize = 3;

/// Both layouts.
pub(super) struct Layouts {
    /// By paths from the repository's root; empty where nothing of it concerns the contexts.
    layout: Layout,
    base: RepoPath,
    /// The context at the head.
    head: RepoPath,
    /// The Dockerfile's path at the head.
    dockerfile: RepoPath,
}

impl Layouts {
    /// Reads how the head is laid out, for the project's Dockerfile and context.
    pub(super) fn read(
        project: &Project,
        base: &ObjectId,
        head: &ObjectId,
    ) -> Result<Self, CliError> {
        let context = RepoPath::new(&project.settings.context);
        let path = RepoPath::new(&project.settings.dockerfile);
        let (before, after) = project.trees(base, head)?;
        let mut n_read = 0;
        let mut is_alike = |old: &RepoPath, new: &RepoPath| {
            n_read += 1;
            let read = |commit, path| project.bytes_at(commit, path).ok().flatten();
            let small = |bytes: &Vec<u8>| bytes.len() <= MAX_BYTES;
            let both = || {
                Some((
                    read(base, old).filter(small)?,
                    read(head, new).filter(small)?,
                ))
            };
            n_read <= MAX_READ && both().is_some_and(|(old, new)| alike(&old, &new))
        };
        let layout = Layout::between(&before, &after, &mut is_alike);
        let is_at_head = project.bytes_at(head, &path)?.is_some();
        let dockerfile = match layout.file(&path) {
            Some(moved) if !is_at_head => moved,
            _ => path,
        };
        let head = layout.folder(&context);
        let concerns = |path: &RepoPath| {
            path.strip_prefix(&context).is_some() || path.strip_prefix(&head).is_some()
        };
        let moved = layout.moved().iter().flat_map(|(from, to)| [from, to]);
        let is_concerned = moved
            .chain(layout.added())
            .chain(layout.removed())
            .any(concerns);
        Ok(Self {
            layout: if is_concerned {
                layout
            } else {
                Layout::default()
            },
            base: context,
            head,
            dockerfile,
        })
    }

    /// The Dockerfile's path at the head.
    pub(super) fn dockerfile(&self) -> &RepoPath {
        &self.dockerfile
    }

    /// The context's path at the head.
    pub(super) fn context(&self) -> &RepoPath {
        &self.head
    }

    /// Whether both sides are laid out alike.
    pub(super) fn is_same(&self) -> bool {
        self.layout.is_empty()
    }

    /// The builds in both layouts, in order, read as they are asked for.
    pub(super) fn inputs<'a>(
        &'a self,
        project: &Project,
    ) -> Box<dyn Iterator<Item = Result<(BuildInput, BuildInput), CliError>> + 'a> {
        if self.is_same() {
            return Box::new(project.inputs().map(|input| input.map(|i| (i.clone(), i))));
        }
        let mut relay = Relay::new(&self.layout);
        Box::new(project.wide_inputs().map(move |input| {
            let input = input?;
            let relaid = relay.next(&input);
            Ok((below(&input, &self.base), below(&relaid, &self.head)))
        }))
    }

    /// What was taken for what.
    pub(super) fn caveats(&self) -> Vec<Caveat> {
        let layout = &self.layout;
        let mut caveats = Vec::new();
        let files = |n: usize| count(n as u64, "file", "files");
        let named = |paths: Vec<String>, n: usize| list(&paths, n, MAX_NAMED);
        let first = |paths: &mut dyn Iterator<Item = &RepoPath>| {
            paths
                .take(MAX_NAMED)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let n_moved = layout.moved().len();
        if n_moved > 0 {
            let pairs = layout.moved().iter().take(MAX_NAMED);
            let pairs = pairs.map(|(from, to)| format!("{from} to {to}")).collect();
            let rewritten = match layout.n_rewritten() {
                0 => String::new(),
                n => format!(
                    ", of which {} known by the folder or by like contents, since {} rewritten as well",
                    if n == 1 {
                        "1 is".to_owned()
                    } else {
                        format!("{n} are")
                    },
                    if n == 1 { "it was" } else { "they were" },
                ),
            };
            caveats.push(Caveat::general(format!(
                "The head moves {}{rewritten} ({}): its side is built from the same history under the new names.",
                files(n_moved),
                named(pairs, n_moved),
            )));
        }
        let (n_added, n_removed) = (layout.added().len(), layout.removed().len());
        if n_added > 0 {
            caveats.push(Caveat::general(format!(
                "The head adds {} ({}): {} at every build of its side as at the head, for want of a history.",
                files(n_added),
                named(first(&mut layout.added()), n_added),
                if n_added == 1 { "it is" } else { "they are" },
            )));
        }
        if n_removed > 0 {
            caveats.push(Caveat::general(format!(
                "The head removes {} ({}): its side is built without {}.",
                files(n_removed),
                named(first(&mut layout.removed()), n_removed),
                if n_removed == 1 { "it" } else { "them" },
            )));
        }
        if n_added > 0 && n_removed > 0 {
            caveats.push(Caveat::general(
                "A file that was moved and rewritten beyond recognition counts as one removed and one added.",
            ));
        }
        caveats
    }
}
