//! A figure with its band and where it comes from.

use std::fmt;

/// Milliseconds with a 10–90 % band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// As often longer as shorter.
    pub median_ms: u64,
    /// One in ten is shorter.
    pub low_ms: u64,
    /// One in ten is longer.
    pub high_ms: u64,
    /// Where it comes from.
    pub source: Source,
}

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the user's own logs.
    Measured {
        /// Number of observations.
        n: usize,
        /// How the observation was matched with the step.
        by: Match,
    },
    /// From published figures of others.
    Estimated {
        /// Which, in plain words.
        from: String,
    },
}

/// How close a measured figure is to what it is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// The same step: stage and text.
    Step,
    /// The same text in another stage.
    Text,
    /// Another step that runs commands of the same kinds.
    Kind,
}

impl Source {
    /// Whether it is a guess of this program's: its sources say so with the word.
    pub fn is_assumption(&self) -> bool {
        matches!(self, Self::Estimated { from } if from.contains("assumption"))
    }
}

impl Estimate {
    /// A measured figure.
    pub fn measured(median_ms: u64, low_ms: u64, high_ms: u64, n: usize, by: Match) -> Self {
        Self {
            median_ms,
            low_ms,
            high_ms,
            source: Source::Measured { n, by },
        }
    }

    /// An estimated figure.
    pub fn estimated(median_ms: u64, low_ms: u64, high_ms: u64, from: impl Into<String>) -> Self {
        Self {
            median_ms,
            low_ms,
            high_ms,
            source: Source::Estimated { from: from.into() },
        }
    }

    /// Whether it comes from the user's own logs.
    pub fn is_measured(&self) -> bool {
        matches!(self.source, Source::Measured { .. })
    }

    /// One after the other: medians add up, and the bands as those of independent figures do (root of the squares),
    /// since not everything is slow at once.
    pub fn chain(parts: &[Self]) -> Option<Self> {
        let first = parts.first()?;
        if parts.len() == 1 {
            return Some(first.clone());
        }
        let median_ms = parts
            .iter()
            .fold(0u64, |sum, p| sum.saturating_add(p.median_ms));
        let root = |distance: &dyn Fn(&Self) -> u64| {
            let squares: f64 = parts.iter().map(|p| (distance(p) as f64).powi(2)).sum();
            squares.sqrt() as u64
        };
        let below = root(&|p| p.median_ms.saturating_sub(p.low_ms));
        let above = root(&|p| p.high_ms.saturating_sub(p.median_ms));
        let (low_ms, high_ms) = (
            median_ms.saturating_sub(below),
            median_ms.saturating_add(above),
        );
        if let Some((n, by)) = all_measured(parts) {
            return Some(Self::measured(median_ms, low_ms, high_ms, n, by));
        }
        let mut sources: Vec<String> = Vec::new();
        for part in parts {
            let text = part.source.to_string();
            if !sources.contains(&text) {
                sources.push(text);
            }
        }
        let from = sources.join("; ");
        Some(Self::estimated(median_ms, low_ms, high_ms, from))
    }

    /// Everything times `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        let times = |ms: u64| (ms as f64 * factor).round() as u64;
        Self {
            median_ms: times(self.median_ms),
            low_ms: times(self.low_ms),
            high_ms: times(self.high_ms),
            source: self.source.clone(),
        }
    }
}

/// The fewest observations and the farthest match, when every part was measured.
fn all_measured(parts: &[Estimate]) -> Option<(usize, Match)> {
    parts.iter().try_fold(
        (usize::MAX, Match::Step),
        |(fewest, farthest), part| match part.source {
            Source::Measured { n, by } => Some((fewest.min(n), farthest.max(by))),
            Source::Estimated { .. } => None,
        },
    )
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measured { n, by } => {
                let how = match by {
                    Match::Step => "this step",
                    Match::Text => "the same instruction in another stage",
                    Match::Kind => "steps of the same kind",
                };
                write!(
                    f,
                    "measured {n} time{} on {how}",
                    if *n == 1 { "" } else { "s" }
                )
            }
            Self::Estimated { from } => f.write_str(from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_add_medians_and_keep_the_band_narrower_than_the_sum() {
        let a = Estimate::estimated(10, 7, 14, "a");
        let b = Estimate::estimated(20, 16, 23, "b");
        let both = Estimate::chain(&[a, b]).unwrap();
        assert_eq!((both.median_ms, both.low_ms, both.high_ms), (30, 25, 35));
        assert_eq!(both.source.to_string(), "a; b");
        assert!(Estimate::chain(&[]).is_none());
    }
}
