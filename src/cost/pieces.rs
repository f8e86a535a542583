//! All distinct pieces of work of a replay: each is drawn once per world, however many Dockerfile versions share it.

use super::estimate::Estimate;
use super::world::World;
use super::world::in_mood;
use std::collections::BTreeMap;

/// A piece's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PieceId(usize);

/// A kind of work and a (low, median, high) band.
type Piece = (usize, (u64, u64, u64));

/// The pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Kinds of work by name.
    kinds: BTreeMap<String, usize>,
    list: Vec<Piece>,
    known: BTreeMap<Piece, PieceId>,
}

/// How long each piece takes in one world.
#[derive(Debug)]
pub(super) struct Times(Vec<u64>);

impl Pieces {
    /// The piece's place, made if it is new. `key` names the kind of work.
    pub(super) fn add(&mut self, key: &str, estimate: &Estimate) -> PieceId {
        let next = self.kinds.len();
        let kind = match self.kinds.get(key) {
            Some(&kind) => kind,
            None => *self.kinds.entry(key.to_owned()).or_insert(next),
        };
        let band = (estimate.low_ms, estimate.median_ms, estimate.high_ms);
        let piece = (kind, band);
        *self.known.entry(piece).or_insert_with(|| {
            self.list.push(piece);
            PieceId(self.list.len() - 1)
        })
    }

    /// All of them in one world: the same as [`World::ms`] of each.
    pub(super) fn times(&self, world: World) -> Times {
        let mut moods = vec![None; self.kinds.len()];
        for (key, &kind) in &self.kinds {
            moods[kind] = world.mood(key);
        }
        let times = self
            .list
            .iter()
            .map(|&(kind, band)| in_mood(moods[kind], band));
        Times(times.collect())
    }
}

impl Times {
    /// How long that piece takes.
    pub(super) fn of(&self, piece: PieceId) -> u64 {
        self.0[piece.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_takes_as_long_as_its_work() {
        let mut pieces = Pieces::default();
        let works = [("a", 10), ("b", 10), ("a", 20), ("a", 10)];
        let band = |ms| Estimate::estimated(ms, ms / 2, ms * 3, "x");
        let ids = works.map(|(key, ms)| pieces.add(key, &band(ms)));
        assert_eq!((ids[0], ids.map(|i| i.0)), (ids[3], [0, 1, 2, 0]));
        for world in std::iter::once(World::median()).chain(World::all()) {
            let times = pieces.times(world);
            for ((key, ms), id) in works.into_iter().zip(ids) {
                assert_eq!(times.of(id), world.ms(key, &band(ms)));
            }
        }
    }
}
