//! File trees that are cheap to copy and to compare: the build context's and the stages'.
//!
//! A tree shares what did not change with its earlier self (`Arc`), and each directory keeps the sum of its
//! children's identities, so that a change costs the depth of its path and nothing else.

use super::digest::ContentId;
use super::digest::hash;
use super::digest::hash_fixed;
use super::digest::hash_named;
use super::name::Name;
use crate::tree::FileKind;
use crate::tree::FileStamp;
use crate::tree::RepoPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names deeper than this are not told apart one by one (a Dockerfile can name any path).
pub(super) const MAX_DEPTH: usize = 1024;

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A file.
    File(File),
    /// A symlink.
    Link(Link),
    /// A directory.
    Dir(Arc<Dir>),
    /// Something of unknown kind and content, known by a token alone.
    Opaque(ContentId),
}

/// A file's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub content: ContentId,
    /// The executable bit.
    pub executable: bool,
    /// Owner and mode where they are not a checkout's own; 0 where they are.
    pub attributes: u128,
}

/// A symlink's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The target as written.
    pub target: Arc<[u8]>,
    /// Owner where it is not a checkout's own; 0 where it is.
    pub attributes: u128,
}

/// A directory: its children, and what is not known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dir {
    children: BTreeMap<Name, Node>,
    /// Sum of the children's identities, each mixed with its name; order does not matter to a sum.
    sum: u128,
    backing: Option<ContentId>,
    overlay: Option<ContentId>,
    attributes: u128,
}

/// Directories that images have: what is put below them joins what the image holds there; another directory at the
/// root is taken to be made by the Dockerfile.
const IMAGE_DIRECTORIES: [&str; 18] = [
    "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc", "root",
    "run", "sbin", "srv", "tmp", "usr", "var",
];

impl Node {
    /// A file, or a submodule as what it is without `git submodule update` – an unknown directory known by its commit.
    /// `target`: the symlink's target; without it a symlink is opaque.
    pub fn of_stamp(stamp: &FileStamp, target: Option<&Arc<[u8]>>) -> Self {
        let content = ContentId::of_object(&stamp.id);
        let file = |executable| {
            Self::File(File {
                content,
                executable,
                attributes: 0,
            })
        };
        match stamp.kind {
            FileKind::Regular => file(false),
            FileKind::Executable => file(true),
            FileKind::Submodule => Self::Dir(Arc::new(Dir::backed(content))),
            FileKind::Symlink => match target {
                Some(target) => Self::Link(Link {
                    target: Arc::clone(target),
                    attributes: 0,
                }),
                None => Self::Opaque(hash(b'l', &[&content.0.to_le_bytes()])),
            },
        }
    }

