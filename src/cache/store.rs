//! Records and the links by which they are found.
//!
//! After moby/buildkit solver/cachemanager.go and solver/edge.go: a key id is found when one and the same id is
//! linked from every input, each by the input's own key id or, where it is read, by the digest of its content.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;

/// A cache key: a small number that stands for an operation on certain inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

/// An operation's text, interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(u32);

/// How one input is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputKey {
    /// There is no input: images, documents, directories made on nothing.
    Nothing,
    /// By its own key, and the interned text of the paths read from it.
    Key(KeyId, OpId),
    /// By the digest of the content that is read (in halves: a cache has millions of links, and a whole one would
    /// make each of them half as large again).
    Content([u64; 2]),
}

impl InputKey {
    /// What is read, by its digest.
    pub fn content(digest: u128) -> Self {
        Self::Content([(digest >> 64) as u64, digest as u64])
    }
}

/// From one input of an operation to the ids it may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The operation.
    pub op: OpId,
    /// Which of its inputs, from 0.
    pub index: u32,
    /// How that input is known.
    pub input: InputKey,
}

/// What is stored under a key.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Whether the bytes are there, or the key alone.
    pub has_result: bool,
    /// Which execution made them: tells the bytes of two runs apart.
    pub execution: u64,
    /// Position in the replay of the build that made them.
    pub build: usize,
}

/// The ids that are linked from one input: nearly always a single one.
#[derive(Clone, Debug)]
struct Ids {
    first: KeyId,
    more: Option<Box<FxHashSet<KeyId>>>,
}

impl Ids {
    fn len(&self) -> usize {
        1 + self.more.as_ref().map_or(0, |more| more.len())
    }

    fn contains(&self, id: KeyId) -> bool {
        self.first == id || self.more.as_ref().is_some_and(|more| more.contains(&id))
    }

    fn add(&mut self, id: KeyId) {
        if self.first != id {
            self.more.get_or_insert_default().insert(id);
        }
    }

    /// In no order that means anything.
    fn iter(&self) -> impl Iterator<Item = KeyId> {
        std::iter::once(self.first).chain(self.more.iter().flat_map(|more| more.iter().copied()))
    }

    /// Those for which `stays` holds; `None` where it holds for none.
    fn retained(&self, stays: impl Fn(KeyId) -> bool) -> Option<Self> {
        let mut left = self.iter().filter(|id| stays(*id));
        let first = left.next()?;
        let more: FxHashSet<KeyId> = left.collect();
        let more = (!more.is_empty()).then(|| Box::new(more));
        Some(Self { first, more })
    }
}

/// A cache.
#[derive(Clone, Debug, Default)]
pub struct Store {
    ops: FxHashMap<u128, OpId>,
    links: FxHashMap<Link, Ids>,
    records: Vec<Record>,
    executions: u64,
}

impl Store {
    /// The number of an operation, or of a list of paths, by the digest of its text.
    pub fn intern(&mut self, text: u128) -> OpId {
        let next = OpId(
            u32::try_from(self.ops.len()).expect("fewer than 2^32 operations fit into memory"),
        );
        *self.ops.entry(text).or_insert(next)
    }

    /// An id that is linked from every input, by one of the ways in which each is known (a link says whose it is).
    /// Of several, one that has a result, the newest.
    pub fn find(&self, n_inputs: usize, ways: &[Link]) -> Option<KeyId> {
        let known: Vec<(u32, &Ids)> = ways
            .iter()
            .filter_map(|link| Some((link.index, self.links.get(link)?)))
            .collect();
        let of = |input: usize| known.iter().filter(move |(i, _)| *i as usize == input);
        let n_candidates = |i: &usize| of(*i).map(|(_, ids)| ids.len()).sum::<usize>();
        let fewest = (0..n_inputs).min_by_key(n_candidates)?;
        let fits = |id: &KeyId| {
            (0..n_inputs).all(|i| i == fewest || of(i).any(|(_, ids)| ids.contains(*id)))
        };
        of(fewest)
            .flat_map(|(_, ids)| ids.iter())
            .filter(fits)
            .max_by_key(|id| (self.record(*id).has_result, *id))
    }

    /// A key that nothing is linked to yet.
    pub fn create(&mut self) -> KeyId {
        let id =
            KeyId(u32::try_from(self.records.len()).expect("fewer than 2^32 keys fit into memory"));
        self.records.push(Record {
            has_result: false,
            execution: 0,
            build: 0,
        });
        id
    }

    /// Adds a link; an existing one stays one.
    pub fn link(&mut self, link: Link, id: KeyId) {
        self.links
            .entry(link)
            .and_modify(|ids| ids.add(id))
            .or_insert(Ids {
                first: id,
                more: None,
            });
    }

    /// Stores fresh bytes under a key.
    pub fn save(&mut self, id: KeyId, build: usize) {
        self.executions += 1;
        self.records[id.0 as usize] = Record {
            has_result: true,
            execution: self.executions,
            build,
        };
    }

    /// What is stored under a key.
    pub fn record(&self, id: KeyId) -> Record {
        self.records[id.0 as usize]
    }

    /// What a cache export of one build leaves: the keys in `kept`, with their results where `with_result` says so
    /// and they are there. Everything else is forgotten.
    pub fn export(&mut self, kept: &[KeyId], with_result: impl Fn(KeyId) -> bool) {
        let kept: FxHashSet<KeyId> = kept.iter().copied().collect();
        self.links.retain(|link, ids| {
            let is_left = !matches!(link.input, InputKey::Key(input, _) if !kept.contains(&input));
            let left = is_left
                .then(|| ids.retained(|id| kept.contains(&id)))
                .flatten();
            left.map(|left| *ids = left).is_some()
        });
        for (n, record) in self.records.iter_mut().enumerate() {
            let id = KeyId(n as u32);
            record.has_result &= kept.contains(&id) && with_result(id);
        }
    }
}
