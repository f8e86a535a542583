//! 128-bit identities: the only file that knows the hash.
//!
//! They are compared within one run only; neither stability over versions nor resistance to someone who wants
//! two equal ones is promised.

use crate::tree::ObjectId;
use std::fmt;
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh3::xxh3_128;

/// The identity of some content: equal contents have equal identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(pub u128);

impl ContentId {
    /// The identity of bytes that are not in git (a heredoc).
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes))
    }

    /// The identity of a blob or a commit, from its object id: already a hash, so folding it onto itself serves.
    pub fn of_object(id: &ObjectId) -> Self {
        let fold = |sum: u128, part: &[u8]| {
            let mut padded = [0; 16];
            padded[..part.len()].copy_from_slice(part);
            sum ^ u128::from_be_bytes(padded)
        };
        Self(id.as_bytes().chunks(16).fold(0, fold))
    }

    /// The identity of what is called `name` below something whose content is known by this token alone.
    pub fn below(self, name: &[u8]) -> Self {
        hash(b'n', &[&self.0.to_le_bytes(), name])
    }

    /// The identity of this together with `other`, in this order.
    pub fn with(self, other: Self) -> Self {
        hash(b'w', &[&self.0.to_le_bytes(), &other.0.to_le_bytes()])
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A hash of a few bytes with no parts to keep apart: they begin with a tag, and have one length for each tag.
pub(super) fn hash_fixed<const N: usize>(bytes: &[u8; N]) -> ContentId {
    ContentId(xxh3_128(bytes))
}

/// A hash of `head`, whose length is fixed for its tag, and a name behind it.
pub(super) fn hash_named<const N: usize>(head: &[u8; N], name: &[u8]) -> ContentId {
    const ON_STACK: usize = 192;
    let total = N + name.len();
    if total <= ON_STACK {
        let mut buffer = [0_u8; ON_STACK];
        buffer[..N].copy_from_slice(head);
        buffer[N..total].copy_from_slice(name);
        return ContentId(xxh3_128(&buffer[..total]));
    }
    ContentId(xxh3_128(&[head, name].concat()))
}

/// A hash of `parts`, each with its length, under a `tag` that keeps the kinds of things apart.
pub(super) fn hash(tag: u8, parts: &[&[u8]]) -> ContentId {
    const ON_STACK: usize = 192;
    let total: usize = 1 + parts.iter().map(|part| part.len() + 8).sum::<usize>();
    if total <= ON_STACK {
        let mut buffer = [0_u8; ON_STACK];
        buffer[0] = tag;
        let mut at = 1;
        for part in parts {
            buffer[at..at + 8].copy_from_slice(&(part.len() as u64).to_le_bytes());
            buffer[at + 8..at + 8 + part.len()].copy_from_slice(part);
            at += 8 + part.len();
        }
        return ContentId(xxh3_128(&buffer[..at]));
    }
    let mut state = Xxh3::new();
    state.update(&[tag]);
    for part in parts {
        state.update(&(part.len() as u64).to_le_bytes());
        state.update(part);
    }
    ContentId(state.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart_and_length_does_not_change_the_way_of_hashing() {
        assert_ne!(hash(b'a', &[b"x", b"yz"]), hash(b'a', &[b"xy", b"z"]));
        assert_ne!(hash(b'a', &[b"x"]), hash(b'b', &[b"x"]));
        let long = vec![7_u8; 500];
        assert_eq!(hash(b'a', &[&long]), hash(b'a', &[&long]));
        let mut plain = vec![b'a'];
        plain.extend(3_u64.to_le_bytes());
        plain.extend(b"abc");
        assert_eq!(hash(b'a', &[b"abc"]).0, xxh3_128(&plain));
    }
}