    /// A plain file with these bytes (a heredoc).
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::File(File {
            content: ContentId::of_bytes(bytes),
            executable: false,
            attributes: 0,
        })
    }

    /// An empty directory.
    pub fn empty_dir() -> Self {
        Self::Dir(Arc::new(Dir::default()))
    }

    /// A directory of which nothing is known but a token: a base image.
    pub fn backed_dir(token: ContentId) -> Self {
        Self::Dir(Arc::new(Dir::backed(token)))
    }

    /// The directory, if it is one.
    pub fn as_dir(&self) -> Option<&Dir> {
        match self {
            Self::Dir(dir) => Some(dir),
            Self::File(_) | Self::Link(_) | Self::Opaque(_) => None,
        }
    }

    /// The whole identity: kind, bytes, executable bit, attributes, all that is below.
    pub fn digest(&self) -> ContentId {
        match self {
            Self::File(file) => hash_fixed(&file.bytes(b'f')),
            Self::Link(link) => hash(b's', &[&link.target, &link.attributes.to_le_bytes()]),
            Self::Dir(dir) => dir.digest(),
            Self::Opaque(token) => hash(b'o', &[&token.0.to_le_bytes()]),
        }
    }

    /// Says that a RUN may have added anything anywhere below: `token` stands for what it left. Files that are known
    /// stay known.
    pub fn overlay(&mut self, token: ContentId) {
        match self {
            Self::Dir(dir) => {
                let dir = Arc::make_mut(dir);
                dir.overlay = combine(dir.overlay, Some(token));
            }
            Self::Opaque(old) => *old = old.with(token),
            Self::File(_) | Self::Link(_) => {}
        }
    }

    /// The directory here, made writable; whatever else was here gives way (an opaque one becomes the unknown
    /// remainder of the directory).
    pub(super) fn make_dir(&mut self) -> &mut Dir {
        match self {
            Self::Dir(_) => {}
            Self::Opaque(token) => *self = Self::backed_dir(*token),
            Self::File(_) | Self::Link(_) => *self = Self::empty_dir(),
        }
        match self {
            Self::Dir(dir) => Arc::make_mut(dir),
            Self::File(_) | Self::Link(_) | Self::Opaque(_) => {
                unreachable!("made a directory above")
            }
        }
    }

    /// Puts `node` at `path`, replacing what is there; parents are made. Symlinks on the way are followed, the last
    /// name is taken as it is. At the root, the whole tree is replaced.
    pub fn put(&mut self, path: &RepoPath, node: Self) {
        let Some(name) = path.file_name() else {
            *self = node;
            return;
        };
        let parent = self.real_path(&path.parent().unwrap_or_else(RepoPath::root));
        put_at(
            self,
            &parent.names().chain([name]).collect::<Vec<_>>(),
            node,
            0,
        );
    }

    /// Makes the directory at `path` and its parents where they are absent; symlinks are followed.
    pub fn make_dirs(&mut self, path: &RepoPath) {
        let real = self.real_path(path);
        let names: Vec<&[u8]> = real.names().collect();
        edit_at(self, &names, 0, &mut |node| {
            node.make_dir();
        });
    }

    /// Puts `node` at `path` as COPY does: a directory merges into a directory, all else replaces. Symlinks are
    /// followed on the way, and at the end where `node` is a directory.
    pub fn merge(&mut self, path: &RepoPath, node: &Self) {
        let Self::Dir(_) = node else {
            return self.put(path, node.clone());
        };
        let real = self.real_path(path);
        let names: Vec<&[u8]> = real.names().collect();
        edit_at(self, &names, 0, &mut |into| into.merge_node(node));
    }

    /// `from` into this node: directories merge child by child, all else replaces.
    fn merge_node(&mut self, from: &Self) {
        let Self::Dir(from) = from else {
            *self = from.clone();
            return;
        };
        if let Self::Dir(into) = self {
            if Arc::ptr_eq(into, from) {
                return;
            }
            if into.is_blank() {
                *into = Arc::clone(from);
                return;
            }
        }
        let into = self.make_dir();
        into.backing = combine(into.backing, from.backing);
        into.overlay = combine(into.overlay, from.overlay);
        into.attributes = from.attributes;
        for (name, child) in &from.children {
            into.edit(name, |slot| match slot {
                Some(old) => old.merge_node(child),
                None => *slot = Some(child.clone()),
            });
        }
    }
}

impl File {
    /// All there is to it, under a tag.
    fn bytes(&self, tag: u8) -> [u8; 34] {
        let mut bytes = [tag; 34];
        bytes[1..17].copy_from_slice(&self.content.0.to_le_bytes());
        bytes[17..33].copy_from_slice(&self.attributes.to_le_bytes());
        bytes[33] = u8::from(self.executable);
        bytes
    }
}

impl Dir {
    /// One with nothing known but a token.
    pub fn backed(token: ContentId) -> Self {
        Self {
            backing: Some(token),
            ..Self::default()
        }
    }

