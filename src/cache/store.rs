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
    /// By the digest of the content that is read.
    Content(u128),
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

/// A cache.
#[derive(Clone, Debug, Default)]
pub struct Store {
    ops: FxHashMap<String, OpId>,
    links: FxHashMap<Link, Vec<KeyId>>,
    linked: FxHashSet<(Link, KeyId)>,
    records: Vec<Record>,
    executions: u64,
}

impl Store {
    /// The number of an operation's text.
    pub fn intern(&mut self, text: &str) -> OpId {
        if let Some(&id) = self.ops.get(text) {
            return id;
        }
        let id = OpId(
            u32::try_from(self.ops.len()).expect("fewer than 2^32 operations fit into memory"),
        );
        self.ops.insert(text.to_owned(), id);
        id
    }

    /// An id that is linked from every input; each input comes with all the ways in which it is known.
    /// Of several, one that has a result, the newest.
    pub fn find(&self, inputs: &[Vec<Link>]) -> Option<KeyId> {
        let lists = |ways: &Vec<Link>| {
            ways.iter()
                .filter_map(|l| self.links.get(l))
                .map(Vec::len)
                .sum::<usize>()
        };
        let fewest = (0..inputs.len()).min_by_key(|&i| lists(&inputs[i]))?;
        let candidates = inputs[fewest]
            .iter()
            .filter_map(|l| self.links.get(l))
            .flatten()
            .copied();
        let fits = |id: &KeyId| {
            inputs.iter().enumerate().all(|(i, ways)| {
                i == fewest || ways.iter().any(|l| self.linked.contains(&(*l, *id)))
            })
        };
        candidates
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
        if self.linked.insert((link, id)) {
            self.links.entry(link).or_default().push(id);
        }
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
        let stays = |link: &Link, id: &KeyId| {
            kept.contains(id)
                && !matches!(link.input, InputKey::Key(input, _) if !kept.contains(&input))
        };
        self.linked.retain(|(link, id)| stays(link, id));
        self.links.retain(|link, ids| {
            ids.retain(|id| stays(link, id));
            !ids.is_empty()
        });
        for (n, record) in self.records.iter_mut().enumerate() {
            let id = KeyId(n as u32);
            record.has_result &= kept.contains(&id) && with_result(id);
        }
    }
}
