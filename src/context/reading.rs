//! How builders other than BuildKit digest what they copy.
//!
//! | reading | a file counts by | a directory counts by | symlinks | several items | source |
//! |---|---|---|---|---|---|
//! | `Content` | bytes, mode | what is below, names relative to it | inside: as links; as source: followed | sorted by path | see `select.rs` |
//! | `Paths` | **full path**, bytes, mode | each entry under its full path, its own header too | followed everywhere: the target under its own path; broken: its path | in the order written | moby v20.10.24 builder/dockerfile/copy.go `calcCopyInfo`, `walkSource`; builder/remotecontext/archive.go `Hash` |
//! | `Arrival` | its name at the destination, bytes, mode | what is below, without its own header | inside: as links; as source: followed | in the order written | containers/buildah v1.28.2 add.go `Add`, digester.go |
//! | `Bytes` | bytes, mode | bytes and modes in the order of their names, **without the names** | as links | in the order written | kaniko 236ba56 pkg/executor/composite_cache.go `AddPath`, `hashDir`; pkg/util/util.go `CacheHasher` |

use super::digest::ContentId;
use super::digest::hash;
use super::select;
use super::select::NotFound;
use super::selector::Selector;
use super::tree::Dir;
use super::tree::MAX_DEPTH;
use super::tree::Node;
use crate::tree::RepoPath;
use std::sync::Arc;

/// Whose way of digesting a selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reading {
    /// BuildKit.
    #[default]
    Content,
    /// The classic builder.
    Paths,
    /// Buildah: what arrives at the destination.
    Arrival {
        /// Whether files keep their names; else a lone file gets the destination's.
        keeps_names: bool,
        /// `--chmod`.
        mode: Option<u32>,
    },
    /// kaniko.
    Bytes,
}

/// What `selectors` of one input contribute to a key, as `reading` has it. `is_context_root`: the tree is a local
/// context.
///
/// # Errors
/// A plain source that does not exist.
pub fn digest_as(
    reading: Reading,
    root: &Node,
    is_context_root: bool,
    selectors: &[Selector],
) -> Result<ContentId, NotFound> {
    if reading == Reading::Content {
        return select::digest(root, is_context_root, selectors);
    }
    let mut items = Vec::new();
    for selector in selectors {
        for (path, node) in select::found(root, selector)? {
            let item = match reading {
                Reading::Content | Reading::Paths => by_path(root, &path, &node),
                Reading::Arrival { keeps_names, mode } => {
                    let name = path.file_name().filter(|_| keeps_names);
                    arrival(root, &path, node, name.unwrap_or_default(), mode)
                }
                Reading::Bytes => without_names(&root.get_itself(&path).unwrap_or(node), 0),
            };
            items.push(item.0.to_le_bytes());
        }
    }
    Ok(hash(
        b'M',
        &items.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>(),
    ))
}

/// The classic builder's hash of one source: a file under the path that it really has, a directory as the set of all
/// that is below.
fn by_path(root: &Node, path: &RepoPath, node: &Node) -> ContentId {
    let (real, node) = root
        .resolve(path, true)
        .unwrap_or_else(|| (path.clone(), node.clone()));
    match &node {
        Node::Dir(dir) => {
            let mut sum = if real.is_root() {
                0
            } else {
                header(&real, dir).0
            };
            add_below(root, &real, dir, 0, &mut sum);
            hash(b'D', &[&sum.to_le_bytes()])
        }
        Node::File(_) | Node::Link(_) | Node::Opaque(_) => leaf(&real, &node),
    }
}