    /// The children known, ordered by name.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = (&Name, &Node)> {
        self.children.iter()
    }

    /// The child of this name, if it is known.
    pub fn child(&self, name: &[u8]) -> Option<&Node> {
        self.children.get(name)
    }

    /// True if nothing is known to be in it.
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// A token for what is unknown of this directory, if anything is.
    pub fn remainder(&self) -> Option<ContentId> {
        combine(self.backing, self.overlay)
    }

    /// Whether a RUN may have changed what is in it.
    pub(super) fn is_overlaid(&self) -> bool {
        self.overlay.is_some()
    }

    /// The identity of the directory itself, without its children.
    pub fn header(&self) -> ContentId {
        Self {
            attributes: self.attributes,
            ..Self::default()
        }
        .digest()
    }

    /// The identity of the directory and all below it.
    pub fn digest(&self) -> ContentId {
        let part = |token: Option<ContentId>| token.map_or([0; 16], |t| t.0.to_le_bytes());
        let mut bytes = [b'd'; 67];
        bytes[1..17].copy_from_slice(&self.sum.to_le_bytes());
        bytes[17..33].copy_from_slice(&part(self.backing));
        bytes[33..49].copy_from_slice(&part(self.overlay));
        bytes[49..65].copy_from_slice(&self.attributes.to_le_bytes());
        bytes[65] = u8::from(self.backing.is_some());
        bytes[66] = u8::from(self.overlay.is_some());
        hash_fixed(&bytes)
    }

    /// What is called `name` in here: known, unknown (opaque), or `None`.
    pub(super) fn entry(&self, name: &[u8]) -> Option<Node> {
        let below = self.overlay.map(|token| token.below(name));
        match self.children.get(name) {
            Some(Node::Dir(dir)) if below.is_some() => {
                let overlay = combine(dir.overlay, below);
                Some(Node::Dir(Arc::new(Self {
                    overlay,
                    ..Self::clone(dir)
                })))
            }
            Some(node) => Some(node.clone()),
            None => self
                .remainder()
                .map(|token| Node::Opaque(token.below(name))),
        }
    }

    /// What a directory made here under `name` may already have held.
    fn new_child(&self, name: &[u8], depth: usize) -> Self {
        let in_image = depth > 0
            || IMAGE_DIRECTORIES
                .iter()
                .any(|known| known.as_bytes() == name);
        Self {
            backing: self
                .backing
                .filter(|_| in_image)
                .map(|token| token.below(name)),
            ..Self::default()
        }
    }

    /// Sets or replaces a child.
    pub(super) fn insert(&mut self, name: &[u8], node: Node) {
        self.edit(name, |slot| *slot = Some(node));
    }

    /// Takes a child out.
    pub(super) fn remove(&mut self, name: &[u8]) {
        self.edit(name, |slot| *slot = None);
    }

    /// Lets `change` edit the child `name` in place (`None`: absent, before or after) and keeps the sum right.
    pub(super) fn edit<R>(
        &mut self,
        name: &[u8],
        change: impl FnOnce(&mut Option<Node>) -> R,
    ) -> R {
        if let Some(node) = self.children.get_mut(name) {
            let before = mixed(name, node);
            let mut slot = Some(std::mem::replace(node, Node::Opaque(ContentId(0))));
            let result = change(&mut slot);
            self.sum = self.sum.wrapping_sub(before);
            match slot {
                Some(new) => {
                    self.sum = self.sum.wrapping_add(mixed(name, &new));
                    *node = new;
                }
                None => {
                    self.children.remove(name);
                }
            }
            return result;
        }
        let mut slot = None;
        let result = change(&mut slot);
        if let Some(new) = slot {
            self.sum = self.sum.wrapping_add(mixed(name, &new));
            self.children.insert(Name::new(name), new);
        }
        result
    }

    /// Owner and mode, where they are not a checkout's own.
    pub(super) fn set_attributes(&mut self, attributes: u128) {
        self.attributes = attributes;
    }

    /// Makes owner and mode those that follow from what they were and from `token`.
    pub(super) fn mix_attributes(&mut self, token: ContentId) {
        self.attributes = ContentId(self.attributes).with(token).0;
    }

    /// Adds to what is unknown here.
    pub(super) fn add_backing(&mut self, token: ContentId) {
        self.backing = combine(self.backing, Some(token));
    }

    fn is_blank(&self) -> bool {
        self.children.is_empty() && self.backing.is_none() && self.overlay.is_none()
    }
}

/// A child's part in its directory's sum.
fn mixed(name: &[u8], node: &Node) -> u128 {
    if let Node::File(file) = node {
        return hash_named(&file.bytes(b'F'), name).0;
    }
    let mut head = [b'c'; 17];
    head[1..].copy_from_slice(&node.digest().0.to_le_bytes());
    hash_named(&head, name).0
}

fn combine(first: Option<ContentId>, second: Option<ContentId>) -> Option<ContentId> {
    match (first, second) {
        (Some(a), Some(b)) => Some(a.with(b)),
        (a, b) => a.or(b),
    }
}

