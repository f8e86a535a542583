//! Paths and file identities: what file trees are made of.
//!
//! Never: reads a file, knows git or Docker.

use std::fmt;
use std::sync::Arc;

/// A path of bytes with `/` between names: relative, clean (no `.`/`..`, no leading or trailing slash).
/// The empty path is the root. Git paths need not be UTF-8, so this is not a `str`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<[u8]>);

impl RepoPath {
    /// The root.
    pub fn root() -> Self {
        Self(Arc::from(&b""[..]))
    }

    /// Cleans `text` as Go's `path.Clean` does, relative to the root: `./a//b/../c/` is `a/c`; `..` stops at the root.
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        if text
            .split(|&b| b == b'/')
            .all(|name| !matches!(name, b"" | b"." | b".."))
        {
            return Self(Arc::from(text));
        }
        let mut names: Vec<&[u8]> = Vec::new();
        for name in text.split(|&b| b == b'/') {
            match name {
                b"" | b"." => {}
                b".." => {
                    names.pop();
                }
                _ => names.push(name),
            }
        }
        Self(names.join(&b'/').into())
    }

    /// The bytes, names joined by `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names from the root down; none for the root.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|n| !n.is_empty())
    }

    /// The last name, if any.
    pub fn file_name(&self) -> Option<&[u8]> {
        self.names().next_back()
    }

    /// The directory this path is in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        Some(Self(self.0[..cut].into()))
    }

    /// `self/other`.
    pub fn join(&self, other: &[u8]) -> Self {
        if self.is_root() {
            return Self::new(other);
        }
        Self::new([self.as_bytes(), b"/", other].concat())
    }

    /// The rest of this path below `base`, the root if they are equal; `None` if it is not below.
    pub fn strip_prefix(&self, base: &Self) -> Option<Self> {
        if base.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(base.as_bytes())?;
        match rest.first() {
            None => Some(Self::root()),
            Some(b'/') => Some(Self(rest[1..].into())),
            Some(_) => None,
        }
    }
}

/// Lossy: bytes that are not UTF-8 show as U+FFFD.
impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl From<&str> for RepoPath {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// A git object id: 20 bytes (SHA-1) or 32 (SHA-256).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    bytes: [u8; 32],
    len: u8,
}

impl ObjectId {
    /// From raw bytes; `None` unless there are 20 or 32.
    pub fn from_bytes(raw: &[u8]) -> Option<Self> {
        if raw.len() != 20 && raw.len() != 32 {
            return None;
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        Some(Self {
            bytes,
            len: raw.len() as u8,
        })
    }

    /// The raw bytes, 20 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// Lower-case hexadecimal, whole.
impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.as_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        let text = &text[..2 * usize::from(self.len)];
        f.write_str(std::str::from_utf8(text).unwrap_or_default())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What kind of thing a tree entry is; git knows no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// Mode 100644 (0644 in a checkout under umask 022).
    Regular,
    /// Mode 100755 (0755 in a checkout under umask 022).
    Executable,
    /// Mode 120000; the blob is the target's text.
    Symlink,
    /// Mode 160000: a submodule; the id is the commit it points at.
    Submodule,
}

/// What a builder can tell apart about a file from git alone: its kind and its bytes' identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileStamp {
    /// Kind and executable bit.
    pub kind: FileKind,
    /// The blob's id, or the submodule's commit.
    pub id: ObjectId,
}

/// One path that differs between two builds' trees. A rename is a removal and an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path relative to the build context.
    pub path: RepoPath,
    /// Before; `None` when added.
    pub old: Option<FileStamp>,
    /// After; `None` when removed.
    pub new: Option<FileStamp>,
}
