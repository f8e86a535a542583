//! Which way a change goes, where part of it rests on what git cannot tell.
//!
//! Never: decides whether that is good enough.

use crate::score::EQUAL_MS;

/// Two readings: what is unknown ran, or it was cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// No difference in either.
    Same,
    /// Faster in both.
    Faster,
    /// Slower in both.
    Slower,
    /// Faster in one, the same in the other.
    FasterOrSame,
    /// Slower in one, the same in the other.
    SlowerOrSame,
    /// Faster in one, slower in the other.
    Unclear,
}

impl Direction {
    /// From both readings' change of the mean, in milliseconds; negative is faster.
    pub fn of(if_run: i64, if_cached: i64) -> Self {
        match (sign(if_run), sign(if_cached)) {
            (0, 0) => Self::Same,
            (-1, -1) => Self::Faster,
            (1, 1) => Self::Slower,
            (-1 | 0, -1 | 0) => Self::FasterOrSame,
            (1 | 0, 1 | 0) => Self::SlowerOrSame,
            _ => Self::Unclear,
        }
    }

    /// One word, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::FasterOrSame => "faster-or-same",
            Self::SlowerOrSame => "slower-or-same",
            Self::Unclear => "unclear",
        }
    }

    /// What it is called in the middle of a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "the same",
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::FasterOrSame => "faster or the same",
            Self::SlowerOrSame => "slower or the same",
            Self::Unclear => "faster or slower",
        }
    }
}

/// 0 where the difference is none.
fn sign(change: i64) -> i64 {
    if change.unsigned_abs() <= EQUAL_MS {
        0
    } else {
        change.signum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readings_count() {
        for (if_run, if_cached, want) in [
            (0, 50, Direction::Same),
            (-900, -51, Direction::Faster),
            (900, 51, Direction::Slower),
            (-900, -20, Direction::FasterOrSame),
            (0, -900, Direction::FasterOrSame),
            (900, 0, Direction::SlowerOrSame),
            (900, -900, Direction::Unclear),
        ] {
            assert_eq!(
                Direction::of(if_run, if_cached),
                want,
                "{if_run} {if_cached}"
            );
        }
    }
}