/// Adds the identities of all that is below `dir`; a sum, since the hashes are sorted before they are joined.
fn add_below(root: &Node, at: &RepoPath, dir: &Dir, depth: usize, sum: &mut u128) {
    if let Some(token) = dir.remainder() {
        *sum = sum.wrapping_add(hash(b'r', &[at.as_bytes(), &token.0.to_le_bytes()]).0);
    }
    for (name, child) in dir.children() {
        let path = at.join(name);
        let one = match child {
            Node::Dir(below) if depth < MAX_DEPTH => {
                add_below(root, &path, below, depth + 1, sum);
                header(&path, below)
            }
            Node::Link(_) => match root.resolve(&path, true) {
                // Of a directory behind a link its entry alone is looked up, not what is in it.
                Some((real, Node::Dir(target))) => header(&real, &target),
                Some((real, target)) => leaf(&real, &target),
                None => hash(b'b', &[path.as_bytes()]),
            },
            Node::File(_) | Node::Opaque(_) | Node::Dir(_) => leaf(&path, child),
        };
        *sum = sum.wrapping_add(one.0);
    }
}

fn header(path: &RepoPath, dir: &Dir) -> ContentId {
    hash(b'h', &[path.as_bytes(), &dir.header().0.to_le_bytes()])
}

fn leaf(path: &RepoPath, node: &Node) -> ContentId {
    hash(b'f', &[path.as_bytes(), &node.digest().0.to_le_bytes()])
}

/// What Buildah puts at the destination for one source.
fn arrival(root: &Node, path: &RepoPath, node: Node, name: &[u8], mode: Option<u32>) -> ContentId {
    let node = match node {
        Node::Link(_) => root.get(path).unwrap_or(node),
        Node::File(_) | Node::Dir(_) | Node::Opaque(_) => node,
    };
    let node = mode.map_or(node.clone(), |mode| with_mode(&node, mode, 0));
    match &node {
        Node::Dir(_) => hash(b'd', &[&node.digest().0.to_le_bytes()]),
        Node::File(_) | Node::Link(_) | Node::Opaque(_) => {
            hash(b'a', &[name, &node.digest().0.to_le_bytes()])
        }
    }
}

/// The node as `--chmod` leaves it: 644 and 755 are what a checkout has. The copied directory's own mode does not count.
fn with_mode(node: &Node, mode: u32, depth: usize) -> Node {
    match node {
        Node::File(file) => {
            let mut file = *file;
            file.executable = mode == 0o755;
            if mode != 0o755 && mode != 0o644 {
                file.attributes ^= u128::from(mode) + 1;
            }
            Node::File(file)
        }
        Node::Dir(dir) if depth < MAX_DEPTH => {
            let mut out = Dir::default();
            if depth > 0 && mode != 0o755 {
                out.set_attributes(u128::from(mode) + 1);
            }
            if let Some(token) = dir.remainder() {
                out.add_backing(token);
            }
            for (name, child) in dir.children() {
                out.insert(name, with_mode(child, mode, depth + 1));
            }
            Node::Dir(Arc::new(out))
        }
        Node::Opaque(token) => Node::Opaque(token.with(ContentId(u128::from(mode)))),
        Node::Link(_) | Node::Dir(_) => node.clone(),
    }
}

