//! Git's objects as bytes: trees, commits, and how two trees differ.
//!
//! Trees are compared by object id, so that equal subtrees are never opened: the cost is that of the changes. (The git
//! library's own comparison opens every tree of both sides.)

use super::commit::Commit;
use super::error::Error;
use super::error::ErrorKind;
use crate::tree::Change;
use crate::tree::FileKind;
use crate::tree::FileStamp;
use crate::tree::ObjectId;
use crate::tree::RepoPath;
use std::cmp::Ordering;
use std::rc::Rc;

/// Directories deeper than this are taken for an attack.
const MAX_DEPTH: usize = 1024;

/// The bytes of a tree, shared with who keeps them.
pub(super) type Bytes = Rc<[u8]>;

/// Gives the bytes of a tree.
pub(super) type ReadTree<'a> = dyn Fn(&ObjectId) -> Result<Bytes, Error> + 'a;

/// One entry of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    /// `None`: a directory.
    pub(super) kind: Option<FileKind>,
    id: &'a [u8],
}

impl Entry<'_> {
    pub(super) fn id(&self) -> Result<ObjectId, Error> {
        ObjectId::from_bytes(self.id).ok_or_else(|| corrupt("a tree"))
    }

    fn stamp(&self, kind: FileKind) -> Result<FileStamp, Error> {
        Ok(FileStamp {
            kind,
            id: self.id()?,
        })
    }

    /// Git orders directories as if their names ended with a slash.
    fn sort_key(&self) -> impl Iterator<Item = u8> {
        self.name
            .iter()
            .copied()
            .chain(self.kind.is_none().then_some(b'/'))
    }
}

/// The entries of a tree; `id_len` is 20 or 32.
pub(super) fn entries(
    bytes: &[u8],
    id_len: usize,
) -> impl Iterator<Item = Result<Entry<'_>, Error>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let parsed = entry(rest, id_len);
        rest = parsed.as_ref().map_or(&[][..], |(_, rest)| rest);
        Some(
            parsed
                .map(|(entry, _)| entry)
                .ok_or_else(|| corrupt("a tree")),
        )
    })
}

/// The first entry, if there is one, and what is behind it.
fn first_entry(bytes: &[u8], id_len: usize) -> Result<(Option<Entry<'_>>, &[u8]), Error> {
    if bytes.is_empty() {
        return Ok((None, bytes));
    }
    let (first, rest) = entry(bytes, id_len).ok_or_else(|| corrupt("a tree"))?;
    Ok((Some(first), rest))
}

fn entry(bytes: &[u8], id_len: usize) -> Option<(Entry<'_>, &[u8])> {
    // A mode has five digits (a directory) or six; old tools wrote other things too.
    let space = bytes.iter().take(16).position(|&b| b == b' ')?;
    let mode = bytes[..space].iter().try_fold(0_u32, |mode, &b| match b {
        b'0'..=b'7' if mode < 1 << 24 => Some(mode * 8 + u32::from(b - b'0')),
        _ => None,
    })?;
    let kind = match mode & 0o170_000 {
        0o040_000 => None,
        0o120_000 => Some(FileKind::Symlink),
        0o160_000 => Some(FileKind::Submodule),
        _ if mode & 0o100 != 0 => Some(FileKind::Executable),
        _ => Some(FileKind::Regular),
    };
    let rest = &bytes[space + 1..];
    let end = name_end(rest)?;
    let id = rest.get(end + 1..end + 1 + id_len)?;
    Some((
        Entry {
            name: &rest[..end],
            kind,
            id,
        },
        &rest[end + 1 + id_len..],
    ))
}

/// Where the zero behind a name is.
fn name_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(0, bytes)
}

/// How many bytes two slices begin with alike.
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.as_chunks::<32>().0.iter().zip(b.as_chunks::<32>().0);
    let n_blocks = blocks.take_while(|(a, b)| a == b).count();
    let start = n_blocks * 32;
    // The first block that differs, or what is left of the shorter one.
    let rest = a[start..].iter().zip(&b[start..]);
    start + rest.take(32).take_while(|(a, b)| a == b).count()
}

/// How many bytes of whole entries two trees begin with alike: most of what is to be compared.
fn common_entries(a: &[u8], b: &[u8], id_len: usize) -> usize {
    let common = common_bytes(a, b);
    let mut end = 0;
    while let Some(name) = name_end(&a[end..]) {
        let next = end + name + 1 + id_len;
        if next > common {
            break;
        }
        end = next;
    }
    end
}

/// The entry called `name`, if there is one.
pub(super) fn find<'a>(
    bytes: &'a [u8],
    id_len: usize,
    name: &[u8],
) -> Result<Option<Entry<'a>>, Error> {
    entries(bytes, id_len)
        .find(|entry| entry.as_ref().map_or(true, |entry| entry.name == name))
        .transpose()
}