fn put_at(node: &mut Node, names: &[&[u8]], new: Node, depth: usize) {
    edit_at(node, names, depth, &mut |slot| *slot = new.clone());
}

/// Walks down `names`, making directories, and edits the node there (an empty directory where there was none).
fn edit_at(node: &mut Node, names: &[&[u8]], depth: usize, change: &mut dyn FnMut(&mut Node)) {
    let Some((name, rest)) = names.split_first() else {
        return change(node);
    };
    if depth >= MAX_DEPTH {
        *node = Node::Opaque(node.digest().below(&names.join(&b'/')));
        return;
    }
    let dir = node.make_dir();
    let fresh = dir.new_child(name, depth);
    dir.edit(name, |slot| {
        let child = slot.get_or_insert_with(|| Node::Dir(Arc::new(fresh)));
        edit_at(child, rest, depth + 1, change);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Node {
        let mut root = Node::empty_dir();
        for (path, bytes) in files {
            root.put(&RepoPath::from(*path), Node::of_bytes(bytes.as_bytes()));
        }
        root
    }

    #[test]
    fn order_of_writes_does_not_matter_and_names_and_bytes_do() {
        let one = tree(&[("a", "1"), ("d/b", "2")]);
        assert_eq!(one.digest(), tree(&[("d/b", "2"), ("a", "1")]).digest());
        assert_ne!(one.digest(), tree(&[("a", "2"), ("d/b", "1")]).digest());
        assert_ne!(one.digest(), tree(&[("a", "1"), ("d/c", "2")]).digest());
        assert_ne!(one.digest(), tree(&[("a", "1"), ("e/b", "2")]).digest());
    }

    #[test]
    fn an_empty_directory_counts() {
        let mut root = tree(&[("a", "1")]);
        let before = root.digest();
        root.make_dirs(&"e".into());
        assert_ne!(before, root.digest());
    }

    #[test]
    fn a_copy_is_not_changed_by_writes_to_the_original() {
        let mut root = tree(&[("d/a", "1")]);
        let copy = root.clone();
        root.put(&"d/a".into(), Node::of_bytes(b"2"));
        assert_eq!(copy.digest(), tree(&[("d/a", "1")]).digest());
        assert_eq!(root.digest(), tree(&[("d/a", "2")]).digest());
    }

    #[test]
    fn directories_merge_and_files_replace() {
        let mut root = tree(&[("d/a", "1"), ("d/b", "1")]);
        root.merge(&"d".into(), &tree(&[("b", "2"), ("c", "3")]));
        assert_eq!(
            root.digest(),
            tree(&[("d/a", "1"), ("d/b", "2"), ("d/c", "3")]).digest()
        );
    }

    #[test]
    fn a_directory_made_at_the_root_of_an_image_is_known_a_standard_one_is_not() {
        let mut root = Node::backed_dir(ContentId(1));
        root.make_dirs(&"app".into());
        root.make_dirs(&"etc/nginx".into());
        let at = |path: &str| root.get(&path.into());
        assert_eq!(at("app/x"), None);
        assert!(matches!(at("etc/nginx/x"), Some(Node::Opaque(_))));
        assert!(matches!(at("data/x"), Some(Node::Opaque(_))));
    }

    #[test]
    fn what_a_run_left_is_unknown_everywhere_but_known_files_stay() {
        let mut root = tree(&[("app/package.json", "1")]);
        let before = root.get(&"app".into()).unwrap().digest();
        root.overlay(ContentId(9));
        assert_ne!(before, root.get(&"app".into()).unwrap().digest());
        assert_eq!(
            root.get(&"app/package.json".into()),
            Some(Node::of_bytes(b"1"))
        );
        assert!(matches!(
            root.get(&"app/dist".into()),
            Some(Node::Opaque(_))
        ));
        assert_eq!(root.get(&"app/package.json/x".into()), None);
    }

    #[test]
    fn a_path_of_any_depth_is_taken() {
        let mut root = Node::empty_dir();
        root.put(&RepoPath::new("a/".repeat(50_000)), Node::of_bytes(b"1"));
        let before = root.digest();
        root.put(&RepoPath::new("a/".repeat(50_001)), Node::of_bytes(b"1"));
        assert_ne!(before, root.digest());
    }
}