/// kaniko's hash of one source: the entries of a directory count in the order of their names, but not by them.
fn without_names(node: &Node, depth: usize) -> ContentId {
    match node {
        Node::Dir(dir) if depth < MAX_DEPTH => {
            let mut parts = vec![dir.header().0.to_le_bytes()];
            parts.extend(dir.remainder().map(|token| token.0.to_le_bytes()));
            parts.extend(
                dir.children()
                    .map(|(_, child)| without_names(child, depth + 1).0.to_le_bytes()),
            );
            hash(
                b'k',
                &parts.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>(),
            )
        }
        Node::Dir(_) | Node::File(_) | Node::Link(_) | Node::Opaque(_) => node.digest(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Link;
    use super::*;

    fn tree(files: &[(&str, &str)], links: &[(&str, &str)]) -> Node {
        let mut root = Node::empty_dir();
        for (path, bytes) in files {
            root.put(&RepoPath::from(*path), Node::of_bytes(bytes.as_bytes()));
        }
        for (path, target) in links {
            root.put(
                &RepoPath::from(*path),
                Node::Link(Link {
                    target: target.as_bytes().into(),
                    attributes: 0,
                }),
            );
        }
        root
    }

    fn read(reading: Reading, root: &Node, sources: &[&str]) -> ContentId {
        let selector = |path: &&str| Selector {
            path: (*path).to_owned(),
            wildcard: path.contains('*'),
            ..Selector::default()
        };
        digest_as(
            reading,
            root,
            true,
            &sources.iter().map(selector).collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn the_classic_builder_sees_paths_and_through_links() {
        let root = tree(
            &[
                ("src/a", "1"),
                ("lib/a", "1"),
                ("data/x", "1"),
                ("data/y", "1"),
            ],
            &[("src/l", "../data/x"), ("src/k", "no")],
        );
        assert_ne!(
            read(Reading::Paths, &root, &["src/a"]),
            read(Reading::Paths, &root, &["lib/a"])
        );
        let before = read(Reading::Paths, &root, &["src"]);
        let mut other = root.clone();
        other.put(
            &"src/l".into(),
            Node::Link(Link {
                target: b"./../data/x"[..].into(),
                attributes: 0,
            }),
        );
        assert_eq!(
            before,
            read(Reading::Paths, &other, &["src"]),
            "the same target, spelled otherwise"
        );
        other.put(&"data/x".into(), Node::of_bytes(b"2"));
        assert_ne!(
            before,
            read(Reading::Paths, &other, &["src"]),
            "the target's bytes"
        );
        other = root.clone();
        other.put(
            &"src/k".into(),
            Node::Link(Link {
                target: b"nowhere"[..].into(),
                attributes: 0,
            }),
        );
        assert_eq!(
            before,
            read(Reading::Paths, &other, &["src"]),
            "a broken link counts by its own path"
        );
        assert_ne!(
            read(Reading::Paths, &root, &["data/x", "data/y"]),
            read(Reading::Paths, &root, &["data/y", "data/x"])
        );
    }

    #[test]
    fn buildah_sees_what_arrives() {
        const ARRIVAL: Reading = Reading::Arrival {
            keeps_names: true,
            mode: None,
        };
        const RENAMED: Reading = Reading::Arrival {
            keeps_names: false,
            mode: None,
        };
        let root = tree(
            &[("src/a", "1"), ("lib/a", "1"), ("o", "1"), ("p", "1")],
            &[("l", "o")],
        );
        assert_eq!(
            read(ARRIVAL, &root, &["src"]),
            read(ARRIVAL, &root, &["lib"])
        );
        assert_ne!(read(ARRIVAL, &root, &["o"]), read(ARRIVAL, &root, &["p"]));
        assert_eq!(read(RENAMED, &root, &["o"]), read(RENAMED, &root, &["p"]));
        assert_eq!(read(RENAMED, &root, &["l"]), read(RENAMED, &root, &["p"]));
        assert_eq!(
            read(ARRIVAL, &root, &["src/*"]),
            read(ARRIVAL, &root, &["lib/*"])
        );
        let plain = Reading::Arrival {
            keeps_names: true,
            mode: Some(0o644),
        };
        let other = Reading::Arrival {
            keeps_names: true,
            mode: Some(0o755),
        };
        assert_eq!(
            read(ARRIVAL, &root, &["o"]),
            read(plain, &root, &["o"]),
            "644 is what a checkout has"
        );
        assert_ne!(read(ARRIVAL, &root, &["o"]), read(other, &root, &["o"]));
    }

    #[test]
    fn kaniko_does_not_see_names() {
        let root = tree(
            &[
                ("src/a", "1"),
                ("src/b", "2"),
                ("lib/c", "1"),
                ("lib/d", "2"),
                ("lib2/c", "2"),
                ("lib2/d", "1"),
            ],
            &[],
        );
        assert_eq!(
            read(Reading::Bytes, &root, &["src"]),
            read(Reading::Bytes, &root, &["lib"])
        );
        assert_ne!(
            read(Reading::Bytes, &root, &["src"]),
            read(Reading::Bytes, &root, &["lib2"])
        );
    }
}