/// Appends what differs between two trees (`None`: empty), in git's order.
pub(super) fn compare(
    read: &ReadTree<'_>,
    old: Option<&ObjectId>,
    new: Option<&ObjectId>,
    out: &mut Vec<Change>,
) -> Result<(), Error> {
    Comparison {
        read,
        path: Vec::new(),
        out,
    }
    .trees(old, new, 0)
}

struct Comparison<'a> {
    read: &'a ReadTree<'a>,
    path: Vec<u8>,
    out: &'a mut Vec<Change>,
}

impl Comparison<'_> {
    fn trees(
        &mut self,
        old: Option<&ObjectId>,
        new: Option<&ObjectId>,
        depth: usize,
    ) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return Err(corrupt("a tree with too many levels"));
        }
        let id_len = old.or(new).map_or(20, |id| id.as_bytes().len());
        let empty = || Ok(Rc::default());
        let old_bytes = old.map_or_else(empty, self.read)?;
        let new_bytes = new.map_or_else(empty, self.read)?;
        let (mut olds, mut news) = (&old_bytes[..], &new_bytes[..]);
        while olds != news {
            let common = common_entries(olds, news, id_len);
            (olds, news) = (&olds[common..], &news[common..]);
            let (old, old_rest) = first_entry(olds, id_len)?;
            let (new, new_rest) = first_entry(news, id_len)?;
            let order = match (&old, &new) {
                (Some(old), Some(new)) => old.sort_key().cmp(new.sort_key()),
                (Some(_), None) => Ordering::Less,
                (None, _) => Ordering::Greater,
            };
            if order.is_le() {
                olds = old_rest;
            }
            if order.is_ge() {
                news = new_rest;
            }
            self.entry(
                old.filter(|_| order.is_le()),
                new.filter(|_| order.is_ge()),
                depth,
            )?;
        }
        Ok(())
    }

    /// Two entries of one name; both directories or both not.
    fn entry(
        &mut self,
        old: Option<Entry<'_>>,
        new: Option<Entry<'_>>,
        depth: usize,
    ) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        let Some(any) = old.or(new) else {
            return Ok(());
        };
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend(any.name);
        if any.kind.is_none() {
            let old = old.map(|entry| entry.id()).transpose()?;
            let new = new.map(|entry| entry.id()).transpose()?;
            self.trees(old.as_ref(), new.as_ref(), depth + 1)?;
        } else {
            let stamp = |entry: Option<Entry<'_>>| {
                entry
                    .and_then(|entry| Some(entry.stamp(entry.kind?)))
                    .transpose()
            };
            let (old, new) = (stamp(old)?, stamp(new)?);
            self.out.push(Change {
                path: RepoPath::new(&self.path),
                old,
                new,
            });
        }
        self.path.truncate(length);
        Ok(())
    }
}

/// A commit and its tree.
pub(super) fn commit(id: ObjectId, bytes: &[u8]) -> Result<(Commit, ObjectId), Error> {
    let error = || corrupt(&format!("commit {id}"));
    let mut commit = Commit {
        id,
        parent: None,
        time: 0,
        subject: String::new(),
        author: String::new(),
    };
    let mut tree = None;
    let mut lines = bytes.split(|&b| b == b'\n');
    for line in lines.by_ref() {
        let Some(space) = line.iter().position(|&b| b == b' ') else {
            break;
        };
        let value = &line[space + 1..];
        match &line[..space] {
            b"tree" if tree.is_none() => tree = Some(hexadecimal(value).ok_or_else(error)?),
            b"parent" if commit.parent.is_none() => {
                commit.parent = Some(hexadecimal(value).ok_or_else(error)?)
            }
            b"author" => commit.author = name(value),
            b"committer" => commit.time = time(value),
            _ => {}
        }
    }
    let subject = lines
        .find(|line| !line.trim_ascii().is_empty())
        .unwrap_or_default();
    commit.subject = String::from_utf8_lossy(subject.trim_ascii()).into_owned();
    Ok((commit, tree.ok_or_else(error)?))
}

/// An object id written out.
pub(super) fn hexadecimal(text: &[u8]) -> Option<ObjectId> {
    if !text.len().is_multiple_of(2) || text.len() > 64 {
        return None;
    }
    let mut raw = [0; 32];
    for (byte, pair) in raw.iter_mut().zip(text.chunks(2)) {
        let digit = |b: u8| char::from(b).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    ObjectId::from_bytes(&raw[..text.len() / 2])
}

/// `Name <mail> 1700000000 +0100`: the name.
fn name(signature: &[u8]) -> String {
    let end = signature
        .iter()
        .position(|&b| b == b'<')
        .unwrap_or(signature.len());
    String::from_utf8_lossy(signature[..end].trim_ascii()).into_owned()
}

/// The same line's time; 0 where it has none, as git reads it.
fn time(signature: &[u8]) -> i64 {
    let after = signature
        .iter()
        .rposition(|&b| b == b'>')
        .map_or(&[][..], |at| &signature[at + 1..]);
    let number = after
        .trim_ascii_start()
        .split(|&b| b == b' ')
        .next()
        .unwrap_or_default();
    std::str::from_utf8(number)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{what} is damaged")).with_help("run `git fsck`")
}
