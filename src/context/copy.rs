//! What COPY and ADD leave in a stage's file system.

use super::digest::ContentId;
use super::digest::hash;
use super::select::NotFound;
use super::select::matches;
use super::selector::Selector;
use super::tree::Dir;
use super::tree::Node;
use crate::tree::RepoPath;
use std::sync::Arc;

/// Flags that change what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyOptions {
    /// `--chmod` as written. It stands in for the mode of all that is copied: the source's executable bit no longer
    /// shows in the result (a symbolic mode keeps it).
    pub chmod: Option<String>,
    /// `--chown` as written; a mark on all that is copied. Two spellings of one owner count as two owners.
    pub chown: Option<String>,
    /// ADD: archives are unpacked, so what they leave is not known.
    pub unpack: bool,
}

/// Names of files that ADD unpacks if they are what they say.
const ARCHIVES: [&[u8]; 8] = [
    b".tar",
    b".tar.gz",
    b".tgz",
    b".tar.bz2",
    b".tbz2",
    b".tar.xz",
    b".txz",
    b".tar.zst",
];

/// Copies a selection of `source_root` into `dest_root`. `destination`: absolute, a trailing slash kept. A directory's
/// content merges into the destination; a file becomes the destination, or goes below it under its own name where the
/// destination ends with a slash, is a directory, or there are several sources.
///
/// # Errors
/// A source that does not exist.
pub fn copy_into(
    dest_root: &mut Node,
    destination: &str,
    source_root: &Node,
    selectors: &[Selector],
    options: &CopyOptions,
) -> Result<(), NotFound> {
    let mut found = Vec::new();
    for selector in selectors {
        found.extend(matches(source_root, selector)?);
    }
    let dest = RepoPath::new(destination);
    let below = destination.ends_with('/')
        || found.len() > 1
        || matches!(dest_root.get(&dest), Some(Node::Dir(_)));
    for (name, node) in found {
        let node = with_attributes(&node, options, 0);
        match &node {
            Node::Dir(_) => dest_root.merge(&dest, &node),
            Node::File(file)
                if options.unpack && ARCHIVES.iter().any(|end| name.as_bytes().ends_with(end)) =>
            {
                dest_root.make_dirs(&dest);
                let mut unpacked = Dir::default();
                unpacked.add_backing(hash(b'u', &[&file.content.0.to_le_bytes()]));
                dest_root.merge(&dest, &Node::Dir(Arc::new(unpacked)));
            }
            Node::File(_) | Node::Link(_) | Node::Opaque(_) => {
                let at = if below {
                    dest.join(name.as_bytes())
                } else {
                    dest.clone()
                };
                // A file is written through a symlink at its destination's end only if that leads to a directory.
                dest_root.put(&at, node);
            }
        }
    }
    Ok(())
}

/// The node with the owner and mode that the flags give to all that is copied.
fn with_attributes(node: &Node, options: &CopyOptions, depth: usize) -> Node {
    if options.chmod.is_none() && options.chown.is_none() {
        return node.clone();
    }
    let flag = |value: &Option<String>| value.clone().unwrap_or_default();
    let attributes = hash(
        b'a',
        &[
            flag(&options.chmod).as_bytes(),
            flag(&options.chown).as_bytes(),
        ],
    );
    let is_numeric = options
        .chmod
        .as_ref()
        .is_some_and(|mode| mode.bytes().all(|b| b.is_ascii_digit()));
    mark(node, attributes, is_numeric, depth)
}

fn mark(node: &Node, attributes: ContentId, sets_mode: bool, depth: usize) -> Node {
    match node {
        Node::File(file) => {
            let mut file = *file;
            file.attributes = attributes.0;
            file.executable &= !sets_mode;
            Node::File(file)
        }
        Node::Link(link) => {
            let mut link = link.clone();
            link.attributes = attributes.0;
            Node::Link(link)
        }
        Node::Opaque(token) => Node::Opaque(token.with(attributes)),
        Node::Dir(dir) if depth < super::tree::MAX_DEPTH => {
            let mut out = Dir::default();
            out.set_attributes(attributes.0);
            if let Some(token) = dir.remainder() {
                out.add_backing(token.with(attributes));
            }
            for (name, child) in dir.children() {
                out.insert(name, mark(child, attributes, sets_mode, depth + 1));
            }
            Node::Dir(Arc::new(out))
        }
        Node::Dir(dir) => Node::Opaque(dir.digest().with(attributes)),
    }
}
