//! What was measured: observations of steps, lookups and the work around them.

use super::estimate::Estimate;
use super::estimate::Match;
use std::collections::BTreeMap;

/// More observations than this of one thing are not kept; the newest stay.
pub(super) const MAX_SAMPLES: usize = 100;

/// Durations of one thing, in milliseconds (of a speed: bytes a second), in the order in which they were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    samples: Vec<u64>,
}

impl Observations {
    /// From durations in milliseconds.
    pub fn new(samples: impl IntoIterator<Item = u64>) -> Self {
        let mut observed = Self::default();
        samples.into_iter().for_each(|ms| observed.add(ms));
        observed
    }

    /// One more; the oldest goes when there are too many.
    pub fn add(&mut self, ms: u64) {
        if self.samples.len() == MAX_SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push(ms);
    }

    /// All of another's.
    pub fn merge(&mut self, other: &Self) {
        other.samples.iter().for_each(|&ms| self.add(ms));
    }

    /// The durations.
    pub fn samples(&self) -> &[u64] {
        &self.samples
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Median and 10–90 % band. Few observations say little about the spread: below five the band reaches at least
    /// from 0.7 to 1.4 times the median, an assumption.
    pub fn estimate(&self, by: Match) -> Option<Estimate> {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        let median = quantile(&sorted, 50)?;
        let (mut low, mut high) = (quantile(&sorted, 10)?, quantile(&sorted, 90)?);
        if sorted.len() < 5 {
            low = low.min(median * 7 / 10);
            high = high.max(median.saturating_mul(14) / 10);
        }
        Some(Estimate::measured(median, low, high, sorted.len(), by))
    }

    fn scaled(&self, factor: u64) -> Self {
        Self {
            samples: self
                .samples
                .iter()
                .map(|ms| ms.saturating_mul(factor))
                .collect(),
        }
    }
}

/// The value below which `percent` of a sorted list lie, interpolated.
pub(super) fn quantile(sorted: &[u64], percent: u64) -> Option<u64> {
    let last = sorted.len().checked_sub(1)? as u64;
    let (at, rest) = (last * percent / 100, last * percent % 100);
    let (below, above) = (sorted[at as usize], sorted[(at + 1).min(last) as usize]);
    Some(below + ((u128::from(above - below) * u128::from(rest)) / 100) as u64)
}

/// A layer's or an image's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// As `docker history` and `docker images` show it.
    pub unpacked: Option<u64>,
    /// As it travels.
    pub compressed: Option<u64>,
}

impl Size {
    fn or(self, other: Self) -> Self {
        Self {
            unpacked: self.unpacked.or(other.unpacked),
            compressed: self.compressed.or(other.compressed),
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What was seen of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepProfile {
    /// Runs.
    pub runs: Observations,
    /// Times it was CACHED.
    pub lookups: u64,
    /// Its layer.
    pub layer: Size,
}

/// Work of a build beside its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Overhead {
    /// Reading the Dockerfile and the ignore file, asking registries, sending the context.
    Setup,
    /// Exporting an image with new layers.
    Export,
    /// Exporting an image all of whose layers were there.
    ExportUnchanged,
    /// Exporting the cache after a build that ran a step.
    CacheExport,
    /// Exporting the cache after a build that ran none.
    CacheExportUnchanged,
}

impl Overhead {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Setup,
        Self::Export,
        Self::ExportUnchanged,
        Self::CacheExport,
        Self::CacheExportUnchanged,
    ];

    /// The kind of work it is: exports are fast or slow together, whether something changed or not.
    pub(super) fn work(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Export | Self::ExportUnchanged => "export",
            Self::CacheExport | Self::CacheExportUnchanged => "cache-export",
        }
    }

    /// Its name in profiles.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Export => "export",
            Self::ExportUnchanged => "export-unchanged",
            Self::CacheExport => "cache-export",
            Self::CacheExportUnchanged => "cache-export-unchanged",
        }
    }
}

/// How fast something is, in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speed {
    /// From registry or cache, compressed bytes.
    Download,
    /// To registry or cache, compressed bytes.
    Upload,
    /// Into layers, unpacked bytes.
    Compress,
    /// Onto the disk, unpacked bytes.
    Unpack,
}

impl Speed {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Download, Self::Upload, Self::Compress, Self::Unpack];

    /// Its name in profiles and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Compress => "compress",
            Self::Unpack => "unpack",
        }
    }
}

/// Everything measured, from any number of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The logs it comes from, by name.
    pub sources: Vec<String>,
    /// Steps by stage (empty where the builder prints none) and normalised text.
    pub steps: BTreeMap<(String, String), StepProfile>,
    /// Runs by kind of command, see [`super::prior::signature`].
    pub kinds: BTreeMap<String, Observations>,
    /// Work beside the steps.
    pub overheads: BTreeMap<Overhead, Observations>,
    /// Speeds, bytes a second.
    pub speeds: BTreeMap<Speed, Observations>,
    /// Base images by normalised reference.
    pub images: BTreeMap<String, Size>,
}

impl Profile {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.kinds.is_empty()
            && self.overheads.is_empty()
            && self.speeds.is_empty()
            && self.images.is_empty()
    }

    /// The observations of a step: its own, else those of the same text in other stages.
    pub fn step(&self, stage: Option<&str>, text: &str) -> Option<(&StepProfile, Match)> {
        let key = (stage.unwrap_or_default().to_owned(), normalised(text));
        if let Some(step) = self.steps.get(&key) {
            return Some((step, Match::Step));
        }
        self.steps
            .iter()
            .find(|((_, t), s)| *t == key.1 && !s.runs.is_empty())
            .map(|(_, s)| (s, Match::Text))
    }

    /// The layer of a step: its own, else that of the same text in another stage.
    pub fn layer(&self, stage: Option<&str>, text: &str) -> Option<Size> {
        let key = (stage.unwrap_or_default().to_owned(), normalised(text));
        let own = self
            .steps
            .get(&key)
            .map(|s| s.layer)
            .filter(|l| !l.is_empty());
        own.or_else(|| {
            self.steps
                .iter()
                .find(|((_, t), s)| *t == key.1 && !s.layer.is_empty())
                .map(|(_, s)| s.layer)
        })
    }

    /// Adds what another profile saw.
    pub fn merge(&mut self, other: &Self) {
        for source in &other.sources {
            if !self.sources.contains(source) {
                self.sources.push(source.clone());
            }
        }
        for (key, step) in &other.steps {
            let mine = self.steps.entry(key.clone()).or_default();
            mine.runs.merge(&step.runs);
            mine.lookups += step.lookups;
            mine.layer = step.layer.or(mine.layer);
        }
        for (kind, observed) in &other.kinds {
            self.kinds.entry(kind.clone()).or_default().merge(observed);
        }
        for (overhead, observed) in &other.overheads {
            self.overheads.entry(*overhead).or_default().merge(observed);
        }
        for (speed, observed) in &other.speeds {
            self.speeds.entry(*speed).or_default().merge(observed);
        }
        for (name, size) in &other.images {
            let mine = self.images.entry(name.clone()).or_default();
            *mine = size.or(*mine);
        }
    }

    /// The same with every duration times `factor`.
    pub fn slower(&self, factor: u64) -> Self {
        let mut slow = self.clone();
        slow.steps
            .values_mut()
            .for_each(|s| s.runs = s.runs.scaled(factor));
        slow.kinds.values_mut().for_each(|o| *o = o.scaled(factor));
        slow.overheads
            .values_mut()
            .for_each(|o| *o = o.scaled(factor));
        slow
    }
}

/// A step's text without what differs between builders' spellings of the same: blanks collapse, images lose
/// `docker.io/library/` and their digest.
pub fn normalised(text: &str) -> String {
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words
        .first()
        .is_some_and(|w| w.eq_ignore_ascii_case("FROM"))
    {
        words.iter_mut().skip(1).for_each(|w| *w = image_name(w));
        // `AS name` is part of the text for the classic builder and Buildah, not for BuildKit.
        words.truncate(2);
    }
    words.join(" ")
}

/// An image reference without default host, default folder and digest.
pub fn image_name(reference: &str) -> String {
    let name = reference
        .split_once("@sha256:")
        .map_or(reference, |(name, _)| name);
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_bands() {
        let check = |samples: &[u64], expected: (u64, u64, u64)| {
            let e = Observations::new(samples.iter().copied())
                .estimate(Match::Step)
                .unwrap();
            assert_eq!((e.low_ms, e.median_ms, e.high_ms), expected);
        };
        check(&[1000], (700, 1000, 1400));
        check(&[1000, 3000], (1200, 2000, 2800));
        check(&[5, 1, 4, 2, 3], (1, 3, 4));
        assert!(Observations::default().estimate(Match::Step).is_none());
    }

    #[test]
    fn texts_are_matched_across_spellings() {
        assert_eq!(
            normalised("FROM docker.io/library/node:20@sha256:00ff"),
            "FROM node:20"
        );
        assert_eq!(normalised("FROM node:20 AS build"), "FROM node:20");
        assert_eq!(normalised("RUN  npm\tci"), "RUN npm ci");
        assert_eq!(image_name("docker.io/grafana/k6@sha256:0"), "grafana/k6");
    }

    #[test]
    fn profiles_merge() {
        let one = |ms| {
            let mut p = Profile {
                sources: vec![format!("{ms}.log")],
                ..Profile::default()
            };
            p.steps.insert(
                ("b".into(), "RUN x".into()),
                StepProfile {
                    runs: Observations::new([ms]),
                    lookups: 1,
                    ..Default::default()
                },
            );
            p
        };
        let mut p = one(10);
        p.merge(&one(30));
        assert_eq!(
            p.step(Some("b"), "RUN x").unwrap().0.runs.samples(),
            [10, 30]
        );
        assert_eq!(p.step(Some("c"), "RUN  x").unwrap().1, Match::Text);
        assert_eq!(p.steps.values().next().unwrap().lookups, 2);
        assert_eq!(p.sources, ["10.log", "30.log"]);
    }
}
